"""Trades back from Bollinger's bands, against the rule written out."""

from __future__ import annotations

import numpy as np
import pytest
from quantstrats_plugins.bollinger_reversion import BollingerReversion

from quantstrats.evaluation import details_of, evaluate


def by_hand(closes, window, entry, leave, hold):
    side, beyond, out = 0, 0, []
    for row in range(len(closes)):
        last = closes[max(0, row - window + 1) : row + 1]
        score = (closes[row] - last.mean()) / last.std() if row else 0.0
        if side * score >= -leave:
            side = 0
        if abs(score) > entry:
            side, beyond = -np.sign(score), row
        side = 0 if row - beyond >= hold else side
        out.append(side)
    return out


@pytest.mark.parametrize("fields", [{}, {"window": 50, "entry": 1.5, "leave": 0.5, "hold": 8}])
def test_it_trades_back_to_the_mean_from_outside_of_the_bands(nasdaq, fields):
    market, signal = nasdaq.rows(0, 1200), BollingerReversion(**fields)
    expected = by_hand(market.close["NASDAQ"].to_numpy(), signal.window, signal.entry, signal.leave, signal.hold)
    found = evaluate(signal, market)["NASDAQ"]
    assert found.isna().sum() == signal.warmup() - 1
    assert found.iloc[300:].tolist() == expected[300:]
    assert set(found.iloc[300:]) == {-1.0, 0.0, 1.0}


def test_the_price_chart_shows_the_bands_of_entry(nasdaq):
    market = nasdaq.rows(0, 100)
    overlays = details_of(BollingerReversion(entry=1.5), market).overlays
    last = market.close["NASDAQ"].to_numpy()[-20:]
    assert list(overlays) == ["upper band", "lower band"]
    assert overlays["upper band"]["NASDAQ"].iloc[-1] == pytest.approx(last.mean() + 1.5 * last.std(), rel=1e-12)
    assert overlays["lower band"]["NASDAQ"].iloc[-1] == pytest.approx(last.mean() - 1.5 * last.std(), rel=1e-12)


def test_prices_that_stand_still_are_no_opinion(market_of):
    assert evaluate(BollingerReversion(window=5, hold=3), market_of({"A": [7.0] * 20}))["A"].isna().all()


@pytest.mark.parametrize(
    ("fields", "line"),
    [
        ({"window": 1}, r"window \(1\) must be at least 2"),
        ({"hold": 0}, r"hold \(0\) at least 1"),
        ({"entry": 0.5, "leave": 0.5}, r"leave \(0\.5\) must be at least 0 and below entry \(0\.5\)"),
    ],
)
def test_parameters_that_make_no_sense_are_refused(fields, line):
    with pytest.raises(ValueError, match=line):
        BollingerReversion(**fields)

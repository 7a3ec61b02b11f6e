"""The channel around the Laguerre filter, against its rule written out."""

from __future__ import annotations

import numpy as np
import pytest
from quantstrats_plugins.laguerre_channel import LaguerreChannel

from quantstrats.evaluation import details_of, evaluate


def filtered(closes, gamma):
    """Return Ehlers' filter, all four states at the first close to begin with."""
    now, out = [closes[0]] * 4, []
    for close in closes:
        was = now
        now = [(1 - gamma) * close + gamma * was[0]]
        for stage in range(1, 4):
            now.append(-gamma * now[stage - 1] + was[stage - 1] + gamma * was[stage])
        out.append((now[0] + 2 * now[1] + 2 * now[2] + now[3]) / 6)
    return np.array(out)


def positions_by_hand(score, entry, leave, hold):
    side, beyond, out = 0, 0, []
    for row, value in enumerate(score):
        if side * value >= -leave:
            side = 0
        if abs(value) > entry:
            side, beyond = -np.sign(value), row
        side = 0 if row - beyond >= hold else side
        out.append(side)
    return out


@pytest.mark.parametrize("fields", [{}, {"gamma": 0.5, "window": 40, "entry": 1.5, "leave": 0.5, "hold": 5}])
def test_it_trades_back_to_the_filter_from_outside_of_the_channel(nasdaq, fields):
    market, signal = nasdaq.rows(0, 1500), LaguerreChannel(**fields)
    closes = market.close["NASDAQ"].to_numpy()
    distance = closes / filtered(closes.tolist(), signal.gamma) - 1
    squares = [(distance[max(0, row - signal.window + 1) : row + 1] ** 2).mean() for row in range(1500)]
    score = distance / np.sqrt(np.maximum(squares, 1e-30))
    expected = positions_by_hand(score, signal.entry, signal.leave, signal.hold)
    found = evaluate(signal, market)["NASDAQ"]
    assert found.isna().sum() == signal.warmup() - 1
    assert found.iloc[600:].tolist() == expected[600:]
    assert {-1.0, 0.0, 1.0} == set(found.iloc[600:])


def test_a_row_depends_on_the_filter_the_window_and_the_bars_that_a_position_is_held():
    apart = [
        LaguerreChannel(gamma=0.5, window=window, hold=hold).warmup() for window, hold in ((2, 1), (12, 1), (2, 8))
    ]
    assert [rows - apart[0] for rows in apart] == [0, 10, 7]


def test_the_price_chart_shows_the_channel(nasdaq):
    market = nasdaq.rows(0, 800)
    overlays = details_of(LaguerreChannel(gamma=0.5), market).overlays
    assert list(overlays) == ["Laguerre filter", "Laguerre upper", "Laguerre lower"]
    closes = market.close["NASDAQ"].to_numpy()
    line = filtered(closes.tolist(), 0.5)
    width = 2 * np.sqrt(((closes / line - 1)[-20:] ** 2).mean())
    ends = [overlay["NASDAQ"].iloc[-1] for overlay in overlays.values()]
    assert ends == pytest.approx([line[-1], line[-1] * (1 + width), line[-1] * (1 - width)], rel=1e-9)


def test_prices_that_stand_still_are_no_opinion(market_of):
    assert evaluate(LaguerreChannel(gamma=0.1, window=5, hold=3), market_of({"A": [7.0] * 60}))["A"].isna().all()


@pytest.mark.parametrize(
    ("fields", "line"),
    [
        ({"gamma": 1.0}, r"gamma \(1\.0\) must be from 0 to below 1"),
        ({"window": 1}, r"window \(1\) at least 2"),
        ({"hold": 0}, r"hold \(0\) at least 1"),
        ({"entry": 1.0, "leave": 1.0}, r"leave \(1\.0\) must be at least 0 and below entry \(1\.0\)"),
        ({"leave": -1.0}, r"leave \(-1\.0\) must be at least 0"),
    ],
)
def test_parameters_that_make_no_sense_are_refused(fields, line):
    with pytest.raises(ValueError, match=line):
        LaguerreChannel(**fields)

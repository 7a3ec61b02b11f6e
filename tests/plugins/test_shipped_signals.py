"""The signals that ship, against values worked out another way."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from quantstrats.config import build
from quantstrats.errors import ConfigError
from quantstrats.evaluation import details_of, evaluate

NAN = float("nan")


@pytest.fixture
def signal(installed):
    def make(name, **parameters):
        return build(installed.signal(name), parameters, f"signal {name!r}")

    return make


def forecast(signal, market, symbol):
    return evaluate(signal, market)[symbol].tolist()


def mean_of_last(closes, row, bars):
    """Average the bars that are there of the last ones, where nine in ten are."""
    last = [close for close in closes[max(row - bars + 1, 0) : row + 1] if not np.isnan(close)]
    return sum(last) / len(last) if len(last) >= round(0.9 * bars) else NAN


def test_sma_cross_is_the_ratio_of_two_means_row_by_row(nasdaq, signal):
    market = nasdaq.rows(0, 400)
    closes = market.close["NASDAQ"].tolist()
    expected = [
        mean_of_last(closes, row, 20) / mean_of_last(closes, row, 50) - 1 if row >= 49 else NAN for row in range(400)
    ]
    assert forecast(signal("sma_cross"), market, "NASDAQ") == pytest.approx(expected, rel=1e-9, abs=1e-12, nan_ok=True)


def test_sma_cross_on_three_bars_by_hand(market_of, signal):
    market = market_of({"A": [10, 12, 14, 10, 6]})
    # means of 2: 11, 13, 12, 8; means of 3: 12, 12, 10
    expected = [NAN, NAN, 13 / 12 - 1, 0, 8 / 10 - 1]
    assert forecast(signal("sma_cross", fast=2, slow=3), market, "A") == pytest.approx(expected, abs=1e-15, nan_ok=True)


def test_sma_cross_is_flat_at_a_tie(market_of, signal, installed):
    from quantstrats.portfolio.allocation import allocate

    # A sum of tenths that goes up and down leaves remainders of about 1e-16 where the truth is a tie.
    closes = [0.1, 0.2, 0.3, 0.7, *[0.1] * 12]
    tied = evaluate(signal("sma_cross", fast=2, slow=4), market_of({"A": closes})).iloc[8:]
    assert (tied.abs() < 1e-12).all(axis=None)
    for name in ("long_flat", "long_short", "proportional"):
        assert not allocate(installed.find("allocator", name).cls(), tied).any(axis=None)


def test_sma_cross_bears_one_missing_bar_in_ten(market_of, signal):
    closes = [float(close) for close in range(1, 26)]
    closes[14] = None
    market = market_of({"A": closes})
    found = forecast(signal("sma_cross", fast=10, slow=20), market, "A")
    values = market.close["A"].tolist()
    expected = [
        mean_of_last(values, row, 10) / mean_of_last(values, row, 20) - 1 if row >= 19 else NAN for row in range(25)
    ]
    assert found == pytest.approx(expected, rel=1e-12, nan_ok=True)
    assert not np.isnan(found[19:]).any()


def test_sma_cross_has_no_opinion_with_too_many_missing_bars(market_of, signal):
    closes = [float(close) for close in range(1, 26)]
    closes[15:17] = [None, None]
    found = forecast(signal("sma_cross", fast=10, slow=20), market_of({"A": closes}), "A")
    assert np.isnan(found).all()


def test_sma_cross_shows_its_averages(nasdaq, signal):
    details = details_of(signal("sma_cross", fast=3, slow=5), nasdaq.rows(0, 10))
    assert list(details.overlays) == ["SMA 3", "SMA 5"]
    closes = nasdaq.close["NASDAQ"].tolist()
    assert details.overlays["SMA 3"]["NASDAQ"].iloc[9] == pytest.approx(sum(closes[7:10]) / 3)


def test_momentum_by_hand(market_of, signal):
    market = market_of({"A": [10, 11, 12, 15, 9], "B": [10, None, 12, 15, 6]})
    found = signal("momentum", lookback=2)
    assert forecast(found, market, "A") == pytest.approx([NAN, NAN, 0.2, 15 / 11 - 1, -0.25], nan_ok=True)
    assert forecast(found, market, "B") == pytest.approx([NAN, NAN, 0.2, NAN, -0.5], nan_ok=True)


def test_momentum_leaves_out_the_last_bars(market_of, signal):
    market = market_of({"A": [10, 11, 12, 15, 9]})
    found = signal("momentum", lookback=3, skip=1)
    assert forecast(found, market, "A") == pytest.approx([NAN, NAN, NAN, 12 / 10 - 1, 15 / 11 - 1], nan_ok=True)


def test_buy_and_hold_wants_every_bar_that_is_there(market_of, signal):
    market = market_of({"A": [10, 11, 12], "B": [None, 11, 12], "C": [10, None, None]})
    found = evaluate(signal("buy_and_hold"), market)
    expected = pd.DataFrame({"A": [1.0, 1, 1], "B": [NAN, 1, 1], "C": [1, NAN, NAN]}, index=market.index)
    pd.testing.assert_frame_equal(found, expected, check_freq=False)


@pytest.mark.parametrize(
    ("name", "parameters", "rows"),
    [
        ("sma_cross", {}, 50),
        ("sma_cross", {"slow": 200}, 200),
        ("momentum", {"lookback": 21}, 22),
        ("buy_and_hold", {}, 1),
    ],
)
def test_warm_up_is_what_the_first_forecast_needs(nasdaq, signal, name, parameters, rows):
    made = signal(name, **parameters)
    assert made.warmup() == rows
    found = evaluate(made, nasdaq.rows(0, rows + 5))["NASDAQ"]
    assert found.isna().sum() == rows - 1


@pytest.mark.parametrize(
    ("name", "parameters", "message"),
    [
        ("sma_cross", {"fast": 50}, r"fast \(50\) must be at least 1 and below slow \(50\)"),
        ("sma_cross", {"fast": 0}, r"fast \(0\) must be at least 1"),
        ("momentum", {"skip": 126}, r"skip \(126\) must be at least 0 and below lookback \(126\)"),
        ("momentum", {"skip": -1}, r"skip \(-1\) must be at least 0"),
    ],
)
def test_parameters_that_make_no_sense_are_refused(signal, name, parameters, message):
    with pytest.raises(ConfigError, match=message):
        signal(name, **parameters)


@pytest.mark.parametrize(
    ("name", "parameters"), [("sma_cross", {}), ("momentum", {"lookback": 20}), ("buy_and_hold", {})]
)
def test_no_row_reads_a_later_one(nasdaq, signal, name, parameters):
    market, made = nasdaq.rows(0, 300), signal(name, **parameters)
    whole = evaluate(made, market)
    for stop in (60, 155, 299):
        pd.testing.assert_frame_equal(evaluate(made, market.rows(0, stop)), whole.iloc[:stop], rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize(
    ("name", "parameters"), [("sma_cross", {}), ("momentum", {"lookback": 20}), ("buy_and_hold", {})]
)
def test_prices_in_another_unit_change_nothing(nasdaq, signal, name, parameters):
    from quantstrats import Market

    market, made = nasdaq.rows(0, 300), signal(name, **parameters)
    cents = Market.from_frames(close=market.close * 100)
    pd.testing.assert_frame_equal(
        evaluate(made, cents), evaluate(made, market), rtol=1e-9, atol=1e-12, check_freq=False
    )

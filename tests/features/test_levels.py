"""Levels."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from quantstrats import Market, features
from quantstrats.errors import ConfigError
from quantstrats.features.levels_kernels import bars_since_highest
from quantstrats.market.calendar import Calendar

from .oracle import Oracle


def highest_before(bars):
    return pd.Series([max(bars.high.iloc[max(i - 20, 0) : i], default=np.nan) for i in range(len(bars))], bars.index)


def lowest_before(bars):
    return pd.Series([min(bars.low.iloc[max(i - 20, 0) : i], default=np.nan) for i in range(len(bars))], bars.index)


def zone(bars):
    codes = []
    for close, above, below in zip(bars.close, highest_before(bars), lowest_before(bars), strict=True):
        up, down = (above - close) / close, (close - below) / close
        if up < 0:
            code = 2
        elif down < 0:
            code = -2
        elif up <= 0.01 and up < down:
            code = 1
        elif down <= 0.01 and down < up:
            code = -1
        else:
            code = 0
        codes.append(code)
    return pd.Series(codes, bars.index, dtype=float)


def recency(closes, place):
    return closes.rolling(252).apply(lambda window: 1 - place(window[::-1]) / 251, raw=True)


def last_fractal(series, beats):
    """Return the last value that beats its four neighbours, its middle 2 to 60 bars ago."""
    found = []
    for now in range(len(series)):
        level = np.nan
        for middle in range(max(now - 60, 2), now - 1):
            near = [series[middle + step] for step in (-2, -1, 1, 2)]
            if all(beats(series[middle], other) for other in near):
                level = series[middle]
        found.append(level)
    return np.array(found)


ORACLES = [
    Oracle("support", "bar by bar", lowest_before, 0.0),
    Oracle("resistance", "bar by bar", highest_before, 0.0),
    Oracle("support_distance", "bar by bar", lambda bars: (bars.close - lowest_before(bars)) / bars.close),
    Oracle("resistance_distance", "bar by bar", lambda bars: (highest_before(bars) - bars.close) / bars.close),
    Oracle("break_zone", "bar by bar", zone, 0.0),
    Oracle("pivot_point", "pandas", lambda bars: bars[["high", "low", "close"]].mean(axis=1).shift()),
    Oracle("pivot_r1", "pandas", lambda bars: (2 * bars[["high", "low", "close"]].mean(axis=1) - bars.low).shift()),
    Oracle("pivot_s1", "pandas", lambda bars: (2 * bars[["high", "low", "close"]].mean(axis=1) - bars.high).shift()),
    Oracle("high_proximity", "pandas", lambda bars: bars.close / bars.high.rolling(252).max()),
    Oracle("new_high", "window by window", lambda bars: recency(bars.close, np.argmax)),
    Oracle("new_low", "window by window", lambda bars: recency(bars.close, np.argmin)),
    Oracle(
        "fractal_high",
        "bar by bar",
        lambda bars: pd.Series(last_fractal(bars.high.tolist(), lambda one, other: one > other), bars.index),
        0.0,
    ),
    Oracle(
        "fractal_low",
        "bar by bar",
        lambda bars: pd.Series(last_fractal(bars.low.tolist(), lambda one, other: one < other), bars.index),
        0.0,
    ),
]


def market_of(close, high=None, low=None):
    """Return one symbol's bars from lists; highs and lows are half above and below, unless given."""
    close = np.asarray(close, float)
    days = Calendar("XNYS").sessions(pd.Timestamp("2012-01-03"), pd.Timestamp("2021-12-31"))[: len(close)]
    high = close + 0.5 if high is None else np.asarray(high, float)
    low = close - 0.5 if low is None else np.asarray(low, float)
    fields = {"open": close, "high": high, "low": low, "close": close}
    return Market.from_frames(**{name: pd.DataFrame({"A": v}, index=days) for name, v in fields.items()})


def values(market, feature):
    return features.compute(market, [feature])[feature]["A"].to_numpy()


def test_a_close_can_be_above_resistance_and_below_support():
    # REQUIREMENTS 89: with the present bar in the window neither could ever be.
    market = market_of([10, 11, 10, 11, 10, 15, 5])
    assert values(market, "resistance(window=3)")[5] == 11.5
    assert values(market, "resistance_distance(window=3)")[5] == pytest.approx(-3.5 / 15)
    assert values(market, "break_zone(window=3)")[5] == 2.0
    assert values(market, "support(window=3)")[6] == 9.5
    assert values(market, "support_distance(window=3)")[6] == pytest.approx(-4.5 / 5)
    assert values(market, "break_zone(window=3)")[6] == -2.0


def test_break_zones_by_hand():
    # Resistance 110.5, support 89.5: from 109.4 on the close is within 1 % of the one, down from 90.4 of the other.
    zones = [
        values(market_of([110, 90, close]), "break_zone(window=2)")[2] for close in (111, 110.4, 109, 91, 90.2, 89)
    ]
    assert zones == [2, 1, 0, 0, -1, -2]


def test_near_is_up_to_its_edge():
    closes = [100 / 1.01, 99.0]
    assert [values(market_of([99.5, 50, c]), "break_zone(window=2)")[2] for c in closes] == [1.0, 0.0]


def test_a_close_in_the_middle_of_a_narrow_range_is_near_neither_end():
    market = market_of([100, 100, 100])
    assert values(market, "break_zone(window=2)")[2] == 0.0
    assert values(market_of([10.2, 10.2, 10.2], [10.3] * 3, [10.1] * 3), "break_zone(window=2)")[2] == 0.0
    assert values(market_of([100, 100, 100.1]), "break_zone(window=2)")[2] == 1.0


def test_pivot_points_are_of_the_bar_before():
    # High 110, low 100, close 108: pivot 106, first resistance 112, first support 102.
    market = market_of([108, 50], [110, 60], [100, 40])
    assert [values(market, name)[1] for name in ("pivot_point", "pivot_r1", "pivot_s1")] == pytest.approx(
        [106, 112, 102]
    )
    assert np.isnan(values(market, "pivot_point")[0])


def test_of_equal_highs_the_latest_counts_wherever_the_data_begin():
    closes = [9, 12, 10, 12, 10, 11, 10, 10]
    whole = values(market_of(closes), "new_high(window=5)")
    assert whole.tolist()[4:] == [0.75, 0.5, 0.25, 0.0]
    for begin in range(1, 4):
        later = values(market_of(closes[begin:]), "new_high(window=5)")
        np.testing.assert_array_equal(later[4:], whole[4 + begin :])


@given(st.lists(st.integers(1, 6), min_size=1, max_size=60), st.integers(1, 20))
def test_bars_since_the_highest_are_those_of_each_window(drawn, window):
    line = np.array(drawn, float)
    found = bars_since_highest(line[None], window)[0]
    for end in range(window - 1, len(line)):
        assert found[end] == np.argmax(line[end - window + 1 : end + 1][::-1])
    assert np.isnan(found[: window - 1]).all()


def test_a_fractal_is_known_two_bars_after_its_middle_and_as_long_as_the_window():
    market = market_of([*[10] * 6, 14, *[10] * 6])
    expected = [np.nan, 14.5, 14.5, 14.5, 14.5, np.nan]  # the middle is 1, 2, 3, 4, 5 and 6 bars ago
    np.testing.assert_array_equal(values(market, "fractal_high(window=5)")[7:], expected)
    assert features.find("fractal_high").bars(window=5) == 8


def test_a_plateau_is_no_fractal():
    assert np.isnan(values(market_of([10, 11, 14, 14, 11, 10, 10, 10, 10, 10]), "fractal_high(window=6)")).all()


@pytest.mark.parametrize("bars", [1, 2, 3, 4, 6])
def test_fractals_of_few_bars_are_missing(bars):
    market = market_of(np.arange(10.0, 10.0 + bars))
    for name in ("fractal_high(window=2)", "fractal_low(window=2)"):
        if bars >= 5:
            assert np.isnan(values(market, name)).all()
        else:
            with pytest.raises(Exception, match="needs 5 rows"):
                values(market, name)


def test_a_zone_wider_than_the_price_is_told():
    with pytest.raises(ConfigError, match="feature 'break_zone': near is 1; it must be at least 0 and below 1"):
        features.warmup(["break_zone(near=1)"])

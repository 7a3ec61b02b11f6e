"""Candles: against TA-Lib, the definitions bar by bar, and bars made by hand."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import talib
from ta.volume import AccDistIndexIndicator

from quantstrats import Market, features
from quantstrats.errors import ConfigError

from .oracle import Oracle, random_market
from .test_momentum import by_talib


def bar_by_bar(reach, of):
    """Return an oracle that calls a function of the last bars, oldest first, each with open, high, low and close."""

    def expected(bars):
        rows = list(bars.itertuples(index=False))
        values = [of(*rows[place - reach + 1 : place + 1]) for place in range(reach - 1, len(rows))]
        return pd.Series([np.nan] * (reach - 1) + [float(value) for value in values], index=bars.index)

    return expected


def white(bar):
    return bar.close > bar.open


def black(bar):
    return bar.close < bar.open


def in_body(price, bar):
    return min(bar.open, bar.close) <= price <= max(bar.open, bar.close)


def opposite(first, second):
    """Return 1 of black then white, -1 of white then black, else 0."""
    return (black(first) and white(second)) - (white(first) and black(second))


def harami(first, second):
    inside = in_body(second.open, first) and in_body(second.close, first)
    same = {first.open, first.close} == {second.open, second.close}
    return opposite(first, second) * (inside and not same)


def piercing(first, second):
    middle = (first.open + first.close) / 2
    if black(first) and white(second):
        return second.open < first.low and middle < second.close < first.open
    if white(first) and black(second):
        return -(second.open > first.high and middle > second.close > first.open)
    return 0


def star(first, second, third):
    if abs(second.close - second.open) > 0.3 * abs(first.close - first.open):
        return 0
    middle = (first.open + first.close) / 2
    if black(first) and white(third):
        return max(second.open, second.close) < first.close and third.close > middle
    if white(first) and black(third):
        return -(min(second.open, second.close) > first.close and third.close < middle)
    return 0


def soldiers(first, second, third):
    opens = in_body(second.open, first) and in_body(third.open, second)
    if white(first) and white(second) and white(third):
        return opens and first.close < second.close < third.close
    if black(first) and black(second) and black(third):
        return -(opens and first.close > second.close > third.close)
    return 0


def hammer(bar):
    size, top, bottom = abs(bar.close - bar.open), max(bar.open, bar.close), min(bar.open, bar.close)
    above, below, length = bar.high - top, bottom - bar.low, bar.high - bar.low
    return (below > 0 and below >= 2 * size and above <= length / 10) - (
        above > 0 and above >= 2 * size and below <= length / 10
    )


def gap(first, second):
    if second.low > first.high:
        return (second.low - first.high) / first.close
    if second.high < first.low:
        return (second.high - first.low) / first.close
    return 0


def location(bars):
    """Return the close location value out of ta's accumulation line of a volume of 1."""
    line = AccDistIndexIndicator(bars.high, bars.low, bars.close, bars.volume * 0 + 1.0).acc_dist_index()
    return line.diff()


ORACLES = [
    Oracle("body", "TA-Lib's BOP", lambda bars: by_talib(talib.BOP, "open", "high", "low", "close")(bars).abs()),
    Oracle(
        "upper_shadow",
        "bar by bar",
        bar_by_bar(1, lambda bar: (bar.high - max(bar.open, bar.close)) / (bar.high - bar.low)),
    ),
    Oracle(
        "lower_shadow",
        "bar by bar",
        bar_by_bar(1, lambda bar: (min(bar.open, bar.close) - bar.low) / (bar.high - bar.low)),
    ),
    Oracle("close_location_value", "ta 0.11", location),
    Oracle("bar_range", "bar by bar", bar_by_bar(1, lambda bar: bar.high / bar.close - bar.low / bar.close)),
    Oracle("gap", "bar by bar", bar_by_bar(2, gap)),
    Oracle("inside_bar", "bar by bar", bar_by_bar(2, lambda a, b: b.high < a.high and b.low > a.low)),
    Oracle("outside_bar", "bar by bar", bar_by_bar(2, lambda a, b: b.high > a.high and b.low < a.low)),
    Oracle(
        "narrow_range",
        "bar by bar",
        bar_by_bar(7, lambda *seven: min(range(7), key=lambda n: seven[n].high - seven[n].low) == 6),
    ),
    Oracle("doji", "TA-Lib", lambda bars: by_talib(talib.CDLDOJI, "open", "high", "low", "close")(bars) / 100),
    Oracle("hammer", "bar by bar", bar_by_bar(1, hammer)),
    # TA-Lib looks at pairs from the third bar on.
    Oracle(
        "engulfing",
        "TA-Lib",
        lambda bars: np.sign(by_talib(talib.CDLENGULFING, "open", "high", "low", "close")(bars)).iloc[2:],
    ),
    Oracle("harami", "bar by bar", bar_by_bar(2, harami)),
    Oracle("piercing", "bar by bar", bar_by_bar(2, piercing)),
    Oracle("star", "bar by bar", bar_by_bar(3, star)),
    Oracle("three_soldiers", "bar by bar", bar_by_bar(3, soldiers)),
]


def candles(*bars, before=0):
    """Return a market of one symbol with these bars, each open, high, low, close, after some of 100 to 104."""
    values = np.array([(101, 104, 100, 103)] * before + list(bars), dtype=float)
    days = random_market().index[: len(values)]
    fields = dict(zip(("open", "high", "low", "close"), values.T, strict=True))
    frames = {name: pd.DataFrame({"AAA": column}, index=days) for name, column in fields.items()}
    return Market.from_frames(**frames, volume=frames["close"] * 0 + 1)


def last(name, market):
    return features.compute(market, [name])[name]["AAA"].iloc[-1]


# Figures of Nison (1991) in numbers.
@pytest.mark.parametrize(
    ("name", "bars", "expected"),
    [
        ("engulfing", [(105, 106, 100, 101), (100, 108, 99, 107)], 1),
        ("engulfing", [(105, 106, 100, 101), (101, 108, 99, 105)], 0),  # the same body
        ("engulfing", [(101, 106, 100, 105), (106, 107, 98, 100)], -1),
        ("harami", [(110, 111, 99, 100), (103, 106, 102, 105)], 1),
        ("harami", [(100, 111, 99, 110), (106, 107, 102, 104)], -1),
        ("harami", [(100, 111, 99, 110), (104, 107, 102, 106)], 0),  # of one colour
        ("harami", [(100, 111, 99, 110), (110, 112, 98, 100)], 0),  # the same body
        ("harami", [(100, 111, 99, 110), (110, 112, 98, 104)], -1),  # one end the same
        ("piercing", [(110, 111, 99, 100), (98, 107, 97, 106)], 1),
        ("piercing", [(110, 111, 99, 100), (98, 107, 97, 104)], 0),  # not to the middle
        ("piercing", [(110, 111, 99, 100), (98, 113, 97, 112)], 0),  # beyond the body
        ("piercing", [(100, 111, 99, 110), (112, 113, 103, 104)], -1),
        ("star", [(110, 111, 99, 100), (97, 99, 96, 98), (99, 108, 98, 107)], 1),
        ("star", [(110, 111, 99, 100), (97, 102, 96, 101), (99, 108, 98, 107)], 0),  # no gap between the bodies
        ("star", [(100, 111, 99, 110), (112, 114, 111, 113), (111, 112, 101, 102)], -1),
        ("three_soldiers", [(100, 106, 99, 105), (102, 110, 101, 109), (107, 114, 106, 113)], 1),
        ("three_soldiers", [(100, 106, 99, 105), (106, 110, 105, 109), (107, 114, 106, 113)], 0),  # opens beyond
        ("three_soldiers", [(113, 114, 106, 107), (109, 110, 101, 102), (105, 106, 98, 99)], -1),
        ("hammer", [(108, 110, 100, 110)], 1),
        ("hammer", [(102, 110, 100, 100)], -1),
        ("hammer", [(103, 110, 100, 107)], 0),
        ("hammer", [(103, 110, 100, 107), (100, 100, 100, 100)], 0),
        ("inside_bar", [(101, 110, 99, 105), (102, 108, 100, 104)], 1),
        ("inside_bar", [(101, 110, 99, 105), (102, 110, 100, 104)], 0),
        ("outside_bar", [(101, 108, 100, 105), (102, 110, 99, 104)], 1),
        ("gap", [(95, 100, 94, 100), (104, 106, 103, 105)], 0.03),
        ("gap", [(104, 106, 103, 100), (95, 101, 94, 96)], -0.02),
        ("gap", [(95, 100, 94, 98), (100, 106, 100, 105)], 0),  # they touch
        ("body", [(102, 110, 100, 105)], 0.3),
        ("upper_shadow", [(102, 110, 100, 105)], 0.5),
        ("lower_shadow", [(102, 110, 100, 105)], 0.2),
        ("close_location_value", [(102, 110, 100, 105)], 0.0),
        ("close_location_value", [(102, 110, 100, 110)], 1.0),
        ("bar_range", [(102, 110, 100, 100)], 0.1),
    ],
)
def test_bars_made_by_hand(name, bars, expected):
    assert last(name, candles(*bars)) == pytest.approx(expected, abs=1e-12)


def test_the_range_of_a_narrow_bar_is_less_than_all_before_it():
    assert last("narrow_range", candles((101, 103, 100, 102), before=6)) == 1
    assert last("narrow_range", candles((101, 104, 100, 102), before=6)) == 0


def test_a_doji_is_small_beside_the_bars_before_it():
    # Their mean range is 4, a tenth of it 0.4.
    assert last("doji", candles((102, 104, 100, 102.39), before=10)) == 1
    assert last("doji", candles((102, 104, 100, 102.41), before=10)) == 0


@pytest.mark.parametrize(
    "name",
    ["doji", "hammer", "engulfing", "harami", "piercing", "star", "three_soldiers", "inside_bar", "narrow_range"],
)
def test_a_pattern_occurs_among_the_bars_that_it_is_compared_on(name):
    values = features.compute(random_market(), [name]).to_numpy()
    assert np.nanmax(values) == 1
    assert 0.3 < (values == 0).mean() < 1


@pytest.mark.parametrize("name", ["body", "upper_shadow", "lower_shadow", "close_location_value"])
def test_a_bar_without_a_range_has_no_shape(name):
    assert np.isnan(last(name, candles((100, 100, 100, 100), before=3)))


def test_sizes_must_be_above_zero():
    for name in ("doji(part=0.0)", "star(part=-1.0)", "hammer(rest=0.0)"):
        with pytest.raises(ConfigError, match="it must be above 0"):
            features.compute(random_market(), [name])

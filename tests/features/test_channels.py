"""Channels."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import talib
from ta.volatility import BollingerBands, DonchianChannel, KeltnerChannel

from quantstrats import Market, features
from quantstrats.errors import ConfigError
from quantstrats.market.calendar import Calendar

from .oracle import Oracle


def bollinger(bars, name):
    return getattr(BollingerBands(bars.close, 20, 2), f"bollinger_{name}")()


def keltner(bars, name):
    channel = KeltnerChannel(bars.high, bars.low, bars.close, 10, original_version=True)
    return getattr(channel, f"keltner_channel_{name}")()


def donchian(bars, name):
    return getattr(DonchianChannel(bars.high, bars.low, bars.close, 20), f"donchian_channel_{name}")()


def breakout(high, low):
    return high - low


def true_ranges(bars):
    ranges = [bars.high - bars.low, (bars.high - bars.close.shift()).abs(), (bars.low - bars.close.shift()).abs()]
    return pd.concat(ranges, axis=1).max(axis=1, skipna=False)


def chandelier(bars, side):
    average = talib.ATR(bars.high, bars.low, bars.close, 22)  # begun otherwise, which 286 bars later is forgotten
    return bars.high.rolling(22).max() - 3 * average if side == "long" else bars.low.rolling(22).min() + 3 * average


def squeezed(bars):
    upper, lower = bollinger(bars, "hband"), bollinger(bars, "lband")
    middle, half = bars.close.rolling(20).mean(), 1.5 * true_ranges(bars).rolling(20).mean()
    return ((upper < middle + half) & (lower > middle - half)).astype(float).where(half.notna())


def acceleration(bars, place):
    return pd.Series(talib.ACCBANDS(bars.high, bars.low, bars.close, 20)[place], bars.index)


ORACLES = [
    Oracle("bollinger_upper", "ta 0.11", lambda bars: bollinger(bars, "hband")),
    Oracle("bollinger_lower", "ta 0.11", lambda bars: bollinger(bars, "lband")),
    Oracle("bollinger_lower(deviations=2.5)", "TA-Lib", lambda bars: talib.BBANDS(bars.close, 20, 2.5, 2.5)[2]),
    Oracle("bollinger_width", "ta 0.11, / 100", lambda bars: bollinger(bars, "wband") / 100),
    Oracle("bollinger_percent", "ta 0.11", lambda bars: bollinger(bars, "pband")),
    Oracle(
        "bollinger_breakout",
        "ta 0.11, two columns",
        lambda bars: breakout(bollinger(bars, "hband_indicator"), bollinger(bars, "lband_indicator")),
    ),
    Oracle("keltner_middle", "ta 0.11", lambda bars: keltner(bars, "mband")),
    Oracle("keltner_upper", "ta 0.11", lambda bars: keltner(bars, "hband")),
    Oracle("keltner_lower", "ta 0.11", lambda bars: keltner(bars, "lband")),
    Oracle("keltner_width", "ta 0.11, / 100", lambda bars: keltner(bars, "wband") / 100),
    Oracle("keltner_percent", "ta 0.11", lambda bars: keltner(bars, "pband")),
    Oracle(
        "keltner_breakout",
        "ta 0.11, two columns",
        lambda bars: breakout(keltner(bars, "hband_indicator"), keltner(bars, "lband_indicator")),
    ),
    Oracle("donchian_upper", "ta 0.11", lambda bars: donchian(bars, "hband"), 0.0),
    Oracle("donchian_lower", "ta 0.11", lambda bars: donchian(bars, "lband"), 0.0),
    Oracle("donchian_middle", "ta 0.11", lambda bars: donchian(bars, "mband")),
    Oracle("donchian_width", "ta 0.11, / 100", lambda bars: donchian(bars, "wband") / 100),
    Oracle("donchian_percent", "ta 0.11", lambda bars: donchian(bars, "pband")),
    Oracle("chandelier_long", "TA-Lib's ATR, pandas", lambda bars: chandelier(bars, "long")),
    Oracle("chandelier_short", "TA-Lib's ATR, pandas", lambda bars: chandelier(bars, "short")),
    Oracle("squeeze", "ta 0.11, pandas", squeezed),
    Oracle("acceleration_upper", "TA-Lib", lambda bars: acceleration(bars, 0)),
    Oracle("acceleration_lower", "TA-Lib", lambda bars: acceleration(bars, 2)),
]


def market_of(close, high=None, low=None):
    """Return one symbol's bars from lists; without highs, they are closes alone."""
    days = Calendar("XNYS").sessions(pd.Timestamp("2012-01-03"), pd.Timestamp("2021-12-31"))[: len(close)]
    fields = {"close": close, "high": high, "low": low, "open": close if high is not None else None}
    frames = {k: pd.DataFrame({"A": np.asarray(v, float)}, index=days) for k, v in fields.items() if v is not None}
    return Market.from_frames(**frames)


def last(market, feature):
    return features.compute(market, [feature])[feature]["A"].iloc[-1]


def test_bollinger_bands_divide_by_n():
    # Of 2, 4, 4, 4, 5, 5, 7, 9 the mean is 5 and the standard deviation of the population 2.
    market = market_of([2, 4, 4, 4, 5, 5, 7, 9])
    assert last(market, "bollinger_upper(window=8)") == pytest.approx(9.0)
    assert last(market, "bollinger_lower(window=8)") == pytest.approx(1.0)
    assert last(market, "bollinger_width(window=8)") == pytest.approx(8 / 5)
    assert last(market, "bollinger_percent(window=8)") == pytest.approx(1.0)
    assert last(market, "bollinger_breakout(window=8, deviations=1.9)") == 1.0


@pytest.mark.parametrize("price", [0.44, 10.1, 1234.567])
def test_equal_closes_have_no_place_in_a_channel_and_break_out_of_none(price):
    bars = [price] * 60  # their mean may be off by a rounding, which is no deviation
    market = market_of(bars, bars, bars)
    # A close in the past, so that the market has ranges.
    market = market_of([price * 1.1, *bars], [price * 1.2, *bars], [price, *bars])
    for family in ("bollinger", "keltner"):
        assert np.isnan(last(market, f"{family}_percent"))
        assert last(market, f"{family}_breakout") == 0.0
        assert last(market, f"{family}_width") == 0.0
    assert np.isnan(last(market, "donchian_percent"))


def test_a_close_is_never_above_its_own_donchian_channel():
    market = market_of([*np.arange(10.0, 40.0)])
    assert last(market, "donchian_upper") == last(market, "sma(window=1)") == 39.0
    assert last(market, "donchian_percent") == 1.0


def test_a_squeeze_is_on_where_closes_vary_less_than_ranges():
    rng = np.random.default_rng(1)
    close = 100 + 0.01 * rng.standard_normal(60)
    assert last(market_of(close, close + 1, close - 1), "squeeze") == 1.0
    assert last(market_of(np.arange(100.0, 160.0)), "squeeze") == 0.0  # 2 x 5.8 against 1.5 x 1


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ("bollinger_upper(window=1)", "feature 'bollinger_upper': window is 1; it must be at least 2"),
        ("bollinger_width(deviations=0)", "feature 'bollinger_width': deviations is 0; it must be above 0"),
        ("keltner_lower(multiple=-1)", "feature 'keltner_lower': multiple is -1; it must be above 0"),
        ("squeeze(multiple=0)", "feature 'squeeze': multiple is 0; it must be above 0"),
        ("chandelier_long(multiple=0)", "feature 'chandelier_long': multiple is 0; it must be above 0"),
    ],
)
def test_a_channel_without_a_width_is_told(asked, words):
    with pytest.raises(ConfigError) as error:
        features.warmup([asked])
    assert str(error.value) == words

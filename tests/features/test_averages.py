"""Moving averages: against ta, TA-Lib, and the definitions written plainly."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
import talib
from ta.trend import EMAIndicator, SMAIndicator, WMAIndicator

from quantstrats import Market, features
from quantstrats.errors import ConfigError

from .oracle import Oracle, bars_of, random_market
from .restarts import begun_afresh

ADAPTIVE = {"blocks": 4, "before": 2}


def by_talib(function, **parameters):
    """Return an oracle of TA-Lib, of closes."""
    return lambda bars: pd.Series(function(bars.close.to_numpy(), **parameters), index=bars.index)


def linear(values, window):
    return values.rolling(window).apply(lambda part: np.average(part, weights=range(1, window + 1)), raw=True)


def hull(bars):
    return linear(2 * linear(bars.close, 8) - linear(bars.close, 16), 4)


def arnaud_legoux(part):
    peak, width = 0.85 * 8, 9 / 6
    weights = [math.exp(-((place - peak) ** 2) / (2 * width**2)) for place in range(9)]
    return sum(weight * price for weight, price in zip(weights, part, strict=True)) / sum(weights)


def adaptive(price, rates, start, end):
    """Return the average that starts with the price of one bar."""
    found = [price[start]]
    for place in range(start + 1, end):
        found.append(rates[place] * price[place] + (1 - rates[place]) * found[-1])
    return found


def kaufman_of_talib(bars, start, end, window=10):
    # Its first value is of the bar behind a window, begun with the close before.
    begin = start + 1 - window
    if begin < 0:
        return [np.nan] * (end - start)
    found = talib.KAMA(bars.close.to_numpy()[begin:end], timeperiod=window)
    return [bars.close.iloc[start], *found[window:]]


def variable_index(bars, start, end, window=12):
    change = bars.close.diff()
    up, down = (change.clip(lower=0).rolling(9).sum(), (-change).clip(lower=0).rolling(9).sum())
    rates = (2 / (window + 1) * ((up - down) / (up + down)).abs()).fillna(0).to_numpy()
    return adaptive(bars.close.to_numpy(), rates, start, end)


def fractal(bars, start, end, window=16):
    high, low, half = bars.high.to_numpy(), bars.low.to_numpy(), window // 2
    rates = np.zeros(len(bars))
    for last in range(window - 1, len(bars)):
        parts = [slice(last - half + 1, last + 1), slice(last - window + 1, last - half + 1)]
        parts.append(slice(last - window + 1, last + 1))
        n1, n2, n3 = ((high[part].max() - low[part].min()) / (part.stop - part.start) for part in parts)
        dimension = (math.log(n1 + n2) - math.log(n3)) / math.log(2)
        rates[last] = min(max(math.exp(-4.6 * (dimension - 1)), 0.01), 1.0)
    return adaptive(((bars.high + bars.low) / 2).to_numpy(), rates, start, end)


def long_market():
    return random_market(1800, seed=6)


ORACLES = [
    Oracle("sma", "pandas", lambda bars: bars.close.rolling(20).mean()),
    Oracle("sma(window=200)", "ta 0.11", lambda bars: SMAIndicator(bars.close, 200).sma_indicator()),
    Oracle("ema", "ta 0.11", lambda bars: EMAIndicator(bars.close, 20).ema_indicator()),
    Oracle("ema(window=26)", "TA-Lib", by_talib(talib.EMA, timeperiod=26)),
    Oracle("wma", "TA-Lib", by_talib(talib.WMA, timeperiod=20)),
    Oracle("wma(window=9)", "ta 0.11", lambda bars: WMAIndicator(bars.close, 9).wma()),
    Oracle("triangular", "TA-Lib", by_talib(talib.TRIMA, timeperiod=20)),
    Oracle("triangular(window=15)", "TA-Lib", by_talib(talib.TRIMA, timeperiod=15)),
    Oracle("dema", "TA-Lib", by_talib(talib.DEMA, timeperiod=20)),
    Oracle("tema", "TA-Lib", by_talib(talib.TEMA, timeperiod=20)),
    Oracle("t3", "TA-Lib", by_talib(talib.T3, timeperiod=5, vfactor=0.7)),
    Oracle("t3(window=8, volume_factor=0.4)", "TA-Lib", by_talib(talib.T3, timeperiod=8, vfactor=0.4)),
    Oracle("hull", "pandas", hull),
    Oracle("kama", "TA-Lib, begun afresh", begun_afresh(kaufman_of_talib, **ADAPTIVE)),
    Oracle("vidya", "by hand, bar by bar", begun_afresh(variable_index, **ADAPTIVE)),
    Oracle("frama", "by hand, bar by bar", begun_afresh(fractal, **ADAPTIVE)),
    # Slower ones run over more bars: 2 stretches of 8, 9 and 4 times 32 days hold the bars by which a start has faded.
    Oracle(
        "kama(window=50)",
        "TA-Lib, begun afresh",
        begun_afresh(lambda *path: kaufman_of_talib(*path, window=50), blocks=8, before=2),
        market=long_market,
    ),
    Oracle(
        "vidya(window=30)",
        "by hand, bar by bar",
        begun_afresh(lambda *path: variable_index(*path, window=30), blocks=9, before=2),
        market=long_market,
    ),
    Oracle(
        "frama(window=32)", "by hand, bar by bar", begun_afresh(lambda *path: fractal(*path, window=32), **ADAPTIVE)
    ),
    Oracle(
        "zero_lag_ema",
        "pandas",
        lambda bars: (2 * bars.close - bars.close.shift(9)).dropna().ewm(span=20, adjust=False).mean(),
    ),
    Oracle("alma", "by its definition", lambda bars: bars.close.rolling(9).apply(arnaud_legoux, raw=True)),
    Oracle(
        "vwma", "pandas", lambda bars: (bars.close * bars.volume).rolling(20).mean() / bars.volume.rolling(20).mean()
    ),
    Oracle("linear_regression_value", "TA-Lib", by_talib(talib.LINEARREG, timeperiod=20)),
    Oracle(
        "moving_average_distance",
        "TA-Lib",
        lambda bars: (bars.close - by_talib(talib.SMA, timeperiod=50)(bars)) / by_talib(talib.SMA, timeperiod=50)(bars),
    ),
    Oracle(
        "moving_average_ratio",
        "ta 0.11",
        lambda bars: SMAIndicator(bars.close, 50).sma_indicator() / SMAIndicator(bars.close, 200).sma_indicator() - 1,
    ),
]


def table(name, market):
    return features.compute(market, [name])[name]


def test_an_average_that_begins_afresh_is_all_but_the_endless_one():
    market = random_market()
    ours = table("kama", market)["AAA"].dropna()
    endless = pd.Series(talib.KAMA(market.close["AAA"].to_numpy(), timeperiod=10), index=market.index)[ours.index]
    off = (ours / endless - 1).abs()
    assert off.max() < 1e-4
    assert off.median() < 1e-7


@pytest.mark.parametrize(
    ("name", "endless"),
    [
        ("kama(window=30)", lambda bars: talib.KAMA(bars.close.to_numpy(), timeperiod=30)),
        ("kama(window=50)", lambda bars: talib.KAMA(bars.close.to_numpy(), timeperiod=50)),
        ("vidya(window=20)", lambda bars: variable_index(bars, 0, len(bars), window=20)),
        ("vidya(window=50)", lambda bars: variable_index(bars, 0, len(bars), window=50)),
    ],
)
def test_a_slow_average_that_begins_afresh_is_all_but_the_endless_one(name, endless):
    market = random_market(2500, seed=6).select(["AAA", "DDD"])
    ours = table(name, market)
    for symbol in market.symbols:
        off = (ours[symbol] / endless(bars_of(market, symbol)) - 1).abs().dropna()
        assert len(off) > 500
        assert off.max() < 1e-3
        assert off.median() < 1e-5


def test_an_average_that_never_forgets_is_refused():
    for name in ("kama(fast=5000, slow=6000)", "vidya(window=500000)"):
        with pytest.raises(
            ConfigError, match=r"an average that usually moves by .* never forgets within a million bars"
        ):
            features.warmup([name])


def test_the_adaptive_average_is_fast_in_a_trend_and_slow_without():
    # 2 / 3 squared and 2 / 31 squared, of the way to the close, by Kaufman.
    days = random_market().index
    trend = np.concatenate([np.full(800, 100.0), 100.0 + np.arange(1.0, 51.0)])
    swing = np.concatenate([np.full(800, 100.0), 100.0 + np.arange(50) % 2])
    for closes, part in ((trend, (2 / 3) ** 2), (swing, (2 / 31) ** 2)):
        frame = pd.DataFrame({"AAA": closes}, index=days[: len(closes)])
        market = market_of(frame)
        level = table("kama", market)["AAA"].to_numpy()
        # An efficiency ratio of 0 takes an even number of swings.
        for last in (840, 846):
            assert level[last] - level[last - 1] == pytest.approx(part * (closes[last] - level[last - 1]), rel=1e-9)


def market_of(close):
    return Market.from_frames(open=close, high=close, low=close, close=close, volume=close * 0 + 1)


def test_a_ramp_shows_how_far_each_average_lags():
    # On a line that rises by 1 a bar an average lies behind by its mean age: (n - 1) / 2 of n bars equally weighted,
    # (n - 1) / 3 of linear weights, and (n - 1) / 2 again of an exponential average.
    days = random_market(1800, seed=2).index
    line = pd.DataFrame({"AAA": 100.0 + np.arange(1000.0)}, index=days[:1000])
    market = market_of(line)
    lags = {
        "sma": 9.5,
        "wma": 19 / 3,
        "ema": 9.5,
        "triangular": 9.5,
        "dema": 0,
        "tema": 0,
        "linear_regression_value": 0,
    }
    lags |= {"zero_lag_ema": 0.5, "hull": (2 * 7 - 15) / 3 + 1, "moving_average_ratio": None}
    for name, behind in lags.items():
        last = table(name, market)["AAA"].iloc[-1]
        if behind is None:
            assert last > 0
        else:
            assert last == pytest.approx(1099.0 - behind, abs=1e-6)


def test_a_volume_weighted_average_of_no_volume_is_missing():
    market = random_market()
    volume = market.array("volume").copy()
    volume[100:120] = 0.0
    volume[300] = np.nan
    fields = {field: market.array(field) for field in ("open", "high", "low", "close")}
    values = table("vwma", market.with_values({**fields, "volume": volume}))["AAA"]
    assert np.flatnonzero(values.iloc[19:].isna()).tolist() == [100, *range(281, 301)]


@pytest.mark.parametrize(
    "name",
    [
        "hull(window=1)",
        "t3(volume_factor=1.5)",
        "kama(fast=30)",
        "vidya(window=0)",
        "frama(window=15)",
        "frama(window=2)",
        "alma(offset=2.0)",
        "alma(sigma=0.0)",
        "moving_average_ratio(fast=200)",
    ],
)
def test_parameters_that_make_no_sense_are_refused(name):
    with pytest.raises(ConfigError, match=r"it must be"):
        features.compute(random_market(), [name])

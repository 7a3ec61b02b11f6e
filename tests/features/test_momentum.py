"""Momentum oscillators: against ta, TA-Lib, and the definitions written plainly with pandas."""

from __future__ import annotations

import itertools
from decimal import Decimal

import numpy as np
import pandas as pd
import pytest
import talib
from ta import momentum as ta_momentum
from ta.trend import CCIIndicator

from quantstrats import Market, features
from quantstrats.errors import ConfigError
from quantstrats.features.momentum_kernels import rank_among_those_before

from .oracle import Oracle, random_market


def by_talib(function, *fields, **parameters):
    """Return an oracle of TA-Lib, of one symbol's series."""

    def expected(bars):
        return pd.Series(function(*(bars[field].to_numpy() for field in fields), **parameters), index=bars.index)

    return expected


def over_windows(window, statistic, bars_of=None):
    """Return an oracle that calls a function of a frame, the last bars of each row, one after the other."""

    def expected(bars):
        values = [np.nan] * (window - 1)
        values += [statistic(bars.iloc[last - window : last]) for last in range(window, len(bars) + 1)]
        return pd.Series(values, index=bars.index)

    return expected


def smoothed_twice(values, slow, fast):
    return values.ewm(span=slow, adjust=False).mean().ewm(span=fast, adjust=False).mean()


def stochastic_momentum(bars):
    high, low = bars.high.rolling(13).max(), bars.low.rolling(13).min()
    distance = smoothed_twice((bars.close - (high + low) / 2).dropna(), 25, 2)
    return 100 * distance / smoothed_twice(((high - low) / 2).dropna(), 25, 2)


def wilder_rsi(changes, window):
    up = changes.clip(lower=0).ewm(alpha=1 / window, adjust=False).mean()
    down = (-changes).clip(lower=0).ewm(alpha=1 / window, adjust=False).mean()
    return 100 - 100 / (1 + up / down)


def lengths_of_runs(close):
    """Return the streak of each bar by counting back from it."""
    signs = np.sign(close.diff()).to_numpy()
    found = [np.nan]
    for last in range(1, len(signs)):
        count = 0
        while signs[last] != 0 and last - count >= 1 and signs[last - count] == signs[last]:
            count += 1
        found.append(count * signs[last])
    return pd.Series(found, index=close.index)


def connors(bars):
    change = bars.close.pct_change()
    rank = change.rolling(101).apply(lambda part: 100 * (part[:-1] < part[-1]).mean(), raw=True)
    streaks = lengths_of_runs(bars.close)
    return (wilder_rsi(bars.close.diff().dropna(), 3) + wilder_rsi(streaks.diff().dropna(), 2) + rank) / 3


def fisher_by_hand(bars):
    price = (bars.high + bars.low) / 2
    x, y, found = 0.0, 0.0, {}
    for last in range(9, len(price)):
        part = price.iloc[last - 9 : last + 1]
        x = 0.33 * 2 * ((price.iloc[last] - part.min()) / (part.max() - part.min()) - 0.5) + 0.67 * x
        x = min(max(x, -0.999), 0.999)
        y = np.arctanh(x) + 0.5 * y
        found[price.index[last]] = y
    return pd.Series(found)


def kdj(bars):
    low, high = bars.low.rolling(9).min(), bars.high.rolling(9).max()
    k, d, found = 50.0, 50.0, {}
    for day, raw in (100 * (bars.close - low) / (high - low)).dropna().items():
        k = 2 / 3 * k + 1 / 3 * raw
        d = 2 / 3 * d + 1 / 3 * k
        found[day] = 3 * k - 2 * d
    return pd.Series(found)


def vigor(bars):
    def of_four(values):
        return (values + 2 * values.shift(1) + 2 * values.shift(2) + values.shift(3)) / 6

    return of_four(bars.close - bars.open).rolling(10).sum() / of_four(bars.high - bars.low).rolling(10).sum()


def coppock(bars):
    both = sum(100 * bars.close.pct_change(n) for n in (11, 14))
    return both.rolling(10).apply(lambda part: np.average(part, weights=range(1, 11)), raw=True)


def awesome(bars):
    return ta_momentum.AwesomeOscillatorIndicator(bars.high, bars.low).awesome_oscillator()


def chande(part):
    change = part.close.diff().dropna()
    up, down = change[change > 0].sum(), -change[change < 0].sum()
    return 100 * (up - down) / (up + down)


def power(part):
    return ((part.close - part.open) / (part.high - part.low)).mean()


ORACLES = [
    Oracle("rsi", "ta 0.11", lambda bars: ta_momentum.RSIIndicator(bars.close).rsi()),
    Oracle("rsi(window=7)", "TA-Lib", by_talib(talib.RSI, "close", timeperiod=7)),
    Oracle("stochastic_rsi", "ta 0.11", lambda bars: ta_momentum.StochRSIIndicator(bars.close).stochrsi()),
    Oracle("stochastic_rsi_k", "ta 0.11", lambda bars: ta_momentum.StochRSIIndicator(bars.close).stochrsi_k()),
    Oracle("stochastic_rsi_d", "ta 0.11", lambda bars: ta_momentum.StochRSIIndicator(bars.close).stochrsi_d()),
    Oracle(
        "stochastic_k",
        "ta 0.11",
        lambda bars: ta_momentum.StochasticOscillator(bars.high, bars.low, bars.close).stoch(),
    ),
    Oracle(
        "stochastic_d",
        "ta 0.11",
        lambda bars: ta_momentum.StochasticOscillator(bars.high, bars.low, bars.close).stoch_signal(),
    ),
    Oracle(
        "williams_r",
        "ta 0.11",
        lambda bars: ta_momentum.WilliamsRIndicator(bars.high, bars.low, bars.close).williams_r(),
    ),
    Oracle("williams_r(window=20)", "TA-Lib", by_talib(talib.WILLR, "high", "low", "close", timeperiod=20)),
    Oracle(
        "range_position(window=60)",
        "by its definition",
        over_windows(60, lambda part: np.interp(part.close.iloc[-1], [part.close.min(), part.close.max()], [0, 1])),
    ),
    Oracle("kdj_j", "by hand, bar by bar", kdj),
    Oracle("true_strength_index", "ta 0.11", lambda bars: ta_momentum.TSIIndicator(bars.close).tsi()),
    Oracle("stochastic_momentum_index", "pandas", stochastic_momentum),
    Oracle(
        "ultimate_oscillator",
        "ta 0.11",
        lambda bars: ta_momentum.UltimateOscillator(bars.high, bars.low, bars.close).ultimate_oscillator(),
    ),
    Oracle("ultimate_oscillator", "TA-Lib", by_talib(talib.ULTOSC, "high", "low", "close")),
    Oracle("awesome_oscillator", "ta 0.11", awesome),
    Oracle("accelerator_oscillator", "ta 0.11, pandas", lambda bars: awesome(bars) - awesome(bars).rolling(5).mean()),
    # TA-Lib's CMO takes Wilder's averages where Chande has sums.
    Oracle("cmo", "by its definition", over_windows(15, chande)),
    Oracle("cci", "ta 0.11", lambda bars: CCIIndicator(bars.high, bars.low, bars.close).cci()),
    Oracle("cci(window=14)", "TA-Lib", by_talib(talib.CCI, "high", "low", "close", timeperiod=14)),
    Oracle("connors_rsi", "pandas", connors),
    Oracle("fisher_transform", "by hand, bar by bar", fisher_by_hand),
    Oracle("relative_vigor_index", "pandas", vigor),
    Oracle(
        "relative_vigor_signal",
        "pandas",
        lambda bars: vigor(bars).rolling(4).apply(lambda part: np.average(part, weights=(1, 2, 2, 1)), raw=True),
    ),
    Oracle("balance_of_power(window=1)", "TA-Lib", by_talib(talib.BOP, "open", "high", "low", "close")),
    Oracle("balance_of_power", "by its definition", over_windows(14, power)),
    Oracle("coppock_curve", "pandas", coppock),
    Oracle("bull_power", "TA-Lib", lambda bars: bars.high - by_talib(talib.EMA, "close", timeperiod=13)(bars)),
    Oracle("bear_power", "TA-Lib", lambda bars: bars.low - by_talib(talib.EMA, "close", timeperiod=13)(bars)),
    Oracle("relative_momentum_index", "pandas", lambda bars: wilder_rsi(bars.close.diff(5).dropna(), 20)),
    # With a lag of one bar it is the RSI.
    Oracle("relative_momentum_index(window=14, lag=1)", "TA-Lib's RSI", by_talib(talib.RSI, "close", timeperiod=14)),
    Oracle(
        "psychological_line",
        "by its definition",
        over_windows(13, lambda part: 100 * sum(now > then for then, now in itertools.pairwise(part.close)) / 12),
    ),
    Oracle("streak", "by counting back", lambda bars: lengths_of_runs(bars.close)),
    Oracle("streak(window=3)", "by counting back", lambda bars: lengths_of_runs(bars.close).clip(-3, 3)),
]


def closes(*values, before=0):
    """Return a market of one symbol with these closes, after some bars that rise and fall."""
    rng = np.random.default_rng(1)
    history = np.exp(np.cumsum(0.01 * rng.standard_normal(before))) * values[0]
    series = np.concatenate([history, values]).astype(float)
    days = random_market(1800, seed=2).index[: len(series)]
    frame = pd.DataFrame(series, index=days, columns=["AAA"])
    return Market.from_frames(open=frame, high=frame, low=frame, close=frame, volume=frame * 0 + 1)


def last(name, market):
    return features.compute(market, [name])[name]["AAA"].iloc[-1]


def test_the_rsi_is_wilders_recursion_in_decimal_numbers():
    # He begins with plain means of the first 14 changes; long after, that weighs nothing.
    market = random_market()
    changes = [Decimal(x) for x in np.diff(market.close["AAA"].to_numpy())]
    up = sum(max(each, Decimal(0)) for each in changes[:14]) / 14
    down = sum(max(-each, Decimal(0)) for each in changes[:14]) / 14
    for each in changes[14:]:
        up = (up * 13 + max(each, Decimal(0))) / 14
        down = (down * 13 + max(-each, Decimal(0))) / 14
    assert last("rsi", market) == pytest.approx(float(100 - 100 / (1 + up / down)), rel=1e-9)


def test_closes_that_only_rise_are_the_top_of_their_scales():
    market = closes(*1.001 ** np.arange(500.0))
    for name, top in {
        "rsi": 100,
        "relative_momentum_index": 100,
        "cmo": 100,
        "true_strength_index": 100,
        "stochastic_k": 100,
        "williams_r": 0,
        "range_position": 1,
        "psychological_line": 100,
        "streak": 20,
        "ultimate_oscillator": 100,
    }.items():
        assert last(name, market) == pytest.approx(top, abs=1e-9), name


def test_a_run_longer_than_is_counted_keeps_the_connors_rsi_at_its_top():
    # Each return but a little larger than those before: rank 100, both strengths 100.
    market = closes(*np.exp(np.cumsum(1e-4 * 1.001 ** np.arange(500.0))))
    assert last("connors_rsi", market) == pytest.approx(100)


@pytest.mark.parametrize(
    "name", ["rsi", "relative_momentum_index", "true_strength_index", "stochastic_rsi", "connors_rsi"]
)
def test_closes_that_stood_still_for_all_its_bars_have_no_strength(name):
    # The ratio of two averages that both fade would stay what it was for ever.
    bars = features.find(name).bars()
    still = np.full(bars + 20, 100.0)
    assert np.isnan(last(name, closes(*still, before=600)))


@pytest.mark.parametrize("name", ["rsi", "true_strength_index", "stochastic_momentum_index", "connors_rsi"])
def test_long_after_closes_stood_still_a_value_is_the_same_with_and_without_what_was_before(name):
    bars = features.find(name).bars()
    moves = 100 * np.exp(np.cumsum(0.01 * np.random.default_rng(3).standard_normal(25)))
    whole = closes(*np.full(bars, 100.0), *moves, before=300)
    later = whole.rows(len(whole) - bars, len(whole)).alone()
    assert last(name, later) == pytest.approx(last(name, whole), rel=1e-9)


RECURSIVE = (
    "rsi",
    "stochastic_rsi_d",
    "kdj_j",
    "true_strength_index",
    "stochastic_momentum_index",
    "connors_rsi",
    "fisher_transform",
    "bull_power",
    "relative_momentum_index",
)


@pytest.mark.parametrize("name", RECURSIVE)
def test_a_value_of_just_its_bars_is_that_of_all(name):
    market, bars = random_market(), features.find(name).bars()
    whole = features.compute(market, [name]).to_numpy()
    for end in range(bars, len(market), 97):
        part = features.compute(market.rows(end - bars, end).alone(), [name]).to_numpy()
        np.testing.assert_allclose(part[-1], whole[end - 1], rtol=1e-7, atol=2e-8 * np.nanmax(np.abs(whole)))


@pytest.mark.parametrize("price", [10.1, 33.33, 0.7, 123.45])
def test_equal_prices_leave_no_rounding_in_the_cci(price):
    # Most prices have no exact sum: without care 1e-15 over 1e-15 is 66.7.
    cci = features.compute(closes(*np.full(60, price)), ["cci"])
    assert cci.isna().to_numpy().all()


def test_equal_prices_leave_no_rounding_in_the_stochastic_rsi():
    assert np.isfinite(last("rsi", closes(*np.full(40, 10.1), before=600)))
    assert np.isnan(last("stochastic_rsi", closes(*np.full(40, 10.1), before=600)))


def test_equal_returns_do_not_rank_above_each_other():
    got = rank_among_those_before(np.array([[np.nan, 1.0, 2.0, 2.0, 3.0, 2.0, np.nan]]), 4)
    np.testing.assert_array_equal(got, [[np.nan] * 5 + [25.0, np.nan]])


def test_a_stochastic_without_a_range_is_missing_and_its_j_line_goes_to_the_middle():
    market = closes(*np.full(200, 10.1), before=100)
    assert np.isnan(last("stochastic_k", market))
    assert np.isnan(last("williams_r", market))
    assert last("kdj_j", market) == pytest.approx(50.0)


def test_the_fisher_transform_is_bounded():
    # A rise for ever holds x at 0.999: y tends to atanh(0.999) / (1 - 0.5) = 7.6004.
    assert last("fisher_transform", closes(*1.01 ** np.arange(300.0))) == pytest.approx(2 * np.arctanh(0.999), rel=1e-9)


def test_equal_closes_end_a_streak():
    assert last("streak", closes(*np.arange(10.0, 40.0), 39.0, 39.0)) == 0
    assert last("streak", closes(*np.arange(10.0, 40.0), 38.5, 38.0)) == -2


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("rsi(window=0)", "window is 0; it must be at least 1"),
        ("awesome_oscillator(fast=34, slow=34)", "slow is 34; it must be at least 35"),
        ("ultimate_oscillator(middle=7)", "middle is 7; it must be at least 8"),
        ("stochastic_rsi_k(smoothing=0)", "smoothing is 0; it must be at least 1"),
        ("relative_momentum_index(lag=0)", "lag is 0; it must be at least 1"),
        ("coppock_curve(fast=14)", "slow is 14; it must be at least 15"),
    ],
)
def test_parameters_that_make_no_sense_are_refused(name, message):
    with pytest.raises(ConfigError, match=message):
        features.compute(random_market(), [name])

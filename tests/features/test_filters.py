"""Filters."""

from __future__ import annotations

import cmath
import math

import numpy as np
import pandas as pd
import pytest
import scipy.signal
from hypothesis import given
from hypothesis import strategies as st
from ta.volatility import AverageTrueRange

from quantstrats import Market, features
from quantstrats.errors import ConfigError
from quantstrats.features.filters_kernels import (
    adaptive_laguerre_bars,
    bars_of_filter,
    laguerre,
    laguerre_bars,
    recursive,
)
from quantstrats.market.calendar import Calendar

from .oracle import Oracle

RAMP = np.arange(1000.0, 2000.0)


def series(bars, values):
    return pd.Series(values, bars.index)


def by_window(bars, values, window, function):
    return series(bars, values).rolling(window).apply(function, raw=True)


def states(prices, gammas):
    """Return Ehlers' four states on each bar, as he writes them down."""
    found = [[prices[0]] * 4]
    for price, gamma in zip(prices, gammas, strict=True):
        old, new = found[-1], [0.0] * 4
        new[0] = (1 - gamma) * price + gamma * old[0]
        for k in (1, 2, 3):
            new[k] = -gamma * new[k - 1] + old[k - 1] + gamma * old[k]
        found.append(new)
    return np.array(found[1:])


def laguerre_of(bars, gammas):
    return series(bars, states(bars.close.to_numpy(), gammas) @ [1 / 6, 2 / 6, 2 / 6, 1 / 6])


def strength(bars):
    steps = -np.diff(states(bars.close.to_numpy(), [0.5] * len(bars)), axis=1)
    rises, falls = np.maximum(steps, 0).sum(axis=1), np.maximum(-steps, 0).sum(axis=1)
    return series(bars, rises) / series(bars, rises + falls)


def gammas(bars):
    # Wilder's average of ta begins with a mean of 14 bars, which 500 bars later weighs nothing.
    average = AverageTrueRange(bars.high, bars.low, bars.close, 14).average_true_range()
    gamma = 1 - (average / bars.close * 20).clip(0.1, 0.95)
    return gamma.where(np.arange(len(bars)) >= 500)


def adaptive(bars):
    known = gammas(bars).dropna()
    found = states(bars.close[known.index].to_numpy(), known.to_numpy()) @ [1 / 6, 2 / 6, 2 / 6, 1 / 6]
    return pd.Series(found, known.index)[-25:]  # after 375 bars more


def filtered(values, taps, poles):
    """Return what scipy filters, settled at the first value."""
    start = scipy.signal.lfilter_zi(taps, poles) * values[0]
    return scipy.signal.lfilter(taps, poles, values, zi=start)[0]


def super_smoothed(values, period=10):
    a1 = math.exp(-math.sqrt(2) * math.pi / period)
    b1 = 2 * a1 * math.cos(math.sqrt(2) * math.pi / period)
    c1 = 1 - b1 + a1 * a1
    return filtered(values, [c1 / 2, c1 / 2], [1, -b1, a1 * a1])


def high_passed(values, period=48):
    angle = math.sqrt(0.5) * 2 * math.pi / period
    alpha = (math.cos(angle) + math.sin(angle) - 1) / math.cos(angle)
    gain = (1 - alpha / 2) ** 2
    return filtered(values, [gain, -2 * gain, gain], [1, -2 * (1 - alpha), (1 - alpha) ** 2])


def cycle(bars):
    x = np.log(bars.close.to_numpy())
    smooth, out = x.copy(), np.zeros(len(x))
    for t in range(3, len(x)):
        smooth[t] = (x[t] + 2 * x[t - 1] + 2 * x[t - 2] + x[t - 3]) / 6
        curve = smooth[t] - 2 * smooth[t - 1] + smooth[t - 2]
        out[t] = (1 - 0.07 / 2) ** 2 * curve + 2 * 0.93 * out[t - 1] - 0.93**2 * out[t - 2]
    return series(bars, out)[600:]


def trendline(bars):
    x = bars.close.to_numpy()
    out = x.copy()
    for t in range(2, len(x)):
        out[t] = (0.07 - 0.07**2 / 4) * x[t] + 0.07**2 / 2 * x[t - 1] - (0.07 - 3 * 0.07**2 / 4) * x[t - 2]
        out[t] += 2 * 0.93 * out[t - 1] - 0.93**2 * out[t - 2]
    return series(bars, out)[600:]


def decycled(bars):
    x = bars.close.to_numpy()
    angle = math.radians(360 / 60)
    alpha = (math.cos(angle) + math.sin(angle) - 1) / math.cos(angle)
    out = [x[0]]
    for t in range(1, len(x)):
        out.append(alpha / 2 * (x[t] + x[t - 1]) + (1 - alpha) * out[-1])
    return series(bars, out)


def center(closes):
    weighted = sum((1 + age) * price for age, price in enumerate(closes[::-1]))
    return 5.5 - weighted / sum(closes)


def local_level(bars):
    # The filter itself, with its variances, of noise 1 and steps 0.05.
    level, variance, out = bars.close.iloc[0], 1.0, []
    for price in bars.close:
        variance += 0.05
        gain = variance / (variance + 1)
        level, variance = level + gain * (price - level), (1 - gain) * variance
        out.append(level)
    return series(bars, out)[300:]


def local_line(bars):
    # The filter of position and speed, whose speed is pushed off by 0.02 of the noise: its gains settle.
    step = np.array([[1.0, 1.0], [0.0, 1.0]])
    push = np.array([0.5, 1.0]) * 0.02
    logs = np.log(bars.close.to_numpy())
    state, spread, out = np.array([logs[0], 0.0]), np.eye(2), []
    for value in logs:
        state, spread = step @ state, step @ spread @ step.T + np.outer(push, push)
        gain = spread[:, 0] / (spread[0, 0] + 1)
        state, spread = state + gain * (value - state[0]), spread - np.outer(gain, spread[0])
        out.append(state[1])
    return series(bars, out)[600:]


def coefficients(values):
    n = len(values)
    return [abs(sum(v * cmath.exp(-2j * math.pi * k * s / n) for s, v in enumerate(values))) for k in range(n // 2 + 1)]


def dominant(values):
    line = np.polyval(np.polyfit(np.arange(64), values, 1), np.arange(64))
    return 64 / (1 + int(np.argmax(coefficients(values - line)[1:])))


def slow(values):
    power = np.abs(np.fft.fft(values - values.mean())) ** 2
    frequency = np.minimum(np.arange(64), 64 - np.arange(64))
    return power[frequency <= 4].sum() / power.sum()


def haar(level):
    def of(values):
        levels, rest = [], values - values.mean()
        while len(rest) > 1:
            levels.append(((rest[1::2] - rest[::2]) ** 2).sum() / 2)
            rest = (rest[1::2] + rest[::2]) / math.sqrt(2)
        return levels[level - 1] / sum(levels)

    return lambda bars: np.log(bars.close).diff().rolling(64).apply(of, raw=True)


def polynomial(window, degree, derivative):
    return lambda v: np.polyval(np.polyder(np.polyfit(np.arange(window) - window + 1.0, v, degree), derivative), 0.0)


def smoothed_at_the_end(bars):
    weights = scipy.signal.savgol_coeffs(21, 2, pos=20, use="dot")
    return bars.close.rolling(21).apply(lambda v: v @ weights, raw=True)


ORACLES = [
    Oracle("laguerre_filter", "Ehlers (2004), by hand", lambda bars: laguerre_of(bars, [0.5] * len(bars))),
    Oracle("laguerre_filter(gamma=0.8)", "Ehlers (2004), by hand", lambda bars: laguerre_of(bars, [0.8] * len(bars))),
    Oracle("laguerre_distance", "by hand", lambda bars: bars.close / laguerre_of(bars, [0.5] * len(bars)) - 1),
    Oracle("laguerre_rsi", "by hand", strength),
    Oracle("adaptive_gamma", "ta 0.11", gammas),
    Oracle("adaptive_laguerre", "ta 0.11, by hand", adaptive),
    Oracle("super_smoother", "scipy", lambda bars: series(bars, super_smoothed(bars.close.to_numpy()))),
    Oracle("high_pass", "scipy", lambda bars: series(bars, high_passed(np.log(bars.close.to_numpy())))),
    Oracle(
        "roofing_filter", "scipy", lambda bars: series(bars, super_smoothed(high_passed(np.log(bars.close.to_numpy()))))
    ),
    Oracle("decycler", "Ehlers (2013), by hand", decycled),
    Oracle("instantaneous_trendline", "Ehlers (2004), by hand", trendline),
    Oracle("cyber_cycle", "Ehlers (2004), by hand", cycle),
    Oracle("center_of_gravity", "by hand", lambda bars: bars.close.rolling(10).apply(center, raw=True)),
    Oracle("kalman_level", "Kalman filter, by hand", local_level),
    Oracle("kalman_slope", "Kalman filter, by hand", local_line),
    Oracle("savitzky_golay", "scipy", smoothed_at_the_end),
    Oracle(
        "savitzky_golay_slope",
        "numpy",
        lambda bars: by_window(bars, np.log(bars.close), 21, polynomial(21, 2, 1)),
        1e-8,
    ),
    Oracle(
        "savitzky_golay(window=31, degree=4)",
        "numpy",
        lambda bars: by_window(bars, bars.close, 31, polynomial(31, 4, 0)),
    ),
    Oracle("fourier_period", "by hand", lambda bars: by_window(bars, np.log(bars.close), 64, dominant)[-80:]),
    Oracle("fourier_trend_share", "numpy", lambda bars: np.log(bars.close).diff().rolling(64).apply(slow, raw=True)),
    *(Oracle(f"haar_wavelet_energy(level={level})", "by hand", haar(level)) for level in (1, 2, 4, 6)),
]


def market_of(*closes, spread=0.0):
    closes = np.array(closes, dtype=float).T
    days = Calendar("XNYS").sessions(pd.Timestamp("2012-01-03"), pd.Timestamp("2024-12-31"))[: len(closes)]
    close = pd.DataFrame(closes, index=days, columns=[f"S{n}" for n in range(closes.shape[1])])
    if not spread:
        return Market.from_frames(close=close)
    return Market.from_frames(open=close, high=close * (1 + spread), low=close * (1 - spread), close=close)


def last(name, *closes, **others):
    return features.compute(market_of(*closes, **others), [name])[name].to_numpy()[-1]


def test_at_gamma_zero_the_laguerre_filter_is_the_mean_of_four_closes_with_weights_1_2_2_1():
    # A filter that takes the states it has just updated for those of the bar before returns the close itself.
    closes = np.random.default_rng(3).uniform(50, 60, 40)
    expected = (closes[-1] + 2 * closes[-2] + 2 * closes[-3] + closes[-4]) / 6
    assert last("laguerre_filter(gamma=0.0)", closes)[0] == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize(("gamma", "lag"), [(0.2, 2.5), (0.5, 5.5), (0.8, 17.5)])
def test_the_laguerre_filter_lags_a_ramp_as_far_as_is_known(gamma, lag):
    assert RAMP[-1] - last(f"laguerre_filter(gamma={gamma})", RAMP)[0] == pytest.approx(lag, abs=1e-6)


@pytest.mark.parametrize("gamma", [0.0, 0.5, 0.9])
def test_the_laguerre_filter_begins_at_the_first_close_and_stays_there(gamma):
    # States that begin at zero would give 21.9 of 100 on the first bar.
    np.testing.assert_allclose(laguerre(np.full((1, 50), 100.0), gamma), 100.0, rtol=1e-14)


def test_high_volatility_makes_gamma_small_and_keeps_it_within_its_bounds():
    flat = np.full(400, 100.0)
    found = [last("adaptive_gamma", flat, spread=spread)[0] for spread in (1e-5, 0.01, 0.02, 0.1)]
    np.testing.assert_allclose(found, [0.9, 0.6, 0.2, 0.05], rtol=1e-9)


def test_the_adaptive_filter_is_quicker_where_volatility_is_high():
    # A step by a tenth, ten bars ago.
    closes = np.concatenate([np.full(990, 100.0), np.full(10, 110.0)])
    quiet, wild = (last("adaptive_laguerre", closes, spread=spread)[0] for spread in (0.001, 0.02))
    assert 100 < quiet < wild
    assert wild > 109


def test_the_laguerre_rsi_is_one_on_a_rise_zero_on_a_fall_and_missing_where_nothing_moves():
    assert last("laguerre_rsi", RAMP[:200], RAMP[:200][::-1]).tolist() == [1.0, 0.0]
    assert np.isnan(last("laguerre_rsi", np.full(200, 7.0))[0])
    moved = np.concatenate([RAMP[:200], np.full(45, 1199.0)])
    assert np.isnan(last("laguerre_rsi", moved)[0])


@pytest.mark.parametrize("name", ["super_smoother", "decycler", "instantaneous_trendline", "kalman_level"])
def test_a_smoother_leaves_a_price_that_stands_still_where_it_is(name):
    assert last(name, np.full(600, 42.0))[0] == pytest.approx(42.0, rel=1e-12)


@pytest.mark.parametrize("name", ["high_pass", "roofing_filter", "cyber_cycle", "kalman_slope"])
def test_a_filter_of_cycles_takes_a_level_away(name):
    assert last(name, np.full(600, 42.0))[0] == pytest.approx(0.0, abs=1e-12)


def test_the_super_smoother_lets_about_half_of_the_power_pass_at_its_period():
    wave = 100 + np.sin(2 * np.pi * np.arange(600) / 20)
    smoothed = features.compute(market_of(wave), ["super_smoother(window=20)"]).to_numpy()[-200:, 0] - 100
    assert 2 * np.mean(smoothed**2) == pytest.approx(0.5, abs=0.03)


def test_the_slope_of_a_steady_growth_is_its_rate():
    growth = np.exp(0.003 * np.arange(600))
    for name in ("kalman_slope", "savitzky_golay_slope"):
        assert last(name, growth)[0] == pytest.approx(0.003, rel=1e-6)


@pytest.mark.parametrize("period", [32.0, 16.0, 64 / 5, 4.0])
def test_the_dominant_period_of_a_wave_on_a_trend_is_its_own(period):
    steps = np.arange(200)
    wave = np.exp(4 + 0.004 * steps + 0.05 * np.sin(2 * np.pi * steps / period))
    assert last("fourier_period", wave)[0] == pytest.approx(period)


def test_a_price_without_a_cycle_has_no_dominant_period():
    assert np.isnan(last("fourier_period", np.full(100, 5.0), np.exp(0.01 * np.arange(100.0)))).all()


def test_slow_moves_have_the_share_that_noise_and_waves_say():
    steps = np.arange(1000)
    noise = np.exp(0.01 * np.cumsum(np.random.default_rng(2).standard_normal(1000)))
    slow_wave, fast_wave = (np.exp(0.1 * np.sin(2 * np.pi * steps / period)) for period in (32, 4))
    table = features.compute(market_of(noise, slow_wave, fast_wave), ["fourier_trend_share"]).mean().to_numpy()
    np.testing.assert_allclose(table, [2 / 16, 1.0, 0.0], atol=0.03)


def test_the_levels_of_a_haar_wavelet_add_up_to_one_and_those_of_noise_halve():
    noise = np.exp(0.01 * np.cumsum(np.random.default_rng(4).standard_normal((40, 600)), axis=1))
    names = [f"haar_wavelet_energy(level={level})" for level in range(1, 7)]
    table = features.compute(market_of(*noise), names)
    np.testing.assert_allclose(sum(table[name] for name in names).dropna(), 1.0, rtol=1e-9)
    np.testing.assert_allclose([table[name].mean(axis=None) for name in names[:3]], [0.5, 0.25, 0.125], rtol=0.05)


@pytest.mark.parametrize(
    ("taps", "feedback"),
    [
        ((0.2,), (0.8,)),
        ((0.1, -0.1), (1.7, -0.8)),
        ((1.0, -2.0, 1.0), (1.86, -0.8649)),
        ((0.5, 0.5), (1.2, -0.4, 0.05)),
    ],
)
def test_after_the_bars_of_a_filter_another_past_weighs_nothing_and_before_it_does(taps, feedback):
    bars = bars_of_filter(taps, feedback)
    rest = np.random.default_rng(1).standard_normal(bars + 50)
    worst = 0.0
    for past in np.eye(len(taps) + len(feedback)):  # one bar of another past at a time
        one, other = (np.concatenate([np.zeros(300), each, rest])[None] for each in (past, 0 * past))
        off = np.abs(recursive(one, taps, feedback) - recursive(other, taps, feedback))[0, 300 + len(past) :]
        assert off[bars - 1 :].max() < 1e-8
        worst = max(worst, off[bars // 2])
    assert worst > 1e-8


@given(st.lists(st.floats(0.05, 0.9), min_size=1, max_size=8), st.integers(0, 2**32 - 1))
def test_an_adaptive_filter_forgets_whatever_gamma_does(kinds, seed):
    bars = adaptive_laguerre_bars(0.05, 0.9)
    rng = np.random.default_rng(seed)
    gammas = rng.choice(kinds, (1, 200 + bars))
    prices = rng.uniform(0, 1, (1, 200 + bars))
    other = prices.copy()
    other[0, :200] = rng.uniform(0, 1, 200)
    assert abs(laguerre(prices, gammas) - laguerre(other, gammas))[0, -1] < 1e-8


def test_the_bars_of_a_laguerre_filter_grow_with_gamma():
    found = [laguerre_bars(gamma) for gamma in (0.0, 0.5, 0.9)]
    assert found[0] == 4
    assert found == sorted(found)
    assert adaptive_laguerre_bars(0.05, 0.9) >= found[-1]


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("laguerre_filter(gamma=1.0)", "gamma is 1; it must be at least 0 and at most 0.99"),
        ("adaptive_gamma(multiple=0.0)", "multiple is 0; it must be above 0"),
        ("super_smoother(window=2)", "window is 2; it must be at least 3"),
        ("high_pass(window=4)", "window is 4; it must be at least 5"),
        ("roofing_filter(slow=10)", "slow is 10; it must be at least 11"),
        ("cyber_cycle(alpha=1.0)", "alpha is 1; it must be at least 0.01 and below 1"),
        ("kalman_level(signal_to_noise=0.0)", "signal_to_noise is 0; it must be above 0"),
        ("kalman_slope(tracking_index=-1.0)", "tracking_index is -1; it must be above 0"),
        ("savitzky_golay(window=3, degree=3)", "window is 3; it must be at least 4"),
        ("savitzky_golay(degree=9)", "degree is 9; it must be at most 8"),
        ("savitzky_golay_slope(degree=0)", "degree is 0; it must be at least 1"),
        ("fourier_trend_share(period=40)", "window is 64; it must be at least 80"),
        ("haar_wavelet_energy(window=60)", "window is 60; it must be a power of 2 and at least 2"),
        ("haar_wavelet_energy(window=4, level=3)", "window is 4; it must be a power of 2 and at least"),
    ],
)
def test_parameters_that_make_no_sense_are_refused(name, message):
    with pytest.raises(ConfigError, match=message):
        features.warmup([name])

"""Filters of the close: smoothers, what they take away, and the cycles of a window.

Filters of prices take the close. Those that take the level away take its logarithm, so that their values are parts of
the price and the same for cheap and dear symbols. None sees a later bar, so all of them lag; how far is said where the
source tells it.
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from quantstrats.features.bars import lag as before
from quantstrats.features.bars import ratio
from quantstrats.features.decay import bars_until_faded, whole, wilder_bars
from quantstrats.features.definition import feature
from quantstrats.features.filters_kernels import (
    adaptive_laguerre_bars,
    bars_of_filter,
    dominant_period,
    laguerre,
    laguerre_bars,
    laguerre_strength,
    low_power,
    recursive,
)
from quantstrats.features.kernels import ema, rolling_sum, rolling_variance, weighted_sum
from quantstrats.features.volatility import natr

if TYPE_CHECKING:
    from quantstrats.features.bars import Array, Bars

    Filter = tuple[tuple[float, ...], tuple[float, ...]]  # weights of the inputs, and of the outputs before

_CYBERNETIC = "Ehlers (2004), Cybernetic Analysis for Stocks and Futures"
_CYCLES = "Ehlers (2013), Cycle Analytics for Traders"
_WARP = "Ehlers (2004), Time Warp - Without Space Travel"

# Above 0.9 the Laguerre filter lags by 38 bars and more, and at 1 it stands still; below 0.05 it hardly smooths.
_LEAST_GAMMA, _MOST_GAMMA = 0.05, 0.9


def _logs(bars: Bars) -> Array:
    return bars.once("log close", lambda: np.log(bars.close))


def _above(least: float, **values: float) -> None:
    for name, value in values.items():
        if not value > least:
            raise ValueError(f"{name} is {value:g}; it must be above {least:g}")


@feature(source=f"{_WARP}, Stocks & Commodities; 4 states", bars=laguerre_bars, scale="price")
def laguerre_filter(bars: Bars, gamma: float = 0.5) -> Array:
    """Laguerre filter: (L0 + 2 L1 + 2 L2 + L3) / 6 of four states, each delayed by an all-pass of ``gamma``.

    L0 = (1 - gamma) close + gamma L0', L1 = -gamma L0 + L0' + gamma L1', and so on, with ' the bar before. It lags
    a steady rise by gamma / (1 - gamma) + 1.5 (1 + gamma) / (1 - gamma) bars: 5.5 at 0.5. At gamma 0 it is the mean
    of four closes with weights 1, 2, 2, 1. It begins at the first close.
    """
    return laguerre(bars.close, gamma)


@feature(source=f"{_WARP}, the close beside it", bars=laguerre_bars)
def laguerre_distance(bars: Bars, gamma: float = 0.5) -> Array:
    """Distance to the Laguerre filter: close / filter - 1."""
    return bars.close / bars.of(laguerre_filter, gamma=gamma) - 1.0


@feature(source=f"{_WARP}, Laguerre RSI", bars=lambda gamma: 2 * laguerre_bars(gamma) + 1)
def laguerre_rsi(bars: Bars, gamma: float = 0.5) -> Array:
    """Laguerre RSI: rises / (rises + falls) from each of the four Laguerre states to the next, 0 to 1.

    1 where all states rise towards the present, 0 where all fall. Missing where the close did not change for as
    long as the filter remembers.
    """
    return laguerre_strength(bars.close, gamma)


def _adaptive_gamma_bars(window: int, multiple: float) -> int:
    _above(0.0, multiple=multiple)
    return wilder_bars(window) + 1


@feature(source="gamma from volatility, after " + _WARP, bars=_adaptive_gamma_bars)
def adaptive_gamma(bars: Bars, window: int = 14, multiple: float = 20.0) -> Array:
    """Adaptive gamma: 1 - ``multiple`` x average true range / close, kept within 0.05 and 0.9.

    High volatility makes it small, and the Laguerre filter quick: at a true range of 2 % it is 0.6. Near 1 the
    filter would stand still.
    """
    return np.clip(1.0 - multiple * 0.01 * bars.of(natr, window=window), _LEAST_GAMMA, _MOST_GAMMA)


@feature(
    source=f"{_WARP}, with a gamma from volatility",
    bars=lambda window, multiple: (
        _adaptive_gamma_bars(window, multiple) + adaptive_laguerre_bars(_LEAST_GAMMA, _MOST_GAMMA)
    ),
    scale="price",
)
def adaptive_laguerre(bars: Bars, window: int = 14, multiple: float = 20.0) -> Array:
    """Adaptive Laguerre filter: the filter whose gamma on each bar is ``adaptive_gamma``."""
    return laguerre(bars.close, bars.of(adaptive_gamma, window=window, multiple=multiple))


@lru_cache(maxsize=64)
def _super_smoother(window: int) -> Filter:
    angle = math.sqrt(2.0) * math.pi / whole(window, 3)
    size = math.exp(-angle)
    one, two = 2.0 * size * math.cos(angle), -size * size
    half = (1.0 - one - two) / 2.0
    return (half, half), (one, two)


@feature(
    source=f"{_CYCLES}, ch. 3, eq. 3-3", bars=lambda window: bars_of_filter(*_super_smoother(window)), scale="price"
)
def super_smoother(bars: Bars, window: int = 10) -> Array:
    """Super smoother: a filter of two poles that lets periods longer than ``window`` bars pass.

    Of the mean of the last two closes; at a period of ``window`` bars about half of the power passes.
    """
    return recursive(bars.close, *_super_smoother(window))


@lru_cache(maxsize=64)
def _high_pass(window: int) -> Filter:
    # At the cutoff, 0.707 of a turn in ``window`` bars.
    angle = 2.0 * math.pi * math.sqrt(0.5) / whole(window, 5)
    alpha = (math.cos(angle) + math.sin(angle) - 1.0) / math.cos(angle)
    gain = (1.0 - alpha / 2.0) ** 2
    return (gain, -2.0 * gain, gain), (2.0 * (1.0 - alpha), -((1.0 - alpha) ** 2))


@feature(source=f"{_CYCLES}, ch. 7", bars=lambda window: bars_of_filter(*_high_pass(window)))
def high_pass(bars: Bars, window: int = 48) -> Array:
    """High-pass filter of the log close: two poles, takes periods longer than ``window`` bars away.

    A part of the price, about 0.
    """
    return recursive(_logs(bars), *_high_pass(window))


@lru_cache(maxsize=64)
def _roofing(slow: int, fast: int) -> Filter:
    high, smooth = _high_pass(whole(slow, fast + 1, "slow")), _super_smoother(whole(fast, 3, "fast"))
    taps = np.convolve(high[0], smooth[0])
    poles = np.convolve([1.0, *(-each for each in high[1])], [1.0, *(-each for each in smooth[1])])
    return tuple(taps.tolist()), tuple((-poles[1:]).tolist())


@feature(source=f"{_CYCLES}, ch. 7", bars=lambda slow, fast: bars_of_filter(*_roofing(slow, fast)))
def roofing_filter(bars: Bars, slow: int = 48, fast: int = 10) -> Array:
    """Roofing filter of the log close: what is left of periods between ``fast`` and ``slow`` bars.

    The high-pass filter of ``slow`` bars, then the super smoother of ``fast``. A part of the price, about 0.
    """
    return recursive(_logs(bars), *_roofing(slow, fast))


@lru_cache(maxsize=64)
def _decycler(window: int) -> Filter:
    angle = 2.0 * math.pi / whole(window, 5)
    alpha = (math.cos(angle) + math.sin(angle) - 1.0) / math.cos(angle)
    return (alpha / 2.0, alpha / 2.0), (1.0 - alpha,)


@feature(
    source=f"{_CYCLES}, ch. 4",
    bars=lambda window: bars_of_filter(*_decycler(window)),
    scale="price",
)
def decycler(bars: Bars, window: int = 60) -> Array:
    """Decycler: the close without what a high-pass filter of one pole and ``window`` bars lets pass."""
    return recursive(bars.close, *_decycler(window))


def _smoothing_factor(alpha: float) -> float:
    if not 0.01 <= alpha < 1.0:
        raise ValueError(f"alpha is {alpha:g}; it must be at least 0.01 and below 1")
    return alpha


@lru_cache(maxsize=64)
def _trendline(alpha: float) -> Filter:
    square = _smoothing_factor(alpha) ** 2
    return (alpha - square / 4.0, square / 2.0, -(alpha - 0.75 * square)), (2.0 * (1.0 - alpha), -((1.0 - alpha) ** 2))


@feature(source=f"{_CYBERNETIC}, ch. 3, eq. 3.1", bars=lambda alpha: bars_of_filter(*_trendline(alpha)), scale="price")
def instantaneous_trendline(bars: Bars, alpha: float = 0.07) -> Array:
    """Instantaneous trendline: the close without what a high-pass filter of two poles lets pass.

    ``alpha`` is about 2 / (period + 1).
    """
    return recursive(bars.close, *_trendline(alpha))


@lru_cache(maxsize=64)
def _cyber_cycle(alpha: float) -> Filter:
    gain = (1.0 - _smoothing_factor(alpha) / 2.0) ** 2
    taps = np.convolve(np.array([1.0, 2.0, 2.0, 1.0]) / 6.0, [gain, -2.0 * gain, gain])
    return tuple(taps.tolist()), (2.0 * (1.0 - alpha), -((1.0 - alpha) ** 2))


@feature(source=f"{_CYBERNETIC}, ch. 4", bars=lambda alpha: bars_of_filter(*_cyber_cycle(alpha)))
def cyber_cycle(bars: Bars, alpha: float = 0.07) -> Array:
    """Cyber cycle: a high-pass filter of two poles, of log closes averaged with weights 1, 2, 2, 1.

    A part of the price, about 0.
    """
    return recursive(_logs(bars), *_cyber_cycle(alpha))


@feature(source=f"{_CYBERNETIC}, ch. 5", bars=lambda window: whole(window, 2))
def center_of_gravity(bars: Bars, window: int = 10) -> Array:
    """Centre of gravity, in bars: (window + 1) / 2 - mean age of bars, weighted by their closes.

    The present one's age is 1; above 0 where the later closes are higher.
    """
    ages = np.arange(1.0, window + 1.0)
    return (window + 1.0) / 2.0 - weighted_sum(bars.close, ages) / rolling_sum(bars.close, window)


def _gain(signal_to_noise: float) -> float:
    _above(0.0, signal_to_noise=signal_to_noise)
    return (math.sqrt(signal_to_noise**2 + 4.0 * signal_to_noise) - signal_to_noise) / 2.0


@feature(
    source="Harvey (1989), Forecasting, Structural Time Series Models and the Kalman Filter, sec. 4.1.2",
    bars=lambda signal_to_noise: bars_until_faded(_gain(signal_to_noise)),
    scale="price",
)
def kalman_level(bars: Bars, signal_to_noise: float = 0.05) -> Array:
    """Kalman filter of a local level: level += K (close - level), K of the steady state.

    ``signal_to_noise`` q is the variance of the level's steps over that of the noise, K = (sqrt(q^2 + 4q) - q) / 2:
    an exponential average whose factor follows from it, 0.2 at 0.05.
    """
    return ema(bars.close, _gain(signal_to_noise))


@lru_cache(maxsize=64)
def _tracker(tracking_index: float) -> Filter:
    _above(0.0, tracking_index=tracking_index)
    root = (4.0 + tracking_index - math.sqrt(8.0 * tracking_index + tracking_index**2)) / 4.0
    alpha = 1.0 - root * root
    beta = 2.0 * (2.0 - alpha) - 4.0 * math.sqrt(1.0 - alpha)
    return (beta, -beta), (2.0 - alpha - beta, alpha - 1.0)


@feature(
    source="Kalata (1984), The Tracking Index, IEEE Trans. on Aerospace and Electronic Systems 20(2), 174-182",
    bars=lambda tracking_index: bars_of_filter(*_tracker(tracking_index)),
)
def kalman_slope(bars: Bars, tracking_index: float = 0.02) -> Array:
    """Kalman filter of a local line: the slope of the log close per bar, of the steady state.

    Known as alpha-beta filter. ``tracking_index`` is how far the slope is pushed off in a bar over how noisy the
    log close is.
    """
    return recursive(_logs(bars), *_tracker(tracking_index))


@lru_cache(maxsize=64)
def _end_of_polynomial(window: int, degree: int, derivative: int) -> tuple[float, ...]:
    """Return weights of the last bars, the present first, for a polynomial's value or slope at its end."""
    whole(degree, derivative, "degree")
    ages = -np.arange(whole(window, degree + 1), dtype=np.float64)
    fit = np.linalg.pinv(np.vander(ages / window, degree + 1, increasing=True))
    return tuple((fit[derivative] / window**derivative).tolist())


def _polynomial_bars(window: int, degree: int, least: int) -> int:
    if degree > 8:
        raise ValueError(f"degree is {degree}; it must be at most 8")
    return whole(window, whole(degree, least, "degree") + 1)


@feature(
    source="Savitzky and Golay (1964), Analytical Chemistry 36(8), 1627-1639; at the end of the window",
    bars=lambda window, degree: _polynomial_bars(window, degree, 0),
    scale="price",
)
def savitzky_golay(bars: Bars, window: int = 21, degree: int = 2) -> Array:
    """Savitzky-Golay filter: the polynomial of ``degree`` through ``window`` closes, at its last bar.

    Not at the middle of the window, which would take bars to come.
    """
    return weighted_sum(bars.close, np.array(_end_of_polynomial(window, degree, 0)))


@feature(
    source="Savitzky and Golay (1964), Analytical Chemistry 36(8), 1627-1639; first derivative at the end",
    bars=lambda window, degree: _polynomial_bars(window, degree, 1),
)
def savitzky_golay_slope(bars: Bars, window: int = 21, degree: int = 2) -> Array:
    """Savitzky-Golay slope: of the polynomial of ``degree`` through ``window`` log closes, at its end.

    Per bar.
    """
    return weighted_sum(_logs(bars), np.array(_end_of_polynomial(window, degree, 1)))


@feature(
    source="Schuster (1898), Terrestrial Magnetism 3(1), 13-41, the periodogram; of a sliding window",
    bars=lambda window: whole(window, 8),
)
def fourier_period(bars: Bars, window: int = 64) -> Array:
    """Dominant period, in bars: of the largest Fourier coefficient of ``window`` log closes.

    Off their least-squares line. One of window / 1, window / 2, ... 2. The window ends at the bar; its ends count
    as much as its middle, and where they do not meet, long periods gain. Missing where the log close does not leave
    its line.
    """
    return dominant_period(_logs(bars), window)


def _trend_share_bars(window: int, period: int) -> int:
    return whole(window, 2 * whole(period, 3, "period")) + 1


@feature(
    source="Schuster (1898), Terrestrial Magnetism 3(1), 13-41, the periodogram; of returns of a sliding window",
    bars=_trend_share_bars,
)
def fourier_trend_share(bars: Bars, window: int = 64, period: int = 16) -> Array:
    """Share of slow moves: power of ``window`` log returns at periods of ``period`` bars or more, 0 to 1.

    Of noise about 2 / ``period``. Missing where returns are all equal.
    """
    variance = rolling_variance(bars.log_return, window, 0)
    power = 2.0 * low_power(bars.log_return, window, window // period) / window**2
    return ratio(power, np.where(variance > 1e-24, variance, np.nan))


def _haar_bars(window: int, level: int) -> int:
    whole(level, 1, "level")
    if whole(window, 2) & (window - 1) or window < 1 << level:
        raise ValueError(f"window is {window}; it must be a power of 2 and at least 2^level, {1 << level}")
    return window + 1


@feature(
    source="Haar (1910), Mathematische Annalen 69, 331-371; Percival and Walden (2000), Wavelet Methods for Time "
    "Series Analysis, sec. 4.7",
    bars=_haar_bars,
)
def haar_wavelet_energy(bars: Bars, window: int = 64, level: int = 2) -> Array:
    """Energy of a Haar wavelet's level: the share of ``window`` log returns' variance at that scale, 0 to 1.

    Sum of squared differences of the sums of neighbouring stretches of 2^(level - 1) returns, / 2^level. The levels
    1, 2, ... log2(window) add up to 1; of noise level j has about 2^-j. Missing where returns are all equal.
    """
    half = 1 << (level - 1)
    sums = rolling_sum(bars.log_return, half)
    squares = (sums - before(sums, half)) ** 2 / (2.0 * half)
    energy = sum(before(squares, part * 2 * half) for part in range(1, window // (2 * half))) + squares
    variance = rolling_variance(bars.log_return, window, 0)
    return ratio(energy / window, np.where(variance > 1e-24, variance, np.nan))

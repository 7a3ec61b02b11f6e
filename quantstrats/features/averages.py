"""Moving averages of prices."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from quantstrats.features.averages_kernels import adaptive_average, adaptive_bars, stretch_blocks
from quantstrats.features.bars import lag as before
from quantstrats.features.bars import ratio
from quantstrats.features.decay import ema_bars, whole
from quantstrats.features.definition import feature
from quantstrats.features.kernels import ema_of, rolling_max, rolling_mean, rolling_min, rolling_sum, weighted_sum

if TYPE_CHECKING:
    from quantstrats.features.bars import Array, Bars

_CHANDE = "Chande and Kroll (1994), The New Technical Trader"
_KAUFMAN = "Kaufman (2013), Trading Systems and Methods, 5th ed."


def exponential_cascade(bars: Bars, window: int, stages: int) -> Array:
    """Return the exponential average of the exponential average ... of closes, so many times."""
    if stages == 1:
        return bars.of(ema, window=window)
    key = ("exponential averages in a row", window, stages)
    return bars.once(key, lambda: ema_of(exponential_cascade(bars, window, stages - 1), window))


def _linear(window: int) -> Array:
    """Return weights that fall by the same amount from the present bar on."""
    return np.arange(window, 0.0, -1.0) * (2.0 / (window * (window + 1.0)))


@feature(source="arithmetic mean", bars=lambda window: whole(window), scale="price")
def sma(bars: Bars, window: int = 20) -> Array:
    """Simple moving average: the mean of the last ``window`` closes."""
    return rolling_mean(bars.close, window)


@feature(source="Appel (2005), Technical Analysis, ch. 4", bars=ema_bars, scale="price")
def ema(bars: Bars, window: int = 20) -> Array:
    """Exponential moving average of closes: y += 2 / (window + 1) (close - y)."""
    return ema_of(bars.close, window)


@feature(source=f"{_KAUFMAN}, ch. 7", bars=lambda window: whole(window), scale="price")
def wma(bars: Bars, window: int = 20) -> Array:
    """Linearly weighted moving average: closes weighted ``window`` on the present bar, down to 1."""
    return weighted_sum(bars.close, _linear(window))


@feature(source=f"{_KAUFMAN}, ch. 7", bars=lambda window: whole(window), scale="price")
def triangular(bars: Bars, window: int = 20) -> Array:
    """Triangular moving average: the mean of a mean, each of about half the window."""
    half = (window + 1) // 2
    weights = np.convolve(np.full(half, 1.0 / half), np.full(window + 1 - half, 1.0 / (window + 1 - half)))
    return weighted_sum(bars.close, weights)


@feature(
    source="Mulloy (1994), Smoothing Data with Faster Moving Averages, Stocks & Commodities 12(1)",
    bars=lambda window: ema_bars(window, 2),
    scale="price",
)
def dema(bars: Bars, window: int = 20) -> Array:
    """Double exponential moving average: 2 x EMA - EMA of the EMA."""
    return 2.0 * bars.of(ema, window=window) - exponential_cascade(bars, window, 2)


@feature(
    source="Mulloy (1994), Smoothing Data with Less Lag, Stocks & Commodities 12(2)",
    bars=lambda window: ema_bars(window, 3),
    scale="price",
)
def tema(bars: Bars, window: int = 20) -> Array:
    """Triple exponential moving average: 3 x EMA - 3 x EMA of the EMA + EMA of that."""
    first, second, third = (exponential_cascade(bars, window, stages) for stages in (1, 2, 3))
    return 3.0 * (first - second) + third


@feature(
    source="Hull (2005), How to Reduce Lag in a Moving Average",
    bars=lambda window: whole(window, 2) + math.isqrt(window) - 1,
    scale="price",
)
def hull(bars: Bars, window: int = 16) -> Array:
    """Hull moving average: WMA over sqrt(window) of 2 x WMA(window / 2) - WMA(window).

    WMA is the linearly weighted average; half and root of the window are rounded down.
    """
    weights = -_linear(window)
    weights[: window // 2] += 2.0 * _linear(window // 2)
    return weighted_sum(bars.close, np.convolve(weights, _linear(math.isqrt(window))))


# Its six averages are weighted by up to 12, so a start must weigh less: two windows more leave a fiftieth of it.
def _t3_bars(window: int, volume_factor: float) -> int:
    if not 0.0 <= volume_factor <= 1.0:
        raise ValueError(f"volume_factor is {volume_factor:g}; it must be from 0 to 1")
    return ema_bars(window, 6) + 2 * window


@feature(
    source="Tillson (1998), Smoothing Techniques for More Accurate Signals, Stocks & Commodities 16(1)",
    bars=_t3_bars,
    scale="price",
)
def t3(bars: Bars, window: int = 5, volume_factor: float = 0.7) -> Array:
    """T3 average: (1 + v) x EMA - v x EMA of the EMA, three times in a row; v is ``volume_factor``.

    With v = 0 three exponential averages in a row, with v = 1 three double exponential ones.
    """
    v = volume_factor
    weights = (1.0 + v) ** 3, -3.0 * v * (1.0 + v) ** 2, 3.0 * v**2 * (1.0 + v), -(v**3)
    return sum(weight * exponential_cascade(bars, window, 3 + stage) for stage, weight in enumerate(weights))  # type: ignore[return-value]


# A random walk of n bars goes 1 / sqrt(n) of its path on the mean: that is its efficiency ratio, and its momentum.
def _usual_efficiency(window: int) -> float:
    return 1.0 / math.sqrt(window)


def _kama_rate(window: int, fast: int, slow: int) -> float:
    slowest = 2.0 / (slow + 1.0)
    return (slowest + _usual_efficiency(window) * (2.0 / (fast + 1.0) - slowest)) ** 2


def _kama_bars(window: int, fast: int, slow: int) -> int:
    whole(slow, whole(fast, name="fast") + 1, "slow")
    return adaptive_bars(_kama_rate(whole(window), fast, slow), window) + window


@feature(source="Kaufman (1995), Smarter Trading, ch. on the adaptive moving average", bars=_kama_bars, scale="price")
def kama(bars: Bars, window: int = 10, fast: int = 2, slow: int = 30) -> Array:
    """Kaufman's adaptive moving average: y += c^2 (close - y), fast in a trend and slow without.

    c lies between 2 / (slow + 1) and 2 / (fast + 1), as the efficiency ratio of ``window`` bars between 0 and 1. Where
    no close changed it is the fast one. Each value is that of an average begun 256 to 384 bars' lengths before; with
    slower parameters so much longer before that its start weighs below 1e-5 on a random walk.
    """
    change = bars.close - before(bars.close, window)
    path = rolling_sum(np.abs(bars.close - before(bars.close)), window)
    slowest = 2.0 / (slow + 1.0)
    rate = slowest + ratio(np.abs(change), path, 1.0) * (2.0 / (fast + 1.0) - slowest)
    return adaptive_average(bars.close, rate**2, bars.block, stretch_blocks(_kama_rate(window, fast, slow), window))


def _vidya_rate(window: int, momentum_window: int) -> float:
    return 2.0 / (window + 1.0) * _usual_efficiency(momentum_window)


def _vidya_bars(window: int, momentum_window: int) -> int:
    rate = _vidya_rate(whole(window), whole(momentum_window, name="momentum_window"))
    return adaptive_bars(rate, momentum_window) + momentum_window


@feature(source=f"{_CHANDE}, ch. on the variable index dynamic average", bars=_vidya_bars, scale="price")
def vidya(bars: Bars, window: int = 12, momentum_window: int = 9) -> Array:
    """Variable index dynamic average: y += 2 / (window + 1) |CMO| (close - y).

    CMO is Chande's momentum oscillator of ``momentum_window`` bars, as a part; 0 where no close changed, so that the
    average stays. Each value is that of an average begun 256 to 384 bars' lengths before; with slower parameters so
    much longer before that its start weighs below 1e-5 on a random walk.
    """
    change = bars.close - before(bars.close)
    momentum = ratio(rolling_sum(change, momentum_window), rolling_sum(np.abs(change), momentum_window), 0.0)
    blocks = stretch_blocks(_vidya_rate(window, momentum_window), momentum_window)
    return adaptive_average(bars.close, 2.0 / (window + 1.0) * np.abs(momentum), bars.block, blocks)


_FRAMA_RATE = math.exp(-4.6 * 0.5)  # of a random walk, whose dimension is 1.5


def _frama_bars(window: int) -> int:
    if window % 2:
        raise ValueError(f"window is {window}; it must be even")
    return adaptive_bars(_FRAMA_RATE, whole(window, 4)) + window


@feature(
    source="Ehlers (2005), Fractal Adaptive Moving Averages, Stocks & Commodities 23(10)",
    bars=_frama_bars,
    scale="price",
)
def frama(bars: Bars, window: int = 16) -> Array:
    """Fractal adaptive moving average of (high + low) / 2: y += e^(-4.6 (D - 1)) (price - y).

    D is a fractal dimension, log2 of the ranges of both halves of the window, added, over half that of the whole. The
    rate is held within 0.01 and 1, and is 1 where nothing moved, for which the article keeps the D of the bar before.
    Each value is that of an average begun 256 to 384 bars' lengths before, at least two windows.
    """
    half = window // 2
    late = rolling_max(bars.high, half) - rolling_min(bars.low, half)
    whole_range = rolling_max(bars.high, window) - rolling_min(bars.low, window)
    dimension = np.log2(ratio(late + before(late, half), 0.5 * whole_range, 2.0))
    rate = np.clip(np.exp(-4.6 * (dimension - 1.0)), 0.01, 1.0)
    return adaptive_average(bars.median, rate, bars.block, stretch_blocks(_FRAMA_RATE, window))


@feature(
    source="Ehlers and Way (2010), Zero Lag (Well, Almost), Stocks & Commodities 28(11); the form without their gain",
    bars=lambda window: ema_bars(window) + (window - 1) // 2,
    scale="price",
)
def zero_lag_ema(bars: Bars, window: int = 20) -> Array:
    """Zero-lag exponential average: the EMA of 2 x close - close of (window - 1) / 2 bars before.

    It lags less, and overshoots where prices turn; no filter of past prices has no lag.
    """
    return ema_of(2.0 * bars.close - before(bars.close, (window - 1) // 2), window)


def _alma_bars(window: int, offset: float, sigma: float) -> int:
    if not 0.0 <= offset <= 1.0:
        raise ValueError(f"offset is {offset:g}; it must be from 0 to 1")
    if not sigma > 0.0:
        raise ValueError(f"sigma is {sigma:g}; it must be above 0")
    return whole(window)


@feature(source="Legoux and Kouzis-Loukas (2009), Arnaud Legoux Moving Average", bars=_alma_bars, scale="price")
def alma(bars: Bars, window: int = 9, offset: float = 0.85, sigma: float = 6.0) -> Array:
    """Arnaud Legoux average: closes weighted by a bell curve whose peak lies near the present bar.

    The peak is at ``offset`` of the way from the first to the present bar; its width is ``window`` / ``sigma`` bars.
    """
    place = np.arange(window - 1.0, -1.0, -1.0)
    weights = np.exp(-0.5 * ((place - offset * (window - 1.0)) * sigma / window) ** 2)
    return weighted_sum(bars.close, weights / weights.sum())


@feature(
    source="Dormeier (2011), Investing with Volume Analysis, on the volume-weighted moving average",
    bars=lambda window: whole(window),
    scale="price",
    needs=("volume",),
)
def vwma(bars: Bars, window: int = 20) -> Array:
    """Volume-weighted moving average: sum of close x volume / sum of volume; missing without any."""
    return ratio(rolling_sum(bars.dollar_volume, window), rolling_sum(bars.volume, window))


@feature(source=f"least squares; {_KAUFMAN}, ch. 6", bars=lambda window: whole(window, 2), scale="price")
def linear_regression_value(bars: Bars, window: int = 20) -> Array:
    """Linear regression value: where the least-squares line through the last closes ends now."""
    place = (window - 1.0) / 2.0 - np.arange(window)
    weights = 1.0 / window + place * place[0] / (place @ place)
    return weighted_sum(bars.close, weights)


@feature(
    source="Brock, Lakonishok and LeBaron (1992), J. of Finance 47(5), 1731-1764, the variable-length moving average",
    bars=lambda window: whole(window, 2),
)
def moving_average_distance(bars: Bars, window: int = 50) -> Array:
    """Distance to the moving average: close / mean of the last ``window`` closes - 1."""
    return bars.close / bars.of(sma, window=window) - 1.0


@feature(
    source="Avramov, Kaplanski and Subrahmanyam (2021), Moving Average Distance, Rev. of Financial Economics 39(2)",
    bars=lambda fast, slow: whole(slow, whole(fast, name="fast") + 1, "slow"),
)
def moving_average_ratio(bars: Bars, fast: int = 50, slow: int = 200) -> Array:
    """Ratio of moving averages: mean of ``fast`` closes / mean of ``slow`` closes - 1.

    Above 0 after a golden cross, below 0 after a death cross.
    """
    return bars.of(sma, window=fast) / bars.of(sma, window=slow) - 1.0

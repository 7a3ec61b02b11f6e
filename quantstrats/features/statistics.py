"""Statistics of a window of bars: moments, ranks, tails, and how far a price or a return is off its usual."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from quantstrats.features.bars import lag as before
from quantstrats.features.bars import ratio
from quantstrats.features.decay import whole
from quantstrats.features.definition import feature
from quantstrats.features.dependence import (
    log_close,
    share_between,
)
from quantstrats.features.kernels import (
    rolling_max,
    rolling_mean,
    rolling_slope,
    rolling_std,
    rolling_sum,
    rolling_variance,
)
from quantstrats.features.sorted_kernels import mean_excess, median_and_deviation, rolling_quantiles
from quantstrats.features.statistics_kernels import (
    histogram_entropy,
    least_squares,
    midrank,
    moments,
)

if TYPE_CHECKING:
    from quantstrats.features.bars import Array, Bars

_JOANES = "Joanes and Gill (1998), Comparing Measures of Sample Skewness and Kurtosis, The Statistician 47(1), 183-189"

_ROUNDING = 1e-12  # a deviation of so little, as a part of the price, is none: it comes of rounding


@feature(source="standard score of a window", bars=lambda window: whole(window, 2))
def zscore(bars: Bars, window: int = 20) -> Array:
    """Z-score: (close - mean) / standard deviation of ``window`` closes; missing where they are all equal."""
    mean, deviation = rolling_mean(bars.close, window), rolling_std(bars.close, window)
    return ratio(bars.close - mean, np.where(deviation > _ROUNDING * mean, deviation, np.nan))


def _medians(bars: Bars, window: int) -> Array:
    return bars.once(("median and deviation", window), lambda: median_and_deviation(bars.close, window))


@feature(
    source="Iglewicz and Hoaglin (1993), How to Detect and Handle Outliers, the modified z-score",
    bars=lambda window: whole(window, 3),
)
def robust_zscore(bars: Bars, window: int = 60) -> Array:
    """Robust z-score: 0.6745 (close - median) / median absolute deviation, of ``window`` closes.

    Missing where more than half of the closes are equal.
    """
    middle, off = _medians(bars, window)
    return ratio(0.6745 * (bars.close - middle), np.where(off > _ROUNDING * middle, off, np.nan))


@feature(source="least-squares line, residual over its standard error", bars=lambda window: whole(window, 4))
def regression_residual_z(bars: Bars, window: int = 60) -> Array:
    """Residual z-score: standard errors that the log close is off the line through ``window`` log closes.

    The standard error is the root of squared residuals / (window - 2). Missing where all lie on the line.
    """
    logs = log_close(bars)
    slope = rolling_slope(logs, window)
    residual = logs - rolling_mean(logs, window) - slope * (window - 1.0) / 2.0
    around = rolling_variance(logs, window, 0) - slope**2 * (window**2 - 1.0) / 12.0
    error = np.sqrt(np.maximum(around, 0.0) * window / (window - 2.0))
    return ratio(residual, np.where(error > 1e-9, error, np.nan))


@feature(source="arithmetic mean", bars=lambda window: whole(window) + 1)
def mean_return(bars: Bars, window: int = 20) -> Array:
    """Mean return: the mean of the last ``window`` simple returns, per bar."""
    return rolling_mean(bars.simple_return, window)


def _moments(bars: Bars, window: int) -> Array:
    def compute() -> Array:
        found = moments(bars.log_return, window)
        found[0][found[0] <= _ROUNDING**2] = np.nan
        return found

    return bars.once(("moments", window), compute)


@feature(source=f"{_JOANES}, G1", bars=lambda window: whole(window, 3) + 1)
def skewness(bars: Bars, window: int = 60) -> Array:
    """Skewness of ``window`` log returns, adjusted for the sample's size; missing where they are all equal."""
    second, third, _ = _moments(bars, window)
    return math.sqrt(window * (window - 1.0)) / (window - 2.0) * third / second**1.5


@feature(source=f"{_JOANES}, G2", bars=lambda window: whole(window, 4) + 1)
def kurtosis(bars: Bars, window: int = 60) -> Array:
    """Excess kurtosis of ``window`` log returns, adjusted for the sample's size: 0 for a normal distribution.

    Missing where they are all equal.
    """
    second, _, fourth = _moments(bars, window)
    excess = fourth / second**2 - 3.0
    return (window - 1.0) / ((window - 2.0) * (window - 3.0)) * ((window + 1.0) * excess + 6.0)


@feature(
    source="Jarque and Bera (1987), International Statistical Review 55(2), 163-172",
    bars=lambda window: whole(window, 4) + 1,
)
def jarque_bera(bars: Bars, window: int = 60) -> Array:
    """Jarque-Bera statistic: window / 6 (skewness^2 + excess kurtosis^2 / 4) of log returns.

    0 for a normal form. Moments are divided by ``window``. Missing where returns are all equal.
    """
    second, third, fourth = _moments(bars, window)
    return window / 6.0 * (third**2 / second**3 + (fourth / second**2 - 3.0) ** 2 / 4.0)


def _robust_skewness_bars(window: int, share: float) -> int:
    share_between(0.0, 0.5, share=share)
    return whole(window, 3) + 1


@feature(
    source="Hinkley (1975), Biometrika 62(1), 101-111; Kim and White (2004), Finance Research Letters 1(1), 56-73",
    bars=_robust_skewness_bars,
)
def robust_skewness(bars: Bars, window: int = 120, share: float = 0.1) -> Array:
    """Robust skewness: (upper + lower quantile - 2 x median) / (upper - lower), of log returns.

    -1 to 1. The quantiles are ``share`` and 1 - ``share``. Single outliers do not matter.
    """
    low, middle, high = rolling_quantiles(bars.log_return, window, (share, 0.5, 1.0 - share))
    return ratio(high + low - 2.0 * middle, np.where(high - low > _ROUNDING, high - low, np.nan))


@feature(
    source="Bali, Cakici and Whitelaw (2011), Maxing Out, J. of Financial Economics 99(2), 427-446",
    bars=lambda window: whole(window) + 1,
)
def max_return(bars: Bars, window: int = 21) -> Array:
    """Largest simple return of the last ``window`` bars."""
    return rolling_max(bars.simple_return, window)


@feature(source="midrank of a window", bars=lambda window: whole(window, 2))
def percentile_rank(bars: Bars, window: int = 252) -> Array:
    """Percentile rank: the share of the ``window`` - 1 closes before that lie below the close, 0 to 1.

    Equal closes count half.
    """
    return midrank(bars.close, window - 1)


def _quantile_bars(window: int, share: float) -> int:
    share_between(0.0, 1.0, share=share)
    return whole(window, 2)


@feature(
    source="Hyndman and Fan (1996), Sample Quantiles, The American Statistician 50(4), type 7", bars=_quantile_bars
)
def quantile_distance(bars: Bars, window: int = 252, share: float = 0.5) -> Array:
    """Distance to a quantile: close / quantile ``share`` of ``window`` closes - 1; 0.5 is the median."""
    return bars.close / rolling_quantiles(bars.close, window, (share,))[0] - 1.0


def _tail_bars(window: int, share: float) -> int:
    share_between(0.0, 0.5, share=share)
    if int(share * window) < 2:
        raise ValueError(f"share x window is {share * window:g}; it must be at least 2 returns")
    return whole(window, 5) + 1


@feature(source="Hill (1975), Annals of Statistics 3(5), 1163-1174", bars=_tail_bars)
def tail_exponent(bars: Bars, window: int = 252, share: float = 0.1) -> Array:
    """Tail exponent: Hill's estimate from the largest ``share`` of absolute log returns.

    Small for heavy tails: 1 / mean of ln(|r| / the largest |r| that is not among them). Missing where that one is 0
    or they are all equal.
    """
    logs = np.log(np.abs(bars.log_return))
    slope = mean_excess(logs, window, int(share * window))
    return 1.0 / np.where(np.isfinite(slope) & (slope > _ROUNDING), slope, np.nan)


@feature(
    source="Barndorff-Nielsen, Kinnebrock and Shephard (2010), Measuring Downside Risk, in Volatility and Time Series "
    "Econometrics, ch. 7",
    bars=lambda window: whole(window) + 1,
)
def semivariance_ratio(bars: Bars, window: int = 60) -> Array:
    """Semivariance ratio: sum of squared negative log returns / sum of all squared ones, 0 to 1.

    Missing where nothing moved.
    """
    squares = bars.log_return**2
    return ratio(rolling_sum(np.where(bars.log_return > 0.0, 0.0, squares), window), rolling_sum(squares, window))


@feature(
    source="Da, Gurun and Warachka (2014), Frog in the Pan, Review of Financial Studies 27(7), 2171-2218",
    bars=lambda window: whole(window) + 1,
)
def information_discreteness(bars: Bars, window: int = 252) -> Array:
    """Information discreteness: sign of the window's return x (share of falls - share of rises), -1 to 1.

    Low where a trend came in many small steps, high where in a few large ones.
    """
    moves = np.sign(bars.close - before(bars.close))
    return -np.sign(bars.close - before(bars.close, window)) * rolling_mean(moves, window)


@feature(
    source="Bouchaud, Matacz and Potters (2001), Leverage Effect in Financial Markets, Physical Review Letters 87; "
    "as a correlation of a window",
    bars=lambda window: whole(window, 3) + 2,
)
def leverage_correlation(bars: Bars, window: int = 120) -> Array:
    """Leverage effect: correlation of a log return with the size of the next one, of ``window`` pairs.

    -1 to 1; missing where either does not vary.
    """
    _, _, squares, products, others = least_squares(before(bars.log_return), np.abs(bars.log_return), window)
    least = window * _ROUNDING**2
    return products / np.sqrt(np.where((squares > least) & (others > least), squares * others, np.nan))


def _entropy_bars(window: int, bins: int) -> int:
    whole(bins, 2, "bins")
    return whole(window, 2) + 1


@feature(
    source="Shannon (1948), A Mathematical Theory of Communication, Bell System Technical Journal 27, sec. 6",
    bars=_entropy_bars,
)
def shannon_entropy(bars: Bars, window: int = 60, bins: int = 8) -> Array:
    """Shannon entropy of ``window`` log returns, over ln ``bins``: 0 (all in one bin) to 1 (evenly spread).

    The bins are equal parts of the window's own range. Missing where returns are all equal.
    """
    return histogram_entropy(bars.log_return, window, bins)


@feature(
    source="Deza and Deza (2009), Encyclopedia of Distances, the Lorentzian metric; of successive returns",
    bars=lambda window, scaled: whole(window, 2) + 2 if scaled else 3,
)
def lorentzian_distance(bars: Bars, window: int = 20, scaled: bool = True) -> Array:
    """Lorentzian distance of a simple return to the one before: ln(1 + |difference|).

    ``scaled``: the difference is in standard deviations of the ``window`` returns before the bar. It belongs to the
    later bar of the two. Missing where those returns did not vary.
    """
    difference = np.abs(bars.simple_return - before(bars.simple_return))
    if not scaled:
        return np.log1p(difference)
    usual = before(rolling_std(bars.simple_return, window))
    return np.log1p(ratio(difference, np.where(usual > _ROUNDING, usual, np.nan)))

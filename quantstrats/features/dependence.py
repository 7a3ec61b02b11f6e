"""How successive returns and prices hang together: correlations, ratios, unit roots, long memory.

Features of the family of statistics.
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from quantstrats.features.bars import lag as before
from quantstrats.features.bars import ratio
from quantstrats.features.decay import whole
from quantstrats.features.definition import feature
from quantstrats.features.kernels import rolling_sum, weighted_sum
from quantstrats.features.rescaled_range import LEAST_WINDOW, hurst_exponent
from quantstrats.features.statistics_kernels import (
    autocorrelations,
    last_partial_autocorrelation,
    least_squares,
    order_entropy,
    variance_ratio_and_z,
)

if TYPE_CHECKING:
    from quantstrats.features.bars import Array, Bars

_BOX = "Box, Jenkins and Reinsel (1994), Time Series Analysis, 3rd ed."
_DICKEY = "Dickey and Fuller (1979), J. of the American Statistical Association 74(366), 427-431"
_LO = "Lo and MacKinlay (1988), Review of Financial Studies 1(1), 41-66"

_ROUNDING = 1e-12  # a deviation of so little, as a part of the price, is none: it comes of rounding


def share_between(low: float, high: float, **values: float) -> None:
    """Refuse values that are not between two others.

    Raises
    ------
    ValueError
        If one is not.
    """
    for name, value in values.items():
        if not low < value < high:
            raise ValueError(f"{name} is {value:g}; it must be above {low:g} and below {high:g}")


def log_close(bars: Bars) -> Array:
    """Return the logarithms of closes, shape (symbols, bars)."""
    return bars.once("log close", lambda: np.log(bars.close))


def _lag_bars(window: int, lag: int) -> int:
    whole(lag, 1, "lag")
    return whole(window, lag + 2) + 1


@feature(source=f"{_BOX}, sec. 2.1", bars=_lag_bars, family="statistics")
def autocorrelation(bars: Bars, window: int = 60, lag: int = 1) -> Array:
    """Autocorrelation of log returns at a lag, of ``window`` returns; missing where they are all equal.

    Sum of products of returns off the window's mean / sum of their squares.
    """
    return autocorrelations(bars.log_return, window, lag, lag)[0]


@feature(source=f"{_BOX}, sec. 3.2 and appendix A3.2, Durbin-Levinson", bars=_lag_bars, family="statistics")
def partial_autocorrelation(bars: Bars, window: int = 60, lag: int = 2) -> Array:
    """Partial autocorrelation of log returns at a lag, of ``window`` returns, from their autocorrelations."""
    return last_partial_autocorrelation(autocorrelations(bars.log_return, window, 1, lag))


@feature(source="Ljung and Box (1978), Biometrika 65(2), 297-303", bars=_lag_bars, family="statistics")
def ljung_box(bars: Bars, window: int = 60, lag: int = 5) -> Array:
    """Ljung-Box statistic: n (n + 2) x sum of squared autocorrelations / (n - k), lags k = 1 to ``lag``.

    Of n = ``window`` log returns; about ``lag`` where they do not hang together.
    """
    squares = autocorrelations(bars.log_return, window, 1, lag) ** 2
    weights = window * (window + 2.0) / (window - np.arange(1.0, lag + 1.0))
    return np.tensordot(weights, squares, axes=1)


@feature(source="McLeod and Li (1983), J. of Time Series Analysis 4(4), 269-273", bars=_lag_bars, family="statistics")
def volatility_clustering(bars: Bars, window: int = 120, lag: int = 1) -> Array:
    """Volatility clustering: autocorrelation of squared log returns at a lag, of ``window`` of them."""
    return autocorrelations(bars.log_return**2, window, lag, lag)[0]


def _variance_ratio_bars(window: int, lag: int) -> int:
    return whole(window, 2 * whole(lag, 2, "lag")) + 1


def _variance_ratio(bars: Bars, window: int, lag: int) -> Array:
    return bars.once(("variance ratio", window, lag), lambda: variance_ratio_and_z(log_close(bars), window, lag))


@feature(source=f"{_LO}, eq. 12 and 13", bars=_variance_ratio_bars, family="statistics")
def variance_ratio(bars: Bars, window: int = 120, lag: int = 5) -> Array:
    """Variance ratio: variance of log returns over ``lag`` bars / ``lag`` x that over one; 1 for a random walk.

    Overlapping and unbiased, of ``window`` returns: above 1 where moves go on, below where they turn.
    """
    return _variance_ratio(bars, window, lag)[0]


@feature(source=f"{_LO}, eq. 19 to 22", bars=_variance_ratio_bars, family="statistics")
def variance_ratio_z(bars: Bars, window: int = 120, lag: int = 5) -> Array:
    """Variance ratio z: (variance ratio - 1) / its standard error, which allows for changing volatility."""
    return _variance_ratio(bars, window, lag)[1]


@feature(
    source="Wald and Wolfowitz (1940), Annals of Mathematical Statistics 11(2), 147-162",
    bars=lambda window: whole(window, 2) + 1,
    family="statistics",
)
def runs_z(bars: Bars, window: int = 60) -> Array:
    """Runs test z: (runs of rises and of other bars - those expected) / their standard deviation.

    Of ``window`` bars; negative where moves go on, positive where they alternate. Missing where all were of one
    kind.
    """
    change = bars.close - before(bars.close)
    up = np.where(np.isnan(change), np.nan, change > 0.0)
    ups = rolling_sum(up, window)
    products = 2.0 * ups * (window - ups)
    turns = rolling_sum(np.abs(up - before(up)), window - 1) + 1.0
    variance = products * (products - window) / (window**2 * (window - 1.0))
    return ratio(turns - products / window - 1.0, np.sqrt(np.where(variance > 0.0, variance, np.nan)))


def _levels_and_changes(bars: Bars, window: int) -> Array:
    """Return sums of least squares of changes of the log close on the log close before."""

    def compute() -> Array:
        last = before(log_close(bars))
        return least_squares(last, log_close(bars) - last, window)

    return bars.once(("levels and changes", window), compute)


@feature(source=f"{_DICKEY}, the statistic of tau_mu", bars=lambda window: whole(window, 4) + 1, family="statistics")
def dickey_fuller_t(bars: Bars, window: int = 120) -> Array:
    """Dickey-Fuller t: t-value of the slope of changes of the log close on its level before.

    Of ``window`` changes, with a constant and no lags. Below -2.89 (5 % of 100) a random walk is doubtful; not a
    usual t distribution.
    """
    _, _, squares, products, others = _levels_and_changes(bars, window)
    known = squares > window * _ROUNDING**2
    slope = products / np.where(known, squares, np.nan)
    left = np.maximum(others - slope * products, 0.0) / (window - 2.0)
    return ratio(slope, np.sqrt(np.where(left > _ROUNDING**2, left, np.nan) / squares))


@feature(
    source="Uhlenbeck and Ornstein (1930), Physical Review 36(5); -ln 2 / ln(1 + b) of a regression's slope b",
    bars=lambda window: whole(window, 3) + 1,
    family="statistics",
)
def ou_half_life(bars: Bars, window: int = 120) -> Array:
    """Half-life of a deviation, in bars: -ln 2 / ln(1 + b), b the slope of changes on levels.

    Of changes of the log close on the log close before, of ``window`` changes; missing where b is not between -1
    and 0, so where the price does not come back. Windows of a random walk come out short too, since b is biased
    down.
    """
    _, _, squares, products, _ = _levels_and_changes(bars, window)
    slope = products / np.where(squares > window * _ROUNDING**2, squares, np.nan)
    return -math.log(2.0) / np.log1p(np.where((slope < -_ROUNDING) & (slope > -1.0), slope, np.nan))


@feature(
    source=f"{_BOX}, sec. 5.1, of an autoregression of order 1 by least squares",
    bars=lambda window: whole(window, 3) + 2,
    family="statistics",
)
def autoregressive_forecast(bars: Bars, window: int = 120) -> Array:
    """Forecast of the next log return by an autoregression of order 1: a + b x the present one.

    a and b by least squares of returns on the returns before, of ``window`` pairs.
    """
    mean, mean_next, squares, products, _ = least_squares(before(bars.log_return), bars.log_return, window)
    slope = products / np.where(squares > window * _ROUNDING**2, squares, np.nan)
    return mean_next + slope * (bars.log_return - mean)


def _order_bars(window: int, order: int) -> int:
    if not 2 <= order <= 6:
        raise ValueError(f"order is {order}; it must be 2 to 6")
    return whole(window, order + 1)


@feature(
    source="Bandt and Pompe (2002), Permutation Entropy, Physical Review Letters 88(17)",
    bars=_order_bars,
    family="statistics",
)
def permutation_entropy(bars: Bars, window: int = 60, order: int = 3) -> Array:
    """Permutation entropy: of the orders of ``order`` successive closes within ``window`` closes, 0 to 1.

    Over ln(``order``!): 1 where all orders are as frequent, 0 where the close only rises or only falls. Of equal
    closes the earlier counts as the smaller.
    """
    return order_entropy(bars.close, window, order)


@lru_cache(maxsize=256)
def fractional_weights(order: float, threshold: float) -> tuple[float, ...]:
    """Return the weights of a fractional difference, 1 first: w_k = -w_{k-1} (order - k + 1) / k, |w_k| >= threshold.

    Hosking (1981), Biometrika 68(1), 165-176; cut off as by Lopez de Prado (2018), Advances in Financial Machine
    Learning, sec. 5.5.

    Raises
    ------
    ValueError
        If the order is not above 0 and below 2, or the threshold leaves more than 5,000 weights.
    """
    share_between(0.0, 2.0, order=order)
    share_between(0.0, 1.0, threshold=threshold)
    weights = [1.0]
    while abs(new := -weights[-1] * (order - len(weights) + 1.0) / len(weights)) >= threshold:
        weights.append(new)
        if len(weights) > 5_000:
            raise ValueError(f"a threshold of {threshold:g} leaves more than 5,000 weights; choose a larger one")
    return tuple(weights)


@feature(
    source="Hosking (1981), Biometrika 68(1), 165-176; of fixed width as by Lopez de Prado (2018), Advances in "
    "Financial Machine Learning, sec. 5.5",
    bars=lambda order, threshold: len(fractional_weights(order, threshold)),
    scale="log",
    family="statistics",
)
def fractional_difference(bars: Bars, order: float = 0.4, threshold: float = 1e-3) -> Array:
    """Fractional difference of the log close, of fixed width: sum of weights x the last log closes.

    As many bars as there are weights of at least ``threshold``: 55 by default, 282 at 0.0001. The weights do not add up
    to 0 (of an order below 1 to more, so that it keeps a part of the level): prices that a split multiplies by k raise
    all values by that sum x ln k.
    """
    return weighted_sum(log_close(bars), np.array(fractional_weights(order, threshold)))


@feature(
    source="Hurst (1951), Trans. of the American Society of Civil Engineers 116, 770-799; corrected by the expected "
    "values of Anis and Lloyd (1976), Biometrika 63(1), 111-116, as by Weron (2002), Physica A 312",
    bars=lambda window: whole(window, LEAST_WINDOW) + 1,
    family="statistics",
)
def hurst(bars: Bars, window: int = 256) -> Array:
    """Hurst exponent of ``window`` log returns by rescaled ranges, corrected: 0.5 for noise on the mean.

    0.5 + the slope of ln(mean R/S / the R/S that noise is expected to have) on ln n. R/S is taken of the last
    stretches, side by side, of n = 8, 16, ... returns up to half of the window. It is no proof of a trend above
    0.5: ``features.hurst_of_noise`` tells how far noise strays. Missing where the close stood still on a whole stretch.
    """
    return hurst_exponent(log_close(bars), window)

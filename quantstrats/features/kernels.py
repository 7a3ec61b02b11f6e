"""Compiled loops that features share: rolling windows and exponential averages along the bars of each symbol.

Arrays are of shape (symbols, bars). A rolling value is made of exactly the bars of its window, none before them: a huge
number leaves no trace in what comes after it, and a missing one makes only the windows that hold it missing. The first
window - 1 bars are missing. Compiled at the first call and kept on disk by numba.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numba
import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[np.float64]

# Sums may be taken in another order (so that they use wide registers), which is the same for the same window.
_SUMS = {"reassoc", "contract"}


def compiled(function: Callable[..., Any]) -> Any:
    """Compile a loop over arrays, once per set of types; kept on disk."""
    return numba.njit(cache=True, error_model="numpy", nogil=True)(function)


def compiled_sums(function: Callable[..., Any]) -> Any:
    """Compile a loop whose sums may be taken in another order."""
    return numba.njit(cache=True, error_model="numpy", nogil=True, fastmath=_SUMS)(function)


def rolling_sum(values: Array, window: int) -> Array:
    """Return the sum of the last ``window`` bars."""
    return _rolling_sum(_plain(values), window)


def rolling_mean(values: Array, window: int) -> Array:
    """Return the mean of the last ``window`` bars."""
    return _rolling_sum(_plain(values), window) / window


def rolling_std(values: Array, window: int, ddof: int = 1) -> Array:
    """Return the standard deviation of the last ``window`` bars, in two passes."""
    return np.sqrt(rolling_variance(values, window, ddof))


def rolling_variance(values: Array, window: int, ddof: int = 1) -> Array:
    """Return the variance of the last ``window`` bars, in two passes."""
    return _rolling_variance(_plain(values), window, ddof)


def rolling_covariance(left: Array, right: Array, window: int, ddof: int = 1) -> Array:
    """Return the covariance of two series over the last ``window`` bars, in two passes."""
    return _rolling_covariance(_plain(left), _plain(right), window, ddof)


def rolling_max(values: Array, window: int) -> Array:
    """Return the largest of the last ``window`` bars."""
    return -_rolling_min(-_plain(values), window)


def rolling_min(values: Array, window: int) -> Array:
    """Return the smallest of the last ``window`` bars."""
    return _rolling_min(_plain(values), window)


def rolling_slope(values: Array, window: int) -> Array:
    """Return the slope, per bar, of the least-squares line through the last ``window`` bars."""
    return _rolling_slope(_plain(values), window)


def weighted_sum(values: Array, weights: Array) -> Array:
    """Return the sum of the last bars times ``weights``, of which the first belongs to the present bar."""
    return _weighted_sum(_plain(values), _plain(weights))


def ema(values: Array, alpha: float) -> Array:
    """Return y += alpha (x - y), begun with the first value that is there; a missing value changes nothing."""
    return _ema(_plain(values), alpha)


def ema_of(values: Array, window: int) -> Array:
    """Return the exponential average of ``window`` bars: alpha = 2 / (window + 1)."""
    return ema(values, 2.0 / (window + 1.0))


def wilder(values: Array, window: int) -> Array:
    """Return Wilder's average of ``window`` bars: alpha = 1 / window."""
    return ema(values, 1.0 / window)


def _plain(values: Array) -> Array:
    """Return an array of the one kind that loops are compiled for."""
    return np.require(values, np.float64, ["C", "W"])


@compiled_sums
def _rolling_sum(values, window):  # type: ignore[no-untyped-def]
    symbols, bars = values.shape
    out = np.empty((symbols, bars))
    for row in range(symbols):
        line = values[row]
        out[row, : min(window - 1, bars)] = np.nan
        for last in range(window - 1, bars):
            first = last - window + 1
            total = 0.0
            for step in range(window):  # counted from 0: so the compiler knows that no index is negative
                total += line[first + step]
            out[row, last] = total
    return out


@compiled_sums
def _rolling_variance(values, window, ddof):  # type: ignore[no-untyped-def]
    symbols, bars = values.shape
    out = np.empty((symbols, bars))
    for row in range(symbols):
        line = values[row]
        out[row, : min(window - 1, bars)] = np.nan
        for last in range(window - 1, bars):
            first = last - window + 1
            total = 0.0
            for step in range(window):
                total += line[first + step]
            mean = total / window
            squares = 0.0
            for step in range(window):
                off = line[first + step] - mean
                squares += off * off
            out[row, last] = squares / (window - ddof) if window > ddof else np.nan
    return out


@compiled_sums
def _rolling_covariance(left, right, window, ddof):  # type: ignore[no-untyped-def]
    symbols, bars = left.shape
    out = np.empty((symbols, bars))
    for row in range(symbols):
        one, other = left[row], right[row]
        out[row, : min(window - 1, bars)] = np.nan
        for last in range(window - 1, bars):
            first = last - window + 1
            total, total_other = 0.0, 0.0
            for step in range(window):
                total += one[first + step]
                total_other += other[first + step]
            mean, mean_other = total / window, total_other / window
            products = 0.0
            for step in range(window):
                products += (one[first + step] - mean) * (other[first + step] - mean_other)
            out[row, last] = products / (window - ddof) if window > ddof else np.nan
    return out


@compiled
def _rolling_min(values, window):  # type: ignore[no-untyped-def]
    # The least of 2 n bars is that of n and of the n before them: each step takes at most twice as many.
    symbols, bars = values.shape
    out = np.full((symbols, bars), np.nan)
    if window > bars:
        return out
    one, two = np.empty(bars), np.empty(bars)
    for row in range(symbols):
        one[:] = values[row]
        reach, count = 1, bars
        while reach < window:
            step = min(reach, window - reach)
            count -= step
            np.minimum(one[:count], one[step : step + count], two[:count])
            reach += step
            one, two = two, one
        out[row, window - 1 :] = one[:count]
    return out


@compiled_sums
def _rolling_slope(values, window):  # type: ignore[no-untyped-def]
    symbols, bars = values.shape
    out = np.empty((symbols, bars))
    middle = (window - 1) / 2.0
    spread = window * (window * window - 1.0) / 12.0
    for row in range(symbols):
        line = values[row]
        out[row, : min(window - 1, bars)] = np.nan
        for last in range(window - 1, bars):
            first = last - window + 1
            start = line[first]  # differences to it: large levels cost no digits
            total = 0.0
            for step in range(window):
                total += (step - middle) * (line[first + step] - start)
            out[row, last] = total / spread
    return out


@compiled_sums
def _weighted_sum(values, weights):  # type: ignore[no-untyped-def]
    symbols, bars = values.shape
    window = len(weights)
    backwards = weights[::-1].copy()
    out = np.empty((symbols, bars))
    for row in range(symbols):
        line = values[row]
        out[row, : min(window - 1, bars)] = np.nan
        for last in range(window - 1, bars):
            total = 0.0
            for step in range(window):
                total += backwards[step] * line[last - window + 1 + step]
            out[row, last] = total
    return out


@compiled
def _ema(values, alpha):  # type: ignore[no-untyped-def]
    symbols, bars = values.shape
    out = np.empty((symbols, bars))
    for row in range(symbols):
        level = np.nan
        for place in range(bars):
            value = values[row, place]
            if value != value:
                out[row, place] = np.nan
                continue
            level = value if level != level else level + alpha * (value - level)
            out[row, place] = level
    return out

"""Compiled loops of the volatility features: falls from peaks, and the tails of windows.

Arrays are of shape (symbols, bars), as in :mod:`quantstrats.features.kernels`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from quantstrats.features.kernels import compiled

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[np.float64]


def deepest_fall(values: Array, window: int) -> Array:
    """Return the least of a value / a value on or before it - 1, both among the last ``window``; 0 where none fell."""
    return _deepest_fall(values, window)


def lower_tail(values: Array, window: int, level: float) -> tuple[Array, Array]:
    """Return the quantile ``level`` of the last ``window`` values, and the mean of those below.

    The quantile is interpolated linearly between the sorted values (type 7 of Hyndman and Fan 1996). The mean is of the
    least ``level`` x ``window`` values, of which the last counts in part (Acerbi and Tasche 2002).
    """
    return _lower_tail(np.ascontiguousarray(values), window, level)


@compiled
def _deepest_fall(values, window):  # type: ignore[no-untyped-def]
    # As with the rolling least value: within blocks of one window, from either side, and the two put together. What a
    # stretch is known by: its highest value, its lowest, and its deepest fall.
    symbols, bars = values.shape
    out = np.empty((symbols, bars))
    high_behind, low_behind, fall_behind = np.empty(bars), np.empty(bars), np.empty(bars)
    for row in range(symbols):
        line = values[row]
        high, low, fall = np.nan, np.nan, np.nan
        for place in range(bars - 1, -1, -1):
            value = line[place]
            if (place + 1) % window == 0 or place == bars - 1 or value != value or low != low:
                high, low, fall = value, value, 0.0
            else:
                high, low = max(high, value), min(low, value)
                fall = min(fall, low / value - 1.0)
            high_behind[place], low_behind[place], fall_behind[place] = high, low, fall
        for place in range(bars):
            value = line[place]
            if place % window == 0 or value != value:
                high, low, fall = value, value, 0.0
            else:
                high, low = max(high, value), min(low, value)
                fall = min(fall, value / high - 1.0)
            first = place - window + 1
            if first < 0 or value != value:
                out[row, place] = np.nan
            elif place % window == window - 1:
                out[row, place] = fall
            else:
                across = low / high_behind[first] - 1.0
                out[row, place] = min(min(fall, fall_behind[first]), across)
    return out


@compiled
def _without(least, kept, value):  # type: ignore[no-untyped-def]
    """Take a value that leaves the window out of its ``kept`` least ones, if it is among them; return how many stay."""
    if value > least[kept - 1]:
        return kept
    at = 0
    while least[at] < value:
        at += 1
    for place in range(at, kept - 1):
        least[place] = least[place + 1]
    return kept - 1


@compiled
def _with(least, kept, value):  # type: ignore[no-untyped-def]
    """Put a value that enters the window among its ``kept`` least ones, if it is one; return how many they are."""
    if kept == 0 or value >= least[kept - 1]:
        return kept
    kept = min(kept + 1, len(least))
    at = kept - 1
    while at > 0 and least[at - 1] > value:
        least[at] = least[at - 1]
        at -= 1
    least[at] = value
    return kept


@compiled
def _lower_tail(values, window, level):  # type: ignore[no-untyped-def]
    # The least values of the window are kept in order, twice as many as it takes: all others are as large or larger.
    # Few bars touch them; where too many have left, the window is sorted again.
    symbols, bars = values.shape
    quantile, mean_beyond = np.full((symbols, bars), np.nan), np.full((symbols, bars), np.nan)
    weight, at = level * window, level * (window - 1)
    full, below = min(int(weight), window - 1), int(at)
    above = min(below + 1, window - 1)
    needed = max(above, full) + 1
    least = np.empty(min(2 * needed, window))
    for row in range(symbols):
        line = values[row]
        known, kept = 0, 0
        for place in range(bars):
            value = line[place]
            known = known + 1 if value == value else 0
            if known < window:
                kept = 0
                continue
            if kept > 0:
                kept = _with(least, _without(least, kept, line[place - window]), value)
            if kept < needed:
                least[:] = np.sort(line[place - window + 1 : place + 1])[: len(least)]
                kept = len(least)
            quantile[row, place] = least[below] + (at - below) * (least[above] - least[below])
            total = (weight - full) * least[full]
            for step in range(full):
                total += least[step]
            mean_beyond[row, place] = total / weight
    return quantile, mean_beyond

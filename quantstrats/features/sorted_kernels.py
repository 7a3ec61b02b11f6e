"""Compiled loops over sorted windows: quantiles, the median deviation, the largest values.

The window is kept in order from bar to bar: what leaves is replaced by what enters, and those between move by a place.
Arrays are of shape (symbols, bars), as in :mod:`quantstrats.features.kernels`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from quantstrats.features.kernels import compiled

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[np.float64]


def rolling_quantiles(values: Array, window: int, shares: Sequence[float]) -> Array:
    """Return quantiles of the last ``window`` values, shape (shares, symbols, bars).

    Interpolated linearly between the sorted values: type 7 of Hyndman and Fan (1996), The American Statistician 50(4).
    """
    return _rolling_quantiles(np.ascontiguousarray(values), window, np.array(shares))


def median_and_deviation(values: Array, window: int) -> Array:
    """Return the median of the last ``window`` values and the median of how far they are off it, (2, symbols, bars)."""
    return _median_and_deviation(np.ascontiguousarray(values), window)


def mean_excess(values: Array, window: int, count: int) -> Array:
    """Return the mean of the ``count`` largest of the last ``window`` values, less the next one."""
    return _mean_excess(np.ascontiguousarray(values), window, count)


@compiled
def _first_not_below(ordered, value):  # type: ignore[no-untyped-def]
    low, size = 0, len(ordered)
    while size > 0:  # without a branch on what is found: half of them would be guessed wrong
        half = size >> 1
        right = ordered[low + half] < value
        low = low + half + 1 if right else low
        size = size - half - 1 if right else half
    return low


@compiled
def _replace(ordered, old, new):  # type: ignore[no-untyped-def]
    """Put ``new`` in place of ``old``, which is there, and keep the order."""
    place = _first_not_below(ordered, old)
    if new > old:
        while place + 1 < len(ordered) and ordered[place + 1] < new:
            ordered[place] = ordered[place + 1]
            place += 1
    else:
        while place > 0 and ordered[place - 1] > new:
            ordered[place] = ordered[place - 1]
            place -= 1
    ordered[place] = new


@compiled
def _slide(ordered, line, place, known):  # type: ignore[no-untyped-def]
    """Bring the sorted window to a bar, where so many values are known in a row; return how many are now."""
    value, window = line[place], len(ordered)
    if value != value:
        return 0
    if known >= window:
        _replace(ordered, line[place - window], value)
    elif known == window - 1:
        ordered[:] = np.sort(line[place - window + 1 : place + 1])
    return known + 1


@compiled
def _rolling_quantiles(values, window, shares):  # type: ignore[no-untyped-def]
    symbols, bars = values.shape
    out = np.full((len(shares), symbols, bars), np.nan)
    ordered = np.empty(window)
    for row in range(symbols):
        known = 0
        for place in range(bars):
            known = _slide(ordered, values[row], place, known)
            if known < window:
                continue
            for each in range(len(shares)):
                at = shares[each] * (window - 1)
                below = int(at)
                above = min(below + 1, window - 1)
                out[each, row, place] = ordered[below] + (at - below) * (ordered[above] - ordered[below])
    return out


@compiled
def _nearest(ordered, middle, count):  # type: ignore[no-untyped-def]
    """Return how far the ``count``-th nearest of sorted values is from ``middle``."""
    # The nearest ones stand in a row: of all rows of so many, the one whose farther end is nearest. Along them one end
    # comes nearer and the other goes away, so they meet.
    low, high = 0, len(ordered) - count
    while low < high:
        start = (low + high) // 2
        if ordered[start + count - 1] - middle >= middle - ordered[start]:
            high = start
        else:
            low = start + 1
    far = max(ordered[low + count - 1] - middle, middle - ordered[low])
    if low > 0:
        far = min(far, max(ordered[low + count - 2] - middle, middle - ordered[low - 1]))
    return far


@compiled
def _median_and_deviation(values, window):  # type: ignore[no-untyped-def]
    symbols, bars = values.shape
    out = np.full((2, symbols, bars), np.nan)
    ordered = np.empty(window)
    half = window // 2
    for row in range(symbols):
        known = 0
        for place in range(bars):
            known = _slide(ordered, values[row], place, known)
            if known < window:
                continue
            if window % 2:
                middle = ordered[half]
                off = _nearest(ordered, middle, half + 1)
            else:
                middle = 0.5 * (ordered[half - 1] + ordered[half])
                off = 0.5 * (_nearest(ordered, middle, half) + _nearest(ordered, middle, half + 1))
            out[0, row, place], out[1, row, place] = middle, off
    return out


@compiled
def _mean_excess(values, window, count):  # type: ignore[no-untyped-def]
    symbols, bars = values.shape
    out = np.full((symbols, bars), np.nan)
    ordered = np.empty(window)
    for row in range(symbols):
        known = 0
        for place in range(bars):
            known = _slide(ordered, values[row], place, known)
            if known < window:
                continue
            total = 0.0
            for step in range(window - count, window):
                total += ordered[step]
            out[row, place] = total / count - ordered[window - count - 1]
    return out

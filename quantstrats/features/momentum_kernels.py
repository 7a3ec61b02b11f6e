"""Compiled loops of the momentum features: averages of moves that forget, runs, ranks and mean deviations.

Arrays are of shape (symbols, bars), as in :mod:`quantstrats.features.kernels`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from quantstrats.features.decay import ema_bars, wilder_bars
from quantstrats.features.kernels import compiled, rolling_mean

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[np.float64]

FISHER_BARS = 75  # after so many a start of the Fisher transform weighs below 1e-9: 3,940 x 0.67^75 < 1e-9


def relative_strength(moves: Array, window: int) -> Array:
    """Return 100 x rises / (rises + falls), Wilder's averages of both; NaN where nothing moved while they count.

    Without that last rule the ratio of two averages that both fade would be what it was before any number of flat bars.
    """
    return _relative_strength(moves, 1.0 / window, wilder_bars(window))


def double_smoothed_ratio(values: Array, sizes: Array, slow: int, fast: int) -> Array:
    """Return values / sizes, each smoothed twice exponentially; NaN where all sizes were zero for as long as it counts.

    A value must be zero wherever its size is.
    """
    alphas = 2.0 / (slow + 1.0), 2.0 / (fast + 1.0)
    return _double_smoothed_ratio(values, sizes, *alphas, ema_bars(slow), ema_bars(fast))


def fisher(position: Array) -> Array:
    """Return Ehlers' Fisher transform of positions in -1 to 1."""
    return _fisher(position)


def runs(values: Array) -> Array:
    """Return how many bars in a row rose (above zero) or fell (below), 0 where the last one did neither."""
    return _runs(values)


def rank_among_those_before(values: Array, window: int) -> Array:
    """Return the part, in per cent, of the ``window`` values before that are less than the present one.

    Values may be missing at the beginning and at the end, not between.
    """
    return _rank_among_those_before(values, window)


def mean_deviations_off(values: Array, window: int) -> Array:
    """Return how many mean absolute deviations a value is off the mean of its window; NaN where all are equal.

    Values may be missing at the beginning and at the end, not between.
    """
    return _mean_deviations_off(values, rolling_mean(values, window), window)


@compiled
def _relative_strength(moves, alpha, memory):  # type: ignore[no-untyped-def]
    symbols, bars = moves.shape
    out = np.empty((symbols, bars))
    for row in range(symbols):
        rises, falls, still = np.nan, np.nan, 0
        for place in range(bars):
            move = moves[row, place]
            if move != move:
                out[row, place] = np.nan
                continue
            rise, fall = max(move, 0.0), max(-move, 0.0)
            if rises != rises:
                rises, falls = rise, fall
            else:
                rises += alpha * (rise - rises)
                falls += alpha * (fall - falls)
            still = still + 1 if move == 0.0 else 0
            if still >= memory:
                rises, falls = 0.0, 0.0
            both = rises + falls
            out[row, place] = 100.0 * rises / both if both > 0.0 else np.nan
    return out


@compiled
def _double_smoothed_ratio(values, sizes, slow, fast, slow_memory, fast_memory):  # type: ignore[no-untyped-def]
    symbols, bars = values.shape
    out = np.empty((symbols, bars))
    for row in range(symbols):
        value, size, values_level, sizes_level, still = np.nan, np.nan, np.nan, np.nan, 0
        for place in range(bars):
            new_value, new_size = values[row, place], sizes[row, place]
            if new_size != new_size:
                out[row, place] = np.nan
                continue
            if size != size:
                value, size = new_value, new_size
                values_level, sizes_level = value, size
            else:
                value += slow * (new_value - value)
                size += slow * (new_size - size)
            still = still + 1 if new_size == 0.0 else 0
            if still >= slow_memory:
                value, size = 0.0, 0.0
            values_level += fast * (value - values_level)
            sizes_level += fast * (size - sizes_level)
            if still >= slow_memory + fast_memory:
                values_level, sizes_level = 0.0, 0.0
            out[row, place] = values_level / sizes_level if sizes_level > 0.0 else np.nan
    return out


@compiled
def _fisher(position):  # type: ignore[no-untyped-def]
    symbols, bars = position.shape
    out = np.empty((symbols, bars))
    for row in range(symbols):
        level, transformed = 0.0, 0.0
        for place in range(bars):
            new = position[row, place]
            if new != new:
                out[row, place] = np.nan
                continue
            level = min(max(0.33 * new + 0.67 * level, -0.999), 0.999)
            transformed = 0.5 * np.log((1.0 + level) / (1.0 - level)) + 0.5 * transformed
            out[row, place] = transformed
    return out


@compiled
def _runs(values):  # type: ignore[no-untyped-def]
    symbols, bars = values.shape
    out = np.empty((symbols, bars))
    for row in range(symbols):
        run = 0.0
        for place in range(bars):
            value = values[row, place]
            if value > 0.0:
                run = max(run, 0.0) + 1.0
            elif value < 0.0:
                run = min(run, 0.0) - 1.0
            else:
                run = 0.0
            out[row, place] = run if value == value else np.nan
    return out


@compiled
def _rank_among_those_before(values, window):  # type: ignore[no-untyped-def]
    symbols, bars = values.shape
    count = max(bars - window, 0)
    out = np.full((symbols, bars), np.nan)
    for row in range(symbols):
        line, less = values[row], np.zeros(count)
        now, first = line[bars - count :], line[:count]
        for begin in range(bars - count):  # one place of the windows at a time, of all bars: that fills wide registers
            past = line[begin : begin + count]
            for place in range(count):
                less[place] += 1.0 if past[place] < now[place] else 0.0
        for place in range(count):
            if now[place] == now[place] and first[place] == first[place]:
                out[row, window + place] = 100.0 * less[place] / window
    return out


@compiled
def _mean_deviations_off(values, means, window):  # type: ignore[no-untyped-def]
    symbols, bars = values.shape
    count = max(bars - window + 1, 0)
    out = np.full((symbols, bars), np.nan)
    for row in range(symbols):
        line, mean, off = values[row], means[row, bars - count :], np.zeros(count)
        for begin in range(bars - count + 1):
            past = line[begin : begin + count]
            for place in range(count):
                off[place] += abs(past[place] - mean[place])
        same = 1  # bars in a row whose value is the same: their mean may differ from it by rounding
        for last in range(1, bars):
            same = same + 1 if line[last] == line[last - 1] else 1
            place = last - window + 1
            if place >= 0 and same < window:
                out[row, last] = window * (line[last] - mean[place]) / off[place]
    return out

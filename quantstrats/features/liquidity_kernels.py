"""Compiled loops of the liquidity features: a regression on two things, and the moments of the EDGE estimator.

Arrays are of shape (symbols, bars), as in :mod:`quantstrats.features.kernels`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from quantstrats.features.kernels import compiled_sums

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[np.float64]

_COLLINEAR = 1e-10  # 1 - squared correlation of two regressors, below which they cannot be told apart

_ROUNDING = 1e-12  # what a variance may be of the squared mean, for nothing but rounding


def second_slope(first: Array, second: Array, target: Array, window: int) -> Array:
    """Return the second slope of the least squares of ``target`` on two series, with a constant; NaN where undefined.

    Over the last ``window`` bars.
    """
    return _second_slope(first, second, target, window, _COLLINEAR)


def squared_spread(parts: Array, window: int) -> Array:
    """Return the squared spread of the EDGE estimator over the last ``window`` bars; NaN where it is undefined.

    Parameters
    ----------
    parts : array, shape (8, symbols, bars)
        Log returns from the open to the middle of the range, from the middle before to the open, from the close before
        to the middle, from the middle before to the close before, from the close before to the open; whether the bar
        traded at more than one price; and at how many extremes, of such a bar, the open was not, and the close before.
    window : int
        Bars that are averaged.
    """
    return _squared_spread(parts, window)


@compiled_sums
def _second_slope(first, second, target, window, collinear):  # type: ignore[no-untyped-def]
    symbols, bars = first.shape
    out = np.full((symbols, bars), np.nan)
    for row in range(symbols):
        one, two, goal = first[row], second[row], target[row]
        for last in range(window - 1, bars):
            begin = last - window + 1
            sum_one, sum_two, sum_goal = 0.0, 0.0, 0.0
            for step in range(window):
                sum_one += one[begin + step]
                sum_two += two[begin + step]
                sum_goal += goal[begin + step]
            mean_one, mean_two, mean_goal = sum_one / window, sum_two / window, sum_goal / window
            one_one, two_two, one_two, one_goal, two_goal = 0.0, 0.0, 0.0, 0.0, 0.0
            for step in range(window):
                off_one, off_two = one[begin + step] - mean_one, two[begin + step] - mean_two
                off_goal = goal[begin + step] - mean_goal
                one_one += off_one * off_one
                two_two += off_two * off_two
                one_two += off_one * off_two
                one_goal += off_one * off_goal
                two_goal += off_two * off_goal
            left = one_one * two_two - one_two * one_two
            if left > collinear * one_one * two_two:
                out[row, last] = (one_one * two_goal - one_two * one_goal) / left
    return out


@compiled_sums
def _squared_spread(parts, window):  # type: ignore[no-untyped-def]
    symbols, bars = parts.shape[1:]
    out = np.full((symbols, bars), np.nan)
    for row in range(symbols):
        open_middle, middle_open, close_middle = parts[0, row], parts[1, row], parts[2, row]
        middle_close, close_open, moved = parts[3, row], parts[4, row], parts[5, row]
        off_opens, off_closes = parts[6, row], parts[7, row]
        for last in range(window - 1, bars):
            begin = last - window + 1
            first, third, fifth, count, opens, closes = 0.0, 0.0, 0.0, 0.0, 0.0, 0.0
            for step in range(window):
                first += open_middle[begin + step]
                third += close_middle[begin + step]
                fifth += close_open[begin + step]
                count += moved[begin + step]
                opens += off_opens[begin + step]
                closes += off_closes[begin + step]
            if count < 2.0 or opens == 0.0 or closes == 0.0:
                continue
            first, third, fifth = first / count, third / count, fifth / count  # means of the bars that moved
            at_open, at_close = -4.0 * window / opens, -4.0 * window / closes
            one, one_squared, two, two_squared = 0.0, 0.0, 0.0, 0.0
            for step in range(window):
                place = begin + step
                from_open = at_open * (open_middle[place] - first * moved[place])
                to_close = at_close * middle_close[place]
                x = from_open * middle_open[place] + to_close * (close_middle[place] - third * moved[place])
                y = from_open * close_open[place] + to_close * (close_open[place] - fifth * moved[place])
                one += x
                one_squared += x * x
                two += y
                two_squared += y * y
            one, two = one / window, two / window
            spread_one, spread_two = one_squared / window - one * one, two_squared / window - two * two
            both = spread_one + spread_two
            if both > _ROUNDING * (one * one + two * two):
                out[row, last] = (spread_two * one + spread_one * two) / both
            else:
                out[row, last] = 0.5 * (one + two)
    return out

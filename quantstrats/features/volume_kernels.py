"""Compiled loops of the volume features: means that fade and end, sessions, trends of ranges, profiles.

Arrays are of shape (symbols, bars), as in :mod:`quantstrats.features.kernels`.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from quantstrats.features.decay import bars_until_faded
from quantstrats.features.kernels import compiled, rolling_max, rolling_min

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[np.float64]
    Whole = NDArray[np.int64]

_THIN = 1e-4  # of a bin: a bar with so little range lies in one bin
LONGEST_TREND = 50  # bars: what Klinger's measure of a trend adds up at most


def fading_mean(values: Array, alpha: float) -> Array:
    """Return the mean of the values that are known, each weighing 1 - alpha times what the one after it weighs.

    An exponential average that passes over missing values and ends after as many bars as until it has faded, so that
    nothing before them counts, however large it was. Missing where the present value is.
    """
    return _fading(np.ascontiguousarray(values), alpha, bars_until_faded(alpha), True)


def fading_sum(values: Array, alpha: float) -> Array:
    """Return the sum with the same weights, of which the present value's is 1; a missing value adds nothing."""
    return _fading(np.ascontiguousarray(values), alpha, bars_until_faded(alpha), False)


def within_session(price: Array, volume: Array, session: Whole, window: int) -> Array:
    """Return the volume-weighted mean price since the session began; NaN from its bar ``window`` + 1 on."""
    return _within_session(price, volume, session, window)


def volume_force(high: Array, low: Array, close: Array, volume: Array) -> Array:
    """Return Klinger's volume force: 100 x volume x trend x |2 x range / ranges of the trend - 1|."""
    return _volume_force(high, low, close, volume, LONGEST_TREND)


def surplus_of_normal(values: Array) -> Array:
    """Return 2 Phi(x) - 1: the chance of a normal value below x, less that of one above."""
    return _surplus_of_normal(values)


def profile(high: Array, low: Array, volume: Array, window: int, bins: int, share: float) -> tuple[Array, Array, Array]:
    """Return the price of most volume of the window, and the ends of the prices around it that hold ``share`` of all.

    The window's range is cut into ``bins`` equal parts; a bar's volume lies evenly between its low and its high.
    """
    tops, bottoms = rolling_max(high, window), rolling_min(low, window)
    return _profile(high, low, volume, tops, bottoms, window, bins, share)


@compiled
def _fading(values, alpha, memory, mean):  # type: ignore[no-untyped-def]
    symbols, bars = values.shape
    out = np.empty((symbols, bars))
    kept = 1.0 - alpha
    last_weight = kept**memory
    for row in range(symbols):
        line = values[row]
        total, weight, quiet = 0.0, 0.0, 0
        for place in range(bars):
            total *= kept
            weight *= kept
            if place >= memory:
                gone = line[place - memory]
                if gone == gone:
                    total -= last_weight * gone
                    weight -= last_weight
            value = line[place]
            known = value == value
            quiet = 0 if known and value != 0.0 else quiet + 1
            if quiet >= memory:
                total = 0.0  # what is left is rounding
            if known:
                total += value
                weight += 1.0
                out[row, place] = total / weight if mean else total
            else:
                out[row, place] = np.nan
    return out


@compiled
def _within_session(price, volume, session, window):  # type: ignore[no-untyped-def]
    symbols, bars = price.shape
    out = np.empty((symbols, bars))
    for row in range(symbols):
        money, shares, count = 0.0, 0.0, 0
        for place in range(bars):
            if place == 0 or session[row, place] != session[row, place - 1]:
                money, shares, count = 0.0, 0.0, 0
            money += price[row, place] * volume[row, place]
            shares += volume[row, place]
            count += 1
            out[row, place] = money / shares if count <= window and shares != 0.0 else np.nan
    return out


@compiled
def _volume_force(high, low, close, volume, longest):  # type: ignore[no-untyped-def]
    symbols, bars = high.shape
    out = np.full((symbols, bars), np.nan)
    for row in range(symbols):
        tops, bottoms = high[row], low[row]
        trend, run, measured = 0.0, 0, 0.0
        for place in range(1, bars):
            now = tops[place] + bottoms[place] + close[row, place]
            then = tops[place - 1] + bottoms[place - 1] + close[row, place - 1]
            before, trend = trend, 1.0 if now > then else -1.0
            spread = tops[place] - bottoms[place]
            if trend != before:
                run, measured = 1, spread + tops[place - 1] - bottoms[place - 1]
            elif run < longest:
                run, measured = run + 1, measured + spread
            else:
                measured = 0.0
                for step in range(longest + 1):
                    measured += tops[place - step] - bottoms[place - step]
            if measured > 0.0:
                out[row, place] = 100.0 * volume[row, place] * trend * abs(2.0 * spread / measured - 1.0)
    return out


@compiled
def _surplus_of_normal(values):  # type: ignore[no-untyped-def]
    symbols, bars = values.shape
    out = np.empty((symbols, bars))
    for row in range(symbols):
        for place in range(bars):
            out[row, place] = math.erf(values[row, place] * math.sqrt(0.5))
    return out


@compiled
def _spread_over_bins(high, low, volume, density, bottom, width, held, steps):  # type: ignore[no-untyped-def]
    """Put the volume of bars into bins: their ends by parts, those between by the steps of the density."""
    bins, per_width = len(held), 1.0 / width
    held[:] = 0.0
    steps[:] = 0.0
    for place in range(len(high)):
        begin, end = (low[place] - bottom) * per_width, (high[place] - bottom) * per_width
        from_bin, to_bin = min(int(begin), bins - 1), min(int(end), bins - 1)
        if end - begin < _THIN:
            held[from_bin] += volume[place]
        else:  # where both are one bin, what is too much is taken back by the step
            inside = density[place] * width
            held[from_bin] += inside * (from_bin + 1.0 - begin)
            held[to_bin] += inside * (end - to_bin)
            steps[from_bin + 1] += inside
            steps[to_bin] -= inside
    level = 0.0
    for each in range(bins):
        level += steps[each]
        held[each] += level


@compiled
def _around_the_most(held, share):  # type: ignore[no-untyped-def]
    """Return the fullest bin, and the first and the last of those around it that hold a share of all."""
    bins = len(held)
    fullest, total = 0, 0.0
    for each in range(bins):
        total += held[each]
        if held[each] > held[fullest]:
            fullest = each
    first, last, inside = fullest, fullest, held[fullest]
    while inside < share * total and (first > 0 or last < bins - 1):
        below = held[first - 1] if first > 0 else -1.0
        above = held[last + 1] if last < bins - 1 else -1.0
        if above >= below:
            last += 1
            inside += above
        else:
            first -= 1
            inside += below
    return fullest, first, last, total


@compiled
def _profile(high, low, volume, tops, bottoms, window, bins, share):  # type: ignore[no-untyped-def]
    symbols, bars = high.shape
    most = np.full((symbols, bars), np.nan)
    lower, upper = np.full((symbols, bars), np.nan), np.full((symbols, bars), np.nan)
    held, steps, density = np.empty(bins), np.empty(bins + 1), np.empty(bars)
    for row in range(symbols):
        known = 0
        for place in range(bars):
            density[place] = volume[row, place] / (high[row, place] - low[row, place])
            known = known + 1 if volume[row, place] == volume[row, place] else 0
            if known < window:
                continue
            bottom, top = bottoms[row, place], tops[row, place]
            width = (top - bottom) / bins
            if width <= 0.0:
                most[row, place], lower[row, place], upper[row, place] = bottom, bottom, top
                continue
            some = slice(place - window + 1, place + 1)
            _spread_over_bins(
                high[row, some], low[row, some], volume[row, some], density[some], bottom, width, held, steps
            )
            fullest, begin, end, total = _around_the_most(held, share)
            if total > 0.0:
                most[row, place] = bottom + (fullest + 0.5) * width
                lower[row, place], upper[row, place] = bottom + begin * width, bottom + (end + 1.0) * width
    return most, lower, upper

"""Compiled loops of the trend features: directional movement, stops that follow prices, and counts over windows.

Arrays are of shape (symbols, bars), as in :mod:`quantstrats.features.kernels`.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from quantstrats.features.bars import BLOCK
from quantstrats.features.decay import LONGEST, ema_bars, wilder_bars
from quantstrats.features.kernels import compiled, compiled_sums

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[np.float64]
    Blocks = NDArray[np.int64]

_BEFORE = 4  # blocks of time before the present one, at least, on the first bar of which a stop starts
_ROUNDING = 1e-12  # what equal values may lie off their mean, for nothing but rounding


def directional_movement(high: Array, low: Array, true_range: Array, window: int) -> tuple[Array, Array, Array, Array]:
    """Return Wilder's +DI, -DI, DX and ADX, each 0 to 100.

    What nothing moved for as long as it counts is zero: else the ratio of two averages that both fade would be what it
    was before any number of flat bars. There the DX is missing, and the ADX is 0.
    """
    return _directional_movement(high, low, true_range, 1.0 / window, wilder_bars(window))


def range_bulge(ranges: Array, window: int) -> Array:
    """Return the exponential average of ranges / that average's own; NaN where none was for as long as it counts."""
    return _range_bulge(ranges, 2.0 / (window + 1.0), ema_bars(window))


def blocks_before(slower: float) -> int:
    """Return how many blocks of time before a bar's own the path of a stop starts, on the first bar.

    Paths are the same once they have turned a few times. ``slower`` is how many times as long a stop takes to turn as
    one with the usual parameters, for which four blocks, 128 bars' lengths, hold a dozen turns.

    Raises
    ------
    ValueError
        If it would take more than a million bars.
    """
    if not slower * _BEFORE * BLOCK < LONGEST:
        raise ValueError("with such parameters a stop hardly ever turns: within a million bars no dozen times")
    return max(_BEFORE, math.ceil(_BEFORE * slower))


def path_bars(before: int) -> int:
    """Return the most bars that a stop runs over that starts so many blocks of time before a bar's own."""
    return BLOCK * (before + 1)


def parabolic_stop(
    high: Array, low: Array, block: Blocks, before: int, step: float, limit: float
) -> tuple[Array, Array]:
    """Return Wilder's stop and reverse, and the direction of the position that it stops, 1 or -1.

    A bar's path starts on the first bar of the block of time so many ``before`` its own. Its first position is short
    where the second bar's low fell, and by more than the high rose; else long; its first stop is the first bar's
    extreme. On its first bar alone it has none: NaN.
    """
    return _parabolic_stop(high, low, block, before, step, limit)


def band_stop(middle: Array, width: Array, close: Array, block: Blocks, before: int) -> tuple[Array, Array]:
    """Return the band around ``middle`` that was last not crossed, and its direction: 1 below prices, -1 above.

    Bands only come nearer, until a close crosses one. A bar's path starts on the first bar of the block of time so many
    ``before`` its own, upwards where that closed at its middle or above it.
    """
    return _band_stop(middle, width, close, block, before)


def furthest_walk(high: Array, low: Array, true_range: Array, window: int) -> tuple[Array, Array]:
    """Return how far the high is above earlier lows, and the low below earlier highs, in steps of a random walk.

    The largest of 2 to ``window`` bars n of (high - low n bars before) / (mean true range of n bars x sqrt(n)); NaN
    where nothing moved.
    """
    return _furthest_walk(high, low, true_range, window)


def share_above(values: Array, levels: Array, window: int) -> Array:
    """Return how far the last ``window`` values lie above the present level, as a part of how far they lie off it.

    NaN where all are the level itself.
    """
    return _share_above(values, levels, window)


def rises_over_falls(values: Array, window: int) -> Array:
    """Return Kendall's tau of the last ``window`` values with time: pairs that rose less those that fell, over all.

    Values may be missing at the end, not between.
    """
    return _rises_over_falls(values, window)


@compiled
def _directional_movement(high, low, true_range, alpha, memory):  # type: ignore[no-untyped-def]
    symbols, bars = high.shape
    plus_di, minus_di = np.full((symbols, bars), np.nan), np.full((symbols, bars), np.nan)
    dx, adx = np.full((symbols, bars), np.nan), np.full((symbols, bars), np.nan)
    for row in range(symbols):
        plus, minus, spread, average = 0.0, 0.0, 0.0, 0.0
        without_move, without_range = 0, 0
        for place in range(1, bars):
            size = true_range[row, place]
            if size != size:
                break
            up, down = high[row, place] - high[row, place - 1], low[row, place - 1] - low[row, place]
            rise = up if up > down and up > 0.0 else 0.0
            fall = down if down > up and down > 0.0 else 0.0
            weight = 1.0 if place == 1 else alpha
            plus += weight * (rise - plus)
            minus += weight * (fall - minus)
            spread += weight * (size - spread)
            without_move = without_move + 1 if rise == 0.0 and fall == 0.0 else 0
            without_range = without_range + 1 if size == 0.0 else 0
            if without_move >= memory:
                plus, minus, average = 0.0, 0.0, 0.0
            if without_range >= memory:
                spread = 0.0
            if spread > 0.0:
                plus_di[row, place], minus_di[row, place] = 100.0 * plus / spread, 100.0 * minus / spread
            both, index = plus + minus, 0.0
            if both > 0.0:
                index = 100.0 * abs(plus - minus) / both
                dx[row, place] = index
            average += weight * (index - average)
            adx[row, place] = average
    return plus_di, minus_di, dx, adx


@compiled
def _range_bulge(ranges, alpha, memory):  # type: ignore[no-untyped-def]
    symbols, bars = ranges.shape
    out = np.full((symbols, bars), np.nan)
    for row in range(symbols):
        first, second, without = ranges[row, 0], ranges[row, 0], 0
        for place in range(bars):
            value = ranges[row, place]
            if value != value:
                break
            first += alpha * (value - first)
            second += alpha * (first - second)
            without = without + 1 if value == 0.0 else 0
            if without < memory and second > 0.0:
                out[row, place] = first / second
    return out


@compiled
def _end_of_block(line, block, first):  # type: ignore[no-untyped-def]
    """Return the place behind the last bar that lies in the same block of time and is there."""
    end = first
    while end < len(line) and line[end] == line[end] and block[end] == block[first]:
        end += 1
    return end


@compiled
def _parabolic_path(high, low, start, first, end, step, limit, known, stops, directions):  # type: ignore[no-untyped-def]
    """Follow the stop from ``start`` on, and write it from ``first`` to before ``end``.

    ``known`` holds the states of the path of the block before: next stop, extreme price, pace, side. Where this one has
    come to the same state, both go the same way.
    """
    if start + 1 >= end:
        return
    up, down = high[start + 1] - high[start], low[start] - low[start + 1]
    long = not (down > up and down > 0.0)
    stop, extreme = (low[start], high[start + 1]) if long else (high[start], low[start + 1])
    pace, place = step, start + 1
    while place < end:
        # The bar before the first one is left out, which lies where the stop begins.
        earlier = place - 1 if place > start + 1 else place
        lowest, highest = min(low[earlier], low[place]), max(high[earlier], high[place])
        shown = stop
        if long and low[place] <= stop:
            shown, extreme = max(extreme, highest), low[place]
            long, pace, stop = False, step, max(shown + step * (extreme - shown), highest)
        elif not long and high[place] >= stop:
            shown, extreme = min(extreme, lowest), high[place]
            long, pace, stop = True, step, min(shown + step * (extreme - shown), lowest)
        elif long:
            pace = min(pace + step, limit) if high[place] > extreme else pace
            extreme = max(extreme, high[place])
            stop = min(stop + pace * (extreme - stop), lowest)
        else:
            pace = min(pace + step, limit) if low[place] < extreme else pace
            extreme = min(extreme, low[place])
            stop = max(stop + pace * (extreme - stop), highest)
        side = 1.0 if long else -1.0
        same = known[place, 0] == stop and known[place, 1] == extreme and known[place, 2] == pace
        if place < first and same and known[place, 3] == side:
            place = first - 1
            stop, extreme, pace, long = known[place, 0], known[place, 1], known[place, 2], known[place, 3] > 0.0
        else:
            known[place, 0], known[place, 1], known[place, 2], known[place, 3] = stop, extreme, pace, side
        if place >= first:
            stops[place], directions[place] = shown, side
        place += 1


@compiled
def _parabolic_stop(high, low, block, before, step, limit):  # type: ignore[no-untyped-def]
    symbols, bars = high.shape
    stops, directions = np.full((symbols, bars), np.nan), np.full((symbols, bars), np.nan)
    known = np.empty((bars, 4))
    for row in range(symbols):
        first, start = 0, 0
        known[:] = np.nan
        while first < bars and high[row, first] == high[row, first]:
            end = _end_of_block(high[row], block[row], first)
            while block[row, start] < block[row, first] - before:
                start += 1
            _parabolic_path(high[row], low[row], start, first, end, step, limit, known, stops[row], directions[row])
            first = end
    return stops, directions


@compiled
def _band_path(middle, width, close, start, first, end, known, stops, directions):  # type: ignore[no-untyped-def]
    """Follow the bands from ``start`` on, and write the stop from ``first`` to before ``end``; as _parabolic_path."""
    upper, lower = middle[start] + width[start], middle[start] - width[start]
    rising = close[start] >= middle[start]
    place = start
    while place < end:
        top, bottom = middle[place] + width[place], middle[place] - width[place]
        if place > start:
            upper = top if top < upper or close[place - 1] > upper else upper
            lower = bottom if bottom > lower or close[place - 1] < lower else lower
            rising = close[place] >= lower if rising else close[place] > upper
        side = 1.0 if rising else -1.0
        if place < first and known[place, 0] == upper and known[place, 1] == lower and known[place, 2] == side:
            place = first - 1
            upper, lower, rising = known[place, 0], known[place, 1], known[place, 2] > 0.0
        else:
            known[place, 0], known[place, 1], known[place, 2] = upper, lower, side
        if place >= first:
            stops[place], directions[place] = lower if rising else upper, side
        place += 1


@compiled
def _band_stop(middle, width, close, block, before):  # type: ignore[no-untyped-def]
    symbols, bars = close.shape
    stops, directions = np.full((symbols, bars), np.nan), np.full((symbols, bars), np.nan)
    known = np.empty((bars, 3))
    for row in range(symbols):
        # A symbol's first bar has no true range, and so no width.
        first, start = 1, 1
        known[:] = np.nan
        while first < bars and close[row, first] == close[row, first]:
            end = _end_of_block(close[row], block[row], first)
            while block[row, start] < block[row, first] - before:
                start += 1
            _band_path(middle[row], width[row], close[row], start, first, end, known, stops[row], directions[row])
            first = end
    return stops, directions


@compiled
def _furthest_walk(high, low, true_range, window):  # type: ignore[no-untyped-def]
    symbols, bars = high.shape
    up, down = np.full((symbols, bars), np.nan), np.full((symbols, bars), np.nan)
    count = bars - window  # of places that have so many bars before them
    if count <= 0:
        return up, down
    for row in range(symbols):
        total, above, below = true_range[row, window:].copy(), up[row, window:], down[row, window:]
        top, bottom = high[row, window:], low[row, window:]
        for length in range(2, window + 1):
            begin, root = window - length, np.sqrt(length)
            ranges = true_range[row, begin + 1 : begin + 1 + count]
            lows, highs = low[row, begin : begin + count], high[row, begin : begin + count]
            for place in range(count):
                total[place] += ranges[place]
                step = root / total[place] if total[place] > 0.0 else np.nan
                rise, fall = (top[place] - lows[place]) * step, (highs[place] - bottom[place]) * step
                # With nothing known yet, or not known now, the one that is.
                above[place] = above[place] if rise <= above[place] or rise != rise else rise
                below[place] = below[place] if fall <= below[place] or fall != fall else fall
    return up, down


@compiled_sums
def _share_above(values, levels, window):  # type: ignore[no-untyped-def]
    symbols, bars = values.shape
    out = np.full((symbols, bars), np.nan)
    for row in range(symbols):
        line = values[row]
        for last in range(window - 1, bars):
            level, first = levels[row, last], last - window + 1
            above, off = 0.0, 0.0
            for step in range(window):
                distance = line[first + step] - level
                above += max(distance, 0.0)
                off += abs(distance)
            out[row, last] = above / off if off > _ROUNDING * window * abs(level) else np.nan
    return out


@compiled_sums
def _rises_over_falls(values, window):  # type: ignore[no-untyped-def]
    symbols, bars = values.shape
    out = np.full((symbols, bars), np.nan)
    pairs = window * (window - 1) / 2.0
    for row in range(symbols):
        line, score = values[row], 0.0
        for last in range(bars):
            now = line[last]
            if now != now:
                break
            count = min(last, window - 1)
            after = line[last - count :]
            if last >= window:  # the pairs of the bar that leaves; counts are whole, so nothing is left of it
                gone, left = line[last - window], 0.0
                for step in range(window - 1):
                    left += (1.0 if after[step] > gone else 0.0) - (1.0 if after[step] < gone else 0.0)
                score -= left
            came = 0.0
            for step in range(count):
                came += (1.0 if now > after[step] else 0.0) - (1.0 if now < after[step] else 0.0)
            score += came
            if last >= window - 1:
                out[row, last] = score / pairs
    return out

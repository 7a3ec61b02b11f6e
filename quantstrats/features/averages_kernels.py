"""Compiled loops of the averages whose smoothing adapts.

Arrays are of shape (symbols, bars), as in :mod:`quantstrats.features.kernels`.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from quantstrats.features.bars import BLOCK
from quantstrats.features.decay import LONGEST
from quantstrats.features.kernels import compiled

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[np.float64]

_LEAST = 4  # blocks of time in a stretch: 128 bars' lengths
_BEFORE = 2  # stretches before the present one, on the first bar of which an average starts
_WEIGHT = 1e-5  # what may be left of its start at the usual rate
_WINDOWS = 2  # of those that a rate is made of, at least, in what an average runs over: rates stay low for about one


def stretch_blocks(rate: float, window: int) -> int:
    """Return how many blocks of time a stretch of an adaptive average has: the more, the slower it usually is.

    Parameters
    ----------
    rate : float
        The usual rate, above 0 and at most 1: that of a random walk.
    window : int
        How many bars a rate is made of.

    Raises
    ------
    ValueError
        If it would take more than a million bars.
    """
    faded = math.log(_WEIGHT) / math.log1p(-min(rate, 0.5))
    if faded > LONGEST:
        raise ValueError(f"an average that usually moves by {rate:.1e} never forgets within a million bars")
    return max(_LEAST, math.ceil(max(faded, _WINDOWS * window) / (_BEFORE * BLOCK)))


def adaptive_bars(rate: float, window: int) -> int:
    """Return the most bars that an adaptive average runs over; the parameters as of :func:`stretch_blocks`."""
    return stretch_blocks(rate, window) * BLOCK * (_BEFORE + 1)


def adaptive_average(values: Array, rates: Array, block: NDArray[np.int64], blocks: int) -> Array:
    """Return y += rate (x - y), started afresh: a rate that may be near zero would remember for ever.

    The average of a bar starts with the first value of the second stretch of time before its own.

    Parameters
    ----------
    values, rates : array, shape (symbols, bars)
        Values, NaN behind the last; and rates from 0 to 1. Where a rate is NaN the average stays.
    block : array of int64, shape (symbols, bars)
        Blocks of time, of :class:`~quantstrats.features.bars.Bars`.
    blocks : int
        How many of them a stretch has: :func:`stretch_blocks`.
    """
    return _adaptive_average(values, rates, block, blocks, _BEFORE)


@compiled
def _adaptive_average(values, rates, block, blocks, before):  # type: ignore[no-untyped-def]
    symbols, bars = values.shape
    out = np.full((symbols, bars), np.nan)
    for row in range(symbols):
        line, rate = values[row], rates[row]
        first, start = 0, 0
        while first < bars and line[first] == line[first]:
            stretch = block[row, first] // blocks
            end = first
            while end < bars and line[end] == line[end] and block[row, end] // blocks == stretch:
                end += 1
            while block[row, start] // blocks < stretch - before:
                start += 1
            level = line[start]
            for place in range(start, end):
                if rate[place] == rate[place]:
                    level += rate[place] * (line[place] - level)
                if place >= first:
                    out[row, place] = level
            first = end
    return out

"""Compiled loops of the averages whose smoothing adapts.

Arrays are of shape (symbols, bars), as in :mod:`quantstrats.features.kernels`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from quantstrats.features.bars import BLOCK
from quantstrats.features.kernels import compiled

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[np.float64]

_BLOCKS = 4  # of time, in a stretch: 128 bars' lengths
_BEFORE = 2  # stretches before the present one, on the first bar of which an average starts
ADAPTIVE_BARS = _BLOCKS * BLOCK * (_BEFORE + 1)  # the most bars that an adaptive average runs over


def adaptive_average(values: Array, rates: Array, block: NDArray[np.int64]) -> Array:
    """Return y += rate (x - y), started afresh: a rate that may be near zero would remember for ever.

    The average of a bar starts with the first value of the second stretch of time before its own, of 128 bars' lengths
    each: 256 to 384 of them ago.

    Parameters
    ----------
    values, rates : array, shape (symbols, bars)
        Values, NaN behind the last; and rates from 0 to 1. Where a rate is NaN the average stays.
    block : array of int64, shape (symbols, bars)
        Blocks of time, of :class:`~quantstrats.features.bars.Bars`.
    """
    return _adaptive_average(values, rates, block, _BLOCKS, _BEFORE)


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

"""Compiled loops of the levels: how long ago the highest value of a window was.

Arrays are of shape (symbols, bars), as in :mod:`quantstrats.features.kernels`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from quantstrats.features.kernels import compiled

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[np.float64]


def bars_since_highest(values: Array, window: int) -> Array:
    """Return how many bars ago the highest of the last ``window`` values was, the latest where there are several."""
    return _bars_since_highest(values, window)


@compiled
def _bars_since_highest(values, window):  # type: ignore[no-untyped-def]
    symbols, bars = values.shape
    out = np.empty((symbols, bars))
    for row in range(symbols):
        line = values[row]
        highest, at = np.nan, -1
        for place in range(bars):
            value, first = line[place], place - window + 1
            if value >= highest or at < 0:
                highest, at = value, place
            elif at < first:
                highest, at = value, place
                for earlier in range(place - 1, first - 1, -1):
                    if line[earlier] > highest:
                        highest, at = line[earlier], earlier
            out[row, place] = np.nan if first < 0 or value != value else float(place - at)
    return out

"""Observations of several symbols as one side series."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from quantstrats.market.side import SideSeries

if TYPE_CHECKING:
    from numpy.typing import NDArray


def side_frame(
    about: pd.DatetimeIndex, known_at: pd.DatetimeIndex, symbols: NDArray[np.object_], values: NDArray[Any]
) -> SideSeries:
    """Return observations of several symbols as a frame: a row for each time that was known at an instant.

    Parameters
    ----------
    about, known_at : DatetimeIndex
        Of each observation.
    symbols : array of str objects
        Of each observation.
    values : array of float64, or of str objects
        Of each observation; where one is there twice, the last counts.
    """
    columns, names = pd.factorize(symbols, sort=True)
    pairs = pd.MultiIndex.from_arrays([known_at, about])
    row, distinct = pd.factorize(pairs, sort=True)
    table = np.full((len(distinct), len(names)), np.nan, dtype=values.dtype)
    table[row, columns] = values
    index = pd.DatetimeIndex(distinct.get_level_values(1))
    frame = pd.DataFrame(table, index=index, columns=names)
    return SideSeries(frame, pd.DatetimeIndex(distinct.get_level_values(0)))

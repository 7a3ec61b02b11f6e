"""Fewer points than a series has, such that it looks the same."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray


def telling_rows(values: NDArray[np.float64], most: int) -> NDArray[np.int64]:
    """Return the rows that keep the looks of some columns: of each stretch the lowest, the highest and the last.

    Parameters
    ----------
    values : array, shape (rows, columns)
        NaN where there is none.
    most : int
        About how many rows are kept; all, if there are no more.

    Returns
    -------
    array of int
        Rows in order; the first and the last are among them.
    """
    rows, columns = values.shape
    if rows <= most:
        return np.arange(rows)
    length = -(-rows * (2 * columns + 1) // most)
    starts = np.arange(0, rows, length)
    padded = np.full((len(starts) * length, columns), np.nan)
    padded[:rows] = values
    stretches = padded.reshape(len(starts), length, columns)
    lowest = np.where(np.isnan(stretches), np.inf, stretches).argmin(axis=1) + starts[:, None]
    highest = np.where(np.isnan(stretches), -np.inf, stretches).argmax(axis=1) + starts[:, None]
    last = np.minimum(starts + length, rows) - 1
    return np.unique(np.concatenate([[0], lowest.ravel(), highest.ravel(), last]))


def thinned_note(shown: int, bars: int) -> str:
    """Return what a chart of ``telling_rows`` says of itself; nothing if it shows all."""
    return f"{shown:,} of {bars:,} bars are shown; highs and lows are all among them" if shown < bars else ""


def spread_rows(rows: int, most: int) -> NDArray[np.int64]:
    """Return at most ``most`` rows at equal steps, the last among them."""
    if rows <= most:
        return np.arange(rows)
    step = -(-rows // most)
    return np.arange((rows - 1) % step, rows, step)


def farthest(values: NDArray[np.float64], length: int) -> NDArray[np.float64]:
    """Return of each ``length`` values the one that lies farthest from zero."""
    padded = np.zeros(-(-len(values) // length) * length)
    padded[: len(values)] = values
    groups = padded.reshape(-1, length)
    found: NDArray[np.float64] = groups[np.arange(len(groups)), np.abs(groups).argmax(axis=1)]
    return found


def joined_bars(bars: pd.DataFrame, most: int) -> tuple[pd.DataFrame, int]:
    """Return bars joined to fewer, longer ones, and how many of the old ones a new one has.

    Parameters
    ----------
    bars : DataFrame
        Columns open, high, low and close, or the close alone; NaN where there is no bar.
    most : int
        How many bars there may be.

    Returns
    -------
    DataFrame, int
        Each bar bears the label of its first.
    """
    length = -(-len(bars) // most)
    if length <= 1:
        return bars, 1
    how = {"open": "first", "high": "max", "low": "min", "close": "last"}
    groups = bars.groupby(np.arange(len(bars)) // length)
    joined = groups.agg({name: how[str(name)] for name in bars.columns})
    return joined.set_axis(bars.index[::length], axis=0), length

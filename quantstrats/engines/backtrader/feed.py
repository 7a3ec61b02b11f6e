"""Feeds that take whole arrays at once."""

from __future__ import annotations

import array
from typing import TYPE_CHECKING

import backtrader as bt
import numpy as np

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

_DAY = 86_400 * 10**9
_ORDINAL_OF_1970 = 719_163


class BarFeed(bt.feed.DataBase):
    """One symbol's bars, loaded in bulk.

    Where there is no bar, open, high, low and volume are NaN and the close is the last one that was: that is
    what a position is worth. The broker trades only where there is an open.
    """

    params = (("columns", None),)

    def preload(self) -> None:
        """Fill every line from its array at once, in place of a call per bar."""
        columns: dict[str, array.array[float]] = self.p.columns
        rows = len(columns["datetime"])
        for position, line in enumerate(self.lines):
            name = self.lines._getlinealias(position)
            line.array = columns.get(name) or _line(np.full(rows, np.nan))
            line.idx = rows - 1
            line.lencount = rows
        self.home()


def bar_feed(datetimes: array.array[float], values: dict[str, NDArray[np.float64]], name: str) -> BarFeed:
    """Return a feed of one symbol; ``values`` are one-dimensional arrays by field, NaN where there is no bar."""
    columns = {field: _line(column) for field, column in values.items() if field != "close"}
    columns["close"] = _line(_last_known(values["close"]))
    return BarFeed(columns=columns | {"datetime": datetimes}, name=name)


def backtrader_datetimes(index: pd.DatetimeIndex) -> array.array[float]:
    """Return labels as Backtrader counts time: days since the year 1, as floats."""
    nanoseconds = index.as_unit("ns").asi8
    days, within = nanoseconds // _DAY, nanoseconds % _DAY
    return _line(days + _ORDINAL_OF_1970 + within / _DAY)


def _line(values: NDArray[np.float64]) -> array.array[float]:
    line = array.array("d")
    line.frombytes(np.ascontiguousarray(values, dtype="float64").tobytes())
    return line


def _last_known(values: NDArray[np.float64]) -> NDArray[np.float64]:
    known = np.where(np.isnan(values), 0, np.arange(len(values)))
    return values[np.maximum.accumulate(known)]

"""Rows: bars as a file or a vendor gives them, row by row, before anything is known of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from quantstrats.errors import DataError
from quantstrats.market.frames import FIELDS, PRICES

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from quantstrats.market.calendar import Grid


DUPLICATE = "duplicate"


@dataclass(frozen=True)
class Defect:
    """Rows that cannot stand, whatever else is in them.

    Attributes
    ----------
    rule : str
        What the defect is called in a policy of repairs.
    what : str
        What is wrong with them, as in "the time is no session of XNYS".
    advice : str
        What may be done about it besides leaving them out.
    rows : array of bool
        Which.
    """

    rule: str
    what: str
    advice: str
    rows: NDArray[np.bool_]


@dataclass(frozen=True)
class Rows:
    """All rows of some symbols, in the order in which they came.

    Attributes
    ----------
    where : str
        The file, folder or vendor, as messages name it.
    labels : DatetimeIndex
        The distinct labels, ascending: session dates without time zone, or instants in UTC.
    row : array of int
        Position of each row's label in ``labels``.
    symbols : array of str objects
        The distinct symbols, ascending.
    column : array of int
        Position of each row's symbol in ``symbols``.
    values : dict of str to array of float64
        By field, a value per row, NaN where there is nothing; ``open``, ``high`` and ``low`` may be left out together.
    place : callable
        Says where a row stands, as in "line 5 (2015-01-05 SPY)".
    defects : sequence of Defect
        What was found while the rows were read.
    """

    where: str
    labels: pd.DatetimeIndex
    row: NDArray[np.intp]
    symbols: NDArray[np.object_]
    column: NDArray[np.intp]
    values: dict[str, NDArray[np.float64]]
    place: Callable[[int], str]
    defects: tuple[Defect, ...] = field(default=())

    @classmethod
    def of_symbol(
        cls, where: str, symbol: str, times: pd.DatetimeIndex, values: dict[str, NDArray[np.float64]]
    ) -> Rows:
        """Return the rows of one symbol; ``times`` are labels in any order."""

        def place(row: int) -> str:
            label = times[row]
            return f"{label.date() if label.tz is None else label} {symbol}"

        labels, row = _ranked(times)
        column = np.zeros(len(times), dtype="intp")
        return cls(where, labels, row, np.array([symbol], dtype=object), column, values, place)

    @classmethod
    def of_columns(
        cls,
        where: str,
        times: pd.DatetimeIndex,
        symbols: NDArray[np.object_],
        values: dict[str, NDArray[np.float64]],
        place: Callable[[int], str],
    ) -> Rows:
        """Return the rows of a table with a column of labels and one of symbols."""
        labels, row = _ranked(times)
        column, names = pd.factorize(symbols, sort=True)
        return cls(where, labels, row, names, column, values, place)

    @property
    def close_only(self) -> bool:
        """Whether these bars have closes alone."""
        return "open" not in self.values

    def duplicates(self) -> Defect:
        """Return the rows whose time and symbol stand before them already."""
        twice = pd.Series(self.row * len(self.symbols) + self.column).duplicated().to_numpy()
        advice = "keep one of each, or choose by another column as in data.where: {timeframe: 1h}"
        return Defect(DUPLICATE, "the same time and symbol stand again", advice, twice)

    def check_order(self, repeated: NDArray[np.bool_]) -> None:
        """Refuse a symbol whose rows stand neither oldest nor newest first.

        Parameters
        ----------
        repeated : array of bool
            Rows that repeat a bar, which are left out of account: whoever appended them meant no order.

        Raises
        ------
        DataError
            With the first place.
        """
        once = np.flatnonzero(~repeated)
        order = once[np.argsort(self.column[once], kind="stable")]
        step = np.sign(np.diff(self.row[order])) * (np.diff(self.column[order]) == 0)
        symbol = self.column[order][1:]
        forward = np.bincount(symbol, step, len(self.symbols)) >= 0
        against = np.zeros(len(self.row), dtype=bool)
        against[order[1:]] = np.where(forward[symbol], step < 0, step > 0)
        if against.any():
            raise DataError(f"{self.where}: {self.found(against, 'times go back and forth')}; sort the rows by time")

    def found(self, rows: NDArray[np.bool_], what: str) -> str:
        """Say what is wrong with rows, how often, and where first."""
        count = int(rows.sum())
        return f"{what} in {'1 row' if count == 1 else f'{count} rows'}, first at {self.place(int(np.argmax(rows)))}"

    def row_of(self, label: pd.Timestamp, symbol: str) -> int | None:
        """Return the number of the row with this label and symbol, if there is one."""
        if label not in self.labels or symbol not in self.symbols:
            return None
        same = (self.row == self.labels.get_loc(label)) & (self.column == int(np.searchsorted(self.symbols, symbol)))
        return int(np.argmax(same)) if same.any() else None

    def laid(
        self, grid: Grid, columns: NDArray[np.intp], into: dict[str, NDArray[np.float64]], kept: NDArray[np.bool_]
    ) -> None:
        """Write the kept rows into arrays of rows x symbols.

        Parameters
        ----------
        grid : Grid
            The rows of the arrays; labels that it lacks are left out.
        columns : array of int
            The column of each of ``symbols``.
        into : dict of str to array of float64, shape (rows, symbols)
            All fields. Of close-only rows every price is the close.
        kept : array of bool
            Which rows.
        """
        position = grid.index.get_indexer(self.labels)[self.row]
        chosen = kept & (position >= 0)
        every = bool(chosen.all())
        at = (position, columns[self.column]) if every else (position[chosen], columns[self.column[chosen]])
        for name in FIELDS:
            source = "close" if self.close_only and name in PRICES else name
            if source in self.values:
                into[name][at] = self.values[source] if every else self.values[source][chosen]


def _ranked(times: pd.DatetimeIndex) -> tuple[pd.DatetimeIndex, NDArray[np.intp]]:
    """Return the distinct labels, ascending, and for each time the position of its own."""
    steps = np.diff(times.asi8)
    if (steps > 0).all():
        return times, np.arange(len(times))
    codes, distinct = pd.factorize(times)
    unsorted = pd.DatetimeIndex(distinct)
    order = np.argsort(unsorted.asi8)
    position = np.empty(len(order), dtype="intp")
    position[order] = np.arange(len(order))
    return unsorted[order], position[codes]


def symbols_of(every: Iterable[Rows]) -> list[str]:
    """Return the symbols of several tables of rows, ascending."""
    return sorted({str(symbol) for rows in every for symbol in rows.symbols})

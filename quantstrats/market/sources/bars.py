"""The rows of files put together: what cannot stand is found with its place, the rest becomes a Market."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from quantstrats.errors import DataError
from quantstrats.market.frames import PRICES, labels_and_bar
from quantstrats.market.market import Market
from quantstrats.market.sources.times import localized

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from quantstrats.market.calendar import Calendar
    from quantstrats.market.sources.tables import Table

_DAY = pd.Timedelta("1D")
# Adjusted prices may miss low to high by what rounding does to them.
_ROUNDING = 1e-9


@dataclass(frozen=True)
class Defect:
    """Rows that cannot stand.

    Attributes
    ----------
    rows : array of bool
        Which.
    what : str
        What is wrong with them, as in "high is below low".
    advice : str
        What may be done about it besides dropping them.
    """

    rows: NDArray[np.bool_]
    what: str
    advice: str = "mend the data"


@dataclass(frozen=True)
class Bars:
    """The rows of one file, or of the files of a folder.

    Attributes
    ----------
    path : Path
        The file or folder.
    tables : sequence of Table
        The files' rows, in order.
    index : DatetimeIndex
        The distinct labels, ascending: session dates, or instants in UTC.
    row : array of int
        Position of each row's label in ``index``.
    names : array of str objects
        The symbols, ascending.
    column : array of int
        Position of each row's symbol in ``names``.
    values : dict of str to array of float64
        By field, a value per row.
    bar : Timedelta or None
        Length of an intraday bar; None for daily bars.
    """

    path: Path
    tables: Sequence[Table]
    index: pd.DatetimeIndex
    row: NDArray[np.intp]
    names: NDArray[np.object_]
    column: NDArray[np.intp]
    values: dict[str, NDArray[np.float64]]
    bar: pd.Timedelta | None

    @classmethod
    def joined(cls, path: Path, tables: Sequence[Table], time_zone: str | None, bar: str | None) -> Bars:
        """Put tables together.

        Raises
        ------
        DataError
            If their times or columns do not go together, or intraday times have no zone.
        """
        times = _labels(path, tables, time_zone, _length(bar))
        codes, distinct = pd.factorize(times)
        unsorted = pd.DatetimeIndex(distinct)
        order = np.argsort(unsorted.asi8)
        try:
            index, length = labels_and_bar(unsorted[order], _length(bar))
        except DataError as error:
            raise DataError(f"{path}: {error}") from None
        # The place of each distinct label once they stand in order.
        position = np.empty(len(order), dtype="intp")
        position[order] = np.arange(len(order))
        column, names = pd.factorize(np.concatenate([table.symbols for table in tables]), sort=True)
        return cls(path, tables, index, position[codes], names, column, _values(path, tables), length)

    def check_order(self) -> None:
        """Refuse a bar that is there twice, and a symbol whose rows stand neither oldest nor newest first.

        Raises
        ------
        DataError
            With the first place.
        """
        twice = pd.Series(self.row * len(self.names) + self.column).duplicated().to_numpy()
        if twice.any():
            advice = "keep one of each, or choose by another column as in data.where: {timeframe: 1h}"
            raise DataError(self._refusal(Defect(twice, "the same time and symbol stand again", advice)))
        order = np.argsort(self.column, kind="stable")
        step = np.sign(np.diff(self.row[order])) * (np.diff(self.column[order]) == 0)
        symbol = self.column[order][1:]
        forward = np.bincount(symbol, step, len(self.names)) >= 0
        against = np.zeros(len(self.row), dtype=bool)
        against[order[1:]] = np.where(forward[symbol], step < 0, step > 0)
        if against.any():
            raise DataError(self._refusal(Defect(against, "times go back and forth", "sort the rows by time")))

    def defects(self, calendar: Calendar) -> Iterator[Defect]:
        """Yield what cannot stand, kind by kind; a row may be of several kinds."""
        grid = calendar.grid(self.index[0], self.index[-1], self.bar).index
        what = "session" if self.bar is None else f"{self.bar.total_seconds() / 60:g}-minute bar"
        yield Defect(
            (grid.get_indexer(self.index) < 0)[self.row],
            f"the time is no {what} of {calendar.name}",
            "set data.calendar ('24/7' never closes)",
        )
        fields = [field for field in (*PRICES, "adj_close") if field in self.values]
        prices = [self.values[field] for field in fields]
        missing = np.array([np.isnan(price) for price in prices])
        volume = self.values["volume"]
        partly = missing.any(axis=0) & ~(missing.all(axis=0) & np.isnan(volume))
        names = f"{', '.join(fields[:-1])} or {fields[-1]}" if len(fields) > 1 else "close"
        yield Defect(partly, f"{names} is missing while others are there")
        for field in (*fields, "volume"):
            array = self.values[field]
            yield Defect(np.isinf(array), f"{field} is infinite")
            if field == "volume":
                yield Defect(array < 0, "volume is negative")
            else:
                yield Defect(array <= 0, f"{field} is zero or negative")
        if "open" in self.values:
            high, low = self.values["high"], self.values["low"]
            yield Defect(high < low, "high is below low")
            for field in ("open", "close"):
                array = self.values[field]
                outside = (array > high * (1 + _ROUNDING)) | (array < low * (1 - _ROUNDING))
                yield Defect(outside, f"{field} lies outside low to high")

    def market(self, calendar: Calendar, bad_rows: str) -> Market:
        """Return the bars as a Market.

        Parameters
        ----------
        calendar : Calendar
            Whose sessions the rows must be.
        bad_rows : {"refuse", "drop"}
            What to do about defects; what is dropped is stamped on the Market.

        Raises
        ------
        DataError
            With the first place of a defect.
        """
        kept = np.full(len(self.row), True)
        dropped = []
        for defect in self.defects(calendar):
            found = Defect(defect.rows & kept, defect.what, f"{defect.advice}, or set data.bad_rows: drop")
            if not found.rows.any():
                continue
            if bad_rows == "refuse":
                raise DataError(self._refusal(found))
            kept &= ~found.rows
            dropped.append(self._finding(found))
        if not kept.any():
            raise DataError(f"{self.path}: no row is left; {dropped[0]}")
        stamps = [f"rows of {self.path.name} were dropped: {'; '.join(dropped)}"] if dropped else []
        frames = {field: self._frame(array, kept) for field, array in self._adjusted().items()}
        try:
            return Market.from_frames(**frames, calendar=calendar.name, bar=self.bar, stamps=stamps)  # type: ignore[arg-type]
        except DataError as error:
            raise DataError(f"{self.path}: {error}") from None

    def _adjusted(self) -> dict[str, NDArray[np.float64]]:
        """Return the fields, adjusted where an adjusted close came along; what was traded keeps its value."""
        values = dict(self.values)
        if "adj_close" not in values:
            return values
        # One factor for all prices of a bar keeps their order to the last digit.
        factor = values.pop("adj_close") / values["close"]
        return {field: array / factor if field == "volume" else array * factor for field, array in values.items()}

    def _frame(self, array: NDArray[np.float64], kept: NDArray[np.bool_]) -> pd.DataFrame:
        table = np.full((len(self.index), len(self.names)), np.nan)
        table[self.row[kept], self.column[kept]] = array[kept]
        filled = np.zeros(len(self.index), dtype=bool)
        filled[self.row[kept]] = True
        return pd.DataFrame(table[filled], index=self.index[filled], columns=self.names)

    def _refusal(self, defect: Defect) -> str:
        return f"{self.path}: {self._finding(defect)}; {defect.advice}"

    def _finding(self, defect: Defect) -> str:
        """Return what is wrong, how often, and where first."""
        count = int(defect.rows.sum())
        first = int(np.argmax(defect.rows))
        ends = np.cumsum([len(table.times) for table in self.tables])
        number = int(ends.searchsorted(first, side="right"))
        table = self.tables[number]
        place = table.place(first - (int(ends[number - 1]) if number else 0))
        inside = f"{table.path.name}, " if table.path != self.path else ""
        return f"{defect.what} in {'1 row' if count == 1 else f'{count} rows'}, first at {inside}{place}"


def _labels(path: Path, tables: Sequence[Table], time_zone: str | None, bar: pd.Timedelta | None) -> pd.DatetimeIndex:
    """Return each row's label: a midnight without a zone for a session, an instant for an intraday bar."""
    for table in tables[1:]:
        if str(table.times.tz) != str(tables[0].times.tz):
            kinds = [f"{each.path.name} has {each.times.tz or 'no time zone'}" for each in (tables[0], table)]
            raise DataError(
                f"{path}: mixed time zones, {' and '.join(kinds)}; write all in one way, or set data.time_zone"
            )
    times = pd.DatetimeIndex(np.concatenate([table.times.tz_localize(None).to_numpy() for table in tables]))
    at_midnight = times == times.normalize()
    if (bar is None and at_midnight.all()) or (bar is not None and bar >= _DAY):
        return times.normalize()
    timed = int(np.argmin(at_midnight))  # the first that has a time of day, or the first
    if bar is None and _hours_apart(times):
        raise DataError(
            f"{path}: rows are a day apart and have a time of day, first {times[timed]}; "
            "set data.bar: 1D to read them as dates"
        )
    if tables[0].times.tz is not None:
        return pd.DatetimeIndex(np.concatenate([table.times.tz_convert(None).to_numpy() for table in tables]), tz="UTC")
    if time_zone is None:
        raise DataError(
            f"{path}: intraday times have no time zone, first {times[timed]}; "
            "set data.time_zone to where that clock hangs, as in America/New_York"
        )
    instants = [localized(table.times, time_zone, table.named_place).tz_convert(None) for table in tables]
    return pd.DatetimeIndex(np.concatenate([each.to_numpy() for each in instants]), tz="UTC")


def _hours_apart(times: pd.DatetimeIndex) -> bool:
    distinct = np.unique(times.asi8)
    return len(distinct) > 1 and np.diff(distinct).min() > pd.Timedelta("12h").value


def _values(path: Path, tables: Sequence[Table]) -> dict[str, NDArray[np.float64]]:
    fields = set(tables[0].values) | {"volume"}
    for table in tables[1:]:
        if set(table.values) | {"volume"} != fields:
            different = ", ".join(sorted((set(table.values) | {"volume"}) ^ fields))
            raise DataError(
                f"{path}: only one of {tables[0].path.name} and {table.path.name} has {different}; "
                "give all files the same columns, or leave those out, as in data.columns: {open: null}"
            )
    return {field: np.concatenate([table.field(field) for table in tables]) for field in fields}


def _length(bar: str | None) -> pd.Timedelta | None:
    if bar is None:
        return None
    try:
        length = pd.Timedelta(bar)
    except ValueError:
        length = pd.Timedelta(0)
    if not length >= pd.Timedelta("1s"):
        raise DataError(f"bar is {bar!r}; give the length of a bar, as in '5min'")
    return length

"""Survey: what the tables of a file or a folder have in common, before their rows are laid out one table at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from quantstrats.errors import DataError
from quantstrats.market.frames import labels_and_bar
from quantstrats.market.intake import Supply
from quantstrats.market.rows import Defect, Rows
from quantstrats.market.sources.times import localized

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from quantstrats.market.calendar import Calendar
    from quantstrats.market.sources.tables import Table

ADJUSTED_CLOSE = "adjusted_close"  # the rule that an adjusted close, where it is asked for, is a price
_DAY = pd.Timedelta("1D")
# Up to so many rows in all, tables are kept from the survey; of more, each is read again when its rows are wanted.
_MOST_KEPT = 3_000_000


@dataclass
class Survey:
    """What is known of tables once all of them were looked at.

    Attributes
    ----------
    path : Path
        The file or folder.
    readers : sequence of callable
        Each reads one table, or with ``times_alone=True`` its times.
    time_zone : str or None
        Where the clock hangs that intraday times without an offset were read from.
    bar : str or None
        Length of a bar, if the user says.
    """

    path: Path
    readers: Sequence[Callable[..., Table]]
    time_zone: str | None
    bar: str | None
    _kept: dict[int, Table] = field(default_factory=dict, init=False)
    _rows_seen: int = field(default=0, init=False)
    _first: Table = field(init=False)
    _symbols: set[str] = field(default_factory=set, init=False)
    _moments: NDArray[np.int64] = field(default_factory=lambda: np.empty(0, "int64"), init=False)

    def supply(self, calendar: Calendar, symbols: Sequence[str] | None, start: date | None, end: date | None) -> Supply:
        """Look at all tables, and return their rows.

        Raises
        ------
        DataError
            If their times or columns do not go together, or intraday times have no zone.
        """
        for number, read in enumerate(self.readers):
            self._look_at(number, read(times_alone=self._rows_seen > _MOST_KEPT))
        daily = self._are_daily()
        labels = self._labels_of(self._times(), daily)
        try:
            index, length = labels_and_bar(labels, _length(self.bar))
        except DataError as error:
            raise DataError(f"{self.path}: {error}") from None

        def batches() -> Iterator[Rows]:
            for number, read in enumerate(self.readers):
                yield self._rows_of(self._kept[number] if number in self._kept else read(), daily)

        return Supply(
            str(self.path),
            calendar,
            length,
            index[0],
            index[-1],
            tuple(symbols or sorted(self._symbols)),
            batches,
            close_only="open" not in self._first.values,
            start=start,
            end=end,
        )

    def _look_at(self, number: int, table: Table) -> None:
        if number == 0:
            self._first = table
        self._refuse_other_columns(table)
        self._refuse_other_zone(table)
        moments = table.times.asi8
        place = np.minimum(np.searchsorted(self._moments, moments), max(len(self._moments) - 1, 0))
        # Files of a folder mostly have the same times.
        if not len(self._moments) or not (self._moments[place] == moments).all():
            self._moments = np.union1d(self._moments, moments)
        self._symbols.update(map(str, pd.unique(table.symbols)))
        self._rows_seen += len(moments)
        if self._rows_seen <= _MOST_KEPT:
            self._kept[number] = table
        else:
            self._kept.clear()

    def _refuse_other_zone(self, table: Table) -> None:
        first = self._first
        if str(table.times.tz) != str(first.times.tz):
            kinds = [f"{each.path.name} has {each.times.tz or 'no time zone'}" for each in (first, table)]
            raise DataError(
                f"{self.path}: mixed time zones, {' and '.join(kinds)}; write all in one way, or set data.time_zone"
            )

    def _refuse_other_columns(self, table: Table) -> None:
        first = self._first
        different = (set(table.values) ^ set(first.values)) - {"volume"}
        if different:
            raise DataError(
                f"{self.path}: only one of {first.path.name} and {table.path.name} has {', '.join(sorted(different))}; "
                "give all files the same columns, or leave those out, as in data.columns: {open: null}"
            )

    def _times(self) -> pd.DatetimeIndex:
        """Return the distinct times of all tables, ascending, as written."""
        zone = self._first.times.tz
        times = pd.DatetimeIndex(self._moments)
        return times if zone is None else times.tz_localize("UTC").tz_convert(zone)

    def _are_daily(self) -> bool:
        """Tell whether the rows are labelled by session; refuse times that are neither days nor instants."""
        bar = _length(self.bar)
        times = self._times()
        wall = times.tz_localize(None)
        at_midnight = wall == wall.normalize()
        if (bar is None and at_midnight.all()) or (bar is not None and bar >= _DAY):
            return True
        timed = wall[int(np.argmin(at_midnight))]  # the first that has a time of day, or the first
        if bar is None and _hours_apart(wall):
            raise DataError(
                f"{self.path}: rows are a day apart and have a time of day, first {timed}; "
                "set data.bar: 1D to read them as dates"
            )
        if times.tz is None and self.time_zone is None:
            raise DataError(
                f"{self.path}: intraday times have no time zone, first {timed}; "
                "set data.time_zone to where that clock hangs, as in America/New_York"
            )
        return False

    def _labels_of(self, times: pd.DatetimeIndex, daily: bool, place: Any = None) -> pd.DatetimeIndex:
        """Return labels, session dates or instants in UTC; without a place, those that are no instant are left out."""
        if daily:
            days = times.tz_localize(None).normalize()
            return days if place is not None else days.unique()
        if times.tz is not None:
            return times.tz_convert("UTC")
        if place is not None:
            return localized(times, str(self.time_zone), place).tz_convert("UTC")
        known = times.tz_localize(self.time_zone, ambiguous="NaT", nonexistent="NaT").dropna()
        if not len(known):
            localized(self._first.times, str(self.time_zone), self._first.named_place)
        return known.tz_convert("UTC").sort_values()

    def _rows_of(self, table: Table, daily: bool) -> Rows:
        inside = f"{table.path.name}, " if table.path != self.path else ""
        labels = self._labels_of(table.times, daily, table.named_place)
        values, defects = _adjusted(table.values)
        rows = Rows.of_columns(str(self.path), labels, table.symbols, values, lambda row: f"{inside}{table.place(row)}")
        return Rows(**{**vars(rows), "defects": defects}) if defects else rows


def _adjusted(values: dict[str, NDArray[np.float64]]) -> tuple[dict[str, NDArray[np.float64]], tuple[Defect, ...]]:
    """Return the fields, adjusted where an adjusted close came along; what was traded keeps its value."""
    if "adj_close" not in values:
        return values, ()
    adjusted = values["adj_close"]
    missing = np.isnan(adjusted) & ~np.isnan(values["close"])
    with np.errstate(invalid="ignore"):
        wrong = {"missing while close is there": missing, "infinite": np.isinf(adjusted)}
        wrong["zero or negative"] = adjusted <= 0
        # One factor for all prices of a bar keeps their order to the last digit. Where the close cannot stand, the
        # prices tell so themselves.
        factor = np.where((values["close"] > 0) & np.isfinite(values["close"]), adjusted / values["close"], 1.0)
        fields = {
            name: array / factor if name == "volume" else array * factor
            for name, array in values.items()
            if name != "adj_close"
        }
    defects = tuple(
        Defect(ADJUSTED_CLOSE, f"adj_close is {what}", "mend the data", rows) for what, rows in wrong.items()
    )
    return fields, defects


def _hours_apart(wall: pd.DatetimeIndex) -> bool:
    distinct = np.unique(wall.asi8)
    return len(distinct) > 1 and bool(np.diff(distinct).min() > pd.Timedelta("12h").value)


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

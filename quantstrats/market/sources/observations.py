"""The dated values of one file of a side series: read and checked."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pyarrow as pa

from quantstrats.errors import DataError
from quantstrats.market.calendar import Calendar
from quantstrats.market.side import SideSeries
from quantstrats.market.sources.known import delay_of
from quantstrats.market.sources.series import CLOSE
from quantstrats.market.sources.side_frame import side_frame
from quantstrats.market.sources.side_known import known_as_said, known_at_close, label
from quantstrats.market.sources.side_rows import column_called, columns_of, read_rows
from quantstrats.market.sources.times import read_times

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from quantstrats.market.sources.series import Series
    from quantstrats.market.sources.side_rows import SideRows

_TIMES = ("time", "date", "timestamp", "datetime")


def read_observations(source: Series, path: Path, symbols: Sequence[str]) -> SideSeries:
    """Return the dated values of a file.

    Raises
    ------
    DataError
        With the file and the place of the first thing that cannot stand.
    """
    names = columns_of(path, source)
    time = column_called(path, names, source.time, "time") if source.time else _time_column(path, names)
    value = column_called(path, names, source.value, "value")
    over = [] if source.over is None else [column_called(path, names, source.over, "over")]
    instead = "close, assumed or "
    known = [] if source.known_at == CLOSE else [column_called(path, names, source.known_at, "known_at", instead)]
    rows = read_rows(path, source, names, symbols, words=[time, *known], numbers=[value, *over])
    exchange = Calendar(source.calendar)
    about = _times(rows, time, source)
    if known:
        known_at = known_as_said(rows, about, _times(rows, known[0], source), exchange, source)
    else:
        known_at = known_at_close(rows, about, exchange)
    values = _values(rows, value, over)
    _refuse_twice(rows, about, known_at, values, bool(known))
    return _side_series(rows, about, known_at + delay_of(source.delay), values, source.value)


def _time_column(path: Path, names: list[str]) -> str:
    candidates = [name for name in names if name.strip().lower() in _TIMES]
    if len(candidates) == 1:
        return candidates[0]
    what = (
        f"columns {' and '.join(map(repr, candidates))} could both be the time" if candidates else "no column of times"
    )
    raise DataError(
        f"{path}: {what} (it has {', '.join(map(repr, names[:20]))}); name what the values are about by data.time"
    )


def _times(rows: SideRows, name: str, source: Series) -> pd.DatetimeIndex:
    """Return a column of dates or instants: with a time zone where the file says one."""
    column = rows.columns.column(name)
    if pa.types.is_timestamp(column.type) or pa.types.is_date(column.type):
        missing = column.is_null().to_numpy()
        rows.refuse(missing, lambda _: f"{name} is missing; mend the row")
        instants = column.cast(pa.timestamp("ms")) if pa.types.is_date(column.type) else column
        times = pd.DatetimeIndex(instants.to_pandas())
    else:
        texts = rows.texts(name)
        rows.refuse(np.array([text == "" for text in texts]), lambda _: f"{name} is missing; mend the row")
        times = read_times(texts, source.time_format, source.time_zone, rows.place)
    try:
        return times.as_unit("ns")
    except pd.errors.OutOfBoundsDatetime:
        wrong = np.asarray((times.year < 1678) | (times.year > 2261))
        rows.refuse(wrong, lambda row: f"{name} {times[row]} is beyond 1678 to 2261; mend it")
        raise


def _values(rows: SideRows, value: str, over: list[str]) -> NDArray[Any]:
    """Return the numbers, divided where that is asked for; values of symbols may be words instead."""
    values = rows.values(value) if over or rows.symbols is None else rows.numbers_or_words(value)
    for divisor in over:
        below = rows.values(divisor)
        values = np.divide(values, below, out=np.full(len(values), np.nan), where=below != 0)
    if values.dtype != object:
        rows.refuse(np.isinf(values), lambda _: f"{value} is infinite; mend it")
    return values


def _refuse_twice(
    rows: SideRows, about: pd.DatetimeIndex, known_at: pd.DatetimeIndex, values: NDArray[Any], has_vintages: bool
) -> None:
    """Refuse an observation that is there twice; one of a file with vintages, only where the values differ."""
    keys = {"about": about, "known": known_at, "symbol": "" if rows.symbols is None else rows.symbols}
    frame = pd.DataFrame({**keys, "value": values})
    twice = frame.duplicated(list(keys)).to_numpy()
    if has_vintages:
        twice = twice & ~frame.duplicated().to_numpy()
    advice = "keep one, or choose by another column (where)"
    if rows.symbols is None:
        advice = "name the column of symbols (symbol), or choose by another column (where)"
    rows.refuse(twice, lambda row: f"the value of {label(about[row])} stands again; {advice}")


def _side_series(
    rows: SideRows, about: pd.DatetimeIndex, known_at: pd.DatetimeIndex, values: NDArray[Any], name: str
) -> SideSeries:
    """Return the observations in the order in which they were known."""
    there = np.asarray(pd.notna(values))
    about, known_at, values = about[there], known_at[there], values[there]
    if not len(values):
        raise DataError(f"{rows.path}: column {name!r} has no values in the rows that are asked for")
    if rows.symbols is None:
        order = np.lexsort((about.asi8, known_at.asi8))
        return SideSeries(pd.Series(values[order], index=about[order], name=name), known_at[order])
    return side_frame(about, known_at, rows.symbols[there], values)

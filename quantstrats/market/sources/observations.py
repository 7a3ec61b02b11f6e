"""The rows of one file of a side series: read, dated and checked."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.csv

from quantstrats.errors import DataError, did_you_mean
from quantstrats.market.calendar import Calendar
from quantstrats.market.side import SideSeries
from quantstrats.market.sources.known import delay_of, ends_of_days
from quantstrats.market.sources.raw import SUFFIXES, column_names, is_text, line_of, read_columns, suffix_of
from quantstrats.market.sources.series import CLOSE
from quantstrats.market.sources.times import localized, read_times

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from quantstrats.market.sources.series import Series

_TIMES = ("time", "date", "timestamp", "datetime")
_MISSING = frozenset(pyarrow.csv.ConvertOptions().null_values)


@dataclass(frozen=True)
class _Rows:
    """The rows that are asked for.

    Attributes
    ----------
    path : Path
        The file.
    columns : Arrow table
        As they stand.
    numbers : array of int
        The place of each row in the file.
    symbols : array of str objects, or None
        Of each row.
    """

    path: Path
    columns: Any
    numbers: NDArray[np.intp]
    symbols: NDArray[np.object_] | None

    def place(self, row: int) -> str:
        """Name the file, and say where in it this row stands."""
        number = int(self.numbers[row])
        symbol = None if self.symbols is None else self.symbols[row]
        if suffix_of(self.path) == ".parquet":
            # Where symbols are asked for, others' rows may not have been read.
            return f"{self.path}, row {number + 1}" if symbol is None else f"{self.path}, a row of {symbol}"
        return f"{self.path}, line {line_of(self.path, number)}" + ("" if symbol is None else f" ({symbol})")

    def refuse(self, wrong: NDArray[np.bool_], what: Callable[[int], str]) -> None:
        """Refuse the first row of those that are wrong."""
        if wrong.any():
            row = int(np.argmax(wrong))
            count = int(wrong.sum())
            raise DataError(f"{self.place(row)}: {what(row)}{f'; so in {count} rows' if count > 1 else ''}")

    def texts(self, name: str) -> list[str]:
        """Return a column as text, empty where there is nothing."""
        return _texts(self.columns.column(name))

    def values(self, name: str) -> NDArray[np.float64]:
        """Return a column as numbers, NaN where there is nothing."""
        column = self.columns.column(name)
        if not is_text(column.type):
            try:
                return np.asarray(column.cast(pa.float64(), safe=False).to_numpy(), dtype="float64")
            except pa.ArrowException:
                raise DataError(f"{self.path}: column {name!r} holds {column.type}, not numbers") from None
        texts = self.texts(name)
        numbers = pd.to_numeric(pd.Series(texts, dtype=object).mask(pd.Series(texts).isin(_MISSING)), errors="coerce")
        values = numbers.to_numpy("float64")
        wrong = np.isnan(values) & np.array([text not in _MISSING for text in texts], dtype=bool)
        self.refuse(wrong, lambda row: f"{name} is the text {texts[row]!r}, not a number; mend it")
        return values


def read_observations(source: Series, path: Path, symbols: Sequence[str]) -> SideSeries:
    """Return the dated values of a file.

    Raises
    ------
    DataError
        With the file and the place of the first thing that cannot stand.
    """
    names = _names(path, source)
    time = _column(path, names, source.time, "time") if source.time else _time_column(path, names)
    value = _column(path, names, source.value, "value")
    over = [] if source.over is None else [_column(path, names, source.over, "over")]
    known = (
        [] if source.known_at == CLOSE else [_column(path, names, source.known_at, "known_at", "close, assumed or ")]
    )
    rows = _read(path, source, names, symbols, words=[time, *known], numbers=[value, *over])
    exchange = Calendar(source.calendar)
    about = _times(rows, time, source)
    if known:
        known_at = _known_as_said(rows, about, _times(rows, known[0], source), exchange, source)
    else:
        known_at = _known_at_close(rows, about, exchange)
    values = rows.values(value)
    for divisor in over:
        below = rows.values(divisor)
        values = np.divide(values, below, out=np.full(len(values), np.nan), where=below != 0)
    rows.refuse(np.isinf(values), lambda _: f"{value} is infinite; mend it")
    _refuse_twice(rows, about, known_at, values, bool(known))
    return _side_series(rows, about, known_at + delay_of(source.delay), values, source.value)


def read_map(source: Series, path: Path, symbols: Sequence[str]) -> SideSeries:
    """Return one value for each symbol, taken as known at all times.

    Raises
    ------
    DataError
        With the file and the place of the first thing that cannot stand.
    """
    names = _names(path, source)
    value = _column(path, names, source.value, "value")
    rows = _read(path, source, names, symbols, words=[value], numbers=[])
    named = pd.Index(rows.texts(_column(path, names, str(source.symbol), "symbol")))
    rows.refuse(named.duplicated(), lambda row: f"symbol {named[row]!r} stands again; a map has one value for each")
    texts = rows.texts(value)
    there = np.array([text not in _MISSING for text in texts], dtype=bool)
    found: NDArray[Any] = np.array(texts, dtype=object)[there]
    with suppress(ValueError):  # they may be words, as of sectors
        found = np.array([float(text.replace("_", "?")) for text in found])
    return SideSeries(pd.Series(found, index=named[there], name=source.value), "assumed")


def _names(path: Path, source: Series) -> list[str]:
    if suffix_of(path) is None:
        raise DataError(f"{path} is none of {', '.join(SUFFIXES)}; save it as one of these")
    with _in_our_words():
        return column_names(path, source.separator)


def _column(path: Path, names: list[str], name: str, parameter: str, instead: str = "") -> str:
    candidates = [each for each in names if each == name] or [
        each for each in names if each.strip().lower() == name.strip().lower()
    ]
    if len(candidates) == 1:
        return candidates[0]
    if candidates:
        raise DataError(f"{path}: {len(candidates)} columns are called {name!r}; rename all but one")
    hint, has = did_you_mean(name, names), ", ".join(map(repr, names[:20]))
    what = f"; {parameter} is {instead}the name of a column" if instead else f" ({parameter})"
    raise DataError(f"{path} has no column {name!r}{what}{hint} (it has {has})")


def _time_column(path: Path, names: list[str]) -> str:
    candidates = [name for name in names if name.strip().lower() in _TIMES]
    if len(candidates) == 1:
        return candidates[0]
    what = (
        f"columns {' and '.join(map(repr, candidates))} could both be the time" if candidates else "no column of times"
    )
    raise DataError(
        f"{path}: {what} (it has {', '.join(map(repr, names[:20]))}); name what the values are about by time"
    )


def _read(
    path: Path, source: Series, names: list[str], symbols: Sequence[str], words: list[str], numbers: list[str]
) -> _Rows:
    """Read the rows that are asked for: those of the market's symbols, and those that fit ``where``."""
    of_symbols = None if source.symbol is None else _column(path, names, source.symbol, "symbol")
    chosen_by = {_column(path, names, name, "where"): str(value) for name, value in source.where.items()}
    asked = None if of_symbols is None else (of_symbols, list(symbols))
    as_text = [*words, *chosen_by, *([] if of_symbols is None else [of_symbols])]
    with _in_our_words():
        raw = read_columns(
            path, list(dict.fromkeys(as_text)), [n for n in numbers if n not in as_text], source.separator, asked
        )
    if not raw.num_rows:
        raise DataError(f"{path} has no rows; give a file with values")
    chosen = np.full(raw.num_rows, True)
    for name, value in chosen_by.items():
        texts = _texts(raw.column(name))
        chosen &= np.array([text == value for text in texts], dtype=bool)
        if not chosen.any():
            has = ", ".join(sorted(set(texts) - {""})[:10])
            raise DataError(f"{path}: no row has {value!r} in column {name!r} (where); it has {has}")
    whose = None
    if of_symbols is not None:
        whose = np.array(_texts(raw.column(of_symbols)), dtype=object)
        every = _Rows(path, raw, np.arange(raw.num_rows), None)
        every.refuse(chosen & (whose == ""), lambda _: "the symbol is missing; mend the row")
        chosen &= np.isin(whose, list(symbols))
        if not chosen.any():
            raise DataError(f"{path} has values of none of the market's symbols ({_some(symbols)}); set symbol or path")
        whose = whose[chosen]
    numbered = np.flatnonzero(chosen)
    return _Rows(path, raw.take(pa.array(numbered)), numbered, whose)


def _some(symbols: Sequence[str]) -> str:
    return ", ".join(symbols[:5]) + (f" and {len(symbols) - 5} more" if len(symbols) > 5 else "")


def _texts(column: Any) -> list[str]:
    return [(text or "").strip() for text in column.cast(pa.string()).to_pylist()]


def _times(rows: _Rows, name: str, source: Series) -> pd.DatetimeIndex:
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
        with _in_our_words():
            times = read_times(texts, source.time_format, source.time_zone, rows.place)
    try:
        return times.as_unit("ns")
    except pd.errors.OutOfBoundsDatetime:
        wrong = np.asarray((times.year < 1678) | (times.year > 2261))
        rows.refuse(wrong, lambda row: f"{name} {times[row]} is beyond 1678 to 2261; mend it")
        raise


def _known_at_close(rows: _Rows, about: pd.DatetimeIndex, exchange: Calendar) -> pd.DatetimeIndex:
    """Return the close of each day's session, or the end of the day where there is none."""
    days = about.tz_localize(None)
    rows.refuse(
        np.asarray(days != days.normalize()),
        lambda row: f"{about[row]} is no date; name the column by which a value is known, as in known_at: time",
    )
    known = ends_of_days(days, exchange.zone(days[0]))
    sessions = exchange.sessions(days.min(), days.max())
    closes = exchange.session_close(sessions)
    position = sessions.get_indexer(days)
    return pd.DatetimeIndex(np.where(position >= 0, closes.as_unit("ns")[position], known.as_unit("ns")), tz="UTC")


def _known_as_said(
    rows: _Rows, about: pd.DatetimeIndex, said: pd.DatetimeIndex, exchange: Calendar, source: Series
) -> pd.DatetimeIndex:
    """Return the instants that a column says, and refuse one that lies before what its value is about."""
    zone = source.time_zone or exchange.zone(said[0])

    def instants(times: pd.DatetimeIndex) -> pd.DatetimeIndex:
        return localized(times, zone, rows.place) if times.tz is None else times

    only_dates = _are_dates(said)
    known = ends_of_days(said.tz_localize(None), exchange.zone(said[0])) if only_dates else instants(said)
    if _are_dates(about):
        days = (said if only_dates else known.tz_convert(exchange.zone(said[0]))).tz_localize(None).normalize()
        early = np.asarray(days < about.tz_localize(None))
    else:
        early = np.asarray(known < instants(about))
    rows.refuse(
        early,
        lambda row: (
            f"a value about {_label(about[row])} was known before, at {_label(said[row])} ({source.known_at}); "
            f"mend it, or set time: {source.known_at} if it is a forecast"
        ),
    )
    return known.tz_convert("UTC")


def _are_dates(times: pd.DatetimeIndex) -> bool:
    local = times.tz_localize(None)
    return bool((local == local.normalize()).all())


def _label(time: pd.Timestamp) -> str:
    return str(time.date() if time == time.normalize() else time)


def _refuse_twice(
    rows: _Rows, about: pd.DatetimeIndex, known_at: pd.DatetimeIndex, values: NDArray[np.float64], has_vintages: bool
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
    rows.refuse(twice, lambda row: f"the value of {_label(about[row])} stands again; {advice}")


def _side_series(
    rows: _Rows, about: pd.DatetimeIndex, known_at: pd.DatetimeIndex, values: NDArray[np.float64], name: str
) -> SideSeries:
    """Return the observations in the order in which they were known."""
    there = ~np.isnan(values)
    about, known_at, values = about[there], known_at[there], values[there]
    if not len(values):
        raise DataError(f"{rows.path}: column {name!r} has no values in the rows that are asked for")
    if rows.symbols is None:
        order = np.lexsort((about.asi8, known_at.asi8))
        return SideSeries(pd.Series(values[order], index=about[order], name=name), known_at[order])
    return side_frame(about, known_at, rows.symbols[there], values)


def side_frame(
    about: pd.DatetimeIndex, known_at: pd.DatetimeIndex, symbols: NDArray[np.object_], values: NDArray[np.float64]
) -> SideSeries:
    """Return observations of several symbols as a frame: a row for each time that was known at an instant.

    Parameters
    ----------
    about, known_at : DatetimeIndex
        Of each observation.
    symbols : array of str objects
        Of each observation.
    values : array of float64
        Of each observation; where one is there twice, the last counts.
    """
    columns, names = pd.factorize(symbols, sort=True)
    pairs = pd.MultiIndex.from_arrays([known_at, about])
    row, distinct = pd.factorize(pairs, sort=True)
    table = np.full((len(distinct), len(names)), np.nan)
    table[row, columns] = values
    index = pd.DatetimeIndex(distinct.get_level_values(1))
    return SideSeries(pd.DataFrame(table, index=index, columns=names), pd.DatetimeIndex(distinct.get_level_values(0)))


@contextmanager
def _in_our_words() -> Iterator[None]:
    """Let errors of the readers of bars call the parameters as a side series calls them."""
    try:
        yield
    except DataError as error:
        raise DataError(re.sub(r"\bdata\.(separator|time_format|time_zone)\b", r"\1", str(error))) from None

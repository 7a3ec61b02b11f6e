"""One file of bars, as it stands: its columns found, its text made numbers and times."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.csv

from quantstrats.errors import DataError, did_you_mean
from quantstrats.market.frames import FIELDS
from quantstrats.market.sources.raw import column_names, is_text, line_of, read_columns, suffix_of
from quantstrats.market.sources.times import read_times

if TYPE_CHECKING:
    from numpy.typing import NDArray

NUMBERS = (*FIELDS, "adj_close")
# What a column may be called, in any case; a saved frame has its index without a name.
KNOWN_AS = {
    "time": ("time", "date", "timestamp", "datetime"),
    "symbol": ("symbol", "ticker"),
    **{field: (field,) for field in FIELDS},
    "volume": ("volume", "vol"),
}
_UNNAMED = ("", "__index_level_0__")
_MISSING = frozenset(pyarrow.csv.ConvertOptions().null_values)


@dataclass(frozen=True)
class Wanted:
    """What is wanted of a file, and how it is written.

    Attributes
    ----------
    columns : mapping of str to str or None
        The file's columns by our names, where they are not found by themselves; None leaves one out.
    symbols : sequence of str or None
        Which rows, by symbol; None for all.
    where : mapping of str to object
        Which rows, by the text of the file's other columns.
    separator : str
        Between the cells of a CSV file.
    time_format, time_zone : str or None
        As of :func:`~quantstrats.market.sources.times.read_times`.
    start, end : date or None
        The sessions that are asked for: of a Parquet file, rows of other days need not be read.
    """

    columns: Mapping[str, str | None]
    symbols: Sequence[str] | None
    where: Mapping[str, object]
    separator: str
    time_format: str | None
    time_zone: str | None
    start: date | None = None
    end: date | None = None


@dataclass(frozen=True)
class Table:
    """Rows of one file.

    Attributes
    ----------
    path : Path
        The file.
    times : DatetimeIndex
        As written: with or without a time zone.
    symbols : array of str objects
        Of each row.
    values : dict of str to array of float64
        By field; NaN where the file has nothing.
    rows : array of int or None
        The place of each row in the file, of a CSV file.
    """

    path: Path
    times: pd.DatetimeIndex
    symbols: NDArray[np.object_]
    values: dict[str, NDArray[np.float64]]
    rows: NDArray[np.intp] | None

    def place(self, row: int) -> str:
        """Say where in the file this row stands."""
        time = self.times[row]
        label = time.date() if time == time.normalize() else time
        return _place(self.path, self.rows, row, f"{label} {self.symbols[row]}")

    def named_place(self, row: int) -> str:
        """Name the file, and say where in it this row stands."""
        return f"{self.path}, {self.place(row)}"

    def field(self, name: str) -> NDArray[np.float64]:
        """Return a field's values, all NaN where the file has none."""
        return self.values.get(name, np.full(len(self.times), np.nan))


def symbol_of(path: Path) -> str:
    """Return the symbol that a file is named after."""
    return path.name[: -len(suffix_of(path) or "")]


def read_table(path: Path, wanted: Wanted, own_symbol: str | None = None, *, times_alone: bool = False) -> Table:
    """Read a file.

    Parameters
    ----------
    path : Path
        A file with one of the ``SUFFIXES``.
    wanted : Wanted
        What of it.
    own_symbol : str, optional
        The symbol whose file it is; by default the column of symbols tells, or else the file's name.
    times_alone : bool, default False
        Leave the values empty.

    Raises
    ------
    DataError
        With the file and the place of the first thing that cannot stand.
    """
    is_csv = suffix_of(path) != ".parquet"
    names = column_names(path, wanted.separator)
    columns = _found(path, names, wanted)
    extra = [_column(path, names, name, "where") for name in wanted.where]
    numbers = [columns[field] for field in NUMBERS if field in columns and not times_alone]
    words = [columns[ours] for ours in ("time", "symbol") if ours in columns] + extra
    asked = (columns["symbol"], wanted.symbols) if wanted.symbols and "symbol" in columns else None
    span = (columns["time"], wanted.start, wanted.end) if wanted.start or wanted.end else None
    raw = read_columns(path, words, numbers, wanted.separator, asked, span)
    if not raw.num_rows:
        raise DataError(f"{path} has no rows; give a file with bars")
    chosen = _where(path, raw, dict(zip(extra, wanted.where.values(), strict=True)))
    symbols = _symbols(path, raw, columns, own_symbol, is_csv)
    chosen &= _of_symbols(path, symbols, wanted.symbols)
    # What is not asked for is not looked at: a defect in one symbol's rows keeps nobody from another's.
    rows = np.flatnonzero(chosen)
    if len(rows) < len(symbols):
        raw, symbols = raw.take(pa.array(rows)), symbols[rows]
    lines = rows if is_csv else None
    times = _times(path, raw.column(columns["time"]), lines, symbols, wanted)
    partial = Table(path, times, symbols, {}, lines)
    found = [field for field in NUMBERS if field in columns]
    if times_alone:
        return Table(path, times, symbols, dict.fromkeys(found, np.empty(0)), lines)
    values = {field: _numbers(partial, field, raw.column(columns[field])) for field in found}
    return Table(path, times, symbols, values, lines)


def _found(path: Path, names: list[str], wanted: Wanted) -> dict[str, str]:
    """Return the file's column by our name, for each that it has."""
    found: dict[str, str] = {}
    for ours in (*KNOWN_AS, "adj_close"):
        if ours in wanted.columns:
            theirs = wanted.columns[ours]
            if theirs is not None:
                found[ours] = _column(path, names, theirs, f"columns, {ours}")
            continue
        known = KNOWN_AS.get(ours, ())  # prices are adjusted only where that is asked for
        candidates = [name for name in names if name.strip().lower() in known]
        if ours == "time" and not candidates:
            candidates = [name for name in names if name in _UNNAMED]
        if len(candidates) > 1:
            raise DataError(
                f"{path}: columns {' and '.join(map(repr, candidates))} could both be the {ours}; "
                f"say which, as in data.columns: {{{ours}: {candidates[0]}}}"
            )
        found |= dict.fromkeys([ours], candidates[0]) if candidates else {}
    prices = [price for price in ("open", "high", "low") if price in found]
    needed = ["time", "close"] + (["open", "high", "low"] if prices else [])
    missing = [ours for ours in needed if ours not in found]
    if missing:
        close_only = "; closes alone will do with {open: null, high: null, low: null}" if prices else ""
        raise DataError(
            f"{path} has no column for {', '.join(missing)} (it has {', '.join(map(repr, names[:20]))}); "
            f"say which it is, as in data.columns: {{{missing[0]}: its name}}{close_only}"
        )
    return found


def _column(path: Path, names: list[str], name: str, where: str) -> str:
    candidates = [each for each in names if each == name] or [
        each for each in names if each.strip().lower() == name.strip().lower()
    ]
    if len(candidates) == 1:
        return candidates[0]
    if candidates:
        raise DataError(f"{path}: {len(candidates)} columns are called {name!r}; rename all but one")
    hint = did_you_mean(name, names)
    raise DataError(f"{path} has no column {name!r} (data.{where}){hint} (it has {', '.join(map(repr, names[:20]))})")


def _texts(column: Any) -> tuple[NDArray[np.intp], list[str | None]]:
    """Return the distinct texts of a column and the number of each row's."""
    if isinstance(column, pa.ChunkedArray):
        column = column.combine_chunks()
    if not pa.types.is_dictionary(column.type):
        column = column.cast(pa.string()).dictionary_encode()
    if isinstance(column, pa.ChunkedArray):
        column = column.unify_dictionaries().combine_chunks()
    texts: list[str | None] = [None if text is None else str(text) for text in column.dictionary.to_pylist()]
    codes = column.indices.fill_null(len(texts)).to_numpy(zero_copy_only=False).astype("intp")
    return codes, [*texts, None]


def _where(path: Path, raw: Any, where: Mapping[str, object]) -> NDArray[np.bool_]:
    chosen = np.full(raw.num_rows, True)
    for name, value in where.items():
        codes, texts = _texts(raw.column(name))
        fits = np.array([text is not None and text.strip() == str(value) for text in texts])[codes]
        if not fits.any():
            there = ", ".join(sorted({text.strip() for text in texts if text})[:10])
            raise DataError(f"{path}: no row has {value!r} in column {name!r} (data.where); it has {there}")
        chosen &= fits
    return chosen


def _symbols(
    path: Path, raw: Any, columns: Mapping[str, str], own_symbol: str | None, is_csv: bool
) -> NDArray[np.object_]:
    """Return each row's symbol."""
    if "symbol" not in columns:
        return np.full(raw.num_rows, own_symbol or symbol_of(path), dtype=object)
    codes, texts = _texts(raw.column(columns["symbol"]))
    names = np.array([(text or "").strip() for text in texts], dtype=object)
    nameless = np.flatnonzero((names == "")[codes])
    if len(nameless):
        row = int(nameless[0])
        where = f", line {line_of(path, row)}" if is_csv else f", row {row + 1}"
        raise DataError(f"{path}{where}: the symbol is missing; mend the row")
    if own_symbol is not None:
        others = sorted(set(names[codes]) - {own_symbol})
        if others:
            raise DataError(
                f"{path} holds bars of {', '.join(others[:5])}; in a folder each file is named after its one symbol: "
                "rename or split it, or set data.path to one long file"
            )
    of_rows: NDArray[np.object_] = names[codes]
    return of_rows


def _of_symbols(path: Path, symbols: NDArray[np.object_], wanted: Sequence[str] | None) -> NDArray[np.bool_]:
    if wanted is None:
        return np.full(len(symbols), True)
    codes, known = pd.factorize(symbols)
    for symbol in wanted:
        if symbol not in known:
            refuse_unknown(path, symbol, known)
    chosen: NDArray[np.bool_] = np.isin(known, list(wanted))[codes]
    return chosen


def refuse_unknown(path: Path, symbol: str, known: Sequence[str] | NDArray[np.object_]) -> NoReturn:
    """Say that there is no such symbol, and which there are."""
    names = sorted(map(str, known))
    rest = f" and {len(names) - 10} more" if len(names) > 10 else ""
    raise DataError(
        f"{path} has no symbol {symbol!r}{did_you_mean(symbol, names)} (it has {', '.join(names[:10])}{rest})"
    )


def _times(
    path: Path, column: Any, rows: NDArray[np.intp] | None, symbols: NDArray[np.object_], wanted: Wanted
) -> pd.DatetimeIndex:
    def place(row: int) -> str:
        return _place(path, rows, row, f"row of {symbols[row]}")

    def check_all_there(missing: NDArray[np.bool_]) -> None:
        if missing.any():
            raise DataError(f"{path}, {place(int(np.argmax(missing)))}: the time is missing; mend the row")

    kind = column.type
    if pa.types.is_timestamp(kind) or pa.types.is_date(kind):
        check_all_there(column.is_null().to_numpy())
        column = column.cast(pa.timestamp("ms")) if pa.types.is_date(kind) else column
        times = pd.DatetimeIndex(column.to_pandas())
        if times.tz is not None and wanted.time_zone:
            times = times.tz_convert(wanted.time_zone)
    else:
        codes, texts = _texts(column)
        check_all_there(np.array([not (text or "").strip() for text in texts])[codes])
        # Each distinct text is read once; in the order of the rows, so that the first place told is the first there is.
        numbers, used = pd.factorize(codes)
        first = np.flatnonzero(~pd.Series(numbers).duplicated().to_numpy())
        distinct = [str(texts[code]) for code in used]
        times = read_times(
            distinct, wanted.time_format, wanted.time_zone, lambda each: f"{path}, {place(int(first[each]))}"
        )[numbers]
    try:
        return times.as_unit("ns")
    except pd.errors.OutOfBoundsDatetime:
        wrong = int(np.flatnonzero((times.year < 1678) | (times.year > 2261))[0])
        raise DataError(f"{path}, {place(wrong)}: the time {times[wrong]} is beyond 1678 to 2261; mend it") from None


def _numbers(table: Table, field: str, column: Any) -> NDArray[np.float64]:
    try:
        numbers = column.cast(pa.float64(), safe=False) if not is_text(column.type) else None
    except pa.ArrowException:
        numbers = None
    if numbers is not None:
        return np.asarray(numbers.to_numpy(), dtype="float64")
    values = np.full(len(column), np.nan)
    for row, text in enumerate(column.cast(pa.string()).to_pylist()):
        if text is not None and text.strip() not in _MISSING:
            try:
                # Python's own underscores between digits are no number of a file's.
                values[row] = float(text.replace("_", "?"))
            except ValueError:
                where = table.named_place(row)
                raise DataError(f"{where}: {field} is the text {text!r}, not a number; mend it") from None
    return values


def _place(path: Path, rows: NDArray[np.intp] | None, row: int, what: str) -> str:
    return f"line {line_of(path, int(rows[row]))} ({what})" if rows is not None else what

"""The columns of one CSV or Parquet file, as Arrow reads them."""

from __future__ import annotations

import csv
import functools
import gzip
import io
import operator
import zlib
from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any, NoReturn

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.parquet

from quantstrats.errors import DataError, in_one_line

SUFFIXES = (".csv", ".csv.gz", ".parquet")
_EARLIEST, _LATEST = date(1678, 1, 1), date(2261, 12, 31)
_UNREADABLE = (pa.ArrowException, OSError, EOFError, zlib.error, UnicodeDecodeError, csv.Error)


def suffix_of(path: Path) -> str | None:
    """Return which of the suffixes a file's name has, in small letters."""
    return next((suffix for suffix in SUFFIXES if path.name.lower().endswith(suffix)), None)


def column_names(path: Path, separator: str) -> list[str]:
    """Return the names of a file's columns.

    Raises
    ------
    DataError
        If the file cannot be read or is empty.
    """
    return _parquet_names(path) if suffix_of(path) == ".parquet" else _csv_names(path, separator)


def read_columns(
    path: Path,
    words: Sequence[str],
    numbers: Sequence[str],
    separator: str,
    asked: tuple[str, Sequence[str]] | None = None,
    span: tuple[str, date | None, date | None] | None = None,
) -> Any:
    """Return columns of a file as an Arrow table: words as text, numbers as such, or as text where they are none.

    Parameters
    ----------
    path : Path
        A file with one of the ``SUFFIXES``.
    words, numbers : sequence of str
        Names of columns, of text and of numbers.
    separator : str
        Between the cells of a CSV file.
    asked : (str, sequence of str), optional
        A column, and which of its texts are asked for: other rows may be missing then, if these are all there.
    span : (str, date or None, date or None), optional
        A column of times, and the first and the last day that are asked for: rows of days further than one from these
        may be missing then, if any is left.

    Raises
    ------
    DataError
        If the file cannot be read, or a row has other cells than the first line.
    """
    if suffix_of(path) == ".parquet":
        return _read_parquet(path, list(dict.fromkeys([*words, *numbers])), asked, span)
    return _read_csv(path, words, numbers, separator)


def line_of(path: Path, row: int) -> int:
    """Return the line of a data row: empty lines are no rows."""
    with _opened(path) as binary, io.TextIOWrapper(binary, "utf-8", errors="replace") as text:
        filled = (number for number, line in enumerate(text, start=1) if line.strip("\r\n"))
        return next(line for position, line in enumerate(filled) if position == row + 1)


def is_text(kind: Any) -> bool:
    """Tell whether an Arrow type is one of text."""
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_dictionary(kind))


def _csv_names(path: Path, separator: str) -> list[str]:
    try:
        with _opened(path) as binary, io.TextIOWrapper(binary, "utf-8-sig", newline="") as text:
            names = next((cells for cells in csv.reader(text, delimiter=separator) if cells), None)
    except _UNREADABLE as error:
        _refuse_file(path, error)
    if names is None:
        raise DataError(f"{path} is empty; give a file with bars")
    other = next((mark for mark in (";", "\t", ",", "|") if mark in names[0]), None)
    if len(names) == 1 and other:
        raise DataError(f"{path}: cells seem to be separated by {other!r}; set data.separator")
    return names


def _parquet_names(path: Path) -> list[str]:
    try:
        names: list[str] = pyarrow.parquet.read_schema(path).names
    except _UNREADABLE as error:
        _refuse_file(path, error)
    return names


def _read_csv(path: Path, words: Sequence[str], numbers: Sequence[str], separator: str) -> Any:
    kinds = {**dict.fromkeys(numbers, pa.float64()), **dict.fromkeys(words, pa.dictionary(pa.int32(), pa.string()))}
    try:
        return _parsed_csv(path, kinds, separator)
    except _UNREADABLE as error:
        if not isinstance(error, pa.ArrowInvalid):
            _refuse_file(path, error)
        failure = error
    # Something in it cannot be read: as text it can be, and says what; or else a row has other cells than the first.
    broken: list[Any] = []
    try:
        return _parsed_csv(path, dict.fromkeys(kinds, pa.string()), separator, broken)
    except _UNREADABLE:
        if broken and broken[0].number is not None:
            row = broken[0]
            line = line_of(path, row.number - 2)
            raise DataError(
                f"{path}, line {line}: {row.actual_columns} cells, not {row.expected_columns} as in the first line; "
                "mend the line"
            ) from None
        _refuse_file(path, failure)


def _parsed_csv(path: Path, kinds: dict[str, Any], separator: str, broken: list[Any] | None = None) -> Any:
    def refuse(row: Any) -> str:
        if broken is not None:
            broken.append(row)
        return "error"

    with _opened(path) as stream:
        return pyarrow.csv.read_csv(
            stream,
            # The number of a broken row is known only where one thread reads.
            read_options=pyarrow.csv.ReadOptions(use_threads=broken is None),
            parse_options=pyarrow.csv.ParseOptions(delimiter=separator, invalid_row_handler=refuse),
            convert_options=pyarrow.csv.ConvertOptions(column_types=kinds, include_columns=list(kinds)),
        )


def _read_parquet(
    path: Path,
    names: list[str],
    asked: tuple[str, Sequence[str]] | None,
    span: tuple[str, date | None, date | None] | None,
) -> Any:
    try:
        schema = pyarrow.parquet.read_schema(path)
        of_symbols = pc.field(asked[0]).isin(list(asked[1])) if asked and is_text(schema.field(asked[0]).type) else None
        of_days = _within(schema, *span) if span is not None else None
        rows = of_symbols if of_days is None else of_days if of_symbols is None else of_symbols & of_days
        if rows is not None:
            part = pyarrow.parquet.read_table(path, columns=names, filters=rows, partitioning=None)
            found = part.num_rows if of_symbols is None or asked is None else len(_lacking(part, asked)) == 0
            if found:
                return part
        # All of it, to say what there is.
        with pyarrow.parquet.ParquetFile(path, read_dictionary=names) as file:
            return file.read(columns=names)
    except _UNREADABLE as error:
        _refuse_file(path, error)


def _lacking(part: Any, asked: tuple[str, Sequence[str]]) -> set[str]:
    return set(asked[1]) - set(part.column(asked[0]).unique().to_pylist())


def _within(schema: Any, name: str, first: date | None, last: date | None) -> Any:
    """Return which rows to read for a span of days, a day more on each side whatever the time zone; None for all."""
    kind = schema.field(name).type
    if not (pa.types.is_timestamp(kind) or pa.types.is_date(kind)):
        return None
    bounds = []
    for day, step in ((first, -1), (last, 2)):
        # What times in nanoseconds can hold; no row lies beyond.
        inside = None if day is None else min(max(day, _EARLIEST), _LATEST)
        moment = None if inside is None else datetime.combine(inside, time()) + timedelta(days=step)
        bounds.append(None if moment is None else pa.scalar(moment, pa.timestamp("us")).cast(_naive(kind)).cast(kind))
    conditions = [
        condition
        for condition in (
            None if bounds[0] is None else pc.field(name) >= bounds[0],
            None if bounds[1] is None else pc.field(name) < bounds[1],
        )
        if condition is not None
    ]
    return functools.reduce(operator.and_, conditions)


def _naive(kind: Any) -> Any:
    """Return the type without its time zone, so that a bound is taken as UTC."""
    return pa.timestamp(kind.unit) if pa.types.is_timestamp(kind) else kind


def _opened(path: Path) -> Any:
    return gzip.open(path, "rb") if suffix_of(path) == ".csv.gz" else path.open("rb")


def _refuse_file(path: Path, error: BaseException) -> NoReturn:
    if isinstance(error, PermissionError | IsADirectoryError):
        raise DataError(f"{path} cannot be read: {error.strerror}") from None
    if isinstance(error, UnicodeDecodeError) or "UTF8" in str(error):
        raise DataError(f"{path} is not text in UTF-8; save it so, or give it the suffix of what it is") from None
    kind = {".parquet": "Parquet", ".csv.gz": "gzip"}.get(suffix_of(path) or "", "CSV")
    raise DataError(f"{path} is no {kind} file that can be read, or damaged ({in_one_line(error)[:150]})") from None

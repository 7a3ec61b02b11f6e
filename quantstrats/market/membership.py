"""Membership: which symbols belonged to an index or a list, and when, as a file tells it."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from datetime import date
from functools import lru_cache
from itertools import pairwise
from pathlib import Path

import pandas as pd

from quantstrats.errors import DataError

_COLUMNS = ("symbol", "start", "end")
_EARLIEST, _LATEST = date(1678, 1, 1), date(2262, 1, 1)  # what times in nanoseconds can hold

Periods = dict[str, list[tuple[pd.Timestamp, pd.Timestamp]]]


def read_membership(file: Path) -> Periods:
    """Return by symbol the first and the last day of each period of membership, in their order.

    Parameters
    ----------
    file : Path
        CSV with the columns symbol, start, end; other columns are left out of account. An empty end means that the
        symbol still is a member.

    Raises
    ------
    DataError
        If the file cannot be read, or lacks a column, or a line has no symbol, no readable dates, or a period that
        ends before it starts or overlaps with another one of its symbol.
    """
    try:
        state = file.stat()
        return _read(file, state.st_mtime_ns, state.st_size)
    except FileNotFoundError:
        raise DataError(f"there is no file {file}; set universe.members to the list of members") from None
    except OSError as error:
        raise DataError(f"{file} cannot be read: {error.strerror or error}") from None
    except (UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"{file.name} is no CSV file in UTF-8: {error}") from None


@lru_cache(maxsize=8)  # a run asks for the same file many times
def _read(file: Path, changed: int, size: int) -> Periods:  # noqa: ARG001 - a changed file is another one
    found: dict[str, list[tuple[pd.Timestamp, pd.Timestamp, int]]] = {}
    for line, symbol, start, end in _rows(file):
        found.setdefault(symbol, []).append((start, end, line))
    for symbol, periods in found.items():
        periods.sort()
        for (_, end, line), (start, _, later) in pairwise(periods):
            if start <= end:
                raise DataError(
                    f"{file.name}: the periods of {symbol} in lines {line} and {later} overlap on {start.date()}; "
                    "end one before the other starts"
                )
    return {symbol: [(start, end) for start, end, _ in periods] for symbol, periods in found.items()}


def _rows(file: Path) -> Iterator[tuple[int, str, pd.Timestamp, pd.Timestamp]]:
    """Read line number, symbol, first and last day of each period."""
    with file.open(encoding="utf-8-sig", newline="") as lines:
        reader = csv.reader(lines)
        header = [name.strip().lower() for name in next(reader, [])]
        missing = [name for name in _COLUMNS if name not in header]
        if missing:
            has = ", ".join(header) or "none"
            raise DataError(f"{file.name} lacks the column {missing[0]}; it needs symbol, start, end (it has: {has})")
        for cells in reader:
            if not any(cell.strip() for cell in cells):
                continue
            where = f"{file.name} line {reader.line_num}"
            if len(cells) != len(header):
                raise DataError(f"{where} has {len(cells)} values for {len(header)} columns; mend the line")
            symbol, start, end = (cells[header.index(name)].strip() for name in _COLUMNS)
            if not symbol:
                raise DataError(f"{where} has no symbol; fill it in or drop the line")
            first = _day(start, "start", where)
            last = _day(end or _LATEST.isoformat(), "end", where)
            if last < first:
                raise DataError(f"{where}: {symbol} starts on {start}, after its end on {end}; correct either")
            yield reader.line_num, symbol, first, last


def _day(text: str, what: str, where: str) -> pd.Timestamp:
    try:
        day = date.fromisoformat(text)
    except ValueError:
        raise DataError(f"{where}: {what} is {text!r}; give a date as in 2015-12-31") from None
    return pd.Timestamp(min(max(day, _EARLIEST), _LATEST)).as_unit("ns")  # 9999-12-31 is a usual open end

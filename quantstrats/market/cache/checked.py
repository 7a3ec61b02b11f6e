"""Checked files: Parquet whose damage is found before anything in it is believed.

A checked file is an ordinary Parquet file, which any tool can read. Between its rows and its footer stands a seal: the
facts about the table, where the bytes of each row group lie, their digest and span of the first column, and a digest of
seal and footer. So every byte is compared before it is decoded, and only the row groups that a span needs are read.
"""

from __future__ import annotations

import functools
import hashlib
import json
import secrets
import struct
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import astuple, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from quantstrats.atomic import write_whole
from quantstrats.errors import DataError

if TYPE_CHECKING:
    from numpy.typing import NDArray

DAMAGED_FOLDER = "damaged"
GROUP_ROWS = 32 * 1024  # about four months of one-minute bars
_PARQUET = b"PAR1"
_MARK = b"QSCHECK1"
_SEAL = struct.Struct("<I32s8s")  # length of the JSON before it, digest of that and the footer, mark
_END = struct.Struct("<I4s")  # length of the footer before it, mark of Parquet


class DamagedError(DataError):
    """A file is not as it was written."""


@dataclass(frozen=True)
class _Group:
    """One row group: where its bytes lie, their digest, and the span of the first column if that is ascending."""

    begin: int
    end: int
    digest: str
    first: int | None
    last: int | None


def write_checked(file: Path, table: pa.Table, facts: Mapping[str, Any], group_rows: int = GROUP_ROWS) -> None:
    """Write a table with its facts, or replace it, in one step: a reader sees the old file or the new, whole.

    Parameters
    ----------
    file : Path
        Its folder is made if need be.
    table : pyarrow.Table
        Columns of numbers, times or text. Where the first one ascends and has no gaps, a span of it can be read alone.
    facts : Mapping
        What JSON can carry.
    group_rows : int
        How many rows are read at least; more rows make a smaller file.

    Raises
    ------
    OSError
        If it cannot be written; what was there stays.
    """
    table = _plain(table)
    sink = pa.BufferOutputStream()
    pq.write_table(
        table,
        sink,
        row_group_size=group_rows,
        # Quick to read above all: zstd makes up to half of it, and takes four times as long to read.
        compression="lz4",
        use_dictionary=False,
        column_encoding={field.name: code for field in table.schema if (code := _encoding(field.type))},
        write_statistics=False,
        write_page_checksum=True,
        store_schema=False,
    )
    file.parent.mkdir(parents=True, exist_ok=True)
    write_whole(file, _sealed(sink.getvalue().to_pybytes(), table, facts, group_rows))


def read_facts(file: Path) -> dict[str, Any]:
    """Return a file's facts; its rows are not looked at.

    Raises
    ------
    DamagedError
        If they are not as they were written.
    FileNotFoundError
        If there is no such file.
    """
    with _opened(file) as opened:
        return opened.facts


def read_checked(
    file: Path, columns: Sequence[str] | None = None, first: Any = None, last: Any = None
) -> tuple[pa.Table, dict[str, Any]]:
    """Return rows of a file, and its facts.

    Parameters
    ----------
    file : Path
        As :func:`write_checked` wrote it.
    columns : sequence of str, optional
        By default all, in the order of the file.
    first, last : optional
        Span of the first column, both included: dates, instants or numbers as that column has them.

    Raises
    ------
    DamagedError
        If what is read is not as it was written.
    FileNotFoundError
        If there is no such file.
    ValueError
        If there is no such column, or a span is asked for and the first column does not ascend.
    """
    with _opened(file) as opened:
        return opened.rows(columns, first, last), opened.facts


def check(file: Path, first: Any = None, last: Any = None) -> dict[str, Any]:
    """Return a file's facts once the bytes of the rows are found as they were written; see :func:`read_checked`."""
    with _opened(file) as opened:
        opened.check(first, last)
        return opened.facts


def quarantine(file: Path, why: str) -> Path:
    """Move a damaged file into the folder ``damaged`` beside it, with a text file that says why, and return its place.

    Raises
    ------
    OSError
        If it cannot be moved.
    """
    folder = file.parent / DAMAGED_FOLDER
    folder.mkdir(exist_ok=True)
    place = folder / f"{file.stem}.{datetime.now(UTC):%Y%m%dT%H%M%S}-{secrets.token_hex(3)}{file.suffix}"
    file.rename(place)
    write_whole(place.with_suffix(".txt"), f"{why}\n")
    return place


class _Opened:
    """A checked file that is open: its seal is as it was written, its rows are looked at when they are read.

    It is read, not mapped: a mapped file that is cut short, or on a failing disk, kills the process.
    """

    def __init__(self, file: Path, stream: BinaryIO) -> None:
        self.file = file
        self._stream = stream
        self._size = stream.seek(0, 2)
        (length, mark), self._footer_end = self._before(self._size, _END)
        self._footer = self._footer_end - length
        if mark != _PARQUET:
            raise self.damaged("it does not end as a Parquet file does")
        (length, digest, mark), seal = self._before(self._footer, _SEAL)
        if mark != _MARK:
            raise self.damaged("it bears no seal")
        content = self._read(seal - length, seal)
        if _digest(content + self._read(self._footer, self._size)) != digest:
            raise self.damaged("its end is not as it was written")
        sealed = json.loads(content)
        self.facts: dict[str, Any] = sealed["facts"]
        self._groups = [_Group(*group) for group in sealed["groups"]]

    def damaged(self, why: str) -> DamagedError:
        """Return the error that says so."""
        return DamagedError(f"{self.file} is damaged: {why}")

    def check(self, first: Any, last: Any) -> None:
        """Compare the bytes of the rows of a span."""
        parquet, _ = self._parquet()
        for group in self._needed(_Span(parquet.schema_arrow.field(0), first, last)).values():
            self._rows_of(group)

    def rows(self, columns: Sequence[str] | None, first: Any, last: Any) -> pa.Table:
        """Return rows once their bytes are found as they were written; see :func:`read_checked`."""
        parquet, content = self._parquet()
        schema = parquet.schema_arrow
        names = list(schema.names if columns is None else columns)
        if unknown := [name for name in names if name not in schema.names]:
            raise ValueError(f"{self.file} has no column {unknown[0]!r}")
        span = _Span(schema.field(0), first, last)
        needed = self._needed(span)
        for group in needed.values():
            content[group.begin : group.end] = np.frombuffer(self._rows_of(group), dtype="uint8")
        wanted = list(dict.fromkeys([schema.names[0], *names]))
        read = parquet.read_row_groups(list(needed), columns=wanted, use_threads=False)
        return span.cut(read).select(names)

    def _parquet(self) -> tuple[pq.ParquetFile, NDArray[np.uint8]]:
        """Return the file without its rows, and the bytes in which they are to be put."""
        # Where nothing is put, nothing is kept in memory either.
        content = np.zeros(self._size, dtype="uint8")
        content[self._footer :] = np.frombuffer(self._read(self._footer, self._size), dtype="uint8")
        return pq.ParquetFile(pa.BufferReader(pa.py_buffer(content))), content

    def _needed(self, span: _Span) -> dict[int, _Group]:
        return {number: group for number, group in enumerate(self._groups) if span.touches(group)}

    def _rows_of(self, group: _Group) -> bytes:
        found = self._read(group.begin, group.end)
        if _digest(found).hex() != group.digest:
            raise self.damaged("its rows are not as they were written")
        return found

    def _read(self, begin: int, end: int) -> bytes:
        if not 0 <= begin <= end:
            raise self.damaged(f"it has {self._size} bytes, and some are missing")
        self._stream.seek(begin)
        found = self._stream.read(end - begin)
        if len(found) != end - begin:
            raise self.damaged("it was cut short")
        return found

    def _before(self, end: int, what: struct.Struct) -> tuple[tuple[Any, ...], int]:
        """Return what stands before this byte, and where it begins."""
        return what.unpack(self._read(end - what.size, end)), end - what.size


@dataclass(frozen=True)
class _Span:
    """What is asked for of the first column; with no bounds, all."""

    key: pa.Field
    first: Any
    last: Any

    @functools.cached_property
    def bounds(self) -> tuple[int | None, int | None]:
        low, high = (
            None if bound is None else _number(pa.scalar(bound).cast(self.key.type))
            for bound in (self.first, self.last)
        )
        return low, high

    def touches(self, group: _Group) -> bool:
        """Tell whether some of its rows may be asked for."""
        low, high = self.bounds
        if low is None and high is None:
            return True
        if group.first is None or group.last is None:
            raise ValueError(f"column {self.key.name!r} does not ascend; read the file whole")
        return (low is None or group.last >= low) and (high is None or group.first <= high)

    def cut(self, table: pa.Table) -> pa.Table:
        """Return the rows within."""
        low, high = self.bounds
        if low is None and high is None:
            return table
        times = _numbers(table.column(self.key.name))
        begin = 0 if low is None else int(times.searchsorted(low, side="left"))
        end = len(times) if high is None else int(times.searchsorted(high, side="right"))
        return table.slice(begin, max(end - begin, 0))


@contextmanager
def _opened(file: Path) -> Iterator[_Opened]:
    try:
        with file.open("rb") as stream:
            yield _Opened(file, stream)
    except FileNotFoundError:
        raise
    except OSError as error:
        raise DataError(f"{file} cannot be read: {error.strerror or error}") from None


def _sealed(content: bytes, table: pa.Table, facts: Mapping[str, Any], group_rows: int) -> bytes:
    """Return the bytes of a Parquet file with a seal before its footer."""
    length, _ = _END.unpack(content[-_END.size :])
    footer = len(content) - _END.size - length
    groups = [astuple(group) for group in _groups(content, footer, table, group_rows)]
    seal = json.dumps({"facts": dict(facts), "groups": groups}, allow_nan=False, separators=(",", ":")).encode()
    return content[:footer] + seal + _SEAL.pack(len(seal), _digest(seal + content[footer:]), _MARK) + content[footer:]


def _groups(content: bytes, footer: int, table: pa.Table, group_rows: int) -> Iterator[_Group]:
    """Yield where each row group lies, its digest, and its span of the first column."""
    if not table.num_rows:
        return
    metadata = pq.read_metadata(pa.BufferReader(content))
    begins = [
        min(_begin(metadata.row_group(number).column(column)) for column in range(metadata.num_columns))
        for number in range(metadata.num_row_groups)
    ]
    ascends = _ascends(table)
    for number, (begin, end) in enumerate(zip(begins, [*begins[1:], footer], strict=True)):
        rows = table.column(0).slice(number * group_rows, group_rows)
        first, last = (_number(rows[0]), _number(rows[-1])) if ascends else (None, None)
        yield _Group(begin, end, _digest(content[begin:end]).hex(), first, last)


def _digest(content: bytes) -> bytes:
    return hashlib.sha256(content).digest()


def _begin(chunk: Any) -> int:
    return int(chunk.dictionary_page_offset if chunk.has_dictionary_page else chunk.data_page_offset)


def _ascends(table: pa.Table) -> bool:
    key = table.column(0)
    kind = key.type
    if not (pa.types.is_integer(kind) or pa.types.is_timestamp(kind) or pa.types.is_date(kind)) or key.null_count:
        return False
    numbers = _numbers(key)
    return bool((numbers[1:] >= numbers[:-1]).all())


def _numbers(key: pa.ChunkedArray) -> Any:
    narrow = key.cast(pa.int32()) if pa.types.is_date32(key.type) else key
    return narrow.cast(pa.int64()).to_numpy()


def _number(scalar: pa.Scalar) -> int:
    narrow = scalar.cast(pa.int32()) if pa.types.is_date32(scalar.type) else scalar
    return int(narrow.cast(pa.int64()).as_py())


def _encoding(kind: pa.DataType) -> str | None:
    if pa.types.is_floating(kind):
        return "BYTE_STREAM_SPLIT"
    return "DELTA_BINARY_PACKED" if pa.types.is_integer(kind) or pa.types.is_temporal(kind) else None


def _plain(table: pa.Table) -> pa.Table:
    """Return the table with types that come back out of Parquet as they are; columns without gaps are marked so."""
    fields = []
    for field in table.schema:
        kind = field.type
        if pa.types.is_large_string(kind) or (pa.types.is_dictionary(kind) and pa.types.is_string(kind.value_type)):
            kind = pa.string()
        plain = pa.types.is_string(kind) or pa.types.is_boolean(kind) or pa.types.is_primitive(kind)
        if not plain:
            raise TypeError(f"column {field.name!r} is of type {kind}; store numbers, times and text")
        fields.append(pa.field(field.name, kind, nullable=bool(table.column(field.name).null_count)))
    return table.cast(pa.schema(fields))

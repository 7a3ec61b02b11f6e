"""Hashes of content: of index, columns and values, never of files."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd


def hash_frame(frame: pd.DataFrame | pd.Series) -> str:
    """Hash a frame's index, column names and values.

    Numbers count as float64 bytes with one NaN, times as nanoseconds since 1970, everything else as text (every
    kind of missing value as the same one), so the hash is the same whichever pandas dtype or file format carried
    the content.
    """
    import pandas as pd

    digest = hashlib.sha256()
    table = pd.DataFrame(frame)
    digest.update(_bytes(table.index.to_series()))
    for name, column in table.items():
        digest.update(f"|{name}|".encode())
        digest.update(_bytes(column))
    return digest.hexdigest()


def hash_array(values: np.ndarray) -> str:
    """Hash an array of numbers: its shape and float64 bytes, with one NaN."""
    return hashlib.sha256(str(values.shape).encode() + _number_bytes(values)).hexdigest()


def hash_plain(value: Any) -> str:
    """Hash plain data (what JSON can carry), independent of the order of keys."""
    return hashlib.sha256(json.dumps(value, sort_keys=True, default=str).encode()).hexdigest()


def hash_parts(parts: Mapping[str, str]) -> str:
    """Hash named hashes into one."""
    return hash_plain(dict(parts))


def hash_source_files(files: Iterable[Path]) -> str:
    """Hash source files: their content, in the order of their paths."""
    digest = hashlib.sha256()
    for file in sorted(files):
        digest.update(file.read_bytes() + b"\0")
    return digest.hexdigest()


def _bytes(column: pd.Series) -> bytes:
    import pandas as pd

    if isinstance(column.dtype, pd.DatetimeTZDtype):
        column = column.dt.tz_convert("UTC").dt.tz_localize(None)
    if pd.api.types.is_datetime64_dtype(column.dtype):
        return column.to_numpy("datetime64[ns]").tobytes()
    if pd.api.types.is_numeric_dtype(column.dtype) or pd.api.types.is_bool_dtype(column.dtype):
        return _number_bytes(column.to_numpy("float64"))
    missing = column.isna()
    return "\0".join("\1" if gone else str(value) for value, gone in zip(column, missing, strict=True)).encode()


def _number_bytes(values: np.ndarray) -> bytes:
    import numpy as np

    array = np.ascontiguousarray(values, dtype="float64")
    return np.where(np.isnan(array), np.nan, array).tobytes()

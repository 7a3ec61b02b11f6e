"""Hashes: the same for the same content, whatever carried it; another for any change."""

from __future__ import annotations

import hashlib
import struct

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from quantstrats.hashing import hash_array, hash_frame, hash_parts, hash_plain, hash_source_files

DAYS = pd.to_datetime(["2015-01-05", "2015-01-06"])


def frame(**columns):
    return pd.DataFrame(columns, index=DAYS)


SAME = {
    "float32 and float64": (frame(a=np.float32([1, 2])), frame(a=[1.0, 2.0])),
    "int and float": (frame(a=[1, 2]), frame(a=[1.0, 2.0])),
    "nullable and not": (frame(a=pd.array([1, None], dtype="Int64")), frame(a=[1.0, np.nan])),
    "every NaN": (frame(a=[1.0, struct.unpack("d", b"\1\0\0\0\0\0\xf8\xff")[0]]), frame(a=[1.0, np.nan])),
    "resolution of times": (frame(a=DAYS.as_unit("s")), frame(a=DAYS.as_unit("ns"))),
    "resolution of rows": (frame(a=[1, 2]).set_axis(DAYS.as_unit("s")), frame(a=[1, 2]).set_axis(DAYS.as_unit("ns"))),
    "zone of times": (frame(a=DAYS.tz_localize("UTC")), frame(a=DAYS.tz_localize("UTC").tz_convert("Asia/Tokyo"))),
    "kinds of text": (frame(a=pd.array(["x", None], dtype="str")), frame(a=np.array(["x", None], dtype=object))),
    "category": (frame(a=pd.Categorical(["x", "y"])), frame(a=["x", "y"])),
    "series and frame": (frame(a=[1, 2])["a"], frame(a=[1, 2])),
    "memory layout": (pd.DataFrame(np.asfortranarray(np.eye(3))), pd.DataFrame(np.ascontiguousarray(np.eye(3)))),
}
OTHER = {
    "value": (frame(a=[1, 2]), frame(a=[1, 3])),
    "last bit": (frame(a=[1.0, 2.0]), frame(a=[1.0, np.nextafter(2.0, 3)])),
    "missing": (frame(a=[1.0, 2.0]), frame(a=[1.0, np.nan])),
    "name of column": (frame(a=[1, 2]), frame(b=[1, 2])),
    "order of columns": (frame(a=[1, 2], b=[3, 4]), frame(b=[3, 4], a=[1, 2])),
    "rows": (frame(a=[1, 2]), frame(a=[1, 2]).set_axis(DAYS + pd.Timedelta("1D"))),
    "order of rows": (frame(a=[1, 2]), frame(a=[1, 2]).iloc[::-1]),
    "text": (frame(a=["x", "y"]), frame(a=["x", "z"])),
    "missing text": (frame(a=["x", None]), frame(a=["x", "None"])),
    "nanosecond": (frame(a=DAYS), frame(a=DAYS.as_unit("ns") + pd.Timedelta("1ns"))),
}


@pytest.mark.parametrize("case", SAME)
def test_the_same_content_has_one_hash(case):
    left, right = SAME[case]
    assert hash_frame(left) == hash_frame(right)


@pytest.mark.parametrize("case", OTHER)
def test_other_content_has_another_hash(case):
    left, right = OTHER[case]
    assert hash_frame(left) != hash_frame(right)


def test_a_frame_read_back_from_parquet_has_the_same_hash(tmp_path):
    table = frame(
        price=[1.5, np.nan], symbol=["A", "B"], when=DAYS.tz_localize("UTC"), count=[1, 2], done=[True, False]
    )
    table.to_parquet(tmp_path / "table.parquet")
    assert hash_frame(pd.read_parquet(tmp_path / "table.parquet")) == hash_frame(table)


def test_a_frame_without_rows_or_columns_has_a_hash():
    assert len(hash_frame(pd.DataFrame())) == len(hash_frame(frame(a=[1, 2]).iloc[:0])) == 64


def test_an_array_is_hashed_by_shape_and_float64_bytes():
    expected = hashlib.sha256(b"(2, 1)" + struct.pack("<2d", 1.0, 2.0)).hexdigest()
    assert hash_array(np.array([[1], [2]])) == expected
    assert hash_array(np.array([[1, 2]])) != expected
    assert hash_array(np.array([1.0, 2.0])) != expected


@given(
    values=arrays.arrays("float64", (3, 2), elements=st.floats(-1e300, 1e300) | st.just(np.nan)),
    row=st.integers(0, 2),
    column=st.integers(0, 1),
)
def test_any_changed_cell_changes_the_hash(values, row, column):
    changed = values.copy()
    changed[row, column] = 1.0 if np.isnan(values[row, column]) else np.nextafter(values[row, column], -np.inf)
    if values[row, column] == -np.inf:
        changed[row, column] = 0.0
    assert hash_array(changed) != hash_array(values)
    assert hash_frame(pd.DataFrame(changed)) != hash_frame(pd.DataFrame(values))
    assert hash_array(values.copy()) == hash_array(values)


def test_plain_data_is_hashed_whatever_the_order_of_keys():
    assert hash_plain({"a": 1, "b": {"c": 2, "d": 3}}) == hash_plain({"b": {"d": 3, "c": 2}, "a": 1})
    assert hash_plain({"a": 1}) != hash_plain({"a": 2})
    assert hash_plain([1, 2]) != hash_plain([2, 1])
    assert hash_plain({"a": 1}) == hashlib.sha256(b'{"a": 1}').hexdigest()
    assert hash_parts({"x": "1", "y": "2"}) == hash_plain({"y": "2", "x": "1"})


def test_source_files_are_hashed_by_content_in_the_order_of_their_paths(tmp_path):
    first, second = tmp_path / "a.py", tmp_path / "b.py"
    first.write_bytes(b"one")
    second.write_bytes(b"two")
    expected = hashlib.sha256(b"one\0two\0").hexdigest()
    assert hash_source_files([second, first]) == hash_source_files([first, second]) == expected
    second.write_bytes(b"three")
    assert hash_source_files([first, second]) != expected

import datetime as dt
import random

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from quantstrats.errors import DataError
from quantstrats.market.cache.checked import DamagedError, quarantine, read_checked, read_facts, write_checked

FACTS = {"source": "vendor", "symbol": "BTC/USD", "revisions": [{"rows": 3, "largest": 0.5}], "first": None}


def bars(rows=500, zone=None):
    rng = np.random.default_rng(3)
    times = pd.date_range("2020-01-06", periods=rows, freq="D", tz=zone).as_unit("ns")
    close = 100.0 + rng.normal(size=rows).cumsum()
    close[7:8] = np.nan
    return pa.table({"time": pa.array(times), "close": pa.array(close), "volume": pa.array(rng.uniform(0, 1e9, rows))})


def bits(table):
    return [np.ascontiguousarray(column.to_numpy()).tobytes() for column in table.columns]


@pytest.fixture
def file(tmp_path):
    file = tmp_path / "made" / "of.parquet"
    write_checked(file, bars(), FACTS, group_rows=100)
    return file


def test_rows_and_facts_come_back_bit_for_bit(file):
    table, facts = read_checked(file)
    assert bits(table) == bits(bars())
    assert facts == read_facts(file) == FACTS


def test_a_checked_file_is_parquet_for_any_tool(file):
    frame = pd.read_parquet(file)
    pd.testing.assert_frame_equal(frame, bars().to_pandas(), check_exact=True)


def test_columns_are_chosen_by_name(file):
    assert read_checked(file, ["volume"])[0].column_names == ["volume"]
    with pytest.raises(ValueError, match="no column 'vol'"):
        read_checked(file, ["vol"])


@pytest.mark.parametrize("zone", [None, "UTC"])
@pytest.mark.parametrize(
    ("first", "last"),
    [
        ("2020-02-01", "2020-02-10"),
        (None, "2020-01-06"),
        ("2021-05-01", None),
        ("2019-01-01", "2019-02-01"),
        (None, None),
    ],
)
def test_a_span_has_its_first_and_its_last_row(tmp_path, zone, first, last):
    file = tmp_path / "a.parquet"
    write_checked(file, bars(zone=zone), {}, group_rows=100)
    first, last = (None if bound is None else pd.Timestamp(bound, tz=zone) for bound in (first, last))
    read, _ = read_checked(file, first=first, last=last)
    expected = bars(zone=zone).to_pandas().set_index("time").loc[first:last].reset_index()
    pd.testing.assert_frame_equal(read.to_pandas(), expected, check_exact=True)


def test_a_span_reads_only_the_row_groups_that_it_needs(file):
    whole = file.read_bytes()
    first, last = dt.date(2020, 1, 10), dt.date(2020, 1, 20)  # rows 4 to 14, all in the first group of 100
    expected = read_checked(file, first=first, last=last)[0]
    # Whatever is wrong with later rows is not even looked at.
    spoilt = bytearray(whole)
    spoilt[len(whole) // 2] ^= 0xFF
    file.write_bytes(spoilt)
    assert bits(read_checked(file, first=first, last=last)[0]) == bits(expected)
    with pytest.raises(DamagedError):
        read_checked(file)


def test_rows_that_do_not_ascend_have_no_spans(tmp_path):
    file = tmp_path / "a.parquet"
    write_checked(file, bars().take(pa.array([2, 1, 0])), {})
    assert read_checked(file)[0].num_rows == 3
    with pytest.raises(ValueError, match="'time' does not ascend"):
        read_checked(file, first=pd.Timestamp("2020-01-07"))


def test_texts_gaps_and_dates_come_back(tmp_path):
    columns = {
        "day": [dt.date(2020, 1, 2), dt.date(2020, 1, 3)],
        "form": ["10-K", None],
        "unit": pa.array(["USD", "USD"]).dictionary_encode(),
        "audited": [None, True],
        "count": [1, None],
    }
    file = tmp_path / "a.parquet"
    write_checked(file, pa.table(columns), {})
    assert read_checked(file, first=dt.date(2020, 1, 3))[0].to_pylist() == [
        {"day": dt.date(2020, 1, 3), "form": None, "unit": "USD", "audited": True, "count": None}
    ]
    with pytest.raises(TypeError, match="'lists' is of type list"):
        write_checked(file, pa.table({"lists": [[1]]}), {})


def test_no_rows_are_a_table_too(tmp_path):
    file = tmp_path / "a.parquet"
    write_checked(file, bars(0), FACTS)
    assert read_checked(file, first=dt.date(2020, 1, 3))[0].num_rows == 0
    assert read_facts(file) == FACTS


def test_what_is_damaged_is_refused_or_read_as_it_was_written(file):
    """Flips at 600 seeded places, half of them in the last 1,200 bytes, where footer and seal are."""
    whole, rng = file.read_bytes(), random.Random(11)
    size = len(whole)
    places = [rng.randrange(size) for _ in range(300)] + [rng.randrange(size - 1200, size) for _ in range(300)]
    refused = 0
    for place in places:
        spoilt = bytearray(whole)
        spoilt[place] ^= rng.randrange(1, 256)
        file.write_bytes(spoilt)
        try:
            table, facts = read_checked(file)
        except DamagedError:
            refused += 1
            continue
        assert bits(table) == bits(bars())
        assert facts == FACTS
    assert refused >= 595  # the first four bytes hold nothing that is read


def test_facts_alone_are_refused_where_they_are_damaged(file):
    whole = file.read_bytes()
    place = whole.rindex(b"BTC/USD")
    file.write_bytes(whole[:place] + b"ETH/USD" + whole[place + 7 :])
    with pytest.raises(DamagedError, match="its end is not as it was written"):
        read_facts(file)


def test_a_file_that_was_cut_or_grew_is_refused(file):
    whole, rng = file.read_bytes(), random.Random(12)
    for length in [0, 1, 7, 8, 47, 48, 49, len(whole) - 1, *(rng.randrange(len(whole)) for _ in range(200))]:
        file.write_bytes(whole[:length])
        with pytest.raises(DamagedError):
            read_checked(file)
    for more in (b"\0", whole[:50], b"PAR1"):
        file.write_bytes(whole + more)
        with pytest.raises(DamagedError):
            read_facts(file)


def test_parts_of_two_files_make_none(file, tmp_path):
    other = tmp_path / "other.parquet"
    shifted = bars().set_column(1, "close", pa.array(np.arange(500.0)))
    write_checked(other, shifted, FACTS, group_rows=100)
    one, two = file.read_bytes(), other.read_bytes()
    for cut in range(100, min(len(one), len(two)), 997):
        file.write_bytes(one[:cut] + two[cut:])
        with pytest.raises(DamagedError):
            read_checked(file)


def test_parquet_of_another_writer_is_refused(tmp_path):
    file = tmp_path / "a.parquet"
    bars().to_pandas().to_parquet(file)
    with pytest.raises(DamagedError, match="it bears no seal"):
        read_facts(file)


def test_a_file_that_is_not_there_is_no_damage(tmp_path):
    with pytest.raises(FileNotFoundError):
        read_facts(tmp_path / "a.parquet")
    with pytest.raises(DataError, match="cannot be read") as caught:
        read_facts(tmp_path)
    assert not isinstance(caught.value, DamagedError)


def test_quarantine_keeps_the_file_and_says_why(file):
    content = file.read_bytes()
    place = quarantine(file, "its end is not as it was written")
    assert not file.exists()
    assert place.parent == file.parent / "damaged"
    assert place.read_bytes() == content
    assert place.with_suffix(".txt").read_text() == "its end is not as it was written\n"

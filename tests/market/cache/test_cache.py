import json
from datetime import UTC, date, datetime

import numpy as np
import pandas as pd
import pytest
from fake_vendor import END, SESSIONS, FakeSource, book_on

from quantstrats.errors import DataError
from quantstrats.hashing import hash_frame
from quantstrats.market.cache.barfile import BarFacts, Revision, read_bar_facts, read_bars, write_bars
from quantstrats.market.cache.cache import BarCache
from quantstrats.market.cache.checked import DamagedError, write_checked
from quantstrats.market.cache.update import fetch

MOMENT = datetime(2024, 3, 1, 12, 30, tzinfo=UTC)


def facts_of(symbol="AAA"):
    revision = Revision(MOMENT, 5, 2, "2024-01-03", 0.5, 0.0)
    return BarFacts("fake", "1d-raw", symbol, None, date(2024, 2, 29), MOMENT, doubles=2, revisions=(revision,))


# --- files of bars


def test_facts_of_a_file_tell_what_its_bars_are(tmp_path):
    bars = book_on(SESSIONS)
    written = write_bars(tmp_path / "AAA.parquet", bars, facts_of())
    read = read_bar_facts(tmp_path / "AAA.parquet", "AAA")
    assert read == written
    assert (read.rows, read.first_bar, read.last_bar) == (41, pd.Timestamp("2024-01-02"), pd.Timestamp("2024-02-29"))
    assert read.content == hash_frame(bars)
    assert (read.doubles, read.revisions) == (2, facts_of().revisions)
    json.dumps(read.as_plain())


def test_the_hash_of_bars_is_of_times_and_values_alone(tmp_path):
    bars = book_on(SESSIONS)
    bars.iloc[3, 2] = np.nan
    one = write_bars(tmp_path / "one.parquet", bars, facts_of("one"))
    other = write_bars(tmp_path / "two.parquet", bars.set_axis(bars.index.as_unit("s")), facts_of("two"))
    assert one.content == other.content
    for change in (
        bars.assign(close=bars.close * (1 + 1e-15)),
        bars[1:],
        bars.set_axis(bars.index + pd.Timedelta("1D")),
    ):
        assert write_bars(tmp_path / "three.parquet", change, facts_of()).content != one.content


@pytest.mark.parametrize("zone", [None, "UTC"])
def test_a_span_of_bars_is_read(tmp_path, zone):
    index = SESSIONS if zone is None else pd.date_range("2024-01-02", periods=900, freq="h", tz="UTC").as_unit("ns")
    bars = book_on(index)
    write_bars(tmp_path / "AAA.parquet", bars, facts_of())
    read, _ = read_bars(tmp_path / "AAA.parquet", "AAA", date(2024, 1, 10), date(2024, 1, 12))
    if zone is None:
        assert list(read.index.strftime("%m-%d")) == ["01-10", "01-11", "01-12"]
    else:  # by UTC a session may begin on the day before, and end on the day after
        assert (read.index[0], read.index[-1]) == (pd.Timestamp("2024-01-09T00Z"), pd.Timestamp("2024-01-14T00Z"))
    pd.testing.assert_frame_equal(read, bars.loc[read.index], check_exact=True, check_freq=False)


def test_no_bars_are_kept_with_what_was_asked_for(tmp_path):
    write_bars(tmp_path / "AAA.parquet", book_on(SESSIONS[:0]), facts_of())
    bars, facts = read_bars(tmp_path / "AAA.parquet", "AAA", date(2024, 1, 10))
    assert (len(bars), facts.rows, facts.first_bar) == (0, 0, None)


def test_bars_of_another_symbol_or_another_version_are_refused(tmp_path):
    file = tmp_path / "AAA.parquet"
    write_bars(file, book_on(SESSIONS), facts_of())
    with pytest.raises(DataError, match="holds the bars of 'AAA', not of 'aaa'"):
        read_bars(file, "aaa")
    import pyarrow as pa

    write_checked(file, pa.table({"time": [1]}), {**facts_of().as_plain(), "version": 0})
    with pytest.raises(DamagedError, match="another version"):
        read_bars(file, "AAA")


# --- the cache


def test_the_cache_stands_in_the_folder_logs(home):
    assert BarCache().folder == home / "logs" / "cache"


@pytest.mark.parametrize("symbol", ["^VIX", "BTC/USD", "BRK.B", "EURUSD=X", "../x", ".", "a b%", "ÄÖ", "CON"])
def test_any_symbol_has_a_file_in_the_folder_of_its_variant(vendor, cache, symbol):
    source = FakeSource(vendor=vendor)
    vendor.books[symbol] = book_on(SESSIONS)
    fetch(source, [symbol], cache=cache, now=END)
    assert cache.file(source, symbol).parent == cache.folder / "fake" / "1d-raw"
    assert cache.symbols(source) == [symbol]
    assert [(entry.source, entry.variant, entry.symbol) for entry in cache.entries()] == [("fake", "1d-raw", symbol)]


def test_intervals_are_kept_apart(vendor, cache):
    daily, hourly = FakeSource(vendor=vendor), FakeSource(vendor=vendor, interval="1h")
    fetch(daily, ["AAA"], cache=cache, now=END)
    vendor.books["AAA"] = book_on(pd.date_range("2024-02-28T15:00Z", periods=5, freq="h"))
    fetch(hourly, ["AAA"], cache=cache, now=END)
    assert [(entry.variant, entry.facts.rows) for entry in cache.entries()] == [("1d-raw", 41), ("1h-raw", 5)]


def test_entries_name_damaged_files_and_leave_out_what_was_put_aside(source, vendor, cache):
    fetch(source, ["AAA", "BBB", "CCC"], None, date(2024, 1, 31), cache=cache, now=END)
    vendor.books["CCC"] = vendor.books["CCC"] * 2.0
    fetch(source, ["CCC"], cache=cache, now=END)
    cache.file(source, "BBB").write_bytes(b"")
    found = {entry.symbol: entry for entry in cache.entries()}
    assert list(found) == ["AAA", "BBB", "CCC"]
    assert found["AAA"].facts.rows == 21
    assert found["BBB"].facts is None
    assert found["BBB"].trouble == f"{cache.file(source, 'BBB')} is damaged: it has 0 bytes, and some are missing"
    assert found["BBB"].reason == "damaged: it has 0 bytes, and some are missing"
    assert found["AAA"].reason == found["AAA"].trouble == ""
    assert len(list((cache.folder_of(source) / "superseded").iterdir())) == 1


def test_leftovers_of_killed_writers_are_cleared(source, cache):
    fetch(source, ["AAA"], cache=cache, now=END)
    left = cache.folder_of(source) / ".AAA.parquet.0123abcd.writing"
    left.write_bytes(b"half")
    beside = [
        cache.folder / ".x.1.writing",
        left.parent.parent / ".y.2.writing",
        left.parent / "damaged" / ".z.3.writing",
    ]
    beside[-1].parent.mkdir()
    for path in beside:
        path.write_bytes(b"half")
    assert sorted(cache.clear_leftovers(dry_run=True)) == sorted([left, *beside])
    assert left.exists()
    assert sorted(cache.clear_leftovers()) == sorted([left, *beside])
    assert not any(path.exists() for path in (left, *beside))
    left.write_bytes(b"half")
    fetch(source, ["AAA"], cache=cache, now=END)
    assert not left.exists()

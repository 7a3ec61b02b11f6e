import os
from datetime import UTC, date, datetime

import pytest
from fake_vendor import END, FakeSource, book_on
from fake_vendor import SESSIONS as DAYS

from quantstrats.market.cache.aside import put_aside
from quantstrats.market.cache.checked import quarantine
from quantstrats.market.cache.update import fetch


@pytest.fixture
def superseded(vendor, cache):
    """The file of BTC/USD that another took the place of."""
    source = FakeSource(vendor=vendor)
    vendor.books["BTC/USD"] = book_on(DAYS)
    fetch(source, ["BTC/USD"], None, date(2024, 1, 31), cache=cache, now=END)
    vendor.books["BTC/USD"] = vendor.books["BTC/USD"] * 2.0
    fetch(source, ["BTC/USD"], cache=cache, now=END)
    (file,) = (cache.folder_of(source) / "superseded").iterdir()
    return file


def test_superseded_files_are_found_with_symbol_time_and_size(superseded, cache):
    moment = datetime(2024, 2, 3, 4, 5, 6, tzinfo=UTC)
    os.utime(superseded, (moment.timestamp(), moment.timestamp()))
    (found,) = put_aside(cache)
    assert (found.kind, found.name, found.file) == ("superseded", "BTC/USD", superseded)
    assert (found.put_at, found.size) == (moment, superseded.stat().st_size)


@pytest.mark.parametrize("folder", ["fake/1d-raw", "fred"])
def test_damaged_files_are_of_the_time_at_which_they_were_moved(cache, folder):
    file = cache.folder / folder / "BTC%2FUSD.parquet"
    file.parent.mkdir(parents=True)
    file.write_bytes(b"bad")
    os.utime(file, (0, 0))  # written in 1970
    before = datetime.now(UTC).replace(microsecond=0)
    quarantine(file, "why")
    found = list(put_aside(cache))
    assert [(each.kind, each.name, each.file.suffix, each.size) for each in found] == [
        ("damaged", "BTC/USD", ".parquet", 3),
        ("damaged", "BTC/USD", ".txt", 4),
    ]
    assert all(before <= each.put_at <= datetime.now(UTC) for each in found)


def test_bars_in_use_and_files_of_users_are_not_aside(superseded, cache):
    mine = [superseded.parent / "mine.parquet", superseded.parents[1] / "damaged" / "notes.txt"]
    for file in mine:
        file.parent.mkdir(exist_ok=True)
        file.write_text("")
    assert [each.file for each in put_aside(cache)] == [superseded]


def test_nothing_is_aside_where_there_is_no_cache(cache):
    assert list(put_aside(cache)) == []

import errno
import json
import re
import subprocess
import sys
import threading
from datetime import UTC, date, datetime
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from fake_vendor import END, SESSIONS, FakeSource, Vendor, book_on, within
from hypothesis import given
from hypothesis import strategies as st

from quantstrats.atomic import write_whole
from quantstrats.errors import DataError
from quantstrats.market.cache.barfile import read_bar_facts, read_bars
from quantstrats.market.cache.cache import BarCache
from quantstrats.market.cache.offline import only_cached
from quantstrats.market.cache.update import fetch
from quantstrats.market.sources.remote import Download
from quantstrats.progress import running

HARM = Path(__file__).parents[2] / "harm"


def stored(cache, source, symbol):
    return read_bars(cache.file(source, symbol), symbol)[0]


def check_has(cache, source, symbol, first=None, last="2024-02-29"):
    """Check that the cache has exactly the vendor's bars of a span."""
    expected = within(source.vendor.books[symbol], first, last)
    pd.testing.assert_frame_equal(stored(cache, source, symbol), expected, check_exact=True, check_freq=False)


def spoil(file, place="rows"):
    """Change one byte of a file, and return what it has now."""
    content = bytearray(file.read_bytes())
    content[len(content) // 3 if place == "rows" else -60] ^= 1
    file.write_bytes(content)
    return bytes(content)


def statuses(report):
    return {outcome.symbol: outcome.status for outcome in report.outcomes}


def day(text):
    return date.fromisoformat(text)


# --- what is asked for


def test_a_second_run_asks_for_nothing(source, vendor, cache):
    first = fetch(source, ["AAA", "BBB"], cache=cache, now=END)
    assert vendor.spans() == [("AAA,BBB", "None", "2024-02-29")]
    assert statuses(first) == {"AAA": "fetched", "BBB": "fetched"}
    assert [outcome.rows for outcome in first.outcomes] == [41, 41]
    second = fetch(source, ["AAA", "BBB"], cache=cache, now=END)
    assert vendor.spans() == []
    assert statuses(second) == {"AAA": "current", "BBB": "current"}
    for symbol in ("AAA", "BBB"):
        check_has(cache, source, symbol)


def test_what_follows_is_asked_for_with_five_sessions_of_overlap(source, vendor, cache):
    fetch(source, ["AAA"], day("2024-01-08"), day("2024-01-19"), cache=cache, now=END)
    vendor.spans()
    # The last five sessions are 12, 16, 17, 18 and 19 January: the 15th is a holiday.
    report = fetch(source, ["AAA"], day("2024-01-08"), day("2024-02-02"), cache=cache, now=END)
    assert vendor.spans() == [("AAA", "2024-01-12", "2024-02-02")]
    assert report.outcomes[0].rows == 10
    check_has(cache, source, "AAA", "2024-01-08", "2024-02-02")


def test_what_precedes_is_asked_for_with_five_sessions_of_overlap(source, vendor, cache):
    fetch(source, ["AAA"], day("2024-01-16"), day("2024-02-02"), cache=cache, now=END)
    vendor.spans()
    fetch(source, ["AAA"], day("2024-01-08"), day("2024-01-31"), cache=cache, now=END)
    assert vendor.spans() == [("AAA", "2024-01-08", "2024-01-22")]
    check_has(cache, source, "AAA", "2024-01-08", "2024-02-02")


def test_a_span_apart_from_what_is_stored_is_joined_to_it(source, vendor, cache):
    fetch(source, ["AAA"], day("2024-01-02"), day("2024-01-05"), cache=cache, now=END)
    fetch(source, ["AAA"], day("2024-02-20"), day("2024-02-23"), cache=cache, now=END)
    check_has(cache, source, "AAA", "2024-01-02", "2024-02-23")
    facts = read_bar_facts(cache.file(source, "AAA"))
    assert (facts.first, facts.last) == (day("2024-01-02"), day("2024-02-23"))


def test_both_ends_are_asked_for_where_both_lack(source, vendor, cache):
    fetch(source, ["AAA"], day("2024-01-22"), day("2024-01-31"), cache=cache, now=END)
    vendor.spans()
    fetch(source, ["AAA"], cache=cache, now=END)
    assert vendor.spans() == [("AAA", "2024-01-25", "2024-02-29"), ("AAA", "None", "2024-01-26")]
    check_has(cache, source, "AAA")


def test_without_a_first_all_earlier_spans_are_there(source, vendor, cache):
    fetch(source, ["AAA"], None, day("2024-02-29"), cache=cache, now=END)
    vendor.spans()
    fetch(source, ["AAA"], day("1995-01-03"), day("2024-02-01"), cache=cache, now=END)
    assert vendor.spans() == []


def test_symbols_that_lack_the_same_are_asked_for_together(source, vendor, cache):
    fetch(source, ["AAA"], None, day("2024-01-31"), cache=cache, now=END)
    vendor.spans()
    fetch(source, ["AAA", "BBB", "CCC", "BBB"], cache=cache, now=END)
    assert vendor.spans() == [("AAA", "2024-01-25", "2024-02-29"), ("BBB,CCC", "None", "2024-02-29")]


def test_weekends_and_holidays_lack_nothing(source, vendor, cache):
    fetch(source, ["AAA"], day("2024-01-02"), day("2024-01-12"), cache=cache, now=END)
    vendor.spans()
    # 2023-12-30 to 2024-01-01 and 2024-01-13 to 2024-01-15 have no session.
    fetch(source, ["AAA"], day("2024-01-01"), day("2024-01-15"), cache=cache, now=END)
    assert vendor.spans() == []


def test_refresh_asks_for_all_that_is_stored(source, vendor, cache):
    fetch(source, ["AAA"], day("2024-01-02"), day("2024-02-16"), cache=cache, now=END)
    vendor.spans()
    report = fetch(source, ["AAA"], day("2024-02-01"), day("2024-02-29"), cache=cache, now=END, refresh=True)
    assert vendor.spans() == [("AAA", "2024-01-02", "2024-02-29")]
    assert statuses(report) == {"AAA": "fetched"}
    check_has(cache, source, "AAA", "2024-01-02")


# --- which bars are complete


@pytest.mark.parametrize(
    ("now", "last"),
    [
        ("2024-02-29T20:59:59+00:00", "2024-02-28"),  # a second before the close at 16:00 in New York
        ("2024-02-29T21:00:00+00:00", "2024-02-29"),
        ("2024-02-18T12:00:00+00:00", "2024-02-16"),  # a Sunday
        ("2024-02-19T23:00:00+00:00", "2024-02-16"),  # a holiday
    ],
)
def test_a_session_that_is_not_over_is_not_stored(source, vendor, cache, now, last):
    fetch(source, ["AAA"], cache=cache, now=datetime.fromisoformat(now))
    check_has(cache, source, "AAA", None, last)
    fetch(source, ["BBB"], None, day("2024-02-29"), cache=cache, now=datetime.fromisoformat(now))
    check_has(cache, source, "BBB", None, last)


def test_a_half_day_is_over_at_its_own_close(source, vendor, cache):
    # 29 November 2024, the day after Thanksgiving, closes at 13:00 in New York, 18:00 UTC.
    index = pd.to_datetime(["2024-11-26", "2024-11-27", "2024-11-29"]).as_unit("ns")
    vendor.books["AAA"] = book_on(index)
    fetch(source, ["AAA"], cache=cache, now=datetime(2024, 11, 29, 17, 59, tzinfo=UTC))
    assert len(stored(cache, source, "AAA")) == 2
    fetch(source, ["AAA"], cache=cache, now=datetime(2024, 11, 29, 18, 0, tzinfo=UTC))
    assert len(stored(cache, source, "AAA")) == 3


def test_intraday_bars_of_a_session_that_is_not_over_are_not_stored(vendor, cache):
    """Half hours of two days in summer, with an hour before the open and after the close."""
    source = FakeSource(vendor=vendor, interval="30m")
    hours = [pd.date_range(f"2024-07-{n:02}T12:30Z", f"2024-07-{n:02}T20:30Z", freq="30min") for n in (10, 11)]
    vendor.books["AAA"] = book_on(hours[0].append(hours[1]).as_unit("ns"))
    fetch(source, ["AAA"], cache=cache, now=datetime(2024, 7, 11, 19, 45, tzinfo=UTC))
    assert stored(cache, source, "AAA").index[-1] == pd.Timestamp("2024-07-10T20:30Z")
    fetch(source, ["AAA"], cache=cache, now=datetime(2024, 7, 11, 20, 0, tzinfo=UTC))
    assert len(stored(cache, source, "AAA")) == 34


def test_bars_of_the_evening_before_belong_to_the_session_that_they_open(vendor, cache):
    """The exchange CMES opens at 17:00 in Chicago on the day before: a Sunday evening is Monday's session."""
    sunday_evening = pd.date_range("2024-07-07T22:00Z", periods=4, freq="30min")
    monday = pd.date_range("2024-07-08T14:00Z", periods=4, freq="30min")
    book = book_on(sunday_evening.append(monday).as_unit("ns"))

    class Futures(FakeSource):
        def download(self, symbols, first, last):
            yield Download("AAA", book)

    source = Futures(vendor=vendor, interval="30m", calendar="CMES")
    now = datetime(2024, 7, 10, tzinfo=UTC)
    fetch(source, ["AAA"], day("2024-07-08"), day("2024-07-08"), cache=cache, now=now)
    assert len(stored(cache, source, "AAA")) == 8


def test_a_span_that_is_not_over_is_refused(source, cache):
    with pytest.raises(DataError, match="no session of XNYS from 2024-03-01 to 2024-03-05 is over yet"):
        fetch(source, ["AAA"], day("2024-03-01"), day("2024-03-05"), cache=cache, now=END)
    with pytest.raises(DataError, match="no session of XNYS from 2024-03-01 on is over yet"):
        fetch(source, ["AAA"], day("2024-03-01"), cache=cache, now=END)


@pytest.mark.parametrize(
    ("first", "last", "line"),
    [
        ("2024-02-28", "2023-02-28", "start 2024-02-28 lies after end 2023-02-28"),
        ("2024-02-24", "2024-02-25", "XNYS has no session from 2024-02-24 to 2024-02-25; ask for other dates"),
        ("2024-02-19", "2024-02-19", "XNYS has no session on 2024-02-19; ask for other dates"),  # a holiday
        ("2024-03-02", "2024-03-03", "XNYS has no session from 2024-03-02 to 2024-03-03; ask for other dates"),
    ],
)
def test_a_span_without_any_session_is_refused_with_the_reason(source, cache, first, last, line):
    with pytest.raises(DataError) as caught:
        fetch(source, ["AAA"], day(first), day(last), cache=cache, now=END)
    assert str(caught.value) == line


# --- what vendors change


def test_a_split_replaces_all_bars_and_is_reported(source, vendor, cache):
    fetch(source, ["AAA", "BBB"], day("2024-01-02"), day("2024-01-31"), cache=cache, now=END)
    before = cache.file(source, "AAA").read_bytes()
    content = read_bar_facts(cache.file(source, "AAA")).content
    vendor.spans()
    vendor.books["AAA"] = vendor.books["AAA"] * [0.5, 0.5, 0.5, 0.5, 2.0]
    report = fetch(source, ["AAA", "BBB"], day("2024-01-02"), cache=cache, now=END)
    assert vendor.spans() == [("AAA,BBB", "2024-01-25", "2024-02-29"), ("AAA", "2024-01-02", "2024-02-29")]
    assert statuses(report) == {"AAA": "revised", "BBB": "fetched"}
    check_has(cache, source, "AAA", "2024-01-02")
    check_has(cache, source, "BBB", "2024-01-02")
    revision = report.outcomes[0].revision
    assert (revision.rows, revision.different, revision.first) == (21, 21, "2024-01-02")
    assert (revision.price, revision.volume) == (0.5, 0.5)
    assert read_bar_facts(cache.file(source, "AAA")).revisions == (revision,)
    # The bars that were replaced are found by the hash that a Run names.
    kept = cache.folder_of(source) / "superseded" / f"AAA.{content}.parquet"
    assert kept.read_bytes() == before
    assert "revised: AAA: 21 of 21 bars differ, first 2024-01-02, prices by up to 50.00%" in report.as_text()


def test_one_changed_bar_in_the_overlap_is_a_revision(source, vendor, cache):
    fetch(source, ["AAA"], day("2024-01-02"), day("2024-01-31"), cache=cache, now=END)
    vendor.books["AAA"].loc["2024-01-30", "volume"] *= 1.01
    report = fetch(source, ["AAA"], day("2024-01-02"), cache=cache, now=END)
    revision = report.outcomes[0].revision
    assert (revision.different, revision.first, revision.price) == (1, "2024-01-30", 0.0)
    assert revision.volume == pytest.approx(0.01 / 1.01)
    check_has(cache, source, "AAA", "2024-01-02")


@pytest.mark.parametrize("change", ["gone", "new"])
def test_a_bar_that_only_one_side_has_is_a_revision(source, vendor, cache, change):
    whole = vendor.books["AAA"]
    without = whole.drop(pd.Timestamp("2024-01-30"))
    vendor.books["AAA"] = whole if change == "gone" else without
    fetch(source, ["AAA"], day("2024-01-02"), day("2024-01-31"), cache=cache, now=END)
    vendor.books["AAA"] = without if change == "gone" else whole
    report = fetch(source, ["AAA"], day("2024-01-02"), cache=cache, now=END)
    assert (report.outcomes[0].revision.different, report.outcomes[0].revision.first) == (1, "2024-01-30")
    check_has(cache, source, "AAA", "2024-01-02")


def test_rounding_is_no_revision_and_changes_nothing_that_is_stored(source, vendor, cache):
    fetch(source, ["AAA"], day("2024-01-02"), day("2024-01-31"), cache=cache, now=END)
    before = stored(cache, source, "AAA")
    vendor.books["AAA"] = vendor.books["AAA"] * [1 + 4e-7, 1, 1, 1 - 4e-7, 1]
    report = fetch(source, ["AAA"], day("2024-01-02"), cache=cache, now=END, refresh=True)
    assert statuses(report) == {"AAA": "fetched"}
    after = stored(cache, source, "AAA")
    pd.testing.assert_frame_equal(after[: len(before)], before, check_exact=True)
    assert len(after) == 41


def test_a_revision_that_cannot_be_asked_for_leaves_what_is_stored(source, vendor, cache):
    fetch(source, ["AAA"], day("2024-01-02"), day("2024-01-31"), cache=cache, now=END)
    before = stored(cache, source, "AAA")
    vendor.books["AAA"] = vendor.books["AAA"] * 0.5

    class Breaks(FakeSource):
        def download(self, symbols, first, last):
            if first == day("2024-01-02"):
                object.__setattr__(self.vendor, "fails_before", "AAA")
            yield from super().download(symbols, first, last)

    report = fetch(Breaks(vendor=vendor), ["AAA"], day("2024-01-02"), cache=cache, now=END)
    assert statuses(report) == {"AAA": "failed"}
    pd.testing.assert_frame_equal(stored(cache, source, "AAA"), before, check_exact=True)
    vendor.fails_before = None
    report = fetch(source, ["AAA"], day("2024-01-02"), cache=cache, now=END)
    assert statuses(report) == {"AAA": "revised"}
    check_has(cache, source, "AAA", "2024-01-02")


def test_a_vendor_that_has_no_bars_any_more_takes_none_away(source, vendor, cache):
    fetch(source, ["AAA", "BBB"], day("2024-01-02"), day("2024-01-31"), cache=cache, now=END)
    before = {symbol: stored(cache, source, symbol) for symbol in ("AAA", "BBB")}
    vendor.books["AAA"] = vendor.books["AAA"][:0]
    del vendor.books["BBB"]
    report = fetch(source, ["AAA", "BBB"], day("2024-01-02"), cache=cache, now=END)
    assert statuses(report) == {"AAA": "failed", "BBB": "unknown"}
    assert "no bars of it any more" in report.outcomes[0].reason
    for symbol in ("AAA", "BBB"):
        pd.testing.assert_frame_equal(stored(cache, source, symbol), before[symbol], check_exact=True)


def test_a_suspended_symbol_is_compared_on_its_own_last_sessions(source, vendor, cache):
    """With no bars in the last sessions of the exchange, a split in the meantime is found all the same."""
    book = vendor.books["AAA"]
    vendor.books["AAA"] = book[:10]
    fetch(source, ["AAA"], day("2024-01-02"), day("2024-02-16"), cache=cache, now=END)
    vendor.books["AAA"] = pd.concat([book[:10] * 10.0, book[35:]])
    report = fetch(source, ["AAA"], day("2024-01-02"), cache=cache, now=END)
    assert statuses(report) == {"AAA": "revised"}
    check_has(cache, source, "AAA", "2024-01-02")


# --- rows as vendors send them


def test_rows_are_put_in_order_and_judged_by_nobody(source, vendor, cache):
    book = vendor.books["AAA"]
    odd = book.copy()
    odd.iloc[3, :4] = np.nan
    odd.iloc[4, 3] = 0.0
    odd.iloc[5, 0] = -1.0
    doubled = odd.iloc[[6]] * 1.5
    vendor.books["AAA"] = pd.concat([odd.iloc[::-1], odd.iloc[[7]], doubled])
    report = fetch(source, ["AAA"], cache=cache, now=END)
    expected = odd.copy()
    expected.iloc[6] = doubled.iloc[0]
    pd.testing.assert_frame_equal(stored(cache, source, "AAA"), expected, check_exact=True, check_freq=False)
    assert read_bar_facts(cache.file(source, "AAA")).doubles == 1
    assert statuses(report) == {"AAA": "fetched"}


def test_rows_outside_what_was_asked_for_are_left_out(source, vendor, cache):
    class Generous(FakeSource):
        def download(self, symbols, first, last):
            return super().download(symbols, None, day("2024-02-29"))

    fetch(Generous(vendor=vendor), ["AAA"], day("2024-01-08"), day("2024-01-19"), cache=cache, now=END)
    check_has(cache, source, "AAA", "2024-01-08", "2024-01-19")


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda book: book.tz_localize("UTC"), "not labelled by session dates"),
        (lambda book: book.set_axis(book.index + pd.Timedelta("16h")), "times of day"),
        (lambda book: book.drop(columns="volume"), "other columns"),
        (lambda book: book.astype({"close": object}).assign(close="n/a"), "other columns"),
        (lambda book: book.reset_index(drop=True), "not labelled"),
    ],
)
def test_rows_that_no_source_may_give_fail_their_symbol_alone(vendor, cache, change, reason):
    class Wrong(FakeSource):
        def download(self, symbols, first, last):
            for download in super().download(symbols, first, last):
                yield Download(download.symbol, change(download.bars)) if download.symbol == "AAA" else download

    report = fetch(Wrong(vendor=vendor), ["AAA", "BBB"], cache=cache, now=END)
    assert statuses(report) == {"AAA": "failed", "BBB": "fetched"}
    assert reason in report.outcomes[0].reason


# --- what cannot be had


def test_an_unknown_symbol_among_many_is_named_and_the_others_arrive(source, vendor, cache):
    vendor.books |= {f"S{n}": book_on(SESSIONS, n) for n in range(50)}
    vendor.silent = {"S7"}
    symbols = [*(f"S{n}" for n in range(25)), "TYPO", *(f"S{n}" for n in range(25, 50))]
    report = fetch(source, symbols, cache=cache, now=END)
    assert [(each.symbol, each.status, each.reason) for each in report.missing] == [
        ("S7", "failed", "the vendor's answer leaves it out"),
        ("TYPO", "unknown", "no such symbol"),
    ]
    assert cache.symbols(source) == sorted(set(symbols) - {"S7", "TYPO"})
    assert "unknown: TYPO (no such symbol)" in report.as_text()


def test_a_loss_of_the_network_keeps_what_arrived_and_a_later_run_goes_on(source, vendor, cache):
    vendor.fails_before = "BBB"
    report = fetch(source, ["AAA", "BBB", "CCC"], cache=cache, now=END)
    assert statuses(report) == {"AAA": "fetched", "BBB": "failed", "CCC": "failed"}
    assert {each.reason for each in report.missing} == {"fake cannot be reached: connection refused"}
    assert len(vendor.spans()) == 1
    check_has(cache, source, "AAA")
    vendor.fails_before = None
    report = fetch(source, ["AAA", "BBB", "CCC"], cache=cache, now=END)
    assert vendor.spans() == [("BBB,CCC", "None", "2024-02-29")]
    assert statuses(report) == {"AAA": "current", "BBB": "fetched", "CCC": "fetched"}


def test_a_symbol_without_bars_in_the_span_is_not_asked_for_again(source, vendor, cache):
    vendor.books["NEW"] = book_on(SESSIONS[30:])
    report = fetch(source, ["NEW"], None, day("2024-01-31"), cache=cache, now=END)
    assert statuses(report) == {"NEW": "empty"}
    vendor.spans()
    assert statuses(fetch(source, ["NEW"], None, day("2024-01-31"), cache=cache, now=END)) == {"NEW": "empty"}
    assert vendor.spans() == []
    fetch(source, ["NEW"], cache=cache, now=END)
    check_has(cache, source, "NEW")


def test_an_interruption_stops_at_once_and_keeps_what_arrived(vendor, cache):
    class Interrupted(FakeSource):
        def download(self, symbols, first, last):
            yield Download("AAA", self.vendor.books["AAA"])
            raise KeyboardInterrupt

    source = Interrupted(vendor=vendor)
    with pytest.raises(KeyboardInterrupt):
        fetch(source, ["AAA", "BBB"], cache=cache, now=END)
    assert cache.symbols(source) == ["AAA"]
    check_has(cache, source, "AAA")


def test_a_vendor_whose_answers_never_agree_is_not_asked_for_ever(vendor, cache):
    class Fickle(FakeSource):
        def download(self, symbols, first, last):
            self.vendor.books["AAA"] = self.vendor.books["AAA"] * 1.1
            yield from super().download(symbols, first, last)

    source = Fickle(vendor=vendor)
    fetch(source, ["AAA"], day("2024-01-16"), day("2024-01-31"), cache=cache, now=END)
    vendor.spans()
    report = fetch(source, ["AAA"], day("2024-01-02"), day("2024-02-29"), cache=cache, now=END)
    assert statuses(report) == {"AAA": "revised"}
    assert len(vendor.spans()) == 2
    check_has(cache, source, "AAA")


def test_what_a_network_library_raises_stops_asking_and_is_told(vendor, cache):
    class Raw(FakeSource):
        def download(self, symbols, first, last):
            yield Download("AAA", self.vendor.books["AAA"])
            raise ConnectionResetError("connection reset by peer")

    report = fetch(Raw(vendor=vendor), ["AAA", "BBB"], cache=cache, now=END)
    assert statuses(report) == {"AAA": "fetched", "BBB": "failed"}
    assert report.missing[0].reason == "ConnectionResetError: connection reset by peer"


def test_a_disk_that_is_full_stops_asking(source, vendor, cache, monkeypatch):
    def full(file, content):
        if file.name == "BBB.parquet":
            raise OSError(errno.ENOSPC, "No space left on device")
        write_whole(file, content)

    monkeypatch.setattr("quantstrats.market.cache.checked.write_whole", full)
    with pytest.raises(DataError, match="cannot be written: No space left on device; what arrived before is kept"):
        fetch(source, ["AAA", "BBB", "CCC"], cache=cache, now=END)
    assert cache.symbols(source) == ["AAA"]


def test_a_cache_that_cannot_be_written_is_an_error(source, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(DataError, match="cannot be written: Not a directory"):
        fetch(source, ["AAA"], cache=BarCache(tmp_path / "file"), now=END)


# --- damage


def test_a_damaged_file_is_put_aside_and_fetched_again(source, vendor, cache):
    fetch(source, ["AAA", "BBB"], cache=cache, now=END)
    vendor.spans()
    file = cache.file(source, "AAA")
    content = spoil(file)
    report = fetch(source, ["AAA", "BBB"], cache=cache, now=END)
    assert vendor.spans() == [("AAA", "None", "2024-02-29")]
    assert statuses(report) == {"AAA": "fetched", "BBB": "current"}
    assert [str(file) in note and "damaged" in note for note in report.notes] == [True]
    aside = list((file.parent / "damaged").glob("AAA.*.parquet"))
    assert [each.read_bytes() for each in aside] == [content]
    check_has(cache, source, "AAA")


def test_a_damaged_file_that_cannot_be_moved_fails_its_symbol_alone(source, vendor, cache, monkeypatch):
    fetch(source, ["AAA", "BBB"], cache=cache, now=END)
    spoil(cache.file(source, "AAA"))

    def refuse(file, why):
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr("quantstrats.market.cache.update.quarantine", refuse)
    report = fetch(source, ["AAA", "BBB"], cache=cache, now=END)
    assert statuses(report) == {"AAA": "failed", "BBB": "current"}
    assert re.search(r"AAA\.parquet is damaged: .*, and it cannot be moved away: Permission", report.missing[0].reason)


def test_damage_beyond_the_span_is_found_before_anything_is_joined_to_it(source, vendor, cache, monkeypatch):
    monkeypatch.setattr("quantstrats.market.cache.checked.GROUP_ROWS", 8)
    fetch(source, ["AAA"], None, day("2024-02-16"), cache=cache, now=END)
    file = cache.file(source, "AAA")
    content = bytearray(file.read_bytes())
    content[40] ^= 1  # in the first rows
    file.write_bytes(content)
    report = fetch(source, ["AAA"], day("2024-02-20"), cache=cache, now=END)
    assert statuses(report) == {"AAA": "fetched"}
    assert len(report.notes) == 1
    check_has(cache, source, "AAA", "2024-02-12")


def test_a_file_of_another_symbol_is_never_used_nor_replaced(source, vendor, cache):
    """As on a disk that does not tell BRK from brk."""
    fetch(source, ["AAA"], cache=cache, now=END)
    cache.file(source, "aaa").write_bytes(cache.file(source, "AAA").read_bytes())
    vendor.books["aaa"] = vendor.books["BBB"]
    report = fetch(source, ["aaa", "BBB"], cache=cache, now=END)
    assert statuses(report) == {"aaa": "failed", "BBB": "fetched"}
    assert "holds the bars of 'AAA', not of 'aaa'" in report.outcomes[0].reason


# --- offline


def test_offline_asks_nobody(source, vendor, cache):
    fetch(source, ["AAA", "BBB"], cache=cache, now=END)
    vendor.spans()
    with only_cached(True):
        report = fetch(source, ["AAA", "BBB"], day("2024-01-10"), day("2024-02-01"), cache=cache, now=END)
    assert statuses(report) == {"AAA": "current", "BBB": "current"}
    assert vendor.spans() == []


def test_offline_names_what_lacks(source, vendor, cache):
    fetch(source, ["AAA"], day("2024-01-08"), day("2024-01-31"), cache=cache, now=END)
    fetch(source, ["BBB"], cache=cache, now=END)
    with only_cached(True), pytest.raises(DataError) as caught:
        fetch(source, ["AAA", "BBB", "CCC"], day("2024-01-03"), day("2024-02-06"), cache=cache, now=END)
    assert str(caught.value) == (
        "offline: the cache lacks bars of 2 of 3 symbols of fake (1d-raw): "
        "AAA (2024-01-03 to 2024-01-07 and 2024-02-01 to 2024-02-06), CCC (2024-01-03 to 2024-02-06); "
        "run once without --offline, or ask for dates that it has"
    )


def test_offline_a_span_without_bounds_is_as_far_as_the_cache_goes(source, vendor, cache):
    fetch(source, ["AAA"], day("2024-01-08"), day("2024-01-31"), cache=cache, now=END)
    with only_cached(True):
        report = fetch(source, ["AAA"], cache=cache, now=END)
    assert (report.span.first, report.span.last) == (day("2024-01-08"), day("2024-01-31"))


def test_offline_dates_beyond_what_is_there_are_named(source, vendor, cache):
    fetch(source, ["AAA"], day("2024-01-08"), day("2024-01-31"), cache=cache, now=END)
    with only_cached(True):
        with pytest.raises(DataError, match=r"AAA \(2024-02-01 to 2024-02-29\); run once without --offline, or ask"):
            fetch(source, ["AAA"], day("2024-02-05"), cache=cache, now=END)
        with pytest.raises(DataError, match=r"AAA \(the first bar to 2024-01-07\); run once without"):
            fetch(source, ["AAA"], None, day("2024-01-05"), cache=cache, now=END)


@pytest.mark.parametrize("place", ["rows", "end"])
def test_offline_a_damaged_file_stays_and_is_named_and_online_it_is_fetched_again(source, vendor, cache, place):
    fetch(source, ["AAA", "BBB"], cache=cache, now=END)
    file = cache.file(source, "AAA")
    spoilt = spoil(file, place)
    vendor.spans()
    why = {"rows": "its rows are not as they were written", "end": "its end is not as it was written"}[place]
    with only_cached(True), pytest.raises(DataError) as caught:
        fetch(source, ["AAA", "BBB"], cache=cache, now=END)
    assert str(caught.value) == (
        "offline: the cache lacks bars of 1 of 2 symbols of fake (1d-raw): "
        f"AAA ({file} is damaged: {why}); run once without --offline"
    )
    assert file.read_bytes() == spoilt
    assert sorted(path.name for path in file.parent.iterdir()) == ["AAA.parquet", "BBB.parquet"]
    report = fetch(source, ["AAA", "BBB"], cache=cache, now=END)
    (aside,) = (file.parent / "damaged").glob("*.parquet")
    assert aside.read_bytes() == spoilt
    assert report.notes == (f"{file} is damaged: {why}; it was moved to {aside}",)
    assert report.damaged == ("AAA",)
    assert statuses(report) == {"AAA": "fetched", "BBB": "current"}
    check_has(cache, source, "AAA")


# --- others at the same time


def test_progress_counts_symbols(vendor, cache):
    seen = []

    class Watched(FakeSource):
        def download(self, symbols, first, last):
            for download in super().download(symbols, first, last):
                seen.append([(stage.total, stage.done) for stage in running()][-1])
                yield download

    fetch(Watched(vendor=vendor), ["AAA", "TYPO", "BBB"], cache=cache, now=END)
    assert seen == [(3, 0), (3, 1), (3, 2)]


def test_two_at_once_leave_the_bars_of_one(source, vendor, cache):
    """Threads that ask two vendors who disagree, in step: whatever is stored is whole, and of one of them."""
    other = Vendor({symbol: book * 2.0 for symbol, book in vendor.books.items()})
    sources = [source, FakeSource(vendor=other)]
    for last in ("2024-01-12", "2024-01-26", "2024-02-09", "2024-02-29"):
        barrier = threading.Barrier(2)

        def work(asked, last=last, barrier=barrier):
            barrier.wait()
            fetch(asked, ["AAA", "BBB", "CCC"], day("2024-01-02"), day(last), cache=cache, now=END)

        threads = [threading.Thread(target=work, args=[each]) for each in sources]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        for symbol in ("AAA", "BBB", "CCC"):
            bars = stored(cache, source, symbol)
            one, two = (within(each.books[symbol], "2024-01-02", last) for each in (vendor, other))
            assert bars.equals(one) or bars.equals(two)


def test_what_two_add_to_one_file_at_once_is_both_there(source, vendor, cache, monkeypatch):
    """One has read the file and is about to replace it when the other comes: it waits for its turn."""
    fetch(source, ["AAA"], day("2024-01-16"), day("2024-01-31"), cache=cache, now=END)
    reading = threading.Event()

    def read_slowly(*args):
        read = read_bars(*args)
        if not reading.is_set():
            reading.set()
            other.join(timeout=0.5)  # time enough to write, if it may
        return read

    monkeypatch.setattr("quantstrats.market.cache.update.read_bars", read_slowly)

    def add_what_precedes():
        reading.wait()
        fetch(source, ["AAA"], day("2024-01-02"), day("2024-01-31"), cache=cache, now=END)

    other = threading.Thread(target=add_what_precedes)
    other.start()
    fetch(source, ["AAA"], day("2024-01-16"), day("2024-02-29"), cache=cache, now=END)
    other.join()
    check_has(cache, source, "AAA", "2024-01-02", "2024-02-29")


def test_two_processes_at_once_leave_the_bars_of_one(source, vendor, cache, tmp_path):
    script = Path(__file__).with_name("fetch_in_a_process.py")
    commands = [[sys.executable, script, cache.folder, str(factor)] for factor in (1.0, 2.0)]
    started = [subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) for command in commands]
    for process in started:
        assert process.stdout.readline() == b"ready\n"
    for process in started:
        process.stdin.write(b"go\n")
        process.stdin.flush()
    for process in started:
        process.communicate(timeout=120)
        assert process.returncode == 0
    for symbol in ("AAA", "BBB", "CCC"):
        bars = stored(cache, source, symbol)
        assert any(bars.equals(vendor.books[symbol] * factor) for factor in (1.0, 2.0))


def killed(folder, kills, least, seed):
    """Run a campaign of kills as a process; it ends with an exception if anything is lost or wrong."""
    numbers = {"--kills": kills, "--least": least, "--seed": seed}
    options = [str(text) for option in numbers.items() for text in option]
    command = [sys.executable, HARM / "kill_while_fetching.py", folder, *options]
    return subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)


def test_killed_fetches_leave_the_vendors_bars_or_none(tmp_path):
    done = killed(tmp_path / "cache", kills=12, least=2, seed=7)
    assert (done.returncode, done.stderr) == (0, "")
    found = json.loads(done.stdout)
    assert found["kills"] == 12
    assert found["landed"]["anywhere mid-write"] >= 2
    assert found["whole"]["files"] >= 12


@pytest.mark.slow
def test_fifty_kills_in_the_midst_of_writing_lose_nothing(tmp_path):
    done = killed(tmp_path / "cache", kills=180, least=50, seed=11)
    assert (done.returncode, done.stderr) == (0, "")
    found = json.loads(done.stdout)
    assert found["kills"] == 180
    assert found["landed"]["anywhere mid-write"] >= 50
    # Bars that were written, and bars that were kept aside, were there after most kills, and all of them whole.
    assert found["whole"]["files"] >= 120
    assert found["whole"]["files kept aside"] >= 50


def test_a_campaign_of_kills_that_shows_too_little_fails_with_a_line(tmp_path):
    done = killed(tmp_path / "cache", kills=1, least=50, seed=7)
    assert done.returncode == 1
    assert re.fullmatch(r"only \d of 1 kills landed mid-write, not 50; give more --kills\n", done.stderr)


# --- whatever the spans


@given(
    asked=st.lists(
        st.tuples(st.sampled_from([None, *range(0, 60, 3)]), st.integers(0, 59), st.integers(0, 59), st.booleans()),
        min_size=1,
        max_size=7,
    ),
    gaps=st.sets(st.integers(0, 39), max_size=15),
)
def test_whatever_spans_are_asked_for_the_cache_has_the_vendors_bars_on_what_it_covers(tmp_path_factory, asked, gaps):
    """A vendor with gaps, and with rows on days that are no sessions; days are counted from New Year's Eve."""
    days = pd.date_range("2023-12-30", periods=60, freq="D").as_unit("ns")
    book = book_on(SESSIONS.union(days[[0, 1, 14, 28]]).delete(sorted(gaps)))
    source = FakeSource(vendor=Vendor({"AAA": book}))
    cache = BarCache(tmp_path_factory.mktemp("cache"))
    wanted = []
    for first, one, other, refresh in asked:
        start = None if first is None else days[min(first, one, other)].date()
        end = days[max(one, other)].date()
        if start is not None and not ((pd.Timestamp(start) <= SESSIONS) & (pd.Timestamp(end) >= SESSIONS)).any():
            with pytest.raises(DataError, match="no session"):
                fetch(source, ["AAA"], start, end, cache=cache, now=END)
            continue
        report = fetch(source, ["AAA"], start, end, cache=cache, now=END, refresh=refresh)
        assert statuses(report)["AAA"] in ("fetched", "current", "empty")
        wanted.append(report.span)
        facts = read_bar_facts(cache.file(source, "AAA"))
        assert (facts.first, facts.last) == (
            None if any(span.first is None for span in wanted) else min(span.first for span in wanted),
            max(span.last for span in wanted),
        )
        check_has(cache, source, "AAA", facts.first, facts.last)
    for span in wanted:
        source.vendor.spans()
        fetch(source, ["AAA"], span.first, span.last, cache=cache, now=END)
        assert source.vendor.spans() == []

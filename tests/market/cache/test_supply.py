import json
import re
from datetime import date

import numpy as np
import pandas as pd
import pytest
from fake_vendor import SESSIONS, FakeSource, book_on, three_symbols

from quantstrats.errors import DataError
from quantstrats.market.cache.barfile import read_bar_facts
from quantstrats.market.cache.cache import BarCache
from quantstrats.market.cache.offline import only_cached
from quantstrats.market.cache.supply import supply_of
from quantstrats.market.cache.update import fetch

LAST = date(2024, 2, 29)


def frames(supply):
    """The rows of each symbol."""
    found = {}
    for rows in supply.batches():
        (symbol,) = rows.symbols
        found[symbol] = pd.DataFrame(rows.values, index=rows.labels[rows.row])
    return found


def test_rows_come_symbol_by_symbol_out_of_the_cache(source, vendor):
    supply = supply_of(source, ["BBB", "AAA"], date(2024, 1, 8), LAST)
    assert (supply.where, supply.calendar.name, supply.bar) == ("fake", "XNYS", None)
    assert supply.symbols == ("BBB", "AAA")
    assert (supply.first, supply.last) == (pd.Timestamp("2024-01-08"), pd.Timestamp("2024-02-29"))
    found = frames(supply)
    assert list(found) == ["BBB", "AAA"]
    for symbol, bars in found.items():
        pd.testing.assert_frame_equal(bars, vendor.books[symbol]["2024-01-08":], check_exact=True, check_freq=False)
    assert len(vendor.spans()) == 1


def test_a_load_gives_the_vendors_bars(source, vendor):
    market = source.load(["AAA", "CCC"], date(2024, 1, 8), LAST)
    assert list(market.symbols) == ["AAA", "CCC"]
    np.testing.assert_array_equal(market.close["CCC"], vendor.books["CCC"]["2024-01-08":]["close"])


def test_a_span_is_read_out_of_a_longer_file(source, vendor):
    fetch(source, ["AAA"], None, LAST)
    supply = supply_of(source, ["AAA"], date(2024, 1, 8), date(2024, 1, 12))
    assert list(frames(supply)["AAA"].index.day) == [8, 9, 10, 11, 12]
    assert (supply.first, supply.last) == (pd.Timestamp("2024-01-08"), pd.Timestamp("2024-01-12"))


def test_intraday_rows_of_a_span_are_all_there(vendor):
    source = FakeSource(vendor=vendor, interval="30m")
    days = [pd.date_range(f"2024-01-{n:02}T14:30Z", periods=13, freq="30min") for n in (8, 9, 10, 11)]
    vendor.books["AAA"] = book_on(days[0].append(days[1:]).as_unit("ns"))
    market = source.load(["AAA"], date(2024, 1, 9), date(2024, 1, 10))
    np.testing.assert_array_equal(market.close["AAA"], vendor.books["AAA"]["close"].iloc[13:39])


def test_the_record_names_the_bars_by_their_hash(source):
    supply = supply_of(source, ["AAA", "BBB"], None, LAST)
    expected = {symbol: read_bar_facts(BarCache().file(source, symbol)).content for symbol in ("AAA", "BBB")}
    assert supply.record["cache"] == expected
    assert supply.stamps == ()


def test_bars_that_change_between_the_record_and_the_reading_are_refused(source, vendor):
    supply = supply_of(source, ["AAA"], None, LAST)
    vendor.books["AAA"] = vendor.books["AAA"] * 2.0
    fetch(source, ["AAA"], None, LAST, refresh=True)
    with pytest.raises(DataError, match="another process changed the bars of AAA; run it again"):
        list(supply.batches())


def test_a_symbol_that_the_vendor_does_not_have_is_refused(source):
    with pytest.raises(DataError) as caught:
        supply_of(source, ["AAA", "TYPO", "BBB"], None, LAST)
    assert str(caught.value) == (
        "source 'fake': 1 of 3 symbols cannot be had: TYPO (no such symbol); the other 2 are kept in the cache; "
        "mend the names or the dates, or set data.missing: skip"
    )
    assert BarCache().symbols(source) == ["AAA", "BBB"]


def test_a_symbol_that_the_vendor_does_not_have_is_skipped_and_stamped(vendor):
    source = FakeSource(vendor=vendor, missing="skip")
    vendor.books["NEW"] = book_on(SESSIONS[30:])
    supply = supply_of(source, ["AAA", "TYPO", "NEW"], None, date(2024, 1, 31))
    assert supply.symbols == ("AAA",)
    assert supply.stamps == ("fake has no bars of TYPO, NEW",)
    assert supply.record["missing"] == {"TYPO": "no such symbol", "NEW": "no bars from the first bar to 2024-01-31"}
    with only_cached(True):
        again = supply_of(source, ["AAA", "TYPO", "NEW"], None, date(2024, 1, 31))
    assert (again.symbols, again.stamps) == (supply.symbols, supply.stamps)


def test_nothing_left_is_an_error_even_where_symbols_are_skipped(vendor):
    with pytest.raises(DataError, match=r"1 of 1 symbol cannot be had: TYPO \(no such symbol\); mend"):
        supply_of(FakeSource(vendor=vendor, missing="skip"), ["TYPO"], None, LAST)


def test_a_loss_of_the_network_is_never_skipped(vendor):
    vendor.fails_before = "BBB"
    with pytest.raises(DataError) as caught:
        supply_of(FakeSource(vendor=vendor, missing="skip"), ["AAA", "BBB", "CCC"], None, LAST)
    assert str(caught.value) == (
        "source 'fake': bars of 2 of 3 symbols lack: BBB, CCC (fake cannot be reached: connection refused); "
        "what arrived is kept in the cache; run it again to go on"
    )


def test_without_symbols_all_that_the_cache_has_is_loaded(source):
    with pytest.raises(
        DataError, match="the cache has no bars of 1d-raw; name symbols, or run 'quantstrats data fetch'"
    ):
        supply_of(source, None, None, LAST)
    fetch(source, ["CCC", "AAA"], None, LAST)
    assert supply_of(source, None, None, LAST).symbols == ("AAA", "CCC")


def test_a_symbol_named_twice_is_refused(source):
    with pytest.raises(DataError, match="named twice"):
        supply_of(source, ["AAA", "AAA"], None, LAST)


def cut_short(source, symbol):
    file = BarCache().file(source, symbol)
    file.write_bytes(file.read_bytes()[:-100])
    return file


def test_damage_is_mended_stamped_and_recorded(source, vendor):
    fetch(source, ["AAA", "BBB"], None, LAST)
    file = cut_short(source, "AAA")
    supply = supply_of(source, ["AAA", "BBB"], None, LAST)
    assert supply.stamps == ("what was kept of fake's bars of AAA was damaged, and was fetched again",)
    (note,) = supply.record["notes"]
    assert re.fullmatch(rf"{re.escape(str(file))} is damaged: .*; it was moved to .*/damaged/AAA\..*\.parquet", note)
    json.dumps(supply.record)
    pd.testing.assert_frame_equal(frames(supply)["AAA"], vendor.books["AAA"], check_exact=True, check_freq=False)
    again = supply_of(source, ["AAA", "BBB"], None, LAST)
    assert (again.stamps, "notes" in again.record) == ((), False)


def test_damage_is_told_where_the_bars_cannot_be_fetched_again(source, vendor):
    fetch(source, ["AAA"], None, LAST)
    file = cut_short(source, "AAA")
    vendor.fails_before = "AAA"
    with pytest.raises(DataError) as caught:
        supply_of(source, ["AAA"], None, LAST)
    assert f"run it again to go on; {file} is damaged: " in str(caught.value)
    vendor.fails_before = None
    fetch(source, ["AAA"], None, LAST)
    cut_short(source, "AAA")
    del vendor.books["AAA"]
    with pytest.raises(DataError, match=r"mend the names or the dates; .*AAA\.parquet is damaged: "):
        supply_of(source, ["AAA"], None, LAST)


def test_a_revision_is_stamped_and_recorded(source, vendor):
    fetch(source, ["AAA"], None, date(2024, 1, 31))
    vendor.books["AAA"] = vendor.books["AAA"] * [2.0, 2.0, 2.0, 2.0, 0.5]
    market = source.load(["AAA"], None, LAST)
    told = (
        "fake revised bars that were stored, which were replaced: "
        "AAA: 21 of 21 bars differ, first 2024-01-02, prices by up to 50.00%, volumes by up to 50.00%"
    )
    assert market.stamps == (told,)
    assert market.record["notes"] == [told]


def test_bars_that_were_sent_twice_with_different_values_are_stamped(source, vendor):
    for symbol, rows in (("AAA", [3, 7]), ("BBB", [5])):
        vendor.books[symbol] = pd.concat([vendor.books[symbol], vendor.books[symbol].iloc[rows] * 1.5])
    vendor.books["CCC"] = pd.concat([vendor.books["CCC"], vendor.books["CCC"].iloc[[9]]])  # the same values
    for _ in range(2):
        supply = supply_of(source, ["AAA", "BBB", "CCC"], None, LAST)
        assert supply.stamps == ("fake sent 2 times twice with different values for AAA, 1 for BBB; the last counts",)
        assert supply.record["doubles"] == {"AAA": 2, "BBB": 1}


def test_offline_the_bars_are_the_same(vendor):
    source = FakeSource(vendor=vendor)
    online = supply_of(source, ["AAA", "BBB"], None, LAST)
    with only_cached(True):
        offline = supply_of(FakeSource(vendor=three_symbols(9.0)), ["AAA", "BBB"], None, None)
    assert offline.record == online.record
    assert len(vendor.spans()) == 1

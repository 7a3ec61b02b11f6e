"""Which symbols lag behind the exchange."""

from __future__ import annotations

import pandas as pd
import pytest

from quantstrats.errors import DataError
from quantstrats.market.calendar import Calendar
from quantstrats.market.quality.freshness import stale_symbols

NEW_YORK = Calendar("XNYS")


def stale(last_bars, now, calendar=NEW_YORK):
    labels = {symbol: None if label is None else pd.Timestamp(label) for symbol, label in last_bars.items()}
    table = stale_symbols(labels, calendar, pd.Timestamp(now))
    return list(table.itertuples(index=False, name=None))


def test_a_session_counts_once_it_is_over():
    # Thursday 2015-01-15; New York closes at 21:00 UTC.
    last_bars = {"A": "2015-01-15", "B": "2015-01-14", "C": "2015-01-09"}
    friday, monday = pd.Timestamp("2015-01-15"), pd.Timestamp("2015-01-14")
    assert stale(last_bars, "2015-01-15 20:59Z") == [("C", pd.Timestamp("2015-01-09"), monday, 3)]
    assert stale(last_bars, "2015-01-15 21:00Z") == [
        ("B", pd.Timestamp("2015-01-14"), friday, 1), ("C", pd.Timestamp("2015-01-09"), friday, 4),
    ]  # fmt: skip


def test_weekends_holidays_and_early_closes_are_the_exchanges():
    # Monday 2015-01-19 is a holiday; on 2014-12-24 the close was at 18:00 UTC.
    assert stale({"A": "2015-01-16"}, "2015-01-19 23:00Z") == []
    assert stale({"A": "2015-01-16"}, "2015-01-20 22:00Z")[0][3] == 1
    assert stale({"A": "2014-12-23"}, "2014-12-24 18:00Z")[0][3] == 1


def test_instants_belong_to_the_session_of_the_exchanges_own_day():
    assert stale({"A": "2015-01-15 20:59Z"}, "2015-01-15 21:00Z") == []
    tokyo = Calendar("XTKS")
    assert stale({"A": "2015-01-15 00:00Z"}, "2015-01-15 06:00Z", tokyo) == []  # 15 January, 9 in the morning
    assert stale({"A": "2015-01-14 05:59Z"}, "2015-01-15 06:00Z", tokyo)[0][3] == 1


def test_a_symbol_without_a_bar_is_stale_by_nobody_knows_how_much():
    [(symbol, last, expected, sessions)] = stale({"A": None}, "2015-01-15 21:00Z")
    assert (symbol, expected) == ("A", pd.Timestamp("2015-01-15"))
    assert last is pd.NaT
    assert sessions is pd.NA


def test_now_needs_a_time_zone():
    with pytest.raises(DataError, match="has no time zone; give an instant"):
        stale({"A": "2015-01-15"}, "2015-01-15 21:00")

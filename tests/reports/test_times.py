"""Labels as charts show them: dates of sessions, and the exchange's clock."""

from __future__ import annotations

import pandas as pd
import pytest

from quantstrats.reports.times import clock_name, clock_texts, times_of


def test_dates_of_sessions_stay(make_run):
    run = make_run([1000.0] * 3)
    assert times_of(run, run.equity.index).tolist() == run.equity.index.tolist()


@pytest.mark.parametrize(
    ("calendar", "utc", "shown"),
    [
        ("XNYS", "2015-01-05 14:30", "2015-01-05 09:30"),  # New York in winter, UTC - 5
        ("XNYS", "2015-07-06 13:30", "2015-07-06 09:30"),  # and in summer, UTC - 4
        ("XASX", "2015-01-05 23:10", "2015-01-06 10:10"),  # Sydney in its summer, UTC + 11: the next day
        ("24/7", "2015-01-05 14:30", "2015-01-05 14:30"),
    ],
)
def test_instants_are_shown_by_the_exchanges_clock(make_run, calendar, utc, shown):
    run = make_run([1000.0], index=pd.DatetimeIndex([utc], tz="UTC"), calendar=calendar)
    assert times_of(run, run.equity.index).tolist() == [pd.Timestamp(shown)]


def test_texts_have_one_form(make_run):
    daily = make_run([1000.0] * 2)
    assert clock_texts(daily, daily.equity.index) == ["2015-01-02", "2015-01-05"]
    assert clock_name(daily) == ""
    index = pd.DatetimeIndex(["2025-09-28 00:00", "2025-09-28 14:00"], tz="UTC")
    hourly = make_run([1000.0] * 2, index=index, calendar="24/7")
    assert clock_texts(hourly, index) == ["2025-09-28 00:00", "2025-09-28 14:00"]
    assert clock_name(hourly) == "UTC"
    assert clock_texts(hourly, index[:0]) == []


def test_the_clock_is_that_of_the_exchange(make_run):
    index = pd.DatetimeIndex(["2015-01-05 14:30"], tz="UTC")
    assert clock_name(make_run([1000.0], index=index)) == "America/New_York"


def test_no_labels_are_no_times(make_run):
    assert len(times_of(make_run([1000.0]), pd.DatetimeIndex([], tz="UTC"))) == 0
    assert len(times_of(make_run([1000.0]), pd.Index([]))) == 0

"""Labels as charts show them: dates of sessions, and the exchange's clock."""

from __future__ import annotations

import pandas as pd
import pytest

from quantstrats.reports.times import times_of


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


def test_no_labels_are_no_times(make_run):
    assert len(times_of(make_run([1000.0]), pd.DatetimeIndex([], tz="UTC"))) == 0
    assert len(times_of(make_run([1000.0]), pd.Index([]))) == 0

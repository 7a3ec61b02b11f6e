"""Sessions, bars and periods of exchanges, against instants written out by hand."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from quantstrats.errors import DataError
from quantstrats.market.calendar import PERIODS, Calendar

NEW_YORK = Calendar("XNYS")
DECADE = NEW_YORK.sessions(pd.Timestamp("2005-01-01"), pd.Timestamp("2014-12-31"))


def day(text):
    return pd.Timestamp(text)


def instant(text, zone="America/New_York"):
    return pd.Timestamp(text, tz=zone)


@pytest.mark.parametrize(
    ("session", "close"),
    [
        ("2015-01-05", "2015-01-05 21:00"),
        ("2015-07-06", "2015-07-06 20:00"),
        ("2015-03-06", "2015-03-06 21:00"),
        ("2015-03-09", "2015-03-09 20:00"),
        ("2015-10-30", "2015-10-30 20:00"),
        ("2015-11-02", "2015-11-02 21:00"),
        ("2014-11-28", "2014-11-28 18:00"),
        ("2013-07-03", "2013-07-03 17:00"),
    ],
    ids=["winter", "summer", "before spring DST", "after spring DST", "before autumn DST", "after", "half", "half DST"],
)
def test_a_daily_bar_is_complete_at_the_sessions_close_in_utc(session, close):
    grid = NEW_YORK.grid(day(session), day(session), None)
    assert grid.index.tolist() == [day(session)]
    assert grid.decided_at.tolist() == [instant(close, "UTC")]


def test_sessions_leave_out_weekends_and_holidays():
    found = NEW_YORK.sessions(day("2015-01-15"), day("2015-01-21"))
    assert found.tolist() == [day("2015-01-15"), day("2015-01-16"), day("2015-01-20"), day("2015-01-21")]
    assert found.freq is None


def test_sessions_of_a_weekend_are_none():
    grid = NEW_YORK.grid(day("2015-01-03"), day("2015-01-04"), None)
    assert len(grid.index) == len(grid.decided_at) == len(grid.session) == 0


def test_bars_of_a_half_day_end_at_its_early_close():
    grid = NEW_YORK.grid(instant("2014-11-28 09:30"), instant("2014-11-28 16:00"), pd.Timedelta("1h"))
    local = grid.index.tz_convert("America/New_York")
    assert local.strftime("%H:%M").tolist() == ["09:30", "10:30", "11:30", "12:30"]
    assert grid.decided_at[-2:].tolist() == [instant("2014-11-28 12:30"), instant("2014-11-28 13:00")]
    assert set(grid.session) == {day("2014-11-28")}


def test_bars_are_cut_to_the_labels_asked_for():
    grid = NEW_YORK.grid(instant("2015-01-16 15:58"), instant("2015-01-20 09:31"), pd.Timedelta("1min"))
    local = grid.index.tz_convert("America/New_York").strftime("%d %H:%M").tolist()
    assert local == ["16 15:58", "16 15:59", "20 09:30", "20 09:31"]
    assert grid.session.tolist() == [day("2015-01-16")] * 2 + [day("2015-01-20")] * 2


def test_a_market_that_never_closes_has_bars_all_day_and_every_day():
    grid = Calendar("24/7").grid(instant("2025-01-03", "UTC"), instant("2025-01-05 20:00", "UTC"), pd.Timedelta("4h"))
    assert len(grid.index) == 18
    assert (grid.decided_at - grid.index == pd.Timedelta("4h")).all()
    assert grid.session.unique().tolist() == [day("2025-01-03"), day("2025-01-04"), day("2025-01-05")]


def test_daily_bars_of_a_market_that_never_closes_are_complete_at_midnight():
    grid = Calendar("24/7").grid(day("2025-01-04"), day("2025-01-05"), None)
    assert grid.decided_at.tolist() == [instant("2025-01-05", "UTC"), instant("2025-01-06", "UTC")]


def test_no_bar_lies_within_a_lunch_break():
    grid = Calendar("XHKG").grid(
        instant("2015-01-05 09:30", "Asia/Hong_Kong"),
        instant("2015-01-05 16:00", "Asia/Hong_Kong"),
        pd.Timedelta("30min"),
    )
    local = grid.index.tz_convert("Asia/Hong_Kong").strftime("%H:%M").tolist()
    assert local == [
        "09:30",
        "10:00",
        "10:30",
        "11:00",
        "11:30",
        *(f"{h}:{m}" for h in (13, 14, 15) for m in ("00", "30")),
    ]


def test_a_session_may_open_the_evening_before_its_date():
    grid = Calendar("CMES").grid(
        instant("2015-01-04 17:00", "America/Chicago"),
        instant("2015-01-04 20:00", "America/Chicago"),
        pd.Timedelta("1h"),
    )
    assert len(grid.index) == 4
    assert set(grid.session) == {day("2015-01-05")}


@pytest.mark.parametrize(
    ("calendar", "bar", "bars"),
    [
        ("XNYS", None, 252),
        ("XNYS", "1min", 252 * 390),
        ("XNYS", "1h", 252 * 7),
        ("24/7", None, 365),
        ("24/7", "4h", 365 * 6),
        ("XTKS", "30min", 252 * 10),
    ],
)
def test_bars_per_year(calendar, bar, bars):
    assert Calendar(calendar).bars_per_year(None if bar is None else pd.Timedelta(bar)) == bars


@pytest.mark.parametrize(
    ("period", "starts"),
    [
        ("week", ["2014-12-29", "2015-01-05", "2015-01-12", "2015-01-20"]),
        ("month", ["2015-01-02"]),
        ("quarter", ["2015-01-02"]),
        ("year", ["2015-01-02"]),
    ],
)
def test_a_period_starts_at_the_exchanges_first_session_of_it(period, starts):
    sessions = NEW_YORK.sessions(day("2014-12-26"), day("2015-01-23"))
    assert sessions[NEW_YORK.starts_period(sessions, period)].tolist() == [day(start) for start in starts]


def test_only_the_first_bar_of_a_periods_first_session_starts_it():
    grid = NEW_YORK.grid(instant("2015-01-02 14:00"), instant("2015-01-05 11:00"), pd.Timedelta("1h"))
    # 14:30 and 15:30 on Friday the 2nd, then 09:30 and 10:30 on Monday the 5th.
    assert NEW_YORK.starts_period(grid.session, "week").tolist() == [False, False, True, False]
    assert NEW_YORK.starts_period(grid.session, "month").tolist() == [True, False, False, False]


@given(first=st.integers(0, 2400), length=st.integers(1, 100), period=st.sampled_from(PERIODS))
def test_where_rows_begin_changes_no_period_and_no_number(first, length, period):
    part = DECADE[first : first + length]
    whole = NEW_YORK.starts_period(DECADE, period)
    assert NEW_YORK.starts_period(part, period).tolist() == whole[first : first + length].tolist()
    numbers = NEW_YORK.session_number(part)
    assert numbers.tolist() == NEW_YORK.session_number(DECADE)[first : first + length].tolist()


def test_sessions_are_numbered_from_the_first_one_of_1990():
    sessions = NEW_YORK.sessions(day("1989-12-28"), day("1990-01-04"))
    assert sessions[2] == day("1990-01-02")
    assert NEW_YORK.session_number(sessions).tolist() == [-2, -1, 0, 1, 2]


def test_numbers_count_sessions_not_days():
    sessions = NEW_YORK.sessions(day("1990-01-02"), day("1990-12-31"))
    assert NEW_YORK.session_number(sessions)[[0, -1]].tolist() == [0, 252]  # 1990 had 253 sessions


def test_bars_left_counts_to_the_early_close_of_a_half_day():
    grid = NEW_YORK.grid(instant("2014-11-26 14:30"), instant("2014-11-28 16:00"), pd.Timedelta("1h"))
    left = NEW_YORK.bars_left(grid.session, grid.index, pd.Timedelta("1h"))
    assert left.tolist() == [1, 0, 3, 2, 1, 0]


def test_bars_left_leaves_out_a_lunch_break():
    span = (instant("2015-01-05 09:30", "Asia/Hong_Kong"), instant("2015-01-05 16:00", "Asia/Hong_Kong"))
    calendar, bar = Calendar("XHKG"), pd.Timedelta("30min")
    grid = calendar.grid(*span, bar)
    assert calendar.bars_left(grid.session, grid.index, bar).tolist() == list(range(10, -1, -1))


@pytest.mark.parametrize("name", ["XTKS", "XHKG", "XBOM", "AIXK", "XSAU", "24/5", "CMES", "XLON"])
def test_calendars_of_any_history_answer_every_question(name):
    calendar, span = Calendar(name), (day("2023-03-01"), day("2023-04-14"))
    sessions = calendar.sessions(*span)
    assert len(calendar.session_close(sessions)) == len(sessions) > 25
    assert (np.diff(calendar.session_number(sessions)) == 1).all()
    assert calendar.starts_period(sessions, "month").sum() == 2
    assert calendar.bars_per_year(pd.Timedelta("1h")) > 252


def test_tokyo_has_sessions_from_1997_on_and_before_that_an_error():
    tokyo = Calendar("XTKS")
    assert tokyo.sessions(day("1997-01-01"), day("1997-01-07"))[0] == day("1997-01-06")
    with pytest.raises(DataError, match="XTKS is known only from 1997-01-06 on; drop the other rows"):
        tokyo.sessions(day("1995-01-01"), day("1995-02-01"))


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("XNY", r"no exchange calendar called 'XNY'; did you mean 'XNYS'\? \(XNYS is New York"),
        (None, "no exchange calendar called None"),
    ],
)
def test_an_unknown_calendar_is_told_at_once(name, message):
    with pytest.raises(DataError, match=message):
        Calendar(name)


def test_calendars_of_one_name_are_equal():
    assert Calendar("XNYS") == NEW_YORK != Calendar("24/7")
    assert len({Calendar("XNYS"), NEW_YORK}) == 1
    assert repr(NEW_YORK) == "Calendar('XNYS')"

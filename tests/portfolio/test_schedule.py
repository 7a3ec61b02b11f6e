"""On which rows decisions fall: by the exchange's calendar, wherever the data begin."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from quantstrats import Market, Schedule
from quantstrats.errors import ConfigError
from quantstrats.market.calendar import Calendar

NEW_YORK = Calendar("XNYS")
EVERY = ["bar", "session", "week", "month", "quarter", "year", 1, 5, 21]


def daily(first, last):
    sessions = NEW_YORK.sessions(pd.Timestamp(first), pd.Timestamp(last))
    return Market.from_frames(close=pd.Series(1.0, index=sessions))


def intraday(first, last, bar="1h"):
    span = (pd.Timestamp(day, tz="America/New_York") for day in (first, last))
    grid = NEW_YORK.grid(*span, pd.Timedelta(bar))
    return Market.from_frames(close=pd.Series(1.0, index=grid.index), bar=bar)


def decisions(schedule, market):
    return market.index[schedule.decision_rows(market)]


def local_times(schedule, market):
    return decisions(schedule, market).tz_convert("America/New_York").strftime("%m-%d %H:%M").tolist()


DECADE = daily("2005-01-03", "2014-12-31")
HOURS = intraday("2014-11-03 09:30", "2015-01-30 16:00")


@pytest.mark.parametrize(
    ("every", "expected"),
    [
        ("week", ["2014-12-29", "2015-01-05", "2015-01-12", "2015-01-20"]),
        ("month", ["2015-01-02"]),
        ("quarter", ["2015-01-02"]),
        ("year", ["2015-01-02"]),
    ],
)
def test_a_period_is_decided_at_the_exchanges_first_session_of_it(every, expected):
    found = decisions(Schedule(every), daily("2014-12-26", "2015-01-23"))
    assert [str(day.date()) for day in found] == expected


@pytest.mark.parametrize(
    ("every", "count"), [("quarter", 40), ("year", 10), ("month", 120), ("bar", 2517), ("session", 2517)]
)
def test_a_decade_has_as_many_decisions_as_periods(every, count):
    assert len(decisions(Schedule(every), DECADE)) == count


def test_every_so_many_sessions_counts_from_the_first_session_of_1990():
    found = decisions(Schedule(5), daily("1990-01-02", "1990-01-31"))
    # 22 sessions: 2-5, 8-12, 15-19, 22-26, 29-31 January.
    assert [day.day for day in found] == [2, 9, 16, 23, 30]
    assert len(decisions(Schedule(21), daily("1990-01-02", "1990-12-31"))) == 13  # 253 sessions: 0, 21, ... 252


def test_bar_and_session_and_one_session_are_the_same_on_daily_bars():
    for every in ("bar", "session", 1, np.int64(1)):
        assert Schedule(every).decision_rows(DECADE).all()


@given(every=st.sampled_from(EVERY), first=st.integers(0, 2400), length=st.integers(1, 100))
def test_where_daily_data_begin_changes_no_decision(every, first, length):
    whole = Schedule(every).decision_rows(DECADE)
    part = Schedule(every).decision_rows(DECADE.rows(first, first + length))
    assert part.tolist() == whole[first : first + length].tolist()


@given(
    every=st.sampled_from(EVERY),
    last_decision=st.integers(0, 3),
    first=st.integers(0, 380),
    length=st.integers(1, 30),
)
def test_where_intraday_data_begin_changes_no_decision(every, last_decision, first, length):
    schedule = Schedule(every, last_decision=last_decision)
    whole = schedule.decision_rows(HOURS)
    part = schedule.decision_rows(HOURS.rows(first, first + length))
    assert part.tolist() == whole[first : first + length].tolist()


def test_a_decision_once_a_session_falls_at_its_last_bar_half_days_too():
    market = intraday("2014-11-26 09:30", "2014-12-01 16:00")
    assert local_times(Schedule("session"), market) == ["11-26 15:30", "11-28 12:30", "12-01 15:30"]


def test_the_last_decision_falls_so_many_bars_before_the_close():
    market = intraday("2014-11-26 09:30", "2014-12-01 16:00")
    found = local_times(Schedule("session", last_decision=2), market)
    assert found == ["11-26 13:30", "11-28 10:30", "12-01 13:30"]


def test_every_bar_decides_until_the_last_decision():
    market = intraday("2014-11-28 09:30", "2014-12-01 16:00")
    found = local_times(Schedule("bar", last_decision=2), market)
    assert found == ["11-28 09:30", "11-28 10:30", *(f"12-01 {hour}:30" for hour in ("09", "10", "11", "12", "13"))]


def test_intraday_periods_decide_in_their_first_session_before_its_close():
    market = intraday("2014-11-24 09:30", "2014-12-02 16:00")
    assert local_times(Schedule("week", last_decision=1), market) == ["11-24 14:30", "12-01 14:30"]
    assert local_times(Schedule("month"), market) == ["12-01 15:30"]


def test_bars_of_a_lunch_break_do_not_count():
    times = ["09:30", "10:00", "10:30", "11:00", "11:30", "13:00", "13:30", "14:00", "14:30", "15:00", "15:30"]
    index = pd.DatetimeIndex([f"2015-01-05 {time}" for time in times], tz="Asia/Hong_Kong")
    market = Market.from_frames(close=pd.Series(1.0, index=index), calendar="XHKG")
    found = decisions(Schedule("session", last_decision=6), market)
    assert found.tz_convert("Asia/Hong_Kong").strftime("%H:%M").tolist() == ["11:30"]


def test_a_missing_bar_keeps_its_place():
    market = HOURS.between("2014-11-03", "2014-11-03")
    gap = pd.Series([1.0, 2, 3, None, None, None, 4], index=market.index)
    assert Schedule("session", last_decision=2).decision_rows(Market.from_frames(close=gap, bar="1h")).sum() == 1


def test_a_last_decision_on_daily_bars_is_refused():
    with pytest.raises(ConfigError, match="last_decision is 3, but these bars are daily; leave it at 0"):
        Schedule(last_decision=3).decision_rows(DECADE)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (
            {"every": "fortnight"},
            "every is 'fortnight'; it can be bar, session, week, month, quarter, year or a number",
        ),
        ({"every": "21"}, "every is '21'"),
        ({"every": 2.5}, "every is 2.5"),
        ({"every": True}, "every is True"),
        ({"every": 0}, "every is 0; a number of sessions is at least 1"),
        ({"every": 10**30}, "every is 1000000000000000000000000000000; a number of sessions is .* at most 10000"),
        ({"every": ["month"]}, r"every is \['month'\]; it can be bar"),
        ({"every": None}, "every is None; it can be bar"),
        ({"every": np.array(["month"])}, r"every is array\(.*; it can be bar"),
        ({"drift": "0.05"}, "drift is '0.05'; give a number"),
        ({"drift": True}, "drift is True; give a number"),
        ({"drift": 10**400}, "drift is 1000.*; it is a fraction of equity above 0"),
        ({"last_decision": "1"}, "last_decision is '1'; it counts bars"),
        ({"rebalance": ["all"]}, r"rebalance is \['all'\]; it can be changes or all"),
        ({"rebalance": "some"}, "rebalance is 'some'; it can be changes or all"),
        ({"drift": 0.0}, "drift is 0.0; it is a fraction of equity above 0"),
        ({"drift": float("nan")}, "drift is nan"),
        ({"last_decision": -1}, "last_decision is -1; it counts bars, at least 0"),
        ({"last_decision": 1.5}, "last_decision is 1.5"),
    ],
)
def test_settings_that_make_no_sense_are_refused(settings, message):
    with pytest.raises(ValueError, match=message):
        Schedule(**settings)

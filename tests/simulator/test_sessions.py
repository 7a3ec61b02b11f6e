"""The sessions of New York, against the exchange's published hours."""

from datetime import date

import pytest

from quantstrats.errors import DataError
from quantstrats.simulator.sessions import Session, Sessions
from quantstrats.simulator.times import parse_time


@pytest.fixture(scope="module")
def sessions():
    return Sessions()


def session(day, opens, closes, first, last):
    """A session by its times in UTC, hours and minutes; a ``last`` of the next day as it is written."""
    last = last if "T" in last else f"{day}T{last}"
    times = (f"{day}T{opens}", f"{day}T{closes}", f"{day}T{first}", last)
    return Session(date.fromisoformat(day), *(parse_time(f"{time}:00Z") for time in times))


@pytest.mark.parametrize(
    "expected",
    [
        # The Friday before and the Monday after the clock goes forward on 2026-03-08, and back on 2026-11-01.
        session("2026-03-06", "14:30", "21:00", "09:00", "2026-03-07T01:00"),
        session("2026-03-09", "13:30", "20:00", "08:00", "2026-03-10T00:00"),
        session("2026-10-30", "13:30", "20:00", "08:00", "2026-10-31T00:00"),
        session("2026-11-02", "14:30", "21:00", "09:00", "2026-11-03T01:00"),
        # Half-days: 13:00, and extended hours until 17:00.
        session("2026-11-27", "14:30", "18:00", "09:00", "22:00"),
        session("2026-12-24", "14:30", "18:00", "09:00", "22:00"),
    ],
    ids=lambda expected: str(expected.day),
)
def test_hours_are_new_yorks_through_clock_changes_and_half_days(sessions, expected):
    assert sessions.of(expected.day) == expected


@pytest.mark.parametrize(
    "day",
    [
        "2026-01-01",
        "2026-01-19",
        "2026-02-16",
        "2026-04-03",  # Good Friday
        "2026-05-25",
        "2026-06-19",
        "2026-07-03",  # for the fourth, a Saturday
        "2026-09-07",
        "2026-11-26",
        "2026-12-25",
        "2026-03-08",  # a Sunday
        "2026-07-04",
    ],
)
def test_on_holidays_and_weekends_there_is_no_session(sessions, day):
    assert sessions.of(date.fromisoformat(day)) is None
    assert not sessions.is_open(parse_time(f"{day}T15:00:00Z"))
    assert sessions.at(parse_time(f"{day}T15:00:00Z")) is None


def test_a_year_has_its_weekdays_less_its_holidays(sessions):
    year = sessions.between(date(2026, 1, 1), date(2026, 12, 31))
    assert len(year) == 261 - 10
    assert [each.day for each in year] == sorted({each.day for each in year})
    assert [each.day for each in year if each.close - each.open < 6 * 3600 * 10**9] == [
        date(2026, 11, 27),
        date(2026, 12, 24),
    ]
    assert sessions.between(date(2026, 7, 3), date(2026, 7, 5)) == []
    assert sessions.between(date(2026, 7, 6), date(2026, 7, 2)) == []


def test_regular_trading_runs_from_the_open_to_just_before_the_close(sessions):
    opens, closes = parse_time("2026-11-27T14:30:00Z"), parse_time("2026-11-27T18:00:00Z")
    assert [sessions.is_open(opens - 1), sessions.is_open(opens)] == [False, True]
    assert [sessions.is_open(closes - 1), sessions.is_open(closes)] == [True, False]


def test_extended_hours_run_from_four_to_just_before_their_end(sessions):
    first, last = parse_time("2026-11-27T09:00:00Z"), parse_time("2026-11-27T22:00:00Z")
    black_friday = sessions.of(date(2026, 11, 27))
    assert [sessions.at(first - 1), sessions.at(first)] == [None, black_friday]
    assert [sessions.at(last - 1), sessions.at(last)] == [black_friday, None]
    # Eight in the evening of the day before is past midnight in UTC.
    evening = parse_time("2026-03-07T00:59:59Z")
    assert sessions.at(evening) == sessions.of(date(2026, 3, 6))


@pytest.mark.parametrize(
    ("now", "opens", "closes"),
    [
        ("2026-03-06T21:00:00Z", "2026-03-09T13:30:00Z", "2026-03-09T20:00:00Z"),
        ("2026-10-30T19:59:59Z", "2026-11-02T14:30:00Z", "2026-10-30T20:00:00Z"),
        ("2026-07-02T20:00:00Z", "2026-07-06T13:30:00Z", "2026-07-06T20:00:00Z"),
        ("2026-11-27T14:30:00Z", "2026-11-30T14:30:00Z", "2026-11-27T18:00:00Z"),
        ("2026-11-27T18:00:00Z", "2026-11-30T14:30:00Z", "2026-11-30T21:00:00Z"),
        ("2026-11-27T14:29:59Z", "2026-11-27T14:30:00Z", "2026-11-27T18:00:00Z"),
    ],
)
def test_the_next_open_and_close_come_strictly_after_now(sessions, now, opens, closes):
    assert sessions.next_open(parse_time(now)) == parse_time(opens)
    assert sessions.next_close(parse_time(now)) == parse_time(closes)


def test_the_exchange_is_known_from_1990_to_two_years_after_the_tape():
    sessions = Sessions(date(2026, 1, 2), date(2026, 6, 30))
    assert sessions.between(date(1990, 1, 1), date(1990, 1, 3))[0].day == date(1990, 1, 2)
    assert sessions.of(date(2028, 6, 30)) is not None
    for day in (date(1989, 12, 29), date(2028, 7, 3)):
        with pytest.raises(DataError, match="known only from 1990-01-01 to 2028-07-01"):
            sessions.of(day)
        with pytest.raises(DataError, match="known only"):
            sessions.is_open(parse_time(f"{day}T15:00:00Z"))
        with pytest.raises(DataError, match="known only"):
            sessions.between(day, day)
    with pytest.raises(DataError, match="known only until 2028-07-01"):
        sessions.next_open(parse_time("2028-06-30T20:00:00Z"))


def test_a_tape_from_before_1990_moves_the_beginning():
    assert Sessions(date(1985, 1, 2), date(1985, 2, 1)).of(date(1985, 1, 2)) is not None

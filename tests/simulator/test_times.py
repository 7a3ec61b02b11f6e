"""Instants, their texts, and New York's clock."""

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quantstrats.simulator.times import NS, day_in_new_york, new_york, new_york_ns, parse_time, rfc3339

# 2024-03-01 is 19,783 days after 1970-01-01; 14:30 is 52,200 seconds into the day.
HALF_PAST_TWO = (19_783 * 86_400 + 52_200) * NS


@pytest.mark.parametrize(
    ("fraction", "text"),
    [
        (0, "2024-03-01T14:30:00Z"),
        (1, "2024-03-01T14:30:00.000000001Z"),
        (500_000_000, "2024-03-01T14:30:00.5Z"),
        (123_456_000, "2024-03-01T14:30:00.123456Z"),
    ],
)
def test_a_text_has_a_fraction_only_where_there_is_one(fraction, text):
    assert rfc3339(HALF_PAST_TWO + fraction) == text
    assert parse_time(text) == HALF_PAST_TWO + fraction


@pytest.mark.parametrize(
    "text",
    [
        "2024-03-01T14:30:00Z",
        "2024-03-01t14:30:00z",
        "2024-03-01T14:30:00+00:00",
        "2024-03-01T14:30:00 00:00",  # a + that the query string made a space
        "2024-03-01T09:30:00-05:00",
        "2024-03-01T20:00:00+05:30",
        "2024-03-01T20:00:00 05:30",
        "2024-03-02T00:30:00.000+10:00",
        "2024-03-01T14:30:00.0000000009Z",  # beyond the nanosecond
    ],
)
def test_any_offset_means_the_same_instant(text):
    assert parse_time(text) == HALF_PAST_TWO


@pytest.mark.parametrize(
    ("day", "utc"),
    [
        ("2026-03-07", datetime(2026, 3, 7, 5, tzinfo=UTC)),
        ("2026-03-08", datetime(2026, 3, 8, 5, tzinfo=UTC)),  # the clock changes at two in the morning
        ("2026-03-09", datetime(2026, 3, 9, 4, tzinfo=UTC)),
        ("2026-11-01", datetime(2026, 11, 1, 4, tzinfo=UTC)),
        ("2026-11-02", datetime(2026, 11, 2, 5, tzinfo=UTC)),
    ],
)
def test_a_date_alone_is_midnight_in_new_york(day, utc):
    assert parse_time(day) == int(utc.timestamp()) * NS
    assert new_york_ns(date.fromisoformat(day)) == int(utc.timestamp()) * NS
    assert day_in_new_york(int(utc.timestamp()) * NS) == date.fromisoformat(day)
    assert day_in_new_york(int(utc.timestamp()) * NS - 1) == date.fromisoformat(day) - timedelta(days=1)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "yesterday",
        "2024-3-1",
        "2024-02-30",
        "2024-02-30T00:00:00Z",
        "2024-03-01T14:30:00",
        "2024-03-01 14:30:00Z",
        "2024-03-01T14:30:00+0500",
        "2024-03-01T14:30:00+24:00",
        "2024-03-01T14:30:60Z",
        "2024-03-01T14:30Z",
        "1709303400",
        "٢٠٢٤-03-01",  # digits, but not ours
        "2024-03-01\n",
    ],
)
def test_anything_else_is_no_time(text):
    with pytest.raises(ValueError):  # noqa: PT011 - the text is the caller's to word
        parse_time(text)


@pytest.mark.parametrize("text", ["0001-01-01", "0001-01-01T00:00:00Z", "9999-12-31T23:59:59.9-23:59", "9999-12-31"])
def test_a_time_out_of_all_bars_fits_their_64_bits(text):
    assert -(2**63) <= parse_time(text) < 2**63


@given(st.integers(-(2**63) + 1, 2**63 - 1))
def test_every_instant_survives_its_text(ns):
    assert parse_time(rfc3339(ns)) == ns


@given(st.datetimes(datetime(1971, 1, 1), datetime(2100, 1, 1), timezones=st.timezones()))
def test_what_a_client_sends_is_the_instant_that_it_meant(moment):
    # Zones of old, whose offset has seconds, cannot be written in RFC 3339.
    if moment.utcoffset().total_seconds() % 60:
        return
    since = (moment - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)
    assert parse_time(moment.isoformat()) == since * 1000
    assert new_york(since * 1000) == moment


def test_new_york_shows_its_own_clock_in_winter_and_summer():
    winter, summer = new_york(HALF_PAST_TWO + 1_500), new_york(HALF_PAST_TWO + 120 * 86_400 * NS)
    assert (winter.hour, winter.minute, winter.microsecond) == (9, 30, 1)
    assert (summer.hour, summer.minute) == (10, 30)
    assert new_york_ns(date(2024, 3, 1), 9, 30) == HALF_PAST_TWO


def test_an_hour_that_comes_twice_is_told_apart():
    first, second = parse_time("2026-11-01T05:30:00Z"), parse_time("2026-11-01T06:30:00Z")
    assert new_york(first).hour == new_york(second).hour == 1
    assert (new_york(first).utcoffset(), new_york(second).utcoffset()) == (timedelta(hours=-4), timedelta(hours=-5))

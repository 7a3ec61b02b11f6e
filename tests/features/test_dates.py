"""Dates: against the standard library's calendar and pandas."""

from __future__ import annotations

import calendar
import math

import numpy as np
import pandas as pd
import pytest

from quantstrats import Market, features

from .oracle import Oracle, random_market


def of_dates(function):
    """Return an oracle of the date of each bar."""
    return lambda bars: pd.Series([float(function(day.date())) for day in bars.index], index=bars.index)


def turns(day):
    weeks = calendar.Calendar().monthdayscalendar(day.year, day.month)
    weekdays = [number for week in weeks for number in week[:5] if number]
    return day.day in (*weekdays[:3], weekdays[-1])


def expires(day):
    friday = day + pd.Timedelta(days=4 - day.weekday())
    return 15 <= friday.day <= 21


ORACLES = [
    Oracle("weekday", "datetime", of_dates(lambda day: day.isoweekday() - 1)),
    Oracle("month_sine", "math", of_dates(lambda day: math.sin(math.tau * (day.month - 1) / 12))),
    Oracle("month_cosine", "math", of_dates(lambda day: math.cos(math.tau * (day.month - 1) / 12))),
    Oracle("day_of_month", "datetime", of_dates(lambda day: day.day)),
    Oracle("turn_of_month", "calendar", of_dates(turns)),
    Oracle("winter_half", "datetime", of_dates(lambda day: day.month in (11, 12, 1, 2, 3, 4))),
    Oracle("expiration_week", "datetime", of_dates(expires)),
    Oracle("days_since_last_session", "pandas", lambda bars: bars.index.to_series().diff().dt.days),
]


def on(day, name):
    """Return a feature on one day of a market that never closes, so that there are weekends."""
    days = pd.date_range("2020-01-01", "2021-12-31")
    frame = pd.DataFrame({"AAA": np.ones(len(days))}, index=days)
    market = Market.from_frames(open=frame, high=frame, low=frame, close=frame, volume=frame, calendar="24/7")
    return features.compute(market, [name])[name]["AAA"].loc[day]


@pytest.mark.parametrize(
    ("day", "name", "expected"),
    [
        ("2021-01-01", "weekday", 4),  # a Friday
        ("2021-01-03", "weekday", 6),
        ("2020-02-29", "day_of_month", 29),
        ("2020-02-28", "turn_of_month", 1),  # a Friday, the last weekday
        ("2020-02-27", "turn_of_month", 0),
        ("2020-02-29", "turn_of_month", 1),  # none follows
        ("2020-03-04", "turn_of_month", 1),  # the third weekday
        ("2020-03-05", "turn_of_month", 0),
        ("2021-01-15", "expiration_week", 1),
        ("2021-01-17", "expiration_week", 1),
        ("2021-01-18", "expiration_week", 0),
        ("2021-01-10", "expiration_week", 0),
        ("2020-10-31", "winter_half", 0),
        ("2020-11-01", "winter_half", 1),
        ("2021-04-30", "winter_half", 1),
        ("2021-05-01", "winter_half", 0),
        ("2021-04-01", "month_sine", 1),
        ("2021-07-01", "month_cosine", -1),
        ("2021-01-18", "days_since_last_session", 1),
    ],
)
def test_days_looked_up_in_a_calendar(day, name, expected):
    assert on(day, name) == pytest.approx(expected, abs=1e-12)


def test_days_are_counted_over_weekends_and_missing_bars():
    market = random_market()
    days = features.compute(market, ["days_since_last_session"])["days_since_last_session"]["AAA"]
    assert np.isnan(days.iloc[0])
    assert days.loc["2012-01-09"] == 3  # a Monday
    assert days.loc["2012-01-17"] == 4  # after the holiday of Martin Luther King
    values = {name: market.array(name).copy() for name in ("open", "high", "low", "close", "volume")}
    place = market.index.get_loc(pd.Timestamp("2012-01-10"))
    for each in values.values():
        each[place, 0] = np.nan
    frames = {name: pd.DataFrame(each, index=market.index, columns=market.symbols) for name, each in values.items()}
    without = features.compute(Market.from_frames(**frames), ["days_since_last_session"])["days_since_last_session"]
    assert without.loc["2012-01-11"].tolist() == [2, 1, 1, 1]

"""Dates: what is known of a bar beforehand, from the day of its session alone.

Bars do not tell how far a session has gone, so there is nothing here of the time of day. A date tells nothing of an
exchange's holidays either: days are those of the calendar, or its weekdays.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from quantstrats.features.definition import feature

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from quantstrats.features.bars import Array, Bars

    Days = NDArray[np.int64]

_CYCLE = "sine and cosine of a cycle: Fisher (1929), Tests of Significance in Harmonic Analysis, Proc. R. Soc. A 125"
_MONDAY = 4  # 5 January 1970, a Monday, in days since 1970


@dataclass(frozen=True)
class _Days:
    """Every day from the first session to the last, and where each bar's stands among them."""

    day: Days
    month: Days  # months since January 1970
    first: Days  # day on which its month begins
    last: Days  # day on which its month ends
    place: Days
    known: NDArray[np.bool_]

    def at_bars(self, values: NDArray[np.generic]) -> Array:
        """Return the days' values on the bars, NaN where there is none."""
        found: Array = values.astype(np.float64)[self.place]
        found[~self.known] = np.nan
        return found


def _days(bars: Bars) -> _Days:
    return bars.once("days", lambda: _each_day(bars.session))


def _each_day(session: Days) -> _Days:
    known = session > np.iinfo(np.int64).min
    begin = int(session[known].min()) if known.any() else 0
    day = np.arange(begin, (int(session[known].max()) if known.any() else 0) + 1)
    months = day.astype("datetime64[D]").astype("datetime64[M]")
    first = months.astype("datetime64[D]").astype(np.int64)
    last = (months + 1).astype("datetime64[D]").astype(np.int64) - 1
    return _Days(day, months.astype(np.int64), first, last, np.where(known, session, begin) - begin, known)


def _weekdays(begin: Days, end: Days) -> Days:
    """Return how many days from ``begin`` to ``end``, both included, are from Monday to Friday."""
    return np.busday_count(begin.astype("datetime64[D]"), (end + 1).astype("datetime64[D]")).astype(np.int64)


@feature(source="French (1980), Stock Returns and the Weekend Effect, J. of Financial Economics 8", bars=1)
def weekday(bars: Bars) -> Array:
    """Day of the week: 0 on Mondays, to 6 on Sundays."""
    days = _days(bars)
    return days.at_bars((days.day - _MONDAY) % 7)


@feature(source=_CYCLE, bars=1)
def month_sine(bars: Bars) -> Array:
    """Sine of the month: sin(2 pi (month - 1) / 12), so that December is beside January."""
    days = _days(bars)
    return days.at_bars(np.sin(2.0 * np.pi * (days.month % 12) / 12.0))


@feature(source=_CYCLE, bars=1)
def month_cosine(bars: Bars) -> Array:
    """Cosine of the month: cos(2 pi (month - 1) / 12)."""
    days = _days(bars)
    return days.at_bars(np.cos(2.0 * np.pi * (days.month % 12) / 12.0))


@feature(source="Ariel (1987), A Monthly Effect in Stock Returns, J. of Financial Economics 18", bars=1)
def day_of_month(bars: Bars) -> Array:
    """Day of the month: 1 to 31."""
    days = _days(bars)
    return days.at_bars(days.day - days.first + 1)


@feature(source="Lakonishok and Smidt (1988), Are Seasonal Anomalies Real?, Review of Financial Studies 1(4)", bars=1)
def turn_of_month(bars: Bars) -> Array:
    """Turn of the month: 1 from the last weekday of a month to the third of the next, else 0.

    Weekdays stand for trading days, whose holidays a date does not tell.
    """
    days = _days(bars)
    return days.at_bars((_weekdays(days.first, days.day) <= 3) | (_weekdays(days.day + 1, days.last) == 0))


@feature(source="Bouman and Jacobsen (2002), The Halloween Indicator, American Economic Review 92(5)", bars=1)
def winter_half(bars: Bars) -> Array:
    """Winter half of the year: 1 from November to April, else 0."""
    days = _days(bars)
    return days.at_bars((days.month % 12 < 4) | (days.month % 12 > 9))


@feature(source="Stivers and Sun (2013), J. of Banking and Finance 37(11), 4226-4240", bars=1)
def expiration_week(bars: Bars) -> Array:
    """Week of option expiration: 1 in the week with the month's third Friday, from Monday on, else 0."""
    days = _days(bars)
    friday = days.day - (days.day - _MONDAY) % 7 + 4
    return days.at_bars((friday - _month_begin(friday)) // 7 == 2)


def _month_begin(day: Days) -> Days:
    return day.astype("datetime64[D]").astype("datetime64[M]").astype("datetime64[D]").astype(np.int64)


@feature(source="French and Roll (1986), Stock Return Variances, J. of Financial Economics 17", bars=2)
def days_since_last_session(bars: Bars) -> Array:
    """Calendar days since the bar before: 1 on most days, 3 on most Mondays, 0 within a session."""
    days = _days(bars)
    passed = np.full(bars.shape, np.nan)
    passed[:, 1:] = np.diff(days.place, axis=1)
    passed[~days.known] = np.nan
    return passed

"""The sessions of New York's exchanges: half-days, holidays and both clock changes."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from dataclasses import dataclass
from datetime import date, timedelta

from quantstrats.errors import DataError
from quantstrats.simulator.times import NS, day_in_new_york, new_york_ns

CALENDAR = "XNYS"
KNOWN_FROM = date(1990, 1, 1)
# Unless it is told where a tape ends.
KNOWN_UNTIL = date(2035, 12, 31)
# Orders may live ninety days beyond the tape, and a client may look at a calendar of the next year.
DAYS_BEYOND = 2 * 366
# Longer than any session, so that a session is one bar.
_WHOLE_SESSION = "12h"


@dataclass(frozen=True)
class Session:
    """A day on which the exchange is open. Instants are nanoseconds since 1970 (UTC).

    Attributes
    ----------
    day : date
        On New York's calendar.
    open, close : int
        Of regular trading: 9:30 and 16:00 in New York, 13:00 on half-days.
    first, last : int
        From when to when there are extended hours: 4:00 and 20:00 in New York, 17:00 on half-days.
    """

    day: date
    open: int
    close: int
    first: int
    last: int


class Sessions:
    """All sessions of New York from 1990 to two years after a tape's end.

    Parameters
    ----------
    first, last : date, optional
        First and last day of the tape. A tape that begins before 1990 moves the beginning there.

    Raises
    ------
    DataError
        By any method that is asked for what lies beyond.
    """

    def __init__(self, first: date | None = None, last: date | None = None) -> None:
        import pandas as pd

        from quantstrats.market.calendar import Calendar

        self.known_from = min(first or KNOWN_FROM, KNOWN_FROM)
        self.known_until = last + timedelta(days=DAYS_BEYOND) if last else KNOWN_UNTIL
        span = pd.Timestamp(self.known_from, tz="UTC"), pd.Timestamp(self.known_until, tz="UTC") + pd.Timedelta(days=1)
        grid = Calendar(CALENDAR).grid(*span, pd.Timedelta(_WHOLE_SESSION))
        inside = grid.session <= pd.Timestamp(self.known_until)
        self._days: list[date] = [moment.date() for moment in grid.session[inside]]
        self._opens: list[int] = grid.index[inside].as_unit("ns").asi8.tolist()
        self._closes: list[int] = grid.decided_at[inside].as_unit("ns").asi8.tolist()

    def of(self, day: date) -> Session | None:
        """Return the session of a day; None where the exchange is closed all day."""
        self._check(day)
        place = bisect_left(self._days, day)
        return self._session(place) if place < len(self._days) and self._days[place] == day else None

    def at(self, ns: int) -> Session | None:
        """Return the session whose extended hours contain an instant, their end left out; None between sessions."""
        session = self.of(day_in_new_york(ns))
        return session if session and session.first <= ns < session.last else None

    def is_open(self, ns: int) -> bool:
        """Tell whether there is regular trading; not any more at the closing instant."""
        self._check(day_in_new_york(ns))
        place = bisect_right(self._opens, ns) - 1
        return place >= 0 and ns < self._closes[place]

    def next_open(self, ns: int) -> int:
        """Return the first opening instant after a given one."""
        return self._after(self._opens, ns)

    def next_close(self, ns: int) -> int:
        """Return the first closing instant after a given one."""
        return self._after(self._closes, ns)

    def between(self, first: date, last: date) -> list[Session]:
        """Return the sessions from one day to another, both included."""
        self._check(first)
        self._check(last)
        places = range(bisect_left(self._days, first), bisect_right(self._days, last))
        return [self._session(place) for place in places]

    def _after(self, instants: list[int], ns: int) -> int:
        self._check(day_in_new_york(ns))
        place = bisect_right(instants, ns)
        if place == len(instants):
            raise DataError(f"the calendar is known only until {self.known_until}; let the tape end earlier")
        return instants[place]

    def _session(self, place: int) -> Session:
        day, close = self._days[place], self._closes[place]
        # Four hours of it after the close: a half-day's extended hours end early too, as the broker's calendar says.
        return Session(day, self._opens[place], close, new_york_ns(day, 4), close + 4 * 3600 * NS)

    def _check(self, day: date) -> None:
        if not self.known_from <= day <= self.known_until:
            raise DataError(f"the calendar is known only from {self.known_from} to {self.known_until}, not on {day}")

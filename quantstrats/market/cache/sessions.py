"""Sessions of rows: which are over, and to which a row belongs that nobody has checked yet."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from quantstrats.errors import DataError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from quantstrats.market.calendar import Calendar, Grid

_LONGEST_BREAK = pd.Timedelta("40D")  # between two sessions of any exchange
_DAY = pd.Timedelta("1D")


@dataclass(frozen=True)
class Span:
    """Sessions from ``first`` to ``last``, both included; without a first, from the vendor's first bar on."""

    first: date | None
    last: date

    def contains(self, dates: NDArray[np.datetime64]) -> NDArray[np.bool_]:
        """Tell which dates lie within."""
        inside: NDArray[np.bool_] = dates <= np.datetime64(self.last)
        return inside if self.first is None else inside & (dates >= np.datetime64(self.first))

    def covers(self, other: Span) -> bool:
        """Tell whether all of another span lies within."""
        starts = self.first is None or (other.first is not None and self.first <= other.first)
        return starts and self.last >= other.last

    def touches(self, other: Span) -> bool:
        """Tell whether no day lies between the two."""
        day = timedelta(days=1)
        return (self.first is None or self.first <= other.last + day) and (
            other.first is None or other.first <= self.last + day
        )

    def joined(self, other: Span) -> Span:
        """Return the span from the first of both to the last of both."""
        firsts = [span.first for span in (self, other)]
        return Span(None if None in firsts else min(firsts), max(self.last, other.last))  # type: ignore[type-var]

    def __str__(self) -> str:
        return f"{self.first or 'the first bar'} to {self.last}"


class Sessions:
    """The sessions of an exchange, as of an instant.

    Parameters
    ----------
    calendar : Calendar
        Of the exchange.
    bar : Timedelta or None
        Length of an intraday bar; None for daily bars.
    now : datetime
        With a time zone.
    """

    def __init__(self, calendar: Calendar, bar: pd.Timedelta | None, now: datetime) -> None:
        self.calendar = calendar
        self.bar = bar
        self._now = pd.Timestamp(now).tz_convert("UTC")
        self._hours: Grid | None = None

    def asked(self, first: date | None, last: date | None) -> Span:
        """Return the sessions that are over of a span that a user names.

        Raises
        ------
        DataError
            If none of them is, with the reason.
        """
        if first is not None and last is not None and first > last:
            raise DataError(f"start {first} lies after end {last}")
        end = self._last_over() if last is None else min(last, self._last_over())
        start = pd.Timestamp(end) - _LONGEST_BREAK if first is None else pd.Timestamp(first)
        sessions = self.calendar.sessions(start, pd.Timestamp(end))
        if sessions.empty:
            raise DataError(f"{self._why_none(first, last)}; ask for other dates")
        return Span(None if first is None else sessions[0].date(), sessions[-1].date())

    def _why_none(self, first: date | None, last: date | None) -> str:
        """Say why no session of a span can be had."""
        name = self.calendar.name
        if last is None:
            return f"no session of {name} from {first} on is over yet"
        start = pd.Timestamp(last) - _LONGEST_BREAK if first is None else pd.Timestamp(first)
        if self.calendar.sessions(start, pd.Timestamp(last)).empty:
            return f"{name} has no session {f'on {first}' if first == last else f'from {start.date()} to {last}'}"
        return f"no session of {name} from {start.date()} to {last} is over yet"

    def dates(self, index: pd.DatetimeIndex) -> NDArray[np.datetime64]:
        """Return the session of each row; of a row outside the exchange's hours, the day by the exchange's clock."""
        if index.tz is None or not len(index):
            return index.to_numpy().astype("datetime64[D]")
        days = self.calendar.local_times(index).to_numpy().astype("datetime64[D]")
        hours = self._hours_of(index[0], index[-1])
        moments = index.as_unit("ns").asi8
        number = np.maximum(hours.index.as_unit("ns").asi8.searchsorted(moments, side="right") - 1, 0)
        open_ = (hours.index.as_unit("ns").asi8[number] <= moments) & (
            moments < hours.decided_at.as_unit("ns").asi8[number]
        )
        return np.where(open_, hours.session.to_numpy("datetime64[D]")[number], days)

    def _hours_of(self, first: pd.Timestamp, last: pd.Timestamp) -> Grid:
        """Return each session as one bar from its open to its close; those of the widest span so far are kept."""
        kept = self._hours
        if kept is None or first < kept.index[0] or last > kept.index[-1]:
            if kept is not None:
                first, last = min(first, kept.index[0]), max(last, kept.index[-1])
            self._hours = kept = self.calendar.grid(first - _LONGEST_BREAK, last + _LONGEST_BREAK, _DAY)
        return kept

    def _last_over(self) -> date:
        today = self._now.tz_localize(None).normalize()
        sessions = self.calendar.sessions(today - _LONGEST_BREAK, today + _DAY)
        over = sessions[self.calendar.session_close(sessions) <= self._now]
        if over.empty:
            raise DataError(
                f"{self.calendar.name} had no session in the last {_LONGEST_BREAK.days} days; see the clock"
            )
        return over[-1].date()

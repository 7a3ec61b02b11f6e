"""The exchange's sessions and the grid of bars within them."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from quantstrats.errors import DataError, did_you_mean

if TYPE_CHECKING:
    from numpy.typing import NDArray

# Sessions are numbered from the first one of this year on, so that "every 21 sessions" means the same days
# wherever a Market begins.
NUMBERING_YEAR = 1990

PERIODS = ("week", "month", "quarter", "year")


@dataclass(frozen=True)
class Grid:
    """The rows that a Market must have.

    Attributes
    ----------
    index : DatetimeIndex
        Labels: session dates without time zone for daily bars, bar starts in UTC for intraday bars.
    decided_at : DatetimeIndex
        The instant (UTC) at which each bar is complete.
    session : DatetimeIndex
        The session of each row, without time zone.
    """

    index: pd.DatetimeIndex
    decided_at: pd.DatetimeIndex
    session: pd.DatetimeIndex


class Calendar:
    """Sessions of one exchange, by its ISO code (``XNYS``), or ``24/7`` for markets that never close.

    Parameters
    ----------
    name : str
        A calendar name of the package exchange_calendars.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        # An unknown name is told at once, not when the first bar is placed.
        _check_name(name)

    def __repr__(self) -> str:
        return f"Calendar({self.name!r})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Calendar) and other.name == self.name

    def __hash__(self) -> int:
        return hash(self.name)

    def sessions(self, first: pd.Timestamp, last: pd.Timestamp) -> pd.DatetimeIndex:
        """Return the sessions from ``first`` to ``last``, both included, as dates without time zone."""
        every = self._exchange(first, last).sessions
        return pd.DatetimeIndex(every[(every >= first.normalize()) & (every <= last.normalize())], freq=None)

    def grid(self, first: pd.Timestamp, last: pd.Timestamp, bar: pd.Timedelta | None) -> Grid:
        """Return every bar that the exchange offers from label ``first`` to label ``last``.

        Parameters
        ----------
        first, last : Timestamp
            Labels: session dates for daily bars, instants for intraday bars.
        bar : Timedelta or None
            Length of an intraday bar; None for one bar a session.
        """
        if bar is None:
            sessions = self.sessions(first, last)
            return Grid(sessions, self.session_close(sessions), sessions)
        return self._intraday_grid(first, last, bar)

    def session_close(self, session: pd.DatetimeIndex) -> pd.DatetimeIndex:
        """Return the closing instant (UTC) of each given session."""
        closes = self._exchange(session[0], session[-1]).closes.loc[session]
        return pd.DatetimeIndex(closes.to_numpy(), tz="UTC")

    def session_number(self, session: pd.DatetimeIndex) -> NDArray[np.int64]:
        """Number sessions from the first one of 1990 (0) on; earlier ones are negative."""
        every = self._exchange(session[0], session[-1]).sessions
        origin = int(every.searchsorted(pd.Timestamp(NUMBERING_YEAR, 1, 1)))
        return np.asarray(every.searchsorted(session) - origin, dtype="int64")

    def starts_period(self, session: pd.DatetimeIndex, period: str) -> NDArray[np.bool_]:
        """Tell which rows are the first of a new week, month, quarter or year of this exchange.

        Parameters
        ----------
        session : DatetimeIndex
            The session of each row, ascending; intraday rows repeat it.
        period : str
            One of ``PERIODS``.

        Returns
        -------
        array of bool
            True where the row's session falls in another period than the exchange's session before it, and no
            earlier row of ``session`` has that session. It never depends on where ``session`` starts.
        """
        every = self._exchange(session[0], session[-1]).sessions
        position = np.asarray(every.searchsorted(session))
        key = every.to_period(period[0].upper()).asi8
        first_row_of_session = np.append(True, position[1:] != position[:-1])
        changed = np.append(True, key[1:] != key[:-1])
        return first_row_of_session & changed[position]

    def bars_per_year(self, bar: pd.Timedelta | None) -> float:
        """Return how many bars a usual year has: 252 sessions, or 365 where the market never closes."""
        around_the_clock = self.name == "24/7"
        sessions = 365.0 if around_the_clock else 252.0
        if bar is None:
            return sessions
        exchange = self._exchange(pd.Timestamp(NUMBERING_YEAR, 1, 1), pd.Timestamp(NUMBERING_YEAR, 12, 31))
        length = (exchange.closes - exchange.opens).median()
        return sessions * float(np.ceil(length / bar))

    def _intraday_grid(self, first: pd.Timestamp, last: pd.Timestamp, bar: pd.Timedelta) -> Grid:
        exchange = self._exchange(first, last)
        zone = str(exchange.tz)
        days = self.sessions(_local_day(first, zone), _local_day(last, zone))
        opens, closes = exchange.opens.loc[days], exchange.closes.loc[days]
        bars = np.ceil((closes - opens) / bar).to_numpy().astype("int64")
        within = np.arange(bars.sum()) - np.repeat(np.cumsum(bars) - bars, bars)
        start = pd.DatetimeIndex(np.repeat(opens.dt.tz_localize(None).to_numpy(), bars)) + within * bar
        close = pd.DatetimeIndex(np.repeat(closes.dt.tz_localize(None).to_numpy(), bars))
        complete = pd.DatetimeIndex(np.minimum(start + bar, close)).tz_localize("UTC")
        index = start.tz_localize("UTC")
        inside = (index >= first) & (index <= last)
        return Grid(index[inside], complete[inside], pd.DatetimeIndex(np.repeat(days.to_numpy(), bars))[inside])

    def _exchange(self, first: pd.Timestamp, last: pd.Timestamp) -> Any:
        return _exchange_calendar(self.name, min(first.year - 1, NUMBERING_YEAR - 1), last.year + 1)


def _local_day(instant: pd.Timestamp, zone: str) -> pd.Timestamp:
    return instant.tz_convert(zone).tz_localize(None).normalize()


def _check_name(name: str) -> None:
    import exchange_calendars

    names = exchange_calendars.get_calendar_names(include_aliases=True)
    if name not in names:
        hint = did_you_mean(name, names)
        raise DataError(f"no exchange calendar called {name!r}{hint} (XNYS is New York, 24/7 never closes)")


@functools.lru_cache(maxsize=16)
def _exchange_calendar(name: str, first_year: int, last_year: int) -> Any:
    import exchange_calendars

    start, end = pd.Timestamp(first_year, 1, 1), pd.Timestamp(last_year, 12, 31)
    try:
        return exchange_calendars.get_calendar(name, start=start, end=end)
    except ValueError:
        # Some exchanges are known only from, or up to, a certain day.
        bounded = type(exchange_calendars.get_calendar(name))
        earliest, latest = bounded.bound_min() or start, bounded.bound_max() or end
        return exchange_calendars.get_calendar(name, start=max(start, earliest), end=min(end, latest))

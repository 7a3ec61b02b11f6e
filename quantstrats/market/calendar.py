"""The exchange's sessions and the grid of bars within them."""

from __future__ import annotations

import functools
import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from quantstrats.errors import DataError, did_you_mean, in_one_line

if TYPE_CHECKING:
    from numpy.typing import NDArray

# Sessions are numbered from the first one of this year on, so that "every 21 sessions" means the same days
# wherever a Market begins.
NUMBERING_YEAR = 1990
# Its hours tell how many bars a usual session has; every exchange is known in it.
USUAL_YEAR = 2023

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
        within = (every >= first.normalize()) & (every <= last.normalize())
        return pd.DatetimeIndex(every[within].to_numpy())

    def grid(self, first: pd.Timestamp, last: pd.Timestamp, bar: pd.Timedelta | None) -> Grid:
        """Return every bar that the exchange offers from label ``first`` to label ``last``.

        Intraday bars are laid from the open on; the last one of a session may be shorter. None lies wholly within
        a lunch break.

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
        exchange = self._exchange(first, last)
        grid = _bars(exchange, exchange.sessions[(exchange.closes > first) & (exchange.opens <= last)], bar)
        inside = (grid.index >= first) & (grid.index <= last)
        return Grid(grid.index[inside], grid.decided_at[inside], grid.session[inside])

    def session_close(self, session: pd.DatetimeIndex) -> pd.DatetimeIndex:
        """Return the closing instant (UTC) of each given session."""
        if session.empty:
            return pd.DatetimeIndex([], tz="UTC")
        closes = self._exchange(session[0], session[-1]).closes.loc[session]
        return pd.DatetimeIndex(closes.to_numpy(), tz="UTC")

    def local_times(self, index: pd.DatetimeIndex) -> pd.DatetimeIndex:
        """Return instants as the exchange's clock shows them, without time zone; dates of sessions as they are."""
        if index.tz is None or not len(index):
            return index.tz_localize(None)
        return index.tz_convert(self._exchange(index[0], index[-1]).tz).tz_localize(None)

    def zone(self, moment: pd.Timestamp) -> str:
        """Return the name of the exchange's time zone; ``moment`` is any instant of the data."""
        return str(self._exchange(moment, moment).tz)

    def session_number(self, session: pd.DatetimeIndex) -> NDArray[np.int64]:
        """Return each session's number: 0 for the first one of 1990 (or ever, if that is later), then 1, 2 ..."""
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
        starts: NDArray[np.bool_] = first_row_of_session & changed[position]
        return starts

    def bars_left(self, session: pd.DatetimeIndex, index: pd.DatetimeIndex, bar: pd.Timedelta) -> NDArray[np.int64]:
        """Return how many bars the exchange still has in the session after each intraday row.

        Parameters
        ----------
        session, index : DatetimeIndex
            The session and the label of each row, ascending, on the grid.
        bar : Timedelta
            Length of a bar.
        """
        whole = _bars(self._exchange(session[0], session[-1]), session.unique(), bar)
        last = whole.session.searchsorted(session, side="right") - 1
        return np.asarray(last - whole.index.get_indexer(index), dtype="int64")

    def bars_per_year(self, bar: pd.Timedelta | None) -> float:
        """Return how many bars a usual year has: 252 sessions, or 365 where the market never closes."""
        around_the_clock = self.name == "24/7"
        sessions = 365.0 if around_the_clock else 252.0
        if bar is None:
            return sessions
        year = pd.Timestamp(USUAL_YEAR, 1, 1), pd.Timestamp(USUAL_YEAR, 12, 31)
        grid = _bars(self._exchange(*year), self.sessions(*year), bar)
        return sessions * float(grid.session.value_counts().median())

    def _exchange(self, first: pd.Timestamp, last: pd.Timestamp) -> Any:
        # To the end of a decade, so that slices of one market share one calendar: making one takes half a second.
        last_year = -(-(last.year + 1) // 10) * 10
        exchange = _exchange_calendar(self.name, min(first.year - 1, NUMBERING_YEAR - 1), last_year)
        begins = pd.Timestamp(exchange.sessions[0])
        if last.tz_localize(None) < begins:
            raise DataError(f"the calendar {self.name} is known only from {begins.date()} on; drop the other rows")
        return exchange


def _bars(exchange: Any, sessions: pd.DatetimeIndex, bar: pd.Timedelta) -> Grid:
    """Lay bars on whole sessions."""
    times = exchange.schedule.loc[sessions].apply(lambda column: column.dt.tz_localize(None)).astype("datetime64[ns]")
    opens, closes = times["open"].to_numpy(), times["close"].to_numpy()
    length = bar.to_timedelta64().astype("timedelta64[ns]")
    counts = -((opens - closes) // length)  # rounded up
    within = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
    start = np.repeat(opens, counts) + within * length
    complete = np.minimum(start + length, np.repeat(closes, counts))
    # Where there is no break its bounds are NaT, and nothing lies within.
    asleep = start >= np.repeat(times["break_start"].to_numpy(), counts)
    asleep &= complete <= np.repeat(times["break_end"].to_numpy(), counts)
    awake = ~asleep
    return Grid(
        pd.DatetimeIndex(start[awake], tz="UTC"),
        pd.DatetimeIndex(complete[awake], tz="UTC"),
        pd.DatetimeIndex(np.repeat(sessions.to_numpy(), counts)[awake]),
    )


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
        # What the package uses of pandas is no concern of a user's.
        with warnings.catch_warnings(action="ignore", category=DeprecationWarning):
            try:
                return exchange_calendars.get_calendar(name, start=start, end=end)
            except ValueError:
                # Some exchanges are known only from, or up to, a certain day.
                bounded = type(exchange_calendars.get_calendar(name))
                start, end = max(start, bounded.bound_min() or start), min(end, bounded.bound_max() or end)
                return exchange_calendars.get_calendar(name, start=start, end=end)
    # Whatever keeps the package from making a calendar, the user needs another one or another span.
    except Exception as error:
        if start >= end:
            span = f"from {start.date()} on" if start.year > first_year else f"until {end.date()}"
            raise DataError(f"the calendar {name} is known only {span}; drop the other rows") from None
        version = f"exchange_calendars {exchange_calendars.__version__}"
        raise DataError(f"{version} cannot make the calendar {name}: {in_one_line(error)[:200]}") from error

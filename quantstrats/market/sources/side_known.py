"""When the values of a file were known: by the close of their day, or as a column says."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from quantstrats.market.sources.known import ends_of_days
from quantstrats.market.sources.times import localized

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from quantstrats.market.calendar import Calendar
    from quantstrats.market.sources.series import Series
    from quantstrats.market.sources.side_rows import SideRows


def known_at_close(rows: SideRows, about: pd.DatetimeIndex, exchange: Calendar) -> pd.DatetimeIndex:
    """Return the close of each day's session, or the end of the day where there is none.

    Raises
    ------
    DataError
        With the first row that is about an instant within a day.
    """
    days = about.tz_localize(None)
    rows.refuse(
        ~are_dates(about),
        lambda row: f"{about[row]} is no date; name the column by which a value is known, as in data.known_at: time",
    )
    known = ends_of_days(days, exchange.zone(days[0]))
    sessions = exchange.sessions(days.min(), days.max())
    closes = exchange.session_close(sessions)
    position = sessions.get_indexer(days)
    return pd.DatetimeIndex(np.where(position >= 0, closes.as_unit("ns")[position], known.as_unit("ns")), tz="UTC")


def known_as_said(
    rows: SideRows, about: pd.DatetimeIndex, said: pd.DatetimeIndex, exchange: Calendar, source: Series
) -> pd.DatetimeIndex:
    """Return the instants that a column says, the end of its day for a date.

    Each value is judged by itself, so that no other row of the file changes when it was known.

    Raises
    ------
    DataError
        With the first row that was known before what it is about.
    """
    home = exchange.zone(said[0])
    zone = source.time_zone or home
    known = _instants(rows, said, zone)
    only_dates = are_dates(said)
    known = known.where(~only_dates, ends_of_days(said.tz_localize(None), home))
    days = known.tz_convert(home).tz_localize(None).normalize()
    days = days.where(~only_dates, said.tz_localize(None))
    early = np.where(
        are_dates(about), np.asarray(days < about.tz_localize(None)), np.asarray(known < _instants(rows, about, zone))
    )
    rows.refuse(
        early,
        lambda row: (
            f"a value about {label(about[row])} was known before, at {label(said[row])} ({source.known_at}); "
            f"mend it, or set data.time: {source.known_at} if it is a forecast"
        ),
    )
    return known.tz_convert("UTC")


def are_dates(times: pd.DatetimeIndex) -> NDArray[np.bool_]:
    """Tell which times are dates: those of midnight, as they are written.

    Files tell a date from an instant at midnight by nothing that would outlive another program's saving. So midnight
    counts as a date, whose end is the later of the two.
    """
    local = times.tz_localize(None)
    return np.asarray(local == local.normalize())


def label(time: pd.Timestamp) -> str:
    """Return a time as text, a date as such."""
    return str(time.date() if time == time.normalize() else time)


def _instants(rows: SideRows, times: pd.DatetimeIndex, zone: str) -> pd.DatetimeIndex:
    """Return instants in UTC; what is a date may be any instant near it."""
    if times.tz is not None:
        return times.tz_convert("UTC")
    dates = are_dates(times)
    # No clock changes at noon, while a midnight may not exist.
    return localized(times.where(~dates, times + pd.Timedelta(hours=12)), zone, rows.place).tz_convert("UTC")

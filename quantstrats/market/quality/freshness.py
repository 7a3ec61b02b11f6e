"""Freshness: which symbols' bars lag behind the exchange."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from quantstrats.errors import DataError

if TYPE_CHECKING:
    import pandas as pd

    from quantstrats.market.calendar import Calendar


def stale_symbols(last_bars: Mapping[str, pd.Timestamp | None], calendar: Calendar, now: pd.Timestamp) -> pd.DataFrame:
    """Tell which symbols' last bar is older than the last session that is over.

    Parameters
    ----------
    last_bars : mapping of str to Timestamp, or None
        By symbol, the label of its last bar: the date of a session, or an instant; None if it has no bar.
    calendar : Calendar
        The exchange.
    now : Timestamp
        An instant, with its time zone.

    Returns
    -------
    DataFrame
        Those symbols, in the order given: ``symbol``, ``last`` (the session of the last bar), ``expected`` (the last
        session that is over) and ``sessions`` (how many lie after the last bar; missing where there is no bar).

    Raises
    ------
    DataError
        If ``now`` has no time zone, or the exchange had no session in the month before it.
    """
    import pandas as pd

    if now.tz is None:
        raise DataError(f"{now} has no time zone; give an instant, as in pd.Timestamp.now('UTC')")
    sessions = {symbol: _session(label, calendar) for symbol, label in last_bars.items()}
    today = now.tz_convert("UTC").tz_localize(None).normalize()
    known = [session for session in sessions.values() if session is not None]
    first = min([today - pd.Timedelta(days=30), *known])
    # A session east of here may already bear tomorrow's date.
    every = calendar.sessions(first, today + pd.Timedelta(days=1))
    over = every[calendar.session_close(every) <= now]
    if over.empty:
        raise DataError(f"{calendar.name} had no session in the month before {now}")
    rows: list[tuple[object, ...]] = []
    for symbol, session in sessions.items():
        if session is None:
            rows.append((symbol, pd.NaT, over[-1], None))
        elif session < over[-1]:
            rows.append((symbol, session, over[-1], int((over > session).sum())))
    frame = pd.DataFrame(rows, columns=["symbol", "last", "expected", "sessions"])
    return frame.astype({"last": "datetime64[ns]", "expected": "datetime64[ns]", "sessions": "Int64"})


def _session(label: pd.Timestamp | None, calendar: Calendar) -> pd.Timestamp | None:
    """Return the session of a bar."""
    import pandas as pd

    if label is None:
        return None
    return pd.Timestamp(calendar.local_times(pd.DatetimeIndex([label]))[0]).normalize()

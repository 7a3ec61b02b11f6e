"""The clock and the calendar as JSON."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any

from quantstrats.simulator.protocol.errors import bad_field
from quantstrats.simulator.protocol.queries import Query, day
from quantstrats.simulator.times import MINUTE, NS, new_york, new_york_ns

if TYPE_CHECKING:
    from quantstrats.simulator.sessions import Session, Sessions


def clock_json(now: int, sessions: Sessions, offset: int = 0) -> dict[str, Any]:
    """Return the clock as the broker sends it, in New York's time.

    Parameters
    ----------
    now : int
        Nanoseconds since 1970 (UTC).
    sessions : Sessions
        The exchange's.
    offset : int, optional
        Nanoseconds by which the told time is wrong.
    """
    return {
        "timestamp": _local(now + offset),
        "is_open": sessions.is_open(now),
        "next_open": _local(sessions.next_open(now)),
        "next_close": _local(sessions.next_close(now)),
    }


def calendar_json(sessions: Sessions, query: Query) -> list[dict[str, str]]:
    """Return the sessions from ``start`` to ``end``, as far as they are known.

    Raises
    ------
    Refused
        422 for what is no date, or an end before the start.
    """
    start, end = day(query, "start"), day(query, "end")
    if start and end and end < start:
        raise bad_field("end must not be before start")
    first, last = _known(start or date.min, sessions), _known(end or date.max, sessions)
    if (start and start > sessions.known_until) or (end and end < sessions.known_from):
        return []
    return [_session_json(session) for session in sessions.between(first, last)]


def _session_json(session: Session) -> dict[str, str]:
    # The clocks change on Sundays, so that minutes since midnight are what the clock shows on a day with a session.
    midnight = new_york_ns(session.day)
    opened, closed, first, last = (
        divmod((each - midnight) // MINUTE, 60) for each in (session.open, session.close, session.first, session.last)
    )
    return {
        "date": session.day.isoformat(),
        "open": f"{opened[0]:02d}:{opened[1]:02d}",
        "close": f"{closed[0]:02d}:{closed[1]:02d}",
        "session_open": f"{first[0]:02d}{first[1]:02d}",
        "session_close": f"{last[0]:02d}{last[1]:02d}",
    }


def _known(asked: date, sessions: Sessions) -> date:
    return min(max(asked, sessions.known_from), sessions.known_until)


def _local(ns: int) -> str:
    moment = new_york(ns)
    offset = f"{moment:%z}"
    rest = ns % NS
    fraction = f".{rest:09d}".rstrip("0") if rest else ""
    return f"{moment:%Y-%m-%dT%H:%M:%S}{fraction}{offset[:3]}:{offset[3:]}"

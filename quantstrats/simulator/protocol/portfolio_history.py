"""An account's worth over time as JSON."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from quantstrats.simulator.protocol.errors import bad_field
from quantstrats.simulator.protocol.queries import Query, instant, word
from quantstrats.simulator.times import MINUTE, NS, day_in_new_york, new_york_ns

_MINUTES = {"1Min": 1, "5Min": 5, "15Min": 15, "1H": 60}
_UNITS = {"D": 1, "W": 7, "M": 31, "A": 366, "Y": 366}
_USUAL_DAYS = 31
_LONGEST_PERIOD = 4
_MOST_DAYS = 10_000


def portfolio_history_json(
    history: Sequence[tuple[int, Decimal]], query: Query, start_equity: Decimal, now: int
) -> dict[str, Any]:
    """Return what an account was worth, as the broker sends it: parallel arrays of numbers.

    Each window is told by its start (a day by its midnight in New York) and with what the account was worth at its
    end.

    Parameters
    ----------
    history : sequence of (int, Decimal)
        When (nanoseconds since 1970, UTC) and dollars, ascending.
    query : mapping of str to str
        ``period`` as 1D, 2W, 3M or 1A; ``timeframe`` 1Min, 5Min, 15Min, 1H or 1D; ``start``, ``end`` or ``date_end``.
    start_equity : Decimal
        Dollars before the first of ``history``.
    now : int
        Nanoseconds since 1970 (UTC).

    Raises
    ------
    Refused
        422 for a parameter that makes no sense.
    """
    first, last, days = _span(query, now)
    usual = "1Min" if days < 7 else "15Min" if days < 30 else "1D"
    timeframe = word(query, "timeframe", (*_MINUTES, "1D"), usual)
    base, points = start_equity, dict[int, Decimal]()
    for time, equity in history:
        if time <= first:
            base = equity
        elif time <= last:
            points[_window(time, timeframe)] = equity
    gains = [equity - base for equity in points.values()]
    return {
        "timestamp": list(points),
        "equity": [float(equity) for equity in points.values()],
        "profit_loss": [float(gain) for gain in gains],
        "profit_loss_pct": [float(gain / base) if base else None for gain in gains],
        "base_value": float(base),
        "base_value_asof": day_in_new_york(first).isoformat(),
        "timeframe": timeframe,
        "cashflow": {},
    }


def _span(query: Query, now: int) -> tuple[int, int, int]:
    """Return after which instant and up to which it is asked, and how many days that is."""
    start, end, days = instant(query, "start"), instant(query, "end"), _days(query)
    if end is None:
        end = instant(query, "date_end")
        # A day is asked for to its end.
        end = now if end is None else end + 24 * 60 * MINUTE
    if start is None:
        start = new_york_ns(_day_before(day_in_new_york(end), days or _USUAL_DAYS))
    elif days is not None:
        end = min(end, start + days * 24 * 60 * MINUTE)
    if end < start:
        raise bad_field("end must not be before start")
    return start, end, days or max((end - start) // (24 * 60 * MINUTE), 1)


def _day_before(day: date, days: int) -> date:
    # The first day of a period is part of it.
    return day - timedelta(days=min(days, _MOST_DAYS) - 1)


def _days(query: Query) -> int | None:
    period = query.get("period")
    if not period:
        return None
    number, unit = period[:-1], period[-1]
    is_number = number.isascii() and number.isdigit() and len(number) <= _LONGEST_PERIOD
    if unit not in _UNITS or not is_number or int(number) == 0:
        raise bad_field("invalid period: give a number and D, W, M or A")
    return int(number) * _UNITS[unit]


def _window(time: int, timeframe: str) -> int:
    """Return the start of the window that ends at or after an instant, in seconds since 1970."""
    if timeframe == "1D":
        return new_york_ns(day_in_new_york(time)) // NS
    width = _MINUTES[timeframe] * MINUTE
    return (time - 1) // width * width // NS

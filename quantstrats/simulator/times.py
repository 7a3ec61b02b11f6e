"""Instants: nanoseconds since 1970 (UTC), their texts, and New York's clock."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

NS = 1_000_000_000
MINUTE = 60 * NS

_EPOCH = datetime(1970, 1, 1)  # in UTC: without a zone it counts faster
_INSTANT = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)[Tt](\d\d):(\d\d):(\d\d)(?:\.(\d{1,9})\d*)?(?:[Zz]|([+\- ])(\d\d):(\d\d))", re.ASCII
)
_DAY = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
# What the bars' int64 arrays can be compared with: 1677 to 2262.
_FIRST, _LAST = -(2**63) + 1, 2**63 - 1


def rfc3339(ns: int) -> str:
    """Return an instant as text in UTC: ``2024-03-01T14:30:00Z``, with a fraction only where there is one."""
    seconds, rest = divmod(ns, NS)
    text = _to_the_second(seconds)
    return f"{text}.{rest:09d}".rstrip("0") + "Z" if rest else f"{text}Z"


def parse_time(text: str) -> int:
    """Return the instant that a text means.

    Parameters
    ----------
    text : str
        RFC 3339 with any offset, or a date alone, which is its midnight in New York. A ``+`` that a query string
        turned into a space is read as one. Digits beyond the nanosecond are dropped.

    Returns
    -------
    int
        Nanoseconds since 1970 (UTC). Before 1677 or after 2262 the earliest or latest instant that fits 64 bits.

    Raises
    ------
    ValueError
        If it is neither.
    """
    if _DAY.fullmatch(text):
        return _fitting(new_york_ns(date.fromisoformat(text)))
    match = _INSTANT.fullmatch(text)
    if match is None:
        raise ValueError(f"{text!r} is no time; give RFC 3339, as 2024-03-01T14:30:00Z, or a date")
    *fields, fraction, sign, hours, minutes = match.groups()
    moment = datetime(*map(int, fields))  # type: ignore[arg-type]
    ns = (moment - _EPOCH) // timedelta(seconds=1) * NS + int((fraction or "").ljust(9, "0"))
    if sign:
        if int(hours) > 23 or int(minutes) > 59:
            raise ValueError(f"{text!r} has an offset beyond 23:59")
        offset = (int(hours) * 60 + int(minutes)) * MINUTE
        ns += offset if sign == "-" else -offset
    return _fitting(ns)


def new_york(ns: int) -> datetime:
    """Return an instant as New York's clock shows it, with its zone; digits beyond the microsecond are dropped."""
    seconds, rest = divmod(ns, NS)
    return datetime.fromtimestamp(seconds, _zone()).replace(microsecond=rest // 1000)


def day_in_new_york(ns: int) -> date:
    """Return the date on New York's calendar at an instant."""
    return _day_at_minute(ns // MINUTE)


@lru_cache(maxsize=4096)
def new_york_ns(day: date, hour: int = 0, minute: int = 0) -> int:
    """Return the instant at which New York's clock shows a time of a day."""
    local = datetime(day.year, day.month, day.day, hour, minute, tzinfo=_zone())
    return (local - _utc_epoch()) // timedelta(seconds=1) * NS


def _zone() -> ZoneInfo:
    return ZoneInfo("America/New_York")


def _utc_epoch() -> datetime:
    return _EPOCH.replace(tzinfo=UTC)


def _fitting(ns: int) -> int:
    return min(max(ns, _FIRST), _LAST)


@lru_cache(maxsize=4096)
def _to_the_second(seconds: int) -> str:
    return (_EPOCH + timedelta(seconds=seconds)).isoformat()


# No zone ever changed its offset within a minute since New York has one.
@lru_cache(maxsize=4096)
def _day_at_minute(minute: int) -> date:
    return datetime.fromtimestamp(minute * 60, _zone()).date()

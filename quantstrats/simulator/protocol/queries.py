"""The query of a request: its words, flags, counts, days and instants."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from urllib.parse import parse_qsl

from quantstrats.simulator.protocol.errors import bad_field
from quantstrats.simulator.times import parse_time

Query = Mapping[str, str]

_TRUE = frozenset({"1", "t", "T", "true", "TRUE", "True"})
_FALSE = frozenset({"0", "f", "F", "false", "FALSE", "False"})
_MOST_FIELDS = 1000
_LONGEST_COUNT = 18


def query_of(text: bytes) -> Query:
    """Return a query's fields. Of a field that is there twice the first counts, as with the broker.

    Raises
    ------
    Refused
        422 for more fields than anyone needs.
    """
    if not text:
        return {}
    try:
        pairs = parse_qsl(text.decode("latin-1"), keep_blank_values=True, max_num_fields=_MOST_FIELDS)
    except ValueError:
        raise bad_field("too many query parameters") from None
    fields: dict[str, str] = {}
    for name, value in pairs:
        fields.setdefault(name, value)
    return fields


def word(query: Query, name: str, known: Sequence[str], default: str) -> str:
    """Return one of several words; Refused (422) for another."""
    value = query.get(name) or default
    if value not in known:
        raise bad_field(f"invalid {name}: must be one of {', '.join(known)}")
    return value


def words(query: Query, name: str) -> list[str]:
    """Return a list that is separated by commas; empty where there is none."""
    return [each.strip() for each in query.get(name, "").split(",") if each.strip()]


def flag(query: Query, name: str, *, default: bool = False) -> bool:
    """Return a boolean; Refused (422) for what is none."""
    value = query.get(name)
    if not value:
        return default
    if value in _TRUE:
        return True
    if value in _FALSE:
        return False
    raise bad_field(f"invalid {name}: must be true or false")


def count(query: Query, name: str, default: int, most: int) -> int:
    """Return a whole number from 1 to ``most``; Refused (422) for another."""
    value = query.get(name)
    if not value:
        return default
    is_number = value.isascii() and value.isdigit() and len(value) <= _LONGEST_COUNT
    if not is_number or not 1 <= int(value) <= most:
        raise bad_field(f"invalid {name}: must be between 1 and {most}")
    return int(value)


def instant(query: Query, name: str) -> int | None:
    """Return an instant in nanoseconds since 1970 (UTC), None where there is none; Refused (422) for what is none."""
    value = query.get(name)
    if not value:
        return None
    try:
        return parse_time(value)
    except ValueError:
        raise bad_field(f"invalid {name}: must be RFC 3339 or a date") from None


def day(query: Query, name: str) -> date | None:
    """Return a day, None where there is none; Refused (422) for what is none. Of an instant its date is taken."""
    value = query.get(name)
    if not value:
        return None
    try:
        return date.fromisoformat(value[:10])
    except ValueError:
        raise bad_field(f"invalid {name}: must be YYYY-MM-DD") from None

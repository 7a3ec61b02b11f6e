"""Plain values as JSON and back, with the kind told of what JSON alone would change: tuples, dicts, dates."""

from __future__ import annotations

import math
from collections.abc import Callable
from datetime import date, datetime
from typing import Any, NoReturn


class UnsafeStateError(ValueError):
    """A fitted signal holds something that no safe format carries, or a stored one cannot be trusted."""


def described(value: Any) -> str:
    """Return what a value is, for a message."""
    return f"a {type(value).__module__}.{type(value).__qualname__}"


def to_plain(value: Any, other: Callable[[Any], dict[str, Any]]) -> Any:
    """Return JSON that says what a value is.

    A subclass of a plain type, a named tuple for instance, would come back as that type, so it is not taken for one.

    Parameters
    ----------
    value : object
        Of any kind.
    other : callable
        Returns JSON, a dict of one item, for a value that is not plain.
    """
    kind = type(value)
    if value is None or kind in (bool, str, int):
        return value
    if kind is float:
        return value if math.isfinite(value) else {"float": repr(value)}
    if kind in (tuple, list):
        return {kind.__name__: [to_plain(item, other) for item in value]}
    if kind is dict:
        return {"dict": [[to_plain(key, other), to_plain(item, other)] for key, item in value.items()]}
    return _plain_time(value) if isinstance(value, date) else other(value)


def _nothing_else(kind: str, _: Any) -> NoReturn:
    raise UnsafeStateError(f"no plain value is called {kind!r}")


def from_plain(value: Any, other: Callable[[str, Any], Any] = _nothing_else) -> Any:
    """Return what JSON describes.

    Parameters
    ----------
    value : object
        What ``to_plain`` returned.
    other : callable, optional
        Makes what is not plain, of the key and the value of its dict.
    """
    if not isinstance(value, dict):
        return value
    ((kind, content),) = value.items()
    if kind == "float":
        return float(content)
    if kind in ("tuple", "list"):
        return (tuple if kind == "tuple" else list)(from_plain(item, other) for item in content)
    if kind == "dict":
        return {from_plain(key, other): from_plain(item, other) for key, item in content}
    return _TIMES[kind](content) if kind in _TIMES else other(kind, content)


def _plain_time(value: date) -> dict[str, str]:
    kind = type(value).__name__
    if kind not in _TIMES or _TIMES[kind](value.isoformat()) != value:
        raise UnsafeStateError(f"{described(value)}, which no safe format carries")
    return {kind: value.isoformat()}


def _timestamp(text: str) -> Any:
    import pandas as pd

    return pd.Timestamp(text)


_TIMES = {"date": date.fromisoformat, "datetime": datetime.fromisoformat, "Timestamp": _timestamp}

"""Faults of the clock: what the server tells of the time is off."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from quantstrats.simulator.times import NS, parse_time, rfc3339

if TYPE_CHECKING:
    from quantstrats.simulator.faults.occasions import On

_STAMPS = re.compile(rb'"(timestamp|transaction_time|(?!expires_at)[a-z_]+_at)":"([^"]+)"')
_NAMES = re.compile(r"timestamp|transaction_time|(?!expires_at)[a-z_]+_at")
_MOST_SECONDS = 10 * 365 * 86_400


@dataclass(frozen=True, kw_only=True)
class Skew:
    """All that the server tells of the time is so many seconds ahead (negative: behind), as long as ``on`` says."""

    fault: ClassVar[str] = "skew"
    occasion: ClassVar[str] = "window"

    seconds: float

    def __post_init__(self) -> None:
        if not 0 < abs(self.seconds) <= _MOST_SECONDS:
            raise ValueError(f"seconds is {self.seconds:g}; give how far the clock is ahead, or behind (negative)")

    def check(self, on: On) -> None:
        """Raise ValueError where it does not know from when; a skew needs nothing."""


@dataclass(frozen=True, kw_only=True)
class Jump(Skew):
    """The server's clock jumps by so many seconds at a time (``at``), and stays off."""

    fault: ClassVar[str] = "jump"

    def check(self, on: On) -> None:
        """Raise ValueError where it does not know when."""
        if on.at is None:
            raise ValueError("needs to know when: on: {at: ...}")


def retimed_body(body: bytes, offset: int) -> bytes:
    """Return an answer in JSON with the instants in it moved: when things were done, not when they will be.

    Parameters
    ----------
    body : bytes
        Without blanks between names and values.
    offset : int
        Nanoseconds.
    """
    return _STAMPS.sub(lambda found: b'"%s":"%s"' % (found[1], _moved(found[2].decode(), offset).encode()), body)


def retimed(message: dict[str, Any], offset: int) -> dict[str, Any]:
    """Return a message of the stream of orders with the instants in it moved by so many nanoseconds."""
    moved: dict[str, Any] = {}
    for name, value in message.items():
        if isinstance(value, dict):
            moved[name] = retimed(value, offset)
        elif isinstance(value, str) and _NAMES.fullmatch(name):
            moved[name] = _moved(value, offset)
        else:
            moved[name] = value
    return moved


def nanoseconds(seconds: float) -> int:
    """Return seconds in nanoseconds."""
    return round(seconds * NS)


def _moved(text: str, offset: int) -> str:
    try:
        return rfc3339(parse_time(text) + offset)
    except ValueError:
        return text

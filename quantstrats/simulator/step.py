"""What a step of the clock has brought, for whoever moves it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from quantstrats.simulator.events import BarEvent, Event
from quantstrats.simulator.times import NS, parse_time

if TYPE_CHECKING:
    import pandas as pd

    from quantstrats.simulator.tape import Tape

FIELDS = ("open", "high", "low", "close", "volume")


@dataclass(frozen=True)
class Step:
    """A step of the clock.

    Attributes
    ----------
    time : Timestamp
        The clock after it (UTC).
    completed_at : Timestamp or None
        When the step's last bar was complete (UTC); None where none was.
    events : tuple of Event
        What happened, in order.
    bars : dict of str to tuple of five floats
        That bar by symbol: open, high, low, close and volume as the Market holds them, to the last bit; symbols
        without a bar are left out. A volume that is not known is NaN.
    row : int or None
        Its row in the Market.
    """

    time: pd.Timestamp
    completed_at: pd.Timestamp | None
    events: tuple[Event, ...]
    bars: dict[str, tuple[float, float, float, float, float]] = field(repr=False)
    row: int | None = None


def step_of(tape: Tape, now: int, events: Sequence[Event]) -> Step:
    """Return a step.

    Parameters
    ----------
    tape : Tape
        The bars.
    now : int
        The clock, in nanoseconds since 1970 (UTC).
    events : sequence of Event
        What happened.
    """
    import pandas as pd

    told = [event for event in events if isinstance(event, BarEvent) and event.kind == "b"]
    last = told[-1] if told else None
    return Step(
        time=pd.Timestamp(now, unit="ns", tz="UTC"),
        completed_at=None if last is None else pd.Timestamp(last.time, unit="ns", tz="UTC"),
        events=tuple(events),
        bars={} if last is None else _bars(tape, last.row),
        row=None if last is None else last.row,
    )


def _bars(tape: Tape, row: int) -> dict[str, tuple[float, float, float, float, float]]:
    columns = [tape.bars[name][row].tolist() for name in FIELDS]
    return {
        symbol: (opened, high, low, close, volume)
        for symbol, opened, high, low, close, volume in zip(tape.symbols, *columns, strict=True)
        if close == close  # NaN differs from itself
    }


def instant(time: str | int | dt.datetime | pd.Timestamp) -> int:
    """Return an instant in nanoseconds since 1970 (UTC); ValueError if it is none."""
    if isinstance(time, str):
        return parse_time(time)
    if isinstance(time, dt.datetime):
        if time.tzinfo is None:
            raise ValueError(f"{time} has no time zone")
        whole = getattr(time, "as_unit", None)
        if whole is not None:
            return int(whole("ns").value)
        return int(time.replace(microsecond=0).timestamp()) * NS + time.microsecond * 1000
    return int(time)

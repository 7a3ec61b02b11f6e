"""How far back a forecast looks: windows, refits and resets on the exchange's calendar, through parts of parts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from quantstrats.calls import warmup_of
from quantstrats.learning.learner import Learner, training_start
from quantstrats.signals import Signal, parts_of

if TYPE_CHECKING:
    from quantstrats.market.timeline import Timeline


@dataclass(frozen=True)
class Segment:
    """Rows whose forecasts come from one slice of the market.

    Attributes
    ----------
    start, stop : int
        The rows from ``start`` up to, not including, ``stop``.
    window : int
        First row of the slice that the forecast is asked on.
    first : int
        First row on which anything in the segment depends: the window's, or that of the training rows before it.
    """

    start: int
    stop: int
    window: int
    first: int


def period_of(signal: Signal) -> str | None:
    """Return the calendar period at which the signal starts afresh: a learner's refit, a signal's reset, or None."""
    return signal.refit if isinstance(signal, Learner) else signal.resets


def segments(signal: Signal, rows: Timeline) -> list[Segment]:
    """Return the segments of a signal that starts afresh each period, in order; those that reach back too far too."""
    warmup = warmup_of(signal)
    starts = np.flatnonzero(rows.starts_period(str(period_of(signal)))).tolist()
    stops = [*starts[1:], len(rows)] if starts else []  # a few days of bars may lie within one period
    found = []
    for start, stop in zip(starts, stops, strict=True):
        window = first = start - (warmup - 1)
        if isinstance(signal, Learner):
            first = training_start(signal, rows, start, warmup)
            if first + warmup - 1 >= start:  # not one row to train on
                continue
        found.append(Segment(start, stop, window, min(first, window)))
    return found


def first_row(signal: Signal, rows: Timeline, since: int = 0) -> int:
    """Return the first row whose forecast has all that it depends on; ``len(rows)`` where none has.

    Parameters
    ----------
    signal : Signal
        Whose forecast is asked; its parts count too.
    rows : Timeline
        The rows there are.
    since : int, default 0
        First row that is complete: what stands before it may not be used.
    """
    known = max([since, *(first_row(part, rows, since) for part in parts_of(signal).values())])
    if period_of(signal) is None:
        return min(known + warmup_of(signal) - 1, len(rows))
    return next((part.start for part in segments(signal, rows) if part.first >= known), len(rows))


def first_needed(signal: Signal, rows: Timeline, row: int) -> int | None:
    """Return the first row on which the forecast of ``row`` depends; None where these rows do not go back so far."""
    if period_of(signal) is None:
        first = row - (warmup_of(signal) - 1)
    else:
        serving = next((part for part in segments(signal, rows) if part.start <= row < part.stop), None)
        if serving is None:
            return None
        first = serving.first
    if first < 0:
        return None
    parts = [first_needed(part, rows, first) for part in parts_of(signal).values()]
    known = [part for part in parts if part is not None]
    return min([first, *known]) if len(known) == len(parts) else None

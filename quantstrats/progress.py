"""Progress: what takes long says how far it is, to whoever looks."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Protocol


class Advance(Protocol):
    """Tells that some of the work is done."""

    def __call__(self, n: int = 1) -> None:
        """Count ``n`` more pieces of work as done."""


@dataclass(eq=False)
class Stage:
    """A piece of work that has begun.

    Attributes
    ----------
    label : str
        What is being done, in a word or two.
    total : int or None
        How many pieces it has; None if unknown.
    done : int
        How many of them are done.
    began : float
        When it began, in seconds of ``time.monotonic``.
    """

    label: str
    total: int | None = None
    done: int = 0
    began: float = field(default_factory=time.monotonic)

    def advance(self, n: int = 1) -> None:
        """Count ``n`` more pieces of work as done."""
        self.done += n


_running: list[Stage] = []  # of the whole process: who looks at it stands in another thread


@contextmanager
def stage(label: str, total: int | None = None) -> Iterator[Advance]:
    """Mark a piece of work that may take long, and give the function that counts what is done of it.

    Stages may lie within others. A stage writes nothing and costs about a microsecond; a display, such as that of the
    command line, looks at :func:`running` from time to time.

    Examples
    --------
    >>> with stage("trading", total=3) as advance:
    ...     for _ in range(3):
    ...         advance()
    """
    begun = Stage(label, total)
    _running.append(begun)
    try:
        yield begun.advance
    finally:
        _running.remove(begun)


def running() -> tuple[Stage, ...]:
    """Return the stages that have begun and not ended, the outermost first."""
    return tuple(_running)

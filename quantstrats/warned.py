"""What strangers' code warns of while a run listens: lines for the run's log instead of lines on the terminal."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from types import FrameType
from typing import Any, TextIO, TypeVar

from quantstrats.errors import in_one_line

T = TypeVar("T")

MOST = 20  # different warnings that are told of


class Warned:
    """The warnings that were heard: each different one once, with a count, in the order in which they came first."""

    def __init__(self) -> None:
        self._times: dict[str, int] = {}
        self._further = 0

    def add(self, line: str) -> None:
        """Count a warning; one that is new beyond the first twenty is counted with all others of that kind."""
        if line in self._times or len(self._times) < MOST:
            self._times[line] = self._times.get(line, 0) + 1
        else:
            self._further += 1

    def lines(self) -> list[str]:
        """Return a line for each different warning, and one for those that are only counted."""
        told = [line if times == 1 else f"{line}, {times:,} times" for line, times in self._times.items()]
        return [*told, *([f"and {self._further:,} more warnings of other kinds"] if self._further else [])]


_listener: ContextVar[Warned | None] = ContextVar("listener", default=None)


@contextmanager
def listening(warned: Warned) -> Iterator[None]:
    """Let ``warned`` have what is heard meanwhile, and nobody else."""
    before = _listener.set(warned)
    try:
        yield
    finally:
        _listener.reset(before)


def heard(who: str, module: str, call: Callable[..., T], *arguments: Any) -> T:
    """Call a stranger's function, and hear what is warned of meanwhile if someone listens.

    Where nobody listens, warnings go their usual way. The user's own filters hold: what they ignore is not heard, and
    what they make an error is raised.

    Parameters
    ----------
    who : str
        Whose function it is, for the line: ``"signal 'x'"``.
    module : str
        Name of the stranger's module. A warning from within a library is told with the line of this module that
        called it, as far as there is one.
    call : callable
        The function.
    *arguments
        What it gets.

    Returns
    -------
    What the function returns.
    """
    warned = _listener.get()
    if warned is None:
        return call(*arguments)
    here = sys._getframe()

    def hear(
        message: Warning | str,
        category: type[Warning],
        filename: str,
        lineno: int,
        file: TextIO | None = None,  # noqa: ARG001 - the signature of warnings.showwarning
        line: str | None = None,  # noqa: ARG001
    ) -> None:
        text = in_one_line(message if isinstance(message, Warning) else category(message))
        place, number = _line_of(module, here) or (filename, lineno)
        warned.add(f"{who} warned: {text} ({Path(place).name} line {number})")

    with warnings.catch_warnings():
        # Behind the user's own filters: what none of them speaks of would otherwise come once for each place.
        warnings.simplefilter("always", append=True)
        warnings.showwarning = hear
        return call(*arguments)


def _line_of(module: str, outermost: FrameType) -> tuple[str, int] | None:
    """Return the file and the line of a module that runs, the innermost one within a frame; None if none does."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None and frame is not outermost:
        if frame.f_globals.get("__name__") == module:
            return frame.f_code.co_filename, frame.f_lineno
        frame = frame.f_back
    return None

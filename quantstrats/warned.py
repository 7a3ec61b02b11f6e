"""What strangers' code warns of while a run listens: lines for the run's log instead of lines on the terminal."""

from __future__ import annotations

import sys
import threading
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
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


@dataclass(frozen=True)
class _Call:
    """A call of a stranger's function: whose it is, and who hears what is warned of in it."""

    who: str
    module: str
    outermost: FrameType
    warned: Warned


_listener: ContextVar[Warned | None] = ContextVar("listener", default=None)
_call: ContextVar[_Call | None] = ContextVar("call", default=None)


@contextmanager
def listening(warned: Warned) -> Iterator[None]:
    """Let ``warned`` have what is heard meanwhile, and nobody else."""
    listener, call = _listener.set(warned), _call.set(None)
    try:
        yield
    finally:
        _call.reset(call)
        _listener.reset(listener)


def heard_so_far() -> Warned:
    """Return who listens already, to go on with; someone new where nobody does, or for a run within a stranger's."""
    warned = _listener.get()
    return Warned() if warned is None or _call.get() is not None else warned


def heard(who: str, module: str, call: Callable[..., T], *arguments: Any) -> T:
    """Call a stranger's function, and hear what is warned of meanwhile if someone listens.

    Where nobody listens, warnings go their usual way; so do those of threads that the function starts. The user's own
    filters hold: what they ignore is not heard, and what they make an error is raised.

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
    before = _call.set(_Call(who, module, sys._getframe(), warned))
    try:
        with _EAR:
            return call(*arguments)
    finally:
        _call.reset(before)


class _Ear:
    """What stands in the place of ``warnings.showwarning`` while anyone is heard.

    The place is the whole process's, so there is one ear for all threads: the first call that is heard puts it there,
    and the last one that ends takes it away. Whose a warning is, is a matter of the thread that it comes from.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._calls = 0
        self._before = warnings.catch_warnings()
        self._show: Callable[..., object] = warnings.showwarning

    def __enter__(self) -> None:
        with self._lock:
            if self._calls == 0:
                self._before = warnings.catch_warnings()
                self._before.__enter__()
                # Behind the user's own filters: what none of them speaks of would otherwise come once for each place.
                warnings.simplefilter("always", append=True)
                self._show, warnings.showwarning = warnings.showwarning, self._hear
            self._calls += 1

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self._calls -= 1
            if self._calls == 0:
                self._before.__exit__(None, None, None)

    def _hear(
        self,
        message: Warning | str,
        category: type[Warning],
        filename: str,
        lineno: int,
        file: TextIO | None = None,
        line: str | None = None,
    ) -> None:
        call = _call.get()
        if call is None:
            self._show(message, category, filename, lineno, file, line)
            return
        text = in_one_line(message if isinstance(message, Warning) else category(message))
        place, number = _line_of(call.module, call.outermost) or (filename, lineno)
        call.warned.add(f"{call.who} warned: {text} ({Path(place).name} line {number})")


_EAR = _Ear()


def _line_of(module: str, outermost: FrameType) -> tuple[str, int] | None:
    """Return the file and the line of a module that runs, the innermost one within a frame; None if none does."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None and frame is not outermost:
        if frame.f_globals.get("__name__") == module:
            return frame.f_code.co_filename, frame.f_lineno
        frame = frame.f_back
    return None

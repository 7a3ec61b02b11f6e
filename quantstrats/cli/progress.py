"""The line of progress on a terminal."""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from quantstrats.progress import Stage, running

PATIENCE = 2.0  # seconds before anything is shown
_REDRAW = 0.1  # seconds
_USUAL_WIDTH, _HIGHEST_WIDTH = 80, 100


@contextmanager
def progress_line() -> Iterator[None]:
    """Show what is running on one line of stderr, if that is a terminal, once two seconds have passed.

    The line is erased at the end, however the work ends.
    """
    # rich's own display would hide the cursor, redirect both streams, and leave a terminal without a cursor to
    # whoever kills the process; a line that is overwritten with blanks needs none of it.
    if not sys.stderr.isatty():
        yield
        return
    over = threading.Event()
    drawing = threading.Thread(target=_draw, args=(over,), name="progress", daemon=True)
    drawing.start()
    try:
        yield
    finally:
        over.set()
        drawing.join()


def _draw(over: threading.Event) -> None:
    shown = ""
    try:
        if over.wait(PATIENCE):
            return
        while not over.wait(_REDRAW):
            line = line_of(running(), time.monotonic())[: _width() - 1]
            if line or shown:
                # The cursor goes back, so that whatever else is written, the terminal's own ^C too, stands first.
                _write(f"\r{line:<{len(shown)}}\r")
            shown = line
        if shown:
            _write(f"\r{'':<{len(shown)}}\r")
    except OSError:
        pass  # the terminal is gone, the work is not


def line_of(stages: tuple[Stage, ...], now: float) -> str:
    """Return what is shown of the running stages: their labels, and how far the innermost one is.

    Parameters
    ----------
    stages : tuple of Stage
        The outermost first.
    now : float
        Seconds of ``time.monotonic``.
    """
    if not stages:
        return ""
    inner = stages[-1]
    parts = [": ".join(stage.label for stage in stages)]
    spent = max(now - inner.began, 0.0)
    clock = f"{_clock(spent)} elapsed"
    if inner.total:
        parts.append(f"{inner.done:,}/{inner.total:,}")
        if inner.done:
            clock += f", {_clock(spent * max(inner.total - inner.done, 0) / inner.done)} left"
    elif inner.done:
        parts.append(f"{inner.done:,}")
    return "  ".join([*parts, clock])


def _clock(seconds: float) -> str:
    """Return ``1:05``, or ``1:01:05``."""
    minutes, second = divmod(int(seconds), 60)
    hours, minute = divmod(minutes, 60)
    return f"{hours}:{minute:02}:{second:02}" if hours else f"{minute}:{second:02}"


def _width() -> int:
    """Return the columns of the terminal, or a guess if it does not know."""
    return min(os.get_terminal_size(sys.stderr.fileno()).columns or _USUAL_WIDTH, _HIGHEST_WIDTH)


def _write(text: str) -> None:
    sys.stderr.write(text)
    sys.stderr.flush()

"""Ctrl-C, wherever it falls."""

from __future__ import annotations

import atexit
import signal
import sys
import threading
from _thread import interrupt_main
from collections.abc import Iterator
from contextlib import contextmanager

_AGAIN = 0.01  # seconds


@contextmanager
def interrupts_heard() -> Iterator[None]:
    """Let no Ctrl-C get lost, and none spoil the way out.

    Python drops an exception that falls in a destructor or in the callback of a weak reference, of which imports run
    many: there a Ctrl-C would print a traceback and stop nothing. It is raised again a moment later. And once the
    process is on its way out, what was asked for is done: Ctrl-C does nothing any more.
    """
    usual = sys.unraisablehook

    def again(dropped: sys.UnraisableHookArgs) -> None:
        if issubclass(dropped.exc_type, KeyboardInterrupt):
            threading.Timer(_AGAIN, interrupt_main).start()
        else:
            usual(dropped)

    sys.unraisablehook = again
    atexit.register(signal.signal, signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        sys.unraisablehook = usual

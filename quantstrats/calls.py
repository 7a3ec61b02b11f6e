"""How a signal's methods are called: whatever a stranger's code raises becomes one line that says where."""

from __future__ import annotations

import sys
import traceback
from importlib.metadata import packages_distributions
from numbers import Integral
from pathlib import Path
from typing import TYPE_CHECKING, Any

from quantstrats.errors import SignalError, in_one_line
from quantstrats.importing import how_to_install
from quantstrats.warned import heard

if TYPE_CHECKING:
    from quantstrats.signals import Signal


def call(signal: Signal, method: str, *arguments: Any, on: str = "") -> Any:
    """Call a method of a signal.

    Parameters
    ----------
    signal : Signal
        Whose method is called.
    method : str
        Its name.
    *arguments
        What it gets.
    on : str, optional
        On which bars, for the message: ``"on the bars up to 2008-10-10"``.

    Raises
    ------
    SignalError
        If it raises anything: with the signal's name, the method, the bars, the message, and the line of its file.
    """
    try:
        return heard(f"signal {signal.name!r}", type(signal).__module__, getattr(signal, method), *arguments)
    # A stranger's signal may raise anything, or leave; its user wants to know which signal, and where in it.
    except (Exception, SystemExit) as error:
        where = f" {on}" if on else ""
        said = f"{in_one_line(error)} ({_place(error, signal)}){_install_hint(error, signal)}"
        raise SignalError(f"signal {signal.name!r} failed in {method}(){where}: {said}") from error


def warmup_of(signal: Signal) -> int:
    """Return how many rows, the last included, the forecast of one row may depend on.

    Raises
    ------
    SignalError
        If ``warmup`` fails, or returns no count of rows.
    """
    warmup = call(signal, "warmup")
    if isinstance(warmup, bool) or not isinstance(warmup, Integral) or warmup < 1:
        raise SignalError(f"signal {signal.name!r}: warmup() returned {warmup!r}; it counts rows, at least 1")
    return int(warmup)


def _install_hint(error: BaseException, signal: Signal) -> str:
    """Name the pip command where a module is missing that an extra would bring."""
    if not isinstance(error, ImportError):
        return ""
    package = type(signal).__module__.partition(".")[0]
    provider = next(iter(packages_distributions().get(package, [])), "")
    return how_to_install(error, provider)


def _place(error: BaseException, signal: Signal) -> str:
    """Name the last line of the signal's own module that was running, or where the error came from."""
    own = getattr(sys.modules.get(type(signal).__module__), "__file__", None)
    lines = traceback.extract_tb(error.__traceback__)
    place = next((line for line in reversed(lines) if line.filename == own), lines[-1])
    return f"{Path(place.filename).name} line {place.lineno}"

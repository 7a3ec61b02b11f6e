"""Every error that quantstrats raises on purpose.

``QuantstratsError``
├── ``ConfigError``     a setting that does not exist or does not fit
├── ``DataError``       bars or side series that cannot be trusted as they are
├── ``PluginError``     a plugin that cannot be loaded, found or told apart
├── ``SignalError``     a signal that failed, or whose forecast breaks the contract
│   └── ``LookAheadError``  the guard found that a forecast cannot be had at its time
├── ``AllocationError`` an allocator that failed, or whose weights break the contract
├── ``EngineError``     an engine that does not exist or cannot do what is asked
└── ``RunError``        a run that cannot be stored or read back
    └── ``RunNotFoundError`` a run that is asked for and not there

A message is one line for the user: what is wrong, where, and what to do about it.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable

_MOST_TEXT = 300  # of a stranger's error


class QuantstratsError(Exception):
    """Base of every error below; its text is fit to be shown to a user."""


class ConfigError(QuantstratsError, ValueError):
    """A setting does not exist, or its value does not fit."""


class DataError(QuantstratsError):
    """Bars or side series are malformed, missing or contradictory."""


class PluginError(QuantstratsError):
    """A plugin cannot be loaded, found or told apart from another."""


class SignalError(QuantstratsError):
    """A signal failed, or its forecast breaks the contract."""


class LookAheadError(SignalError):
    """The guard found that a forecast reads the future, remembers too much, or knows of symbols too early."""


class AllocationError(QuantstratsError):
    """An allocator failed, or its weights break the contract."""


class EngineError(QuantstratsError):
    """An engine does not exist or cannot do what is asked of it."""


class RunError(QuantstratsError):
    """A run cannot be stored or read back."""


class RunNotFoundError(RunError):
    """A run is asked for that is not there, or that cannot be told from others."""


def did_you_mean(wrong: object, known: Iterable[str]) -> str:
    """Return ``"; did you mean 'x'?"`` for the closest known word, or nothing if none is close."""
    close = difflib.get_close_matches(str(wrong), list(known), n=1)
    return f"; did you mean {close[0]!r}?" if close else ""


def in_one_line(error: BaseException) -> str:
    """Return ``"KeyError: 'vix'"``, whatever line breaks the error's own text has; a long one is cut."""
    text = f"{type(error).__name__}: {' '.join(str(error).split())}"
    return text if len(text) <= _MOST_TEXT else f"{text[:_MOST_TEXT]}..."

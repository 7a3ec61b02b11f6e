"""Search space: what may be tried for each parameter, in a notation of lists and tuples.

| written | tried |
|---|---|
| ``[3, 5, 8]``, ``["gini", "entropy"]`` | one of these values, whatever they are |
| ``(2, 8)`` | a whole number from 2 to 8, both included |
| ``(0.0, 0.5)`` | a number from 0 to 0.5 |
| ``("log", 1e-4, 1e-1)`` | a number, every power of ten as often; a whole one where both bounds are |
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from quantstrats.checks import is_count
from quantstrats.errors import ConfigError

if TYPE_CHECKING:
    import numpy as np

_NOTATION = (
    "write a list of choices, (low, high) for whole numbers or fractions, or ('log', low, high) for powers of ten"
)


@dataclass(frozen=True)
class Choices:
    """One of these values.

    Attributes
    ----------
    values : tuple
        At least one.
    """

    values: tuple[Any, ...]

    def drawn(self, rng: np.random.Generator) -> Any:
        """Return one at random, each as likely."""
        return self.values[int(rng.integers(len(self.values)))]

    def suggested(self, trial: Any, name: str) -> Any:
        """Return the one that a trial of Optuna suggests."""
        # By position: Optuna takes numbers and texts alone, and the values may be tuples or models.
        return self.values[trial.suggest_categorical(name, list(range(len(self.values))))]

    def ends(self) -> tuple[Any, ...]:
        """Return values that are tried; where these fit a parameter's type, all do."""
        return self.values


@dataclass(frozen=True)
class Span:
    """A number between two bounds, both included.

    Attributes
    ----------
    low, high : int or float
        The bounds.
    log : bool
        Whether every power of ten is as likely.
    whole : bool
        Whether it is a whole number.
    """

    low: float
    high: float
    log: bool
    whole: bool

    def drawn(self, rng: np.random.Generator) -> Any:
        """Return one at random."""
        if self.whole and not self.log:
            return int(rng.integers(int(self.low), int(self.high) + 1))
        # A whole number stands for all that is rounded to it.
        edge = 0.5 if self.whole else 0.0
        low, high = self.low - edge, self.high + edge
        value = math.exp(rng.uniform(math.log(low), math.log(high))) if self.log else rng.uniform(low, high)
        value = min(max(value, self.low), self.high)
        return round(value) if self.whole else float(value)

    def suggested(self, trial: Any, name: str) -> Any:
        """Return the one that a trial of Optuna suggests."""
        if self.whole:
            return trial.suggest_int(name, int(self.low), int(self.high), log=self.log)
        return trial.suggest_float(name, self.low, self.high, log=self.log)

    def ends(self) -> tuple[Any, ...]:
        """Return values that are tried; where these fit a parameter's type, all do."""
        return self.low, self.high


def read_space(space: Mapping[str, Any]) -> dict[str, Choices | Span]:
    """Return what may be tried for each parameter.

    Parameters
    ----------
    space : mapping
        By the parameter's name, in the notation of this module.

    Raises
    ------
    ConfigError
        If there is nothing to try, or something is written otherwise.
    """
    if not isinstance(space, Mapping) or not space:
        example = "{'depth': (2, 8)}"
        raise ConfigError(f"space is {space!r}; give a mapping from parameters to what is tried, as in {example}")
    return {name: _read(f"space, parameter {name!r}", written) for name, written in space.items()}


def _read(where: str, written: Any) -> Choices | Span:
    if isinstance(written, list):
        if not written:
            raise ConfigError(f"{where}: the list of choices is empty")
        return Choices(tuple(written))
    if not isinstance(written, tuple):
        raise ConfigError(f"{where}: {written!r} says nothing to try; {_NOTATION}")
    log, bounds = (True, written[1:]) if written[:1] == ("log",) else (False, written)
    if len(bounds) != 2 or not all(_is_number(bound) for bound in bounds):
        raise ConfigError(f"{where}: {written!r} has no two numbers as bounds; {_NOTATION}")
    low, high = bounds
    whole = is_count(low) and is_count(high)
    if not low < high or not (math.isfinite(low) and math.isfinite(high)):
        raise ConfigError(f"{where}: {written!r} must have a finite low bound below the high one")
    if log and low <= 0:
        raise ConfigError(f"{where}: {written!r} needs a low bound above 0, since 0 is no power of ten")
    return Span(int(low), int(high), log, whole) if whole else Span(float(low), float(high), log, whole)


def _is_number(value: Any) -> bool:
    return is_count(value) or isinstance(value, float)

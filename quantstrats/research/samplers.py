"""Samplers: what suggests the parameters to try next."""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from quantstrats.errors import ConfigError, did_you_mean

if TYPE_CHECKING:
    from quantstrats.research.space import Choices, Span

Sampler = Literal["tpe", "random"]
SAMPLERS: tuple[Sampler, ...] = ("tpe", "random")


def sampler_named(name: str, dimensions: Mapping[str, Choices | Span], seed: int, maximise: bool) -> Random | Tpe:
    """Return a sampler.

    Parameters
    ----------
    name : {"tpe", "random"}
        Which.
    dimensions : mapping
        What may be tried for each parameter.
    seed : int
        Draws from it alone.
    maximise : bool
        Whether more is better.

    Raises
    ------
    ConfigError
        If there is no such sampler, or its package is missing.
    """
    if name == "random":
        return Random(dimensions, seed)
    if name == "tpe":
        return Tpe(dimensions, seed, maximise)
    raise ConfigError(f"sampler is {name!r}{did_you_mean(name, SAMPLERS)} (it can be {', '.join(SAMPLERS)})")


class Random:
    """Draws at random."""

    def __init__(self, dimensions: Mapping[str, Choices | Span], seed: int) -> None:
        self._dimensions = dimensions
        self._rng = np.random.default_rng(seed)

    def next(self) -> dict[str, Any]:
        """Return the parameters to try next."""
        return {name: each.drawn(self._rng) for name, each in self._dimensions.items()}

    def tell(self, value: float) -> None:
        """Forget: draws do not depend on scores."""


class Tpe:
    """Asks Optuna's tree-structured Parzen estimator, given the scores so far (Bergstra et al. 2011)."""

    def __init__(self, dimensions: Mapping[str, Choices | Span], seed: int, maximise: bool) -> None:
        self._dimensions = dimensions
        self._trial: Any = None
        with _quiet(_optuna()) as optuna:
            self._study = optuna.create_study(
                direction="maximize" if maximise else "minimize", sampler=optuna.samplers.TPESampler(seed=seed)
            )

    def next(self) -> dict[str, Any]:
        """Return the parameters to try next."""
        with _quiet(_optuna()):
            self._trial = self._study.ask()
            return {name: each.suggested(self._trial, name) for name, each in self._dimensions.items()}

    def tell(self, value: float) -> None:
        """Take in the score of what was suggested last; NaN where there is none."""
        with _quiet(_optuna()) as optuna:
            if math.isnan(value):
                self._study.tell(self._trial, state=optuna.trial.TrialState.FAIL)
            else:
                self._study.tell(self._trial, value)


def _optuna() -> Any:
    from quantstrats.importing import how_to_install

    try:
        import optuna
    except ImportError as missing:
        raise ConfigError(
            f"sampler 'tpe' needs optuna, which is not installed{how_to_install(missing)}, or set sampler to 'random'"
        ) from None
    return optuna


@contextmanager
def _quiet(optuna: Any) -> Iterator[Any]:
    """Keep Optuna from telling of its studies, and of what in it is experimental; leave its settings as they were."""
    before = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.WARNING if before < optuna.logging.WARNING else before)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
            yield optuna
    finally:
        optuna.logging.set_verbosity(before)

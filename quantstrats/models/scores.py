"""Scores of probabilities against the classes that came true, row by row, so that rows can be weighted."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[np.float64]

_SMALLEST = 1e-15  # probability that log loss takes for one of 0


@dataclass(frozen=True)
class Measure:
    """A score.

    Attributes
    ----------
    of_rows : callable
        Gives the score of each row from probabilities (rows x classes), labels (rows) and classes.
    more_is_better : bool
        Whether it is a gain, not a loss.
    """

    of_rows: Callable[[Any, Any, Any], Any]
    more_is_better: bool


def log_losses(chances: Array, labels: Array, classes: Array) -> Array:
    """Return -log of the probability of each row's class (Good 1952); of a class that is not known that of 1e-15."""
    true = np.where(_truth(labels, classes), chances, 0.0).sum(axis=1)
    losses: Array = -np.log(np.clip(true, _SMALLEST, 1.0))
    return losses


def brier_losses(chances: Array, labels: Array, classes: Array) -> Array:
    """Return the squared distance of each row's probabilities from what came true (Brier 1950, equation 2)."""
    truth = _truth(labels, classes)
    unknown = ~truth.any(axis=1)  # the class that came true had the probability 0
    losses: Array = ((chances - truth) ** 2).sum(axis=1) + unknown
    return losses


def hits(chances: Array, labels: Array, classes: Array) -> Array:
    """Return 1 for each row whose most probable class came true, else 0; of equals the first is taken."""
    right: Array = (classes[chances.argmax(axis=1)] == labels).astype("float64")
    return right


def _truth(labels: Array, classes: Array) -> NDArray[np.bool_]:
    """Return which class came true, rows x classes; in a row none, where its class is not known."""
    truth: NDArray[np.bool_] = labels[:, None] == classes
    return truth


MEASURES = {
    "log_loss": Measure(log_losses, more_is_better=False),
    "brier": Measure(brier_losses, more_is_better=False),
    "accuracy": Measure(hits, more_is_better=True),
}

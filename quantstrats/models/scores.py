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


def scores_of(chances: Array, labels: Array, classes: Array, weight: Array | None = None) -> dict[str, float]:
    """Return the usual scores of probabilities against what came true.

    Parameters
    ----------
    chances : array of float64, shape (rows, classes)
        Probabilities; rows that hold NaN are left out.
    labels : array of float64, shape (rows,)
        What came true; rows of NaN are left out.
    classes : array of float64, shape (classes,)
        The labels of the columns, ascending.
    weight : array of float64, shape (rows,), optional
        How much each row counts.

    Returns
    -------
    dict of str to float
        ``accuracy`` of the most probable class; ``precision``, ``recall`` and ``auc`` (area under the curve of the
        receiver, as the chance that a row of the class has the higher probability, Hanley and McNeil 1982) of the
        highest class against the others; ``brier`` and ``log_loss``. NaN where one is undefined: without a row, or
        without a row of the class.
    """
    known = np.isfinite(chances).all(axis=1) & np.isfinite(labels)
    chances, labels = chances[known], labels[known]
    weight = np.ones(len(labels)) if weight is None else np.asarray(weight)[known]
    if not weight.sum() > 0.0:
        return dict.fromkeys(("accuracy", "precision", "recall", "auc", "brier", "log_loss"), np.nan)
    true, said = labels == classes[-1], chances.argmax(axis=1) == len(classes) - 1
    both = weight[true & said].sum()
    return {
        "accuracy": float(np.average(hits(chances, labels, classes), weights=weight)),
        "precision": _share(both, weight[said].sum()),
        "recall": _share(both, weight[true].sum()),
        "auc": _area(chances[:, -1], true, weight),
        "brier": float(np.average(brier_losses(chances, labels, classes), weights=weight)),
        "log_loss": float(np.average(log_losses(chances, labels, classes), weights=weight)),
    }


def _share(part: float, whole: float) -> float:
    return float(part / whole) if whole > 0.0 else float("nan")


def _area(chance: Array, true: NDArray[np.bool_], weight: Array) -> float:
    """Return the area under the curve of the receiver; of equal probabilities half counts as higher."""
    _, place = np.unique(chance, return_inverse=True)
    of_class = np.bincount(place, weights=weight * true)
    of_others = np.bincount(place, weights=weight * ~true)
    below = np.cumsum(of_others) - of_others
    return _share(float((of_class * (below + of_others / 2)).sum()), float(of_class.sum() * of_others.sum()))

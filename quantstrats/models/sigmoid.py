"""A sigmoid curve from scores to probabilities, and what is held back to fit such curves."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from quantstrats.errors import DataError
from quantstrats.models.preparing import FEWEST_ROWS, NothingLearnedError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from quantstrats.models.preparing import Array, Codes, Training

_STEPS = 100
_SMALLEST_STEP = 1e-10


def fit_sigmoid(scores: Array, hits: NDArray[np.bool_], weight: Array) -> tuple[float, float]:
    """Return the slope a >= 0 and intercept b of 1 / (1 + exp(-(a score + b))), by maximum likelihood.

    Targets are smoothed, (N+ + 1) / (N+ + 2) for a hit and 1 / (N- + 2) otherwise, with the weights' sums for the
    counts (Platt 1999, Probabilistic outputs for support vector machines, section 2.2; signs as here, not as there).
    Newton's method with a line search (Lin, Lin and Weng 2007, A note on Platt's probabilistic outputs, algorithm 1).
    Long sums are numpy's own: those of a dot product differ in their last digits with the number of threads.

    A slope below 0 would turn the model's order round: there it is 0, and every probability the share of hits.

    Parameters
    ----------
    scores : array, shape (rows,)
        The higher, the likelier a hit.
    hits : array of bool, shape (rows,)
        What came true.
    weight : array, shape (rows,)
        How much each row counts, with mean 1.
    """
    right, wrong = weight[hits].sum(), weight[~hits].sum()
    target = np.where(hits, (right + 1) / (right + 2), 1 / (wrong + 2))
    unit = np.abs(scores).max(initial=0.0) or 1.0
    x = scores / unit
    point = np.array([0.0, np.log((right + 1) / (wrong + 1))])
    loss = _loss(point, x, target, weight)
    for _ in range(_STEPS):
        chance = _sigmoid(point[0] * x + point[1])
        miss, curve = weight * (chance - target), weight * chance * (1 - chance)
        gradient = np.array([(miss * x).sum(), miss.sum()])
        if np.abs(gradient).max() < 1e-9 * len(x):
            break
        mixed = (curve * x).sum()
        hessian = np.array([[(curve * x**2).sum(), mixed], [mixed, curve.sum()]]) + 1e-12 * np.eye(2)
        direction = -np.linalg.solve(hessian, gradient)
        step = 1.0
        while step >= _SMALLEST_STEP:
            moved = point + step * direction
            lower = _loss(moved, x, target, weight)
            if lower < loss + 1e-4 * step * (gradient @ direction):
                point, loss = moved, lower
                break
            step /= 2
        else:
            break
    slope, intercept = float(point[0]), float(point[1])
    if slope < 0:
        mean = float(np.average(target, weights=weight))
        return 0.0, float(np.log(mean / (1 - mean)))
    return slope / float(unit), intercept


def sigmoid(scores: Array, slope: float, intercept: float) -> Array:
    """Return probabilities of scores."""
    return _sigmoid(slope * scores + intercept)


def held_back_for_curve(training: Training, share: float, embargo: float, what: str) -> tuple[Codes, Codes]:
    """Return the rows to learn from, and the last ones to fit a curve on, whose labels do not overlap theirs.

    Raises
    ------
    NothingLearnedError
        If too little is left of either.
    """
    from quantstrats.splits import purged_tail

    try:
        head, tail = purged_tail(*training.intervals, share, embargo)
    except DataError as overlapping:
        raise NothingLearnedError("too few rows", f"to {what}: {overlapping}") from None
    if len(tail) < FEWEST_ROWS or len(np.unique(training.codes[tail])) < 2:
        raise NothingLearnedError(
            "too few rows",
            f"the last {len(tail):,} rows are held back to {what}; at least {FEWEST_ROWS} of two classes are needed",
        )
    return head, tail


def _sigmoid(x: Array) -> Array:
    with np.errstate(over="ignore"):
        return np.asarray(1 / (1 + np.exp(-x)))


def _loss(point: Array, x: Array, target: Array, weight: Array) -> float:
    logits = point[0] * x + point[1]
    return float((weight * (np.logaddexp(0, logits) - target * logits)).sum())

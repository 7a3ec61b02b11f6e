"""Voting: one probability out of those of several models, how far these disagree, and whether that is worth a trade."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from quantstrats.errors import ConfigError, DataError

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    Array = NDArray[np.float64]

_TIE = 1e-12  # probabilities as close as this are equal


def vote(probabilities: ArrayLike, weights: ArrayLike | None = None) -> Array:
    """Return the weighted mean of what models say, shape (rows, classes).

    Weights are brought to the sum 1 among the models that say anything of a row; where these have none (all are 0),
    they count equally. A tie of classes stays a tie: the probabilities are equal.

    Parameters
    ----------
    probabilities : array, shape (models, rows, classes)
        What each says; a model that holds NaN on a row abstains from it.
    weights : array, shape (models,) or (models, rows), optional
        Not negative; equal by default.

    Returns
    -------
    array of float64, shape (rows, classes)
        NaN where all models abstain.

    Raises
    ------
    DataError
        If shapes do not agree, or a weight is negative or missing.
    """
    said = _said(probabilities)
    speaks = np.isfinite(said.sum(axis=2))
    given = np.ones(len(said)) if weights is None else np.asarray(weights, dtype="float64")
    if given.shape not in {said.shape[:1], said.shape[:2]}:
        raise DataError(
            f"vote: weights are of shape {given.shape}; give one per model, {len(said)}, or one per row too"
        )
    if not (np.isfinite(given) & (given >= 0.0)).all():
        raise DataError("vote: a weight is negative or missing; give numbers of 0 or more")
    counted = np.where(speaks, given[:, None] if given.ndim == 1 else given, 0.0)
    counted = np.where(counted.sum(axis=0) > 0.0, counted, speaks.astype("float64"))
    total = counted.sum(axis=0)
    with np.errstate(invalid="ignore"):
        share = counted / total
    found: Array = (share[:, :, None] * np.where(speaks[:, :, None], said, 0.0)).sum(axis=0)
    return found


def disagreement(probabilities: ArrayLike) -> Array:
    """Return which part of the models votes otherwise than most do, shape (rows,): 0 where all agree.

    It is 1 less the share of the largest group, not an entropy: of four models that are split in halves it is one
    half. A model votes for the class that it holds most probable; one that holds several equally so divides its vote.

    Parameters
    ----------
    probabilities : array, shape (models, rows, classes)
        What each says; a model that holds NaN on a row has no vote there.

    Returns
    -------
    array of float64, shape (rows,)
        NaN where no model votes.

    Raises
    ------
    DataError
        If it is of another shape.
    """
    said = _said(probabilities)
    speaks = np.isfinite(said.sum(axis=2))
    known = np.where(speaks[:, :, None], said, 0.0)
    votes = known >= known.max(axis=2, keepdims=True) - _TIE
    shares = np.where(speaks[:, :, None], votes / votes.sum(axis=2, keepdims=True), 0.0)
    number = speaks.sum(axis=0)
    with np.errstate(invalid="ignore"):
        found: Array = (number - shares.sum(axis=0).max(axis=1)) / number
    return found


def should_trade(
    confidence: ArrayLike, disagreement: ArrayLike, least_confidence: float = 0.55, most_disagreement: float = 0.4
) -> NDArray[np.bool_]:
    """Return where a forecast is sure enough and undisputed enough to be traded.

    Both bounds mean what they say: ``confidence`` is the probability itself. Where it is lessened beforehand, as
    ``confidence * (1 - disagreement)``, the first bound is another: with a third of the models dissenting, 0.55 asks
    for a probability of 0.825. Calibrate what you give here: the bound is one of probabilities that come true. Of two
    classes fewer than half of the models can dissent: with five of them 0.4 is no bound at all.

    Parameters
    ----------
    confidence : array, shape (rows,)
        Probability of the class that would be traded on.
    disagreement : array, shape (rows,)
        As of :func:`disagreement`.
    least_confidence, most_disagreement : float
        The bounds, which are within.

    Returns
    -------
    array of bool, shape (rows,)
        False where either is missing.

    Raises
    ------
    ConfigError
        If a bound is no fraction.
    """
    for name, bound in (("least_confidence", least_confidence), ("most_disagreement", most_disagreement)):
        if not 0.0 <= bound <= 1.0:
            raise ConfigError(f"{name} is {bound!r}; give a fraction from 0 to 1")
    sure: NDArray[np.bool_] = np.asarray(confidence, dtype="float64") >= least_confidence
    found: NDArray[np.bool_] = sure & (np.asarray(disagreement, dtype="float64") <= most_disagreement)
    return found


def _said(probabilities: ArrayLike) -> Array:
    said = np.asarray(probabilities, dtype="float64")
    if said.ndim != 3 or 0 in (said.shape[0], said.shape[2]):
        raise DataError(f"probabilities are of shape {said.shape}; give (models, rows, classes)")
    return said

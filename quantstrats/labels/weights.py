"""Weights by time and by class."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from quantstrats.checks import number
from quantstrats.errors import ConfigError, DataError
from quantstrats.labels.given import numbers

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    Array = NDArray[np.float64]


def time_decay(weights: ArrayLike, oldest: float = 1.0, start: ArrayLike | None = None) -> Array:
    """Return by how much each sample counts for its age: 1 for the newest, less in proportion to what came after it.

    Linear in cumulative uniqueness, not in days: where labels overlap much, age counts for less. To be multiplied with
    other weights (Lopez de Prado 2018, Advances in Financial Machine Learning, section 4.7).

    Parameters
    ----------
    weights : array, shape (samples,)
        Uniqueness of each, not negative.
    oldest : float, default 1.0
        What the line reaches before the oldest sample: 1 for no decay, 0 for none of it left. Below 0 it is the share
        of cumulative uniqueness, -``oldest``, whose oldest samples count nothing; above -1.
    start : array, shape (samples,), optional
        When each sample is; those of one time count alike. By default weights are in order of time, oldest first.

    Raises
    ------
    ConfigError
        If ``oldest`` is out of its range.
    DataError
        If a weight is negative or missing, all are zero, or there are more or fewer starts.
    """
    oldest = number("oldest", oldest)
    if not -1.0 < oldest <= 1.0:
        raise ConfigError(f"oldest is {oldest:g}; give a number above -1 and up to 1")
    own = _checked(weights)
    if len(own) == 0:
        return own
    when = np.arange(len(own)) if start is None else np.asarray(start)
    if when.shape != own.shape:
        raise DataError(f"start is of shape {when.shape}; give one per weight, {len(own):,}")
    _, place = np.unique(when, return_inverse=True)
    so_far = np.cumsum(np.bincount(place, weights=own))[place]
    total = own.sum()
    if not total > 0.0:
        raise DataError("weights are all zero; there is nothing to count age by")
    slope = (1.0 - oldest) / total if oldest >= 0.0 else 1.0 / ((oldest + 1.0) * total)
    return np.asarray(np.maximum(1.0 - slope * (total - so_far), 0.0))


def class_weights(labels: ArrayLike, weights: ArrayLike | None = None) -> Array:
    """Return by how much each sample must count so that all classes count equally: n / (classes x n of its class).

    To be multiplied with other weights, which are given to make it so together with them.

    Parameters
    ----------
    labels : array, shape (samples,)
        Class of each, as a number; NaN counts nothing.
    weights : array, shape (samples,), optional
        What samples count otherwise, not negative.

    Raises
    ------
    DataError
        If a weight is negative or missing, there are more or fewer of them, or those of a class are all zero.
    """
    given = numbers(labels, "labels")
    if given.ndim != 1:
        raise DataError(f"labels are of shape {given.shape}; give one per sample")
    own = np.ones(len(given)) if weights is None else _checked(weights)
    if own.shape != given.shape:
        raise DataError(f"there are {len(own):,} weights of {len(given):,} labels; give as many")
    known = ~np.isnan(given)
    found = np.zeros(len(given))
    if known.any():
        classes, place = np.unique(given[known], return_inverse=True)
        total = np.bincount(place, weights=own[known])
        if not (total > 0.0).all():
            raise DataError(f"weights of class {classes[total <= 0.0][0]:g} are all zero; leave that class out")
        found[known] = (own[known].sum() / (len(classes) * total))[place]
    return found


def _checked(weights: ArrayLike) -> Array:
    own = numbers(weights, "weights")
    if own.ndim != 1 or not (np.isfinite(own) & (own >= 0.0)).all():
        raise DataError("weights are not one finite number per sample, 0 or more")
    return own

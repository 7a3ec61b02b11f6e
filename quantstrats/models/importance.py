"""Importance: how much worse a fitted model scores when one feature is no longer that of its row."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from quantstrats.checks import is_count
from quantstrats.errors import ConfigError, DataError, did_you_mean
from quantstrats.models.scores import MEASURES

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from quantstrats.models.base import FittedModel

    Array = NDArray[np.float64]


def permutation_importance(
    fitted: FittedModel,
    inputs: ArrayLike,
    labels: ArrayLike,
    *,
    weight: ArrayLike | None = None,
    measure: str = "log_loss",
    repeats: int = 5,
    seed: int = 0,
) -> Array:
    """Return by how much the score gets worse when a feature's values are dealt out anew among the rows.

    Breiman (2001), "Random Forests", Machine Learning 45, section 10. Give rows that the model has not learned from:
    on others it measures what the model remembers. Of features that say the same each alone may seem worth nothing.

    Parameters
    ----------
    fitted : FittedModel
        The model.
    inputs : array, shape (rows, features) or (rows, steps, features)
        Features; the steps of a row are dealt together.
    labels : array, shape (rows,)
        What came true.
    weight : array, shape (rows,), optional
        How much each row counts.
    measure : {"log_loss", "brier", "accuracy"}, default "log_loss"
        The score.
    repeats : int, default 5
        How often each feature is dealt.
    seed : int, default 0
        Of the dealing.

    Returns
    -------
    array of float64, shape (repeats, features)
        Above 0 where the feature helps; NaN throughout where the model learned nothing or no row is complete.

    Raises
    ------
    ConfigError
        If there is no such measure, or ``repeats`` is less than 1.
    DataError
        If shapes do not agree.
    """
    if measure not in MEASURES:
        raise ConfigError(f"measure is {measure!r}{did_you_mean(measure, MEASURES)} (it can be {', '.join(MEASURES)})")
    if not is_count(repeats) or repeats < 1:
        raise ConfigError(f"repeats is {repeats!r}; give a whole number of at least 1")
    values, target = np.asarray(inputs, dtype="float64"), np.asarray(labels, dtype="float64")
    weights = np.ones(len(target)) if weight is None else np.asarray(weight, dtype="float64")
    if not len(values) == len(target) == len(weights):
        lengths = f"{len(values):,}, {len(target):,} and {len(weights):,}"
        raise DataError(f"permutation importance: inputs, labels and weight have {lengths} rows; give equally many")
    worse = np.full((repeats, values.shape[-1]), np.nan)
    chances = fitted.predict_proba(values)
    known = np.isfinite(chances).all(axis=1) & np.isfinite(target)
    if fitted.outcome != "fitted" or not weights[known].sum() > 0.0:
        return worse
    values, target, weights = values[known], target[known], weights[known]
    classes, found = np.asarray(fitted.classes), MEASURES[measure]
    sign = -1.0 if found.more_is_better else 1.0

    def loss(told: Array) -> float:
        return sign * float(np.average(found.of_rows(told, target, classes), weights=weights))

    usual = loss(chances[known])
    rng = np.random.default_rng(seed)
    for repeat in range(repeats):
        for feature in range(values.shape[-1]):
            dealt = values.copy()
            dealt[..., feature] = values[rng.permutation(len(values)), ..., feature]
            worse[repeat, feature] = loss(fitted.predict_proba(dealt)) - usual
    return worse

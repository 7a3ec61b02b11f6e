"""Ensembles: what each of the models says that one is made of, and how much it counts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from quantstrats.errors import ConfigError
from quantstrats.models.calibration import Calibrated
from quantstrats.models.combining import Combined
from quantstrats.models.logistic import LogisticRegression
from quantstrats.models.out_of_fold import said_by
from quantstrats.models.stacking import Stacked

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from quantstrats.models.base import FittedModel, Model

    Array = NDArray[np.float64]


def opinions(fitted: FittedModel, inputs: ArrayLike, classes: Sequence[float] | None = None) -> Array:
    """Return the probabilities that each model of an ensemble gives.

    Parameters
    ----------
    fitted : FittedModel
        Of a :class:`Stacked` or :class:`Combined`, or of one that is :class:`Calibrated`: its models are not.
    inputs : array, shape (rows, features) or (rows, steps, features)
        As the ensemble is asked.
    classes : sequence of float, optional
        The labels of the last dimension; those of the ensemble by default. One that no row of the fit had has the
        probability 0.

    Returns
    -------
    array of float64, shape (models, rows, classes)
        NaN for rows with a missing feature, and where a model learned nothing.

    Raises
    ------
    ConfigError
        If it is no ensemble.
    DataError
        If a row has another shape than those of the fit.
    """
    own = _own(fitted, inputs)
    if classes is None:
        return own
    laid = np.where(np.isnan(own).any(axis=2, keepdims=True), np.nan, np.zeros(len(classes)))
    for place, label in enumerate(classes):
        if label in fitted.classes:
            laid[:, :, place] = own[:, :, fitted.classes.index(label)]
    return laid


def weights_of(fitted: FittedModel) -> Array:
    """Return how much each model of an ensemble counts, shape (models,).

    Of a :class:`Combined` its weights, which sum to 1 (with ``how="confidence"`` each row's confidence comes on top).
    Of a :class:`Stacked` by how much the log-odds of the last class against the first rise with the model's probability
    of the last class: a coefficient of the logistic regression that learned last, which may be negative. NaN where the
    ensemble learned nothing, or another model learned last.

    Raises
    ------
    ConfigError
        If it is no ensemble.
    """
    count = len(ensemble(fitted.model).models)
    if fitted.outcome != "fitted":
        return np.full(count, np.nan)
    state = _inner(fitted).state
    if "last" not in state:
        weights: Array = state["weights"]
        return weights
    last: FittedModel = state["last"]
    if not isinstance(last.model, LogisticRegression):
        return np.full(count, np.nan)
    coefficients = last.state["coefficients"]
    against = coefficients[-1] - coefficients[0] if len(coefficients) > 1 else coefficients[0]
    laid = np.zeros(last.shape[0])
    laid[last.kept] = against / last.scale
    found: Array = laid.reshape(count, -1)[:, -1]  # of each model the probabilities of all classes but the first
    return found


def ensemble(model: Model) -> Any:
    """Return the Stacked or Combined, looked for within calibrations.

    Raises
    ------
    ConfigError
        If there is none.
    """
    while isinstance(model, Calibrated):
        model = model.model
    if not isinstance(model, Stacked | Combined):
        raise ConfigError(f"model {model.name!r} is no ensemble; give a fitted Stacked or Combined")
    return model


def _inner(fitted: FittedModel) -> FittedModel:
    """Return what was fitted of the ensemble itself."""
    return _inner(fitted.state["fitted"]) if isinstance(fitted.model, Calibrated) else fitted


def _own(fitted: FittedModel, inputs: ArrayLike) -> Array:
    count = len(ensemble(fitted.model).models)
    scaled, known = fitted._scaled(inputs)
    found = np.full((count, len(known), len(fitted.classes)), np.nan)
    if not known.any():
        return found
    if isinstance(fitted.model, Calibrated):
        inner: FittedModel = fitted.state["fitted"]
        found[:, known] = opinions(inner, scaled[known], range(len(fitted.classes)))
    else:
        found[:, known] = said_by(fitted.state["models"], scaled[known], len(fitted.classes))
    return found

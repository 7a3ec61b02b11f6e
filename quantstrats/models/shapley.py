"""Contributions: which part of a prediction is due to which feature, where that can be told exactly and at once."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from quantstrats.errors import ConfigError
from quantstrats.models.calibration import Calibrated
from quantstrats.models.ensembles import ensemble
from quantstrats.models.fields import library
from quantstrats.models.last_step import LastStep, present
from quantstrats.models.lightgbm_trees import LightGBM
from quantstrats.models.logistic import LogisticRegression
from quantstrats.models.xgboost_trees import XGBoost

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from quantstrats.models.base import FittedModel, Model

    Array = NDArray[np.float64]


def contributions(fitted: FittedModel, inputs: ArrayLike, part: int | None = None) -> Array:
    """Return the Shapley values of the features (Lundberg and Lee 2017), in log-odds of the last class.

    They sum to the prediction: the log-odds of the last class against the first, which of two classes are those of the
    last one. Of a logistic regression they are a coefficient times the distance from the feature's mean (their
    corollary 1); of XGBoost and LightGBM those of each tree, where what is unknown goes down both branches with the
    rows of the fit (Lundberg et al. 2020, the path-dependent kind). Of other models they would take a question per set
    of features: ask for their permutation importance.

    Parameters
    ----------
    fitted : FittedModel
        Of an XGBoost, LightGBM or LogisticRegression, or of one within a LastStep; or an ensemble, with ``part``.
    inputs : array, shape (rows, features) or (rows, steps, features)
        As the model is asked; of steps the contributions are summed.
    part : int, optional
        Of an ensemble: which of its models, counted from 0.

    Returns
    -------
    array of float64, shape (rows, features + 1)
        The last column is what the model says of no row in particular. NaN for rows with a missing feature, and where
        the model learned nothing; 0 for features that were left out of the fit.

    Raises
    ------
    ConfigError
        If the model is of another kind, or there is no such part.
    DataError
        If a row has another shape than those of the fit.
    """
    if part is None:
        _check_kind(fitted.model)
    else:
        count = len(ensemble(fitted.model).models)
        if not 0 <= part < count:
            raise ConfigError(f"part is {part!r}, and there are {count} models; give a number from 0 to {count - 1}")
    scaled, known = fitted._scaled(inputs)
    features = fitted.shape[-1]
    found = np.full((len(known), features + 1), np.nan)
    if not known.any():
        return found
    if part is not None:
        inner, part = _within(fitted, part)
        of_kept = contributions(inner, scaled[known], part)
    elif isinstance(fitted.model, LastStep):
        of_kept = contributions(fitted.state["fitted"], present(scaled[known]))
    else:
        of_kept = _EXACT[type(fitted.model)](fitted._opened, scaled[known], len(fitted.classes))
    found[known] = _laid(of_kept, fitted, features)
    return found


def explains(model: Model) -> bool:
    """Tell whether :func:`contributions` knows this kind of model."""
    return type(_within_steps(model)) in _EXACT


def _within_steps(model: Model) -> Model:
    while isinstance(model, LastStep):
        model = model.model
    return model


def _check_kind(model: Model) -> None:
    if not explains(model):
        kinds = ", ".join(f"a {kind.name}" for kind in _EXACT)
        raise ConfigError(
            f"contributions to a {_within_steps(model).name} cannot be told exactly and at once, only to {kinds}; "
            "take models.permutation_importance, or name the part of an ensemble"
        )


def _within(fitted: FittedModel, part: int) -> tuple[FittedModel, int | None]:
    """Return the model that was fitted on the scaled rows, and which of its parts is asked for."""
    if isinstance(fitted.model, Calibrated):
        return fitted.state["fitted"], part
    return fitted.state["models"][part], None


def _laid(of_kept: Array, fitted: FittedModel, features: int) -> Array:
    """Return contributions of the columns that a fit looks at as those of all features, its steps summed."""
    laid = np.zeros((len(of_kept), features + 1))
    for column, feature in enumerate(fitted.kept % features):
        laid[:, feature] += of_kept[:, column]
    laid[:, -1] = of_kept[:, -1]
    return laid


def _of_logistic(opened: dict[str, Array], inputs: Array, classes: int) -> Array:
    coefficients, intercepts = opened["coefficients"], opened["intercepts"]
    if classes > 2:
        coefficients, intercepts = coefficients[-1:] - coefficients[:1], intercepts[-1:] - intercepts[:1]
    return np.column_stack([inputs * coefficients[0], np.full(len(inputs), intercepts[0])])


def _of_xgboost(opened: Any, inputs: Array, classes: int) -> Array:
    data = library("xgboost", "xgboost").DMatrix(inputs, nthread=1)
    found = opened.predict(data, pred_contribs=True).astype("float64")
    last: Array = found[:, -1] - found[:, 0] if classes > 2 else found
    return last


def _of_lightgbm(opened: Any, inputs: Array, classes: int) -> Array:
    found = np.asarray(opened.predict(inputs, pred_contrib=True, num_threads=1))
    if classes == 2:
        return found
    by_class = found.reshape(len(found), classes, -1)
    last: Array = by_class[:, -1] - by_class[:, 0]
    return last


_EXACT: dict[type[Model], Callable[[Any, Array, int], Array]] = {
    LogisticRegression: _of_logistic,
    XGBoost: _of_xgboost,
    LightGBM: _of_lightgbm,
}

"""Out of fold: what several models say of rows that they have not learned from, for what is made of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from quantstrats.errors import DataError
from quantstrats.models.calibration import fit_part, places_of
from quantstrats.models.preparing import NothingLearnedError

if TYPE_CHECKING:
    from quantstrats.models.base import FittedModel, Model
    from quantstrats.models.preparing import Array, Training


def fit_all(models: Sequence[Model], training: Training) -> list[FittedModel]:
    """Fit each model on all rows."""
    everything = np.arange(len(training.codes))
    return [fit_part(each, training, everything) for each in models]


def said_of_unseen_rows(models: Sequence[Model], training: Training, folds: int, embargo: float) -> Array:
    """Return what models say of each row when they are fitted on the other folds, without labels that overlap its own.

    Parameters
    ----------
    models : sequence of Model
        Those that are asked.
    training : Training
        The rows.
    folds : int
        How many folds of successive rows.
    embargo : int or float
        Rows after a fold that are not learned from either, or a share of all.

    Returns
    -------
    array of float64, shape (models, rows, classes)
        NaN where a model learned nothing from the others.

    Raises
    ------
    NothingLearnedError
        If there are too few rows for the folds.
    """
    from quantstrats.splits import PurgedKFold

    classes = len(training.classes)
    said = np.full((len(models), len(training.codes), classes), np.nan)
    try:
        parts = list(PurgedKFold(*training.intervals, folds, embargo).split(training.codes))
    except DataError as few:
        raise NothingLearnedError("too few rows", f"to ask models of rows that they do not know: {few}") from None
    for train, test in parts:
        fitted = [fit_part(each, training, train) for each in models]
        said[:, test] = said_by(fitted, training.inputs[test], classes)
    return said


def said_by(fitted: Sequence[FittedModel], inputs: Array, classes: int) -> Array:
    """Return what models that :func:`~quantstrats.models.calibration.fit_part` fitted say, (models, rows, classes).

    A class that the rows of a fit lack has the probability 0 there; NaN where a model learned nothing.
    """
    said = np.zeros((len(fitted), len(inputs), classes))
    for place, each in enumerate(fitted):
        if each.outcome == "fitted":
            said[place][:, places_of(each)] = each.predict_proba(inputs)
        else:
            said[place] = np.nan
    return said

"""Comparing: several models on the same purged folds, each asked of rows that it has not learned from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from quantstrats.errors import ConfigError, DataError, did_you_mean
from quantstrats.models.base import Model
from quantstrats.models.preparing import Given, checked, flat
from quantstrats.models.scores import scores_of

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import ArrayLike, NDArray

    Array = NDArray[np.float64]

LESS_IS_BETTER = ("brier", "log_loss")


@dataclass(frozen=True, eq=False)
class Comparison:
    """What several models said of rows that they had not learned from.

    Attributes
    ----------
    names : tuple of str
        The models, in the order in which they were given.
    classes : array of float64, shape (classes,)
        The labels, ascending.
    probabilities : array of float64, shape (models, rows, classes)
        What each said of each row in the fold that holds it; NaN where it learned nothing or a feature is missing.
    scores : DataFrame
        A row per model: ``accuracy``, ``precision``, ``recall``, ``auc``, ``brier``, ``log_loss``, over the rows of
        which every model that said anything said something; see :func:`quantstrats.models.scores.scores_of`.
    """

    names: tuple[str, ...]
    classes: Array
    probabilities: Array
    scores: pd.DataFrame

    def best(self, by: str = "log_loss") -> str | None:
        """Return the name of the model with the best score, of equals the first; None where none has one.

        Raises
        ------
        ConfigError
            If there is no such score.
        """
        if by not in self.scores.columns:
            known = ", ".join(self.scores.columns)
            raise ConfigError(f"there is no score {by!r}{did_you_mean(by, self.scores.columns)} (there are {known})")
        scored = self.scores[by].dropna() * (-1.0 if by in LESS_IS_BETTER else 1.0)
        return None if scored.empty else str(scored.idxmax())

    def probability(self, name: str, label: float) -> Array:
        """Return the probability that a model gave to one label, shape (rows,); 0 where no row had that label.

        Raises
        ------
        ConfigError
            If there is no model of the name.
        """
        if name not in self.names:
            raise ConfigError(f"there is no model {name!r}{did_you_mean(name, self.names)} ({', '.join(self.names)})")
        said = self.probabilities[self.names.index(name)]
        column = np.flatnonzero(self.classes == label)
        return said[:, column[0]] if len(column) else np.where(np.isnan(said).any(axis=1), np.nan, 0.0)


def compare(
    models: Mapping[str, Model],
    inputs: ArrayLike,
    labels: ArrayLike,
    *,
    weight: ArrayLike | None = None,
    start: ArrayLike | None = None,
    end: ArrayLike | None = None,
    folds: int = 5,
    embargo: float = 0,
) -> Comparison:
    """Fit each model on the same purged folds, and score what it says of the rows left out.

    The best of several scores is partly luck: it is no estimate of what the chosen model will do.

    Parameters
    ----------
    models : mapping of str to Model
        By name.
    inputs, labels, weight, start, end
        As in :meth:`~quantstrats.models.Model.fit`.
    folds : int, default 5
        How many folds of successive rows (:class:`quantstrats.splits.PurgedKFold`).
    embargo : int or float, default 0
        Rows after a fold that are not learned from either, or a share of all: at least as many as features look back.

    Returns
    -------
    Comparison

    Raises
    ------
    ConfigError
        If something else than models is given, the folds make no sense, or a model's library is not installed.
    DataError
        If shapes do not agree, or there are too few rows for the folds.
    """
    from quantstrats.splits import PurgedKFold

    if not isinstance(models, Mapping) or not models or not all(isinstance(each, Model) for each in models.values()):
        raise ConfigError("compare takes a mapping of names to models of quantstrats.models, at least one")
    given = checked("compare", inputs, labels, weight, start, end)
    finite = np.isfinite(flat(given.inputs))
    whole = finite[:, finite.any(axis=0)].all(axis=1)  # a fold of rows that no model can answer would be none
    known = np.flatnonzero(np.isfinite(given.labels) & (given.weight > 0.0) & whole)
    if not len(known):
        raise DataError("compare: no row has a label, a weight and all features; load more rows")
    classes = np.unique(given.labels[known])
    first = known if given.start is None else given.start[known]
    last = first if given.end is None else given.end[known]
    said = np.full((len(models), len(given.labels), len(classes)), np.nan)
    for train, test in PurgedKFold(first, last, folds, embargo).split(known):
        learned = Given(given.inputs[known[train]], given.labels[known[train]], given.weight[known[train]],
                        first[train], last[train])  # fmt: skip
        asked = given.inputs[known[test]]
        for place, model in enumerate(models.values()):
            said[place, known[test]] = _said(model, learned, asked, classes)
    scores = _scores(list(models), said, given.labels, classes, given.weight)
    return Comparison(tuple(models), classes, said, scores)


def _said(model: Model, learned: Given, asked: Array, classes: Array) -> Array:
    """Return the probabilities that a model gives to rows, rows x classes; NaN where it has none."""
    fitted = model.fit(learned.inputs, learned.labels, weight=learned.weight, start=learned.start, end=learned.end)
    chances = np.full((len(asked), len(classes)), np.nan)
    if fitted.outcome == "fitted":
        told = fitted.predict_proba(asked)
        chances[~np.isnan(told).any(axis=1)] = 0.0  # of a class that these rows lack
        chances[:, np.searchsorted(classes, fitted.classes)] = told
    return chances


def _scores(names: list[str], said: Array, labels: Array, classes: Array, weight: Array) -> pd.DataFrame:
    import pandas as pd

    # An easy row that one model missed must not favour another.
    answered = np.isfinite(said.sum(axis=2))
    speaks = np.flatnonzero(answered.sum(axis=1))
    common = answered[speaks].sum(axis=0) == len(speaks)
    rows = [scores_of(np.where(common[:, None], chances, np.nan), labels, classes, weight) for chances in said]
    return pd.DataFrame(rows, index=pd.Index(names, name="model"))

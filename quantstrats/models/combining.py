"""Combining: one model out of several, whose probabilities are averaged."""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Literal, get_args

import numpy as np

from quantstrats.models.base import FittedModel, Model
from quantstrats.models.fields import check_choice, check_count, check_models, check_number
from quantstrats.models.out_of_fold import fit_all, said_by, said_of_unseen_rows
from quantstrats.models.preparing import NothingLearnedError
from quantstrats.models.scores import brier_losses
from quantstrats.models.voting import vote

if TYPE_CHECKING:
    from quantstrats.models.preparing import Array, Training

How = Literal["mean", "confidence", "scores"]


@dataclass(frozen=True)
class Combined(Model):
    """Models whose probabilities are averaged; :class:`Stacked` learns how to put them together instead.

    A model that learns nothing is left out.

    Parameters
    ----------
    models : tuple or list of Model
        At least two.
    how : {"mean", "confidence", "scores"}, default "mean"
        ``mean``: all count equally. ``confidence``: on each row by how sure they are, (p - 1/k) / (1 - 1/k), where p is
        the largest of the k probabilities; who exaggerates is believed most, so calibrate them. ``scores``: by their
        skill on rows that they had not learned from, 1 - Brier score / that of the classes' shares (Murphy 1973); who
        has none does not count, and where nobody has, all count equally.
    folds : int, default 5
        For ``scores``: how many folds of successive rows.
    embargo : int or float, default 0
        Rows after a fold that are not learned from either, or a share of all: at least as many as features look back.
    """

    name: ClassVar[str] = "combined"
    models: tuple[Model, ...]
    _: KW_ONLY
    how: How = "mean"
    folds: int = 5
    embargo: float = 0

    def __post_init__(self) -> None:
        check_models(self)
        check_choice(self, "how", get_args(How))
        check_count(self, "folds", least=2)
        check_number(self, "embargo", above=0, least=0)

    def _reads_steps(self) -> bool:
        return any(each._reads_steps() for each in self.models)

    def _learn(self, training: Training) -> dict[str, Any]:
        fitted = fit_all(self.models, training)
        for one in fitted:
            training.notes.extend(f"{one.model.name}: {note}" for note in one.notes)
        learned = np.array([one.outcome == "fitted" for one in fitted])
        if not learned.any():
            raise NothingLearnedError(fitted[0].outcome, "none of the models learned anything")
        weights = self._weights(training) if self.how == "scores" else np.ones(len(fitted))
        weights = np.where(learned, weights, 0.0)
        weights = weights / weights.sum() if weights.any() else learned / learned.sum()
        return {"models": fitted, "weights": weights, "classes": len(training.classes)}

    def _weights(self, training: Training) -> Array:
        said = said_of_unseen_rows(self.models, training, self.folds, self.embargo)
        return skill(said, training)

    def _chances(self, opened: dict[str, Any], inputs: Array) -> Array:
        fitted: list[FittedModel] = opened["models"]
        said = said_by(fitted, inputs, opened["classes"])
        weights: Array = opened["weights"]
        return vote(said, weights[:, None] * sureness(said) if self.how == "confidence" else weights)


def skill(said: Array, training: Training) -> Array:
    """Return by which part each model's Brier score is below that of the classes' shares, at least 0, shape (models,).

    Over the rows of which all models say something that say anything at all, as each row counts.
    """
    answered = np.isfinite(said.sum(axis=2))
    speaks = answered.sum(axis=1) > 0
    common = answered[speaks].sum(axis=0) == speaks.sum()
    found = np.zeros(len(said))
    if not speaks.any() or not common.any():
        return found
    codes, weight = training.codes[common].astype("float64"), training.weight[common]
    classes = np.arange(said.shape[2], dtype="float64")
    shares = np.array([weight[codes == each].sum() for each in classes]) / weight.sum()
    usual = np.average(brier_losses(np.tile(shares, (len(codes), 1)), codes, classes), weights=weight)
    if usual > 0.0:
        losses = [np.average(brier_losses(each[common], codes, classes), weights=weight) for each in said[speaks]]
        found[speaks] = np.clip(1.0 - np.array(losses) / usual, 0.0, None)
    return found


def sureness(said: Array) -> Array:
    """Return how far the largest probability is from equal ones, 0 to 1, shape (models, rows); 0 where missing."""
    equal = 1.0 / said.shape[2]
    sure: Array = np.clip((said.max(axis=2) - equal) / (1.0 - equal), 0.0, 1.0)
    return np.where(np.isfinite(sure), sure, 0.0)

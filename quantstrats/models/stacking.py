"""Stacking: a model that learns from what other models said of rows that they had not learned from."""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from quantstrats.errors import ConfigError, DataError
from quantstrats.models.base import FittedModel, Model
from quantstrats.models.calibration import fit_part, places_of
from quantstrats.models.fields import check_count, check_number
from quantstrats.models.logistic import LogisticRegression
from quantstrats.models.preparing import FEWEST_ROWS, NothingLearnedError

if TYPE_CHECKING:
    from quantstrats.models.preparing import Array, Training


@dataclass(frozen=True)
class Stacked(Model):
    """Models, and a last one that learns from their probabilities (Wolpert 1992).

    It learns from probabilities of rows that the models had not learned from: each fold of successive rows is asked of
    models that are fitted on the others, without labels that overlap it. Then the models are fitted on all rows.

    Parameters
    ----------
    models : tuple of Model
        At least two.
    last : Model, optional
        Learns from their probabilities; a logistic regression by default.
    folds : int, default 5
        How many folds.
    embargo : int or float, default 0
        Rows after a fold that are not learned from either, or a share of all: at least as many as features look back.
    """

    name: ClassVar[str] = "stacked"
    models: tuple[Model, ...]
    _: KW_ONLY
    last: Model = LogisticRegression()  # noqa: RUF009 - frozen
    folds: int = 5
    embargo: float = 0

    def __post_init__(self) -> None:
        several = isinstance(self.models, tuple) and len(self.models) > 1
        if not several or not all(isinstance(each, Model) for each in (*self.models, self.last)):
            raise ConfigError(f"{self.name}: give a tuple of at least two models of quantstrats.models, and a last one")
        check_count(self, "folds", least=2)
        check_number(self, "embargo", above=0, least=0)

    def _reads_steps(self) -> bool:
        return any(each._reads_steps() for each in self.models)

    def _learn(self, training: Training) -> dict[str, Any]:
        said = self._said_of_unseen_rows(training)
        start, end = training.start, training.end
        last = self.last.fit(said, training.codes, weight=training.weight, start=start, end=end)
        if last.outcome != "fitted":
            raise NothingLearnedError(last.outcome, f"{self.last.name}, which learns last: {'; '.join(last.notes)}")
        everything = np.arange(len(training.codes))
        fitted = [fit_part(each, training, everything) for each in self.models]
        for one in (*fitted, last):
            training.notes.extend(f"{one.model.name}: {note}" for note in one.notes)
            if one.outcome != "fitted":
                raise NothingLearnedError(one.outcome, f"{one.model.name} learned nothing")
        return {"models": fitted, "last": last, "classes": len(training.classes)}

    def _said_of_unseen_rows(self, training: Training) -> Array:
        from quantstrats.splits import PurgedKFold

        start = np.arange(len(training.codes)) if training.start is None else training.start
        end = start if training.end is None else training.end
        classes = len(training.classes)
        said = np.full((len(training.codes), len(self.models) * (classes - 1)), np.nan)
        try:
            parts = list(PurgedKFold(start, end, self.folds, self.embargo).split(training.codes))
        except DataError as few:
            raise NothingLearnedError("too few rows", f"to ask models of rows that they do not know: {few}") from None
        for train, test in parts:
            said[test] = _said(
                [fit_part(each, training, train) for each in self.models], training.inputs[test], classes
            )
        if np.isfinite(said).all(axis=1).sum() < FEWEST_ROWS:
            raise NothingLearnedError("too few rows", f"on {self.folds} folds the models learned too little")
        return said

    def _chances(self, opened: dict[str, Any], inputs: Array) -> Array:
        last: FittedModel = opened["last"]
        said = _said(opened["models"], inputs, opened["classes"])
        chances = np.zeros((len(inputs), opened["classes"]))
        chances[:, places_of(last)] = last.predict_proba(said)
        return chances


def _said(fitted: list[FittedModel], inputs: Array, classes: int) -> Array:
    """Return the probability of each class but the first, by each model, side by side; NaN where it learned nothing."""
    said = np.zeros((len(inputs), len(fitted), classes))
    for column, each in enumerate(fitted):
        if each.outcome == "fitted":
            said[:, column, places_of(each)] = each.predict_proba(inputs)
        else:
            said[:, column] = np.nan
    return said[:, :, 1:].reshape(len(inputs), -1)

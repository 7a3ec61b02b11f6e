"""Stacking: a model that learns from what other models said of rows that they had not learned from."""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass, replace
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from quantstrats.errors import ConfigError
from quantstrats.models.base import FittedModel, Model
from quantstrats.models.calibration import fit_part, places_of
from quantstrats.models.fields import check_count, check_models, check_number
from quantstrats.models.logistic import LogisticRegression
from quantstrats.models.out_of_fold import fit_all, said_by, said_of_unseen_rows
from quantstrats.models.preparing import FEWEST_ROWS, NothingLearnedError

if TYPE_CHECKING:
    from quantstrats.models.preparing import Array, Training


@dataclass(frozen=True)
class Stacked(Model):
    """Models, and a last one that learns from their probabilities (Wolpert 1992).

    It learns from probabilities of rows that the models had not learned from: each fold of successive rows is asked of
    models that are fitted on the others, without labels that overlap it. Then the models are fitted on all rows.

    What is random is drawn from the seeds of ``models`` and ``last``, not from this one's.

    Parameters
    ----------
    models : tuple or list of Model
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
        check_models(self)
        if not isinstance(self.last, Model):
            raise ConfigError(f"{self.name}: last is {self.last!r:.60}; give one of quantstrats.models")
        check_count(self, "folds", least=2)
        check_number(self, "embargo", above=0, least=0)

    def _reads_steps(self) -> bool:
        return any(each._reads_steps() for each in self.models)

    def _learn(self, training: Training) -> dict[str, Any]:
        said = _columns(said_of_unseen_rows(self.models, training, self.folds, self.embargo))
        if np.isfinite(said).all(axis=1).sum() < FEWEST_ROWS:
            raise NothingLearnedError("too few rows", f"on {self.folds} folds the models learned too little")
        last = fit_part(self.last, replace(training, inputs=said), np.arange(len(said)))
        if last.outcome != "fitted":
            raise NothingLearnedError(last.outcome, f"{self.last.name}, which learns last: {'; '.join(last.notes)}")
        fitted = fit_all(self.models, training)
        for one in (*fitted, last):
            training.notes.extend(f"{one.model.name}: {note}" for note in one.notes)
            if one.outcome != "fitted":
                raise NothingLearnedError(one.outcome, f"{one.model.name} learned nothing")
        return {"models": fitted, "last": last, "classes": len(training.classes)}

    def _chances(self, opened: dict[str, Any], inputs: Array) -> Array:
        last: FittedModel = opened["last"]
        said = _columns(said_by(opened["models"], inputs, opened["classes"]))
        chances = np.zeros((len(inputs), opened["classes"]))
        chances[:, places_of(last)] = last.predict_proba(said)
        return chances


def _columns(said: Array) -> Array:
    """Return the probability of each class but the first, by each model, side by side."""
    return said[:, :, 1:].transpose(1, 0, 2).reshape(said.shape[1], -1)

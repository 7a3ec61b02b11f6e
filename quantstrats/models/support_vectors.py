"""Support vector machine."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Literal, get_args

import numpy as np

from quantstrats.models.base import Model
from quantstrats.models.calibration import corrected, fit_curves
from quantstrats.models.fields import check_choice, check_number, library
from quantstrats.models.preparing import NothingLearnedError
from quantstrats.models.sigmoid import held_back_for_curve

if TYPE_CHECKING:
    from quantstrats.models.preparing import Array, Training

Kernel = Literal["rbf", "linear", "poly"]


@dataclass(frozen=True, kw_only=True)
class SupportVectorMachine(Model):
    """Support vector classifier of scikit-learn, whose distances a sigmoid turns into probabilities.

    The sigmoid is fitted on the latest rows, which are held back from the classifier with all whose labels overlap
    theirs (Platt 1999): on the rows that it learned from, distances are too good. The time that it takes grows with the
    square of the rows and more: give it thousands, not hundreds of thousands.

    Parameters
    ----------
    C : float, default 1
        How much the rows count against a wide margin.
    kernel : {"rbf", "linear", "poly"}, default "rbf"
        How alike rows are.
    gamma : float, optional
        How fast likeness falls with the squared distance; 1 / features by default.
    share : float, default 0.25
        Share of the rows that is held back, by time the latest.
    embargo : int or float, default 0
        Least distance between the labels that are learned from and the rows held back.
    """

    name: ClassVar[str] = "support_vector_machine"
    C: float = 1.0
    kernel: Kernel = "rbf"
    gamma: float | None = None
    share: float = 0.25
    embargo: float = 0

    def __post_init__(self) -> None:
        check_number(self, "C", above=0)
        check_choice(self, "kernel", get_args(Kernel))
        if self.gamma is not None:
            check_number(self, "gamma", above=0)
        check_number(self, "share", above=0, most=0.9)
        check_number(self, "embargo", above=0, least=0)

    def _learn(self, training: Training) -> dict[str, Any]:
        svm = library("sklearn.svm", self.name)
        head, tail = held_back_for_curve(training, self.share, self.embargo, "turn distances into probabilities")
        places = np.unique(training.codes[head]).tolist()
        if len(places) < 2:
            said = f"the {len(head):,} rows before those held back to turn distances into probabilities"
            raise NothingLearnedError("one class", f"{said} are all of class {training.classes[places[0]]:g}")
        gamma = "auto" if self.gamma is None else self.gamma
        estimator = svm.SVC(C=self.C, kernel=self.kernel, gamma=gamma)
        estimator.fit(training.inputs[head], training.codes[head], training.weight[head])
        scores = _distances(estimator, training.inputs[tail])
        curves = fit_curves("sigmoid", scores, places, training.codes[tail], training.weight[tail])
        return {"estimator": estimator, "places": places, "classes": len(training.classes), "curves": curves}

    def _chances(self, opened: dict[str, Any], inputs: Array) -> Array:
        scores = _distances(opened["estimator"], inputs)
        equal = np.full(scores.shape, 1 / scores.shape[1])
        chances = np.zeros((len(inputs), opened["classes"]))
        chances[:, opened["places"]] = corrected("sigmoid", opened["curves"], scores, equal)
        return chances


def _distances(estimator: Any, inputs: Array) -> Array:
    """Return how far on its side of the others each class is, shape (rows, classes)."""
    found: Array = estimator.decision_function(inputs)
    return np.column_stack([-found, found]) if found.ndim == 1 else found

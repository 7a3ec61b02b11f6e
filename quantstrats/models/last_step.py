"""LastStep: a model that looks at the present alone, beside models that read steps."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from quantstrats.errors import ConfigError
from quantstrats.models.base import Model
from quantstrats.models.calibration import fit_part, places_of
from quantstrats.models.preparing import NothingLearnedError

if TYPE_CHECKING:
    from quantstrats.models.preparing import Array, Training


@dataclass(frozen=True)
class LastStep(Model):
    """A model that is given the last step of each row, where another would get all steps side by side.

    For an ensemble of models that read steps and models that do not.

    Parameters
    ----------
    model : Model
        What is fitted.
    """

    name: ClassVar[str] = "last_step"
    model: Model

    def __post_init__(self) -> None:
        if not isinstance(self.model, Model):
            raise ConfigError(f"{self.name}: model is {self.model!r}; give one of quantstrats.models")

    def _reads_steps(self) -> bool:
        return True

    def _counts_weight(self) -> bool:
        return self.model._counts_weight()

    def _learn(self, training: Training) -> dict[str, Any]:
        last = replace(training, inputs=present(training.inputs))
        fitted = fit_part(self.model, last, np.arange(len(training.codes)))
        training.notes.extend(f"{self.model.name}: {note}" for note in fitted.notes)
        if fitted.outcome != "fitted":
            raise NothingLearnedError(fitted.outcome, f"{self.model.name} learned nothing from the last step")
        return {"fitted": fitted, "classes": len(training.classes)}

    def _chances(self, opened: dict[str, Any], inputs: Array) -> Array:
        chances = np.zeros((len(inputs), opened["classes"]))
        chances[:, places_of(opened["fitted"])] = opened["fitted"].predict_proba(present(inputs))
        return chances


def present(inputs: Array) -> Array:
    """Return the last step of each row, shape (rows, features)."""
    return inputs[:, -1] if inputs.ndim == 3 else inputs

"""Model: a recipe of a classifier; FittedModel: what came of fitting it, which a Signal can hold as a field.

A kind of model is a frozen dataclass with a ``name`` and two methods. ``_learn(training)`` returns its state: plain
values, arrays, estimators of scikit-learn, boosters of xgboost, FittedModels, lists, tuples and dicts of these, or a
dict of torch's tensors; that is what quantstrats.learning.fitted_state stores without running code.
``_chances(state, inputs)`` returns probabilities, shape (rows, classes), of finite rows that are scaled like
``training.inputs``. Where it takes time to make of a state what can be asked, ``_opened(state)`` does so once, and
``_chances`` gets what it returns.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, field, fields
from functools import cached_property
from numbers import Real
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from quantstrats.errors import DataError
from quantstrats.models.preparing import (
    Given,
    NothingLearnedError,
    Outcome,
    Scaling,
    Training,
    checked,
    cleaned,
    features,
    flat,
    weights_of_mean_1,
)

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    Array = NDArray[np.float64]
    Codes = NDArray[np.intp]


@dataclass(frozen=True, eq=False)
class FittedModel:
    """What was learned: numbers that no one changes, storable without running code.

    Attributes
    ----------
    model : Model
        The recipe.
    classes : tuple of float
        The labels that it tells apart, ascending; the columns of ``predict_proba``.
    outcome : {"fitted", "one class", "too few rows", "no usable feature"}
        What came of the fit. All but the first learned nothing: every probability is NaN.
    notes : tuple of str
        What was left out and why, a line each: rows with missing features, constant columns.
    shape : tuple of int
        Of one row of inputs: (features,) or (steps, features).
    kept : array of int
        Columns that are looked at; of steps side by side where the model does not know their order.
    center, scale : array of float64
        Mean and standard deviation of these columns on the rows of the fit.
    state : object
        What the model learned from the columns, scaled by these; None where it learned nothing.
    """

    model: Model
    classes: tuple[float, ...]
    outcome: Outcome
    notes: tuple[str, ...]
    shape: tuple[int, ...]
    kept: Codes = field(repr=False)
    center: Array = field(repr=False)
    scale: Array = field(repr=False)
    state: Any = field(repr=False)

    def predict_proba(self, inputs: ArrayLike) -> Array:
        """Return the probability of each class, shape (rows, classes); NaN for rows with a missing feature.

        A feature that was left out of the fit is not looked at. One that is infinite counts as missing.

        Raises
        ------
        DataError
            If a row has another shape than those of the fit.
        """
        scaled, known = self._scaled(inputs)
        chances = np.full((len(known), len(self.classes)), np.nan)
        if known.any():
            chances[known] = self.model._chances(self._opened, scaled[known])
        return chances

    def predict(self, inputs: ArrayLike) -> Array:
        """Return the most probable label of each row, of equals the first, shape (rows,); NaN where there is none."""
        chances = self.predict_proba(inputs)
        known = np.isfinite(chances).all(axis=1) & (chances.shape[1] > 0)
        labels = np.full(len(chances), np.nan)
        if known.any():
            labels[known] = np.asarray(self.classes)[chances[known].argmax(axis=1)]
        return labels

    def probability(self, label: float, inputs: ArrayLike) -> Array:
        """Return the probability of one label, shape (rows,): 0 where no row of the fit had that label.

        Raises
        ------
        DataError
            If the label is no number.
        """
        if not isinstance(label, Real | np.bool_) or not np.isfinite(float(label)):
            known = ", ".join(f"{each:g}" for each in self.classes)
            raise DataError(f"model {self.model.name!r}: label is {label!r:.60}; give a number ({known})")
        chances = self.predict_proba(inputs)
        if label in self.classes:
            return chances[:, self.classes.index(label)]
        missing = np.isnan(chances).any(axis=1) | (self.outcome != "fitted")
        return np.where(missing, np.nan, 0.0)

    def _scaled(self, inputs: ArrayLike) -> tuple[Array, NDArray[np.bool_]]:
        """Return rows as the model looks at them, and of which of them it can be asked: of none if it learned nothing.

        Raises
        ------
        DataError
            If a row has another shape than those of the fit.
        """
        given = features(self.model.name, inputs)
        if given.shape[1:] != self.shape:
            raise DataError(
                f"model {self.model.name!r}: rows are of shape {given.shape[1:]}, and it was fitted on rows of "
                f"{self.shape}; ask with the same features"
            )
        if self.outcome != "fitted":
            return given, np.zeros(len(given), dtype=bool)
        laid = given if self.model._reads_steps() else flat(given)
        scaled = Scaling(self.kept, self.center, self.scale).applied(laid)
        return scaled, np.isfinite(flat(scaled)).all(axis=1)

    def __getstate__(self) -> dict[str, Any]:
        # Without what was opened: that can be had again, and the same model is the same bytes whether asked or not.
        return {each.name: getattr(self, each.name) for each in fields(self)}

    @cached_property
    def _opened(self) -> Any:
        return self.model._opened(self.state)


@dataclass(frozen=True, kw_only=True)
class Model(ABC):
    """A recipe: its fields are parameters, ``fit`` gives a FittedModel and changes nothing.

    Parameters
    ----------
    seed : int, default 0
        Whatever is random is drawn from it: the same data and seed give the same probabilities.
    balanced : bool, default False
        Whether rows are weighted so that all classes count equally. Probabilities are then those of classes that are
        equally frequent.
    """

    name: ClassVar[str]
    seed: int = 0
    balanced: bool = False

    def fit(
        self,
        inputs: ArrayLike,
        labels: ArrayLike,
        *,
        weight: ArrayLike | None = None,
        start: ArrayLike | None = None,
        end: ArrayLike | None = None,
    ) -> FittedModel:
        """Learn; rows whose label or any feature is missing are left out, and a note says how many.

        Parameters
        ----------
        inputs : array, shape (rows, features), or (rows, steps, features) with the last step the present
            Models that know no order of steps take them side by side.
        labels : array, shape (rows,)
            Class of each row, as numbers; NaN where unknown.
        weight : array, shape (rows,), optional
            How much each row counts, not negative; one of 0 is left out.
        start, end : array of int, shape (rows,), optional
            The label's interval, in rows of the market: what a model holds back to stop early or to calibrate is
            purged by them.

        Returns
        -------
        FittedModel
            Also where nothing can be learned: its ``outcome`` and ``notes`` say why.

        Raises
        ------
        DataError
            If shapes do not agree, a weight is negative, or a label ends before it starts.
        ConfigError
            If the library that the model needs is not installed.
        """
        given = checked(self.name, inputs, labels, weight, start, end)
        shape = given.inputs.shape[1:]
        if not self._reads_steps():
            given = Given(flat(given.inputs), given.labels, given.weight, given.start, given.end)
        notes: list[str] = []
        classes = tuple(np.unique(given.labels[np.isfinite(given.labels)]).tolist())
        nothing = np.empty(0)
        try:
            rows, scaling = cleaned(given, notes)
            known, codes = np.unique(rows.labels, return_inverse=True)
            classes = tuple(known.tolist())
            training = Training(
                scaling.applied(rows.inputs), codes, classes, self._weight(rows, notes), rows.start, rows.end, notes
            )
            state = self._learn(training)
        except NothingLearnedError as why:
            told = (*notes, why.note)
            return FittedModel(self, classes, why.outcome, told, shape, np.empty(0, np.intp), nothing, nothing, None)
        return FittedModel(
            self, classes, "fitted", tuple(notes), shape, scaling.kept, scaling.center, scaling.scale, state
        )

    def _weight(self, rows: Given, notes: list[str]) -> Array:
        weight = weights_of_mean_1(rows.weight)
        if self.balanced:
            from quantstrats.labels.weights import class_weights

            weight = weights_of_mean_1(weight * class_weights(rows.labels, weight))
        if not self._counts_weight() and weight.min() < weight.max():
            notes.append("rows count alike: this kind of model knows no weights")
        return weight

    def _reads_steps(self) -> bool:
        """Tell whether steps are read in their order, not side by side."""
        return False

    def _counts_weight(self) -> bool:
        """Tell whether rows may count differently."""
        return True

    @abstractmethod
    def _learn(self, training: Training) -> Any:
        """Return the state that is learned from at least two classes."""

    def _opened(self, state: Any) -> Any:
        """Return what can be asked often, made of a state."""
        return state

    @abstractmethod
    def _chances(self, opened: Any, inputs: Array) -> Array:
        """Return the probability of each class, shape (rows, classes), of rows that are scaled and finite."""

"""Model: a recipe of a classifier; FittedModel: what came of fitting it, which a Signal can hold as a field."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Literal

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import ArrayLike, NDArray

    Array = NDArray[np.float64]
    Codes = NDArray[np.intp]

Outcome = Literal["fitted", "one class", "too few rows", "no usable feature"]


@dataclass(frozen=True)
class Training:
    """What a model learns from, checked and cleaned: finite, no constant column, at least two classes.

    Attributes
    ----------
    inputs : array of float64, shape (rows, features) or (rows, steps, features)
        Scaled to mean 0 and standard deviation 1 where the model asks for it.
    codes : array of int, shape (rows,)
        Positions of the labels among ``classes``.
    classes : tuple of float
        The labels that occur, ascending.
    weight : array of float64, shape (rows,)
        Weights with mean 1.
    start, end : array of int, shape (rows,), or None
        First and last row (of the market) on which each label's interval lies; without them labels do not overlap.
    """

    inputs: Array
    codes: Codes
    classes: tuple[float, ...]
    weight: Array
    start: Codes | None
    end: Codes | None


@dataclass(frozen=True)
class FittedModel(ABC):
    """What was learned: numbers that no one changes, storable without running code.

    Attributes
    ----------
    classes : tuple of float
        The labels that it tells apart, ascending; the columns of ``predict_proba``.
    outcome : {"fitted", "one class", "too few rows", "no usable feature"}
        What came of the fit. All but the first learned nothing: every probability is NaN.
    notes : tuple of str
        What was left out and why, a line each: rows with missing features, constant columns.
    """

    classes: tuple[float, ...]
    outcome: Outcome
    notes: tuple[str, ...]

    @abstractmethod
    def predict_proba(self, inputs: ArrayLike) -> Array:
        """Return the probability of each class, shape (rows, classes); NaN for rows with a missing feature."""

    def predict(self, inputs: ArrayLike) -> Array:
        """Return the most probable label of each row, shape (rows,); NaN where there is none."""
        raise NotImplementedError  # written by the models helper: argmax over predict_proba, ties to the first class


@dataclass(frozen=True, kw_only=True)
class Model(ABC):
    """A recipe: its fields are parameters, ``fit`` gives a FittedModel and changes nothing.

    Parameters
    ----------
    seed : int, default 0
        Whatever is random is drawn from it: the same data and seed give the same probabilities.
    """

    name: ClassVar[str]
    seed: int = 0

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
            How much each row counts, not negative.
        start, end : array of int, shape (rows,), optional
            The label's interval, in rows of the market: what a model holds back to stop early or to calibrate is
            purged by them.

        Returns
        -------
        FittedModel

        Raises
        ------
        DataError
            If shapes do not agree, or a weight is negative.
        """
        raise NotImplementedError  # written by the models helper, in terms of _learn

    @abstractmethod
    def _learn(self, training: Training) -> Any:
        """Return the fitted state of at least two classes; what kinds of state there are is this package's matter."""

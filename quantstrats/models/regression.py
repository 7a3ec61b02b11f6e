"""Regression: models of a number, beside those of a class, with the same outcomes and states.

``models.RidgeRegression().fit(inputs, targets)`` gives a ``FittedRegression``. Rows are checked, cleaned and scaled as
for classifiers; targets are scaled too, so that returns of a thousandth and prices of a thousand are learned alike.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, field, fields
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from quantstrats.errors import DataError
from quantstrats.models.fields import check_count, check_number, library
from quantstrats.models.preparing import (
    Given,
    NothingLearnedError,
    Outcome,
    Scaling,
    checked,
    cleaned_targets,
    features,
    flat,
    weights_of_mean_1,
)

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    Array = NDArray[np.float64]
    Codes = NDArray[np.intp]


@dataclass(frozen=True, eq=False)
class FittedRegression:
    """What was learned: numbers that no one changes, storable without running code.

    Attributes
    ----------
    model : Regression
        The recipe.
    outcome : {"fitted", "one class", "too few rows", "no usable feature"}
        What came of the fit; "one class": all targets are equal. All but the first learned nothing, and tell NaN.
    notes : tuple of str
        What was left out and why, a line each.
    shape : tuple of int
        Of one row of inputs.
    kept : array of int
        Columns that are looked at; steps stand side by side.
    center, scale : array of float64
        Mean and standard deviation of these columns on the rows of the fit.
    target : tuple of (float, float)
        Mean and standard deviation of the targets.
    state : object
        What the model learned; None where it learned nothing.
    """

    model: Regression
    outcome: Outcome
    notes: tuple[str, ...]
    shape: tuple[int, ...]
    kept: Codes = field(repr=False)
    center: Array = field(repr=False)
    scale: Array = field(repr=False)
    target: tuple[float, float]
    state: Any = field(repr=False)

    def predict(self, inputs: ArrayLike) -> Array:
        """Return the expected target, shape (rows,); NaN for rows with a missing feature.

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
        told = np.full(len(given), np.nan)
        if self.outcome != "fitted":
            return told
        scaled = Scaling(self.kept, self.center, self.scale).applied(flat(given))
        known = np.isfinite(scaled).all(axis=1)
        if known.any():
            mean, deviation = self.target
            told[known] = mean + deviation * self.model._told(self._opened, scaled[known])
        return told

    def __getstate__(self) -> dict[str, Any]:
        return {each.name: getattr(self, each.name) for each in fields(self)}

    @cached_property
    def _opened(self) -> Any:
        return self.model._opened(self.state)


@dataclass(frozen=True, kw_only=True)
class Regression(ABC):
    """A recipe: its fields are parameters, ``fit`` gives a FittedRegression and changes nothing.

    Parameters
    ----------
    seed : int, default 0
        Whatever is random is drawn from it.
    """

    name: ClassVar[str]
    seed: int = 0

    def fit(self, inputs: ArrayLike, targets: ArrayLike, *, weight: ArrayLike | None = None) -> FittedRegression:
        """Learn; rows whose target or any feature is missing are left out, and a note says how many.

        Parameters
        ----------
        inputs : array, shape (rows, features) or (rows, steps, features)
            Steps are taken side by side.
        targets : array, shape (rows,)
            What is to be told of each row, for instance the ``returns`` of labels; NaN where unknown.
        weight : array, shape (rows,), optional
            How much each row counts, not negative; one of 0 is left out.

        Returns
        -------
        FittedRegression
            Also where nothing can be learned: its ``outcome`` and ``notes`` say why.

        Raises
        ------
        DataError
            If shapes do not agree, or a weight is negative.
        ConfigError
            If the library that the model needs is not installed.
        """
        given = checked(self.name, inputs, targets, weight)
        shape = given.inputs.shape[1:]
        notes: list[str] = []
        nothing = np.empty(0)
        try:
            laid = Given(flat(given.inputs), given.labels, given.weight, None, None)
            rows, scaling, target = cleaned_targets(laid, notes)
        except NothingLearnedError as why:
            told = (*notes, why.note)
            return FittedRegression(
                self, why.outcome, told, shape, np.empty(0, np.intp), nothing, nothing, (np.nan, np.nan), None
            )
        standard = (rows.labels - target[0]) / target[1]
        state = self._learn(scaling.applied(rows.inputs), standard, weights_of_mean_1(rows.weight))
        return FittedRegression(
            self, "fitted", tuple(notes), shape, scaling.kept, scaling.center, scaling.scale, target, state
        )

    @abstractmethod
    def _learn(self, inputs: Array, targets: Array, weight: Array) -> Any:
        """Return the state that is learned from finite rows, scaled like the targets."""

    def _opened(self, state: Any) -> Any:
        """Return what can be asked often, made of a state."""
        return state

    @abstractmethod
    def _told(self, opened: Any, inputs: Array) -> Array:
        """Return the target of each row, in standard deviations from its mean."""


@dataclass(frozen=True, kw_only=True)
class RidgeRegression(Regression):
    """Least squares with a quadratic penalty (Hoerl and Kennard 1970); needs no library.

    Parameters
    ----------
    penalty : float, default 1
        How much the squares of the coefficients count against those of the errors, of features and targets with
        standard deviation 1; 0 is least squares.
    """

    name: ClassVar[str] = "ridge_regression"
    penalty: float = 1.0

    def __post_init__(self) -> None:
        check_number(self, "penalty", above=0, least=0)

    def _learn(self, inputs: Array, targets: Array, weight: Array) -> Array:
        share = weight / weight.sum()
        means, mean = share @ inputs, float(share @ targets)
        apart = inputs - means
        squares = apart.T @ (apart * weight[:, None]) + self.penalty * np.eye(inputs.shape[1])
        coefficients = np.linalg.lstsq(squares, apart.T @ (weight * (targets - mean)), rcond=None)[0]
        return np.append(coefficients, mean - means @ coefficients)

    def _told(self, opened: Array, inputs: Array) -> Array:
        # Row by row the same sum, however many rows are asked.
        found: Array = (inputs * opened[:-1]).sum(axis=1) + opened[-1]
        return found


@dataclass(frozen=True, kw_only=True)
class RandomForestRegression(Regression):
    """Mean of trees, each grown on other draws of rows and features (Breiman 2001); of scikit-learn.

    Parameters
    ----------
    n_estimators : int, default 200
        How many trees.
    max_depth : int, optional
        Most splits from the root to a leaf; no bound by default.
    min_samples_leaf : int, default 5
        Fewest rows in a leaf.
    max_features : float, default 0.5
        Share of the features that each split chooses from.
    """

    name: ClassVar[str] = "random_forest_regression"
    n_estimators: int = 200
    max_depth: int | None = None
    min_samples_leaf: int = 5
    max_features: float = 0.5

    def __post_init__(self) -> None:
        check_count(self, "n_estimators")
        check_count(self, "max_depth", absent=True)
        check_count(self, "min_samples_leaf")
        check_number(self, "max_features", above=0, most=1)

    def _learn(self, inputs: Array, targets: Array, weight: Array) -> Any:
        forest = library("sklearn.ensemble", self.name)
        estimator = forest.RandomForestRegressor(
            self.n_estimators,
            max_depth=self.max_depth,
            min_samples_leaf=self.min_samples_leaf,
            max_features=float(self.max_features),
            random_state=self.seed,
        )
        return estimator.fit(inputs, targets, weight)

    def _told(self, opened: Any, inputs: Array) -> Array:
        told: Array = opened.predict(inputs)
        return told


@dataclass(frozen=True, kw_only=True)
class XGBoostRegression(Regression):
    """Gradient-boosted trees of squared errors (Chen and Guestrin 2016).

    Parameters
    ----------
    n_estimators : int, default 100
        How many rounds, of a tree each.
    max_depth : int, default 3
        Most splits from the root to a leaf.
    learning_rate : float, default 0.3
        By how much each tree's answer is shrunk.
    subsample : float, default 1
        Share of the rows that each round draws.
    reg_lambda : float, default 1
        Quadratic penalty of a leaf's answer.
    """

    name: ClassVar[str] = "xgboost_regression"
    n_estimators: int = 100
    max_depth: int = 3
    learning_rate: float = 0.3
    subsample: float = 1.0
    reg_lambda: float = 1.0

    def __post_init__(self) -> None:
        check_count(self, "n_estimators")
        check_count(self, "max_depth")
        for name in ("learning_rate", "subsample"):
            check_number(self, name, above=0, most=1)
        check_number(self, "reg_lambda", above=0, least=0)

    def _learn(self, inputs: Array, targets: Array, weight: Array) -> NDArray[np.uint8]:
        xgboost = library("xgboost", self.name)
        chosen = ("max_depth", "learning_rate", "subsample", "reg_lambda", "seed")
        parameters = {name: getattr(self, name) for name in chosen}
        parameters |= {"tree_method": "hist", "nthread": 1, "verbosity": 0, "objective": "reg:squarederror"}
        with xgboost.config_context(verbosity=0):
            data = xgboost.DMatrix(inputs, targets, weight=weight, nthread=1)
            booster = xgboost.train(parameters, data, self.n_estimators)
        return np.frombuffer(bytes(booster.save_raw("ubj")), np.uint8)

    def _opened(self, state: NDArray[np.uint8]) -> Any:
        return library("xgboost", self.name).Booster({"nthread": 1}, model_file=bytearray(state.tobytes()))

    def _told(self, opened: Any, inputs: Array) -> Array:
        found: Array = opened.predict(library("xgboost", self.name).DMatrix(inputs, nthread=1)).astype("float64")
        return found

"""Gradient-boosted trees of LightGBM."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from quantstrats.models.base import Model
from quantstrats.models.fields import check_count, check_number, library

if TYPE_CHECKING:
    from quantstrats.models.preparing import Array, Training


@dataclass(frozen=True, kw_only=True)
class LightGBM(Model):
    """Gradient-boosted trees that grow leaf by leaf (Ke et al. 2017).

    Parameters
    ----------
    n_estimators : int, default 500
        How many rounds; each grows a tree, or one per class where there are more than two.
    learning_rate : float, default 0.01
        By how much each tree's answer is shrunk.
    max_depth : int, default 8
        Most splits from the root to a leaf.
    num_leaves : int, default 31
        Most leaves of a tree.
    min_data_in_leaf : int, default 20
        Fewest rows in a leaf: of fewer than twice as many rows nothing but the classes' shares is learned.
    bagging_fraction : float, default 1
        Share of the rows that each round draws.
    feature_fraction : float, default 1
        Share of the features that each tree draws.
    lambda_l2 : float, default 0
        Quadratic penalty of a leaf's answer.
    """

    name: ClassVar[str] = "lightgbm"
    n_estimators: int = 500
    learning_rate: float = 0.01
    max_depth: int = 8
    num_leaves: int = 31
    min_data_in_leaf: int = 20
    bagging_fraction: float = 1.0
    feature_fraction: float = 1.0
    lambda_l2: float = 0.0

    def __post_init__(self) -> None:
        for name in ("n_estimators", "max_depth", "min_data_in_leaf"):
            check_count(self, name)
        check_count(self, "num_leaves", least=2)
        for name in ("learning_rate", "bagging_fraction", "feature_fraction"):
            check_number(self, name, above=0, most=1)
        check_number(self, "lambda_l2", above=0, least=0)

    def _learn(self, training: Training) -> str:
        lightgbm = library("lightgbm", self.name)
        chosen = ("learning_rate", "max_depth", "num_leaves", "min_data_in_leaf", "bagging_fraction")
        parameters = {name: getattr(self, name) for name in (*chosen, "feature_fraction", "lambda_l2", "seed")}
        parameters |= {"objective": "binary", "bagging_freq": int(self.bagging_fraction < 1)}
        parameters |= {"num_threads": 1, "deterministic": True, "force_row_wise": True, "verbosity": -1}
        if len(training.classes) > 2:
            parameters |= {"objective": "multiclass", "num_class": len(training.classes)}
        data = lightgbm.Dataset(training.inputs, training.codes, weight=training.weight, params={"verbosity": -1})
        booster = lightgbm.train(parameters, data, self.n_estimators)
        text: str = booster.model_to_string()
        return text

    def _opened(self, state: str) -> Any:
        return library("lightgbm", self.name).Booster(model_str=state)

    def _chances(self, opened: Any, inputs: Array) -> Array:
        found: Array = opened.predict(inputs, num_threads=1)
        # Of two classes the probability of the second alone is told.
        return np.column_stack([1.0 - found, found]) if found.ndim == 1 else found

"""Gradient-boosted trees of XGBoost."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Literal, get_args

import numpy as np

from quantstrats.errors import ConfigError
from quantstrats.models.base import Model
from quantstrats.models.fields import check_choice, check_count, check_number, library

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from quantstrats.models.preparing import Array, Training

Device = Literal["cpu", "cuda"]


@dataclass(frozen=True, kw_only=True)
class XGBoost(Model):
    """Gradient-boosted trees (Chen and Guestrin 2016); splits are sought among 256 quantiles of each feature.

    Parameters
    ----------
    n_estimators : int, default 100
        How many rounds; each grows a tree, or one per class where there are more than two.
    max_depth : int, default 3
        Most splits from the root to a leaf.
    learning_rate : float, default 0.3
        By how much each tree's answer is shrunk.
    subsample : float, default 1
        Share of the rows that each round draws.
    colsample_bytree : float, default 1
        Share of the features that each tree draws.
    min_child_weight : float, default 1
        Least sum of second derivatives in a leaf; about a quarter of its rows where both classes are likely.
    reg_lambda : float, default 1
        Quadratic penalty of a leaf's answer.
    device : {"cpu", "cuda"}, default "cpu"
        Where to learn. The last digits of what is learned differ.
    """

    name: ClassVar[str] = "xgboost"
    n_estimators: int = 100
    max_depth: int = 3
    learning_rate: float = 0.3
    subsample: float = 1.0
    colsample_bytree: float = 1.0
    min_child_weight: float = 1.0
    reg_lambda: float = 1.0
    device: Device = "cpu"

    def __post_init__(self) -> None:
        check_count(self, "n_estimators")
        check_count(self, "max_depth")
        for name in ("learning_rate", "subsample", "colsample_bytree"):
            check_number(self, name, above=0, most=1)
        for name in ("min_child_weight", "reg_lambda"):
            check_number(self, name, above=0, least=0)
        check_choice(self, "device", get_args(Device))

    def _learn(self, training: Training) -> NDArray[np.uint8]:
        xgboost = library("xgboost", self.name)
        several = len(training.classes) > 2
        chosen = ("max_depth", "learning_rate", "subsample", "colsample_bytree", "min_child_weight", "reg_lambda")
        parameters = {name: getattr(self, name) for name in (*chosen, "device", "seed")}
        parameters |= {"tree_method": "hist", "nthread": 1, "verbosity": 0, "objective": "binary:logistic"}
        if several:
            parameters |= {"objective": "multi:softprob", "num_class": len(training.classes)}
        with xgboost.config_context(verbosity=0):
            data = xgboost.DMatrix(training.inputs, training.codes, weight=training.weight, nthread=1)
            booster = xgboost.train(parameters, data, self.n_estimators)
        used = json.loads(booster.save_config())["learner"]["generic_param"]["device"]
        if not used.startswith(self.device):
            raise ConfigError(f"model {self.name!r}: device is 'cuda', and xgboost finds no GPU here; set it to 'cpu'")
        return np.frombuffer(bytes(booster.save_raw("ubj")), np.uint8)

    def _opened(self, state: NDArray[np.uint8]) -> Any:
        xgboost = library("xgboost", self.name)
        return xgboost.Booster({"nthread": 1, "device": "cpu"}, model_file=bytearray(state.tobytes()))

    def _chances(self, opened: Any, inputs: Array) -> Array:
        xgboost = library("xgboost", self.name)
        found = opened.predict(xgboost.DMatrix(inputs, nthread=1)).astype("float64")
        if found.ndim == 1:  # of two classes that of the second alone is told
            return np.column_stack([1.0 - found, found])
        chances: Array = found / found.sum(axis=1, keepdims=True)  # of single precision
        return chances

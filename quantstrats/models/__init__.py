"""Models: classifiers with one interface, whose fitted state can be stored without running code.

``models.XGBoost(max_depth=2).fit(inputs, labels)`` gives a ``FittedModel``, which a Signal can hold as a field;
``models.make("xgboost", max_depth=2)`` makes one by name. ``Calibrated`` and ``Stacked`` are made of other models.
Every name loads on first use, and a model's library when it is fitted or asked.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from quantstrats.lazy import lazily

if TYPE_CHECKING:
    from quantstrats.models.base import FittedModel, Model
    from quantstrats.models.calibration import Calibrated
    from quantstrats.models.forest import RandomForest
    from quantstrats.models.lightgbm_trees import LightGBM
    from quantstrats.models.logistic import LogisticRegression
    from quantstrats.models.lstm import LSTM
    from quantstrats.models.named import NAMES, make
    from quantstrats.models.neighbours import NearestNeighbours
    from quantstrats.models.perceptron import Perceptron
    from quantstrats.models.stacking import Stacked
    from quantstrats.models.support_vectors import SupportVectorMachine
    from quantstrats.models.xgboost_trees import XGBoost

_HOMES = {
    "Calibrated": "calibration",
    "FittedModel": "base",
    "LSTM": "lstm",
    "LightGBM": "lightgbm_trees",
    "LogisticRegression": "logistic",
    "Model": "base",
    "NAMES": "named",
    "NearestNeighbours": "neighbours",
    "Perceptron": "perceptron",
    "RandomForest": "forest",
    "Stacked": "stacking",
    "SupportVectorMachine": "support_vectors",
    "XGBoost": "xgboost_trees",
    "make": "named",
}

__all__ = [
    "LSTM",
    "NAMES",
    "Calibrated",
    "FittedModel",
    "LightGBM",
    "LogisticRegression",
    "Model",
    "NearestNeighbours",
    "Perceptron",
    "RandomForest",
    "Stacked",
    "SupportVectorMachine",
    "XGBoost",
    "make",
]

__getattr__, __dir__ = lazily(__name__, _HOMES)

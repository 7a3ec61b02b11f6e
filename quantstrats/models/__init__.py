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
    from quantstrats.models.cnn import CNN
    from quantstrats.models.cnn_lstm import CNNLSTM
    from quantstrats.models.combining import Combined
    from quantstrats.models.comparing import Comparison, compare
    from quantstrats.models.ensemble_tables import contribution_sizes, ensemble_scores
    from quantstrats.models.ensembles import opinions, weights_of
    from quantstrats.models.forest import RandomForest
    from quantstrats.models.grades import brier_table, grade_table, graded_picture
    from quantstrats.models.hidden_markov import FittedHiddenMarkov, HiddenMarkov
    from quantstrats.models.importance import permutation_importance
    from quantstrats.models.importance_pictures import contributions_picture
    from quantstrats.models.last_step import LastStep
    from quantstrats.models.lightgbm_trees import LightGBM
    from quantstrats.models.logistic import LogisticRegression
    from quantstrats.models.lstm import LSTM
    from quantstrats.models.named import NAMES, installed, make
    from quantstrats.models.neighbours import NearestNeighbours
    from quantstrats.models.network import reproducible
    from quantstrats.models.perceptron import Perceptron
    from quantstrats.models.pictures import calibration_picture, choice_picture, importance_picture
    from quantstrats.models.regression import (
        FittedRegression,
        RandomForestRegression,
        Regression,
        RidgeRegression,
        XGBoostRegression,
    )
    from quantstrats.models.scores import scores_of
    from quantstrats.models.serving import Served, served
    from quantstrats.models.shapley import contributions
    from quantstrats.models.sizing import bet_size
    from quantstrats.models.stacking import Stacked
    from quantstrats.models.support_vectors import SupportVectorMachine
    from quantstrats.models.tcn import TCN
    from quantstrats.models.voting import disagreement, should_trade, vote
    from quantstrats.models.xgboost_trees import XGBoost

_HOMES = {
    "CNN": "cnn",
    "CNNLSTM": "cnn_lstm",
    "Calibrated": "calibration",
    "Combined": "combining",
    "Comparison": "comparing",
    "FittedHiddenMarkov": "hidden_markov",
    "FittedModel": "base",
    "FittedRegression": "regression",
    "HiddenMarkov": "hidden_markov",
    "LSTM": "lstm",
    "LastStep": "last_step",
    "LightGBM": "lightgbm_trees",
    "LogisticRegression": "logistic",
    "Model": "base",
    "NAMES": "named",
    "NearestNeighbours": "neighbours",
    "Perceptron": "perceptron",
    "RandomForest": "forest",
    "RandomForestRegression": "regression",
    "Regression": "regression",
    "RidgeRegression": "regression",
    "Served": "serving",
    "Stacked": "stacking",
    "SupportVectorMachine": "support_vectors",
    "TCN": "tcn",
    "XGBoost": "xgboost_trees",
    "XGBoostRegression": "regression",
    "bet_size": "sizing",
    "brier_table": "grades",
    "calibration_picture": "pictures",
    "choice_picture": "pictures",
    "compare": "comparing",
    "contribution_sizes": "ensemble_tables",
    "contributions": "shapley",
    "contributions_picture": "importance_pictures",
    "disagreement": "voting",
    "ensemble_scores": "ensemble_tables",
    "grade_table": "grades",
    "graded_picture": "grades",
    "importance_picture": "pictures",
    "installed": "named",
    "make": "named",
    "opinions": "ensembles",
    "permutation_importance": "importance",
    "reproducible": "network",
    "scores_of": "scores",
    "served": "serving",
    "should_trade": "voting",
    "vote": "voting",
    "weights_of": "ensembles",
}

__all__ = [
    "CNN",
    "CNNLSTM",
    "LSTM",
    "NAMES",
    "TCN",
    "Calibrated",
    "Combined",
    "Comparison",
    "FittedHiddenMarkov",
    "FittedModel",
    "FittedRegression",
    "HiddenMarkov",
    "LastStep",
    "LightGBM",
    "LogisticRegression",
    "Model",
    "NearestNeighbours",
    "Perceptron",
    "RandomForest",
    "RandomForestRegression",
    "Regression",
    "RidgeRegression",
    "Served",
    "Stacked",
    "SupportVectorMachine",
    "XGBoost",
    "XGBoostRegression",
    "bet_size",
    "brier_table",
    "calibration_picture",
    "choice_picture",
    "compare",
    "contribution_sizes",
    "contributions",
    "contributions_picture",
    "disagreement",
    "ensemble_scores",
    "grade_table",
    "graded_picture",
    "importance_picture",
    "installed",
    "make",
    "opinions",
    "permutation_importance",
    "reproducible",
    "scores_of",
    "served",
    "should_trade",
    "vote",
    "weights_of",
]

__getattr__, __dir__ = lazily(__name__, _HOMES)

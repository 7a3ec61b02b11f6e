"""Models by name."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from quantstrats.config import build
from quantstrats.errors import ConfigError, did_you_mean

if TYPE_CHECKING:
    from quantstrats.models.base import Model

_HOMES = {
    "lightgbm": ("lightgbm_trees", "LightGBM"),
    "logistic_regression": ("logistic", "LogisticRegression"),
    "lstm": ("lstm", "LSTM"),
    "nearest_neighbours": ("neighbours", "NearestNeighbours"),
    "perceptron": ("perceptron", "Perceptron"),
    "random_forest": ("forest", "RandomForest"),
    "support_vector_machine": ("support_vectors", "SupportVectorMachine"),
    "xgboost": ("xgboost_trees", "XGBoost"),
}
NAMES = tuple(_HOMES)


def make(name: str, **parameters: Any) -> Model:
    """Return a model by its name, one of ``NAMES``.

    Parameters
    ----------
    name : str
        The model's ``name``.
    **parameters
        Its fields, checked and converted like those of a configuration.

    Raises
    ------
    ConfigError
        If there is no such model or parameter, or a value does not fit.
    """
    if name not in _HOMES:
        raise ConfigError(f"no model called {name!r}{did_you_mean(name, NAMES)} (there are {', '.join(NAMES)})")
    home, kind = _HOMES[name]
    cls: type[Model] = getattr(importlib.import_module(f"quantstrats.models.{home}"), kind)
    return build(cls, parameters, f"model {name!r}")

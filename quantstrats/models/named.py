"""Models by name."""

from __future__ import annotations

import importlib
from collections.abc import Iterable
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from quantstrats.config import build
from quantstrats.errors import ConfigError, did_you_mean

if TYPE_CHECKING:
    from quantstrats.models.base import Model

_HOMES = {
    "cnn": ("cnn", "CNN"),
    "cnn_lstm": ("cnn_lstm", "CNNLSTM"),
    "lightgbm": ("lightgbm_trees", "LightGBM"),
    "logistic_regression": ("logistic", "LogisticRegression"),
    "lstm": ("lstm", "LSTM"),
    "nearest_neighbours": ("neighbours", "NearestNeighbours"),
    "perceptron": ("perceptron", "Perceptron"),
    "random_forest": ("forest", "RandomForest"),
    "support_vector_machine": ("support_vectors", "SupportVectorMachine"),
    "tcn": ("tcn", "TCN"),
    "xgboost": ("xgboost_trees", "XGBoost"),
}
NAMES = tuple(_HOMES)
_LIBRARIES = {"lightgbm": "lightgbm", "xgboost": "xgboost"} | dict.fromkeys(
    ("cnn", "cnn_lstm", "lstm", "perceptron", "tcn"), "torch"
)  # of all others it is scikit-learn


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
    _check_name(name)
    home, kind = _HOMES[name]
    cls: type[Model] = getattr(importlib.import_module(f"quantstrats.models.{home}"), kind)
    what = f"model {name!r}"
    try:
        return build(cls, parameters, what)
    except ConfigError as wrong:  # a model says its own name too
        raise ConfigError(str(wrong).replace(f"{what}: {name}: ", f"{what}: ", 1)) from None


def installed(names: Iterable[str] = NAMES) -> tuple[str, ...]:
    """Return those of the names whose library is installed, in their order.

    Parameters
    ----------
    names : iterable of str, optional
        Of ``NAMES``, which is the default.

    Raises
    ------
    ConfigError
        If there is no model of one of these names.
    """
    given = tuple(names)
    for name in given:
        _check_name(name)
    return tuple(name for name in given if find_spec(_LIBRARIES.get(name, "sklearn")) is not None)


def _check_name(name: str) -> None:
    if name not in _HOMES:
        raise ConfigError(f"no model called {name!r}{did_you_mean(name, NAMES)} (there are {', '.join(NAMES)})")

"""Checks of a model's fields, and the libraries that models need."""

from __future__ import annotations

import importlib
import math
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

from quantstrats.checks import is_count, number
from quantstrats.errors import ConfigError, did_you_mean

if TYPE_CHECKING:
    from quantstrats.models.base import Model


class Named(Protocol):
    """What has fields to check, and a name to tell of."""

    name: ClassVar[str]


def check_count(model: Named, name: str, least: int = 1, absent: bool = False) -> None:
    """Check that a field is a whole number of at least so much; or None, where that may be.

    Raises
    ------
    ConfigError
        If it is not.
    """
    value = getattr(model, name)
    if absent and value is None:
        return
    if not is_count(value) or value < least:
        raise ConfigError(f"{model.name}: {name} is {value!r}; give a whole number of at least {least}")


def check_number(model: Named, name: str, above: float, most: float = math.inf, least: float | None = None) -> None:
    """Check that a field is a finite number above a bound (or at least ``least``), and not more than ``most``.

    Raises
    ------
    ConfigError
        If it is not.
    """
    value = number(f"{model.name}: {name}", getattr(model, name))
    low_enough = value <= most and value < math.inf
    if not low_enough or not (value >= least if least is not None else value > above):
        low = f"of at least {least:g}" if least is not None else f"above {above:g}"
        high = "" if most == math.inf else f", at most {most:g}"
        raise ConfigError(f"{model.name}: {name} is {getattr(model, name)!r}; give a number {low}{high}")


def check_choice(model: Model, name: str, choices: Iterable[str]) -> None:
    """Check that a field is one of some words.

    Raises
    ------
    ConfigError
        If it is not.
    """
    value, known = getattr(model, name), list(choices)
    if value not in known:
        near = did_you_mean(value, known)
        raise ConfigError(f"{model.name}: {name} is {value!r}{near} (it can be {', '.join(known)})")


def check_models(model: Model, name: str = "models") -> None:
    """Check that a field is a tuple of at least two models; a list is made one.

    Raises
    ------
    ConfigError
        If it is not.
    """
    from quantstrats.models.base import Model

    several = getattr(model, name)
    if isinstance(several, list):
        several = tuple(several)
        object.__setattr__(model, name, several)
    if not isinstance(several, tuple):
        raise ConfigError(f"{model.name}: {name} is {several!r:.60}; give at least two of quantstrats.models")
    if len(several) < 2:
        raise ConfigError(f"{model.name}: {name} holds {len(several)} model; give at least two of quantstrats.models")
    for place, each in enumerate(several):
        if not isinstance(each, Model):
            raise ConfigError(f"{model.name}: {name}[{place}] is {each!r:.60}; give one of quantstrats.models")


def library(name: str, model: str) -> Any:
    """Return a module of a library that a model needs.

    Raises
    ------
    ConfigError
        With what to install, where it is missing.
    """
    from quantstrats.importing import how_to_install

    try:
        return importlib.import_module(name)
    except ImportError as missing:
        package = name.partition(".")[0]
        raise ConfigError(f"model {model!r} needs {package}, which is not installed{how_to_install(missing)}") from None

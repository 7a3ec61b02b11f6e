"""Spec: a feature as users ask for it, ``"rsi(window=7)@week"``."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from quantstrats.errors import ConfigError
from quantstrats.features.definition import Feature

if TYPE_CHECKING:
    from quantstrats.plugins import Plugins

_FORM = re.compile(r"\s*(?P<name>[^\s(@]+)\s*(?:\((?P<given>.*)\))?\s*(?:@\s*(?P<bar>\S+)\s*)?", re.DOTALL)


@dataclass(frozen=True)
class Spec:
    """A feature with its parameters, on the market's bars or on longer ones.

    Attributes
    ----------
    label : str
        As it was asked for; the name of its columns.
    feature : Feature
        The formula.
    parameters : tuple of (str, value)
        All of them, by name.
    bar : str
        Longer bars that it is computed on, closed ones alone: ``"week"``, ``"1h"``; empty for the market's own.
    """

    label: str
    feature: Feature
    parameters: tuple[tuple[str, Any], ...]
    bar: str = ""

    @property
    def values(self) -> dict[str, Any]:
        """The parameters as a dict."""
        return dict(self.parameters)

    @property
    def warmup(self) -> int:
        """On how many of its own bars' rows a value may depend."""
        return self.feature.warmup(**self.values)


def specs_of(names: Iterable[str | Feature] | str | Feature, plugins: Plugins | None = None) -> list[Spec]:
    """Read what features are asked for.

    Parameters
    ----------
    names : iterable of str or Feature, or one of them
        ``"rsi"``; ``"rsi(window=7)"``; ``"rsi@week"``, of closed longer bars; ``"acme:rsi"``, of one provider; a
        feature itself, with its default parameters.
    plugins : Plugins, optional
        Where to look for names that are not shipped; by default all that is installed.

    Raises
    ------
    ConfigError
        If there is no such feature or parameter, with the nearest that there is; or one is asked for twice.
    """
    if not isinstance(names, str | Feature | Iterable):
        raise ConfigError(f"features are asked for by their names, as in ['rsi'], not by {names!r}")
    asked = [names] if isinstance(names, str | Feature) else list(names)
    if not asked:
        raise ConfigError("no features are asked for; name at least one (quantstrats features lists all)")
    specs = [_spec(name, plugins) for name in asked]
    labels = [spec.label for spec in specs]
    if twice := next((label for label in labels if labels.count(label) > 1), None):
        raise ConfigError(f"feature {twice!r} is asked for twice")
    return specs


def _spec(text: str | Feature, plugins: Plugins | None) -> Spec:
    from quantstrats.features.catalogue import find

    if isinstance(text, Feature):
        return Spec(text.name, text, tuple(text.parameters.items()))
    if not isinstance(text, str):
        raise ConfigError(f"a feature is asked for by its name, not by {text!r}")
    form = _FORM.fullmatch(text)
    if form is None:
        raise ConfigError(f"feature {text!r} cannot be read; write name, name(parameter=value) or name@week")
    found = find(form["name"], plugins)
    parameters = found.checked(_given(text, form["given"] or ""))
    return Spec(text, found, tuple(parameters.items()), form["bar"] or "")


def _given(text: str, inside: str) -> dict[str, Any]:
    """Return the parameters of a call as Python reads them, without running anything."""
    unreadable = ConfigError(f"feature {text!r}: the parameters cannot be read; write name(window=7)")
    try:
        call = ast.parse(f"f({inside})", mode="eval").body
        if not isinstance(call, ast.Call) or not isinstance(call.func, ast.Name):
            raise unreadable
        unnamed = [ast.unparse(each) for each in call.args]
        names = [each.arg for each in call.keywords if each.arg is not None]
        values = [ast.literal_eval(each.value) for each in call.keywords]
    except (SyntaxError, ValueError, MemoryError, RecursionError):
        raise unreadable from None
    if unnamed:
        raise ConfigError(f"feature {text!r}: say which parameter {unnamed[0]} is, as in window={unnamed[0]}")
    if len(names) < len(values):  # f(**others)
        raise unreadable
    if twice := next((name for name in names if names.count(name) > 1), None):
        raise ConfigError(f"feature {text!r}: {twice} is given twice; say it once")
    return dict(zip(names, values, strict=True))

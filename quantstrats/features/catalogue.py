"""Which features there are: those that ship, and those of plugins, which come through the same hook."""

from __future__ import annotations

import importlib
from functools import lru_cache
from typing import TYPE_CHECKING

from quantstrats.errors import ConfigError, PluginError, did_you_mean, in_one_line
from quantstrats.features.definition import Feature
from quantstrats.hookspecs import hookimpl

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from quantstrats.plugins import Plugins, Trouble

# In the order in which they are listed; each is a module of this package, and a family may have several.
MODULES = (
    "averages",
    "trend",
    "trend_direction",
    "trend_strength",
    "momentum",
    "returns",
    "channels",
    "volatility",
    "levels",
    "candles",
    "volume",
    "volume_flow",
    "liquidity",
    "statistics",
    "dependence",
    "filters",
    "dates",
    "crosssection",
    "breadth",
    "fitted",
)


@hookimpl
def register_features(register: Callable[[Feature], None]) -> None:
    """Offer the features that ship."""
    for each in shipped().values():
        register(each)


@lru_cache(maxsize=1)
def shipped() -> dict[str, Feature]:
    """Return the features that ship, by name, family by family."""
    found: dict[str, Feature] = {}
    for name in MODULES:
        module = importlib.import_module(f"quantstrats.features.{name}")
        for each in vars(module).values():
            if isinstance(each, Feature) and each.function.__module__ == module.__name__:  # not one it imports
                found[each.name] = each
    return found


def offered(plugins: Plugins) -> tuple[dict[str, Feature], list[Trouble]]:
    """Return the features of a set of plugins, by ``provider:name``, and why plugins were left out.

    A plugin that fails to offer them, offers something else or one twice is left out with all of its features. Those
    that ship are not among them.
    """
    from quantstrats.plugins import Trouble

    found: dict[str, Feature] = {}
    troubles = []
    for plugin, implementation in plugins.implementations("register_features"):
        provider, _, label = plugin.partition(":")
        try:
            found |= _of_plugin(provider, implementation, found)
        except PluginError as error:
            troubles.append(Trouble(label or provider, provider, str(error)))
    ships = set(map(id, shipped().values()))
    return {name: each for name, each in found.items() if id(each) not in ships}, troubles


def _of_plugin(provider: str, implementation: Callable[..., None], known: Mapping[str, Feature]) -> dict[str, Feature]:
    """Return what one plugin offers, by ``provider:name``; ``known`` is what others do.

    Raises
    ------
    PluginError
        If it fails, offers something else, or one twice.
    """
    found: dict[str, Feature] = {}

    def register(each: Feature) -> None:
        if not isinstance(each, Feature):
            raise PluginError(f"plugin {provider!r}: put @feature(...) above {each!r}, and register that")
        name = f"{provider}:{each.name}"
        if name in found or name in known:
            raise PluginError(f"plugin {provider!r} offers the feature {each.name!r} twice")
        found[name] = each

    try:
        implementation(register=register)
    except PluginError:
        raise
    # A stranger's function may raise anything; the one who asks for a feature wants to know whose it was.
    except (Exception, SystemExit) as error:
        raise PluginError(f"plugin {provider!r} failed in register_features: {in_one_line(error)}") from error
    return found


def find(name: str, plugins: Plugins | None = None) -> Feature:
    """Return a feature by its name, or by ``provider:name``.

    Raises
    ------
    ConfigError
        If there is none, or more than one plugin offers it; with the nearest name.
    PluginError
        If the provider is named, and fails to offer its features.
    """
    if name in shipped():
        return shipped()[name]
    others, troubles = offered(_installed() if plugins is None else plugins)
    if name in others:
        return others[name]
    namesakes = [each for each in others if each.partition(":")[2] == name]
    if len(namesakes) == 1:
        return others[namesakes[0]]
    if namesakes:
        raise ConfigError(f"feature {name!r} is offered by more than one plugin; say {' or '.join(namesakes)}")
    if failed := next((each for each in troubles if name.startswith(f"{each.provider}:")), None):
        raise PluginError(failed.reason)
    known = [*shipped(), *(each.partition(":")[2] for each in others)]
    alike = name.rpartition(":")[2].lower()
    left_out = "".join(f"; {each.line}" for each in troubles)
    raise ConfigError(
        f"no feature called {name!r}{did_you_mean(alike, known)} (quantstrats features lists all){left_out}"
    )


@lru_cache(maxsize=1)
def _installed() -> Plugins:
    from quantstrats.plugins import Plugins

    return Plugins.installed()

"""Block: what a configuration says of one thing, and where it says it."""

from __future__ import annotations

import copy
import functools
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from quantstrats.config import build
from quantstrats.errors import ConfigError, PluginError
from quantstrats.making import From, converted, made
from quantstrats.plugins import Offer, Plugins

T = TypeVar("T")

# A key's path within the configuration or a block, and its value.
Assigned = tuple[tuple[str, ...], Any]


@dataclass(frozen=True)
class Block:
    """What is said of one block, and where: paths in the file start from its folder, all others from here.

    Attributes
    ----------
    name : str
        What the block is called.
    in_file : mapping
        What the file says; or a mapping that was given in its place.
    assigned : tuple of (keys, value)
        What ``--set`` and flags say, in order; the last one wins.
    file : Path or None
        The file.
    """

    name: str
    in_file: Mapping[str, Any] = field(default_factory=dict)
    assigned: tuple[Assigned, ...] = ()
    file: Path | None = None

    @property
    def values(self) -> dict[str, Any]:
        """What holds in the end."""
        return _assign(self.in_file, self.assigned)

    def typed(self, cls: type[T]) -> T:
        """Return the block as an object of a dataclass.

        Raises
        ------
        ConfigError
            If a key does not exist or a value does not fit; with the file's name if it stands there.
        """
        plugins = Plugins()  # these blocks name none

        def make(values: Mapping[str, Any], folder: Path) -> T:
            convert = functools.partial(converted, plugins=plugins, folder=folder)
            return build(cls, values, f"block {self.name}", convert)

        return self.made(make)

    def plugin(self, kind: str, plugins: Plugins) -> Any:
        """Return the plugin's object that the block names, with its parameters.

        Raises
        ------
        PluginError, ConfigError
            If there is no such plugin, or a parameter does not exist or does not fit.
        """
        return self.made(lambda values, folder: made(kind, values, plugins, folder))

    def offer(self, kind: str, plugins: Plugins) -> Offer:
        """Return the plugin that the block names.

        Raises
        ------
        PluginError
            If there is no such plugin.
        """
        return self.made(lambda values, folder: _offer(kind, values["name"], plugins, folder))

    def inner(self, name: str) -> Block:
        """Return what is said under one of the block's keys, as a block of its own.

        Raises
        ------
        ConfigError
            If something else than keys and values stands there.
        """
        path = f"{self.name}.{name}"
        assigned: list[Assigned] = []
        for keys, value in self.assigned:
            if keys == (name,) and isinstance(value, Mapping):
                assigned += [((key,), item) for key, item in value.items()]
            elif keys[:1] == (name,) and len(keys) > 1:
                assigned.append((keys[1:], value))
            elif keys == (name,) and value is not None:
                raise ConfigError(f"{path} is {value!r:.60}; it holds keys and values, as in '{name}: {{...}}'")
        written = self.in_file.get(name) or {}
        if not isinstance(written, Mapping):
            inside = f"{self.file}: " if self.file is not None else ""
            raise ConfigError(f"{inside}{path} is {written!r:.60}; it holds keys and values, as in '{name}: {{...}}'")
        return Block(path, written, tuple(assigned), self.file)

    def made(self, make: Callable[[Mapping[str, Any], Path], T]) -> T:
        """Return what ``make`` makes of the values and the folder that paths among them start from.

        An error of the file's own names the file.
        """
        here = [(keys, _from(Path.cwd(), value)) for keys, value in self.assigned]
        try:
            return make(_assign(self.in_file, here), self._folder)
        except (ConfigError, PluginError) as error:
            if self._stands_in_file(error, make):
                raise type(error)(f"{self.file}: {error}") from error.__cause__
            raise

    @property
    def _folder(self) -> Path:
        """Where paths in the file start from."""
        return Path.cwd() if self.file is None else self.file.absolute().parent

    def _stands_in_file(self, error: Exception, make: Callable[[Mapping[str, Any], Path], Any]) -> bool:
        """Tell whether the file alone is wrong in the same way."""
        if self.file is None or not self.in_file:
            return False
        try:
            make(self.in_file, self._folder)
        except (ConfigError, PluginError) as alone:
            return str(alone) == str(error)
        return False


def _assign(values: Mapping[str, Any], assigned: Iterable[Assigned]) -> dict[str, Any]:
    """Return a copy of nested values with others set in it; a name alone becomes a mapping where it is looked into."""
    result = copy.deepcopy(dict(values))
    for keys, value in assigned:
        inner = result
        for key in keys[:-1]:
            old = inner.get(key)
            named = isinstance(old.value if isinstance(old, From) else old, str)
            inner[key] = {"name": old} if named else old if isinstance(old, dict) else {}
            inner = inner[key]
        inner[keys[-1]] = value
    return result


def _from(folder: Path, value: Any) -> Any:
    """Return plain data, each value of it marked as said where paths start from the folder."""
    if isinstance(value, Mapping):
        return {key: _from(folder, item) for key, item in value.items()}
    return From(folder, value)


def _offer(kind: str, name: Any, plugins: Plugins, folder: Path) -> Offer:
    name, folder = (name.value, name.folder) if isinstance(name, From) else (name, folder)
    return plugins.find(kind, str(name), folder)

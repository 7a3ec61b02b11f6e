"""made: a plugin's object from its name and parameters, parts of it included; described: the way back."""

from __future__ import annotations

import functools
import operator
import types
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, Union, get_args, get_origin

from quantstrats.config import build, describe, validated
from quantstrats.errors import ConfigError, PluginError
from quantstrats.plugins import check_class, kind_of
from quantstrats.warned import heard

if TYPE_CHECKING:
    from quantstrats.plugins import Plugins


@dataclass(frozen=True)
class From:
    """A value within plain data that was said elsewhere than the rest: relative paths in it start from there."""

    folder: Path
    value: Any


def made(kind: str, thing: Any, plugins: Plugins, folder: Path | None = None) -> Any:
    """Return the object itself, checked, or make one of its name and parameters.

    A field whose type names a plugin's base class (``Signal``, ``Signal | None``, ``tuple[Signal, ...]``) takes the
    same: an object, a name, or a mapping with a name and parameters.

    Parameters
    ----------
    kind : str
        ``"signal"``, ``"allocator"`` or ``"source"``.
    thing : object, str or mapping
        The object; the name of one, as :meth:`Plugins.find` takes it; or ``{"name": ..., **parameters}``. What was said
        elsewhere, within it, stands in a :class:`From`.
    plugins : Plugins
        Where to look for names.
    folder : Path, optional
        Where relative paths start from, those of files with plugins and those among the parameters (in which ``~`` is
        the user's home then); by default the former start from the working directory, the latter are left as they are.

    Raises
    ------
    PluginError
        If there is no such name, or the object's class is not what its kind must be.
    ConfigError
        If a parameter does not exist or does not fit, or the thing is of another type.
    """
    if isinstance(thing, From):
        return made(kind, thing.value, plugins, thing.folder)
    if isinstance(thing, str | Mapping):
        params = {"name": thing} if isinstance(thing, str) else dict(thing)
        name, start = _split(params.pop("name", None), folder)
        if not isinstance(name, str):
            raise ConfigError(f"{kind} has no name; write {{'name': ..., parameters}}")
        convert = functools.partial(converted, plugins=plugins, folder=folder)
        offer = plugins.find(kind, name, start)
        who = f"{kind} {offer.name!r}"  # in an error it is called as the user calls it, file and all
        return heard(who, offer.cls.__module__, build, offer.cls, params, f"{kind} {name!r}", convert)
    if isinstance(thing, type):
        raise ConfigError(f"{kind} is the class {thing.__name__}; make an object of it, as in {thing.__name__}()")
    if kind_of(type(thing)) != kind:
        raise ConfigError(f"{kind} is of type {type(thing).__name__}; give a {kind.title()} or the name of one")
    check_class(kind, type(thing), f"{kind} {type(thing).__name__}")
    return thing


def described(thing: Any, plugins: Plugins) -> dict[str, Any]:
    """Return a plugin's object as the plain data of which :func:`made` makes it again.

    Raises
    ------
    ConfigError
        If a field holds something that plain data cannot carry.
    """

    def name_of(part: Any) -> str:
        kind = kind_of(type(part))
        return plugins.reference(kind, type(part)) if kind else str(part.name)

    return describe(thing, name_of)


def converted(hint: Any, value: Any, where: str, *, plugins: Plugins, folder: Path | None) -> Any:
    """Return a field's value: its parts made, its type checked, its paths resolved.

    Parameters
    ----------
    hint : type hint
        What the field wants.
    value : object
        Plain data, or an object already.
    where : str
        How to call the field in an error.
    plugins : Plugins
        Where to look for the names of parts.
    folder : Path, optional
        Where relative paths start from; by default they are left as they are.

    Raises
    ------
    ConfigError, PluginError
        If the value does not fit, or a part cannot be made.
    """
    value, folder = _split(value, folder)
    with_parts = _with_parts(hint, value, where, plugins, folder)
    return _resolved(validated(_by_instance(hint), _bare(with_parts), where), folder, where, with_parts)


def _split(value: Any, folder: Path | None) -> tuple[Any, Path | None]:
    """Return a value, and the folder that paths in it start from."""
    return (value.value, value.folder) if isinstance(value, From) else (value, folder)


def _bare(value: Any) -> Any:
    """Return plain data without the marks of where it was said."""
    if isinstance(value, From):
        return value.value
    return {key: _bare(item) for key, item in value.items()} if isinstance(value, dict) else value


def _with_parts(hint: Any, value: Any, where: str, plugins: Plugins, folder: Path | None) -> Any:
    """Return the value with every part that plain data describes made; what fits no part is left as it is."""
    if not _kinds(hint):
        return value
    if isinstance(hint, type) and (kind := kind_of(hint)):
        return _part(kind, hint, value, where, plugins, folder)
    go_on = functools.partial(_with_parts, plugins=plugins, folder=folder)
    origin, arguments = get_origin(hint), get_args(hint)
    if origin is Annotated:
        return go_on(arguments[0], value, where)
    if origin in (Union, types.UnionType):
        chosen = _meant(arguments, value)
        return value if chosen is None else go_on(chosen, value, where)
    if isinstance(value, list | tuple):
        hints = arguments if origin is tuple and arguments[-1] is not Ellipsis else (arguments[0],) * len(value)
        if len(hints) == len(value):  # else the check of the type says so
            numbered = enumerate(zip(hints, value, strict=True), start=1)
            return [go_on(each, item, f"{where}, item {number}") for number, (each, item) in numbered]
    return value


def _part(kind: str, cls: type, value: Any, where: str, plugins: Plugins, folder: Path | None) -> Any:
    if not isinstance(value, str | Mapping):
        return value
    try:
        part = made(kind, value, plugins, folder)
    except (ConfigError, PluginError) as error:
        raise type(error)(f"{where}: {error}") from None
    if not isinstance(part, cls):
        raise ConfigError(f"{where}: {kind} {part.name!r} is no {cls.__name__}")
    return part


def _meant(members: tuple[Any, ...], value: Any) -> Any:
    """Return the member of a union whose parts a value describes; None where it describes none."""
    if isinstance(value, str) and any(m is str or (get_origin(m) is Literal and value in get_args(m)) for m in members):
        return None
    several = isinstance(value, list | tuple)
    for member in members:
        if _kinds(member) and several == (get_origin(member) is not None):
            return member
    return None


def _kinds(hint: Any) -> set[str]:
    """Return the kinds of plugins that a type hint names."""
    if get_origin(hint) is Literal:
        return set()
    if arguments := get_args(hint):
        return set().union(*map(_kinds, arguments))
    kind = kind_of(hint) if isinstance(hint, type) else None
    return {kind} if kind else set()


def _by_instance(hint: Any) -> Any:
    """Return the hint with "an instance of it" in place of each part's class.

    pydantic would look into a part that is a dataclass, whose fields may be of types that it does not know.
    """
    from pydantic import InstanceOf

    if not _kinds(hint):
        return hint
    origin, arguments = get_origin(hint), get_args(hint)
    if origin is None:
        return InstanceOf[hint]  # type: ignore[misc]  # not known before it runs
    if origin is Annotated:
        return _by_instance(arguments[0])
    inner = tuple(map(_by_instance, arguments))
    return functools.reduce(operator.or_, inner) if origin in (Union, types.UnionType) else origin[inner]


def _resolved(value: Any, folder: Path | None, where: str, said: Any = None) -> Any:
    """Return the value with every relative path in it joined to the folder, or to that where it was ``said``."""
    said, folder = _split(said, folder)
    if folder is None:
        return value
    if isinstance(value, Path):
        try:
            return folder / value.expanduser()
        except RuntimeError:
            raise ConfigError(f"{where}: {value} names a user that is not known here; give the whole path") from None
    if type(value) in (list, tuple):
        return type(value)(_resolved(item, folder, where) for item in value)
    if isinstance(value, dict):
        inner = said if isinstance(said, dict) else {}
        return {key: _resolved(item, folder, where, inner.get(key)) for key, item in value.items()}
    return value

"""What a signal's code can reach beside its market, and how to put something else there."""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import CellType, CodeType, FunctionType, ModuleType, SimpleNamespace
from typing import TYPE_CHECKING, Any

from quantstrats.provenance import of_one_hand

if TYPE_CHECKING:
    from quantstrats.signals import Signal


@dataclass(frozen=True)
class Place:
    """A name under which dated data can be reached, and how to put something else there."""

    name: str
    value: Any
    put: Callable[[Any], None]


def places(signal: Signal) -> Iterator[Place]:
    """Yield what a signal's code names: in its module and class, in closures and defaults, on the signal itself.

    Helpers of the same hand are followed: functions, classes and modules that are not installed, or of its package.
    """
    for cls in type(signal).__mro__:
        if cls.__module__.partition(".")[0] in ("quantstrats", "builtins", "abc"):
            continue
        yield from _reached([function for value in vars(cls).values() for function in _functions(value)], cls)
        for name, value in list(vars(cls).items()):
            if not isinstance(value, FunctionType) and not name.startswith("__"):
                yield Place(f"{cls.__name__}.{name}", value, functools.partial(setattr, cls, name))
    fields = getattr(signal, "__dataclass_fields__", {})
    for name, value in list(vars(signal).items()):
        if name not in fields:
            yield Place(f"{type(signal).__name__}.{name}", value, _setter(vars(signal), name))


def _reached(functions: list[FunctionType], cls: type) -> Iterator[Place]:
    """Yield what functions name: closures, and globals of their modules and of those of the same hand as ``cls``."""
    waiting, seen = list(functions), set()
    while waiting:
        function = waiting.pop()
        if function.__code__ in seen:
            continue
        seen.add(function.__code__)
        yield from _closure(function)
        names = _names(function.__code__)
        for module in _modules(function, names, cls):
            for name in sorted(names & set(module)):
                value = module[name]
                yield Place(f"{module['__name__']}.{name}", value, _setter(module, name))
                if _is_own(value, cls):
                    yield from _attributes(name, value)
                    waiting += _functions(value)


def _modules(function: FunctionType, names: set[str], cls: type) -> list[dict[str, Any]]:
    """Return the names in a function's module, and in those modules of the same hand that it names."""
    own = function.__globals__
    used = [own[name] for name in names & set(own) if isinstance(own[name], ModuleType)]
    return [own, *(vars(module) for module in used if _is_own(module, cls))]


def _is_own(value: Any, cls: type) -> bool:
    """Tell whether a module, function, class or object is of the same hand as a class."""
    if isinstance(value, SimpleNamespace):
        return True
    if isinstance(value, ModuleType):
        name = value.__name__
    elif isinstance(value, type) or hasattr(value, "__code__") or hasattr(value, "__wrapped__"):
        name = getattr(value, "__module__", None) or ""
    else:
        name = type(value).__module__
    file = getattr(sys.modules.get(name), "__file__", None)
    return name == cls.__module__ or (file is not None and of_one_hand(name, Path(file), cls.__module__))


def _attributes(name: str, value: Any) -> Iterator[Place]:
    """Yield what stands on a class, or on an object."""
    if isinstance(value, ModuleType | FunctionType) or not hasattr(value, "__dict__"):
        return
    for attribute, item in list(vars(value).items()):
        if not attribute.startswith("__") and not isinstance(item, FunctionType):
            yield Place(
                f"{name}.{attribute}",
                item,
                functools.partial(object.__setattr__, value, attribute)
                if not isinstance(value, type)
                else functools.partial(setattr, value, attribute),
            )


def _functions(value: Any) -> list[FunctionType]:
    """Return the functions in a function, a property, a class or static method, a cached one, or a class."""
    if isinstance(value, type):
        return [
            function for item in vars(value).values() if not isinstance(item, type) for function in _functions(item)
        ]
    inner = [getattr(value, name, None) for name in ("__func__", "__wrapped__", "fget", "func")]
    return [function for function in (value, *inner) if isinstance(function, FunctionType)]


def _names(code: CodeType) -> set[str]:
    """Return the names that code uses, that of functions and comprehensions in it too."""
    return set(code.co_names).union(*(_names(inner) for inner in code.co_consts if isinstance(inner, CodeType)))


def _closure(function: FunctionType) -> Iterator[Place]:
    """Yield what a function keeps: the variables around it, and the defaults of its arguments."""
    defaults = function.__defaults__ or ()
    for at, value in enumerate(defaults):
        yield Place(f"{function.__qualname__}()", value, functools.partial(_set_default, function, at))
    named = function.__kwdefaults__ or {}
    for name, value in list(named.items()):
        yield Place(f"{function.__qualname__}({name})", value, _setter(named, name))
    for name, cell in zip(function.__code__.co_freevars, function.__closure__ or (), strict=True):
        try:
            value = cell.cell_contents
        except ValueError:  # it is not filled yet
            continue
        yield Place(f"{function.__qualname__}.{name}", value, functools.partial(_fill, cell))


def _set_default(function: FunctionType, at: int, value: Any) -> None:
    defaults = list(function.__defaults__ or ())
    defaults[at] = value
    function.__defaults__ = tuple(defaults)


def _fill(cell: CellType, value: Any) -> None:
    cell.cell_contents = value


def _setter(namespace: dict[str, Any], name: str) -> Callable[[Any], None]:
    def put(value: Any) -> None:
        namespace[name] = value

    return put

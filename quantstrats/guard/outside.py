"""Dated data that a signal can reach beside its market: frames in its module, its class, its closures, itself.

What stands there was loaded with its whole future. The guard changes that future and looks whether a forecast moves.
It cannot see what a file holds that is read anew at each call, nor how a frame was made: one that was shifted before it
was stored is only as honest as its labels.
"""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from types import CellType, CodeType, FunctionType, ModuleType
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from quantstrats.guard.perturbation import with_other_future
from quantstrats.market.market import Market
from quantstrats.provenance import of_one_hand

if TYPE_CHECKING:
    from quantstrats.signals import Signal

_DEPTH = 3  # how many containers within containers are looked into


@dataclass(frozen=True)
class _Place:
    """A name under which dated data can be reached, and how to put something else there."""

    name: str
    value: Any
    put: Callable[[Any], None]


class OutsideData:
    """The dated data that a signal's code can reach.

    Parameters
    ----------
    signal : Signal
        Whose module, classes, closures and attributes are searched, and modules of the same hand that they use.
    market : Market
        The whole market: an array with as many rows counts as dated too.
    """

    def __init__(self, signal: Signal, market: Market) -> None:
        self._market = market
        places = [place for place in _places(signal) if self._is_dated(place.value)]
        self._places = list({place.name: place for place in places}.values())

    @property
    def names(self) -> list[str]:
        """Where such data stands."""
        return [place.name for place in self._places]

    @contextmanager
    def with_other_future(self, row: int, rng: np.random.Generator, name: str | None = None) -> Iterator[None]:
        """Let all of it, or what has that name, have other values after ``row`` of the market, for a while."""
        try:
            for place in self._places:
                if name in (None, place.name):
                    place.put(self._changed(place.value, row, rng))
            yield
        finally:
            for place in self._places:
                place.put(place.value)

    def _is_dated(self, value: Any, depth: int = _DEPTH) -> bool:
        if isinstance(value, dict):
            if _has_dated_keys(value):
                return True
            value = list(value.values())
        if isinstance(value, list | tuple):
            return depth > 0 and any(self._is_dated(item, depth - 1) for item in value)
        if isinstance(value, pd.DataFrame | pd.Series):
            return _dates(value) is not None
        return isinstance(value, Market) or self._is_array(value) or _has_answers(value)

    def _is_array(self, value: Any) -> bool:
        return (
            isinstance(value, np.ndarray)
            and value.ndim > 0
            and len(value) == len(self._market)
            and np.issubdtype(value.dtype, np.floating)
        )

    def _changed(self, value: Any, row: int, rng: np.random.Generator, depth: int = _DEPTH) -> Any:
        if not self._is_dated(value, depth):
            return value
        if isinstance(value, dict):
            if _has_dated_keys(value):
                numbers = pd.Series(list(value.values()), index=pd.DatetimeIndex(list(value)))
                return dict(zip(value, self._changed(numbers, row, rng).tolist(), strict=True))
            return {key: self._changed(item, row, rng, depth - 1) for key, item in value.items()}
        if isinstance(value, list | tuple):
            return type(value)([self._changed(item, row, rng, depth - 1) for item in value])
        if isinstance(value, Market):
            last = int(value.decided_at.searchsorted(self._market.decided_at[row], side="right")) - 1
            return with_other_future(value, last, rng) if last >= 0 else value
        if isinstance(value, pd.DataFrame | pd.Series):
            return _changed_after(value, self._is_later(_dates(value), row), rng)
        if self._is_array(value):
            after = np.arange(len(value)) > row
            return np.where(after.reshape(-1, *[1] * (value.ndim - 1)), value * np.exp(rng.normal(0, 0.5)), value)
        return self._asked(value, row, rng)

    def _asked(self, function: Callable[..., Any], row: int, rng: np.random.Generator) -> Callable[..., Any]:
        """Return a function with the same answers, but for their future."""

        def asked(*arguments: Any, **named: Any) -> Any:
            return self._changed(function(*arguments, **named), row, rng)

        return asked

    def _is_later(self, dates: pd.DatetimeIndex | None, row: int) -> np.ndarray:
        """Tell which dates lie after a row: bars by their labels, days by the session, instants by its completion."""
        market = self._market
        if dates is None:
            raise AssertionError("only dated frames are changed")
        if dates.tz is not None:
            # A bar bears the instant at which it starts, which is the one at which the bar before it is complete.
            bars = market.index.tz is not None and bool(dates.isin(market.index).all())
            return np.asarray(dates > (market.index[row] if bars else market.decided_at[row]))
        days = bool((dates == dates.normalize()).all())
        # Nobody knows in which time zone an hour without one is; the next day is later in all of them.
        return np.asarray(dates > market.session[row] + pd.Timedelta(0 if days else 1, unit="D"))


def _dates(frame: pd.DataFrame | pd.Series) -> pd.DatetimeIndex | None:
    """Return the date of each row: its index, a level of that, or the first column of dates; None without any."""
    index = frame.index
    levels = [index.get_level_values(level) for level in range(index.nlevels)]
    table = frame.select_dtypes(["datetime", "datetimetz"]) if isinstance(frame, pd.DataFrame) else pd.DataFrame()
    for dates in [*levels, *(pd.Index(table.iloc[:, place]) for place in range(table.shape[1]))]:
        if isinstance(dates, pd.DatetimeIndex):
            return dates
        if isinstance(dates, pd.PeriodIndex):
            return dates.end_time.normalize()
        if dates.inferred_type == "date" and len(dates):
            return pd.DatetimeIndex(dates)
    return None


def _has_dated_keys(value: dict[Any, Any]) -> bool:
    """Tell a mapping of dates to numbers."""
    return bool(value) and all(
        isinstance(key, date) and isinstance(item, int | float | np.number) for key, item in value.items()
    )


def _has_answers(value: Any) -> bool:
    """Tell a function that keeps its answers (functools.cache), and has been asked."""
    return hasattr(value, "__wrapped__") and hasattr(value, "cache_info") and value.cache_info().currsize > 0


def _changed_after(frame: Any, later: np.ndarray, rng: np.random.Generator) -> Any:
    if isinstance(frame, pd.Series):
        return _changed_after(frame.to_frame(), later, rng).iloc[:, 0].rename(frame.name)
    changed = frame.copy()
    count = int(later.sum())
    for place, kind in enumerate(frame.dtypes):
        column = frame.iloc[:, place].to_numpy(copy=True)
        if pd.api.types.is_bool_dtype(kind):
            column[later] ^= rng.random(count) < 0.5
        elif pd.api.types.is_numeric_dtype(kind):
            column = column.astype("float64")
            column[later] = column[later] * np.exp(rng.normal(0.0, 0.5, count)) + rng.normal(0.0, 0.1, count)
        else:
            continue
        changed.isetitem(place, column)
    return changed


def _places(signal: Signal) -> Iterator[_Place]:
    for cls in type(signal).__mro__:
        if cls.__module__.partition(".")[0] in ("quantstrats", "builtins", "abc"):
            continue
        yield from _reached([function for value in vars(cls).values() for function in _functions(value)], cls)
        for name, value in list(vars(cls).items()):
            if not isinstance(value, FunctionType) and not name.startswith("__"):
                yield _Place(f"{cls.__name__}.{name}", value, functools.partial(setattr, cls, name))
    fields = getattr(signal, "__dataclass_fields__", {})
    for name, value in list(vars(signal).items()):
        if name not in fields:
            yield _Place(f"{type(signal).__name__}.{name}", value, _setter(vars(signal), name))


def _reached(functions: list[FunctionType], cls: type) -> Iterator[_Place]:
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
                yield _Place(f"{module['__name__']}.{name}", value, _setter(module, name))
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
    if isinstance(value, ModuleType):
        name = value.__name__
    elif isinstance(value, type) or hasattr(value, "__code__") or hasattr(value, "__wrapped__"):
        name = getattr(value, "__module__", None) or ""
    else:
        name = type(value).__module__
    file = getattr(sys.modules.get(name), "__file__", None)
    return name == cls.__module__ or (file is not None and of_one_hand(name, Path(file), cls.__module__))


def _attributes(name: str, value: Any) -> Iterator[_Place]:
    """Yield what stands on a class, or on an object."""
    if isinstance(value, ModuleType | FunctionType) or not hasattr(value, "__dict__"):
        return
    for attribute, item in list(vars(value).items()):
        if not attribute.startswith("__") and not isinstance(item, FunctionType):
            yield _Place(
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


def _closure(function: FunctionType) -> Iterator[_Place]:
    for name, cell in zip(function.__code__.co_freevars, function.__closure__ or (), strict=True):
        try:
            value = cell.cell_contents
        except ValueError:  # it is not filled yet
            continue
        yield _Place(f"{function.__qualname__}.{name}", value, functools.partial(_fill, cell))


def _fill(cell: CellType, value: Any) -> None:
    cell.cell_contents = value


def _setter(namespace: dict[str, Any], name: str) -> Callable[[Any], None]:
    def put(value: Any) -> None:
        namespace[name] = value

    return put

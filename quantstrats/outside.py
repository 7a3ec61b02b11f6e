"""Dated data that a signal can reach beside its market: frames in its module, its class, its closures, itself.

What stands there was loaded with its whole future. The guard changes that future and looks whether a forecast moves.
"""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import CellType, CodeType, FunctionType
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from quantstrats.market.market import Market
from quantstrats.market.perturbation import with_other_future

if TYPE_CHECKING:
    from quantstrats.signals import Signal


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
        Whose module, classes, closures and attributes are searched.
    market : Market
        The whole market: an array with as many rows counts as dated too.
    """

    def __init__(self, signal: Signal, market: Market) -> None:
        self._market = market
        self._places = [place for place in _places(signal) if self._is_dated(place.value)]

    @property
    def names(self) -> list[str]:
        """Where such data stands."""
        return [place.name for place in self._places]

    @contextmanager
    def with_other_future(self, row: int, rng: np.random.Generator) -> Iterator[None]:
        """Let all of it have other values after ``row`` of the market, for a while."""
        try:
            for place in self._places:
                place.put(self._changed(place.value, row, rng))
            yield
        finally:
            for place in self._places:
                place.put(place.value)

    def _is_dated(self, value: Any) -> bool:
        if isinstance(value, dict):
            return any(self._is_dated(item) for item in value.values() if not isinstance(item, dict))
        if isinstance(value, pd.DataFrame | pd.Series):
            return isinstance(value.index, pd.DatetimeIndex)
        return isinstance(value, Market) or self._is_array(value)

    def _is_array(self, value: Any) -> bool:
        return (
            isinstance(value, np.ndarray)
            and value.ndim > 0
            and len(value) == len(self._market)
            and np.issubdtype(value.dtype, np.floating)
        )

    def _changed(self, value: Any, row: int, rng: np.random.Generator) -> Any:
        if isinstance(value, dict):
            return {key: self._changed(item, row, rng) for key, item in value.items()}
        if isinstance(value, Market):
            last = int(value.decided_at.searchsorted(self._market.decided_at[row], side="right")) - 1
            return with_other_future(value, last, rng) if last >= 0 else value
        if self._is_array(value):
            after = np.arange(len(value)) > row
            return np.where(after.reshape(-1, *[1] * (value.ndim - 1)), value * np.exp(rng.normal(0, 0.5)), value)
        if isinstance(value, pd.DataFrame | pd.Series) and isinstance(value.index, pd.DatetimeIndex):
            known = self._market.decided_at[row] if value.index.tz is not None else self._market.session[row]
            return _changed_after(value, np.asarray(value.index > known), rng)
        return value


def _changed_after(frame: Any, later: np.ndarray, rng: np.random.Generator) -> Any:
    if isinstance(frame, pd.Series):
        return _changed_after(frame.to_frame(), later, rng).iloc[:, 0].rename(frame.name)
    numbers = frame.select_dtypes("number").columns
    changed = frame.copy()
    factor = np.exp(rng.normal(0.0, 0.5, (int(later.sum()), len(numbers))))
    changed[numbers] = changed[numbers].astype("float64")
    changed.loc[later, numbers] = changed.loc[later, numbers].to_numpy() * factor + rng.normal(0.0, 0.1, factor.shape)
    return changed


def _places(signal: Signal) -> Iterator[_Place]:
    for cls in type(signal).__mro__:
        if cls.__module__.partition(".")[0] in ("quantstrats", "builtins", "abc"):
            continue
        namespace = vars(sys.modules[cls.__module__]) if cls.__module__ in sys.modules else {}
        for name in sorted(_names_used(cls, namespace)):
            yield _Place(f"{cls.__module__}.{name}", namespace[name], _setter(namespace, name))
        for name, value in list(vars(cls).items()):
            if isinstance(value, FunctionType):
                yield from _closure(value)
            elif not name.startswith("__"):
                yield _Place(f"{cls.__name__}.{name}", value, functools.partial(setattr, cls, name))
    fields = getattr(signal, "__dataclass_fields__", {})
    for name, value in list(vars(signal).items()):
        if name not in fields:
            yield _Place(f"{type(signal).__name__}.{name}", value, _setter(vars(signal), name))


def _names_used(cls: type, namespace: dict[str, Any]) -> set[str]:
    """Return the names of its module that a class uses, also through functions of that module."""
    used: set[str] = set()
    waiting: list[CodeType] = [value.__code__ for value in vars(cls).values() if isinstance(value, FunctionType)]
    while waiting:
        code = waiting.pop()
        waiting += [inner for inner in code.co_consts if isinstance(inner, CodeType)]
        for name in set(code.co_names) & set(namespace) - used:
            used.add(name)
            if isinstance(helper := namespace[name], FunctionType):
                waiting.append(helper.__code__)
    return used


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

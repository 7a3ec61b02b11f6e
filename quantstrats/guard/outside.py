"""Dated data beside the market: frames, arrays, mappings and answers that a signal's code can reach.

What stands there was loaded with its whole future. The guard changes that future and looks whether a forecast moves.
It cannot see what a file holds that is read anew at each call, nor how a frame was made: one that was shifted before it
was stored is only as honest as its labels.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from quantstrats.guard.perturbation import with_other_future
from quantstrats.guard.reach import places
from quantstrats.market.market import Market

if TYPE_CHECKING:
    from quantstrats.signals import Signal

_DEPTH = 3  # how many containers within containers are looked into
_KERNEL = 100  # arrays up to this length are not taken for data of the market's rows


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
        dated = [place for place in places(signal) if self._is_dated(place.value)]
        self._places = list({place.name: place for place in dated}.values())

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
        if type(value) in (list, tuple):
            return depth > 0 and any(self._is_dated(item, depth - 1) for item in value)
        if isinstance(value, pd.DataFrame | pd.Series):
            return _dates(value) is not None
        return isinstance(value, Market) or self._is_array(value) or _has_answers(value)

    def _is_array(self, value: Any) -> bool:
        return (
            isinstance(value, np.ndarray)
            and value.ndim > 0
            and len(value) == len(self._market) > _KERNEL  # a shorter one may be weights
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
        if type(value) in (list, tuple):
            return type(value)([self._changed(item, row, rng, depth - 1) for item in value])
        if isinstance(value, Market):
            last = int(value.decided_at.searchsorted(self._market.decided_at[row], side="right")) - 1
            return with_other_future(value, last, rng) if last >= 0 else value
        if isinstance(value, pd.DataFrame | pd.Series):
            dates = _dates(value)
            return _changed_after(value, dates, self._is_later(dates, row), rng)
        if self._is_array(value):
            after = np.arange(len(value)) > row
            return np.where(after.reshape(-1, *[1] * (value.ndim - 1)), value * np.exp(rng.normal(0, 0.5)), value)
        return self._asked(value, row, rng)

    def _asked(self, function: Callable[..., Any], row: int, rng: np.random.Generator) -> Callable[..., Any]:
        """Return a function with the same answers, but for their future."""

        @functools.wraps(function)
        def asked(*arguments: Any, **named: Any) -> Any:
            return self._changed(function(*arguments, **named), row, rng)

        for name in ("cache_info", "cache_clear", "cache_parameters"):
            setattr(asked, name, getattr(function, name))
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
    candidates = [*levels, *(pd.Index(table.iloc[:, place]) for place in range(table.shape[1]))]
    return next((dates for labels in candidates if (dates := _as_dates(labels)) is not None), None)


def _as_dates(labels: pd.Index[Any]) -> pd.DatetimeIndex | None:
    """Return labels that are dates as such, whatever says them; None for others."""
    if isinstance(labels, pd.DatetimeIndex):
        return labels
    if isinstance(labels, pd.PeriodIndex):
        return labels.end_time.normalize()
    if len(labels) and (labels.inferred_type == "date" or _is_dated_text(labels)):
        return pd.DatetimeIndex(labels)
    return None


def _is_dated_text(labels: pd.Index[Any]) -> bool:
    """Tell labels that are days as text: 2015-12-31."""
    return labels.inferred_type == "string" and bool(labels.str.fullmatch(r"\d{4}-\d\d-\d\d").all())


def _has_dated_keys(value: dict[Any, Any]) -> bool:
    """Tell a mapping of dates, or of days as text, to numbers or texts."""
    if not value or not all(isinstance(item, int | float | str | np.number) for item in value.values()):
        return False
    return all(isinstance(key, date) for key in value) or _is_dated_text(pd.Index(list(value)))


def _has_answers(value: Any) -> bool:
    """Tell a function that keeps its answers (functools.cache), and has been asked."""
    return hasattr(value, "__wrapped__") and hasattr(value, "cache_info") and value.cache_info().currsize > 0


def _changed_after(frame: Any, dates: pd.DatetimeIndex | None, later: np.ndarray, rng: np.random.Generator) -> Any:
    if isinstance(frame, pd.Series):
        return _changed_after(frame.to_frame(), dates, later, rng).iloc[:, 0].rename(frame.name)
    changed = frame.copy()
    for place in range(frame.shape[1]):
        if not _is_key(frame.iloc[:, place], dates):
            changed.isetitem(place, _other_values(frame.iloc[:, place], later, rng))
    return changed


def _is_key(column: pd.Series, dates: pd.DatetimeIndex | None) -> bool:
    """Tell a column that says when or whose a row is: dates, and what tells the rows of one date apart (symbols)."""
    if pd.api.types.is_float_dtype(column.dtype):
        return False
    if _as_dates(pd.Index(column)) is not None:
        return True
    if dates is None or not dates.has_duplicates:
        return False
    return not pd.DataFrame({"date": dates, "key": column.to_numpy()}).duplicated().any()


def _other_values(column: pd.Series, later: np.ndarray, rng: np.random.Generator) -> Any:
    """Return a column with other values where it is later: moved numbers; of all else, others of those there are."""
    values, count = column.to_numpy(copy=True), int(later.sum())
    if pd.api.types.is_float_dtype(column.dtype):
        values[later] = values[later] * np.exp(rng.normal(0.0, 0.5, count)) + rng.normal(0.0, 0.1, count)
        return values
    # Whole numbers, truths and texts may be codes: another of those that occur stands there.
    codes, kinds = pd.factorize(column)
    if pd.api.types.is_bool_dtype(column.dtype):
        values[later] ^= rng.random(count) < 0.5
    elif len(kinds) > 1:
        there = later & (codes >= 0)
        others = (codes[there] + rng.integers(1, len(kinds), int(there.sum()))) % len(kinds)
        values[there] = np.asarray(kinds)[others]
    return values

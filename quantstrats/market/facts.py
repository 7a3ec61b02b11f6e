"""Facts about symbols that come with bars, checked against them: endings, delisting returns, the universe."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from numbers import Real
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from quantstrats.errors import DataError, did_you_mean
from quantstrats.market.frames import labels_and_bar, row_label

if TYPE_CHECKING:
    from quantstrats.market.frames import Panel


# What every report on close-only bars says.
CLOSE_ONLY = "close-only bars: open, high and low are the close, so an order fills at the next close"


def assumed_note(name: str) -> str:
    """Return what every report says of a side series that is a static map."""
    return f"side series {name!r} is static and assumed known at all times"


def day_of(day: str | date, what: str) -> pd.Timestamp:
    """Return a day without time zone, or raise a DataError that begins with ``what``."""
    try:
        moment = None if isinstance(day, Real) else pd.Timestamp(day)
    except (ValueError, TypeError):
        moment = None
    if moment is None or pd.isna(moment) or moment.tz is not None:
        raise DataError(f"{what}: {day!r} is not a date; give one as in '2015-12-31'")
    return moment.normalize()


def checked_endings(ended: Mapping[str, str | date], panel: Panel) -> dict[str, pd.Timestamp]:
    """Return the last session of each symbol that ended; none may have a bar after it."""
    endings: dict[str, pd.Timestamp] = {}
    for symbol, day in ended.items():
        if symbol not in panel.symbols:
            raise DataError(f"ended names {symbol!r}, which has no bars{did_you_mean(symbol, panel.symbols)}")
        endings[symbol] = day_of(day, f"ended of {symbol}")
        later = panel.grid.session > endings[symbol]
        bars = later & ~np.isnan(panel.arrays["close"][:, panel.symbols.get_loc(symbol)])
        if bars.any():
            first = panel.grid.session[bars][0].date()
            raise DataError(f"{symbol} ended on {endings[symbol].date()} but has a bar on {first}; correct either")
    return endings


def checked_delisting(
    delisting_return: float | Mapping[str, float], ended: Mapping[str, pd.Timestamp]
) -> dict[str, float]:
    """Return the delisting return of each symbol that ended."""
    if isinstance(delisting_return, Mapping):
        unknown = [symbol for symbol in delisting_return if symbol not in ended]
        if unknown:
            raise DataError(f"delisting_return names {unknown[0]!r}, which is not in ended; say there when it ended")
        returns = {symbol: delisting_return.get(symbol, 0.0) for symbol in ended}
    else:
        returns = dict.fromkeys(ended, delisting_return)
    for symbol, value in returns.items():
        if not isinstance(value, Real) or not -1.0 <= value < np.inf:
            raise DataError(f"delisting_return of {symbol} is {value!r}; it is a fraction and at least -1")
    return {symbol: float(value) for symbol, value in returns.items()}


def checked_universe(universe: pd.DataFrame, panel: Panel) -> pd.DataFrame:
    """Return the universe on the bars' rows and symbols; symbols left out are outside it."""
    if not isinstance(universe, pd.DataFrame) or not isinstance(universe.index, pd.DatetimeIndex):
        raise DataError("universe is not a DataFrame of rows x symbols with the labels of the bars as rows")
    rows = labels_and_bar(universe.index, panel.bar)[0]
    mask = universe.set_axis(rows, axis=0).set_axis(universe.columns.astype(str), axis=1)
    for labels in (mask.index, mask.columns):
        if labels.has_duplicates:
            raise DataError(f"universe: {labels[labels.duplicated()][0]} appears more than once; keep one")
    unknown = mask.columns.difference(panel.symbols)
    if len(unknown):
        raise DataError(f"universe names {unknown[0]!r}, which has no bars{did_you_mean(unknown[0], panel.symbols)}")
    if not all(pd.api.types.is_bool_dtype(dtype) for dtype in mask.dtypes) or mask.isna().to_numpy().any():
        raise DataError("universe holds other values than True and False; use astype(bool)")
    # A row that the bars themselves lack holds nothing that could be in the universe.
    filled = np.flatnonzero(~np.isnan(panel.arrays["close"]).all(axis=1))
    absent = panel.grid.index[filled].difference(rows)
    if len(absent):
        count = "1 row" if len(absent) == 1 else f"{len(absent)} rows"
        raise DataError(f"universe lacks {count} of the bars, first {row_label(absent[0])}; give every row")
    return mask.astype(bool).reindex(index=panel.grid.index, columns=panel.symbols, fill_value=False)


def range_notes(panel: Panel) -> list[str]:
    """Return what to say of bars whose open or close lies outside low to high: their fills are bounded wrongly."""
    low, high = panel.arrays["low"], panel.arrays["high"]
    wrong = low > high
    for field in ("open", "close"):
        wrong |= (panel.arrays[field] > high) | (panel.arrays[field] < low)
    if not wrong.any():
        return []
    row, column = np.argwhere(wrong)[0]
    count = int(wrong.sum())
    bars = "1 bar has its" if count == 1 else f"{count} bars have their"
    where = f"{row_label(panel.grid.index[row])} {panel.symbols[column]}"
    return [f"{bars} open or close outside low to high, first at {where}: fills there are bounded by a wrong range"]

"""From users' frames to checked arrays on the exchange's grid."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from quantstrats.errors import DataError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from quantstrats.market.calendar import Calendar, Grid

PRICES = ("open", "high", "low", "close")
FIELDS = (*PRICES, "volume")
CASH = "cash"  # the column of a Run's positions that is no symbol


@dataclass(frozen=True)
class Panel:
    """Bars as arrays, rows x symbols, with the grid they stand on.

    Attributes
    ----------
    grid : Grid
        Labels, completion instants and sessions of the rows.
    symbols : Index of str
        Names of the columns.
    bar : Timedelta or None
        Length of an intraday bar, None for daily bars.
    arrays : dict of str to array of float64, shape (rows, symbols)
        One per field, NaN where there is no bar.
    """

    grid: Grid
    symbols: pd.Index[str]
    bar: pd.Timedelta | None
    arrays: dict[str, NDArray[np.float64]]


def panel_from_frames(
    frames: Mapping[str, pd.DataFrame | pd.Series | None],
    calendar: Calendar,
    bar: str | pd.Timedelta | None,
) -> Panel:
    """Check frames and lay them on the exchange's grid.

    Parameters
    ----------
    frames : mapping of field to DataFrame, Series or None
        ``close`` is needed; ``open``, ``high`` and ``low`` come together or not at all.
    calendar : Calendar
        Whose sessions the rows must be.
    bar : str, Timedelta or None
        Length of an intraday bar, by default the shortest step between labels.

    Raises
    ------
    DataError
        With the field, the row and the symbol of the first value that cannot stand.
    """
    tables = _aligned(frames)
    close = tables["close"]
    index, length = labels_and_bar(pd.DatetimeIndex(close.index), bar_length(bar))
    grid = calendar.grid(index[0], index[-1], length)
    rows = grid.index.get_indexer(index)
    if (rows < 0).any():
        _refuse_rows_off_grid(index[rows < 0], calendar, length)
    arrays = {field: _on_grid(table, rows, len(grid.index)) for field, table in tables.items()}
    for price in PRICES:
        arrays.setdefault(price, arrays["close"])
    arrays.setdefault("volume", np.full_like(arrays["close"], np.nan))
    check_values(arrays, grid.index, close.columns)
    return Panel(grid, close.columns, length, arrays)


def labels_and_bar(index: pd.DatetimeIndex, bar: pd.Timedelta | None) -> tuple[pd.DatetimeIndex, pd.Timedelta | None]:
    """Return the labels, session dates or UTC instants, and the length of an intraday bar (None if daily).

    Parameters
    ----------
    index : DatetimeIndex
        The user's labels; daily where all of them are midnights.
    bar : Timedelta or None
        Length of a bar where the user gave it; below a day it says that midnights are instants.
    """
    local = index.tz_localize(None)
    if (local == local.normalize()).all() and (bar is None or bar >= pd.Timedelta(days=1)):
        return _nanoseconds(local), None
    if index.tz is None:
        raise DataError("intraday rows have no time zone; localise them, as in index.tz_localize('America/New_York')")
    labels = _nanoseconds(index.tz_convert("UTC"))
    length = bar if bar is not None else _shortest_step(labels)
    if length > pd.Timedelta(hours=12):
        raise DataError(
            f"rows are a day apart but not labelled by date, first {index[0]}; "
            "daily rows want the exchange's date, as in index.tz_convert('America/New_York').normalize()"
        )
    return labels, length


def _aligned(frames: Mapping[str, pd.DataFrame | pd.Series | None]) -> dict[str, pd.DataFrame]:
    given = {field: _table(field, frame) for field, frame in frames.items() if frame is not None}
    if "close" not in given:
        raise DataError("a market needs close prices; pass close=")
    prices = [price for price in PRICES if price in given]
    if len(prices) not in (1, 4):
        lacking = ", ".join(sorted(set(PRICES) - set(prices)))
        raise DataError(f"{lacking} missing; give open, high, low and close, or close alone")
    close = given["close"]
    for field, table in given.items():
        if not table.index.equals(close.index):
            raise DataError(f"{field} has other rows than close ({len(table)} and {len(close)}); align them first")
        if set(table.columns) != set(close.columns):
            different = sorted(set(table.columns) ^ set(close.columns))
            raise DataError(f"{field} has other symbols than close: {', '.join(different[:5])}")
        given[field] = table[close.columns]
    return given


def _table(field: str, frame: pd.DataFrame | pd.Series) -> pd.DataFrame:
    if isinstance(frame, pd.Series):
        frame = frame.to_frame("asset" if frame.name is None else frame.name)
    if not isinstance(frame, pd.DataFrame):
        raise DataError(f"{field} is of type {type(frame).__name__}; give a DataFrame of rows x symbols, or a Series")
    if frame.columns.nlevels > 1:
        raise DataError(f"{field} has {frame.columns.nlevels} levels of columns; give one field's symbols alone")
    table = frame.set_axis(frame.columns.astype(str), axis=1)
    if table.empty:
        raise DataError(f"{field} has no bars ({len(table)} rows, {table.shape[1]} symbols)")
    if CASH in table.columns:
        raise DataError(
            f"{field}: a symbol cannot be called {CASH!r}, which names the account's cash in a Run; rename it"
        )
    _check_rows(field, table.index)
    for labels, what in ((table.index, "row"), (table.columns, "symbol")):
        if labels.has_duplicates:
            twice = labels[labels.duplicated()][0]
            raise DataError(f"{field}: {what} {twice} appears more than once; keep one")
    for symbol, dtype in zip(table.columns, table.dtypes, strict=True):
        if not pd.api.types.is_numeric_dtype(dtype):
            raise DataError(f"{field} of {symbol} is not numeric ({dtype}); use pd.to_numeric")
    return table


def _check_rows(field: str, index: pd.Index[Any]) -> None:
    if not isinstance(index, pd.DatetimeIndex):
        raise DataError(f"{field}: rows are labelled by {index.dtype}, not by time; use pd.to_datetime on the index")
    if index.hasnans:
        raise DataError(f"{field}: {np.count_nonzero(index.isna())} rows have no time; drop them")
    if not index.is_monotonic_increasing:
        place = int(np.flatnonzero(np.diff(index.asi8) < 0)[0]) + 1
        raise DataError(f"{field}: rows are not in time order, first at {index[place]}; use sort_index()")


def bar_length(bar: str | pd.Timedelta | None) -> pd.Timedelta | None:
    """Return the length of a bar that a user gave, None for none.

    Raises
    ------
    DataError
        If it is no length, or below a second.
    """
    if bar is None:
        return None
    try:
        length = pd.Timedelta(bar)
    except (ValueError, TypeError):
        length = pd.Timedelta(0)
    if not length >= pd.Timedelta("1s"):
        raise DataError(f"bar is {bar!r}; give the length of a bar, as in '5min'")
    return length


def _nanoseconds(labels: pd.DatetimeIndex) -> pd.DatetimeIndex:
    try:
        return labels.as_unit("ns")
    except pd.errors.OutOfBoundsDatetime:
        raise DataError(f"rows run from {labels[0]} to {labels[-1]}; times beyond 1678 to 2261 cannot stand") from None


def _shortest_step(index: pd.DatetimeIndex) -> pd.Timedelta:
    if len(index) < 2:
        raise DataError("one intraday bar does not tell its length; pass bar='1min'")
    return pd.Timedelta(int(np.diff(index.asi8).min()), unit="ns")


def _refuse_rows_off_grid(rows: pd.DatetimeIndex, calendar: Calendar, bar: pd.Timedelta | None) -> None:
    what = "session" if bar is None else f"{bar.total_seconds() / 60:g}-minute bar"
    count = f"1 row is no {what}" if len(rows) == 1 else f"{len(rows)} rows are no {what}s"
    raise DataError(
        f"{count} of {calendar.name}, first {row_label(rows[0])}; "
        "drop them or pass the right calendar ('24/7' never closes)"
    )


def row_label(label: pd.Timestamp) -> object:
    """Return a row's label as a message shows it: the date of a session, the instant of an intraday bar."""
    return label.date() if label.tz is None else label


def _on_grid(table: pd.DataFrame, rows: NDArray[np.intp], height: int) -> NDArray[np.float64]:
    values = np.full((height, table.shape[1]), np.nan)
    values[rows] = table.to_numpy("float64", na_value=np.nan)
    return values


def check_values(arrays: Mapping[str, NDArray[np.float64]], index: pd.DatetimeIndex, symbols: pd.Index[str]) -> None:
    """Refuse values that cannot be those of bars.

    Raises
    ------
    DataError
        With the field, the row and the symbol of the first one.
    """
    absent = np.isnan(arrays["close"])
    if absent.all():
        raise DataError(f"close has no bars ({len(index)} rows, {len(symbols)} symbols, every value is missing)")
    # Close first: where it is given alone, the other prices are the same array.
    for field in ("close", "open", "high", "low", "volume"):
        array = arrays[field]
        wrong, what = (array < 0, "negative") if field == "volume" else (array <= 0, "zero or negative")
        _refuse(wrong, f"{field} is {what}", index, symbols)
        _refuse(np.isinf(array), f"{field} is infinite", index, symbols)
        if field in PRICES:
            _refuse(np.isnan(array) != absent, f"{field} or close is missing while the other is there", index, symbols)
        else:
            _refuse(~np.isnan(array) & absent, "volume is there while the prices are missing", index, symbols)


def _refuse(wrong: NDArray[np.bool_], what: str, index: pd.DatetimeIndex, symbols: pd.Index[str]) -> None:
    count = int(wrong.sum())
    if count:
        row, column = np.argwhere(wrong)[0]
        where = f"first at {row_label(index[row])} {symbols[column]}"
        bars = "1 bar" if count == 1 else f"{count} bars"
        raise DataError(f"{what} in {bars}, {where}; mend the data or make those bars NaN")

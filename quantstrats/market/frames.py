"""From users' frames to checked arrays on the exchange's grid."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from quantstrats.errors import DataError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from quantstrats.market.calendar import Calendar, Grid

PRICES = ("open", "high", "low", "close")
FIELDS = (*PRICES, "volume")


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
    values : dict of str to array of float64, shape (rows, symbols)
        One array per field, NaN where there is no bar.
    """

    grid: Grid
    symbols: pd.Index[str]
    bar: pd.Timedelta | None
    values: dict[str, NDArray[np.float64]]


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
    index, daily = _labels(close.index)
    length = None if daily else pd.Timedelta(bar) if bar else _shortest_step(index)
    grid = calendar.grid(index[0], index[-1], length)
    rows = grid.index.get_indexer(index)
    if (rows < 0).any():
        _refuse_rows_off_grid(index[rows < 0], calendar, length)
    values = {field: _on_grid(table, rows, len(grid.index)) for field, table in tables.items()}
    for price in PRICES:
        values.setdefault(price, values["close"])
    values.setdefault("volume", np.full_like(values["close"], np.nan))
    _check_values(values, grid.index, close.columns)
    return Panel(grid, close.columns, length, values)


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
    table = frame.to_frame(frame.name if frame.name is not None else "asset") if frame.ndim == 1 else frame
    table = table.set_axis(table.columns.astype(str), axis=1)
    if table.empty:
        raise DataError(f"{field} has no bars ({len(table)} rows, {table.shape[1]} symbols)")
    if not isinstance(table.index, pd.DatetimeIndex):
        raise DataError(f"{field}: rows are labelled by {table.index.dtype}, not by time; use pd.to_datetime on the index")
    if table.index.hasnans:
        raise DataError(f"{field}: {int(table.index.isna().sum())} rows have no time")
    for labels, what in ((table.index, "row"), (table.columns, "symbol")):
        if labels.has_duplicates:
            raise DataError(f"{field}: {what} {labels[labels.duplicated()][0]} appears more than once")
    if not table.index.is_monotonic_increasing:
        place = int(np.flatnonzero(np.diff(table.index.asi8) < 0)[0]) + 1
        raise DataError(f"{field}: rows are not in time order, first at {table.index[place]}; use sort_index()")
    for symbol, dtype in table.dtypes.items():
        if not pd.api.types.is_numeric_dtype(dtype):
            raise DataError(f"{field} of {symbol} is not numeric ({dtype}); use pd.to_numeric")
    return table


def _labels(index: pd.DatetimeIndex) -> tuple[pd.DatetimeIndex, bool]:
    """Return the labels, session dates if daily and UTC instants if not, and whether they are daily."""
    local = index.tz_localize(None)
    if (local == local.normalize()).all():
        return local.as_unit("ns"), True
    if index.tz is None:
        raise DataError("intraday rows have no time zone; localise them, as in index.tz_localize('America/New_York')")
    return index.tz_convert("UTC").as_unit("ns"), False


def _shortest_step(index: pd.DatetimeIndex) -> pd.Timedelta:
    if len(index) < 2:
        raise DataError("one intraday bar does not tell its length; pass bar='1min'")
    return pd.Timedelta(int(np.diff(index.asi8).min()), unit="ns")


def _refuse_rows_off_grid(rows: pd.DatetimeIndex, calendar: Calendar, bar: pd.Timedelta | None) -> None:
    minutes = "" if bar is None else f"{bar.total_seconds() / 60:g}-minute "
    what = "bars" if bar is not None else "sessions"
    count = "1 row is" if len(rows) == 1 else f"{len(rows)} rows are"
    first = rows[0].date() if bar is None else rows[0]
    raise DataError(
        f"{count} not {minutes}{what} of {calendar.name}, first {first}; "
        "drop them or pass the right calendar ('24/7' never closes)"
    )


def _on_grid(table: pd.DataFrame, rows: NDArray[np.intp], height: int) -> NDArray[np.float64]:
    values = np.full((height, table.shape[1]), np.nan)
    values[rows] = table.to_numpy("float64", na_value=np.nan)
    return values


def _check_values(values: Mapping[str, NDArray[np.float64]], index: pd.DatetimeIndex, symbols: pd.Index[str]) -> None:
    absent = np.isnan(values["close"])
    for field in FIELDS:
        array = values[field]
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
        bars = "1 bar" if count == 1 else f"{count} bars"
        when = index[row].date() if index.tz is None else index[row]
        raise DataError(f"{what} in {bars}, first at {when} {symbols[column]}; mend the data or make those bars NaN")

"""Another future, or another scale of prices, for a market whose past stays: what the guard shows a signal."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from quantstrats.market.frames import FIELDS, PRICES
from quantstrats.market.side import SideSeries

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from quantstrats.market.market import Market

_MOVE = 0.25  # standard deviation of the logarithm by which a bar is moved
_SHIFT = 0.3  # every moved bar of a symbol lies this much higher or lower, so that trends turn
_DROPPED = 0.1  # part of the bars that are taken away
_ADDED = 0.5  # part of the missing bars that are put there


def with_other_future(market: Market, row: int, rng: np.random.Generator, *, same_bars: bool = False) -> Market:
    """Return the market with other bars, side series and universe after ``row``; all up to it is untouched.

    Parameters
    ----------
    market : Market
        The rows; those after ``row`` are changed.
    row : int
        The last row that stays as it is. Observations known by its completion stay too.
    rng : Generator
        Where the other numbers come from.
    same_bars : bool, default False
        Keep which bars are missing.
    """
    after = np.arange(len(market)) > row
    known = market.decided_at[row]
    side = {name: _side_after(series, known, rng) for name, series in market.side.series.items()}
    other = market.with_values(_moved(market, after, rng, same_bars), side)
    if market.universe is None:
        return other
    mask = market.universe.to_numpy(copy=True)
    mask[after] ^= rng.random(mask[after].shape) < 0.5
    return other.with_universe(pd.DataFrame(mask, index=market.index, columns=market.symbols))


def with_other_digits(market: Market, rows: NDArray[np.intp], size: float, rng: np.random.Generator) -> Market:
    """Return the market with bars on ``rows`` (ascending) that differ by up to ``size`` of themselves.

    So do side series that became known since the first of these rows.
    """
    factor = np.ones((len(market), len(market.symbols)))
    factor[rows] += size * rng.uniform(-1.0, 1.0, (len(rows), len(market.symbols)))
    arrays = {field: market.array(field) * factor for field in FIELDS}
    since = market.decided_at[max(0, rows[0] - 1)]
    side = {name: _with_other_digits(series, since, size, rng) for name, series in market.side.series.items()}
    return market.with_values(arrays, side)


def with_other_rows(
    market: Market, rows: NDArray[np.bool_], rng: np.random.Generator, *, same_bars: bool = False
) -> Market:
    """Return the market with other bars on the given rows (of bool, one per row); side series stay."""
    return market.with_values(_moved(market, rows, rng, same_bars))


def with_other_scale(market: Market, rng: np.random.Generator) -> Market:
    """Return the market as it would be after splits: each symbol's prices times a power of two, volume divided."""
    factor = 2.0 ** rng.choice([-2, -1, 1, 2], size=len(market.symbols))
    arrays = {price: market.array(price) * factor for price in PRICES}
    return market.with_values({**arrays, "volume": market.array("volume") / factor})


def _moved(
    market: Market, rows: NDArray[np.bool_], rng: np.random.Generator, same_bars: bool
) -> dict[str, NDArray[np.float64]]:
    count, width = int(rows.sum()), len(market.symbols)
    factor = np.exp(rng.normal(0.0, _MOVE, (count, width)) + _SHIFT * rng.choice([-1.0, 1.0], width))
    # Whatever was missing stands at the last close before, so that it can be put there.
    last = pd.DataFrame(market.array("close")).ffill().to_numpy()[rows]
    absent = ~market.present[rows]
    take = np.zeros_like(absent) if same_bars else ~absent & (rng.random(absent.shape) < _DROPPED)
    put = np.zeros_like(absent) if same_bars else absent & ~np.isnan(last) & (rng.random(absent.shape) < _ADDED)
    arrays = {}
    for price in PRICES:
        values = market.array(price).copy()
        values[rows] = np.where(take, np.nan, np.where(put, last, values[rows]) * factor)
        arrays[price] = values
    volume = market.array("volume").copy()
    moved = volume[rows] * np.exp(rng.normal(0.0, 1.0, factor.shape))
    volume[rows] = np.where(take, np.nan, np.where(put & ~np.isnan(volume).all(), 1e5, moved))
    return {**arrays, "volume": volume}


def _side_after(series: SideSeries, moment: pd.Timestamp, rng: np.random.Generator) -> SideSeries:
    """Return a side series with other values where they were known after ``moment``."""
    if isinstance(series.known_at, str):
        return series
    later = np.asarray(series.known_at > moment)
    if not later.any():
        return series
    values: Any = series.values.copy()
    frame = values.to_frame() if isinstance(values, pd.Series) else values
    changed = pd.DataFrame({name: _other_values(frame[name], later, rng) for name in frame}, index=frame.index)
    return SideSeries(changed.iloc[:, 0] if isinstance(values, pd.Series) else changed, series.known_at)


def _with_other_digits(series: SideSeries, since: pd.Timestamp, size: float, rng: np.random.Generator) -> SideSeries:
    if isinstance(series.known_at, str):
        return series
    values: Any = series.values
    frame = values.to_frame() if isinstance(values, pd.Series) else values.copy()
    later = np.asarray(series.known_at > since)
    for name in frame.select_dtypes("number").columns:
        frame[name] = frame[name] * np.where(later, 1.0 + size * rng.uniform(-1.0, 1.0, len(frame)), 1.0)
    return SideSeries(frame.iloc[:, 0] if isinstance(values, pd.Series) else frame, series.known_at)


def _other_values(column: pd.Series, rows: NDArray[np.bool_], rng: np.random.Generator) -> pd.Series:
    """Return a column with other values on the given rows: moved numbers, or another of the texts there are."""
    if pd.api.types.is_bool_dtype(column.dtype):
        return column.where(~rows, ~column)
    if not pd.api.types.is_numeric_dtype(column.dtype):
        kinds = column.dropna().unique()
        return column.where(~rows, pd.Series(rng.choice(kinds, len(column)), index=column.index, dtype=column.dtype))
    numbers = column.astype("float64")
    spread = float(numbers.std()) if len(numbers) > 1 else 0.0
    noise = rng.normal(0.0, spread if spread > 0.0 else max(1.0, abs(float(numbers.mean()))), len(numbers))
    return numbers.where(~rows, numbers * np.exp(rng.normal(0.0, 0.5, len(numbers))) + noise)

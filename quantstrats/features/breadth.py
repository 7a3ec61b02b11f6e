"""Breadth: how many symbols take part in a move, of the market or of a sector.

Each row counts the symbols that have what is counted on it, so that a listing or an end needs no care; of a market with
a universe, those that are in it on that row. A symbol's average or extreme is that of the rows on which it has a bar,
at least four fifths of the window, in the universe or not. The value is the same for all symbols that it is about, and
missing where a symbol has no bar or is not in the universe.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from quantstrats.features.crosssection_kernels import is_above_its_mean, known_sum, sum_by_group
from quantstrats.features.decay import ema_bars, whole
from quantstrats.features.definition import feature
from quantstrats.features.kernels import rolling_max, rolling_min
from quantstrats.features.volume_kernels import fading_mean

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from quantstrats.features.bars import Array
    from quantstrats.market.market import Market

    Whole = NDArray[np.int64]

_MURPHY = "Murphy (1999), Technical Analysis of the Financial Markets, ch. 18"
_ENOUGH = 0.8  # of the rows of a window


def enough(window: int) -> int:
    """Return how many rows of a window must be known: four fifths."""
    return int(np.ceil(_ENOUGH * window - 1e-9))


def changes(market: Market, window: int = 1) -> Array:
    """Return close / close of ``window`` rows ago - 1, shape (rows, symbols); NaN where one of them is missing."""
    close = market.array("close")
    moved = np.full(close.shape, np.nan)
    moved[window:] = close[window:] / close[:-window] - 1.0
    return moved


def of_members(market: Market, values: Array) -> Array:
    """Return values of each symbol, shape (rows, symbols), NaN where it is not in the market's universe."""
    universe = market.universe
    return values if universe is None else np.where(universe.to_numpy(), values, np.nan)


def where_present(market: Market, values: Array) -> Array:
    """Return values of the market, shape (rows,), or of each symbol, (rows, symbols); NaN where there is no bar.

    NaN too where the symbol is not in the market's universe.
    """
    there = np.where(market.present, values[:, None] if values.ndim == 1 else values, np.nan)
    return of_members(market, there)


def changes_of_members(market: Market, window: int = 1) -> Array:
    """Return changes as :func:`changes` does, NaN where the symbol is not in the universe on the later of both rows."""
    return of_members(market, changes(market, window))


def sectors_of(market: Market) -> tuple[Whole, int]:
    """Return each symbol's sector by number, shape (rows, symbols), negative where it is not known; how many there are.

    Raises
    ------
    DataError
        If the market has no side series ``sector``.
    """
    import pandas as pd

    sectors = market.side["sector"]
    numbers, names = pd.factorize(sectors.to_numpy().ravel())
    shape = (len(market), len(market.symbols))
    return np.broadcast_to(numbers.reshape(sectors.shape).astype(np.int64), shape), len(names)


def of_own_group(table: Array, groups: Whole) -> Array:
    """Return each symbol's own group's value of a table, shape (rows, groups), as (rows, symbols)."""
    if not table.shape[1]:
        return np.full(groups.shape, np.nan)
    return np.where(groups < 0, np.nan, np.take_along_axis(table, np.maximum(groups, 0), axis=1))


def mean_of_row(values: Array) -> Array:
    """Return the mean of what is known of each row, shape (rows,); NaN where nothing is."""
    known = ~np.isnan(values)
    mean: Array = np.where(known, values, 0.0).sum(axis=1) / _none_missing(known.sum(axis=1))
    return mean


def _none_missing(count: NDArray[np.int64] | Array) -> Array:
    """Return counts, NaN in place of none."""
    return np.where(count == 0, np.nan, count)


def _known_counts(known: NDArray[np.bool_], window: int) -> Whole:
    """Return how many of the window's rows are known, shape (symbols, rows)."""
    count: Whole = np.cumsum(known, axis=1, dtype=np.int64)  # whole numbers: nothing is rounded
    count[:, window:] -= count[:, :-window].copy()
    return count


def _summed(lines: Array, window: int) -> Array:
    """Return the sum over the window of lines of shape (rows, lines); a row that is missing adds nothing."""
    return known_sum(lines.T, window, enough(window))[0].T


@feature(source=f"{_MURPHY}, the advance-decline line, a day's part of it", rows=2, family="crosssection")
def advance_decline(market: Market) -> Array:
    """Advance-decline: the share of symbols that rose less the share of those that fell, -1 to 1."""
    return where_present(market, mean_of_row(np.sign(changes_of_members(market))))


@feature(source=f"{_MURPHY}, the advance-decline line", rows=lambda window: whole(window) + 1, family="crosssection")
def advance_decline_line(market: Market, window: int = 20) -> Array:
    """Advance-decline line over ``window`` rows: the sum of shares that rose less shares that fell.

    Shares, not numbers of symbols, so that listings do not change its scale.
    """
    return where_present(market, _summed(mean_of_row(np.sign(changes_of_members(market)))[:, None], window)[:, 0])


def _mcclellan_rows(fast: int, slow: int) -> int:
    return ema_bars(whole(slow, whole(fast, name="fast") + 1, "slow"), name="slow") + 1


@feature(source=f"{_MURPHY}, the McClellan oscillator", rows=_mcclellan_rows, family="crosssection")
def mcclellan_oscillator(market: Market, fast: int = 19, slow: int = 39) -> Array:
    """McClellan oscillator: fast less slow exponential average of 1000 (rises - falls) / (rises + falls).

    Of numbers of symbols that rose or fell: adjusted by their sum, as its authors do since. A row on which none did is
    passed over.
    """
    moved = changes_of_members(market)
    rises, falls = (moved > 0.0).sum(axis=1), (moved < 0.0).sum(axis=1)
    net = (1000.0 * (rises - falls) / _none_missing(rises + falls))[None]
    quick, steady = (fading_mean(net, 2.0 / (window + 1.0))[0] for window in (fast, slow))
    return where_present(market, quick - steady)


def _above(market: Market, window: int) -> Array:
    """Return 1 where a member's close is above the mean of its own window, else 0, shape (rows, symbols)."""
    return of_members(market, is_above_its_mean(market.array("close").T, window, enough(window)).T)


@feature(
    source=f"{_MURPHY}, percentage of stocks above a moving average",
    rows=lambda window: whole(window, 2),
    family="crosssection",
)
def breadth(market: Market, window: int = 50) -> Array:
    """Breadth: the share of symbols whose close is above its own mean of ``window`` rows, 0 to 1."""
    return where_present(market, mean_of_row(_above(market, window)))


@feature(
    source=f"{_MURPHY}, percentage of stocks above a moving average; of each sector",
    rows=lambda window: whole(window, 2),
    needs=("sector",),
    family="crosssection",
)
def sector_breadth(market: Market, window: int = 50) -> Array:
    """Sector breadth: the share of a symbol's own sector above its own mean of ``window`` rows, 0 to 1.

    The symbol itself included. Missing where its sector is not known.
    """
    groups, count = sectors_of(market)
    total, many = sum_by_group(_above(market, window), groups, count)
    return where_present(market, of_own_group(total / _none_missing(many), groups))


@feature(
    source=f"{_MURPHY}, the advance-decline line; of each sector",
    rows=lambda window: whole(window) + 1,
    needs=("sector",),
    family="crosssection",
)
def sector_advance_decline(market: Market, window: int = 20) -> Array:
    """Sector advance-decline line over ``window`` rows: sum of the share of a symbol's own sector that rose less fell.

    Of the sector that the symbol is in now.
    """
    groups, count = sectors_of(market)
    total, many = sum_by_group(np.sign(changes_of_members(market)), groups, count)
    return where_present(market, of_own_group(_summed(total / _none_missing(many), window), groups))


@feature(
    source=f"{_MURPHY}, new highs versus new lows; of closes, as shares",
    rows=lambda window: whole(window, 2),
    family="crosssection",
)
def new_highs_lows(market: Market, window: int = 252) -> Array:
    """New highs less new lows: share of symbols at the highest close of ``window`` rows less share at the lowest."""
    close = np.ascontiguousarray(market.array("close").T)
    known = ~np.isnan(close)
    highest = rolling_max(np.where(known, close, -np.inf), window)
    lowest = rolling_min(np.where(known, close, np.inf), window)
    several = _known_counts(known, window) >= enough(window)
    net = (close >= highest).astype(np.float64) - (close <= lowest)
    return where_present(market, mean_of_row(of_members(market, np.where(known & several, net, np.nan).T)))

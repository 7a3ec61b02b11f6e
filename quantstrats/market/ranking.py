"""Ranking: trailing measures of symbols, each from its window alone, and the best of them row by row."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from quantstrats.market.market import Market

_BLOCK = 64  # rows whose sums are formed at once, so that they stay in the processor's cache


def last_close(market: Market, window: int) -> NDArray[np.float64]:
    """Return the newest close of the last ``window`` rows, NaN where they have none."""
    row = np.arange(len(market))[:, None]
    newest = np.maximum.accumulate(np.where(market.present, row, -window), axis=0)
    last = np.take_along_axis(market.array("close"), np.maximum(newest, 0), axis=0)
    return np.where(row - newest < window, last, np.nan)


def dollar_volume(market: Market, window: int) -> NDArray[np.float64]:
    """Return the median of close x volume over the last ``window`` rows, in units of currency per bar.

    NaN where fewer than half of these rows have a volume, and on the first ``window - 1`` rows.
    """
    import bottleneck

    traded = market.array("close") * market.array("volume")
    if window > len(traded):
        return np.full_like(traded, np.nan)
    median: NDArray[np.float64] = bottleneck.move_median(traded, window, min_count=(window + 1) // 2, axis=0)
    median[: window - 1] = np.nan
    return median


def volatility(market: Market, window: int) -> NDArray[np.float64]:
    """Return the standard deviation of the simple returns within the last ``window`` rows, per bar and not annualised.

    A window of n rows has n - 1 returns; the deviation is that of a sample. NaN where fewer than half of these returns
    are there (a return wants a bar on its row and on the one before), or fewer than two, and on the first
    ``window - 1`` rows.
    """
    close = market.array("close")
    spread = np.full_like(close, np.nan)
    if window > len(close):
        return spread
    returns = close[1:] / close[:-1] - 1.0
    known = ~np.isnan(returns)
    returns = np.where(known, returns, 0.0)
    within = window - 1
    # Added up for each row anew, oldest first: a running sum would differ in its last digits with the first row there
    # is, and two symbols of equal rank would change places with it.
    count, total, squares = (_sums(values, within) for values in (known.astype("float64"), returns, returns**2))
    enough = count >= max(2, (within + 1) // 2)
    with np.errstate(invalid="ignore", divide="ignore"):
        variance = (squares - total * total / count) / (count - 1.0)
        spread[within:] = np.where(enough, np.sqrt(np.maximum(variance, 0.0)), np.nan)
    return spread


def best(scores: NDArray[np.float64], top: int) -> NDArray[np.bool_]:
    """Tell the ``top`` highest of each row; of equal ones those that come first, none that is NaN."""
    there = ~np.isnan(scores)
    if top >= scores.shape[1]:
        return there
    ranked = np.where(there, scores, -np.inf)
    least = np.partition(ranked, -top, axis=1)[:, -top, None]
    above, equal = ranked > least, ranked == least
    free = top - above.sum(axis=1, keepdims=True)
    chosen: NDArray[np.bool_] = (above | (equal & (equal.cumsum(axis=1) <= free))) & there
    return chosen


def _sums(values: NDArray[np.float64], window: int) -> NDArray[np.float64]:
    """Return the sum of each ``window`` rows that follow each other; shape (rows - window + 1, symbols)."""
    sums = np.zeros((len(values) - window + 1, values.shape[1]))
    for first in range(0, len(sums), _BLOCK):
        block = sums[first : first + _BLOCK]
        for offset in range(first, first + window):
            block += values[offset : offset + len(block)]
    return sums

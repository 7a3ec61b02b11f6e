"""What was usual just before a few places: robust measures over trailing rows, the place itself left out."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import bottleneck
import numpy as np

if TYPE_CHECKING:
    from quantstrats.market.quality.part import Floats, Part, Places

# About three months of daily bars.
MANY = 63
# With fewer values than this nothing is usual.
LEAST = 21
# Closes that tell at which level a symbol trades, whatever is wrong with three of them.
FEW = 7
# A normal variable's standard deviation over its median absolute deviation.
_NORMAL = 1.4826
# Places looked at in one go, so that windows stay small whatever there is to look at.
_PLACES = 8192


def level_before(part: Part, where: Places) -> Floats:
    """Return the median of the last 7 closes before each place, as many of them as the 63 rows before have.

    Where these have none, it is the last close.
    """

    def level(closes: Floats) -> Floats:
        from_end = np.cumsum(~np.isnan(closes[:, ::-1]), axis=1)[:, ::-1]
        return np.asarray(bottleneck.nanmedian(np.where(from_end <= FEW, closes, np.nan), axis=1))

    found = _over(level, [part.prices["close"]], where, MANY, 1)
    return np.where(np.isnan(found), part.last_close[where], found)


def median_before(array: Floats, where: Places, least: int = LEAST) -> Floats:
    """Return the median over the rows before each place; NaN where they hold fewer than ``least`` values."""
    return _over(lambda rows: bottleneck.nanmedian(rows, axis=1), [array], where, MANY, least)


def range_before(part: Part, where: Places, least: int = LEAST) -> Floats:
    """Return the median of log(high / low), whichever is larger, over the rows before each place."""

    def usual(high: Floats, low: Floats) -> Floats:
        return np.asarray(bottleneck.nanmedian(np.abs(np.log(high / low)), axis=1))

    return _over(usual, [part.prices["high"], part.prices["low"]], where, MANY, least)


def scale_before(part: Part, where: Places) -> Floats:
    """Return the robust standard deviation of log returns, from row to row, over the rows before each place.

    It is 1.4826 times the median absolute deviation from the median; a gap gives no return.
    """

    def spread(closes: Floats) -> Floats:
        returns = np.diff(np.log(closes), axis=1)
        enough = (~np.isnan(returns)).sum(axis=1) >= LEAST
        returns -= bottleneck.nanmedian(returns, axis=1)[:, None]
        return np.where(enough, _NORMAL * bottleneck.nanmedian(np.abs(returns), axis=1), np.nan)

    return _over(spread, [part.prices["close"]], where, MANY + 1, LEAST)


def _over(function: Callable[..., Floats], arrays: list[Floats], where: Places, length: int, least: int) -> Floats:
    """Apply a function to the windows of ``length`` rows before each place, where they hold ``least`` values."""
    rows, columns = where
    found = np.full(len(rows), np.nan)
    for first in range(0, len(rows), _PLACES):
        chunk = slice(first, first + _PLACES)
        row = rows[chunk, None] - np.arange(length, 0, -1)
        windows = [np.where(row < 0, np.nan, array[np.maximum(row, 0), columns[chunk, None]]) for array in arrays]
        enough = (~np.isnan(windows[0])).sum(axis=1) >= least
        if enough.any():
            # Rows that hold nothing are left out: their median is a warning.
            found[np.flatnonzero(enough) + first] = function(*(window[enough] for window in windows))
    return found

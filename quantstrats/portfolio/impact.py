"""Impact: how far a unit of currency moves a price, as known at each row."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from quantstrats.errors import DataError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from quantstrats.market.market import Market
    from quantstrats.portfolio.costs import Costs


def price_impact(market: Market, costs: Costs) -> NDArray[np.float64]:
    """Return the fraction by which a unit of currency moves each price, for orders decided on each row.

    ``costs.impact`` times Amihud's illiquidity (2002, eq. 1): the mean of |return| / (close x volume) of the bars that
    had volume within the last ``costs.impact_window`` rows. Where none had, what was known last stands. Returns are
    from the last close there was; that of a symbol's first bar is from its open.

    Parameters
    ----------
    market : Market
        The bars.
    costs : Costs
        The multiple and the window.

    Returns
    -------
    array, shape (rows, symbols)
        Per unit of currency; NaN before a symbol's first volume.
    """
    close, volume = market.array("close"), market.array("volume")
    before = np.vstack([np.full_like(close[:1], np.nan), _last_known(close)[:-1]])
    moved = np.abs(close / np.where(np.isnan(before), market.array("open"), before) - 1.0)
    counts = ~np.isnan(moved) & (volume > 0.0)
    traded = np.where(counts, close * volume, 1.0)
    total = _windowed(np.where(counts, moved / traded, 0.0), costs.impact_window)
    number = _windowed(counts.astype("float64"), costs.impact_window)
    mean = np.divide(total, number, out=np.full_like(total, np.nan), where=number > 0.0)
    return costs.impact * _last_known(mean)


def check_known(market: Market, weights: NDArray[np.float64], impact: NDArray[np.float64]) -> None:
    """Check that the impact of every order is known: no target is asked of a symbol before its first volume.

    Parameters
    ----------
    market : Market
        The bars.
    weights, impact : array, shape (rows, symbols)
        Targets, NaN where nothing is decided; and what :func:`price_impact` returned.

    Raises
    ------
    DataError
        With the first symbol and row of which it is not known.
    """
    unknown = np.isnan(impact) & (np.nan_to_num(weights) != 0.0)
    if unknown.any():
        row, column = np.argwhere(unknown)[0]
        when = market.index[row] if market.bar else market.index[row].date()
        raise DataError(
            f"costs.impact: {market.symbols[column]} is to be traded as of {when}, before it has any volume; leave the "
            "symbol out, begin later, or set costs.impact to 0"
        )


def _windowed(values: NDArray[np.float64], window: int) -> NDArray[np.float64]:
    """Return sums over the last rows, each made anew: a running sum keeps remains of what has left it."""
    total = np.zeros_like(values)
    for back in range(min(window, len(values))):
        total[back:] += values[: len(values) - back]
    return total


def _last_known(values: NDArray[np.float64]) -> NDArray[np.float64]:
    known = np.where(np.isnan(values), 0, np.arange(len(values))[:, None])
    return np.take_along_axis(values, np.maximum.accumulate(known, axis=0), axis=0)

"""direction: whether a position would have gained, lost, or neither."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from quantstrats.labels.following import Entry, checked_entry, following
from quantstrats.labels.labels import DOWN, NEUTRAL, UP, Labels, checked_horizon, intervals_of
from quantstrats.labels.thresholds import threshold
from quantstrats.market.given import checked_market

if TYPE_CHECKING:
    import pandas as pd

    from quantstrats.market.market import Market


def direction(
    market: Market,
    horizon: int = 5,
    up: float | pd.DataFrame = 0.0,
    down: float | pd.DataFrame | None = None,
    entry: Entry = "open",
) -> Labels:
    """Return whether a position would have gained, lost, or neither, over ``horizon`` rows.

    The return from the fill (the open of the next bar) to the close of the ``horizon``-th row after the decision: UP
    where it is more than ``up``, DOWN where it is less than -``down``, else NEUTRAL.

    Of missing bars, what an engine makes of them: the order waits for the symbol's first bar within the horizon, and
    the position is worth its last close within it. Of a symbol that is known to have ended it is worth the last close
    x (1 + delisting return). There is no label where the symbol has no bar on the row, none within the horizon, or
    where there are not ``horizon`` rows more.

    Parameters
    ----------
    market : Market
        The bars.
    horizon : int, default 5
        In rows, from the decision to the close that counts.
    up, down : float or DataFrame
        Thresholds as fractions, not negative; a DataFrame has one for each row x symbol (no label where it is NaN), as
        :func:`regime_thresholds` returns. ``down`` is as ``up`` by default. With both 0, only a return of exactly 0 is
        NEUTRAL.
    entry : {"open", "close"}, default "open"
        ``"close"`` counts from the close at which it is decided, at which nobody can trade any more.

    Returns
    -------
    Labels
        With what was earned in ``returns``.

    Raises
    ------
    ConfigError
        If a parameter makes no sense.
    DataError
        If there are not more rows than the horizon, or thresholds are of other rows or symbols.
    """
    import pandas as pd

    checked_market(market)
    horizon, entry = checked_horizon(horizon, len(market)), checked_entry(entry)
    above = threshold(market.close, up, "up")
    below = above if down is None else threshold(market.close, down, "down")
    bars = following(market)
    paid, got = np.full(bars.close.shape, np.nan), np.full(bars.close.shape, np.nan)
    price, entered = bars.entered(horizon, entry)
    paid[: len(price)], got[: len(price)] = price, np.where(entered, bars.left(horizon), np.nan)
    earned = got / paid - 1.0
    known = ~(np.isnan(earned) | np.isnan(above) | np.isnan(below))
    # Of prices, since 102 / 100 - 1 is a little more than 0.02.
    rises, falls = got > paid * (1.0 + above), got < paid * (1.0 - below)
    values = np.select([~known, rises, falls], [np.nan, UP, DOWN], NEUTRAL)
    frames = [pd.DataFrame(each, market.index, market.symbols) for each in (values, np.where(known, earned, np.nan))]
    return Labels(frames[0], *intervals_of(known, horizon), horizon, frames[1])

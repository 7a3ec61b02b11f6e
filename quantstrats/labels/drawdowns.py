"""drawdown_risk: whether a position would have been down by so much, within several horizons."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import numpy as np

from quantstrats.errors import ConfigError
from quantstrats.labels.following import Entry, checked_entry, following
from quantstrats.labels.labels import Labels, checked_horizon, intervals_of
from quantstrats.labels.thresholds import threshold
from quantstrats.market.given import checked_market

if TYPE_CHECKING:
    import pandas as pd

    from quantstrats.market.market import Market


def drawdown_risk(
    market: Market,
    horizons: int | Iterable[int] = (3, 5, 10, 20),
    loss: float | pd.DataFrame = 0.03,
    entry: Entry = "open",
) -> dict[int, Labels]:
    """Return, for each horizon, whether a position would have been down by ``loss`` on its way.

    1.0 where a low of the next ``horizon`` rows is at or below the price of entry x (1 - ``loss``), 0.0 where none is.
    The low of the bar of entry counts, since it comes after the open.

    A label is missing until its whole horizon is there, also where the loss was there before: else the last rows would
    know of losses alone. Missing bars, and symbols that ended, as in :func:`direction`; what a settlement pays counts
    as a low. On close-only bars a loss is seen at closes alone.

    Parameters
    ----------
    market : Market
        The bars.
    horizons : int or iterable of int, default (3, 5, 10, 20)
        In rows.
    loss : float or DataFrame, default 0.03
        As a fraction, more than 0 and less than 1; a DataFrame has one for each row x symbol (no label where it is
        NaN), as :func:`regime_thresholds` returns.
    entry : {"open", "close"}, default "open"
        The price that the loss is counted from: that of the fill, at the open of the next bar, or the close at which
        it is decided, at which nobody can trade any more.

    Returns
    -------
    dict of int to Labels
        By horizon, also of one.

    Raises
    ------
    ConfigError
        If a parameter makes no sense.
    DataError
        If there are not more rows than the longest horizon, or ``loss`` is of other rows or symbols.
    """
    import pandas as pd

    checked_market(market)
    if not isinstance(horizons, int | np.integer | Iterable):
        raise ConfigError(f"horizons is {horizons!r:.60}; give numbers of rows, as in (5, 20)")
    several = horizons if isinstance(horizons, Iterable) else (horizons,)
    wanted = {checked_horizon(each, len(market)) for each in several}
    if not wanted:
        raise ConfigError("horizons is empty; give at least one number of rows")
    entry = checked_entry(entry)
    allowed = np.broadcast_to(threshold(market.close, loss, "loss", positive=True, below=1.0), market.present.shape)
    bars = following(market)
    lowest = np.full(bars.low.shape, np.nan)
    found = {}
    for ahead in range(1, max(wanted) + 1):
        count = len(market) - ahead
        lowest[:count] = np.fmin(lowest[:count], bars.low[ahead:])
        if ahead not in wanted:
            continue
        price, entered = bars.entered(ahead, entry)
        known = np.zeros(lowest.shape, dtype=bool)
        known[:count] = entered & ~np.isnan(allowed[:count])
        values = np.full(lowest.shape, np.nan)
        values[:count] = lowest[:count] <= price * (1.0 - allowed[:count])
        frame = pd.DataFrame(np.where(known, values, np.nan), market.index, market.symbols)
        found[ahead] = Labels(frame, *intervals_of(known, ahead), ahead)
    return found

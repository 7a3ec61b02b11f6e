"""Forward returns: what an order decided on each row earns."""

from __future__ import annotations

from typing import TYPE_CHECKING

from quantstrats.checks import is_count
from quantstrats.errors import ConfigError

if TYPE_CHECKING:
    import pandas as pd

    from quantstrats.market.market import Market


def forward_returns(market: Market, horizon: int = 1) -> pd.DataFrame:
    """Return what is earned from the open after each row to the open ``horizon`` rows later: they look ahead.

    A symbol without a bar on the row of entry is not entered. One without a bar on the row of exit counts with its last
    close, and one that has ended by then with what its holders got, so that no loss is left out.

    Parameters
    ----------
    market : Market
        The bars.
    horizon : int, default 1
        Rows between entry and exit.

    Returns
    -------
    DataFrame
        Rows x symbols, as fractions; NaN where there is no entry, and on the last ``horizon`` + 1 rows.

    Raises
    ------
    ConfigError
        If ``horizon`` is not a number of rows.
    """
    if not is_count(horizon) or horizon < 1:
        raise ConfigError(f"horizon is {horizon!r}; it counts rows, at least 1")
    entry, close = market.open, market.close.ffill()
    for symbol, last in market.ended.items():
        close.loc[market.session > last, symbol] *= 1.0 + market.delisting_return[symbol]
    worth = entry.where(entry.notna(), close)
    return worth.shift(-horizon - 1) / entry.shift(-1) - 1.0

"""regime_thresholds: a threshold for calm times and one for wild ones, told apart by what was known at each row."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from quantstrats.checks import number
from quantstrats.errors import ConfigError
from quantstrats.features.kernels import compiled
from quantstrats.labels.volatility import check_rows, checked_window, pack, trailing_volatility, unpack
from quantstrats.market.given import checked_market

if TYPE_CHECKING:
    import pandas as pd

    from quantstrats.market.market import Market


def regime_thresholds(
    market: Market, calm: float = 0.03, wild: float = 0.05, window: int = 20, history: int = 252
) -> pd.DataFrame:
    """Return ``wild`` where a symbol's volatility is above the median of its own past, ``calm`` where it is not.

    The volatility of the last ``window`` bars (:func:`trailing_volatility`) against the median of its last ``history``
    values, the present one included. Nothing later is looked at, so more data change no earlier row; about half of the
    rows are wild, whatever the symbol.

    Parameters
    ----------
    market : Market
        The bars.
    calm, wild : float
        Thresholds, as fractions, not negative.
    window, history : int, default 20 and 252
        In bars, at least 2.

    Returns
    -------
    DataFrame
        Rows x symbols; NaN before there are ``window`` + ``history`` bars, and where there is no bar.

    Raises
    ------
    ConfigError
        If a parameter makes no sense.
    DataError
        If there are fewer rows than a first threshold needs.
    """
    import pandas as pd

    checked_market(market)
    for name, value in (("calm", calm), ("wild", wild)):
        if not 0.0 <= number(name, value) < np.inf:
            raise ConfigError(f"{name} is {value!r}; give a fraction of 0 or more")
    window, history = checked_window("window", window), checked_window("history", history)
    check_rows(market, f"the median of {history:,} values of a volatility", window, window + history)
    volatility = trailing_volatility(market, window).to_numpy()
    usual = unpack(_rolling_median(pack(volatility, market.present), history), market.present)
    values = np.select([np.isnan(usual), volatility > usual], [np.nan, wild], calm)
    return pd.DataFrame(values, market.index, market.symbols)


@compiled
def _rolling_median(values, window):  # type: ignore[no-untyped-def]
    """Median of the last ``window`` bars of each symbol, kept sorted; missing where one of them is."""
    symbols, bars = values.shape
    out = np.full((symbols, bars), np.nan)
    ordered = np.empty(window)
    for row in range(symbols):
        held = 0  # values in order, of the last bars without a missing one among them
        for last in range(bars):
            value = values[row, last]
            if value != value:
                held = 0
                continue
            if held == window:
                place = np.searchsorted(ordered, values[row, last - window])
                ordered[place : window - 1] = ordered[place + 1 : window].copy()
                held -= 1
            place = np.searchsorted(ordered[:held], value)
            ordered[place + 1 : held + 1] = ordered[place:held].copy()
            ordered[place] = value
            held += 1
            if held == window:
                middle = window // 2
                out[row, last] = ordered[middle] if window % 2 else 0.5 * (ordered[middle - 1] + ordered[middle])
    return out

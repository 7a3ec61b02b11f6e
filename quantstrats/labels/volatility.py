"""trailing_volatility: how much prices moved from bar to bar lately, as it was known at each row."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from quantstrats.checks import is_count
from quantstrats.errors import ConfigError, DataError
from quantstrats.market.given import checked_market

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    from quantstrats.market.market import Market

    Array = NDArray[np.float64]


def trailing_volatility(market: Market, window: int = 20) -> pd.DataFrame:
    """Return the standard deviation of the last ``window`` log returns of closes, per bar and not annualised.

    Of the symbol's own bars: one that is missing is no part of the window, and has no value. NaN before there are
    ``window`` + 1 bars.

    Parameters
    ----------
    market : Market
        The bars.
    window : int, default 20
        In bars, at least 2.

    Raises
    ------
    ConfigError
        If the window makes no sense.
    DataError
        If there are fewer rows than a first value needs.
    """
    import pandas as pd

    from quantstrats.features.kernels import rolling_std

    checked_market(market)
    window = checked_window("window", window)
    check_rows(market, "volatility", window, window + 1)
    logs = np.log(pack(market.array("close"), market.present))
    changes = np.full(logs.shape, np.nan)
    changes[:, 1:] = np.diff(logs, axis=1)
    return pd.DataFrame(unpack(rolling_std(changes, window), market.present), market.index, market.symbols)


def pack(values: Array, present: NDArray[np.bool_]) -> Array:
    """Return each symbol's own bars in a row, shape (symbols, bars), from (rows, symbols); NaN behind the last."""
    counts = present.sum(axis=0)
    packed = np.full((present.shape[1], int(counts.max())), np.nan)
    packed[np.arange(packed.shape[1]) < counts[:, None]] = values.T[present.T]
    return packed


def unpack(packed: Array, present: NDArray[np.bool_]) -> Array:
    """Return packed values on their rows again, shape (rows, symbols), NaN where there is no bar."""
    values = np.full(present.T.shape, np.nan)
    values[present.T] = packed[np.arange(packed.shape[1]) < present.sum(axis=0)[:, None]]
    return np.ascontiguousarray(values.T)


def check_rows(market: Market, what: str, bars: int, needed: int) -> None:
    """Check that there are rows enough for one value.

    Raises
    ------
    DataError
        If there are fewer, with how many are needed.
    """
    if len(market) < needed:
        raise DataError(
            f"{what} of {bars:,} bars needs {needed:,} rows, and there are {len(market):,}; choose a shorter window, "
            "or load more"
        )


def checked_window(what: str, window: int) -> int:
    """Return a window in bars.

    Raises
    ------
    ConfigError
        If it is no whole number of at least 2.
    """
    if not is_count(window) or window < 2:
        raise ConfigError(f"{what} is {window!r}; give a whole number of bars, at least 2")
    return int(window)

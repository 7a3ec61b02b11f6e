"""When a spread is held: entry far from its mean, exit near it, a stop where it seems broken."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from quantstrats.errors import ConfigError, DataError

if TYPE_CHECKING:
    import pandas as pd

PATIENCE = 5  # rows without a bar on which a position stands


def positions(
    z: pd.DataFrame,
    entry: float = 2.0,
    exit: float = 0.0,  # noqa: A002 - the word that everyone uses
    stop: float | None = None,
    *,
    allowed: pd.DataFrame | None = None,
    patience: int = PATIENCE,
) -> pd.DataFrame:
    """Return what is held of each spread: 1 (long), -1 (short) or 0, each row from rows up to it.

    A window begins flat, its first row included. A spread is sold where z >= ``entry``, bought where z <= -``entry``,
    and closed where z has come back to ``exit`` on its side, or crossed it. Where z is ``stop`` or more from zero, on
    either side, whatever is held is closed, and nothing is opened before z has come back to ``exit``.

    Parameters
    ----------
    z : DataFrame
        Rows x spreads. Where it is missing a position stands for ``patience`` rows, then it is closed.
    entry, exit, stop : float
        0 <= exit < entry < stop; None is no stop.
    allowed : DataFrame of bool, optional
        Rows x spreads, where a spread may be held: elsewhere it is flat.
    patience : int, default 5
        In rows.

    Raises
    ------
    ConfigError
        If the bounds are in another order.
    DataError
        If ``allowed`` is of other rows or spreads.

    References
    ----------
    Gatev, Goetzmann and Rouwenhorst (2006), Review of Financial Studies 19(3), 797-827: entry 2, exit 0, no stop.
    """
    import pandas as pd

    from quantstrats.pairs import trading_kernels

    check_bounds(entry, exit, stop)
    check_alike(z, allowed, "positions: allowed")
    values = z.to_numpy("float64")
    may = np.ones(values.shape, bool) if allowed is None else allowed.to_numpy(bool)
    held = trading_kernels.positions(values, may, entry, exit, math.inf if stop is None else stop, patience)
    return pd.DataFrame(held, index=z.index, columns=z.columns)


def check_alike(frame: pd.DataFrame, other: pd.DataFrame | None, what: str) -> None:
    """Raise DataError where another frame is there and is not of the same rows and columns."""
    import pandas as pd

    if other is None:
        return
    if not isinstance(other, pd.DataFrame) or not other.index.equals(frame.index):
        raise DataError(f"{what} is not a frame of the same rows; reindex it")
    if not other.columns.equals(frame.columns):
        raise DataError(f"{what} has other columns, or the same in another order; reindex it")


def check_bounds(entry: float, exit: float, stop: float | None) -> None:  # noqa: A002
    """Raise ConfigError where 0 <= exit < entry < stop does not hold."""
    if not 0.0 <= exit < entry < (math.inf if stop is None else stop):
        raise ConfigError(f"entry is {entry}, exit {exit} and stop {stop}; it takes 0 <= exit < entry < stop")

"""Block: the bars of some symbols side by side, as arrays that rules look at and repairs change."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

    from quantstrats.market.calendar import Grid


@dataclass(frozen=True)
class Block:
    """Bars of some symbols on the exchange's grid, as they came: nothing is known of them yet.

    Attributes
    ----------
    grid : Grid
        Labels, completion instants and sessions of the rows.
    symbols : sequence of str
        Names of the columns.
    bar : Timedelta or None
        Length of an intraday bar; None for daily bars.
    values : dict of str to array of float64, shape (rows, symbols)
        By field (open, high, low, close, volume), NaN where there is nothing. Of close-only bars, the other prices
        are the close.
    """

    grid: Grid
    symbols: Sequence[str]
    bar: pd.Timedelta | None
    values: dict[str, NDArray[np.float64]]

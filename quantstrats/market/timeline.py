"""Timeline: the rows of a market without its bars."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

    from quantstrats.market.calendar import Calendar, Grid


@dataclass(frozen=True)
class Timeline:
    """Rows on an exchange's calendar: all that decides when refits, resets and decisions fall.

    Attributes
    ----------
    calendar : Calendar
        The exchange.
    grid : Grid
        Labels, completion instants and sessions of the rows.
    bar : Timedelta or None
        Length of an intraday bar; None for daily bars.
    """

    calendar: Calendar
    grid: Grid
    bar: pd.Timedelta | None

    @property
    def index(self) -> pd.DatetimeIndex:
        """Label of each row."""
        return self.grid.index

    @property
    def session(self) -> pd.DatetimeIndex:
        """The exchange session of each row, without time zone."""
        return self.grid.session

    def starts_period(self, period: str) -> NDArray[np.bool_]:
        """Tell which rows are the first of a week, month, quarter or year, by the exchange's calendar."""
        return self.calendar.starts_period(self.session, period)

    def __len__(self) -> int:
        return len(self.index)

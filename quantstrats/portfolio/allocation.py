"""Allocator: turns opinions into weights."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from quantstrats.checks import number
from quantstrats.errors import AllocationError, ConfigError, in_one_line
from quantstrats.warned import heard

if TYPE_CHECKING:
    import pandas as pd

# A forecast nearer to zero than this is flat: rolling sums leave such remainders where the truth is a tie.
FLAT = 1e-12


@dataclass(frozen=True, kw_only=True)
class Allocator(ABC):
    """Turns the forecasts of one row into weights. A subclass is a frozen dataclass too.

    Parameters
    ----------
    gross : float, default 1
        The largest sum of absolute weights, as a fraction of the equity that is put to work.
    cash_buffer : float, default 0.05
        Fraction of equity that is never put to work, so that a higher open and commission can be paid.
    """

    name: ClassVar[str]
    gross: float = 1.0
    cash_buffer: float = 0.05

    def __post_init__(self) -> None:
        if not 0.0 < number("gross", self.gross) < float("inf"):
            raise ConfigError(f"gross is {self.gross}; it is a positive multiple of equity")
        if not 0.0 <= number("cash_buffer", self.cash_buffer) < 1.0:
            raise ConfigError(f"cash_buffer is {self.cash_buffer}; it is a fraction from 0 to below 1")

    @abstractmethod
    def weights(self, forecast: pd.DataFrame) -> pd.DataFrame:
        """Return the share of the working equity for each symbol, each row from that row's forecasts alone.

        Parameters
        ----------
        forecast : DataFrame
            Decision rows x symbols. NaN is no opinion, exactly 0 is flat; nothing lies between 0 and 1e-12.

        Returns
        -------
        DataFrame of the same shape, whose absolute values sum to at most 1 in each row; NaN counts as 0.
        """


def allocate(allocator: Allocator, forecast: pd.DataFrame) -> pd.DataFrame:
    """Return the wanted fraction of equity: the allocator's weights x gross x (1 - cash_buffer).

    Parameters
    ----------
    allocator : Allocator
        Which opinions become which weights.
    forecast : DataFrame
        Decision rows x symbols.

    Raises
    ------
    AllocationError
        If the weights have another shape, are infinite, or ask for more than everything.
    """
    import numpy as np
    import pandas as pd

    opinions = forecast.mask(forecast.abs() < FLAT, 0.0)
    who = f"allocator {allocator.name!r}"
    try:
        weights = heard(who, type(allocator).__module__, allocator.weights, opinions)
    # A stranger's allocator may raise anything; its user wants to know whose it was.
    except (Exception, SystemExit) as error:
        raise AllocationError(f"{who} failed in weights(): {in_one_line(error)}") from error
    if not isinstance(weights, pd.DataFrame):
        raise AllocationError(f"{who} returned {type(weights).__name__}, not a DataFrame of rows x symbols")
    if not (weights.index.equals(forecast.index) and weights.columns.equals(forecast.columns)):
        raise AllocationError(f"{who} returned other rows or symbols than the forecast; keep its index and columns")
    try:
        shares = weights.astype("float64").fillna(0.0)
    except (TypeError, ValueError):
        raise AllocationError(f"{who} returned weights that are not numbers") from None
    total = shares.abs().sum(axis=1)
    excess = ~(total <= 1.0 + 1e-9)
    if excess.any():
        row = int(np.flatnonzero(excess)[0])
        asked = f"absolute weights sum to {total.iloc[row]:.6g} at {forecast.index[row]}"
        raise AllocationError(f"{who}: {asked}; at most 1, since gross scales them")
    return shares * (allocator.gross * (1.0 - allocator.cash_buffer))

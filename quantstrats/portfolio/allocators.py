"""The allocators that come with quantstrats."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from quantstrats.checks import number
from quantstrats.errors import ConfigError
from quantstrats.hookspecs import Register, hookimpl
from quantstrats.portfolio.allocation import Allocator

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class LongFlat(Allocator):
    """An equal slot for every symbol with an opinion, held while its forecast is above zero."""

    name: ClassVar[str] = "long_flat"

    def weights(self, forecast: pd.DataFrame) -> pd.DataFrame:
        """Return 1/n where the forecast is positive, n being the row's opinions."""
        return (forecast > 0).astype("float64").div(_opinions(forecast), axis=0)


@dataclass(frozen=True)
class LongShort(Allocator):
    """An equal slot for every symbol with an opinion, held on the side of its forecast."""

    name: ClassVar[str] = "long_short"

    def weights(self, forecast: pd.DataFrame) -> pd.DataFrame:
        """Return the forecast's sign / n, n being the row's opinions."""
        long, short = (forecast > 0).astype("float64"), (forecast < 0).astype("float64")
        return (long - short).div(_opinions(forecast), axis=0)


@dataclass(frozen=True)
class TopQuantile(Allocator):
    """Equal weight in the symbols with the highest forecasts, whatever their sign.

    Parameters
    ----------
    quantile : float, default 0.2
        The part of the opinions that is held: at least one symbol, rounded down. Ties go to the symbol that
        stands first.
    short : bool, default False
        Sell the same number of the lowest short; each side then has half of the gross exposure, and no symbol
        is on both (the larger half of an odd number is left out).
    """

    name: ClassVar[str] = "top_quantile"
    quantile: float = 0.2
    short: bool = False

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 0.0 < number("quantile", self.quantile) <= 1.0:
            raise ConfigError(f"quantile is {self.quantile}; it is a fraction above 0, up to 1")
        if not isinstance(self.short, bool):
            raise ConfigError(f"short is {self.short!r}; give True or False")

    def weights(self, forecast: pd.DataFrame) -> pd.DataFrame:
        """Return 1/k for the k highest forecasts of each row; with ``short`` half of that, and minus for the lowest."""
        import numpy as np

        count = forecast.notna().sum(axis=1)
        held = np.floor(count * self.quantile + 1e-9).clip(lower=1).where(count > 0, 0)
        top = forecast.rank(axis=1, method="first", ascending=False).le(held, axis=0)
        if not self.short:
            return top.astype("float64").div(held.where(held > 0), axis=0)
        held = held.clip(upper=count // 2)
        top = forecast.rank(axis=1, method="first", ascending=False).le(held, axis=0)
        bottom = forecast.rank(axis=1, method="first", ascending=False).gt(count - held, axis=0)
        return (top.astype("float64") - bottom.astype("float64")).div(2 * held.where(held > 0), axis=0)


@dataclass(frozen=True)
class Proportional(Allocator):
    """Weights in proportion to conviction: forecast / sum of absolute forecasts."""

    name: ClassVar[str] = "proportional"

    def weights(self, forecast: pd.DataFrame) -> pd.DataFrame:
        """Return each forecast over the row's sum of absolute forecasts."""
        total = forecast.abs().sum(axis=1)
        return forecast.div(total.where(total > 0), axis=0)


@dataclass(frozen=True)
class Direct(Allocator):
    """The forecast is the weight; a row that asks for more than ``gross`` is scaled down to it.

    It has no cash buffer by default, since the signal says what it wants.
    """

    name: ClassVar[str] = "direct"
    cash_buffer: float = 0.0

    def weights(self, forecast: pd.DataFrame) -> pd.DataFrame:
        """Return the forecast as a share of ``gross``, scaled down where the row exceeds it."""
        return forecast.div(forecast.abs().sum(axis=1).clip(lower=self.gross), axis=0)


@hookimpl
def register_allocators(register: Register) -> None:
    """Offer them all."""
    for allocator in (LongFlat, LongShort, TopQuantile, Proportional, Direct):
        register(allocator)


def _opinions(forecast: pd.DataFrame) -> pd.Series:
    """Count the opinions of each row; NaN where there is none."""
    count = forecast.notna().sum(axis=1)
    return count.where(count > 0)

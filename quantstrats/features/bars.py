"""Bars: what a feature sees of some symbols, each symbol's own bars in a row, without the gaps."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from quantstrats.features.definition import Feature

    Array = NDArray[np.float64]

T = TypeVar("T")

BLOCK = 32  # bars' lengths in a block of time, by which formulas that never forget start afresh


class Bars:
    """The bars of some symbols, packed: the k-th column is each symbol's k-th bar, whatever row it stands on.

    Missing rows are left out, so a formula needs not think of them; behind a symbol's last bar there is NaN. Arrays
    are of float64, of shape (symbols, bars), and contiguous, so that ``close[i]`` is one symbol's series; several
    formulas share them, so none may write into one. Volume is NaN where it is not known.

    Attributes
    ----------
    open, high, low, close, volume : array, shape (symbols, bars)
        The fields, in units of currency and of shares.
    session : array of int64, shape (symbols, bars)
        Days since 1970 of each bar's session; a large negative number behind the last bar.
    block : array of int64, shape (symbols, bars)
        Number of the block of time that a bar lies in, 32 bars' lengths each (32 days for daily bars): the same for a
        bar wherever the data begin. Formulas whose state never fades start afresh some blocks before.
    bars_per_year : float
        For annualising.
    """

    def __init__(
        self,
        fields: Mapping[str, Array],
        session: NDArray[np.int64],
        block: NDArray[np.int64],
        bars_per_year: float,
    ) -> None:
        self.open, self.high, self.low = fields["open"], fields["high"], fields["low"]
        self.close, self.volume = fields["close"], fields["volume"]
        self.session, self.block, self.bars_per_year = session, block, bars_per_year
        self._known: dict[Any, Any] = {}

    @property
    def shape(self) -> tuple[int, int]:
        """Symbols, bars."""
        symbols, bars = self.close.shape
        return symbols, bars

    def of(self, other: Feature | str, **parameters: Any) -> Array:
        """Return another feature's values on these bars, computed once: ``bars.of(sma, window=20)``.

        Of one that ships its name does: ``bars.of("sma", window=20)``.
        """
        if isinstance(other, str):
            from quantstrats.features.catalogue import find

            other = find(other)
        values = {**other.parameters, **parameters}
        found: Array = self._kept((other, *sorted(values.items())), lambda: other.function(self, **values))
        return found

    def once(self, key: Any, compute: Callable[[], T]) -> T:
        """Return what was computed under this key before, or compute it: for what several features share.

        Keys are those of the module in which ``compute`` is written; what others keep is not theirs.
        """
        return self._kept((getattr(compute, "__module__", ""), key), compute)

    def _kept(self, key: Any, compute: Callable[[], T]) -> T:
        if key not in self._known:
            self._known[key] = compute()
        found: T = self._known[key]
        return found

    @property
    def typical(self) -> Array:
        """(high + low + close) / 3."""
        return self.once("typical", lambda: (self.high + self.low + self.close) / 3.0)

    @property
    def median(self) -> Array:
        """(high + low) / 2."""
        return self.once("median", lambda: (self.high + self.low) / 2.0)

    @property
    def log_return(self) -> Array:
        """ln(close / close of the bar before); NaN on the first bar."""
        return self.once("log return", lambda: np.log(self.close / lag(self.close)))

    @property
    def simple_return(self) -> Array:
        """Close / close of the bar before, less 1; NaN on the first bar."""
        return self.once("simple return", lambda: self.close / lag(self.close) - 1.0)

    @property
    def dollar_volume(self) -> Array:
        """Close x volume, in units of currency."""
        return self.once("dollar volume", lambda: self.close * self.volume)


def lag(values: Array, bars: int = 1) -> Array:
    """Return the values of ``bars`` bars before; NaN on the first ones; shape (symbols, bars)."""
    moved = np.empty_like(values)
    moved[:, :bars] = np.nan
    if bars < values.shape[1]:
        moved[:, bars:] = values[:, : values.shape[1] - bars]
    return moved


def ratio(above: Array, below: Array, otherwise: float = np.nan) -> Array:
    """Return ``above / below``, and ``otherwise`` where ``below`` is zero."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(below == 0.0, otherwise, above / below)

"""Following: the bars that follow a decision, as an order that is sent at it would meet them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from quantstrats.errors import ConfigError, did_you_mean

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from quantstrats.market.market import Market

    Array = NDArray[np.float64]
    Rows = NDArray[np.intp]

Entry = Literal["open", "close"]
ENTRIES = ("open", "close")


@dataclass(frozen=True, eq=False)
class Following:
    """The bars of a market, with that at which a symbol that ended is settled. Arrays of shape (rows, symbols).

    What an engine does is done here: an order that is decided on one row waits for the symbol's next bar; a symbol
    without a bar is worth its last close; the holder of one that ended gets its last close x (1 + delisting return) on
    the first row after its last session.

    Attributes
    ----------
    open, high, low, close : array of float64
        Prices; on the row of a settlement all of them are what the holder gets.
    present : array of bool
        Where the symbol trades; not where it is settled.
    next_bar : array of int
        The first row after each on which the symbol trades; the number of rows where there is none.
    last_price : array of int
        The last row up to each on which there is a price, of a bar or of the settlement; -1 where there is none.
    """

    open: Array
    high: Array
    low: Array
    close: Array
    present: NDArray[np.bool_]
    next_bar: Rows
    last_price: Rows

    def entered(self, horizon: int, entry: Entry) -> tuple[Array, NDArray[np.bool_]]:
        """Return the price of entry for a decision on each row, and where there is one.

        Only the rows that have ``horizon`` rows after them, shape (rows - horizon, symbols). There is an entry where
        the symbol has a bar on the row, and a price within the horizon (for ``"open"``, a bar that an order meets).
        """
        count = len(self.present) - horizon
        row = np.arange(count)[:, None]
        if entry == "close":
            return self.close[:count], self.present[:count] & (self.last_price[horizon:] > row)
        first = self.next_bar[:count]
        reached = self.present[:count] & (first <= row + horizon)
        return np.take_along_axis(self.open, np.minimum(first, len(self.open) - 1), axis=0), reached

    def left(self, horizon: int) -> Array:
        """Return the last price up to ``horizon`` rows after each row that has so many; NaN where there is none."""
        last = self.last_price[horizon:]
        return np.where(last >= 0, np.take_along_axis(self.close, np.maximum(last, 0), axis=0), np.nan)


def following(market: Market) -> Following:
    """Return the bars that follow each row's decision."""
    present = market.present
    prices = {name: market.array(name) for name in ("open", "high", "low", "close")}
    settled = _settlements(market)
    if settled:
        prices = {name: array.copy() for name, array in prices.items()}
        for array in prices.values():
            for place, column, price in settled:
                array[place, column] = price
    row = np.arange(len(market), dtype=np.intp)[:, None]
    from_here = np.minimum.accumulate(np.where(present, row, len(market))[::-1], axis=0)[::-1]
    next_bar = np.full(present.shape, len(market), dtype=np.intp)
    next_bar[:-1] = from_here[1:]
    last_price = np.maximum.accumulate(np.where(np.isnan(prices["close"]), -1, row), axis=0)
    return Following(**prices, present=present, next_bar=next_bar, last_price=last_price)


def checked_entry(entry: object) -> Entry:
    """Return where a position is entered.

    Raises
    ------
    ConfigError
        If there is no such place.
    """
    if entry not in ENTRIES:
        raise ConfigError(f"entry is {entry!r}{did_you_mean(entry, ENTRIES)} (it can be open, close)")
    return entry  # type: ignore[return-value]


def _settlements(market: Market) -> list[tuple[int, int, float]]:
    """Return row, column and price of the settlement of each symbol that ended within these rows."""
    found = []
    for symbol, last in market.ended.items():
        row = int(market.session.searchsorted(last, side="right"))
        column = int(np.flatnonzero(market.symbols == symbol)[0])
        bars = np.flatnonzero(market.present[:row, column])
        if row < len(market) and len(bars):
            price = market.array("close")[bars[-1], column] * (1.0 + market.delisting_return[symbol])
            found.append((row, column, float(price)))
    return found

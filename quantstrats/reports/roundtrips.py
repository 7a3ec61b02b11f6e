"""What the fills tell of each round trip: its size, and the prices it was opened and closed at."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import pandas as pd

    from quantstrats.runs.run import Run

COLUMNS = ("size", "entry", "exit", "return")
_NOTHING_LEFT = 1e-9  # of the shares that were held: a remainder of floating-point arithmetic


@dataclass
class _Open:
    """A round trip while it lasts: shares and value of what opened it and of what closed it."""

    opened: float = 0.0
    opened_value: float = 0.0
    closed: float = 0.0
    closed_value: float = 0.0

    def facts(self) -> tuple[float, float, float]:
        return self.opened, self.opened_value / self.opened, self.closed_value / self.closed


def with_fills(run: Run) -> pd.DataFrame:
    """Return the round trips with size, mean prices and return, from their fills.

    Returns
    -------
    DataFrame
        The run's trades and: ``size``, all shares that opened it, negative if short; ``entry`` and ``exit``, mean
        prices of the fills that opened and closed it; ``return``, net profit over the value that opened it. NaN where
        the fills do not tell.
    """
    trades = run.trades
    facts = np.full((len(trades), 3), np.nan)
    for symbol, places in trades.groupby("symbol").indices.items():
        ended = _ended(run.transactions[run.transactions["symbol"] == symbol])
        if len(ended) == len(places):
            # Backtrader tells of them in the order in which they ended.
            facts[places] = ended
    size, entry, last = facts.T
    returned = trades["pnl_net"].to_numpy("float64") / np.abs(size * entry)
    return trades.assign(**dict(zip(COLUMNS, (size, entry, last, returned), strict=True)))


def _ended(fills: pd.DataFrame) -> list[tuple[float, float, float]]:
    """Return size, entry and exit of each round trip of one symbol that has ended."""
    found, held, trip = [], 0.0, _Open()
    for amount, price in zip(fills["amount"].tolist(), fills["price"].tolist(), strict=True):
        closing = 0.0 if held * amount >= 0.0 else float(np.copysign(min(abs(amount), abs(held)), amount))
        if closing:
            trip.closed += closing
            trip.closed_value += closing * price
            held += closing
            if abs(held) <= _NOTHING_LEFT * abs(trip.opened):
                found.append(trip.facts())
                held, trip = 0.0, _Open()
        opening = amount - closing
        if abs(opening) > _NOTHING_LEFT * abs(amount):
            trip.opened += opening
            trip.opened_value += opening * price
            held += opening
    return found

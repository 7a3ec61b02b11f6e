"""What is given as a market: checked, with what to give instead."""

from __future__ import annotations

from typing import Any

from quantstrats.errors import DataError
from quantstrats.market.market import Market


def checked_market(market: Any) -> Market:
    """Return a market.

    Raises
    ------
    DataError
        If it is something else, with how to make one.
    """
    if isinstance(market, Market):
        return market
    if isinstance(market, str):
        raise DataError(f"market is the text {market!r:.60}; give load_market({market!r:.60})")
    kind = type(market).__name__
    raise DataError(f"market is of type {kind}; make one with Market.from_frames(close=...) or load_market")

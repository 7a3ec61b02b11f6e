"""The facts that the announcing hooks tell plugins, alike in a backtest and in live trading."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any


@dataclass(frozen=True)
class RunStarted:
    """A run begins.

    Attributes
    ----------
    run_id : str
        The name of the run's folder.
    trial : int
        The run's number in the ledger.
    mode : str
        ``"backtest"`` (``"live"`` will follow).
    config : mapping
        The complete, resolved configuration.
    """

    run_id: str
    trial: int
    mode: str
    config: Mapping[str, Any]


@dataclass(frozen=True)
class Decision:
    """A decision fell.

    Attributes
    ----------
    time : datetime
        Label of the bar at whose close it fell.
    targets : mapping of str to float
        Wanted fraction of equity per symbol; one that is absent is wanted at zero, or has no bar and is left alone.
    """

    time: datetime
    targets: Mapping[str, float]


@dataclass(frozen=True)
class OrderChange:
    """An order changed its status, or some of it was filled.

    Attributes
    ----------
    time : datetime
        Label of the bar at which it happened.
    order : int
        Number of the order within the run, from 1.
    symbol : str
        What it trades.
    size : float
        Shares asked for; negative to sell.
    status : str
        Backtrader's word: Submitted, Accepted, Partial, Completed, Canceled, Margin, Rejected, Expired.
    filled : float
        Shares filled so far; negative if sold.
    price : float
        Average price of what was filled, 0 before the first fill.
    commission : float
        Commission paid so far, in the account's currency.
    """

    time: datetime
    order: int
    symbol: str
    size: float
    status: str
    filled: float
    price: float
    commission: float


@dataclass(frozen=True)
class TradeClosed:
    """A position went back to zero, or turned to the other side: one round trip ended.

    Attributes
    ----------
    symbol : str
        What was traded.
    side : str
        ``"long"`` or ``"short"``.
    opened, closed : datetime
        Labels of the bars of the first and the last fill.
    bars : int
        Bars from the one to the other.
    pnl : float
        Profit before commission, in the account's currency.
    commission : float
        Commission of all its fills.
    pnl_net : float
        Profit after commission.
    """

    symbol: str
    side: str
    opened: datetime
    closed: datetime
    bars: int
    pnl: float
    commission: float
    pnl_net: float

"""Execution: what an engine is given and what it gives back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from quantstrats.portfolio.costs import Costs
from quantstrats.portfolio.schedule import Schedule

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Account:
    """The account that an engine trades.

    Parameters
    ----------
    cash : float
        What it starts with, in units of currency.
    fractional : bool
        Whether parts of a share can be traded; otherwise sizes are cut to whole shares.
    costs : Costs
        What trading costs.
    schedule : Schedule
        Which targets are traded when a decision falls.
    """

    cash: float
    fractional: bool
    costs: Costs
    schedule: Schedule

    def __post_init__(self) -> None:
        if not 0.0 < self.cash < float("inf"):
            raise ValueError(f"cash is {self.cash}; an account starts with more than nothing")


@dataclass(frozen=True)
class Execution:
    """What came of executing targets.

    Attributes
    ----------
    equity, cash : Series
        Value of the account, and the cash in it, after each bar's fills, valued at its close.
    positions : DataFrame
        Shares held after each bar's fills, rows x symbols; negative if short.
    orders : DataFrame
        One row per order, by number: decided, symbol, size, status, changed, filled, price, commission.
    transactions : DataFrame
        One row per fill, by the label of its bar: symbol, amount, price, commission, order.
    trades : DataFrame
        One row per round trip: symbol, side, opened, closed, bars, pnl, commission, pnl_net.
    events : list of str
        What a user should know of: refused orders, settlements, an account that is gone.
    """

    equity: pd.Series
    cash: pd.Series
    positions: pd.DataFrame
    orders: pd.DataFrame
    transactions: pd.DataFrame
    trades: pd.DataFrame
    events: list[str]

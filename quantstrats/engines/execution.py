"""Execution: what an engine is given and what it gives back."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

import numpy as np

from quantstrats.checks import number
from quantstrats.errors import ConfigError, EngineError
from quantstrats.portfolio.risk import RiskPolicy

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    from quantstrats.market.market import Market
    from quantstrats.portfolio.costs import Costs
    from quantstrats.portfolio.schedule import Schedule

# What an order was sent for: a decision; the risk policy, or an account of which nothing was left, closing a position;
# the settlement of a symbol that ended.
OrderReason = Literal["decision", "risk", "account", "ended"]

# Less is a remainder of floating-point arithmetic, and Backtrader would divide by zero.
_LEAST_CASH = 1e-9


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
    risk : RiskPolicy
        What ends trading.
    """

    cash: float
    fractional: bool
    costs: Costs
    schedule: Schedule
    risk: RiskPolicy = field(default_factory=RiskPolicy)

    def __post_init__(self) -> None:
        object.__setattr__(self, "cash", number("cash", self.cash))
        if not isinstance(self.fractional, bool):
            raise ConfigError(f"fractional is {self.fractional!r}; give True or False")
        if not _LEAST_CASH <= self.cash < float("inf"):
            raise ConfigError(f"cash is {self.cash}; an account starts with more than nothing")


@dataclass(frozen=True)
class Execution:
    """What came of executing targets.

    Attributes
    ----------
    equity, cash : Series
        Value of the account, and the cash in it, after each bar's fills, valued at its close.
    shares : DataFrame
        Shares held after each bar's fills, rows x symbols; negative if short.
    orders : DataFrame
        One row per order, by number: decided, symbol, size, reason (an OrderReason), status, changed, filled, price,
        commission.
    transactions : DataFrame
        One row per fill, by the label of its bar: symbol, amount, price, commission, slippage (what the fill cost
        against the open of its bar), order.
    trades : DataFrame
        One row per round trip: symbol, side, opened, closed, bars, pnl, commission, pnl_net.
    events : list of str
        What a user should know of: refused orders, settlements, an account that is gone, a limit that was reached.
    """

    equity: pd.Series
    cash: pd.Series
    shares: pd.DataFrame
    orders: pd.DataFrame
    transactions: pd.DataFrame
    trades: pd.DataFrame
    events: list[str]


def tradable(market: Market) -> NDArray[np.bool_]:
    """Tell where a symbol can be sized and ordered: from its first bar to its last session, gaps included.

    Returns
    -------
    array of bool, shape (rows, symbols)
    """
    allowed: NDArray[np.bool_] = np.logical_or.accumulate(market.present, axis=0)
    for symbol, last in market.ended.items():
        allowed[market.session > last, market.symbols.get_loc(symbol)] = False
    return allowed


def tradable_targets(market: Market, targets: pd.DataFrame) -> tuple[NDArray[np.float64], list[str]]:
    """Return targets as an array, zero where the symbol is not tradable, and one line for each that was not zero.

    Raises
    ------
    EngineError
        If the targets are not those of this market, or a row with a decision has none for a symbol with a bar.
    """
    if not (targets.index.equals(market.index) and targets.columns.equals(market.symbols)):
        raise EngineError("targets have other rows or symbols than the market; keep its index and columns")
    wanted = targets.to_numpy("float64")
    unknown = np.isnan(wanted)
    decided = ~unknown.all(axis=1)
    broken = np.isinf(wanted).any(axis=1) | (decided & (unknown & market.present).any(axis=1))
    if broken.any():
        row = market.index[int(np.flatnonzero(broken)[0])]
        raise EngineError(
            f"targets at {row} are incomplete or infinite; a row is a number per symbol with a bar, or all NaN"
        )
    idle = (wanted != 0.0) & ~unknown & ~tradable(market)
    columns = np.flatnonzero(idle.any(axis=0)).tolist()
    return np.where(idle, 0.0, wanted), [_told_idle(market, column, idle[:, column]) for column in columns]


def _told_idle(market: Market, column: int, idle: NDArray[np.bool_]) -> str:
    rows = np.flatnonzero(idle)
    decisions = "1 decision" if len(rows) == 1 else f"{len(rows)} decisions"
    return (
        f"{market.symbols[column]} was wanted in {decisions}, first at {market.index[rows[0]]}, when it could not be "
        "traded (not yet listed, or ended): each counts as a target of zero"
    )

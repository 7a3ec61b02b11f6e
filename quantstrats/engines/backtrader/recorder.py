"""Recorder: keeps what Backtrader notifies, as plain rows."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

import backtrader as bt
import numpy as np
import pandas as pd

from quantstrats.engines.execution import Execution
from quantstrats.events import OrderChange, TradeClosed

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from quantstrats.announcer import Announcer
    from quantstrats.engines.execution import OrderReason
    from quantstrats.market.market import Market

_ORDER_COLUMNS = ["decided", "symbol", "size", "reason", "status", "changed", "filled", "price", "commission"]
_FILL_COLUMNS = ["symbol", "amount", "price", "commission", "slippage", "order"]
_TRADE_COLUMNS = ["symbol", "side", "opened", "closed", "bars", "pnl", "commission", "pnl_net"]
_REFUSALS = (bt.Order.Margin, bt.Order.Rejected)
_UNTOLD = ("decided", "changed", "reason")  # what an announcement of an order does not have


@dataclass
class Recorder:
    """Keeps values, orders, fills and round trips of one execution, and announces them.

    Parameters
    ----------
    market : Market
        Whose labels the rows bear.
    announcer : Announcer
        Who is told.
    """

    market: Market
    announcer: Announcer
    events: list[str] = field(default_factory=list)
    _account: list[tuple[float, float]] = field(default_factory=list)
    _orders: dict[int, dict[str, Any]] = field(default_factory=dict)
    _fills: list[tuple[int, str, float, float, float, int]] = field(default_factory=list)
    _trades: list[TradeClosed] = field(default_factory=list)

    def keep_order(self, row: int, order: Any, reason: OrderReason) -> None:
        """Keep an order as it leaves, and what it was sent for."""
        self._orders[order.ref] = {
            "order": len(self._orders) + 1,
            "decided": self.market.index[row],
            "symbol": order.data._name,
            "size": order.created.size,
            "reason": reason,
            "status": "Created",
            "changed": self.market.index[row],
            "filled": 0.0,
            "price": 0.0,
            "commission": 0.0,
        }

    def keep_change(self, row: int, order: Any) -> None:
        """Keep what an order has become, and its new fills."""
        if order.ref not in self._orders:
            self._keep_settlement(row, order)
        kept = self._orders[order.ref]
        done = order.executed
        kept |= {"status": order.getstatusname(), "changed": self.market.index[row]}
        kept |= {"filled": done.size, "price": done.price, "commission": done.comm}
        for fill in done.iterpending():
            self._fills.append((row, kept["symbol"], fill.size, fill.price, fill.comm, kept["order"]))
        if order.status in _REFUSALS:
            self._keep_refusal(row, kept)
        if self.announcer.hears("order_changed"):
            fact = {name: value for name, value in kept.items() if name not in _UNTOLD}
            self.announcer.tell("order_changed", order=OrderChange(time=kept["changed"], **fact))

    def keep_trade(self, trade: Any) -> None:
        """Keep a round trip that has ended."""
        index = self.market.index
        closed = TradeClosed(
            symbol=trade.data._name,
            side="long" if trade.long else "short",
            opened=index[trade.baropen - 1],
            closed=index[trade.barclose - 1],
            bars=trade.barlen,
            pnl=trade.pnl,
            commission=trade.commission,
            pnl_net=trade.pnlcomm,
        )
        self._trades.append(closed)
        self.announcer.tell("trade_closed", trade=closed)

    def keep_account(self, cash: float, value: float) -> None:
        """Keep cash and value after a bar's fills."""
        self._account.append((value, cash))

    def execution(self) -> Execution:
        """Return all that was kept."""
        index = self.market.index
        account = np.array(self._account, dtype="float64").reshape(-1, 2)
        return Execution(
            equity=pd.Series(account[:, 0], index=index, name="equity"),
            cash=pd.Series(account[:, 1], index=index, name="cash"),
            shares=self._shares(),
            orders=self._order_table(),
            transactions=self._transaction_table(),
            trades=pd.DataFrame([asdict(trade) for trade in self._trades], columns=_TRADE_COLUMNS),
            events=[*self.events],
        )

    def keep_end_of_account(self, row: int) -> None:
        """Keep that nothing is left of the account."""
        when = self._when(row)
        self.events.append(f"nothing is left of the account at {when}: its positions are closed, and it trades no more")

    def keep_end_by_risk(self, row: int, drawdown: float) -> None:
        """Keep that the risk policy has ended trading, at this drawdown as a fraction of the highest equity."""
        reached = f"risk: drawdown of {drawdown:.1%} reached on {self._when(row)}"
        self.events.append(f"{reached}, positions closed; no further decision is traded")

    def _keep_settlement(self, row: int, order: Any) -> None:
        self.keep_order(row, order, "ended")
        symbol, last = order.data._name, self.market.ended[order.data._name].date()
        shares = abs(order.created.size)
        price = order.created.price
        self.events.append(f"{symbol} ended on {last}: {shares:.10g} shares settled at {price:.10g}")

    def _keep_refusal(self, row: int, kept: dict[str, Any]) -> None:
        verb = "buy" if kept["size"] > 0 else "sell"
        part = f" after {abs(kept['filled']):.10g} were filled" if kept["filled"] else ""
        what = f"{verb} {abs(kept['size']):.10g} {kept['symbol']}"
        self.events.append(
            f"order {kept['order']} ({what}) refused at {self._when(row)}{part}: not enough cash ({kept['status']})"
        )

    def _when(self, row: int) -> str:
        label = self.market.index[row]
        return str(label if self.market.bar else label.date())

    def _shares(self) -> pd.DataFrame:
        # Fills are added up one by one, as Backtrader does. What it tells as the position after a fill is that
        # of the whole order, even where only the part was filled that closes.
        market = self.market
        held = np.full(market.present.shape, np.nan)
        held[0] = 0.0
        sizes = dict.fromkeys(market.symbols, 0.0)
        for row, symbol, size, *_ in self._fills:
            sizes[symbol] += size
            held[row, market.symbols.get_loc(symbol)] = sizes[symbol]
        return pd.DataFrame(held, index=market.index, columns=market.symbols).ffill()

    def _order_table(self) -> pd.DataFrame:
        rows = list(self._orders.values())
        table = pd.DataFrame(rows, columns=["order", *_ORDER_COLUMNS]).set_index("order")
        return table.astype(dict.fromkeys(("size", "filled", "price", "commission"), "float64"))

    def _transaction_table(self) -> pd.DataFrame:
        columns = [name for name in _FILL_COLUMNS if name != "slippage"]
        index = self.market.index[[fill[0] for fill in self._fills]]
        table = pd.DataFrame([fill[1:] for fill in self._fills], columns=columns, index=index)
        table = table.astype(dict.fromkeys(("amount", "price", "commission"), "float64"))
        return table.assign(slippage=self._slippage(table))[_FILL_COLUMNS]

    def _slippage(self, fills: pd.DataFrame) -> NDArray[np.float64]:
        """Return what each fill cost against the open of its bar; nothing where an ended symbol was settled."""
        market = self.market
        rows, columns = [fill[0] for fill in self._fills], market.symbols.get_indexer(pd.Index(fills["symbol"]))
        opens = market.array("open")[rows, columns] if rows else np.zeros(0)
        orders = list(self._orders.values())
        settled = [orders[number - 1]["reason"] == "ended" for number in fills["order"]]
        return np.where(settled, 0.0, fills["amount"] * (fills["price"] - opens))

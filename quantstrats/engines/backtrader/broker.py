"""Backtrader's broker, taught that a bar can be missing and that a symbol can end."""

from __future__ import annotations

import math
from typing import Any

import backtrader as bt

from quantstrats.engines.backtrader.commission import free_of_charge


class GapBroker(bt.brokers.BackBroker):
    """An order waits for its symbol's next bar; a position is settled when its symbol has ended.

    Parameters
    ----------
    endings : dict of int to list of (feed, float)
        By row: the feeds whose symbol had its last session before it, with the delisting return.
    """

    params = (("endings", None),)

    def next(self) -> None:
        """Settle what has ended, then do what Backtrader's broker does on each bar."""
        ended = self.p.endings.get(len(self.cerebro.datas[0]) - 1, ()) if self.p.endings else ()
        for feed, delisting_return in ended:
            self._settle(feed, delisting_return)
        super().next()
        for feed, _ in ended:
            for order in [order for order in self.pending if order.data is feed]:
                self.cancel(order)

    def _try_exec(self, order: Any) -> None:
        missing_bar = math.isnan(order.data.open[0])
        if missing_bar and order.exectype != bt.Order.Historical:
            return
        super()._try_exec(order)

    def _settle(self, feed: Any, delisting_return: float) -> None:
        """Turn the position into cash at the last close and the delisting return, free of charge."""
        size = self.getposition(feed).size
        if not size:
            return
        # The symbol never trades again, so nothing else is ever charged by this.
        self.addcommissioninfo(free_of_charge(), name=feed._name)
        send = self.sell if size > 0 else self.buy
        order = send(
            owner=self.cerebro.runningstrats[0],
            data=feed,
            size=abs(size),
            exectype=bt.Order.Historical,
            histnotify=True,
            _checksubmit=False,
        )
        # Set afterwards, since Backtrader takes a price of zero (a total loss) for none.
        order.created.price = feed.close[0] * (1.0 + delisting_return)


class ImpactBroker(GapBroker):
    """A market order moves the price it fills at, by its own value and by what was known when it was sent.

    Parameters
    ----------
    impact : dict of str to array, shape (rows,)
        By symbol: the fraction by which a unit of currency moves the price.
    """

    params = (("impact", None),)

    def submit(self, order: Any, check: bool = True) -> Any:
        """Note what is known of the symbol's impact at this moment; the order may fill many bars later."""
        order.addinfo(impact=float(self.p.impact[order.data._name][len(self.cerebro.datas[0]) - 1]))
        return super().submit(order, check)

    def _execute(self, order: Any, ago: int | None = None, price: float | None = None, **others: Any) -> Any:
        if ago is not None and price is not None and order.exectype == bt.Order.Market:
            moved = 1.0 + order.info.impact * abs(order.executed.remsize) * order.data.open[0]
            # Divided, not less: a sale of any size brings something.
            price = price * moved if order.isbuy() else price / moved
        return super()._execute(order, ago=ago, price=price, **others)

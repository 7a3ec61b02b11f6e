"""The two strategies that benchmarks measure against, as one writes them in Backtrader: nothing of quantstrats."""

from __future__ import annotations

import backtrader as bt
import pandas as pd


class SmaCross(bt.Strategy):
    """W1: hold an equal slot of each symbol while its fast average is above its slow one."""

    params = (("fast", 20), ("slow", 50), ("cash_buffer", 0.05))

    def __init__(self):
        self.fast = {data: bt.ind.SMA(data.close, period=self.p.fast) for data in self.datas}
        self.slow = {data: bt.ind.SMA(data.close, period=self.p.slow) for data in self.datas}
        self.target = dict.fromkeys(self.datas, 0.0)
        self.orders = []

    def next(self):
        slot = (1 - self.p.cash_buffer) / len(self.datas)
        for data in self.datas:
            target = slot if self.fast[data][0] > self.slow[data][0] else 0.0
            if target != self.target[data] and (order := self.order_target_percent(data, target=target)):
                self.orders.append(order)
            self.target[data] = target


class Momentum(bt.Strategy):
    """W2: every so many bars, hold the fifth of the symbols that rose most in equal parts.

    It trades on bars whose number is a multiple of `every`; the first bar has the number `first_bar`.
    """

    params = (("lookback", 126), ("quantile", 0.2), ("cash_buffer", 0.05), ("every", 21), ("first_bar", 0))

    def __init__(self):
        self.orders = []

    def next(self):
        if (self.p.first_bar + len(self) - 1) % self.p.every == 0 and len(self) > self.p.lookback:
            self.rebalance()

    def rebalance(self):
        momentum = {data: data.close[0] / data.close[-self.p.lookback] - 1 for data in self.datas}
        ranked = sorted(self.datas, key=momentum.get, reverse=True)
        winners = set(ranked[: max(1, int(len(ranked) * self.p.quantile))])
        slot = (1 - self.p.cash_buffer) / len(winners)
        equity = self.broker.getvalue()
        sells, buys = [], []
        for data in self.datas:
            target = slot if data in winners else 0.0
            value = self.getposition(data).size * data.close[0]
            (sells if value > target * equity else buys).append((data, target))
        for data, target in sells + buys:
            if order := self.order_target_percent(data, target=target):
                self.orders.append(order)


def run(strategy, bars, cash=100_000.0, commission=0.001, slippage=0.0005, **params):
    """Backtest on a dict of symbol to DataFrame of bars; return the final value, the cash and the orders."""
    cerebro = bt.Cerebro(stdstats=False)
    for symbol, frame in bars.items():
        cerebro.adddata(bt.feeds.PandasData(dataname=frame), name=symbol)
    cerebro.addstrategy(strategy, **params)
    cerebro.broker.setcash(cash)
    cerebro.broker.setcommission(commission=commission)
    cerebro.broker.set_slippage_perc(slippage)
    (done,) = cerebro.run()
    return cerebro.broker.getvalue(), cerebro.broker.getcash(), done.orders


def table(orders):
    """Return orders as a table."""
    return pd.DataFrame(
        [
            {
                "decided": bt.num2date(order.created.dt),
                "changed": bt.num2date(order.executed.dt or order.created.dt),
                "symbol": order.data._name,
                "size": order.created.size,
                "filled": order.executed.size,
                "price": order.executed.price,
                "commission": order.executed.comm,
                "status": order.getstatusname(),
            }
            for order in orders
        ]
    )

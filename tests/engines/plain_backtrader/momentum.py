"""Momentum on many symbols: hold the fifth that rose most, re-weighted now and then, in plain Backtrader.

Run it on a CSV file of date, symbol, open, high, low, close, volume:  python momentum.py bars.csv
"""

from __future__ import annotations

import sys

import backtrader as bt
import pandas as pd


class Momentum(bt.Strategy):
    """Hold the symbols with the highest return over `lookback` bars in equal parts.

    It re-weights on the first bar of each month; or, if `every` is given, on each bar whose number is a
    multiple of it, where the first bar has the number `first_bar`.
    """

    params = (("lookback", 126), ("quantile", 0.2), ("cash_buffer", 0.05), ("every", None), ("first_bar", 0))

    def __init__(self):
        self.month = None
        self.orders = []

    def next(self):
        if self.is_due() and len(self) > self.p.lookback:
            self.rebalance()

    def is_due(self):
        if self.p.every:
            return (self.p.first_bar + len(self) - 1) % self.p.every == 0
        before, self.month = self.month, self.data.datetime.date(0).month
        return self.month != before

    def rebalance(self):
        momentum = {}
        for data in self.datas:
            closes = data.close.get(size=self.p.lookback + 1)
            momentum[data] = closes[-1] / closes[0] - 1
        ranked = sorted(self.datas, key=lambda data: momentum[data], reverse=True)
        winners = set(ranked[: max(1, int(len(ranked) * self.p.quantile))])
        slot = 1 / len(winners) * (1 - self.p.cash_buffer)
        sells, buys = [], []
        for data in self.datas:
            target = slot if data in winners else 0.0
            value = self.getposition(data).size * data.close[0]
            (sells if value > target * self.broker.getvalue() else buys).append((data, target))
        for data, target in sells + buys:
            order = self.order_target_percent(data, target=target)
            if order:
                self.orders.append(order)


def run(bars, cash=100_000.0, commission=0.001, slippage=0.0005, **params):
    """Backtest on a dict of symbol to DataFrame of bars; return all that came of it."""
    cerebro = bt.Cerebro(stdstats=False)
    for symbol, frame in bars.items():
        cerebro.adddata(bt.feeds.PandasData(dataname=frame), name=symbol)
    cerebro.addstrategy(Momentum, **params)
    cerebro.addanalyzer(bt.analyzers.TradeAnalyzer, _name="trades")
    cerebro.broker.setcash(cash)
    cerebro.broker.setcommission(commission=commission)
    cerebro.broker.set_slippage_perc(slippage)
    strategy = cerebro.run()[0]
    return {
        "value": cerebro.broker.getvalue(),
        "cash": cerebro.broker.getcash(),
        "orders": pd.DataFrame([facts(order) for order in strategy.orders]),
        "trades": strategy.analyzers.trades.get_analysis(),
    }


def facts(order):
    """Return an order as a row of a table."""
    return {
        "decided": bt.num2date(order.created.dt),
        "changed": bt.num2date(order.executed.dt or order.created.dt),
        "symbol": order.data._name,
        "size": order.created.size,
        "filled": order.executed.size,
        "price": order.executed.price,
        "commission": order.executed.comm,
        "status": order.getstatusname(),
    }


if __name__ == "__main__":
    table = pd.read_csv(sys.argv[1], index_col="date", parse_dates=True)
    outcome = run({symbol: frame.drop(columns="symbol") for symbol, frame in table.groupby("symbol")})
    sys.stdout.write(f"value {outcome['value']!r}, cash {outcome['cash']!r}, {len(outcome['orders'])} orders\n")

"""Moving-average crossover that stops for good after a drawdown of the account, in plain Backtrader.

Run it on a CSV file of date, symbol, open, high, low, close, volume:  python drawdown_stop.py bars.csv
"""

from __future__ import annotations

import sys

import backtrader as bt
import pandas as pd


class StoppedSmaCross(bt.Strategy):
    """Hold an equal slot of each symbol while its fast average is above its slow one, until the account has lost."""

    params = (("fast", 20), ("slow", 50), ("cash_buffer", 0.05), ("max_drawdown", 0.2))

    def __init__(self):
        self.fast = {data: bt.ind.SMA(data.close, period=self.p.fast) for data in self.datas}
        self.slow = {data: bt.ind.SMA(data.close, period=self.p.slow) for data in self.datas}
        self.target = dict.fromkeys(self.datas, 0.0)
        self.orders = []
        self.peak = 0.0
        self.stopped_on = None

    def next(self):
        if self.stopped_on:
            return
        self.peak = max(self.peak, self.broker.getvalue())
        if self.broker.getvalue() < self.peak * (1 - self.p.max_drawdown):
            self.stopped_on = self.data.datetime.date(0)
            for data in self.datas:
                if self.getposition(data).size:
                    self.orders.append(self.close(data))
            return
        self.trade()

    def trade(self):
        slot = 1 / len(self.datas) * (1 - self.p.cash_buffer)
        sells, buys = [], []
        for data in self.datas:
            target = slot if self.fast[data][0] > self.slow[data][0] else 0.0
            held = self.getposition(data).size
            if target != self.target[data]:
                (sells if held else buys).append((data, target))
            self.target[data] = target
        for data, target in sells + buys:
            order = self.order_target_percent(data, target=target)
            if order:
                self.orders.append(order)


def run(bars, cash=100_000.0, commission=0.001, slippage=0.0005, **params):
    """Backtest on a dict of symbol to DataFrame of bars; return all that came of it."""
    cerebro = bt.Cerebro(stdstats=False)
    for symbol, frame in bars.items():
        cerebro.adddata(bt.feeds.PandasData(dataname=frame), name=symbol)
    cerebro.addstrategy(StoppedSmaCross, **params)
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
        "stopped_on": strategy.stopped_on,
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

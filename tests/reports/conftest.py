"""Runs made by hand, for the tests of reports."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from quantstrats import Details, Run
from quantstrats.reports.metrics import measure
from quantstrats.runs.run import returns_of

CASH = 1000.0


@pytest.fixture(scope="session")
def make_run():
    """Make a Run by hand."""
    return made


@pytest.fixture(scope="session")
def random_equity():
    """Draw an account's value at random."""
    return drawn_equity


def made(
    equity,
    symbols=("A",),
    *,
    trips=(),
    benchmark=None,
    index=None,
    details=None,
    log=(),
    held=0.5,
    bars=None,
    sector=None,
    calendar="XNYS",
    bars_per_year=252.0,
):
    """Make a Run by hand: trips are (symbol, row opened, row closed, net profit), each of 0.5 shares at 100."""
    index = pd.bdate_range("2015-01-02", periods=len(equity)) if index is None else index
    value = pd.Series(equity, index=index, name="equity", dtype="float64")
    positions = pd.DataFrame(0.0, index=index, columns=[*symbols, "cash"])
    fills, trades = [], []
    for number, (symbol, opened, closed, profit) in enumerate(trips):
        positions.iloc[opened:closed, positions.columns.get_loc(symbol)] = held * value.iloc[opened:closed]
        fills += [
            (opened, symbol, 0.5, 100.0, 0.05, 0.02, 2 * number + 1),
            (closed, symbol, -0.5, 100.0, 0.05, 0.02, 2 * number + 2),
        ]
        trades.append((symbol, "long", index[opened], index[closed], closed - opened, profit + 0.1, 0.1, profit))
    # As an engine tells them: in the order of time.
    fills.sort(key=lambda fill: fill[0])
    trades.sort(key=lambda trade: trade[3])
    positions["cash"] = value - positions.drop(columns="cash").sum(axis=1)
    columns = ["symbol", "amount", "price", "commission", "slippage", "order"]
    transactions = pd.DataFrame([fill[1:] for fill in fills], columns=columns, index=index[[fill[0] for fill in fills]])
    orders = pd.DataFrame(
        {"status": ["Completed"] * len(fills), "reason": ["decision"] * len(fills)},
        index=pd.RangeIndex(1, len(fills) + 1, name="order"),
        dtype=object,
    )
    named = ["symbol", "side", "opened", "closed", "bars", "pnl", "commission", "pnl_net"]
    closed_trades = pd.DataFrame(trades, columns=named)
    compared = None if benchmark is None else pd.Series(benchmark, index=index, name="benchmark")
    frames = {"positions": positions, "transactions": transactions, "orders": orders, "trades": closed_trades}
    with np.errstate(invalid="ignore"):
        metrics = measure(
            returns=returns_of(value, CASH),
            equity=value,
            cash=CASH,
            benchmark=compared,
            bars_per_year=bars_per_year,
            **frames,
        )
    return Run(
        run_id="20150102T000000-idea-abc123",
        config={
            "data": {"source": "frames", "symbols": list(symbols)},
            "signal": {"name": "idea", "lookback": 5},
            "engine": {"name": "backtrader", "cash": CASH},
            "report": {"benchmark": "none" if benchmark is None else "equal_weight"},
        },
        manifest={
            "data": {"calendar": calendar, "bars_per_year": bars_per_year, "sector": sector or {}},
            "stamps": ["an index is not tradable"],
            "seed": 7,
        },
        equity=value,
        targets=positions.drop(columns="cash") * float("nan"),
        benchmark=compared,
        metrics=metrics,
        bars=bars,
        details=details or Details(),
        log=[{"time": "2015-01-02T00:00:00+00:00", "level": level, "message": message} for level, message in log],
        **frames,
    )


def drawn_equity(bars, seed=1):
    growth = np.random.default_rng(seed).normal(0.0005, 0.01, bars)
    growth[0] = 0.0
    return CASH * np.cumprod(1.0 + growth)

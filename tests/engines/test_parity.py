"""The Backtrader engine against plain Backtrader scripts, which know nothing of quantstrats: equal to the last bit."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from quantstrats import Costs, RiskPolicy, Schedule, backtest
from quantstrats.market.frames import FIELDS

SCRIPTS = sorted((Path(__file__).parent / "plain_backtrader").glob("*.py"))
# Sessions of New York in 1990, 1991 ... 2006, as the exchange published them; the framework counts from 1990 on.
SESSIONS_BEFORE_2007 = sum([253, 253, 254, 253, 252, 252, 254, 253, 252, 252, 252, 248, 252, 252, 252, 252, 251])


def bars_of(market):
    """Return what a Backtrader user has: a DataFrame of bars per symbol."""
    frames = {field: getattr(market, field) for field in FIELDS}
    return {s: pd.DataFrame({field: frames[field][s] for field in FIELDS}) for s in market.symbols}


def assert_equal(run, outcome):
    """Compare with ==: final value, cash, every order, and the round trips as TradeAnalyzer counts them."""
    assert run.equity.iloc[-1] == outcome["value"]
    assert run.positions["cash"].iloc[-1] == outcome["cash"]
    orders = run.orders.reset_index(drop=True).drop(columns="reason")  # a plain script has no name for it
    expected = outcome["orders"][orders.columns]
    assert len(orders) == len(expected)
    for column in orders:
        assert orders[column].tolist() == expected[column].tolist(), column
    assert_same_trades(run, outcome["trades"])


def assert_same_trades(run, analysis):
    trades, net = run.trades, run.trades["pnl_net"]
    won, lost = trades[net >= 0], trades[net < 0]
    assert len(trades) == analysis.total.closed == run.metrics["trades"]
    assert (len(won), len(lost)) == (analysis.won.total, analysis.lost.total)
    for side in ("long", "short"):
        assert (trades["side"] == side).sum() == analysis[side].total
    assert trades["bars"].sum() == analysis.len.total
    assert trades["bars"].max() == analysis.len.max
    assert trades["bars"].min() == analysis.len.min
    # Sums from first to last, as the analyzer adds; pandas would add pairwise.
    assert sum(trades["pnl"]) == analysis.pnl.gross.total
    assert sum(net) == analysis.pnl.net.total
    assert won["pnl_net"].max() == analysis.won.pnl.max
    assert lost["pnl_net"].min() == analysis.lost.pnl.max
    # Our figures are means and ratios of pandas' sums: the same but for the order of adding.
    about = {
        "win_rate": analysis.won.total / analysis.total.closed,
        "profit_factor": analysis.won.pnl.total / -analysis.lost.pnl.total,
        "average_win": analysis.won.pnl.average,
        "average_loss": analysis.lost.pnl.average,
        "average_bars": analysis.len.average,
    }
    assert {name: run.metrics[name] for name in about} == pytest.approx(about, rel=1e-12)


def test_sma_cross_on_the_sample(nasdaq, plain):
    run = backtest("sma_cross", nasdaq)
    assert run.metrics["orders"] == 92
    assert_equal(run, plain("sma_cross").run(bars_of(nasdaq)))


def test_sma_cross_with_other_parameters_and_costs_on_the_sample(nasdaq, plain, installed):
    market = nasdaq.between("1999-01-01", "2006-12-31")
    signal = installed.signal("sma_cross")(fast=3, slow=11)
    run = backtest(signal, market, cash=1_000_000, costs=Costs(commission_bps=25, slippage_bps=20))
    outcome = plain("sma_cross").run(
        bars_of(market), cash=1_000_000, commission=0.0025, slippage=0.002, fast=3, slow=11
    )
    assert_equal(run, outcome)


def test_sma_cross_on_made_up_names(made_up, plain, installed):
    run = backtest(installed.signal("sma_cross")(fast=5, slow=20), made_up)
    assert run.metrics["orders"] > 100
    assert_equal(run, plain("sma_cross").run(bars_of(made_up), fast=5, slow=20))


def test_momentum_on_made_up_names(made_up, plain, installed):
    run = backtest(
        installed.signal("momentum")(lookback=30),
        made_up,
        allocator="top_quantile",
        schedule=Schedule(every="month", rebalance="all"),
    )
    assert run.metrics["orders"] > 50
    assert_equal(run, plain("momentum").run(bars_of(made_up), lookback=30))


def test_a_drawdown_that_ends_trading_on_the_sample(nasdaq, plain):
    run = backtest("sma_cross", nasdaq, risk=RiskPolicy(max_drawdown=0.2))
    outcome = plain("drawdown_stop").run(bars_of(nasdaq))
    assert run.orders["decided"].max().date() == outcome["stopped_on"]
    assert run.orders["reason"].tolist() == ["decision"] * (len(run.orders) - 1) + ["risk"]
    assert_equal(run, outcome)


def test_a_drawdown_that_ends_trading_on_made_up_names(made_up, plain, installed):
    signal, risk = installed.signal("sma_cross")(fast=5, slow=20), RiskPolicy(max_drawdown=0.05)
    run = backtest(signal, made_up, risk=risk)
    outcome = plain("drawdown_stop").run(bars_of(made_up), fast=5, slow=20, max_drawdown=0.05)
    assert (run.orders["decided"].dt.date == outcome["stopped_on"]).sum() == 2
    assert_equal(run, outcome)


@pytest.mark.slow
def test_sma_cross_on_fifty_names(fifty, plain):
    run = backtest("sma_cross", fifty)
    assert run.metrics["orders"] > 800
    assert_equal(run, plain("sma_cross").run(bars_of(fifty)))


@pytest.mark.slow
@pytest.mark.parametrize("every", ["month", 21])
def test_momentum_on_fifty_names(fifty, plain, installed, every):
    run = backtest(
        installed.signal("momentum")(lookback=126),
        fifty,
        allocator=installed.find("allocator", "top_quantile").cls(quantile=0.2),
        schedule=Schedule(every=every, rebalance="all"),
    )
    assert run.metrics["orders"] > 300
    counting = {"every": every, "first_bar": SESSIONS_BEFORE_2007} if every == 21 else {}
    assert_equal(run, plain("momentum").run(bars_of(fifty), lookback=126, **counting))


def test_refused_orders_are_refused_alike(fifty, plain, installed):
    """Without a cash buffer many orders meet an open that is too high, and batches fail at submission."""
    market = fifty.select(fifty.symbols[:8])
    allocator = installed.find("allocator", "long_flat").cls(cash_buffer=0.0)
    run = backtest(installed.signal("sma_cross")(fast=5, slow=20), market, allocator=allocator)
    assert run.metrics["orders_refused"] > 10
    outcome = plain("sma_cross").run(bars_of(market), fast=5, slow=20, cash_buffer=0.0)
    assert_equal(run, outcome)


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.stem)
def test_the_plain_scripts_import_nothing_of_quantstrats(script):
    imported = set()
    for node in ast.walk(ast.parse(script.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            imported |= {alias.name.split(".")[0] for alias in node.names}
        if isinstance(node, ast.ImportFrom):
            assert node.level == 0
            imported.add(node.module.split(".")[0])
    assert imported <= {"__future__", "backtrader", "numpy", "pandas", "sys"}


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.stem)
def test_the_plain_scripts_run_by_themselves(script, nasdaq, plain, tmp_path):
    bars = bars_of(nasdaq.between("2000-01-01", "2001-12-31"))
    table = pd.concat([frame.assign(symbol=symbol) for symbol, frame in bars.items()]).rename_axis("date")
    table.to_csv(tmp_path / "bars.csv")
    command = [sys.executable, str(script), str(tmp_path / "bars.csv")]
    printed = subprocess.run(command, capture_output=True, text=True, check=True)
    outcome = plain(script.stem).run(bars)
    assert printed.stdout.startswith(f"value {outcome['value']!r}, cash {outcome['cash']!r}, ")

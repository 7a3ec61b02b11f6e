"""One account, measured four times: metrics.json, empyrical, pyfolio, and Backtrader's analyzers on a plain script.

The plain script knows nothing of quantstrats; that it makes the same account is what tests/engines holds to. So the
analyzers' figures are of the same account, by other code. Where a definition differs, the test says how.
"""

from __future__ import annotations

import importlib.util
import math
import sys
from pathlib import Path
from types import SimpleNamespace

import backtrader as bt
import empyrical
import numpy as np
import pandas as pd
import pytest

from quantstrats import Market, Schedule, backtest
from quantstrats.market.frames import FIELDS
from quantstrats.reports.daily import by_days
from quantstrats.reports.drawdowns import worst_drawdowns
from quantstrats.reports.drawing import quiet
from quantstrats.reports.pyfolio_tables import performance, performance_stats, round_trips
from quantstrats.runs.labels import COMPARED

with quiet():
    from pyfolio import timeseries

PLAIN = Path(__file__).parents[1] / "engines" / "plain_backtrader"
RISK_FREE = 0.02
RATE = 1.02 ** (1 / 252) - 1.0


def plain_strategy(script, name):
    """Return the strategy of a plain Backtrader script."""
    spec = importlib.util.spec_from_file_location(f"analyzed_{script}", PLAIN / f"{script}.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # Backtrader looks the module of a strategy up there
    spec.loader.exec_module(module)
    return getattr(module, name)


def analyzed(market, strategy, **params):
    """Run a plain strategy with Backtrader's own analyzers, at the costs that quantstrats has by default."""
    cerebro = bt.Cerebro(stdstats=False)
    for symbol in market.symbols:
        frame = pd.DataFrame({field: getattr(market, field)[symbol] for field in FIELDS})
        cerebro.adddata(bt.feeds.PandasData(dataname=frame), name=symbol)
    cerebro.addstrategy(strategy, **params)
    cerebro.broker.setcash(100_000.0)
    cerebro.broker.setcommission(commission=0.001)
    cerebro.broker.set_slippage_perc(0.0005)
    days, analyzers = bt.TimeFrame.Days, bt.analyzers
    cerebro.addanalyzer(
        analyzers.SharpeRatio,
        _name="sharpe",
        timeframe=days,
        factor=252,
        riskfreerate=RISK_FREE,
        annualize=True,
        stddev_sample=True,  # otherwise the deviation is that of a population
    )
    cerebro.addanalyzer(analyzers.DrawDown, _name="drawdown")
    cerebro.addanalyzer(analyzers.TimeReturn, _name="daily", timeframe=days)
    cerebro.addanalyzer(analyzers.TimeReturn, _name="yearly", timeframe=bt.TimeFrame.Years)
    cerebro.addanalyzer(analyzers.Returns, _name="returns", timeframe=days, tann=252)
    cerebro.addanalyzer(analyzers.TradeAnalyzer, _name="trades")
    found = cerebro.run()[0].analyzers
    return SimpleNamespace(
        **{name: getattr(found, name).get_analysis() for name in ("sharpe", "drawdown", "daily", "yearly", "returns")},
        trades=found.trades.get_analysis(),
        value=cerebro.broker.getvalue(),
    )


def made_up(nasdaq):
    """Eight names of three years whose prices walk at random."""
    chance, index = np.random.default_rng(5), nasdaq.index[:750]
    names = [f"N{number}" for number in range(8)]
    steps = chance.normal(0.0003, 0.02, (2, len(index), len(names)))
    close = pd.DataFrame(50.0 * np.exp(steps[0].cumsum(axis=0)), index=index, columns=names).round(2)
    opened = (close.shift().fillna(close) * np.exp(steps[1] / 4)).round(2)
    high, low = close.where(close > opened, opened), close.where(close < opened, opened)
    return Market.from_frames(open=opened, high=high, low=low, close=close, volume=close * 0 + 1e6)


def real_names(real_bars):
    """Three years, with their crash, of the first ten names that have a bar in every session."""
    market = Market.from_frames(**real_bars("daily_sp500")).between("2007-01-03", "2009-12-31")
    return market.select(sorted(market.symbols[market.present.all(axis=0)])[:10])


@pytest.fixture(scope="module", params=["index", "made_up", "momentum", "real"])
def both(request, nasdaq):
    """A run of quantstrats, and the analyzers' figures of the plain script."""
    cross = plain_strategy("sma_cross", "SmaCross")
    options = {"risk_free": RISK_FREE, "guard": "off"}
    if request.param == "index":
        return backtest("sma_cross", nasdaq, **options), analyzed(nasdaq, cross)
    if request.param == "momentum":
        market = made_up(nasdaq)
        monthly = Schedule(every="month", rebalance="all")
        momentum = {"name": "momentum", "lookback": 30}
        run = backtest(momentum, market, allocator="top_quantile", schedule=monthly, **options)
        return run, analyzed(market, plain_strategy("momentum", "Momentum"), lookback=30)
    made = request.param == "made_up"
    market = made_up(nasdaq) if made else real_names(request.getfixturevalue("real_bars"))
    run = backtest({"name": "sma_cross", "fast": 5, "slow": 20}, market, **options)
    return run, analyzed(market, cross, fast=5, slow=20)


def test_the_account_is_the_same(both):
    run, analysis = both
    assert run.metrics["final_equity"] == analysis.value
    assert run.metrics["orders"] > 10


def test_returns_by_day_and_by_year_are_those_of_time_return(both):
    run, analysis = both
    assert [day.date() for day in run.returns.index] == [day.date() for day in analysis.daily]
    assert run.returns.tolist() == pytest.approx(list(analysis.daily.values()), rel=1e-9, abs=1e-15)
    years = (1.0 + run.returns).groupby(run.returns.index.year).prod() - 1.0
    assert years.tolist() == pytest.approx(list(analysis.yearly.values()), rel=1e-9)
    assert years.tolist() == pytest.approx(empyrical.aggregate_returns(run.returns, "yearly").tolist(), rel=1e-9)


def test_total_and_annual_return_are_those_of_returns(both):
    run, analysis = both
    # Backtrader tells the total as a logarithm.
    assert run.metrics["total_return"] == pytest.approx(math.expm1(analysis.returns["rtot"]), rel=1e-9)
    assert run.metrics["annual_return"] == pytest.approx(analysis.returns["rnorm"], rel=1e-9)


def test_the_sharpe_ratio_is_that_of_sharpe_ratio(both):
    run, analysis = both
    assert run.metrics["sharpe"] == pytest.approx(analysis.sharpe["sharperatio"], rel=1e-9)


def test_the_maximum_drawdown_is_that_of_draw_down(both):
    run, analysis = both
    # Backtrader has it in percent above zero, and begins at the close of the first bar; nothing is held on it.
    assert run.returns.iloc[0] == 0.0
    assert run.metrics["max_drawdown"] == pytest.approx(-analysis.drawdown.max.drawdown / 100.0, rel=1e-9)
    assert worst_drawdowns(run.returns)["depth"].iloc[0] == pytest.approx(run.metrics["max_drawdown"])


def test_round_trips_are_those_of_trade_analyzer(both):
    run, analysis = both
    trades = analysis.trades
    expected = {
        "trades": trades.total.closed,
        "win_rate": trades.won.total / trades.total.closed,
        "profit_factor": trades.won.pnl.total / -trades.lost.pnl.total,
        "average_win": trades.won.pnl.average,
        "average_loss": trades.lost.pnl.average,
        "average_bars": trades.len.average,
    }
    assert {name: run.metrics[name] for name in expected} == pytest.approx(expected, rel=1e-9)
    assert run.trades["pnl_net"].sum() == pytest.approx(trades.pnl.net.total, rel=1e-9)


def test_metrics_are_those_of_empyrical_on_the_runs_returns(both):
    run, _ = both
    returns, benchmark, metrics = run.returns, run.benchmark, run.metrics
    expected = {
        "total_return": empyrical.cum_returns_final(returns),
        "annual_return": empyrical.annual_return(returns),
        "annual_volatility": empyrical.annual_volatility(returns),
        "sharpe": empyrical.sharpe_ratio(returns, risk_free=RATE),
        "sortino": empyrical.sortino_ratio(returns, required_return=RATE),
        "calmar": empyrical.calmar_ratio(returns),
        "max_drawdown": empyrical.max_drawdown(returns),
        "value_at_risk": empyrical.value_at_risk(returns),
        "expected_shortfall": empyrical.conditional_value_at_risk(returns),
        "alpha": empyrical.alpha(returns, benchmark, risk_free=RATE),
        "beta": empyrical.beta(returns, benchmark, risk_free=RATE),
        "information_ratio": empyrical.excess_sharpe(returns, benchmark) * math.sqrt(252),
        "benchmark_sharpe": empyrical.sharpe_ratio(benchmark, risk_free=RATE),
        "benchmark_sortino": empyrical.sortino_ratio(benchmark, required_return=RATE),
        "benchmark_max_drawdown": empyrical.max_drawdown(benchmark),
    }
    assert {name: metrics[name] for name in expected} == pytest.approx(expected, rel=1e-9)


def test_metrics_are_those_of_pyfolio_where_it_takes_no_rate(both):
    run, _ = both
    with quiet():
        stats = timeseries.perf_stats(run.returns, factor_returns=run.benchmark)
    named = {
        "annual_return": "Annual return",
        "total_return": "Cumulative returns",
        "annual_volatility": "Annual volatility",
        "calmar": "Calmar ratio",
        "max_drawdown": "Max drawdown",
        "skew": "Skew",
        "kurtosis": "Kurtosis",
        "beta": "Beta",
    }
    expected = {name: stats[other] for name, other in named.items()}
    assert {name: run.metrics[name] for name in named} == pytest.approx(expected, rel=1e-9)
    # pyfolio's value at risk is the mean less two deviations, not a quantile.
    two = run.returns.mean() - 2.0 * run.returns.std()
    assert stats["Daily value at risk"] == pytest.approx(two)


def test_the_page_shows_one_number_for_each_name(both):
    run, _ = both
    with quiet():
        daily = by_days(run)
        stats, shown = performance_stats(daily), dict(performance(daily).rows)
        tables = {table.title: table for table in round_trips(daily)}
    named = {
        "total_return": "Cumulative returns",
        "annual_return": "Annual return",
        "annual_volatility": "Annual volatility",
        "sharpe": "Sharpe ratio",
        "sortino": "Sortino ratio",
        "max_drawdown": "Max drawdown",
    }
    forms = {name: form for _, name, form in COMPARED}
    assert set(named) == set(forms)
    for name, row in named.items():
        assert shown[row] == forms[name].format(run.metrics[name])
    numbers = {"alpha": "Alpha", "beta": "Beta", "skew": "Skew", "kurtosis": "Kurtosis", "exposure": "Gross leverage"}
    expected = {name: stats[row] for name, row in numbers.items()}
    assert {name: run.metrics[name] for name in numbers} == pytest.approx(expected, rel=1e-9)
    trips = dict(row[:2] for row in tables["Round trips"].rows)
    assert trips["Total number of round trips"] == f"{run.metrics['trades']:,}"
    assert dict(row[:2] for row in tables["Profit and loss, after commission"].rows)["Profit factor"] == (
        f"{run.metrics['profit_factor']:.2f}"
    )

"""A run by days: sessions, the benchmark's gaps, and what it is annualised by."""

from __future__ import annotations

from types import SimpleNamespace

import pandas as pd
import pytest

from quantstrats import Costs, Market, backtest
from quantstrats.reports.daily import by_days

CASH = 1000.0


def account(equity, index, *, calendar="XNYS", benchmark=None, report=None):
    """What by_days reads of a run that never traded."""
    value = pd.Series(equity, index=index, dtype="float64")
    fills = pd.DataFrame(columns=["symbol", "amount", "price"], index=index[:0])
    trades = pd.DataFrame(columns=["symbol", "side", "opened", "closed", "pnl_net"])
    return SimpleNamespace(
        equity=value,
        positions=pd.DataFrame({"A": 0.0, "cash": value}),
        transactions=fills,
        trades=trades,
        benchmark=None if benchmark is None else pd.Series(benchmark, index=index),
        config={"engine": {"cash": CASH}, "report": report or {}},
        manifest={"data": {"calendar": calendar}},
    )


def test_a_loss_on_the_first_day_is_its_return():
    daily = by_days(account([900.0, 990.0], pd.bdate_range("2015-01-05", periods=2)))
    assert daily.returns.tolist() == pytest.approx([-0.1, 0.1])


def test_a_year_has_252_sessions_and_365_where_the_market_never_closes():
    days = pd.date_range("2015-01-05", periods=3)
    exchange, always = (by_days(account([CASH] * 3, days, calendar=name)) for name in ("XNYS", "24/7"))
    assert (exchange.days_per_year, exchange.half_year, exchange.year) == (252.0, 126, 252)
    assert (always.days_per_year, always.half_year, always.year) == (365.0, 182, 365)


def test_minutes_of_a_market_that_never_closes_become_its_days():
    index = pd.date_range("2015-01-03 22:00", periods=48, freq="h", tz="UTC")  # over a weekend
    equity = [1000.0] * 2 + [1100.0] * 24 + [990.0] * 22
    daily = by_days(account(equity, index, calendar="24/7"))
    assert [str(day.date()) for day in daily.returns.index] == ["2015-01-03", "2015-01-04", "2015-01-05"]
    assert daily.returns.tolist() == pytest.approx([0.0, 0.1, -0.1])
    assert (daily.intraday, daily.days_per_year) == (True, 365.0)


def test_the_risk_free_rate_is_the_runs_and_zero_for_one_of_an_older_version():
    days = pd.bdate_range("2015-01-05", periods=2)
    assert by_days(account([CASH] * 2, days)).risk_free_per_day == 0.0
    rated = by_days(account([CASH] * 2, days, report={"benchmark": "none", "risk_free": 0.05}))
    assert (1.0 + rated.risk_free_per_day) ** 252 == pytest.approx(1.05)


def test_a_session_is_without_benchmark_only_where_all_its_bars_are():
    index = pd.DatetimeIndex(["2015-01-05 14:30", "2015-01-05 15:30", "2015-01-06 14:30", "2015-01-06 15:30"], tz="UTC")
    none = float("nan")
    daily = by_days(account([CASH] * 4, index, benchmark=[0.1, none, none, none]))
    assert daily.benchmark.tolist() == pytest.approx([0.1, none], nan_ok=True)
    assert daily.compared.tolist() == pytest.approx([0.1, 0.0])
    nothing = by_days(account([CASH] * 4, index, benchmark=[none] * 4))
    assert nothing.benchmark is None
    assert nothing.compared is None


def test_intraday_returns_of_a_real_run_compound_to_those_of_its_days():
    index = pd.DatetimeIndex([f"2015-01-0{day} {hour:02d}:30" for day in (5, 6, 7) for hour in range(14, 21)], tz="UTC")
    close = pd.DataFrame({"A": [100.0 + (3 * row) % 11 for row in range(len(index))]}, index=index)
    market = Market.from_frames(close=close, bar="1h")
    run = backtest("buy_and_hold", market, costs=Costs(0, slippage_bps=0), fractional=True, guard="off")
    daily = by_days(run)
    held = 0.95 * 100_000.0 / close["A"].iloc[0]  # asked for at the first close, had at the next bar
    worth = 100_000.0 + held * (close["A"].iloc[[6, 13, 20]].to_numpy() - close["A"].iloc[1])
    expected = [worth[0] / 100_000.0 - 1.0, worth[1] / worth[0] - 1.0, worth[2] / worth[1] - 1.0]
    assert daily.returns.tolist() == pytest.approx(expected)
    whole = (1.0 + daily.returns).prod()
    assert whole - 1.0 == pytest.approx(run.metrics["total_return"])

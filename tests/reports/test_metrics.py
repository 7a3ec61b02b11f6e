"""The figures of a run, against hand arithmetic and against empyrical called apart."""

from __future__ import annotations

import dataclasses
import math
from types import SimpleNamespace

import empyrical
import numpy as np
import pandas as pd
import pytest
import scipy.stats

from quantstrats import backtest, backtest_config, load_run
from quantstrats.errors import ConfigError
from quantstrats.market.calendar import Calendar
from quantstrats.reports.compared import compared
from quantstrats.reports.daily import by_days
from quantstrats.reports.drawing import quiet
from quantstrats.reports.metrics import measure, rate_per_bar
from quantstrats.reports.pyfolio_tables import performance_stats
from quantstrats.runs.run import returns_of

CASH = 1000.0
EQUITY = [1000.0, 1100.0, 990.0, 1188.0]  # 0%, +10%, -10%, +20%
RETURNS = [0.0, 0.1, -0.1, 0.2]
BENCHMARK = [0.0, 0.05, -0.05, 0.1]


@pytest.fixture
def measured(sessions):
    """Measure an account of the given values that held 10 shares, with hand-made orders and trades."""

    def make(
        equity=EQUITY,
        benchmark=None,
        trades=(30.0, -10.0),
        amounts=(10.0, -10.0),
        bars_per_year=252.0,
        risk_free=0.0,
        slippage=None,
    ):
        index = sessions(len(equity))
        value = pd.Series(equity, index=index)
        returns = returns_of(value, CASH)
        positions = pd.DataFrame({"A": value / 2.0, "B": -value / 4.0, "cash": value * 0.75})
        fills = {"symbol": "A", "amount": list(amounts), "price": 50.0, "commission": 1.5, "order": 1}
        fills |= {} if slippage is None else {"slippage": slippage}
        statuses = ["Completed", "Margin", "Canceled", "Rejected"]
        closed = {"pnl_net": pd.Series(trades, dtype="float64"), "bars": pd.Series([2.0, 4.0][: len(trades)])}
        figures = measure(
            returns=returns,
            equity=value,
            cash=CASH,
            positions=positions,
            transactions=pd.DataFrame(fills, index=index[: len(amounts)]),
            orders=pd.DataFrame({"status": statuses}),
            trades=pd.DataFrame(closed),
            benchmark=None if benchmark is None else pd.Series(benchmark, index=index),
            bars_per_year=bars_per_year,
            risk_free=risk_free,
        )
        return SimpleNamespace(figures=figures, returns=returns)

    return make


def test_returns_and_drawdown_equal_hand_arithmetic(measured):
    figures = measured().figures
    mean = (0.0 + 0.1 - 0.1 + 0.2) / 4
    deviation = math.sqrt(sum((value - mean) ** 2 for value in RETURNS) / 3)
    assert figures["total_return"] == pytest.approx(0.188)
    assert figures["annual_return"] == pytest.approx(1.188 ** (252 / 4) - 1)
    assert figures["annual_volatility"] == pytest.approx(deviation * math.sqrt(252))
    assert figures["sharpe"] == pytest.approx(mean / deviation * math.sqrt(252))
    assert figures["sortino"] == pytest.approx(mean / math.sqrt(0.1**2 / 4) * math.sqrt(252))
    assert figures["max_drawdown"] == pytest.approx(-0.1)
    assert figures["final_equity"] == 1188.0


def test_figures_of_returns_are_those_of_empyrical(measured):
    result = measured(benchmark=BENCHMARK)
    figures, returns = result.figures, result.returns
    compared = pd.Series(BENCHMARK, index=returns.index)
    assert figures["sharpe"] == pytest.approx(empyrical.sharpe_ratio(returns))
    assert figures["sortino"] == pytest.approx(empyrical.sortino_ratio(returns))
    assert figures["calmar"] == pytest.approx(empyrical.calmar_ratio(returns))
    assert figures["max_drawdown"] == pytest.approx(empyrical.max_drawdown(returns))
    assert figures["value_at_risk"] == pytest.approx(empyrical.value_at_risk(returns, 0.05))
    assert figures["expected_shortfall"] == pytest.approx(empyrical.conditional_value_at_risk(returns, 0.05))
    assert figures["alpha"] == pytest.approx(empyrical.alpha(returns, compared))
    assert figures["beta"] == pytest.approx(empyrical.beta(returns, compared))
    assert figures["benchmark_sharpe"] == pytest.approx(empyrical.sharpe_ratio(compared))


def test_the_benchmark_is_measured_as_the_strategy_is(measured):
    figures = measured(benchmark=BENCHMARK).figures
    assert figures["benchmark_total_return"] == pytest.approx(1.05 * 0.95 * 1.1 - 1)
    assert figures["benchmark_max_drawdown"] == pytest.approx(-0.05)
    # The strategy's returns are twice the benchmark's.
    assert figures["beta"] == pytest.approx(2.0)


def test_a_first_day_loss_counts_in_the_drawdown(measured):
    figures = measured(equity=[800.0, 880.0]).figures
    assert figures["max_drawdown"] == pytest.approx(-0.2)
    assert figures["total_return"] == pytest.approx(-0.12)


def test_figures_are_annualised_by_the_bars_of_the_market(measured):
    daily, hourly = measured().figures, measured(bars_per_year=4 * 252.0).figures
    assert hourly["sharpe"] == pytest.approx(2 * daily["sharpe"])
    assert hourly["annual_volatility"] == pytest.approx(2 * daily["annual_volatility"])


def test_exposure_turnover_and_commission_equal_hand_arithmetic(measured):
    figures = measured().figures
    assert figures["exposure"] == pytest.approx(0.75)  # half long and a quarter short
    traded, mean_equity, years = 2 * 10 * 50.0, (1000 + 1100 + 990 + 1188) / 4, 4 / 252
    assert figures["annual_turnover"] == pytest.approx(traded / mean_equity / years)
    assert figures["commission"] == pytest.approx(3.0)
    assert (figures["orders"], figures["orders_refused"]) == (4, 2)


def test_round_trips_equal_hand_arithmetic(measured):
    figures = measured(trades=(30.0, -10.0)).figures
    assert figures["trades"] == 2
    assert figures["win_rate"] == pytest.approx(0.5)
    assert figures["profit_factor"] == pytest.approx(3.0)
    assert (figures["average_win"], figures["average_loss"]) == (30.0, -10.0)
    assert figures["average_bars"] == pytest.approx(3.0)


def test_a_round_trip_without_profit_is_won_as_backtrader_counts_it(measured):
    figures = measured(trades=(0.0, -10.0)).figures
    assert (figures["win_rate"], figures["profit_factor"], figures["average_win"]) == (0.5, 0.0, 0.0)
    assert measured(trades=(30.0, 0.0)).figures["profit_factor"] is None  # nothing was lost


def test_what_is_undefined_is_none(measured):
    figures = measured(trades=()).figures
    undefined = ("win_rate", "profit_factor", "average_win", "average_loss", "alpha", "beta", "benchmark_sharpe")
    assert {name: figures[name] for name in undefined} == dict.fromkeys(undefined)
    assert figures["trades"] == 0


def test_every_figure_is_plain_and_finite(measured):
    for equity in HARD_CASES:
        for benchmark in (None, [0.1] * len(equity), [math.nan, *[0.1, -1.0] * 2][: len(equity)]):
            for bars, rate in ((252.0, 0.0), (525_600.0, 0.05)):
                case = measured(equity=equity, amounts=(10.0,), benchmark=benchmark, bars_per_year=bars, risk_free=rate)
                for name, value in case.figures.items():
                    assert value is None or isinstance(value, str | int) or math.isfinite(value), name


# One bar, with a loss and with a gain; nothing ever happens; only losses; a total loss; a debt.
HARD_CASES = (
    EQUITY,
    [1000.0],
    [900.0],
    [1100.0],
    [1000.0, 1000.0, 1000.0],
    [990.0, 980.1, 970.299],
    [900.0, 0.0, 0.0],
    [900.0, -50.0, -40.0],
)


def test_a_total_loss_is_a_loss_of_all(measured):
    figures = measured(equity=[900.0, 0.0, 0.0]).figures
    assert (figures["total_return"], figures["annual_return"], figures["max_drawdown"]) == (-1.0, -1.0, -1.0)
    assert figures["calmar"] == -1.0
    # Returns of -0.1 and -1, and none after the loss: their mean, and their deviation with n - 1, by hand.
    assert figures["sharpe"] == pytest.approx(-0.55 / math.sqrt(2 * 0.45**2) * math.sqrt(252))


def lost_after_200_of_300_bars(make_run):
    """An account that goes up and down until it owes money, beside a benchmark that does so by other amounts."""
    swings = np.where(np.arange(200) % 3 == 0, 0.02, -0.011)
    equity = np.concatenate([CASH * np.cumprod(1.0 + swings), np.linspace(-200.0, -150.0, 100)])
    return swings, make_run(equity, benchmark=np.where(np.arange(300) % 2 == 0, 0.011, -0.009))


def test_returns_end_where_the_account_does(make_run):
    swings, run = lost_after_200_of_300_bars(make_run)
    r, f = np.append(swings, -1.0), run.metrics
    b = np.where(np.arange(201) % 2 == 0, 0.011, -0.009)
    beta = np.cov(r, b)[0, 1] / np.var(b, ddof=1)
    year = math.sqrt(252)
    expected = {
        "total_return": -1.0,
        "annual_return": -1.0,
        "annual_volatility": np.std(r, ddof=1) * year,
        "sharpe": r.mean() / np.std(r, ddof=1) * year,
        "sortino": r.mean() / math.sqrt((np.minimum(r, 0.0) ** 2).mean()) * year,
        "max_drawdown": -1.0,
        "value_at_risk": np.quantile(r, 0.05),
        "expected_shortfall": np.sort(r)[:11].mean(),
        # Three bars lose 0.2%, so the first was the highest.
        "longest_drawdown_days": (run.equity.index[200] - run.equity.index[0]).days,
        "skew": scipy.stats.skew(r),
        "kurtosis": scipy.stats.kurtosis(r),
        "beta": beta,
        "alpha": (1.0 + (r - beta * b).mean()) ** 252 - 1.0,
        "tracking_error": np.std(r - b, ddof=1) * year,
        "information_ratio": (r - b).mean() / np.std(r - b, ddof=1) * year,
    }
    assert {name: f[name] for name in expected} == pytest.approx(expected)
    assert (f["bars"], f["final_equity"]) == (300, -150.0)


def test_the_benchmarks_own_figures_are_of_all_bars_also_beside_an_account_that_is_lost(make_run):
    _, run = lost_after_200_of_300_bars(make_run)
    b = np.where(np.arange(300) % 2 == 0, 0.011, -0.009)
    assert run.metrics["benchmark_total_return"] == pytest.approx((1.011 * 0.991) ** 150 - 1.0)
    assert run.metrics["benchmark_sharpe"] == pytest.approx(b.mean() / np.std(b, ddof=1) * math.sqrt(252))


def test_the_table_by_days_has_the_same_figures_of_an_account_that_is_lost(make_run):
    _, run = lost_after_200_of_300_bars(make_run)
    with quiet():
        found = performance_stats(by_days(run))
    same = {
        "Annual return": "annual_return",
        "Annual volatility": "annual_volatility",
        "Sharpe ratio": "sharpe",
        "Sortino ratio": "sortino",
        "Max drawdown": "max_drawdown",
        "Skew": "skew",
        "Kurtosis": "kurtosis",
        "Alpha": "alpha",
        "Beta": "beta",
    }
    assert {name: run.metrics[name] for name in same.values()} == pytest.approx(
        {key: found[name] for name, key in same.items()}
    )


@pytest.mark.parametrize("growth", [0.001, 1e-5, -0.002])
def test_a_constant_growth_has_no_risk_and_no_ratio_anywhere(growth, make_run):
    run = make_run(CASH * (1.0 + growth) ** np.arange(1, 301))
    assert 0.0 < run.returns.std() < 1e-14  # what rounding leaves
    with quiet():
        table = performance_stats(by_days(run))
    again = compared([run, dataclasses.replace(run, run_id="again")])
    assert run.metrics["sharpe"] is None
    assert math.isnan(table["Sharpe ratio"])
    assert math.isnan(again.figures.loc["sharpe", "A"])
    assert run.metrics["skew"] is None
    if growth > 0.0:
        assert run.metrics["sortino"] is None


def test_a_strategy_that_is_its_benchmark_but_for_rounding_has_no_information_ratio(make_run):
    steps = np.where(np.arange(300) % 2 == 0, 0.011, -0.009)
    run = make_run(CASH * np.cumprod(1.0 + steps), benchmark=steps)
    assert 0.0 < (run.returns - run.benchmark).std() < 1e-14
    assert run.metrics["information_ratio"] is None
    assert run.metrics["sharpe"] == pytest.approx(steps.mean() / np.std(steps, ddof=1) * math.sqrt(252))


def test_one_bar_has_a_return_and_no_ratio(measured):
    figures = measured(equity=[900.0], amounts=(10.0,)).figures
    assert figures["total_return"] == pytest.approx(-0.1)
    assert figures["max_drawdown"] == pytest.approx(-0.1)
    assert [figures[name] for name in ("annual_volatility", "sharpe", "sortino", "skew", "kurtosis")] == [None] * 5


def test_a_risk_free_rate_compounds_to_the_year(measured):
    rate = 1.05 ** (1 / 252) - 1
    assert rate_per_bar(0.05, 252.0) == pytest.approx(rate)
    figures = measured(benchmark=[0.02, 0.05, -0.05, 0.1], risk_free=0.05).figures
    mean, other = 0.05 - rate, 0.03 - rate
    deviation = math.sqrt(sum((value - 0.05) ** 2 for value in RETURNS) / 3)
    downside = math.sqrt((rate**2 + (0.1 + rate) ** 2) / 4)
    assert figures["sharpe"] == pytest.approx(mean / deviation * math.sqrt(252))
    assert figures["sortino"] == pytest.approx(mean / downside * math.sqrt(252))
    # Deviations of the strategy: -0.05, 0.05, -0.15, 0.15; of the benchmark: -0.01, 0.02, -0.08, 0.07.
    beta = (0.05 * 0.01 + 0.05 * 0.02 + 0.15 * 0.08 + 0.15 * 0.07) / (0.01**2 + 0.02**2 + 0.08**2 + 0.07**2)
    assert figures["beta"] == pytest.approx(beta)
    assert figures["alpha"] == pytest.approx((1 + mean - beta * other) ** 252 - 1)
    assert figures["benchmark_sharpe"] == pytest.approx(other / math.sqrt(0.0118 / 3) * math.sqrt(252))


def test_a_risk_free_rate_leaves_returns_and_volatility_alone(measured):
    plain, less = measured(benchmark=BENCHMARK).figures, measured(benchmark=BENCHMARK, risk_free=0.1).figures
    changed = {name for name in plain if plain[name] != less[name]}
    assert changed == {"sharpe", "sortino", "alpha", "benchmark_sharpe", "benchmark_sortino"}


def test_figures_beside_the_benchmark_equal_hand_arithmetic(measured):
    figures = measured(benchmark=BENCHMARK).figures
    # The strategy is ahead by 0, 0.05, -0.05 and 0.1.
    error = math.sqrt(sum((value - 0.025) ** 2 for value in (0.0, 0.05, -0.05, 0.1)) / 3 * 252)
    assert figures["tracking_error"] == pytest.approx(error)
    assert figures["information_ratio"] == pytest.approx(0.025 * 252 / error)
    same = measured(benchmark=RETURNS).figures
    assert same["tracking_error"] == pytest.approx(0.0, abs=1e-12)


def test_days_without_a_benchmark_are_no_return_of_it_and_left_out_of_comparisons(measured):
    figures = measured(benchmark=[0.02, math.nan, -0.05, 0.1]).figures
    assert figures["benchmark_total_return"] == pytest.approx(1.02 * 0.95 * 1.1 - 1)
    mean = (0.02 + 0.0 - 0.05 + 0.1) / 4
    deviation = math.sqrt(sum((value - mean) ** 2 for value in (0.02, 0.0, -0.05, 0.1)) / 3)
    assert figures["benchmark_annual_volatility"] == pytest.approx(deviation * math.sqrt(252))
    # What is left: 0, -0.1 and 0.2 beside 0.02, -0.05 and 0.1.
    slope, base = np.polyfit([0.02, -0.05, 0.1], [0.0, -0.1, 0.2], 1)
    assert figures["beta"] == pytest.approx(slope)
    assert figures["alpha"] == pytest.approx((1 + base) ** 252 - 1)
    assert figures["tracking_error"] == pytest.approx(np.std([-0.02, -0.05, 0.1], ddof=1) * math.sqrt(252))


def test_a_benchmark_of_which_nothing_is_known_is_none(measured):
    figures = measured(benchmark=[math.nan] * 4).figures
    compared = [name for name in figures if name.startswith("benchmark_")]
    assert len(compared) == 7
    undefined = [*compared, "alpha", "beta", "tracking_error", "information_ratio"]
    assert {name: figures[name] for name in undefined} == dict.fromkeys(undefined)


def test_the_shape_of_returns_is_that_of_a_population(measured):
    figures = measured().figures
    assert figures["skew"] == pytest.approx(scipy.stats.skew(RETURNS))
    assert figures["kurtosis"] == pytest.approx(scipy.stats.kurtosis(RETURNS))
    assert (figures["best_bar"], figures["worst_bar"]) == (pytest.approx(0.2), pytest.approx(-0.1))


def test_the_longest_drawdown_is_counted_in_days_of_the_calendar(measured):
    # From Monday 5 January, 1100, to Wednesday 7 January, 1188; a loss on the first bar begins on the day before it.
    assert measured().figures["longest_drawdown_days"] == 2.0
    assert measured(equity=[900.0, 950.0]).figures["longest_drawdown_days"] == 4.0
    assert measured(equity=[1000.0, 1100.0]).figures["longest_drawdown_days"] == 0.0


def test_slippage_and_commission_add_up_to_the_costs(measured):
    figures = measured(slippage=[2.0, 0.5]).figures
    assert (figures["slippage"], figures["costs"]) == (2.5, 5.5)
    old = measured().figures
    assert (old["slippage"], old["costs"], old["commission"]) == (None, None, 3.0)


@pytest.mark.parametrize(
    ("calendar", "bar", "bars"),
    [("XNYS", None, 252), ("24/7", None, 365), ("XNYS", "1min", 252 * 390), ("24/7", "1min", 365 * 1440)],
)
def test_a_year_of_bars_has_the_annual_return_of_a_year(calendar, bar, bars, measured):
    year = Calendar(calendar).bars_per_year(None if bar is None else pd.Timedelta(bar))
    figures = measured(bars_per_year=year).figures
    assert year == bars
    assert figures["annual_volatility"] == pytest.approx(np.std(RETURNS, ddof=1) * math.sqrt(bars))
    grown = measured(equity=[1000.0, 1000.001, 1000.0, 1000.002], bars_per_year=year).figures
    assert grown["annual_return"] == pytest.approx(math.expm1(math.log1p(0.000002) * bars / 4))


def test_a_run_has_its_risk_free_rate_in_its_configuration(nasdaq):
    market = nasdaq.between("2010-01-01", "2010-12-31")
    plain, less = backtest("buy_and_hold", market), backtest("buy_and_hold", market, risk_free=0.03)
    returns = less.returns
    rate = 1.03 ** (1 / 252) - 1
    assert less.config["report"]["risk_free"] == 0.03
    assert less.metrics["sharpe"] == pytest.approx(empyrical.sharpe_ratio(returns, risk_free=rate))
    assert less.metrics["sortino"] == pytest.approx(empyrical.sortino_ratio(returns, required_return=rate))
    assert less.manifest["content"] == plain.manifest["content"]
    stored = load_run(less.save())
    again = backtest_config({**stored.config, "report": {"risk_free": "0.03"}})
    assert again.metrics == less.metrics


@pytest.mark.parametrize("rate", [-1.0, math.inf, math.nan, "2%", True, None])
def test_a_risk_free_rate_that_is_none_is_refused(rate, nasdaq):
    with pytest.raises(ConfigError, match=r"^risk_free is .*; give a"):
        backtest("buy_and_hold", nasdaq, risk_free=rate)

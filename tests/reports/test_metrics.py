"""The figures of a run, against hand arithmetic and against empyrical called apart."""

from __future__ import annotations

import math
from types import SimpleNamespace

import empyrical
import pandas as pd
import pytest

from quantstrats.reports.metrics import measure

CASH = 1000.0
EQUITY = [1000.0, 1100.0, 990.0, 1188.0]  # 0%, +10%, -10%, +20%
RETURNS = [0.0, 0.1, -0.1, 0.2]
BENCHMARK = [0.0, 0.05, -0.05, 0.1]


@pytest.fixture
def measured(sessions):
    """Measure an account of the given values that held 10 shares, with hand-made orders and trades."""

    def make(equity=EQUITY, benchmark=None, trades=(30.0, -10.0), amounts=(10.0, -10.0), bars_per_year=252.0):
        index = sessions(len(equity))
        value = pd.Series(equity, index=index)
        before = [CASH, *equity[:-1]]
        returns = pd.Series([now / then - 1.0 for now, then in zip(equity, before, strict=True)], index=index)
        positions = pd.DataFrame({"A": value / 2.0, "B": -value / 4.0, "cash": value * 0.75})
        fills = {"symbol": "A", "amount": list(amounts), "price": 50.0, "commission": 1.5, "order": 1}
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


def test_what_is_undefined_is_none(measured):
    figures = measured(trades=()).figures
    undefined = ("win_rate", "profit_factor", "average_win", "average_loss", "alpha", "beta", "benchmark_sharpe")
    assert {name: figures[name] for name in undefined} == dict.fromkeys(undefined)
    assert figures["trades"] == 0


def test_every_figure_is_plain_and_finite(measured):
    for equity in (EQUITY, [1000.0], [1000.0, 1000.0, 1000.0]):
        for name, value in measured(equity=equity, amounts=(10.0,)).figures.items():
            assert value is None or isinstance(value, str | int) or math.isfinite(value), name

"""pyfolio's tables and figures: pyfolio's own numbers where it can be asked, hand arithmetic where it cannot."""

from __future__ import annotations

import math

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

from quantstrats.reports.daily import Daily, by_days
from quantstrats.reports.drawing import off_screen, quiet
from quantstrats.reports.pyfolio_figures import (
    _logarithmic_ticks,
    returns_figures,
)
from quantstrats.reports.pyfolio_tables import drawdowns, performance, performance_stats, round_trips
from quantstrats.reports.rolling import rolling_sharpe, rolling_volatility
from quantstrats.reports.tables import DASH

with quiet():
    from pyfolio import timeseries


def daily_of(returns, benchmark=None, **facts):
    index = pd.DatetimeIndex(returns.index)
    cash = pd.DataFrame({"A": 60.0, "cash": 40.0}, index=index)
    fills = pd.DataFrame({"symbol": "A", "amount": [1.0], "price": [50.0]}, index=index[:1])
    return Daily(returns, benchmark, cash, fills, pd.DataFrame(), None, None, **facts)


def random_returns(days=400, seed=1, first=0.0):
    steps = np.random.default_rng(seed).normal(0.0005, 0.01, days)
    return pd.Series(np.append(first, steps[1:]), index=pd.bdate_range("2015-01-05", periods=days))


@pytest.fixture
def drawn():
    """Draw a figure of a run's returns on axes of its own."""

    def draw(daily, title):
        with off_screen():
            (drawing,) = [drawing for drawing in returns_figures(daily) if drawing.title == title]
            assert not drawing.left_out
            axes = Figure().subplots()
            drawing.draw(axes)
        return axes

    return draw


def labels(axes):
    return [text.get_text() for text in axes.get_legend().get_texts()]


def test_on_252_days_and_without_a_rate_the_statistics_are_pyfolios():
    returns, benchmark = random_returns(), random_returns(seed=2)
    daily = daily_of(returns, benchmark)
    with quiet():
        expected = timeseries.perf_stats(returns, benchmark, daily.positions, daily.transactions, "portfolio_value")
        found = performance_stats(daily)
    assert list(found.index) == list(expected.index)
    assert found.to_dict() == pytest.approx(expected.to_dict(), rel=1e-12)


def test_a_market_that_never_closes_is_annualised_with_365_days():
    returns, benchmark = random_returns(), random_returns(seed=2)
    with quiet():
        found = performance_stats(daily_of(returns, benchmark, days_per_year=365.0))
    mean, deviation = returns.mean(), returns.std()
    growth = (1.0 + returns).prod() ** (365 / 400) - 1.0
    wealth = (1.0 + returns).cumprod()
    fall = (wealth / wealth.cummax() - 1.0).min()
    slope, base = np.polyfit(benchmark, returns, 1)
    expected = {
        "Annual return": growth,
        "Annual volatility": deviation * math.sqrt(365),
        "Sharpe ratio": mean / deviation * math.sqrt(365),
        "Calmar ratio": growth / -fall,
        "Sortino ratio": mean / math.sqrt((returns.clip(upper=0.0) ** 2).mean()) * math.sqrt(365),
        "Alpha": (1.0 + base) ** 365 - 1.0,
        "Beta": slope,
    }
    assert {name: found[name] for name in expected} == pytest.approx(expected)


def test_a_risk_free_rate_is_in_the_ratios():
    returns = random_returns()
    rate = 1.05 ** (1 / 252) - 1.0
    with quiet():
        table, plain = (performance(daily_of(returns, risk_free=free)) for free in (0.05, 0.0))
    ratio = (returns - rate).mean() / returns.std() * math.sqrt(252)
    assert dict(table.rows)["Sharpe ratio"] == f"{ratio:.2f}"
    assert table.note == "by days, annualised with 252 of them; risk-free rate 5.00% a year"
    assert plain.note == "by days, annualised with 252 of them"
    changed = {name for name, text in table.rows if text != dict(plain.rows)[name]}
    assert changed == {"Sharpe ratio", "Sortino ratio"}


def test_intraday_runs_are_told_that_daily_ratios_are_others():
    with quiet():
        table = performance(daily_of(random_returns(), intraday=True))
    assert table.note.endswith("; volatility, ratios and drawdown of bars within the day are other numbers")


def test_days_without_a_benchmark_are_no_part_of_alpha_and_beta():
    returns, benchmark = random_returns(), random_returns(seed=2)
    gaps = benchmark.mask(np.arange(400) % 3 == 0)
    with quiet():
        found = performance_stats(daily_of(returns, gaps))
    slope, base = np.polyfit(benchmark[gaps.notna()], returns[gaps.notna()], 1)
    assert (found["Beta"], found["Alpha"]) == pytest.approx((slope, (1.0 + base) ** 252 - 1.0))


def test_a_loss_on_the_first_day_is_in_the_table_of_drawdowns_and_in_the_figure(drawn):
    returns = pd.Series([-0.2, 0.0, 0.1], index=pd.bdate_range("2015-01-05", periods=3))
    daily = daily_of(returns)
    table = drawdowns(daily)
    assert table.columns == ["", "Depth", "Peak", "Valley", "Recovery", "Days to valley", "Days to recovery"]
    assert table.rows == [["1", "-20.00%", "2015-01-04", "2015-01-05", "\u2013", "1", "\u2013"]]
    under = drawn(daily, "Drawdown")
    assert under.dataLim.y0 == pytest.approx(-20.0)
    shaded = drawn(daily, "Top 5 drawdown periods").collections
    assert len(shaded) == 1


def test_a_run_that_never_fell_has_no_table_of_drawdowns():
    daily = daily_of(pd.Series([0.1, 0.0], index=pd.bdate_range("2015-01-05", periods=2)))
    assert drawdowns(daily) is None
    reasons = {figure.title: figure.left_out for figure in returns_figures(daily)}
    assert reasons["Drawdown"] == reasons["Top 5 drawdown periods"] == "there was no drawdown"


def test_rolling_figures_on_252_days_are_pyfolios():
    returns = random_returns()
    with quiet():
        volatility, sharpe = timeseries.rolling_volatility(returns, 126), timeseries.rolling_sharpe(returns, 126)
    pd.testing.assert_series_equal(rolling_volatility(returns, 126, 252.0), volatility)
    pd.testing.assert_series_equal(rolling_sharpe(returns, 126, 252.0, 0.0), sharpe)


def test_rolling_figures_of_a_market_that_never_closes_have_its_days_and_rate(drawn):
    returns = random_returns()
    daily = daily_of(returns, days_per_year=365.0, risk_free=0.05)
    last = returns.iloc[-182:]
    volatility = drawn(daily, "Rolling volatility, 6 months").get_lines()[0].get_ydata()
    assert volatility[-1] == pytest.approx(last.std() * math.sqrt(365))
    assert np.isnan(volatility[180])
    sharpe = drawn(daily, "Rolling Sharpe ratio, 6 months").get_lines()[0].get_ydata()
    assert sharpe[-1] == pytest.approx((last.mean() - (1.05 ** (1 / 365) - 1)) / last.std() * math.sqrt(365))
    reasons = {
        figure.title: figure.left_out for figure in returns_figures(daily_of(returns[:150], days_per_year=365.0))
    }
    assert reasons["Rolling Sharpe ratio, 6 months"] == "needs more than 182 days; the run has 150"


def test_a_benchmark_with_gaps_is_drawn_through_them(drawn):
    gaps = random_returns(seed=2).mask(np.arange(400) % 3 == 0)
    daily = daily_of(random_returns(), gaps.rename("Benchmark"))
    for title in ("Cumulative returns", "Rolling beta to the benchmark", "Rolling volatility, 6 months"):
        line = drawn(daily, title).get_lines()[0].get_ydata()
        assert np.isfinite(line[200:]).all()
    wealth = drawn(daily, "Cumulative returns").get_lines()[0].get_ydata()
    assert wealth[-1] == pytest.approx((1.0 + gaps.dropna()).prod())


@pytest.mark.parametrize(
    "title", ["Cumulative returns", "Cumulative returns, logarithmic scale", "Rolling volatility, 6 months"]
)
def test_legends_stand_above_the_lines_and_say_strategy(title, drawn):
    axes = drawn(daily_of(random_returns(), random_returns(seed=2).rename("Benchmark")), title)
    assert labels(axes)[:2] == ["Benchmark", "Strategy"]
    figure = axes.figure
    with mpl.rc_context():
        figure.canvas.draw()
        legend = axes.get_legend().get_window_extent()
    assert legend.y0 >= axes.get_window_extent().y1 - 1.0


@pytest.mark.parametrize(
    ("low", "high", "ticks"),
    [
        (0.8, 180.0, [1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0]),
        (0.03, 3.0, [0.05, 0.1, 0.2, 0.5, 1.0, 2.0]),
        (0.9, 2_000_000.0, [10.0**power for power in range(7)]),
        (0.9, 1e30, [10.0**power for power in range(0, 31, 4)]),
        (0.9, 1.3, [1.0]),
    ],
)
def test_ticks_of_a_logarithmic_axis_are_1_2_and_5_times_powers_of_ten(low, high, ticks):
    assert _logarithmic_ticks(low, high) == pytest.approx(ticks)


def test_a_logarithmic_axis_of_a_small_range_has_ticks_too(drawn):
    axes = drawn(daily_of(random_returns() / 10.0), "Cumulative returns, logarithmic scale")
    low, high = axes.get_ylim()
    assert len([tick for tick in axes.get_yticks() if low <= tick <= high]) >= 3


def test_a_round_trip_without_profit_is_even_and_the_page_has_one_win_rate(make_run, random_equity):
    profits = (2.0, 0.0, 0.0, -1.0, 3.0, 0.0, -2.0)
    run = make_run(random_equity(60), trips=[("A", 3 * n + 1, 3 * n + 3, won) for n, won in enumerate(profits)])
    with quiet():
        tables = {table.title: table for table in round_trips(by_days(run))}
    assert [row[:2] for row in tables["Round trips"].rows] == [
        ["Total number of round trips", "7"],
        ["Winning round trips", "2"],
        ["Losing round trips", "2"],
        ["Even round trips", "3"],
    ]
    assert run.metrics["win_rate"] == pytest.approx(5 / 7)


def test_alpha_is_a_percentage_as_in_the_runs_own_table():
    returns = random_returns()
    benchmark = random_returns(seed=2)
    with quiet():
        rows = dict(performance(daily_of(returns, benchmark)).rows)
    _, base = np.polyfit(benchmark, returns, 1)
    assert rows["Alpha"] == f"{(1.0 + base) ** 252 - 1.0:.2%}"


def test_a_gain_is_not_called_the_largest_loss(make_run, random_equity):
    gains = make_run(random_equity(60), trips=[("A", 2 * n + 1, 2 * n + 2, 1.0 + n) for n in range(6)])
    losses = make_run(random_equity(60), trips=[("A", 2 * n + 1, 2 * n + 2, -1.0 - n) for n in range(6)])
    for run, largest in ((gains, {"winning": "6.00", "losing": DASH}), (losses, {"winning": DASH, "losing": "-6.00"})):
        with quiet():
            tables = {table.title: table for table in round_trips(by_days(run))}
        rows = {row[0]: row[1] for row in tables["Profit and loss, after commission"].rows}
        assert {side: rows[f"Largest {side} trade"] for side in largest} == largest

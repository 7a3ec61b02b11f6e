"""Returns by months and years, rolling figures, their distribution."""

from __future__ import annotations

import math
import statistics
from html import unescape

import numpy as np
import pandas as pd
import pytest

from quantstrats.reports.charts.returns import annual_returns, distribution, monthly_returns, rolling
from quantstrats.reports.daily import Daily


def days(returns, start="2015-01-02", benchmark=None, index=None, **about):
    """Returns of sessions, and of a benchmark."""
    index = pd.bdate_range(start, periods=len(returns)) if index is None else pd.DatetimeIndex(index)
    nothing = pd.DataFrame(index=index[:0])
    return Daily(
        returns=pd.Series(returns, index=index, dtype="float64"),
        benchmark=None if benchmark is None else pd.Series(benchmark, index=index, dtype="float64"),
        positions=nothing,
        transactions=nothing,
        round_trips=nothing,
        times=None,
        gone=None,
        **about,
    )


def drawn(count, seed):
    return np.random.default_rng(seed).normal(0.0005, 0.01, count)


def table(chart):
    (cells,) = chart.traces
    return {
        (year, month): value
        for year, row in zip(cells["y"], cells["z"].tolist(), strict=True)
        for month, value in zip(cells["x"], row, strict=True)
    }


def test_months_and_years_compound_their_days():
    daily = days(
        [0.10, 0.10, -0.50, 0.20, 0.01],
        index=["2015-11-16", "2015-11-30", "2015-12-31", "2016-01-04", "2016-02-01"],
    )
    cells = table(monthly_returns(daily))
    assert cells["2015", "Nov"] == pytest.approx(0.21)  # from the middle of the month on
    assert cells["2015", "Dec"] == pytest.approx(-0.5)
    assert cells["2015", "Year"] == pytest.approx(1.21 * 0.5 - 1.0)
    assert cells["2016", "Jan"] == pytest.approx(0.2)
    assert cells["2016", "Year"] == pytest.approx(1.2 * 1.01 - 1.0)
    known = {key for key, value in cells.items() if not math.isnan(value)}
    assert known == {
        ("2015", "Nov"),
        ("2015", "Dec"),
        ("2015", "Year"),
        ("2016", "Jan"),
        ("2016", "Feb"),
        ("2016", "Year"),
    }


def test_a_month_and_a_year_without_sessions_are_blank():
    chart = monthly_returns(days([0.1, 0.2, 0.3], index=["2014-01-02", "2014-03-03", "2016-01-04"]))
    cells = table(chart)
    assert math.isnan(cells["2014", "Feb"])
    assert all(math.isnan(cells["2015", month]) for month in chart.traces[0]["x"])
    assert chart.traces[0]["text"][1] == [""] * 13
    assert chart.traces[0]["text"][0][:3] == ["10.0%", "", "20.0%"]


def test_a_table_of_a_market_that_never_moved_is_drawn():
    chart = monthly_returns(days([0.0] * 60))
    assert set(chart.traces[0]["text"][0][:3]) == {"0.0%"}
    assert chart.traces[0]["zmax"] > 0.0


def test_one_month_or_one_year_is_left_out():
    one = days([0.01] * 10)
    assert monthly_returns(one).left_out == "needs two months"
    assert annual_returns(one).left_out == "needs two years"


def test_annual_bars_stand_beside_the_benchmarks():
    chart = annual_returns(
        days(
            [0.1, -0.1, 0.5, 0.2],
            index=["2014-06-02", "2014-12-31", "2015-01-02", "2016-01-04"],
            benchmark=[0.2, 0.2, np.nan, -0.5],
        )
    )
    strategy, benchmark = chart.traces
    assert strategy["x"] == ["2014", "2015", "2016"]
    assert strategy["y"].tolist() == pytest.approx([1.1 * 0.9 - 1.0, 0.5, 0.2])
    assert benchmark["y"].tolist() == pytest.approx([0.44, float("nan"), -0.5], nan_ok=True)  # 2015: nothing is known


@pytest.mark.parametrize(("year", "risk_free"), [(252.0, 0.0), (252.0, 0.04), (365.0, 0.04)])
def test_rolling_figures_are_those_of_the_half_year_before(year, risk_free):
    window = int(year / 2)
    returns, benchmark = drawn(400, 1), drawn(400, 2)
    chart = rolling(days(returns, benchmark=benchmark, days_per_year=year, risk_free=risk_free))
    lines = {unescape(trace["name"]): trace["y"] for trace in chart.traces}
    assert set(lines) == {"Strategy", "Strategy's volatility", "Benchmark", "Benchmark's volatility", "Beta"}
    rate = (1.0 + risk_free) ** (1.0 / year) - 1.0
    for end in (window - 1, 250, 399):
        place = end - window + 1
        mine, other = returns[place : end + 1].tolist(), benchmark[place : end + 1].tolist()
        spread = statistics.stdev(mine)
        sharpe = (statistics.fmean(mine) - rate) / spread * math.sqrt(year)
        assert lines["Strategy"][place] == pytest.approx(sharpe)
        assert lines["Strategy's volatility"][place] == pytest.approx(spread * math.sqrt(year))
        assert lines["Benchmark's volatility"][place] == pytest.approx(statistics.stdev(other) * math.sqrt(year))
        beta = statistics.covariance(mine, other) / statistics.variance(other)
        assert lines["Beta"][place] == pytest.approx(beta)
    assert len(lines["Strategy"]) == 400 - window + 1
    assert str(chart.traces[0]["x"][0].date()) == str(pd.bdate_range("2015-01-02", periods=400)[window - 1].date())
    assert f"{window} sessions" in chart.title


def test_rolling_figures_without_a_benchmark_have_no_beta():
    chart = rolling(days(drawn(200, 1)))
    assert [unescape(trace["name"]) for trace in chart.traces] == ["Strategy", "Strategy's volatility"]
    assert chart.title == "Rolling Sharpe ratio and volatility, 126 sessions"
    assert "yaxis3" not in chart.layout


def test_a_half_year_without_a_move_has_no_sharpe_ratio():
    chart = rolling(days(np.r_[drawn(100, 1), np.zeros(130)], benchmark=np.zeros(230)))
    lines = {unescape(trace["name"]): trace["y"] for trace in chart.traces}
    assert math.isnan(lines["Strategy"][-1])
    assert lines["Strategy's volatility"][-1] == pytest.approx(0.0, abs=1e-12)
    assert np.isnan(lines["Beta"]).all()


def test_rolling_figures_need_more_than_half_a_year():
    assert rolling(days(drawn(126, 1))).left_out == "needs more than 126 sessions; the run has 126"
    assert rolling(days(drawn(127, 1))).left_out == ""


def test_long_runs_have_fewer_rolling_points_and_the_last_among_them():
    returns = drawn(9_000, 3)
    chart = rolling(days(returns))
    (sharpe, _) = (trace["y"] for trace in chart.traces)
    last = returns[-126:].tolist()
    assert len(sharpe) <= 2_000
    assert sharpe[-1] == pytest.approx(statistics.fmean(last) / statistics.stdev(last) * math.sqrt(252))


def test_each_return_counts_once_in_the_distribution():
    returns, benchmark = drawn(500, 4), np.r_[np.nan, drawn(499, 5)]
    chart = distribution(days(returns, benchmark=benchmark))
    bars, steps = (trace["y"] for trace in chart.traces)
    assert bars.sum() == pytest.approx(1.0)
    assert steps.sum() == pytest.approx(1.0)  # of the days on which it is known
    middle = chart.traces[0]["x"]
    half = (middle[1] - middle[0]) / 2.0
    inside = [sum(place - half <= value < place + half for value in returns) / 500 for place in middle.tolist()]
    assert bars[1:-1].tolist() == pytest.approx(inside[1:-1])


def test_the_five_per_cent_quantile_is_marked():
    returns = np.arange(1, 102) / 1000.0  # of 101 numbers the sixth
    chart = distribution(days(returns))
    assert chart.layout["shapes"][0]["x0"] == pytest.approx(0.006)
    assert "0.60%" in chart.note


@pytest.mark.parametrize("returns", [[0.01] * 50, [0.0], [0.01, 0.02, 0.03, 0.04]], ids=["equal", "one", "four"])
def test_too_few_returns_have_no_distribution(returns):
    assert distribution(days(returns)).left_out == "needs 5 returns that differ"


def test_a_run_that_moved_on_one_day_of_thousands_has_a_distribution():
    returns = np.zeros(2_000)
    returns[700] = 0.03
    chart = distribution(days(returns, benchmark=np.full(2_000, np.nan)))
    assert len(chart.traces) == 1
    assert chart.traces[0]["y"].sum() == pytest.approx(1.0)
    assert chart.traces[0]["y"][0] == pytest.approx(1999 / 2000)

"""Equity, drawdown and exposure."""

from __future__ import annotations

from dataclasses import replace
from html import unescape

import numpy as np
import pandas as pd
import pytest

from quantstrats.reports.charts.overview import overview

CASH = 1000.0


def named(chart):
    return {unescape(trace["name"]): trace for trace in chart.traces}


def with_positions(run, **held):
    """The run with other positions, the rest of its equity in cash."""
    positions = pd.DataFrame(held, index=run.equity.index, dtype="float64")
    return replace(run, positions=positions.assign(cash=run.equity - positions.sum(axis=1)))


def test_a_short_run_shows_each_bars_equity(make_run, random_equity):
    run = make_run(random_equity(300))
    chart = overview(run)
    equity = named(chart)["Strategy"]
    assert equity["y"].tolist() == run.equity.tolist()
    assert list(equity["x"]) == list(run.equity.index)
    assert chart.note == ""


def test_a_loss_on_the_first_bar_is_a_drawdown(make_run):
    chart = overview(make_run([900.0, 950.0, 1200.0, 900.0]))
    assert named(chart)["Drawdown"]["y"].tolist() == pytest.approx([-0.1, -0.05, 0.0, -0.25])


def test_the_benchmark_starts_with_the_same_cash_and_a_day_without_return_changes_nothing(make_run):
    chart = overview(make_run([CASH] * 4, benchmark=[-0.1, np.nan, 0.2, np.nan]))
    lines = named(chart)
    assert lines["Benchmark"]["y"].tolist() == pytest.approx([900.0, 900.0, 1080.0, 1080.0])
    assert lines["Benchmark's drawdown"]["y"].tolist() == pytest.approx([-0.1, -0.1, 0.0, 0.0])


def test_exposures_are_long_short_and_net_parts_of_the_equity(make_run):
    run = with_positions(make_run([1000.0, 800.0, 500.0]), A=[0.0, 400.0, 250.0], B=[0.0, -200.0, 0.0], C=[0, 80, -50])
    lines = named(overview(run))
    assert lines["Long exposure"]["y"].tolist() == pytest.approx([0.0, 0.6, 0.5])
    assert lines["Short exposure"]["y"].tolist() == pytest.approx([0.0, -0.25, -0.1])
    assert lines["Net exposure"]["y"].tolist() == pytest.approx([0.0, 0.35, 0.4])


def test_what_is_held_of_nothing_is_no_exposure(make_run):
    run = with_positions(make_run([1000.0, 0.0, -300.0]), A=[500.0, 500.0, 500.0], B=[-100.0, -100.0, -100.0])
    lines = named(overview(run))
    assert lines["Long exposure"]["y"].tolist() == [0.5, 0.0, 0.0]
    assert lines["Short exposure"]["y"].tolist() == [-0.1, 0.0, 0.0]
    assert lines["Drawdown"]["y"].tolist() == [0.0, -1.0, -1.0]  # no more than all


@pytest.mark.parametrize(
    ("benchmark", "short", "names"),
    [
        (False, False, {"Strategy", "Drawdown", "Long exposure"}),
        (True, False, {"Strategy", "Drawdown", "Long exposure", "Benchmark", "Benchmark's drawdown"}),
        (False, True, {"Strategy", "Drawdown", "Long exposure", "Short exposure", "Net exposure"}),
    ],
    ids=["alone", "benchmark", "shorts"],
)
def test_it_plots_what_there_is(make_run, benchmark, short, names):
    run = make_run([CASH] * 3, benchmark=[0.0] * 3 if benchmark else None)
    chart = overview(with_positions(run, A=[0.0, -5.0 if short else 5.0, 0.0]))
    assert sorted(unescape(trace["name"]) for trace in chart.traces) == sorted(names)
    assert len(chart.figure().data) == len(names)


@pytest.mark.parametrize(
    ("equity", "benchmark", "scales"),
    [
        ([1000.0, 10.0], [0.0, 0.1], True),
        ([1000.0, 0.0], [0.0, 0.1], False),
        ([1000.0, -5.0], None, False),
        ([1000.0, 900.0], [0.0, -1.0], False),
    ],
)
def test_a_logarithmic_axis_is_offered_where_all_is_above_zero(make_run, equity, benchmark, scales):
    assert overview(make_run(equity, benchmark=benchmark)).scales is scales


def test_one_bar_is_no_line(make_run):
    chart = overview(make_run([CASH]))
    assert (chart.left_out, chart.traces) == ("needs two bars", [])
    assert chart.figure().layout.title.text == "Equity, drawdown and exposure: needs two bars"


def test_a_long_run_keeps_its_highs_lows_ends_and_deepest_fall(make_run, random_equity):
    equity = random_equity(60_000, seed=5)
    benchmark = np.random.default_rng(6).normal(0.0, 0.002, 60_000)
    chart = overview(make_run(equity, benchmark=benchmark))
    lines = named(chart)
    shown = lines["Strategy"]["y"]
    assert (shown[0], shown[-1], min(shown), max(shown)) == (equity[0], equity[-1], min(equity), max(equity))
    high, deepest = CASH, 0.0
    for value in equity.tolist():
        high = max(high, value)
        deepest = min(deepest, value / high - 1.0)
    assert min(lines["Drawdown"]["y"]) == pytest.approx(deepest, rel=1e-12)
    grown = CASH * np.cumprod(1.0 + benchmark)
    assert max(lines["Benchmark"]["y"]) == pytest.approx(grown.max())
    assert {len(trace["y"]) for trace in chart.traces} == {len(lines["Strategy"]["x"])}
    assert chart.note.startswith(f"{len(shown):,} of 60,000 bars are shown")


def test_the_deepest_fall_is_shown_also_where_it_ends_above_the_lowest_value(make_run):
    equity = np.full(60_000, CASH)
    equity[30_010:] = 3000.0
    equity[30_010:30_013] = [500.0, 2000.0, 900.0]  # down by 50%, then by 55%, within a few bars
    chart = overview(make_run(equity))
    assert min(named(chart)["Drawdown"]["y"]) == pytest.approx(-0.55)
    assert 900.0 in named(chart)["Strategy"]["y"]


def test_half_a_million_minutes_are_few_points(make_run, random_equity):
    index = pd.date_range("2015-01-01", periods=500_000, freq="min", tz="UTC")
    chart = overview(make_run(random_equity(500_000), index=index, calendar="24/7"))
    assert all(len(trace["y"]) <= 3_600 for trace in chart.traces)
    assert chart.note.endswith("of 500,000 bars are shown; highs and lows are all among them")


def test_a_position_of_one_bar_is_seen_in_a_long_run(make_run):
    run = make_run(np.full(50_000, 1000.0))
    run.positions.loc[run.positions.index[31_234], "A"] = 900.0
    chart = overview(run)
    (exposure,) = (trace["y"] for trace in chart.traces if trace["name"] == "Long exposure")
    assert max(exposure) == pytest.approx(0.9)
    assert len(exposure) < 5_100

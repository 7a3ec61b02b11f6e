"""Weights, concentration and sectors."""

from __future__ import annotations

import html
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from quantstrats.reports.charts.holdings import allocation, concentration, sectors, weights_of

HOSTILE = '</script><b title="x">$1$'


@pytest.fixture
def holding(make_run):
    """Make a run by its equity and the value of each position."""

    def make(equity, held, **about):
        run = make_run(equity, **about)
        positions = pd.DataFrame(held, index=run.equity.index, dtype="float64")
        return replace(run, positions=positions.assign(cash=run.equity - positions.sum(axis=1)))

    return make


def lines(chart):
    return {html.unescape(trace["name"]): trace["y"].tolist() for trace in chart.traces}


def layers(chart):
    """Values by name and the stack they are in."""
    return {(html.unescape(trace["name"]), trace["stackgroup"]): trace["y"].tolist() for trace in chart.traces}


def test_weights_are_parts_of_the_equity_and_none_of_an_account_that_is_gone(holding):
    run = holding([1000.0, 500.0, -10.0], {"A": [100.0, 100.0, 90.0], "B": [0.0, -250.0, -100.0]})
    weights = weights_of(run)
    assert weights["A"].tolist() == [0.1, 0.2, 0.0]
    assert weights["B"].tolist() == [0.0, -0.5, 0.0]
    assert weights.columns.tolist() == ["A", "B"]


def test_long_positions_are_stacked_upwards_and_short_ones_downwards(holding):
    chart = allocation(holding([1000.0] * 3, {"A": [100.0, -200.0, 0.0], "B": [0.0, 300.0, 300.0]}))
    assert layers(chart) == {
        ("B", "long"): [0.0, 0.3, 0.3],  # the larger one first
        ("A", "long"): [0.1, 0.0, 0.0],
        ("A", "short"): [0.0, -0.2, 0.0],
    }
    assert [trace["showlegend"] for trace in chart.traces] == [True, True, False]  # one entry a name
    assert chart.note == ""


def test_the_nine_largest_are_named_and_the_others_shown_together(holding):
    held = {f"S{number:02}": [10.0 * (number + 1)] * 2 for number in range(12)}
    held["S00"] = [-10.0, -10.0]
    held["EMPTY"] = [0.0, 0.0]
    chart = allocation(holding([1000.0] * 2, held))
    assert [trace["name"] for trace in chart.traces if trace["showlegend"]] == [
        *(f"S{number:02}" for number in range(11, 2, -1)),
        "3 others",
    ]
    found = layers(chart)
    assert found["3 others", "long"] == pytest.approx([0.05, 0.05])  # 20 and 30 of 1,000
    assert found["3 others", "short"] == pytest.approx([-0.01, -0.01])
    assert sum(values[0] for values in found.values()) == pytest.approx((sum(range(2, 13)) - 1) / 100.0)


def test_a_single_other_is_one(holding):
    held = {f"S{number}": [10.0 * (number + 1)] * 2 for number in range(10)}
    names = [trace["name"] for trace in allocation(holding([1000.0] * 2, held)).traces]
    assert names[-1] == "1 other"


def test_sectors_add_up_their_symbols_and_the_rest_is_unknown(holding):
    sector = {"A": "Energy", "B": "Energy", "C": HOSTILE}
    held = {"A": [100.0, 100.0], "B": [50.0, -300.0], "C": [200.0, 0.0], "D": [0.0, 10.0]}
    chart = sectors(holding([1000.0] * 2, held, symbols=("A", "B", "C", "D"), sector=sector))
    found = layers(chart)
    assert found == {
        ("Energy", "long"): pytest.approx([0.15, 0.0]),
        ("Energy", "short"): pytest.approx([0.0, -0.2]),  # what is long and short within a sector is netted
        (HOSTILE, "long"): [0.2, 0.0],
        ("unknown", "long"): [0.0, 0.01],
    }
    assert all("<" not in trace["name"] for trace in chart.traces)


def test_sectors_are_left_out_where_the_market_told_none(holding):
    run = holding([1000.0], {"A": [100.0]})
    assert sectors(run).left_out == "the bars came without the side series 'sector'"
    del run.manifest["data"]["sector"]  # as in older runs
    assert sectors(run).left_out == "the bars came without the side series 'sector'"


@pytest.mark.parametrize("chart_of", [allocation, concentration, sectors])
def test_a_run_that_held_nothing_has_no_charts_of_holdings(make_run, chart_of):
    chart = chart_of(make_run([1000.0] * 3, sector={"A": "Energy"}))
    assert chart.left_out == "nothing was held at the end of any bar"
    assert chart.traces == []


@pytest.mark.parametrize("chart_of", [allocation, concentration, sectors])
def test_one_bar_is_no_line(holding, chart_of):
    assert chart_of(holding([1000.0], {"A": [100.0]}, sector={"A": "Energy"})).left_out == "needs two bars"


def test_an_account_that_was_gone_from_the_start_held_nothing(holding):
    run = holding([-5.0, -5.0], {"A": [100.0, 100.0]})
    assert allocation(run).left_out == concentration(run).left_out == "nothing was held at the end of any bar"


def test_four_equal_positions_count_as_four_and_one_as_one(holding):
    held = {
        "A": [100.0, 900.0, 0.0, 60.0],
        "B": [100.0, 0.0, 0.0, -20.0],
        "C": [100.0, 0, 0, 0],
        "D": [-100.0, 0, 0, 0],
    }
    found = lines(concentration(holding([1000.0] * 4, held)))
    effective = found["Effective number of positions"]
    assert effective[:2] == pytest.approx([4.0, 1.0])
    assert np.isnan(effective[2])
    assert effective[3] == pytest.approx(1.0 / (0.75**2 + 0.25**2))
    assert found["Positions"] == [4.0, 1.0, 0.0, 2.0]
    assert found["Largest position"] == pytest.approx([0.1, 0.9, 0.0, 0.06])
    assert "Five largest together" not in found


def test_the_five_largest_together_are_shown_where_there_are_more(holding):
    held = {name: [10.0 * (number + 1), 0.0] for number, name in enumerate("ABCDEF")}
    held["F"] = [-60.0, -10.0]
    found = lines(concentration(holding([1000.0] * 2, held)))
    assert found["Five largest together"] == pytest.approx([0.2, 0.01])  # 20 to 60 of 1,000
    assert found["Largest position"] == pytest.approx([0.06, 0.01])


def test_of_a_long_run_no_position_of_one_bar_is_lost_and_it_says_how_many_are_shown(holding):
    rows = 20_000
    held = np.where(np.arange(rows) == 7_777, -500.0, np.where(np.arange(rows) == 15_001, 300.0, 0.0))
    chart = allocation(holding(np.full(rows, 1000.0), {"A": held}))
    values = {value for trace in chart.traces for value in trace["y"]}
    assert values == {0.0, -0.5, 0.3}
    shown = len(chart.traces[0]["x"])
    assert shown < 1_000
    assert chart.note == f"{shown:,} of 20,000 bars are shown; highs and lows are all among them"


def test_names_are_escaped_and_charts_become_figures(holding):
    run = holding([1000.0] * 2, {HOSTILE: [100.0, 50.0], "B": [20.0, -20.0]})
    for chart in (allocation(run), concentration(run)):
        assert all("<" not in trace["name"] for trace in chart.traces)
        assert len(chart.figure().data) == len(chart.traces)

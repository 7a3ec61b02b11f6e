"""Turnover, costs, round trips."""

from __future__ import annotations

import html
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from quantstrats.reports.charts.trading import (
    holding_times,
    profit_by_symbol,
    round_trips_over_time,
    turnover_and_costs,
)
from quantstrats.reports.daily import by_days

HOSTILE = "<b>x</b>"


def with_fills(run, fills):
    """The run with other fills: (day, amount, price, commission, slippage)."""
    table = pd.DataFrame(
        [("A", *fill[1:], number) for number, fill in enumerate(fills, start=1)],
        columns=["symbol", "amount", "price", "commission", "slippage", "order"],
        index=pd.DatetimeIndex([fill[0] for fill in fills]),
    )
    return replace(run, transactions=table)


def values(chart):
    return {trace["name"]: trace["y"].tolist() for trace in chart.traces}


def points(chart):
    """Where the dots of a chart stand: (symbol, x, y)."""
    return [
        (html.unescape(text.partition(",")[0]), x, y)
        for trace in chart.traces
        if trace["mode"] == "markers"
        for text, x, y in zip(trace["text"], trace["x"], trace["y"].tolist(), strict=True)
    ]


def test_turnover_by_days_is_what_was_traded_of_the_days_equity(make_run):
    index = pd.DatetimeIndex(["2015-01-05", "2015-01-06", "2015-01-07"])
    run = with_fills(
        make_run([1000.0, 2000.0, 500.0], index=index),
        [
            ("2015-01-05", 2.0, 100.0, 1.0, 0.1),
            ("2015-01-07", -1.0, 100.0, 1.0, 0.1),
            ("2015-01-07", -1.0, 50.0, 1.0, 0.1),
        ],
    )
    chart = turnover_and_costs(run)
    assert values(chart)["Turnover by days"] == pytest.approx([0.2, 0.0, 0.3])
    assert [str(day.date()) for day in chart.traces[0]["x"]] == ["2015-01-05", "2015-01-06", "2015-01-07"]


def test_turnover_of_a_long_run_is_by_months_of_their_mean_equity(make_run):
    index = pd.bdate_range("2015-01-01", "2015-12-31")
    equity = np.where(index.month == 1, 1000.0, np.where(index < "2015-02-10", 1000.0, 3000.0))
    run = with_fills(
        make_run(equity, index=index),
        [
            ("2015-01-05", 2.0, 100.0, 1.0, 0.1),
            ("2015-02-27", -3.0, 100.0, 1.0, 0.1),
            ("2015-12-31", 1.0, 30.0, 1.0, 0.1),
        ],
    )
    chart = turnover_and_costs(run)
    turnover = values(chart)["Turnover by months"]
    # February 2015 has six working days before the tenth and fourteen from then on.
    assert turnover == pytest.approx([0.2, 300.0 / ((6 * 1000.0 + 14 * 3000.0) / 20), *[0.0] * 9, 0.01])
    assert str(chart.traces[0]["x"][1].date()) == "2015-02-01"


def test_an_account_that_is_gone_is_nothing_to_measure_turnover_by(make_run):
    index = pd.DatetimeIndex(["2015-01-05", "2015-01-06"])
    run = with_fills(make_run([1000.0, -100.0], index=index), [("2015-01-06", -1.0, 100.0, 1.0, 0.1)])
    turnover = values(turnover_and_costs(run))["Turnover by days"]
    assert turnover[0] == 0.0
    assert np.isnan(turnover[1])


def test_costs_add_up_from_the_first_bar_to_the_last(make_run):
    index = pd.bdate_range("2015-01-05", periods=4)
    run = with_fills(
        make_run([1000.0] * 4, index=index), [(index[1], 2.0, 100.0, 1.0, 0.25), (index[2], -2.0, 100.0, 2.0, -0.5)]
    )
    chart = turnover_and_costs(run)
    assert values(chart)["Commission"] == [0.0, 1.0, 3.0, 3.0]
    assert values(chart)["Slippage"] == [0.0, 0.25, -0.25, -0.25]
    assert list(chart.traces[1]["x"]) == [index[0], index[1], index[2], index[3]]


def test_a_run_from_before_slippage_was_kept_shows_commission_alone(make_run):
    run = make_run([1000.0] * 5, trips=[("A", 1, 3, 5.0)])
    older = replace(run, transactions=run.transactions.drop(columns="slippage"))
    assert list(values(turnover_and_costs(older))) == ["Turnover by days", "Commission"]
    assert len(turnover_and_costs(older).figure().data) == 2


def test_a_run_that_never_traded_has_none_of_these_charts(make_run):
    run = make_run([1000.0] * 3)
    daily = by_days(run)
    assert turnover_and_costs(run).left_out == "nothing was traded"
    assert round_trips_over_time(run, daily).left_out == "no round trip has ended"
    assert profit_by_symbol(run).left_out == "needs round trips in two symbols"
    assert holding_times(run, daily).left_out == "needs two round trips"


def test_intraday_fills_count_on_the_exchanges_day(make_run):
    # Sydney, 10:30 on the 6th and on the 7th of January, and 15:30 on the 7th: the first two are the day before in UTC.
    index = pd.DatetimeIndex(["2015-01-05 23:30", "2015-01-06 23:30", "2015-01-07 04:30"], tz="UTC")
    run = make_run([1000.0] * 3, index=index, calendar="XASX")
    fills = pd.DataFrame(
        {"symbol": "A", "amount": 1.0, "price": 100.0, "commission": 1.0, "slippage": 0.0, "order": [1, 2]},
        index=index[[1, 2]],
    )
    chart = turnover_and_costs(replace(run, transactions=fills))
    assert values(chart)["Turnover by days"] == pytest.approx([0.0, 0.2])
    assert [str(day.date()) for day in chart.traces[0]["x"]] == ["2015-01-06", "2015-01-07"]
    assert str(chart.traces[1]["x"][1]) == "2015-01-07 10:30:00"


TRIPS = [("A", 0, 2, 50.0), (HOSTILE, 1, 3, -30.0), ("A", 2, 4, 0.0)]


def test_each_round_trip_stands_at_its_end_with_its_return(make_run):
    run = make_run([1000.0, 1100.0, 1250.0, 1000.0, 800.0], symbols=("A", HOSTILE), trips=TRIPS)
    chart = round_trips_over_time(run, by_days(run))
    end = run.equity.index
    # A profit is measured by the equity of the session before the round trip's last.
    assert points(chart) == [
        ("A", end[2], pytest.approx(50.0 / 1100.0)),
        ("A", end[4], 0.0),
        (HOSTILE, end[3], pytest.approx(-30.0 / 1250.0)),
    ]
    assert [trace["name"] for trace in chart.traces] == ["Gain", "Loss", "Profit so far"]
    assert chart.traces[0]["text"][0] == "A, long, 2 bars"
    assert "<" not in "".join(chart.traces[1]["text"])
    assert chart.traces[2]["y"].tolist() == [0.0, 50.0, 20.0, 20.0, 20.0]  # from the first bar to the last
    assert list(chart.traces[2]["x"]) == [end[0], end[2], end[3], end[4], end[4]]


def test_one_round_trip_is_a_chart(make_run):
    run = make_run([1000.0] * 9, trips=[("A", 2, 4, 7.0)])
    chart = round_trips_over_time(run, by_days(run))
    assert [trace["name"] for trace in chart.traces] == ["Gain", "Profit so far"]
    assert len(chart.figure().data) == 2


def test_round_trips_that_ended_when_nothing_was_left_have_no_return(make_run):
    run = make_run([1000.0, 500.0, -100.0, -100.0], trips=[("A", 0, 3, -1100.0)])
    assert round_trips_over_time(run, by_days(run)).left_out == "none ended before the account was gone"
    both = make_run([1000.0, 500.0, -100.0, -100.0], trips=[("A", 0, 1, -5.0), ("A", 0, 3, -1100.0)])
    chart = round_trips_over_time(both, by_days(both))
    assert [(name, value) for name, _, value in points(chart)] == [("A", pytest.approx(-0.005))]
    assert chart.traces[-1]["y"].tolist() == [0.0, -5.0, -1105.0, -1105.0]


def test_of_many_round_trips_the_largest_are_shown(make_run):
    count = 2_300
    profits = np.random.default_rng(8).normal(0.0, 10.0, count).tolist()
    trips = [("A", number, number + 1, profit) for number, profit in enumerate(profits)]
    run = make_run(np.full(count + 1, 100_000.0), trips=trips)
    daily = by_days(run)
    largest = sorted(sorted(profits, key=abs)[-2_000:])
    chart = round_trips_over_time(run, daily)
    assert chart.note == "the 2,000 of 2,300 with the largest gain or loss; the profit is of all"
    assert sorted(value * 100_000.0 for _, _, value in points(chart)) == pytest.approx(largest)
    so_far = chart.traces[-1]["y"]
    assert so_far[-1] == pytest.approx(sum(profits))
    assert len(so_far) <= 1_502
    held = holding_times(run, daily)
    assert held.note == "the 2,000 of 2,300 with the largest gain or loss"
    assert sorted((held.traces[0]["y"] * 100_000.0).tolist()) == pytest.approx(largest)


def test_holding_times_go_with_their_returns(make_run):
    run = make_run([1000.0] * 30, symbols=("A", HOSTILE), trips=[("A", 0, 2, 50.0), (HOSTILE, 1, 21, -30.0)])
    chart = holding_times(run, by_days(run))
    assert points(chart) == [("A", 2.0, pytest.approx(0.05)), (HOSTILE, 20.0, pytest.approx(-0.03))]
    assert "<" not in "".join(chart.traces[0]["text"])
    assert "dtick" not in chart.layout["xaxis"]


def test_holding_times_that_differ_little_are_marked_bar_by_bar(make_run):
    run = make_run([1000.0] * 9, trips=[("A", 0, 2, 50.0), ("A", 3, 6, -30.0)])
    assert holding_times(run, by_days(run)).layout["xaxis"]["dtick"] == 1


def test_profits_are_added_up_by_symbol(make_run):
    run = make_run([1000.0] * 9, symbols=("A", "B", HOSTILE), trips=[*TRIPS, ("A", 5, 6, -20.0), ("B", 5, 6, 40.0)])
    (bars,) = profit_by_symbol(run).traces
    assert bars["y"] == [html.escape(HOSTILE), "A", "B"]
    assert bars["x"].tolist() == [-30.0, 30.0, 40.0]
    assert len(set(bars["marker"]["color"])) == 2


def test_of_many_symbols_the_best_and_the_worst_are_shown(make_run):
    symbols = tuple(f"S{number:02}" for number in range(25))
    trips = [(symbol, 0, 1, float(number - 12)) for number, symbol in enumerate(symbols)]
    chart = profit_by_symbol(make_run([1000.0] * 3, symbols=symbols, trips=trips))
    (bars,) = chart.traces
    assert bars["y"] == [f"S{number:02}" for number in (*range(10), *range(15, 25))]
    assert chart.note == "the 10 best and the 10 worst of 25"


def test_twenty_symbols_are_all_shown(make_run):
    symbols = tuple(f"S{number:02}" for number in range(20))
    chart = profit_by_symbol(make_run([1000.0] * 3, symbols=symbols, trips=[(symbol, 0, 1, 1.0) for symbol in symbols]))
    assert len(chart.traces[0]["y"]) == 20
    assert chart.note == ""

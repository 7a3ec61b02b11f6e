"""The price chart of a symbol: bars, what was traded, overlays, weight."""

from __future__ import annotations

import html
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from quantstrats import Costs, Details, RiskPolicy, backtest, plot
from quantstrats.errors import RunError
from quantstrats.reports.charts.prices import charted_symbols, price_chart, price_charts

ALL = 20_000
HOSTILE = "</script><script>alert(1)</script>"


def bars_of(index, **closes):
    """Bars of some symbols by their closes: each opens 1 below, with a range of 2 on either side."""
    columns = {}
    for symbol, close in closes.items():
        close = np.asarray(close, dtype="float64")
        parts = {"open": close - 1.0, "high": close + 2.0, "low": close - 3.0, "close": close}
        columns |= {(field, symbol): values for field, values in parts.items()}
    table = pd.DataFrame(columns, index=index)
    return table.set_axis(pd.MultiIndex.from_tuples(columns, names=["field", "symbol"]), axis=1)


@pytest.fixture
def traded(make_run):
    """Make a run of ten bars of A by its fills: (row, amount, reason), at a price of 100 + row."""

    def make(*fills, trips=(), **about):
        run = make_run(np.full(10, 1000.0), **about)
        index = run.equity.index
        number = range(1, len(fills) + 1)
        table = pd.DataFrame(
            {
                "symbol": "A",
                "amount": [amount for _, amount, _ in fills],
                "price": [100.0 + row for row, _, _ in fills],
                "commission": 0.0,
                "slippage": 0.0,
                "order": number,
            },
            index=index[[row for row, _, _ in fills]],
        )
        orders = pd.DataFrame({"reason": [reason for *_, reason in fills]}, index=number, dtype=object)
        rows = [(opened, closed, profit) for opened, closed, profit in trips]
        trades = pd.DataFrame(
            {
                "symbol": "A",
                "opened": index[[row[0] for row in rows]],
                "closed": index[[row[1] for row in rows]],
                "pnl_net": [row[2] for row in rows],
            }
        )
        bars = bars_of(index, A=np.arange(10.0) + 100.0)
        return replace(run, transactions=table, orders=orders, trades=trades, bars=bars)

    return make


def marks(run):
    """What is marked where: name -> (row, price, text)."""
    found = {}
    for trace in price_chart(run, "A", ALL, ALL).traces:
        if trace.get("mode") == "markers":
            rows = run.equity.index.get_indexer(trace["x"]).tolist()
            found[trace["name"]] = list(zip(rows, trace["y"].tolist(), trace["text"], strict=True))
    return found


def decided(*fills):
    return [(*fill, "decision") for fill in fills]


def test_a_long_position_is_marked_where_it_began_and_ended(traded):
    assert marks(traded(*decided((2, 3.0), (5, -3.0)))) == {
        "Entry, long": [(2, 102.0, "+3")],
        "Exit": [(5, 105.0, "-3")],
    }


def test_what_is_added_is_an_entry_and_what_is_taken_off_an_exit(traded):
    found = marks(traded(*decided((1, 1.0), (2, 2.0), (4, -0.5), (6, -2.5))))
    assert [row for row, *_ in found["Entry, long"]] == [1, 2]
    assert [row for row, *_ in found["Exit"]] == [4, 6]


def test_a_reversal_in_one_fill_is_the_entry_of_the_new_side(traded):
    found = marks(traded(*decided((1, 2.0), (3, -5.0), (6, 4.0), (8, -1.0))))
    assert found == {
        "Entry, long": [(1, 101.0, "+2"), (6, 106.0, "+4")],
        "Entry, short": [(3, 103.0, "-5")],
        "Exit": [(8, 108.0, "-1")],
    }


def test_a_short_position_is_entered_downwards_and_covered(traded):
    found = marks(traded(*decided((1, -2.0), (2, -2.0), (5, 4.0))))
    assert [row for row, *_ in found["Entry, short"]] == [1, 2]
    assert [row for row, *_ in found["Exit"]] == [5]


@pytest.mark.parametrize(("reason", "name"), [("risk", "Stop"), ("account", "Stop"), ("ended", "Settled")])
def test_what_ended_a_position_unasked_is_told(traded, reason, name):
    found = marks(traded((1, 2.0, "decision"), (4, -2.0, reason)))
    assert set(found) == {"Entry, long", name}
    assert found[name] == [(4, 104.0, "-2")]


def test_what_floating_point_leaves_of_a_position_is_none(traded):
    assert 0.1 + 0.2 - 0.3 != 0.0
    found = marks(traded(*decided((1, 0.1), (2, 0.2), (4, -0.3), (6, -0.2), (7, 0.2))))
    assert [row for row, *_ in found["Entry, long"]] == [1, 2]
    assert [row for row, *_ in found["Entry, short"]] == [6]
    assert [row for row, *_ in found["Exit"]] == [4, 7]


def test_small_positions_are_not_taken_for_nothing(traded):
    found = marks(traded(*decided((1, 1000.0), (2, -999.999), (4, -0.001))))
    assert [row for row, *_ in found["Exit"]] == [2, 4]
    assert "Entry, short" not in found


def test_older_runs_without_reasons_show_entries_and_exits(traded):
    run = traded((1, 2.0, "decision"), (4, -2.0, "risk"))
    older = replace(run, orders=run.orders.drop(columns="reason"))
    assert set(marks(older)) == {"Entry, long", "Exit"}


def test_round_trips_are_lines_from_their_first_fill_to_their_last(traded):
    run = traded(
        *decided((1, 2.0), (3, -2.0), (4, -1.0), (6, 1.0), (7, 1.0), (9, -1.0)),
        trips=[(1, 3, 4.0), (4, 6, -2.0), (7, 9, 2.0)],
    )
    lines = {
        trace["name"]: trace for trace in price_chart(run, "A", ALL, ALL).traces if trace["name"] in ("Gain", "Loss")
    }
    nan, index = float("nan"), run.equity.index
    assert lines["Gain"]["y"].tolist() == pytest.approx([101.0, 103.0, nan, 107.0, 109.0, nan], nan_ok=True)
    assert pd.DatetimeIndex(lines["Gain"]["x"])[[0, 1, 3, 4]].tolist() == index[[1, 3, 7, 9]].tolist()
    assert lines["Loss"]["y"].tolist() == pytest.approx([104.0, 106.0, nan], nan_ok=True)


def test_bars_are_candles_and_closes_alone_are_a_line(traded):
    run = traded(*decided((1, 1.0)))
    candles = price_chart(run, "A", ALL, ALL).traces[0]
    assert candles["type"] == "candlestick"
    assert [candles[name][4] for name in ("open", "high", "low", "close")] == [103.0, 106.0, 101.0, 104.0]
    (closes,) = (each for each in price_chart(replace(run, bars=run.bars[["close"]]), "A", ALL, ALL).traces[:1])
    assert closes["mode"] == "lines"
    assert closes["y"].tolist() == [100.0 + row for row in range(10)]


def test_many_bars_are_joined_with_the_last_overlay_and_the_largest_weight_of_each(traded):
    run = traded(*decided((1, 1.0)))
    overlay = pd.DataFrame({"A": np.arange(10.0) * 2.0, "B": 0.0}, index=run.equity.index)
    other = pd.DataFrame({"B": np.zeros(10)}, index=run.equity.index)
    run.positions["A"] = np.arange(10.0) * 10.0
    run = replace(run, details=Details(overlays={"twice <b>": overlay, "of others": other}))
    chart = price_chart(run, "A", 4, ALL)
    traces = {html.unescape(trace["name"]): trace for trace in chart.traces}
    assert traces["Price"]["open"].tolist() == [99.0, 102.0, 105.0, 108.0]
    assert traces["Price"]["close"].tolist() == [102.0, 105.0, 108.0, 109.0]
    assert traces["twice <b>"]["y"].tolist() == [4.0, 10.0, 16.0, 18.0]
    assert traces["Weight"]["y"].tolist() == pytest.approx([0.02, 0.05, 0.08, 0.09])
    assert "of others" not in traces
    assert chart.note == "each bar here is 3 of the run's"


def test_an_overlay_that_lacks_rows_has_gaps_there(traded):
    run = traded(*decided((1, 1.0)))
    late = pd.DataFrame({"A": [1.0, 2.0]}, index=run.equity.index[[7, 9]])
    chart = price_chart(replace(run, details=Details(overlays={"late": late})), "A", ALL, ALL)
    (values,) = (trace["y"] for trace in chart.traces if trace["name"] == "late")
    assert np.flatnonzero(~np.isnan(values)).tolist() == [7, 9]


def test_nothing_is_held_of_an_account_that_is_gone(traded):
    run = traded(*decided((1, 1.0)))
    run.positions["A"] = 100.0
    gone = replace(run, equity=run.equity.where(run.equity.index < run.equity.index[5], -10.0))
    weight = price_chart(gone, "A", ALL, ALL).traces[-1]
    assert weight["y"].tolist() == pytest.approx([0.1] * 5 + [0.0] * 5)


def test_of_many_fills_the_last_are_marked_and_it_says_so(make_run):
    count = 1_300
    run = make_run(np.full(count, 1000.0), trips=[("A", row, row + 1, 1.0) for row in range(0, count - 1, 2)])
    run = replace(run, bars=bars_of(run.equity.index, A=np.full(count, 100.0)))
    chart = price_chart(run, "A", ALL, 1_000)
    marked = [trace for trace in chart.traces if trace.get("mode") == "markers"]
    assert sum(len(trace["y"]) for trace in marked) == 1_000
    assert min(min(trace["x"]) for trace in marked) == run.equity.index[300]
    assert chart.note == "the last 1,000 of 1,300 fills are marked"


def test_a_short_position_of_one_bar_is_seen_among_joined_bars(traded):
    run = traded(*decided((1, 1.0)))
    run.positions["A"] = [0.0, -400.0, 0.0, 0.0, 0.0, 0.0, 100.0, 0.0, 0.0, 0.0]
    (weight,) = (trace for trace in price_chart(run, "A", 4, ALL).traces if trace["name"] == "Weight")
    assert weight["y"].tolist() == pytest.approx([-0.4, 0.0, 0.1, 0.0])


def test_the_charts_of_a_page_share_its_room(make_run):
    names = [f"S{number}" for number in range(60)]
    index = pd.bdate_range("2000-01-03", periods=3_000)
    run = make_run(np.full(3_000, 1000.0), names, trips=[(name, 1, 2, 1.0) for name in names], index=index)
    few, many = (
        price_charts(replace(run, bars=bars_of(index, **dict.fromkeys(names[:count], np.full(3_000, 100.0)))))
        for count in (2, 60)
    )
    assert (len(few), len(few[0].traces[0]["x"])) == (2, 1_500)  # two bars joined
    assert (len(many), len(many[0].traces[0]["x"])) == (40, 600)  # 120,000 numbers, five lines, 40 charts


def test_intraday_bars_and_fills_are_shown_by_new_yorks_clock(make_run):
    index = pd.DatetimeIndex(["2015-01-05 14:30", "2015-01-05 14:35", "2015-01-05 14:40"], tz="UTC")
    run = make_run([1000.0] * 3, index=index, trips=[("A", 1, 2, 5.0)])
    chart = price_chart(replace(run, bars=bars_of(index, A=[100.0, 101.0, 102.0])), "A", ALL, ALL)
    traces = {trace["name"]: trace for trace in chart.traces}
    assert list(traces["Price"]["x"]) == [pd.Timestamp(f"2015-01-05 09:{minute}") for minute in (30, 35, 40)]
    assert list(traces["Entry, long"]["x"]) == [pd.Timestamp("2015-01-05 09:35")]
    assert list(pd.DatetimeIndex(traces["Gain"]["x"])[:2]) == list(traces["Price"]["x"][1:])
    assert len(chart.figure().data) == len(chart.traces)


def breaks(make_run, index, calendar):
    run = make_run(np.full(len(index), 1000.0), index=index, calendar=calendar)
    chart = price_chart(replace(run, bars=bars_of(index, A=np.full(len(index), 100.0))), "A", ALL, ALL)
    return chart.layout["xaxis"]["rangebreaks"]


def test_nights_and_weekends_without_bars_are_left_out_of_the_time_axis(make_run):
    days = pd.bdate_range("2015-01-05", periods=6, tz="UTC")
    index = pd.DatetimeIndex([day + pd.Timedelta(minutes=870 + 30 * bar) for day in days for bar in range(13)])
    assert breaks(make_run, index, "XNYS") == [  # from 16:00 to 9:30 of New York
        {"bounds": [16.0, 9.5], "pattern": "hour"},
        {"bounds": ["sat", "mon"]},
    ]


@pytest.mark.parametrize(
    ("index", "calendar"),
    [
        (pd.bdate_range("2015-01-05", periods=6), "XNYS"),
        (pd.date_range("2015-01-05", periods=500, freq="h", tz="UTC"), "24/7"),
        (pd.DatetimeIndex(["2015-01-05 14:30"], tz="UTC"), "XNYS"),
    ],
    ids=["days", "around the clock", "one bar"],
)
def test_nothing_is_left_out_of_an_axis_of_days_or_of_a_market_that_never_closes(make_run, index, calendar):
    assert breaks(make_run, index, calendar) == []


def test_a_symbol_is_plotted_as_a_figure(traded):
    run = traded(*decided((2, 3.0), (5, -3.0)), trips=[(2, 5, 9.0)])
    figure = plot(run, "A")
    assert [trace.name for trace in figure.data] == ["Price", "Gain", "Entry, long", "Exit", "Weight"]
    assert figure.layout.title.text == "A"
    assert "plotly" in figure.to_html(include_plotlyjs=False)
    assert list(plot(run, symbol="A").data[0].close) == [100.0 + row for row in range(10)]


def test_a_run_is_plotted_as_its_equity(traded):
    run = traded(*decided((2, 3.0), (5, -3.0)))
    figure = plot(run)
    assert [trace.name for trace in figure.data] == ["Strategy", "Drawdown", "Long exposure"]
    assert list(figure.data[0].y) == run.equity.tolist()


def test_names_are_escaped_in_a_figure(make_run):
    run = make_run([1000.0] * 3, symbols=(HOSTILE,), trips=[(HOSTILE, 0, 1, 1.0)])
    run = replace(run, bars=bars_of(run.equity.index, **{HOSTILE: [1.0, 2.0, 3.0]}))
    figure = plot(run, HOSTILE)
    assert html.unescape(figure.layout.title.text) == HOSTILE
    assert "<" not in figure.layout.title.text


@pytest.mark.parametrize(
    ("symbols", "asked", "told"),
    [
        (["AAPL", "MSFT"], "APPL", "did you mean 'AAPL'? (it keeps those of AAPL, MSFT)"),
        (list("ABCDEFG"), "SPY", "keeps no bars of 'SPY' (it keeps those of A, B, C, D, E ...)"),
        ([], "A", "run 20150102T000000-idea-abc123 keeps no bars of 'A' (it keeps none)"),
    ],
    ids=["misspelt", "unknown", "none"],
)
def test_a_symbol_without_bars_is_an_error_in_one_line(make_run, symbols, asked, told):
    run = make_run([1000.0] * 3)
    if symbols:
        run = replace(run, bars=bars_of(run.equity.index, **{symbol: [1.0, 2.0, 3.0] for symbol in symbols}))
    with pytest.raises(RunError) as caught:
        plot(run, asked)
    assert told in str(caught.value)
    assert "\n" not in str(caught.value)
    assert charted_symbols(run) == symbols


def test_a_real_run_shows_its_stop_and_its_settlement(market_of):
    market = market_of(
        {"A": [10, 10, 12, 5, 5, 5], "B": [10, 10, 10, 10, None, None]},
        opens={"A": [10, 10, 11, 9, 6, 5], "B": [10, 10, 10, 10, None, None]},
        ended={"B": pd.Timestamp("2015-01-07")},
    )
    free = Costs(0, slippage_bps=0)
    run = backtest("buy_and_hold", market, costs=free, risk=RiskPolicy(max_drawdown=0.2), cash=1000.0, guard="off")
    days = market.index
    found = {symbol: {trace["name"]: trace for trace in price_chart(run, symbol, ALL, ALL).traces} for symbol in "AB"}
    # Bought at the second bar's open; A halves on the fourth, is sold at the next open, when B is no more.
    for symbol, name, row, price in (("A", "Stop", 4, 6.0), ("B", "Settled", 4, 10.0)):
        assert list(found[symbol]["Entry, long"]["x"]) == [days[1]]
        assert list(found[symbol]["Entry, long"]["y"]) == [10.0]
        assert list(found[symbol][name]["x"]) == [days[row]]
        assert list(found[symbol][name]["y"]) == [price]
    assert found["A"]["Loss"]["y"][:2].tolist() == [10.0, 6.0]
    assert found["A"]["Price"]["open"].tolist() == [10.0, 10.0, 11.0, 9.0, 6.0, 5.0]


def test_no_bars_are_no_charts(make_run):
    assert charted_symbols(make_run([1000.0])) == []

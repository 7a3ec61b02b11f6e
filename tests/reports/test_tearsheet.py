"""The tear sheet: one page that holds all it shows, for any run."""

from __future__ import annotations

import contextlib
import html
import io
import json
import os
import re
import subprocess
import sys
import warnings
from dataclasses import replace
from types import SimpleNamespace

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

from quantstrats import Details, plot, tearsheet
from quantstrats.errors import RunError
from quantstrats.reports import pyfolio_tables
from quantstrats.reports.daily import Daily, by_days
from quantstrats.reports.drawing import off_screen
from quantstrats.reports.pyfolio_figures import returns_figures, round_trip_figures, transaction_figures
from quantstrats.reports.tables import DASH, as_text, table_of
from quantstrats.reports.tradelog import trade_log
from quantstrats.runs.labels import COMPARED, FINAL_EQUITY, TRADING

HOSTILE = '<script>alert("$1$")</script>'
CASH = 1000.0
SHORTEST_PNG = b"\x89PNG\r\n\x1a\n" + b"rest of it"
PYFOLIO_FIGURES = (
    "Cumulative returns",
    "Cumulative returns, logarithmic scale",
    "Cumulative returns at the benchmark&#39;s volatility",
    "Daily returns",
    "Rolling beta to the benchmark",
    "Rolling volatility, 6 months",
    "Rolling Sharpe ratio, 6 months",
    "Top 5 drawdown periods",
    "Drawdown",
    "Monthly returns (%)",
    "Annual returns",
    "Distribution of monthly returns",
    "Return quantiles",
    "Exposure",
    "Allocation over time, largest 10 positions",
    "Largest and median position",
    "Number of holdings",
    "Long and short holdings",
    "Gross leverage",
    "Daily turnover, as a part of the equity",
    "Shares traded per day",
    "Distribution of daily turnover",
    "When positions were open, up to 16 symbols",
    "Probability of a profitable trade",
    "Holding time",
    "Profit and loss of a round trip",
    "Return of a round trip on the equity",
)


@pytest.fixture(scope="module")
def full(make_run, random_equity):
    """A run that has everything, its page, and what making the page did to its surroundings."""
    bars = 400
    symbols = (HOSTILE, "B", "C", "D", "E", "F", "G")
    trips = [(symbols[n % 2], 10 + 12 * n, 18 + 12 * n, (-1.0) ** n * 3.0 + n / 10) for n in range(25)]
    index = pd.bdate_range("2015-01-02", periods=bars)
    lines = pd.DataFrame(100.0 + np.arange(bars)[:, None] * [0.1, 0.2], index=index, columns=[HOSTILE, "B"])
    details = Details(
        overlays={"average <20>": lines},
        tables={"table <1>": pd.DataFrame({"x<y": [1.5, None], "word": ["<i>", "b"]}), "long": lines},
        pictures={"picture <2>": SHORTEST_PNG, "broken": b"no picture"},
    )
    log = [("info", "began")] + [("warning", f"refused <{number}>") for number in range(23)]
    benchmark = np.append(0.0, np.random.default_rng(2).normal(0.0004, 0.012, bars - 1))
    prices = pd.concat(dict.fromkeys(("open", "high", "low", "close"), lines), axis=1, names=["field", "symbol"])
    run = make_run(
        random_equity(bars), symbols, trips=trips, benchmark=benchmark, details=details, log=log, bars=prices
    )
    before = SimpleNamespace(rc=dict(mpl.rcParams), backend=pd.get_option("plotting.backend"))
    random_state = np.random.get_state()[1].tolist()  # noqa: NPY002
    out, err = io.StringIO(), io.StringIO()
    with (
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(err),
        warnings.catch_warnings(record=True) as caught,
        pytest.MonkeyPatch.context() as patch,
    ):
        warnings.simplefilter("always")
        for name in ("figure", "gcf", "gca", "switch_backend", "draw_if_interactive"):
            patch.setattr(plt, name, _no_window)
        page = tearsheet(run)
    return SimpleNamespace(
        run=run,
        page=page,
        printed=out.getvalue() + err.getvalue(),
        warned=[str(warning.message) for warning in caught],
        rc_changed=[key for key, value in mpl.rcParams.items() if before.rc[key] != value],
        backend_changed=pd.get_option("plotting.backend") != before.backend,
        random_kept=np.random.get_state()[1].tolist() == random_state,  # noqa: NPY002
    )


def _no_window(*_, **__):
    raise RuntimeError("pyplot was used; it needs a window system that may not be there")


def text_of(page):
    """Return what a reader sees: no style, no scripts, no tags, no pictures."""
    seen = re.sub(r"<(style|script)\b.*?</\1>", "", page, flags=re.DOTALL)
    return html.unescape(re.sub(r"<[^>]*>", " ", seen))


def cells(page, caption):
    """Return the rows of the table under a caption."""
    table = re.search(rf"<figcaption>{re.escape(caption)}</figcaption>.*?</table>", page, re.DOTALL).group()
    rows = re.findall(r"<tr>(.*?)</tr>", table, re.DOTALL)
    return [[html.unescape(cell) for cell in re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row)] for row in rows]


def drawn(page):
    """Return the captions of the pictures, in order."""
    return re.findall(r"<figure(?: class=\"wide\")?>\s*<figcaption>(.*?)</figcaption>", page)


def charted(page):
    """Return the captions of the interactive charts, in order."""
    found = re.findall(r"<figure class=\"chart[^>]*>\s*<figcaption>(.*?)[<\n]", page)
    return [html.unescape(caption).strip() for caption in found]


def test_the_page_holds_all_it_shows(full):
    addresses = re.findall(r"(?:src|href)=\"([^\"]*)\"", full.page)
    assert addresses
    assert all(address.startswith(("data:image/png;base64,", "#")) for address in addresses)
    for word in ("url(", "@import", "http:", "https:", "fetch(", "XMLHttpRequest"):
        assert word not in full.page
    assert "default-src 'none'" in full.page


def test_each_link_leads_to_a_part_of_the_page(full):
    linked = re.findall(r"href=\"#([^\"]*)\"", full.page)
    assert linked == [
        "overview",
        "returns",
        "prices",
        "trades",
        "holdings",
        "signal",
        "events",
        "pyfolio",
        "provenance",
        "glossary",
    ]
    assert all(full.page.count(f'id="{name}"') == 1 for name in linked)


def test_the_page_stays_small(full):
    assert len(full.page) < 8_000_000


def test_what_users_name_is_escaped(full):
    page = full.page
    for text in (HOSTILE, "refused <3>", "average <20>", "table <1>", "x<y", "<i>", "picture <2>"):
        assert text not in page
        assert text in text_of(page) or text == "average <20>"  # the overlay's name stands in a chart


def test_every_figure_of_pyfolio_is_drawn_once(full):
    captions = drawn(full.page)
    for figure in PYFOLIO_FIGURES:
        assert captions.count(figure) == 1, figure
    assert len(captions) == full.page.count("<img")
    assert len(set(captions)) == len(captions)


def test_the_headline_names_signal_symbols_span_and_run(full):
    text = re.sub(r"\s+", " ", text_of(full.page))
    assert "idea" in text
    assert "lookback 5" in text
    assert f"{HOSTILE}, B, C, D, E and 2 more" in text
    assert "2015-01-02 to 2016-07-14, 400 bars" in text
    assert "20150102T000000-idea-abc123" in text
    assert f"{full.run.equity.iloc[-1]:,.2f}" in text


def test_the_head_tells_the_risk_free_rate_where_there_is_one(full, make_run, random_equity):
    assert "Risk-free rate" not in full.page
    run = make_run(random_equity(30))
    config = {**run.config, "report": {**run.config["report"], "risk_free": 0.02}}
    page = tearsheet(replace(run, config=config))
    assert "<div><dt>Risk-free rate</dt><dd>2.00% a year</dd></div>" in page


def test_the_figures_stand_beside_the_benchmarks(full):
    rows = {row[0]: row[1:] for row in cells(full.page, "Return and risk")}
    grown = np.prod(1.0 + full.run.benchmark.to_numpy()) - 1.0
    assert rows["Total return"] == [f"{full.run.equity.iloc[-1] / CASH - 1.0:.2%}", f"{grown:.2%}"]
    trading = dict(cells(full.page, "Trading")[1:])
    assert trading["Round trips"] == "25"
    assert trading["Commission"] == "2.50"


def test_performance_statistics_are_those_of_the_equity(full):
    rows = dict(cells(full.page, "Performance statistics")[1:])
    assert rows["Cumulative returns"] == f"{full.run.equity.iloc[-1] / CASH - 1.0:.2%}"
    fall = (full.run.equity / full.run.equity.cummax() - 1.0).min()
    assert rows["Max drawdown"] == f"{fall:.2%}"
    assert cells(full.page, "Worst drawdowns")[1][1] == f"{fall:.2%}"


def test_round_trip_statistics_are_those_of_the_trades(full):
    profits = [(-1.0) ** n * 3.0 + n / 10 for n in range(25)]
    rows = {row[0]: row[1] for row in cells(full.page, "Profit and loss, after commission")[1:]}
    assert rows["Total profit"] == f"{sum(profits):,.2f}"
    assert rows["Largest losing trade"] == f"{min(profits):,.2f}"


def test_the_trade_log_shows_the_newest_and_holds_all(full):
    rows = cells(full.page, "Trade log")[1:]
    assert [row[0] for row in rows] == [str(number) for number in range(25, 5, -1)]
    assert rows[0][1] == HOSTILE
    log = full.page[full.page.index('<figure class="log"') :]
    stored = json.loads(re.search(r"<script type=\"application/json\">(.*?)</script>", log).group(1))
    assert [row[0] for row in stored] == [str(number) for number in range(25, 0, -1)]
    first = [
        "1",
        HOSTILE,
        "long",
        "2015-01-16",
        "2015-01-28",
        "8",
        "0.5",
        "100",
        "100",
        "6.00%",
        "3.10",
        "0.10",
        "3.00",
    ]
    assert stored[-1] == first  # 3 on the 50 that half a share cost


def test_the_trade_log_is_cut_to_what_a_page_can_hold(make_run):
    trips = [("A", 1, 2, 1.0)] * 5_001
    log = trade_log(make_run([CASH] * 3, trips=trips))
    assert len(json.loads(log.rows_json)) == 5_000
    assert log.table.note == "the last 5,000 of 5,001; all are in trades.parquet in the run's folder"


def test_it_says_what_cannot_be_trusted(full):
    text = text_of(full.page)
    assert "an index is not tradable" in text
    assert "costs are modelled" in text
    assert "the benchmark is without costs" in text
    assert "the past is no promise of the future" in text


def test_refused_orders_and_events_are_told_in_order(make_run):
    run = make_run([CASH] * 30, log=[("info", "began")] + [("warning", f"refused <{n}>") for n in range(103)])
    run = replace(run, orders=REFUSED)
    page = tearsheet(run)
    events = cells(page, "Events and warnings")[1:]
    assert events == [[str(number + 1), f"refused <{number}>"] for number in range(100)]
    assert "the first 100 of 103" in text_of(page)
    assert cells(page, "Refused orders")[1:] == [["2", "2015-01-05", "B", "40", "0", "Margin"]]


REFUSED = pd.DataFrame(
    {
        "decided": pd.to_datetime(["2015-01-02", "2015-01-05"]),
        "symbol": ["A", "B"],
        "size": [10.0, 40.0],
        "reason": ["decision", "decision"],
        "status": ["Completed", "Margin"],
        "changed": pd.to_datetime(["2015-01-05", "2015-01-06"]),
        "filled": [10.0, 0.0],
        "price": [5.0, 0.0],
        "commission": [0.0, 0.0],
    },
    index=pd.RangeIndex(1, 3, name="order"),
)


def test_a_signals_details_are_shown(full):
    assert "picture <2>" in [html.unescape(caption) for caption in drawn(full.page)]
    assert "broken: it is no PNG picture" in text_of(full.page)
    assert cells(full.page, "long")[-1][0] == "2015-03-12"  # the 50th working day
    assert "rows 1 to 50 of 400" in text_of(full.page)
    assert cells(full.page, html.escape("table <1>"))[2][1] == DASH


def test_pictures_beyond_what_a_page_can_hold_are_left_out(make_run):
    large = SHORTEST_PNG + b"0" * 1_100_000
    page = tearsheet(make_run([CASH] * 3, details=Details(pictures={"first": large, "second": large})))
    assert "first" in drawn(page)
    assert "second: pictures beyond 2,000,000 bytes; see the run's folder" in text_of(page)


def test_the_symbols_with_bars_have_price_charts(full):
    choices = re.search(r"<select.*?</select>", full.page, re.DOTALL).group()
    named = [html.unescape(name) for name in re.findall(r"<option[^>]*>(.*?)</option>", choices)]
    assert named == [HOSTILE, "B"]
    assert "5 more symbols were traded less, or not at all." in text_of(full.page)


def test_a_run_without_bars_says_so(make_run):
    assert "The run keeps no bars." in text_of(tearsheet(make_run([CASH] * 3)))


def test_configuration_and_provenance_are_folded_away(full):
    assert full.page.count("<details><summary>") == 2
    assert "lookback: 5" in full.page
    assert "seed: 7" in full.page


def test_it_prints_nothing_and_warns_of_nothing(full):
    assert full.printed == ""
    assert full.warned == []


def test_it_leaves_matplotlib_pandas_and_numpy_as_they_were(full):
    assert full.rc_changed == []
    assert not full.backend_changed
    assert full.random_kept
    assert plt.get_fignums() == []


def test_a_run_that_never_traded_leaves_figures_out_with_reasons(make_run):
    page = tearsheet(make_run([CASH] * 30))
    text = text_of(page)
    for reason in (
        "Positions: nothing was held at the end of any day",
        "Transactions: nothing was traded",
        "Round trips: needs 5 round trips; the run has 0",
        "Round trips: no round trip has ended",
        "Turnover and costs: nothing was traded",
        "Weights: nothing was held at the end of any bar",
    ):
        assert reason in text
    assert "Equity, drawdown and exposure" in charted(page)
    assert dict(cells(page, "Trading")[1:])["Win rate"] == DASH
    assert "the benchmark is without costs" not in text
    assert not re.search(r"\b(nan|NaT|inf|None)\b", text.split("Configuration and provenance")[0])


@pytest.mark.parametrize("bars", [1, 2])
def test_the_shortest_runs_have_a_page(bars, make_run):
    page = tearsheet(make_run([CASH, 900.0][:bars]))
    assert "needs two days" in page if bars == 1 else "Cumulative returns" in drawn(page)
    assert not re.search(r"\b(nan|NaT|inf)\b", text_of(page))


def test_a_total_loss_ends_the_figures_on_its_day(make_run):
    equity = [CASH, 900.0, 500.0, 100.0, -200.0, -300.0, -300.0]
    page = tearsheet(make_run(equity, trips=[("A", 1, 6, -1300.0)], benchmark=[0.0, 0.1, 0.0, 0.0, 0.0, 0.0, 0.0]))
    text = text_of(page)
    assert "The account was gone on 2015-01-08: these figures end there." in text
    assert "a logarithm needs a value above zero" in text
    assert dict(cells(page, "Performance statistics")[1:])["Max drawdown"] == "-100.00%"


@pytest.mark.slow
def test_two_hundred_symbols_fit_on_a_page(make_run, random_equity):
    symbols = tuple(f"SYMBOL{number}" for number in range(200))
    trips = [(symbols[n], 1 + n % 50, 60 + n % 50, 1.0 - n % 3) for n in range(200)]
    page = tearsheet(make_run(random_equity(300), symbols, trips=trips, held=0.004))
    assert len(page) < 8_000_000
    assert "SYMBOL0, SYMBOL1, SYMBOL2, SYMBOL3, SYMBOL4" in text_of(page)


@pytest.mark.slow
def test_only_losses_have_a_page(make_run):
    trips = [("A", 2 * n + 1, 2 * n + 2, -1.0) for n in range(10)]
    page = tearsheet(make_run(CASH * 0.99 ** np.arange(60), trips=trips))
    assert "Probability of a profitable trade: needs both a gain and a loss" in text_of(page)


INTRADAY = pd.DatetimeIndex(
    ["2015-01-05 14:30", "2015-01-05 20:30", "2015-01-06 14:30", "2015-01-06 20:30", "2015-01-07 14:30"], tz="UTC"
)


def test_intraday_bars_are_compounded_to_sessions(make_run):
    benchmark = [0.0, 0.1, 0.1, -0.1, 0.5]
    run = make_run(
        [1000.0, 1100.0, 990.0, 1210.0, 605.0], index=INTRADAY, trips=[("A", 1, 3, 5.0)], benchmark=benchmark
    )
    daily = by_days(run)
    assert [str(day.date()) for day in daily.returns.index] == ["2015-01-05", "2015-01-06", "2015-01-07"]
    assert daily.returns.index.tz is None
    assert daily.returns.tolist() == pytest.approx([0.1, 0.1, -0.5])
    assert daily.benchmark.tolist() == pytest.approx([0.1, 1.1 * 0.9 - 1.0, 0.5])
    assert daily.positions["A"].tolist() == pytest.approx([550.0, 0.0, 0.0])
    assert daily.positions["cash"].tolist() == pytest.approx([550.0, 1210.0, 605.0])
    assert [str(day.date()) for day in daily.transactions.index] == ["2015-01-05", "2015-01-06"]


def test_a_session_that_crosses_midnight_in_utc_stays_one_session(make_run):
    index = pd.DatetimeIndex(["2015-01-05 23:00", "2015-01-06 01:00", "2015-01-06 23:00"], tz="UTC")
    run = make_run([1000.0, 1100.0, 1100.0], index=index)
    run.manifest["data"]["calendar"] = "XASX"  # Sydney opens at 23:00 UTC of the day before
    assert by_days(run).returns.tolist() == pytest.approx([0.1, 0.0])


def test_transaction_times_are_drawn_only_within_the_hours_pyfolio_knows(make_run):
    inside = by_days(make_run([1000.0] * 5, index=INTRADAY, trips=[("A", 1, 3, 5.0)]))
    assert transaction_figures(inside)[-1].left_out == ""
    early = INTRADAY - pd.Timedelta(hours=2)
    outside = by_days(make_run([1000.0] * 5, index=early, trips=[("A", 0, 2, 5.0)]))
    assert "9:30 to 16:00" in transaction_figures(outside)[-1].left_out


def test_a_debt_is_no_more_than_a_total_loss_to_pyfolio(make_run):
    daily = by_days(make_run([CASH, 500.0, -100.0, -50.0]))
    assert daily.returns.tolist() == pytest.approx([0.0, -0.5, -1.0])
    assert len(daily.positions) == 2
    assert str(daily.gone.date()) == "2015-01-06"


def test_round_trips_keep_fractions_of_shares(make_run):
    run = make_run([CASH, 1100.0, 1200.0, 1300.0], trips=[("A", 1, 3, 60.0)])
    trip = by_days(run).round_trips.iloc[0]
    assert trip["pnl"] == 60.0
    assert trip["returns"] == pytest.approx(60.0 / 1200.0)  # on the equity before the day it ended
    assert trip["duration"] == pd.Timedelta(days=2)  # Monday 5 to Wednesday 7 January
    assert bool(trip["long"])


def test_rolling_figures_need_half_a_year(make_run, random_equity):
    figures = {figure.title: figure.left_out for figure in returns_figures(by_days(make_run(random_equity(126))))}
    assert figures["Rolling volatility, 6 months"] == "needs more than 126 days; the run has 126"
    assert figures["Daily returns"] == ""


def test_few_round_trips_are_left_out(make_run, random_equity):
    daily = by_days(make_run(random_equity(20), trips=[("A", 1, 2, 1.0)]))
    assert [figure.left_out for figure in round_trip_figures(daily)] == ["needs 5 round trips; the run has 1"]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, DASH),
        (float("nan"), DASH),
        (float("inf"), DASH),
        (pd.NaT, DASH),
        (1234567.891, "1,234,567.89"),
        (0.123456789, "0.12346"),
        (pd.Timestamp("2015-01-02"), "2015-01-02"),
        (pd.Timestamp("2015-01-02 14:30"), "2015-01-02 14:30"),
        (pd.Timedelta(hours=36), "36.0 hours"),
        (pd.Timedelta(days=3), "3.0 days"),
        (np.bool_(True), "yes"),
        ("word", "word"),
    ],
)
def test_values_are_written_as_a_reader_expects_them(value, text):
    assert as_text(value) == text


def test_a_table_is_cut_to_what_a_page_can_hold():
    table = table_of(pd.DataFrame(np.zeros((60, 25))), "wide and long")
    assert (len(table.rows), len(table.columns)) == (50, 21)
    assert table.note == "rows 1 to 50 of 60; columns 1 to 20 of 25"


def test_a_small_loss_is_shown_without_a_minus_before_zeros():
    forms = [form for _, _, form in (*COMPARED, FINAL_EQUITY, *TRADING) if "f" in form or "%" in form]
    assert {form.format(-1e-6).strip("%x") for form in forms} == {"0.00", "0.0"}
    assert as_text(-1e-9, pyfolio_tables._PERCENT) == "0.00%"
    assert as_text(-0.0) == "0"
    with off_screen():
        assert dict(pyfolio_tables.performance(flat_daily()).rows)["Alpha"] == "0.00%"


def flat_daily():
    """A run that lost next to nothing against a benchmark that moved."""
    days = pd.bdate_range("2015-01-05", periods=250)
    moved = pd.Series([0.01, -0.01] * 125, index=days)
    cash = pd.DataFrame({"cash": 1.0}, index=days)
    fills = pd.DataFrame({"symbol": [], "amount": [], "price": []}, index=days[:0])
    return Daily(moved * 1e-6 - 1e-7, moved, cash, fills, pd.DataFrame(), None, None)


def test_the_trade_log_has_the_times_of_the_exchange(make_run):
    run = make_run([CASH] * 5, index=INTRADAY, trips=[("A", 1, 3, 5.0)])
    assert trade_log(run).table.rows[0][3:5] == ["2015-01-05 15:30", "2015-01-06 15:30"]  # 20:30 in UTC


def test_a_run_of_an_earlier_version_has_a_page(make_run, random_equity):
    run = make_run(random_equity(60), trips=[("A", 10, 20, 5.0)], benchmark=[0.0] * 60)
    old = replace(
        run,
        manifest={"data": {"calendar": "XNYS"}, "stamps": []},
        transactions=run.transactions.drop(columns="slippage"),
        orders=run.orders.drop(columns="reason"),
        metrics={name: value for name, value in run.metrics.items() if name not in ("slippage", "best_bar", "costs")},
        bars=None,
    )
    page = tearsheet(old)
    assert dict(cells(page, "Trading")[1:])["Round trips"] == "1"
    assert "Turnover and costs" in charted(page)


@pytest.mark.parametrize("show", [tearsheet, plot])
def test_what_is_no_run_is_told_in_one_line(show):
    with pytest.raises(RunError, match=r"is of a run, not of str; load_run\(id\) gives a stored one$"):
        show("20150102T000000-idea-abc123")


@pytest.mark.parametrize(
    ("reason", "told"),
    [
        ("risk", "trading ended early: a limit of the risk policy was reached on 2015-01-05"),
        ("account", "trading ended early: nothing was left of the account on 2015-01-05"),
        ("ended", None),
    ],
)
def test_that_trading_ended_early_is_among_what_cannot_be_trusted(make_run, reason, told):
    orders = REFUSED.assign(reason=["decision", reason], status="Completed")
    page = tearsheet(replace(make_run([CASH] * 5), orders=orders))
    caveats = re.search(r"<aside>(.*?)</aside>", page, re.DOTALL).group(1)
    assert (told in caveats) if told else ("ended early" not in caveats)


def test_the_head_names_the_clock_of_intraday_bars_alone(full, make_run):
    clock = "<dt>Clock</dt><dd>America/New_York</dd>"
    assert clock in tearsheet(make_run([CASH] * 5, index=INTRADAY))
    assert "<dt>Clock</dt>" not in full.page


def test_a_backend_of_an_unknown_name_is_no_obstacle():
    source = (
        "import os; from quantstrats.reports.drawing import load_matplotlib; load_matplotlib(); import matplotlib;"
        "print(os.environ['MPLBACKEND'])"
    )
    environment = {**os.environ, "MPLBACKEND": "nope"}
    done = subprocess.run(
        [sys.executable, "-c", source], env=environment, capture_output=True, text=True, timeout=120, check=False
    )
    assert (done.stdout, done.stderr, done.returncode) == ("nope\n", "", 0)

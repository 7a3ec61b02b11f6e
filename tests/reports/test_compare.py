"""Runs side by side: the numbers against other libraries and hand arithmetic, and the page that shows them."""

from __future__ import annotations

import copy
import html
import json
import math
import re
from dataclasses import replace

import empyrical
import numpy as np
import pandas as pd
import pytest

from quantstrats import QuantstratsError, compare
from quantstrats.errors import ConfigError
from quantstrats.reports.charts.comparison import growth, intervals, rolling_correlation
from quantstrats.reports.compared import compared
from quantstrats.runs.run import returns_of

HOSTILE = '<script>alert("1")</script>'


@pytest.fixture
def run_of(make_run):
    """Make a run of a name: settings are by their dotted path, those of the manifest begin with ``manifest.``."""

    def make(name, equity, settings=None, **options):
        run = make_run(equity, **options)
        config, manifest = copy.deepcopy(run.config), copy.deepcopy(run.manifest)
        manifest["data"]["hash"] = "same"
        for path, value in (settings or {}).items():
            place = {"manifest": manifest} if path.startswith("manifest.") else config
            *blocks, key = path.split(".")
            for block in blocks:
                place = place.setdefault(block, {})
            place[key] = value
        return replace(run, run_id=name, config=config, manifest=manifest)

    return make


@pytest.fixture
def days():
    """Return working days from one on, as an index of sessions."""
    return lambda count, since="2015-01-02": pd.bdate_range(since, periods=count)


def grown(days, seed, cash=1000.0):
    return cash * np.cumprod(1.0 + np.random.default_rng(seed).normal(0.0005, 0.01, days))


@pytest.fixture
def two(run_of, days):
    """A run of 300 days, and one that begins 50 days later and ends 30 days later."""
    first = run_of("first", grown(300, 1), {"signal.lookback": 5})
    index = days(330)[50:]
    return first, run_of("second", grown(280, 2), {"signal.lookback": 9}, index=index)


# --- the data


def test_runs_are_compared_on_the_sessions_that_all_of_them_have(two):
    found = compared(two)
    assert (len(found.returns), found.span) == (250, "2015-03-13 to 2016-02-25, 250 sessions")
    assert [each.letter for each in found.runs] == ["A", "B"]
    assert [each.left_out for each in found.runs] == [50, 30]
    for letter, run in zip("AB", two, strict=True):
        assert found.returns[letter].tolist() == pytest.approx(run.returns[found.returns.index].tolist())
    assert not found.is_whole


def test_figures_on_the_common_span_are_those_of_empyrical(two):
    found = compared(two)
    for letter in "AB":
        returns = found.returns[letter]
        expected = {
            "total_return": math.prod(1.0 + returns) - 1.0,
            "annual_return": empyrical.annual_return(returns),
            "annual_volatility": empyrical.annual_volatility(returns),
            "sharpe": empyrical.sharpe_ratio(returns),
            "sortino": empyrical.sortino_ratio(returns),
            "max_drawdown": empyrical.max_drawdown(returns),
        }
        assert found.figures.loc[list(expected), letter].to_dict() == pytest.approx(expected)


def test_differences_are_to_the_first_run_and_lie_in_their_intervals(two):
    found = compared(two)
    table = found.differences["B"].table
    assert list(found.differences) == ["B"]
    for name, row in table.iterrows():
        assert row["difference"] == pytest.approx(found.figures.loc[name, "B"] - found.figures.loc[name, "A"])
        assert row["low"] < row["high"]
    assert table.loc["mean_return", "low"] < table.loc["mean_return", "difference"] < table.loc["mean_return", "high"]


def test_a_difference_does_not_depend_on_who_else_is_compared(two, run_of):
    third = run_of("third", grown(300, 3))
    alone, beside = compared(two), compared([two[0], third, two[1]])
    pd.testing.assert_frame_equal(alone.differences["B"].table, beside.differences["C"].table)


def test_correlation_and_tracking_error_equal_other_arithmetic(two):
    found = compared(two)
    a, b = (found.returns[letter].to_numpy() for letter in "AB")
    assert found.correlation.loc["A", "B"] == pytest.approx(np.corrcoef(a, b)[0, 1])
    assert found.tracking_error["B"] == pytest.approx(empyrical.annual_volatility(found.returns["B"] - a))
    assert list(found.tracking_error.index) == ["B"]


def test_returns_between_common_sessions_are_compounded(run_of):
    week = pd.date_range("2015-01-02", "2015-01-06")  # Friday to Tuesday
    clock = run_of("clock", [1000.0, 1100.0, 1210.0, 1331.0, 1331.0], index=week, calendar="24/7", bars_per_year=365.0)
    exchange = run_of("exchange", [1000.0, 1010.0, 1020.1], index=week[[0, 3, 4]])
    found = compared([clock, exchange])
    # Saturday, Sunday and Monday, 10% each.
    assert found.returns["A"].tolist() == pytest.approx([0.0, 1.1**3 - 1.0, 0.0])
    assert found.returns["B"].tolist() == pytest.approx([0.0, 0.01, 0.01])
    assert found.days_per_year == 252.0
    assert found.figures.loc["total_return", "A"] == pytest.approx(0.331)
    assert any(line.startswith("their calendars differ") for line in found.cautions)


def test_intraday_returns_are_compounded_to_days(run_of):
    times = ["2015-01-05 15:30", "2015-01-05 20:30", "2015-01-06 15:30", "2015-01-06 20:30"]
    bars = run_of("bars", [1000.0, 1100.0, 1100.0, 990.0], index=pd.DatetimeIndex(times, tz="UTC"))
    daily = run_of("daily", [1000.0, 1050.0], index=pd.DatetimeIndex(["2015-01-05", "2015-01-06"]))
    found = compared([bars, daily])
    assert found.returns["A"].tolist() == pytest.approx([0.1, -0.1])
    assert not found.is_whole


def test_what_follows_a_total_loss_counts_as_no_return(run_of):
    gone = run_of("gone", [1000.0, 500.0, -100.0, -50.0])
    found = compared([gone, run_of("safe", [1000.0, 1010.0, 1020.0, 1030.0])])
    assert found.returns["A"].tolist() == pytest.approx([0.0, -0.5, -1.0, 0.0])
    assert found.figures.loc["max_drawdown", "A"] == -1.0
    assert "A lost all on 2015-01-06: the days after count as no return on the common span" in found.cautions


def test_ratios_are_above_the_risk_free_rate_of_the_first(run_of):
    rates = ({"report.risk_free": 0.05}, {"report.risk_free": 0.0})
    found = compared([run_of(str(n), grown(100, n), rate) for n, rate in enumerate(rates)])
    for letter in "AB":
        expected = empyrical.sharpe_ratio(found.returns[letter], risk_free=1.05 ** (1 / 252) - 1)
        assert found.figures.loc["sharpe", letter] == pytest.approx(expected)
    assert "different risk-free rates: 0.05 (A), 0 (B)" in found.cautions
    assert "the ratios on the common span are with the risk-free rate of A" in found.cautions


def test_a_run_that_knows_no_risk_free_rate_is_taken_for_one_without(run_of):
    old = run_of("old", grown(30, 1))
    assert "risk_free" not in old.config["report"]
    same = compared([old, run_of("same", grown(30, 2), {"report.risk_free": 0.0})])
    assert same.cautions == []
    assert same.settings.empty
    other = compared([old, run_of("other", grown(30, 2), {"report.risk_free": 0.02})])
    assert "different risk-free rates: 0 (A), 0.02 (B)" in other.cautions
    assert other.settings.loc["report.risk_free"].tolist() == ["0", "0.02"]


def test_only_settings_that_differ_are_shown(two):
    found = compared(two)
    assert found.settings.index.tolist() == ["signal.lookback"]
    assert found.settings.loc["signal.lookback"].tolist() == ["5", "9"]
    again = replace(two[0], run_id="again")
    assert compared([two[0], again]).settings.empty
    assert compared([two[0], again, two[1]]).settings.loc["signal.lookback"].tolist() == ["5", "5", "9"]


def test_settings_are_shown_in_short(run_of):
    many = [f"SYMBOL{number}" for number in range(100)]
    found = compared(
        [
            run_of("first", grown(30, 1), {"data.symbols": many, "costs.slippage_bps": 5.0}),
            run_of("second", grown(30, 2), {"schedule.every": 21}),
        ]
    )
    assert found.settings.loc["data.symbols", "A"].startswith("100 values: [SYMBOL0, SYMBOL1, ")
    assert len(found.settings.loc["data.symbols", "A"]) == 60
    assert found.settings.loc["costs.slippage_bps"].tolist() == ["5", "-"]
    assert found.settings.loc["schedule.every"].tolist() == ["-", "21"]


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        (
            {"manifest.data.hash": "other"},
            "they asked for the same data and got others, which have changed between the runs: hash same (A C), ot",
        ),
        (
            {"manifest.data.hash": "other", "data.start": "2015-01-05"},
            "their bars are of different spans, so no hash tells whether they agree where both have some",
        ),
        (
            {"manifest.data.hash": "other", "data.source": "files", "data.path": "a.csv"},
            "they stand on different data: source, path differ",
        ),
        ({"costs.slippage_bps": 10.0, "costs.commission_bps": 0.0}, "different costs: slippage_bps - (A C), 10 (B); "),
        ({"engine.cash": 5000.0}, "different cash at the start: 1000 (A C), 5000 (B)"),
        ({"report.benchmark": "SPY"}, "different benchmarks: none (A C), SPY (B)"),
        ({"manifest.plugin.code_hash": "abcdef"}, "signal 'idea' was other code: hash None (A C), abcdef (B)"),
        (
            {"manifest.installation.quantstrats": "0.0.9"},
            "they were made by different code of quantstrats: None (None) (A C), 0.0.9 (None) (B)",
        ),
    ],
    ids=["data changed", "spans", "sources", "costs", "cash", "benchmark", "code", "version"],
)
def test_what_makes_runs_hard_to_compare_is_said(run_of, settings, told):
    runs = [run_of(name, grown(30, n), settings if n == 1 else {}) for n, name in enumerate(("a", "b", "c"))]
    (found,) = [line for line in compared(runs).cautions if line.startswith(told[:25])]
    assert found.startswith(told)


def test_runs_on_the_same_footing_have_no_cautions(run_of):
    runs = [run_of(name, grown(30, n), {"signal.lookback": n}) for n, name in enumerate(("a", "b"))]
    found = compared(runs)
    assert found.cautions == []
    assert found.is_whole


def test_different_spans_are_said_with_what_was_left_out(two):
    (line,) = compared(two).cautions
    assert line == (
        "their spans differ: they are compared on 2015-03-13 to 2016-02-25, 250 sessions; "
        "sessions left out: 50 of 300 of A, 30 of 280 of B"
    )


def test_doubts_are_told_once_with_whom_they_are_about(run_of):
    log = [("warning", "no decision asked for a position"), ("info", "backtest finished")]
    runs = [run_of("a", grown(30, 1)), run_of("b", grown(30, 2), log=log)]
    assert compared(runs).doubts() == [
        ("A B", "an index is not tradable"),
        ("B", "no decision asked for a position"),
    ]


def test_few_common_sessions_have_figures_and_no_intervals(run_of):
    found = compared([run_of("a", grown(19, 1)), run_of("b", grown(19, 2))])
    assert found.differences == {}
    # What is of a year is left out: it would be of few days, to a high power.
    known = found.figures.index[found.figures.notna().all(axis=1)].tolist()
    assert known == ["total_return", "max_drawdown"]
    assert found.figures.loc["mean_return"].isna().all()
    assert found.tracking_error.isna().all()
    assert found.cautions == ["19 common sessions are too few for intervals and yearly figures"]
    alone = compared([run_of("a", [1010.0]), run_of("b", [1000.0])])
    assert alone.cautions == ["1 common session is too few for intervals and yearly figures"]
    assert alone.figures.loc["total_return", "A"] == pytest.approx(0.01)
    whole = compared([run_of("a", grown(20, 1)), run_of("b", grown(20, 2))])
    assert whole.figures.notna().all(axis=None)
    assert whole.tracking_error.notna().all()
    assert len(compared([run_of("a", grown(20, 1)), run_of("b", grown(20, 2))]).differences) == 1


def test_plain_data_is_strict_json(two, run_of):
    flat = run_of("flat", [1000.0] * 300)
    told = json.loads(json.dumps(compared([*two, flat]).as_dict(), allow_nan=False))
    assert told["runs"]["B"]["run_id"] == "second"
    assert told["runs"]["B"]["sessions_left_out"] == 30
    assert (told["start"], told["end"], told["sessions"]) == ("2015-03-13", "2016-02-25", 250)
    assert told["figures"]["C"]["sharpe"] is None
    assert told["differences"]["C"]["statistics"]["sharpe"]["low"] is None
    assert (
        told["differences"]["B"]["statistics"]["sharpe"]["low"]
        < told["differences"]["B"]["statistics"]["sharpe"]["high"]
    )
    assert told["correlation"]["A"]["C"] is None
    assert told["settings"]["signal.lookback"] == {"A": "5", "B": "9", "C": "5"}


# --- what cannot be compared


def test_what_cannot_be_compared_is_told_in_one_line(run_of, days):
    run = run_of("a", grown(30, 1))
    late = run_of("late", grown(30, 1), index=days(30, "2017-01-02"))
    nine = [replace(run, run_id=str(n)) for n in range(9)]
    for runs, told in (
        ([], "a comparison needs two runs or more, and none is given"),
        ([run], "a comparison needs two runs or more; 'quantstrats report ID' is about one"),
        (run, "a comparison is of several runs; give a list of them, as in compare([first, second])"),
        ([run, run], "run a is given twice; name each run once"),
        (nine, "9 runs are more than charts can show; compare 8 at most"),
        (["a", "b"], "a comparison is of runs, not of str; load_run(id) gives a stored one"),
        (
            [run, late],
            (
                "runs a (2015-01-02 to 2015-02-12, 30 sessions) and late (2017-01-02 to 2017-02-10, 30 sessions) have "
                "no session in common"
            ),
        ),
    ):
        with pytest.raises(ConfigError) as raised:
            compare(runs)
        assert str(raised.value) == told
        assert isinstance(raised.value, QuantstratsError)


# --- charts


def test_growth_begins_at_one_on_the_day_before_and_ends_at_the_total_return(two):
    found = compared(two)
    chart = growth(found)
    wealth = {trace["name"]: trace["y"] for trace in chart.traces if trace["yaxis"] == "y"}
    assert list(wealth) == ["A idea", "B idea"]
    for letter, line in zip("AB", wealth.values(), strict=True):
        assert (line[0], len(line)) == (1.0, 251)
        assert line[-1] == pytest.approx(1.0 + found.figures.loc["total_return", letter])
    assert str(chart.traces[0]["x"][0].date()) == "2015-03-12"
    assert chart.scales


def test_drawdowns_and_wealth_against_the_first_equal_hand_arithmetic(run_of):
    found = compared([run_of("a", [800.0, 880.0, 880.0]), run_of("b", [1000.0, 1100.0, 550.0])])
    lines = {(trace["name"], trace["yaxis"]): trace["y"].tolist() for trace in growth(found).traces}
    assert lines["A idea", "y2"] == pytest.approx([0.0, -0.2, -0.12, -0.12])
    assert lines["B idea", "y2"] == pytest.approx([0.0, 0.0, 0.0, -0.5])
    assert lines["B idea against A", "y3"] == pytest.approx([0.0, 0.25, 0.25, -0.375])


def test_nothing_is_drawn_against_an_account_that_is_gone(run_of):
    found = compared([run_of("a", [1000.0, -5.0, -5.0]), run_of("b", [1000.0, 1100.0, 1100.0])])
    chart = growth(found)
    (ahead,) = [trace["y"] for trace in chart.traces if trace["yaxis"] == "y3"]
    assert ahead[:2].tolist() == [0.0, 0.0]
    assert np.isnan(ahead[2:]).all()
    assert not chart.scales  # a logarithm needs a value above zero


def test_the_rolling_correlation_is_that_of_its_window(two, run_of):
    found = compared([*two, run_of("flat", [1000.0] * 300)])
    chart = rolling_correlation(found)
    b, flat = (trace["y"] for trace in chart.traces)
    window = found.returns.iloc[-126:]
    assert b[-1] == pytest.approx(np.corrcoef(window["A"], window["B"])[0, 1])
    assert len(b) == 250 - 125
    assert np.isnan(flat).all()
    # Within a window in which a run stood still, what rolled in and out before must not look like a correlation.
    still = np.append(grown(150, 3), np.full(150, 1234.5))
    (stopped,) = rolling_correlation(compared([run_of("a", grown(300, 1)), run_of("b", still)])).traces
    assert np.isfinite(stopped["y"][:100]).all()
    assert np.isnan(stopped["y"][-20:]).all()
    short = compared([run_of("a", grown(126, 1)), run_of("b", grown(126, 2))])
    assert rolling_correlation(short).left_out == "needs more than 126 common sessions; there are 126"


def test_an_interval_is_drawn_as_it_is_in_the_table(two, run_of):
    found = compared([*two, run_of("flat", [1000.0] * 300)])
    (dots,) = intervals(found, "sharpe").traces
    row = found.differences["B"].table.loc["sharpe"]
    assert dots["y"] == ["B idea"]  # what never moved has no Sharpe ratio
    assert dots["x"][0] + dots["error_x"]["array"][0] == pytest.approx(row["high"])
    assert dots["x"][0] - dots["error_x"]["arrayminus"][0] == pytest.approx(row["low"])
    few = compared([run_of("a", grown(19, 1)), run_of("b", grown(19, 2))])
    assert intervals(few, "sharpe").left_out == "there are too few common sessions"


# --- the page


def text_of(page):
    body = re.sub(r"<(script|style)\b.*?</\1>", " ", page, flags=re.DOTALL)
    return html.unescape(re.sub(r"<[^>]+>", " ", body))


def test_the_page_says_what_the_comparison_holds(two):
    page, found = compare(two), compared(two)
    text = " ".join(text_of(page).split())
    assert "2 runs side by side" in text
    assert "On the sessions that all of them have: 2015-03-13 to 2016-02-25, 250 sessions; annualised by 252." in text
    assert f"{found.figures.loc['sharpe', 'B']:.2f}" in text
    row = found.differences["B"].table.loc["sharpe"]
    assert f"Sharpe ratio {row['difference']:+z.2f} {row['low']:+.2f} to {row['high']:+.2f}" in text
    row = found.differences["B"].table.loc["annual_volatility"] * 100
    assert f"Annual volatility {row['difference']:+z.2f} pp {row['low']:+z.2f} to {row['high']:+z.2f} pp" in text
    assert "signal.lookback 5 9" in text
    assert "sessions left out: 50 of 300 of A" in text
    assert "A B: an index is not tradable" in text
    assert page._repr_html_().startswith("<iframe srcdoc=")
    assert len(page.encode()) < 8_000_000


def test_the_page_takes_names_for_text_and_asks_no_network(run_of):
    settings = {"signal.name": HOSTILE, "signal.lookback": HOSTILE, "data.symbols": [HOSTILE]}
    runs = [run_of(HOSTILE, grown(200, 1), settings), run_of("b", grown(200, 2), log=[("warning", HOSTILE)])]
    page = compare(runs)
    assert HOSTILE not in page
    assert HOSTILE in text_of(page)
    assert not re.search(r'(src|href)="(?!#|data:)', re.sub(r"<script\b.*?</script>", "", page, flags=re.DOTALL))


def test_runs_that_never_traded_or_are_short_have_a_page(run_of):
    for days in (1, 2, 30):
        text = text_of(compare([run_of("a", [1000.0] * days), run_of("b", [1000.0] * days)]))
        assert not re.search(r"\b(nan|NaT|inf|None)\b", text), days
    assert "no interval is defined" in text


@pytest.mark.slow
def test_eight_runs_have_a_page(run_of):
    page = compare([run_of(str(n), grown(600, n), {"signal.lookback": n}) for n in range(8)])
    assert len(re.findall(r"[B-H] less A", page)) == 7


def test_a_browser_draws_every_trace_and_has_nothing_to_say(two, browser, tmp_path):
    (tmp_path / "page.html").write_text(compare(two))
    for width in (1280, 390):
        with browser.open(tmp_path / "page.html", width=width, mobile=width < 500) as page:
            page.wait_for("document.documentElement.dataset.ready")
            drawn = page.evaluate("[...document.querySelectorAll('.plot')].map(plot => plot.data.length)")
            assert drawn == [5, 1, 1, 1]
            assert page.evaluate("document.documentElement.scrollWidth") == width
            assert (page.messages, page.requests) == ([], [])


def test_returns_are_against_the_cash_of_each_run(run_of):
    # 1000 to 1100 of one that began with 1000, 500 to 550 of one that began with 500: the same.
    half = run_of("b", [500.0, 550.0], {"engine.cash": 500.0})
    assert returns_of(half.equity, 500.0).tolist() == pytest.approx([0.0, 0.1])
    found = compared([run_of("a", [1000.0, 1100.0]), half])
    assert found.returns["A"].tolist() == pytest.approx(found.returns["B"].tolist())

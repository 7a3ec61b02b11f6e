"""The tear sheet as a reader sees it: drawn without a word, for any run, on a desktop, a phone and paper."""

from __future__ import annotations

import csv
import json

import numpy as np
import pandas as pd
import pytest

from quantstrats import Details, RiskPolicy, backtest, load_run, tearsheet
from quantstrats.runs.labels import COMPARED, TRADING

READY = 'document.documentElement.dataset.ready === "true"'
PATIENCE = 120.0  # seconds, on a machine that does other things too
MOST_BYTES = 8_000_000
# How many traces each chart has, by its caption; of the price chart by what is chosen.
TRACES = """
    Object.fromEntries([...document.querySelectorAll("figure.chart")].map((figure) => [
        figure.querySelector("figcaption").firstChild.textContent.trim(),
        figure.querySelector(".plot").data.length,
    ]))
"""
# Plots that plotly has not drawn into, or that are empty.
UNDRAWN = """
    [...document.querySelectorAll(".plot")].filter((plot) => !plot.querySelector("svg.main-svg")).length
"""


@pytest.fixture(scope="module")
def traded(nasdaq, tmp_path_factory):
    """A real run that was stopped in the end, stored with its page."""
    run = backtest("sma_cross", nasdaq, risk=RiskPolicy(max_drawdown=0.4))
    return run.save({"tearsheet.html": tearsheet(run)}, folder=tmp_path_factory.mktemp("runs"))


@pytest.fixture(scope="module")
def opened(browser, traded):
    """Its page, opened on a desktop once for all who do not change it, or change it back."""
    with browser.open(traded / "tearsheet.html", width=1280, height=900) as page:
        page.wait_for(READY, PATIENCE)
        yield page


def rows_of(page, caption):
    script = f"""
        [...document.querySelectorAll("figure.table, figure.log")]
            .find((figure) => figure.querySelector("figcaption").textContent === {json.dumps(caption)})
            .querySelectorAll("tr")
    """
    return page.evaluate(f"[...{script}].map((row) => [...row.children].map((cell) => cell.textContent))")


def test_nothing_is_said_nothing_is_asked_for_and_all_is_drawn(opened):
    assert opened.messages == []
    assert opened.requests == []
    offers = "[...document.querySelectorAll('.plot')].some((plot) => plot._context.showSendToCloud)"
    assert opened.evaluate(offers) is False  # plotly's button that would send a chart away
    assert opened.evaluate(UNDRAWN) == 0
    assert opened.evaluate(TRACES) == {
        "Equity, drawdown and exposure": 5,  # equity and drawdown of both, long exposure
        "Monthly returns": 1,
        "Rolling Sharpe ratio, volatility and beta, 126 sessions": 5,
        "Annual returns": 2,
        "Distribution of daily returns": 2,
        "Prices and trades": 9,  # bars, two averages, gains, losses, entries, exits, the stop, the weight
        "Round trips": 3,
        "Holding time": 1,
        "Turnover and costs": 3,
        "Weights": 1,
        "Concentration": 3,
    }


def test_the_numbers_on_the_page_are_those_of_the_stored_metrics(opened, traded):
    metrics = json.loads((traded / "metrics.json").read_text())
    shown = {row[0]: row[1:] for row in rows_of(opened, "Return and risk")[1:]}
    assert shown == {
        label: [form.format(metrics[name]), form.format(metrics[f"benchmark_{name}"])] for label, name, form in COMPARED
    }
    trading = dict(rows_of(opened, "Trading")[1:])
    assert trading == {label: form.format(metrics[name]) for label, name, form in TRADING}
    headline = opened.evaluate(
        '[...document.querySelectorAll(".headline li")].map((card) => [...card.children].map((c) => c.textContent))'
    )
    assert headline[0] == ["Final equity", f"{metrics['final_equity']:,.2f}"]
    assert headline[1] == [
        "Annual return",
        f"{metrics['annual_return']:.2%}",
        f"benchmark {metrics['benchmark_annual_return']:.2%}",
    ]


def test_the_chart_draws_the_equity_that_was_stored(opened, traded):
    equity = load_run(traded).equity
    last = opened.evaluate(
        "(() => { const trace = document.querySelector('.plot')._fullData[0]; const end = trace.x.length - 1;"
        " return [trace.x[end], trace.y[end], Math.max(...trace.y)]; })()"
    )
    assert last == ["2018-12-31", pytest.approx(equity.iloc[-1], abs=1e-6), pytest.approx(equity.max(), abs=1e-6)]


def test_zooming_one_panel_zooms_the_others(opened):
    linked = "[...document.querySelector('.plot').data].map((trace) => trace.xaxis || 'x')"
    assert set(opened.evaluate(linked)) == {"x"}
    zoom = "Plotly.relayout(document.querySelector('.plot'), {0}).then(() => true)"
    opened.evaluate(zoom.format("{'xaxis.range': ['2008-01-01', '2009-01-01']}"))
    assert opened.evaluate("document.querySelector('.plot')._fullLayout.xaxis.range")[0].startswith("2008")
    opened.evaluate(zoom.format("{'xaxis.autorange': true}"))
    assert opened.messages == []


def test_a_logarithmic_scale_is_a_tick_away(opened):
    kind = "document.querySelector('.plot')._fullLayout.yaxis.type"
    assert opened.evaluate(kind) == "linear"
    opened.click("[data-scale]")
    opened.wait_for(f"{kind} === 'log'")
    opened.click("[data-scale]")
    opened.wait_for(f"{kind} === 'linear'")
    assert opened.messages == []


def test_each_link_leads_to_a_heading(opened):
    links = opened.evaluate("[...document.querySelectorAll('nav a')].map((link) => link.getAttribute('href'))")
    assert len(links) >= 8
    for link in links:
        opened.click(f"nav a[href='{link}']")
        assert opened.evaluate("location.hash") == link
        top = opened.evaluate(f"document.querySelector('{link} h2').getBoundingClientRect().top")
        assert 0 <= top <= 900


def test_the_trade_log_is_searched_and_sorted(opened, traded):
    trades = load_run(traded).trades
    assert opened.evaluate("document.querySelector('.log .count').textContent") == str(len(trades))
    year = str(trades["opened"].dt.year.iloc[0])
    opened.evaluate(
        f"(() => {{ const search = document.querySelector('.log input'); search.value = '{year}';"
        " search.dispatchEvent(new Event('input')); })()"
    )
    found = rows_of(opened, "Trade log")[1:]
    text = trades[["opened", "closed"]].astype(str)
    assert len(found) == text.apply(lambda column: column.str.contains(year)).any(axis=1).sum()
    opened.evaluate(
        "(() => { const search = document.querySelector('.log input'); search.value = '';"
        " search.dispatchEvent(new Event('input')); })()"
    )
    opened.click(".log thead th:last-child")
    profits = [row[-1] for row in rows_of(opened, "Trade log")[1:]]
    assert profits[0] == f"{trades['pnl_net'].min():,.2f}"
    opened.click(".log thead th:last-child")
    assert rows_of(opened, "Trade log")[1][-1] == f"{trades['pnl_net'].max():,.2f}"
    opened.click(".log thead th:nth-child(10)")
    returned = [float(row[9].removesuffix("%")) for row in rows_of(opened, "Trade log")[1:]]
    assert returned == sorted(returned)
    assert returned[0] < 0.0 < returned[-1]


def test_the_trade_log_is_had_as_csv(opened, traded):
    trades = load_run(traded).trades
    file = opened.download(".log .csv")
    assert file.name == f"trades-{traded.name}.csv"
    with file.open(newline="", encoding="utf-8") as table:
        header, *rows = csv.reader(table)
    assert header[:6] == ["Number", "Symbol", "Side", "Opened", "Closed", "Bars"]
    assert header[6:] == ["Size", "Entry", "Exit", "Return", "Profit", "Commission", "Net profit"]
    assert len(rows) == len(trades)
    stored = {int(row[0]): float(row[-1]) for row in rows}
    assert [stored[number + 1] for number in range(len(trades))] == pytest.approx(
        trades["pnl_net"].tolist(), abs=0.0051
    )


def test_it_is_dark_where_the_reader_wants_it_dark(browser, traded):
    ground = "getComputedStyle(document.body).backgroundColor"
    text = "document.querySelector('.plot')._fullLayout.font.color"
    with browser.open(traded / "tearsheet.html", width=1280, height=900, dark=True) as page:
        page.wait_for(READY, PATIENCE)
        dark = page.evaluate(f"[{ground}, {text}]")
        page.click("button.theme")
        light = page.evaluate(f"[{ground}, {text}]")
        assert page.messages == []
    assert dark == ["rgb(15, 19, 24)", "#a0abb9"]
    assert light == ["rgb(244, 246, 249)", "#5a6675"]


def test_a_phone_shows_it_all_without_scrolling_sideways(browser, traded):
    with browser.open(traded / "tearsheet.html", width=390, height=844, mobile=True) as page:
        page.wait_for(READY, PATIENCE)
        assert page.evaluate("document.documentElement.scrollWidth") <= 390
        assert page.evaluate(UNDRAWN) == 0
        assert page.messages == []


def test_it_prints_in_light_colours_with_charts_that_fit(browser, traded, tmp_path):
    with browser.open(traded / "tearsheet.html", width=1280, height=900, dark=True) as page:
        page.wait_for(READY, PATIENCE)
        page.evaluate(
            "window.seen = []; window.addEventListener('beforeprint', () => document.querySelectorAll('.plot')"
            ".forEach((plot) => window.seen.push(plot._fullLayout.width)))"
        )
        page.pdf(tmp_path / "page.pdf")
        assert (tmp_path / "page.pdf").read_bytes().startswith(b"%PDF")
        assert 300 < max(page.evaluate("window.seen")) <= 680
        page.emulate(printed=True)
        page.resize(718, 1000)  # a sheet of A4 within its margins
        wide = "[...document.querySelectorAll('table')].filter((table) => table.offsetWidth > 718).length"
        assert page.evaluate(wide) == 0
        assert page.messages == []


def price_bars(index, symbols):
    """Make up closes that wander, for price charts."""
    steps = np.random.default_rng(3).normal(0.0, 0.01, (len(index), len(symbols)))
    close = pd.DataFrame(100.0 * np.exp(steps.cumsum(axis=0)), index=index, columns=list(symbols))
    return pd.concat({"open": close, "high": close * 1.01, "low": close * 0.99, "close": close}, axis=1,
                     names=["field", "symbol"])  # fmt: skip


def without_trades(make_run, random_equity):
    del random_equity
    return make_run([1000.0] * 300)


def one_trade(make_run, random_equity):
    return make_run(random_equity(300), trips=[("A", 10, 20, 5.0)])


def one_bar(make_run, random_equity):
    del random_equity
    return make_run([990.0], benchmark=[0.01])


def two_bars(make_run, random_equity):
    del random_equity
    return make_run([990.0, 1000.0], benchmark=[0.01, -0.01], trips=[("A", 0, 1, 5.0)])


def five_hundred_symbols(make_run, random_equity):
    symbols = tuple(f"SYMBOL{number}" for number in range(500))
    index = pd.bdate_range("2015-01-02", periods=1260)
    trips = [(symbols[n % 500], n % 1200, n % 1200 + 40, (n % 7) - 2.5) for n in range(6000)]
    sector = {symbol: f"Sector {number % 11}" for number, symbol in enumerate(symbols)}
    overlays = {"average": price_bars(index, symbols)["close"], "band": price_bars(index, symbols)["high"]}
    return make_run(
        random_equity(1260),
        symbols,
        trips=trips,
        index=index,
        bars=price_bars(index, symbols),
        sector=sector,
        held=0.002,
        benchmark=np.diff(np.log(random_equity(1261, seed=5))),
        details=Details(overlays=overlays, pictures={"large": b"\x89PNG\r\n\x1a\n" + bytes(740_000)}),
        log=[("warning", f"order {number} refused") for number in range(5000)],
    )


def half_a_million_minutes(make_run, random_equity):
    days = pd.bdate_range("2015-01-02", periods=1400)
    minutes = (days.to_numpy()[:, None] + pd.to_timedelta(np.arange(390) + 870, unit="min").to_numpy()).ravel()
    index = pd.DatetimeIndex(minutes[:500_000], tz="UTC")
    trips = [("A", 90 * n + 5, 90 * n + 65, (n % 5) - 1.9) for n in range(5000)]
    equity = random_equity(500_000) ** 0.05
    return make_run(
        1000.0 * equity / equity[0],
        trips=trips,
        index=index,
        bars=price_bars(index, ["A"]),
        benchmark=np.random.default_rng(4).normal(0.0, 0.0003, 500_000),
        bars_per_year=252 * 390.0,
    )


def only_losses(make_run, random_equity):
    del random_equity
    trips = [("A", 2 * n + 1, 2 * n + 2, -1.0) for n in range(100)]
    return make_run(1000.0 * 0.995 ** np.arange(300), trips=trips, benchmark=[-0.001] * 300)


def total_loss(make_run, random_equity):
    del random_equity
    equity = [*np.linspace(1000.0, 10.0, 200), -200.0, -300.0, *[-300.0] * 98]
    return make_run(equity, trips=[("A", 1, 201, -1300.0)], benchmark=[0.001] * 300)


def days_of_which_the_benchmark_is_unknown(make_run, random_equity):
    benchmark = np.random.default_rng(6).normal(0.0, 0.01, 300)
    benchmark[[0, 7, 8, 9, 150, 299]] = np.nan
    return make_run(random_equity(300), trips=[("A", 10, 20, 5.0)], benchmark=benchmark)


def forty_symbols_of_five_minutes(make_run, random_equity):
    days = pd.bdate_range("2015-01-05", periods=150)
    minutes = (days.to_numpy()[:, None] + pd.to_timedelta(np.arange(0, 390, 5) + 870, unit="min").to_numpy()).ravel()
    index, symbols = pd.DatetimeIndex(minutes, tz="UTC"), [f"SYMBOL{number}" for number in range(40)]
    trips = [(symbol, 20 * n, 20 * n + 7, (n % 5) - 1.9) for n in range(560) for symbol in symbols]
    bars = price_bars(index, symbols) * 1_000.0  # in double precision
    return make_run(
        random_equity(len(index)),
        symbols,
        trips=trips,
        index=index,
        bars=bars,
        held=0.02,
        details=Details(
            overlays={f"line {number}": bars["close"] for number in range(3)},
            pictures={"large": b"\x89PNG\r\n\x1a\n" + bytes(1_900_000)},
        ),
        bars_per_year=252 * 78.0,
    )


def long_texts(make_run, random_equity):
    wide = pd.DataFrame([["word " * 200] * 20] * 50, columns=[f"{number} " * 200 for number in range(20)])
    log = [("warning", f"{number} {'word ' * 8000}") for number in range(100)]
    return make_run(random_equity(60), details=Details(tables={f"table {n}": wide for n in range(6)}), log=log)


@pytest.mark.parametrize(
    "story",
    [
        forty_symbols_of_five_minutes,
        long_texts,
        without_trades,
        one_trade,
        one_bar,
        two_bars,
        five_hundred_symbols,
        half_a_million_minutes,
        only_losses,
        total_loss,
        days_of_which_the_benchmark_is_unknown,
    ],
)
def test_any_run_is_drawn_without_a_word(story, make_run, random_equity, browser, tmp_path):
    content = tearsheet(story(make_run, random_equity))
    assert len(content.encode()) < MOST_BYTES
    file = tmp_path / "page.html"
    file.write_text(content, encoding="utf-8")
    with browser.open(file, width=1280, height=900) as page:
        page.wait_for(READY, PATIENCE)
        assert page.messages == []
        assert page.evaluate(UNDRAWN) == 0
        drawn = page.evaluate(TRACES).get("Equity, drawdown and exposure", 0)
        assert drawn >= 3 or (story is one_bar and drawn == 0)
        assert "NaN" not in page.evaluate("document.querySelector('main').innerText")


HOSTILE = ("</script><script>alert(1)</script>", "<b>x</b>", "$x$", 'a,b"c', "=1+1", "1,234")


def test_names_are_shown_as_they_are(make_run, random_equity, browser, tmp_path):
    trips = [(name, 10 + number, 20 + number, number - 2.5) for number, name in enumerate(HOSTILE)]
    index = pd.bdate_range("2015-01-02", periods=60)
    run = make_run(random_equity(60), HOSTILE, trips=trips, bars=price_bars(index, HOSTILE), held=0.1)
    file = tmp_path / "page.html"
    file.write_text(tearsheet(run), encoding="utf-8")
    with browser.open(file, width=1280, height=900) as page:
        page.wait_for(READY, PATIENCE)
        texts = ".plot .legendtext, .plot .yaxislayer-above text"
        shown = page.evaluate(f"[...document.querySelectorAll('{texts}')].map((text) => text.textContent)")
        assert set(HOSTILE) <= set(shown)
        with page.download(".log .csv").open(newline="", encoding="utf-8") as table:
            symbols = [row[1] for row in csv.reader(table)][1:]
        assert symbols == ["1,234", "'=1+1", *HOSTILE[3::-1]]
        assert page.messages == []
        assert page.requests == []

"""The tear sheet: a run on one page."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from quantstrats.drawing import load_matplotlib
from quantstrats.progress import stage
from quantstrats.reports.charts import holdings, returns, trading
from quantstrats.reports.charts.overview import overview
from quantstrats.reports.charts.prices import price_charts
from quantstrats.reports.daily import by_days
from quantstrats.reports.drawing import Picture, png_source, quiet
from quantstrats.reports.glossary import GLOSSARY, NOTATION
from quantstrats.reports.page.page import Page, render
from quantstrats.reports.page.section import Section
from quantstrats.reports.tables import Table, as_text, cut_text, table_of
from quantstrats.reports.times import clock_name, clock_texts
from quantstrats.reports.tradelog import trade_log
from quantstrats.runs.labels import (
    COMPARED,
    FINAL_EQUITY,
    HELD_OUT,
    RISK,
    TRADING,
    described_text,
    guard_text,
    plain_name,
    risk_free_text,
)
from quantstrats.runs.run import check_run

if TYPE_CHECKING:
    from quantstrats.reports.charts.chart import Chart
    from quantstrats.reports.daily import Daily
    from quantstrats.runs.run import Run

_HEADLINE = ("annual_return", "sharpe", "max_drawdown", "annual_volatility")
_CAVEATS = (
    "costs are modelled: commission and slippage are assumptions, not what a broker charged",
    "the benchmark is without costs",
)
_MOST_SYMBOLS, _MOST_EVENTS, _MOST_TABLE_ROWS, _MOST_FACT = 5, 100, 50, 80
# So that a page stays below 8 MB: of a signal's pictures, of its tables, of each text of provenance.
_MOST_PICTURE_BYTES, _MOST_TABLE_LETTERS, _MOST_YAML_LETTERS = 2_000_000, 300_000, 300_000
_PNG = b"\x89PNG\r\n\x1a\n"


def tearsheet(run: Run) -> Page:
    """Return a run's tear sheet: one HTML page that holds all it shows and asks no network for anything.

    It has the run's headline figures beside the benchmark's, what cannot be trusted in them, interactive charts of
    equity, prices with what was traded, returns, trading and holdings, every round trip, the figures and tables of
    pyfolio (on daily returns), what the signal wants to show, and what the run stood on. What cannot be shown for this
    run is left out, with the reason.

    Parameters
    ----------
    run : Run
        What :func:`quantstrats.backtest` returned, or a run that was loaded.

    Returns
    -------
    Page
        A text, which a notebook displays; store it with ``run.save({"tearsheet.html": tearsheet(run)})``.

    Raises
    ------
    RunError
        If it is given something else.
    """
    check_run(run, "a tear sheet")
    with stage("reading the run"):
        load_matplotlib()
        with quiet():
            import pyfolio  # noqa: F401 - whoever imports it first hears of zipline
        daily = by_days(run)
    with stage("charts"):
        sections = [
            _overview_section(run),
            _returns_section(daily),
            _prices_section(run),
            _trades_section(run, daily),
            _holdings_section(run, daily),
            _details_section(run),
            _events_section(run),
        ]
    with stage("pyfolio"):
        sections.append(_pyfolio_section(daily))
    with stage("page"):
        return render("tearsheet.html.j2", _context(run, [each for each in sections if not each.is_empty]))


def _context(run: Run, sections: list[Section]) -> dict[str, Any]:
    figures, signal, data = run.metrics, run.config["signal"], run.config["data"]
    compared = {name: (label, form) for label, name, form in COMPARED}
    label, name, form = FINAL_EQUITY
    headline = [(label, as_text(figures.get(name), form), "")]
    for name in _HEADLINE:
        label, form = compared[name]
        other = "" if run.benchmark is None else as_text(figures.get(f"benchmark_{name}"), form)
        headline.append((label, as_text(figures.get(name), form), other))
    return {
        "run_id": run.run_id,
        "signal": plain_name(signal["name"]),
        "parameters": {
            name: cut_text(described_text(value), _MOST_FACT) for name, value in signal.items() if name != "name"
        },
        "symbols": data["symbols"][:_MOST_SYMBOLS],
        "more_symbols": max(0, len(data["symbols"]) - _MOST_SYMBOLS),
        "span": f"{run.equity.index[0].date()} to {run.equity.index[-1].date()}",
        "bars": f"{len(run.equity):,} bar{'s' if len(run.equity) > 1 else ''}",
        "facts": _facts(run),
        "guard": guard_text(run.manifest),
        "start_cash": as_text(float(run.config["engine"]["cash"]), "{:z,.2f}"),
        "headline": headline,
        "caveats": [*_stops(run), *run.manifest["stamps"], *_CAVEATS[: 1 if run.benchmark is None else 2]],
        "sections": sections,
        "settings": [("Configuration", _as_yaml(run.config)), ("What it stood on", _as_yaml(run.manifest))],
        "glossary": GLOSSARY,
        "notation": NOTATION,
    }


def _facts(run: Run) -> list[tuple[str, str]]:
    """Return how the signal was traded, in a few words: what a run of an earlier version lacks is left out."""
    config = run.config
    costs, schedule = config.get("costs", {}), config.get("schedule", {})
    told = [
        ("Source", plain_name(str(config["data"].get("source", "")))),
        ("Allocation", plain_name(str(config.get("allocation", {}).get("name", "")))),
        ("Decisions", f"every {schedule['every']}, rebalance {schedule['rebalance']}" if schedule else ""),
        ("Costs", _costs(costs) if costs else ""),
        ("Risk-free rate", risk_free_text(config)),
        ("Engine", config["engine"]["name"]),
        ("Clock", clock_name(run)),
    ]
    return [(name, cut_text(text, _MOST_FACT)) for name, text in told if text]


def _costs(costs: Mapping[str, Any]) -> str:
    impact = f", impact {costs['impact']:g}" if costs.get("impact") else ""
    return f"{costs['commission_bps']:g} + {costs['slippage_bps']:g} bps{impact}"


def _stops(run: Run) -> list[str]:
    """Return when trading ended before the data did, which a flat line alone does not tell."""
    if "reason" not in run.orders:
        return []
    told = {"risk": "a limit of the risk policy was reached", "account": "nothing was left of the account"}
    return [
        f"trading ended early: {why} on {clock_texts(run, stopped['decided'])[0]}"
        for reason, why in told.items()
        if len(stopped := run.orders[run.orders["reason"] == reason])
    ]


def _overview_section(run: Run) -> Section:
    tables = [_compared(run), _figures(run, "Trading", TRADING), _figures(run, "More of returns", RISK)]
    held_out = _figures(run, "Sessions that were held out", HELD_OUT)
    if held_out.rows:
        tables.insert(1, held_out)
    return Section("overview", "At a glance", shown=[overview(run)], tables=tables)


def _figures(run: Run, title: str, labels: Iterable[tuple[str, str, str]]) -> Table:
    """Return figures by label; a run of an earlier version may lack some."""
    rows = [[label, as_text(run.metrics[name], form)] for label, name, form in labels if name in run.metrics]
    return Table(title, ["", "Strategy"], rows)


def _compared(run: Run) -> Table:
    named = [(label, name, form) for label, name, form in COMPARED if name in run.metrics]
    rows = [[label, as_text(run.metrics[name], form)] for label, name, form in named]
    if run.benchmark is None:
        return Table("Return and risk", ["", "Strategy"], rows)
    for row, (_, name, form) in zip(rows, named, strict=True):
        row.append(as_text(run.metrics.get(f"benchmark_{name}"), form))
    benchmark = str(run.config["report"]["benchmark"])
    note = f"benchmark: {'equal-weight buy and hold' if benchmark == 'equal_weight' else benchmark}"
    return Table("Return and risk", ["", "Strategy", "Benchmark"], rows, note)


def _returns_section(daily: Daily) -> Section:
    from quantstrats.reports import pyfolio_tables

    charts = [
        returns.monthly_returns(daily),
        returns.rolling(daily),
        returns.annual_returns(daily),
        returns.distribution(daily),
    ]
    worst = pyfolio_tables.drawdowns(daily)
    return Section("returns", "Returns and drawdowns", _ends(daily), [*charts], tables=[worst] if worst else [])


def _prices_section(run: Run) -> Section:
    charts = price_charts(run)
    if not charts:
        lacking = "The run keeps no bars." if run.bars is None else "A price chart needs two bars."
        return Section("prices", "Prices and trades", [lacking])
    left = len(run.config["data"]["symbols"]) - len(charts)
    notes = [f"{left:,} more symbols were traded less, or not at all."] if left else []
    return Section("prices", "Prices and trades", notes, choices=charts)


def _trades_section(run: Run, daily: Daily) -> Section:
    from quantstrats.reports import pyfolio_tables

    charts = [
        trading.round_trips_over_time(run, daily),
        trading.profit_by_symbol(run),
        trading.holding_times(run, daily),
        trading.turnover_and_costs(run),
    ]
    with quiet():
        tables = pyfolio_tables.round_trips(daily)
    return Section("trades", "Round trips and costs", shown=[*charts], tables=tables, log=trade_log(run))


def _holdings_section(run: Run, daily: Daily) -> Section:
    from quantstrats.reports import pyfolio_tables

    charts = [holdings.allocation(run), holdings.concentration(run), holdings.sectors(run)]
    with quiet():
        tables = pyfolio_tables.top_positions(daily)
    return Section("holdings", "Positions", shown=[*charts], tables=tables)


def _details_section(run: Run) -> Section:
    shown: list[Chart | Picture] = []
    spent = 0
    for name, png in run.details.pictures.items():
        if not png.startswith(_PNG):
            shown.append(Picture(name, left_out="it is no PNG picture"))
        elif spent + len(png) > _MOST_PICTURE_BYTES:
            most = f"pictures beyond {_MOST_PICTURE_BYTES:,} bytes; see the run's folder"
            shown.append(Picture(name, left_out=most))
        else:
            spent += len(png)
            shown.append(Picture(name, source=png_source(png), wide=True))
    tables, room = [], _MOST_TABLE_LETTERS
    for name, frame in run.details.tables.items():
        table = table_of(frame, name, most_rows=_MOST_TABLE_ROWS)
        room -= sum(len(cell) for row in table.rows for cell in row)
        if room >= 0:
            tables.append(table)
        else:
            shown.append(Picture(name, left_out="tables beyond what a page can hold; see the run's folder"))
    name = plain_name(run.config["signal"]["name"])
    return Section("signal", f"Signal {name}", shown=shown, tables=tables)


def _events_section(run: Run) -> Section:
    refused = run.orders[run.orders["status"].isin(["Margin", "Rejected"])]
    if len(refused):
        refused = refused.assign(decided=clock_texts(run, refused["decided"]))
    tables = [
        _first(
            "Refused orders",
            ["Order", "Decided", "Symbol", "Size", "Filled", "Reason"],
            (
                [as_text(number), *(as_text(row[name]) for name in ("decided", "symbol", "size", "filled", "status"))]
                for number, row in refused.head(_MOST_EVENTS).iterrows()
            ),
            len(refused),
        ),
        _first("Events and warnings", ["", "What happened"], _numbered(run.warnings), len(run.warnings)),
    ]
    return Section("events", "Orders refused, events", tables=[table for table in tables if table.rows])


def _numbered(lines: list[str]) -> Iterable[list[str]]:
    return ([str(number), cut_text(line)] for number, line in enumerate(lines[:_MOST_EVENTS], start=1))


def _first(title: str, columns: list[str], rows: Iterable[list[str]], total: int) -> Table:
    note = f"the first {_MOST_EVENTS:,} of {total:,}" if total > _MOST_EVENTS else ""
    return Table(title, columns, [*rows], note, prose=True)


def _pyfolio_section(daily: Daily) -> Section:
    from quantstrats.reports import pyfolio_figures, pyfolio_tables
    from quantstrats.reports.drawing import pictures

    with stage("tables"), quiet():
        performance = pyfolio_tables.performance(daily)
    with stage("figures"):
        with quiet():
            drawings = [
                *pyfolio_figures.returns_figures(daily),
                *pyfolio_figures.position_figures(daily),
                *pyfolio_figures.transaction_figures(daily),
                *pyfolio_figures.round_trip_figures(daily),
            ]
        drawn = pictures(drawings)
    return Section("pyfolio", "pyfolio", _ends(daily), [*drawn], tables=[performance])


def _ends(daily: Daily) -> list[str]:
    return [] if daily.gone is None else [f"The account was gone on {daily.gone.date()}: these figures end there."]


def _as_yaml(settings: Mapping[str, Any]) -> str:
    import yaml

    text = yaml.safe_dump(dict(settings), sort_keys=False, allow_unicode=True, width=100)
    return cut_text(text, _MOST_YAML_LETTERS)

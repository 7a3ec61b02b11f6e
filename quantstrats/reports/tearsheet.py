"""The tear sheet: a run on one page."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from quantstrats.reports.drawing import Drawing, Picture, pictures, png_source, quiet
from quantstrats.reports.tables import Form, Table, as_text, table_of
from quantstrats.runs.labels import COMPARED, FINAL_EQUITY, TRADING, described_text, guard_text, plain_name

if TYPE_CHECKING:
    from quantstrats.reports.daily import Daily
    from quantstrats.runs.run import Run

_HEADLINE = (FINAL_EQUITY, COMPARED[1], COMPARED[3], COMPARED[5])
_CAVEATS = (
    "Costs are modelled: commission and slippage are assumptions, not what a broker charged.",
    "The benchmark is without costs.",
)
_MOST_SYMBOLS, _MOST_WARNINGS, _MOST_TRADES, _MOST_TABLE_ROWS = 5, 20, 20, 50
_MOST_PICTURE_BYTES = 3_000_000  # a page that a browser opens at once
_PNG = b"\x89PNG\r\n\x1a\n"


@dataclass(frozen=True)
class _Section:
    """A part of the page: pictures and tables under a heading."""

    title: str
    pictures: list[Picture] = field(default_factory=list)
    tables: list[Table] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    @property
    def drawn(self) -> list[Picture]:
        return [picture for picture in self.pictures if picture.source]

    @property
    def left_out(self) -> list[Picture]:
        return [picture for picture in self.pictures if picture.left_out]


def tearsheet(run: Run) -> str:
    """Return a run's tear sheet: one HTML page that holds all it shows and asks no network for anything.

    It has the run's headline figures, what cannot be trusted in them, the figures and tables of pyfolio (on daily
    returns), what the signal wants to show, and what the run stood on. What cannot be drawn for this run is left
    out, with the reason.

    Parameters
    ----------
    run : Run
        What :func:`quantstrats.backtest` returned, or a run that was loaded.

    Returns
    -------
    str
        The page; store it with ``run.save({"tearsheet.html": tearsheet(run)})``.
    """
    import jinja2

    loader = jinja2.FileSystemLoader(Path(__file__).parent)
    pages = jinja2.Environment(loader=loader, autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True)
    return pages.get_template("tearsheet.html.j2").render(_context(run))


def _context(run: Run) -> dict[str, Any]:
    from quantstrats.reports.daily import by_days

    figures, signal, data = run.metrics, run.config["signal"], run.config["data"]
    with quiet():
        import pyfolio  # noqa: F401 - whoever imports it first hears of zipline
    daily = by_days(run)
    warnings = [line["message"] for line in run.log if line["level"] == "warning"]
    return {
        "run_id": run.run_id,
        "signal": plain_name(signal["name"]),
        "parameters": {name: described_text(value) for name, value in signal.items() if name != "name"},
        "symbols": data["symbols"][:_MOST_SYMBOLS],
        "more_symbols": max(0, len(data["symbols"]) - _MOST_SYMBOLS),
        "span": f"{figures['start']} to {figures['end']}",
        "bars": f"{figures['bars']:,}",
        "engine": run.config["engine"]["name"],
        "guard": guard_text(run.manifest),
        "start_cash": as_text(figures["start_cash"], "{:z,.2f}"),
        "headline": [(label, as_text(figures[name], form)) for label, name, form in _HEADLINE],
        "compared": _compared(run),
        "trading": Table("Trading", ["", "Strategy"], [[label, as_text(figures[n], f)] for label, n, f in TRADING]),
        "caveats": [*run.manifest["stamps"], *_CAVEATS[: 1 if run.benchmark is None else 2]],
        "warnings": warnings[:_MOST_WARNINGS],
        "more_warnings": max(0, len(warnings) - _MOST_WARNINGS),
        "sections": [*_pyfolio_sections(daily), _trades_section(run), _details_section(run)],
        "settings": [("Configuration", _as_yaml(run.config)), ("What it stood on", _as_yaml(run.manifest))],
    }


def _compared(run: Run) -> Table:
    rows = [[label, as_text(run.metrics[name], form)] for label, name, form in COMPARED]
    if run.benchmark is None:
        return Table("Return and risk", ["", "Strategy"], rows)
    for row, (_, name, form) in zip(rows, COMPARED, strict=True):
        row.append(as_text(run.metrics[f"benchmark_{name}"], form))
    benchmark = str(run.config["report"]["benchmark"])
    note = f"benchmark: {'equal-weight buy and hold' if benchmark == 'equal_weight' else benchmark}"
    return Table("Return and risk", ["", "Strategy", "Benchmark"], rows, note)


def _pyfolio_sections(daily: Daily) -> list[_Section]:
    from quantstrats.reports import pyfolio_figures, pyfolio_tables

    with quiet():
        performance, drawdowns = pyfolio_tables.performance(daily), pyfolio_tables.drawdowns(daily)
        positions, round_trips = pyfolio_tables.top_positions(daily), pyfolio_tables.round_trips(daily)
        drawings: list[list[Drawing]] = [
            pyfolio_figures.returns_figures(daily),
            pyfolio_figures.position_figures(daily),
            pyfolio_figures.transaction_figures(daily),
            pyfolio_figures.round_trip_figures(daily),
        ]
    returns, held, traded, tripped = (pictures(group) for group in drawings)
    gone = [] if daily.gone is None else [f"The account was gone on {daily.gone.date()}: these figures end there."]
    return [
        _Section("Returns", returns, [performance, *([drawdowns] if drawdowns else [])], gone),
        _Section("Positions", held, positions),
        _Section("Transactions", traded),
        _Section("Round trips", tripped, round_trips),
    ]


def _trades_section(run: Run) -> _Section:
    if run.trades.empty:
        return _Section("Last round trips", notes=["No round trip has ended."])
    amount = "{:z,.2f}"
    named = {
        "symbol": "Symbol",
        "side": "Side",
        "opened": "Opened",
        "closed": "Closed",
        "bars": "Bars",
        "pnl": "Profit",
        "commission": "Commission",
        "pnl_net": "Net profit",
    }
    forms: Mapping[str, Form] = {"Bars": "{:,}", "Profit": amount, "Commission": amount, "Net profit": amount}
    last = run.trades[list(named)].rename(columns=named).iloc[::-1].head(_MOST_TRADES)
    last.index = last.index + 1
    title = f"The last {len(last)} of {len(run.trades):,}"
    return _Section("Last round trips", tables=[table_of(last, title, forms=forms)])


def _details_section(run: Run) -> _Section:
    from quantstrats.reports.details_figures import overlay_figures

    shown, spent = pictures(overlay_figures(run)), 0
    for name, png in run.details.pictures.items():
        if not png.startswith(_PNG):
            shown.append(Picture(name, left_out="it is no PNG picture"))
        elif spent + len(png) > _MOST_PICTURE_BYTES:
            shown.append(
                Picture(name, left_out=f"pictures beyond {_MOST_PICTURE_BYTES / 1e6:.0f} MB; see the run's folder")
            )
        else:
            spent += len(png)
            shown.append(Picture(name, source=png_source(png), wide=True))
    tables = [table_of(frame, name, most_rows=_MOST_TABLE_ROWS) for name, frame in run.details.tables.items()]
    return _Section(f"Signal {plain_name(run.config['signal']['name'])}", shown, tables)


def _as_yaml(settings: Mapping[str, Any]) -> str:
    import yaml

    return yaml.safe_dump(dict(settings), sort_keys=False, allow_unicode=True, width=100)

"""``quantstrats data fetch``: ask a vendor for bars, or for a series beside them, and keep them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Annotated, Any

import typer

from quantstrats.cli.data import options

if TYPE_CHECKING:
    from quantstrats.market.cache.barfile import BarFacts
    from quantstrats.market.side import SideSeries
    from quantstrats.market.sources.beside import SidePlan
    from quantstrats.market.sources.remote import RemoteSource
    from quantstrats.market.symbols import SymbolList
    from quantstrats.plugins import Plugins
    from quantstrats.settings.data import DataAsked

_LATE = 10  # days


def fetch(
    source: Annotated[
        str | None,
        typer.Argument(
            metavar="SOURCE",
            help="Whom to ask: yahoo, alpaca, fred, sec, or another's source; may be left out if --config says it.",
        ),
    ] = None,
    config: options.Config = None,
    symbols: options.Symbols = None,
    start: options.Start = None,
    end: options.End = None,
    interval: options.Interval = None,
    assignments: options.Assignments = None,
    refresh: Annotated[
        bool, typer.Option("--refresh", help="Ask again for all of it, and report what differs from what was kept.")
    ] = False,
    as_json: options.AsJson = False,
) -> None:
    """Ask a vendor for bars, or for a series beside them, and keep them in logs/cache.

    Only what is missing is asked for. Each symbol is kept as soon as it is there: after an interruption the same
    command goes on. With --config, the side series that it names are fetched too. It leaves with 1 if something is
    missing in the end.
    """
    from quantstrats.cli.progress import progress_line
    from quantstrats.cli.strangers import installed_plugins, printed_aside
    from quantstrats.errors import ConfigError

    if source is None and config is None:
        raise ConfigError("nobody is named to ask; give a source, as in quantstrats data fetch yahoo, or --config FILE")
    asked = options.asked_of(
        config, assignments, source=source, symbols=symbols, start=start, end=end, interval=interval
    )
    with progress_line(), printed_aside():
        told = _fetched(asked, installed_plugins(), refresh)
    if as_json:
        from quantstrats.cli.texts import print_json

        print_json(told.plain)
    else:
        typer.echo("\n".join(told.lines))
    if not told.complete:
        raise typer.Exit(1)


@dataclass(frozen=True)
class _Told:
    """What is told of what was fetched: in lines, as plain data, and whether all of it is there."""

    lines: list[str]
    plain: dict[str, Any]
    complete: bool = True


def _fetched(asked: DataAsked, plugins: Plugins, refresh: bool) -> _Told:
    """Fetch what a configuration asks for: bars or a series, and the series beside them."""
    from quantstrats.errors import ConfigError
    from quantstrats.market.sources.base import SideSource
    from quantstrats.market.sources.remote import RemoteSource

    made = asked.made_source(plugins)
    plans = asked.side_plans(plugins)
    if isinstance(made, RemoteSource):
        bars = _bars(made, asked, refresh)
    elif isinstance(made, SideSource):
        bars = _series(made.name, made.load_side, asked)
    elif plans:
        bars = _Told([f"source {made.name!r} is not asked over a network"], {})
    else:
        raise ConfigError(f"source {made.name!r} is not asked over a network; there is nothing to fetch")
    beside = {name: _beside(name, plan, asked) for name, plan in plans.items()}
    lines = [*bars.lines, *(line for each in beside.values() for line in each.lines)]
    plain = {**bars.plain, **({"side": {name: each.plain for name, each in beside.items()}} if beside else {})}
    return _Told(lines, plain, all(each.complete for each in (bars, *beside.values())))


def _beside(name: str, plan: SidePlan, asked: DataAsked) -> _Told:
    """Fetch a side series of a configuration; one that cannot be had keeps nobody from what else was fetched."""
    from quantstrats.errors import DataError

    def load(symbols: Sequence[str], first: date | None, last: date | None) -> SideSeries:
        return plan.load(symbols, first, last).series

    try:
        return _series(f"data.side.{name}", load, asked)
    except DataError as error:
        return _Told([f"missing: {error}"], {"reason": str(error)}, complete=False)


def _bars(source: RemoteSource, asked: DataAsked, refresh: bool) -> _Told:
    from quantstrats.errors import ConfigError
    from quantstrats.loading import span_asked
    from quantstrats.market.cache.barfile import read_bar_facts
    from quantstrats.market.cache.cache import BarCache
    from quantstrats.market.cache.report import named
    from quantstrats.market.cache.update import fetch as fetched
    from quantstrats.market.symbols import symbols_of

    if asked.data.symbols is None:
        raise ConfigError("no symbols are named; give --symbols, as in --symbols SPY,TLT or --symbols @my_list.txt")
    wanted = symbols_of(asked.data.symbols)
    first, last = span_asked(asked.data.start, asked.data.end)
    report = fetched(source, wanted.symbols, first, last, refresh=refresh)
    cache, there = BarCache(), [each.symbol for each in report.outcomes if each not in report.missing]
    facts = {symbol: read_bar_facts(cache.file(source, symbol), symbol) for symbol in there}
    behind = _behind(source, facts) if last is None else {}
    late = _late(facts, first)
    lines = [*_listed(wanted), report.as_text()]
    if late:
        lines.append(f"begin later than asked: {named(f'{symbol} ({day})' for symbol, day in late.items())}")
    if behind:
        lines.append(f"behind the exchange: {named(f'{symbol} (last bar {day})' for symbol, day in behind.items())}")
    plain = {"symbols": _plain(wanted), **report.as_plain(), "late": late, "behind": behind}
    return _Told(lines, plain, not report.missing)


def _late(facts: Mapping[str, BarFacts], first: date | None) -> dict[str, str]:
    """Return the symbols whose bars begin more than some days after the first that was asked for, with that day."""
    starts = {symbol: known.first_bar.date() for symbol, known in facts.items() if known.first_bar is not None}
    if first is None:
        return {}
    return {symbol: str(day) for symbol, day in starts.items() if (day - first).days > _LATE}


def _behind(source: RemoteSource, facts: Mapping[str, BarFacts]) -> dict[str, str]:
    """Return the symbols whose bars do not reach the last session that is over, each with its last one's date."""
    import pandas as pd

    from quantstrats.market.calendar import Calendar
    from quantstrats.market.quality.freshness import stale_symbols

    last_bars = {symbol: known.last_bar for symbol, known in facts.items()}
    stale = stale_symbols(last_bars, Calendar(source.calendar), pd.Timestamp.now("UTC") - source.settling)
    days = ["never" if pd.isna(day) else str(day.date()) for day in stale["last"]]
    return dict(zip(stale["symbol"], days, strict=True))


def _series(name: str, load: Callable[..., SideSeries], asked: DataAsked) -> _Told:
    """Fetch a side series; what its source warns of is told with it."""
    import warnings

    from quantstrats.loading import span_asked
    from quantstrats.market.cache.report import named
    from quantstrats.market.symbols import symbols_of

    symbols = () if asked.data.symbols is None else symbols_of(asked.data.symbols).symbols
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        series = load(symbols, *span_asked(asked.data.start, asked.data.end))
    values, known = series.values, series.known_at
    facts: dict[str, Any] = {"values": len(values)}
    told = [f"{name}: {len(values):,} values"]
    if not isinstance(known, str) and len(known):
        facts |= {"first_known": known.min().isoformat(), "last_known": known.max().isoformat()}
        told.append(f"known from {known.min().date()} to {known.max().date()} (UTC)")
    there = _symbols_in(series)
    missing = [] if there is None else [symbol for symbol in symbols if symbol not in there]
    if there is not None:
        told.append(f"of {len(there):,} symbols")
    if missing:
        told.append(f"none of {named(missing)}")
    notes = [f"! {warning.message}" for warning in warned]
    return _Told([", ".join(told), *notes], {**facts, "missing": missing}, not missing)


def _symbols_in(series: SideSeries) -> set[str] | None:
    """Return the symbols that a series has values of; None for one that is of no symbol."""
    import pandas as pd

    if isinstance(series.values, pd.DataFrame):
        return {str(symbol) for symbol, column in series.values.items() if column.notna().any()}
    return set(map(str, series.values.dropna().index)) if series.is_assumed else None


def _listed(wanted: SymbolList) -> list[str]:
    """Say where a list of symbols comes from, if they were not named one by one."""
    if wanted.basis != "todays_list":
        return []
    return [
        f"{len(wanted.symbols)} symbols of {wanted.origin}, as of {wanted.date}: today's list, survivors alone",
        f"  from {wanted.address}",
    ]


def _plain(wanted: SymbolList) -> dict[str, Any]:
    return {
        "count": len(wanted.symbols),
        "basis": wanted.basis,
        "origin": wanted.origin,
        "date": wanted.date,
        "address": wanted.address,
    }

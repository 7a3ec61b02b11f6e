"""``quantstrats data fetch``: ask a vendor for bars, or for a series beside them, and keep them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from quantstrats.cli.data import options

if TYPE_CHECKING:
    from quantstrats.market.cache.report import FetchReport
    from quantstrats.market.sources.base import SideSource
    from quantstrats.market.sources.remote import RemoteSource
    from quantstrats.market.symbols import SymbolList
    from quantstrats.settings.data import DataAsked


def fetch(
    source: Annotated[
        str, typer.Argument(metavar="SOURCE", help="Whom to ask: yahoo, alpaca, fred, sec, or another's source.")
    ],
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
    command goes on. It leaves with 1 if something is missing in the end.
    """
    from quantstrats.cli.progress import progress_line
    from quantstrats.cli.strangers import installed_plugins, printed_aside
    from quantstrats.errors import ConfigError
    from quantstrats.market.sources.base import SideSource
    from quantstrats.market.sources.remote import RemoteSource

    asked = options.asked_of(None, assignments, source=source, symbols=symbols, start=start, end=end, interval=interval)
    with progress_line(), printed_aside():
        made = asked.made_source(installed_plugins())
        if isinstance(made, RemoteSource):
            told, plain, complete = _bars(made, asked, refresh)
        elif isinstance(made, SideSource):
            told, plain, complete = _series(made, asked)
        else:
            raise ConfigError(f"source {source!r} is not asked over a network; there is nothing to fetch")
    if as_json:
        from quantstrats.cli.texts import print_json

        print_json(plain)
    else:
        typer.echo(told)
    if not complete:
        raise typer.Exit(1)


def _bars(source: RemoteSource, asked: DataAsked, refresh: bool) -> tuple[str, dict[str, Any], bool]:
    """Fetch bars; return what is told of it, the same as plain data, and whether all is there."""
    from quantstrats.errors import ConfigError
    from quantstrats.loading import day_asked
    from quantstrats.market.cache.report import named
    from quantstrats.market.cache.update import fetch as fetched
    from quantstrats.market.symbols import symbols_of

    if asked.data.symbols is None:
        raise ConfigError("no symbols are named; give --symbols, as in --symbols SPY,TLT or --symbols @my_list.txt")
    wanted = symbols_of(asked.data.symbols)
    first, last = day_asked(asked.data.start, "start"), day_asked(asked.data.end, "end")
    report = fetched(source, wanted.symbols, first, last, refresh=refresh)
    behind = _behind(source, report) if last is None else {}
    lines = [*_listed(wanted), report.as_text()]
    if behind:
        lines.append(f"behind the exchange: {named(f'{symbol} (last bar {day})' for symbol, day in behind.items())}")
    plain = {"symbols": _plain(wanted), **report.as_plain(), "behind": behind}
    return "\n".join(lines), plain, not report.missing


def _behind(source: RemoteSource, report: FetchReport) -> dict[str, str]:
    """Return the symbols whose bars do not reach the last session that is over, each with its last one's date."""
    import pandas as pd

    from quantstrats.market.cache.barfile import read_bar_facts
    from quantstrats.market.cache.cache import BarCache
    from quantstrats.market.calendar import Calendar
    from quantstrats.market.quality.freshness import stale_symbols

    cache, there = BarCache(), [each.symbol for each in report.outcomes if each not in report.missing]
    last_bars = {symbol: read_bar_facts(cache.file(source, symbol), symbol).last_bar for symbol in there}
    now = pd.Timestamp.now("UTC") - source.settling
    stale = stale_symbols(last_bars, Calendar(source.calendar), now)
    days = ["never" if pd.isna(day) else str(day.date()) for day in stale["last"]]
    return dict(zip(stale["symbol"], days, strict=True))


def _series(source: SideSource, asked: DataAsked) -> tuple[str, dict[str, Any], bool]:
    from quantstrats.loading import day_asked
    from quantstrats.market.symbols import symbols_of

    symbols = () if asked.data.symbols is None else symbols_of(asked.data.symbols).symbols
    series = source.load_side(symbols, day_asked(asked.data.start, "start"), day_asked(asked.data.end, "end"))
    values, known = series.values, series.known_at
    facts = {"source": source.name, "values": len(values)}
    told = [f"{source.name}: {len(values):,} values"]
    if not isinstance(known, str) and len(known):
        facts |= {"first_known": known.min().isoformat(), "last_known": known.max().isoformat()}
        told.append(f"known from {known.min().date()} to {known.max().date()} (UTC)")
    columns = list(map(str, getattr(values, "columns", [])))
    missing = [symbol for symbol in symbols if symbol not in columns or values[symbol].isna().all()] if columns else []
    if columns:
        told.append(f"of {len(columns) - len(set(missing) & set(columns)):,} symbols")
    text = ", ".join(told)
    if missing:
        text += f"\nnothing of {', '.join(missing[:10])}{f' and {len(missing) - 10} more' if len(missing) > 10 else ''}"
    return text, {**facts, "missing": missing}, not missing


def _listed(wanted: SymbolList) -> list[str]:
    """Say where a list of symbols comes from, if they were not named one by one."""
    if wanted.basis != "todays_list":
        return []
    return [f"{len(wanted.symbols)} symbols of {wanted.origin}, as of {wanted.date}: today's list, survivors alone"]


def _plain(wanted: SymbolList) -> dict[str, Any]:
    return {"count": len(wanted.symbols), "basis": wanted.basis, "origin": wanted.origin, "date": wanted.date}

"""``quantstrats data screen``: symbols judged by the rules of a universe, as of a day."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from quantstrats.cli.data import options

if TYPE_CHECKING:
    import pandas as pd

_SHOWN = 40


def screen(
    config: options.Config = None,
    source: options.Source = None,
    symbols: options.Symbols = None,
    start: options.Start = None,
    end: options.End = None,
    assignments: options.Assignments = None,
    date: Annotated[
        str | None, typer.Option(metavar="DATE", help="The session as of which they are judged (default: the last).")
    ] = None,
    every: Annotated[bool, typer.Option("--all", help="List those that are outside as well.")] = False,
    offline: options.Offline = False,
    as_json: options.AsJson = False,
) -> None:
    """Judge symbols by the rules of a universe, as they were known on a day.

    The rules are those of the block universe: --set universe.top=5 --set universe.by=volatility.
    """
    import textwrap

    from quantstrats.assembly import universe_stamp
    from quantstrats.cli.progress import progress_line
    from quantstrats.cli.strangers import installed_plugins, printed_aside
    from quantstrats.market.screen import screen as screened

    asked = options.asked_of(config, assignments, source=source, symbols=symbols, start=start, end=end, offline=offline)
    with progress_line(), printed_aside():
        market = asked.load(installed_plugins())
        table = screened(asked.universe, market, date)
        table["volatility"] *= market.bars_per_year**0.5
    stamp = universe_stamp(asked.universe, market)
    day = str(market.session[-1].date()) if date is None else date
    if as_json:
        from quantstrats.cli.texts import print_json

        print_json({"date": day, "stamp": stamp, "symbols": [_plain(symbol, row) for symbol, row in table.iterrows()]})
        return
    typer.echo("\n".join(_lines(table, day, every)))
    typer.echo(textwrap.fill(f"! {stamp}", 80, subsequent_indent="  "))


def _lines(table: pd.DataFrame, day: str, every: bool) -> list[str]:
    from quantstrats.cli.texts import count

    inside = table[table["inside"]]
    shown = table if every else inside
    lines = [f"{len(inside)} of {count(len(table), 'symbol')} inside the universe on {day}"]
    if len(shown):
        lines.append(f"{'':<10}{'':>13}{'dollar volume':>22}{'volatility':>12}  sector or")
        lines.append(f"{'symbol':<10}{'close':>13}{'a bar':>22}{'a year':>12}  rule that fails")
    for symbol, row in list(shown.iterrows())[: None if every else _SHOWN]:
        why = (str(row["sector"]) if row["sector"] == row["sector"] else "") if row["inside"] else f"! {row['fails']}"
        numbers = f" {_number(row['close'], ',.2f'):>12} {_number(row['dollar_volume'], ',.0f'):>21}"
        lines.append(f"{symbol!s:<10}{numbers}{_number(row['volatility'], '.2%'):>12}  {why}"[:80].rstrip())
    if not every and len(shown) > _SHOWN:
        lines.append(f"and {len(shown) - _SHOWN} more (--all lists every symbol)")
    return lines


def _number(value: float, form: str) -> str:
    return format(value, form) if value == value else "-"


def _plain(symbol: Any, row: pd.Series) -> dict[str, Any]:
    numbers = {
        name: float(row[name]) if row[name] == row[name] else None for name in ("close", "dollar_volume", "volatility")
    }
    sector = row["sector"] if row["sector"] == row["sector"] else None
    return {"symbol": str(symbol), "inside": bool(row["inside"]), **numbers, "sector": sector, "fails": row["fails"]}

"""``quantstrats backtest``: one signal, one market, one run."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer


def backtest(
    plugin: Annotated[
        str, typer.Argument(metavar="PLUGIN", help="Name of an installed signal; 'quantstrats plugins' lists all.")
    ],
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="BLOCK.KEY=VALUE", help="A setting, as in signal.fast=10; may be repeated."),
    ] = None,
    data: Annotated[str | None, typer.Option(metavar="SOURCE", help="Source of the bars (default: sample).")] = None,
    symbols: Annotated[str | None, typer.Option(metavar="A,B", help="Symbols, separated by commas.")] = None,
    start: Annotated[str | None, typer.Option(metavar="DATE", help="First session, as in 2015-01-31.")] = None,
    end: Annotated[str | None, typer.Option(metavar="DATE", help="Last session.")] = None,
    cash: Annotated[float | None, typer.Option(metavar="AMOUNT", help="Cash to start with (default: 100000).")] = None,
    benchmark: Annotated[
        str | None, typer.Option(metavar="NAME", help="equal_weight, a symbol, or none (default: the first).")
    ] = None,
    no_tearsheet: Annotated[bool, typer.Option("--no-tearsheet", help="Leave the tear sheet out.")] = False,
) -> None:
    """Backtest a signal, print a summary, and store the run with its tear sheet."""
    from quantstrats.cli.settings import load, read_blocks, run
    from quantstrats.plugins import Plugins
    from quantstrats.reports.summary import summary

    flags = {
        "data.source": data,
        "data.symbols": symbols,
        "data.start": start,
        "data.end": end,
        "engine.cash": cash,
        "report.benchmark": benchmark,
    }
    blocks = read_blocks(settings or [], flags)
    plugins = Plugins.installed()
    plugins.signal(plugin)  # an unknown name is told before any bar is loaded
    finished = run(plugin, blocks, load(blocks, plugins), plugins)
    files = {}
    if not no_tearsheet:
        from quantstrats.reports.tearsheet import tearsheet

        files["tearsheet.html"] = tearsheet(finished)
    folder = finished.save(files)
    typer.echo(summary(finished))
    typer.echo(f"\nRun         {_shown(folder)}")
    if files:
        typer.echo(f"Tear sheet  {_shown(folder / 'tearsheet.html')}")


def _shown(path: Path) -> str:
    """Return the path from here, where that is shorter."""
    return min(str(path), os.path.relpath(path), key=len)

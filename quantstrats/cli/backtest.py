"""``quantstrats backtest``: one signal, one market, one run."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from quantstrats.runs.run import Run

TEARSHEET = "tearsheet.html"


def backtest(
    plugin: Annotated[
        str | None,
        typer.Argument(
            metavar="PLUGIN",
            help="An installed signal by name ('quantstrats plugins' lists all), or a file with one, as in "
            "./my_signal.py; may be left out if the configuration names it.",
        ),
    ] = None,
    config: Annotated[
        Path | None, typer.Option("--config", metavar="FILE", help="A configuration in YAML; see configs/example.yaml.")
    ] = None,
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="BLOCK.KEY=VALUE", help="A setting, as in signal.fast=10; may be repeated."),
    ] = None,
    data: Annotated[str | None, typer.Option(metavar="SOURCE", help="Source of the bars (default: sample).")] = None,
    symbols: Annotated[
        str | None,
        typer.Option(metavar="A,B", help="Symbols with commas; or @FILE with one a line, or sp500, today's list."),
    ] = None,
    start: Annotated[str | None, typer.Option(metavar="DATE", help="First session, as in 2015-01-31.")] = None,
    end: Annotated[str | None, typer.Option(metavar="DATE", help="Last session.")] = None,
    cash: Annotated[str | None, typer.Option(metavar="AMOUNT", help="Cash to start with (default: 100000).")] = None,
    engine: Annotated[str | None, typer.Option(metavar="NAME", help="What executes (default: backtrader).")] = None,
    benchmark: Annotated[
        str | None, typer.Option(metavar="NAME", help="equal_weight, a symbol, or none (default: the first).")
    ] = None,
    guard: Annotated[
        str | None,
        typer.Option(metavar="full|sampled|off", help="How much is done to find look-ahead (default: sampled)."),
    ] = None,
    offline: Annotated[bool, typer.Option("--offline", help="Ask no vendor for bars: use what is kept.")] = False,
    open_holdout: Annotated[
        bool, typer.Option("--open-holdout", help="Run on what data.holdout holds out too; each time is counted.")
    ] = False,
    out: Annotated[
        Path | None, typer.Option("--out", metavar="DIR", help="Put the run's folder there (default: logs/runs).")
    ] = None,
    no_tearsheet: Annotated[bool, typer.Option("--no-tearsheet", help="Leave the tear sheet out.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object instead of the summary.")] = False,
) -> None:
    """Backtest a signal, print a summary, and store the run with its tear sheet."""
    from quantstrats.cli.progress import progress_line
    from quantstrats.cli.strangers import printed_aside

    flags = {
        "signal.name": plugin,
        "data.source": data,
        "data.symbols": symbols,
        "data.start": start,
        "data.end": end,
        "data.offline": True if offline else None,
        "data.open_holdout": True if open_holdout else None,
        "engine.name": engine,
        "engine.cash": cash,
        "engine.guard": guard,
        "report.benchmark": benchmark,
        "report.tearsheet": False if no_tearsheet else None,
    }
    _refuse_unwritable(out)
    with progress_line(), printed_aside():
        run, folder, files = _stored(config, settings or [], flags, out)
        told = _as_json(run, folder, files) if as_json else _as_text(run, folder, files)
    typer.echo(told)


def _refuse_unwritable(out: Path | None) -> None:
    """Refuse at once a place that takes no folder, rather than after the run; whether it does, only trying tells."""
    import tempfile

    from quantstrats.errors import ConfigError

    if out is None:
        return
    place = next(each for each in (out, *out.absolute().parents) if each.exists())
    if not place.is_dir():
        raise ConfigError(f"--out {out}: {place} is a file; give a folder")
    try:
        with tempfile.TemporaryDirectory(prefix=".", dir=place):
            pass
    except OSError as error:
        raise ConfigError(f"--out {out}: {place} cannot be written ({error.strerror}); give another folder") from None


def _stored(
    config: Path | None, settings: list[str], flags: Mapping[str, object], out: Path | None
) -> tuple[Run, Path, list[str]]:
    """Run what is asked for and store it; return the run, its folder, and the names of its further files."""
    from quantstrats.api import backtest_settings
    from quantstrats.cli.strangers import installed_plugins
    from quantstrats.progress import stage
    from quantstrats.settings.settings import read_settings
    from quantstrats.warned import Warned, listening

    wanted = read_settings(config, settings, flags)
    with listening(Warned()):  # to the imports too, so that the run's log has what they warn of
        run = backtest_settings(wanted, plugins=installed_plugins())
    files = {}
    if wanted.report.tearsheet:
        from quantstrats.reports.tearsheet import tearsheet

        with stage("tear sheet"):
            files[TEARSHEET] = tearsheet(run)
    with stage("saving"):
        return run, run.save(files, folder=out), list(files)


def _as_text(run: Run, folder: Path, files: list[str]) -> str:
    from quantstrats.cli.texts import path_in_short
    from quantstrats.runs.summary import summary

    lines = [summary(run), "", f"Run         {path_in_short(folder)}"]
    return "\n".join([*lines, *(f"Tear sheet  {path_in_short(folder / file)}" for file in files)])


def _as_json(run: Run, folder: Path, files: list[str]) -> str:
    """Return what a program wants to know of the run, as strict JSON."""
    import json
    import math

    undefined = {name: None for name, value in run.metrics.items() if isinstance(value, float) and math.isnan(value)}
    told = {
        "run_id": run.run_id,
        "folder": str(folder.absolute()),
        "tearsheet": str((folder / TEARSHEET).absolute()) if TEARSHEET in files else None,
        "metrics": {**run.metrics, **undefined},
        "guard": run.manifest.get("guard"),
        "stamps": run.manifest["stamps"],
        "warnings": run.warnings,
    }
    return json.dumps(told, indent=2, allow_nan=False)

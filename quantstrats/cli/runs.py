"""``quantstrats runs``: the stored runs, newest first; ``rm`` and ``prune`` remove some."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from datetime import timedelta

    from quantstrats.runs.stored import StoredRun

_SHOWN = 20

runs_app = typer.Typer(rich_markup_mode=None, no_args_is_help=False)


@runs_app.callback(invoke_without_command=True)
def runs(
    context: typer.Context,
    folder: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Folder of runs, as given to --out (default: logs/runs).")
    ] = None,
    limit: Annotated[
        int | None, typer.Option(min=0, metavar="N", help=f"List the newest N (default: {_SHOWN}; 0: all).")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print all as JSON.")] = False,
) -> None:
    """List the stored runs, newest first; 'rm' and 'prune' remove some."""
    context.obj = folder
    if context.invoked_subcommand:
        return
    from quantstrats.cli.texts import count, print_json
    from quantstrats.runs.stored import runs_folder, stored_runs

    found = stored_runs(folder)
    shown = found[: limit or None] if limit is not None or as_json else found[:_SHOWN]
    if as_json:
        print_json([_plain(run) for run in shown])
        return
    if not found:
        typer.echo(f"no stored runs in {folder or runs_folder()}")
        return
    typer.echo(f"{'run':<52}{'return':>11}{'Sharpe':>8}  {'guard'}")
    for run in shown:
        _list(run)
    if len(found) > len(shown):
        typer.echo(f"and {count(len(found) - len(shown), 'older run')} (--limit 0 lists all)")


@runs_app.command("rm")
def remove(
    context: typer.Context,
    ids: Annotated[
        list[str],
        typer.Argument(metavar="ID...", help="Runs, by id or its unambiguous beginning; with --folder, the whole id."),
    ],
) -> None:
    """Remove runs; their rows in the ledger stay. Where one of them is unknown, none is removed."""
    from quantstrats.errors import RunNotFoundError
    from quantstrats.runs.stored import find_run_folders, remove_run

    try:
        folders = find_run_folders(ids, context.obj)
    except RunNotFoundError as error:
        raise RunNotFoundError(f"{error}; nothing was removed") from error
    for folder in folders:
        remove_run(folder)
        typer.echo(f"removed {folder.name}")


@runs_app.command()
def prune(
    context: typer.Context,
    keep: Annotated[int | None, typer.Option(min=0, metavar="N", help="Remove runs, but keep the newest N.")] = None,
    older_than: Annotated[
        float | None,
        typer.Option(min=0.0, metavar="DAYS", help="Remove runs that began, and fits last used, over DAYS ago."),
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be removed, and remove nothing.")] = False,
) -> None:
    """Remove what killed processes left; and old runs and fits, if asked. With both options, a run must fit both.

    Fits (logs/fits) are left alone where --folder names another folder of runs.
    """
    from datetime import timedelta

    from quantstrats.atomic import clear_leftovers
    from quantstrats.cli.texts import count
    from quantstrats.runs.stored import removable, remove_run, runs_folder, stored_runs

    parent = context.obj or runs_folder()
    age = None if older_than is None else timedelta(days=older_than)
    leftovers = clear_leftovers(parent, dry_run=dry_run)
    old = removable(stored_runs(parent), keep=keep, older_than=age)
    did = "would remove" if dry_run else "removed"
    for run in old:
        if not dry_run:
            remove_run(run.folder)
        typer.echo(f"{did} {run.run_id}")
    for path in leftovers:
        typer.echo(f"{did} leftover {path.relative_to(parent)}")
    typer.echo(f"{did} {count(len(old), 'run')} and {count(len(leftovers), 'leftover')} in {parent}")
    if context.obj is None:
        _prune_fits(age, dry_run)


def _prune_fits(age: timedelta | None, dry_run: bool) -> None:
    from quantstrats.atomic import clear_leftovers
    from quantstrats.cli.texts import count
    from quantstrats.learning.fits import fits_folder, old_fits

    leftovers = clear_leftovers(fits_folder(), dry_run=dry_run)
    old = [] if age is None else old_fits(age)
    if not dry_run:
        for file in old:
            file.unlink(missing_ok=True)
    if old or leftovers:
        did = "would remove" if dry_run else "removed"
        typer.echo(f"{did} {count(len(old), 'fit')} and {count(len(leftovers), 'leftover')} in {fits_folder()}")


def _list(run: StoredRun) -> None:
    from quantstrats.cli.texts import WIDTH, cut, percent, ratio, signal_with_parameters, symbols_in_short

    metrics = run.metrics
    typer.echo(
        f"{run.run_id:<52}{percent(metrics.get('total_return')):>11}{ratio(metrics.get('sharpe')):>8}  {_guard(run)}"
    )
    if run.trouble:
        typer.echo(f"  {cut(f'! not complete: {run.trouble}', WIDTH - 2)}")
        return
    span = f"{metrics.get('start')} to {metrics.get('end')}"
    where = f" on {symbols_in_short(run.config.get('data', {}).get('symbols', []))}, {span}"
    signal = signal_with_parameters(run.config.get("signal", {}))
    typer.echo(f"  {cut(signal, max(WIDTH - 2 - len(where), 20))}{where}")


def _guard(run: StoredRun) -> str:
    """Return what the look-ahead guard said; a dash for a run from before there was one."""
    guard = run.manifest.get("guard")
    if not isinstance(guard, dict):
        return "-"
    return "off" if guard.get("mode") == "off" else str(guard.get("result", "-"))


def _plain(run: StoredRun) -> dict[str, Any]:
    return {
        "run_id": run.run_id,
        "folder": str(run.folder),
        "started_at": run.started_at.isoformat() if run.started_at else None,
        "trial": run.trial,
        "signal": run.config.get("signal"),
        "symbols": run.config.get("data", {}).get("symbols"),
        "start": run.metrics.get("start"),
        "end": run.metrics.get("end"),
        "total_return": run.metrics.get("total_return"),
        "sharpe": run.metrics.get("sharpe"),
        "guard": run.manifest.get("guard"),
        "trouble": run.trouble or None,
    }

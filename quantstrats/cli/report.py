"""``quantstrats report``: the tear sheet of a stored run, made again."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from quantstrats.runs.run import Run


def report(
    run: Annotated[str, typer.Argument(metavar="ID", help="Id of a stored run, its beginning, or its folder.")],
    out: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Where to put it (default: tearsheet.html in the run's folder).")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object with the run's figures.")] = False,
) -> None:
    """Make the tear sheet of a stored run again; it replaces the one that is there when it is complete."""
    from quantstrats.cli.progress import progress_line
    from quantstrats.cli.texts import print_json
    from quantstrats.progress import stage
    from quantstrats.reports.tearsheet import tearsheet
    from quantstrats.runs.run import load_run
    from quantstrats.runs.stored import find_run_folder

    folder = find_run_folder(run)
    file = out or folder / "tearsheet.html"
    with progress_line(), stage("drawing the tear sheet"):
        loaded = load_run(folder)
        page = tearsheet(loaded)
    write_page(file, page, "tear sheet")
    if as_json:
        print_json(_told(loaded, folder, file))
    else:
        typer.echo(f"Tear sheet  {file}")


def write_page(file: Path, page: str, what: str) -> None:
    """Write a page, or replace it when the new one is complete.

    Raises
    ------
    RunError
        If it cannot be written; ``what`` says which page it is.
    """
    from quantstrats.atomic import write_whole
    from quantstrats.errors import RunError

    try:
        write_whole(file, page)
    except OSError as error:
        raise RunError(f"the {what} cannot be written to {file}: {error.strerror or error}") from error


def _told(run: Run, folder: Path, file: Path) -> dict[str, object]:
    """Return what ``quantstrats backtest --json`` tells of a run."""
    return {
        "run_id": run.run_id,
        "folder": str(folder.absolute()),
        "tearsheet": str(file.absolute()),
        "metrics": run.metrics,
        "guard": run.manifest.get("guard"),
        "stamps": run.manifest["stamps"],
        "warnings": run.warnings,
    }

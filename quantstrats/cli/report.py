"""``quantstrats report``: the tear sheet of a stored run, made again."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def report(
    run: Annotated[str, typer.Argument(metavar="ID", help="Id of a stored run, its beginning, or its folder.")],
    out: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Where to put it (default: tearsheet.html in the run's folder).")
    ] = None,
) -> None:
    """Make the tear sheet of a stored run again; it replaces the one that is there when it is complete."""
    from quantstrats.atomic import write_whole
    from quantstrats.cli.progress import progress_line
    from quantstrats.errors import RunError
    from quantstrats.progress import stage
    from quantstrats.reports.tearsheet import tearsheet
    from quantstrats.runs.run import load_run
    from quantstrats.runs.stored import find_run_folder

    folder = find_run_folder(run)
    file = out or folder / "tearsheet.html"
    with progress_line(), stage("drawing the tear sheet"):
        page = tearsheet(load_run(folder))
    try:
        write_whole(file, page)
    except OSError as error:
        raise RunError(f"the tear sheet cannot be written to {file}: {error.strerror or error}") from error
    typer.echo(f"Tear sheet  {file}")

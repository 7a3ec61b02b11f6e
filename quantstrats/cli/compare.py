"""``quantstrats compare``: stored runs side by side, as a table and as a page."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from quantstrats.reports.compared import Comparison

_LABEL, _COLUMN = 20, 12
_AT_ONCE = 5  # columns of a table in a terminal
_MOST_NAME = 200  # bytes; file systems take 255
_MOST_SETTINGS = 20
_DASH = "-"
_BEYOND_ZERO = "(beyond zero: the share of resampled differences on the other side of zero)"


def compare(
    runs: Annotated[
        list[str],
        typer.Argument(
            metavar="ID...",
            help="Two to eight stored runs, each by its id, its beginning, or its folder; A is the first.",
        ),
    ],
    out: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Where to put the page (default: logs/comparisons/<ids>.html).")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object instead of the tables.")] = False,
) -> None:
    """Compare stored runs on the sessions that all of them have, and write a page; the first is the reference.

    Differences to the first run have a 95% interval, from a stationary bootstrap of both runs' days.
    """
    from quantstrats.cli.progress import progress_line
    from quantstrats.cli.report import write_page
    from quantstrats.cli.texts import print_json
    from quantstrats.progress import stage
    from quantstrats.reports.compare import page_of
    from quantstrats.reports.compared import check_number, compared
    from quantstrats.runs.run import load_run
    from quantstrats.runs.stored import find_run_folder

    check_number(len(runs))
    folders = [find_run_folder(run) for run in runs]
    with progress_line():
        with stage("resampling"):
            comparison = compared([load_run(folder) for folder in folders])
        with stage("drawing the page"):
            page = page_of(comparison)
    file = out or _place([each.run.run_id for each in comparison.runs])
    write_page(file, page, "comparison")
    if as_json:
        print_json({**comparison.as_dict(), "page": str(file.absolute())})
    else:
        typer.echo("\n".join([*_lines(comparison), "", f"Comparison  {file}"]))


def _place(ids: Sequence[str]) -> Path:
    """Return where a comparison goes, and make its folder."""
    from quantstrats.errors import RunError
    from quantstrats.hashing import hash_plain
    from quantstrats.home import logs_folder

    folder = logs_folder() / "comparisons"
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise RunError(f"the folder {folder} cannot be made: {error.strerror or error}; give --out FILE") from error
    name = "_".join(ids)
    if len(name.encode()) > _MOST_NAME:
        name = f"{len(ids)}-runs-{hash_plain(list(ids))[:12]}"
    return folder / f"{name}.html"


def _lines(comparison: Comparison) -> Iterator[str]:
    from quantstrats.cli.texts import WIDTH

    for each in comparison.runs:
        yield f"{each.letter}  {each.run.run_id}"
        yield from textwrap.wrap(f"{each.signal}, {each.span}", WIDTH, initial_indent="   ", subsequent_indent="   ")
    yield from _common_lines(comparison)
    yield from _own_lines(comparison)
    for letter in comparison.differences:
        yield from _difference_lines(comparison, letter)
    if comparison.differences:
        yield _BEYOND_ZERO
    yield from _setting_lines(comparison)
    notes = [*comparison.cautions, *(f"{letters}: {doubt}" for letters, doubt in comparison.doubts())]
    if notes:
        yield ""
    for note in notes:
        yield from textwrap.wrap(note, WIDTH, initial_indent="! ", subsequent_indent="  ")


def _common_lines(comparison: Comparison) -> Iterator[str]:
    from quantstrats.reports.compared import LEVEL_LABELS

    yield ""
    yield f"Common span: {comparison.span}"
    rows: list[tuple[str, Mapping[str, str]]] = [
        (label, {letter: _text(comparison.figures.loc[name, letter], form) for letter in comparison.letters})
        for label, name, form in LEVEL_LABELS
    ]
    others = comparison.letters[1:]
    rows.append(("Correlation with A", {o: _text(comparison.correlation.loc[o, "A"], "{:z.2f}") for o in others}))
    rows.append(("Tracking error to A", {o: _text(comparison.tracking_error[o], "{:z.2%}") for o in others}))
    yield from _table(comparison, rows)


def _own_lines(comparison: Comparison) -> Iterator[str]:
    """Yield the figures of each run, over its own span and by its own bars; of returns only where that is another."""
    from quantstrats.runs.labels import COMPARED, FINAL_EQUITY, TRADING

    yield ""
    yield "Each on its own span, by its own bars:"
    runs = comparison.runs
    labels = [*(() if comparison.is_whole else COMPARED), FINAL_EQUITY, *TRADING]
    yield from _table(
        comparison,
        [
            # Amounts to the unit: cents of a large account would touch the next column.
            (label, {each.letter: _text(each.run.metrics.get(name), form.replace(",.2f", ",.0f")) for each in runs})
            for label, name, form in labels
        ],
    )


def _table(comparison: Comparison, rows: Sequence[tuple[str, Mapping[str, str]]]) -> Iterator[str]:
    """Yield a table of a column for each run, a few of them at a time."""
    letters = comparison.letters
    for start in range(0, len(letters), _AT_ONCE):
        shown = letters[start : start + _AT_ONCE]
        yield f"{'':<{_LABEL}}" + "".join(f"{letter:>{_COLUMN}}" for letter in shown)
        for label, cells in rows:
            yield f"{label:<{_LABEL}}" + "".join(f"{cells.get(letter, ''):>{_COLUMN}}" for letter in shown)


def _difference_lines(comparison: Comparison, letter: str) -> Iterator[str]:
    from quantstrats.reports.compared import STATISTIC_LABELS, difference_texts

    yield ""
    yield f"{f'{letter} less A':<{_LABEL}}{'difference':>14}{'95% interval':>28}{'beyond zero':>14}"
    for label, name, form in STATISTIC_LABELS:
        difference, interval, opposite = difference_texts(comparison.differences[letter].of(name), form)
        yield f"{label:<{_LABEL}}{difference:>14}{interval:>28}{opposite:>14}"


def _setting_lines(comparison: Comparison) -> Iterator[str]:
    from quantstrats.cli.texts import WIDTH, count, cut

    settings = comparison.settings
    yield ""
    if settings.empty:
        yield "Their configurations are the same."
        return
    yield "What differs in their configurations:"
    for key, row in settings.iloc[:_MOST_SETTINGS].iterrows():
        text = ", ".join(f"{letter} {value}" for letter, value in row.items())
        yield from textwrap.wrap(cut(f"{key}: {text}", 4 * WIDTH), WIDTH, subsequent_indent="    ")
    if len(settings) > _MOST_SETTINGS:
        yield f"and {count(len(settings) - _MOST_SETTINGS, 'setting')} more, on the page"


def _text(value: Any, form: str) -> str:
    import math

    return _DASH if value is None or not math.isfinite(value) else form.format(value)

"""A run in a few lines: as text for a terminal of 80 columns, as HTML for a notebook."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from html import escape
from typing import TYPE_CHECKING, Any

from quantstrats.runs.labels import (
    COMPARED,
    FINAL_EQUITY,
    HELD_OUT,
    TRADING,
    described_text,
    guard_text,
    risk_free_text,
)

if TYPE_CHECKING:
    from quantstrats.runs.run import Run

WIDTH = 80
_DASH = "-"
_MOST_WARNINGS = 5
_NAME = "text-align: left; font-weight: normal"
_NUMBER = "text-align: right; font-variant-numeric: tabular-nums; padding-left: 2em"


def summary(run: Run) -> str:
    """Return the run's figures, what cannot be trusted in them, and its warnings."""
    figures = run.metrics
    compared = run.benchmark is not None
    lines = [*textwrap.wrap(_title(run), WIDTH), ""]
    lines.append(f"{'':<20}{'strategy':>14}" + (f"{'benchmark':>14}" if compared else ""))
    for label, name, form in COMPARED:
        other = f"{_text(figures, f'benchmark_{name}', form):>14}" if compared else ""
        lines.append(f"{label:<20}{_text(figures, name, form):>14}{other}")
    for block in filter(None, (_held_out(figures), (FINAL_EQUITY, *TRADING))):
        lines += ["", *(f"{label:<20}{_text(figures, name, form):>14}" for label, name, form in block)]
    lines += ["", f"{'Look-ahead guard':<20}{guard_text(run.manifest)}"]
    if rate := risk_free_text(run.config):
        lines.append(f"{'Risk-free rate':<20}{rate}")
    notes = [*run.manifest["stamps"], *_warnings(run)]
    if notes:
        lines.append("")
    for note in notes:
        lines += textwrap.wrap(note, WIDTH, initial_indent="! ", subsequent_indent="  ")
    return "\n".join(lines)


def summary_html(run: Run) -> str:
    """Return what :func:`summary` tells as a piece of HTML that stands by itself in a notebook, dark or light.

    It sets no colour of its own, so it has those of the page that it is put in.
    """
    figures, compared = run.metrics, run.benchmark is not None
    head = ("", "Strategy", *(["Benchmark"] if compared else []))
    measured = [
        (label, _text(figures, name, form), *([_text(figures, f"benchmark_{name}", form)] if compared else []))
        for label, name, form in COMPARED
    ]
    traded = [
        (label, _text(figures, name, form)) for label, name, form in (*_held_out(figures), FINAL_EQUITY, *TRADING)
    ]
    notes = "".join(f"<li>{escape(note)}</li>" for note in [*run.manifest["stamps"], *_warnings(run)])
    return "".join(
        [
            '<div style="max-width: 46em">',
            f"<p><b>{escape(_title(run))}</b></p>",
            f"<table><thead>{_html_row(*head)}</thead>",
            f"<tbody>{''.join(_html_row(*row) for row in measured)}</tbody>",
            f"<tbody>{''.join(_html_row(*row) for row in traded)}</tbody></table>",
            f"<p>Look-ahead guard: {escape(guard_text(run.manifest))}</p>",
            f"<p>Risk-free rate: {rate}</p>" if (rate := risk_free_text(run.config)) else "",
            f"<ul>{notes}</ul>" if notes else "",
            f"<p><small>Run {escape(run.run_id)}</small></p></div>",
        ]
    )


def _html_row(name: str, *values: str) -> str:
    cells = "".join(f'<td style="{_NUMBER}">{escape(value)}</td>' for value in values)
    return f'<tr><th scope="row" style="{_NAME}">{escape(name)}</th>{cells}</tr>'


def _title(run: Run) -> str:
    symbols = run.config["data"]["symbols"]
    what = ", ".join(symbols) if len(symbols) <= 5 else f"{len(symbols)} symbols"
    bars = "1 bar" if len(run.equity) == 1 else f"{len(run.equity):,} bars"
    span = f"{run.metrics['start']} to {run.metrics['end']}, {bars}"
    return f"{described_text(run.config['signal'])} on {what}, {span}"


def _held_out(figures: Mapping[str, Any]) -> tuple[tuple[str, str, str], ...]:
    """Return the labels of the figures of what was held out, where the run has them."""
    return HELD_OUT if HELD_OUT[0][1] in figures else ()


def _text(figures: Mapping[str, Any], name: str, form: str) -> str:
    value = figures.get(name)  # a run of an older version lacks the figures that were added since
    return _DASH if value is None else form.format(value)


def _warnings(run: Run) -> list[str]:
    more = len(run.warnings) - _MOST_WARNINGS
    return run.warnings[:_MOST_WARNINGS] + ([f"and {more:,} more like these in run.log"] if more > 0 else [])

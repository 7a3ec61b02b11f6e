"""Several Runs on one page."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from quantstrats.reports.charts.comparison import growth, intervals, rolling_correlation
from quantstrats.reports.compared import (
    LEVEL_LABELS,
    LIMITS,
    STATISTIC_LABELS,
    Compared,
    Comparison,
    compared,
    difference_texts,
)
from quantstrats.reports.glossary import COMPARISON_GLOSSARY, NOTATION
from quantstrats.reports.page.page import Page, render
from quantstrats.reports.page.section import Section
from quantstrats.reports.tables import Table, as_text
from quantstrats.runs.labels import COMPARED, FINAL_EQUITY, TRADING, guard_text

if TYPE_CHECKING:
    from quantstrats.research.bootstrap import PairedDifferences
    from quantstrats.runs.run import Run

_MOST_SYMBOLS = 5
_METHOD = (
    "Both runs' days are resampled together, in blocks of random length (stationary bootstrap). The interval holds 95% "
    "of the resampled differences; beyond zero is the share of them on the other side of zero."
)


def compare(runs: Sequence[Run]) -> Page:
    """Return runs side by side: one HTML page that holds all it shows and asks no network for anything.

    It has the figures of each, on the span that all of them have and on its own, the differences to the first run with
    their 95% intervals (stationary bootstrap), growth and drawdowns laid over each other, what differs in their
    configurations, and what makes the comparison less than it looks.

    Parameters
    ----------
    runs : sequence of Run
        Two to eight; the first is what the others are compared with.

    Returns
    -------
    Page
        A text, which a notebook displays.

    Raises
    ------
    ConfigError
        If there are fewer or more, one is there twice, or no session is common to all.
    """
    return page_of(compared(runs))


def page_of(comparison: Comparison) -> Page:
    """Return the page of a comparison; see :func:`compare`."""
    return render("comparison.html.j2", _context(comparison))


def _context(comparison: Comparison) -> dict[str, Any]:
    return {
        "runs": [_described(each) for each in comparison.runs],
        "span": comparison.span,
        "cautions": comparison.cautions,
        "doubts": comparison.doubts(),
        "limits": LIMITS,
        "sections": [
            _glance(comparison),
            _differences(comparison),
            _returns(comparison),
            _own(comparison),
            _settings(comparison),
        ],
        "glossary": COMPARISON_GLOSSARY,
        "notation": NOTATION,
    }


def _described(each: Compared) -> dict[str, Any]:
    symbols = each.run.config["data"]["symbols"]
    shown = ", ".join(symbols) if len(symbols) <= _MOST_SYMBOLS else f"{len(symbols):,} symbols"
    guard = guard_text(each.run.manifest)
    return {
        "letter": each.letter,
        "signal": each.signal,
        "id": each.run.run_id,
        "facts": [shown, each.span],
        "guard": guard,
    }


def _glance(comparison: Comparison) -> Section:
    letters = comparison.letters
    rows = [
        [label, *(as_text(comparison.figures.loc[name, letter], form) for letter in letters)]
        for label, name, form in LEVEL_LABELS
    ]
    return Section(
        "overview",
        "At a glance",
        notes=[
            f"On the sessions that all of them have: {comparison.span}; annualised by {comparison.days_per_year:.0f}."
        ],
        shown=[growth(comparison)],
        tables=[Table("Figures on the common span", ["", *letters], rows)],
    )


def _differences(comparison: Comparison) -> Section:
    return Section(
        "differences",
        "Differences to A",
        notes=[_METHOD],
        shown=[intervals(comparison, "mean_return"), intervals(comparison, "sharpe")],
        tables=[_difference_table(letter, found) for letter, found in comparison.differences.items()],
    )


def _difference_table(letter: str, found: PairedDifferences) -> Table:
    rows = []
    for label, name, form in STATISTIC_LABELS:
        rows.append([label, *difference_texts(found.of(name), form)])
    blocks = f"blocks of {found.block} days on average" if found.block > 1 else "single days"
    note = f"{found.replications:,} times resampled in {blocks}; pp are percentage points"
    return Table(f"{letter} less A", ["", "Difference", "95% interval", "Beyond zero"], rows, note)


def _returns(comparison: Comparison) -> Section:
    letters = comparison.letters
    rows = [[a, *(as_text(comparison.correlation.loc[a, b], "{:z.2f}") for b in letters)] for a in letters]
    errors = [[letter, as_text(comparison.tracking_error[letter], "{:z.2%}")] for letter in letters[1:]]
    return Section(
        "together",
        "How they move together",
        shown=[rolling_correlation(comparison)],
        tables=[
            Table("Correlation of daily returns", ["", *letters], rows),
            Table("Tracking error to A", ["", "Annualised"], errors),
        ],
    )


def _own(comparison: Comparison) -> Section:
    letters = comparison.letters
    figures = [each.run.metrics for each in comparison.runs]
    titles = {"Return and risk": COMPARED, "Trading": (FINAL_EQUITY, *TRADING)}
    return Section(
        "own",
        "Each on its own span",
        notes=["As in the tear sheet of each: on its whole span, by its own bars."],
        tables=[
            Table(title, ["", *letters], [[label, *_texts(figures, name, form)] for label, name, form in labels])
            for title, labels in titles.items()
        ],
    )


def _texts(figures: Iterable[dict[str, Any]], name: str, form: str) -> list[str]:
    return [as_text(each.get(name), form) for each in figures]


def _settings(comparison: Comparison) -> Section:
    settings = comparison.settings
    if settings.empty:
        return Section("settings", "Configurations", notes=["They are the same."])
    rows = [[str(key), *row] for key, row in zip(settings.index, settings.to_numpy().tolist(), strict=True)]
    table = Table("What differs", ["Setting", *settings.columns], rows)
    return Section("settings", "Configurations", tables=[table])

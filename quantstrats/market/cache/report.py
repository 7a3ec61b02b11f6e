"""FetchReport: what became of symbols that a vendor was asked for."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from quantstrats.market.cache.barfile import Revision
    from quantstrats.market.cache.sessions import Span


Status = Literal["fetched", "current", "revised", "empty", "unknown", "failed"]
STATUSES: tuple[Status, ...] = ("fetched", "current", "revised", "empty", "unknown", "failed")
_WIDTH = 80
_MOST_NAMED = 10


@dataclass(frozen=True)
class Outcome:
    """What became of one symbol.

    Attributes
    ----------
    symbol : str
        As the user named it.
    status : str
        ``fetched``: bars that lacked were stored; ``current``: none lacked; ``revised``: what was stored differed, and
        all of it was replaced; ``empty``: the vendor has no bars in the span; ``unknown``: it has no such symbol;
        ``failed``: bars still lack.
    rows : int
        How many bars were added.
    reason : str
        Why bars lack; empty if none do.
    revision : Revision or None
        What differed.
    """

    symbol: str
    status: Status
    rows: int = 0
    reason: str = ""
    revision: Revision | None = None


@dataclass(frozen=True)
class FetchReport:
    """What became of all symbols.

    Attributes
    ----------
    source, variant : str
        Who was asked, and for which bars.
    span : Span
        The sessions that were wanted.
    outcomes : tuple of Outcome
        One per symbol, in the order asked.
    notes : tuple of str
        What else the user should know: files that were damaged, why, and where they are now.
    damaged : tuple of str
        The symbols whose files were.
    """

    source: str
    variant: str
    span: Span
    outcomes: tuple[Outcome, ...]
    notes: tuple[str, ...] = ()
    damaged: tuple[str, ...] = ()

    @property
    def missing(self) -> list[Outcome]:
        """The symbols that are unknown, or of which bars still lack."""
        return [outcome for outcome in self.outcomes if outcome.status in ("unknown", "failed")]

    @property
    def revised(self) -> list[Outcome]:
        """The symbols whose stored bars the vendor had changed."""
        return [outcome for outcome in self.outcomes if outcome.revision is not None]

    def as_text(self) -> str:
        """Return lines for a terminal: counts first, then what the user should know."""
        empty = [outcome for outcome in self.outcomes if outcome.status == "empty"]
        lines = [f"{self.source} {self.variant}, {self.span}: {counted(len(self.outcomes), 'symbol')}", self._counts()]
        lines += _few([f"revised: {told_revision(outcome)}" for outcome in self.revised])
        lines += [f"without bars in this span: {named(outcome.symbol for outcome in empty)}"] if empty else []
        lines += _few(list(self.notes))
        lines += _few(
            [f"{'missing' if status == 'failed' else status}: {text}" for status, text in _by_reason(self.missing)]
        )
        return "\n".join(_wrapped(line) for line in lines)

    def as_plain(self) -> dict[str, Any]:
        """Return the report as plain data."""
        return {
            "source": self.source,
            "variant": self.variant,
            "first": None if self.span.first is None else self.span.first.isoformat(),
            "last": self.span.last.isoformat(),
            "counts": {status: self._count(status) for status in STATUSES},
            "rows": sum(outcome.rows for outcome in self.outcomes),
            "missing": {outcome.symbol: outcome.reason for outcome in self.missing},
            "revised": {outcome.symbol: outcome.revision.as_plain() for outcome in self.revised if outcome.revision},
            "notes": list(self.notes),
            "damaged": list(self.damaged),
            "outcomes": [
                {"symbol": each.symbol, "status": each.status, "rows": each.rows, "reason": each.reason}
                for each in self.outcomes
            ],
        }

    def _counts(self) -> str:
        rows = sum(outcome.rows for outcome in self.outcomes)
        counts = [f"{self._count(status):,} {status}" for status in STATUSES if self._count(status)]
        return ", ".join([*counts, f"{counted(rows, 'bar')} added"])

    def _count(self, status: Status) -> int:
        return sum(outcome.status == status for outcome in self.outcomes)


def named(symbols: Iterable[str]) -> str:
    """Name the first few symbols, and how many more there are."""
    every = list(symbols)
    return ", ".join(every[:_MOST_NAMED]) + (f" and {len(every) - _MOST_NAMED:,} more" if every[_MOST_NAMED:] else "")


def told_missing(outcomes: Sequence[Outcome]) -> str:
    """Say in one line which symbols are missing and why."""
    return "; ".join(_few([text for _, text in _by_reason(outcomes)], most=3))


def told_revision(outcome: Outcome) -> str:
    """Say what the vendor changed of a symbol's bars."""
    found = outcome.revision
    if found is None:
        return outcome.symbol
    sizes = [
        f"{what} by up to {size:.2%}" for what, size in (("prices", found.price), ("volumes", found.volume)) if size
    ]
    differ = "differs" if found.different == 1 else "differ"
    return ", ".join(
        [
            f"{outcome.symbol}: {found.different:,} of {counted(found.rows, 'bar')} {differ}, first {found.first}",
            *sizes,
        ]
    )


def _by_reason(outcomes: Iterable[Outcome]) -> list[tuple[Status, str]]:
    """Return a text for each status and reason, the most frequent first."""
    groups: dict[tuple[Status, str], list[str]] = {}
    for outcome in outcomes:
        groups.setdefault((outcome.status, outcome.reason), []).append(outcome.symbol)
    ordered = sorted(groups.items(), key=lambda item: -len(item[1]))
    return [(status, f"{named(symbols)} ({reason})") for (status, reason), symbols in ordered]


def _few(lines: list[str], most: int = _MOST_NAMED) -> list[str]:
    return lines[:most] + ([f"and {len(lines) - most:,} more"] if lines[most:] else [])


def counted(number: int, what: str) -> str:
    """Return ``"1 bar"`` or ``"2,520 bars"``."""
    return f"{number:,} {what}" if number == 1 else f"{number:,} {what}s"


def _wrapped(line: str) -> str:
    # What is longer than a line, such as a path, stays whole.
    return textwrap.fill(line, _WIDTH, subsequent_indent="  ", break_long_words=False, break_on_hyphens=False)

"""Supply of a vendor's bars: fetched where the cache lacks them, then read out of it symbol by symbol."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date, timedelta
from typing import TYPE_CHECKING

import pandas as pd

from quantstrats.errors import DataError
from quantstrats.market.cache.barfile import BarFacts, read_arrays, read_bar_facts
from quantstrats.market.cache.cache import BarCache
from quantstrats.market.cache.offline import is_offline
from quantstrats.market.cache.report import FetchReport, Outcome, counted, named, told_missing, told_revision
from quantstrats.market.cache.update import fetch
from quantstrats.market.calendar import Calendar
from quantstrats.market.intake import Supply
from quantstrats.market.rows import Rows

if TYPE_CHECKING:
    from quantstrats.market.sources.remote import RemoteSource


def supply_of(
    source: RemoteSource, symbols: Sequence[str] | None, start: date | None = None, end: date | None = None
) -> Supply:
    """Return bars out of the cache, once what it lacks was asked for.

    Parameters
    ----------
    source : RemoteSource
        Whose bars.
    symbols : sequence of str, optional
        Which; by default all that the cache has of this source and variant.
    start, end : date, optional
        First and last session, both included; see :func:`quantstrats.market.cache.update.fetch`.

    Raises
    ------
    DataError
        If symbols cannot be had; those that the vendor does not have may be skipped by ``source.missing``.

    Returns
    -------
    Supply
        Its stamps tell of symbols that are missing, bars that the vendor revised since they were stored or sent twice
        with different values, and files that were damaged; its record has the same as plain data.
    """
    cache = BarCache()
    names, absent = _names(source, symbols, cache)
    report = fetch(source, names, start, end, cache=cache)
    _refuse_failed(source, report)
    facts, empty = _with_bars(source, report, cache)
    missing = [*absent, *(each for each in report.missing if each.status == "unknown"), *empty]
    if missing and (source.missing == "refuse" or not facts):
        skip = ", or set data.missing: skip" if facts else ""
        raise DataError(
            f"source {source.name!r}: {len(missing)} of {counted(len(missing) + len(facts), 'symbol')} cannot be had: "
            f"{told_missing(missing)}; {_kept(facts)}mend the names or the dates{skip}{_noted(report)}"
        )
    return _supply(source, cache, report, facts, missing, (start, end))


def _names(source: RemoteSource, symbols: Sequence[str] | None, cache: BarCache) -> tuple[list[str], list[Outcome]]:
    """Return the symbols to fetch, and those that are known to be missing."""
    stored = cache.symbols(source)
    if not symbols:
        if not stored:
            raise DataError(
                f"source {source.name!r}: the cache has no bars of {source.variant}; "
                "name symbols, or run 'quantstrats data fetch'"
            )
        return stored, []
    if len(set(symbols)) < len(symbols):
        raise DataError(f"source {source.name!r}: a symbol is named twice in {named(symbols)}")
    if not (is_offline() and source.missing == "skip"):
        return list(symbols), []
    # What the vendor did not have is not in the cache either, and is skipped offline too.
    there = [symbol for symbol in symbols if symbol in set(stored)]
    absent = [Outcome(symbol, "unknown", reason="not in the cache") for symbol in symbols if symbol not in set(stored)]
    return there, absent


def _revisions(report: FetchReport) -> list[str]:
    """Say what the vendor changed since it was stored, in one line."""
    told = [told_revision(outcome) for outcome in report.revised]
    if not told:
        return []
    more = f"; and {len(told) - 3} more" if told[3:] else ""
    return [f"{report.source} revised bars that were stored, which were replaced: {'; '.join(told[:3])}{more}"]


def _refuse_failed(source: RemoteSource, report: FetchReport) -> None:
    """Refuse to go on without bars that the vendor may well have."""
    failed = [outcome for outcome in report.missing if outcome.status == "failed"]
    if failed:
        kept = "" if len(failed) == len(report.outcomes) else "what arrived is kept in the cache; "
        raise DataError(
            f"source {source.name!r}: bars of {len(failed)} of {counted(len(report.outcomes), 'symbol')} lack: "
            f"{told_missing(failed)}; {kept}run it again to go on{_noted(report)}"
        )


def _with_bars(source: RemoteSource, report: FetchReport, cache: BarCache) -> tuple[dict[str, BarFacts], list[Outcome]]:
    """Return the facts of the symbols that have bars in the span, and those that have none there."""
    facts: dict[str, BarFacts] = {}
    empty = []
    for outcome in report.outcomes:
        if outcome in report.missing:
            continue
        found = read_bar_facts(cache.file(source, outcome.symbol), outcome.symbol)
        if _reaches(found, report.span.first, report.span.last):
            facts[outcome.symbol] = found
        else:
            empty.append(Outcome(outcome.symbol, "empty", reason=f"no bars from {report.span}"))
    return facts, empty


def _reaches(facts: BarFacts, first: date | None, last: date) -> bool:
    if facts.first_bar is None or facts.last_bar is None:
        return False
    # By UTC an intraday bar may be of the day before or after.
    slack = timedelta(days=0 if facts.first_bar.tz is None else 1)
    return facts.first_bar.date() <= last + slack and (first is None or facts.last_bar.date() >= first - slack)


def _supply(
    source: RemoteSource,
    cache: BarCache,
    report: FetchReport,
    facts: Mapping[str, BarFacts],
    missing: list[Outcome],
    asked: tuple[date | None, date | None],
) -> Supply:
    first, last = report.span.first, report.span.last

    def batches() -> Iterator[Rows]:
        for symbol, known in facts.items():
            index, values, found = read_arrays(cache.file(source, symbol), symbol, first, last)
            if found.content != known.content:
                raise DataError(f"source {source.name!r}: another process changed the bars of {symbol}; run it again")
            yield Rows.of_symbol(source.name, symbol, index, values)

    record = {
        "cache": {symbol: known.content for symbol, known in facts.items()},
        "doubles": {symbol: known.doubles for symbol, known in facts.items() if known.doubles},
        "missing": {outcome.symbol: outcome.reason for outcome in missing},
        "notes": [*report.notes, *_revisions(report)],
    }
    return Supply(
        source.name,
        Calendar(source.calendar),
        source.bar,
        *_ends(facts, first, last),
        tuple(facts),
        batches,
        start=asked[0],
        end=asked[1],
        stamps=tuple(_stamps(report, facts, missing)),
        record={name: value for name, value in record.items() if value},
    )


def _stamps(report: FetchReport, facts: Mapping[str, BarFacts], missing: list[Outcome]) -> Iterator[str]:
    """Yield what every report on these bars must say."""
    who = report.source
    if missing:
        yield f"{who} has no bars of {named(each.symbol for each in missing)}"
    yield from _revisions(report)
    mended = [symbol for symbol in report.damaged if symbol in facts]
    if mended:
        yield f"what was kept of {who}'s bars of {named(mended)} was damaged, and was fetched again"
    doubles = {symbol: known.doubles for symbol, known in facts.items() if known.doubles}
    if doubles:
        told = [f"{times:,} for {symbol}" for symbol, times in doubles.items()]
        first = next(iter(doubles.items()))
        told[0] = f"{counted(first[1], 'time')} twice with different values for {first[0]}"
        yield f"{who} sent {named(told)}; the last counts"


def _ends(facts: Mapping[str, BarFacts], first: date | None, last: date) -> tuple[pd.Timestamp, pd.Timestamp]:
    """Return the earliest and the latest label that may be needed."""
    begin = min(known.first_bar for known in facts.values() if known.first_bar is not None)
    end = max(known.last_bar for known in facts.values() if known.last_bar is not None)
    slack = pd.Timedelta(days=0 if begin.tz is None else 1)
    latest = pd.Timestamp(last, tz=begin.tz) + 2 * slack
    earliest = begin if first is None else max(begin, pd.Timestamp(first, tz=begin.tz) - slack)
    return earliest, min(end, latest)


def _kept(facts: Mapping[str, BarFacts]) -> str:
    return f"the other {len(facts):,} are kept in the cache; " if facts else ""


def _noted(report: FetchReport) -> str:
    return "".join(f"; {note}" for note in report.notes)

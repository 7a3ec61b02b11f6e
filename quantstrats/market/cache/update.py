"""Fetch: a vendor is asked for what the cache lacks, and what comes is compared with what is stored."""

from __future__ import annotations

import functools
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import numpy as np
import pandas as pd

from quantstrats.atomic import clear_leftovers, locked
from quantstrats.errors import DataError, in_one_line
from quantstrats.market.cache.barfile import BarFacts, check_bars, read_bar_facts, read_bars, write_bars
from quantstrats.market.cache.cache import BarCache
from quantstrats.market.cache.checked import DamagedError, quarantine
from quantstrats.market.cache.merging import Sent, difference, in_order
from quantstrats.market.cache.offline import is_offline
from quantstrats.market.cache.report import FetchReport, Outcome, Status, named
from quantstrats.market.cache.sessions import Sessions, Span
from quantstrats.market.calendar import Calendar
from quantstrats.market.sources.remote import UnavailableError
from quantstrats.progress import stage

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from quantstrats.market.cache.barfile import Revision
    from quantstrats.market.sources.remote import Download, RemoteSource

T = TypeVar("T")

OVERLAP = 5  # sessions with bars that are asked for again
# What follows the stored bars, what precedes them, all of them where they were revised, and one to spare.
_MOST_ROUNDS = 4
_DAY = timedelta(days=1)


def fetch(
    source: RemoteSource,
    symbols: Sequence[str],
    first: date | None = None,
    last: date | None = None,
    *,
    cache: BarCache | None = None,
    now: datetime | None = None,
    refresh: bool = False,
) -> FetchReport:
    """Ask a vendor for the bars that the cache lacks, and keep them.

    The bars of a symbol cover one span without a gap; another span is joined to it. A few sessions that are stored are
    asked for again and compared. If they differ, as after a split, old and new bars are never mixed: all are asked for
    anew, the old file is kept under ``superseded``, and the revision is reported. Each symbol is stored as soon as it
    is there, so that an interruption loses none that is complete.

    Parameters
    ----------
    source : RemoteSource
        Whom to ask.
    symbols : sequence of str
        Which.
    first, last : date, optional
        First and last session, both included; by default from the vendor's first bar to the last session that is over.
        Sessions that are not over, and settled, are never asked for. Offline, by default as far as the cache goes.
    cache : BarCache, optional
        By default that of the folder ``logs``.
    now : datetime, optional
        With a time zone; by default the time of the system.
    refresh : bool, default False
        Ask again for all that is stored too.

    Raises
    ------
    DataError
        If no session of the span is over, the cache cannot be written, or bars lack and no vendor may be asked. What
        cannot be had is no error but is named in the report.
    """
    moment = now or datetime.now(UTC)
    sessions = Sessions(Calendar(source.calendar), source.bar, moment - source.settling)
    fetching = _Fetching(source, cache or BarCache(), sessions, moment)
    return fetching.report(list(dict.fromkeys(symbols)), first, last, refresh)


class _UnwritableError(DataError):
    """The cache cannot be written: there is no use in asking on."""


class _Fetching:
    """One call of :func:`fetch`."""

    def __init__(self, source: RemoteSource, cache: BarCache, sessions: Sessions, moment: datetime) -> None:
        self.source = source
        self.cache = cache
        self.sessions = sessions
        self.moment = moment
        self.folder = cache.folder_of(source)
        self.outcomes: dict[str, Outcome] = {}
        self.notes: list[str] = []
        self.damaged: list[str] = []
        self._rows: dict[str, int] = {}  # that were added, by symbol that was stored
        self._revisions: dict[str, Revision] = {}
        self._anew: set[str] = set()  # what is stored of these is not what the vendor has

    def report(self, symbols: list[str], first: date | None, last: date | None, refresh: bool) -> FetchReport:
        with stage(f"fetching from {self.source.name}", len(symbols)) as self._advance:
            if is_offline():
                self.wanted = self._reach(symbols, first, last)
                self._check_all_there(symbols)
            else:
                self.wanted = self.sessions.asked(first, last)
                self._anew = set(symbols) if refresh else set()
                self._run(symbols)
        outcomes = tuple(self.outcomes[symbol] for symbol in symbols)
        found = tuple(self.notes), tuple(self.damaged)
        return FetchReport(self.source.name, self.source.variant, self.wanted, outcomes, *found)

    def _run(self, symbols: list[str]) -> None:
        with self._writing():
            self.folder.mkdir(parents=True, exist_ok=True)
            with locked(self.folder):
                clear_leftovers(self.folder)
        try:
            for _ in range(_MOST_ROUNDS):
                for span, names in self._spans(self._open(symbols)).items():
                    self._ask(span, names)
            why = "the vendor's answers differ from one another; try again later"
        except UnavailableError as error:
            why = str(error)
        except OSError as error:  # a source that lets out what its network library raises
            why = in_one_line(error)
        for symbol in self._open(symbols):
            self._settle(symbol, "failed", why)

    @contextmanager
    def _writing(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            why = f"the cache {self.folder} cannot be written: {error.strerror or error}; what arrived before is kept"
            raise _UnwritableError("; ".join([why, *self.notes])) from None

    def _reach(self, symbols: list[str], first: date | None, last: date | None) -> Span:
        """Return the sessions that are wanted offline: without bounds, as far as the cache goes."""
        stored = []
        for symbol in symbols:
            with suppress(DataError, FileNotFoundError):  # what cannot be read lacks, and is told with the others
                stored.append(self._span(read_bar_facts(self.cache.file(self.source, symbol), symbol)))
        if not stored:
            return self.sessions.asked(first, last)
        every = functools.reduce(Span.joined, stored)
        # Beyond what there is the other bound is the exchange's, so that what lacks can be told.
        start = every.first if last is None or every.first is None or every.first <= last else None
        end = every.last if first is None or first <= every.last else None
        return self.sessions.asked(first or start, last or end)

    def _check_all_there(self, symbols: list[str]) -> None:
        """Settle the symbols out of the cache alone. Nothing in it is changed."""
        lacking: dict[str, str] = {}
        advice = "run once without --offline"
        for symbol in symbols:
            try:
                facts = self._known(symbol)
            except DataError as error:  # it is damaged, or another symbol's; what is wrong stays where it is
                lacking[symbol] = str(error)
                continue
            if facts is not None and self._span(facts).covers(self.wanted):
                self._settle_stored(symbol, facts)
            else:
                lacking[symbol] = self._lack(facts)
                advice = "run once without --offline, or ask for dates that it has"
        if lacking:
            count = f"{len(lacking)} of {len(symbols)} symbols" if len(symbols) > 1 else "1 symbol"
            raise DataError(
                f"offline: the cache lacks bars of {count} of {self.source.name} ({self.source.variant}): "
                f"{named(f'{symbol} ({lack})' for symbol, lack in lacking.items())}; {advice}"
            )

    def _lack(self, facts: BarFacts | None) -> str:
        """Say which sessions lack."""
        if facts is None:
            return str(self.wanted)
        lacks = []
        if facts.first is not None and not Span(facts.first, facts.last).covers(Span(self.wanted.first, facts.last)):
            lacks.append(Span(self.wanted.first, facts.first - _DAY))
        if self.wanted.last > facts.last:
            lacks.append(Span(facts.last + _DAY, self.wanted.last))
        return " and ".join(map(str, lacks))

    def _open(self, symbols: Iterable[str]) -> list[str]:
        return [symbol for symbol in symbols if symbol not in self.outcomes]

    def _spans(self, symbols: list[str]) -> dict[Span, list[str]]:
        """Return what is to be asked for next, with the symbols; those that lack nothing are settled."""
        spans: dict[Span, list[str]] = {}
        for symbol in symbols:
            try:
                span = self._lacking(symbol, self._facts(symbol))
            except DataError as error:  # its file is another symbol's
                self._settle(symbol, "failed", str(error))
                continue
            if span is not None:
                spans.setdefault(span, []).append(symbol)
        return spans

    def _lacking(self, symbol: str, facts: BarFacts | None) -> Span | None:
        """Return what to ask for; if nothing, the symbol is settled."""
        if facts is None:
            return self.wanted
        stored = Span(facts.first, facts.last)
        if symbol in self._anew:
            return stored.joined(self.wanted)
        if self.wanted.last > stored.last:
            return Span(facts.tail or stored.last + _DAY, self.wanted.last)
        if not stored.covers(self.wanted) and stored.first is not None:
            return Span(self.wanted.first, facts.head or stored.first - _DAY)
        self._settle_stored(symbol, facts)
        return None

    def _ask(self, span: Span, symbols: list[str]) -> None:
        """Ask for a span of some symbols, and keep each as soon as it is there."""
        waiting = set(symbols)
        downloads = self.source.download(symbols, span.first, span.last)
        with ExitStack() as stack:
            if isinstance(downloads, Generator):
                stack.enter_context(closing(downloads))
            for download in downloads:
                if download.symbol in waiting:
                    waiting.remove(download.symbol)
                    self._keep(download, span)
        for symbol in symbols:
            if symbol in waiting:
                self._settle(symbol, "failed", "the vendor's answer leaves it out")

    def _keep(self, download: Download, span: Span) -> None:
        symbol = download.symbol
        if download.bars is None:
            self._settle(symbol, "unknown", download.trouble or "the vendor does not have it")
            return
        try:
            sent = in_order(download.bars, daily=self.source.bar is None)
            sent = sent.within(span.contains(self._dates(sent.bars)))
            with self._writing(), locked(self.folder):
                stored = self._stored(symbol)
                facts = self._store(symbol, sent, span) if stored is None else self._merge(symbol, sent, span, *stored)
        except _UnwritableError:
            raise
        except DataError as error:
            self._settle(symbol, "failed", str(error))
            return
        if facts is not None and symbol not in self._anew and self._span(facts).covers(self.wanted):
            self._settle_stored(symbol, facts)

    def _merge(self, symbol: str, sent: Sent, span: Span, bars: pd.DataFrame, facts: BarFacts) -> BarFacts | None:
        """Join bars to those that are stored; None if they cannot be yet."""
        stored = self._span(facts)
        known = stored.contains(self._dates(sent.bars))
        again = span.contains(self._dates(bars))
        found = difference(bars[again], sent.bars[known], self.moment)
        if symbol in self._anew and span.covers(stored):
            if len(bars) and sent.bars.empty:
                raise DataError(f"the vendor has no bars of it any more; those of {stored} are kept as they were")
            self._anew.discard(symbol)
            if found is not None:
                return self._replace(symbol, sent, span, facts, found, int((~known).sum()))
        elif found is not None or not span.touches(stored):
            # Another process may have changed the file since the span was chosen; then the next round chooses anew.
            self._anew |= {symbol} if found is not None else set()
            return None
        fresh = sent.within(~known)
        parts = [part for part in (bars, fresh.bars) if len(part)]
        joined = pd.concat(parts).sort_index() if parts else bars
        return self._write(
            symbol,
            joined,
            len(fresh.bars),
            replace(
                facts,
                first=stored.joined(span).first,
                last=stored.joined(span).last,
                fetched_at=self.moment,
                doubles=facts.doubles + len(fresh.doubled),
            ),
        )

    def _store(self, symbol: str, sent: Sent, span: Span) -> BarFacts:
        self._anew.discard(symbol)
        facts = BarFacts(
            self.source.name, self.source.variant, symbol, span.first, span.last, self.moment, doubles=len(sent.doubled)
        )
        return self._write(symbol, sent.bars, len(sent.bars), facts)

    def _replace(self, symbol: str, sent: Sent, span: Span, facts: BarFacts, found: Revision, added: int) -> BarFacts:
        """Put other bars in the place of those that the vendor revised, which are kept aside."""
        self._revisions[symbol] = found
        self.cache.supersede(self.cache.file(self.source, symbol), facts)
        return self._write(
            symbol,
            sent.bars,
            added,
            replace(
                facts,
                first=span.first,
                last=span.last,
                fetched_at=self.moment,
                doubles=len(sent.doubled),
                revisions=(*facts.revisions, found),
            ),
        )

    def _write(self, symbol: str, bars: pd.DataFrame, added: int, facts: BarFacts) -> BarFacts:
        self._rows[symbol] = self._rows.get(symbol, 0) + added
        dates = self._dates(bars)
        dates = dates if self.source.bar is None else np.unique(dates)
        few = min(OVERLAP, len(dates))
        head, tail = (dates[few - 1].item(), dates[-few].item()) if few else (None, None)
        return write_bars(self.cache.file(self.source, symbol), bars, replace(facts, head=head, tail=tail))

    def _known(self, symbol: str) -> BarFacts | None:
        """Return what is known of the stored bars, once those that are wanted are found undamaged."""
        try:
            return check_bars(self.cache.file(self.source, symbol), symbol, self.wanted.first, self.wanted.last)
        except FileNotFoundError:
            return None

    def _facts(self, symbol: str) -> BarFacts | None:
        """Return the same; a damaged file is put aside, as if there were none."""
        try:
            return self._known(symbol)
        except DamagedError:
            with locked(self.folder):
                return self._undamaged(symbol, lambda: self._known(symbol))

    def _stored(self, symbol: str) -> tuple[pd.DataFrame, BarFacts] | None:
        return self._undamaged(symbol, lambda: read_bars(self.cache.file(self.source, symbol), symbol))

    def _undamaged(self, symbol: str, read: Callable[[], T | None]) -> T | None:
        """Return what is read of a symbol's file; None if there is none, or if it is damaged and was put aside."""
        try:
            return read()
        except FileNotFoundError:
            return None
        except DamagedError as error:
            self.notes.append(f"{error}; it was moved to {self._put_aside(symbol, error)}")
            self.damaged.append(symbol)
            return None

    def _put_aside(self, symbol: str, error: DamagedError) -> Path:
        try:
            return quarantine(self.cache.file(self.source, symbol), str(error))
        except OSError as refused:
            raise DataError(f"{error}, and it cannot be moved away: {refused.strerror or refused}") from None

    def _settle_stored(self, symbol: str, facts: BarFacts) -> None:
        if symbol in self._revisions:
            self._settle(symbol, "revised")
        elif not facts.rows:
            self._settle(symbol, "empty")
        else:
            self._settle(symbol, "fetched" if symbol in self._rows else "current")

    def _settle(self, symbol: str, status: Status, reason: str = "") -> None:
        self.outcomes[symbol] = Outcome(symbol, status, self._rows.get(symbol, 0), reason, self._revisions.get(symbol))
        self._advance()

    def _dates(self, bars: pd.DataFrame) -> NDArray[np.datetime64]:
        return self.sessions.dates(pd.DatetimeIndex(bars.index))

    @staticmethod
    def _span(facts: BarFacts) -> Span:
        return Span(facts.first, facts.last)

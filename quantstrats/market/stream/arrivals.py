"""Arrivals: which of the bars that come in are new, and in what way."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any, Literal, TypeAlias

from quantstrats.market.calendar import Calendar

Kind: TypeAlias = Literal["live", "backfilled", "late", "correction"]

_LONG_AGO = datetime.min.replace(tzinfo=UTC)
_MOST_KEPT = 3_000  # bars of a symbol that are remembered: two days of minutes around the clock
_FIELDS = (("open", "o"), ("high", "h"), ("low", "l"), ("close", "c"), ("volume", "v"))


@dataclass(frozen=True)
class StreamedBar:
    """A closed bar of one symbol.

    Attributes
    ----------
    symbol : str
        As it was asked for.
    start : datetime
        When the bar began, in UTC: its label in a Market.
    open, high, low, close, volume : float
        As they were traded, unadjusted.
    kind : {"live", "backfilled", "late", "correction"}
        ``live``: just closed. ``backfilled``: missed while there was no connection, and asked for afterwards.
        ``late``: new, but older than one that was delivered before. ``correction``: other numbers for a bar that is
        past; it is never a new bar.
    """

    symbol: str
    start: datetime
    open: float
    high: float
    low: float
    close: float
    volume: float
    kind: Kind = "live"

    @classmethod
    def of(cls, symbol: str, bar: dict[str, Any], kind: Kind) -> StreamedBar:
        """Make one of a bar as Alpaca has it (t, o, h, l, c, v).

        Raises
        ------
        LookupError, TypeError, ValueError
            If it lacks something, or is no bar.
        """
        begun = bar["t"]
        start = begun if isinstance(begun, datetime) else datetime.fromisoformat(begun)
        if start.tzinfo is None:
            raise ValueError(f"a bar of {symbol} has a time without zone")
        values = {name: float(bar[key]) for name, key in _FIELDS}
        return cls(symbol, start.astimezone(UTC), **values, kind=kind)


class RegularHours:
    """The starts of an exchange's bars: ``start in hours``.

    Parameters
    ----------
    calendar : str
        ISO code of the exchange; ``24/7`` never closes.
    bar : timedelta
        Length of a bar.
    """

    def __init__(self, calendar: str, bar: timedelta) -> None:
        self._calendar = Calendar(calendar)
        self._bar = bar
        self._of_days: dict[date, frozenset[datetime]] = {}

    def __contains__(self, start: datetime) -> bool:
        day = start.date()
        if day not in self._of_days:
            begin = datetime(day.year, day.month, day.day, tzinfo=UTC)
            self._of_days[day] = frozenset(each for each, _ in self.between(begin, begin + timedelta(days=1)))
        return start in self._of_days[day]

    def between(self, begin: datetime, end: datetime) -> Iterator[tuple[datetime, datetime]]:
        """Yield start and end of the bars that begin from one instant up to, not including, another."""
        import pandas as pd

        last = pd.Timestamp(end) - pd.Timedelta("1ns")
        grid = self._calendar.grid(pd.Timestamp(begin), last, pd.Timedelta(self._bar))
        yield from zip(grid.index.to_pydatetime(), grid.decided_at.to_pydatetime(), strict=True)


class Arrivals:
    """Tells new bars from what was delivered before.

    Parameters
    ----------
    symbols : sequence of str
        Others are left out.
    bar : timedelta
        Length of a bar.
    hours : RegularHours
        Bars outside are left out.
    since : datetime, optional
        Start of the first bar that is wanted; without one, of the first that closes from now on.
    """

    def __init__(
        self, symbols: Sequence[str], bar: timedelta, hours: RegularHours, since: datetime | None = None
    ) -> None:
        self._bar = bar
        self._hours = hours
        self._kept: dict[str, dict[datetime, StreamedBar]] = {symbol: {} for symbol in symbols}
        self._newest: dict[str, datetime | None] = dict.fromkeys(symbols)
        self._forgotten = dict.fromkeys(symbols, _LONG_AGO)
        self._since = since

    def begin(self, now: datetime) -> None:
        """Take what is closed by ``now`` as past, where nothing else was asked for."""
        if self._since is None:
            self._since = now - (now - _LONG_AGO) % self._bar

    def wanted_from(self) -> datetime | None:
        """Return the start of the earliest bar that may be missing; None if nothing can be."""
        if self._since is None:
            return None
        return min(self._since if newest is None else newest + self._bar for newest in self._newest.values())

    def sift(self, bars: Iterable[StreamedBar]) -> Iterator[StreamedBar]:
        """Yield what is to be delivered of some bars: duplicates and other symbols are left out."""
        for bar in bars:
            if bar.symbol in self._kept and bar.start in self._hours and (told := self._told(bar)) is not None:
                yield told

    def sift_missed(self, bars: Iterable[StreamedBar]) -> Iterator[StreamedBar]:
        """Yield what is to be delivered of bars that were asked for, in the order of time, then of symbol."""
        wanted = [bar for bar in bars if bar.symbol in self._kept and self._is_wanted(bar)]
        yield from self.sift(sorted(wanted, key=lambda bar: (bar.start, bar.symbol)))

    def _is_wanted(self, bar: StreamedBar) -> bool:
        """Tell whether a bar is newer than all before, delivered before, or not before the first that is wanted."""
        newest = self._newest[bar.symbol]
        if self._since is None or (newest is not None and bar.start > newest):
            return True
        return bar.start >= self._since or bar.start in self._kept[bar.symbol]

    def _told(self, bar: StreamedBar) -> StreamedBar | None:
        kept, newest = self._kept[bar.symbol], self._newest[bar.symbol]
        before = kept.get(bar.start)
        if before is not None:
            if replace(before, kind=bar.kind) == bar:
                return None
            kept[bar.start] = bar = replace(bar, kind="correction")
        elif bar.start < self._forgotten[bar.symbol]:
            return None  # nobody knows whether it was delivered
        elif bar.kind != "correction":
            if newest is not None and bar.start < newest:
                bar = replace(bar, kind="late")
            else:
                self._newest[bar.symbol] = bar.start
            kept[bar.start] = bar
            self._forget(bar.symbol)
        return bar

    def _forget(self, symbol: str) -> None:
        """Keep the newest half, once there are too many."""
        kept = self._kept[symbol]
        if len(kept) > _MOST_KEPT:
            starts = sorted(kept)
            self._forgotten[symbol] = starts[_MOST_KEPT // 2]
            self._kept[symbol] = {start: kept[start] for start in starts[_MOST_KEPT // 2 :]}

"""A vendor of bars in the process: it counts what it is asked for, revises, fails and leaves out as told."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta

import numpy as np
import pandas as pd

from quantstrats.market.sources.remote import Download, RemoteSource, UnavailableError


@dataclass
class Vendor:
    """What it has, and what it was asked for."""

    books: dict[str, pd.DataFrame] = field(default_factory=dict)
    asked: list[tuple[tuple[str, ...], date | None, date]] = field(default_factory=list)
    fails_before: str | None = None  # cannot be reached from this symbol on
    silent: set[str] = field(default_factory=set)  # left out of answers

    def spans(self):
        """The spans that were asked for since the last look, each with its symbols."""
        asked, self.asked = self.asked, []
        return [(",".join(symbols), str(first), str(last)) for symbols, first, last in asked]


@dataclass(frozen=True)
class FakeSource(RemoteSource):
    name = "fake"
    settling = timedelta(0)

    vendor: Vendor = field(default_factory=Vendor)
    interval: str = "1d"

    @property
    def bar(self):
        return None if self.interval == "1d" else pd.Timedelta(self.interval)

    @property
    def variant(self):
        return f"{self.interval}-raw"

    def download(self, symbols, first, last):
        self.vendor.asked.append((tuple(symbols), first, last))
        for symbol in symbols:
            if symbol == self.vendor.fails_before:
                raise UnavailableError("fake cannot be reached: connection refused")
            if symbol in self.vendor.silent:
                continue
            book = self.vendor.books.get(symbol)
            if book is None:
                yield Download(symbol, None, "no such symbol")
            else:
                yield Download(symbol, within(book, first, last))


def within(book, first, last):
    """The rows of a book of New York, or of dates, from one day to another."""
    days = (book.index.tz_convert("America/New_York").tz_localize(None) if book.index.tz else book.index).normalize()
    inside = days <= pd.Timestamp(last)
    return book[inside if first is None else inside & (days >= pd.Timestamp(first))]


def book_on(index, seed=0):
    """Bars with these labels."""
    rng = np.random.default_rng(seed)
    close = 100.0 * np.exp(rng.normal(0.0, 0.02, len(index)).cumsum())
    values = {"open": close * 0.99, "high": close * 1.02, "low": close * 0.98, "close": close}
    return pd.DataFrame({**values, "volume": rng.integers(1, 10**6, len(index)).astype(float)}, index=index)


# January and February of 2024 in New York: 1 and 15 January and 19 February are holidays.
HOLIDAYS = pd.to_datetime(["2024-01-01", "2024-01-15", "2024-02-19"])
SESSIONS = pd.bdate_range("2024-01-01", "2024-02-29").difference(HOLIDAYS).as_unit("ns")


END = datetime(2024, 3, 1, 12, tzinfo=UTC)  # Friday before the open: the last session that is over is 29 February


def three_symbols(factor=1.0):
    """A vendor of three symbols, 41 sessions from 2024-01-02 to 2024-02-29."""
    return Vendor({symbol: book_on(SESSIONS, seed) * factor for seed, symbol in enumerate(("AAA", "BBB", "CCC"))})

"""RemoteSource: bars that a vendor is asked for over the network, and that are kept in the cache."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING, ClassVar, Literal

from quantstrats.errors import DataError
from quantstrats.market.sources.base import RowSource

if TYPE_CHECKING:
    import pandas as pd

    from quantstrats.market.intake import Supply


class UnavailableError(DataError):
    """A vendor cannot be reached, or refuses to answer, after all polite attempts."""


@dataclass(frozen=True)
class Download:
    """What a vendor gave for one symbol.

    Attributes
    ----------
    symbol : str
        As the user asked for it.
    bars : DataFrame or None
        Columns open, high, low, close, volume as the vendor has them, unchecked: rows may be unordered, twice, or
        partly missing. Labelled by session date (no time zone) for daily bars, else by the start of the bar in UTC.
        None if the vendor has none; an empty frame says that the symbol exists and has no bars in the span.
    trouble : str
        Why there are no bars: "no such symbol" ...; empty if nothing is wrong.
    """

    symbol: str
    bars: pd.DataFrame | None
    trouble: str = ""


@dataclass(frozen=True)
class RemoteSource(RowSource):
    """Bars from a vendor over the network. What was asked for once is kept, and asked for again only where it lacks.

    Parameters
    ----------
    calendar : str, default "XNYS"
        ISO code of the exchange whose sessions the rows must be; ``24/7`` for markets that never close.
    missing : {"refuse", "skip"}, default "refuse"
        What to do about symbols that the vendor does not have: stop, or go on without them, which is stamped on every
        report.
    url : str, optional
        Another address to ask in place of the vendor's own; what it gives is kept as the vendor's.

    Attributes
    ----------
    settling : timedelta
        How long after a session its bars are taken for final: vendors are late, and correct what they sent at first.
    """

    settling: ClassVar[timedelta] = timedelta(hours=1)

    calendar: str = "XNYS"
    missing: Literal["refuse", "skip"] = "refuse"
    url: str | None = None

    @property
    @abstractmethod
    def interval(self) -> str:
        """How long a bar is, as the vendor calls it: ``1d``, ``5m``. It is a field of most subclasses."""

    @property
    @abstractmethod
    def bar(self) -> pd.Timedelta | None:
        """How long a bar is; None for daily bars."""

    @property
    @abstractmethod
    def variant(self) -> str:
        """What tells these bars from others of the same source and symbol: ``1d-adjusted``. It names a folder."""

    @abstractmethod
    def download(self, symbols: Sequence[str], first: date | None, last: date) -> Iterator[Download]:
        """Ask the vendor for bars, and yield those of each symbol as soon as all of them are there.

        Parameters
        ----------
        symbols : sequence of str
            As the user names them.
        first, last : date
            First and last session, both included; without a first, from the vendor's first bar on.

        Yields
        ------
        Download
            One for each symbol, in any order.

        Raises
        ------
        UnavailableError
            If the vendor cannot be reached, or refuses the key, after all polite attempts. What was yielded before is
            kept.
        """

    def rows(self, symbols: Sequence[str] | None = None, start: date | None = None, end: date | None = None) -> Supply:
        """Return the bars out of the cache, once what it lacks was asked for."""
        from quantstrats.market.cache.supply import supply_of

        return supply_of(self, symbols, start, end)

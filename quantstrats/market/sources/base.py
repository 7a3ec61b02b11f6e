"""Source: where bars, and series beside them, come from."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from datetime import date
from typing import TYPE_CHECKING, ClassVar

from quantstrats.errors import DataError

if TYPE_CHECKING:
    from quantstrats.market.intake import Supply
    from quantstrats.market.market import Market
    from quantstrats.market.side import SideSeries


class Source(ABC):
    """Where bars come from. A subclass is a frozen dataclass; its fields are the source's parameters.

    Attributes
    ----------
    name : str
        The name by which users ask for it.
    """

    name: ClassVar[str]

    @abstractmethod
    def load(self, symbols: Sequence[str] | None = None, start: date | None = None, end: date | None = None) -> Market:
        """Return the bars.

        Parameters
        ----------
        symbols : sequence of str, optional
            What to load; by default what the source holds to be its usual content.
        start, end : date, optional
            First and last session, both included; by default all there is.

        Raises
        ------
        DataError
            If a symbol is unknown, no bar lies in the span, or the bars are malformed.
        """


class RowSource(Source):
    """A source whose bars come as rows that nobody has checked: out of files, or from a vendor."""

    @abstractmethod
    def rows(self, symbols: Sequence[str] | None = None, start: date | None = None, end: date | None = None) -> Supply:
        """Return the rows of the bars, as they stand; see :meth:`Source.load` for the parameters.

        Raises
        ------
        DataError
            If a symbol is unknown, or rows cannot be had or read.
        """

    def load(self, symbols: Sequence[str] | None = None, start: date | None = None, end: date | None = None) -> Market:
        """Return the bars; what cannot be a bar is refused."""
        from quantstrats.market.intake import market_of

        return market_of(self.rows(symbols, start, end))[0]


class SideSource(Source):
    """A source of a side series instead of bars: values beside the bars, with the instants at which they were known."""

    @abstractmethod
    def load_side(self, symbols: Sequence[str], start: date | None = None, end: date | None = None) -> SideSeries:
        """Return the series.

        Parameters
        ----------
        symbols : sequence of str
            The market's symbols; a series of one number per observation has no use for them.
        start, end : date, optional
            First and last session of the market. Values that were known before the first belong to it too: the newest
            of them holds on that session.

        Raises
        ------
        DataError
            If the series cannot be had, or holds what cannot stand.
        """

    def load(
        self,
        symbols: Sequence[str] | None = None,  # noqa: ARG002 - the signature is that of every source
        start: date | None = None,  # noqa: ARG002
        end: date | None = None,  # noqa: ARG002
    ) -> Market:
        """Refuse: it has no bars."""
        raise DataError(f"source {self.name!r} has no bars but a side series; name it in data.side")

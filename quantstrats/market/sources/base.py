"""Source: where bars come from."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from datetime import date
from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from quantstrats.market.market import Market


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

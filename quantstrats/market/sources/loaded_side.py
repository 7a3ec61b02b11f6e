"""LoadedSide: a side series, and what is known of the bars that it is made of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from quantstrats.market.side import SideSeries


@dataclass(frozen=True)
class LoadedSide:
    """A side series as it was loaded.

    Attributes
    ----------
    series : SideSeries
        The values, and when each was known.
    stamps : tuple of str
        What every report on a market with this series must say.
    record : mapping
        What is known of how its bars came to be, as plain data; nothing of a series that is not made of bars.
    """

    series: SideSeries
    stamps: tuple[str, ...] = ()
    record: Mapping[str, Any] = field(default_factory=dict)

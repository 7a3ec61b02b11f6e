"""The source ``sectors``: the sector of each symbol of a list that is known by its name, as the list stands today."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, ClassVar

from quantstrats.errors import ConfigError, DataError, did_you_mean
from quantstrats.hookspecs import Register, hookimpl
from quantstrats.market.sources.base import SideSource

if TYPE_CHECKING:
    from quantstrats.market.side import SideSeries


@dataclass(frozen=True)
class Sectors(SideSource):
    """The sector of each symbol, out of a list of symbols that is fetched and kept for a day.

    It is the sector of today, taken as known at all times, which is stamped on every report. Symbols that are not in
    the list today have none.

    Parameters
    ----------
    of : str, default "sp500"
        Which list.

    Raises
    ------
    ConfigError
        If there is no such list.
    """

    name: ClassVar[str] = "sectors"

    of: str = "sp500"

    def __post_init__(self) -> None:
        from quantstrats.market.symbols import LISTS

        if self.of not in LISTS:
            raise ConfigError(f"of is {self.of!r}{did_you_mean(self.of, LISTS)} (it is {', '.join(LISTS)})")

    def load_side(self, symbols: Sequence[str], start: date | None = None, end: date | None = None) -> SideSeries:  # noqa: ARG002 - of no time
        """Return the sectors of the market's symbols; of the whole list where none are named.

        Raises
        ------
        DataError
            If the list cannot be had, or has none of the symbols.
        """
        from quantstrats.market.side import SideSeries
        from quantstrats.market.symbols import LISTS, sectors_of_list

        every = sectors_of_list(self.of)
        if not symbols:
            return every
        # What becomes of other symbols in the list is no change of this market's data.
        values = every.values[every.values.index.isin(list(symbols))]
        if not len(values):
            raise DataError(f"source 'sectors': no symbol of the market is in the {LISTS[self.of].title}; leave it out")
        return SideSeries(values, every.known_at)


@hookimpl
def register_sources(register: Register) -> None:
    """Offer sectors."""
    register(Sectors)

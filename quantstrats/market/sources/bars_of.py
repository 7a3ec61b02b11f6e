"""BarsOf: which numbers of a source with bars are a side series."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

import pandas as pd

from quantstrats.errors import ConfigError, DataError, did_you_mean
from quantstrats.market.facts import CLOSE_ONLY
from quantstrats.market.intake import market_of
from quantstrats.market.market import Market
from quantstrats.market.quality.check import check_market
from quantstrats.market.quality.repair import Repair
from quantstrats.market.side import SideSeries
from quantstrats.market.sources.base import RowSource
from quantstrats.market.sources.known import delay_of
from quantstrats.market.sources.loaded_side import LoadedSide

if TYPE_CHECKING:
    from quantstrats.market.quality.report import QualityReport
    from quantstrats.market.sources.base import Source

_FIELDS = ("open", "high", "low", "close", "volume")
# How far before a market's first session the newest earlier bar may lie: exchanges have been closed for longer than a
# week, and vendors keep one-minute bars for little more than one.
_DAYS_BEFORE, _DAYS_BEFORE_INTRADAY = 31, 7
# Nothing is filled at the prices of a side series.
_CLOSE_ONLY = CLOSE_ONLY.partition(", so")[0]


@dataclass(frozen=True)
class BarsOf:
    """Which numbers of a source with bars are the series. A bar's are known when it is complete.

    Parameters
    ----------
    symbol : str
        Whose bars.
    field : {"open", "high", "low", "close", "volume"}, default "close"
        Which of their numbers.
    delay : str, optional
        How long after the bar is complete they are known, as in 15min.
    repair : str, or mapping of str to str, optional
        What is done about what is found wrong with these bars; see :class:`~quantstrats.market.quality.repair.Repair`.

    Raises
    ------
    ConfigError
        If one does not fit.
    """

    symbol: str
    field: str = "close"
    delay: str | None = None
    repair: str | Mapping[str, str] | None = None

    def __post_init__(self) -> None:
        if self.field not in _FIELDS:
            raise ConfigError(
                f"field is {self.field!r}{did_you_mean(self.field, _FIELDS)} (it is {', '.join(_FIELDS)})"
            )
        delay_of(self.delay)
        Repair.of(self.repair)

    def load(self, source: Source, start: date | None, end: date | None) -> LoadedSide:
        """Return the series out of the source's bars, which are checked and repaired.

        Parameters
        ----------
        source : Source
            Whose bars.
        start, end : date or None
            First and last session of the market; what was known before the first is there too.

        Raises
        ------
        DataError
            If the bars cannot be had, or what is found in them is refused.
        """
        start = self.since(source, start)
        policy = Repair.of(self.repair)
        market, report = self._checked(source, start, end, policy)
        values = pd.Series(market.array(self.field)[:, market.symbols.get_loc(self.symbol)], index=market.index)
        there = values.notna().to_numpy()
        known_at: pd.DatetimeIndex = market.decided_at[there] + delay_of(self.delay)
        stamps = (_CLOSE_ONLY if stamp == CLOSE_ONLY else stamp for stamp in market.stamps)
        record = {**market.record, "quality": report.as_record(), "repair": policy.as_plain()}
        return LoadedSide(SideSeries(values[there].rename(self.symbol), known_at), (*stamps, *report.stamps()), record)

    def since(self, source: Source, start: date | None) -> date | None:
        """Return from which day on bars are wanted, so that a market's first session has the newest earlier one."""
        if start is None:
            return None
        days = _DAYS_BEFORE if getattr(source, "bar", None) is None else _DAYS_BEFORE_INTRADAY
        return start - timedelta(days=days + delay_of(self.delay).days)

    def as_plain(self) -> dict[str, Any]:
        """Return it as plain data, of which it can be made again."""
        own = {each.name: getattr(self, each.name) for each in fields(self)}
        return {**own, "repair": Repair.of(self.repair).as_plain()}

    def _checked(
        self, source: Source, start: date | None, end: date | None, repair: Repair
    ) -> tuple[Market, QualityReport]:
        """Return the symbol's bars, and what was found in them."""
        if isinstance(source, RowSource):
            market, report = market_of(source.rows([self.symbol], start, end), repair)
            return self._asked_for(market, start, end), report
        loaded = source.load([self.symbol], start, end)
        if not isinstance(loaded, Market):
            raise DataError(f"source {source.name!r} returned {type(loaded).__name__}, not a Market")
        return check_market(self._asked_for(loaded, start, end), repair)

    def _asked_for(self, market: Market, start: date | None, end: date | None) -> Market:
        """Return the symbol's bars of the span, even if the source gave more."""
        chosen = market.select([self.symbol])
        return chosen.between(start, end) if start or end else chosen

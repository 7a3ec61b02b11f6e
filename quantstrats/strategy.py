"""Strategy: a signal and all that turns its forecasts into targets. The one decision path."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from quantstrats.evaluation import evaluate
from quantstrats.market.universe import Universe
from quantstrats.portfolio.allocation import Allocator, allocate
from quantstrats.portfolio.allocators import LongFlat
from quantstrats.portfolio.costs import Costs
from quantstrats.portfolio.risk import RiskPolicy
from quantstrats.portfolio.schedule import Schedule

if TYPE_CHECKING:
    import pandas as pd

    from quantstrats.learning.fits import Fits
    from quantstrats.market.market import Market
    from quantstrats.signals import Signal


@dataclass(frozen=True)
class Strategy:
    """What a configuration describes: an idea, and how it is traded.

    Parameters
    ----------
    signal : Signal
        The idea.
    allocator : Allocator
        Turns its forecasts into weights.
    schedule : Schedule
        When decisions fall and which targets are traded.
    costs : Costs
        What trading costs.
    universe : Universe
        Which symbols may be held when.
    risk : RiskPolicy
        What ends trading.
    """

    signal: Signal
    allocator: Allocator = field(default_factory=LongFlat)
    schedule: Schedule = field(default_factory=Schedule)
    costs: Costs = field(default_factory=Costs)
    universe: Universe = field(default_factory=Universe)
    risk: RiskPolicy = field(default_factory=RiskPolicy)

    def forecast(self, market: Market, fits: Fits | None = None) -> pd.DataFrame:
        """Return the signal's forecast within the universe, rows x symbols; NaN where it has no opinion.

        Parameters
        ----------
        market : Market
            The bars.
        fits : Fits, optional
            Where a learner's fits are kept.

        Raises
        ------
        SignalError
            If the signal fails or breaks its contract.
        DataError
            If the universe's file of members cannot be used.
        """
        since = self.universe.warmup() - 1
        return evaluate(self.signal, self.universe.applied(market), since=since, fits=fits)

    def decide(self, forecast: pd.DataFrame, market: Market) -> pd.DataFrame:
        """Return the wanted fraction of equity, rows x symbols.

        Where a decision falls, every symbol that has a bar has a number; all else is NaN: a decision says nothing
        about a symbol without a bar, and its position stands.

        Parameters
        ----------
        forecast : DataFrame
            What ``forecast`` returned for this market.
        market : Market
            The bars.

        Raises
        ------
        AllocationError
            If the allocator fails or breaks its contract.
        """
        decided = self.schedule.decision_rows(market.timeline)
        targets = allocate(self.allocator, forecast[decided]).where(market.present[decided])
        return targets.reindex(market.index)

    def targets(self, market: Market, fits: Fits | None = None) -> pd.DataFrame:
        """Return the wanted fraction of equity, rows x symbols: ``decide`` of ``forecast``."""
        return self.decide(self.forecast(market, fits), market)

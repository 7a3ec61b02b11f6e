"""Strategy: a signal and all that turns its forecasts into targets. The one decision path."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from quantstrats.evaluation import evaluate
from quantstrats.portfolio.allocation import Allocator, allocate
from quantstrats.portfolio.allocators import LongFlat
from quantstrats.portfolio.costs import Costs
from quantstrats.portfolio.schedule import Schedule

if TYPE_CHECKING:
    import pandas as pd

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
    """

    signal: Signal
    allocator: Allocator = field(default_factory=LongFlat)
    schedule: Schedule = field(default_factory=Schedule)
    costs: Costs = field(default_factory=Costs)

    def targets(self, market: Market) -> pd.DataFrame:
        """Return the wanted fraction of equity, rows x symbols.

        Where a decision falls, every symbol that has a bar has a number; all else is NaN: a decision says nothing
        about a symbol without a bar, and its position stands.

        Raises
        ------
        SignalError, AllocationError
            If the signal or the allocator fails or breaks its contract.
        """
        forecast = evaluate(self.signal, market)
        decided = self.schedule.decision_rows(market)
        targets = allocate(self.allocator, forecast[decided]).where(market.present[decided])
        return targets.reindex(market.index)

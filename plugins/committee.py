"""Several signals, each an agent with a view of its own, and what most of them say."""

from dataclasses import dataclass

import numpy as np

from quantstrats import Details, Signal, hookimpl

ROUNDING = 1e-12  # sums of weights as close as this are equal


@dataclass(frozen=True)
class Committee(Signal):
    """The direction that has the most votes among `agents`, as far as it leads.

    An agent votes up or down by the sign of its forecast, flat with 0, and abstains where it has no opinion. Combining
    forecasts that err in different ways beats most of them, and plain means are hard to beat (Bates and Granger 1969,
    Operational Research Quarterly 20(4); Timmermann 2006, Handbook of Economic Forecasting 1). An agent may be any
    signal: a trend, a pattern, news, a regime, or a learner that is itself about other signals.

    The forecast is the winner's share of the weights that voted, with its sign, and 0 where flat wins, two sides are
    equal, or the share is below `majority`. There is no opinion where too few vote.

    Parameters
    ----------
    agents : tuple of Signal
        Who votes; at least one.
    weights : tuple of float
        How much each vote counts; by default all count the same.
    majority : float
        Least share of the weights that voted which the winner needs.
    quorum : float
        Least share of all weights that has to vote.
    """

    name = "committee"
    agents: tuple[Signal, ...]
    weights: tuple[float, ...] = ()
    majority: float = 0.5
    quorum: float = 0.5

    def __post_init__(self):
        if not self.agents:
            raise ValueError("agents is empty; name at least one signal")
        if len(self.weights) not in {0, len(self.agents)}:
            raise ValueError(
                f"{len(self.agents)} agents and {len(self.weights)} weights: give one weight for each agent"
            )
        if any(not 0 < weight < np.inf for weight in self.weights):
            raise ValueError(f"weights ({self.weights}) must be above 0; leave out an agent that does not count")
        if not (0 <= self.majority <= 1 and 0 < self.quorum <= 1):
            raise ValueError(f"majority ({self.majority}) and quorum ({self.quorum}) must be shares, from 0 to 1")

    def warmup(self):
        return 1

    def forecast(self, market):
        votes = [np.sign(said) for said in market.parts.values()]
        up, flat, down = (
            sum(share * (vote == side) for share, vote in zip(self.shares(), votes, strict=True)) for side in (1, 0, -1)
        )
        voted = up + flat + down
        lead, winner = up - down, up.where(up > down, down)
        wins = (lead.abs() > ROUNDING) & (winner > flat + ROUNDING) & (winner >= self.majority * voted - ROUNDING)
        said = (np.sign(lead) * winner / voted.where(voted > 0)).where(wins, 0.0)
        return said.where(voted >= self.quorum - ROUNDING)

    def shares(self):
        weights = np.array(self.weights or [1.0] * len(self.agents))
        return weights / weights.sum()

    def details(self, market):
        import pandas as pd

        decided = np.sign(market.forecast.to_numpy())
        taken = np.abs(decided) == 1
        votes = [np.sign(said.to_numpy()) for said in market.parts.values()]
        table = {
            "agent": [agent.name for agent in self.agents],
            "weight": self.shares(),
            "votes": [np.isfinite(vote).mean() for vote in votes],
            "for what was decided": [part_of(vote == decided, taken) for vote in votes],
            "against": [part_of(vote == -decided, taken) for vote in votes],
            "ms a bar": [1e3 * market.part_seconds[part] for part in market.parts],
        }
        return Details(
            tables={"Agents: how they voted, and how long each takes": pd.DataFrame(table).set_index("agent")}
        )


def part_of(found, among):
    return found[among].mean() if among.any() else np.nan


@hookimpl
def register_signals(register):
    register(Committee)

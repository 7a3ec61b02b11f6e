"""Trade against a return that is like no other, or with it."""

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from quantstrats import Learner, Signal, features, hookimpl, positions

RETURN, VOLATILITY = "log_return", "realised_volatility(window=20)"
NAMES = [RETURN, VOLATILITY]
LEAST = 100  # returns to grow a forest on


@dataclass(frozen=True)
class AnomalySpike(Learner):
    """Trade for `hold` bars on a return that an isolation forest calls an outlier.

    Liu, Ting and Zhou (2008), "Isolation Forest". Returns are in units of the symbol's volatility over the 20 bars
    before, so that one forest serves all symbols. It is grown on the training rows alone, and knows nothing of the
    returns that it judges. An outlier is what scores above `unusual`; no share of them is decreed, as the forests'
    `contamination` would: calm weeks have none.

    Parameters
    ----------
    trade : {"reversal", "continuation"}
        Against the return, as after a move that liquidity takers forced, or with it, as after news.
    unusual : float
        A score of anomaly between 0 and 1: usual returns lie below 0.5, clear outliers near 1.
    hold : int
        In bars.
    trees, seed : int
        Of the forest.
    """

    name = "anomaly_spike"
    trade: Literal["reversal", "continuation"] = "reversal"
    unusual: float = 0.7
    hold: int = 5
    trees: int = 100
    seed: int = 1

    def __post_init__(self):
        if not 0 < self.unusual < 1 or self.hold < 1 or self.trees < 1:
            raise ValueError(
                f"unusual ({self.unusual}) must be between 0 and 1, hold ({self.hold}) and trees ({self.trees}) "
                "at least 1"
            )

    def warmup(self):
        return features.warmup(NAMES) + self.hold

    def fit(self, market):
        from sklearn.ensemble import IsolationForest

        seen = sizes(market).to_numpy()
        seen = seen[np.isfinite(seen)].reshape(-1, 1)
        if len(seen) < LEAST:
            return None
        forest = IsolationForest(n_estimators=self.trees, random_state=self.seed).fit(seen)
        sign = -1.0 if self.trade == "reversal" else 1.0
        return AnomalySpikeFitted(forest, self.unusual, sign, self.hold, self.warmup())


@dataclass(frozen=True)
class AnomalySpikeFitted(Signal):
    """A position for some bars after an outlier."""

    name = "anomaly_spike_fitted"
    forest: Any
    unusual: float
    sign: float
    hold: int
    rows: int

    def warmup(self):
        return self.rows

    def forecast(self, market):
        size = sizes(market)
        score, known = np.zeros(size.shape), size.notna().to_numpy()
        if known.any():
            score[known] = -self.forest.score_samples(size.to_numpy()[known].reshape(-1, 1))
        trigger = (self.sign * size).where((score > self.unusual) | size.isna(), 0.0)
        return positions.after(trigger, self.hold)


def sizes(market):
    """Return returns in units of the volatility that was known before them."""
    table = features.compute(market, NAMES)
    volatility = table[VOLATILITY].shift(1)
    return (table[RETURN] / volatility.where(volatility > 0)) * market.bars_per_year**0.5


@hookimpl
def register_signals(register):
    register(AnomalySpike)

"""Calm or stressed, by how rough the last month was among the months before."""

from dataclasses import dataclass

from quantstrats import Signal, features, hookimpl

PRESENT = 0.9  # part of the history that must be there


@dataclass(frozen=True)
class VolatilityRegime(Signal):
    """Above 0 while volatility is below a `quantile` of its own past, below 0 while above; from -1 to 1.

    Volatility is that of the last `window` bars, the mean over symbols; what counts is its place among its last
    `history` values, from 0 to 1: 1 where none was lower, 0 at the quantile, -1 where none was higher. Nothing is
    assumed of what is high: each market, and each decade, has its own. After Moreira and Muir (2017),
    "Volatility-Managed Portfolios", Journal of Finance 72(4), who scale by last month's variance.

    Parameters
    ----------
    window : int
        Bars of which the volatility is; 21 are a month.
    history : int
        Rows among which it takes its place; 504 are two years.
    quantile : float
        Above which place times are stressed, between 0 and 1.
    per_symbol : bool
        Whether each symbol has a regime of its own.
    """

    name = "volatility_regime"
    window: int = 21
    history: int = 504
    quantile: float = 0.8
    per_symbol: bool = False

    def __post_init__(self):
        if self.window < 2 or self.history < 2:
            raise ValueError(f"window ({self.window}) and history ({self.history}) must be at least 2")
        if not 0 < self.quantile < 1:
            raise ValueError(f"quantile ({self.quantile}) must lie between 0 and 1")

    def warmup(self):
        return features.warmup(self.feature) + self.history - 1

    def forecast(self, market):
        import pandas as pd

        volatility = features.compute(market, self.feature)[self.feature]
        if not self.per_symbol:
            volatility = pd.DataFrame(dict.fromkeys(market.symbols, volatility.mean(axis=1)), index=market.index)
        among = volatility.rolling(self.history, min_periods=round(PRESENT * self.history))
        # Of n values the lowest is at 0 and the highest at 1; of equals the one in the middle counts.
        place = (among.rank() - 1) / (among.count() - 1)
        below = self.quantile - place
        return (below / self.quantile).where(below > 0, below / (1 - self.quantile))

    @property
    def feature(self):
        return f"realised_volatility(window={self.window})"


@hookimpl
def register_signals(register):
    register(VolatilityRegime)

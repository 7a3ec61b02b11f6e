"""Winners keep winning, at least for months."""

from dataclasses import dataclass

from quantstrats import Signal, hookimpl


@dataclass(frozen=True)
class Momentum(Signal):
    """Return over the last `lookback` bars, leaving out the last `skip`.

    Jegadeesh and Titman (1993), "Returns to Buying Winners and Selling Losers", Journal of Finance 48(1).
    A bar that is missing at either end of the window takes the opinion away for that row.
    Made for many symbols: allocate with top_quantile, decide by the month.

    Parameters
    ----------
    lookback, skip : int
        In bars; 126 are half a year, and a month (21) is often skipped because it tends to reverse.
    """

    name = "momentum"
    lookback: int = 126
    skip: int = 0

    def __post_init__(self):
        if not 0 <= self.skip < self.lookback:
            raise ValueError(f"skip ({self.skip}) must be at least 0 and below lookback ({self.lookback})")

    def warmup(self):
        return self.lookback + 1

    def forecast(self, market):
        return market.close.shift(self.skip) / market.close.shift(self.lookback) - 1


@hookimpl
def register_signals(register):
    register(Momentum)

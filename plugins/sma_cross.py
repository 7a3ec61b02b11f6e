"""Trend by two moving averages."""

from dataclasses import dataclass

from quantstrats import Details, Signal, hookimpl

PRESENT = 0.9  # an average stands on at least this part of its bars, so that one missing bar does not end it


@dataclass(frozen=True)
class SmaCross(Signal):
    """Up while the fast simple moving average of closes is above the slow one, down while below, flat at a tie.

    Parameters
    ----------
    fast, slow : int
        Lengths of the averages, in bars.
    """

    name = "sma_cross"
    fast: int = 20
    slow: int = 50

    def __post_init__(self):
        if not 1 <= self.fast < self.slow:
            raise ValueError(f"fast ({self.fast}) must be at least 1 and below slow ({self.slow})")

    def warmup(self):
        return self.slow

    def forecast(self, market):
        fast, slow = self.averages(market)
        return fast / slow - 1

    def details(self, market):
        fast, slow = self.averages(market)
        return Details(overlays={f"SMA {self.fast}": fast, f"SMA {self.slow}": slow})

    def averages(self, market):
        return mean(market.close, self.fast), mean(market.close, self.slow)


def mean(close, bars):
    return close.rolling(bars, min_periods=round(PRESENT * bars)).mean()


@hookimpl
def register_signals(register):
    register(SmaCross)

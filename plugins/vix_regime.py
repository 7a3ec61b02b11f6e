"""Calm or stressed, by what options on the S&P 500 cost."""

from dataclasses import dataclass

from quantstrats import Signal, hookimpl


@dataclass(frozen=True)
class VixRegime(Signal):
    """1 up to a VIX of `calm`, -1 from `stressed` on, in a straight line between them.

    Whaley (2000), "The Investor Fear Gauge", Journal of Portfolio Management 26(3). The thresholds are the round
    numbers of practice, beside a mean of about 20 since 1990; they are fitted to nothing. Made to be the `regime` of
    regime_switch.

    Parameters
    ----------
    calm, stressed : float
        Levels of the side series vix, in points.
    """

    name = "vix_regime"
    needs = ("vix",)
    calm: float = 20.0
    stressed: float = 30.0

    def __post_init__(self):
        if not 0 < self.calm < self.stressed:
            raise ValueError(f"calm ({self.calm}) must be above 0 and below stressed ({self.stressed})")

    def warmup(self):
        return 1

    def forecast(self, market):
        import pandas as pd

        middle, half = (self.stressed + self.calm) / 2, (self.stressed - self.calm) / 2
        calmness = ((middle - market.side["vix"]) / half).clip(-1.0, 1.0)
        return pd.DataFrame(dict.fromkeys(market.symbols, calmness), index=market.index)


@hookimpl
def register_signals(register):
    register(VixRegime)

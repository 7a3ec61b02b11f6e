"""Follow a signal only where it has been right lately."""

from dataclasses import dataclass

import numpy as np

from quantstrats import Signal, hookimpl

PRESENT = 0.5  # part of the window that a score stands on at least


@dataclass(frozen=True)
class BestScored(Signal):
    """The forecasts of `signal`, for the `top` symbols where following it paid best over the last `window` bars.

    What a forecast made is what an order on it would have: it is decided at the close of a bar, filled at the open of
    the next, and paid the return from that open to the open after it, with the forecast's sign. The mean of these
    is the score; flat counts as nothing earned, no opinion as no bar. The part's forecasts are out of sample, so a
    learner is scored on bars that it was not fitted on. Symbols that are not chosen have no opinion.
    A symbol competes while the signal has an opinion on it now and had one on half of the window. The best of many
    scores is partly luck: the more symbols, the longer a window it takes.

    Parameters
    ----------
    signal : Signal
        Whose forecasts they are.
    top : int
        How many symbols to follow; of equal scores the first in the market's order.
    window : int
        In bars; 63 are a quarter of a year.
    """

    name = "best_scored"
    signal: Signal
    top: int = 5
    window: int = 63

    def __post_init__(self):
        if self.top < 1 or self.window < 1:
            raise ValueError(f"top ({self.top}) and window ({self.window}) must be at least 1")

    def warmup(self):
        return self.window + 2

    def forecast(self, market):
        forecast = market.parts["signal"]
        score = self.score(forecast, market).where(forecast.notna())
        return forecast.where(score.rank(axis=1, ascending=False, method="first") <= self.top)

    def score(self, forecast, market):
        # From the open of the bar before to this one: decided two bars ago.
        earned = np.sign(forecast).shift(2) * market.open.pct_change(fill_method=None)
        return earned.rolling(self.window, min_periods=max(1, round(PRESENT * self.window))).mean()


@hookimpl
def register_signals(register):
    register(BestScored)

"""Back to the moving average from outside of Bollinger's bands."""

from dataclasses import dataclass

from quantstrats import Details, Signal, features, hookimpl, positions


@dataclass(frozen=True)
class BollingerReversion(Signal):
    """Buy below the lower Bollinger band, sell above the upper one, and get out at the moving average.

    Bollinger (2001), "Bollinger on Bollinger Bands"; that prices revert from there is the tale, not his advice.
    There is no state before the last `hold` bars: a position is given up where the close has not been outside of the
    bands for so long.

    Parameters
    ----------
    window : int
        Bars of the mean and of the standard deviation.
    entry, leave : float
        In standard deviations from the mean: in beyond the first, out within the second.
    hold : int
        In bars.
    """

    name = "bollinger_reversion"
    window: int = 20
    entry: float = 2.0
    leave: float = 0.0
    hold: int = 20

    def __post_init__(self):
        if self.window < 2 or self.hold < 1:
            raise ValueError(f"window ({self.window}) must be at least 2, hold ({self.hold}) at least 1")
        if not 0 <= self.leave < self.entry:
            raise ValueError(f"leave ({self.leave}) must be at least 0 and below entry ({self.entry})")

    def warmup(self):
        return features.warmup([self.percent]) + self.hold - 1

    def forecast(self, market):
        score = 2 * features.compute(market, [self.percent])[self.percent] - 1  # from 0 to 1 between the bands
        return positions.reverting(score, entry=self.entry, leave=self.leave, hold=self.hold)

    def details(self, market):
        bands = [f"bollinger_{side}(window={self.window}, deviations={self.entry})" for side in ("upper", "lower")]
        table = features.compute(market, bands)
        return Details(overlays={"upper band": table[bands[0]], "lower band": table[bands[1]]})

    @property
    def percent(self):
        return f"bollinger_percent(window={self.window}, deviations=1.0)"


@hookimpl
def register_signals(register):
    register(BollingerReversion)

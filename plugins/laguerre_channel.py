"""Back to the Laguerre filter from the edge of a channel around it."""

from dataclasses import dataclass

from quantstrats import Details, Signal, features, hookimpl, positions

PRESENT = 0.9  # part of the window's bars that a deviation stands on at least


@dataclass(frozen=True)
class LaguerreChannel(Signal):
    """Buy below a channel around the Laguerre filter, sell above it, and get out at the filter.

    The middle is the filter of Ehlers (2004), "Time Warp - Without Space Travel"; the width is that of Bollinger's
    bands, the root of the mean squared distance of the last `window` closes to the filter. (A standard deviation of
    the filter's own values, as is sometimes seen, measures how steep it is, not how far prices stray from it.)
    There is no state before the last `hold` bars: a position is given up where the close has not been outside of the
    channel for so long.

    Parameters
    ----------
    gamma : float
        Of the filter, from 0 (quick) to below 1 (smooth).
    window : int
        Bars of the deviation.
    entry, leave : float
        In deviations from the filter: in beyond the first, out within the second.
    hold : int
        In bars.
    """

    name = "laguerre_channel"
    gamma: float = 0.8
    window: int = 20
    entry: float = 2.0
    leave: float = 0.0
    hold: int = 20

    def __post_init__(self):
        if not 0 <= self.gamma < 1 or self.window < 2 or self.hold < 1:
            raise ValueError(
                f"gamma ({self.gamma}) must be from 0 to below 1, window ({self.window}) at least 2, "
                f"hold ({self.hold}) at least 1"
            )
        if not 0 <= self.leave < self.entry:
            raise ValueError(f"leave ({self.leave}) must be at least 0 and below entry ({self.entry})")

    def warmup(self):
        return features.warmup([self.filter, self.distance]) + self.window + self.hold - 2

    def forecast(self, market):
        distance = features.compute(market, [self.distance])[self.distance]
        score = distance / self.deviation(distance)
        return positions.reverting(score, entry=self.entry, leave=self.leave, hold=self.hold)

    def details(self, market):
        table = features.compute(market, [self.filter, self.distance])
        line, width = table[self.filter], self.entry * self.deviation(table[self.distance])
        overlays = {"filter": line, "upper": line * (1 + width), "lower": line * (1 - width)}
        return Details(overlays={f"Laguerre {name}": values for name, values in overlays.items()})

    def deviation(self, distance):
        squared = (distance**2).rolling(self.window, min_periods=max(2, round(PRESENT * self.window))).mean()
        return squared.where(squared > 0) ** 0.5

    @property
    def filter(self):
        return f"laguerre_filter(gamma={self.gamma})"

    @property
    def distance(self):
        return f"laguerre_distance(gamma={self.gamma})"


@hookimpl
def register_signals(register):
    register(LaguerreChannel)

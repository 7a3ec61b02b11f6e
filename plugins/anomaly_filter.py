"""Follow a signal only where the market moves somewhere, and in its usual way."""

from dataclasses import dataclass

from quantstrats import Signal, features, hookimpl


@dataclass(frozen=True)
class AnomalyFilter(Signal):
    """The forecasts of `signal`, flat where the market is choppy or the bar is an outlier.

    Choppy is an efficiency ratio (Kaufman 1995) below `efficiency`: the move over `window` bars as a part of the way
    that prices went for it. A random walk has about 1 / sqrt(window). An outlier is a bar that an isolation forest
    (Liu, Ting and Zhou 2008) scores above `unusual`. Forests are grown on bars of the past alone, once a quarter for
    each symbol. That takes far more time than all the rest, so it is left out unless it is asked for.

    Parameters
    ----------
    signal : Signal
        Whose forecasts they are.
    window : int
        Bars of the efficiency ratio.
    efficiency : float
        From 0 (nothing is choppy) to 1.
    unusual : float, optional
        A score of anomaly from 0 to 1: usual bars lie below 0.5, clear outliers near 1; Liu et al. draw the contour at
        0.6. None: outliers are not looked for.
    trees : int
        Of each forest.
    seed : int
        What forests draw from.
    """

    name = "anomaly_filter"
    signal: Signal
    window: int = 10
    efficiency: float = 0.3
    unusual: float | None = None
    trees: int = 50
    seed: int = 1

    def __post_init__(self):
        if self.window < 2 or not 0 <= self.efficiency <= 1:
            raise ValueError(f"window ({self.window}) must be at least 2, efficiency ({self.efficiency}) from 0 to 1")
        if self.unusual is not None and not 0 < self.unusual < 1:
            raise ValueError(f"unusual ({self.unusual}) must be between 0 and 1, or null")

    def warmup(self):
        return features.warmup(self.filters())

    def forecast(self, market):
        forecast, filters = market.parts["signal"], self.filters()
        table = features.compute(market, filters)
        choppy = table[filters[0]] < self.efficiency
        outlier = -table[filters[1]] > self.unusual if len(filters) > 1 else choppy
        return forecast.where(~(choppy | outlier) | forecast.isna(), 0.0)

    def filters(self):
        forest = f"isolation_forest(trees={self.trees}, seed={self.seed})"
        return [f"efficiency_ratio(window={self.window})", *([forest] if self.unusual is not None else [])]


@hookimpl
def register_signals(register):
    register(AnomalyFilter)

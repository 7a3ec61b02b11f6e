"""Trend by Laguerre filters, which lag less than moving averages that are as smooth."""

from dataclasses import dataclass
from typing import Literal

from quantstrats import Details, Signal, features, hookimpl


@dataclass(frozen=True)
class LaguerreCross(Signal):
    """Up while the fast Laguerre line is above the slow one, down while below; `long_flat` trades the first alone.

    Ehlers (2004), "Time Warp - Without Space Travel". Four all-pass filters in a row delay the slow parts of the
    price more than the quick ones, and `gamma` says how much: on a steady rise the filter lags by 2.5 bars at 0.2, by
    17.5 at 0.8.

    Parameters
    ----------
    fast, slow : float
        Gammas of the two lines, from 0 to below 1.
    line : {"filter", "rsi"}
        Lines through prices, of which the forecast is the ratio less 1; or relative strength indexes made of the
        filters' states, from 0 to 1, of which it is the difference.
    """

    name = "laguerre_cross"
    fast: float = 0.2
    slow: float = 0.8
    line: Literal["filter", "rsi"] = "filter"

    def __post_init__(self):
        if not 0 <= self.fast < self.slow < 1:
            raise ValueError(f"fast ({self.fast}) must be at least 0 and below slow ({self.slow}), which is below 1")

    def warmup(self):
        return features.warmup(self.lines())

    def forecast(self, market):
        table = features.compute(market, self.lines())
        fast, slow = (table[line] for line in self.lines())
        return fast / slow - 1 if self.line == "filter" else fast - slow

    def details(self, market):
        table = features.compute(market, self.lines("filter"))
        titles = f"Laguerre {self.fast:g}", f"Laguerre {self.slow:g}"
        return Details(overlays={title: table[line] for title, line in zip(titles, self.lines("filter"), strict=True)})

    def lines(self, line=None):
        return [f"laguerre_{line or self.line}(gamma={gamma})" for gamma in (self.fast, self.slow)]


@dataclass(frozen=True)
class LaguerreLine(Signal):
    """Up while the close is above its Laguerre filter, down while below.

    Ehlers (2004), "Time Warp - Without Space Travel": the filter as a signal line.

    Parameters
    ----------
    gamma : float
        From 0 (quick) to below 1 (smooth).
    """

    name = "laguerre_line"
    gamma: float = 0.8

    def __post_init__(self):
        if not 0 <= self.gamma < 1:
            raise ValueError(f"gamma ({self.gamma}) must be at least 0 and below 1")

    def warmup(self):
        return features.warmup([f"laguerre_distance(gamma={self.gamma})"])

    def forecast(self, market):
        distance = f"laguerre_distance(gamma={self.gamma})"
        return features.compute(market, [distance])[distance]

    def details(self, market):
        line = f"laguerre_filter(gamma={self.gamma})"
        return Details(overlays={f"Laguerre {self.gamma:g}": features.compute(market, [line])[line]})


@hookimpl
def register_signals(register):
    register(LaguerreCross)
    register(LaguerreLine)

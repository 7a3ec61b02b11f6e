"""Oracle: what a feature must be, computed by something else than the code under test."""

from __future__ import annotations

import functools
import importlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from quantstrats import Market, features
from quantstrats.features.spec import specs_of
from quantstrats.market.calendar import Calendar

BARS = 900
SYMBOLS = ("AAA", "BBB", "CCC", "DDD")


@dataclass(frozen=True)
class Oracle:
    """An independent value of a feature.

    Attributes
    ----------
    feature : str
        As `features.compute` takes it.
    against : str
        What computes it: "ta 0.11", "pandas", "by hand", "Ehlers (2004), p. 214".
    expected : callable
        Gets one symbol's bars, a frame of `open high low close volume` by date (of a feature across symbols: the
        Market), and returns a Series by date (a frame of rows x symbols). NaN where the oracle has no value.
    tolerance : float
        Largest difference allowed, as a part of the oracle's largest size.
    market : callable, optional
        Makes another market than the usual one.
    """

    feature: str
    against: str
    expected: Callable
    tolerance: float = 1e-9
    market: Callable | None = None

    def difference(self):
        """Return the largest difference as a part of the oracle's largest size, and how many values were compared.

        Infinite where a value is missing that the oracle has, past the warm-up.
        """
        market = (self.market or random_market)()
        frame = features.compute(market, [self.feature])[self.feature]
        if specs_of([self.feature])[0].feature.across:
            expected = self.expected(market)
        else:
            expected = pd.DataFrame({symbol: self.expected(bars_of(market, symbol)) for symbol in market.symbols})
        expected = expected.reindex(index=frame.index, columns=frame.columns).to_numpy("float64")
        got = frame.to_numpy()
        both = np.isfinite(got) & np.isfinite(expected)
        if (np.isfinite(expected) & ~both)[features.warmup([self.feature]) - 1 :].any():
            return np.inf, int(both.sum())  # what the oracle knows must not be missing
        size = np.abs(expected[both]).max() if both.any() else np.nan
        return float(np.abs(got[both] - expected[both]).max() / (size or 1.0)), int(both.sum())


def bars_of(market, symbol):
    """Return one symbol's bars, those that are there."""
    names = ("open", "high", "low", "close", "volume")
    return pd.DataFrame({name: getattr(market, name)[symbol] for name in names}).dropna(subset="close")


@functools.cache
def random_market(bars=BARS, seed=11):
    """Return seeded bars of some symbols with ranges, gaps at the open and volumes; no missing bar."""
    rng = np.random.default_rng(seed)
    days = Calendar("XNYS").sessions(pd.Timestamp("2012-01-03"), pd.Timestamp("2021-12-31"))[:bars]
    shape = (bars, len(SYMBOLS))
    volatility = 0.01 * np.exp(0.5 * np.sin(np.arange(bars) / 60.0))[:, None] * np.array([0.7, 1.0, 1.5, 2.5])
    close = 50.0 * np.exp(np.cumsum(volatility * rng.standard_normal(shape), axis=0))
    before = np.vstack([close[:1], close[:-1]])
    opening = before * np.exp(0.4 * volatility * rng.standard_normal(shape))
    top, bottom = np.maximum(opening, close), np.minimum(opening, close)
    high = top * np.exp(0.6 * volatility * np.abs(rng.standard_normal(shape)))
    low = bottom * np.exp(-0.6 * volatility * np.abs(rng.standard_normal(shape)))
    volume = np.round(1e6 * np.exp(0.4 * rng.standard_normal(shape)))
    frames = {"open": opening, "high": high, "low": low, "close": close, "volume": volume}
    return Market.from_frames(**{name: pd.DataFrame(v, index=days, columns=SYMBOLS) for name, v in frames.items()})


def all_oracles():
    """Return every oracle of the test files beside this one."""
    found = []
    for file in sorted(Path(__file__).parent.glob("test_*.py")):
        if file.stem == "test_oracles":
            continue
        module = importlib.import_module(f"{__package__}.{file.stem}" if __package__ else file.stem)
        found += getattr(module, "ORACLES", [])
    return found

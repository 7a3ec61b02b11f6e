"""Bars that walk at random, the same for the same arguments: what benchmarks trade on."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from quantstrats import Market, load_market

SEED = 1
OVERNIGHT, WITHIN = 0.5, 0.85  # of a bar's volatility: before its open, and from there to its close


def days(count: int) -> pd.DatetimeIndex:
    """Return the first sessions of New York from 2000 on."""
    return load_market("synthetic", count=1, bars=count).index


def minutes(count: int) -> pd.DatetimeIndex:
    """Return the first minutes of 2020."""
    return pd.date_range("2020-01-01", periods=count, freq="min", tz="UTC")


def random_walk(index: pd.DatetimeIndex, count: int = 1, volatility: float = 0.02, **facts: Any) -> Market:
    """Return bars whose prices walk at random.

    Parameters
    ----------
    index : DatetimeIndex
        Labels of the rows.
    count : int
        How many symbols there are.
    volatility : float
        Standard deviation of the log return of a bar.
    **facts
        What ``Market.from_frames`` is told beside the bars.
    """
    chance = np.random.default_rng(SEED)
    shape, names = (len(index), count), [f"S{number:03}" for number in range(1, count + 1)]
    before, within = (volatility * part * chance.standard_normal(shape) for part in (OVERNIGHT, WITHIN))
    close = chance.uniform(20, 200, count) * np.exp((before + within).cumsum(axis=0))
    opened = close * np.exp(-within)
    above, below = (np.exp(abs(0.5 * volatility * chance.standard_normal(shape))) for _ in range(2))
    values = {
        "open": opened,
        "high": np.maximum(opened, close) * above,
        "low": np.minimum(opened, close) / below,
        "close": close,
        "volume": chance.lognormal(13, 0.6, shape).round(),
    }
    return Market.from_frames(
        **{name: pd.DataFrame(value, index=index, columns=names) for name, value in values.items()}, **facts
    )

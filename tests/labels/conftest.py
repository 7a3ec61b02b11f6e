"""Markets for tests of labels."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from quantstrats import Market


@pytest.fixture(scope="session")
def bars_of(sessions):
    """Make a Market of one symbol, A, from rows of open, high, low, close; None for a missing bar."""

    def make(rows, **facts):
        table = np.array([(np.nan,) * 4 if row is None else row for row in rows], dtype="float64")
        frames = [pd.DataFrame({"A": table[:, place]}, index=sessions(len(rows))) for place in range(4)]
        names = ("open", "high", "low", "close")
        return Market.from_frames(**dict(zip(names, frames, strict=True)), **facts)

    return make


@pytest.fixture(scope="session")
def random_market(sessions):
    """Make a Market of random walks with gaps, late listings and a symbol that ended, from a seed."""

    def make(seed, rows=60, symbols=3, gaps=0.1):
        rng = np.random.default_rng(seed)
        shape = (rows, symbols)
        close = 50.0 * np.exp(np.cumsum(rng.normal(0.0, 0.02, shape), axis=0))
        open_ = close * np.exp(rng.normal(0.0, 0.015, shape))
        high = np.maximum(open_, close) * (1.0 + rng.exponential(0.005, shape))
        low = np.minimum(open_, close) * (1.0 - rng.exponential(0.005, shape))
        gone = rng.random(shape) < gaps
        gone[: rng.integers(0, 20), -1] = True  # listed late
        last = rows - 1 - int(rng.integers(1, rows // 2))
        gone[last + 1 :, 0] = True
        gone[last, 0] = False
        index = sessions(rows)
        names = [chr(ord("A") + place) for place in range(symbols)]
        frames = {
            name: pd.DataFrame(np.where(gone, np.nan, each), index=index, columns=names)
            for name, each in {"open": open_, "high": high, "low": low, "close": close}.items()
        }
        facts = {"ended": {"A": index[last]}, "delisting_return": -0.3} if seed % 2 else {}
        return Market.from_frames(**frames, **facts)

    return make

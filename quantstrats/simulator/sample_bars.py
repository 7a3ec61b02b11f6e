"""Minute bars drawn at random, for tests that need some market and care not which."""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray

    from quantstrats.market.market import Market

# Sessions never lie further apart.
_LONGEST_PAUSE = 10
_MINUTE_VOLATILITY = 5e-4
_FIRST_PRICE, _VOLUME = 100.0, 10_000


def sample_minutes(
    symbols: Sequence[str] = ("AAPL", "MSFT", "SPY"),
    *,
    first: date = date(2024, 3, 1),
    sessions: int = 2,
    seed: int = 0,
) -> Market:
    """Return minute bars of random walks that begin at 100 dollars; prices are whole cents.

    Parameters
    ----------
    symbols : sequence of str, optional
        Names of the columns.
    first : date, optional
        The first session is the first one on or after it.
    sessions : int, optional
        How many; half-days are shorter.
    seed : int, optional
        Of what is drawn.
    """
    import numpy as np
    import pandas as pd

    from quantstrats.market.calendar import Calendar
    from quantstrats.market.market import Market

    calendar = Calendar("XNYS")
    last = first + timedelta(days=2 * sessions + _LONGEST_PAUSE)
    grid = calendar.grid(pd.Timestamp(first, tz="UTC"), pd.Timestamp(last, tz="UTC"), pd.Timedelta("1min"))
    wanted = grid.session.isin(grid.session.unique()[:sessions])
    index = grid.index[wanted]
    rng = np.random.default_rng(seed)
    shape = (len(index), len(symbols))
    closes = _FIRST_PRICE * np.exp(rng.normal(0, _MINUTE_VOLATILITY, shape).cumsum(axis=0))
    opens = np.vstack([np.full(len(symbols), _FIRST_PRICE), closes[:-1]])
    beyond = np.abs(rng.normal(0, _MINUTE_VOLATILITY / 2, (2, *shape)))

    def frame(values: NDArray[np.float64]) -> pd.DataFrame:
        return pd.DataFrame(values.round(2), index, list(symbols))

    return Market.from_frames(
        open=frame(opens),
        high=frame(np.maximum(opens, closes) * (1 + beyond[0])),
        low=frame(np.minimum(opens, closes) * (1 - beyond[1])),
        close=frame(closes),
        volume=frame(rng.integers(_VOLUME // 2, 2 * _VOLUME, shape).astype("float64")),
        bar="1min",
    )

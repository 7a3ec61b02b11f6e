"""Figures over windows of sessions.

They are worked out window by window: pandas' rolling figures are updated from row to row, and leave remainders of
arithmetic where nothing moved.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from quantstrats.research.bootstrap import ROUNDING

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray


def rolling_volatility(returns: pd.Series, days: int, days_per_year: float) -> pd.Series:
    """Return the annual volatility over windows of so many sessions, as a fraction; NaN before the first is whole."""
    return _at_the_end(returns, _deviation(_windows(returns, days)) * math.sqrt(days_per_year))


def rolling_sharpe(returns: pd.Series, days: int, days_per_year: float, rate_per_day: float) -> pd.Series:
    """Return the annual Sharpe ratio over windows of so many sessions; NaN where nothing moved.

    Parameters
    ----------
    returns : Series
        Per session.
    days : int
        Sessions of a window.
    days_per_year : float
        For annualising.
    rate_per_day : float
        Risk-free rate of a session, a fraction.
    """
    seen = _windows(returns, days)
    above = seen.mean(axis=1) - rate_per_day
    return _at_the_end(returns, _ratio(above, _deviation(seen)) * math.sqrt(days_per_year))


def rolling_beta(returns: pd.Series, benchmark: pd.Series, days: int) -> pd.Series:
    """Return the beta to the benchmark over windows of so many sessions; NaN where the benchmark did not move."""
    own, other = (_moves(_windows(series, days)) for series in (returns, benchmark))
    return _at_the_end(returns, _ratio((own * other).sum(axis=1), np.square(other).sum(axis=1)))


def _windows(returns: pd.Series, days: int) -> NDArray[np.float64]:
    return np.lib.stride_tricks.sliding_window_view(returns.to_numpy("float64"), days)


def _deviation(seen: NDArray[np.float64]) -> NDArray[np.float64]:
    deviation = seen.std(axis=1, ddof=1)
    return np.where(deviation > ROUNDING * (1.0 + np.abs(seen.mean(axis=1))), deviation, 0.0)


def _moves(seen: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the distances from the mean of each window; exactly zero where nothing moved."""
    still = np.ptp(seen, axis=1) == 0.0
    return np.where(still[:, None], 0.0, seen - seen.mean(axis=1, keepdims=True))


def _ratio(above: NDArray[np.float64], below: NDArray[np.float64]) -> NDArray[np.float64]:
    quotients: NDArray[np.float64] = np.divide(above, below, out=np.full(len(above), np.nan), where=below > 0.0)
    return quotients


def _at_the_end(returns: pd.Series, figures: NDArray[np.float64]) -> pd.Series:
    """Return one figure for each window at the label of its last session, NaN before the first."""
    import pandas as pd

    before = np.full(len(returns) - len(figures), np.nan)
    return pd.Series(np.concatenate([before, figures]), index=returns.index)

"""Drawdowns of returns, with the start of the account as the first height from which one can fall."""

from __future__ import annotations

import numpy as np
import pandas as pd

_ONE_DAY = pd.Timedelta(days=1)
# A smaller fall is a remainder of floating-point arithmetic: 1.1 * (1 / 1.1) may lie below 1.
_LEAST_FALL = 1e-12


def worst_drawdowns(returns: pd.Series, top: int = 10) -> pd.DataFrame:
    """Return the deepest drawdowns, the deepest first.

    A drawdown lasts from the last bar at a highest value to the first bar that is as high again, and no two overlap.

    Parameters
    ----------
    returns : Series
        Per bar, as fractions, by the labels of the bars.
    top : int, default 10
        How many at most.

    Returns
    -------
    DataFrame
        ``peak``, ``valley``, ``recovery`` (labels of bars; NaT where there was no recovery), ``depth`` (the change from
        peak to valley, a fraction below zero), ``days_to_valley`` (from the peak), ``days_to_recovery`` (from the
        valley; NaN where there was none): calendar days. Where nothing was ever higher than the start, ``peak`` is
        :func:`start_label`.
    """
    fallen = _fallen(returns)
    begin, end, depth = _spans(fallen)
    chosen = np.argsort(depth, kind="stable")[:top]
    labels = _labels(returns)
    valley = np.array([begin[n] + fallen[begin[n] : end[n]].argmin() for n in chosen], dtype="int64")
    peak, recovered = labels[begin[chosen] - 1], end[chosen] < len(fallen)
    recovery = labels[np.minimum(end[chosen], len(fallen) - 1)].where(recovered)
    return pd.DataFrame(
        {
            "peak": peak,
            "valley": labels[valley],
            "recovery": recovery,
            "depth": depth[chosen],
            "days_to_valley": (labels[valley] - peak) / _ONE_DAY,
            "days_to_recovery": (recovery - labels[valley]) / _ONE_DAY,
        }
    )


def longest_drawdown(returns: pd.Series) -> float:
    """Return the calendar days of the longest drawdown, from its peak to its recovery or to the last bar; else 0."""
    fallen = _fallen(returns)
    begin, end, _ = _spans(fallen)
    labels = _labels(returns)
    days = (labels[np.minimum(end, len(fallen) - 1)] - labels[begin - 1]) / _ONE_DAY
    return float(days.max()) if len(days) else 0.0


def from_start(returns: pd.Series) -> pd.Series:
    """Return the returns with one of zero before the first, at :func:`start_label`."""
    return pd.Series(np.append(0.0, returns.to_numpy()), index=_labels(returns), name=returns.name)


def start_label(returns: pd.Series) -> pd.Timestamp:
    """Return the label of the start: the day before the first session, or the begin of the first intraday bar."""
    first = pd.DatetimeIndex(returns.index)[0]
    return first - _ONE_DAY if first.tz is None else first


def _labels(returns: pd.Series) -> pd.DatetimeIndex:
    return pd.DatetimeIndex(returns.index).insert(0, start_label(returns))


def _fallen(returns: pd.Series) -> np.ndarray:
    """Return how far the value lies below its highest, at the start and after each bar."""
    wealth = np.append(1.0, (1.0 + returns.to_numpy(dtype="float64")).cumprod())
    fallen: np.ndarray = wealth / np.maximum.accumulate(wealth) - 1.0
    return np.where(fallen < -_LEAST_FALL, fallen, 0.0)


def _spans(fallen: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the first place of each drawdown, the place after its last, and its depth."""
    changes = np.diff((fallen < 0.0).astype("int8"), prepend=0, append=0)
    begin, end = np.flatnonzero(changes == 1), np.flatnonzero(changes == -1)
    depth = np.minimum.reduceat(fallen, begin) if len(begin) else np.empty(0)
    return begin, end, depth

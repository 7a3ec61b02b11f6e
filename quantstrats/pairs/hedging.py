"""How much of one symbol hedges another: lines through log prices, fixed or from row to row."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Literal

import numpy as np

from quantstrats.errors import ConfigError, DataError
from quantstrats.pairs.kalman import filtered, started

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    Array = NDArray[np.float64]

Hedge = Literal["least_squares", "total_least_squares", "rolling", "kalman"]
HEDGES = ("least_squares", "total_least_squares", "rolling", "kalman")
_PRESENT = 0.9  # part of a rolling window that must be there


def hedge_ratio(
    y: pd.Series, x: pd.Series, hedge: Hedge = "least_squares", window: int = 60, drift: float = 1e-4
) -> pd.DataFrame:
    """Return intercept and slope of y on x by row.

    Parameters
    ----------
    y, x : Series
        The dependent and the regressor on the same rows, log prices as a rule: the slope is then by how many units of
        currency of x one of y is hedged.
    hedge : {"least_squares", "total_least_squares", "rolling", "kalman"}
        The first two are one line through all rows, the same on each row, so it rests on later rows too: give rows of a
        formation. Total least squares takes x and y alike and has the same line for x on y; least squares has the
        smaller slope. ``rolling`` is least squares on the last ``window`` rows. ``kalman`` begins with least squares on
        the first ``window`` rows and lets both coefficients wander: filtered, never smoothed, so that each row rests on
        rows up to it.
    window : int, default 60
        In rows.
    drift : float, default 1e-4
        How fast the coefficients of the Kalman filter wander; it remembers about 1 / sqrt(drift) rows.

    Returns
    -------
    DataFrame of ``intercept`` and ``slope``; NaN before there are enough rows (nine in ten of a rolling window).

    Raises
    ------
    ConfigError
        If there is no such hedge, or the window or drift make no sense.
    DataError
        If the two are not on the same rows.

    References
    ----------
    Golub and Van Loan (1980), SIAM J. on Numerical Analysis 17(6), 883-893 (total least squares); Chan (2013),
    Algorithmic Trading, ch. 3 (Kalman filter).
    """
    import pandas as pd

    check_hedge(hedge, window, drift)
    if not y.index.equals(x.index):
        raise DataError("the two series of a hedge ratio are not on the same rows; reindex one to the other")
    one, other = y.to_numpy("float64"), x.to_numpy("float64")
    if hedge == "rolling":
        intercept, slope, _ = rolling_lines(one, other, window)
    elif hedge == "kalman":
        intercept, slope = _kalman_lines(one, other, window, drift)
    else:
        intercept, slope = (
            np.full(len(one), number) for number in line(one, other, total=hedge == "total_least_squares")
        )
    return pd.DataFrame({"intercept": intercept, "slope": slope}, index=y.index)


def check_hedge(hedge: str, window: int, drift: float) -> None:
    """Raise ConfigError where there is no such hedge, or the window or drift make no sense."""
    if hedge not in HEDGES:
        raise ConfigError(f"hedge is {hedge!r}; it can be {', '.join(HEDGES)}")
    if window < 3:
        raise ConfigError(f"window is {window}; a line needs at least 3 rows")
    if not 0.0 <= drift < 1.0:
        raise ConfigError(f"drift is {drift}; it is a share of variance, 0 to below 1")


def line(y: Array, x: Array, total: bool = False) -> tuple[float, float]:
    """Return intercept and slope of least squares, or total least squares, on the rows that both have.

    NaN where they have fewer than two, or x is constant.
    """
    known = np.isfinite(y) & np.isfinite(x)
    y, x = y[known], x[known]
    if len(y) < 2 or np.ptp(x) == 0.0:
        return math.nan, math.nan
    off_x, off_y = x - x.mean(), y - y.mean()
    square, product = float(off_x @ off_x), float(off_x @ off_y)
    slope = _total_slope(square, float(off_y @ off_y), product) if total else product / square
    return float(y.mean() - slope * x.mean()), slope


def rolling_lines(y: Array, x: Array, window: int) -> tuple[Array, Array, Array]:
    """Return intercept, slope and the z-score of the last residual, of least squares on the last ``window`` rows.

    The z-score is the residual of a window's last row over the standard deviation of all its residuals. Rows of a
    window that lack either are left out; where more than one in ten is, or the last one, all three are missing.
    """
    intercept, slope, z = (np.full(len(y), np.nan) for _ in range(3))
    if len(y) < window:
        return intercept, slope, z
    known = np.isfinite(y) & np.isfinite(x)
    both = [
        np.lib.stride_tricks.sliding_window_view(values, window)
        for values in (np.where(known, y, 0.0), np.where(known, x, 0.0), known.astype(float))
    ]
    ys, xs, weight = both
    count = weight.sum(axis=1)
    enough = (count >= max(3.0, round(_PRESENT * window))) & known[window - 1 :]
    with np.errstate(divide="ignore", invalid="ignore"):
        mean_y, mean_x = ys.sum(axis=1) / count, xs.sum(axis=1) / count
        off_y, off_x = (ys - mean_y[:, None]) * weight, (xs - mean_x[:, None]) * weight
        slopes = (off_x * off_y).sum(axis=1) / (off_x * off_x).sum(axis=1)
        rest = off_y - slopes[:, None] * off_x
        scores = rest[:, -1] / np.sqrt((rest * rest).sum(axis=1) / (count - 2.0))
        intercepts = mean_y - slopes * mean_x
    for out, values in ((intercept, intercepts), (slope, slopes), (z, scores)):
        out[window - 1 :] = np.where(enough & np.isfinite(values), values, np.nan)
    return intercept, slope, z


def _kalman_lines(y: Array, x: Array, window: int, drift: float) -> tuple[Array, Array]:
    intercept, slope = np.full(len(y), np.nan), np.full(len(y), np.nan)
    first = np.flatnonzero(np.isfinite(y) & np.isfinite(x))[:window]
    if len(first) == window:
        then = int(first[-1]) + 1
        begun = started(y[first], x[first], drift)
        intercept[then - 1], slope[then - 1] = begun.level - begun.slope * begun.centre, begun.slope
        intercept[then:], slope[then:], _, _ = filtered(begun, y[then:], x[then:])
    return intercept, slope


def _total_slope(xx: float, yy: float, xy: float) -> float:
    """Return the slope of the first principal axis; infinite where that is upright."""
    if xy == 0.0:
        return 0.0 if yy <= xx else math.inf
    return (yy - xx + math.hypot(yy - xx, 2.0 * xy)) / (2.0 * xy)

"""A line whose intercept and slope wander: the Kalman filter, seen from the past alone."""

from __future__ import annotations

from dataclasses import astuple, dataclass
from typing import TYPE_CHECKING

import numpy as np

from quantstrats.errors import DataError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[np.float64]


@dataclass(frozen=True)
class Filter:
    """What the filter knows after a row: y = level + slope (x - centre) + noise, both coefficients random walks.

    The regressor is taken less a centre, so that level and slope are nearly uncorrelated: log prices are far from zero.

    Attributes
    ----------
    level, slope : float
        The coefficients, as expected given the rows so far.
    level_variance, covariance, slope_variance : float
        Of what is not known of them.
    centre : float
        Mean of x on the first rows.
    noise : float
        Variance of what the line does not explain.
    level_drift, slope_drift : float
        Variance of what a coefficient moves by from row to row.
    """

    level: float
    slope: float
    level_variance: float
    covariance: float
    slope_variance: float
    centre: float
    noise: float
    level_drift: float
    slope_drift: float


def started(y: Array, x: Array, drift: float) -> Filter:
    """Return the filter after some first rows, on which it is the line of least squares.

    Parameters
    ----------
    y, x : array
        The dependent and the regressor on those rows, none missing.
    drift : float
        How fast the coefficients wander: the variance of a step of the level is ``drift`` times that of the noise, and
        of the slope that over the variance of x. The filter remembers about 1 / sqrt(drift) rows.

    Raises
    ------
    DataError
        If there are fewer than 3 rows, or x or what remains of y does not vary.
    """
    if len(y) < 3 or np.ptp(x) == 0.0:
        raise DataError("a Kalman filter needs three rows to start from, with a regressor that varies")
    centre = float(x.mean())
    off = x - centre
    square = float(off @ off)
    level, slope = float(y.mean()), float(off @ y) / square
    noise = float(np.square(y - level - slope * off).sum()) / (len(y) - 2)
    if noise <= 0.0:
        raise DataError("a Kalman filter needs noise to start from; the two series are one line")
    variance = square / len(x)
    return Filter(
        level, slope, noise / len(y), 0.0, noise / square, centre, noise, drift * noise, drift * noise / variance
    )


def filtered(before: Filter, y: Array, x: Array) -> tuple[Array, Array, Array, Filter]:
    """Run the filter over further rows; each row's numbers rest on rows up to it and no later one.

    Parameters
    ----------
    before : Filter
        What is known before the first row.
    y, x : array
        The dependent and the regressor; where one is missing the coefficients wander on and nothing is learned.

    Returns
    -------
    intercept, slope : array
        Of y = intercept + slope x, after each row.
    surprise : array
        How far y is off what was expected before the row, in standard deviations of that; NaN where one is missing.
    after : Filter
        What is known after the last row.

    References
    ----------
    Kalman (1960), J. of Basic Engineering 82(1), 35-45.
    """
    from quantstrats.pairs.trading_kernels import kalman

    known, state = kalman(np.array(astuple(before)), np.ascontiguousarray(y), np.ascontiguousarray(x))
    return known[0] - known[1] * before.centre, known[1], known[2], Filter(*state.tolist())

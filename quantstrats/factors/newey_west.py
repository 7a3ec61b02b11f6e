"""Whether a mean differs from zero, where successive values may depend on each other."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from quantstrats.checks import is_count
from quantstrats.errors import ConfigError

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

_ROUNDING = 1e-14  # what the deviation of equal values may be of their size


class MeanTest(NamedTuple):
    """A mean, and how sure it is.

    Attributes
    ----------
    mean : float
        The mean.
    error : float
        Its standard error.
    t : float
        Mean / error; NaN where the values do not vary.
    values : int
        How many there are.
    lags : int
        Over how many values dependence was allowed for.
    """

    mean: float
    error: float
    t: float
    values: int
    lags: int


def mean_test(values: ArrayLike, lags: int | None = None) -> MeanTest:
    """Return a mean with the standard error of Newey and West (1987), which allows for autocorrelation.

    error^2 = (g0 + 2 x sum of (1 - k / (lags + 1)) gk, k = 1 .. lags) / n, with gk = sum of e(t) e(t - k) / n and e the
    deviations from the mean: no correction for small samples, as statsmodels has it by default.

    Parameters
    ----------
    values : array, shape (n,)
        In the order of time; missing ones are left out.
    lags : int, optional
        By default the whole part of 4 (n / 100)^(2/9), the rule of Newey and West (1994). Means of overlapping returns
        need as many as overlap with one, at least.

    Returns
    -------
    MeanTest
        NaN where there are fewer than two values.

    Raises
    ------
    ConfigError
        If ``lags`` is no count.
    """
    if lags is not None and (not is_count(lags) or lags < 0):
        raise ConfigError(f"lags is {lags!r}; it counts values, at least 0")
    known = np.asarray(values, dtype="float64")
    known = known[~np.isnan(known)]
    count = len(known)
    lags = automatic_lags(count) if lags is None else int(lags)
    if count < 2:
        return MeanTest(float(known[0]) if count else math.nan, math.nan, math.nan, count, lags)
    mean = float(known.mean())
    apart = known - mean
    variance = float(apart @ apart)
    for lag in range(1, min(lags, count - 1) + 1):
        variance += 2.0 * (1.0 - lag / (lags + 1)) * float(apart[lag:] @ apart[:-lag])
    error = math.sqrt(max(variance, 0.0)) / count
    t = mean / error if error > _ROUNDING * abs(mean) and error > 0.0 else math.nan
    return MeanTest(mean, error, t, count, lags)


def automatic_lags(count: int) -> int:
    """Return the lags that the rule of Newey and West (1994) gives to so many values."""
    return int(4.0 * (count / 100.0) ** (2.0 / 9.0))

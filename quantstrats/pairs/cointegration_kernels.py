"""Compiled loops of the Engle-Granger test: residuals of many pairs, and the augmented Dickey-Fuller test on each."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from quantstrats.features.kernels import compiled, compiled_sums

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[np.float64]

_NOTHING = 1e-300  # stands for the square root of a remainder that rounding has made zero or negative


def residual_tests(
    values: Array, dependent: NDArray[np.int64], regressor: NDArray[np.int64], slopes: Array, most_lags: int
) -> tuple[Array, NDArray[np.int64]]:
    """Return the t statistics of the augmented Dickey-Fuller tests on the residuals of pairs, and their lags.

    Parameters
    ----------
    values : array of shape (series, rows)
        Each series less its mean.
    dependent, regressor : array of int
        The series of each pair.
    slopes : array
        The residual of a pair is the dependent less the slope times the regressor.
    most_lags : int
        Lags from 0 to this are compared by Akaike's criterion, on the same rows.
    """
    values = np.ascontiguousarray(values)
    found: tuple[Array, NDArray[np.int64]] = _residual_tests(values, dependent, regressor, slopes, most_lags)
    return found


def reversion_slopes(values: Array, dependent: NDArray[np.int64], regressor: NDArray[np.int64], slopes: Array) -> Array:
    """Return the slope of the changes of each pair's residual on its level before, with a constant."""
    found: Array = _reversion_slopes(np.ascontiguousarray(values), dependent, regressor, slopes)
    return found


@compiled_sums
def _dot(a, b):  # type: ignore[no-untyped-def]
    total = 0.0
    for step in range(a.size):
        total += a[step] * b[step]
    return total


@compiled
def _products(level, change, lags, out):  # type: ignore[no-untyped-def]
    """Fill in the cross products of: the changes one lag back, two back ..., the level before, the changes themselves.

    The rows are ``lags`` to the last. Only the products of the changes with each other at lag 0 and that of the level
    with them are summed; all others are those of one lag less, but for the first row and the last one.
    """
    rows = change.size
    at_level, at_change = lags, lags + 1
    # by_lag[i, j]: the sum of change[t - i] x change[t - j]; slot of lag 0 is the last, of lag i is i - 1
    for j in range(lags + 1):
        product = _dot(change[lags:], change[lags - j : rows - j])
        row = at_change if j == 0 else j - 1
        out[at_change, row] = out[row, at_change] = product
    for i in range(lags):
        for j in range(i, lags):
            before = out[at_change if i == 0 else i - 1, at_change if j == 0 else j - 1]
            gone = change[rows - 1 - i] * change[rows - 1 - j]
            product = before + change[lags - 1 - i] * change[lags - 1 - j] - gone
            out[i, j] = out[j, i] = product
    product = _dot(level[lags:rows], change[lags:])
    out[at_level, at_change] = out[at_change, at_level] = product
    for j in range(1, lags + 1):
        edges = level[lags - 1] * change[lags - j] - level[rows - 1] * change[rows - j]
        product += edges + out[0, j - 1]
        out[at_level, j - 1] = out[j - 1, at_level] = product
    out[at_level, at_level] = _dot(level[lags:rows], level[lags:rows])


@compiled
def _factor(products, order, out):  # type: ignore[no-untyped-def]
    """Fill in the Cholesky factor of the products, whose rows and columns are taken in this order."""
    for i in range(order.size):
        for j in range(i + 1):
            rest = products[order[i], order[j]]
            for k in range(j):
                rest -= out[i, k] * out[j, k]
            if i == j:
                out[i, i] = np.sqrt(max(rest, _NOTHING))
            else:
                out[i, j] = rest / out[j, j]


@compiled
def _lags_by_akaike(products, most, count, factor):  # type: ignore[no-untyped-def]
    """Return for how many lags Akaike's criterion is least; of equal ones the fewest."""
    order = np.empty(most + 2, np.int64)
    order[0] = most
    order[1 : most + 1] = np.arange(most)
    order[most + 1] = most + 1
    _factor(products, order, factor)
    # What each regressor takes from the sum of squares stands in the last row of the factor.
    rest = products[most + 1, most + 1]
    best, chosen = np.inf, 0
    for lags in range(most + 1):
        rest -= factor[most + 1, lags] ** 2
        criterion = count * np.log(max(rest, _NOTHING) / count) + 2.0 * (lags + 1)
        if criterion < best:
            best, chosen = criterion, lags
    return chosen


@compiled
def _dickey_fuller(level, change, most, products, factor):  # type: ignore[no-untyped-def]
    """Return the t statistic of the level before, and the lags."""
    _products(level, change, most, products)
    lags = _lags_by_akaike(products, most, change.size - most, factor)
    if lags != most:
        _products(level, change, lags, products)
    # The level stands last among the regressors, so that its coefficient is the ratio of two entries.
    _factor(products, np.arange(lags + 2), factor)
    variance = factor[lags + 1, lags + 1] ** 2 / (change.size - lags - (lags + 1))
    return factor[lags + 1, lags] / np.sqrt(variance), lags


@compiled
def _residual_tests(values, dependent, regressor, slopes, most):  # type: ignore[no-untyped-def]
    rows = values.shape[1]
    statistics, lags = np.empty(dependent.size), np.empty(dependent.size, np.int64)
    level, change = np.empty(rows), np.empty(rows - 1)
    products, factor = np.zeros((most + 2, most + 2)), np.zeros((most + 2, most + 2))
    for pair in range(dependent.size):
        one, other, slope = values[dependent[pair]], values[regressor[pair]], slopes[pair]
        for row in range(rows):
            level[row] = one[row] - slope * other[row]
        for row in range(rows - 1):
            change[row] = level[row + 1] - level[row]
        statistics[pair], lags[pair] = _dickey_fuller(level, change, most, products, factor)
    return statistics, lags


@compiled_sums
def _reversion_slopes(values, dependent, regressor, slopes):  # type: ignore[no-untyped-def]
    rows = values.shape[1]
    out = np.empty(dependent.size)
    for pair in range(dependent.size):
        one, other, slope = values[dependent[pair]], values[regressor[pair]], slopes[pair]
        total, change, square, product = 0.0, 0.0, 0.0, 0.0
        for row in range(rows - 1):
            level = one[row] - slope * other[row]
            step = one[row + 1] - slope * other[row + 1] - level
            total += level
            change += step
            square += level * level
            product += level * step
        count = rows - 1
        out[pair] = (product - total * change / count) / (square - total * total / count)
    return out

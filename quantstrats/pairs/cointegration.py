"""The Engle-Granger test of cointegration, on all pairs of a set of series at once."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from quantstrats.errors import DataError

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    Array = NDArray[np.float64]

LEAST_ROWS = 30  # MacKinnon's tables rest on samples of at least 20; shorter ones leave no rows beside the lags
TESTED, MISSING, CONSTANT, COLLINEAR, TOO_SHORT = "tested", "missing", "constant", "collinear", "too short"
_COLLINEAR = 1.0 - 100.0 * math.sqrt(np.finfo(np.float64).eps)  # as statsmodels
_ROUNDING = 1e-12  # of its size: a series that moves less does not move


def engle_granger(series: pd.DataFrame, pairs: Sequence[tuple[str, str]] | None = None) -> pd.DataFrame:
    """Test pairs of series for cointegration: whether the residual of one on the other is stationary.

    The dependent series is regressed on the other with a constant, and the residual is tested by the augmented
    Dickey-Fuller test without one, its lags (0 to 12 (rows / 100)^(1/4), rounded up) chosen by Akaike's criterion. The
    p-values are MacKinnon's for residuals of two variables: those of a plain Dickey-Fuller test find far too much,
    since least squares has already looked for the most stationary residual. All are those of
    ``statsmodels.tsa.stattools.coint``, in one compiled batch.

    Parameters
    ----------
    series : DataFrame
        Rows x series, log prices as a rule.
    pairs : sequence of (dependent, regressor), optional
        Which pairs; by default all, in both orders, which give different residuals and different answers.

    Returns
    -------
    DataFrame with a row per pair: ``dependent``, ``regressor``, ``intercept``, ``slope`` (of the regression),
    ``statistic``, ``p_value``, ``lags`` (-1 where there is no test), and ``outcome``: ``tested``, or why there is no
    test, with NaN in place of numbers: ``missing`` (a value of either is), ``constant`` (either is), ``collinear``
    (nothing remains; statsmodels says p = 0, and an ordinary data error would be the best pair of all), ``too short``
    (fewer than 30 rows).

    Raises
    ------
    DataError
        If a pair names a series that is not there, or one twice.

    References
    ----------
    Engle and Granger (1987), Econometrica 55(2), 251-276; MacKinnon (1994), Journal of Business and Economic
    Statistics 12(2), 167-176, and (2010), Queen's University working paper 1227.
    """
    import pandas as pd

    dependent, regressor = _positions(series, pairs)
    values = np.ascontiguousarray(series.to_numpy("float64").T)
    outcome, usable, means = _outcomes(values)
    centred = np.where(usable[:, None], values - means[:, None], 0.0)
    result = pd.DataFrame({
        "dependent": series.columns.take(dependent),
        "regressor": series.columns.take(regressor),
        **_tested(centred, means, usable[dependent] & usable[regressor], dependent, regressor),
    })  # fmt: skip
    result.insert(len(result.columns), "outcome", _pair_outcomes(outcome, dependent, regressor, result["lags"]))
    return result


def mackinnon_p_values(statistics: Array) -> Array:
    """Return the p-values of Engle-Granger statistics of two variables with a constant; NaN stays NaN.

    MacKinnon's (1994) polynomials, from the tables of statsmodels.
    """
    from scipy.special import ndtr
    from statsmodels.tsa import adfvalues

    within = np.clip(statistics, adfvalues.tau_min_c[1], adfvalues.tau_max_c[1])
    small = np.polyval(adfvalues.tau_c_smallp[1][::-1], within)
    large = np.polyval(adfvalues.tau_c_largep[1][::-1], within)
    found = ndtr(np.where(statistics <= adfvalues.tau_star_c[1], small, large))
    found = np.where(statistics > adfvalues.tau_max_c[1], 1.0, found)
    found = np.where(statistics < adfvalues.tau_min_c[1], 0.0, found)
    return np.where(np.isnan(statistics), np.nan, found)


def critical_values(rows: int) -> tuple[float, float, float]:
    """Return MacKinnon's (2010) critical values of the statistic at 1, 5 and 10%, for a sample of so many rows."""
    from statsmodels.tsa.adfvalues import mackinnoncrit

    one, five, ten = mackinnoncrit(N=2, regression="c", nobs=rows - 1)
    return float(one), float(five), float(ten)


def _positions(
    series: pd.DataFrame, pairs: Sequence[tuple[str, str]] | None
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the positions of the dependent series and the regressors."""
    import pandas as pd

    count = len(series.columns)
    if pairs is None:
        dependent = np.repeat(np.arange(count), count)
        regressor = np.tile(np.arange(count), count)
        apart = dependent != regressor
        return dependent[apart], regressor[apart]
    names = np.array(list(pairs), dtype=object).reshape(-1, 2)
    places = series.columns.get_indexer(pd.Index(names.ravel())).reshape(-1, 2)
    if (places < 0).any():
        raise DataError(f"there is no series {names[places < 0][0]!r} to test; name columns of the frame")
    same = places[:, 0] == places[:, 1]
    if same.any():
        raise DataError(f"the pair {names[same][0][0]!r} and {names[same][0][1]!r} is one series; name two")
    return places[:, 0].astype(np.int64), places[:, 1].astype(np.int64)


def _outcomes(values: Array) -> tuple[NDArray[np.object_], NDArray[np.bool_], Array]:
    """Return what can be said of each series, whether it can be tested, and its mean."""
    series, rows = values.shape
    finite: NDArray[np.bool_] = np.asarray(np.isfinite(values).all(axis=1))
    known = np.where(finite[:, None], values, 0.0)
    means = known.mean(axis=1) if rows else np.zeros(series)
    moves = np.ptp(known, axis=1) > _ROUNDING * np.abs(known).max(axis=1) if rows else np.zeros(series, bool)
    outcome = np.select([~finite, ~moves], [MISSING, CONSTANT], TESTED).astype(object)
    if rows < LEAST_ROWS:
        outcome[:] = TOO_SHORT
    usable: NDArray[np.bool_] = np.equal(outcome, TESTED).astype(bool)
    return outcome, usable, means


def _tested(
    centred: Array,
    means: Array,
    usable: NDArray[np.bool_],
    dependent: NDArray[np.int64],
    regressor: NDArray[np.int64],
) -> dict[str, NDArray[Any]]:
    """Return the columns of numbers; NaN, and lags of -1, where a pair cannot be tested."""
    from quantstrats.pairs.cointegration_kernels import residual_tests

    products = centred @ centred.T
    squares = np.diag(products)
    with np.errstate(divide="ignore", invalid="ignore"):
        slopes = np.where(usable, products[dependent, regressor] / squares[regressor], np.nan)
        explained = slopes * products[dependent, regressor] / squares[dependent]
        tested = usable & (explained < _COLLINEAR)
    statistics, lags = np.full(len(slopes), np.nan), np.full(len(slopes), -1, np.int64)
    if tested.any():
        statistics[tested], lags[tested] = residual_tests(
            centred, dependent[tested], regressor[tested], slopes[tested], most_lags(centred.shape[1])
        )
    return {
        "intercept": means[dependent] - slopes * means[regressor],
        "slope": slopes,
        "statistic": statistics,
        "p_value": mackinnon_p_values(statistics),
        "lags": lags,
    }


def most_lags(rows: int) -> int:
    """Return Schwert's (1989) bound of the lags, 12 (rows / 100)^(1/4), which half of the rows bound too."""
    return min(rows // 2 - 1, math.ceil(12.0 * math.pow(rows / 100.0, 0.25)))


def _pair_outcomes(
    outcome: NDArray[np.object_], dependent: NDArray[np.int64], regressor: NDArray[np.int64], lags: pd.Series
) -> NDArray[np.object_]:
    """Return what came of each pair: what hinders the dependent series, or the regressor, or both together."""
    of_pair = np.where(outcome[dependent] == TESTED, outcome[regressor], outcome[dependent])
    untested = np.equal(of_pair, TESTED).astype(bool) & (lags.to_numpy() < 0)
    return np.where(untested, COLLINEAR, of_pair)

"""The error of a mean under autocorrelation, against statsmodels."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from quantstrats import factors
from quantstrats.errors import ConfigError


def statsmodels_test(values, lags):
    from statsmodels.regression.linear_model import OLS

    fitted = OLS(values, np.ones(len(values))).fit(cov_type="HAC", cov_kwds={"maxlags": lags})
    return float(fitted.params[0]), float(fitted.bse[0]), float(fitted.tvalues[0])


def dependent(count, keep, seed):
    values, noise = np.zeros(count), np.random.default_rng(seed).normal(0.1, 1.0, count)
    for row in range(count):
        values[row] = noise[row] + (keep * values[row - 1] if row else 0.0)
    return values


@pytest.mark.parametrize("lags", [0, 1, 5, 20])
@pytest.mark.parametrize("keep", [-0.5, 0.0, 0.8])
def test_mean_error_and_t_are_those_of_statsmodels(lags, keep):
    values = dependent(200, keep, seed=lags)
    test = factors.mean_test(values, lags)
    assert test[:3] == pytest.approx(statsmodels_test(values, lags), rel=1e-10)
    assert (test.values, test.lags) == (200, lags)


def test_by_hand():
    # Deviations -1, 0, 1, 0: g0 = 2/4, g1 = 0 and half of it counts; with two lags g2 = -1/4, of which a third counts.
    assert factors.mean_test([0, 1, 2, 1], 1).error == pytest.approx(math.sqrt(0.5 / 4))
    assert factors.mean_test([0, 1, 2, 1], 2).error == pytest.approx(math.sqrt((0.5 - 2 / 3 * 0.25) / 4))


@pytest.mark.parametrize(("count", "lags"), [(1, 1), (25, 2), (100, 4), (500, 5), (2516, 8)])
def test_the_lags_are_those_of_the_rule_of_1994(count, lags):
    assert factors.mean_test(np.arange(count), None).lags == lags


def test_missing_values_are_left_out_and_what_is_undefined_is_missing():
    nan = float("nan")
    assert factors.mean_test([nan, 1.0, nan, 3.0], 0) == factors.mean_test([1.0, 3.0], 0)
    assert math.isnan(factors.mean_test([0.1] * 7, 2).t)
    assert math.isnan(factors.mean_test([nan], 2).mean)
    assert factors.mean_test([5.0], 2).mean == 5.0
    assert math.isnan(factors.mean_test([5.0], 2).error)


@pytest.mark.parametrize("lags", [-1, 1.5, True, "2"])
def test_lags_are_a_count(lags):
    with pytest.raises(ConfigError, match=r"^lags is .*; it counts values, at least 0$"):
        factors.mean_test([1.0, 2.0], lags)


@given(st.floats(0.01, 100.0), st.integers(0, 30), st.integers(2, 60))
def test_t_does_not_hang_on_the_unit(scale, lags, count):
    values = dependent(count, 0.3, seed=count)
    assert factors.mean_test(values * scale, lags).t == pytest.approx(factors.mean_test(values, lags).t, rel=1e-9)

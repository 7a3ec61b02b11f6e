"""Rolling windows equal their definitions, whatever stands before the window."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from quantstrats.features import kernels

ROLLING = {
    "sum": (kernels.rolling_sum, lambda part: part.sum()),
    "mean": (kernels.rolling_mean, lambda part: part.mean()),
    "std": (kernels.rolling_std, lambda part: part.std(ddof=1)),
    "variance": (kernels.rolling_variance, lambda part: part.var(ddof=1)),
    "max": (kernels.rolling_max, lambda part: part.max()),
    "min": (kernels.rolling_min, lambda part: part.min()),
    "slope": (kernels.rolling_slope, lambda part: np.polyfit(np.arange(len(part)), part, 1)[0]),
}


def by_definition(values, window, statistic):
    out = np.full(values.shape, np.nan)
    for row in range(values.shape[0]):
        for last in range(window - 1, values.shape[1]):
            part = values[row, last - window + 1 : last + 1]
            out[row, last] = np.nan if np.isnan(part).any() else statistic(part)
    return out


@pytest.mark.parametrize("name", ROLLING)
@given(
    seed=st.integers(0, 10**6),
    window=st.integers(2, 12),
    bars=st.integers(1, 40),
    holes=st.floats(0.0, 0.3),
)
def test_a_rolling_value_is_that_of_its_window(name, seed, window, bars, holes):
    function, statistic = ROLLING[name]
    rng = np.random.default_rng(seed)
    values = rng.normal(100.0, 5.0, (3, bars))
    values[rng.random(values.shape) < holes] = np.nan
    np.testing.assert_allclose(function(values, window), by_definition(values, window, statistic), rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("name", ROLLING)
def test_a_huge_number_leaves_no_trace_behind_its_window(name):
    function, _ = ROLLING[name]
    values = np.random.default_rng(1).normal(0.0, 1.0, (1, 60))
    spoilt = values.copy()
    spoilt[0, 10] = 1e17
    np.testing.assert_array_equal(function(spoilt, 8)[:, 18:], function(values, 8)[:, 18:])


def test_a_covariance_equals_pandas():
    rng = np.random.default_rng(3)
    left, right = rng.normal(size=(2, 80)), rng.normal(size=(2, 80))
    expected = [pd.Series(left[row]).rolling(15).cov(pd.Series(right[row])).to_numpy() for row in range(2)]
    np.testing.assert_allclose(kernels.rolling_covariance(left, right, 15), expected, rtol=1e-9, atol=1e-12)


def test_an_exponential_average_equals_pandas_and_passes_over_what_is_missing():
    values = np.random.default_rng(2).normal(size=(2, 50))
    values[0, [0, 7]] = np.nan
    got = kernels.ema(values, 0.2)
    for row in range(2):
        known = pd.Series(values[row]).dropna()
        expected = known.ewm(alpha=0.2, adjust=False).mean().reindex(range(50))
        np.testing.assert_allclose(got[row], expected.to_numpy(), rtol=1e-12)


def test_weights_begin_with_the_present_bar():
    values = np.arange(6.0)[None]
    got = kernels.weighted_sum(values, np.array([1.0, 10.0]))
    np.testing.assert_array_equal(got[0, 1:], [1.0, 12.0, 23.0, 34.0, 45.0])
    assert np.isnan(got[0, 0])

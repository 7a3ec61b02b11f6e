"""Hedge ratios: lines against other ways to draw them, the Kalman filter against its textbook and statsmodels."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from statsmodels.regression.rolling import RollingOLS
from statsmodels.tools import add_constant
from statsmodels.tsa.statespace.kalman_filter import KalmanFilter

from quantstrats import pairs
from quantstrats.errors import ConfigError, DataError
from quantstrats.pairs.hedging import rolling_lines
from quantstrats.pairs.kalman import filtered, started

HEDGES = ["least_squares", "total_least_squares", "rolling", "kalman"]


@pytest.fixture(scope="module")
def two():
    rng = np.random.default_rng(4)
    x = pd.Series(3 + rng.normal(0, 0.02, 200).cumsum(), name="x")
    slope = 1.0 + rng.normal(0, 0.01, 200).cumsum()
    return 0.5 + slope * x + rng.normal(0, 0.01, 200), x


def test_least_squares_is_the_line_of_polyfit(two):
    y, x = two
    slope, intercept = np.polyfit(x, y, 1)
    found = pairs.hedge_ratio(y, x)
    assert (found == found.iloc[0]).all(axis=None)
    assert found.iloc[0].to_list() == pytest.approx([intercept, slope])


def test_total_least_squares_is_the_first_principal_axis_and_the_same_from_either_side(two):
    y, x = two
    _, _, axes = np.linalg.svd(np.column_stack([x - x.mean(), y - y.mean()]))
    found = pairs.hedge_ratio(y, x, "total_least_squares").iloc[0]
    assert found["slope"] == pytest.approx(axes[0, 1] / axes[0, 0])
    assert found["intercept"] == pytest.approx(y.mean() - found["slope"] * x.mean())
    assert pairs.hedge_ratio(x, y, "total_least_squares").iloc[0]["slope"] == pytest.approx(1.0 / found["slope"])


def test_rolling_is_least_squares_on_each_window(two):
    y, x = two
    expected = RollingOLS(y, add_constant(x), window=30).fit().params
    found = pairs.hedge_ratio(y, x, "rolling", window=30)
    np.testing.assert_allclose(found.to_numpy(), expected.to_numpy(), rtol=1e-7)


def test_a_rolling_z_score_is_the_last_residual_in_deviations_of_its_window(two):
    y, x = (each.to_numpy() for each in two)
    slope, intercept = np.polyfit(x[71:101], y[71:101], 1)
    rest = y[71:101] - intercept - slope * x[71:101]
    assert rolling_lines(y, x, 30)[2][100] == pytest.approx(rest[-1] / np.sqrt(rest @ rest / 28), rel=1e-6)


def test_a_rolling_window_bears_one_missing_row_in_ten_but_not_the_last(two):
    y, x = two[0].copy(), two[1].copy()
    y[100] = x[105] = np.nan
    found = pairs.hedge_ratio(y, x, "rolling", window=20)["slope"]
    assert found.isna().to_numpy().nonzero()[0].tolist() == [*range(19), 100, 105]
    kept = [*range(87, 100), *range(101, 105), 106]
    assert found[106] == pytest.approx(np.polyfit(x[kept], y[kept], 1)[0], rel=1e-6)
    y[103] = np.nan
    assert pairs.hedge_ratio(y, x, "rolling", window=20)["slope"][106:120].isna().all()


def by_hand(start, y, x):
    """Filter by the matrices of the textbook, with the update in Joseph's form."""
    state = np.array([start.level, start.slope])
    covariance = np.array([[start.level_variance, start.covariance], [start.covariance, start.slope_variance]])
    wander = np.diag([start.level_drift, start.slope_drift])
    found = []
    for one, other in zip(y, x, strict=True):
        covariance = covariance + wander
        row = np.array([[1.0, other - start.centre]])
        surprise, variance = one - (row @ state)[0], (row @ covariance @ row.T)[0, 0] + start.noise
        gain = covariance @ row.T / variance
        state = state + gain[:, 0] * surprise
        keep = np.eye(2) - gain @ row
        covariance = keep @ covariance @ keep.T + start.noise * gain @ gain.T
        found.append((state[0] - state[1] * start.centre, state[1], surprise / np.sqrt(variance)))
    return np.array(found).T, state, covariance


def test_the_kalman_filter_is_that_of_the_textbook(two):
    y, x = (each.to_numpy() for each in two)
    start = started(y[:50], x[:50], 1e-3)
    *found, after = filtered(start, y[50:], x[50:])
    expected, state, covariance = by_hand(start, y[50:], x[50:])
    np.testing.assert_allclose(np.array(found), expected, rtol=1e-8)
    assert [after.level, after.slope] == pytest.approx(state.tolist())
    known = [after.level_variance, after.covariance, after.slope_variance]
    assert known == pytest.approx([covariance[0, 0], covariance[0, 1], covariance[1, 1]], rel=1e-8)


def test_the_kalman_filter_is_that_of_statsmodels_and_not_its_smoother(two):
    y, x = (each.to_numpy() for each in two)
    start = started(y[:50], x[:50], 1e-3)
    model = KalmanFilter(k_endog=1, k_states=2, k_posdef=2)
    model.bind(np.ascontiguousarray(y[50:]))
    model["design"] = np.stack([np.ones(150), x[50:] - start.centre])[None]
    model["transition"] = model["selection"] = np.eye(2)
    model["obs_cov"] = [[start.noise]]
    wander = np.diag([start.level_drift, start.slope_drift])
    model["state_cov"] = wander
    known = np.array([[start.level_variance, start.covariance], [start.covariance, start.slope_variance]])
    model.initialize_known(np.array([start.level, start.slope]), known + wander)
    result = model.filter()
    _, slope, surprise, _ = filtered(start, y[50:], x[50:])
    np.testing.assert_allclose(slope, result.filtered_state[1], rtol=1e-8)
    expected = result.forecasts_error[0] / np.sqrt(result.forecasts_error_cov[0, 0])
    np.testing.assert_allclose(surprise, expected, rtol=1e-6)


def test_the_filter_begins_with_least_squares_and_goes_on_where_it_stood(two):
    y, x = two
    whole = pairs.hedge_ratio(y, x, "kalman", window=60)
    assert whole.iloc[:59].isna().all(axis=None)
    assert whole.iloc[59].to_list() == pytest.approx(np.polyfit(x[:60], y[:60], 1)[::-1].tolist())
    first, then = y.to_numpy()[60:120], y.to_numpy()[120:]
    *_, between = filtered(started(y.to_numpy()[:60], x.to_numpy()[:60], 1e-4), first, x.to_numpy()[60:120])
    _, slope, _, _ = filtered(between, then, x.to_numpy()[120:])
    assert slope.tolist() == whole["slope"].to_list()[120:]


def test_nothing_is_learned_from_a_missing_row_but_less_is_known(two):
    y, x = (each.to_numpy().copy() for each in two)
    start = started(y[:50], x[:50], 1e-3)
    y[60] = np.nan
    _, slope, surprise, after = filtered(start, y[50:61], x[50:61])
    _, before_slope, _, before = filtered(start, y[50:60], x[50:60])
    assert np.isnan(surprise[-1])
    assert slope[-1] == before_slope[-1]
    assert after.slope_variance == pytest.approx(before.slope_variance + before.slope_drift)


@pytest.mark.parametrize("hedge", ["rolling", "kalman"])
def test_a_row_rests_on_none_after_it(two, hedge):
    y, x = two
    whole = pairs.hedge_ratio(y, x, hedge)
    for rows in (70, 133):
        pd.testing.assert_frame_equal(pairs.hedge_ratio(y[:rows], x[:rows], hedge), whole.iloc[:rows])


def test_without_drift_the_filter_becomes_least_squares_on_all_rows(two):
    x = two[1]
    y = 0.5 + 0.8 * x + np.random.default_rng(0).normal(0, 0.01, 200)
    still = pairs.hedge_ratio(y, x, "kalman", window=30, drift=0.0).iloc[-1]["slope"]
    assert still == pytest.approx(np.polyfit(x, y, 1)[0], abs=2e-3)


@pytest.mark.parametrize("hedge", HEDGES)
def test_what_has_no_line_has_no_hedge_ratio(hedge):
    few, flat = pd.Series([1.0, np.nan]), pd.Series([2.0] * 80)
    assert pairs.hedge_ratio(few, few, hedge)["slope"].isna().all()
    if hedge != "kalman":
        assert pairs.hedge_ratio(flat.cumsum(), flat, hedge)["slope"].isna().all()
        return
    with pytest.raises(DataError, match="a regressor that varies"):
        pairs.hedge_ratio(flat.cumsum(), flat, hedge)
    with pytest.raises(DataError, match="the two series are one line"):
        pairs.hedge_ratio(flat.cumsum(), flat.cumsum(), hedge)


def test_arguments_that_make_no_sense_are_refused(two):
    for change, told in (
        ({"hedge": "ols"}, "hedge is 'ols'"),
        ({"window": 2}, "window is 2"),
        ({"drift": 1.0}, "drift"),
    ):
        with pytest.raises(ConfigError, match=told):
            pairs.hedge_ratio(*two, **change)
    with pytest.raises(DataError, match="not on the same rows"):
        pairs.hedge_ratio(two[0], two[1][1:])

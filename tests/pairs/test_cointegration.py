"""The Engle-Granger test against statsmodels, and what cannot be tested."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from statsmodels.regression.linear_model import OLS
from statsmodels.tools import add_constant
from statsmodels.tsa.adfvalues import mackinnonp
from statsmodels.tsa.stattools import adfuller, coint

from quantstrats import pairs
from quantstrats.errors import DataError
from quantstrats.pairs.cointegration import mackinnon_p_values


def walks(rows, count=6, seed=0):
    """Return random walks with a common part, of which the second is tied to the first, and the third loosely."""
    rng = np.random.default_rng(seed)
    moves = rng.normal(0, 0.02, (rows, count)) + rng.normal(0, 0.01, (rows, 1))
    # Changes that depend on those before need lags.
    moves[1:] += 0.5 * moves[:-1]
    values = 3 + moves.cumsum(axis=0)
    values[:, 1] = 1.2 * values[:, 0] + rng.normal(0, 0.01, rows)
    values[:, 2] = 0.7 * values[:, 0] + pd.Series(rng.normal(0, 0.01, rows)).ewm(alpha=0.1).mean()
    return pd.DataFrame(values, columns=[f"S{i}" for i in range(count)])


@pytest.mark.parametrize(("rows", "count"), [(30, 6), (61, 6), (252, 6), (500, 4)])
def test_statistics_p_values_and_lags_are_those_of_statsmodels_in_both_orders(rows, count):
    series = walks(rows, count, seed=rows)
    found = pairs.engle_granger(series)
    assert len(found) == count * (count - 1)
    lags = set()
    for test in found.itertuples():
        y, x = series[test.dependent], series[test.regressor]
        statistic, p_value, _ = coint(y, x)
        line = OLS(y, add_constant(x)).fit()
        assert test.statistic == pytest.approx(statistic, rel=1e-9)
        assert test.p_value == pytest.approx(p_value, abs=1e-12)
        assert test.lags == adfuller(line.resid, regression="n", result_object=False)[2]
        assert [test.intercept, test.slope] == pytest.approx(line.params.to_list(), rel=1e-9)
        lags.add(test.lags)
    assert len(lags) > 2
    assert set(found["outcome"]) == {"tested"}


def test_pairs_are_tested_in_the_order_in_which_they_are_named():
    series = walks(100)
    every = pairs.engle_granger(series).set_index(["dependent", "regressor"])
    some = pairs.engle_granger(series, [("S3", "S1"), ("S1", "S3")])
    assert some[["dependent", "regressor"]].to_numpy().tolist() == [["S3", "S1"], ["S1", "S3"]]
    named = some.set_index(["dependent", "regressor"])
    pd.testing.assert_frame_equal(named, every.loc[named.index])


def test_what_cannot_be_tested_says_why():
    series = walks(60, count=3)
    series["constant"] = 1.5
    series["missing"] = series["S0"].where(series.index != 7)
    series["double"] = 2.0 * series["S0"] - 1.0
    series["infinite"] = series["S0"].where(series.index != 7, np.inf)
    found = pairs.engle_granger(series).set_index(["dependent", "regressor"])
    outcomes = found["outcome"]
    assert outcomes["S0", "S1"] == outcomes["S1", "S0"] == "tested"
    assert outcomes["S0", "constant"] == outcomes["constant", "S0"] == "constant"
    assert outcomes["S0", "missing"] == outcomes["missing", "constant"] == outcomes["infinite", "S2"] == "missing"
    assert outcomes["S0", "double"] == outcomes["double", "S0"] == "collinear"
    untested = found[outcomes != "tested"]
    assert untested[["statistic", "p_value"]].isna().all(axis=None)
    assert (untested["lags"] == -1).all()


def test_too_few_rows_or_series_are_no_error():
    assert set(pairs.engle_granger(walks(29))["outcome"]) == {"too short"}
    assert set(pairs.engle_granger(walks(60).iloc[:0])["outcome"]) == {"too short"}
    assert len(pairs.engle_granger(walks(60, count=3)[["S0"]])) == 0
    assert len(pairs.engle_granger(walks(60).iloc[:, :0])) == 0


def test_a_pair_that_is_not_there_is_refused():
    with pytest.raises(DataError, match="no series 'S9'"):
        pairs.engle_granger(walks(40), [("S0", "S9")])
    with pytest.raises(DataError, match="'S0' and 'S0' is one series"):
        pairs.engle_granger(walks(40), [("S0", "S0")])


def test_p_values_are_mackinnons_wherever_the_statistic_lies():
    statistics = np.array([*np.linspace(-25, 4, 400), -np.inf, np.inf])
    expected = [mackinnonp(value, regression="c", N=2) for value in statistics]
    assert mackinnon_p_values(statistics) == pytest.approx(expected, abs=1e-15)
    assert np.isnan(mackinnon_p_values(np.array([np.nan]))).all()


def test_critical_values_are_the_published_ones():
    # MacKinnon (2010), two variables and a constant.
    assert pairs.critical_values(10**9) == pytest.approx((-3.8964, -3.3361, -3.0444), abs=6e-5)
    assert pairs.critical_values(101) == pytest.approx((-4.0093, -3.3979, -3.0871), abs=5e-4)
    assert pairs.critical_values(251) == pytest.approx((-3.9408, -3.3607, -3.0615), abs=5e-4)


@given(st.integers(0, 1000), st.floats(0.01, 100.0), st.floats(-50.0, 50.0))
def test_units_and_levels_of_a_series_change_nothing(seed, scale, shift):
    series = walks(40, count=3, seed=seed)[["S0", "S2"]]
    moved = series.assign(S0=scale * series["S0"] + shift)
    for one, other in zip(
        pairs.engle_granger(series).itertuples(), pairs.engle_granger(moved).itertuples(), strict=True
    ):
        assert other.statistic == pytest.approx(one.statistic, rel=1e-6)


def test_random_walks_are_found_as_often_as_the_level_says():
    # 1,000 pairs of independent walks: 5% of them, give or take three standard errors of dependent tests.
    rng = np.random.default_rng(1)
    shares = [
        (
            pairs.engle_granger(pd.DataFrame(rng.normal(size=(250, 8)).cumsum(axis=0)).rename(columns=str))["p_value"]
            < 0.05
        ).mean()
        for _ in range(40)
    ]
    assert np.mean(shares) == pytest.approx(0.05, abs=3 * np.std(shares) / np.sqrt(40) + 0.01)

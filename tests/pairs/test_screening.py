"""The screen of all pairs, and control of the false discovery rate."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import false_discovery_control

from quantstrats import load_market, pairs
from quantstrats.errors import ConfigError, DataError

SCIPYS = {"benjamini_hochberg": "bh", "benjamini_yekutieli": "by"}


@given(st.lists(st.floats(0.0, 1.0), min_size=1, max_size=40), st.sampled_from(sorted(SCIPYS)))
def test_adjusted_p_values_are_those_of_scipy(p_values, control):
    expected = false_discovery_control(p_values, method=SCIPYS[control])
    assert pairs.false_discovery(p_values, control) == pytest.approx(expected, rel=1e-12)


def test_a_test_that_was_not_made_is_not_counted():
    found = pairs.false_discovery([0.01, np.nan, 0.04])
    assert found == pytest.approx([0.02, np.nan, 0.04], nan_ok=True)
    assert np.isnan(pairs.false_discovery([np.nan])).all()
    assert pairs.false_discovery([]).size == 0
    assert pairs.false_discovery([0.01, np.nan], "none") == pytest.approx([0.01, np.nan], nan_ok=True)


def test_a_control_that_is_not_there_is_refused():
    with pytest.raises(ConfigError, match="control is 'bonferroni'"):
        pairs.false_discovery([0.1], "bonferroni")


@pytest.fixture(scope="module")
def planted():
    """Two years of ten symbols, of which S001 and S002 come back together within days."""
    return load_market("synthetic", bars=504, cointegration=0.03, cointegration_half_life=4, seed=2).close


def test_the_planted_pair_passes_and_no_other(planted):
    found = pairs.screen(planted)
    assert len(found) == 45
    best = found.iloc[0]
    assert {best["dependent"], best["regressor"]} == {"S001", "S002"}
    assert found["verdict"].to_list().count("passes") == 1
    assert best["slope"] == pytest.approx(1.0, abs=0.2)
    assert best["half_life"] == pytest.approx(4.0, abs=2.0)
    assert found["p_value"].is_monotonic_increasing


def test_each_pair_is_there_once_in_the_order_of_the_lower_statistic(planted):
    tests = pairs.engle_granger(np.log(planted)).set_index(["dependent", "regressor"])
    found = pairs.screen(planted)
    assert len({frozenset(pair) for pair in zip(found["dependent"], found["regressor"], strict=True)}) == 45
    larger, doubled = found, pairs.screen(planted, both=False)
    for row in larger.itertuples():
        there, back = tests.loc[(row.dependent, row.regressor)], tests.loc[(row.regressor, row.dependent)]
        assert row.statistic == there["statistic"] <= back["statistic"]
        assert row.p_value == max(there["p_value"], back["p_value"])
        other = doubled[(doubled["dependent"] == row.dependent) & (doubled["regressor"] == row.regressor)]
        assert other["p_value"].item() == min(1.0, 2.0 * min(there["p_value"], back["p_value"]))
    assert larger["q_value"].to_numpy() == pytest.approx(false_discovery_control(larger["p_value"]), rel=1e-12)


def test_half_life_and_correlation_are_those_of_the_spread(planted):
    for row in pairs.screen(planted).head(5).itertuples():
        y, x = np.log(planted[row.dependent]), np.log(planted[row.regressor])
        assert row.half_life == pytest.approx(pairs.half_life(y - row.slope * x), rel=1e-9)
        assert row.correlation == pytest.approx(y.diff().corr(x.diff()), rel=1e-9)


def test_the_first_reason_why_a_pair_does_not_pass_is_told(planted):
    def verdict(**bounds):
        return pairs.screen(planted, **bounds).iloc[0]["verdict"]

    assert verdict() == "passes"
    assert verdict(level=1e-12) == "not cointegrated"
    assert verdict(half_life=(20.0, 63.0)) == "half-life"
    assert verdict(half_life=(0.0, 1.0)) == "half-life"
    assert verdict(correlation=0.99) == "correlation"
    mirrored = planted.assign(S002=1.0 / planted["S002"])
    assert pairs.screen(mirrored).iloc[0]["verdict"] == "hedge ratio not above 0"


def test_fewer_pairs_cost_less(planted):
    one = pairs.screen(planted, pairs=[("S002", "S001"), ("S001", "S002"), ("S003", "S004")])
    assert len(one) == 2
    assert one["q_value"].iloc[0] == pytest.approx(2 * one["p_value"].iloc[0])


def test_short_gaps_are_bridged_and_long_ones_are_not(planted):
    gaps = planted.copy()
    gaps.iloc[100:105, 0] = np.nan
    gaps.iloc[200:206, 2] = np.nan
    gaps.iloc[:3, 3] = np.nan
    gaps["dead"] = 5.0
    found = pairs.screen(gaps)
    of = {frozenset((row.dependent, row.regressor)): row for row in found.itertuples()}
    assert of[frozenset(("S001", "S002"))].verdict == "passes"
    assert of[frozenset(("S002", "S003"))].verdict == "missing"
    assert of[frozenset(("S002", "S004"))].verdict == "missing"
    assert of[frozenset(("S002", "dead"))].verdict == "constant"
    untested = found["verdict"].isin(["missing", "constant"])
    assert found.loc[untested, ["p_value", "q_value", "half_life"]].isna().all(axis=None)
    assert found["verdict"].iloc[-1] in ("missing", "constant")


@pytest.mark.parametrize(("rows", "columns"), [(0, 3), (1, 3), (20, 3), (300, 1), (300, 0)])
def test_what_is_too_small_to_screen_passes_nothing(planted, rows, columns):
    found = pairs.screen(planted.iloc[:rows, :columns])
    assert len(found) == columns * (columns - 1) // 2
    assert not (found["verdict"] == "passes").any()


@pytest.mark.parametrize(
    ("bounds", "told"),
    [
        ({"level": 0.0}, "level is 0.0"),
        ({"half_life": (5.0, 5.0)}, "half_life is"),
        ({"correlation": 1.0}, "correlation is 1.0"),
        ({"control": "some"}, "control is 'some'"),
    ],
)
def test_bounds_that_make_no_sense_are_refused(planted, bounds, told):
    with pytest.raises(ConfigError, match=told):
        pairs.screen(planted, **bounds)


def test_real_prices_are_screened_as_statsmodels_would(real_bars):
    from statsmodels.tsa.stattools import coint

    closes = real_bars("daily_etf")["close"].loc["2012":"2013", ["SPY", "IWM", "XLE", "XLF", "GLD"]]
    found = pairs.screen(closes)
    logs = np.log(closes)
    for row in found.itertuples():
        there = coint(logs[row.dependent], logs[row.regressor])[1]
        back = coint(logs[row.regressor], logs[row.dependent])[1]
        assert row.p_value == pytest.approx(max(there, back), abs=1e-12)


@pytest.mark.parametrize("wrong", [[-0.1, 0.5], [0.5, 2.0], [0.1, float("inf")]])
def test_what_is_no_p_value_is_refused(wrong):
    with pytest.raises(DataError, match="a p-value lies outside 0 to 1"):
        pairs.false_discovery(wrong)

"""The paired bootstrap, against closed forms, other libraries and known truths."""

from __future__ import annotations

import math
from statistics import NormalDist

import empyrical
import numpy as np
import pandas as pd
import pytest

from quantstrats import DataError
from quantstrats.research.bootstrap import STATISTICS, block_length, paired_differences, sharpe_interval, statistics

YEAR = 252.0


def series(values):
    return pd.Series(values, index=pd.bdate_range("2015-01-02", periods=len(values)), dtype="float64")


def independent(days, seed=1, mean=0.0, shared=0.0):
    """Return two series of independent days: what they share has the deviation ``shared``, the rest of each 1%."""
    rng = np.random.default_rng(seed)
    both = rng.normal(0.0, shared, days)
    return series(both + rng.normal(0.0, 0.01, days)), series(both + rng.normal(mean, 0.01, days))


def autoregressive(days, coefficient, seed=1):
    rng = np.random.default_rng(seed)
    values = rng.normal(0.0, 0.01, days)
    for day in range(1, days):
        values[day] += coefficient * values[day - 1]
    return values


def test_the_statistics_are_those_of_empyrical():
    first, second = independent(300, mean=0.001)
    found = statistics(np.stack([first, second]), YEAR, 0.0001)
    for place, returns in enumerate((first, second)):
        expected = {
            "mean_return": returns.mean() * 252,
            "annual_return": empyrical.annual_return(returns),
            "annual_volatility": empyrical.annual_volatility(returns),
            "sharpe": empyrical.sharpe_ratio(returns, risk_free=0.0001),
            "sortino": empyrical.sortino_ratio(returns, required_return=0.0001),
            "max_drawdown": empyrical.max_drawdown(returns),
        }
        assert {name: found[name][place] for name in STATISTICS} == pytest.approx(expected)


def test_a_loss_on_the_first_day_and_a_total_loss_are_drawdowns():
    found = statistics(np.array([[-0.2, 0.1, 0.1], [0.5, -1.0, 0.0]]), YEAR)
    assert found["max_drawdown"].tolist() == pytest.approx([-0.2, -1.0])
    assert found["annual_return"][1] == -1.0


def test_ratios_to_no_risk_are_undefined():
    found = statistics(np.array([[0.0, 0.0, 0.0], [0.001, 0.001, 0.001]]), YEAR)
    assert np.isnan(found["sharpe"]).all()
    assert np.isnan(found["sortino"]).all()
    assert found["annual_volatility"].tolist() == pytest.approx([0.0, 0.0])


def test_the_error_of_a_mean_of_independent_days_is_its_closed_form():
    first, second = independent(1000, shared=0.02)
    found = paired_differences(first, second, periods_per_year=YEAR, block=1, replications=4000)
    # The error of a mean is deviation / sqrt(n); what both series share is not in it.
    closed = (second - first).std() / math.sqrt(1000) * 252
    row = found.table.loc["mean_return"]
    assert row["difference"] == pytest.approx((second - first).mean() * 252)
    assert row["error"] == pytest.approx(closed, rel=0.05)
    assert row["high"] - row["low"] == pytest.approx(2 * 1.96 * closed, rel=0.06)


def test_the_error_of_a_mean_grows_with_the_dependence_of_the_days():
    values = autoregressive(4000, 0.5)
    found = paired_differences(series(np.zeros(4000)), series(values), periods_per_year=YEAR)
    # Long-run deviation of x[t] = 0.5 x[t-1] + e[t]: that of e over (1 - 0.5).
    assert found.table.loc["mean_return", "error"] == pytest.approx(0.01 / 0.5 / math.sqrt(4000) * 252, rel=0.15)


def test_the_block_length_grows_with_autocorrelation():
    lengths = [
        block_length(np.zeros(2000), autoregressive(2000, coefficient, seed=5)) for coefficient in (0.0, 0.3, 0.6, 0.9)
    ]
    assert lengths == sorted(lengths)
    assert lengths[-1] > 5 * lengths[0]


def test_the_block_length_grows_where_signs_last_though_sizes_do_not_tell():
    rng = np.random.default_rng(4)
    signs = np.cumprod(np.where(rng.random(2000) < 0.1, -1.0, 1.0))
    independent_signs = rng.choice([-0.01, 0.01], 2000)
    assert block_length(np.zeros(2000), independent_signs) < 5
    # The dependence may be of the difference alone, or of what both share.
    assert block_length(independent_signs, independent_signs + 0.001 * signs) > 10
    waves = np.tile(np.repeat([0.01, -0.01], 10), 100)
    assert block_length(waves, waves + 0.1 * independent_signs) > 10


def test_the_block_length_grows_where_volatile_times_last():
    rng = np.random.default_rng(2)
    noise = rng.normal(0.0, 0.01, 2000)
    spells = np.repeat(rng.choice([0.5, 2.0], 40), 50)
    assert block_length(noise, noise[::-1].copy()) < 10
    assert block_length(noise, noise[::-1] * spells) > 20


@pytest.mark.slow
def test_the_interval_holds_the_truth_nineteen_times_of_twenty():
    # The truth: 12.6 points of mean return a year more, and no more volatility.
    held = {"mean_return": 0, "annual_volatility": 0}
    trials = 200
    for seed in range(trials):
        first, second = independent(500, seed=seed, mean=0.0005, shared=0.01)
        found = paired_differences(first, second, periods_per_year=YEAR, replications=400, seed=seed).table
        for name, truth in (("mean_return", 0.126), ("annual_volatility", 0.0)):
            held[name] += found.loc[name, "low"] <= truth <= found.loc[name, "high"]
    # Of 200 trials with a chance of 95%, fewer than 180 or all 200 come once in 1,000 and 30,000 times.
    assert all(180 <= number < trials for number in held.values()), held


def test_the_share_on_the_other_side_of_zero_is_that_of_a_normal_distribution():
    first, second = independent(2000, seed=3, mean=0.0004)
    row = paired_differences(first, second, periods_per_year=YEAR, block=1, replications=8000).table.loc["mean_return"]
    normal = NormalDist().cdf(-abs(row["difference"]) / row["error"])
    assert row["opposite"] == pytest.approx(normal, abs=0.01)


def test_the_other_way_round_the_differences_are_negative_and_the_shares_the_same():
    first, second = independent(200, mean=0.001)
    there = paired_differences(first, second, periods_per_year=YEAR, replications=500).table
    back = paired_differences(second, first, periods_per_year=YEAR, replications=500).table
    assert back["difference"].tolist() == (-there["difference"]).tolist()
    assert back["low"].tolist() == pytest.approx((-there["high"]).tolist())
    assert back["opposite"].tolist() == there["opposite"].tolist()


def test_identical_series_have_no_difference_at_all():
    first, _ = independent(200)
    table = paired_differences(first, first.copy(), periods_per_year=YEAR, replications=200).table
    assert (table[["difference", "low", "high", "error"]] == 0.0).all(axis=None)
    assert (table["opposite"] == 0.5).all()


def test_the_same_seed_gives_the_same_result_and_another_one_another():
    first, second = independent(200)
    tables = [
        paired_differences(first, second, periods_per_year=YEAR, replications=200, seed=seed).table
        for seed in (7, 7, 8)
    ]
    pd.testing.assert_frame_equal(tables[0], tables[1], check_exact=True)
    assert (tables[0]["low"] != tables[2]["low"]).all()


def test_how_many_are_resampled_at_a_time_changes_nothing(monkeypatch):
    first, second = independent(100)
    at_once = paired_differences(first, second, periods_per_year=YEAR, replications=50).table
    monkeypatch.setattr("quantstrats.research.bootstrap._AT_ONCE", 1)
    one_by_one = paired_differences(first, second, periods_per_year=YEAR, replications=50).table
    pd.testing.assert_frame_equal(at_once, one_by_one, rtol=1e-12)


def test_an_account_that_never_moved_has_no_ratios_and_no_interval_of_them():
    first, _ = independent(100)
    table = paired_differences(series(np.zeros(100)), first, periods_per_year=YEAR, replications=100).table
    assert table.loc["sharpe", ["reference", "difference", "low", "high", "error", "opposite"]].isna().all()
    assert table.loc["sharpe", "other"] == pytest.approx(empyrical.sharpe_ratio(first))
    assert table.loc["mean_return"].notna().all()


def test_a_ratio_that_some_replications_lack_has_no_interval():
    once = np.zeros(30)
    once[4] = 0.01
    first, _ = independent(30)
    row = paired_differences(first, series(once), periods_per_year=YEAR, replications=200).table.loc["sharpe"]
    assert math.isfinite(row["difference"])
    assert row[["low", "high", "error", "opposite"]].isna().all()


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda first, second: (first[:19], second[:19]), "19 returns are too few to compare; give 20 or more"),
        (lambda first, second: (first, second[:-1]), "on the same periods only; bring them to one index first"),
        (lambda first, second: (first, second.set_axis(second.index[::-1])), "on the same periods only"),
        (
            lambda first, second: (first, second.mask(second.index == second.index[2])),
            "the second return series is nan at 2015-01-06 00:00:00; give a number for each period, 0 for none",
        ),
        (
            lambda first, second: (first.replace(first.iloc[0], -math.inf), second),
            "the first return series is -inf at 2015-01-02 00:00:00; give a number for each period, 0 for none",
        ),
    ],
    ids=["too few", "another length", "another order", "a missing return", "an infinite return"],
)
def test_what_cannot_be_compared_is_told_in_one_line(change, told):
    first, second = change(*independent(30))
    with pytest.raises(DataError) as raised:
        paired_differences(first, second, periods_per_year=YEAR)
    assert told in str(raised.value)
    assert "\n" not in str(raised.value)


def test_the_interval_of_a_sharpe_ratio_is_its_closed_form_on_independent_days():
    # Lo (2002), "The Statistics of Sharpe Ratios", equation 4: the error of SR per day is sqrt((1 + SR^2 / 2) / T).
    returns, _ = independent(2000, seed=5)
    daily = returns.mean() / returns.std()
    low, high = sharpe_interval(returns + 0.0005, periods_per_year=YEAR, block=1)
    sharpe = (daily + 0.0005 / returns.std()) * math.sqrt(YEAR)
    error = math.sqrt((1 + sharpe**2 / YEAR / 2) / 2000) * math.sqrt(YEAR)
    assert (low, high) == pytest.approx((sharpe - 1.96 * error, sharpe + 1.96 * error), abs=0.06)


def test_an_account_that_never_moved_has_no_interval_of_its_sharpe_ratio():
    assert all(map(math.isnan, sharpe_interval(series([0.0] * 30), periods_per_year=YEAR)))

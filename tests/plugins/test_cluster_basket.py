"""Baskets of what moves together: planted clusters are found, weights are by hand."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from quantstrats_plugins.cluster_basket import ClusterBasket, ClusterBasketFitted

from quantstrats import Market, backtest
from quantstrats.evaluation import evaluate

DAYS = pd.bdate_range("2012-01-02", periods=700)
GROUPS = {"A1": 0, "A2": 0, "A3": 0, "B1": 1, "B2": 1, "B3": 1, "C1": 2, "C2": 2}


def grouped(seed, half_life=None):
    """Make symbols that share a random walk with their group, and have a spread of their own that may revert."""
    rng = np.random.default_rng(seed)
    common = rng.normal(0, 0.01, (len(DAYS), 3)).cumsum(axis=0)
    keep = 1.0 if half_life is None else 0.5 ** (1 / half_life)
    spread = np.zeros((len(DAYS), len(GROUPS)))
    noise = rng.normal(0, 0.005, spread.shape)
    for row in range(1, len(DAYS)):
        spread[row] = keep * spread[row - 1] + noise[row]
    close = pd.DataFrame(50 * np.exp(common[:, list(GROUPS.values())] + spread), DAYS, list(GROUPS))
    return Market.from_frames(close=close, calendar="24/5")


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_planted_groups_are_found(seed):
    members = ClusterBasket(clusters=3).fit(grouped(seed)).members
    assert set(members) == set(GROUPS)
    for one in GROUPS:
        for other in GROUPS:
            assert (members[one] == members[other]) == (GROUPS[one] == GROUPS[other])


def test_weights_are_the_mean_of_the_cluster_less_the_symbols_own_return_by_hand(market_of):
    # Over two bars A rises 10%, B 30%, C falls 50%, D stands still, E is alone in its cluster, F is in none.
    closes = {"A": [10, 10, 11], "B": [10, 12, 13], "C": [10, 9, 5], "D": [8, 8, 8], "E": [1, 2, 3], "F": [1, 2, 3]}
    fitted = ClusterBasketFitted({"A": 1, "B": 1, "C": 2, "D": 2, "E": 3, "gone": 3}, lookback=2)
    found = evaluate(fitted, market_of(closes)).iloc[-1]
    # Off the means, 20% and -25%: A -10%, B +10%, C -25%, D +25%; sizes sum to 70%.
    assert found.tolist()[:5] == pytest.approx([1 / 7, -1 / 7, 2.5 / 7, -2.5 / 7, 0.0])
    assert np.isnan(found["F"])


def test_what_may_not_be_held_is_no_part_of_the_basket(market_of):
    closes = {"A": [10, 11], "B": [10, 13], "C": [10, 16]}
    held = pd.DataFrame([[True, True, False]] * 2, market_of(closes).index, list("ABC"))
    fitted = ClusterBasketFitted({"A": 1, "B": 1, "C": 1}, lookback=1)
    found = evaluate(fitted, market_of(closes, universe=held)).iloc[-1]
    assert found.tolist() == pytest.approx([0.5, -0.5, np.nan], nan_ok=True)


def test_weights_sum_to_zero_and_sizes_to_one():
    found = evaluate(ClusterBasket(clusters=3, train=200), grouped(4)).dropna(how="all")
    assert len(found) > 300
    assert found.sum(axis=1).abs().max() < 1e-12
    assert found.abs().sum(axis=1).to_numpy() == pytest.approx(1.0)


def test_spreads_that_revert_are_earned_and_those_that_do_not_are_not():
    def earned(half_life, seed):
        market = grouped(seed, half_life)
        weights = evaluate(ClusterBasket(clusters=3, lookback=5, train=200), market)
        return (weights.shift(1) * market.close.pct_change(fill_method=None)).sum(axis=1).loc["2013":]

    def sharpe(returns):
        return returns.mean() / returns.std() * 260**0.5

    seeds = (1, 2, 3)
    assert min(sharpe(earned(5, seed)) for seed in seeds) > 3.0
    assert max(sharpe(earned(None, seed)) for seed in seeds) < 3.0  # three standard errors of one year and a half


def test_a_market_that_has_none_of_the_symbols_is_no_error(market_of):
    fitted = ClusterBasketFitted({"gone": 1}, lookback=1)
    assert evaluate(fitted, market_of({"A": [1, 2, 3]}))["A"].isna().all()


def test_one_symbol_teaches_nothing(nasdaq):
    assert ClusterBasket().fit(nasdaq) is None


def test_the_tear_sheet_shows_who_is_in_which_cluster():
    run = backtest(ClusterBasket(clusters=3, train=200), grouped(1), allocator="direct", guard="off")
    table = run.details.tables["Clusters, from each refit on"]
    assert table["Symbol"].tolist() == list(GROUPS)
    assert list(table.columns[1:]) == ["2013-01-01", "2014-01-01"]


@pytest.mark.parametrize("fields", [{"clusters": 0}, {"lookback": 0}])
def test_parameters_that_make_no_sense_are_refused(fields):
    with pytest.raises(ValueError, match=r"clusters \(\d\) and lookback \(\d+\) must be at least 1"):
        ClusterBasket(**fields)

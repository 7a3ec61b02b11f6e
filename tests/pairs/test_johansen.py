"""Johansen's test, and baskets found by it."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from statsmodels.tsa.vector_ar.vecm import coint_johansen

from quantstrats import pairs
from quantstrats.errors import ConfigError, DataError


@pytest.fixture(scope="module")
def logs():
    """Four series: one combination of A, B and C is stationary, D walks alone."""
    rng = np.random.default_rng(3)
    walks = rng.normal(0, 0.01, (400, 3)).cumsum(axis=0)
    spread = np.zeros(400)
    for row in range(1, 400):
        spread[row] = 0.8 * spread[row - 1] + rng.normal(0, 0.005)
    series = {"A": walks[:, 0], "B": walks[:, 1], "C": 0.5 * walks[:, 0] + 0.5 * walks[:, 1] + spread, "D": walks[:, 2]}
    return 3 + pd.DataFrame(series)


def test_statistics_are_those_of_statsmodels_and_critical_values_the_published_ones(logs):
    found = pairs.johansen(logs[["A", "B"]])
    expected = coint_johansen(logs[["A", "B"]].to_numpy(), 0, 1)
    assert found.table["trace"].to_list() == pytest.approx(expected.trace_stat)
    assert found.table["largest"].to_list() == pytest.approx(expected.max_eig_stat)
    trace = found.table[["trace_90", "trace_95", "trace_99"]].to_numpy().tolist()
    assert trace == [[13.4294, 15.4943, 19.9349], [2.7055, 3.8415, 6.6349]]
    assert found.table.loc[0, ["largest_90", "largest_95", "largest_99"]].to_list() == [12.2971, 14.2639, 18.52]


def test_the_stationary_combination_is_found(logs):
    found = pairs.johansen(logs[["A", "B", "C"]])
    assert found.rank(0.99) == 1
    assert found.vectors["0"].to_dict() == pytest.approx({"A": -0.5, "B": -0.5, "C": 1.0}, abs=0.06)
    assert pairs.johansen(logs[["A", "B", "D"]]).rank(0.99) == 0


def test_the_planted_basket_passes_and_its_spread_is_measured(logs):
    formation = pairs.baskets(np.exp(logs), 3)
    assert formation.spreads["spread"].to_list()[0] == "A/B/C"
    spread = formation.spreads.iloc[0]
    assert spread["statistic"] > spread["critical"]
    assert spread["half_life"] == pytest.approx(np.log(2) / -np.log(0.8), abs=1.5)
    legs = formation.legs[formation.legs["spread"] == "A/B/C"].set_index("symbol")["coefficient"]
    values = logs[legs.index] @ legs
    assert [spread["mean"], spread["deviation"]] == pytest.approx([values.mean(), values.std()])
    z, followed = pairs.follow(np.exp(logs), formation)
    np.testing.assert_allclose(z["A/B/C"], (values - values.mean()) / values.std(), rtol=1e-6)
    weights = pairs.leg_weights(pairs.positions(z), followed)
    assert weights["A/B/C"].abs().sum(axis=1).max() == pytest.approx(1.0)


def test_the_best_baskets_are_kept_within_their_half_lives(logs):
    assert len(pairs.baskets(np.exp(logs), 2, 0.9, half_life=(0.0, 1e6), most=2).spreads) <= 2
    assert len(pairs.baskets(np.exp(logs), 3, half_life=(40.0, 63.0)).spreads) == 0


def test_what_cannot_be_tested_is_left_out(logs):
    closes = np.exp(logs)
    closes["flat"], closes["double"] = 5.0, 2.0 * closes["A"]
    closes["late"] = closes["B"].where(closes.index > 50)
    assert "A/B/C" in pairs.baskets(closes, 3).spreads["spread"].to_list()
    for rows, columns in ((0, 4), (20, 4), (400, 1), (400, 0)):
        empty = pairs.baskets(closes.iloc[:rows, :columns], 3)
        assert len(empty.spreads) == len(empty.legs) == 0


def test_what_makes_no_sense_is_refused(logs):
    with pytest.raises(DataError, match="2 to 12 series"):
        pairs.johansen(logs[["A"]])
    with pytest.raises(DataError, match="no combination of each other"):
        pairs.johansen(logs.assign(E=logs["A"] + logs["B"]))
    with pytest.raises(DataError, match="complete"):
        pairs.johansen(logs.shift(1))
    with pytest.raises(ConfigError, match=r"confidence is 0\.5"):
        pairs.johansen(logs).rank(0.5)
    with pytest.raises(ConfigError, match="size is 7"):
        pairs.baskets(np.exp(logs), 7)
    many = pd.DataFrame(np.random.default_rng(0).normal(size=(40, 60)).cumsum(axis=0)).rename(columns=str)
    with pytest.raises(DataError, match=r"60 symbols make 34,220 baskets of 3.*universe\.top"):
        pairs.baskets(np.exp(many / 100), 3)

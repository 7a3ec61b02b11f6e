"""Several signals that vote."""

from __future__ import annotations

import time
from dataclasses import dataclass

import numpy as np
import pandas as pd
import pytest
from quantstrats_plugins.committee import Committee
from quantstrats_plugins.momentum import Momentum

from quantstrats import Learner, Signal, load_market
from quantstrats.evaluation import details_of, evaluate
from quantstrats.learning.fits import Fits

NAN = float("nan")


@dataclass(frozen=True)
class Says(Signal):
    """A value for each bar."""

    name = "says"
    values: tuple[float, ...]

    def warmup(self):
        return 1

    def forecast(self, market):
        # By the day, so that a slice says the same.
        day = pd.Series(self.values, index=pd.bdate_range("2015-01-02", periods=len(self.values)))
        return market.close * 0.0 + day.reindex(market.index).to_numpy()[:, None]


def said(market_of, *agents, **parameters):
    rows = len(agents[0])
    market = market_of({"A": [10.0] * rows})
    committee = Committee(tuple(Says(each) for each in agents), **parameters)
    return evaluate(committee, market)["A"].tolist()


def test_most_votes_decide_and_the_forecast_is_their_share(market_of):
    found = said(market_of, (0.2, -3, 0, 1), (5, -1, 0, -1), (-1, -9, 0, 0))
    # two of three up; all down; all flat; one each way and one flat
    assert found == pytest.approx([2 / 3, -1, 0, 0])


def test_flat_wins_by_votes_and_ties_with_it_are_flat(market_of):
    assert said(market_of, (1, 1), (0, 0), (0, 1), (0, 0)) == pytest.approx([0, 0])


def test_weights_count_and_are_relative(market_of):
    assert said(market_of, (1,), (-1,), (-1,), weights=(3.0, 1.0, 1.0)) == pytest.approx([0.6])
    assert said(market_of, (1,), (-1,), (-1,), weights=(300.0, 100.0, 100.0)) == pytest.approx([0.6])


def test_who_abstains_is_not_counted_and_too_few_votes_are_no_opinion(market_of):
    found = said(market_of, (1, 1, NAN), (NAN, NAN, NAN), (1, NAN, NAN), (-1, NAN, NAN), quorum=0.5)
    assert found == pytest.approx([2 / 3, NAN, NAN], nan_ok=True)
    assert said(market_of, (1,), (NAN,), (NAN,), quorum=0.3) == pytest.approx([1])


def test_a_winner_needs_the_majority_of_what_voted(market_of):
    votes = ((1, 1), (1, NAN), (-1, -1), (0, NAN))
    assert said(market_of, *votes, majority=0.5) == pytest.approx([0.5, 0])
    assert said(market_of, *votes, majority=0.6) == pytest.approx([0, 0])


def test_thirds_that_do_not_add_up_in_binary_are_a_tie(market_of):
    assert said(market_of, (1,), (1,), (-1,), weights=(0.1, 0.2, 0.3)) == pytest.approx([0])


@pytest.mark.parametrize(
    ("parameters", "told"),
    [
        ({"agents": ()}, "agents is empty"),
        ({"weights": (1.0,)}, "one weight for each"),
        ({"weights": (1.0, 0.0)}, "above 0"),
        ({"weights": (1.0, NAN)}, "above 0"),
        ({"majority": 1.5}, "shares"),
        ({"quorum": 0.0}, "shares"),
    ],
)
def test_nonsense_is_told(parameters, told):
    agents = parameters.pop("agents", (Momentum(), Momentum(lookback=5)))
    with pytest.raises(ValueError, match=told):
        Committee(agents, **parameters)


def test_the_table_tells_how_each_voted_and_how_long_it_takes(market_of):
    market = market_of({"A": [10.0] * 4})
    agents = (Says((1, 1, -1, NAN)), Says((1, 0, -1, 1)), Says((-1, 1, -1, 1)))
    (table,) = details_of(Committee(agents), market).tables.values()
    # decided: up, up, down, up
    np.testing.assert_allclose(table["votes"], [0.75, 1, 1])
    np.testing.assert_allclose(table["for what was decided"], [0.75, 0.75, 0.75])
    np.testing.assert_allclose(table["against"], [0, 0, 0.25])
    np.testing.assert_allclose(table["weight"], [1 / 3] * 3)
    assert (table["ms a bar"] > 0).all()
    (table,) = details_of(Committee((Says((0, 0)),)), market_of({"A": [10.0] * 2})).tables.values()
    assert table["against"].isna().all()


def test_how_long_a_learner_takes_leaves_out_its_fits():
    market = load_market("synthetic", count=1, bars=300, seed=1)
    fitted = []

    @dataclass(frozen=True)
    class Slow(Learner):
        name = "slow"
        train: int = 100
        refit: str = "quarter"

        def warmup(self):
            return 1

        def fit(self, market):
            time.sleep(0.2)
            fitted.append(len(market))
            return Says((1.0,) * 3)

    committee, fits = Committee((Slow(), Momentum(lookback=5))), Fits()
    forecast = evaluate(committee, market, fits=fits)
    made = len(fitted)
    (table,) = details_of(committee, market, fits, forecast=forecast).tables.values()
    assert made > 0
    assert len(fitted) == made
    assert 0 < table["ms a bar"].iloc[0] < 200

"""Trades on returns that are like no other: planted ones are found, and the forest is that of the past."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from quantstrats_plugins.anomaly_spike import AnomalySpike
from sklearn.ensemble import IsolationForest

from quantstrats import Market
from quantstrats.evaluation import evaluate

DAYS = pd.bdate_range("2012-01-02", periods=700)


def market_with(spikes, seed=1, symbols=2):
    """Make calm bars on which these rows have these log returns."""
    returns = np.random.default_rng(seed).normal(0, 0.01, (len(DAYS), symbols))
    for row, size in spikes.items():
        returns[row, 0] = size
    names = [f"S{number}" for number in range(symbols)]
    return Market.from_frames(close=pd.DataFrame(50 * np.exp(returns.cumsum(axis=0)), DAYS, names), calendar="24/5")


@pytest.mark.parametrize(("trade", "side"), [("reversal", -1.0), ("continuation", 1.0)])
def test_a_planted_spike_is_traded_for_so_many_bars(trade, side):
    market = market_with({600: 0.09, 650: -0.09})
    found = evaluate(AnomalySpike(trade=trade, hold=3, unusual=0.75, train=252), market)["S0"]
    assert found.iloc[600:603].tolist() == [side] * 3
    assert found.iloc[650:653].tolist() == [-side] * 3
    assert (found.dropna() == 0.0).mean() > 0.9


def test_a_market_without_large_returns_is_not_forced_to_have_outliers():
    market = market_with({})
    # From row 600 on returns shrink to a tenth: nothing there is unusual to a forest of the time before.
    close = market.close.copy()
    calm = 1 + (close.pct_change().fillna(0.0) * np.where(np.arange(len(close)) < 600, 1.0, 0.1)[:, None])
    found = evaluate(AnomalySpike(hold=1, train=252), Market.from_frames(close=50 * calm.cumprod(), calendar="24/5"))
    assert (found.iloc[600:605] == 0.0).all(axis=None)


def test_the_score_is_that_of_a_forest_of_the_training_rows():
    market = market_with({500: 0.05, 600: -0.06})
    signal = AnomalySpike(hold=1, train=252, refit="year")
    found = evaluate(signal, market)
    logs = np.log(market.close).diff()
    size = logs / logs.rolling(20).std().shift(1)
    year = int(DAYS.searchsorted(pd.Timestamp("2014-01-01")))
    past = size.iloc[year - 252 : year]
    forest = IsolationForest(n_estimators=100, random_state=1)
    # The slice of a fit has warm-up rows before its training rows, on some of which the size is known already.
    spare = size.iloc[year - 252 - (signal.warmup() - 1) + 20 + 1 : year - 252]
    seen = pd.concat([spare, past]).to_numpy().reshape(-1, 1)
    score = -forest.fit(seen).score_samples(size.iloc[year:].to_numpy().reshape(-1, 1)).reshape(-1, 2)
    expected = np.where(score > 0.7, -np.sign(size.iloc[year:]), 0.0)
    assert np.abs(expected).sum() > 2
    np.testing.assert_array_equal(found.iloc[year:].to_numpy(), expected)


def test_too_few_returns_teach_nothing():
    assert AnomalySpike().fit(market_with({}).rows(0, 60)) is None


def test_prices_that_stand_still_teach_nothing_and_are_no_error():
    still = Market.from_frames(close=pd.DataFrame({"A": 7.0}, DAYS), calendar="24/5")
    assert evaluate(AnomalySpike(train=252), still)["A"].isna().all()


@pytest.mark.parametrize(
    ("fields", "line"),
    [
        ({"unusual": 0.0}, r"unusual \(0\.0\) must be between 0 and 1"),
        ({"hold": 0}, r"hold \(0\) and trees \(100\) at least 1"),
        ({"trees": 0}, r"trees \(0\) at least 1"),
    ],
)
def test_parameters_that_make_no_sense_are_refused(fields, line):
    with pytest.raises(ValueError, match=line):
        AnomalySpike(**fields)

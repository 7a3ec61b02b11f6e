"""What following the sign of a forecast earns, by hand."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from quantstrats import factors
from quantstrats.errors import ConfigError

NAN = float("nan")


@pytest.fixture
def market(market_of):
    return market_of({"A": [10, 11, 12, 9, 9, 9]}, opens={"A": [10, 10, 11, 12, 9, 10]})


def frame(market, values):
    return pd.DataFrame({"A": values}, index=market.index)


def test_it_is_held_from_the_open_after_the_decision_to_the_open_after_that(market):
    earned = factors.following_returns(frame(market, [0.3, 0.3, -0.2, NAN, 0.0, 1.0]), market)
    # Long from the open of row 1 (10) to that of row 3 (12), short from there to row 4 (9), then flat.
    assert earned.tolist() == pytest.approx([0, 0, 11 / 10 - 1, 12 / 11 - 1, -(9 / 12 - 1), 0.0])


def test_costs_are_paid_at_the_open_of_each_trade_and_twice_for_a_turn(market):
    forecast = frame(market, [0.3, 0.3, -0.2, NAN, 0.0, 1.0])
    free = factors.following_returns(forecast, market)
    paid = factors.following_returns(forecast, market, cost_bps=10)
    assert (free - paid).tolist() == pytest.approx([0, 0.001, 0, 0.002, 0.001, 0])


def test_without_shorts_a_negative_forecast_is_flat(market):
    earned = factors.following_returns(frame(market, [1.0, 1.0, -1.0, -1.0, -1.0, 0.0]), market, short=False)
    assert earned.tolist() == pytest.approx([0, 0, 0.1, 12 / 11 - 1, 0, 0])


def test_the_mean_is_over_the_symbols_that_have_a_bar(market_of):
    market = market_of({"A": [10, 10, 10, 20], "B": [10, 10, None, 40]})
    forecast = pd.DataFrame(1.0, index=market.index, columns=["A", "B"])
    # At row 3 A doubled, and B is four times what it was at its last bar.
    assert factors.following_returns(forecast, market).tolist() == pytest.approx([0, 0, 0, (1 + 3) / 2])


def test_costs_below_zero_are_refused(market):
    with pytest.raises(ConfigError, match="cost_bps is -1"):
        factors.following_returns(frame(market, [1.0] * 6), market, cost_bps=-1)


def test_the_sharpe_ratio_by_hand():
    returns = pd.Series([0.01, -0.01, 0.03, 0.01])
    # mean 0.01, variance of a sample (0 + 4 + 4 + 0) / 3 in units of 1e-4
    assert factors.annual_sharpe(returns, 252) == pytest.approx(0.01 / np.sqrt(8e-4 / 3) * np.sqrt(252))
    assert np.isnan(factors.annual_sharpe(pd.Series([0.0, 0.0, 0.0]), 252))

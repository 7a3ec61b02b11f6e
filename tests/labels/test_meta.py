"""Meta-labels: whether following a forecast paid."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from quantstrats import labels
from quantstrats.errors import ConfigError, DataError


@pytest.fixture
def prices(bars_of):
    # From the open of the next row to its close: +1%, -1%, +1%, -1%, 0%.
    return bars_of([(100, 101, 99, 100), *[(100, 101, 99, close) for close in (101, 99, 101, 99, 100)]])


def forecast_of(market, *values):
    return pd.DataFrame({"A": list(values)}, index=market.index, dtype="float64")


def test_it_says_whether_the_side_earned_more_than_it_cost(prices):
    outcome = labels.direction(prices, 1)
    forecast = forecast_of(prices, 0.2, 5.0, -1.0, -0.1, 1.0, 1.0)
    found = labels.meta(forecast, outcome)
    np.testing.assert_equal(found.values["A"].to_numpy(), [1.0, 0.0, 0.0, 1.0, 0.0, np.nan])
    np.testing.assert_allclose(found.returns["A"], [0.01, -0.01, -0.01, 0.01, 0.0, np.nan], atol=1e-15)
    assert found.end[:, 0].tolist() == [1, 2, 3, 4, 5, -1]
    assert found.horizon == 1
    assert labels.meta(forecast, outcome, cost=0.02).counts() == {0.0: 5}
    assert labels.meta(forecast, outcome, cost=0.009).values["A"].iloc[0] == 1.0


def test_flat_and_no_opinion_are_no_label(prices):
    found = labels.meta(forecast_of(prices, 0.0, np.nan, -1.0, 1.0, 1.0, 1.0), labels.direction(prices, 1))
    assert np.isnan(found.values["A"].iloc[:2]).all()
    assert found.start[:, 0].tolist() == [-1, -1, 2, 3, 4, -1]


def test_barriers_of_the_forecasts_side_are_followed(bars_of):
    market = bars_of([(100, 100, 100, 100), (100, 101, 95, 97), (97, 97, 95, 96), (96, 96, 96, 96)])
    width = pd.DataFrame({"A": 0.01}, index=market.index)
    short, long = forecast_of(market, -1, -1, -1, -1), forecast_of(market, 1, 1, 1, 1)
    barriers = labels.triple_barrier(market, 2, volatility=width, side=short)
    found = labels.meta(short, barriers, cost=0.001)
    # Row 0: in at 100, out at the profit, 98. Row 1: in at 97, out at the profit, 95.06.
    assert found.values["A"].tolist()[:2] == [1.0, 1.0]
    np.testing.assert_allclose(found.returns["A"].iloc[:2], [0.019, 0.019])
    assert found.end[:, 0].tolist() == [1, 2, -1, -1]
    bought = labels.triple_barrier(market, 2, volatility=width)
    assert labels.meta(long, bought).values["A"].tolist()[:2] == [0.0, 0.0]
    for forecast, other in ((long, barriers), (short, bought)):
        with pytest.raises(DataError, match=r"at 2015-01-02 .* A are those of the other side"):
            labels.meta(forecast, other)


def test_returns_of_ones_own_need_a_horizon(prices):
    returns = prices.close.shift(-2) / prices.close - 1.0
    forecast = forecast_of(prices, *[-1.0] * 6)
    found = labels.meta(forecast, returns, horizon=2)
    # Closes are 100, 101, 99, 101, 99, 100.
    assert found.values["A"].tolist()[:4] == [1.0, 0.0, 0.0, 1.0]
    assert found.end[:, 0].tolist() == [2, 3, 4, 5, -1, -1]
    with pytest.raises(ConfigError, match="give horizon"):
        labels.meta(forecast, returns)
    with pytest.raises(DataError, match="needs 3 rows after it"):
        labels.meta(forecast, returns, horizon=3)
    with pytest.raises(ConfigError, match="labels have their own"):
        labels.meta(forecast, labels.direction(prices, 1), horizon=1)


def test_symbols_in_another_order_keep_their_own(random_market):
    market = random_market(2)
    forecast = np.sign(market.close - market.open)[["C", "A", "B"]]
    outcome = labels.triple_barrier(market, 4, side=np.sign(market.close - market.open))
    found = labels.meta(forecast, outcome)
    straight = labels.meta(forecast[["A", "B", "C"]], outcome)
    pd.testing.assert_frame_equal(found.values[["A", "B", "C"]], straight.values)
    assert (found.end[:, [1, 2, 0]] == straight.end).all()
    assert found.known.any()


def test_what_makes_no_sense_is_said(prices):
    outcome = labels.direction(prices, 1)
    forecast = forecast_of(prices, *[1.0] * 6)
    with pytest.raises(ConfigError, match="cost is -1"):
        labels.meta(forecast, outcome, cost=-1)
    with pytest.raises(ConfigError, match="outcome has no returns"):
        labels.meta(forecast, labels.drawdown_risk(prices, (1,))[1])
    with pytest.raises(DataError, match="outcome has other rows"):
        labels.meta(forecast.iloc[1:], outcome)
    with pytest.raises(DataError, match=r"outcome has other symbols"):
        labels.meta(forecast.rename(columns={"A": "B"}), outcome)
    with pytest.raises(DataError, match="forecast is of type ndarray; give a DataFrame of rows x symbols"):
        labels.meta(forecast.to_numpy(), outcome)
    with pytest.raises(DataError, match="forecast holds something that is no number"):
        labels.meta(forecast.astype("object").where(forecast < 0, "up"), outcome)
    with pytest.raises(DataError, match="outcome holds something that is no number"):
        labels.meta(forecast, forecast.astype("object").where(forecast < 0, "up"), horizon=1)
    with pytest.raises(DataError, match="outcome is of type ndarray"):
        labels.meta(forecast, outcome.values.to_numpy(), horizon=1)

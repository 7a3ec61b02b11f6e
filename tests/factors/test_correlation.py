"""The information coefficient, against scipy's rank correlation."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from quantstrats import Market, factors

NAN = float("nan")


@pytest.fixture
def noise(nasdaq):
    """Thirty rows of twelve symbols at random, of whose bars one in ten is missing."""
    chance, index = np.random.default_rng(3), nasdaq.index[:30]
    close = pd.DataFrame(np.exp(chance.normal(3, 0.2, (30, 12))), index=index).add_prefix("S")
    return Market.from_frames(close=close.where(chance.random(close.shape) > 0.1))


def test_each_row_is_the_rank_correlation_of_scipy(noise):
    from scipy.stats import spearmanr

    chance = np.random.default_rng(4)
    # Whole numbers, so that there are ties; and missing opinions.
    opinions = chance.integers(0, 6, noise.close.shape).astype("float64")
    forecast = pd.DataFrame(opinions, index=noise.index, columns=noise.symbols).where(
        chance.random(opinions.shape) > 0.2
    )
    earned = factors.forward_returns(noise, 2)
    found = factors.information_coefficient(forecast, noise, 2)
    expected = {
        row: spearmanr(forecast.loc[row], earned.loc[row], nan_policy="omit").statistic for row in noise.index[:27]
    }
    assert found.to_dict() == pytest.approx(expected, rel=1e-12)


def test_a_row_of_fewer_than_three_symbols_or_of_equal_ranks_has_none(market_of):
    market = market_of(
        {name: [1, 2, 3, 4] for name in "ABC"}, {"A": [1, 2, 4, 8], "B": [1, 2, 3, 5], "C": [1, 2, 1, 3]}
    )
    forecast = pd.DataFrame({"A": [3.0, 1, NAN, 3], "B": [2.0, 1, 2, 2], "C": [1.0, 1, 1, 1]}, index=market.index)
    # Earned from the second open to the third: 100%, 50%, -50%, as forecast; then all are equal, then two are left.
    assert factors.information_coefficient(forecast, market).to_dict() == {market.index[0]: pytest.approx(1.0)}

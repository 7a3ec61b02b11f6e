"""Drawdown risk: a low of the next rows at or below the fill less the loss; an unknown future is missing."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from quantstrats import labels
from quantstrats.errors import ConfigError, DataError

from .slow import drawdown as slow_drawdown


def test_the_low_of_the_bar_of_entry_counts_and_the_price_is_the_fill(bars_of):
    market = bars_of([(90, 90, 80, 90), (100, 101, 98, 99), (99, 99, 97, 98), (98, 99, 98, 98)])
    found = labels.drawdown_risk(market, horizons=(1, 2), loss=0.03)
    assert list(found) == [1, 2]
    assert found[1].values["A"].tolist()[:3] == [0.0, 0.0, 0.0]  # 98/100, 97/99, 98/98
    assert found[2].values["A"].tolist()[:2] == [1.0, 0.0]  # 97 is at 100 x 0.97; 97/99 is not
    assert found[2].end[:, 0].tolist() == [2, 3, -1, -1]
    assert labels.drawdown_risk(market, (2,), 0.01)[2].values["A"].tolist()[:2] == [1.0, 1.0]
    # From the close of the decision, 90, no low is lower.
    assert labels.drawdown_risk(market, (2,), 0.03, entry="close")[2].values["A"].iloc[0] == 0.0


def test_the_rows_whose_future_is_not_there_are_missing_and_the_first_rows_are_not(nasdaq):
    market = nasdaq.between("2008-01-01", "2008-12-31")
    rows = len(market)
    for horizon, found in labels.drawdown_risk(market).items():
        values = found.values.iloc[:, 0]
        assert values.iloc[:-horizon].isin([0.0, 1.0]).all()
        assert values.iloc[-horizon:].isna().all()
        # The circulating formula, with the next open as reference, agrees wherever its rolling window is whole: it
        # calls the last rows, and the first of them, no risk.
        low = market.low.iloc[:, 0].shift(-horizon).rolling(horizon).min()
        sketch = (low <= market.open.iloc[:, 0].shift(-1) * 0.97).astype(float)
        whole = slice(horizon - 1, rows - horizon)
        assert (values.iloc[whole] == sketch.iloc[whole]).all()
        assert (sketch.iloc[-horizon:] == 0.0).all()
        assert values.mean() > 0.2  # a year of losses


def test_a_loss_that_was_there_before_the_horizon_is_over_is_not_known_yet(bars_of):
    market = bars_of([(100, 100, 100, 100), (100, 100, 50, 50), (50, 50, 50, 50)])
    assert np.isnan(labels.drawdown_risk(market.rows(0, 2), (1,))[1].values["A"].iloc[1])
    assert labels.drawdown_risk(market, (2,))[2].values["A"].tolist()[0] == 1.0
    with pytest.raises(DataError, match="horizon of 2 rows need at least 3 rows, and there are 2"):
        labels.drawdown_risk(market.rows(0, 2), (1, 2))


def test_the_loss_can_differ_from_row_to_row(bars_of):
    market = bars_of([(100, 100, 96, 100)] * 4)
    loss = pd.DataFrame({"A": [0.03, 0.05, np.nan, 0.03]}, index=market.index)
    found = labels.drawdown_risk(market, (1,), loss)[1]
    np.testing.assert_equal(found.values["A"].to_numpy(), [1.0, 0.0, np.nan, np.nan])


@given(st.integers(0, 10_000), st.sets(st.integers(1, 20), min_size=1, max_size=4))
def test_labels_are_those_of_positions_held_one_at_a_time(random_market, seed, horizons):
    market = random_market(seed)
    found = labels.drawdown_risk(market, horizons, 0.04)
    assert list(found) == sorted(horizons)
    for horizon, each in found.items():
        expected = [[slow_drawdown(market, row, column, horizon, 0.04) for column in range(3)] for row in range(60)]
        np.testing.assert_equal(each.values.to_numpy(), expected)
        assert ((each.end >= 0) == ~np.isnan(expected)).all()


@pytest.mark.parametrize(
    ("more", "says"),
    [
        ({"horizons": ()}, "horizons is empty"),
        ({"horizons": (3, 0)}, "horizon is 0"),
        ({"horizons": None}, r"horizons is None; give numbers of rows, as in \(5, 20\)"),
        ({"horizons": 2.5}, "horizons is 2.5; give numbers of rows"),
        ({"loss": 0.0}, "loss is 0.0; give a number above 0 and below 1"),
        ({"loss": 1.0}, "loss is 1.0"),
        ({"loss": -0.03}, "loss is -0.03"),
        ({"entry": "next"}, "entry is 'next'"),
    ],
)
def test_what_makes_no_sense_is_said(bars_of, more, says):
    with pytest.raises(ConfigError, match=says):
        labels.drawdown_risk(bars_of([(1, 1, 1, 1)] * 30), **more)


def test_one_horizon_needs_no_tuple(bars_of):
    market = bars_of([(1, 1, 1, 1)] * 30)
    assert list(labels.drawdown_risk(market, 5)) == list(labels.drawdown_risk(market, horizons=np.int64(5))) == [5]

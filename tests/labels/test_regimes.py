"""Regimes are told apart by what was known: later data relabel nothing."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from quantstrats import labels
from quantstrats.errors import ConfigError, DataError


def test_later_data_relabel_0_of_the_earlier_rows(nasdaq):
    whole = labels.regime_thresholds(nasdaq)
    for rows in (300, 1000, 2500):
        part = labels.regime_thresholds(nasdaq.rows(0, rows))
        assert (part.notna().sum() == rows - 271).all()  # 252 values of 20 changes: 272 bars
        changed = part.ne(whole.iloc[:rows]) & part.notna()
        assert int(changed.sum().sum()) == 0
    # Equal-width bins over the whole sample do relabel them.
    volatility = labels.trailing_volatility(nasdaq).iloc[:, 0]
    binned = pd.cut(volatility, 2, labels=False)
    assert (binned.iloc[:1000] != pd.cut(volatility.iloc[:1000], 2, labels=False)).sum() > 20
    assert 0.3 < (whole == 0.05).to_numpy().sum() / whole.notna().to_numpy().sum() < 0.7


def test_thresholds_are_those_of_the_rolling_median_of_pandas(nasdaq):
    market = nasdaq.between("2008-01-01", "2011-12-31")
    volatility = np.log(market.close).diff().rolling(10).std()
    for history in (21, 60):
        usual = volatility.rolling(history).median()
        expected = pd.DataFrame(np.where(volatility > usual, 2.0, 1.0), market.index, market.symbols).where(
            usual.notna()
        )
        found = labels.regime_thresholds(market, 1.0, 2.0, window=10, history=history)
        # Where the volatility is the median itself, pandas' running sums may tell them apart by a rounding.
        differs = (found.ne(expected) & expected.notna()).to_numpy()
        assert np.isclose(volatility.to_numpy()[differs], usual.to_numpy()[differs], rtol=1e-9).all()
        assert differs.sum() < len(market) / history
        pd.testing.assert_frame_equal(found.isna(), expected.isna())


def test_by_hand(market_of):
    # Log returns of 0.1 and -0.1 by turns, then of 0.2 and -0.2, then none: standard deviations of two are 0.1 x
    # sqrt(2), ..., 0.3/sqrt(2), 0.2 x sqrt(2), ..., 0.2/sqrt(2), 0.
    changes = [0.1, -0.1, 0.1, -0.1, 0.2, -0.2, 0.2, 0.0, 0.0]
    market = market_of({"A": 100 * np.exp(np.cumsum([0.0, *changes]))})
    volatility = labels.trailing_volatility(market, 2)["A"]
    root = np.sqrt(2.0)
    expected = [np.nan, np.nan, *np.array([0.2, 0.2, 0.2, 0.3, 0.4, 0.4, 0.2, 0.0]) / root]
    np.testing.assert_allclose(volatility, expected, atol=1e-15)
    # Against the median of the last three: row 5 is the first above it.
    found = labels.regime_thresholds(market, 0.03, 0.05, window=2, history=3)["A"]
    np.testing.assert_equal(found.iloc[[0, 1, 2, 3]].to_numpy(), np.full(4, np.nan))
    assert found.iloc[5:].tolist() == [0.05, 0.05, 0.03, 0.03, 0.03]


def test_a_missing_bar_is_no_part_of_a_window(market_of, sessions):
    rng = np.random.default_rng(1)
    closes = 100 * np.exp(np.cumsum(rng.normal(0, 0.02, 60)))
    gappy = [None if row in (7, 8, 30) else close for row, close in enumerate(closes)]
    both = market_of({"A": closes, "B": gappy})
    there = both.present[:, 1]
    alone = market_of({"B": [close for close in gappy if close is not None]})
    for tell in (
        lambda market: labels.trailing_volatility(market, 5),
        lambda market: labels.regime_thresholds(market, window=5, history=20),
    ):
        found = tell(both)["B"].to_numpy()
        np.testing.assert_equal(found[there], tell(alone)["B"].to_numpy())
        assert np.isnan(found[~there]).all()


@given(st.integers(0, 10_000), st.integers(1, 40))
def test_no_row_depends_on_later_ones_or_on_where_the_data_begin(random_market, seed, cut):
    market = random_market(seed, rows=80)
    tell = {"window": 3, "history": 8}
    whole = labels.regime_thresholds(market, **tell)
    pd.testing.assert_frame_equal(labels.regime_thresholds(market.rows(0, 80 - cut), **tell), whole.iloc[: 80 - cut])
    later = labels.regime_thresholds(market.rows(cut, 80), **tell)
    known = later.notna().to_numpy()
    assert (later.to_numpy()[known] == whole.iloc[cut:].to_numpy()[known]).all()


@pytest.mark.parametrize(
    ("more", "says"),
    [
        ({"window": 1}, "window is 1"),
        ({"history": 1.5}, "history is 1.5"),
        ({"calm": "low"}, "calm is 'low'"),
        ({"calm": -0.01}, "calm is -0.01; give a fraction of 0 or more"),
        ({"wild": np.nan}, "wild is nan; give a fraction of 0 or more"),
        ({"wild": np.inf}, "wild is inf; give a fraction of 0 or more"),
    ],
)
def test_what_makes_no_sense_is_said(market_of, more, says):
    with pytest.raises(ConfigError, match=says):
        labels.regime_thresholds(market_of({"A": [1, 2, 3]}), **more)


def test_too_few_rows_for_a_first_value_are_said_with_how_many_are_needed(market_of):
    market = market_of({"A": [100.0 + row % 3 for row in range(11)]})
    assert labels.trailing_volatility(market, 10).notna().sum().sum() == 1
    with pytest.raises(DataError, match=r"^volatility of 11 bars needs 12 rows, and there are 11; choose a shorter"):
        labels.trailing_volatility(market, 11)
    assert labels.regime_thresholds(market, window=4, history=7).notna().sum().sum() == 1
    with pytest.raises(DataError, match=r"^the median of 5,000 values of a volatility of 4 bars needs 5,004 rows, and"):
        labels.regime_thresholds(market, window=4, history=5000)

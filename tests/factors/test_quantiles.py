"""Symbols by quantiles of a forecast: by hand, and against pandas and statsmodels."""

from __future__ import annotations

import io
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from quantstrats import Market, factors
from quantstrats.errors import ConfigError, DataError

NAN = float("nan")


def frame(rows, **named):
    return pd.DataFrame(rows, columns=list("ABCDEF")[: len(rows[0])], dtype="float64", **named)


@pytest.fixture
def walk(nasdaq):
    """Three hundred rows of twenty symbols whose prices walk at random."""
    chance, index = np.random.default_rng(5), nasdaq.index[:300]
    close = pd.DataFrame(50 * np.exp(chance.normal(0, 0.02, (300, 20)).cumsum(axis=0)), index=index).add_prefix("S")
    return Market.from_frames(close=close, volume=close * 0 + 1e5)


def test_numbers_by_hand():
    numbers = factors.quantile_numbers(frame([[5, 1, 3, 2], [5, NAN, 3, 2], [1, NAN, NAN, NAN], [7, 7, 7, 9]]), 2)
    # Of three the middle one is below the line; three equal ones share the rank 2 of 4, below it too.
    assert numbers.fillna(0).to_numpy().tolist() == [[2, 1, 2, 1], [2, 0, 2, 1], [0, 0, 0, 0], [1, 1, 1, 2]]


@given(st.integers(2, 12), st.integers(1, 40), st.integers(0, 2**32 - 1))
def test_quantiles_are_in_order_and_their_sizes_differ_by_one_at_most(quantiles, count, seed):
    forecast = pd.DataFrame([np.random.default_rng(seed).permutation(count).astype("float64")])
    numbers = factors.quantile_numbers(forecast, quantiles).iloc[0]
    if count < quantiles:
        assert numbers.isna().all()
        return
    sizes = numbers.value_counts().reindex(range(1, quantiles + 1), fill_value=0)
    assert sizes.max() - sizes.min() <= 1
    ordered = numbers[forecast.iloc[0].sort_values().index].tolist()
    assert all(low <= high for low, high in pairwise(ordered))


def test_they_are_those_of_pandas_where_they_come_out_even():
    forecast = pd.DataFrame(np.random.default_rng(1).normal(size=(5, 30)))
    expected = forecast.apply(lambda row: pd.qcut(row, 10, labels=False) + 1.0, axis=1)
    pd.testing.assert_frame_equal(factors.quantile_numbers(forecast), expected)


def test_returns_by_hand(market_of):
    opens = {"A": [9, 10, 11, 11, 11], "B": [9, 10, 12, 12, 6], "C": [9, 10, 9, 18, 9], "D": [9, 10, 8, 8, 8]}
    market = market_of({name: [1] * 5 for name in opens}, opens)
    forecast = frame([[1, 2, 3, 4], [4, 3, 2, 1], [NAN, 2, 3, NAN], [1, 2, 3, 4], [1, 2, 3, 4]], index=market.index)
    found = factors.quantile_returns(forecast, market, 2)
    # Earned: A, B, C, D 10%, 20%, -10%, -20%; then 0, 0, 100%, 0; then B -50% and C -50%.
    assert found.returns.index.tolist() == market.index[:3].tolist()
    assert found.returns.to_numpy() == pytest.approx(np.array([[0.15, -0.15], [0.5, 0.0], [-0.5, -0.5]]), abs=1e-15)
    assert found.spread.tolist() == pytest.approx([-0.3, -0.5, 0.0], abs=1e-15)
    assert found.spread_test.mean == pytest.approx(-0.8 / 3)
    assert found.table.index.tolist() == ["1", "2", "top - bottom"]
    assert found.table["mean return"].tolist() == pytest.approx([0.05, -0.65 / 3, -0.8 / 3])


def test_the_spreads_t_statistic_is_that_of_statsmodels(walk):
    from statsmodels.regression.linear_model import OLS

    found = factors.quantile_returns(walk.close.pct_change(20, fill_method=None), walk, 5, horizon=10, lags=12)
    spread = found.spread.to_numpy()
    expected = OLS(spread, np.ones(len(spread))).fit(cov_type="HAC", cov_kwds={"maxlags": 12})
    assert found.spread_test.t == pytest.approx(float(expected.tvalues[0]), rel=1e-10)
    assert found.table.loc["top - bottom", "t"] == found.spread_test.t


def test_lags_are_at_least_as_many_as_rows_overlap_with_one(walk):
    forecast = walk.close.pct_change(20, fill_method=None)
    assert factors.quantile_returns(forecast, walk, 5, horizon=21).lags == 20
    assert factors.quantile_returns(forecast, walk, 5).lags == 5  # the rule's, for 278 rows
    decisions = forecast.iloc[20::21]
    apart = factors.quantile_returns(decisions, walk, 5, horizon=21)
    assert len(apart.returns) == 13
    assert apart.lags == 2  # the rule's, for 13: nothing overlaps
    every = factors.quantile_returns(forecast, walk, 5, horizon=21).returns
    pd.testing.assert_frame_equal(apart.returns, every.loc[apart.returns.index])


def test_what_symbols_are_like_by_hand(market_of):
    market = market_of({name: [1, 1, 1] for name in "ABCD"})
    forecast = frame([[1, 2, 3, 4], [1, 4, 3, 2], [NAN, NAN, NAN, NAN]], index=market.index)
    size = frame([[10, 20, 30, 50], [10, 20, 30, 50], [1, 1, 1, 1]], index=market.index)
    table = factors.quantile_means(forecast, {"size": size}, 2)
    # First A, B below and C, D above; then A, D below and B, C above: one of two is new in each.
    assert table.index.tolist() == ["1", "2"]
    assert table["symbols"].tolist() == [2, 2]
    assert table["size"].tolist() == [(15 + 30) / 2, (40 + 25) / 2]
    assert table["turnover"].tolist() == [0.5, 0.5]


@pytest.mark.parametrize("quantiles", [1, 0, 2.5, True, "10"])
def test_quantiles_are_two_at_least(quantiles):
    with pytest.raises(ConfigError, match=r"^quantiles is .*; it counts parts, at least 2$"):
        factors.quantile_numbers(frame([[1, 2]]), quantiles)


def test_the_picture_shows_each_quantile_and_the_spread(walk):
    found = factors.quantile_returns(walk.close.pct_change(20, fill_method=None), walk, 5, horizon=21)
    figure = factors.quantile_picture(found, 252)
    bars, growth = figure.axes
    labels = [label.get_text() for label in bars.get_xticklabels()]
    assert labels == ["1", "2", "3", "4", "5", "top - bottom"]
    heights = [patch.get_height() for patch in bars.patches]
    assert heights == pytest.approx((found.table["mean return"] * 100 * 252 / 21).tolist())
    highest = growth.lines[0].get_ydata()
    assert highest[-1] == pytest.approx((1 + found.returns[5].iloc[::21]).prod())
    figure.savefig(io.BytesIO())  # nothing warns


def test_a_forecast_without_opinions_gives_empty_tables_and_a_picture(walk):
    found = factors.quantile_returns(walk.close * NAN, walk)
    assert found.returns.empty
    assert found.table["mean return"].isna().all()
    factors.quantile_picture(found, 252).savefig(io.BytesIO())


def test_rows_that_the_market_lacks_are_told(market_of):
    market = market_of({"A": [10, 11, 12], "B": [10, 10, 10]})
    forecast = (market.close * 0.0 + 1.0).set_axis(pd.bdate_range("1990-01-01", periods=3))
    with pytest.raises(DataError, match="rows that the market lacks"):
        factors.quantile_returns(forecast, market, 2)
    with pytest.raises(DataError, match="no symbol of the market"):
        factors.quantile_returns(market.close.rename(columns=str.lower), market, 2)


def test_growth_begins_with_one_and_is_told_where_it_was_earned(market_of):
    market = market_of({"A": [10, 11, 12, 14, 14, 14, 20], "B": [10] * 7})
    forecast = pd.DataFrame({"A": [1.0] * 7, "B": [0.0] * 7}, index=market.index)
    quantiles = factors.quantile_returns(forecast, market, 2, horizon=2)
    highest = next(
        line for line in factors.quantile_picture(quantiles, 252).axes[1].lines if line.get_label() == "quantile 2"
    )
    # Opens are closes here: bought at 11, 14 and (of rows 0, 2) sold two opens later, at 14 and at 14.
    assert highest.get_ydata() == pytest.approx([1.0, 14 / 11, 14 / 11 * 14 / 14])
    assert list(pd.to_datetime(highest.get_xdata())) == [
        market.index[0],
        market.index[2],
        2 * (market.index[2] - market.index[0]) + market.index[0],
    ]

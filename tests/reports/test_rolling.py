"""Figures over windows of sessions: each window as if it were alone, and exact where nothing moved."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
from empyrical import annual_volatility, sharpe_ratio

from quantstrats.reports.rolling import rolling_beta, rolling_sharpe, rolling_volatility

DAYS = pd.bdate_range("2015-01-02", periods=300)
CHANCE = np.random.default_rng(8)
RETURNS = pd.Series(CHANCE.normal(0.001, 0.01, 300), index=DAYS)
BENCHMARK = pd.Series(CHANCE.normal(0.0, 0.01, 300), index=DAYS) + 0.5 * RETURNS


@pytest.mark.parametrize("row", [19, 20, 150, 299])
def test_each_window_is_measured_as_if_it_were_alone(row):
    own, other = RETURNS.iloc[row - 19 : row + 1], BENCHMARK.iloc[row - 19 : row + 1]
    volatility = rolling_volatility(RETURNS, 20, 365.0).iloc[row]
    assert volatility == pytest.approx(annual_volatility(own, annualization=365), rel=1e-12)
    sharpe = rolling_sharpe(RETURNS, 20, 365.0, 0.0002).iloc[row]
    assert sharpe == pytest.approx(sharpe_ratio(own, risk_free=0.0002, annualization=365), rel=1e-12)
    slope = np.polyfit(other, own, 1)[0]
    assert rolling_beta(RETURNS, BENCHMARK, 20).iloc[row] == pytest.approx(slope, rel=1e-9)


def test_before_the_first_window_is_whole_there_is_none():
    for figures in (rolling_volatility(RETURNS, 20, 252.0), rolling_beta(RETURNS, BENCHMARK, 20)):
        assert figures.index.equals(DAYS)
        assert figures.isna().sum() == 19
        assert figures.iloc[:19].isna().all()


def test_where_nothing_moved_there_is_no_ratio_after_wild_days_too():
    still = RETURNS.copy()
    still.iloc[50:100] = 0.001
    assert rolling_volatility(still, 20, 252.0).iloc[69:100].eq(0.0).all()
    assert rolling_sharpe(still, 20, 252.0, 0.0).iloc[69:100].isna().all()
    assert rolling_beta(RETURNS, still, 20).iloc[69:100].isna().all()
    assert rolling_beta(still, BENCHMARK, 20).iloc[69:100].eq(0.0).all()
    assert math.isfinite(rolling_sharpe(still, 20, 252.0, 0.0).iloc[100])

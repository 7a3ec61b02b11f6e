"""How far a unit of currency moves a price: Amihud's mean, of what was known at each row."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from quantstrats import Costs, Market
from quantstrats.portfolio.impact import price_impact

NAN = float("nan")


def market_with(sessions, opens, closes, volumes):
    index = sessions(len(closes))
    open_, close, volume = (
        pd.DataFrame({"A": each}, index=index, dtype="float64") for each in (opens, closes, volumes)
    )
    high, low = close.where(close > open_, open_), close.where(close < open_, open_)
    return Market.from_frames(open=open_, high=high, low=low, close=close, volume=volume)


def impact_of(market, **costs):
    return price_impact(market, Costs(**{"impact": 1.0, "impact_window": 2} | costs))[:, 0].tolist()


def test_it_is_the_mean_of_absolute_return_over_traded_value(sessions):
    # Moves of 20% (from the first open), 25%, 20% and 0% on a value of 200, 500, 100 and 100.
    market = market_with(sessions, [10, 9, 9, 9], [8, 10, 8, 8], [25, 50, 12.5, 12.5])
    expected = [0.001, (0.001 + 0.0005) / 2, (0.0005 + 0.002) / 2, 0.001]
    assert impact_of(market) == pytest.approx(expected, rel=1e-12)
    assert impact_of(market, impact=3.0) == pytest.approx([3 * each for each in expected], rel=1e-12)


def test_bars_without_volume_are_left_out_and_what_was_known_last_stands(sessions):
    market = market_with(sessions, [10] * 6, [8, 10, 10, 10, 10, 8], [NAN, 25, 0, 0, NAN, 25])
    assert impact_of(market) == pytest.approx([NAN, 0.001, 0.001, 0.001, 0.001, 0.001], rel=1e-12, nan_ok=True)


def test_a_return_over_a_gap_is_from_the_last_close_there_was(sessions):
    market = market_with(sessions, [10, NAN, NAN, 9], [10, NAN, NAN, 8], [5, NAN, NAN, 25])
    assert impact_of(market) == pytest.approx([0.0, 0.0, 0.0, 0.001], rel=1e-12)


@given(st.integers(1, 6), st.integers(0, 2**32 - 1))
def test_a_row_is_the_plain_loop_over_its_window_and_never_looks_ahead(sessions, window, seed):
    chance = np.random.default_rng(seed)
    closes = np.where(chance.random(12) < 0.2, NAN, chance.integers(5, 15, 12)).tolist()
    volumes = np.where(np.isnan(closes), NAN, chance.integers(0, 3, 12) * 100.0).tolist()
    market = market_with(sessions, closes, closes, volumes)
    expected, known = [], NAN
    for row in range(12):
        ratios = []
        for bar in range(max(0, row - window + 1), row + 1):
            earlier = [close for close in closes[:bar] if not math.isnan(close)]
            if not math.isnan(closes[bar]) and volumes[bar] > 0:
                before = earlier[-1] if earlier else closes[bar]
                ratios.append(abs(closes[bar] / before - 1) / (closes[bar] * volumes[bar]))
        known = sum(ratios) / len(ratios) if ratios else known
        expected.append(known)
    assert impact_of(market, impact_window=window) == pytest.approx(expected, rel=1e-12, abs=0, nan_ok=True)
    for rows in (3, 8):
        if market.present[:rows].any():
            assert impact_of(market.rows(0, rows), impact_window=window) == pytest.approx(
                expected[:rows], rel=1e-12, abs=0, nan_ok=True
            )

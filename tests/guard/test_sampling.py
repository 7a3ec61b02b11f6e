"""Which rows the guard looks at."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from quantstrats import Learner, Market, Signal
from quantstrats.guard.sampling import sampled_rows

ROWS, FIRST, COUNT = 400, 30, 64


@dataclass(frozen=True)
class Plain(Signal):
    name = "plain"

    def warmup(self):
        return 1

    def forecast(self, market):
        return market.close


class Monthly(Plain):
    resets = "month"


@dataclass(frozen=True)
class Taught(Learner):
    name = "taught"
    refit: str = "quarter"
    train: int = 60

    def warmup(self):
        return 1

    def fit(self, market):
        return None


@pytest.fixture(scope="module")
def index(nasdaq):
    return nasdaq.between("2010-01-04", None).index[:ROWS]


def market_with(index, holes=None):
    close = pd.DataFrame({"A": 1.0, "B": 1.0, "C": 1.0}, index=index)
    for symbol, rows in (holes or {}).items():
        close.loc[index[rows], symbol] = np.nan
    return Market.from_frames(close=close)


def drawn(market, forecast=None, signal=None, branches=(), first=FIRST, count=COUNT, seed=0):
    flat = np.zeros((len(market), 3))
    rng = np.random.default_rng(seed)
    return sampled_rows(
        signal or Plain(), market, flat if forecast is None else forecast, list(branches), first, count, rng
    )


def alternating(rows, every=1):
    """Return a forecast whose sign changes on every so many rows."""
    sign = np.where(np.arange(rows) // every % 2, 1.0, -1.0)
    return np.tile(sign[:, None], (1, 3))


@given(
    count=st.integers(8, 100),
    first=st.integers(0, ROWS - 1),
    seed=st.integers(0, 2**32 - 1),
    every=st.integers(1, 90),
    listed=st.integers(0, ROWS - 1),
    gap=st.tuples(st.integers(0, ROWS - 2), st.integers(1, 40)),
    kind=st.sampled_from([Plain(), Monthly(), Taught()]),
)
def test_rows_are_ascending_each_once_with_a_forecast_as_many_as_wanted(
    index, count, first, seed, every, listed, gap, kind
):
    market = market_with(index, {"B": slice(0, listed), "C": slice(gap[0], sum(gap))})
    forecast = alternating(ROWS, every)
    rows = drawn(market, forecast, kind, [forecast, -forecast], first, count, seed)
    assert rows == sorted(set(rows))
    assert len(rows) == min(count, ROWS - first)
    assert first <= rows[0]
    assert rows[-1] == ROWS - 1
    assert rows == drawn(market, forecast, kind, [forecast, -forecast], first, count, seed)


@given(seed=st.integers(0, 1000))
def test_half_of_the_rows_change_the_sign_where_so_many_do(index, seed):
    forecast = np.zeros((ROWS, 3))
    changes = np.arange(40, 360, 4)
    for place, row in enumerate(changes):
        forecast[row:, place % 3] = -1.0 if forecast[row - 1, place % 3] > 0 else 1.0
    rows = drawn(market_with(index), forecast, seed=seed)
    assert len(set(rows) & set(changes.tolist())) >= COUNT // 2


@given(seed=st.integers(0, 1000), change=st.integers(FIRST + 1, ROWS - 1))
def test_a_change_of_sign_that_is_alone_is_always_looked_at(index, seed, change):
    forecast = np.ones((ROWS, 3))
    forecast[change:, 1] = -1.0
    assert change in drawn(market_with(index), forecast, seed=seed)


@pytest.mark.parametrize(("before", "after"), [(np.nan, 1.0), (1.0, np.nan), (0.0, -2.0), (3.0, 0.0)])
def test_an_opinion_that_comes_or_goes_changes_the_sign(index, before, after):
    forecast = np.full((ROWS, 3), before)
    forecast[200:] = after
    assert all(200 in drawn(market_with(index), forecast, seed=seed) for seed in range(20))


@given(seed=st.integers(0, 1000))
def test_a_listing_and_the_row_before_it_are_looked_at(index, seed):
    rows = drawn(market_with(index, {"B": slice(0, 150)}), alternating(ROWS), seed=seed)
    assert {149, 150} <= set(rows)


@given(seed=st.integers(0, 1000))
def test_the_end_of_a_gap_and_the_row_before_it_are_looked_at(index, seed):
    rows = drawn(market_with(index, {"C": slice(201, 230)}), alternating(ROWS), seed=seed)
    assert {229, 230} <= set(rows)


def test_some_of_many_listings_and_gaps_are_looked_at(index):
    close = pd.DataFrame(1.0, index=index, columns=[f"S{i}" for i in range(100)])
    for place in range(50):
        close.iloc[: 40 + 3 * place, place] = np.nan  # listed on rows 40, 43 ... 187
        close.iloc[200 + 3 * place : 202 + 3 * place, 50 + place] = np.nan  # gaps that end on rows 202, 205 ... 349
    market = Market.from_frames(close=close)
    listed, ends = set(range(40, 190, 3)), set(range(202, 352, 3))
    for seed in range(20):
        rows = set(sampled_rows(Plain(), market, np.zeros((ROWS, 100)), [], FIRST, COUNT, np.random.default_rng(seed)))
        assert len(rows & (listed | {row - 1 for row in listed})) >= 6
        assert len(rows & (ends | {row - 1 for row in ends})) >= 6


@pytest.mark.parametrize(("signal", "period"), [(Monthly(), "M"), (Taught(), "Q")])
def test_rows_on_both_sides_of_a_refit_or_reset_are_looked_at(index, signal, period):
    key = index.to_period(period)
    starts = set((np.flatnonzero(key[1:] != key[:-1]) + 1).tolist())
    borders = starts | {start - 1 for start in starts}
    seen = set()
    for seed in range(30):
        rows = set(drawn(market_with(index), alternating(ROWS), signal, first=100, seed=seed)) & borders
        assert len(rows) >= min(6, len([row for row in borders if row >= 100]))
        seen |= rows
    assert seen == {row for row in borders if row >= 100}


def test_rows_where_a_part_changes_sign_are_looked_at(index):
    one, other = np.ones((ROWS, 3)), np.ones((ROWS, 3))
    one[100:], other[300:, 2] = -1.0, 0.0
    for seed in range(20):
        assert {100, 300} <= set(drawn(market_with(index), branches=[one, other], seed=seed))


@pytest.mark.parametrize("place", [FIRST + 1, 200, ROWS - 2])
def test_a_row_where_the_forecast_jumps_is_looked_at(index, place):
    forecast = np.random.default_rng(place).uniform(1.0, 2.0, (ROWS, 3)) * [1.0, 1000.0, 1e-3]
    forecast[place:, 2] += 0.1  # a hundred times what it moves otherwise, without a change of sign
    rows = [drawn(market_with(index), forecast, seed=other) for other in range(20)]
    # It is one of the 20 rows in 400 with the largest changes, of which 8 are drawn; at random it would be 64 / 370.
    assert sum(place in some for some in rows) >= 5


def test_a_forecast_that_never_changes_has_no_jumps(index):
    assert len(drawn(market_with(index), np.ones((ROWS, 3)))) == COUNT


def test_where_there_are_no_more_rows_all_are_looked_at(index):
    assert drawn(market_with(index), first=ROWS - COUNT) == list(range(ROWS - COUNT, ROWS))
    assert drawn(market_with(index), first=ROWS - 1) == [ROWS - 1]


def test_other_seeds_draw_other_rows_and_in_time_all(index):
    market = market_with(index)
    seen = [set(drawn(market, seed=seed)) for seed in range(60)]
    assert seen[0] != seen[1]
    assert set().union(*seen) == set(range(FIRST, ROWS))

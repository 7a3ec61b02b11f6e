"""Other futures, other bars, other scales and other digits: what is changed, and what is not."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from quantstrats import Market, SideSeries
from quantstrats.guard.perturbation import with_other_digits, with_other_future, with_other_rows, with_other_scale
from quantstrats.market.frames import FIELDS, PRICES

ROWS, SYMBOLS = 60, 4
SEEDS = st.integers(0, 2**32 - 1)
PLACES = st.integers(0, ROWS - 1)


def bars_on(index, **facts):
    rng = np.random.default_rng(3)
    columns = [f"S{i}" for i in range(SYMBOLS)]
    close = pd.DataFrame(50 * np.exp(np.cumsum(rng.normal(0, 0.02, (ROWS, SYMBOLS)), 0)), index, columns)
    open_ = close * np.exp(rng.normal(0, 0.01, close.shape))
    high = np.fmax(open_, close) * 1.01
    low = np.fmin(open_, close) * 0.99
    frames = {"open": open_, "high": high, "low": low, "close": close, "volume": close * 0 + rng.uniform(1e5, 1e6)}
    for frame in frames.values():
        frame.iloc[:20, 1] = np.nan  # listed later
        frame.iloc[30:35, 2] = np.nan  # a gap
        frame.iloc[50:, 3] = np.nan  # no bar after
    side = {
        # Each value is known a day and a half after its label.
        "vix": SideSeries(pd.Series(rng.uniform(10, 30, ROWS), index), index.tz_localize("UTC") + pd.Timedelta("36h")),
        "flags": SideSeries(pd.Series(rng.random(ROWS) < 0.5, index), index.tz_localize("UTC") + pd.Timedelta("36h")),
        "rating": SideSeries(
            pd.DataFrame({"S0": rng.choice(["buy", "sell", "hold"], ROWS)}, index),
            index.tz_localize("UTC") + pd.Timedelta("36h"),
        ),
        "sector": SideSeries(pd.Series({"S0": "x", "S1": "y"}), "assumed"),
    }
    universe = pd.DataFrame(rng.random((ROWS, SYMBOLS)) < 0.7, index, columns)
    return Market.from_frames(**frames, side=side, universe=universe, **facts)


@pytest.fixture(scope="module")
def market(nasdaq):
    return bars_on(nasdaq.index[:ROWS], ended={"S3": nasdaq.index[49]})


def values_of(market):
    return {field: market.array(field) for field in FIELDS}


def assert_bars_are_possible(market):
    open_, high, low, close = (market.array(name) for name in PRICES)
    there = ~np.isnan(close)
    for price in (open_, high, low):
        assert (np.isnan(price) == ~there).all()
    assert (low[there] > 0).all()
    assert (high[there] >= np.maximum(open_, close)[there]).all()
    assert (low[there] <= np.minimum(open_, close)[there]).all()
    volume = market.array("volume")
    assert np.isnan(volume[~there]).all()
    assert (volume[there & ~np.isnan(volume)] >= 0).all()
    assert np.isfinite(np.where(there, close, 1.0)).all()


@given(row=PLACES, seed=SEEDS, same_bars=st.booleans())
def test_the_past_is_the_same_bit_for_bit(market, row, seed, same_bars):
    other = with_other_future(market, row, np.random.default_rng(seed), same_bars=same_bars)
    for field in FIELDS:
        assert other.array(field)[: row + 1].tobytes() == market.array(field)[: row + 1].tobytes()
    assert other.universe.iloc[: row + 1].equals(market.universe.iloc[: row + 1])
    for name in ("vix", "flags", "rating"):
        assert other.side[name].iloc[: row + 1].equals(market.side[name].iloc[: row + 1])
    assert other.index.equals(market.index)
    assert other.symbols.equals(market.symbols)
    # What was known by then is the same, whatever it is about.
    assert dict(other.rows(0, row + 1).content_hashes) == dict(market.rows(0, row + 1).content_hashes)


@given(row=PLACES, seed=SEEDS, same_bars=st.booleans())
def test_bars_of_another_future_are_possible_bars(market, row, seed, same_bars):
    assert_bars_are_possible(with_other_future(market, row, np.random.default_rng(seed), same_bars=same_bars))


@given(row=st.integers(0, ROWS - 2), seed=SEEDS)
def test_every_later_bar_is_another_one(market, row, seed):
    other = with_other_future(market, row, np.random.default_rng(seed))
    for field in FIELDS:
        before, after = market.array(field)[row + 1 :], other.array(field)[row + 1 :]
        both = ~np.isnan(before) & ~np.isnan(after)
        assert (before[both] != after[both]).all()


def test_bars_go_and_come_but_none_before_the_first(market):
    gone, come, early = 0, 0, 0
    for seed in range(20):
        other = with_other_future(market, 10, np.random.default_rng(seed))
        gone += int((market.present & ~other.present).sum())
        come += int((~market.present & other.present).sum())
        early += int(other.present[:20, 1].sum())
    assert gone > 100
    assert come > 50
    assert early == 0


@given(row=PLACES, seed=SEEDS)
def test_which_bars_are_missing_stays_on_request(market, row, seed):
    other = with_other_future(market, row, np.random.default_rng(seed), same_bars=True)
    assert (other.present == market.present).all()


def test_trends_turn_and_signs_change(market):
    """Prices lie higher in some futures and lower in others, by more than the bars of a month move."""
    ratios = [
        np.nanmean(
            np.log(
                with_other_future(market, 10, np.random.default_rng(s)).array("close")[11:, 0]
                / market.array("close")[11:, 0]
            )
        )
        for s in range(40)
    ]
    assert min(ratios) < -0.2
    assert max(ratios) > 0.2


@given(row=st.integers(0, ROWS - 4), seed=SEEDS)
def test_side_series_are_others_only_where_they_were_known_after_the_row(market, row, seed):
    other = with_other_future(market, row, np.random.default_rng(seed))
    known = market.decided_at[row]
    for name in ("vix", "flags"):
        before, after = market.side.series[name], other.side.series[name]
        assert after.known_at.equals(before.known_at)
        later = np.asarray(before.known_at > known)
        assert (before.values[~later] == after.values[~later]).all()
        assert (before.values[later] != after.values[later]).all()
    assert other.side["sector"].equals(market.side["sector"])


def test_texts_become_other_texts_that_there_are(market):
    texts = [with_other_future(market, 10, np.random.default_rng(s)).side["rating"]["S0"].iloc[14:] for s in range(5)]
    assert set(pd.concat(texts)) == {"buy", "sell", "hold"}
    assert any((text != market.side["rating"]["S0"].iloc[14:]).any() for text in texts)


def test_the_universe_of_later_rows_is_another(market):
    other = with_other_future(market, 10, np.random.default_rng(0))
    changed = (other.universe != market.universe).to_numpy()
    assert not changed[:11].any()
    assert 0.3 < changed[11:].mean() < 0.7


def test_a_market_without_universe_or_side_series_has_none_afterwards(nasdaq):
    bare = Market.from_frames(close=nasdaq.close.iloc[:30])
    other = with_other_future(bare, 10, np.random.default_rng(0))
    assert other.universe is None
    assert len(other.side) == 0


def test_unknown_volumes_stay_unknown(nasdaq):
    bare = Market.from_frames(close=nasdaq.close.iloc[:30])
    assert np.isnan(with_other_future(bare, 5, np.random.default_rng(0)).array("volume")).all()


@given(seed=SEEDS, bits=st.lists(st.booleans(), min_size=ROWS, max_size=ROWS), same_bars=st.booleans())
def test_other_rows_leave_the_rows_between_as_they_are(market, seed, bits, same_bars):
    rows = np.array(bits)
    other = with_other_rows(market, rows, np.random.default_rng(seed), same_bars=same_bars)
    assert_bars_are_possible(other)
    for field in FIELDS:
        before, after = market.array(field), other.array(field)
        assert after[~rows].tobytes() == before[~rows].tobytes()
        both = ~np.isnan(before[rows]) & ~np.isnan(after[rows])
        assert (before[rows][both] != after[rows][both]).all()
    assert not same_bars or (other.present == market.present).all()
    assert other.side["vix"].equals(market.side["vix"])


@given(seed=SEEDS)
def test_another_scale_is_a_split_of_each_symbol(market, seed):
    other = with_other_scale(market, np.random.default_rng(seed))
    factor = np.nanmax(other.array("close") / market.array("close"), axis=0)
    assert set(factor) <= {0.25, 0.5, 2.0, 4.0}
    for price in PRICES:
        np.testing.assert_array_equal(other.array(price), market.array(price) * factor)
    np.testing.assert_array_equal(other.array("volume"), market.array("volume") / factor)
    # What was traded is worth the same, to the last bit.
    np.testing.assert_array_equal(
        other.array("close") * other.array("volume"), market.array("close") * market.array("volume")
    )


@given(seed=SEEDS, first=PLACES, length=st.integers(1, 20), size=st.sampled_from([1e-11, -1e-11, 1e-6]))
def test_other_digits_are_so_small_a_change_on_the_given_rows_alone(market, seed, first, length, size):
    rows = np.arange(first, min(first + length, ROWS))
    other = with_other_digits(market, rows, size, np.random.default_rng(seed))
    elsewhere = np.setdiff1d(np.arange(ROWS), rows)
    for field in FIELDS:
        before, after = market.array(field), other.array(field)
        assert after[elsewhere].tobytes() == before[elsewhere].tobytes()
        there = ~np.isnan(before[rows])
        assert (np.isnan(after[rows]) == ~there).all()
        change = np.abs(after[rows] / before[rows] - 1)[there]
        assert (change <= abs(size) * (1 + 1e-4)).all()
    assert_bars_are_possible(other)
    before, after = market.side.series["vix"], other.side.series["vix"]
    old = np.asarray(before.known_at <= market.decided_at[max(0, first - 1)])
    assert (before.values[old] == after.values[old]).all()
    assert np.allclose(before.values, after.values, rtol=2 * abs(size), atol=0)
    assert other.side["rating"].equals(market.side["rating"])


def test_the_other_digits_go_both_ways(market):
    rows = np.arange(10, 20)
    up, down = (with_other_digits(market, rows, size, np.random.default_rng(1)) for size in (1e-6, -1e-6))
    middle = (up.array("close")[rows] + down.array("close")[rows]) / 2
    np.testing.assert_allclose(middle, market.array("close")[rows], rtol=1e-15)
    assert np.nanmax(np.abs(up.array("close")[rows] / market.array("close")[rows] - 1)) > 5e-7


def test_the_market_itself_is_left_as_it_is(market):
    before = {field: array.tobytes() for field, array in values_of(market).items()}
    hashes = dict(market.content_hashes)
    rng = np.random.default_rng(0)
    with_other_future(market, 10, rng)
    with_other_scale(market, rng)
    with_other_rows(market, np.arange(ROWS) > 5, rng)
    with_other_digits(market, np.arange(5, 9), 1e-6, rng)
    assert {field: array.tobytes() for field, array in values_of(market).items()} == before
    assert dict(market.content_hashes) == hashes


def test_what_is_known_just_when_the_row_is_complete_stays(nasdaq):
    close = nasdaq.close.iloc[:30]
    known = Market.from_frames(close=close).decided_at
    market = Market.from_frames(close=close, side={"vix": SideSeries(pd.Series(range(30), close.index), known)})
    after = with_other_future(market, 10, np.random.default_rng(0)).side["vix"]
    assert (after == market.side["vix"]).tolist() == [True] * 11 + [False] * 19

"""Concurrency, uniqueness and attribution, on the example of Lopez de Prado (2018), section 4.5, and by brute force."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from quantstrats.errors import DataError
from quantstrats.labels import concurrency, return_attribution, uniqueness

START, END = np.array([1, 3, 5]), np.array([3, 4, 6])


@st.composite
def spans(draw):
    count = draw(st.integers(1, 40))
    start = draw(st.lists(st.integers(0, 30), min_size=count, max_size=count))
    length = draw(st.lists(st.integers(0, 9), min_size=count, max_size=count))
    groups = draw(st.lists(st.sampled_from(["x", "y", "z"]), min_size=count, max_size=count))
    return np.array(start), np.array(start) + np.array(length), np.array(groups)


def test_the_published_example():
    assert concurrency(START, END).tolist() == [0, 1, 1, 2, 1, 1, 1]
    np.testing.assert_allclose(uniqueness(START, END), [5 / 6, 3 / 4, 1.0], rtol=1e-15)


def test_labels_of_other_symbols_share_nothing():
    np.testing.assert_allclose(uniqueness(START, END, ["a", "b", "a"]), [1.0, 1.0, 1.0])
    assert concurrency(START, END, ["b", "a", "b"]).tolist() == [
        [0, 0], [0, 1], [0, 1], [1, 1], [1, 0], [0, 1], [0, 1],
    ]  # fmt: skip


@given(spans())
def test_uniqueness_is_the_mean_over_life_of_one_over_how_many_there_are(drawn):
    start, end, groups = drawn
    found = uniqueness(start, end, groups)
    counted = concurrency(start, end, groups)
    names = sorted(set(groups))
    for i in range(len(start)):
        each = []
        for row in range(start[i], end[i] + 1):
            there = sum(groups[j] == groups[i] and start[j] <= row <= end[j] for j in range(len(start)))
            assert counted[row, names.index(groups[i])] == there
            each.append(1 / there)
        assert found[i] == pytest.approx(np.mean(each), rel=1e-12)
    assert ((found > 0) & (found <= 1)).all()
    # Every row on which there is a label is shared out once.
    assert (found * (end - start + 1)).sum() == pytest.approx((counted > 0).sum())


def test_attribution_shares_a_rows_return_among_its_labels():
    returns = np.array([9.0, 0.01, 0.02, 0.04, -0.08, 0.03, -0.03])
    raw = np.array([0.01 + 0.02 + 0.04 / 2, 0.08 - 0.04 / 2, 0.0])
    np.testing.assert_allclose(return_attribution(START, END, returns), raw / raw.mean(), atol=1e-12)


@given(spans())
def test_attribution_is_that_of_each_symbol(drawn):
    start, end, groups = drawn
    names = sorted(set(groups))
    returns = np.random.default_rng(0).normal(size=(45, len(names)))
    counted = concurrency(start, end, groups)
    raw = []
    for i in range(len(start)):
        column = names.index(groups[i])
        raw.append(abs(sum(returns[row, column] / counted[row, column] for row in range(start[i], end[i] + 1))))
    np.testing.assert_allclose(
        return_attribution(start, end, returns, groups), np.array(raw) / np.mean(raw), rtol=1e-9, atol=1e-12
    )


def test_nothing_weighs_nothing():
    none = np.array([], dtype=int)
    assert len(uniqueness(none, none)) == len(concurrency(none, none)) == len(return_attribution(none, none, [])) == 0


@pytest.mark.parametrize(
    ("start", "end", "says"),
    [
        ([0, 1], [1], "start is of shape"),
        ([-1, 1], [1, 2], "sample 0 rests on rows -1 to 1"),
        ([0, 5], [1, 4], "sample 1 rests on rows 5 to 4"),
        ([0.5], [1.0], "start holds float64"),
        ([2**40], [2**40 + 1], "too many; give positions of rows"),
    ],
)
def test_intervals_that_make_no_sense_are_said(start, end, says):
    with pytest.raises(DataError, match=says):
        uniqueness(start, end)


def test_groups_and_returns_that_do_not_fit_are_said():
    with pytest.raises(DataError, match="groups is of shape"):
        uniqueness(START, END, ["a"])
    with pytest.raises(DataError, match="reach to row 6 in 1 groups, so give at least 7 rows"):
        return_attribution(START, END, np.ones(6))
    with pytest.raises(DataError, match="7 rows x 2 groups"):
        return_attribution(START, END, np.ones((7, 3)), ["a", "b", "a"])
    with pytest.raises(DataError, match="returns are zero"):
        return_attribution(START, END, np.zeros(7))

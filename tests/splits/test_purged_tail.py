"""The last samples are held back; what is trained on is over before they begin."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from quantstrats.errors import ConfigError, DataError
from quantstrats.splits import purged_tail


def test_labels_that_reach_into_the_tail_are_left_out():
    rows = np.arange(20)
    train, tail = purged_tail(rows, rows + 3)
    assert tail.tolist() == [16, 17, 18, 19]
    assert train.tolist() == list(range(13))  # 12 ends on row 15, 13 on row 16


def test_an_embargo_keeps_a_distance():
    rows = np.arange(20)
    assert purged_tail(rows, rows + 3, embargo=2)[0].tolist() == list(range(11))


@pytest.mark.parametrize(("share", "count", "held"), [(0.07, 100, 7), (0.29, 100, 29), (0.071, 100, 8)])
def test_a_share_is_rounded_up_and_not_by_more_than_it_is(share, count, held):
    # By hand; in floating point 0.07 x 100 is a little more than 7.
    _, tail = purged_tail(np.arange(count), np.arange(count), share)
    assert tail.tolist() == list(range(count - held, count))


def test_samples_of_one_row_stay_together_and_the_order_does_not_matter():
    start = np.array([2, 0, 1, 2, 1, 0])
    train, tail = purged_tail(start, start, share=0.2)
    assert tail.tolist() == [0, 3]
    assert train.tolist() == [1, 2, 4, 5]


@given(st.data(), st.floats(0.01, 0.9), st.integers(0, 5))
def test_every_label_trained_on_is_over_before_the_tail_begins(data, share, embargo):
    count = data.draw(st.integers(2, 60))
    start = np.array(data.draw(st.lists(st.integers(0, 50), min_size=count, max_size=count)))
    end = start + np.array(data.draw(st.lists(st.integers(0, 10), min_size=count, max_size=count)))
    try:
        train, tail = purged_tail(start, end, share, embargo)
    except DataError as error:
        assert "no sample is left" in str(error)  # noqa: PT017 - not every draw leaves nothing
        return
    assert end[train].max() + embargo < start[tail].min()
    assert len(tail) >= share * count
    rest = np.setdiff1d(np.arange(count), tail)
    assert start[rest].max() < start[tail].min()
    assert (end[np.setdiff1d(rest, train)] + embargo >= start[tail].min()).all()


def test_times_are_taken_too():
    days = pd.date_range("2020-01-01", periods=20)
    train, tail = purged_tail(days, days + pd.Timedelta("3D"), embargo=pd.Timedelta("2D"))
    assert (len(train), len(tail)) == (11, 4)


@pytest.mark.parametrize("share", [0.0, 1.0, -1, "half", True, np.nan])
def test_a_share_is_between_0_and_1(share):
    with pytest.raises(ConfigError, match="share is"):
        purged_tail(np.arange(9), np.arange(9), share)


@pytest.mark.parametrize(("start", "end"), [([5], [5]), ([3, 3, 3], [4, 4, 4]), (range(5), range(10, 15))])
def test_where_nothing_is_left_to_train_on_it_is_said(start, end):
    with pytest.raises(DataError, match="no sample is left to train on"):
        purged_tail(list(start), list(end))

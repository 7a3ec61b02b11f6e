"""Purged folds: no label that is trained on meets the span that is tested, or begins in its embargo."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import cross_val_predict, cross_val_score

from quantstrats.errors import ConfigError, DataError
from quantstrats.splits import CombinatorialPurgedSplit, PurgedKFold

# Twelve daily labels that each rest on four rows, [t, t + 3]; of three folds the second tests 4 to 7.
START = np.arange(12)
END = START + 3


@st.composite
def intervals(draw, least=8):
    """Starts in any order, several of one row, with ends of random lengths."""
    count = draw(st.integers(least, 60))
    start = draw(st.lists(st.integers(0, 40), min_size=count, max_size=count).filter(lambda s: len(set(s)) >= 5))
    length = draw(st.lists(st.integers(0, 12), min_size=count, max_size=count))
    return np.array(start), np.array(start) + np.array(length)


def splits_of(splitter, count):
    """All splits that have something to train on, and whether one has not."""
    found = []
    try:
        for each in splitter.split(np.zeros(count)):
            found.append(each)  # noqa: PERF402 - what came before the error counts
    except DataError:
        return found, True
    return found, False


def test_the_hand_case_keeps_what_does_not_meet_rows_4_to_10():
    train, test = list(PurgedKFold(START, END, 3).split(START))[1]
    assert test.tolist() == [4, 5, 6, 7]
    assert train.tolist() == [0, 11]


@pytest.mark.parametrize("embargo", [1, 2, 0.05])
def test_the_hand_case_with_an_embargo_keeps_the_first_alone(embargo):
    train, _ = list(PurgedKFold(START, END, 3, embargo).split(START))[1]
    assert train.tolist() == [0]


def test_the_span_begins_with_the_first_start_not_with_its_end():
    # The first label of the test fold ends on row 20; one on rows 3 to 5 lies within it all the same.
    start = np.array([0, 1, 2, 3, 30, 31])
    end = np.array([0, 1, 20, 5, 30, 31])
    train, test = list(PurgedKFold(start, end, 3).split(start))[1]
    assert test.tolist() == [2, 3]
    assert train.tolist() == [0, 1, 4, 5]
    start = np.array([0, 1, 2, 3, 4, 5])
    train, _ = list(PurgedKFold(start, np.array([0, 2, 3, 20, 9, 30]), 3).split(start))[1]
    assert train.tolist() == [0]  # 1 ends inside, 4 starts inside, 5 starts inside and ends after


def test_a_training_label_that_envelops_the_fold_is_left_out():
    start, end = np.array([0, 1, 5, 6, 20, 21]), np.array([15, 1, 5, 6, 20, 21])
    train, test = list(PurgedKFold(start, end, 3).split(start))[1]
    assert test.tolist() == [2, 3]
    assert train.tolist() == [1, 4, 5]


def test_samples_of_one_row_are_tested_together_whatever_their_order():
    start = np.array([3, 0, 2, 1, 0, 3, 2, 1])
    tested = [test.tolist() for _, test in PurgedKFold(start, start, 2).split(start)]
    assert tested == [[1, 3, 4, 7], [0, 2, 5, 6]]


def test_an_embargo_is_counted_from_the_last_end():
    start = np.array([0, 1, 10, 11, 20, 21, 22, 23])
    end = np.array([0, 1, 15, 11, 20, 21, 22, 23])
    train, _ = list(PurgedKFold(start, end, 4, embargo=6).split(start))[1]
    assert train.tolist() == [0, 1, 6, 7]  # 15 + 6 = 21 is the last row within it


@given(intervals(), st.integers(2, 5), st.one_of(st.integers(0, 10), st.sampled_from([0.0, 0.05, 0.2])))
def test_nothing_trained_on_meets_what_is_tested_and_every_sample_is_tested_once(pair, folds, embargo):
    start, end = pair
    span = end.max() - start.min() + 1
    rows = embargo if isinstance(embargo, int) else int(np.ceil(round(embargo * span, 9)))
    found, stopped = splits_of(PurgedKFold(start, end, folds, embargo), len(start))
    for train, test in found:
        assert len(train)
        assert not set(train) & set(test)
        for i in train:
            for j in test:
                assert end[i] < start[j] or start[i] > end[j]
            last = end[test].max()
            assert not last < start[i] <= last + rows
        # And nothing is left out without a reason.
        for i in set(range(len(start))) - set(train) - set(test):
            first, last = start[test].min(), end[test].max()
            assert start[i] <= last + rows
            assert end[i] >= first
    if not stopped:
        tested = np.concatenate([test for _, test in found])
        assert sorted(tested) == list(range(len(start)))


@given(intervals(), st.integers(2, 5))
def test_folds_follow_each_other_and_hold_as_many_starts_as_can_be(pair, folds):
    start, _ = pair
    splitter = PurgedKFold(start, start, folds)
    starts = [set(start[test].tolist()) for _, test in splitter.split(start)]
    sizes = [len(each) for each in starts]
    assert max(sizes) - min(sizes) <= 1
    assert all(max(one) < min(next_one) for one, next_one in pairwise(starts))


def test_times_are_split_as_rows_are():
    days = pd.date_range("2020-01-01", periods=12, tz="America/New_York")
    splitter = PurgedKFold(days, days + pd.Timedelta("3D"), 3)
    assert list(splitter.split(days))[1][0].tolist() == [0, 11]
    splitter = PurgedKFold(days, days + pd.Timedelta("3D"), 3, embargo=pd.Timedelta("1D"))
    assert list(splitter.split(days))[1][0].tolist() == [0]
    naive = days.tz_localize(None).to_numpy()
    assert list(PurgedKFold(pd.Series(naive), naive + np.timedelta64(3, "D"), 3).split(days))[1][0].tolist() == [0, 11]
    # 14 days from the first start to the last end; a fourteenth of that is one day.
    assert list(PurgedKFold(days, days + pd.Timedelta("3D"), 3, embargo=1 / 14).split(days))[1][0].tolist() == [0]


def test_scikit_learn_takes_it_as_a_splitter():
    rng = np.random.default_rng(5)
    inputs = rng.normal(size=(200, 3))
    labels = (inputs[:, 0] > 0).astype(float)
    rows = np.arange(200)
    splitter = PurgedKFold(rows, rows + 5, 5, embargo=5)
    scores = cross_val_score(LogisticRegression(), inputs, labels, cv=splitter)
    assert splitter.get_n_splits(inputs, labels) == len(scores) == 5
    assert scores.min() > 0.8
    assert len(cross_val_predict(LogisticRegression(), inputs, labels, cv=splitter)) == 200


def test_labels_that_overlap_leak_across_plain_folds_and_not_across_purged_ones():
    # Labels are the sign of a sum over the next 20 rows of noise, and the feature is the row itself: nothing can be
    # known of a label, but neighbours share most of it.
    from sklearn.model_selection import KFold
    from sklearn.neighbors import KNeighborsClassifier

    purged, shuffled = [], []
    for seed in range(1, 6):
        noise = np.random.default_rng(seed).normal(size=620)
        later = np.array([noise[row + 1 : row + 21].sum() for row in range(600)])
        rows, labels = np.arange(600), (later > 0).astype(int)
        model = KNeighborsClassifier(1)
        purged.append(cross_val_score(model, rows[:, None], labels, cv=PurgedKFold(rows, rows + 20, 5)).mean())
        shuffled.append(cross_val_score(model, rows[:, None], labels, cv=KFold(5, shuffle=True, random_state=0)).mean())
    assert np.mean(shuffled) > 0.8
    assert abs(np.mean(purged) - 0.5) < 0.1


@pytest.mark.parametrize(
    ("start", "end", "more", "error", "says"),
    [
        ([0, 1, 2], [1, 2], {}, DataError, "3 starts and 2 ends"),
        ([0, 5, 2], [1, 4, 3], {"n_splits": 2}, DataError, r"sample 1 ends \(4\) before it starts \(5\)"),
        ([], [], {}, DataError, "no samples"),
        (
            [0, 0, 1, 1],
            [1, 1, 2, 2],
            {"n_splits": 3},
            DataError,
            "3 folds need as many different starts.* 4 samples have 2",
        ),
        ([0, 1], [1, 2], {"n_splits": 1}, ConfigError, "n_splits is 1"),
        ([0, 1], [1, 2], {"n_splits": 2.0}, ConfigError, "n_splits is 2.0"),
        ([0, 1], [1, 2], {"n_splits": 2, "embargo": -1}, ConfigError, "embargo is -1"),
        ([0, 1], [1, 2], {"n_splits": 2, "embargo": 1.5}, ConfigError, "embargo is 1.5"),
        ([0, 1], [1, 2], {"n_splits": 2, "embargo": np.nan}, ConfigError, "embargo is nan"),
        ([0, 1], [1, 2], {"n_splits": 2, "embargo": True}, ConfigError, "embargo is True"),
        ([0, 1], [1, 2], {"n_splits": 2, "embargo": "a day"}, ConfigError, "embargo is 'a day'"),
        ([0, 1], [1, 2], {"n_splits": 2, "embargo": pd.Timedelta("1D")}, ConfigError, "stand on rows"),
        ([0.0, np.nan], [1, 2], {"n_splits": 2}, DataError, "start holds float64"),
        ([[0, 1]], [[1, 2]], {"n_splits": 2}, DataError, "2 dimensions"),
    ],
)
def test_what_makes_no_sense_is_said(start, end, more, error, says):
    with pytest.raises(error, match=says):
        PurgedKFold(start, end, **more)


def test_times_and_rows_are_not_mixed():
    days = pd.date_range("2020-01-01", periods=4)
    with pytest.raises(DataError, match="one is times"):
        PurgedKFold(days, np.arange(4), 2)
    with pytest.raises(ConfigError, match="stand on times; give a Timedelta"):
        PurgedKFold(days, days, 2, embargo=1)
    with pytest.raises(ConfigError, match="not negative"):
        PurgedKFold(days, days, 2, embargo=pd.Timedelta("-1D"))
    with pytest.raises(DataError, match="lacks 1 times"):
        PurgedKFold(days.insert(0, pd.NaT), days.insert(0, days[0]), 2)


def test_a_fold_without_anything_to_train_on_is_said():
    with pytest.raises(DataError, match="fold 1 of 2: no sample is left"):
        next(PurgedKFold([0, 1, 2, 3], [9, 9, 9, 9], 2).split(np.zeros(4)))


@pytest.mark.parametrize("given", [None, 5])
def test_what_has_no_samples_cannot_be_split(given):
    told = f"what is split is of type {type(given).__name__}; give the samples, 9 of them"
    for splitter in (PurgedKFold(np.arange(9), np.arange(9), 3), CombinatorialPurgedSplit(np.arange(9), np.arange(9))):
        with pytest.raises(DataError) as refused:
            next(splitter.split(given))
        assert str(refused.value) == told


@pytest.mark.parametrize(
    ("share", "rows", "embargo"), [(0.07, 100, 7), (0.01, 700, 7), (0.29, 100, 29), (0.071, 100, 8), (1e-6, 100, 1)]
)
def test_a_share_of_the_span_is_rounded_up_and_not_by_more_than_it_is(share, rows, embargo):
    # By hand; in floating point 0.07 x 100 is a little more than 7.
    folds = list(PurgedKFold(np.arange(rows), np.arange(rows), 2, share).split(np.arange(rows)))
    assert folds[0][0].tolist() == list(range(rows // 2 + embargo, rows))


def test_other_samples_than_intervals_are_refused():
    with pytest.raises(DataError, match="5 samples to split and 12 intervals"):
        next(PurgedKFold(START, END, 3).split(np.zeros((5, 2))))

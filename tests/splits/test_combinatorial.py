"""Combinatorial splits: all choices of test groups, and the paths that they make up."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from quantstrats.errors import ConfigError, DataError
from quantstrats.splits import CombinatorialPurgedSplit, PurgedKFold


@pytest.mark.parametrize(
    ("groups", "tested", "splits", "paths"), [(6, 2, 15, 5), (10, 2, 45, 9), (5, 1, 5, 1), (6, 3, 20, 10)]
)
def test_splits_and_paths_are_as_many_as_published(groups, tested, splits, paths):
    rows = np.arange(300)
    splitter = CombinatorialPurgedSplit(rows, rows + 2, groups, tested)
    assert splitter.get_n_splits() == len(list(splitter.split(rows))) == splits
    assert splitter.n_paths == paths
    assert splitter.paths().shape == (paths, groups)


def test_the_paths_of_six_groups_tested_in_pairs_are_those_of_the_book():
    # Splits in order: 12 13 14 15 16 23 24 25 26 34 35 36 45 46 56. Each group's p-th split is path p.
    rows = np.arange(60)
    expected = [
        [0, 0, 1, 2, 3, 4],
        [1, 5, 5, 6, 7, 8],
        [2, 6, 9, 9, 10, 11],
        [3, 7, 10, 12, 12, 13],
        [4, 8, 11, 13, 14, 14],
    ]
    assert CombinatorialPurgedSplit(rows, rows).paths().tolist() == expected


@given(st.data(), st.integers(2, 6), st.integers(0, 6))
def test_nothing_trained_on_meets_any_group_that_is_tested(data, groups, embargo):
    count = data.draw(st.integers(12, 50))
    start = np.array(
        data.draw(st.lists(st.integers(0, 60), min_size=count, max_size=count, unique=data.draw(st.booleans())))
    )
    if len(set(start.tolist())) < groups:
        return
    end = start + np.array(data.draw(st.lists(st.integers(0, 8), min_size=count, max_size=count)))
    tested_at_once = data.draw(st.integers(1, groups - 1))
    splitter = CombinatorialPurgedSplit(start, end, groups, tested_at_once, embargo)
    members = [test for _, test in PurgedKFold(start, start, groups).split(start)]
    found = []
    try:
        for each in splitter.split(start):
            found.append(each)  # noqa: PERF402 - what came before the error counts
    except DataError:
        pass
    for train, test in found:
        held = [group for group in members if set(group) <= set(test.tolist())]
        assert len(held) == tested_at_once
        assert sorted(np.concatenate(held)) == test.tolist()
        for i in train:
            for group in held:
                last = end[group].max()
                assert end[i] < start[group].min() or start[i] > last + embargo


def test_between_two_groups_that_are_tested_what_meets_neither_is_trained_on():
    rows = np.arange(40)
    splits = list(CombinatorialPurgedSplit(rows, rows + 3, 4, 2, embargo=1).split(rows))
    train, test = splits[1]  # groups 1 and 3: rows 0 to 9, which end by 12, and 20 to 29, which end by 32
    assert test.tolist() == [*range(10), *range(20, 30)]
    assert train.tolist() == [14, 15, 16, *range(34, 40)]


def test_predictions_of_all_splits_make_up_paths_that_hold_each_sample_once():
    rng = np.random.default_rng(3)
    start = rng.permutation(np.repeat(np.arange(30), 2))
    splitter = CombinatorialPurgedSplit(start, start, 6, 2)
    splits = list(splitter.split(start))
    # A prediction that says which split made it, and of what.
    predictions = [np.column_stack([np.full(len(test), number), test]) for number, (_, test) in enumerate(splits)]
    laid = splitter.path_predictions(predictions)
    assert laid.shape == (5, 60, 2)
    assert (laid[:, :, 1] == np.arange(60)).all()
    group = np.searchsorted([5, 10, 15, 20, 25], start, side="right")
    assert (laid[:, :, 0] == splitter.paths()[:, group]).all()
    assert splitter.path_predictions([each[:, 0] for each in predictions]).shape == (5, 60)


def test_predictions_that_do_not_fit_are_said():
    rows = np.arange(30)
    splitter = CombinatorialPurgedSplit(rows, rows, 3, 1)
    with pytest.raises(DataError, match="of 2 splits; give those of all 3"):
        splitter.path_predictions([np.zeros(10)] * 2)
    told = r"predictions of split 2 are of shape \(9,\); give one per test sample, \(10,\)"
    with pytest.raises(DataError, match=told):
        splitter.path_predictions([np.zeros(10), np.zeros(9), np.zeros(10)])
    with pytest.raises(DataError, match=r"predictions of split 1 are of shape \(\); give one per test sample"):
        splitter.path_predictions([1] * 3)
    with pytest.raises(DataError, match=r"split 2 are of shape \(10,\); give one per test sample, \(10, 2\)"):
        splitter.path_predictions([np.zeros((10, 2)), np.zeros(10), np.zeros(10)])
    with pytest.raises(DataError, match="predictions are of type NoneType; give a list of arrays, one per split"):
        splitter.path_predictions(None)
    with pytest.raises(DataError, match="predictions of split 3 are of unequal lengths; give an array"):
        splitter.path_predictions([np.zeros(10), np.zeros(10), [[1.0], [1.0, 2.0]]])


@pytest.mark.parametrize(
    ("more", "error", "says"),
    [
        ({"n_groups": 1}, ConfigError, "n_groups is 1"),
        ({"n_test_groups": 0}, ConfigError, "n_test_groups is 0"),
        ({"n_test_groups": 6}, ConfigError, "fewer than the 6 groups"),
        ({"n_groups": 31}, DataError, "31 groups need as many different starts"),
        ({"embargo": -0.1}, ConfigError, "embargo is -0.1"),
    ],
)
def test_what_makes_no_sense_is_said(more, error, says):
    with pytest.raises(error, match=says):
        CombinatorialPurgedSplit(np.arange(30), np.arange(30), **more)


def test_a_split_without_anything_to_train_on_is_said():
    rows = np.arange(12)
    with pytest.raises(DataError, match="test groups 1, 2 of 3: no sample is left"):
        next(CombinatorialPurgedSplit(rows, rows + 8, 3, 2).split(rows))

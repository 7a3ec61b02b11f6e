"""Time decay and class weights, by hand."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.utils.class_weight import compute_sample_weight

from quantstrats.errors import ConfigError, DataError
from quantstrats.labels import class_weights, time_decay

# Uniqueness 1/2, 1/4, 1/4, 1: cumulative 0.5, 0.75, 1, 2.
OWN = [0.5, 0.25, 0.25, 1.0]


@pytest.mark.parametrize(
    ("oldest", "expected"),
    [
        (1.0, [1.0, 1.0, 1.0, 1.0]),
        (0.5, [0.625, 0.6875, 0.75, 1.0]),  # 0.5 + 0.25 x
        (0.0, [0.25, 0.375, 0.5, 1.0]),  # 0.5 x
        (-0.25, [0.0, 1 / 6, 1 / 3, 1.0]),  # a line from 0 at a quarter of 2 to 1 at 2
    ],
)
def test_age_is_counted_in_cumulative_uniqueness(oldest, expected):
    np.testing.assert_allclose(time_decay(OWN, oldest), expected, atol=1e-15)


def test_samples_of_one_time_count_alike_whatever_their_order():
    # Times 7, 3, 7, 3: cumulative 1.25 of the older ones, 2 of the newer.
    np.testing.assert_allclose(time_decay(OWN, 0.0, start=[7, 3, 7, 3]), [1.0, 0.625, 1.0, 0.625])
    np.testing.assert_allclose(time_decay(OWN, 0.0, start=[1, 2, 3, 4]), time_decay(OWN, 0.0))


@pytest.mark.parametrize("oldest", [-1.0, 1.1, np.nan, "old"])
def test_decay_out_of_its_range_is_said(oldest):
    with pytest.raises(ConfigError, match="oldest is"):
        time_decay(OWN, oldest)


def test_weights_that_make_no_sense_are_said():
    for wrong in ([1.0, -1.0], [np.nan], [[1.0]], [np.inf]):
        with pytest.raises(DataError, match="not one finite number per sample"):
            time_decay(wrong)
    with pytest.raises(DataError, match="all zero"):
        time_decay([0.0, 0.0])
    with pytest.raises(DataError, match="start is of shape"):
        time_decay(OWN, 0.5, start=[1])
    assert len(time_decay([])) == 0


def test_classes_count_equally():
    labels = [1, 0, 0, 0, -1, -1, 0, 0]
    found = class_weights(labels)
    np.testing.assert_allclose(found, compute_sample_weight("balanced", labels))
    np.testing.assert_allclose(found, [8 / 3, *[8 / 15] * 3, 4 / 3, 4 / 3, 8 / 15, 8 / 15])


def test_classes_count_equally_together_with_other_weights():
    labels = np.array([1.0, 0.0, 0.0, 1.0, 0.0])
    other = np.array([0.5, 1.0, 2.0, 0.25, 0.25])
    both = class_weights(labels, other) * other
    assert both[labels == 1].sum() == pytest.approx(both[labels == 0].sum())
    assert both.sum() == pytest.approx(other.sum())


def test_a_missing_label_counts_nothing_and_one_class_counts_as_it_is():
    np.testing.assert_allclose(class_weights([1.0, np.nan, 0.0]), [1.0, 0.0, 1.0])
    np.testing.assert_allclose(class_weights([1.0, 1.0]), [1.0, 1.0])
    assert class_weights([np.nan]).tolist() == [0.0]
    assert len(class_weights([])) == 0


def test_class_weights_that_cannot_be_told_are_said():
    with pytest.raises(DataError, match="2 weights of 3 labels"):
        class_weights([0, 1, 1], [1.0, 1.0])
    with pytest.raises(DataError, match="weights of class 0 are all zero"):
        class_weights([0, 1], [0.0, 1.0])
    with pytest.raises(DataError, match=r"^labels holds something that is no number; give numbers"):
        class_weights(["a", "b"])
    with pytest.raises(DataError, match=r"^weights holds something that is no number; give numbers"):
        class_weights([0, 1], ["a", "b"])
    with pytest.raises(DataError, match="labels are of shape"):
        class_weights([[0, 1]])

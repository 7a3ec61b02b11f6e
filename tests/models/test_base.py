"""What every model is given and gives: rows are checked and cleaned alike, and each fit has a defined outcome."""

from __future__ import annotations

import pickle
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from quantstrats.errors import DataError
from quantstrats.models.base import Model

SEEN = []  # what the model below was given


@dataclass(frozen=True, kw_only=True)
class Shares(Model):
    """Says of every row the shares of the classes, by weight; what it is asked is kept beside."""

    name: ClassVar[str] = "shares"
    steps: bool = False

    def _reads_steps(self):
        return self.steps

    def _learn(self, training):
        SEEN.append(training)
        shares = np.bincount(training.codes, training.weight)
        return shares / shares.sum()

    def _chances(self, opened, inputs):
        SEEN.append(inputs)
        return np.tile(opened, (len(inputs), 1))


@pytest.fixture(autouse=True)
def _forget():
    SEEN.clear()


def drawn(rows=40, features=3, seed=0):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(rows, features)), np.arange(rows) % 2.0


# --- what is scaled


def test_inputs_are_scaled_by_the_rows_of_the_fit_alone():
    inputs, labels = drawn()
    fitted = Shares().fit(inputs * [1, 1000, 1e-6] + [0, 5, 1e-6], labels)
    training = SEEN.pop()
    np.testing.assert_allclose(training.inputs.mean(axis=0), 0, atol=1e-12)
    np.testing.assert_allclose(training.inputs.std(axis=0), 1, atol=1e-12)
    # By hand: two rows of which one is the mean of the fit, and one is a standard deviation above it.
    center = inputs.mean(axis=0) * [1, 1000, 1e-6] + [0, 5, 1e-6]
    fitted.predict_proba([center, center + inputs.std(axis=0) * [1, 1000, 1e-6]])
    np.testing.assert_allclose(SEEN.pop(), [[0, 0, 0], [1, 1, 1]], atol=1e-9)


def test_steps_are_laid_side_by_side_for_models_that_do_not_know_their_order():
    inputs = np.random.default_rng(0).normal(size=(20, 4, 3))
    Shares().fit(inputs, np.arange(20) % 2)
    assert SEEN.pop().inputs.shape == (20, 12)
    Shares(steps=True).fit(inputs, np.arange(20) % 2)
    seen = SEEN.pop().inputs
    assert seen.shape == (20, 4, 3)
    # Scaled by feature, all steps alike: a step that is higher than the others stays higher.
    np.testing.assert_allclose(seen.mean(axis=(0, 1)), 0, atol=1e-12)


@pytest.mark.parametrize("size", [1e300, 1e-300, 1.7e308])
def test_numbers_near_the_largest_and_the_smallest_are_scaled_without_overflow(size):
    inputs, labels = drawn()
    inputs /= np.abs(inputs).max()
    Shares().fit(inputs, labels)
    Shares().fit(inputs * size, labels)
    np.testing.assert_allclose(SEEN[1].inputs, SEEN[0].inputs, rtol=1e-6)


def test_a_number_far_beyond_those_of_the_fit_is_finite_where_a_model_sees_it():
    fitted = Shares().fit(*drawn())
    fitted.predict_proba([[1.7e308, -1.7e308, 0.0]])
    assert np.isfinite(SEEN[-1].astype("float32")).all()


# --- what is left out


def test_rows_without_label_weight_or_feature_are_left_out_and_told():
    inputs, labels = drawn(50)
    inputs[3, 0], inputs[4, 2], inputs[5, 1] = np.nan, np.inf, -np.inf
    labels[6] = np.nan
    weight = np.ones(50)
    weight[7] = 0.0
    fitted = Shares().fit(inputs, labels, weight=weight, start=np.arange(50), end=np.arange(50) + 3)
    kept = [row for row in range(50) if row not in (3, 4, 5, 6, 7)]
    training = SEEN.pop()
    assert training.start.tolist() == kept
    assert training.end.tolist() == [row + 3 for row in kept]
    assert (training.codes == labels[kept]).all()
    assert fitted.notes == (
        "1 of 50 rows have no label and are left out",
        "1 of 49 rows have the weight 0 and are left out",
        "3 of 48 rows lack a feature and are left out",
    )


def test_a_column_that_is_missing_everywhere_or_constant_is_left_out_and_never_looked_at():
    inputs, labels = drawn(features=5)
    inputs[:, 1], inputs[:, 3] = np.nan, 7.1
    fitted = Shares().fit(inputs, labels)
    assert SEEN.pop().inputs.shape == (40, 3)
    assert fitted.kept.tolist() == [0, 2, 4]
    assert fitted.notes == (
        "columns that are missing in every row are left out (the first is 0): 1",
        "columns that are constant are left out (the first is 0): 3",
    )
    asked = np.zeros((3, 5))
    asked[0, 1] = asked[0, 3] = np.nan
    asked[1, 4] = np.nan
    asked[2, 0] = np.inf
    assert np.isnan(fitted.predict_proba(asked)).all(axis=1).tolist() == [False, True, True]


def test_a_column_that_varies_by_rounding_alone_is_constant():
    inputs, labels = drawn()
    inputs[:, 1] = np.where(np.arange(40) % 2, 0.1, 0.3 - 0.2)
    assert inputs[:, 1].std() > 0
    assert Shares().fit(inputs, labels).kept.tolist() == [0, 2]


def test_a_class_of_one_row_is_left_out_and_told():
    inputs, labels = drawn()
    labels[5] = 9
    fitted = Shares().fit(inputs, labels)
    assert fitted.classes == (0.0, 1.0)
    assert fitted.notes == ("classes of a single row are left out: 9",)


@pytest.mark.parametrize(
    ("rows", "labels", "outcome", "note"),
    [
        (40, lambda rows: np.ones(rows), "one class", "all 40 rows are of class 1"),
        (40, lambda rows: np.full(rows, np.nan), "too few rows", "0 of 40 rows are left; at least 10 are needed"),
        (9, lambda rows: np.arange(rows) % 2, "too few rows", "9 of 9 rows are left; at least 10 are needed"),
        (3, lambda rows: np.ones(rows), "too few rows", "3 of 3 rows are left; at least 10 are needed"),
        (0, lambda rows: np.ones(rows), "too few rows", "0 of 0 rows are left; at least 10 are needed"),
    ],
)
def test_too_little_to_learn_from_is_an_outcome(rows, labels, outcome, note):
    inputs, _ = drawn(rows)
    fitted = Shares().fit(inputs, labels(rows))
    assert (fitted.outcome, fitted.notes[-1], fitted.state) == (outcome, note, None)
    assert SEEN == []
    assert np.isnan(fitted.predict_proba(np.zeros((4, 3)))).all()
    assert np.isnan(fitted.predict(np.zeros((4, 3)))).all()
    assert np.isnan(fitted.probability(1.0, np.zeros((4, 3)))).all()


def test_where_no_column_can_be_used_that_is_an_outcome():
    _, labels = drawn()
    for inputs in (np.ones((40, 2)), np.full((40, 2), np.nan), np.ones((40, 0)), np.ones((40, 3, 2))):
        fitted = Shares().fit(inputs, labels)
        assert fitted.outcome == "no usable feature"
        assert fitted.notes[-1].endswith("columns none varies")


def test_ten_rows_of_two_classes_are_enough():
    assert Shares().fit(*drawn(10)).outcome == "fitted"


def test_weights_that_are_all_zero_leave_too_few_rows():
    inputs, labels = drawn()
    assert Shares().fit(inputs, labels, weight=np.zeros(40)).outcome == "too few rows"


# --- weights


@pytest.mark.parametrize("scale", [1.0, 1e308, 1e-308])
def test_weights_count_in_proportion_whatever_their_size(scale):
    inputs, labels = drawn()
    weight = np.where(labels == 1, 0.75, 0.25)
    fitted = Shares().fit(inputs, labels, weight=weight * scale)
    np.testing.assert_allclose(fitted.state, [0.25, 0.75], rtol=1e-12)
    assert SEEN[0].weight.mean() == pytest.approx(1)


def test_balanced_classes_count_equally_together_with_the_rows_weights():
    inputs, _ = drawn()
    labels = np.repeat([0.0, 1.0], [30, 10])
    weight = np.linspace(1, 2, 40)
    fitted = Shares(balanced=True).fit(inputs, labels, weight=weight)
    np.testing.assert_allclose(fitted.state, [0.5, 0.5], rtol=1e-12)
    seen = SEEN[0].weight
    assert seen[1] / seen[0] == pytest.approx(weight[1] / weight[0])


# --- what is asked


def test_the_most_probable_label_is_told_and_of_equals_the_first():
    inputs, labels = drawn()
    even = Shares().fit(inputs, np.where(labels == 1, 2.0, -3.0))
    assert even.classes == (-3.0, 2.0)
    assert even.predict(inputs[:2]).tolist() == [-3.0, -3.0]
    more = Shares().fit(inputs, np.repeat([-3.0, 2.0], [10, 30]))
    assert more.predict(inputs[:1]).tolist() == [2.0]


def test_the_probability_of_a_label_is_that_of_its_class_and_none_where_it_never_occurred():
    inputs, _ = drawn()
    fitted = Shares().fit(inputs, np.repeat([-1.0, 1.0], [10, 30]))
    asked = np.array([[0.0, 0.0, 0.0], [0.0, np.nan, 0.0]])
    np.testing.assert_array_equal(fitted.probability(1, asked), [0.75, np.nan])
    np.testing.assert_array_equal(fitted.probability(0, asked), [0.0, np.nan])


@pytest.mark.parametrize("label", ["up", None, float("nan"), [1.0]])
def test_the_probability_of_what_is_no_label_is_refused(label):
    fitted = Shares().fit(*drawn())
    with pytest.raises(DataError, match=r"^model 'shares': label is .*; give a number \(.*\d.*\)$"):
        fitted.probability(label, np.zeros((5, 3)))
    assert np.isfinite(fitted.probability(np.bool_(1), np.zeros((5, 3)))).all()


def test_numbers_in_place_of_classes_are_told_in_a_few_words():
    inputs = np.random.default_rng(0).normal(size=(600, 3))
    fitted = Shares().fit(inputs, inputs[:, 0])
    assert fitted.outcome == "too few rows"
    assert fitted.notes[0].startswith("classes of a single row are left out: -")
    assert fitted.notes[0].endswith(
        " and 590 more; labels are to be classes, not numbers that hardly any two rows share"
    )
    assert len(fitted.notes[0]) < 250


def test_no_row_asked_is_no_row_told():
    fitted = Shares().fit(*drawn())
    assert fitted.predict_proba(np.zeros((0, 3))).shape == (0, 2)
    assert fitted.predict(np.zeros((0, 3))).shape == (0,)
    assert len(SEEN) == 1


def test_a_fitted_model_is_the_same_bytes_before_and_after_it_is_asked():
    fitted = Shares().fit(*drawn())
    before = pickle.dumps(fitted)
    fitted.predict_proba(np.zeros((1, 3)))
    assert pickle.dumps(fitted) == before
    assert (pickle.loads(before).predict_proba(np.zeros((1, 3))) == [0.5, 0.5]).all()


def test_nothing_that_was_given_is_changed():
    inputs, labels = drawn()
    inputs[0, 0] = np.nan
    before = inputs.copy(), labels.copy()
    Shares(balanced=True).fit(inputs, labels).predict(inputs)
    np.testing.assert_array_equal(inputs, before[0])
    np.testing.assert_array_equal(labels, before[1])


# --- what makes no sense


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"inputs": np.zeros(40)}, r"inputs are of shape \(40,\); give \(rows, features\) or"),
        ({"inputs": [["a"]] * 40}, "inputs are not numbers of one shape"),
        ({"inputs": [[1.0], [1.0, 2.0]]}, "inputs are not numbers of one shape"),
        ({"labels": ["up"] * 40}, "labels are not numbers of one shape"),
        ({"labels": np.zeros(39)}, r"labels is of shape \(39,\); give 40, one per row"),
        ({"labels": np.zeros((40, 1))}, r"labels is of shape \(40, 1\)"),
        ({"weight": np.zeros(3)}, r"weight is of shape \(3,\)"),
        ({"weight": np.full(40, -1.0)}, "weight has a negative or missing number; give numbers of 0 or more"),
        ({"weight": np.full(40, np.nan)}, "weight has a negative or missing number"),
        ({"weight": np.full(40, np.inf)}, "weight has a negative or missing number"),
        ({"start": np.arange(40)}, "one of start and end is missing; give both, or none"),
        ({"start": np.arange(40), "end": np.arange(3)}, r"end is of shape \(3,\)"),
        (
            {"start": np.arange(40), "end": np.arange(40) - (np.arange(40) == 7)},
            r"sample 7 ends \(6\) before it starts \(7\); an interval goes from the first",
        ),
        ({"start": np.arange(40.0), "end": np.arange(40)}, "start holds float64; give rows as whole numbers, or times"),
    ],
)
def test_what_does_not_fit_together_is_one_line(change, told):
    inputs, labels = drawn()
    with pytest.raises(DataError, match=f"^model 'shares': {told}"):
        Shares().fit(**({"inputs": inputs, "labels": labels} | change))


def test_other_features_than_those_of_the_fit_are_refused():
    fitted = Shares().fit(*drawn())
    with pytest.raises(
        DataError, match=r"^model 'shares': rows are of shape \(2,\), and it was fitted on rows of \(3,\)"
    ):
        fitted.predict_proba(np.zeros((5, 2)))


# --- whatever is given

numbers = st.floats(allow_nan=True, allow_infinity=True, width=64)


@given(
    hnp.arrays("float64", st.tuples(st.integers(0, 30), st.integers(0, 3)), elements=numbers),
    st.lists(st.sampled_from([0.0, 1.0, 2.0, float("nan")]), min_size=30, max_size=30),
    st.lists(st.floats(0, 1e308), min_size=30, max_size=30),
)
def test_any_numbers_have_an_outcome_and_what_is_learned_from_is_clean(inputs, labels, weight):
    count = len(inputs)
    SEEN.clear()
    fitted = Shares().fit(inputs, labels[:count], weight=weight[:count])
    if fitted.outcome != "fitted":
        assert SEEN == []
        return
    training = SEEN[0]
    assert np.isfinite(training.inputs).all()
    assert (training.inputs.std(axis=0) > 0.5).all()
    assert (training.weight > 0).all()
    assert training.weight.mean() == pytest.approx(1)
    assert np.bincount(training.codes, minlength=2).min() >= 2
    assert len(training.codes) >= 10
    chances = fitted.predict_proba(inputs)
    assert (np.isfinite(chances).all(axis=1) == np.isfinite(inputs[:, fitted.kept]).all(axis=1)).all()

"""A stack learns from what models said of rows that they had not learned from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pytest

from quantstrats import models
from quantstrats.errors import ConfigError
from quantstrats.models.base import Model

FITTED = []  # the starts on which the model below was fitted
LAST = []  # what the last model was given


@dataclass(frozen=True, kw_only=True)
class Memory(Model):
    """Knows the rows that it learned from by heart, and says one half of any other."""

    name: ClassVar[str] = "memory"

    def _learn(self, training):
        FITTED.append(training.start)
        return {row.tobytes(): code for row, code in zip(training.inputs.round(6), training.codes, strict=True)}

    def _chances(self, opened, inputs):
        second = np.array([float(opened.get(row.tobytes(), 0.5)) for row in inputs.round(6)])
        return np.column_stack([1 - second, second])


@dataclass(frozen=True, kw_only=True)
class Last(Model):
    """Keeps what it is given."""

    name: ClassVar[str] = "last"

    def fit(self, inputs, labels, *, weight=None, start=None, end=None):
        LAST.append(np.array(inputs))
        return super().fit(inputs, labels, weight=weight, start=start, end=end)

    def _learn(self, training):
        return None

    def _chances(self, opened, inputs):
        return np.full((len(inputs), 2), 0.5)


@pytest.fixture(autouse=True)
def _forget():
    FITTED.clear()
    LAST.clear()


def drawn(rows, seed=0):
    rng = np.random.default_rng(seed)
    inputs = rng.normal(size=(rows, 3))
    odds = inputs[:, 0] + 1.2 * np.sign(inputs[:, 1] * inputs[:, 2])
    return inputs, (rng.random(rows) < 1 / (1 + np.exp(-2 * odds))).astype(float)


def test_the_last_model_never_sees_what_a_model_says_of_rows_that_it_learned_from():
    # A model that knows its rows by heart would be right about each of them; of the others it knows nothing.
    inputs, labels = drawn(100)
    stacked = models.Stacked((Memory(), models.LogisticRegression()), last=Last(), folds=4)
    assert stacked.fit(inputs, labels).outcome == "fitted"
    assert (LAST[0][:, 0] == 0.5).all()
    assert len(np.unique(LAST[0][:, 1])) > 50


def test_folds_are_purged_by_the_labels_and_all_rows_are_learned_from_at_the_end():
    inputs, labels = drawn(60)
    start = np.arange(60)
    stacked = models.Stacked((Memory(), Memory()), folds=3, embargo=4)
    stacked.fit(inputs, labels, start=start, end=start + 2)
    # Folds of 20 rows; the first spans rows 0 to 21, so that row 22 is the first beyond it and 26 beyond the embargo.
    one = FITTED[0].tolist()
    assert one == list(range(26, 60))
    second = [*range(18), *range(46, 60)]
    assert FITTED[2].tolist() == second
    assert FITTED[4].tolist() == list(range(38))


def test_a_stack_is_right_more_often_than_the_worse_of_its_models():
    inputs, labels = drawn(1500)
    asked, truth = drawn(3000, 1)
    parts = (models.LogisticRegression(), models.RandomForest(n_estimators=30))
    right = [float((each.fit(inputs, labels).predict(asked) == truth).mean()) for each in parts]
    stacked = models.Stacked(parts).fit(inputs, labels)
    assert (stacked.predict(asked) == truth).mean() > max(right) - 0.02
    assert (stacked.predict(asked) == truth).mean() > min(right) + 0.05


def test_of_three_classes_the_last_model_gets_two_probabilities_of_each_model():
    inputs, _ = drawn(150)
    labels = np.digitize(inputs[:, 0], [-0.5, 0.5]).astype(float)
    fitted = models.Stacked((models.LogisticRegression(), models.NearestNeighbours())).fit(inputs, labels)
    assert fitted.state["last"].shape == (4,)
    assert (fitted.predict(inputs) == labels).mean() > 0.8


def test_a_class_that_some_folds_lack_has_the_probability_0_there():
    inputs, labels = drawn(200)
    labels[40:80] = 2.0  # the second fold of five
    parts = (models.LogisticRegression(), models.NearestNeighbours())
    fitted = models.Stacked(parts).fit(inputs, labels)
    assert fitted.outcome == "fitted"
    np.testing.assert_allclose(fitted.predict_proba(inputs).sum(axis=1), 1, atol=1e-12)


def test_too_few_rows_for_the_folds_are_an_outcome():
    inputs, labels = drawn(30)
    parts = (models.LogisticRegression(), models.NearestNeighbours())
    everywhere = models.Stacked(parts).fit(inputs, labels, start=np.arange(30), end=np.full(30, 29))
    assert everywhere.outcome == "too few rows"
    assert everywhere.notes[-1].startswith(
        "to ask models of rows that they do not know: fold 1 of 5: no sample is left"
    )
    early = models.Stacked(parts).fit(inputs[:12], labels[:12])
    assert early.outcome == "too few rows"
    assert early.notes[-1] == "on 5 folds the models learned too little"


def test_networks_and_others_stand_side_by_side():
    pytest.importorskip("torch", reason="torch is not installed")
    rng = np.random.default_rng(0)
    inputs = rng.normal(size=(120, 4, 2))
    labels = (inputs[:, -2, 0] > 0).astype(float)
    parts = (models.LSTM(hidden=4, epochs=2), models.LogisticRegression())
    fitted = models.Stacked(parts, folds=3).fit(inputs, labels)
    assert (fitted.predict(inputs) == labels).mean() > 0.9


TWO = (models.LogisticRegression(), models.NearestNeighbours())


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"models": ()}, "stacked: models holds 0 model; give at least two of quantstrats.models"),
        ({"models": [TWO[0]]}, "stacked: models holds 1 model; give at least two of quantstrats.models"),
        ({"models": TWO[0]}, "stacked: models is LogisticRegression(seed=0"),
        ({"models": (TWO[0], "lightgbm")}, "stacked: models[1] is 'lightgbm'; give one of quantstrats.models"),
        ({"models": TWO, "last": "x"}, "stacked: last is 'x'; give one of quantstrats.models"),
        ({"models": TWO, "folds": 1}, "stacked: folds is 1; give a whole number of at least 2"),
        ({"models": TWO, "embargo": float("nan")}, "stacked: embargo is nan; give a number of at least 0"),
    ],
)
def test_a_setting_that_makes_no_sense_is_one_line_that_names_it(wrong, told):
    with pytest.raises(ConfigError) as refused:
        models.Stacked(**wrong)
    assert str(refused.value).startswith(told)
    assert "\n" not in str(refused.value)


def test_a_list_of_models_is_as_good_as_a_tuple():
    assert models.Stacked(list(TWO)) == models.Stacked(TWO)

"""Models are compared on the same rows, none of which the model that speaks of it has learned from."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score, brier_score_loss, log_loss, precision_score, recall_score, roc_auc_score

from quantstrats import models
from quantstrats.errors import ConfigError, DataError
from quantstrats.models.base import Model
from quantstrats.models.scores import scores_of

NAN = float("nan")


@dataclass(frozen=True, kw_only=True)
class Remembering(Model):
    """Says 1 for the class of a row that it has learned from, and one half of others."""

    name = "remembering"

    def _learn(self, training):
        return training.inputs.copy(), training.codes.copy()

    def _chances(self, state, inputs):
        known, codes = state
        same = (np.abs(inputs[:, None] - known[None]) < 1e-9).all(axis=2)
        first = np.where(same.any(axis=1), codes[same.argmax(axis=1)], 0.5)
        return np.stack([1 - first, first], axis=1)


@pytest.fixture
def data():
    rng = np.random.default_rng(3)
    inputs = rng.normal(size=(200, 3))
    labels = np.where(inputs[:, 0] + rng.normal(size=200) > 0, 1.0, -1.0)
    return inputs, labels


def test_no_model_is_asked_of_rows_that_it_has_learned_from(data):
    found = models.compare({"memory": Remembering()}, *data, folds=4)
    assert (found.probabilities == 0.5).all()


def test_folds_are_purged_by_the_intervals_of_labels(data):
    inputs, labels = data
    rows = np.arange(200)
    learned = []

    @dataclass(frozen=True, kw_only=True)
    class Counting(Remembering):
        def _learn(self, training):
            learned.append(training.start)
            return super()._learn(training)

    models.compare({"counting": Counting()}, inputs, labels, start=rows, end=rows + 10, folds=4, embargo=5)
    # Fold 2 tests rows 50 to 99, whose labels end at 109: rows 40 to 109 meet it, 110 to 114 are the embargo.
    assert learned[1].tolist() == [*range(40), *range(115, 200)]


def test_probabilities_and_scores_are_those_of_scikit_learn_on_the_same_folds(data):
    inputs, labels = data
    weight = np.linspace(0.5, 2.0, 200)
    found = models.compare(
        {"logistic": models.LogisticRegression(), "forest": models.RandomForest(n_estimators=5)},
        inputs,
        labels,
        weight=weight,
        folds=4,
    )
    expected = np.full(200, NAN)
    for test in np.split(np.arange(200), 4):
        train = np.setdiff1d(np.arange(200), test)
        mean, deviation = inputs[train].mean(axis=0), inputs[train].std(axis=0)
        theirs = LogisticRegression(tol=1e-10, max_iter=1000).fit(
            (inputs[train] - mean) / deviation, labels[train], sample_weight=weight[train] / weight[train].mean()
        )
        expected[test] = theirs.predict_proba((inputs[test] - mean) / deviation)[:, 1]
    said = found.probability("logistic", 1.0)
    np.testing.assert_allclose(said, expected, atol=1e-3)  # each solver stops at its own tolerance
    row = found.scores.loc["logistic"]
    rises = labels > 0
    assert row["accuracy"] == pytest.approx(accuracy_score(rises, said > 0.5, sample_weight=weight))
    assert row["precision"] == pytest.approx(precision_score(rises, said > 0.5, sample_weight=weight))
    assert row["recall"] == pytest.approx(recall_score(rises, said > 0.5, sample_weight=weight))
    assert row["auc"] == pytest.approx(roc_auc_score(rises, said, sample_weight=weight))
    assert row["log_loss"] == pytest.approx(log_loss(rises, said, sample_weight=weight))
    # Brier (1950) sums over both classes: twice what is often reported of two.
    assert row["brier"] == pytest.approx(2 * brier_score_loss(rises, said, sample_weight=weight))


def test_the_best_is_the_least_loss_or_the_most_of_a_gain(data):
    inputs, labels = data
    candidates = {"memory": Remembering(), "logistic": models.LogisticRegression()}
    found = models.compare(candidates, inputs, labels, folds=4)
    assert found.best() == found.best("brier") == found.best("auc") == "logistic"
    assert found.probability("memory", 7.0).tolist() == [0.0] * 200
    with pytest.raises(ConfigError, match="no score 'auk'; did you mean 'auc'"):
        found.best("auk")


def test_a_model_that_learns_nothing_has_no_score_and_costs_the_others_nothing(data):
    inputs, labels = data
    candidates = {
        "neighbours": models.NearestNeighbours(n_neighbors=500),  # more than there are rows
        "logistic": models.LogisticRegression(),
    }
    found = models.compare(candidates, inputs, labels, folds=4)
    assert np.isnan(found.probabilities[0]).all()
    assert found.scores.loc["neighbours"].isna().all()
    alone = models.compare({"logistic": models.LogisticRegression()}, inputs, labels, folds=4)
    assert found.scores.loc["logistic"].tolist() == alone.scores.loc["logistic"].tolist()
    assert found.best() == "logistic"


def test_all_are_scored_on_the_rows_that_all_answered():
    @dataclass(frozen=True, kw_only=True)
    class Shy(Remembering):
        """Says nothing where the first feature is above 1."""

        name = "shy"

        def _chances(self, state, inputs):
            said = np.full((len(inputs), 2), 0.5)
            said[inputs[:, 0] > 1.0] = NAN
            return said

    rng = np.random.default_rng(4)
    inputs = rng.normal(size=(100, 1))
    labels = np.where(inputs[:, 0] > 0, 1.0, -1.0)
    found = models.compare({"shy": Shy(), "logistic": models.LogisticRegression()}, inputs, labels, folds=2)
    answered = np.isfinite(found.probabilities[0]).all(axis=1)
    assert 50 < answered.sum() < 100
    own = scores_of(found.probabilities[1][answered], labels[answered], found.classes)
    assert found.scores.loc["logistic"].to_dict() == own


def test_nothing_to_compare_is_told():
    with pytest.raises(ConfigError, match="at least one"):
        models.compare({}, np.zeros((20, 1)), np.zeros(20))
    with pytest.raises(DataError, match="no row has a label, a weight"):
        models.compare({"logistic": models.LogisticRegression()}, np.zeros((20, 1)), np.full(20, NAN))


def test_scores_where_a_class_is_missing_are_undefined():
    chances = np.array([[0.8, 0.2], [0.6, 0.4], [NAN, NAN]])
    found = scores_of(chances, np.array([-1.0, -1.0, 1.0]), np.array([-1.0, 1.0]))
    assert found["accuracy"] == 1.0
    assert np.isnan([found["precision"], found["recall"], found["auc"]]).all()
    assert all(np.isnan(value) for value in scores_of(chances[2:], np.array([1.0]), np.array([-1.0, 1.0])).values())


def test_equal_probabilities_count_half():
    chances = np.array([[0.5, 0.5]] * 4)
    assert scores_of(chances, np.array([-1.0, 1.0, 1.0, -1.0]), np.array([-1.0, 1.0]))["auc"] == 0.5

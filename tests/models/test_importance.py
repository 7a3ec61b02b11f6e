"""A feature is worth what the score loses when its values are dealt out anew."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
from sklearn.inspection import permutation_importance as theirs
from sklearn.linear_model import LogisticRegression

from quantstrats import models
from quantstrats.errors import ConfigError, DataError

NAN = float("nan")


@pytest.fixture
def data():
    rng = np.random.default_rng(1)
    inputs = rng.normal(size=(2000, 3))
    labels = np.where(inputs[:, 0] + 0.3 * inputs[:, 1] + 0.5 * rng.normal(size=2000) > 0, 1.0, -1.0)
    return inputs, labels


def test_importance_is_that_of_scikit_learn_within_its_chance(data):
    inputs, labels = data
    fitted = models.LogisticRegression().fit(inputs[:1000], labels[:1000])
    found = models.permutation_importance(fitted, inputs[1000:], labels[1000:], measure="accuracy", repeats=20)
    assert found.shape == (20, 3)
    other = LogisticRegression().fit(inputs[:1000], labels[:1000])
    expected = theirs(other, inputs[1000:], labels[1000:], n_repeats=20, random_state=7)
    error = 4 * expected.importances_std / np.sqrt(20) + 0.002
    assert (np.abs(found.mean(axis=0) - expected.importances_mean) < error).all()
    assert found[:, 0].mean() > 0.2


def test_a_feature_that_the_model_does_not_use_is_worth_exactly_nothing(data):
    inputs, labels = data
    constant = inputs.copy()
    constant[:1000, 2] = 5.0
    fitted = models.LogisticRegression().fit(constant[:1000], labels[:1000])
    found = models.permutation_importance(fitted, constant[1000:], labels[1000:])
    assert found[:, 2].tolist() == [0.0] * 5
    assert (found[:, 0] > 0.1).all()


def test_the_same_seed_deals_the_same(data):
    inputs, labels = data
    fitted = models.XGBoost(n_estimators=5).fit(inputs[:500], labels[:500])
    first, again, other = (
        models.permutation_importance(fitted, inputs[500:700], labels[500:700], seed=seed) for seed in (1, 1, 2)
    )
    assert (first == again).all()
    assert (first != other).any()


def test_rows_without_an_answer_or_a_weight_do_not_count(data):
    inputs, labels = data
    fitted = models.LogisticRegression().fit(inputs[:500], labels[:500])
    asked, truth, weight = inputs[500:600].copy(), labels[500:600].copy(), np.ones(100)
    asked[50:, 1], truth[:10] = NAN, NAN
    found = models.permutation_importance(fitted, asked, truth, weight=weight)
    kept = models.permutation_importance(fitted, asked[10:50], truth[10:50])
    np.testing.assert_array_equal(found, kept)
    assert np.isnan(models.permutation_importance(fitted, asked, truth, weight=np.zeros(100))).all()


def test_steps_of_a_row_are_dealt_together():
    asked = []

    def predict_proba(inputs):
        asked.append(inputs)
        return np.full((len(inputs), 2), 0.5)

    fitted = SimpleNamespace(outcome="fitted", classes=(0.0, 1.0), predict_proba=predict_proba)
    inputs = np.arange(40.0)[:, None, None] + np.array([0.0, 0.1, 0.2])[:, None] + np.zeros(2)
    models.permutation_importance(fitted, inputs, np.arange(40) % 2.0, repeats=1)
    for dealt, feature in zip(asked[1:], (0, 1), strict=True):
        np.testing.assert_allclose(np.diff(dealt[..., feature], axis=1), 0.1)
        assert (dealt[..., feature] != inputs[..., feature]).any()


def test_what_makes_no_sense_is_told(data):
    inputs, labels = data
    fitted = models.LogisticRegression().fit(inputs[:100], labels[:100])
    with pytest.raises(ConfigError, match="did you mean 'log_loss'"):
        models.permutation_importance(fitted, inputs, labels, measure="logloss")
    with pytest.raises(ConfigError, match="repeats is 0"):
        models.permutation_importance(fitted, inputs, labels, repeats=0)
    with pytest.raises(DataError, match="have 2,000, 1,999 and 1,999 rows"):
        models.permutation_importance(fitted, inputs, labels[1:])


def test_a_row_counts_by_its_weight():
    rng = np.random.default_rng(1)
    inputs = rng.normal(size=(2000, 2))
    truth = np.where(inputs[:, 0] > 0, 1.0, -1.0)
    fitted = models.LogisticRegression().fit(inputs[:1000], truth[:1000])
    came = truth[1000:] * np.where(np.arange(1000) < 500, 1.0, -1.0)  # half of them the wrong way round
    weight = np.where(np.arange(1000) < 500, 1.0, 0.01)
    alike, weighted = (
        models.permutation_importance(fitted, inputs[1000:], came, measure="accuracy", weight=each)
        for each in (None, weight)
    )
    assert abs(alike[:, 0].mean()) < 0.05
    assert weighted[:, 0].mean() > 0.4

"""Scores are those of scikit-learn, row by row; a class that the fit did not know counts as one of no probability."""

from __future__ import annotations

import math

import numpy as np
import pytest
from sklearn.metrics import accuracy_score, brier_score_loss, log_loss

from quantstrats.models.scores import MEASURES, brier_losses, hits, log_losses

CLASSES = np.array([-1.0, 0.0, 1.0])


@pytest.fixture
def told():
    rng = np.random.default_rng(0)
    chances = rng.dirichlet(np.ones(3), size=50)
    return chances, CLASSES[rng.integers(0, 3, 50)], rng.random(50)


def test_scores_are_those_of_scikit_learn(told):
    chances, labels, weight = told
    for losses, theirs in (
        (log_losses, log_loss(labels, chances, sample_weight=weight, labels=CLASSES)),
        (
            brier_losses,
            brier_score_loss(labels, chances, sample_weight=weight, labels=CLASSES, scale_by_half=False),
        ),
        (hits, accuracy_score(labels, CLASSES[chances.argmax(axis=1)], sample_weight=weight)),
    ):
        assert np.average(losses(chances, labels, CLASSES), weights=weight) == pytest.approx(theirs, rel=1e-12)


def test_a_class_that_was_not_known_had_no_probability():
    chances, labels, classes = np.array([[0.3, 0.7]]), np.array([1.0]), np.array([-1.0, 0.0])
    assert log_losses(chances, labels, classes) == pytest.approx(-math.log(1e-15))
    assert brier_losses(chances, labels, classes) == pytest.approx(0.09 + 0.49 + 1)
    assert hits(chances, labels, classes) == 0


def test_a_sure_mistake_is_a_large_loss_and_no_infinity():
    assert log_losses(np.array([[1.0, 0.0]]), np.array([0.0]), np.array([-1.0, 0.0])) == pytest.approx(-math.log(1e-15))


def test_losses_are_better_when_they_are_less():
    assert {name: each.more_is_better for name, each in MEASURES.items()} == {
        "log_loss": False,
        "brier": False,
        "accuracy": True,
    }

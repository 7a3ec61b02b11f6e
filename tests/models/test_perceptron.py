"""The perceptron learns what is not linear, out of sample, and has a defined outcome where nothing can be learned."""

from __future__ import annotations

import math

import numpy as np
import pytest

from quantstrats.errors import ConfigError
from quantstrats.models.perceptron import Perceptron

QUICK = Perceptron(hidden=(16,), epochs=60, learning_rate=0.01)


def exclusive_or(count, seed):
    """Class 1 where two inputs differ in sign, in nine rows of ten; no line separates them."""
    rng = np.random.default_rng(seed)
    inputs = rng.normal(size=(count, 4))
    truth = inputs[:, 0] * inputs[:, 1] < 0
    return inputs, np.where(rng.random(count) < 0.9, truth, ~truth).astype(float)


def test_a_pattern_that_no_line_separates_is_learned_out_of_sample():
    fitted = QUICK.fit(*exclusive_or(800, seed=1))
    inputs, labels = exclusive_or(800, seed=2)
    right = (fitted.predict(inputs) == labels).mean()
    assert fitted.outcome == "fitted"
    assert right > 0.5 + 3 * math.sqrt(0.25 / 800)
    assert right > 0.8
    line = Perceptron(hidden=(), epochs=60, learning_rate=0.01).fit(*exclusive_or(800, seed=1))
    assert (line.predict(inputs) == labels).mean() < 0.6


def test_nothing_is_learned_from_noise():
    rng = np.random.default_rng(3)
    right = []
    for _ in range(5):
        inputs, labels = rng.normal(size=(800, 4)), rng.integers(0, 2, 800).astype(float)
        right.append((QUICK.fit(inputs[:400], labels[:400]).predict(inputs[400:]) == labels[400:]).mean())
    assert abs(np.mean(right) - 0.5) < 3 * math.sqrt(0.25 / 2000)


def test_inputs_of_any_scale_are_learned_alike_with_the_statistics_of_the_training_rows():
    inputs, labels = exclusive_or(600, seed=1)
    scale, shift = np.array([1e-6, 1e6, 1.0, 50.0]), np.array([0.0, 1e6, -5.0, 100.0])
    plain, scaled = QUICK.fit(inputs, labels), QUICK.fit(inputs * scale + shift, labels)
    later, _ = exclusive_or(100, seed=2)
    np.testing.assert_allclose(plain.predict_proba(later), scaled.predict_proba(later * scale + shift), atol=1e-3)


def test_steps_are_taken_side_by_side():
    rng = np.random.default_rng(0)
    inputs = rng.normal(size=(300, 3, 2))
    labels = (inputs[:, 0, 1] > 0).astype(float)
    fitted = QUICK.fit(inputs, labels)
    assert (fitted.predict(inputs) == labels).mean() > 0.95
    flat = QUICK.fit(inputs.reshape(300, 6), labels)
    np.testing.assert_allclose(fitted.predict_proba(inputs), flat.predict_proba(inputs.reshape(300, 6)), atol=1e-12)


def test_classes_are_those_of_the_labels_and_a_missing_feature_has_no_forecast():
    inputs, labels = exclusive_or(300, seed=1)
    fitted = QUICK.fit(inputs, np.where(labels == 1, 1.0, -1.0))
    assert fitted.classes == (-1.0, 1.0)
    asked = inputs[:3].copy()
    asked[1, 2] = np.nan
    chances = fitted.predict_proba(asked)
    assert np.isnan(chances).all(axis=1).tolist() == [False, True, False]


@pytest.mark.parametrize(
    ("inputs", "labels", "outcome"),
    [
        (np.random.default_rng(0).normal(size=(50, 2)), np.ones(50), "one class"),
        (np.random.default_rng(0).normal(size=(2, 2)), np.array([0.0, 1.0]), "too few rows"),
        (np.ones((50, 2)), np.arange(50) % 2.0, "no usable feature"),
        (np.full((50, 2), np.nan), np.arange(50) % 2.0, None),
    ],
)
def test_where_nothing_can_be_learned_every_probability_is_missing(inputs, labels, outcome):
    fitted = QUICK.fit(inputs, labels)
    assert outcome in (fitted.outcome, None)
    assert fitted.outcome != "fitted"
    assert np.isnan(fitted.predict_proba(np.zeros((3, 2)))).all()


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"hidden": 64}, "perceptron: hidden is 64; give the layers' sizes as a tuple, as in (64, 32)"),
        ({"hidden": (64, 0)}, "perceptron: hidden is (64, 0); give the layers' sizes as a tuple, as in (64, 32)"),
    ],
)
def test_sizes_that_make_no_sense_are_one_line(wrong, told):
    with pytest.raises(ConfigError) as refused:
        Perceptron(**wrong)
    assert str(refused.value) == told

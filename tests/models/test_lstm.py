"""The LSTM learns what happened some steps ago, and nothing from noise."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from quantstrats.errors import ConfigError
from quantstrats.models.lstm import LSTM

QUICK = LSTM(hidden=8, epochs=50, learning_rate=0.01, dropout=0.0)


def remembered(count, seed, steps=8, ago=5):
    """Class 1 where the first feature rose `ago` steps before the present, in nine rows of ten."""
    rng = np.random.default_rng(seed)
    inputs = rng.normal(size=(count, steps, 2))
    truth = inputs[:, -1 - ago, 0] > 0
    return inputs, np.where(rng.random(count) < 0.9, truth, ~truth).astype(float)


def test_what_happened_some_steps_ago_is_learned_out_of_sample():
    fitted = QUICK.fit(*remembered(800, seed=1))
    inputs, labels = remembered(800, seed=2)
    right = (fitted.predict(inputs) == labels).mean()
    assert right > 0.5 + 3 * math.sqrt(0.25 / 800)
    assert right > 0.75
    # The same network, asked about the steps in another order, knows nothing.
    assert (fitted.predict(inputs[:, ::-1]) == labels).mean() < 0.6


def test_nothing_is_learned_from_noise():
    rng = np.random.default_rng(3)
    right = []
    for _ in range(5):
        inputs, labels = rng.normal(size=(600, 8, 2)), rng.integers(0, 2, 600).astype(float)
        right.append((QUICK.fit(inputs[:300], labels[:300]).predict(inputs[300:]) == labels[300:]).mean())
    assert abs(np.mean(right) - 0.5) < 3 * math.sqrt(0.25 / 1500)


def test_a_row_of_features_is_one_step():
    inputs, labels = remembered(300, seed=1, steps=1, ago=0)
    one, flat = QUICK.fit(inputs, labels), QUICK.fit(inputs[:, 0], labels)
    assert (flat.predict(inputs[:, 0]) == labels).mean() > 0.8
    np.testing.assert_allclose(one.predict_proba(inputs), flat.predict_proba(inputs[:, 0]), atol=1e-12)


def test_the_classes_of_the_sketch_of_two_layers_and_a_head_are_learned():
    rng = np.random.default_rng(0)
    inputs = rng.normal(size=(300, 5, 3))
    labels = np.digitize(inputs[:, -1, 0], [-0.5, 0.5]) - 1.0
    model = LSTM(hidden=24, layers=2, dropout=0.2, head=(16, 8), epochs=40, learning_rate=0.01)
    fitted = model.fit(inputs, labels)
    assert fitted.classes == (-1.0, 0.0, 1.0)
    assert (fitted.predict(inputs) == labels).mean() > 0.8
    assert (fitted.predict_proba(inputs[:1]) == fitted.predict_proba(inputs[:1])).all()


@pytest.mark.parametrize("layers", [1, 3])
def test_dropout_stands_between_layers_and_after_the_last(layers):
    module = LSTM._module(2, features=3, hidden=4, layers=layers, dropout=0.5, head=())
    assert module["memory"].num_layers == layers
    assert module["memory"].dropout == (0.5 if layers > 1 else 0.0)  # torch warns of one after a single layer
    assert isinstance(module["dropout"], torch.nn.Dropout)
    assert module["dropout"].p == 0.5


def test_the_network_is_that_of_the_published_equations():
    # Gates by hand, as in Hochreiter and Schmidhuber 1997 with the forget gate of Gers et al. 2000.
    torch.manual_seed(0)
    module = LSTM._module(2, features=3, hidden=4, layers=1, dropout=0.0, head=()).double()
    rows = np.random.default_rng(0).normal(size=(2, 5, 3))
    told = LSTM._logits(module, torch.as_tensor(rows)).detach().numpy()
    weights = {name: each.detach().numpy() for name, each in module.state_dict().items()}

    def sigmoid(x):
        return 1 / (1 + np.exp(-x))

    hidden, cell = np.zeros((2, 4)), np.zeros((2, 4))
    for step in range(5):
        gates = rows[:, step] @ weights["memory.weight_ih_l0"].T + weights["memory.bias_ih_l0"]
        gates += hidden @ weights["memory.weight_hh_l0"].T + weights["memory.bias_hh_l0"]
        enter, forget, candidate, leave = np.split(gates, 4, axis=1)
        cell = sigmoid(forget) * cell + sigmoid(enter) * np.tanh(candidate)
        hidden = sigmoid(leave) * np.tanh(cell)
    np.testing.assert_allclose(told, hidden @ weights["head.0.weight"].T + weights["head.0.bias"], atol=1e-12)


@pytest.mark.parametrize(
    ("inputs", "labels", "outcome"),
    [
        (np.random.default_rng(0).normal(size=(50, 3, 2)), np.zeros(50), "one class"),
        (np.random.default_rng(0).normal(size=(2, 3, 2)), np.array([0.0, 1.0]), "too few rows"),
        (np.ones((50, 3, 2)), np.arange(50) % 2.0, "no usable feature"),
    ],
)
def test_where_nothing_can_be_learned_every_probability_is_missing(inputs, labels, outcome):
    fitted = QUICK.fit(inputs, labels)
    assert fitted.outcome == outcome
    assert np.isnan(fitted.predict_proba(np.zeros((4, 3, 2)))).all()


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"hidden": (64,)}, "lstm: hidden is (64,); give a whole number of at least 1"),
        ({"layers": 0}, "lstm: layers is 0; give a whole number of at least 1"),
        ({"head": 32}, "lstm: head is 32; give the layers' sizes as a tuple, as in (64, 32)"),
    ],
)
def test_sizes_that_make_no_sense_are_one_line(wrong, told):
    with pytest.raises(ConfigError) as refused:
        LSTM(**wrong)
    assert str(refused.value) == told

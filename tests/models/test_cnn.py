"""The convolutional network: its layers by hand, what it learns, and what it does not see."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from quantstrats.errors import ConfigError
from quantstrats.models.cnn import CNN
from quantstrats.models.convolution import causal

QUICK = CNN(filters=(8,), epochs=40, learning_rate=0.01, dropout=0.0)


def risen(count, seed, steps=8):
    """Class 1 where the first feature rose twice in a row, two and three steps ago, or never did, in nine of ten."""
    rng = np.random.default_rng(seed)
    inputs = rng.normal(size=(count, steps, 2))
    truth = inputs[:, -3, 0] * inputs[:, -4, 0] > 0
    return inputs, np.where(rng.random(count) < 0.9, truth, ~truth).astype(float)


def test_a_pattern_of_successive_steps_is_learned_out_of_sample():
    fitted = QUICK.fit(*risen(800, seed=1))
    inputs, labels = risen(800, seed=2)
    right = (fitted.predict(inputs) == labels).mean()
    assert right > 0.5 + 3 * math.sqrt(0.25 / 800)
    assert right > 0.75
    # The same pattern at another time says nothing.
    assert (fitted.predict(np.roll(inputs, 3, axis=1)) == labels).mean() < 0.6


def test_nothing_is_learned_from_noise():
    rng = np.random.default_rng(3)
    right = []
    for _ in range(5):
        inputs, labels = rng.normal(size=(600, 8, 2)), rng.integers(0, 2, 600).astype(float)
        right.append((QUICK.fit(inputs[:300], labels[:300]).predict(inputs[300:]) == labels[300:]).mean())
    assert abs(np.mean(right) - 0.5) < 3 * math.sqrt(0.25 / 1500)


def test_three_classes_through_two_layers_and_a_head_are_learned():
    rng = np.random.default_rng(0)
    inputs = rng.normal(size=(300, 5, 3))
    labels = np.digitize(inputs[:, -2, 0], [-0.5, 0.5]) - 1.0
    fitted = CNN(filters=(16, 16), head=(16,), dropout=0.1, epochs=40, learning_rate=0.01).fit(inputs, labels)
    assert fitted.classes == (-1.0, 0.0, 1.0)
    assert (fitted.predict(inputs) == labels).mean() > 0.8


def test_a_row_of_features_is_one_step():
    inputs, labels = risen(300, seed=1)
    labels = (inputs[:, -1, 0] > 0).astype(float)
    one, flat = QUICK.fit(inputs[:, -1:], labels), QUICK.fit(inputs[:, -1], labels)
    assert (flat.predict(inputs[:, -1]) == labels).mean() > 0.9
    np.testing.assert_allclose(one.predict_proba(inputs[:, -1:]), flat.predict_proba(inputs[:, -1]), atol=1e-12)


def by_hand(steps, weight, bias, dilation=1):
    """Return what filters say of each step, sum by sum: filter, feature and place, the last place the present."""
    count, features, length = steps.shape
    filters, _, kernel = weight.shape
    said = np.zeros((count, filters, length))
    for sample in range(count):
        for which in range(filters):
            for step in range(length):
                said[sample, which, step] = bias[which]
                for feature in range(features):
                    for place in range(kernel):
                        seen = step - (kernel - 1 - place) * dilation
                        if seen >= 0:
                            said[sample, which, step] += weight[which, feature, place] * steps[sample, feature, seen]
    return said


@pytest.mark.parametrize("dilation", [1, 2])
def test_a_causal_convolution_is_the_sum_over_steps_up_to_each(dilation):
    torch.manual_seed(0)
    layer = causal(2, 3, 3, dilation).double()
    steps = np.random.default_rng(0).normal(size=(2, 2, 6))
    weight, bias = (layer[1].get_parameter(name).detach().numpy() for name in ("weight", "bias"))
    told = layer(torch.as_tensor(steps)).detach().numpy()
    np.testing.assert_allclose(told, by_hand(steps, weight, bias, dilation), atol=1e-12)


def test_the_logits_are_those_of_filters_and_a_line_by_hand():
    torch.manual_seed(0)
    module = CNN._module(2, steps=4, sizes=(3, 2, 2), kernel=3, dropout=0.5, head=()).double().eval()
    rows = np.random.default_rng(0).normal(size=(2, 4, 3))
    told = CNN._logits(module, torch.as_tensor(rows)).detach().numpy()
    layers = [each.detach().numpy() for each in module.parameters()]
    assert [each.shape for each in layers] == [(2, 3, 3), (2,), (2, 2, 3), (2,), (2, 8), (2,)]
    first = np.maximum(by_hand(rows.transpose(0, 2, 1), layers[0], layers[1]), 0)
    second = np.maximum(by_hand(first, layers[2], layers[3]), 0)
    np.testing.assert_allclose(told, second.reshape(2, 8) @ layers[4].T + layers[5], atol=1e-12)


def test_the_number_of_weights_is_that_of_the_layers():
    # 60 steps of 8 features. Filters: 8 x 3 x 32 + 32 = 800, 32 x 3 x 32 + 32 = 3,104; a line from 60 x 32 to 3: 5,763.
    module = CNN._module(3, **CNN()._architecture((60, 8)))
    assert sum(each.numel() for each in module.parameters()) == 800 + 3_104 + 5_763


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"filters": ()}, "cnn: filters is (); give the layers' sizes as a tuple, as in (64, 32)"),
        ({"filters": 32}, "cnn: filters is 32; give the layers' sizes as a tuple, as in (64, 32)"),
        ({"kernel": 0}, "cnn: kernel is 0; give a whole number of at least 1"),
        ({"head": (0,)}, "cnn: head is (0,); give the layers' sizes as a tuple, as in (64, 32)"),
    ],
)
def test_sizes_that_make_no_sense_are_one_line(wrong, told):
    with pytest.raises(ConfigError) as refused:
        CNN(**wrong)
    assert str(refused.value) == told

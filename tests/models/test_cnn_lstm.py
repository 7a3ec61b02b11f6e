"""Convolutions before an LSTM: the network of the sketch, and that it learns what happened when."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from quantstrats.errors import ConfigError
from quantstrats.models.cnn_lstm import CNNLSTM
from quantstrats.models.lstm import LSTM

QUICK = CNNLSTM(filters=(8,), hidden=8, epochs=40, learning_rate=0.01, dropout=0.0)


def rose_before(count, seed, steps=8):
    """Class 1 where the first feature rose from four steps ago to three steps ago, in nine rows of ten."""
    rng = np.random.default_rng(seed)
    inputs = rng.normal(size=(count, steps, 2))
    truth = inputs[:, -4, 0] > inputs[:, -5, 0]
    return inputs, np.where(rng.random(count) < 0.9, truth, ~truth).astype(float)


def test_a_change_some_steps_ago_is_learned_out_of_sample():
    fitted = QUICK.fit(*rose_before(800, seed=1))
    inputs, labels = rose_before(800, seed=2)
    right = (fitted.predict(inputs) == labels).mean()
    assert right > 0.5 + 3 * math.sqrt(0.25 / 800)
    assert right > 0.75
    assert (fitted.predict(inputs[:, ::-1]) == labels).mean() < 0.6


def test_nothing_is_learned_from_noise():
    rng = np.random.default_rng(3)
    right = []
    for _ in range(4):
        inputs, labels = rng.normal(size=(600, 8, 2)), rng.integers(0, 2, 600).astype(float)
        right.append((QUICK.fit(inputs[:300], labels[:300]).predict(inputs[300:]) == labels[300:]).mean())
    assert abs(np.mean(right) - 0.5) < 3 * math.sqrt(0.25 / 1200)


def test_the_three_classes_of_the_sketch_have_its_number_of_weights():
    # 60 steps of 8 features. 64 filters of 3 steps: 8 x 3 x 64 + 64 = 1,600. A memory of 32 has 4 gates that read 64
    # filters and the memory, with two biases each (torch's): 4 x (64 x 32 + 32 x 32 + 32 + 32) = 12,544. A line from 32
    # to 3: 99.
    module = CNNLSTM._module(3, **CNNLSTM()._architecture((60, 8)))
    assert sum(each.numel() for each in module.parameters()) == 1_600 + 12_544 + 99
    told = CNNLSTM._logits(module.eval(), torch.zeros((5, 60, 8)))
    assert told.shape == (5, 3)


def test_the_memory_reads_what_the_rectified_filters_say():
    torch.manual_seed(0)
    module = CNNLSTM._module(2, sizes=(1, 2), kernel=2, hidden=3, layers=1, dropout=0.0, head=()).double()
    with torch.no_grad():  # the first filter is the change since the step before, the second its negative
        module["filters"][0][1].weight[:] = torch.tensor([[[-1.0, 1.0]], [[1.0, -1.0]]])
        module["filters"][0][1].bias[:] = 0.0
    steps = torch.tensor([[1.0, 3.0, 2.0]], dtype=torch.float64)[:, :, None]
    changes = torch.tensor([[[1.0, 0.0], [2.0, 0.0], [0.0, 1.0]]], dtype=torch.float64)  # up, up, down
    expected = LSTM._logits(module["reader"], changes)
    torch.testing.assert_close(CNNLSTM._logits(module, steps), expected, rtol=0, atol=1e-12)


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"filters": ()}, "cnn_lstm: filters is (); give the layers' sizes as a tuple, as in (64, 32)"),
        ({"kernel": 1.5}, "cnn_lstm: kernel is 1.5; give a whole number of at least 1"),
        ({"hidden": 0}, "cnn_lstm: hidden is 0; give a whole number of at least 1"),
        ({"layers": 0}, "cnn_lstm: layers is 0; give a whole number of at least 1"),
        ({"head": 32}, "cnn_lstm: head is 32; give the layers' sizes as a tuple, as in (64, 32)"),
    ],
)
def test_sizes_that_make_no_sense_are_one_line(wrong, told):
    with pytest.raises(ConfigError) as refused:
        CNNLSTM(**wrong)
    assert str(refused.value) == told

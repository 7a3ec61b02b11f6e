"""The temporal convolutional network: nothing later is seen, so far back and no further, and what it learns."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from quantstrats.errors import ConfigError
from quantstrats.models.tcn import TCN, said

QUICK = TCN(filters=(8, 8, 8), epochs=40, learning_rate=0.01, dropout=0.0)


def remembered(count, seed, steps=16, ago=10):
    """Class 1 where the first feature rose `ago` steps before the present, in nine rows of ten."""
    rng = np.random.default_rng(seed)
    inputs = rng.normal(size=(count, steps, 2))
    truth = inputs[:, -1 - ago, 0] > 0
    return inputs, np.where(rng.random(count) < 0.9, truth, ~truth).astype(float)


def made(**architecture):
    torch.manual_seed(0)
    return TCN._module(2, **{"sizes": (2, 4, 4, 4), "kernel": 3, "dropout": 0.0} | architecture).double().eval()


def seen(module, step, steps):
    """Return which steps change what the blocks say of one of them: by the gradient, of several random samples."""
    inputs = torch.randn((20, 2, steps), generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    inputs.requires_grad_()
    said(module, inputs)[:, :, step].sum().backward()
    return np.flatnonzero(inputs.grad.abs().amax(dim=(0, 1)).numpy()).tolist()


# --- what a step rests on


def test_a_later_step_changes_nothing_that_is_said_of_an_earlier_one():
    module, rng = made(), np.random.default_rng(0)
    steps = torch.as_tensor(rng.normal(size=(3, 2, 40)))
    before = said(module, steps)
    for step in (0, 1, 17, 39):
        changed = steps.clone()
        changed[:, :, step:] = torch.as_tensor(rng.normal(scale=100.0, size=(3, 2, 40 - step)))
        after = said(module, changed)
        assert torch.equal(after[:, :, :step], before[:, :, :step])
        assert not torch.equal(after[:, :, step], before[:, :, step])


@pytest.mark.parametrize(
    ("blocks", "kernel", "receptive"),
    # Each of two convolutions adds (kernel - 1) x 2^i steps in block i: 1 + 2 (kernel - 1) (1 + 2 + 4 + ...).
    [(1, 3, 5), (2, 3, 13), (3, 3, 29), (2, 2, 7), (4, 1, 1)],
)
def test_the_last_step_rests_on_as_many_steps_as_is_said_and_on_all_of_them(blocks, kernel, receptive):
    module = made(sizes=(2, *[8] * blocks), kernel=kernel)
    assert seen(module, 39, 40) == list(range(40 - receptive, 40))


def test_by_default_the_last_of_sixty_steps_rests_on_all():
    filters, kernel = TCN().filters, TCN().kernel
    assert 1 + 2 * (kernel - 1) * (2 ** len(filters) - 1) == 61
    assert seen(made(sizes=(2, *filters), kernel=kernel), 59, 60) == list(range(60))


# --- the network


def by_hand(steps, module, dilation):
    """Return what one convolution with normalised weights says: w = g v / |v| (Salimans and Kingma 2016, eq. 2)."""
    weights = {name.rpartition(".")[2]: each.detach().numpy() for name, each in module.named_parameters()}
    size, direction = weights["original0"], weights["original1"]
    weight = size * direction / np.sqrt((direction**2).sum(axis=(1, 2), keepdims=True))
    kernel, length = weight.shape[2], steps.shape[2]
    padded = np.concatenate([np.zeros((*steps.shape[:2], (kernel - 1) * dilation)), steps], axis=2)
    places = [padded[:, :, place * dilation : place * dilation + length] for place in range(kernel)]
    total = sum(np.einsum("oi,nit->not", weight[:, :, place], each) for place, each in enumerate(places))
    return total + weights["bias"][:, None]


def test_the_network_is_that_of_the_published_blocks():
    module = made(sizes=(2, 3, 3))
    rows = np.random.default_rng(0).normal(size=(2, 9, 2))
    told = TCN._logits(module, torch.as_tensor(rows)).detach().numpy()
    steps = rows.transpose(0, 2, 1)
    for level, block in enumerate(module["blocks"]):
        first = np.maximum(by_hand(steps, block["found"][0][1], 2**level), 0)
        second = np.maximum(by_hand(first, block["found"][3][1], 2**level), 0)
        given = steps
        if level == 0:  # two features become three
            line = block["given"]
            given = np.einsum("oi,nit->not", line.weight.detach().numpy()[:, :, 0], steps)
            given = given + line.bias.detach().numpy()[:, None]
        steps = np.maximum(given + second, 0)
    head = module["head"][0]
    expected = steps[:, :, -1] @ head.weight.detach().numpy().T + head.bias.detach().numpy()
    np.testing.assert_allclose(told, expected, atol=1e-12)


def test_the_number_of_weights_is_that_of_the_layers():
    # 60 steps of 8 features. A convolution with normalised weights has as many numbers as filters beside them and their
    # biases. The first block: 8 x 3 x 32 + 64 = 832, 32 x 3 x 32 + 64 = 3,136, and what widens 8 to 32: 288.
    # Three more blocks of twice 3,136; a line from 32 to 3: 99.
    module = TCN._module(3, **TCN()._architecture((60, 8)))
    assert sum(each.numel() for each in module.parameters()) == 832 + 3_136 + 288 + 3 * 2 * 3_136 + 99


def test_dropout_takes_whole_filters():
    module = made(sizes=(2, 64), dropout=0.5).train()
    found = module["blocks"][0]["found"][:3](torch.ones((1, 2, 30), dtype=torch.float64))[0]
    silent = (found == 0).all(dim=1)
    undropped = module["blocks"][0]["found"][:2](torch.ones((1, 2, 30), dtype=torch.float64))[0]
    heard = (undropped > 0).all(dim=1)
    assert 0.2 < silent[heard].double().mean() < 0.8
    assert (found[~silent & heard] > 0).all()


# --- what it learns


def test_what_happened_some_steps_ago_is_learned_out_of_sample():
    fitted = QUICK.fit(*remembered(800, seed=1))
    inputs, labels = remembered(800, seed=2)
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


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"filters": ()}, "tcn: filters is (); give the layers' sizes as a tuple, as in (64, 32)"),
        ({"filters": (8, 0)}, "tcn: filters is (8, 0); give the layers' sizes as a tuple, as in (64, 32)"),
        ({"kernel": 0}, "tcn: kernel is 0; give a whole number of at least 1"),
    ],
)
def test_sizes_that_make_no_sense_are_one_line(wrong, told):
    with pytest.raises(ConfigError) as refused:
        TCN(**wrong)
    assert str(refused.value) == told

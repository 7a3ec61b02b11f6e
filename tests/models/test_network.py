"""Networks are trained on logits, stop early on a purged tail, and leave the rest of the process alone."""

from __future__ import annotations

import dataclasses
import json
import math
import random
import subprocess
import sys

import numpy as np
import pytest
import torch

from quantstrats import models
from quantstrats.errors import ConfigError, DataError
from quantstrats.models.cnn import CNN
from quantstrats.models.cnn_lstm import CNNLSTM
from quantstrats.models.lstm import LSTM
from quantstrats.models.network import held_back_to_stop, loss_of
from quantstrats.models.perceptron import Perceptron
from quantstrats.models.preparing import Training
from quantstrats.models.tcn import TCN

KINDS = [Perceptron, LSTM, CNN, CNNLSTM, TCN]
SMALL = [
    Perceptron(hidden=(8,), epochs=5),
    LSTM(hidden=8, epochs=5),
    CNN(filters=(8,), epochs=5),
    CNNLSTM(filters=(8,), hidden=8, epochs=5),
    TCN(filters=(8, 8), epochs=5),
]
SMALLEST = [
    Perceptron(hidden=(3,), dropout=0.0),
    LSTM(hidden=3, dropout=0.0),
    CNN(filters=(3,), kernel=2, dropout=0.0),
    CNNLSTM(filters=(3,), hidden=2, dropout=0.0),
    TCN(filters=(3, 3), kernel=2, dropout=0.0),
]
NAMES = [model.name for model in SMALL]


def training(inputs, codes, *, weight=None, start=None, end=None):
    """What a model's fit hands over."""
    codes = np.asarray(codes, dtype=np.intp)
    weight = np.ones(len(codes)) if weight is None else np.asarray(weight, dtype="float64")
    return Training(np.asarray(inputs, dtype="float64"), codes, tuple(map(float, np.unique(codes))), weight, start, end)


def drawn(count=120, steps=4, features=3, classes=2, seed=0):
    rng = np.random.default_rng(seed)
    inputs = rng.normal(size=(count, steps, features))
    return inputs, np.digitize(inputs[:, -1, 0], [-0.43, 0.43] if classes == 3 else [0.0])


def global_numpy():
    return np.random.get_state()[1].copy()  # noqa: NPY002 - it is what must not be drawn from


def probabilities(model, state, inputs):
    return model._chances(model._opened(state), inputs)


def same(one, other):
    return one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)


# --- the loss


@pytest.mark.parametrize("model", SMALLEST, ids=NAMES)
def test_the_gradient_of_the_loss_is_that_of_finite_differences(model):
    # The oracle is torch's own numerical derivative, in double precision.
    generator = torch.Generator().manual_seed(0)
    inputs = torch.randn((5, 3, 2), generator=generator, dtype=torch.float64, requires_grad=True)
    codes, weight = torch.tensor([0, 1, 2, 1, 0]), torch.tensor([0.5, 2.0, 1.0, 0.0, 1.5], dtype=torch.float64)
    module = model._module(3, **model._architecture((3, 2))).double()
    names, values = zip(*module.named_parameters(), strict=True)

    def loss(inputs, *values):
        def asked(rows):
            return torch.func.functional_call(
                Called(module, model._logits), dict(zip(prefixed, values, strict=True)), rows
            )

        return loss_of(asked(inputs), codes, weight)

    prefixed = [f"module.{name}" for name in names]
    assert torch.autograd.gradcheck(loss, (inputs, *values), eps=1e-6, atol=1e-6)


class Called(torch.nn.Module):
    """A network that is called as a model asks for its logits."""

    def __init__(self, module, logits):
        super().__init__()
        self.module, self.logits = module, logits

    def forward(self, rows):
        return self.logits(self.module, rows)


@pytest.mark.parametrize("classes", [2, 3])
@pytest.mark.parametrize("model", SMALL, ids=NAMES)
def test_before_training_the_loss_is_that_of_equal_chances(model, classes):
    inputs, codes = drawn(count=600, classes=classes)
    losses = []
    for seed in range(20):
        torch.manual_seed(seed)
        module = model._module(classes, **model._architecture(inputs.shape[1:])).eval()
        logits = model._logits(module, torch.as_tensor(inputs, dtype=torch.float32))
        losses.append(loss_of(logits, torch.as_tensor(codes), torch.ones(len(codes))).item())
    assert np.mean(losses) == pytest.approx(math.log(classes), rel=0.1)


def test_the_loss_is_the_mean_of_weighted_logarithms_of_the_true_class():
    logits = torch.tensor([[math.log(3.0), 0.0], [0.0, 0.0]])  # chances 3/4 and 1/4, then 1/2 and 1/2
    loss = loss_of(logits, torch.tensor([1, 0]), torch.tensor([1.5, 0.5]))
    assert float(loss) == pytest.approx((1.5 * math.log(4) + 0.5 * math.log(2)) / 2)


@pytest.mark.parametrize("kind", KINDS)
def test_the_loss_of_three_classes_that_can_be_told_apart_goes_below_what_a_softmax_before_it_would_allow(kind):
    # Cross-entropy of a softmax of a softmax is at least -log(e / (e + 2)) = 0.5514, even where all is right.
    assert -math.log(math.e / (math.e + 2)) == pytest.approx(0.5514, abs=5e-5)
    inputs, codes = drawn(classes=3)
    model = kind(epochs=150, dropout=0.0, share=0.0, learning_rate=0.01)
    state = model._learn(training(inputs, codes))
    chances = probabilities(model, state, inputs)
    assert -np.log(chances[np.arange(len(codes)), codes]).mean() < 0.1


# --- what it leaves alone


@pytest.mark.parametrize("model", SMALL, ids=NAMES)
def test_the_same_seed_gives_the_same_weights_and_another_seed_others(model):
    learned = [
        dataclasses.replace(model, epochs=3, seed=seed)._learn(training(*drawn()))["weights"] for seed in (1, 1, 2)
    ]
    assert same(learned[0], learned[1])
    assert not same(learned[0], learned[2])


def test_another_process_learns_the_same_digit_for_digit_whatever_it_drew_before():
    program = (
        "import json, sys, numpy as np, torch\n"
        "from quantstrats import models\n"
        "from quantstrats.models.preparing import Training\n"
        "torch.manual_seed(int(sys.argv[1])); torch.rand(5); torch.set_num_threads(int(sys.argv[1]))\n"
        "inputs = np.random.default_rng(0).normal(size=(120, 4, 3))\n"
        "codes = (inputs[:, -1, 0] > 0).astype('int64')\n"
        "for name in ('perceptron', 'lstm', 'cnn', 'cnn_lstm', 'tcn'):\n"
        "    model = models.make(name, epochs=2)\n"
        "    state = model._learn(Training(inputs, codes, (0.0, 1.0), np.ones(120), None, None))\n"
        "    print(json.dumps({name: each.tolist() for name, each in state['weights'].items()}))\n"
    )
    told = [
        subprocess.run([sys.executable, "-c", program, before], capture_output=True, text=True, check=True).stdout
        for before in ("1", "2")
    ]
    assert told[0] == told[1]
    assert len(told[0].splitlines()) == len(KINDS)


@pytest.mark.parametrize("model", SMALL, ids=NAMES)
def test_nobody_elses_random_numbers_or_threads_change(model):
    torch.manual_seed(5)
    threads = torch.get_num_threads()
    torch.set_num_threads(2)
    drawn_from = torch.get_rng_state(), global_numpy(), random.getstate()
    try:
        inputs, codes = drawn()
        probabilities(model, model._learn(training(inputs, codes)), inputs)
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(threads)
    assert torch.equal(drawn_from[0], torch.get_rng_state())
    assert (drawn_from[1] == global_numpy()).all()
    assert drawn_from[2] == random.getstate()
    assert torch.is_grad_enabled()


def test_a_network_of_ones_own_draws_reproducibly_on_one_thread_and_leaves_no_trace():
    state, threads = torch.get_rng_state(), torch.get_num_threads()
    drawn_twice = []
    for _ in range(2):
        with models.reproducible(3):
            assert torch.get_num_threads() == 1
            drawn_twice.append(torch.rand(4))
        torch.rand(1)  # somebody draws in between
    assert torch.equal(*drawn_twice)
    torch.set_rng_state(state)
    with models.reproducible(4):
        assert not torch.equal(torch.rand(4), drawn_twice[0])
    assert torch.equal(state, torch.get_rng_state())
    assert torch.get_num_threads() == threads


def test_random_numbers_are_put_back_where_training_fails(monkeypatch):
    monkeypatch.setattr("quantstrats.models.network.train", lambda *_: 1 / 0)
    state, threads = torch.get_rng_state(), torch.get_num_threads()
    with pytest.raises(ZeroDivisionError):
        SMALL[0]._learn(training(*drawn()))
    assert torch.equal(state, torch.get_rng_state())
    assert torch.get_num_threads() == threads


# --- predictions


@pytest.mark.parametrize("model", SMALL, ids=NAMES)
def test_a_prediction_has_no_dropout_and_does_not_depend_on_how_many_rows_are_asked(model):
    inputs, codes = drawn()
    state = model._learn(training(inputs, codes))
    whole = probabilities(model, state, inputs)
    assert (whole == probabilities(model, state, inputs)).all()
    for count in (1, 2, 7, 64):
        np.testing.assert_allclose(probabilities(model, state, inputs[:count]), whole[:count], rtol=0, atol=1e-12)
    assert probabilities(model, state, inputs[:0]).shape == (0, 2)
    np.testing.assert_allclose(whole.sum(axis=1), 1.0, rtol=0, atol=1e-12)


@pytest.mark.parametrize("model", SMALL, ids=NAMES)
def test_rows_beyond_what_is_asked_at_once_are_asked_too(model, monkeypatch):
    inputs, codes = drawn()
    state = model._learn(training(inputs, codes))
    whole = probabilities(model, state, inputs)
    monkeypatch.setattr("quantstrats.models.network._ROWS_AT_ONCE", 50)
    np.testing.assert_allclose(probabilities(model, state, inputs), whole, rtol=0, atol=1e-12)
    # Loss in parts, those of the held-back samples too; their sums are of single precision.
    again = model._learn(training(inputs, codes))
    np.testing.assert_allclose(again["held_out"], state["held_out"], rtol=1e-5)


@pytest.mark.parametrize("model", SMALL, ids=NAMES)
def test_what_was_learned_is_plain_values_and_weights_on_the_cpu(model):
    state = model._learn(training(*drawn()))
    assert {type(value) for value in state["weights"].values()} == {torch.Tensor}
    assert {value.device.type for value in state["weights"].values()} == {"cpu"}
    assert {value.dtype for value in state["weights"].values()} == {torch.float32}
    json.dumps({name: value for name, value in state.items() if name != "weights"})


# --- early stopping


def noisy(count=200, seed=1):
    """Classes that follow the inputs seldom enough for a network to learn the rest by heart."""
    rng = np.random.default_rng(seed)
    inputs = rng.normal(size=(count, 6))
    return inputs, (inputs[:, 0] + rng.normal(size=count) > 0).astype(int)


def test_the_weights_are_those_of_the_pass_after_which_held_back_samples_were_told_best():
    inputs, codes = noisy()
    model = Perceptron(hidden=(64,), dropout=0.0, epochs=200, patience=7, learning_rate=0.01, share=0.25)
    state = model._learn(training(inputs, codes))
    losses = state["held_out"]
    assert state["epoch"] == int(np.argmin(losses)) + 1
    assert len(losses) == state["epoch"] + 7 < 200
    # The network that is kept has that loss on the last 50 samples: computed here, from its probabilities.
    chances = probabilities(Perceptron(), state, inputs[150:])
    loss = -np.log(chances[np.arange(50), codes[150:]]).mean()
    assert loss == pytest.approx(min(losses), rel=1e-5)
    assert loss < losses[-1]


def test_the_loss_by_which_training_stops_is_that_of_a_network_without_dropout():
    inputs, codes = noisy()
    model = Perceptron(hidden=(64,), dropout=0.5, epochs=10, learning_rate=0.01, share=0.25)
    state = model._learn(training(inputs, codes))
    chances = probabilities(model, state, inputs[150:])  # asked without dropout
    loss = -np.log(chances[np.arange(50), codes[150:]]).mean()
    assert loss == pytest.approx(state["held_out"][state["epoch"] - 1], rel=1e-5)


def test_no_sample_is_trained_on_whose_label_overlaps_those_held_back():
    # Labels rest on 11 rows. Of 100 samples the last 20 are held back: 70 to 79 overlap them, 69 does not.
    inputs, codes = noisy(100)
    start = np.arange(100)
    model = Perceptron(hidden=(8,), epochs=5, share=0.2)

    def learned(flipped):
        changed = codes.copy()
        changed[flipped] = 1 - changed[flipped]
        return model._learn(training(inputs, changed, start=start, end=start + 10))["weights"]

    before = learned([])
    assert same(before, learned(slice(70, 80)))
    assert not same(before, learned([69]))


def test_samples_are_held_back_by_time_whatever_their_order():
    inputs, codes = noisy(100)
    start = np.arange(100)
    shuffled = np.random.default_rng(0).permutation(100)
    fitted, tail = held_back_to_stop(
        training(inputs, codes[shuffled], start=start[shuffled], end=start[shuffled] + 10), 0.2
    )
    assert sorted(start[shuffled][tail]) == list(range(80, 100))
    assert sorted(start[shuffled][fitted]) == list(range(70))


def test_without_intervals_the_last_rows_are_held_back():
    fitted, tail = held_back_to_stop(training(*noisy(100)), 0.2)
    assert (sorted(fitted), sorted(tail)) == (list(range(80)), list(range(80, 100)))


@pytest.mark.parametrize("why", ["share", "overlap", "class"])
def test_where_too_little_would_be_left_nothing_is_held_back_and_all_passes_are_made(why):
    inputs, codes = noisy(100)
    start, end = np.arange(100), np.arange(100)
    if why == "overlap":  # every label lasts until the end
        end = np.full(100, 99)
    if why == "class":  # one class occurs among the latest samples alone
        codes = (np.arange(100) >= 90).astype(int)
    model = Perceptron(hidden=(4,), epochs=6, patience=1, share=0.0 if why == "share" else 0.2)
    given = training(inputs, codes, start=start, end=end)
    state = model._learn(given)
    assert (state["epoch"], state["held_out"]) == (6, ())
    notes = {
        "share": [],
        "overlap": ["no row was held back to stop early: all labels overlap those of the latest rows"],
        "class": ["no row was held back to stop early: a class would be missing among the others"],
    }
    assert given.notes == notes[why]


# --- weights of samples


def test_a_sample_without_weight_is_as_if_it_were_not_there():
    inputs, codes = noisy(100)
    weight = np.ones(100)
    weight[::3] = 0.0
    model = Perceptron(hidden=(8,), epochs=5, batch=100, share=0.0)
    changed = np.where(weight == 0, 1 - codes, codes)
    one, other = (model._learn(training(inputs, each, weight=weight))["weights"] for each in (codes, changed))
    assert same(one, other)


def test_weights_move_the_probabilities_to_the_class_that_weighs_more():
    rng = np.random.default_rng(0)
    inputs, codes = rng.normal(size=(200, 2)), np.arange(200) % 2
    weight = np.where(codes == 1, 1.6, 0.4)  # 4 to 1: of inputs that say nothing, chances of 0.8
    model = Perceptron(hidden=(), epochs=200, share=0.0, learning_rate=0.05, batch=200)
    chances = probabilities(Perceptron(), model._learn(training(inputs, codes, weight=weight)), inputs)
    assert chances[:, 1].mean() == pytest.approx(0.8, abs=0.01)


# --- settings


def test_a_loss_that_is_no_number_any_more_is_told_with_the_learning_rate():
    inputs, codes = noisy(100)
    for share in (0.0, 0.2):
        with pytest.raises(
            DataError, match=r"^model 'perceptron': its loss is no number any more; lower learning_rate"
        ):
            Perceptron(hidden=(8, 8), epochs=30, share=share)._learn(training(inputs * 1e39, codes))


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"learning_rate": 0.0}, "learning_rate is 0.0; give a number above 0, at most 1"),
        ({"learning_rate": float("nan")}, "learning_rate is nan"),
        ({"learning_rate": "fast"}, "learning_rate is 'fast'; give a number"),
        ({"learning_rate": 2.0}, "learning_rate is 2.0"),
        ({"batch": 0}, "batch is 0; give a whole number of at least 1"),
        ({"epochs": 2.5}, "epochs is 2.5; give a whole number of at least 1"),
        ({"patience": 0}, "patience is 0"),
        ({"share": 1.0}, "share is 1.0; give a number of at least 0, at most 0.9"),
        ({"decay": -1.0}, "decay is -1.0"),
        ({"clip": 0.0}, "clip is 0.0"),
        ({"dropout": 1.0}, "dropout is 1.0"),
        ({"device": "gpu"}, "device is 'gpu'; did you mean 'cpu'? (it can be cpu, cuda, auto)"),
    ],
)
@pytest.mark.parametrize("kind", KINDS)
def test_a_setting_that_makes_no_sense_is_one_line(kind, wrong, told):
    with pytest.raises(ConfigError) as refused:
        kind(**wrong)
    assert str(refused.value).startswith(f"{kind.name}: {told}")


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU here")
def test_a_gpu_that_is_not_there_is_one_line_and_auto_does_without():
    with pytest.raises(ConfigError, match=r"^device is 'cuda', and torch finds no GPU here; set device to 'auto' or"):
        Perceptron(device="cuda")._learn(training(*noisy()))
    auto = Perceptron(device="auto", hidden=(4,), epochs=2)._learn(training(*noisy()))
    assert same(auto["weights"], Perceptron(hidden=(4,), epochs=2)._learn(training(*noisy()))["weights"])


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU here")
def test_what_a_gpu_learned_is_asked_on_the_cpu_where_there_is_none():
    inputs, codes = noisy()
    state = Perceptron(hidden=(4,), epochs=2)._learn(training(inputs, codes))
    there = probabilities(Perceptron(), {**state, "device": "cuda"}, inputs)
    assert (there == probabilities(Perceptron(), state, inputs)).all()


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU: torch finds none here")
@pytest.mark.parametrize("kind", KINDS)
def test_cpu_and_gpu_learn_and_tell_alike(kind):
    inputs, codes = drawn()
    state, before = torch.get_rng_state(), torch.cuda.get_rng_state()
    learned = [kind(dropout=0.0, epochs=3, device=device)._learn(training(inputs, codes)) for device in ("cpu", "cuda")]
    cpu, gpu = (probabilities(kind(), each, inputs) for each in learned)
    np.testing.assert_allclose(cpu, gpu, rtol=0, atol=1e-4)
    here = probabilities(kind(), {**learned[1], "device": "cpu"}, inputs)
    np.testing.assert_allclose(here, gpu, rtol=0, atol=1e-9)
    assert torch.equal(state, torch.get_rng_state())
    assert torch.equal(before, torch.cuda.get_rng_state())


def test_without_torch_it_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(ConfigError) as told:
        Perceptron()._learn(training(*noisy()))
    assert (
        str(told.value)
        == "model 'perceptron' needs torch, which is not installed; pip install 'quantstrats[deep]' brings it"
    )


def test_naming_networks_loads_no_torch():
    program = (
        "import sys; from quantstrats import models\n"
        "models.Perceptron(), models.LSTM(), models.CNN(), models.CNNLSTM(), models.TCN()\n"
        "sys.exit(int('torch' in sys.modules))\n"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0

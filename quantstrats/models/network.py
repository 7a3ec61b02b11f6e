"""Networks of torch: how one is trained, stopped early and asked; which layers it has is said by each model.

Training minimises cross-entropy of logits: a softmax before it would keep the loss of three classes above 0.5514,
whatever is learned. It takes place in single precision. A prediction asks the same weights in double precision, so that
it does not depend on how many rows are asked at once.
"""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Literal, get_args

import numpy as np

from quantstrats.checks import is_count
from quantstrats.errors import ConfigError, DataError
from quantstrats.models.base import Model
from quantstrats.models.fields import check_choice, check_count, check_number, library

if TYPE_CHECKING:
    import torch
    from torch import nn

    from quantstrats.models.preparing import Array, Codes, Training

Device = Literal["cpu", "cuda", "auto"]
_ROWS_AT_ONCE = 8192  # that a network is asked for


@dataclass(frozen=True)
class Trained:
    """What training gave.

    Attributes
    ----------
    weights : dict of torch tensors
        On the CPU, by the names that the network gives them.
    epoch : int
        After how many passes over the samples these were the weights.
    held_out : tuple of float
        Mean loss of the samples that were held back, after each pass; empty where none were.
    """

    weights: dict[str, torch.Tensor]
    epoch: int
    held_out: tuple[float, ...]


@dataclass(frozen=True, kw_only=True)
class Network(Model):
    """What the networks have in common: how they are trained.

    The latest samples are held back, and no sample is trained on whose label overlaps theirs. Training stops where
    their loss has not fallen for a while, and the weights are those with which it was lowest. The samples that were
    held back are not trained on afterwards. Without the labels' intervals, samples count as in the order of time.

    Parameters
    ----------
    learning_rate : float, default 0.001
        Step size of Adam (Kingma and Ba 2015).
    batch : int, default 64
        Samples per step.
    epochs : int, default 100
        Most passes over the samples.
    patience : int, default 10
        Passes without a lower loss of the held-back samples after which training stops.
    share : float, default 0.2
        Share of the samples that is held back, by time the latest; 0 trains on all of them, ``epochs`` times.
    decay : float, default 0
        Weight decay, decoupled from the gradient (Loshchilov and Hutter 2019).
    clip : float, default 1
        Longest gradient of a step; a longer one is shortened (Pascanu, Mikolov and Bengio 2013).
    device : {"cpu", "cuda", "auto"}, default "cpu"
        Where to calculate; ``auto`` takes the GPU where there is one. The last digits of what is learned differ.
    """

    learning_rate: float = 1e-3
    batch: int = 64
    epochs: int = 100
    patience: int = 10
    share: float = 0.2
    decay: float = 0.0
    clip: float = 1.0
    device: Device = "cpu"

    def __post_init__(self) -> None:
        for name in ("batch", "epochs", "patience"):
            check_count(self, name)
        check_number(self, "learning_rate", above=0.0, most=1.0)
        check_number(self, "share", above=0.0, least=0.0, most=0.9)
        check_number(self, "decay", above=0.0, least=0.0)
        check_number(self, "clip", above=0.0)
        check_choice(self, "device", get_args(Device))

    def _check_dropout(self) -> None:
        check_number(self, "dropout", above=0.0, least=0.0, most=0.9)

    def _check_sizes(self, name: str, least: int = 0) -> None:
        sizes = getattr(self, name)
        fine = isinstance(sizes, tuple | list) and len(sizes) >= least
        if not fine or not all(is_count(size) and size >= 1 for size in sizes):
            raise ConfigError(f"{self.name}: {name} is {sizes!r}; give the layers' sizes as a tuple, as in (64, 32)")

    @abstractmethod
    def _architecture(self, shape: tuple[int, ...]) -> dict[str, Any]:
        """Return what :meth:`_module` needs to know of the fields and of the shape of one sample, as plain values."""

    @staticmethod
    @abstractmethod
    def _module(classes: int, **architecture: Any) -> nn.Module:
        """Return a new network."""

    @staticmethod
    @abstractmethod
    def _logits(module: nn.Module, inputs: torch.Tensor) -> torch.Tensor:
        """Return logits, shape (samples, classes)."""

    def _learn(self, training: Training) -> dict[str, Any]:
        library("torch", self.name)
        device = device_named(self.device)
        architecture = self._architecture(training.inputs.shape[1:])
        with reproducible(self.seed, device):
            module = self._module(len(training.classes), **architecture)
            trained = train(self, module, training, device)
        return {
            "architecture": architecture,
            "classes": len(training.classes),
            "weights": trained.weights,
            "epoch": trained.epoch,
            "held_out": trained.held_out,
            "device": self.device,
        }

    def _opened(self, state: dict[str, Any]) -> Opened:
        return opened(self, state)

    def _chances(self, opened: Opened, inputs: Array) -> Array:
        return probabilities(self, opened, inputs)


def train(recipe: Network, module: nn.Module, training: Training, device: str) -> Trained:
    """Train a network.

    Parameters
    ----------
    recipe : Network
        How.
    module : torch.nn.Module
        The network with the weights from which to begin; it is changed.
    training : Training
        On what.
    device : str
        ``"cpu"`` or ``"cuda"``.

    Raises
    ------
    DataError
        If the loss is no number any more.
    """
    import torch

    fitted, tail = held_back_to_stop(training, recipe.share)
    inputs = torch.as_tensor(training.inputs, dtype=torch.float32)
    codes = torch.as_tensor(training.codes, dtype=torch.int64)
    weight = torch.as_tensor(training.weight, dtype=torch.float32)
    order = torch.Generator().manual_seed(recipe.seed)
    module = module.to(device=device, dtype=torch.float32)
    adam = torch.optim.AdamW(module.parameters(), lr=recipe.learning_rate, weight_decay=recipe.decay)
    positions = torch.as_tensor(fitted)
    best, losses = Trained({}, 0, ()), []
    for epoch in range(1, recipe.epochs + 1):
        module.train()
        shuffled = positions[torch.randperm(len(positions), generator=order)]
        for first in range(0, len(shuffled), recipe.batch):
            chosen = shuffled[first : first + recipe.batch]
            adam.zero_grad()
            logits = recipe._logits(module, inputs[chosen].to(device))
            loss: Any = loss_of(logits, codes[chosen].to(device), weight[chosen].to(device))
            loss.backward()
            torch.nn.utils.clip_grad_norm_(module.parameters(), recipe.clip)
            adam.step()
        if len(tail) == 0:
            continue
        losses.append(_held_out_loss(recipe, module, inputs[tail], codes[tail], weight[tail], device))
        if losses[-1] == min(losses) and losses[-1] not in losses[:-1]:
            best = Trained(_weights(module), epoch, ())
        if not math.isfinite(losses[-1]) or epoch - best.epoch >= recipe.patience:
            break
    if len(tail) == 0:
        best = Trained(_weights(module), recipe.epochs, ())
    if not best.weights or not all(bool(each.isfinite().all()) for each in best.weights.values()):
        raise DataError(
            f"model {recipe.name!r}: its loss is no number any more; lower learning_rate ({recipe.learning_rate:g}), "
            "or look for inputs of extreme size"
        )
    return Trained(best.weights, best.epoch, tuple(losses))


def loss_of(logits: torch.Tensor, codes: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
    """Return the weighted cross-entropy of a batch; its expectation is that of all samples where weights average 1."""
    from torch.nn.functional import cross_entropy

    return (cross_entropy(logits, codes, reduction="none") * weight).mean()


def held_back_to_stop(training: Training, share: float) -> tuple[Codes, Codes]:
    """Return the positions to train on and those held back; of the latter none where too little would be left.

    Too little is left where all labels overlap those held back, or a class occurs among these alone; a note says so.
    """
    from quantstrats.splits import purged_tail

    everything, nothing = np.arange(len(training.codes)), np.arange(0)
    if share == 0:
        return everything, nothing
    try:
        fitted, tail = purged_tail(*training.intervals, share)
    except DataError:
        training.notes.append("no row was held back to stop early: all labels overlap those of the latest rows")
        return everything, nothing
    if len(np.unique(training.codes[fitted])) < len(training.classes):
        training.notes.append("no row was held back to stop early: a class would be missing among the others")
        return everything, nothing
    return fitted, tail


@dataclass(frozen=True, eq=False)
class Opened:
    """A network that can be asked.

    Attributes
    ----------
    module : torch.nn.Module
        In double precision, without dropout.
    device : str
        Where it calculates.
    classes : int
        How many there are.
    """

    module: nn.Module
    device: str
    classes: int


def opened(model: Network, state: Mapping[str, Any]) -> Opened:
    """Return the network with the weights that were learned.

    Parameters
    ----------
    model : Network
        Of the same class as the one that learned.
    state : mapping
        What its ``_learn`` returned.
    """
    torch = library("torch", model.name)
    # What was learned on a GPU serves where there is none.
    device = "cpu" if state["device"] == "cpu" or not torch.cuda.is_available() else "cuda"
    with reproducible(0, device):  # the weights that it begins with are drawn in vain
        module = model._module(state["classes"], **state["architecture"])
    module.load_state_dict(state["weights"])
    return Opened(module.to(device=device, dtype=torch.float64).eval(), device, state["classes"])


def probabilities(model: Network, network: Opened, inputs: Array) -> Array:
    """Return the probability of each class, shape (samples, classes).

    Parameters
    ----------
    model : Network
        Of the same class as the one that learned.
    network : Opened
        What :func:`opened` returned.
    inputs : array, shape (samples, ...)
        Finite, scaled like those that it was trained on.
    """
    import torch

    found = np.empty((len(inputs), network.classes))
    with torch.inference_mode():
        for first in range(0, len(inputs), _ROWS_AT_ONCE):
            rows = torch.as_tensor(inputs[first : first + _ROWS_AT_ONCE], dtype=torch.float64, device=network.device)
            chances = model._logits(network.module, rows).softmax(dim=1)
            found[first : first + len(rows)] = chances.cpu().numpy()
    return found


def as_steps(inputs: torch.Tensor) -> torch.Tensor:
    """Return samples with steps, shape (samples, steps, features): a row of features is one step."""
    return inputs if inputs.dim() == 3 else inputs[:, None]


def dense(sizes: tuple[int, ...], classes: int, dropout: float) -> nn.Sequential:
    """Return dense layers: each but the last rectified and followed by dropout.

    Parameters
    ----------
    sizes : tuple of int
        Of the input, then of each hidden layer.
    classes : int
        Size of the output: logits.
    dropout : float
        Share of a hidden layer's outputs that is set to 0 while training (Srivastava et al. 2014).
    """
    from torch import nn

    layers: list[nn.Module] = []
    for before, after in pairwise(sizes):
        layers += [nn.Linear(before, after), nn.ReLU(), nn.Dropout(dropout)]
    return nn.Sequential(*layers, nn.Linear(sizes[-1], classes))


def device_named(name: Device) -> str:
    """Return ``"cpu"`` or ``"cuda"``.

    Raises
    ------
    ConfigError
        If ``"cuda"`` is asked for and not there.
    """
    import torch

    there = bool(torch.cuda.is_available())
    if name == "cuda" and not there:
        raise ConfigError("device is 'cuda', and torch finds no GPU here; set device to 'auto' or 'cpu'")
    return "cuda" if name != "cpu" and there else "cpu"


@contextmanager
def reproducible(seed: int, device: str = "cpu") -> Iterator[None]:
    """Let torch draw from this seed within a block, on one thread, and leave both as they were found.

    Sums differ in their last digits with the number of threads; on a GPU, with the algorithm too, and with numbers that
    are rounded for speed.

    Parameters
    ----------
    seed : int
        Of torch's random numbers.
    device : {"cpu", "cuda"}, default "cpu"
        Where it calculates.
    """
    import torch

    threads = torch.get_num_threads()
    on_gpu = device == "cuda"
    exact = torch.backends.cudnn.flags(enabled=True, deterministic=True, allow_tf32=False) if on_gpu else nullcontext()
    with exact, torch.random.fork_rng(devices=[torch.cuda.current_device()] if on_gpu else []):
        # torch.manual_seed would seed every GPU too, which is not put back.
        torch.default_generator.manual_seed(seed)
        if on_gpu:
            torch.cuda.manual_seed(seed)
        torch.set_num_threads(1)
        try:
            yield
        finally:
            torch.set_num_threads(threads)


def _held_out_loss(
    recipe: Network, module: nn.Module, inputs: torch.Tensor, codes: torch.Tensor, weight: torch.Tensor, device: str
) -> float:
    import torch
    from torch.nn.functional import cross_entropy

    module.eval()
    total = 0.0
    with torch.inference_mode():
        for first in range(0, len(inputs), _ROWS_AT_ONCE):
            rows = slice(first, first + _ROWS_AT_ONCE)
            logits = recipe._logits(module, inputs[rows].to(device))
            losses = cross_entropy(logits, codes[rows].to(device), reduction="none").double()
            total += float((losses * weight[rows].to(device)).sum())
    return total / float(weight.double().sum())


def _weights(module: nn.Module) -> dict[str, torch.Tensor]:
    return {name: each.detach().cpu().clone() for name, each in module.state_dict().items()}

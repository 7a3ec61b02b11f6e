"""TCN: a network of dilated convolutions, whose every layer sees twice as far back."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any, ClassVar

from quantstrats.models.convolution import causal, features_first
from quantstrats.models.fields import check_count
from quantstrats.models.network import Network, dense

if TYPE_CHECKING:
    import torch
    from torch import nn


@dataclass(frozen=True, kw_only=True)
class TCN(Network):
    """Temporal convolutional network (Bai, Kolter and Koltun 2018): residual blocks, and logits of the last step.

    Block i, counted from 0, is two causal convolutions that look at every 2^i-th step, each with normalised weights
    (Salimans and Kingma 2016), rectified and followed by dropout; what the block was given is added to what it says,
    and the sum rectified. The last step rests on ``1 + 2 (kernel - 1) (2^blocks - 1)`` steps: 61 by default.

    Inputs are (rows, steps, features), the last step the present; of (rows, features) each row is one step.

    Parameters
    ----------
    filters : tuple of int, default (32, 32, 32, 32)
        Filters of each block.
    kernel : int, default 3
        Steps that a filter looks at.
    dropout : float, default 0.2
        Share of filters that are set to 0 while training, each for all steps of a sample (Tompson et al. 2015).
    """

    name: ClassVar[str] = "tcn"
    filters: tuple[int, ...] = (32, 32, 32, 32)
    kernel: int = 3
    dropout: float = 0.2

    def __post_init__(self) -> None:
        super().__post_init__()
        self._check_sizes("filters", least=1)
        check_count(self, "kernel")
        self._check_dropout()

    def _reads_steps(self) -> bool:
        return True

    def _architecture(self, shape: tuple[int, ...]) -> dict[str, Any]:
        return {"sizes": (shape[-1], *self.filters), "kernel": self.kernel, "dropout": self.dropout}

    @staticmethod
    def _module(classes: int, **architecture: Any) -> nn.Module:
        from torch import nn

        sizes, kernel, dropout = (architecture[name] for name in ("sizes", "kernel", "dropout"))
        blocks = [
            _block(before, after, kernel, 2**level, dropout) for level, (before, after) in enumerate(pairwise(sizes))
        ]
        return nn.ModuleDict({"blocks": nn.ModuleList(blocks), "head": dense(sizes[-1:], classes, dropout)})

    @staticmethod
    def _logits(module: nn.Module, inputs: torch.Tensor) -> torch.Tensor:
        layers: Any = module
        logits: torch.Tensor = layers["head"](said(module, features_first(inputs))[:, :, -1])
        return logits


def said(module: nn.Module, steps: torch.Tensor) -> torch.Tensor:
    """Return what the blocks say of each step, shape (samples, filters, steps).

    Parameters
    ----------
    module : torch.nn.Module
        Of a TCN.
    steps : torch.Tensor, shape (samples, features, steps)
        What it reads.
    """
    layers: Any = module
    for block in layers["blocks"]:
        steps = (block["given"](steps) + block["found"](steps)).relu()
    return steps


def _block(before: int, after: int, kernel: int, dilation: int, dropout: float) -> nn.Module:
    from torch import nn

    return nn.ModuleDict(
        {
            "found": nn.Sequential(
                *_normalised(before, after, kernel, dilation, dropout),
                *_normalised(after, after, kernel, dilation, dropout),
            ),
            # What is given has to be as wide as what is found.
            "given": nn.Identity() if before == after else nn.Conv1d(before, after, 1),
        }
    )


def _normalised(before: int, after: int, kernel: int, dilation: int, dropout: float) -> list[nn.Module]:
    from torch import nn
    from torch.nn.utils.parametrizations import weight_norm

    padded = causal(before, after, kernel, dilation)
    weight_norm(padded[1])
    return [padded, nn.ReLU(), nn.Dropout1d(dropout)]

"""Convolutions over the steps of a sample: what the networks that have them share.

All are causal: what one says of a step rests on that step and earlier ones. Before the first step stand zeros, which is
the mean of a feature, since inputs are scaled; so any number of steps will do, down to one.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

from quantstrats.models.network import as_steps

if TYPE_CHECKING:
    import torch
    from torch import nn


def causal(before: int, after: int, kernel: int, dilation: int = 1) -> nn.Sequential:
    """Return a convolution over (samples, features, steps) that looks at no later step, and leaves as many steps.

    Parameters
    ----------
    before, after : int
        Features that it reads, and filters: what it says of each step.
    kernel : int
        Steps that a filter looks at, the last of them the step itself.
    dilation : int, default 1
        Distance between these: 2 looks at every other step.
    """
    from torch import nn

    return nn.Sequential(
        nn.ConstantPad1d(((kernel - 1) * dilation, 0), 0.0), nn.Conv1d(before, after, kernel, dilation=dilation)
    )


def convolutions(sizes: tuple[int, ...], kernel: int, dropout: float) -> nn.Sequential:
    """Return layers of causal convolutions, each rectified and followed by dropout.

    Parameters
    ----------
    sizes : tuple of int
        How many features there are, then the filters of each layer.
    kernel : int
        Steps that a filter looks at.
    dropout : float
        Share of a layer's outputs that is set to 0 while training.
    """
    from torch import nn

    layers: list[nn.Module] = []
    for before, after in pairwise(sizes):
        layers += [causal(before, after, kernel), nn.ReLU(), nn.Dropout(dropout)]
    return nn.Sequential(*layers)


def features_first(inputs: torch.Tensor) -> torch.Tensor:
    """Return samples as convolutions read them, shape (samples, features, steps)."""
    return as_steps(inputs).transpose(1, 2)

"""Perceptron: dense layers, whose inputs know no order."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from quantstrats.models.network import Network, dense

if TYPE_CHECKING:
    import torch
    from torch import nn


@dataclass(frozen=True, kw_only=True)
class Perceptron(Network):
    """Multilayer perceptron: dense layers with rectified outputs, and logits at the end.

    Parameters
    ----------
    hidden : tuple of int, default (64, 32)
        Sizes of the hidden layers; none makes it a logistic regression.
    dropout : float, default 0.1
        Share of each hidden layer's outputs that is set to 0 while training.
    """

    name: ClassVar[str] = "perceptron"
    hidden: tuple[int, ...] = (64, 32)
    dropout: float = 0.1

    def __post_init__(self) -> None:
        super().__post_init__()
        self._check_sizes("hidden")
        self._check_dropout()

    def _architecture(self, shape: tuple[int, ...]) -> dict[str, Any]:
        return {"sizes": (math.prod(shape), *self.hidden), "dropout": self.dropout}

    @staticmethod
    def _module(classes: int, **architecture: Any) -> nn.Module:
        return dense(architecture["sizes"], classes, architecture["dropout"])

    @staticmethod
    def _logits(module: nn.Module, inputs: torch.Tensor) -> torch.Tensor:
        logits: torch.Tensor = module(inputs.flatten(start_dim=1))
        return logits

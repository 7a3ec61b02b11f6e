"""CNN: a network that looks for short patterns anywhere among the steps of a sample."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from quantstrats.models.convolution import convolutions, features_first
from quantstrats.models.fields import check_count
from quantstrats.models.network import Network, dense

if TYPE_CHECKING:
    import torch
    from torch import nn


@dataclass(frozen=True, kw_only=True)
class CNN(Network):
    """Convolutional network (LeCun et al. 1998): filters over steps, and dense layers that read all they say.

    Inputs are (rows, steps, features), the last step the present; of (rows, features) each row is one step.
    No outputs are pooled: when something happened counts.

    Parameters
    ----------
    filters : tuple of int, default (32, 32)
        Filters of each convolutional layer.
    kernel : int, default 3
        Successive steps that a filter looks at.
    dropout : float, default 0.2
        Share of each layer's outputs, those of the head too, that is set to 0 while training.
    head : tuple of int, default ()
        Sizes of dense layers between what the filters say of all steps and the logits.
    """

    name: ClassVar[str] = "cnn"
    filters: tuple[int, ...] = (32, 32)
    kernel: int = 3
    dropout: float = 0.2
    head: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        super().__post_init__()
        self._check_sizes("filters", least=1)
        check_count(self, "kernel")
        self._check_sizes("head")
        self._check_dropout()

    def _reads_steps(self) -> bool:
        return True

    def _architecture(self, shape: tuple[int, ...]) -> dict[str, Any]:
        return {
            "steps": shape[0] if len(shape) == 2 else 1,
            "sizes": (shape[-1], *self.filters),
            "kernel": self.kernel,
            "dropout": self.dropout,
            "head": self.head,
        }

    @staticmethod
    def _module(classes: int, **architecture: Any) -> nn.Module:
        from torch import nn

        sizes, dropout = architecture["sizes"], architecture["dropout"]
        read = architecture["steps"] * sizes[-1]
        return nn.ModuleDict(
            {
                "filters": convolutions(sizes, architecture["kernel"], dropout),
                "head": dense((read, *architecture["head"]), classes, dropout),
            }
        )

    @staticmethod
    def _logits(module: nn.Module, inputs: torch.Tensor) -> torch.Tensor:
        layers: Any = module
        logits: torch.Tensor = layers["head"](layers["filters"](features_first(inputs)).flatten(start_dim=1))
        return logits

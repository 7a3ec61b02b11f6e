"""CNNLSTM: filters over steps, and a memory that reads what they say."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from quantstrats.models.convolution import convolutions, features_first
from quantstrats.models.fields import check_count
from quantstrats.models.lstm import LSTM
from quantstrats.models.network import Network

if TYPE_CHECKING:
    import torch
    from torch import nn


@dataclass(frozen=True, kw_only=True)
class CNNLSTM(Network):
    """Convolutions before an LSTM (Sainath et al. 2015): filters find short patterns, a memory puts them in order.

    Inputs are (rows, steps, features), the last step the present; of (rows, features) each row is one step.

    Parameters
    ----------
    filters : tuple of int, default (64,)
        Filters of each convolutional layer.
    kernel : int, default 3
        Successive steps that a filter looks at.
    hidden : int, default 32
        Size of each layer's memory.
    layers : int, default 1
        How many layers of memory.
    dropout : float, default 0.2
        Share of each layer's outputs, those of the head too, that is set to 0 while training.
    head : tuple of int, default ()
        Sizes of dense layers between the last step's memory and the logits.
    """

    name: ClassVar[str] = "cnn_lstm"
    filters: tuple[int, ...] = (64,)
    kernel: int = 3
    hidden: int = 32
    layers: int = 1
    dropout: float = 0.2
    head: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        super().__post_init__()
        self._check_sizes("filters", least=1)
        for name in ("kernel", "hidden", "layers"):
            check_count(self, name)
        self._check_sizes("head")
        self._check_dropout()

    def _reads_steps(self) -> bool:
        return True

    def _architecture(self, shape: tuple[int, ...]) -> dict[str, Any]:
        return {
            "sizes": (shape[-1], *self.filters),
            "kernel": self.kernel,
            "hidden": self.hidden,
            "layers": self.layers,
            "dropout": self.dropout,
            "head": self.head,
        }

    @staticmethod
    def _module(classes: int, **architecture: Any) -> nn.Module:
        from torch import nn

        sizes, dropout = architecture["sizes"], architecture["dropout"]
        memory = {name: architecture[name] for name in ("hidden", "layers", "dropout", "head")}
        return nn.ModuleDict(
            {
                "filters": convolutions(sizes, architecture["kernel"], dropout),
                "reader": LSTM._module(classes, features=sizes[-1], **memory),
            }
        )

    @staticmethod
    def _logits(module: nn.Module, inputs: torch.Tensor) -> torch.Tensor:
        layers: Any = module
        found = layers["filters"](features_first(inputs)).transpose(1, 2)
        return LSTM._logits(layers["reader"], found)

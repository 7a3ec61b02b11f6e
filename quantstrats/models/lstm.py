"""LSTM: a network that reads the steps of a sample in their order."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from quantstrats.models.fields import check_count
from quantstrats.models.network import Network, as_steps, dense

if TYPE_CHECKING:
    import torch
    from torch import nn


@dataclass(frozen=True, kw_only=True)
class LSTM(Network):
    """Long short-term memory (Hochreiter and Schmidhuber 1997): layers that remember, and logits of the last step.

    Inputs are (rows, steps, features), the last step the present; of (rows, features) each row is one step.

    Parameters
    ----------
    hidden : int, default 64
        Size of each layer's memory.
    layers : int, default 1
        How many layers, each of which reads what the one before says at each step.
    dropout : float, default 0.2
        Share of each layer's outputs, between layers and after the last, that is set to 0 while training.
    head : tuple of int, default ()
        Sizes of dense layers between the last step's memory and the logits.
    """

    name: ClassVar[str] = "lstm"
    hidden: int = 64
    layers: int = 1
    dropout: float = 0.2
    head: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        super().__post_init__()
        check_count(self, "hidden")
        check_count(self, "layers")
        self._check_sizes("head")
        self._check_dropout()

    def _reads_steps(self) -> bool:
        return True

    def _architecture(self, shape: tuple[int, ...]) -> dict[str, Any]:
        return {
            "features": shape[-1],
            "hidden": self.hidden,
            "layers": self.layers,
            "dropout": self.dropout,
            "head": self.head,
        }

    @staticmethod
    def _module(classes: int, **architecture: Any) -> nn.Module:
        from torch import nn

        hidden, layers, dropout = (architecture[name] for name in ("hidden", "layers", "dropout"))
        return nn.ModuleDict(
            {
                "memory": nn.LSTM(
                    architecture["features"], hidden, layers, batch_first=True, dropout=dropout if layers > 1 else 0.0
                ),
                "dropout": nn.Dropout(dropout),
                "head": dense((hidden, *architecture["head"]), classes, dropout),
            }
        )

    @staticmethod
    def _logits(module: nn.Module, inputs: torch.Tensor) -> torch.Tensor:
        layers: Any = module
        remembered, _ = layers["memory"](as_steps(inputs))
        logits: torch.Tensor = layers["head"](layers["dropout"](remembered[:, -1]))
        return logits

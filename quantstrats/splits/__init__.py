"""Splits: folds of samples whose labels do not overlap, for scikit-learn and for one's own loops.

``PurgedKFold`` and ``CombinatorialPurgedSplit`` are scikit-learn splitters; ``purged_tail`` holds back the last
samples. Every name loads on first use.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from quantstrats.splits.combinatorial import CombinatorialPurgedSplit
    from quantstrats.splits.kfold import PurgedKFold
    from quantstrats.splits.tail import purged_tail

_HOMES = {
    "CombinatorialPurgedSplit": "combinatorial",
    "PurgedKFold": "kfold",
    "purged_tail": "tail",
}

__all__ = ["CombinatorialPurgedSplit", "PurgedKFold", "purged_tail"]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'quantstrats.splits' has no attribute {name!r}")
    value = getattr(importlib.import_module(f"quantstrats.splits.{_HOMES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)

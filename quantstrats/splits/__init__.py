"""Splits: folds of samples whose labels do not overlap, for scikit-learn and for one's own loops.

``PurgedKFold`` and ``CombinatorialPurgedSplit`` are scikit-learn splitters; ``purged_tail`` holds back the last
samples. Every name loads on first use.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from quantstrats.lazy import lazily

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

__getattr__, __dir__ = lazily(__name__, _HOMES)

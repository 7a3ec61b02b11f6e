"""Nearest neighbours."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from quantstrats.models.base import Model
from quantstrats.models.fields import check_count, library
from quantstrats.models.preparing import NothingLearnedError

if TYPE_CHECKING:
    from quantstrats.models.preparing import Array, Training


@dataclass(frozen=True, kw_only=True)
class NearestNeighbours(Model):
    """Shares of the classes among the nearest rows, by Euclidean distance of scaled features; of scikit-learn.

    It remembers every row. Weights of rows are not known to it, beyond leaving out those of 0.

    Parameters
    ----------
    n_neighbors : int, default 5
        How many rows are asked. Probabilities are multiples of 1 / ``n_neighbors``.
    by_distance : bool, default False
        Whether nearer rows count more: in inverse proportion to their distance.
    """

    name: ClassVar[str] = "nearest_neighbours"
    n_neighbors: int = 5
    by_distance: bool = False

    def __post_init__(self) -> None:
        check_count(self, "n_neighbors")

    def _counts_weight(self) -> bool:
        return False

    def _learn(self, training: Training) -> dict[str, Any]:
        library("sklearn.neighbors", self.name)
        if len(training.codes) < self.n_neighbors:
            raise NothingLearnedError(
                "too few rows", f"{len(training.codes):,} rows are left; {self.n_neighbors} neighbours need as many"
            )
        return {"inputs": np.ascontiguousarray(training.inputs), "codes": training.codes}

    def _opened(self, state: dict[str, Any]) -> Any:
        neighbors = library("sklearn.neighbors", self.name)
        weights = "distance" if self.by_distance else "uniform"
        estimator = neighbors.KNeighborsClassifier(self.n_neighbors, weights=weights)
        return estimator.fit(state["inputs"], state["codes"])

    def _chances(self, opened: Any, inputs: Array) -> Array:
        chances: Array = opened.predict_proba(inputs)
        return chances

"""Random forest."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from quantstrats.models.base import Model
from quantstrats.models.fields import check_count, check_number, library

if TYPE_CHECKING:
    from quantstrats.models.preparing import Array, Training


@dataclass(frozen=True, kw_only=True)
class RandomForest(Model):
    """Mean of trees, each grown on other draws of rows and features (Breiman 2001); of scikit-learn.

    Parameters
    ----------
    n_estimators : int, default 200
        How many trees.
    max_depth : int, optional
        Most splits from the root to a leaf; no bound by default.
    min_samples_leaf : int, default 5
        Fewest rows in a leaf.
    max_features : float, default 0.5
        Share of the features that each split chooses from.
    """

    name: ClassVar[str] = "random_forest"
    n_estimators: int = 200
    max_depth: int | None = None
    min_samples_leaf: int = 5
    max_features: float = 0.5

    def __post_init__(self) -> None:
        check_count(self, "n_estimators")
        check_count(self, "max_depth", absent=True)
        check_count(self, "min_samples_leaf")
        check_number(self, "max_features", above=0, most=1)

    def _learn(self, training: Training) -> Any:
        ensemble = library("sklearn.ensemble", self.name)
        estimator = ensemble.RandomForestClassifier(
            self.n_estimators,
            max_depth=self.max_depth,
            min_samples_leaf=self.min_samples_leaf,
            max_features=float(self.max_features),
            random_state=self.seed,
        )
        return estimator.fit(training.inputs, training.codes, training.weight)

    def _chances(self, opened: Any, inputs: Array) -> Array:
        chances: Array = opened.predict_proba(inputs)
        return chances

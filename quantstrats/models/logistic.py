"""Logistic regression."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from quantstrats.models.base import Model
from quantstrats.models.fields import check_count, check_number, library

if TYPE_CHECKING:
    from quantstrats.models.preparing import Array, Training


@dataclass(frozen=True, kw_only=True)
class LogisticRegression(Model):
    """Multinomial logistic regression with a quadratic penalty, of scikit-learn.

    Parameters
    ----------
    C : float, default 1
        How much the rows count against the penalty: the smaller, the closer all probabilities are to the classes'
        shares.
    max_iter : int, default 1000
        Most iterations; where they do not suffice, a note says so.
    """

    name: ClassVar[str] = "logistic_regression"
    C: float = 1.0
    max_iter: int = 1000

    def __post_init__(self) -> None:
        check_number(self, "C", above=0)
        check_count(self, "max_iter")

    def _learn(self, training: Training) -> dict[str, Array]:
        linear, threads = library("sklearn.linear_model", self.name), library("threadpoolctl", self.name)
        estimator = linear.LogisticRegression(C=self.C, max_iter=self.max_iter)
        # Products over many rows differ in their last digits with the number of threads.
        with threads.threadpool_limits(1, user_api="blas"), warnings.catch_warnings(record=True) as told:
            warnings.simplefilter("always")
            estimator.fit(training.inputs, training.codes, training.weight)
        if any(each.category.__name__ == "ConvergenceWarning" for each in told):
            training.notes.append(f"{self.max_iter:,} iterations (max_iter) were too few to find the best coefficients")
        return {"coefficients": estimator.coef_, "intercepts": estimator.intercept_}

    def _chances(self, opened: dict[str, Array], inputs: Array) -> Array:
        # Not by a matrix product, whose last digits differ with the number of threads and of rows.
        lines = [(inputs * each).sum(axis=1) for each in opened["coefficients"]]
        logits = np.column_stack(lines) + opened["intercepts"]
        if logits.shape[1] == 1:  # of two classes those of the second alone are kept
            logits = np.column_stack([np.zeros(len(logits)), logits])
        return softmax(logits)


def softmax(logits: Array) -> Array:
    """Return probabilities from logits, shape (rows, classes)."""
    relative: Any = np.exp(logits - logits.max(axis=1, keepdims=True))
    chances: Array = relative / relative.sum(axis=1, keepdims=True)
    return chances

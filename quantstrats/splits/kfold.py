"""PurgedKFold: k-fold cross-validation for labels that overlap in time."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from quantstrats.checks import is_count
from quantstrats.errors import ConfigError, DataError
from quantstrats.splits.intervals import Intervals, check_length, intervals

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from quantstrats.splits.intervals import Embargo, Positions


@dataclass(frozen=True, eq=False)
class PurgedKFold:
    """Folds of successive samples, each tested once; no training label overlaps what is tested.

    A scikit-learn splitter: ``cross_val_score(model, X, y, cv=PurgedKFold(start, end))``. A fold holds all samples of
    its starts, whatever their symbols; folds have as many different starts as can be. Of the others a sample is left
    out where its interval meets the fold's span, from its first start to its last end, or begins within the embargo
    after it (Lopez de Prado 2018, Advances in Financial Machine Learning, section 7.4).

    Parameters
    ----------
    start, end : array of int or of times, shape (samples,)
        First and last row (or instant) on which each label rests, in any order: those of
        :class:`~quantstrats.labels.Samples`.
    n_splits : int, default 5
        How many folds, at least 2.
    embargo : int, float or Timedelta, default 0
        How long after a fold no training sample begins: a number of rows, a Timedelta where samples stand on times, or
        a share below 1 of the whole span (rounded up). At least as long as the features look back.

    Raises
    ------
    ConfigError
        If there are fewer than 2 folds, or the embargo makes no sense.
    DataError
        If starts and ends are unequal in number, one ends before it starts, or there are more folds than starts.
    """

    start: ArrayLike
    end: ArrayLike
    n_splits: int = 5
    embargo: Embargo = 0
    _intervals: Intervals = field(init=False, repr=False)
    _embargo: int = field(init=False, repr=False)
    _folds: Positions = field(init=False, repr=False)

    def __post_init__(self) -> None:
        if not is_count(self.n_splits) or self.n_splits < 2:
            raise ConfigError(f"n_splits is {self.n_splits!r}; give a whole number of at least 2")
        found = intervals(self.start, self.end)
        object.__setattr__(self, "_intervals", found)
        object.__setattr__(self, "_embargo", found.embargo(self.embargo))
        object.__setattr__(self, "_folds", found.groups(self.n_splits, "folds"))

    def get_n_splits(self, X: Any = None, y: Any = None, groups: Any = None) -> int:  # noqa: ARG002, N803 - scikit-learn's
        """Return how many folds there are."""
        return self.n_splits

    def split(self, X: Any, y: Any = None, groups: Any = None) -> Iterator[tuple[Positions, Positions]]:  # noqa: ARG002, N803
        """Yield the positions to train on and those to test, ascending, fold by fold in order of time.

        Raises
        ------
        DataError
            If ``X`` has another number of samples than there are intervals, or nothing is left to train on.
        """
        check_length(len(self._intervals), X)
        for fold in range(self.n_splits):
            tested = self._folds == fold
            kept = self._intervals.apart(tested, self._embargo)
            if not kept.any():
                raise DataError(
                    f"fold {fold + 1} of {self.n_splits}: no sample is left to train on, all overlap the fold or lie "
                    "in its embargo; choose labels of a shorter horizon, another number of folds, or a shorter embargo"
                )
            yield np.flatnonzero(kept), np.flatnonzero(tested)

    def __repr__(self) -> str:
        return f"PurgedKFold(of {len(self._intervals)} samples, n_splits={self.n_splits}, embargo={self.embargo!r})"

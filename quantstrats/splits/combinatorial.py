"""CombinatorialPurgedSplit: every choice of test groups, and the paths through time that they make up."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from math import comb
from typing import TYPE_CHECKING, Any

import numpy as np

from quantstrats.checks import is_count
from quantstrats.errors import ConfigError, DataError
from quantstrats.splits.intervals import Intervals, check_length, intervals

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from quantstrats.splits.intervals import Embargo, Positions


@dataclass(frozen=True, eq=False)
class CombinatorialPurgedSplit:
    """All choices of some test groups out of many; no training label overlaps what is tested.

    A scikit-learn splitter of C(N, k) splits, for N groups of which k are tested at a time. Each group is tested in
    C(N - 1, k - 1) of them, so that the predictions make up as many paths through the whole history, each of which
    was predicted out of sample: not one estimate, but a distribution of them (Lopez de Prado 2018, Advances in
    Financial Machine Learning, sections 12.3 and 12.4). The paths are not independent of each other.

    Parameters
    ----------
    start, end : array of int or of times, shape (samples,)
        As for :class:`~quantstrats.splits.PurgedKFold`.
    n_groups : int, default 6
        N, how many groups of successive starts, at least 2.
    n_test_groups : int, default 2
        k, how many of them are tested at a time, fewer than there are.
    embargo : int, float or Timedelta, default 0
        How long after each test group no training sample begins; as for :class:`~quantstrats.splits.PurgedKFold`.

    Raises
    ------
    ConfigError
        If the numbers of groups, or the embargo, make no sense.
    DataError
        If starts and ends are unequal in number, one ends before it starts, or there are more groups than starts.
    """

    start: ArrayLike
    end: ArrayLike
    n_groups: int = 6
    n_test_groups: int = 2
    embargo: Embargo = 0
    _intervals: Intervals = field(init=False, repr=False)
    _embargo: int = field(init=False, repr=False)
    _groups: Positions = field(init=False, repr=False)

    def __post_init__(self) -> None:
        if not is_count(self.n_groups) or self.n_groups < 2:
            raise ConfigError(f"n_groups is {self.n_groups!r}; give a whole number of at least 2")
        if not is_count(self.n_test_groups) or not 1 <= self.n_test_groups < self.n_groups:
            raise ConfigError(
                f"n_test_groups is {self.n_test_groups!r}; give at least 1 and fewer than the {self.n_groups} groups"
            )
        found = intervals(self.start, self.end)
        object.__setattr__(self, "_intervals", found)
        object.__setattr__(self, "_embargo", found.embargo(self.embargo))
        object.__setattr__(self, "_groups", found.groups(self.n_groups, "groups"))

    @property
    def n_paths(self) -> int:
        """C(N - 1, k - 1): how many paths the splits make up."""
        return comb(self.n_groups - 1, self.n_test_groups - 1)

    def get_n_splits(self, X: Any = None, y: Any = None, groups: Any = None) -> int:  # noqa: ARG002, N803 - scikit-learn's
        """Return how many splits there are, C(N, k)."""
        return comb(self.n_groups, self.n_test_groups)

    def split(self, X: Any, y: Any = None, groups: Any = None) -> Iterator[tuple[Positions, Positions]]:  # noqa: ARG002, N803
        """Yield the positions to train on and those to test, ascending, in lexicographic order of the test groups.

        Raises
        ------
        DataError
            If ``X`` has another number of samples than there are intervals, or nothing is left to train on.
        """
        check_length(len(self._intervals), X)
        in_group = [self._groups == group for group in range(self.n_groups)]
        apart = [self._intervals.apart(members, self._embargo) for members in in_group]
        for chosen in self._choices():
            kept = np.logical_and.reduce([apart[group] for group in chosen])
            if not kept.any():
                raise DataError(
                    f"test groups {', '.join(str(group + 1) for group in chosen)} of {self.n_groups}: no sample is "
                    "left to train on, all overlap them or lie in an embargo; choose labels of a shorter horizon, "
                    "fewer test groups, or a shorter embargo"
                )
            yield np.flatnonzero(kept), self._tested(chosen)

    def paths(self) -> Positions:
        """Return which split predicts each group on each path, shape (paths, groups).

        The p-th path takes each group from the p-th split that tests it.
        """
        serving: list[list[int]] = [[] for _ in range(self.n_groups)]
        for split, chosen in enumerate(self._choices()):
            for group in chosen:
                serving[group].append(split)
        return np.array(serving, dtype=np.intp).T

    def path_predictions(self, predictions: Sequence[ArrayLike]) -> NDArray[Any]:
        """Lay the predictions of all splits along the paths.

        Parameters
        ----------
        predictions : sequence of arrays
            One per split in the order of :meth:`split`, each as long as the split's test positions and in their order;
            further dimensions, as of class probabilities, are kept.

        Returns
        -------
        array, shape (paths, samples, ...)

        Raises
        ------
        DataError
            If there are more or fewer splits, or predictions in one of them, than there should be.
        """
        given = self._checked(predictions)
        shape = (self.n_paths, len(self._intervals), *given[0].shape[1:])
        laid: NDArray[Any] = np.empty(shape, np.result_type(*given))
        served = [0] * self.n_groups  # by how many splits so far
        for split, chosen in enumerate(self._choices()):
            tested = self._tested(chosen)
            for group in chosen:
                of_group = self._groups[tested] == group
                laid[served[group], tested[of_group]] = given[split][of_group]
                served[group] += 1
        return laid

    def _checked(self, predictions: Sequence[ArrayLike]) -> list[NDArray[Any]]:
        """Return the predictions of each split, checked to be one of each sample that it tests."""
        if not isinstance(predictions, Iterable):
            kind = type(predictions).__name__
            raise DataError(f"predictions are of type {kind}; give a list of arrays, one per split")
        given = []
        for split, each in enumerate(predictions):
            try:
                given.append(np.asarray(each))
            except ValueError:
                raise DataError(f"predictions of split {split + 1} are of unequal lengths; give an array") from None
        if len(given) != self.get_n_splits():
            raise DataError(f"there are predictions of {len(given)} splits; give those of all {self.get_n_splits()}")
        for split, chosen in enumerate(self._choices()):
            wanted = (len(self._tested(chosen)), *given[0].shape[1:])
            if given[split].shape != wanted:
                raise DataError(
                    f"predictions of split {split + 1} are of shape {given[split].shape}; give one per test sample, "
                    f"{wanted}"
                )
        return given

    def _choices(self) -> Iterator[tuple[int, ...]]:
        return combinations(range(self.n_groups), self.n_test_groups)

    def _tested(self, chosen: tuple[int, ...]) -> Positions:
        return np.flatnonzero(np.isin(self._groups, chosen))

    def __repr__(self) -> str:
        return (
            f"CombinatorialPurgedSplit(of {len(self._intervals)} samples, n_groups={self.n_groups}, "
            f"n_test_groups={self.n_test_groups}, embargo={self.embargo!r})"
        )

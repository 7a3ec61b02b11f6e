"""Overlaps: how many labels rest on the same bars, and how much of its own each one has.

An interval is closed: start and end are its first and last bar. A position that is decided on row t earns on the rows
after it, so of :class:`~quantstrats.labels.Samples` the bars are ``start + 1`` to ``end``;
:meth:`~quantstrats.labels.Samples.uniqueness` counts those.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from quantstrats.errors import DataError
from quantstrats.labels.given import numbers

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    Array = NDArray[np.float64]
    Rows = NDArray[np.int64]

_MOST_CELLS = 2**28  # of groups x rows


def concurrency(start: ArrayLike, end: ArrayLike, groups: ArrayLike | None = None) -> Rows:
    """Return how many labels rest on each row, from row 0 to the last end.

    c_t, the number of labels i with start_i <= t <= end_i (Lopez de Prado 2018, Advances in Financial Machine
    Learning, section 4.3).

    Parameters
    ----------
    start, end : array of int, shape (samples,)
        First and last row of each label, not negative.
    groups : array, shape (samples,), optional
        Labels of different groups do not share bars: the symbol of each.

    Returns
    -------
    array of int, shape (rows,), or with groups (rows, groups)
        Groups ascending, as ``numpy.unique`` orders them.

    Raises
    ------
    DataError
        If intervals make no sense.
    """
    first, last = spans(start, end)
    group, count = group_numbers(groups, len(first))
    counts = _counts(first, last, group, count, int(last.max(initial=-1)) + 1)
    return counts[0] if groups is None else counts.T


def uniqueness(start: ArrayLike, end: ArrayLike, groups: ArrayLike | None = None) -> Array:
    """Return the average uniqueness of each label: the mean over its rows of 1 / c_t.

    1 for a label that shares no row, near 1/n for one of n that rest on the same (Lopez de Prado 2018, Advances in
    Financial Machine Learning, section 4.4).

    Parameters
    ----------
    start, end : array of int, shape (samples,)
        First and last row of each label, not negative.
    groups : array, shape (samples,), optional
        Labels of different groups do not share bars: the symbol of each.

    Raises
    ------
    DataError
        If intervals make no sense.
    """
    first, last = spans(start, end)
    total = _sums(first, last, groups, None)
    return np.minimum(total / (last - first + 1), 1.0)  # of sums that are cut out of longer ones


def return_attribution(start: ArrayLike, end: ArrayLike, returns: ArrayLike, groups: ArrayLike | None = None) -> Array:
    """Return weights by the returns that are each label's own: the absolute value of the sum of r_t / c_t, mean 1.

    (Lopez de Prado 2018, Advances in Financial Machine Learning, section 4.6.)

    Parameters
    ----------
    start, end : array of int, shape (samples,)
        First and last row of each label, not negative.
    returns : array, shape (rows,), or with groups (rows, groups)
        Log return of each row, groups ascending, as ``numpy.unique`` orders them; NaN counts as none.
    groups : array, shape (samples,), optional
        Labels of different groups do not share bars: the symbol of each.

    Raises
    ------
    DataError
        If intervals make no sense, or returns are not of all their rows and groups; if none of them moved.
    """
    first, last = spans(start, end)
    given = numbers(returns, "returns")
    rows = int(last.max(initial=-1)) + 1
    count = 1 if groups is None else len(np.unique(np.asarray(groups)))
    laid = given[:, None] if groups is None and given.ndim == 1 else given
    if laid.ndim != 2 or laid.shape[0] < rows or laid.shape[1] != count:
        raise DataError(
            f"returns are of shape {given.shape}; labels reach to row {rows - 1:,} in {count:,} groups, so give at "
            f"least {rows:,} rows" + ("" if groups is None else f" x {count:,} groups")
        )
    weight = np.abs(_sums(first, last, groups, np.nan_to_num(laid[:rows].T, nan=0.0)))
    if len(weight) and not 0.0 < weight.sum() < np.inf:
        raise DataError("returns are zero, or infinite, over all labels; weights cannot be told from them")
    return weight / weight.mean() if len(weight) else weight


def spans(start: ArrayLike, end: ArrayLike) -> tuple[Rows, Rows]:
    """Return first and last rows that make sense."""
    first, last = np.asarray(start), np.asarray(end)
    if first.ndim != 1 or first.shape != last.shape:
        raise DataError(f"start is of shape {first.shape} and end of {last.shape}; give one row of each per sample")
    if len(first) == 0:
        return first.astype("int64"), last.astype("int64")
    if first.dtype.kind not in "iu" or last.dtype.kind not in "iu":
        raise DataError(f"start holds {first.dtype} and end {last.dtype}; give rows as whole numbers")
    wrong = np.flatnonzero((first < 0) | (last < first))
    if len(wrong):
        place = int(wrong[0])
        raise DataError(
            f"sample {place} rests on rows {first[place]} to {last[place]}; a label has a first row of at least 0 and "
            "no earlier last one; leave out those that are unknown"
        )
    return first.astype("int64"), last.astype("int64")


def group_numbers(groups: ArrayLike | None, count: int) -> tuple[Rows, int]:
    """Return the number of each sample's group, and how many groups there are."""
    if groups is None:
        return np.zeros(count, dtype="int64"), 1
    given = np.asarray(groups)
    if given.shape != (count,):
        raise DataError(f"groups is of shape {given.shape}; give one per sample, {count:,}")
    names, number = np.unique(given, return_inverse=True)
    return number.astype("int64"), len(names)


def _counts(first: Rows, last: Rows, group: Rows, groups: int, rows: int) -> Rows:
    """Return how many labels rest on each row, shape (groups, rows)."""
    if groups * rows > _MOST_CELLS:
        raise DataError(
            f"labels lie on {rows:,} rows in {groups:,} groups, which are too many; give positions of rows from 0 on, "
            "and as few groups as there are symbols"
        )
    width = rows + 1
    begun = np.bincount(group * width + first, minlength=groups * width)
    over = np.bincount(group * width + last + 1, minlength=groups * width)
    counts: Rows = np.cumsum((begun - over).reshape(groups, width), axis=1)[:, :rows]
    return counts


def _sums(first: Rows, last: Rows, groups: ArrayLike | None, values: Array | None) -> Array:
    """Return for each label the sum over its rows of values / c_t, values of shape (groups, rows), by default 1."""
    group, count = group_numbers(groups, len(first))
    rows = int(last.max(initial=-1)) + 1
    counts = _counts(first, last, group, count, rows)
    shares = (1.0 if values is None else values) / np.maximum(counts, 1)
    before = np.zeros((count, rows + 1))
    np.cumsum(shares, axis=1, out=before[:, 1:])
    return np.asarray(before[group, last + 1] - before[group, first])

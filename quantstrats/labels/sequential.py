"""sequential_bootstrap: samples drawn so that those which overlap what was drawn before become less likely."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from quantstrats.checks import is_count
from quantstrats.errors import ConfigError, DataError
from quantstrats.features.kernels import compiled
from quantstrats.labels.overlaps import group_numbers, spans

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    Array = NDArray[np.float64]


def sequential_bootstrap(
    start: ArrayLike, end: ArrayLike, size: int | None = None, seed: int = 0, groups: ArrayLike | None = None
) -> NDArray[np.intp]:
    """Draw samples with replacement, each with a chance in proportion to what it has of its own beside those drawn.

    The chance of sample i is in proportion to the mean over its rows of 1 / (1 + c_t), with c_t the number of labels
    drawn so far that rest on row t (Lopez de Prado 2018, Advances in Financial Machine Learning, section 4.5). A draw
    takes time in proportion to how many labels overlap the one that was drawn, not to how many there are.

    Parameters
    ----------
    start, end : array of int, shape (samples,)
        First and last row of each label, not negative; of :class:`~quantstrats.labels.Samples` ``start + 1`` and
        ``end``.
    size : int, optional
        How many are drawn; by default as many as there are.
    seed : int, default 0
        The same seed draws the same.
    groups : array, shape (samples,), optional
        Labels of different groups do not share bars: the symbol of each.

    Returns
    -------
    array of int, shape (size,)
        Positions of samples, in the order in which they were drawn.

    Raises
    ------
    ConfigError
        If the size or seed makes no sense.
    DataError
        If intervals make no sense, or there are none.
    """
    first, last = spans(start, end)
    if len(first) == 0:
        raise DataError("there are no samples to draw from")
    count = len(first) if size is None else size
    if not is_count(count) or count < 0:
        raise ConfigError(f"size is {size!r}; give a whole number that is not negative")
    if not is_count(seed) or seed < 0:
        raise ConfigError(f"seed is {seed!r}; give a whole number that is not negative")
    group, _ = group_numbers(groups, len(first))
    order = np.lexsort((first, group))  # so that what overlaps a label lies together
    length = last - first + 1
    offset = np.concatenate([[0], np.cumsum(_rows_of(group, last))])
    chances = np.random.default_rng(seed).random(count)
    drawn = _draw(first[order], length[order], group[order], offset, int(length.max()), chances)
    return np.asarray(order[drawn], dtype=np.intp)


def draw_probabilities(start: ArrayLike, end: ArrayLike, drawn: ArrayLike, groups: ArrayLike | None = None) -> Array:
    """Return the chance of each sample to be the next that the sequential bootstrap draws.

    Parameters
    ----------
    start, end, groups
        As for :func:`sequential_bootstrap`.
    drawn : array of int
        Positions of the samples that were drawn so far.

    Raises
    ------
    DataError
        If intervals make no sense, or there is no such sample.
    """
    first, last = spans(start, end)
    taken = np.asarray(drawn).reshape(-1)
    if len(taken) and taken.dtype.kind not in "iu":
        raise DataError(f"drawn holds {taken.dtype}; give positions of samples as whole numbers")
    taken = taken.astype("int64")
    if len(taken) and not (taken.min() >= 0 and taken.max() < len(first)):
        raise DataError(f"drawn names samples {taken.min()} to {taken.max()}, and there are {len(first):,} from 0 on")
    group, count = group_numbers(groups, len(first))
    before = np.zeros((count, int(last.max(initial=-1)) + 2))
    np.add.at(before, (group[taken], first[taken]), 1.0)
    np.add.at(before, (group[taken], last[taken] + 1), -1.0)
    share = np.cumsum(1.0 / (1.0 + np.cumsum(before, axis=1)), axis=1)
    share = np.concatenate([np.zeros((count, 1)), share], axis=1)
    own = (share[group, last + 1] - share[group, first]) / (last - first + 1)
    return np.asarray(own / own.sum())


def _rows_of(group: NDArray[np.int64], last: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return how many rows each group takes."""
    rows = np.zeros(int(group.max()) + 1, dtype="int64")
    np.maximum.at(rows, group, last + 1)
    return rows


@compiled
def _draw(first, length, group, offset, longest, chances):  # type: ignore[no-untyped-def]
    """Draw positions of samples, which are ordered by group and first row.

    The sums of a binary tree over the samples' chances find the one drawn, and are mended where chances change.
    """
    samples = len(first)
    leaves = 1
    while leaves < samples:
        leaves *= 2
    tree = np.zeros(2 * leaves)
    tree[leaves : leaves + samples] = 1.0
    for node in range(leaves - 1, 0, -1):
        tree[node] = tree[2 * node] + tree[2 * node + 1]
    crowd = np.zeros(offset[-1])  # labels drawn so far on each row of each group
    drawn = np.empty(len(chances), dtype=np.int64)
    for turn in range(len(chances)):
        chosen = _found(tree, leaves, samples, chances[turn])
        drawn[turn] = chosen
        base, low, high = offset[group[chosen]], first[chosen], first[chosen] + length[chosen] - 1
        crowd[base + low : base + high + 1] += 1.0
        begin, stop = chosen, chosen + 1
        while begin > 0 and group[begin - 1] == group[chosen] and first[begin - 1] > low - longest:
            begin -= 1
        while stop < samples and group[stop] == group[chosen] and first[stop] <= high:
            stop += 1
        for each in range(begin, stop):
            if first[each] + length[each] > low:
                own = 0.0
                for row in range(base + first[each], base + first[each] + length[each]):
                    own += 1.0 / (1.0 + crowd[row])
                tree[leaves + each] = own / length[each]
        _mend(tree, leaves + begin, leaves + stop - 1)
    return drawn


@compiled
def _found(tree, leaves, samples, chance):  # type: ignore[no-untyped-def]
    """Return the sample at a share of the sum of all chances."""
    left = chance * tree[1]
    node = 1
    while node < leaves:
        node *= 2
        if left >= tree[node]:
            left -= tree[node]
            node += 1
    return min(node - leaves, samples - 1)  # rounding may lead past the last


@compiled
def _mend(tree, low, high):  # type: ignore[no-untyped-def]
    """Add up again what lies above the leaves from ``low`` to ``high``."""
    while low > 1:
        low, high = low // 2, high // 2
        for node in range(low, high + 1):
            tree[node] = tree[2 * node] + tree[2 * node + 1]

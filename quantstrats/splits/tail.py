"""purged_tail: the last samples, held back, and those before them that do not overlap them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from quantstrats.checks import number
from quantstrats.errors import ConfigError, DataError
from quantstrats.splits.intervals import intervals

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from quantstrats.splits.intervals import Embargo, Positions


def purged_tail(
    start: ArrayLike, end: ArrayLike, share: float = 0.2, embargo: Embargo = 0
) -> tuple[Positions, Positions]:
    """Hold back the last samples; return the positions to train on and those of the tail, both ascending.

    Samples of one start are not parted, so the tail may be longer than its share. To be trained on, a label must be
    over before the tail begins, by more than the embargo.

    Parameters
    ----------
    start, end : array of int or of times, shape (samples,)
        First and last row (or instant) on which each label rests, in any order.
    share : float, default 0.2
        Least share of the samples that are held back, between 0 and 1.
    embargo : int, float or Timedelta, default 0
        Least distance between the end of what is trained on and the tail: rows, a Timedelta where samples stand on
        times, or a share below 1 of the whole span.

    Raises
    ------
    ConfigError
        If the share or the embargo makes no sense.
    DataError
        If starts and ends are unequal in number, one ends before it starts, or nothing is left to train on.
    """
    if not 0 < number("share", share) < 1:
        raise ConfigError(f"share is {share!r}; give a number between 0 and 1")
    found = intervals(start, end)
    distance = found.embargo(embargo)
    held = int(np.ceil(round(share * len(found), 9)))
    first = np.sort(found.start)[len(found) - held]
    tail = found.start >= first
    kept = ~tail & (found.end < first - distance)
    if not kept.any():
        raise DataError(
            f"no sample is left to train on: all of {len(found):,} overlap the last {tail.sum():,}, which are held "
            "back, or lie in the embargo; choose labels of a shorter horizon, or give more samples"
        )
    return np.flatnonzero(kept), np.flatnonzero(tail)

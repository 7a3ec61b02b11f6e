"""How fast a spread comes back: the half-life of an Ornstein-Uhlenbeck process."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

_LEAST_CHANGES = 3  # a slope, a constant and something to be off them


def half_life(spread: ArrayLike) -> float:
    """Return in how many rows half of a deviation is gone, in expectation.

    The changes are regressed on the level before, with a constant: a slope b means that a share 1 + b is left after a
    row, and half after -ln 2 / ln(1 + b). Small samples make b too low, and the half-life too short.

    Parameters
    ----------
    spread : array
        By row; changes from or to a missing value are left out.

    Returns
    -------
    float: infinite where nothing comes back (b >= 0), 0 where all is gone within a row (b <= -1), NaN where fewer than
    three changes are known or the spread is constant.

    References
    ----------
    Uhlenbeck and Ornstein (1930), Physical Review 36(5), 823-841, seen at equal intervals.
    """
    values = np.asarray(spread, dtype=np.float64)
    level, change = values[:-1], np.diff(values)
    known = np.isfinite(level) & np.isfinite(change)
    level, change = level[known], change[known]
    if len(level) < _LEAST_CHANGES or np.ptp(level) == 0.0:
        return float("nan")
    off = level - level.mean()
    return float(half_lives(np.array([off @ change / (off @ off)]))[0])


def half_lives(slopes: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the half-lives of spreads from the slopes of their changes on their levels."""
    with np.errstate(divide="ignore", invalid="ignore"):
        found = -np.log(2.0) / np.log1p(slopes)
    found = np.where(slopes >= 0.0, np.inf, found)
    found = np.where(slopes <= -1.0, 0.0, found)
    return np.where(np.isnan(slopes), np.nan, found)

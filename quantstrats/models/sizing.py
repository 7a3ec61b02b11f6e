"""Sizing: how large a bet is that wins with some probability."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from quantstrats.checks import is_count
from quantstrats.errors import ConfigError

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray


def bet_size(probability: ArrayLike, classes: int = 2) -> NDArray[np.float64]:
    """Return a size from 0 to 1: 0 where the bet is as likely as chance or less, 1 where it is certain.

    Lopez de Prado (2018), Advances in Financial Machine Learning, section 10.3: 2 Z(z) - 1, with Z the normal
    distribution and z = (p - 1/k) / sqrt(p (1 - p)). He lets a size below 0 turn the bet round; here it is 0.

    Parameters
    ----------
    probability : array
        That the bet wins, the p; NaN where unknown.
    classes : int, default 2
        Among how many outcomes, the k.

    Returns
    -------
    array of float64
        Of the same shape; NaN where the probability is.

    Raises
    ------
    ConfigError
        If a probability is outside 0 to 1, or there are fewer than two outcomes.
    """
    if not is_count(classes) or classes < 2:
        raise ConfigError(f"classes is {classes!r}; give a whole number of at least 2")
    chance = np.asarray(probability, dtype="float64")
    known = np.isfinite(chance)
    if ((chance[known] < 0.0) | (chance[known] > 1.0)).any():
        raise ConfigError("bet_size: a probability is outside 0 to 1")
    with np.errstate(divide="ignore", invalid="ignore"):
        distance = (chance - 1.0 / classes) / np.sqrt(chance * (1.0 - chance))
    size: NDArray[np.float64] = np.vectorize(math.erf, otypes=["float64"])(distance / math.sqrt(2.0))
    return np.clip(size, 0.0, 1.0)

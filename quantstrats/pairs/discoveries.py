"""How many of many tests' findings are luck: control of the false discovery rate."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np

from quantstrats.errors import ConfigError, DataError

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

Control = Literal["benjamini_hochberg", "benjamini_yekutieli", "none"]
CONTROLS = ("benjamini_hochberg", "benjamini_yekutieli", "none")


def false_discovery(p_values: ArrayLike, control: Control = "benjamini_hochberg") -> NDArray[np.float64]:
    """Return adjusted p-values: of the tests with one of at most q, a share of at most q is false, in expectation.

    Parameters
    ----------
    p_values : array
        Of all tests that were made, those that found nothing too. NaN is a test that was not made and stays NaN.
    control : {"benjamini_hochberg", "benjamini_yekutieli", "none"}
        The first holds for independent tests and for many that depend positively; the second whatever they depend on,
        for a price of about ln(tests). Pairs share symbols, so that their tests do depend on each other.

    Raises
    ------
    ConfigError
        If there is no such control.
    DataError
        If a p-value lies outside 0 to 1.

    References
    ----------
    Benjamini and Hochberg (1995), J. of the Royal Statistical Society B 57(1), 289-300; Benjamini and Yekutieli
    (2001), Annals of Statistics 29(4), 1165-1188.
    """
    if control not in CONTROLS:
        raise ConfigError(f"control is {control!r}; it can be {', '.join(CONTROLS)}")
    given = np.asarray(p_values, dtype=np.float64)
    adjusted = np.full(given.shape, np.nan)
    made = ~np.isnan(given)
    if ((given[made] < 0.0) | (given[made] > 1.0)).any():
        raise DataError("false_discovery: a p-value lies outside 0 to 1")
    count = int(made.sum())
    if count == 0 or control == "none":
        return np.where(made, given, np.nan)
    order = np.argsort(given[made], kind="stable")
    ranks = np.arange(1, count + 1)
    price = (1.0 / ranks).sum() if control == "benjamini_yekutieli" else 1.0
    scaled = given[made][order] * count / ranks * price
    found = np.empty(count)
    found[order] = np.minimum(np.minimum.accumulate(scaled[::-1])[::-1], 1.0)
    adjusted[made] = found
    return adjusted

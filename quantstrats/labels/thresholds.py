"""Thresholds that users give: one number, or a frame of rows x symbols."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from quantstrats.checks import number
from quantstrats.errors import ConfigError, DataError
from quantstrats.labels.given import like, numbers

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray


def threshold(
    market_frame: pd.DataFrame,
    given: float | pd.DataFrame,
    what: str,
    *,
    positive: bool = False,
    below: float = np.inf,
) -> NDArray[np.float64]:
    """Return thresholds that broadcast to rows x symbols; NaN in a frame is no threshold there.

    Parameters
    ----------
    market_frame : DataFrame
        Of the rows and symbols.
    given : float or DataFrame
        What the user gave.
    what : str
        How to call it in an error.
    positive : bool, default False
        Whether 0 is refused too.
    below : float, optional
        What every number must be less than.

    Raises
    ------
    ConfigError
        If a number is negative or too large.
    DataError
        If a frame has other rows or symbols, or holds a value that is; if it is neither.
    """
    import pandas as pd

    least = "above 0" if positive else "of 0 or more"
    wanted = least if below == np.inf else f"{least} and below {below:g}"
    if not isinstance(given, pd.DataFrame):
        if hasattr(given, "__len__") and not isinstance(given, str):  # the text of a Series would fill a page
            kind = type(given).__name__
            raise DataError(f"{what} is of type {kind}; give a number, or a DataFrame of rows x symbols")
        value = number(what, given)
        if not _is_within(value, positive, below):
            raise ConfigError(f"{what} is {given!r}; give a number {wanted}")
        return np.full((1, 1), value)
    values = numbers(like(market_frame, given, what), what)
    wrong = ~(np.isnan(values) | _is_within(values, positive, below))
    if wrong.any():
        row, column = (int(each[0]) for each in np.nonzero(wrong))
        raise DataError(
            f"{what} is {values[row, column]:g} at {given.index[row]} {market_frame.columns[column]}; give numbers "
            f"{wanted}, or NaN"
        )
    return values


def _is_within(value: Any, positive: bool, below: float) -> Any:
    above = value > 0.0 if positive else value >= 0.0
    return above & (value < below)

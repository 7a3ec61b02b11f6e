"""Thresholds that users give: one number, or a frame of rows x symbols."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from quantstrats.checks import number
from quantstrats.errors import ConfigError, DataError
from quantstrats.labels.labels import like

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray


def threshold(
    market_frame: pd.DataFrame, given: float | pd.DataFrame, what: str, *, above: float = 0.0, below: float = np.inf
) -> NDArray[np.float64]:
    """Return thresholds that broadcast to rows x symbols; NaN in a frame is no threshold there.

    Raises
    ------
    ConfigError
        If a number is not from ``above`` to less than ``below``.
    DataError
        If a frame has other rows or symbols, or holds a value that is not.
    """
    import pandas as pd

    if not isinstance(given, pd.DataFrame):
        value = number(what, given)
        if not above <= value < below:
            raise ConfigError(f"{what} is {given!r}; give a number from {above:g} to less than {below:g}")
        return np.full((1, 1), value)
    values = like(market_frame, given, what).to_numpy("float64")
    wrong = ~(np.isnan(values) | ((values >= above) & (values < below)))
    if wrong.any():
        row, column = (int(each[0]) for each in np.nonzero(wrong))
        raise DataError(
            f"{what} is {values[row, column]:g} at {given.index[row]} {market_frame.columns[column]}; give "
            f"numbers from {above:g} to less than {below:g}, or NaN"
        )
    return values

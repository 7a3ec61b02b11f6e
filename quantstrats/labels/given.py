"""What labels are given: frames of a market's rows and symbols, numbers; checked, with what to give instead."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from quantstrats.errors import DataError

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import ArrayLike, NDArray

    Array = NDArray[np.float64]


def like(frame: pd.DataFrame, given: pd.DataFrame, what: str) -> pd.DataFrame:
    """Return a frame, checked to have the rows and symbols of another, in the order of that one's symbols.

    Raises
    ------
    DataError
        Beginning with ``what``, if it has others.
    """
    checked_frame(given, what)
    if not given.index.equals(frame.index):
        raise DataError(
            f"{what} has other rows ({len(given):,}) than there are ({len(frame):,}); give it the same index"
        )
    if given.columns.equals(frame.columns):
        return given
    if given.columns.has_duplicates or set(given.columns) != set(frame.columns):
        odd = set(frame.columns).symmetric_difference(given.columns) or set(given.columns[given.columns.duplicated()])
        raise DataError(f"{what} has other symbols than there are (as {min(map(str, odd))}); give it the same columns")
    return given[frame.columns]


def checked_frame(given: Any, what: str) -> pd.DataFrame:
    """Return a frame.

    Raises
    ------
    DataError
        Beginning with ``what``, if it is something else.
    """
    import pandas as pd

    if not isinstance(given, pd.DataFrame):
        raise DataError(f"{what} is of type {type(given).__name__}; give a DataFrame of rows x symbols")
    return given


def numbers(given: ArrayLike | pd.DataFrame, what: str) -> Array:
    """Return the values of a frame or array as floats.

    Raises
    ------
    DataError
        Beginning with ``what``, if one is no number.
    """
    import pandas as pd

    try:
        if isinstance(given, pd.DataFrame):
            return given.to_numpy("float64", na_value=np.nan)
        return np.asarray(given, dtype="float64")
    except (TypeError, ValueError):
        raise DataError(f"{what} holds something that is no number; give numbers, NaN where there is none") from None

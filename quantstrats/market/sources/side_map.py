"""A static map out of a file: one value for each symbol."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from quantstrats.market.side import ASSUMED, SideSeries
from quantstrats.market.sources.side_rows import MISSING, column_called, columns_of, read_rows

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from quantstrats.market.sources.series import Series


def read_map(source: Series, path: Path, symbols: Sequence[str]) -> SideSeries:
    """Return one value for each symbol, taken as known at all times.

    Raises
    ------
    DataError
        With the file and the place of the first thing that cannot stand.
    """
    names = columns_of(path, source)
    value = column_called(path, names, source.value, "value")
    rows = read_rows(path, source, names, symbols, words=[value], numbers=[])
    named = pd.Index(rows.texts(column_called(path, names, str(source.symbol), "symbol")))
    rows.refuse(named.duplicated(), lambda row: f"symbol {named[row]!r} stands again; a map has one value for each")
    texts = rows.texts(value)
    there = np.array([text not in MISSING for text in texts], dtype=bool)
    found: NDArray[Any] = np.array(texts, dtype=object)[there]
    with suppress(ValueError):  # they may be words, as of sectors
        found = np.array([float(text.replace("_", "?")) for text in found])
    return SideSeries(pd.Series(found, index=named[there], name=source.value), ASSUMED)

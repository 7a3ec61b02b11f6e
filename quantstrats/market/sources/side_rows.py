"""SideRows: the rows of one file of a side series that are asked for, as they stand."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.csv

from quantstrats.errors import DataError, did_you_mean
from quantstrats.market.sources.raw import SUFFIXES, column_names, is_text, line_of, read_columns, suffix_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from quantstrats.market.sources.series import Series

MISSING = frozenset(pyarrow.csv.ConvertOptions().null_values)


@dataclass(frozen=True)
class SideRows:
    """The rows that are asked for.

    Attributes
    ----------
    path : Path
        The file.
    columns : Arrow table
        As they stand.
    numbers : array of int
        The place of each row in the file.
    symbols : array of str objects, or None
        Of each row.
    """

    path: Path
    columns: Any
    numbers: NDArray[np.intp]
    symbols: NDArray[np.object_] | None

    def place(self, row: int) -> str:
        """Name the file, and say where in it this row stands."""
        number = int(self.numbers[row])
        symbol = None if self.symbols is None else self.symbols[row]
        if suffix_of(self.path) == ".parquet":
            # Where symbols are asked for, others' rows may not have been read.
            return f"{self.path}, row {number + 1}" if symbol is None else f"{self.path}, a row of {symbol}"
        return f"{self.path}, line {line_of(self.path, number)}" + ("" if symbol is None else f" ({symbol})")

    def refuse(self, wrong: NDArray[np.bool_], what: Callable[[int], str]) -> None:
        """Refuse the first row of those that are wrong."""
        if wrong.any():
            row = int(np.argmax(wrong))
            count = int(wrong.sum())
            raise DataError(f"{self.place(row)}: {what(row)}{f'; so in {count} rows' if count > 1 else ''}")

    def texts(self, name: str) -> list[str]:
        """Return a column as text, empty where there is nothing."""
        return _texts(self.columns.column(name))

    def values(self, name: str) -> NDArray[np.float64]:
        """Return a column as numbers, NaN where there is nothing."""
        column = self.columns.column(name)
        if not is_text(column.type):
            try:
                return np.asarray(column.cast(pa.float64(), safe=False).to_numpy(), dtype="float64")
            except pa.ArrowException:
                raise DataError(f"{self.path}: column {name!r} holds {column.type}, not numbers") from None
        texts = self.texts(name)
        there = np.array([text not in MISSING for text in texts], dtype=bool)
        values = _as_numbers(texts, there)
        self.refuse(np.isnan(values) & there, lambda row: f"{name} is the text {texts[row]!r}, not a number; mend it")
        return values

    def numbers_or_words(self, name: str) -> NDArray[Any]:
        """Return a column as numbers, or as its texts if none of them is one; NaN where there is nothing."""
        if not is_text(self.columns.column(name).type):
            return self.values(name)
        texts = self.texts(name)
        there = np.array([text not in MISSING for text in texts], dtype=bool)
        if not there.any() or not np.isnan(_as_numbers(texts, there)).all():
            return self.values(name)
        return np.where(there, np.array(texts, dtype=object), np.nan)


def read_rows(
    path: Path, source: Series, names: list[str], symbols: Sequence[str], words: list[str], numbers: list[str]
) -> SideRows:
    """Read the rows that are asked for: those of the market's symbols, and those that fit ``where``.

    Parameters
    ----------
    path : Path
        The file.
    source : Series
        Says which rows.
    names : list of str
        The file's columns.
    symbols : sequence of str
        The market's.
    words, numbers : list of str
        The columns that are wanted, of text and of numbers.

    Raises
    ------
    DataError
        With the file, and the place of the first row that cannot stand; or if there are none.
    """
    of_symbols = None if source.symbol is None else column_called(path, names, source.symbol, "symbol")
    chosen_by = {column_called(path, names, name, "where"): str(value) for name, value in source.where.items()}
    asked = None if of_symbols is None else (of_symbols, list(symbols))
    as_text = [*words, *chosen_by, *([] if of_symbols is None else [of_symbols])]
    raw = read_columns(
        path, list(dict.fromkeys(as_text)), [n for n in numbers if n not in as_text], source.separator, asked
    )
    if not raw.num_rows:
        raise DataError(f"{path} has no rows; give a file with values")
    chosen = np.full(raw.num_rows, True)
    for name, value in chosen_by.items():
        texts = _texts(raw.column(name))
        chosen &= np.array([text == value for text in texts], dtype=bool)
        if not chosen.any():
            has = ", ".join(sorted(set(texts) - {""})[:10])
            raise DataError(f"{path}: no row has {value!r} in column {name!r} (where); it has {has}")
    whose = None
    if of_symbols is not None:
        whose = np.array(_texts(raw.column(of_symbols)), dtype=object)
        every = SideRows(path, raw, np.arange(raw.num_rows), None)
        every.refuse(chosen & (whose == ""), lambda _: "the symbol is missing; mend the row")
        chosen &= np.isin(whose, list(symbols))
        if not chosen.any():
            asked_for = some_of(symbols)
            raise DataError(
                f"{path} has values of none of the market's symbols ({asked_for}); set data.symbol or data.path"
            )
        whose = whose[chosen]
    numbered = np.flatnonzero(chosen)
    return SideRows(path, raw.take(pa.array(numbered)), numbered, whose)


def columns_of(path: Path, source: Series) -> list[str]:
    """Return the names of the file's columns.

    Raises
    ------
    DataError
        If it is no file that can be read.
    """
    if suffix_of(path) is None:
        raise DataError(f"{path} is none of {', '.join(SUFFIXES)}; save it as one of these")
    return column_names(path, source.separator)


def column_called(path: Path, names: list[str], name: str, parameter: str, instead: str = "") -> str:
    """Return the column of this name, in whatever case.

    Parameters
    ----------
    path : Path
        The file.
    names : list of str
        Its columns.
    name : str
        Which is wanted.
    parameter : str
        What asks for it.
    instead : str, optional
        What that parameter can be too.

    Raises
    ------
    DataError
        If there is none, or several.
    """
    candidates = [each for each in names if each == name] or [
        each for each in names if each.strip().lower() == name.strip().lower()
    ]
    if len(candidates) == 1:
        return candidates[0]
    if candidates:
        raise DataError(f"{path}: {len(candidates)} columns are called {name!r}; rename all but one")
    hint, has = did_you_mean(name, names), ", ".join(map(repr, names[:20]))
    what = f"; {parameter} is {instead}the name of a column" if instead else f" ({parameter})"
    raise DataError(f"{path} has no column {name!r}{what}{hint} (it has {has})")


def some_of(symbols: Sequence[str]) -> str:
    """Return the first of the symbols, and how many more there are, as text."""
    return ", ".join(symbols[:5]) + (f" and {len(symbols) - 5} more" if len(symbols) > 5 else "")


def _texts(column: Any) -> list[str]:
    return [(text or "").strip() for text in column.cast(pa.string()).to_pylist()]


def _as_numbers(texts: list[str], there: NDArray[np.bool_]) -> NDArray[np.float64]:
    numbers: NDArray[np.float64] = pd.to_numeric(pd.Series(texts, dtype=object).where(there), errors="coerce").to_numpy(
        "float64"
    )
    return numbers

"""Tables as text, for a page to lay out."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import numpy as np
import pandas as pd

DASH = "\u2013"
MOST_TEXT = 300  # characters of a cell
Form = str | Callable[[Any], str]


@dataclass(frozen=True)
class Table:
    """A table of text.

    Attributes
    ----------
    title : str
        Its caption.
    columns : list of str
        Headers; the first is that of the rows' names.
    rows : list of list of str
        Cells.
    note : str
        A line below it.
    prose : bool
        Whether its cells are words, which wrap and begin at the left, rather than numbers.
    """

    title: str
    columns: list[str] = field(default_factory=list)
    rows: list[list[str]] = field(default_factory=list)
    note: str = ""
    prose: bool = False


def table_of(
    frame: pd.DataFrame,
    title: str,
    *,
    forms: Mapping[Any, Form] | None = None,
    most_rows: int = 50,
    most_columns: int = 20,
    note: str = "",
) -> Table:
    """Return a frame as a Table with its index as the first column, cut to a size that a page can hold.

    Parameters
    ----------
    frame : DataFrame
        What to show.
    title : str
        Its caption.
    forms : mapping of column label to format, optional
        A format string or a function; by default numbers have five digits.
    most_rows, most_columns : int
        How much of it is shown.
    note : str
        A line below it.
    """
    forms = forms or {}
    shown = frame.iloc[:most_rows, :most_columns]
    cut = [
        f"{what} 1 to {most:,} of {total:,}"
        for what, most, total in (("rows", most_rows, len(frame)), ("columns", most_columns, frame.shape[1]))
        if total > most
    ]
    named = [forms.get(name) for name in shown.columns]
    return Table(
        title,
        columns=[_header(frame.index.name), *(_header(name) for name in shown.columns)],
        rows=[
            [as_text(label), *(as_text(value, form) for value, form in zip(row, named, strict=True))]
            for label, *row in shown.itertuples(name=None)
        ],
        note="; ".join([*([note] if note else []), *cut]),
    )


def cut_text(text: str, most: int = MOST_TEXT) -> str:
    """Return a text, cut to what a cell can hold."""
    return text if len(text) <= most else f"{text[: most - 3]}..."


def as_text(value: Any, form: Form | None = None) -> str:
    """Return a value as a reader expects it; a dash where it is undefined."""
    if is_undefined(value):
        return DASH
    if form is not None:
        return form.format(value) if isinstance(form, str) else form(value)
    return _as_usual(value)


def is_undefined(value: Any) -> bool:
    """Tell whether a value is None, NaN, NaT or infinite."""
    if value is None or value is pd.NaT or value is pd.NA:
        return True
    return isinstance(value, float) and not math.isfinite(value)


def span_text(duration: pd.Timedelta) -> str:
    """Return a duration in the unit that fits it: days from two days on, else hours."""
    hours = duration.total_seconds() / 3600.0
    return f"{hours / 24.0:,.1f} days" if hours >= 48.0 else f"{hours:,.1f} hours"


def _as_usual(value: Any) -> str:
    if isinstance(value, bool | np.bool_):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:,.2f}" if abs(value) >= 1000.0 else f"{value:z.5g}"
    if isinstance(value, pd.Timestamp):
        return str(value.date()) if value == value.normalize() else f"{value:%Y-%m-%d %H:%M}"
    if isinstance(value, date):
        return str(value)
    if isinstance(value, pd.Timedelta):
        return span_text(value)
    return cut_text(str(value))


def _header(name: Any) -> str:
    if name is None:
        return ""
    return cut_text(" ".join(str(part) for part in name) if isinstance(name, tuple) else str(name))

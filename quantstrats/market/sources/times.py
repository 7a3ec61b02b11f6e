"""From what files say of time to labels."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from quantstrats.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

EPOCHS = ("s", "ms", "us", "ns")
_DAY = re.compile(r"\s*\d{4}(-\d{1,2}-\d{1,2}|\d{4})(?!\d)")
# An offset stands behind a time of day; the end of 2015-01-02 is none.
_OFFSET = re.compile(r"\d[T ].*?(Z|[+-]\d{2}(?::?\d{2})?)\s*$")


def read_times(
    texts: list[str], time_format: str | None, time_zone: str | None, place: Callable[[int], str]
) -> pd.DatetimeIndex:
    """Return labels as written, or in the time zone where they say how far they are from UTC.

    Parameters
    ----------
    texts : list of str
        One per label.
    time_format : str, optional
        As of ``strptime``, or one of ``EPOCHS``: the unit of numbers since 1970; by default ISO 8601.
    time_zone : str, optional
        Into which labels with an offset are read; by default their own, which must be the same for all.
    place : callable
        Names the file and the place of the text with this number.

    Raises
    ------
    DataError
        If a text is no time, or the time zones are mixed.
    """
    if time_format in EPOCHS:
        numbers = pd.to_numeric(pd.Series(texts), errors="coerce")
        unit: Any = time_format
        times = pd.DatetimeIndex(pd.to_datetime(numbers, unit=unit, errors="coerce", utc=True))
        _refuse_unread(times, texts, f"no number of {time_format} since 1970; mend it, or set data.time_format", place)
        return times.tz_convert(time_zone or "UTC")
    if time_format is not None:
        times = pd.DatetimeIndex(pd.to_datetime(texts, format=time_format, errors="coerce", utc="%z" in time_format))
        _refuse_unread(times, texts, f"no time of the format {time_format!r}; mend either", place)
        return times.tz_convert(time_zone or "UTC") if "%z" in time_format else times
    matches = [_OFFSET.search(text) for text in texts]
    offsets = np.array(["" if match is None else match[1].replace(":", "") for match in matches], dtype=object)
    _refuse_mixed_offsets(offsets, texts, time_zone, place)
    written = [text if _DAY.match(text) else "" for text in texts]
    aware = bool(len(offsets) and offsets[0])
    times = pd.DatetimeIndex(pd.to_datetime(written, format="ISO8601", errors="coerce", utc=aware))
    advice = "no time of ISO 8601, as in 2015-12-31; mend it, or set data.time_format, as in '%m/%d/%Y'"
    _refuse_unread(times, texts, advice, place)
    if not aware:
        return times
    own = "UTC" if offsets[0] == "Z" else _offset(offsets[0])
    return times.tz_convert(time_zone or own)


def localized(times: pd.DatetimeIndex, time_zone: str, place: Callable[[int], str]) -> pd.DatetimeIndex:
    """Return labels without a zone as instants of this one.

    Raises
    ------
    DataError
        If a label does not exist in it or exists twice, as on days when clocks change.
    """
    instants = times.tz_localize(time_zone, ambiguous="NaT", nonexistent="NaT")
    wrong = np.flatnonzero(instants.isna())
    if len(wrong):
        first = int(wrong[0])
        raise DataError(
            f"{place(first)}: {times[first]} is not one instant in {time_zone}, whose clocks change then; "
            "give times with their offset from UTC"
        )
    return instants


def _offset(text: str) -> str:
    """Return ``+05`` or ``+0530`` as a zone's name."""
    return f"UTC{text[:3]}:{text[3:] or '00'}"


def _refuse_mixed_offsets(
    offsets: NDArray[np.object_], texts: list[str], time_zone: str | None, place: Callable[[int], str]
) -> None:
    other = np.flatnonzero(offsets != offsets[:1])
    if not len(other):
        return
    bare = np.flatnonzero(offsets == "")
    if len(bare):
        # What is rarer is more likely the slip.
        few = bare if 2 * len(bare) <= len(offsets) else np.flatnonzero(offsets != "")
        without, first = ("no" if few is bare else "an"), int(few[0])
        raise DataError(
            f"{place(first)}: mixed time zones, {texts[first]!r} has {without} offset from UTC unlike others; "
            "write all times in one way"
        )
    if time_zone is None:
        first = int(other[0])
        raise DataError(
            f"{place(first)}: mixed time zones, {texts[first]!r} has another offset from UTC than {texts[0]!r}; "
            "set data.time_zone to that of the exchange, as in America/New_York"
        )


def _refuse_unread(times: pd.DatetimeIndex, texts: list[str], what: str, place: Callable[[int], str]) -> None:
    wrong = np.flatnonzero(times.isna())
    if len(wrong):
        first = int(wrong[0])
        raise DataError(f"{place(first)}: {texts[first]!r} is {what}")

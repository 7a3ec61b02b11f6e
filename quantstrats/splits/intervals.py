"""Intervals: the rows or instants on which labels rest, and which of them may be trained on beside a test span."""

from __future__ import annotations

from dataclasses import dataclass
from numbers import Real
from typing import TYPE_CHECKING, Any

import numpy as np

from quantstrats.checks import is_count
from quantstrats.errors import ConfigError, DataError

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import ArrayLike, NDArray

    Embargo = int | float | pd.Timedelta
    Positions = NDArray[np.intp]


@dataclass(frozen=True, eq=False)
class Intervals:
    """Closed intervals, one per sample, as whole numbers: rows, or nanoseconds since 1970.

    Attributes
    ----------
    start, end : array of int64, shape (samples,)
        First and last row or instant on which each label rests.
    are_times : bool
        Whether they are instants.
    """

    start: NDArray[np.int64]
    end: NDArray[np.int64]
    are_times: bool

    def __len__(self) -> int:
        return len(self.start)

    def embargo(self, given: Any) -> int:
        """Return an embargo in the unit of the intervals.

        Raises
        ------
        ConfigError
            If it is negative, or makes no sense for rows, or for instants.
        """
        import pandas as pd

        if isinstance(given, pd.Timedelta) or hasattr(given, "total_seconds"):
            length = pd.Timedelta(given)
            if not self.are_times:
                raise ConfigError(f"embargo is {given!r}, and the samples stand on rows; give a number of rows")
            if pd.isna(length) or length < pd.Timedelta(0):
                raise ConfigError(f"embargo is {given!r}; give a length of time that is not negative")
            return int(length.as_unit("ns").value)
        if is_count(given) and given >= 0 and not (self.are_times and given > 0):
            return int(given)
        if isinstance(given, Real) and not isinstance(given, bool | int | np.integer) and 0 <= float(given) < 1:
            span = int(self.end.max()) - int(self.start.min()) + (0 if self.are_times else 1)
            return int(np.ceil(round(float(given) * span, 9)))  # 0.01 of 700 rows is 7, not 8
        if self.are_times:
            raise ConfigError(f"embargo is {given!r}, and the samples stand on times; give a Timedelta, or a share < 1")
        raise ConfigError(f"embargo is {given!r}; give a number of rows (0 or more), or a share of them < 1")

    def groups(self, count: int, what: str) -> Positions:
        """Return the group of each sample, of ``count`` groups of successive starts, as equal in number as can be.

        Raises
        ------
        DataError
            If there are fewer different starts than groups.
        """
        starts, place = np.unique(self.start, return_inverse=True)
        if len(starts) < count:
            raise DataError(
                f"{count} {what} need as many different starts, and the {len(self):,} samples have {len(starts):,}; "
                f"choose fewer {what}, or give more samples"
            )
        edges = np.cumsum([len(each) for each in np.array_split(starts, count)])
        return np.searchsorted(edges, place, side="right")

    def apart(self, tested: NDArray[np.bool_], embargo: int) -> NDArray[np.bool_]:
        """Tell which samples may be trained on beside one group of successive starts that is tested.

        With the span of the group from its first start A to its last end B, those whose interval does not meet [A, B]
        and does not begin within the embargo, (B, B + embargo] (Lopez de Prado 2018, Advances in Financial Machine
        Learning, section 7.4).
        """
        first, last = self.start[tested].min(), self.end[tested].max()
        overlaps = (self.start <= last) & (self.end >= first)
        embargoed = (self.start > last) & (self.start - last <= embargo)
        kept: NDArray[np.bool_] = ~(overlaps | embargoed)
        return kept


def intervals(start: ArrayLike, end: ArrayLike) -> Intervals:
    """Return intervals that make sense.

    Raises
    ------
    DataError
        If they are neither whole numbers nor times, unequal in number, none at all, or one ends before it starts.
    """
    first, are_times = _whole("start", start)
    last, ends_are_times = _whole("end", end)
    if len(first) != len(last):
        raise DataError(f"there are {len(first):,} starts and {len(last):,} ends; give one of each per sample")
    if len(first) == 0:
        raise DataError("there are no samples to split")
    if are_times != ends_are_times:
        raise DataError("of start and end one is times and the other whole numbers; give both in one unit")
    wrong = np.flatnonzero(last < first)
    if len(wrong):
        place = int(wrong[0])
        raise DataError(
            f"sample {place} ends ({np.asarray(end)[place]}) before it starts ({np.asarray(start)[place]}); an "
            "interval goes from the first to the last row on which the label rests"
        )
    return Intervals(first, last, are_times)


def check_length(expected: int, samples: Any) -> None:
    """Check that what is split has as many samples as there are intervals."""
    if not hasattr(samples, "shape") and not hasattr(samples, "__len__"):
        raise DataError(f"what is split is of type {type(samples).__name__}; give the samples, {expected:,} of them")
    count = samples.shape[0] if hasattr(samples, "shape") else len(samples)
    if count != expected:
        raise DataError(f"there are {count:,} samples to split and {expected:,} intervals; give start and end of each")


def _whole(name: str, values: ArrayLike) -> tuple[NDArray[np.int64], bool]:
    """Return values as int64, and whether they are times."""
    import pandas as pd

    if np.ndim(values) != 1:
        raise DataError(f"{name} has {np.ndim(values)} dimensions; give one row or time per sample")
    flat = pd.Index(values)  # type: ignore[arg-type]  # keeps time zones
    if isinstance(flat, pd.DatetimeIndex):
        if flat.hasnans:
            raise DataError(f"{name} lacks {flat.isna().sum():,} times; leave out the samples whose label is unknown")
        utc = flat if flat.tz is None else flat.tz_convert("UTC")
        return np.asarray(utc.as_unit("ns").asi8, dtype="int64"), True
    array = np.asarray(flat)
    if array.size and array.dtype.kind not in "iu":
        raise DataError(f"{name} holds {array.dtype}; give rows as whole numbers, or times")
    return array.astype("int64"), False

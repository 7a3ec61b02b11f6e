"""Merging: rows of a vendor are put in order, compared with those that are stored, and joined to them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from quantstrats.errors import DataError
from quantstrats.market.cache.barfile import Revision, no_bars
from quantstrats.market.frames import FIELDS

if TYPE_CHECKING:
    from numpy.typing import NDArray

# Vendors give what they adjusted rounded in other ways from day to day; a dividend moves prices by far more.
PRICE_TOLERANCE = 1e-6
VOLUME_TOLERANCE = 1e-6
_TOLERANCES = np.array([VOLUME_TOLERANCE if field == "volume" else PRICE_TOLERANCE for field in FIELDS])


@dataclass(frozen=True)
class Sent:
    """What a vendor sent for one symbol, in order.

    Attributes
    ----------
    bars : DataFrame
        Columns of ``FIELDS``, float64; labels ascending, each once.
    doubled : DatetimeIndex
        The labels that came twice with different values.
    """

    bars: pd.DataFrame
    doubled: pd.DatetimeIndex

    def within(self, inside: NDArray[np.bool_]) -> Sent:
        """Return only these bars."""
        bars = self.bars[inside]
        return Sent(bars, self.doubled[self.doubled.isin(bars.index)])


def in_order(bars: pd.DataFrame, daily: bool) -> Sent:
    """Return a vendor's rows by time, each time once; nothing else of them is judged.

    Rows that are the same are one. Of rows with the same time and other values the last is kept.

    Raises
    ------
    DataError
        If labels or columns are not what a source promises.
    """
    if bars.empty:  # then neither labels nor columns tell anything
        none = no_bars(daily)
        return Sent(none, pd.DatetimeIndex(none.index))
    index = bars.index
    if not isinstance(index, pd.DatetimeIndex) or index.hasnans or (index.tz is None) != daily:
        raise DataError(f"its rows are not labelled by {'session dates' if daily else 'instants'}")
    if daily and (index != index.normalize()).any():
        raise DataError("its rows are labelled by times of day, not by session dates")
    try:
        values = bars[list(FIELDS)].astype("float64")
        labels = index.as_unit("ns") if daily else index.tz_convert("UTC").as_unit("ns")
    except (KeyError, ValueError, TypeError, pd.errors.OutOfBoundsDatetime):
        raise DataError(f"its rows have other columns than numbers for {', '.join(FIELDS)}") from None
    values.index = labels
    if labels.is_monotonic_increasing and labels.is_unique:
        return Sent(values, labels[:0])
    rows = values.rename_axis("time").reset_index().drop_duplicates()
    rows = rows.sort_values("time", kind="stable").set_index("time")
    later = rows.index.duplicated(keep="last")
    kept = rows[~later].rename_axis(None)
    return Sent(kept, pd.DatetimeIndex(rows.index[later]).unique())


def difference(stored: pd.DataFrame, fresh: pd.DataFrame, at: datetime) -> Revision | None:
    """Return what differs between bars that are stored and the same as they came anew; None if nothing does.

    Parameters
    ----------
    stored, fresh : DataFrame
        As of :func:`in_order`, over the same span.
    at : datetime
        When they came anew.
    """
    index = stored.index.union(fresh.index)
    old, new = (each.reindex(index).to_numpy("float64") for each in (stored, fresh))
    sizes = _relative(old, new)
    one_sided = ~(index.isin(stored.index) & index.isin(fresh.index))
    wrong = (sizes > _TOLERANCES).any(axis=1) | one_sided
    if not wrong.any():
        return None
    first = index[int(np.argmax(wrong))]
    label = str(first.date()) if first.tz is None else first.isoformat()
    is_volume = np.array([field == "volume" for field in FIELDS])
    price, volume = float(sizes[:, ~is_volume].max()), float(sizes[:, is_volume].max())
    return Revision(at, len(index), int(wrong.sum()), label, price, volume)


def _relative(old: NDArray[np.float64], new: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return differences as fractions of the larger value; 1 where only one of the two is a number."""
    with np.errstate(all="ignore"):
        sizes = np.abs(new - old) / np.maximum(np.abs(old), np.abs(new))
    same = (old == new) | (np.isnan(old) & np.isnan(new))
    return np.where(same, 0.0, np.where(np.isfinite(sizes), sizes, 1.0))

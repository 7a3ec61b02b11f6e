"""Rules on moves from one bar to the next: too far to be usual, and as far as a split."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from quantstrats.market.quality.part import places
from quantstrats.market.quality.rule import NOT_REPAIRED, Rule
from quantstrats.market.quality.windows import MANY, level_before, median_before, range_before, scale_before

if TYPE_CHECKING:
    from quantstrats.market.quality.part import Flags, Floats, Part, Places
    from quantstrats.market.quality.rule import Hits

# A day's move that is never an outlier, as a factor either way.
LEAST_MOVE = np.log(1.25)
# Robust standard deviations beyond which a move is an outlier.
SCALES = 15.0

# Old shares for new ones, or new for old.
SPLITS = np.log(np.array([1.5, 2, 3, 4, 5, 6, 7, 8, 10, 12, 15, 20, 25, 30, 40, 50, 100]))
# How near the opening move must be to a split, and in how many robust standard deviations if that is more.
_SPLIT_NEAR = 0.03
_SPLIT_SCALES = 2.0
_SPLIT_NEAR_MOST = 0.08
# A split is no news: it must stand out of usual moves by far, while range and traded value stay usual.
_SPLIT_STANDS_OUT = 6.0
_SPLIT_RANGES = (4.0, 20.0)  # of daily bars, and of the first bar of a session
_SPLIT_VALUES = (4.0, 40.0)
# Beyond this factor from the closes before it the last close is wrong itself, and from its open a close.
_LEVEL = np.log(1.3)


def outlier(part: Part) -> Hits:
    """Find closes that moved too far from the last one to be usual.

    A log return is hit beyond 15 robust standard deviations of the returns of the 63 rows before (1.4826 times their
    median absolute deviation, from 21 returns or more), and beyond log(1.25); of shorter bars than daily ones the
    latter is smaller with the root of the bar's share of a session, not below a tenth, and the first bar of a session
    is never hit. After a gap of n rows the deviations count root n times. The close must be as far from the median of
    the last 7 closes too, so that the way back from up to three wrong closes is no outlier.

    ``expected`` is the last close, or that median where the close lies between the two: it is the last close then that
    is most likely wrong. ``bound`` is the farthest close from it that is allowed.
    """
    least = LEAST_MOVE * part.share
    far = (part.ratio > np.exp(least)) | (part.ratio < np.exp(-least))
    if part.intraday:
        far[part.starts_session] = False
    where = places(far)
    if not len(where[0]):
        return part.joined()
    last = part.last_close[where]
    level = level_before(part, where)
    move = np.log(part.ratio[where])
    from_level = np.log(part.prices["close"][where] / level)
    gap = where[0] - part.last_row[where]
    allowed = np.maximum(least, SCALES * scale_before(part, where) * np.sqrt(gap))
    # NaN, where too little is known, is no hit.
    hit = (np.abs(move) > allowed) & (np.abs(from_level) > allowed)
    usual = np.where(move * from_level > 0, last, level)
    bound = usual * np.exp(np.sign(from_level) * allowed)
    return part.hits((where[0][hit], where[1][hit]), "close", usual[hit], bound[hit])


def unadjusted_split(part: Part) -> Hits:
    """Find opens that look like the bar after a split for which the bars before were not adjusted.

    An open is hit whose ratio to the last close is near that of a split, 3 for 2, 2, 3, 4, 5, 6, 7, 8, 10, 12, 15, 20,
    25, 30, 40, 50 or 100 for 1, or the reverse: within 3%, or twice the robust standard deviation of recent returns if
    that is more, but 8% at most. The move must exceed 6 of those deviations, which 21 returns or more must tell; the
    last close must be within a factor of 1.3 of the median of the last 7, and the close within 1.3 of the open; and the
    bar must look like any other day: its log(high / low) at most 4 times the recent median, its traded value at most 4
    times that of the median recent volume at the last close. Smaller splits cannot be told from news, nor can 3 for 2
    by a bar without a range, nor any split by a bar that has neither range nor volume. Of intraday bars only the first
    of a session is looked at, and may be 20 times as wide and trade 40 times as much.

    ``expected`` is the last close.
    """
    least = SPLITS[0] - _SPLIT_NEAR_MOST
    far = (part.opening > np.exp(least)) | (part.opening < np.exp(-least))
    if part.intraday:
        far &= part.starts_session[:, None]
    where = places(far)
    if not len(where[0]):
        return part.joined()
    last, move = part.last_close[where], np.log(part.opening[where])
    scale = scale_before(part, where) / part.share
    near = np.clip(_SPLIT_SCALES * scale, _SPLIT_NEAR, _SPLIT_NEAR_MOST)
    far_from = np.abs(np.abs(move)[:, None] - SPLITS)
    # 3 for 2 is told from a crash by the rest of the bar alone.
    far_from[:, 0][part.flat[where]] = np.inf
    hit = far_from.min(axis=1) < near
    hit &= np.abs(move) > _SPLIT_STANDS_OUT * scale
    hit &= np.abs(np.log(last / level_before(part, where))) < _LEVEL
    hit &= np.abs(np.log(part.prices["close"][where] / part.prices["open"][where])) < _LEVEL
    hit &= where[0] - part.last_row[where] <= MANY
    hit &= _usual_day(part, where, last)
    # With neither a range nor a volume nothing tells a split from a crash.
    hit &= ~(part.flat[where] & np.isnan(part.volume[where]))
    return part.hits((where[0][hit], where[1][hit]), "open", last[hit])


def _usual_day(part: Part, where: Places, last: Floats) -> Flags:
    """Tell bars with a usual range and a usual traded value; what is not known is usual."""
    wide = np.abs(np.log(part.prices["high"][where] / part.prices["low"][where]))
    traded = part.volume[where] * part.prices["open"][where] / last
    usual: Flags = ~(wide > _SPLIT_RANGES[part.intraday] * range_before(part, where) + _SPLIT_NEAR)
    usual &= ~(traded > _SPLIT_VALUES[part.intraday] * median_before(part.volume, where))
    return usual


RULES = (
    Rule("outlier", "close moved too far to be usual", "unusual", "close", outlier),
    Rule(
        "unadjusted_split",
        "open is off from the last close by the ratio of a split",
        "doubtful",
        "open",
        unadjusted_split,
        NOT_REPAIRED,
    ),
)

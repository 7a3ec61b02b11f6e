"""Rules on single prices that nobody can have traded at: a point in the wrong place, a high or low out of reach."""

from __future__ import annotations

from typing import TYPE_CHECKING

import bottleneck
import numpy as np

from quantstrats.market.frames import PRICES
from quantstrats.market.quality.part import places
from quantstrats.market.quality.rule import Rule
from quantstrats.market.quality.windows import MANY, level_before, median_before, range_before

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from quantstrats.market.quality.part import Flags, Floats, Part, Places
    from quantstrats.market.quality.rule import Hits

# Powers of ten by which the point of one price may have moved.
_POWERS = np.array([-3, -2, -1, 1, 2, 3])
# Of all prices of a bar together: ten would be a split.
_POWERS_OF_BARS = np.array([-3, -2, 2, 3])
# How far, as a factor, a price may lie from the others once its point is put right.
_NEAR = np.log(1.15)
# Prices within this factor of each other are of one level.
_LEVEL = np.log(2)
# No close is off by a hundred that is nearer than this factor to all closes before.
_FAR = 50
# With as many closes, four wrong ones are fewer than the right ones.
_LEAST_CLOSES = 9

# How far above open, close and the last close a day's high may go, and how far below them its low.
HIGH_REACH = np.log(1.5)
LOW_REACH = -np.log(0.6)
# Times the median range of recent bars that a bar may reach beyond them, however far that is.
RANGES = 2.0
_LEAST_RANGES = 5


def decimal_shift(part: Part) -> Hits:
    """Find prices whose decimal point stands in the wrong place.

    A price is hit that is 10, 100 or 1000 times as large, or as small, as the bar's other prices, to within 15% (each
    side in logs). The bar's other prices are those at a level that is known: within a factor of 2 of the median of the
    last 7 closes, or of all closes of the 63 rows before, if these are 9 or more. If none is, they are all four. The
    middle of them counts.

    Where all prices of a bar agree among themselves and are at neither level, but 100 or 1000 times as large or small
    as the median of the last 7 closes, the close is hit, provided that there were 9 closes; a tenth is what a split
    does, and told as one, and 10 times an outlier. So up to four such bars on end are found, and the bar after them is
    right again. Of a longer run the first four are hit, and then it is a new level; the old one is still known until
    the run is 31 bars long.

    ``expected`` is the price with its point put right; so is ``bound``, unless all prices of the bar are off.
    """
    where = places(_apart(part))
    if not len(where[0]):
        return part.joined()
    bars = np.log(np.stack([part.prices[field][where] for field in PRICES]))
    level = np.log(level_before(part, where))
    # Still the old one when a few closes in a row were wrong, and NaN where too few are known to tell.
    settled = np.log(median_before(part.prices["close"], where, _LEAST_CLOSES))
    agree = (np.abs(bars - level) < _LEVEL) | (np.abs(bars - settled) < _LEVEL)
    some = agree.any(axis=0)
    centre = _middle(np.where(agree | ~some, bars, np.nan))
    power = _power(bars - centre, _POWERS)
    hits = [_shifted(part, where, field, power[number]) for number, field in enumerate(PRICES)]
    if part.raw["open"] is part.raw["close"]:
        hits = hits[-1:]
    one = np.ptp(bars, axis=0) < _LEVEL
    whole = _power(bars[-1] - level, _POWERS_OF_BARS) * (one & ~some & ~np.isnan(settled))
    all_off = _shifted(part, where, "close", whole, bounded=False)
    return part.joined(*hits, all_off)


def _apart(part: Part) -> Flags:
    """Tell bars whose prices are far from each other, or whose close is far from any of the 63 rows before."""
    high, low = part.prices["high"], part.prices["low"]
    apart = _far_from_any(part.prices["close"])
    if high is low:
        return apart
    # With a ratio of 10 to within 15%, the extremes are more than 8 apart; NaN compares as near, so fmax and fmin.
    top = np.fmax(np.fmax(part.body_top, high), low)
    apart |= top > 8 * np.fmin(np.fmin(part.body_bottom, high), low)
    return apart


def _far_from_any(close: Floats) -> Flags:
    """Tell closes more than 50 times as large or small as any of the 63 rows before."""
    far = np.zeros(close.shape, dtype=bool)
    # Most columns never go so far.
    columns = np.flatnonzero(bottleneck.nanmax(close, axis=0) > _FAR * bottleneck.nanmin(close, axis=0))
    if len(columns):
        some = close[:, columns]
        rows = min(MANY + 1, len(close))
        above = some > _FAR * bottleneck.move_min(some, rows, min_count=1, axis=0)
        below = some * _FAR < bottleneck.move_max(some, rows, min_count=1, axis=0)
        far[:, columns] = above | below
    return far


def _middle(bars: Floats) -> Floats:
    """Return the median of each column, NaN left out."""
    found = np.full(bars.shape[1], np.nan)
    there = ~np.isnan(bars).all(axis=0)
    found[there] = bottleneck.nanmedian(bars[:, there], axis=0)
    return found


def _power(distance: Floats, powers: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the power of ten that a distance in logs is near to; 0 for none."""
    nearest = np.rint(np.nan_to_num(distance) / np.log(10)).astype("int64")
    near = np.abs(distance - nearest * np.log(10)) < _NEAR
    return np.where(near & np.isin(nearest, powers), nearest, 0)


def _shifted(part: Part, where: Places, field: str, power: NDArray[np.int64], bounded: bool = True) -> Hits:
    hit = power != 0
    row, column = where[0][hit], where[1][hit]
    right = part.raw[field][row, column] * 10.0 ** -power[hit]
    return part.hits((row, column), field, right, right if bounded else None)


def bad_print(part: Part) -> Hits:
    """Find highs and lows far from all other prices, farther than recent ranges explain.

    Of daily bars, a high is hit above 1.5 times the highest of open, close and last close, and a low below 0.6 times
    the lowest of them; of shorter bars that reach, in logs, is smaller with the root of the bar's share of a session,
    but not below a tenth. It must exceed twice the median log(high / low) of the 63 bars before as well, where there
    are 5 or more. A last close that is more than a factor of 2 from the open is left out of account.

    ``bound`` and ``expected`` are the farthest that would be allowed.
    """
    if part.prices["high"] is part.prices["low"]:
        return part.joined()
    return part.joined(_beyond(part, "high"), _beyond(part, "low"))


def _beyond(part: Part, field: str) -> Hits:
    up = field == "high"
    reach = (HIGH_REACH if up else LOW_REACH) * part.share
    price = part.prices[field]
    far = price > part.body_top * np.exp(reach) if up else price < part.body_bottom * np.exp(-reach)
    where = places(far)
    if not len(where[0]):
        return part.joined()
    body = (part.body_top if up else part.body_bottom)[where]
    last = part.last_close[where]
    last = np.where(np.abs(np.log(part.opening[where])) < _LEVEL, last, body)
    edge = np.fmax(body, last) if up else np.fmin(body, last)
    usual = np.nan_to_num(range_before(part, where, _LEAST_RANGES))
    allowed = np.maximum(reach, RANGES * usual)
    bound = edge * np.exp(allowed if up else -allowed)
    hit = price[where] > bound if up else price[where] < bound
    return part.hits((where[0][hit], where[1][hit]), field, bound[hit], bound[hit])


RULES = (
    Rule("decimal_shift", "{field} is off by a power of ten", "doubtful", "price", decimal_shift),
    Rule("bad_print", "high or low is out of reach of the other prices", "doubtful", "price", bad_print),
)

"""Rules on prices that stand still: repeated bars, and opens that repeat the last close."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from quantstrats.market.quality.rule import NOT_REPAIRED, Rule

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from quantstrats.market.quality.part import Flags, Part
    from quantstrats.market.quality.rule import Hits

# Unchanged closes on end, without a range, that are too many.
STILL_BARS = 5
STILL_CLOSES = 10  # of a symbol that has shown no range yet, where an unchanged close says less
_STILL_MINUTES = 60  # of intraday bars: as long as this, if that is more bars

_REPEATED_MINUTES = 2  # intraday bars that repeat the one before, on end

OPEN_BARS = 63
# Shares of those bars at which a stretch of stale opens begins and ends.
OPENS_BEGIN = 0.5
OPENS_END = 0.25


def stale_price(part: Part) -> Hits:
    """Find bars without a range whose close has not changed for long.

    A bar is hit that is at least the fifth on end, or the tenth of a symbol all of whose bars so far had no range (as
    close-only bars), whose close is the last close and whose high is its low. Of intraday bars it takes an hour at
    least. Missing bars do not count and do not interrupt.
    """
    few, many = STILL_BARS, STILL_CLOSES
    if part.intraday:
        minutes = float(np.median(np.diff(part.grid.index[:1000].asi8))) / 60e9 if len(part.grid.index) > 1 else 1.0
        few, many = (max(bars, math.ceil(_STILL_MINUTES / minutes)) for bars in (few, many))
    still = part.flat & (part.prices["close"] == part.last_close)
    columns = np.flatnonzero(np.count_nonzero(still, axis=0) >= few)
    if not len(columns):
        return part.joined()
    still = still[:, columns]
    close = part.prices["close"][:, columns]
    run = _run_length(still, ~np.isnan(close) & ~still)
    ranged = np.logical_or.accumulate(part.prices["high"][:, columns] > part.prices["low"][:, columns], axis=0)
    rows, narrow = np.nonzero(still & (run >= np.where(ranged, few, many)))
    return part.hits((rows, columns[narrow]), "close")


def repeated_bar(part: Part) -> Hits:
    """Find bars with a range that are, to the last digit and share, the bar on the row before.

    All prices and the volume, which must be known and above zero, are the same: no two days of trading are, so the feed
    has most likely sent the old bar again. Of intraday bars, where little trade may repeat itself, the third on end and
    those that follow are hit.
    """
    same = part.prices["close"] == part.last_close
    same &= ~part.flat
    rows, columns = np.nonzero(same[1:])
    before, rows = rows, rows + 1
    for name in ("open", "high", "low"):
        prices = part.prices[name]
        kept = prices[rows, columns] == prices[before, columns]
        before, rows, columns = before[kept], rows[kept], columns[kept]
    volume = part.volume
    kept = (volume[rows, columns] == volume[before, columns]) & (volume[rows, columns] > 0)
    rows, columns = rows[kept], columns[kept]
    if part.intraday and len(rows):
        repeated = np.zeros(part.shape, dtype=bool)
        repeated[rows, columns] = True
        rows, columns = np.nonzero(repeated & (_run_length(repeated, ~repeated) >= _REPEATED_MINUTES))
    return part.hits((rows, columns), "close")


def stale_open(part: Part) -> Hits:
    """Find stretches of daily bars in which most opens are just the last close.

    Where the open of half of the last 63 bars that have a range equals the close before to the last digit, a stretch
    begins and its first bar is hit; it ends where less than a quarter do. Intraday bars, and those of an exchange whose
    sessions follow each other without a break, open where the last bar closed and are not looked at.
    """
    if part.intraday or _never_closes(part):
        return part.joined()
    same = (part.prices["open"] == part.last_close) & ~part.flat
    columns = np.flatnonzero(np.count_nonzero(same, axis=0) >= OPENS_BEGIN * OPEN_BARS)
    if not len(columns):
        return part.joined()
    looked_at = ~(np.isnan(part.prices["close"]) | part.flat)[:, columns]
    edges = []
    for number, column in enumerate(columns):
        bars = np.flatnonzero(looked_at[:, number])
        edges.append((bars[_stretches(same[bars, column])], column))
    rows = np.concatenate([found for found, _ in edges])
    across = np.repeat([column for _, column in edges], [len(found) for found, _ in edges])
    order = np.lexsort((across, rows))
    where = rows[order], across[order]
    return part.hits(where, "open")


def _run_length(counted: Flags, interrupts: Flags) -> NDArray[np.int32]:
    """Return how many bars were counted since the last that interrupts, this one included."""
    count = np.cumsum(counted, axis=0, dtype="int32")
    before = np.maximum.accumulate(np.where(interrupts, count, np.int32(0)), axis=0)
    return np.asarray(count - before, dtype="int32")


def _stretches(same: Flags) -> NDArray[np.intp]:
    """Return where stretches begin."""
    count = np.cumsum(same)
    share = (count[OPEN_BARS - 1 :] - np.append(0, count[:-OPEN_BARS])) / OPEN_BARS if len(same) >= OPEN_BARS else []
    share = np.asarray(share)
    step = np.arange(len(share))
    begun = np.maximum.accumulate(np.where(share >= OPENS_BEGIN, step, -1))
    ended = np.maximum.accumulate(np.where(share < OPENS_END, step, -1))
    within = begun > ended
    return np.flatnonzero(within & ~np.append(False, within[:-1])[: len(within)]) + OPEN_BARS - 1


def _never_closes(part: Part) -> bool:
    """Tell whether each session ends a day after the one before."""
    ends = part.grid.decided_at.as_unit("ns").asi8
    return len(ends) > 7 and bool((np.diff(ends[:15]) <= 86_400_000_000_000).all())


RULES = (
    Rule("stale_price", "close has not changed, without a range, for long", "unusual", "close", stale_price),
    Rule("repeated_bar", "all values are those of the bar before", "doubtful", "bar", repeated_bar),
    Rule(
        "stale_open", "open is the last close on most of the last 63 bars", "doubtful", "open", stale_open, NOT_REPAIRED
    ),
)

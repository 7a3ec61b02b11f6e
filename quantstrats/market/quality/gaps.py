"""Rules on bars that are not there."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from quantstrats.market.quality.part import places
from quantstrats.market.quality.rule import NOT_REPAIRED, Rule
from quantstrats.market.quality.windows import level_before

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from quantstrats.market.quality.block import Block
    from quantstrats.market.quality.part import Flags, Part
    from quantstrats.market.quality.rule import Hits

# Sessions, about three months, after which a name may be another company's.
REUSE_SESSIONS = 63
# The factor, either way, that makes a level another one.
_UNRELATED = np.log(2)


def missing_bar(part: Part) -> Hits:
    """Find rows of the exchange's grid without a bar, after a symbol's first bar.

    Of intraday bars, the first missing one of each session is hit. What is missing after a symbol's last bar is hit
    too, since at that time nobody knows that it was the last, but no report counts it.
    """
    missing = part.empty
    if missing.any():
        missing = missing & np.logical_or.accumulate(~missing, axis=0)
        if part.intraday:
            missing &= _since_session_start(missing, part.starts_session) == 1
    return part.hits(missing, "close")


def counted_missing(block: Block, hits: Hits) -> Hits:
    """Return the missing bars that a report counts: those before a symbol's last bar.

    Of intraday bars, each hit then stands for all that are missing in its session, as far as the last bar.
    """
    columns = np.unique(hits.column)
    there = ~np.isnan(block.values["close"][:, columns])
    last = np.where(there.any(axis=0), len(there) - 1 - np.argmax(there[::-1], axis=0), -1)
    narrow = np.searchsorted(columns, hits.column)
    kept = hits.row < last[narrow]
    counted, narrow = hits.only(kept), narrow[kept]
    if block.bar is None or not len(counted):
        return counted
    session = block.grid.session.asi8
    starts = np.flatnonzero(np.append(True, session[1:] != session[:-1]))
    lacking = ~there & (np.arange(len(there))[:, None] < last)
    # From the hit to its session's end; what is missing earlier in it lies before the first bar.
    total = np.add.reduceat(lacking, starts, axis=0, dtype="int32")
    number = np.searchsorted(starts, counted.row, side="right") - 1
    before = _since_session_start(lacking, np.isin(np.arange(len(there)), starts))
    return replace(counted, bars=total[number, narrow] - before[counted.row, narrow] + 1)


def _since_session_start(flags: Flags, starts: Flags) -> NDArray[np.int32]:
    """Count the flags from each session's first row to each row."""
    count = np.cumsum(flags, axis=0, dtype="int32")
    first = np.flatnonzero(starts)
    before = count[first] - flags[first]
    return np.asarray(count - before[np.cumsum(starts) - 1], dtype="int32")


def symbol_reuse(part: Part) -> Hits:
    """Find bars that follow a gap of more than 63 sessions at another price level.

    The first bar after such a gap is hit if its open and its close are both more than a factor of 2 above, or both as
    far below, the last close before and the median of the last 7 before: one wrong price on either side is no other
    company. ``expected`` is that last close.
    """
    far = (part.opening > np.exp(_UNRELATED)) | (part.opening < np.exp(-_UNRELATED))
    where = places(far)
    if not len(where[0]):
        return part.joined()
    session = np.cumsum(part.starts_session)
    last_row = part.last_row[where].astype("intp")
    passed: NDArray[np.int64] = session[where[0]] - session[last_row]
    long = passed > REUSE_SESSIONS + 1
    row, column = (part_of[long] for part_of in where)
    last = part.last_close[row, column]
    before = np.log(np.stack([last, level_before(part, (last_row[long] + 1, column))]))
    after = np.log(np.stack([part.prices[field][row, column] for field in ("open", "close")]))
    moves = (after[:, None] - before).reshape(4, -1)
    hit = (moves > _UNRELATED).all(axis=0) | (moves < -_UNRELATED).all(axis=0)
    return part.hits((row[hit], column[hit]), "open", last[hit])


RULES = (
    Rule("missing_bar", "no bar where the exchange was open", "unusual", "bar", missing_bar, NOT_REPAIRED),
    Rule(
        "symbol_reuse", "after a long gap, prices are at another level", "doubtful", "open", symbol_reuse, NOT_REPAIRED
    ),
)

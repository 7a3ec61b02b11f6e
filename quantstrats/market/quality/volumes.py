"""Rules on volumes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import bottleneck
import numpy as np

from quantstrats.market.quality.part import places
from quantstrats.market.quality.rule import Rule
from quantstrats.market.quality.windows import LEAST, MANY, median_before

if TYPE_CHECKING:
    from quantstrats.market.quality.part import Part
    from quantstrats.market.quality.rule import Hits

# Bars after which a symbol that never traded is one whose volume nobody tells, as that of an index.
UNTOLD_BARS = 20
# Times the usual volume.
ABSURD = 1000.0


def zero_volume(part: Part) -> Hits:
    """Find bars with prices and a volume of zero.

    A symbol without any volume above zero in more than 20 bars so far is taken for one whose volume is not told, as
    that of an index or of a currency, and is not hit from then on until it trades.
    """
    volume = part.raw["volume"]
    zero = (volume == 0) & ~np.isnan(part.prices["close"])
    columns = np.flatnonzero(zero.any(axis=0))
    if not len(columns):
        return part.joined()
    traded = np.logical_or.accumulate(volume[:, columns] > 0, axis=0)
    bars = np.cumsum(~np.isnan(part.prices["close"][:, columns]), axis=0, dtype="int32")
    rows, narrow = np.nonzero(zero[:, columns] & (traded | (bars <= UNTOLD_BARS)))
    return part.hits((rows, columns[narrow]), "volume")


def absurd_volume(part: Part) -> Hits:
    """Find volumes above 1000 times the median volume of the 63 rows before, zeros left out, from 21 bars or more.

    ``expected`` is that median, ``bound`` 1000 times it.
    """
    volume = part.volume
    if bottleneck.anynan(volume) and np.isnan(volume).all():
        return part.joined()
    # Only what is so far above the least of those volumes can be so far above their median.
    traded = np.where(volume > 0, volume, np.inf)
    least = bottleneck.move_min(traded, min(MANY + 1, len(traded)), min_count=1, axis=0)
    where = places(volume > ABSURD * least)
    if not len(where[0]):
        return part.joined()
    traded[np.isinf(traded)] = np.nan
    usual = median_before(traded, where, LEAST)
    hit = part.volume[where] > ABSURD * usual
    return part.hits((where[0][hit], where[1][hit]), "volume", usual[hit], ABSURD * usual[hit])


RULES = (
    Rule("zero_volume", "volume is zero while there are prices", "unusual", "volume", zero_volume),
    Rule("absurd_volume", "volume is more than 1000 times the usual", "doubtful", "volume", absurd_volume),
)

"""first_touch: the compiled loop of the triple-barrier method."""

from __future__ import annotations

import numpy as np

from quantstrats.features.kernels import compiled

_PROFIT, _STOP, _TIME = 1.0, -1.0, 0.0


@compiled
def first_touch(open_, high, low, close, present, next_bar, width, side, profit, stop, horizon):  # type: ignore[no-untyped-def]
    """Return what ends the position that is decided on each row, what it earns, and on which row it ends.

    Arrays of shape (symbols, rows); NaN, NaN and -1 where there is no position, or not ``horizon`` rows more.
    """
    symbols, rows = close.shape
    touched = np.full((symbols, rows), np.nan)
    earned = np.full((symbols, rows), np.nan)
    end = np.full((symbols, rows), -1, dtype=np.intp)
    for place in range(symbols):
        for row in range(rows - horizon):
            way, share = side[place, row], width[place, row]
            first, latest = next_bar[place, row], row + horizon
            # Written so that NaN is refused too.
            if not (present[place, row] and first <= latest and share > 0.0 and (way > 0.0 or way < 0.0)):
                continue
            paid = open_[place, first]
            if way > 0.0:
                above, below = paid * (1.0 + profit * share), paid * (1.0 - stop * share)
            else:
                above, below = paid * (1.0 + stop * share), paid * (1.0 - profit * share)
            got, what, last = np.nan, _TIME, latest
            for bar in range(first, latest + 1):
                opened = open_[place, bar]
                if opened != opened:
                    continue
                got = close[place, bar]
                # The open is asked too: of bars that were not repaired it may lie outside the range.
                hit_above = high[place, bar] >= above or opened >= above
                hit_below = low[place, bar] <= below or opened <= below
                if not (hit_above or hit_below):
                    continue
                last = bar
                if opened >= above or opened <= below:
                    up, got = opened >= above, opened
                else:
                    up = hit_above and not (hit_below and way > 0.0)
                    got = above if up else below
                what = _PROFIT if up == (way > 0.0) else _STOP
                break
            touched[place, row], end[place, row] = what, last
            earned[place, row] = way * (got / paid - 1.0)
    return touched, earned, end

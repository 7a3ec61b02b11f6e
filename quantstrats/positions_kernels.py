"""Compiled loop of positions that end at a stop; arrays are rows x symbols, of one line per row."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from quantstrats.features.kernels import compiled

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[np.float64]


ROUNDING = 1e-12  # 90 / 100 - 1 lies above -0.1


def sides_until_stopped(wanted: Array, close: Array, stop_loss: float, take_profit: float) -> Array:
    """Return the side that is held after each close: 1, -1 or 0; NaN before anything is known of the symbol."""
    held: Array = _sides_until_stopped(
        np.ascontiguousarray(wanted), np.ascontiguousarray(close), stop_loss, take_profit
    )
    return held


@compiled
def _sides_until_stopped(wanted, close, stop_loss, take_profit):  # type: ignore[no-untyped-def]
    out = np.empty(wanted.shape)
    for symbol in range(wanted.shape[1]):
        side, barred, since, known = 0.0, 0.0, 1.0, False
        for row in range(wanted.shape[0]):
            price, asked = close[row, symbol], wanted[row, symbol]
            known = known or asked == asked
            gain = side * (price / since - 1.0)
            # A missing price compares as false, so that nothing happens without a bar.
            if side != 0.0 and (gain <= ROUNDING - stop_loss or gain >= take_profit - ROUNDING):
                barred, side = side, 0.0
            if price == price and asked == asked:
                asked = np.sign(asked)
                if asked != barred:
                    barred = 0.0
                    if asked != 0.0 and asked != side:
                        side, since = asked, price
            out[row, symbol] = side if known else np.nan
    return out

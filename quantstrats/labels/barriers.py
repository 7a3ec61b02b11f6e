"""triple_barrier: which of profit, stop and time ends a position."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from quantstrats.checks import number
from quantstrats.errors import ConfigError, did_you_mean
from quantstrats.labels.following import following
from quantstrats.labels.given import like, numbers
from quantstrats.labels.labels import DOWN, NEUTRAL, UP, Labels, checked_horizon
from quantstrats.labels.thresholds import threshold
from quantstrats.labels.touching import first_touch
from quantstrats.labels.volatility import trailing_volatility
from quantstrats.market.given import checked_market

if TYPE_CHECKING:
    import pandas as pd

    from quantstrats.market.market import Market

_VERTICALS = ("zero", "sign")


@dataclass(frozen=True, eq=False, repr=False)
class Barriers(Labels):
    """Labels of the triple-barrier method, with what ended each position and what it earned.

    Attributes
    ----------
    touched : DataFrame
        1.0 where the profit barrier ended it, -1.0 the stop, 0.0 time; NaN where the label is unknown.
    side : DataFrame or None
        Which side each position was on, 1.0 or -1.0; None where all were long. Values and returns are the position's.
    """

    touched: pd.DataFrame | None = None
    side: pd.DataFrame | None = None

    def _frames(self) -> dict[str, pd.DataFrame]:
        more = {"touched": self.touched, "side": self.side}
        return super()._frames() | {name: frame for name, frame in more.items() if frame is not None}


def triple_barrier(
    market: Market,
    horizon: int,
    profit: float | None = 2.0,
    stop: float | None = 2.0,
    volatility: pd.DataFrame | None = None,
    side: pd.DataFrame | None = None,
    vertical: Literal["zero", "sign"] = "zero",
) -> Barriers:
    """Return which barrier a position would have touched first: a profit, a stop, or the end of its time.

    Entered at the open of the next bar, p0. With volatility s as known at the decision, the barriers of a long
    position stand at p0 (1 + profit x s) and p0 (1 - stop x s), those of a short one at p0 (1 - profit x s) and
    p0 (1 + stop x s) (Lopez de Prado 2018, Advances in Financial Machine Learning, section 3.4, there from the close).
    From the bar of entry to the ``horizon``-th row after the decision:

    - a bar that opens beyond a barrier ends the position at its open;
    - a bar that reaches both ends it at the stop: which came first is not known;
    - what reached neither ends at the last close.

    A label is missing until its whole horizon is there, also where a barrier was touched before: else the last rows
    would know of quick ends alone. Missing bars, and symbols that ended, as in :func:`direction`. On close-only bars a
    barrier is only touched at closes.

    Parameters
    ----------
    market : Market
        The bars.
    horizon : int
        In rows, from the decision to the close that ends a position at the latest.
    profit, stop : float or None, default 2.0
        Distance of the barriers in multiples of volatility, more than 0; None for no such barrier.
    volatility : DataFrame, optional
        As a fraction per bar, rows x symbols, as known at each row (no label where it is NaN or 0); by default
        :func:`trailing_volatility` of 20 bars.
    side : DataFrame, optional
        Which side is taken, by its sign, as a forecast says it (no label where it is NaN or 0); by default all long.
    vertical : {"zero", "sign"}, default "zero"
        What a position is called that time ended: NEUTRAL, or UP or DOWN by the sign of what it earned.

    Returns
    -------
    Barriers
        UP for the profit, DOWN for the stop, of the position on its side; ``end`` is the row of the touch.

    Raises
    ------
    ConfigError
        If a parameter makes no sense.
    DataError
        If there are not more rows than the horizon, or too few for the default of ``volatility``; if a frame is of
        other rows or symbols.
    """
    import pandas as pd

    checked_market(market)
    horizon = checked_horizon(horizon, len(market))
    if vertical not in _VERTICALS:
        near = did_you_mean(vertical, _VERTICALS)
        raise ConfigError(f"vertical is {vertical!r}{near} (it can be zero, sign)")
    multiples = [_multiple("profit", profit), _multiple("stop", stop)]
    sides = np.ones((1, 1)) if side is None else np.sign(numbers(like(market.close, side, "side"), "side"))
    width = trailing_volatility(market) if volatility is None else volatility
    widths = threshold(market.close, width, "volatility")
    bars = following(market)
    shape = bars.close.shape
    by_symbol = [
        np.ascontiguousarray(np.broadcast_to(each, shape).T)
        for each in (bars.open, bars.high, bars.low, bars.close, bars.present, bars.next_bar, widths, sides)
    ]
    touched, earned, end = (each.T for each in first_touch(*by_symbol, *multiples, horizon))
    known = end >= 0
    by_time = NEUTRAL if vertical == "zero" else np.sign(earned)
    values = np.select([~known, touched > 0, touched < 0], [np.nan, UP, DOWN], by_time)
    start = np.where(known, np.arange(len(market), dtype=np.intp)[:, None], -1)
    frames = [pd.DataFrame(each, market.index, market.symbols) for each in (values, earned, touched)]
    taken = None if side is None else pd.DataFrame(np.where(known, sides, np.nan), market.index, market.symbols)
    return Barriers(frames[0], start, np.ascontiguousarray(end), horizon, frames[1], frames[2], taken)


def _multiple(what: str, given: float | None) -> float:
    value = np.inf if given is None else number(what, given)
    if not value > 0:
        raise ConfigError(f"{what} is {given!r}; give a multiple of volatility above 0, or None for no such barrier")
    return value

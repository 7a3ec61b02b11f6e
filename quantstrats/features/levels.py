"""Levels: prices at which others may act, and how far the close is from them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from quantstrats.features.bars import lag as before
from quantstrats.features.channels import donchian_lower, donchian_upper
from quantstrats.features.decay import whole
from quantstrats.features.definition import feature
from quantstrats.features.levels_kernels import bars_since_highest

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from quantstrats.features.bars import Array, Bars

_EDWARDS = "Edwards and Magee (1948), Technical Analysis of Stock Trends, ch. 13, support and resistance"
_PERSON = "Person (2004), A Complete Guide to Technical Trading Tactics, on pivot points"
_RECENCY = "Bhootra and Hur (2013), The Timing of 52-Week High Price and Momentum, J. of Banking & Finance 37(10)"
_WILLIAMS = "Williams (1995), Trading Chaos, ch. on fractals"

_ROUNDING = 1e-12  # parts of the close by which distances may differ for nothing but rounding
_WING = 2  # bars on either side of a fractal's middle


@feature(source=_EDWARDS, bars=lambda window: whole(window) + 1, scale="price")
def support(bars: Bars, window: int = 20) -> Array:
    """Support: the lowest low of the ``window`` bars before this one, which may close below it."""
    return before(bars.of(donchian_lower, window=window))


@feature(source=_EDWARDS, bars=lambda window: whole(window) + 1, scale="price")
def resistance(bars: Bars, window: int = 20) -> Array:
    """Resistance: the highest high of the ``window`` bars before this one, which may close above it."""
    return before(bars.of(donchian_upper, window=window))


@feature(source=_EDWARDS, bars=lambda window: whole(window) + 1)
def support_distance(bars: Bars, window: int = 20) -> Array:
    """Distance to support: (close - support) / close; negative where the close is below it."""
    return 1.0 - bars.of(support, window=window) / bars.close


@feature(source=_EDWARDS, bars=lambda window: whole(window) + 1)
def resistance_distance(bars: Bars, window: int = 20) -> Array:
    """Distance to resistance: (resistance - close) / close; negative where the close is above it."""
    return bars.of(resistance, window=window) / bars.close - 1.0


def _break_bars(window: int, near: float) -> int:
    if not 0.0 <= near < 1.0:
        raise ValueError(f"near is {near:g}; it must be at least 0 and below 1")
    return whole(window) + 1


@feature(source=f"{_EDWARDS}; how near is near, they leave open", bars=_break_bars)
def break_zone(bars: Bars, window: int = 20, near: float = 0.01) -> Array:
    """Break zone: 2 above resistance, 1 near below it, -1 near above support, -2 below support, else 0.

    Near is within ``near`` of the close; where both are, the nearer one counts, and 0 where they are as near.
    """
    up, down = bars.of(resistance_distance, window=window), bars.of(support_distance, window=window)
    edge = near + _ROUNDING
    below = ((up <= edge) & (up < down - _ROUNDING)).astype(np.float64)
    above = (down <= edge) & (down < up - _ROUNDING)
    zone = below - above + (up < 0.0) - (down < 0.0)
    return np.where(np.isnan(up), np.nan, zone)


@feature(source=_PERSON, bars=2, scale="price", needs=("ranges",))
def pivot_point(bars: Bars) -> Array:
    """Pivot point: (high + low + close) / 3 of the bar before."""
    return before(bars.typical)


@feature(source=_PERSON, bars=2, scale="price", needs=("ranges",))
def pivot_r1(bars: Bars) -> Array:
    """First resistance of the pivot point: 2 x pivot point - low of the bar before."""
    return before(2.0 * bars.typical - bars.low)


@feature(source=_PERSON, bars=2, scale="price", needs=("ranges",))
def pivot_s1(bars: Bars) -> Array:
    """First support of the pivot point: 2 x pivot point - high of the bar before."""
    return before(2.0 * bars.typical - bars.high)


@feature(
    source="George and Hwang (2004), The 52-Week High and Momentum Investing, J. of Finance 59(5), 2145-2176",
    bars=lambda window: whole(window),
)
def high_proximity(bars: Bars, window: int = 252) -> Array:
    """Proximity to the high: close / highest high of ``window`` bars, at most 1."""
    return bars.close / bars.of(donchian_upper, window=window)


@feature(source=_RECENCY, bars=lambda window: whole(window, 2))
def new_high(bars: Bars, window: int = 252) -> Array:
    """Recency of the high: 1 - bars since the highest close of ``window`` bars / (``window`` - 1).

    1 at a new high, 0 where it is about to leave the window; of equal ones the latest counts.
    """
    return 1.0 - bars_since_highest(bars.close, window) / (window - 1.0)


@feature(source=f"{_RECENCY}; of lows", bars=lambda window: whole(window, 2))
def new_low(bars: Bars, window: int = 252) -> Array:
    """Recency of the low: 1 - bars since the lowest close of ``window`` bars / (``window`` - 1)."""
    return 1.0 - bars_since_highest(-bars.close, window) / (window - 1.0)


def _last_fractal(values: Array, is_fractal: NDArray[np.bool_], window: int) -> Array:
    """Return the value at the last fractal whose middle is at most ``window`` bars ago; NaN where there is none."""
    places = np.arange(float(values.shape[1]))
    last = before(np.maximum.accumulate(np.where(is_fractal, places, -1.0), axis=1), _WING)
    known = (last >= 0.0) & (places - last <= window) & ~np.isnan(values)
    return np.where(known, np.take_along_axis(values, np.where(known, last, 0.0).astype(np.intp), axis=1), np.nan)


def _fractals(values: Array) -> NDArray[np.bool_]:
    """Return where a value is above the two on either side."""
    found = np.zeros(values.shape, dtype=bool)
    middle = values[:, _WING:-_WING]
    count = middle.shape[1]
    found[:, _WING:-_WING] = True
    for step in (-2, -1, 1, 2):
        found[:, _WING:-_WING] &= middle > values[:, _WING + step : _WING + step + count]
    return found


@feature(source=_WILLIAMS, bars=lambda window: whole(window, _WING) + _WING + 1, scale="price", needs=("ranges",))
def fractal_high(bars: Bars, window: int = 60) -> Array:
    """Fractal high: the last high above the two highs on either side, known two bars after it.

    Missing where the last ``window`` bars before this one have none.
    """
    return _last_fractal(bars.high, _fractals(bars.high), window)


@feature(source=_WILLIAMS, bars=lambda window: whole(window, _WING) + _WING + 1, scale="price", needs=("ranges",))
def fractal_low(bars: Bars, window: int = 60) -> Array:
    """Fractal low: the last low below the two lows on either side, known two bars after it.

    Missing where the last ``window`` bars before this one have none.
    """
    return _last_fractal(bars.low, _fractals(-bars.low), window)

"""Candles: the shape of a bar, and of two or three in a row.

Patterns are 1 where buyers come in, -1 where sellers do, 0 where there is none. What the trend was before them is left
to other features. A body is what lies between open and close; it is white where the close is higher, black where lower.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from quantstrats.features.bars import lag as before
from quantstrats.features.bars import ratio
from quantstrats.features.decay import whole
from quantstrats.features.definition import feature
from quantstrats.features.kernels import rolling_mean, rolling_min

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from quantstrats.features.bars import Array, Bars

    Truth = NDArray[np.bool_]

_CRABEL = "Crabel (1990), Day Trading with Short Term Price Patterns and Opening Range Breakout"
_NISON = "Nison (1991), Japanese Candlestick Charting Techniques"


def _top(bars: Bars) -> Array:
    return bars.once("body top", lambda: np.maximum(bars.open, bars.close))


def _bottom(bars: Bars) -> Array:
    return bars.once("body bottom", lambda: np.minimum(bars.open, bars.close))


def _range(bars: Bars) -> Array:
    return bars.once("high less low", lambda: bars.high - bars.low)


def _sign(bars: Bars) -> Array:
    """Return 1 of a white body, -1 of a black one, 0 of none."""
    return bars.once("body sign", lambda: np.sign(bars.close - bars.open))


def _pattern(up: Truth, down: Truth, reach: Array) -> Array:
    """Return 1 and -1, and NaN where ``reach``, what the first bar of the pattern had, is not known."""
    return np.where(np.isnan(reach), np.nan, up.astype(np.float64) - down)


@feature(source=f"{_NISON}, ch. 3", bars=1, needs=("ranges",))
def body(bars: Bars) -> Array:
    """Body: |close - open| / (high - low), 0 to 1; missing where the bar has no range."""
    return ratio(np.abs(bars.close - bars.open), _range(bars))


@feature(source=f"{_NISON}, ch. 3", bars=1, needs=("ranges",))
def upper_shadow(bars: Bars) -> Array:
    """Upper shadow: (high - higher of open and close) / (high - low), 0 to 1; missing without a range."""
    return ratio(bars.high - _top(bars), _range(bars))


@feature(source=f"{_NISON}, ch. 3", bars=1, needs=("ranges",))
def lower_shadow(bars: Bars) -> Array:
    """Lower shadow: (lower of open and close - low) / (high - low), 0 to 1; missing without a range."""
    return ratio(_bottom(bars) - bars.low, _range(bars))


@feature(source="Achelis (2000), Technical Analysis from A to Z, Accumulation/Distribution", bars=1, needs=("ranges",))
def close_location_value(bars: Bars) -> Array:
    """Close location value: ((close - low) - (high - close)) / (high - low), -1 to 1.

    Missing where there is no range.
    """
    return ratio((bars.close - bars.low) - (bars.high - bars.close), _range(bars))


@feature(source="range of a bar, as a part of its close", bars=1, needs=("ranges",))
def bar_range(bars: Bars) -> Array:
    """Range of the bar: (high - low) / close."""
    return _range(bars) / bars.close


@feature(source=f"{_NISON}, ch. 7, windows", bars=2, needs=("ranges",))
def gap(bars: Bars) -> Array:
    """Gap that a bar leaves open: its low over the high before, or (negative) its high under the low.

    As a part of the close before; 0 where the ranges meet. From close to open, whatever came after, is
    ``overnight_return``.
    """
    up = np.maximum(bars.low - before(bars.high), 0.0)
    down = np.minimum(bars.high - before(bars.low), 0.0)
    return (up + down) / before(bars.close)


@feature(source=_CRABEL, bars=2, needs=("ranges",))
def inside_bar(bars: Bars) -> Array:
    """Inside bar: 1 where high is below and low above those of the bar before, else 0."""
    high, low = before(bars.high), before(bars.low)
    inside = (bars.high < high) & (bars.low > low)
    return _pattern(inside, np.zeros_like(inside), high)


@feature(source=_CRABEL, bars=2, needs=("ranges",))
def outside_bar(bars: Bars) -> Array:
    """Outside bar: 1 where high is above and low below those of the bar before, else 0."""
    high, low = before(bars.high), before(bars.low)
    outside = (bars.high > high) & (bars.low < low)
    return _pattern(outside, np.zeros_like(outside), high)


@feature(source=_CRABEL, bars=lambda window: whole(window, 2), needs=("ranges",))
def narrow_range(bars: Bars, window: int = 7) -> Array:
    """Narrow range: 1 where high - low is the smallest of ``window`` bars (NR7), else 0; ties are none."""
    least = rolling_min(before(_range(bars)), window - 1)
    narrow = _range(bars) < least
    return _pattern(narrow, np.zeros_like(narrow), least)


def _above_zero(**values: float) -> None:
    for name, value in values.items():
        if value <= 0.0:
            raise ValueError(f"{name} is {value:g}; it must be above 0")


def _doji_bars(window: int, part: float) -> int:
    _above_zero(part=part)
    return whole(window) + 1


@feature(source=f"{_NISON}, ch. 8", bars=_doji_bars, needs=("ranges",))
def doji(bars: Bars, window: int = 10, part: float = 0.1) -> Array:
    """Doji: 1 where the body is at most ``part`` of the mean range of the ``window`` bars before, else 0.

    How small it must be, Nison leaves open; TA-Lib takes the same tenth.
    """
    usual = rolling_mean(before(_range(bars)), window)
    small = np.abs(bars.close - bars.open) <= part * usual
    return _pattern(small, np.zeros_like(small), usual)


def _hammer_bars(shadow: float, rest: float) -> int:
    _above_zero(shadow=shadow, rest=rest)
    return 1


@feature(source=f"{_NISON}, ch. 4 and 5", bars=_hammer_bars, needs=("ranges",))
def hammer(bars: Bars, shadow: float = 2.0, rest: float = 0.1) -> Array:
    """Hammer: 1 where the lower shadow is twice the body, with hardly an upper one; -1 upside down.

    ``shadow`` is the least multiple of the body, ``rest`` the most that the other shadow may have of the range. After a
    rise the first is a hanging man, after a fall the other an inverted hammer.
    """
    size, length = np.abs(bars.close - bars.open), _range(bars)
    above, below = bars.high - _top(bars), _bottom(bars) - bars.low
    up = (below >= shadow * size) & (above <= rest * length) & (below > 0.0)
    down = (above >= shadow * size) & (below <= rest * length) & (above > 0.0)
    return _pattern(up, down, length)


@feature(source=f"{_NISON}, ch. 4", bars=2, needs=("ranges",))
def engulfing(bars: Bars) -> Array:
    """Engulfing pattern: 1 where a white body covers the black one before, -1 where black covers white.

    One end may be the same, not both.
    """
    top, bottom, sign = before(_top(bars)), before(_bottom(bars)), before(_sign(bars))
    covers = (_top(bars) >= top) & (_bottom(bars) <= bottom) & ((_top(bars) > top) | (_bottom(bars) < bottom))
    return _pattern(covers & (_sign(bars) > 0) & (sign < 0), covers & (_sign(bars) < 0) & (sign > 0), top)


@feature(source=f"{_NISON}, ch. 6", bars=2, needs=("ranges",))
def harami(bars: Bars) -> Array:
    """Harami: 1 where a white body lies within the black one before, -1 where black lies within white.

    One end may be the same, not both.
    """
    top, bottom, sign = before(_top(bars)), before(_bottom(bars)), before(_sign(bars))
    within = (_top(bars) <= top) & (_bottom(bars) >= bottom) & ((_top(bars) < top) | (_bottom(bars) > bottom))
    return _pattern(within & (_sign(bars) > 0) & (sign < 0), within & (_sign(bars) < 0) & (sign > 0), top)


@feature(source=f"{_NISON}, ch. 4", bars=2, needs=("ranges",))
def piercing(bars: Bars) -> Array:
    """Piercing pattern: 1 where white opens under the low and closes over the middle of a black body.

    -1, dark cloud cover, where a black one opens above the high before and closes under the middle of a white one. The
    close stays within that body; beyond it there would be an engulfing pattern.
    """
    opened, closed, sign = before(bars.open), before(bars.close), before(_sign(bars))
    middle = 0.5 * (opened + closed)
    up = (sign < 0) & (bars.open < before(bars.low)) & (bars.close > middle) & (bars.close < opened)
    down = (sign > 0) & (bars.open > before(bars.high)) & (bars.close < middle) & (bars.close > opened)
    return _pattern(up, down, middle)


def _star_bars(part: float) -> int:
    _above_zero(part=part)
    return 3


@feature(source=f"{_NISON}, ch. 5", bars=_star_bars, needs=("ranges",))
def star(bars: Bars, part: float = 0.3) -> Array:
    """Morning star: 1 after a black body, a small one below, and a white one to over the first's middle.

    -1, evening star, the other way round. The small body, of either colour, has at most ``part`` of the first one's
    size (Nison gives no number) and lies wholly beyond its close.
    """
    opened, closed = before(bars.open, 2), before(bars.close, 2)
    middle, sign = 0.5 * (opened + closed), before(_sign(bars), 2)
    top, bottom = before(_top(bars)), before(_bottom(bars))
    small = top - bottom <= part * np.abs(closed - opened)
    up = small & (sign < 0) & (top < closed) & (_sign(bars) > 0) & (bars.close > middle)
    down = small & (sign > 0) & (bottom > closed) & (_sign(bars) < 0) & (bars.close < middle)
    return _pattern(up, down, middle)


@feature(source=f"{_NISON}, ch. 6 and 7", bars=3, needs=("ranges",))
def three_soldiers(bars: Bars) -> Array:
    """Three white soldiers: 1 after three white bodies, each opening within the last, closing higher.

    -1, three black crows, after three black ones, each closing lower and opening within the body before.
    """
    within = (bars.open >= before(_bottom(bars))) & (bars.open <= before(_top(bars)))
    higher = within & (bars.close > before(bars.close)) & (_sign(bars) > 0)
    lower = within & (bars.close < before(bars.close)) & (_sign(bars) < 0)
    first = before(_sign(bars), 2)
    up = higher & (before(higher.astype(np.float64)) > 0) & (first > 0)
    down = lower & (before(lower.astype(np.float64)) > 0) & (first < 0)
    return _pattern(up, down, first)

"""Which way a trend runs: directional movement, the age of highs and lows, and stops that follow prices."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from quantstrats.features.bars import lag as before
from quantstrats.features.bars import ratio
from quantstrats.features.decay import whole, wilder_bars
from quantstrats.features.definition import feature
from quantstrats.features.kernels import rolling_sum
from quantstrats.features.levels_kernels import bars_since_highest
from quantstrats.features.trend_kernels import (
    band_stop,
    blocks_before,
    directional_movement,
    furthest_walk,
    parabolic_stop,
    path_bars,
)
from quantstrats.features.volatility import atr, true_range

if TYPE_CHECKING:
    from quantstrats.features.bars import Array, Bars

_AROON = "Chande (1995), A Time Price Oscillator, Stocks & Commodities 13(9)"
_DIRECTIONAL = "Wilder (1978), New Concepts in Technical Trading Systems, sec. IV"
_PARABOLIC = "Wilder (1978), New Concepts in Technical Trading Systems, sec. II"
_SEBAN = "Seban (2000s), the supertrend, as charting manuals give it"
_VORTEX = "Botes and Siepman (2010), The Vortex Indicator, Stocks & Commodities 28(1)"
_WALK = "Poulos (1991), Of Trends and Random Walks, Stocks & Commodities 9(2)"


# A start weighs for more in a ratio of averages, where moves were larger: four windows more leave a sixtieth of it.
def _movement_bars(window: int) -> int:
    return wilder_bars(window) + 4 * window + 1


# It lasts in the averages of moves, and in the average of their ratio.
def _adx_bars(window: int) -> int:
    return wilder_bars(window, 2) + 4 * window + 1


def _movement(bars: Bars, window: int) -> tuple[Array, Array, Array, Array]:
    key = ("directional movement", window)
    return bars.once(key, lambda: directional_movement(bars.high, bars.low, bars.of(true_range), window))


@feature(source=_DIRECTIONAL, bars=_movement_bars, family="trend")
def plus_di(bars: Bars, window: int = 14) -> Array:
    """+DI: 100 x rises of the high / true range, Wilder's averages of both, 0 to 100.

    A rise counts where it is more than the low fell. Missing where nothing moved on any of its bars.
    """
    return _movement(bars, window)[0]


@feature(source=_DIRECTIONAL, bars=_movement_bars, family="trend")
def minus_di(bars: Bars, window: int = 14) -> Array:
    """-DI: 100 x falls of the low / true range, Wilder's averages of both, 0 to 100.

    A fall counts where it is more than the high rose. Missing where nothing moved on any of its bars.
    """
    return _movement(bars, window)[1]


@feature(source=_DIRECTIONAL, bars=_movement_bars, family="trend")
def dx(bars: Bars, window: int = 14) -> Array:
    """Directional index: 100 x |+DI - -DI| / (+DI + -DI), 0 to 100.

    Missing where highs did not rise nor lows fall on any of its bars.
    """
    return _movement(bars, window)[2]


@feature(source=_DIRECTIONAL, bars=_adx_bars, family="trend")
def adx(bars: Bars, window: int = 14) -> Array:
    """Average directional index: Wilder's average of the DX, 0 to 100; strength of a trend either way.

    It remembers for long: with 100 bars it is about 1 per cent off what it is with all bars before, with 150 about 0.1.
    Where the DX is missing it is 0.
    """
    return _movement(bars, window)[3]


@feature(source=_DIRECTIONAL, bars=lambda window: _adx_bars(window) + window, family="trend")
def adxr(bars: Bars, window: int = 14) -> Array:
    """Average directional index rating: the mean of the ADX and that of ``window`` bars before, 0 to 100."""
    strength = bars.of(adx, window=window)
    return 0.5 * (strength + before(strength, window))


@feature(source=_AROON, bars=lambda window: whole(window) + 1, family="trend")
def aroon_up(bars: Bars, window: int = 25) -> Array:
    """Aroon up: 100 x (window - bars since the highest high) / window, 0 to 100.

    Of the present bar and the ``window`` before it; of equal highs the latest counts.
    """
    since = bars_since_highest(bars.high, window + 1)
    return 100.0 - since * (100.0 / window)


@feature(source=_AROON, bars=lambda window: whole(window) + 1, family="trend")
def aroon_down(bars: Bars, window: int = 25) -> Array:
    """Aroon down: 100 x (window - bars since the lowest low) / window, 0 to 100; as ``aroon_up``."""
    since = bars_since_highest(-bars.low, window + 1)
    return 100.0 - since * (100.0 / window)


@feature(source=_AROON, bars=lambda window: whole(window) + 1, family="trend")
def aroon_oscillator(bars: Bars, window: int = 25) -> Array:
    """Aroon oscillator: Aroon up - Aroon down, -100 to 100."""
    return bars.of(aroon_up, window=window) - bars.of(aroon_down, window=window)


def _vortex(bars: Bars, move: Array, window: int) -> Array:
    """Return the sum of moves over that of true ranges."""
    ranges = bars.once(("sum of true ranges", window), lambda: rolling_sum(bars.of(true_range), window))
    return ratio(rolling_sum(np.abs(move), window), ranges)


@feature(source=_VORTEX, bars=lambda window: whole(window) + 1, needs=("ranges",), family="trend")
def vortex_plus(bars: Bars, window: int = 14) -> Array:
    """+VI: sum of |high - low of the bar before| / sum of true ranges, of ``window`` bars.

    Around 1; missing where nothing moved.
    """
    return _vortex(bars, bars.high - before(bars.low), window)


@feature(source=_VORTEX, bars=lambda window: whole(window) + 1, needs=("ranges",), family="trend")
def vortex_minus(bars: Bars, window: int = 14) -> Array:
    """-VI: sum of |low - high of the bar before| / sum of true ranges, of ``window`` bars.

    Around 1; missing where nothing moved.
    """
    return _vortex(bars, bars.low - before(bars.high), window)


def _walk(bars: Bars, window: int) -> tuple[Array, Array]:
    key = ("furthest walk", window)
    return bars.once(key, lambda: furthest_walk(bars.high, bars.low, bars.of(true_range), window))


@feature(source=_WALK, bars=lambda window: whole(window, 2) + 1, family="trend")
def random_walk_index_high(bars: Bars, window: int = 14) -> Array:
    """Random walk index of highs: most of (high - low n bars before) / (mean true range x sqrt(n)).

    The largest for n of 2 to ``window`` bars, with the mean of the last n true ranges. Above 1 prices rose further than
    a random walk would.
    """
    return _walk(bars, window)[0]


@feature(source=_WALK, bars=lambda window: whole(window, 2) + 1, family="trend")
def random_walk_index_low(bars: Bars, window: int = 14) -> Array:
    """Random walk index of lows: most of (high n bars before - low) / (mean true range x sqrt(n)).

    As ``random_walk_index_high``; above 1 prices fell further than a random walk would.
    """
    return _walk(bars, window)[1]


# Measured on daily bars of funds: a stop turns the more rarely, the smaller its steps are; and one that is held within
# 0.08 takes as long as one of Wilder's.
def _parabolic_before(step: float, limit: float) -> int:
    if not 0.0 < step <= limit <= 1.0:
        raise ValueError(f"step is {step:g} and limit {limit:g}; it takes 0 < step <= limit <= 1")
    return blocks_before(max(0.02 / step, 0.08 / limit))


def _parabolic_bars(step: float, limit: float) -> int:
    return path_bars(_parabolic_before(step, limit))


def _parabolic(bars: Bars, step: float, limit: float) -> tuple[Array, Array]:
    before_own = _parabolic_before(step, limit)
    key = ("parabolic", step, limit)
    return bars.once(key, lambda: parabolic_stop(bars.high, bars.low, bars.block, before_own, step, limit))


@feature(source=_PARABOLIC, bars=_parabolic_bars, scale="price", family="trend")
def parabolic_sar(bars: Bars, step: float = 0.02, limit: float = 0.2) -> Array:
    """Parabolic stop and reverse: the price at which a position that follows the trend is turned.

    It moves each bar by a part of the way to the furthest price, from ``step`` to at most ``limit``. Its state never
    fades, so each value is that of a path begun 128 to 160 bars' lengths before (with smaller parameters as many times
    longer), long or short as the first two bars moved; after a few turns the paths are the same.
    """
    return _parabolic(bars, step, limit)[0]


@feature(source=_PARABOLIC, bars=_parabolic_bars, family="trend")
def parabolic_sar_trend(bars: Bars, step: float = 0.02, limit: float = 0.2) -> Array:
    """Side of the parabolic stop and reverse: 1 where the position is long, -1 where it is short."""
    return _parabolic(bars, step, limit)[1]


# A random walk takes the square of the time to go twice as far.
def _supertrend_before(multiple: float) -> int:
    if not multiple > 0.0:
        raise ValueError(f"multiple is {multiple:g}; it must be above 0")
    return blocks_before((multiple / 3.0) ** 2)


def _supertrend_bars(window: int, multiple: float) -> int:
    return wilder_bars(window) + path_bars(_supertrend_before(multiple))


def _supertrend(bars: Bars, window: int, multiple: float) -> tuple[Array, Array]:
    def compute() -> tuple[Array, Array]:
        width = multiple * bars.of(atr, window=window)
        return band_stop(bars.median, width, bars.close, bars.block, _supertrend_before(multiple))

    return bars.once(("supertrend", window, multiple), compute)


@feature(source=_SEBAN, bars=_supertrend_bars, scale="price", family="trend")
def supertrend(bars: Bars, window: int = 10, multiple: float = 3.0) -> Array:
    """Supertrend: a stop ``multiple`` x average true range from (high + low) / 2, that only comes nearer.

    Below prices until a close falls under it, then above until one rises over it. Its state never fades, so each value
    is that of a path begun 128 to 160 bars' lengths before; with a ``multiple`` above 3 longer, as its square grows.
    """
    return _supertrend(bars, window, multiple)[0]


@feature(source=_SEBAN, bars=_supertrend_bars, family="trend")
def supertrend_trend(bars: Bars, window: int = 10, multiple: float = 3.0) -> Array:
    """Side of the supertrend: 1 where it lies below prices, -1 where above."""
    return _supertrend(bars, window, multiple)[1]

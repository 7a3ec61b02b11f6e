"""Channels: bands around prices, how wide they are, and where the close stands between them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from quantstrats.features.averages import sma
from quantstrats.features.bars import ratio
from quantstrats.features.decay import whole, wilder_bars
from quantstrats.features.definition import feature
from quantstrats.features.kernels import rolling_max, rolling_mean, rolling_min, rolling_std
from quantstrats.features.volatility import atr, true_range

if TYPE_CHECKING:
    from quantstrats.features.bars import Array, Bars

_BOLLINGER = "Bollinger (2001), Bollinger on Bollinger Bands, ch. 7 and 8"
_CARTER = "Carter (2005), Mastering the Trade, ch. on the squeeze"
_DONCHIAN = "Murphy (1999), Technical Analysis of the Financial Markets, ch. 9, on Donchian's four-week rule"
_HEADLEY = "Headley (2002), Big Trends in Trading, ch. on acceleration bands"
_KELTNER = "Keltner (1960), How to Make Money in Commodities, ten-day moving average trading rule"
_LEBEAU = "Elder (2002), Come Into My Trading Room, on the chandelier exit of LeBeau"

_ROUNDING = 1e-12  # what the deviation of equal closes may be of their mean, for nothing but rounding


def _is_above_zero(name: str, value: float) -> None:
    if not value > 0.0:
        raise ValueError(f"{name} is {value:g}; it must be above 0")


def _bollinger_bars(window: int, deviations: float) -> int:
    _is_above_zero("deviations", deviations)
    return whole(window, 2)


def _keltner_bars(window: int, multiple: float) -> int:
    _is_above_zero("multiple", multiple)
    return whole(window)


def _deviation(bars: Bars, window: int) -> Array:
    """Return the standard deviation of closes, dividing by n; 0 where they are all equal."""

    def compute() -> Array:
        deviation = rolling_std(bars.close, window, ddof=0)
        return np.where(deviation <= _ROUNDING * bars.of(sma, window=window), 0.0, deviation)

    return bars.once(("deviation of closes", window), compute)


def _mean_range(bars: Bars, window: int) -> Array:
    return bars.once(("mean range", window), lambda: rolling_mean(bars.high - bars.low, window))


def _beyond(off: Array, half_width: Array) -> Array:
    """Return 1 where the close is more than half the channel's width above its middle, -1 below, else 0."""
    outside = np.where(half_width > 0.0, (off > half_width).astype(np.float64) - (off < -half_width), 0.0)
    return np.where(np.isnan(half_width), np.nan, outside)


@feature(source=_BOLLINGER, bars=_bollinger_bars, scale="price")
def bollinger_upper(bars: Bars, window: int = 20, deviations: float = 2.0) -> Array:
    """Upper Bollinger band: mean of closes + ``deviations`` x their standard deviation.

    Of a population, as Bollinger takes it: squares are divided by n, not n - 1. The middle band is ``sma``.
    """
    return bars.of(sma, window=window) + deviations * _deviation(bars, window)


@feature(source=_BOLLINGER, bars=_bollinger_bars, scale="price")
def bollinger_lower(bars: Bars, window: int = 20, deviations: float = 2.0) -> Array:
    """Lower Bollinger band: mean of closes - ``deviations`` x their standard deviation (dividing by n)."""
    return bars.of(sma, window=window) - deviations * _deviation(bars, window)


@feature(source=_BOLLINGER, bars=_bollinger_bars)
def bollinger_width(bars: Bars, window: int = 20, deviations: float = 2.0) -> Array:
    """Bollinger bandwidth: (upper band - lower band) / mean of closes; a part, not per cent."""
    return 2.0 * deviations * _deviation(bars, window) / bars.of(sma, window=window)


@feature(source=_BOLLINGER, bars=_bollinger_bars)
def bollinger_percent(bars: Bars, window: int = 20, deviations: float = 2.0) -> Array:
    """Bollinger %b: (close - lower band) / (upper band - lower band).

    0 on the lower band, 1 on the upper one. Missing where all closes of the window are equal.
    """
    off = bars.close - bars.of(sma, window=window)
    return 0.5 + ratio(off, 2.0 * deviations * _deviation(bars, window))


@feature(source=_BOLLINGER, bars=_bollinger_bars)
def bollinger_breakout(bars: Bars, window: int = 20, deviations: float = 2.0) -> Array:
    """Bollinger breakout: 1 where the close is above the upper band, -1 where below the lower one, else 0."""
    off = bars.close - bars.of(sma, window=window)
    return _beyond(off, deviations * _deviation(bars, window))


@feature(source=_KELTNER, bars=lambda window: whole(window), scale="price")
def keltner_middle(bars: Bars, window: int = 10) -> Array:
    """Middle of Keltner's channel: the mean of (high + low + close) / 3."""
    return bars.once(("mean typical", window), lambda: rolling_mean(bars.typical, window))


@feature(source=_KELTNER, bars=_keltner_bars, scale="price", needs=("ranges",))
def keltner_upper(bars: Bars, window: int = 10, multiple: float = 1.0) -> Array:
    """Upper line of Keltner's channel: mean of (high + low + close) / 3, + ``multiple`` x mean of high - low.

    Keltner's own, of simple means. Later ones lay the average true range around an exponential average of closes.
    """
    return bars.of(keltner_middle, window=window) + multiple * _mean_range(bars, window)


@feature(source=_KELTNER, bars=_keltner_bars, scale="price", needs=("ranges",))
def keltner_lower(bars: Bars, window: int = 10, multiple: float = 1.0) -> Array:
    """Lower line of Keltner's channel: mean of (high + low + close) / 3, - ``multiple`` x mean of high - low."""
    return bars.of(keltner_middle, window=window) - multiple * _mean_range(bars, window)


@feature(source=_KELTNER, bars=_keltner_bars, needs=("ranges",))
def keltner_width(bars: Bars, window: int = 10, multiple: float = 1.0) -> Array:
    """Width of Keltner's channel: (upper line - lower line) / middle; a part, not per cent."""
    return 2.0 * multiple * _mean_range(bars, window) / bars.of(keltner_middle, window=window)


@feature(source=_KELTNER, bars=_keltner_bars, needs=("ranges",))
def keltner_percent(bars: Bars, window: int = 10, multiple: float = 1.0) -> Array:
    """Close in Keltner's channel: (close - lower line) / (upper line - lower line).

    0 on the lower line, 1 on the upper one. Missing where no bar of the window has a range.
    """
    off = bars.close - bars.of(keltner_middle, window=window)
    return 0.5 + ratio(off, 2.0 * multiple * _mean_range(bars, window))


@feature(source=_KELTNER, bars=_keltner_bars, needs=("ranges",))
def keltner_breakout(bars: Bars, window: int = 10, multiple: float = 1.0) -> Array:
    """Keltner breakout: 1 where the close is above the upper line, -1 where below the lower one, else 0.

    0 where no bar of the window has a range.
    """
    off = bars.close - bars.of(keltner_middle, window=window)
    return _beyond(off, multiple * _mean_range(bars, window))


@feature(source=_DONCHIAN, bars=lambda window: whole(window), scale="price")
def donchian_upper(bars: Bars, window: int = 20) -> Array:
    """Upper line of Donchian's channel: the highest high of ``window`` bars.

    With the present bar, so that no close is above it; ``resistance`` leaves that bar out.
    """
    return bars.once(("highest high", window), lambda: rolling_max(bars.high, window))


@feature(source=_DONCHIAN, bars=lambda window: whole(window), scale="price")
def donchian_lower(bars: Bars, window: int = 20) -> Array:
    """Lower line of Donchian's channel: the lowest low of ``window`` bars, with the present one."""
    return bars.once(("lowest low", window), lambda: rolling_min(bars.low, window))


@feature(source=_DONCHIAN, bars=lambda window: whole(window), scale="price")
def donchian_middle(bars: Bars, window: int = 20) -> Array:
    """Middle of Donchian's channel: (highest high + lowest low) / 2 of ``window`` bars."""
    return 0.5 * (bars.of(donchian_upper, window=window) + bars.of(donchian_lower, window=window))


@feature(source=_DONCHIAN, bars=lambda window: whole(window))
def donchian_width(bars: Bars, window: int = 20) -> Array:
    """Width of Donchian's channel: (highest high - lowest low) / mean close of ``window`` bars; a part."""
    width = bars.of(donchian_upper, window=window) - bars.of(donchian_lower, window=window)
    return width / bars.of(sma, window=window)


@feature(source=_DONCHIAN, bars=lambda window: whole(window))
def donchian_percent(bars: Bars, window: int = 20) -> Array:
    """Close in Donchian's channel: (close - lowest low) / (highest high - lowest low), 0 to 1.

    Missing where the window has no range. The stochastic %K, over the window of a channel and as a part.
    """
    low = bars.of(donchian_lower, window=window)
    return ratio(bars.close - low, bars.of(donchian_upper, window=window) - low)


def _chandelier_bars(window: int, multiple: float) -> int:
    _is_above_zero("multiple", multiple)
    return wilder_bars(window) + 1


@feature(source=_LEBEAU, bars=_chandelier_bars, scale="price")
def chandelier_long(bars: Bars, window: int = 22, multiple: float = 3.0) -> Array:
    """Chandelier exit of a long position: highest high - ``multiple`` x average true range, of ``window`` bars."""
    return bars.of(donchian_upper, window=window) - multiple * bars.of(atr, window=window)


@feature(source=_LEBEAU, bars=_chandelier_bars, scale="price")
def chandelier_short(bars: Bars, window: int = 22, multiple: float = 3.0) -> Array:
    """Chandelier exit of a short position: lowest low + ``multiple`` x average true range, of ``window`` bars."""
    return bars.of(donchian_lower, window=window) + multiple * bars.of(atr, window=window)


def _squeeze_bars(window: int, deviations: float, multiple: float) -> int:
    _is_above_zero("multiple", multiple)
    return _bollinger_bars(window, deviations) + 1


@feature(source=_CARTER, bars=_squeeze_bars)
def squeeze(bars: Bars, window: int = 20, deviations: float = 2.0, multiple: float = 1.5) -> Array:
    """Squeeze: 1 where the Bollinger bands lie within mean close -/+ ``multiple`` x mean true range, else 0."""
    true_ranges = multiple * rolling_mean(bars.of(true_range), window)
    inside = deviations * _deviation(bars, window) < true_ranges
    return np.where(np.isnan(true_ranges), np.nan, inside)


def _acceleration_bars(window: int, multiple: float) -> int:
    _is_above_zero("multiple", multiple)
    return whole(window)


@feature(source=_HEADLEY, bars=_acceleration_bars, scale="price", needs=("ranges",))
def acceleration_upper(bars: Bars, window: int = 20, multiple: float = 4.0) -> Array:
    """Upper acceleration band: mean of high (1 + ``multiple`` (high - low) / (high + low))."""
    return rolling_mean(bars.high * (1.0 + multiple * (bars.high - bars.low) / (bars.high + bars.low)), window)


@feature(source=_HEADLEY, bars=_acceleration_bars, scale="price", needs=("ranges",))
def acceleration_lower(bars: Bars, window: int = 20, multiple: float = 4.0) -> Array:
    """Lower acceleration band: mean of low (1 - ``multiple`` (high - low) / (high + low))."""
    return rolling_mean(bars.low * (1.0 - multiple * (bars.high - bars.low) / (bars.high + bars.low)), window)

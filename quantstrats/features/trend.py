"""Trend indicators of averages and of the middle of ranges; which way, and how strong, stand in the files beside it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from quantstrats.features.averages import ema, exponential_cascade, sma
from quantstrats.features.bars import lag as before
from quantstrats.features.channels import donchian_middle
from quantstrats.features.decay import ema_bars, whole
from quantstrats.features.definition import feature
from quantstrats.features.kernels import ema_of, rolling_max, rolling_mean, rolling_min, rolling_sum
from quantstrats.features.trend_kernels import range_bulge

if TYPE_CHECKING:
    from quantstrats.features.bars import Array, Bars

_APPEL = "Appel (2005), Technical Analysis, ch. on moving average convergence-divergence"
_DORSEY = "Dorsey (1992), The Mass Index, Stocks & Commodities 10(6)"
_HISTOGRAM = "Murphy (1999), Technical Analysis of the Financial Markets, ch. 10, MACD histogram"
_LINTON = "Linton (2010), Cloud Charts, on Hosoda's Ichimoku Kinko Hyo of 1969"
_PERCENTAGE = "Achelis (2000), Technical Analysis from A to Z, Price Oscillator, in per cent"
_PRING = "Pring (1992), Summed Rate of Change (KST), Stocks & Commodities 10(9)"

_KST_BARS = 45  # of the longest change, 30 bars, and the mean of 15 of it
_STILL = 1e-7  # of the close: an average that moves less on a bar stands still


def _convergence_bars(fast: int, slow: int) -> int:
    return ema_bars(whole(slow, whole(fast, name="fast") + 1, "slow"), name="slow")


# The slower of both averages, twice in a row, remembers for longer than they do.
def _signal_bars(fast: int, slow: int, signal: int) -> int:
    _convergence_bars(fast, slow)
    return ema_bars(max(slow, whole(signal, name="signal")), 2, "slow" if slow >= signal else "signal")


@feature(source=_APPEL, bars=_convergence_bars, scale="price")
def macd(bars: Bars, fast: int = 12, slow: int = 26) -> Array:
    """Moving average convergence-divergence: EMA of ``fast`` bars - EMA of ``slow`` bars."""
    return bars.of(ema, window=fast) - bars.of(ema, window=slow)


@feature(source=_APPEL, bars=_signal_bars, scale="price")
def macd_signal(bars: Bars, fast: int = 12, slow: int = 26, signal: int = 9) -> Array:
    """Signal line of the MACD: its EMA of ``signal`` bars."""
    return ema_of(bars.of(macd, fast=fast, slow=slow), signal)


@feature(source=_HISTOGRAM, bars=_signal_bars, scale="price")
def macd_histogram(bars: Bars, fast: int = 12, slow: int = 26, signal: int = 9) -> Array:
    """Histogram of the MACD: MACD - its signal line."""
    return bars.of(macd, fast=fast, slow=slow) - bars.of(macd_signal, fast=fast, slow=slow, signal=signal)


@feature(source=_PERCENTAGE, bars=_convergence_bars)
def ppo(bars: Bars, fast: int = 12, slow: int = 26) -> Array:
    """Percentage price oscillator: 100 x (EMA of ``fast`` bars / EMA of ``slow`` bars - 1)."""
    return 100.0 * (bars.of(ema, window=fast) / bars.of(ema, window=slow) - 1.0)


@feature(source=_PERCENTAGE, bars=_signal_bars)
def ppo_signal(bars: Bars, fast: int = 12, slow: int = 26, signal: int = 9) -> Array:
    """Signal line of the PPO: its EMA of ``signal`` bars."""
    return ema_of(bars.of(ppo, fast=fast, slow=slow), signal)


@feature(source=_PERCENTAGE, bars=_signal_bars)
def ppo_histogram(bars: Bars, fast: int = 12, slow: int = 26, signal: int = 9) -> Array:
    """Histogram of the PPO: PPO - its signal line."""
    return bars.of(ppo, fast=fast, slow=slow) - bars.of(ppo_signal, fast=fast, slow=slow, signal=signal)


def _moved(level: Array, close: Array) -> Array:
    """Return 1 where a level rose on the bar, -1 where it fell, 0 where it stood still but for rounding."""
    move = level - before(level)
    return np.where(np.isnan(move), np.nan, np.where(np.abs(move) <= _STILL * close, 0.0, np.sign(move)))


def _impulse_bars(window: int, fast: int, slow: int, signal: int) -> int:
    return max(ema_bars(window), _signal_bars(fast, slow, signal)) + 1


@feature(source="Elder (2002), Come Into My Trading Room, on the impulse system", bars=_impulse_bars)
def elder_impulse(bars: Bars, window: int = 13, fast: int = 12, slow: int = 26, signal: int = 9) -> Array:
    """Impulse: 1 where the EMA and the histogram of the MACD both rose, -1 where both fell, else 0."""
    inertia = _moved(bars.of(ema, window=window), bars.close)
    power = _moved(bars.of(macd_histogram, fast=fast, slow=slow, signal=signal), bars.close)
    return np.where(inertia == power, inertia, 0.0 * inertia)


@feature(source="Hutson (1983), Good TRIX, Stocks & Commodities 1(5)", bars=lambda window: ema_bars(window, 3) + 1)
def trix(bars: Bars, window: int = 15) -> Array:
    """TRIX: change on the bar of the EMA of the EMA of the EMA of closes, in per cent."""
    level = exponential_cascade(bars, window, 3)
    return 100.0 * (level / before(level) - 1.0)


@feature(
    source="Achelis (2000), Technical Analysis from A to Z, Detrended Price Oscillator; on the bar where it is known",
    bars=lambda window: max(whole(window), window // 2 + 2),
    scale="price",
)
def detrended_price(bars: Bars, window: int = 20) -> Array:
    """Detrended price: close of window / 2 + 1 bars before - mean of the last ``window`` closes.

    Charts draw it so many bars further back, where it looks ahead; this is its value on the bar on which it is known.
    """
    return before(bars.close, window // 2 + 1) - bars.of(sma, window=window)


@feature(source=_PRING, bars=_KST_BARS)
def kst(bars: Bars) -> Array:
    """Know sure thing: means of changes over 10, 15, 20 and 30 bars, in per cent, weighted 1, 2, 3, 4.

    Means of 10 bars, and of 15 for the longest change.
    """

    def change(lag: int) -> Array:
        return bars.close / before(bars.close, lag) - 1.0

    shorter = change(10) + 2.0 * change(15) + 3.0 * change(20)
    return 100.0 * (rolling_mean(shorter, 10) + 4.0 * rolling_mean(change(30), 15))


@feature(source=_PRING, bars=lambda signal: _KST_BARS + whole(signal, name="signal") - 1)
def kst_signal(bars: Bars, signal: int = 9) -> Array:
    """Signal line of the know sure thing: its mean of ``signal`` bars."""
    return rolling_mean(bars.of(kst), signal)


def _schaff_bars(window: int, fast: int, slow: int, smoothing: int) -> int:
    return _convergence_bars(fast, slow) + 2 * (whole(window, 2) - 1 + ema_bars(smoothing, name="smoothing"))


def _place(values: Array, window: int, still: Array | float, otherwise: Array | float) -> Array:
    """Return where values stand between the least and the largest of the window, 0 to 100; else where these are one."""
    low, high = rolling_min(values, window), rolling_max(values, window)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(high - low <= still, otherwise, 100.0 * (values - low) / (high - low))


@feature(source="Schaff (1999), The Schaff Trend Cycle", bars=_schaff_bars)
def schaff_trend_cycle(bars: Bars, window: int = 10, fast: int = 23, slow: int = 50, smoothing: int = 3) -> Array:
    """Schaff trend cycle: the MACD's place in its range of ``window`` bars, smoothed; and so once more.

    0 to 100; smoothed by an EMA of ``smoothing`` bars. Where the range is none, Schaff keeps the bar before, which
    might be any number of bars old; here an MACD that stood still is in the middle, 50, and a place that stood still
    (at 0 or at 100) stays.
    """
    first = ema_of(_place(bars.of(macd, fast=fast, slow=slow), window, _STILL * bars.close, 50.0), smoothing)
    return ema_of(_place(first, window, _STILL, first), smoothing)


@feature(
    source=_DORSEY,
    bars=lambda window, smoothing: ema_bars(smoothing, 2, "smoothing") * 3 // 2 + whole(window),
    needs=("ranges",),
)
def mass_index(bars: Bars, window: int = 25, smoothing: int = 9) -> Array:
    """Mass index: sum over ``window`` bars of EMA of high - low / EMA of that EMA, of ``smoothing`` bars.

    About ``window``. Missing where no bar had a range for as long as the averages remember.
    """
    return rolling_sum(range_bulge(bars.high - bars.low, smoothing), window)


@feature(
    source="Chande and Kroll (1994), The New Technical Trader, ch. on Qstick",
    bars=lambda window: whole(window),
    scale="price",
    needs=("ranges",),
)
def qstick(bars: Bars, window: int = 8) -> Array:
    """Qstick: the mean of close - open over ``window`` bars."""
    return rolling_mean(bars.close - bars.open, window)


@feature(source=_LINTON, bars=lambda window: whole(window), scale="price")
def ichimoku_conversion(bars: Bars, window: int = 9) -> Array:
    """Conversion line of Ichimoku (tenkan-sen): (highest high + lowest low) / 2 of ``window`` bars."""
    return bars.of(donchian_middle, window=window)


@feature(source=_LINTON, bars=lambda window: whole(window), scale="price")
def ichimoku_base(bars: Bars, window: int = 26) -> Array:
    """Base line of Ichimoku (kijun-sen): (highest high + lowest low) / 2 of ``window`` bars."""
    return bars.of(donchian_middle, window=window)


def _span_a_bars(fast: int, slow: int, shift: int) -> int:
    return whole(slow, whole(fast, name="fast"), "slow") + whole(shift, 0, "shift")


def _span_b_bars(window: int, shift: int) -> int:
    return whole(window) + whole(shift, 0, "shift")


@feature(source=_LINTON, bars=_span_a_bars, scale="price")
def ichimoku_span_a(bars: Bars, fast: int = 9, slow: int = 26, shift: int = 26) -> Array:
    """Leading span A of Ichimoku: (conversion + base line) / 2 of ``shift`` bars before.

    As it is drawn on the present bar; charts draw that of the present bar ``shift`` bars ahead.
    """
    middle = 0.5 * (bars.of(donchian_middle, window=fast) + bars.of(donchian_middle, window=slow))
    return before(middle, shift)


@feature(source=_LINTON, bars=_span_b_bars, scale="price")
def ichimoku_span_b(bars: Bars, window: int = 52, shift: int = 26) -> Array:
    """Leading span B of Ichimoku: (highest high + lowest low) / 2 of ``window`` bars, ``shift`` bars before.

    As it is drawn on the present bar.
    """
    return before(bars.of(donchian_middle, window=window), shift)


@feature(
    source=_LINTON,
    bars=lambda fast, slow, window, shift: max(_span_a_bars(fast, slow, shift), _span_b_bars(window, shift)),
)
def ichimoku_position(bars: Bars, fast: int = 9, slow: int = 26, window: int = 52, shift: int = 26) -> Array:
    """Close and cloud of Ichimoku: 1 where the close is above both leading spans, -1 below both, else 0."""
    first = bars.of(ichimoku_span_a, fast=fast, slow=slow, shift=shift)
    second = bars.of(ichimoku_span_b, window=window, shift=shift)
    above = (bars.close > np.maximum(first, second)).astype(np.float64) - (bars.close < np.minimum(first, second))
    return np.where(np.isnan(first + second), np.nan, above)

"""Volume by direction: how much was traded while prices rose or fell, and who is taken to have begun it.

Sums are over a window, or fade: a line that adds up from the first bar on would depend on where the data begin. The
change of the classic line over ``window`` bars is that sum. Bars do not tell buyers from sellers; what is said of them
here is a proxy.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from quantstrats.features.bars import lag as before
from quantstrats.features.bars import ratio
from quantstrats.features.decay import ema_bars, whole, wilder_bars
from quantstrats.features.definition import feature
from quantstrats.features.kernels import rolling_mean, rolling_std, rolling_sum
from quantstrats.features.volume_kernels import (
    LONGEST_TREND,
    fading_mean,
    fading_sum,
    surplus_of_normal,
    volume_force,
)

if TYPE_CHECKING:
    from quantstrats.features.bars import Array, Bars

_EASLEY = "Easley, Lopez de Prado and O'Hara (2012), Flow Toxicity and Liquidity, Review of Financial Studies 25(5)"
_ELDER = "Elder (1993), Trading for a Living, sec. on the force index"
_FOSBACK = "Fosback (1976), Stock Market Logic, chapters on the negative and the positive volume index"
_KIRKPATRICK = "Kirkpatrick and Dahlquist (2010), Technical Analysis, 2nd ed., ch. 18"
_LEE = "Lee and Ready (1991), Inferring Trade Direction, J. of Finance 46(2), 733-746, the tick test"
_QUONG = "Quong and Soudack (1989), Volume-Weighted RSI: Money Flow, Stocks & Commodities 7(3)"

TICKS_BACK = 10  # bars: an unchanged close takes the direction of the last change among so many before it
_ROUNDING = 1e-12  # what the deviation of equal changes may be of the price, for nothing but rounding


def _direction(bars: Bars) -> Array:
    """Return 1 where the close rose, -1 where it fell, 0 where it did neither."""
    return bars.once("direction", lambda: np.sign(bars.close - before(bars.close)))


def tick_sign(bars: Bars) -> Array:
    """Return the direction of the last change of the close: 1, -1; 0 where there was none within ``TICKS_BACK`` bars.

    The tick test of Lee and Ready (1991), of closes in place of trades. It rests on ``TICKS_BACK`` + 2 bars.
    """

    def compute() -> Array:
        sign = _direction(bars)
        for _ in range(TICKS_BACK):
            still = sign == 0.0
            if not still.any():
                break
            sign = np.where(still, before(sign), sign)
        return sign

    return bars.once("tick sign", compute)


def _money_flow_volume(bars: Bars) -> Array:
    """Return volume x the place of the close in its bar's range, from -1 at the low to 1 at the high."""

    def compute() -> Array:
        place = ratio(2.0 * bars.close - bars.high - bars.low, bars.high - bars.low, 0.0)
        return place * bars.volume

    return bars.once("money flow volume", compute)


def _volume_sum(bars: Bars, window: int) -> Array:
    return bars.once(("volume", window), lambda: rolling_sum(bars.volume, window))


@feature(
    source="Granville (1963), Granville's New Key to Stock Market Profits",
    bars=lambda window: whole(window) + 1,
    scale="volume",
    needs=("volume",),
    family="volume",
)
def obv(bars: Bars, window: int = 20) -> Array:
    """On-balance volume over ``window`` bars: the sum of volume, signed as the close moved.

    A bar whose close is unchanged counts 0.
    """
    return rolling_sum(_direction(bars) * bars.volume, window)


@feature(
    source=f"Chaikin's; {_KIRKPATRICK}",
    bars=lambda window: whole(window),
    scale="volume",
    needs=("volume", "ranges"),
    family="volume",
)
def accumulation_distribution(bars: Bars, window: int = 20) -> Array:
    """Accumulation/distribution over ``window`` bars: the sum of volume x ((c - l) - (h - c)) / (h - l).

    Of close, low and high. A bar without a range counts 0.
    """
    return rolling_sum(_money_flow_volume(bars), window)


def _oscillator_bars(fast: int, slow: int) -> int:
    return ema_bars(whole(slow, whole(fast, name="fast") + 1, "slow"), name="slow")


@feature(
    source=f"Chaikin's; {_KIRKPATRICK}",
    bars=_oscillator_bars,
    scale="volume",
    needs=("volume", "ranges"),
    family="volume",
)
def chaikin_oscillator(bars: Bars, fast: int = 3, slow: int = 10) -> Array:
    """Chaikin oscillator: fast less slow exponential average of the accumulation/distribution line.

    Where the line begins does not matter to that difference. Bars whose volume is not known are passed over.
    """
    flow = _money_flow_volume(bars)
    # A line is above its average by what was added since, each weighing as what the average has not yet taken of it.
    total: Array = np.zeros(bars.shape)
    for window, sign in ((slow, 1.0), (fast, -1.0)):
        alpha = 2.0 / (window + 1.0)
        total += sign * (1.0 - alpha) * fading_sum(flow, alpha)
    return total


@feature(
    source=f"Chaikin's; {_KIRKPATRICK}", bars=lambda window: whole(window), needs=("volume", "ranges"), family="volume"
)
def chaikin_money_flow(bars: Bars, window: int = 20) -> Array:
    """Chaikin money flow: accumulation/distribution of ``window`` bars / their volume.

    -1 to 1; missing where nothing was traded.
    """
    return ratio(bars.of(accumulation_distribution, window=window), _volume_sum(bars, window))


@feature(
    source=f"Twiggs's; {_KIRKPATRICK}",
    bars=lambda window: wilder_bars(window) + 1,
    needs=("volume", "ranges"),
    family="volume",
)
def twiggs_money_flow(bars: Bars, window: int = 21) -> Array:
    """Twiggs money flow: Wilder's average of volume x place of the close in its true range / that of volume.

    -1 to 1. The true range includes the close before, so that gaps count. Bars whose volume is not known are passed
    over.
    """
    last = before(bars.close)
    high, low = np.maximum(bars.high, last), np.minimum(bars.low, last)
    flow = ratio(2.0 * bars.close - high - low, high - low, 0.0) * bars.volume
    volume = np.where(np.isnan(flow), np.nan, bars.volume)
    return ratio(fading_mean(flow, 1.0 / window), fading_mean(volume, 1.0 / window))


@feature(source=_ELDER, bars=lambda window: ema_bars(window) + 1, scale="money", needs=("volume",), family="volume")
def force_index(bars: Bars, window: int = 13) -> Array:
    """Force index: the exponential average of (close - close before) x volume.

    Bars whose volume is not known are passed over.
    """
    return fading_mean((bars.close - before(bars.close)) * bars.volume, 2.0 / (window + 1.0))


@feature(
    source=f"Arms's; {_KIRKPATRICK}",
    bars=lambda window: whole(window) + 1,
    scale="price squared per share traded",
    needs=("volume", "ranges"),
    family="volume",
)
def ease_of_movement(bars: Bars, window: int = 14) -> Array:
    """Ease of movement: the mean of 1e8 x change of (high + low) / 2 x (high - low) / volume.

    Missing where a bar of the window had no volume.
    """
    moved = (bars.median - before(bars.median)) * (bars.high - bars.low)
    return rolling_mean(1e8 * ratio(moved, bars.volume), window)


@feature(source=_QUONG, bars=lambda window: whole(window) + 1, needs=("volume",), family="volume")
def money_flow_index(bars: Bars, window: int = 14) -> Array:
    """Money flow index: 100 x money flow of bars that rose / that of bars that rose or fell.

    Of typical prices; money flow is typical price x volume. 0 to 100; missing where there was none.
    """
    flow = np.sign(bars.typical - before(bars.typical)) * bars.typical * bars.volume
    return 50.0 + 50.0 * ratio(rolling_sum(flow, window), rolling_sum(np.abs(flow), window))


@feature(source=_KIRKPATRICK, bars=lambda window: whole(window) + 1, scale="volume", needs=("volume",), family="volume")
def volume_price_trend(bars: Bars, window: int = 20) -> Array:
    """Volume-price trend over ``window`` bars: the sum of volume x simple return."""
    return rolling_sum(bars.volume * bars.simple_return, window)


def _growth_where(bars: Bars, sign: float, window: int) -> Array:
    """Return the growth over the window of a price that moved only on bars whose volume rose, or fell."""
    change = sign * (bars.volume - before(bars.volume))
    counted = np.where(change > 0.0, bars.log_return, 0.0 * change)  # missing where the change is
    return np.expm1(rolling_sum(counted, window))


@feature(source=_FOSBACK, bars=lambda window: whole(window) + 1, needs=("volume",), family="volume")
def negative_volume_index(bars: Bars, window: int = 60) -> Array:
    """Negative volume index over ``window`` bars: product of 1 + return where volume fell, less 1."""
    return _growth_where(bars, -1.0, window)


@feature(source=_FOSBACK, bars=lambda window: whole(window) + 1, needs=("volume",), family="volume")
def positive_volume_index(bars: Bars, window: int = 60) -> Array:
    """Positive volume index over ``window`` bars: product of 1 + return where volume rose, less 1."""
    return _growth_where(bars, 1.0, window)


@feature(
    source="Klinger (1997), Identifying Trends with Volume Analysis, Stocks & Commodities 15(12)",
    bars=lambda fast, slow: _oscillator_bars(fast, slow) + LONGEST_TREND,
    scale="volume",
    needs=("volume", "ranges"),
    family="volume",
)
def klinger_oscillator(bars: Bars, fast: int = 34, slow: int = 55) -> Array:
    """Klinger oscillator: fast less slow exponential average of volume force.

    The force is 100 x volume x trend x |2 x (high - low) / sum of these since the trend turned - 1|; the trend is 1
    where high + low + close rose, else -1; the sum begins a bar before the turn and has at most 51. Bars whose volume
    is not known, and trends without a range, are passed over.
    """
    force = bars.once("volume force", lambda: volume_force(bars.high, bars.low, bars.close, bars.volume))
    return fading_mean(force, 2.0 / (fast + 1.0)) - fading_mean(force, 2.0 / (slow + 1.0))


@feature(
    source="Granville (1963), Granville's New Key to Stock Market Profits, its parts",
    bars=lambda window: whole(window) + 1,
    needs=("volume",),
    family="volume",
)
def up_down_volume_ratio(bars: Bars, window: int = 50) -> Array:
    """Up/down volume ratio: volume of bars that rose / volume of bars that fell, of ``window`` bars.

    Missing where none fell.
    """
    flow = _direction(bars) * bars.volume
    net, all_moved = rolling_sum(flow, window), rolling_sum(np.abs(flow), window)
    return ratio(all_moved + net, all_moved - net)


@feature(source=_LEE, bars=lambda window: whole(window) + TICKS_BACK + 1, needs=("volume",), family="volume")
def cumulative_delta(bars: Bars, window: int = 20) -> Array:
    """Cumulative delta, a proxy: volume signed by the tick test of closes / all volume of ``window`` bars.

    -1 to 1. True delta takes each trade; here a bar's volume goes all to one side. An unchanged close takes the side
    of the last change, of at most 10 bars before. Missing where nothing was traded.
    """
    return ratio(rolling_sum(tick_sign(bars) * bars.volume, window), _volume_sum(bars, window))


def _bulk_surplus(bars: Bars, window: int) -> Array:
    """Return the share of a bar's volume that buyers are taken to have begun, less that of sellers, -1 to 1."""

    def compute() -> Array:
        change = bars.close - before(bars.close)
        deviation = rolling_std(change, window)
        return surplus_of_normal(ratio(change, np.where(deviation <= _ROUNDING * bars.close, 0.0, deviation)))

    return bars.once(("bulk surplus", window), compute)


@feature(
    source=f"{_EASLEY}, bulk volume classification",
    bars=lambda window: 2 * whole(window, 2),
    needs=("volume",),
    family="volume",
)
def bulk_volume_imbalance(bars: Bars, window: int = 20) -> Array:
    """Bulk volume imbalance, a proxy: buyers' less sellers' volume / all volume of ``window`` bars.

    Of a bar's volume Phi(change of the close / standard deviation of ``window`` changes) is the buyers'. -1 to 1.
    Missing where changes did not vary, or nothing was traded.
    """
    return ratio(rolling_sum(_bulk_surplus(bars, window) * bars.volume, window), _volume_sum(bars, window))


@feature(
    source=f"{_EASLEY}, eq. for VPIN", bars=lambda window: 2 * whole(window, 2), needs=("volume",), family="volume"
)
def vpin(bars: Bars, window: int = 50) -> Array:
    """VPIN, a proxy: sum of |buyers' less sellers' volume| / all volume of ``window`` bars, 0 to 1.

    Split as in ``bulk_volume_imbalance``. Bars of equal times stand in place of the source's buckets of equal volume.
    """
    size = np.abs(_bulk_surplus(bars, window)) * bars.volume
    return ratio(rolling_sum(size, window), _volume_sum(bars, window))

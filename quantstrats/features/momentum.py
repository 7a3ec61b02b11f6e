"""Momentum oscillators: where the close stands in what came before, and how rises compare with falls."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from quantstrats.features.averages import ema
from quantstrats.features.bars import lag as before
from quantstrats.features.bars import ratio
from quantstrats.features.decay import ema_bars, whole, wilder_bars
from quantstrats.features.definition import feature
from quantstrats.features.kernels import rolling_max, rolling_mean, rolling_min, rolling_sum, weighted_sum, wilder
from quantstrats.features.momentum_kernels import (
    FISHER_BARS,
    double_smoothed_ratio,
    fisher,
    mean_deviations_off,
    rank_among_those_before,
    relative_strength,
    runs,
)

if TYPE_CHECKING:
    from quantstrats.features.bars import Array, Bars

_BLAU = "Blau (1995), Momentum, Direction, and Divergence"
_CHANDE = "Chande and Kroll (1994), The New Technical Trader"
_ELDER = "Elder (1993), Trading for a Living, sec. on Elder-ray"
_LANE = "Lane (1984), Lane's Stochastics, Stocks & Commodities 2(3)"
_VIGOR = "Ehlers (2002), Relative Vigor Index, Stocks & Commodities 20(1), 16-20"
_WILLIAMS = "Williams (1998), New Trading Dimensions"

_LONGEST_RUN = 100  # bars: a longer run turns as one of so many
_SYMMETRIC = np.array([1.0, 2.0, 2.0, 1.0]) / 6.0


def _change(bars: Bars, lag: int = 1) -> Array:
    return bars.once(("change", lag), lambda: bars.close - before(bars.close, lag))


def _highest(bars: Bars, window: int) -> Array:
    return bars.once(("highest high", window), lambda: rolling_max(bars.high, window))


def _lowest(bars: Bars, window: int) -> Array:
    return bars.once(("lowest low", window), lambda: rolling_min(bars.low, window))


def _stochastic(bars: Bars, window: int) -> Array:
    """Return where in the range of the window the close stands, 0 to 1."""

    def compute() -> Array:
        low = _lowest(bars, window)
        return ratio(bars.close - low, _highest(bars, window) - low)

    return bars.once(("stochastic", window), compute)


@feature(
    source="Wilder (1978), New Concepts in Technical Trading Systems, sec. VI",
    bars=lambda window: wilder_bars(window) + 1,
)
def rsi(bars: Bars, window: int = 14) -> Array:
    """Relative strength index: 100 x rises / (rises + falls), Wilder's averages of changes of the close.

    0 to 100; missing where the close did not change on any of its bars.
    """
    return relative_strength(_change(bars), window)


# What an RSI remembers counts for more where its range is small: half as many bars more leave 3e-14 of it.
def _stochastic_rsi_bars(window: int) -> int:
    return wilder_bars(window) * 3 // 2 + window


def _stochastic_rsi_k_bars(window: int, smoothing: int) -> int:
    return _stochastic_rsi_bars(window) + whole(smoothing, name="smoothing") - 1


def _stochastic_rsi_d_bars(window: int, smoothing: int, signal: int) -> int:
    return _stochastic_rsi_k_bars(window, smoothing) + whole(signal, name="signal") - 1


@feature(source=f"{_CHANDE}, ch. on StochRSI", bars=_stochastic_rsi_bars)
def stochastic_rsi(bars: Bars, window: int = 14) -> Array:
    """Stochastic RSI: where the RSI stands between its lowest and its highest of ``window`` bars, 0 to 1.

    Missing where the RSI moved by less than 0.0001 over the window, as it does by rounding where closes are all equal.
    """
    strength = bars.of(rsi, window=window)
    low, high = rolling_min(strength, window), rolling_max(strength, window)
    return np.where(high - low < 1e-4, np.nan, (strength - low) / (high - low))


@feature(source=f"{_CHANDE}, ch. on StochRSI", bars=_stochastic_rsi_k_bars)
def stochastic_rsi_k(bars: Bars, window: int = 14, smoothing: int = 3) -> Array:
    """Stochastic RSI %K: its mean over ``smoothing`` bars, 0 to 1."""
    return rolling_mean(bars.of(stochastic_rsi, window=window), smoothing)


@feature(source=f"{_CHANDE}, ch. on StochRSI", bars=_stochastic_rsi_d_bars)
def stochastic_rsi_d(bars: Bars, window: int = 14, smoothing: int = 3, signal: int = 3) -> Array:
    """Stochastic RSI %D: the mean of its %K over ``signal`` bars, 0 to 1."""
    return rolling_mean(bars.of(stochastic_rsi_k, window=window, smoothing=smoothing), signal)


@feature(source=_LANE, bars=lambda window: whole(window))
def stochastic_k(bars: Bars, window: int = 14) -> Array:
    """Stochastic %K: 100 (close - lowest low) / (highest high - lowest low) of ``window`` bars.

    0 to 100; missing where the window has no range.
    """
    return 100.0 * _stochastic(bars, window)


@feature(source=_LANE, bars=lambda window, smoothing: whole(window) + whole(smoothing, name="smoothing") - 1)
def stochastic_d(bars: Bars, window: int = 14, smoothing: int = 3) -> Array:
    """Stochastic %D: the mean of %K over ``smoothing`` bars, 0 to 100."""
    return 100.0 * rolling_mean(_stochastic(bars, window), smoothing)


@feature(source="Williams (1973), How I Made One Million Dollars, ch. on %R", bars=lambda window: whole(window))
def williams_r(bars: Bars, window: int = 14) -> Array:
    """Williams %R: -100 (highest high - close) / (highest high - lowest low) of ``window`` bars, -100 to 0."""
    return 100.0 * _stochastic(bars, window) - 100.0


@feature(source=f"{_LANE}; of closes alone", bars=lambda window: whole(window, 2))
def range_position(bars: Bars, window: int = 252) -> Array:
    """Position of the close between the lowest and the highest close of ``window`` bars, 0 to 1."""
    low, high = rolling_min(bars.close, window), rolling_max(bars.close, window)
    return ratio(bars.close - low, high - low)


@feature(
    source="Wu and Diao (2015), Technical Analysis of Three Stock Oscillators, ICCSNT, 320-323",
    bars=lambda window, smoothing: whole(window) + wilder_bars(smoothing, 2, "smoothing"),
)
def kdj_j(bars: Bars, window: int = 9, smoothing: int = 3) -> Array:
    """J line of the KDJ: 3 K - 2 D, of a stochastic that is smoothed once (K) and twice (D).

    A new value weighs 1 / ``smoothing``. May leave 0 to 100. A window without a range counts as 50, the middle.
    """
    raw = _stochastic(bars, window)
    missing = np.isnan(raw) & ~np.isnan(_lowest(bars, window))
    k = wilder(np.where(missing, 50.0, 100.0 * raw), smoothing)
    return 3.0 * k - 2.0 * wilder(k, smoothing)


def _smoothed_twice_bars(slow: int, fast: int) -> int:
    return ema_bars(slow, name="slow") + ema_bars(fast, name="fast")


# A change more than the averages take; each forgets by itself, one after the other.
@feature(
    source=f"{_BLAU}, ch. on the true strength index", bars=lambda slow, fast: _smoothed_twice_bars(slow, fast) + 1
)
def true_strength_index(bars: Bars, slow: int = 25, fast: int = 13) -> Array:
    """True strength index: 100 x changes of the close / their sizes, both smoothed exponentially twice.

    -100 to 100; missing where the close did not change on any of its bars.
    """
    change = _change(bars)
    return 100.0 * double_smoothed_ratio(change, np.abs(change), slow, fast)


@feature(
    source=f"{_BLAU}, ch. on the stochastic momentum index",
    bars=lambda window, slow, fast: whole(window) + _smoothed_twice_bars(slow, fast),
)
def stochastic_momentum_index(bars: Bars, window: int = 13, slow: int = 25, fast: int = 2) -> Array:
    """Stochastic momentum index: 100 x (close - middle of the range) / half the range, smoothed.

    -100 to 100. The range is that of ``window`` bars; both sides are smoothed exponentially twice, over ``slow`` and
    ``fast`` bars.
    """
    high, low = _highest(bars, window), _lowest(bars, window)
    return 100.0 * double_smoothed_ratio(bars.close - 0.5 * (high + low), 0.5 * (high - low), slow, fast)


def _ultimate_bars(fast: int, middle: int, slow: int) -> int:
    whole(middle, whole(fast, name="fast") + 1, "middle")
    return whole(slow, middle + 1, "slow") + 1


@feature(
    source="Williams (1985), The Ultimate Oscillator, Stocks & Commodities 3(4)",
    bars=_ultimate_bars,
)
def ultimate_oscillator(bars: Bars, fast: int = 7, middle: int = 14, slow: int = 28) -> Array:
    """Ultimate oscillator: buying pressure / true range over three windows, weighted 4, 2 and 1.

    In per cent, 0 to 100. Buying pressure is the close less the true low, the lower of the low and the close before.
    """
    previous = before(bars.close)
    # With a missing close before, both are missing.
    true_low = np.minimum(bars.low, previous)
    pressure, true_range = bars.close - true_low, np.maximum(bars.high, previous) - true_low
    total: Array = np.zeros(bars.shape)
    for window, weight in ((fast, 4.0), (middle, 2.0), (slow, 1.0)):
        total += weight * rolling_sum(pressure, window) / rolling_sum(true_range, window)  # 0 / 0 where nothing moved
    return total * (100.0 / 7.0)


def _awesome_bars(fast: int, slow: int) -> int:
    return whole(slow, whole(fast, name="fast") + 1, "slow")


@feature(source=_WILLIAMS, bars=_awesome_bars, scale="price")
def awesome_oscillator(bars: Bars, fast: int = 5, slow: int = 34) -> Array:
    """Awesome oscillator: the mean of (high + low) / 2 over ``fast`` bars less that over ``slow`` bars."""
    return rolling_mean(bars.median, fast) - rolling_mean(bars.median, slow)


@feature(
    source=_WILLIAMS,
    bars=lambda fast, slow, smoothing: _awesome_bars(fast, slow) + whole(smoothing, name="smoothing") - 1,
    scale="price",
)
def accelerator_oscillator(bars: Bars, fast: int = 5, slow: int = 34, smoothing: int = 5) -> Array:
    """Accelerator oscillator: the awesome oscillator less its own mean over ``smoothing`` bars."""
    awesome = bars.of(awesome_oscillator, fast=fast, slow=slow)
    return awesome - rolling_mean(awesome, smoothing)


@feature(source=f"{_CHANDE}, ch. on momentum", bars=lambda window: whole(window) + 1)
def cmo(bars: Bars, window: int = 14) -> Array:
    """Chande momentum oscillator: 100 (rises - falls) / (rises + falls), sums of ``window`` changes.

    -100 to 100; missing where the close did not change. Sums, not Wilder's averages, which some libraries take.
    """
    change = _change(bars)
    return 100.0 * ratio(rolling_sum(change, window), rolling_sum(np.abs(change), window))


@feature(source="Lambert (1980), Commodity Channel Index, Commodities, October", bars=lambda window: whole(window, 2))
def cci(bars: Bars, window: int = 20) -> Array:
    """Commodity channel index: (typical price - its mean) / (0.015 x its mean absolute deviation).

    Missing where the typical price did not change.
    """
    return mean_deviations_off(bars.typical, window) / 0.015


def _connors_bars(window: int, streak_window: int, rank_window: int) -> int:
    streaks = _LONGEST_RUN + 2 + wilder_bars(streak_window, name="streak_window")
    return max(wilder_bars(window) + 1, streaks, whole(rank_window, 1, "rank_window") + 2)


@feature(source="Connors and Alvarez (2012), An Introduction to ConnorsRSI", bars=_connors_bars)
def connors_rsi(bars: Bars, window: int = 3, streak_window: int = 2, rank_window: int = 100) -> Array:
    """ConnorsRSI: the mean of an RSI of closes, an RSI of their streaks, and the rank of a return.

    0 to 100. The rank is the part of the ``rank_window`` returns before that were lower. A streak of more than 100 bars
    counts as one of 100 where it turns.
    """
    run = runs(_change(bars))
    counted = np.clip(run, -_LONGEST_RUN, _LONGEST_RUN)
    step = np.where(np.abs(run) > 1.0, np.sign(run), counted - before(counted))
    rank = rank_among_those_before(bars.simple_return, rank_window)
    return (bars.of(rsi, window=window) + relative_strength(step, streak_window) + rank) / 3.0


@feature(
    source="Ehlers (2002), Using the Fisher Transform, Stocks & Commodities 20(11)",
    bars=lambda window: whole(window, 2) + FISHER_BARS,
)
def fisher_transform(bars: Bars, window: int = 10) -> Array:
    """Fisher transform: y = 0.5 ln((1 + x) / (1 - x)) + 0.5 y', x = 0.33 p + 0.67 x', p a place.

    p is that of (high + low) / 2, from -1 at its lowest of the window to 1 at its highest, and 0 where these are the
    same. x is held within -0.999 and 0.999; the listing in the article jumps there from 0.99.
    """
    low, high = rolling_min(bars.median, window), rolling_max(bars.median, window)
    return fisher(np.where(high == low, 0.0, 2.0 * (bars.median - low) / (high - low) - 1.0))


@feature(source=_VIGOR, bars=lambda window: whole(window) + 3, needs=("ranges",))
def relative_vigor_index(bars: Bars, window: int = 10) -> Array:
    """Relative vigor index: close - open over high - low, each weighted 1, 2, 2, 1 and summed.

    About -1 to 1; missing where no bar of the window has a range.
    """
    vigor = weighted_sum(bars.close - bars.open, _SYMMETRIC)
    return ratio(rolling_sum(vigor, window), rolling_sum(weighted_sum(bars.high - bars.low, _SYMMETRIC), window))


@feature(source=_VIGOR, bars=lambda window: whole(window) + 6, needs=("ranges",))
def relative_vigor_signal(bars: Bars, window: int = 10) -> Array:
    """Signal line of the relative vigor index: its last four values, weighted 1, 2, 2, 1."""
    return weighted_sum(bars.of(relative_vigor_index, window=window), _SYMMETRIC)


@feature(
    source="Livshin (2001), Balance of Market Power, Stocks & Commodities 19(8)",
    bars=lambda window: whole(window),
    needs=("ranges",),
)
def balance_of_power(bars: Bars, window: int = 14) -> Array:
    """Balance of power: the mean of (close - open) / (high - low) over ``window`` bars.

    -1 to 1. A bar without a range has no power: 0.
    """
    return rolling_mean(ratio(bars.close - bars.open, bars.high - bars.low, 0.0), window)


def _coppock_bars(window: int, fast: int, slow: int) -> int:
    return whole(slow, whole(fast, name="fast") + 1, "slow") + whole(window)


@feature(source="Coppock (1962), in Barron's, 15 October; there of months", bars=_coppock_bars)
def coppock_curve(bars: Bars, window: int = 10, fast: int = 11, slow: int = 14) -> Array:
    """Coppock curve: the linearly weighted mean of the rates of change over ``fast`` and ``slow`` bars, added."""
    change = 100.0 * (bars.close / before(bars.close, fast) + bars.close / before(bars.close, slow) - 2.0)
    weights = np.arange(window, 0.0, -1.0)
    return weighted_sum(change, weights / weights.sum())


@feature(source=_ELDER, bars=ema_bars, scale="price", needs=("ranges",))
def bull_power(bars: Bars, window: int = 13) -> Array:
    """Bull power: high - exponential average of closes."""
    return bars.high - bars.of(ema, window=window)


@feature(source=_ELDER, bars=ema_bars, scale="price", needs=("ranges",))
def bear_power(bars: Bars, window: int = 13) -> Array:
    """Bear power: low - exponential average of closes."""
    return bars.low - bars.of(ema, window=window)


@feature(
    source="Altman (1993), Relative Momentum Index, Stocks & Commodities 11(2), 57-60",
    bars=lambda window, lag: wilder_bars(window) + whole(lag, name="lag"),
)
def relative_momentum_index(bars: Bars, window: int = 20, lag: int = 5) -> Array:
    """Relative momentum index: an RSI whose changes are those over ``lag`` bars, 0 to 100."""
    return relative_strength(_change(bars, lag), window)


@feature(source="Futures (2000), June, vol. 29 no. 6, 48", bars=lambda window: whole(window) + 1)
def psychological_line(bars: Bars, window: int = 12) -> Array:
    """Psychological line: on how many of the last ``window`` bars the close rose, in per cent."""
    change = _change(bars)
    return 100.0 * rolling_mean(np.where(np.isnan(change), np.nan, change > 0.0), window)


@feature(source="Connors and Alvarez (2012), An Introduction to ConnorsRSI", bars=lambda window: whole(window) + 1)
def streak(bars: Bars, window: int = 20) -> Array:
    """Streak: for how many bars in a row the close has risen, or fallen (negative), ``window`` at most.

    0 where the close did not change.
    """
    return np.clip(runs(_change(bars)), -window, window)

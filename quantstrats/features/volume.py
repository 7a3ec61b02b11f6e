"""Volume: how much is traded against what is usual, at which prices, and how it goes along with returns.

What is traded while prices rise or fall stands in :mod:`quantstrats.features.volume_flow`. A bar without volume counts;
one whose volume is not known makes the windows that hold it missing, except where a feature says that it passes over.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from quantstrats.features.bars import lag as before
from quantstrats.features.bars import ratio
from quantstrats.features.decay import ema_bars, whole
from quantstrats.features.definition import feature
from quantstrats.features.kernels import (
    rolling_covariance,
    rolling_mean,
    rolling_slope,
    rolling_std,
    rolling_sum,
)
from quantstrats.features.volume_flow import (
    volume_price_trend,
)
from quantstrats.features.volume_kernels import fading_mean, profile, within_session

if TYPE_CHECKING:
    from quantstrats.features.bars import Array, Bars

_ACHELIS = "Achelis (2000), Technical Analysis from A to Z"
_BERKOWITZ = "Berkowitz, Logue and Noser (1988), The Total Cost of Transactions on the NYSE, J. of Finance 43(1)"
_KARPOFF = "Karpoff (1987), J. of Financial and Quantitative Analysis 22(1), 109-126"
_MURPHY = "Murphy (1999), Technical Analysis of the Financial Markets, ch. 7"
_PROFILE = "Steidlmayer and Koy (1986), Markets and Market Logic; here of bars"

_ROUNDING = 1e-12  # what the deviation of equal values may be of their size, for nothing but rounding
_VALUE_AREA = 0.7  # of the volume, as the source has it


def _mean_volume(bars: Bars, window: int) -> Array:
    return bars.once(("mean volume", window), lambda: rolling_mean(bars.volume, window))


@feature(source=_BERKOWITZ, bars=lambda window: whole(window) + 1, scale="price", needs=("volume",))
def vwap(bars: Bars, window: int = 390) -> Array:
    """Volume-weighted average price of the session so far: sum of typical price x volume / volume.

    It begins anew with each session; on daily bars it is the typical price. Missing where the session began more than
    ``window`` bars ago (390 minutes are a session in New York), and until something is traded.
    """
    return within_session(bars.typical, bars.volume, bars.session, window)


@feature(source=_BERKOWITZ, bars=lambda window: whole(window), scale="price", needs=("volume",))
def rolling_vwap(bars: Bars, window: int = 20) -> Array:
    """Volume-weighted average price of ``window`` bars: sum of typical price x volume / volume."""
    money = rolling_sum(bars.typical * bars.volume, window)
    return ratio(money, window * _mean_volume(bars, window))


@feature(source=_BERKOWITZ, bars=lambda window: whole(window), needs=("volume",))
def vwap_distance(bars: Bars, window: int = 20) -> Array:
    """Distance to the volume-weighted average price of ``window`` bars: close / average - 1."""
    return bars.close / bars.of(rolling_vwap, window=window) - 1.0


@feature(source=f"{_MURPHY}; against a mean", bars=lambda window: whole(window), needs=("volume",))
def volume_ratio(bars: Bars, window: int = 20) -> Array:
    """Volume ratio: volume / mean volume of ``window`` bars, this one included."""
    return ratio(bars.volume, _mean_volume(bars, window))


@feature(source=f"{_MURPHY}; against mean and deviation", bars=lambda window: whole(window, 2), needs=("volume",))
def volume_zscore(bars: Bars, window: int = 20) -> Array:
    """Volume z-score: (volume - mean) / standard deviation of ``window`` bars (dividing by n - 1).

    Missing where volume did not vary.
    """
    mean, deviation = _mean_volume(bars, window), rolling_std(bars.volume, window)
    return ratio(bars.volume - mean, np.where(deviation <= _ROUNDING * mean, 0.0, deviation))


@feature(source=f"{_MURPHY}, volume confirming the trend", bars=lambda window: whole(window, 2), needs=("volume",))
def volume_price_divergence(bars: Bars, window: int = 20) -> Array:
    """Volume-price divergence: 1 where close and volume trend in opposite directions, else 0.

    Trends are least-squares slopes over ``window`` bars.
    """
    both = rolling_slope(bars.close, window) * rolling_slope(bars.volume, window)
    return np.where(np.isnan(both), np.nan, (both < 0.0).astype(np.float64))


@feature(source=f"{_MURPHY}; the slope of a line", bars=lambda window: whole(window, 2), needs=("volume",))
def volume_trend(bars: Bars, window: int = 20) -> Array:
    """Volume trend: least-squares slope of volume over ``window`` bars / mean volume, per bar."""
    return ratio(rolling_slope(bars.volume, window), _mean_volume(bars, window))


@feature(source=f"{_ACHELIS}, Volume Rate-of-Change", bars=lambda window: whole(window) + 1, needs=("volume",))
def volume_roc(bars: Bars, window: int = 12) -> Array:
    """Volume rate of change: 100 (volume / volume of ``window`` bars ago - 1), in per cent.

    Missing where there was none then.
    """
    return 100.0 * (ratio(bars.volume, before(bars.volume, window)) - 1.0)


def _pvo_bars(fast: int, slow: int) -> int:
    return ema_bars(whole(slow, whole(fast, name="fast") + 1, "slow"), name="slow")


def _pvo_signal_bars(fast: int, slow: int, signal: int) -> int:
    return _pvo_bars(fast, slow) + ema_bars(signal, name="signal") - 1


@feature(source=f"{_ACHELIS}, Volume Oscillator, in per cent; exponential", bars=_pvo_bars, needs=("volume",))
def pvo(bars: Bars, fast: int = 12, slow: int = 26) -> Array:
    """Percentage volume oscillator: 100 (fast / slow exponential average of volume - 1).

    Bars whose volume is not known are passed over.
    """
    quick, steady = (fading_mean(bars.volume, 2.0 / (window + 1.0)) for window in (fast, slow))
    return 100.0 * (ratio(quick, steady) - 1.0)


@feature(source=f"{_ACHELIS}, Volume Oscillator; Appel's signal", bars=_pvo_signal_bars, needs=("volume",))
def pvo_signal(bars: Bars, fast: int = 12, slow: int = 26, signal: int = 9) -> Array:
    """Signal line of the percentage volume oscillator: its exponential average of ``signal`` bars."""
    return fading_mean(bars.of(pvo, fast=fast, slow=slow), 2.0 / (signal + 1.0))


@feature(source=f"{_ACHELIS}, Volume Oscillator; Appel's histogram", bars=_pvo_signal_bars, needs=("volume",))
def pvo_histogram(bars: Bars, fast: int = 12, slow: int = 26, signal: int = 9) -> Array:
    """Histogram of the percentage volume oscillator: the oscillator less its signal line."""
    return bars.of(pvo, fast=fast, slow=slow) - bars.of(pvo_signal, fast=fast, slow=slow, signal=signal)


@feature(
    source="Brennan, Chordia and Subrahmanyam (1998), J. of Financial Economics 49(3), 345-373",
    bars=lambda window: whole(window),
    scale="money",
    needs=("volume",),
)
def dollar_volume(bars: Bars, window: int = 20) -> Array:
    """Dollar volume: the mean of close x volume over ``window`` bars, in units of currency."""
    return rolling_mean(bars.dollar_volume, window)


@feature(
    source="Llorente, Michaely, Saar and Wang (2002), Review of Financial Studies 15(4); here a weighted mean",
    bars=lambda window: whole(window) + 1,
    needs=("volume",),
)
def volume_weighted_return(bars: Bars, window: int = 20) -> Array:
    """Volume-weighted return: sum of volume x simple return / volume, of ``window`` bars."""
    return ratio(bars.of(volume_price_trend, window=window), window * _mean_volume(bars, window))


@feature(source=_KARPOFF, bars=lambda window: whole(window, 2) + 1, needs=("volume",))
def price_volume_correlation(bars: Bars, window: int = 20) -> Array:
    """Price-volume correlation: that of simple returns and volume over ``window`` bars, -1 to 1.

    Missing where one of them did not vary.
    """
    returns, deviation = bars.simple_return, rolling_std(bars.volume, window)
    spread, volumes = (
        rolling_std(returns, window),
        np.where(deviation <= _ROUNDING * _mean_volume(bars, window), 0.0, deviation),
    )
    both = np.where(spread <= _ROUNDING, 0.0, spread) * volumes
    return np.clip(ratio(rolling_covariance(returns, bars.volume, window), both), -1.0, 1.0)


@feature(
    source="Williams (1995), Trading Chaos, ch. on the market facilitation index",
    bars=1,
    scale="price per share traded",
    needs=("volume", "ranges"),
)
def market_facilitation_index(bars: Bars) -> Array:
    """Market facilitation index: (high - low) / volume. Missing where nothing was traded."""
    return ratio(bars.high - bars.low, bars.volume)


_MOST_BINS = 1_000


def _profile_bars(window: int, bins: int) -> int:
    if whole(bins, 2, "bins") > _MOST_BINS:
        raise ValueError(f"bins is {bins:,}; it must be at most {_MOST_BINS:,}")
    return whole(window)


def _profile_of(bars: Bars, window: int, bins: int) -> tuple[Array, Array, Array]:
    def compute() -> tuple[Array, Array, Array]:
        return profile(bars.high, bars.low, bars.volume, window, bins, _VALUE_AREA)

    return bars.once(("volume profile", window, bins), compute)


@feature(source=_PROFILE, bars=_profile_bars, needs=("volume", "ranges"))
def volume_profile_distance(bars: Bars, window: int = 60, bins: int = 24) -> Array:
    """Distance to the price of most volume of ``window`` bars, approximate: close / price - 1.

    A true profile takes each trade. Here a bar's volume lies evenly between its low and its high, and the price is the
    middle of the fullest of ``bins`` equal parts of the window's range.
    """
    return bars.close / _profile_of(bars, window, bins)[0] - 1.0


@feature(source=_PROFILE, bars=_profile_bars, needs=("volume", "ranges"))
def value_area_position(bars: Bars, window: int = 60, bins: int = 24) -> Array:
    """Position of the close in the value area of ``window`` bars, approximate: 0 at its low, 1 at its high.

    The prices around that of most volume that hold 70 per cent of it, part by part on the fuller side. Approximate as
    ``volume_profile_distance`` is.
    """
    _, low, high = _profile_of(bars, window, bins)
    return ratio(bars.close - low, high - low)

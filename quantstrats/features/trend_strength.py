"""How strong a trend is, whichever way it runs, and how straight."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from quantstrats.features.averages import sma
from quantstrats.features.bars import lag as before
from quantstrats.features.bars import ratio
from quantstrats.features.channels import donchian_lower, donchian_upper
from quantstrats.features.decay import whole
from quantstrats.features.definition import feature
from quantstrats.features.kernels import (
    rolling_max,
    rolling_mean,
    rolling_min,
    rolling_slope,
    rolling_sum,
    rolling_variance,
)
from quantstrats.features.trend_kernels import rises_over_falls, share_above
from quantstrats.features.volatility import true_range

if TYPE_CHECKING:
    from quantstrats.features.bars import Array, Bars

_CHANDE = "Chande and Kroll (1994), The New Technical Trader, ch. on linear regression analysis"
_ROUNDING = 1e-12  # what is left of nothing, for rounding


def _slope(bars: Bars, window: int) -> Array:
    return bars.once(("slope of closes", window), lambda: rolling_slope(bars.close, window))


def _path(bars: Bars, window: int) -> Array:
    """Return the sum of the sizes of the last ``window`` changes of the close."""
    size = np.abs(bars.once(("change", 1), lambda: bars.close - before(bars.close)))
    return bars.once(("path", window), lambda: rolling_sum(size, window))


@feature(source=_CHANDE, bars=lambda window: whole(window, 2), family="trend")
def slope(bars: Bars, window: int = 20) -> Array:
    """Slope per bar of the least-squares line through the last closes, as a part of their mean."""
    return _slope(bars, window) / bars.of(sma, window=window)


@feature(source=_CHANDE, bars=lambda window: whole(window, 2), family="trend")
def r_squared(bars: Bars, window: int = 20) -> Array:
    """R squared of the least-squares line through the last closes: 0 without a trend, 1 on a line.

    Missing where all closes of the window are equal.
    """
    variance = rolling_variance(bars.close, window, ddof=0)
    variance = np.where(variance <= (_ROUNDING * bars.of(sma, window=window)) ** 2, 0.0, variance)
    explained = _slope(bars, window) ** 2 * ((window * window - 1.0) / 12.0)
    return np.minimum(ratio(explained, variance), 1.0)


@feature(
    source="Lopez de Prado (2020), Machine Learning for Asset Managers, sec. 5.4, trend scanning",
    bars=lambda window: whole(window, 3),
    family="trend",
)
def slope_t(bars: Bars, window: int = 20) -> Array:
    """t-value of the slope of the least-squares line through the last closes: slope / its standard error.

    Prices are no independent draws, so it is large far more often than tables say. Missing where the closes lie on a
    line, so that there is no error.
    """
    share = bars.of(r_squared, window=window)
    unexplained = np.where(1.0 - share <= _ROUNDING, 0.0, 1.0 - share)
    return np.sign(_slope(bars, window)) * np.sqrt(ratio(share * (window - 2.0), unexplained))


@feature(
    source="Mann (1945), Nonparametric Tests Against Trend, Econometrica 13(3), 245-259",
    bars=lambda window: whole(window, 2),
    family="trend",
)
def mann_kendall(bars: Bars, window: int = 20) -> Array:
    """Kendall's tau of closes with time: pairs that rose less pairs that fell, over all pairs, -1 to 1."""
    return rises_over_falls(bars.close, window)


@feature(
    source="Kaufman (1995), Smarter Trading, ch. on the adaptive moving average",
    bars=lambda window: whole(window) + 1,
    family="trend",
)
def efficiency_ratio(bars: Bars, window: int = 10) -> Array:
    """Efficiency ratio: |change of the close over ``window`` bars| / sum of its changes' sizes, 0 to 1.

    Missing where no close changed.
    """
    return ratio(np.abs(bars.close - before(bars.close, window)), _path(bars, window))


@feature(
    source="White (1991), The Vertical Horizontal Filter, Futures, August",
    bars=lambda window: whole(window, 2) + 1,
    family="trend",
)
def vertical_horizontal_filter(bars: Bars, window: int = 28) -> Array:
    """Vertical horizontal filter: (highest - lowest close) / sum of changes' sizes, of ``window`` bars.

    0 to 1; missing where no close changed.
    """
    return ratio(rolling_max(bars.close, window) - rolling_min(bars.close, window), _path(bars, window))


@feature(
    source="Dreiss (1990s), the choppiness index, as charting manuals give it",
    bars=lambda window: whole(window, 2) + 1,
    family="trend",
)
def choppiness_index(bars: Bars, window: int = 14) -> Array:
    """Choppiness index: 100 log(sum of true ranges / (highest high - lowest low)) / log(window).

    High, about 62 and more, where prices go sideways; low, 38 and less, in a trend. Missing where the window has no
    range.
    """
    ranges = bars.once(("sum of true ranges", window), lambda: rolling_sum(bars.of(true_range), window))
    width = bars.of(donchian_upper, window=window) - bars.of(donchian_lower, window=window)
    return np.log(ratio(ranges, width)) * (100.0 / math.log(window))


def _intensity_bars(window: int, recent: int) -> int:
    whole(window, whole(recent, name="recent") + 1)
    return window


@feature(
    source="Pee (2002), Trend Intensity Index, Stocks & Commodities, June",
    bars=_intensity_bars,
    family="trend",
)
def trend_intensity(bars: Bars, window: int = 60, recent: int = 30) -> Array:
    """Trend intensity index: how far the ``recent`` closes lie above the mean, in per cent of off it.

    The mean is today's, of ``window`` closes. 100 where all lie above it, 0 where all lie below; missing where all
    are equal.
    """
    return 100.0 * share_above(bars.close, bars.of(sma, window=window), recent)


@feature(
    source="Chande (1993), Rating Trend Strength, Stocks & Commodities 11(9), 382-386",
    bars=lambda window: 2 * whole(window) + 1,
    family="trend",
)
def trend_score(bars: Bars, window: int = 10) -> Array:
    """Trendscore: 1 for each close of ``window`` + 1 to 2 x ``window`` bars before not above, else -1.

    Their sum: with 10 bars from -10 to 10.
    """
    lags = range(window + 1, 2 * window + 1)
    score = sum((bars.close >= before(bars.close, lag)).astype(np.float64) for lag in lags)
    return np.where(np.isnan(bars.close), np.nan, 2.0 * score - window)


@feature(
    source="Murphy (1999), Technical Analysis of the Financial Markets, ch. 4, definition of trend",
    bars=lambda window: whole(window) + 1,
    family="trend",
)
def higher_highs_lows(bars: Bars, window: int = 5) -> Array:
    """Higher highs and lows: how many of ``window`` highs and lows are above the one before, as a part.

    0 to 1: (higher highs + higher lows) / (2 x ``window``).
    """
    higher = (bars.high > before(bars.high)) + 1.0 * (bars.low > before(bars.low))
    return rolling_mean(np.where(np.isnan(before(bars.close)), np.nan, 0.5 * higher), window)

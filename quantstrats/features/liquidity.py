"""Liquidity: what trading costs and how far it moves prices, as bars let one guess.

Spreads are parts of the price: 0.01 is one per cent. Who began a trade is not known from bars: where a sign is needed
it is that of the tick test of closes (see ``cumulative_delta``), a proxy.
"""

from __future__ import annotations

import math
from statistics import NormalDist
from typing import TYPE_CHECKING

import numpy as np

from quantstrats.features.bars import lag as before
from quantstrats.features.bars import ratio
from quantstrats.features.decay import whole
from quantstrats.features.definition import feature
from quantstrats.features.kernels import (
    rolling_covariance,
    rolling_mean,
    rolling_std,
    rolling_sum,
    rolling_variance,
)
from quantstrats.features.liquidity_kernels import second_slope, squared_spread
from quantstrats.features.volume_flow import TICKS_BACK, tick_sign

if TYPE_CHECKING:
    from quantstrats.features.bars import Array, Bars

_ABDI = "Abdi and Ranaldo (2017), Review of Financial Studies 30(12), 4437-4480, the two-day corrected estimator"
_ARDIA = "Ardia, Guidotti and Kroencke (2024), J. of Financial Economics 161, 103916, the EDGE estimator"
_CORWIN = "Corwin and Schultz (2012), J. of Finance 67(2), 719-760"
_LESMOND = "Lesmond, Ogden and Trzcinka (1999), Review of Financial Studies 12(5), 1113-1141"
_PASTOR = "Pastor and Stambaugh (2003), J. of Political Economy 111(3), 642-685, eq. 1"
_ROLL = "Roll (1984), J. of Finance 39(4), 1127-1139"

_MILLION = 1e6
_ENOUGH = 0.8  # of a window's bars: Amihud asks for more than 200 days of a year
_ROUNDING = 1e-12  # what the deviation of equal values may be of their size, for nothing but rounding


@feature(
    source="Amihud (2002), J. of Financial Markets 5(1), 31-56, eq. 1",
    bars=lambda window: whole(window) + 1,
    scale="money",
    needs=("volume",),
)
def amihud(bars: Bars, window: int = 60) -> Array:
    """Amihud's illiquidity: 1e6 x the mean of |return| / (close x volume) over ``window`` bars.

    Of bars with volume; missing where fewer than four fifths of them had any. Per million of currency.
    """
    impact = ratio(np.abs(bars.simple_return), bars.dollar_volume)
    known = ~np.isnan(impact)
    count = rolling_sum(known.astype(np.float64), window)
    total = rolling_sum(np.where(known, impact, 0.0), window)
    return np.where(count >= _ENOUGH * window, _MILLION * ratio(total, count), np.nan)


@feature(
    source="Cooper, Groth and Avera (1985), J. of Economics and Business 37(1), 19-33, the Amivest ratio",
    bars=lambda window: whole(window) + 1,
    scale="money",
    needs=("volume",),
)
def amivest(bars: Bars, window: int = 60) -> Array:
    """Amivest liquidity ratio: sum of close x volume / sum of |return|, of ``window`` bars, in millions of currency.

    What is traded for a return of 1. Missing where the close did not move.
    """
    moved = rolling_sum(np.abs(bars.simple_return), window)
    return ratio(rolling_sum(bars.dollar_volume, window) / _MILLION, moved)


def _corwin_bars(window: int, negatives: str, **_: object) -> int:
    if negatives not in ("zero", "keep"):
        raise ValueError(f"negatives is {negatives!r}; it is 'zero' or 'keep'")
    return whole(window) + 1


@feature(source=_CORWIN, bars=_corwin_bars, needs=("ranges",))
def corwin_schultz(bars: Bars, window: int = 20, overnight: bool = True, negatives: str = "zero") -> Array:
    """Corwin-Schultz spread: the mean over ``window`` bars of a spread from the ranges of two bars, as a part.

    2 (e^a - 1) / (1 + e^a) with a = (sqrt(2 b) - sqrt(b)) / k - sqrt(g / k), k = 3 - 2 sqrt(2): b is the sum of
    ln(high / low)^2 of both bars, g that of their common range. With ``overnight`` a bar that lies wholly above or
    below the close before is moved to it. Of single spreads below zero, ``negatives`` tells whether they count as zero,
    as the authors do, or as they are (``"keep"``).
    """
    high, low, last = bars.high, bars.low, before(bars.close)
    if overnight:
        gap = np.maximum(low - last, 0.0) + np.minimum(high - last, 0.0)
        high, low = high - gap, low - gap
    both = np.log(high / low) ** 2 + np.log(before(bars.high) / before(bars.low)) ** 2
    common = np.log(np.maximum(high, before(bars.high)) / np.minimum(low, before(bars.low))) ** 2
    k = 3.0 - 2.0 * math.sqrt(2.0)
    exponent = (math.sqrt(2.0) - 1.0) / k * np.sqrt(both) - np.sqrt(common / k)
    spread = 2.0 * np.tanh(0.5 * exponent)
    return rolling_mean(np.maximum(spread, 0.0) if negatives == "zero" else spread, window)


def _half_log(above: Array, below: Array) -> Array:
    """Return half the logarithm of a ratio of squares.

    Not a difference of logarithms, of which a root would show how they are rounded, and that the scale of prices.
    """
    return 0.5 * np.log(above / below)


@feature(source=_ABDI, bars=lambda window: whole(window) + 1, needs=("ranges",))
def abdi_ranaldo(bars: Bars, window: int = 20) -> Array:
    """Abdi-Ranaldo spread: the mean over ``window`` bars of sqrt(4 (c - m)(c - m of the next bar)), as a part.

    Of the logarithm of the close, and the mean m of those of high and low; where the product is negative it counts 0.
    """
    last, squared_middle = before(bars.close), bars.high * bars.low
    product = _half_log(last * last, before(squared_middle)) * _half_log(last * last, squared_middle)
    return rolling_mean(2.0 * np.sqrt(np.maximum(product, 0.0)), window)


@feature(source=f"{_ROLL}; of logarithms", bars=lambda window: whole(window, 2) + 2)
def roll_spread(bars: Bars, window: int = 60) -> Array:
    """Roll spread: 2 sqrt(-c), c the covariance of successive log returns, of ``window`` pairs; as a part.

    Missing, not zero, where the covariance is not negative: there is no such spread.
    """
    covariance = rolling_covariance(bars.log_return, before(bars.log_return), window, ddof=0)
    return 2.0 * np.sqrt(np.where(covariance < -(_ROUNDING**2), -covariance, np.nan))


def _differ(left: Array, right: Array) -> Array:
    """Return 1 where two prices differ, 0 where they are equal; NaN where one is missing."""
    return np.where(np.isnan(left + right), np.nan, (left != right).astype(np.float64))


@feature(source=_ARDIA, bars=lambda window, **_: whole(window, 3) + 1, needs=("ranges",))
def edge_spread(bars: Bars, window: int = 20, signed: bool = False) -> Array:
    """EDGE spread of open, high, low and close over ``window`` bars: two moments, weighed by their variances.

    As a part. An estimate of its square may come out negative; its root is taken of the size, and with ``signed`` has
    its sign. Missing where fewer than two bars traded at more than one price, or opens or closes never differed from
    the extremes.
    """
    opening, last = bars.open, before(bars.close)
    middle, middle_before = bars.high * bars.low, before(bars.high * bars.low)  # squares of it
    returns = (
        _half_log(middle, opening * opening),
        _half_log(opening * opening, middle_before),
        _half_log(middle, last * last),
        _half_log(last * last, middle_before),
        np.log(opening / last),
    )
    moved = np.maximum(_differ(bars.high, bars.low), _differ(bars.low, last))
    off_opens = moved * (_differ(bars.open, bars.high) + _differ(bars.open, bars.low))
    at_close = _differ(last, before(bars.high)) + _differ(last, before(bars.low))
    square = squared_spread(np.stack([*returns, moved, off_opens, moved * at_close]), window)
    root = np.sqrt(np.abs(square))
    return np.copysign(root, square) if signed else root


@feature(
    source="Kyle (1985), Econometrica 53(6), 1315-1335; here of bars, by least squares",
    bars=lambda window: whole(window, 2) + TICKS_BACK + 1,
    scale="price per share traded",
    needs=("volume",),
)
def kyle_lambda(bars: Bars, window: int = 60) -> Array:
    """Kyle's lambda, a proxy: least-squares slope of changes of the close on volume signed by the tick test.

    Over ``window`` bars, with a constant; price per share. Missing where signed volume did not vary.
    """
    flow = tick_sign(bars) * bars.volume
    variance = rolling_variance(flow, window)
    usual = rolling_mean(bars.volume, window)
    slope = rolling_covariance(bars.close - before(bars.close), flow, window)
    return ratio(slope, np.where(variance <= (_ROUNDING * usual) ** 2, 0.0, variance))


@feature(
    source="Hasbrouck (2009), J. of Finance 64(3), 1445-1477, the price impact; here of bars",
    bars=lambda window: whole(window) + TICKS_BACK + 1,
    scale="money",
    needs=("volume",),
)
def hasbrouck_lambda(bars: Bars, window: int = 60) -> Array:
    """Hasbrouck's lambda, a proxy: 1e6 x slope of log returns on signed roots of close x volume.

    Signed by the tick test; over ``window`` bars, through the origin: sum of r S / sum of S^2. Per root of currency.
    Missing where nothing was traded.
    """
    root = tick_sign(bars) * np.sqrt(bars.dollar_volume)
    return _MILLION * ratio(rolling_sum(bars.log_return * root, window), rolling_sum(root * root, window))


@feature(
    source=f"{_PASTOR}; of the return itself, not in excess of the market's",
    bars=lambda window: whole(window, 4) + 2,
    scale="money",
    needs=("volume",),
)
def pastor_stambaugh(bars: Bars, window: int = 60) -> Array:
    """Pastor-Stambaugh gamma: slope of returns on the bar before's close x volume, signed as it moved.

    Least squares with a constant and the return of the bar before, over ``window`` pairs of bars; per million of
    currency. Below zero where moves on volume are reversed. Missing where the two cannot be told apart.
    """
    returns = bars.simple_return
    flow = np.sign(returns) * bars.dollar_volume / _MILLION
    return second_slope(before(returns), before(flow), returns, window)


def _zero_returns(bars: Bars, window: int) -> Array:
    def compute() -> Array:
        return rolling_mean(1.0 - _differ(bars.close, before(bars.close)), window)

    return bars.once(("share of zero returns", window), compute)


@feature(source=_LESMOND, bars=lambda window: whole(window) + 1)
def zero_return_share(bars: Bars, window: int = 60) -> Array:
    """Share of zero returns: bars of ``window`` whose close is unchanged, 0 to 1."""
    return _zero_returns(bars, window)


@feature(
    source="Fong, Holden and Trzcinka (2017), Review of Finance 21(4), 1355-1401, the FHT measure",
    bars=lambda window: whole(window, 2) + 1,
)
def fht_spread(bars: Bars, window: int = 60) -> Array:
    """FHT spread: 2 x standard deviation of returns x inverse normal of (1 + share of zero returns) / 2.

    Over ``window`` bars, as a part: 0 where no close was unchanged, missing where all were.
    """
    share = _zero_returns(bars, window)
    known = ~np.isnan(share)
    count = np.rint(np.where(known, share, 0.0) * window).astype(np.int64)
    normal = NormalDist()
    quantiles = np.array([normal.inv_cdf(0.5 * (1.0 + k / window)) for k in range(window)] + [np.nan])
    return np.where(known, 2.0 * rolling_std(bars.simple_return, window) * quantiles[count], np.nan)


@feature(
    source="Chordia, Subrahmanyam and Anshuman (2001), J. of Financial Economics 59(1), 3-32",
    bars=lambda window: whole(window, 2),
    needs=("volume",),
)
def turnover_volatility(bars: Bars, window: int = 60) -> Array:
    """Turnover volatility: standard deviation / mean of volume over ``window`` bars (dividing by n - 1)."""
    return ratio(rolling_std(bars.volume, window), rolling_mean(bars.volume, window))

"""Volatility: how much prices move, how far they fell, and what a return was worth for it.

Volatilities are per year (of ``bars.bars_per_year`` bars) and a part: 0.2 is 20 per cent. Falls and losses are those of
bars, as they were.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from quantstrats.features.bars import lag as before
from quantstrats.features.bars import ratio
from quantstrats.features.decay import bars_until_faded, ema_bars, whole, wilder_bars
from quantstrats.features.definition import feature
from quantstrats.features.kernels import (
    ema_of,
    rolling_max,
    rolling_mean,
    rolling_min,
    rolling_std,
    rolling_sum,
    rolling_variance,
    weighted_sum,
    wilder,
)
from quantstrats.features.momentum_kernels import relative_strength
from quantstrats.features.volatility_kernels import deepest_fall, lower_tail

if TYPE_CHECKING:
    from quantstrats.features.bars import Array, Bars

_BARNDORFF = "Barndorff-Nielsen and Shephard (2004), J. of Financial Econometrics 2(1), 1-37"
_HUANG = "Huang and Tauchen (2005), J. of Financial Econometrics 3(4), 456-499"
_MAGDON = "Magdon-Ismail and Atiya (2004), Maximum Drawdown, Risk 17(10), 99-102"
_SHARPE = "Sharpe (1994), The Sharpe Ratio, J. of Portfolio Management 21(1), 49-58"
_SORTINO = "Sortino and Price (1994), Performance Measurement in a Downside Risk Framework, J. of Investing 3(3)"
_WILDER = "Wilder (1978), New Concepts in Technical Trading Systems, sec. III"


_ROUNDING = 1e-12  # volatilities of equal returns, for nothing but rounding


def _per_year(bars: Bars, variance: Array) -> Array:
    """Return the volatility per year of a variance per bar."""
    return np.sqrt(variance * bars.bars_per_year)


def _over(above: Array, deviation: Array) -> Array:
    """Return ``above / deviation``, missing where nothing varied."""
    return ratio(above, np.where(deviation <= _ROUNDING, 0.0, deviation))


@feature(source=_WILDER, bars=2, scale="price")
def true_range(bars: Bars) -> Array:
    """True range: the higher of high and last close, less the lower of low and last close."""
    last = before(bars.close)
    return np.maximum(bars.high, last) - np.minimum(bars.low, last)


@feature(source=_WILDER, bars=lambda window: wilder_bars(window) + 1, scale="price")
def atr(bars: Bars, window: int = 14) -> Array:
    """Average true range: Wilder's average of true ranges, y += (x - y) / ``window``."""
    return wilder(bars.of(true_range), window)


@feature(
    source="Forman (2006), Cross-Market Evaluations with Normalized Average True Range, Stocks & Commodities, May",
    bars=lambda window: wilder_bars(window) + 1,
)
def natr(bars: Bars, window: int = 14) -> Array:
    """Normalised average true range: 100 x average true range / close, in per cent."""
    return 100.0 * bars.of(atr, window=window) / bars.close


@feature(source=f"{_WILDER}, the true range as a part of its usual size", bars=lambda window: whole(window) + 2)
def range_ratio(bars: Bars, window: int = 20) -> Array:
    """Range ratio: true range / mean true range of the ``window`` bars before.

    Missing where these did not move.
    """
    ranges = bars.of(true_range)
    return ratio(ranges, before(rolling_mean(ranges, window)))


@feature(
    source="Alizadeh, Brandt and Diebold (2002), J. of Finance 57(3), 1047-1091, the log range",
    bars=lambda window: whole(window),
)
def high_low_range(bars: Bars, window: int = 20) -> Array:
    """Log range: ln(highest high / lowest low) of ``window`` bars."""
    high = bars.once(("highest high", window), lambda: rolling_max(bars.high, window))
    return np.log(high / bars.once(("lowest low", window), lambda: rolling_min(bars.low, window)))


@feature(
    source="Hull (2018), Options, Futures, and Other Derivatives, 10th ed., sec. 15.4",
    bars=lambda window: whole(window, 2) + 1,
)
def realised_volatility(bars: Bars, window: int = 20) -> Array:
    """Realised volatility: standard deviation of ``window`` log returns (dividing by n - 1), per year."""
    return _per_year(bars, rolling_variance(bars.log_return, window))


def _ewma_bars(decay: float) -> int:
    if not 0.0 <= decay < 1.0:
        raise ValueError(f"decay is {decay:g}; it must be at least 0 and below 1")
    return bars_until_faded(1.0 - decay) + 1


@feature(source="J.P. Morgan and Reuters (1996), RiskMetrics Technical Document, 4th ed., ch. 5", bars=_ewma_bars)
def ewma_volatility(bars: Bars, decay: float = 0.94) -> Array:
    """Exponentially weighted volatility: root of mean squared log returns, faded by ``decay`` a bar; per year.

    The mean return is taken for zero. A sum of so many bars that older ones weigh less than 1e-9: a recursion would
    remember a shock for ever where no price moves after it.
    """
    count = bars_until_faded(1.0 - decay)
    weights = decay ** np.arange(count)
    return _per_year(bars, weighted_sum(bars.log_return**2, weights / weights.sum()))


def _log_range(bars: Bars) -> Array:
    return bars.once("log of high / low", lambda: np.log(bars.high / bars.low))


@feature(
    source="Parkinson (1980), The Extreme Value Method, J. of Business 53(1), 61-65",
    bars=lambda window: whole(window),
    needs=("ranges",),
)
def parkinson(bars: Bars, window: int = 20) -> Array:
    """Parkinson volatility: root of mean ln(high / low)^2 / (4 ln 2) of ``window`` bars, per year.

    What prices do between a close and the next open it does not see.
    """
    return _per_year(bars, rolling_mean(_log_range(bars) ** 2, window) / (4.0 * math.log(2.0)))


@feature(
    source="Garman and Klass (1980), J. of Business 53(1), 67-78",
    bars=lambda window: whole(window),
    needs=("ranges",),
)
def garman_klass(bars: Bars, window: int = 20) -> Array:
    """Garman-Klass volatility: root of mean 0.5 ln(h/l)^2 - (2 ln 2 - 1) ln(c/o)^2, per year.

    Of high, low, close and open of ``window`` bars. What prices do between a close and the next open it does not see.
    """
    body = np.log(bars.close / bars.open)
    daily = 0.5 * _log_range(bars) ** 2 - (2.0 * math.log(2.0) - 1.0) * body**2
    return _per_year(bars, np.maximum(rolling_mean(daily, window), 0.0))


def _rogers_satchell_variance(bars: Bars, window: int) -> Array:
    def compute() -> Array:
        up = np.log(bars.high / bars.close) * np.log(bars.high / bars.open)
        down = np.log(bars.low / bars.close) * np.log(bars.low / bars.open)
        return np.maximum(rolling_mean(up + down, window), 0.0)

    return bars.once(("variance of Rogers and Satchell", window), compute)


@feature(
    source="Rogers and Satchell (1991), Annals of Applied Probability 1(4), 504-512",
    bars=lambda window: whole(window),
    needs=("ranges",),
)
def rogers_satchell(bars: Bars, window: int = 20) -> Array:
    """Rogers-Satchell volatility: root of mean ln(h/c) ln(h/o) + ln(l/c) ln(l/o), per year.

    Of high, low, close and open of ``window`` bars; a trend does not raise it. What prices do between a close
    and the next open it does not see.
    """
    return _per_year(bars, _rogers_satchell_variance(bars, window))


@feature(
    source="Yang and Zhang (2000), J. of Business 73(3), 477 ff.",
    bars=lambda window: whole(window, 2) + 1,
    needs=("ranges",),
)
def yang_zhang(bars: Bars, window: int = 20) -> Array:
    """Yang-Zhang volatility: of overnight moves, opens to closes, and Rogers-Satchell, weighted; per year.

    Variance of ln(open / close before) + k x that of ln(close / open) + (1 - k) x Rogers-Satchell's, with
    k = 0.34 / (1.34 + (n + 1) / (n - 1)) of n bars. Neither gaps nor a trend mislead it.
    """
    weight = 0.34 / (1.34 + (window + 1.0) / (window - 1.0))
    night = rolling_variance(np.log(bars.open / before(bars.close)), window)
    day = rolling_variance(np.log(bars.close / bars.open), window)
    return _per_year(bars, night + weight * day + (1.0 - weight) * _rogers_satchell_variance(bars, window))


def _fast_and_slow(fast: int, slow: int) -> tuple[int, int]:
    return whole(fast, 2, "fast"), whole(slow, 2, "slow")


def _volatility_ratio_bars(fast: int, slow: int) -> int:
    _fast_and_slow(fast, slow)
    return whole(slow, fast + 1, "slow") + 1


@feature(
    source="Connors and Raschke (1995), Street Smarts, ch. on historical volatility",
    bars=_volatility_ratio_bars,
)
def volatility_ratio(bars: Bars, fast: int = 6, slow: int = 100) -> Array:
    """Volatility ratio: realised volatility of ``fast`` bars / that of ``slow`` bars.

    Missing where returns did not vary over ``slow`` bars.
    """
    return _over(bars.of(realised_volatility, window=fast), bars.of(realised_volatility, window=slow))


@feature(
    source="Baltussen, van Bekkum and van der Grient (2018), J. of Financial and Quantitative Analysis 53(4); "
    "there of implied volatility",
    bars=lambda fast, slow: sum(_fast_and_slow(fast, slow)),
)
def volatility_of_volatility(bars: Bars, fast: int = 20, slow: int = 60) -> Array:
    """Volatility of volatility: standard deviation / mean of realised volatility over ``slow`` bars.

    Each realised volatility is of ``fast`` bars. Missing where returns did not vary.
    """
    volatility = bars.of(realised_volatility, window=fast)
    return _over(rolling_std(volatility, slow), rolling_mean(volatility, slow))


def _semivariance(bars: Bars, window: int, target: float) -> Array:
    """Return the mean of min(simple return - target, 0)^2, of all returns of the window; the target is per year."""
    short = np.minimum(bars.simple_return - target / bars.bars_per_year, 0.0)
    return rolling_mean(short**2, window)


@feature(source=_SORTINO, bars=lambda window, **_: whole(window) + 1)
def downside_deviation(bars: Bars, window: int = 60, target: float = 0.0) -> Array:
    """Downside deviation: root of mean min(return - target, 0)^2 over all ``window`` returns, per year.

    Returns above the target count as 0, they are not left out. ``target`` is a return per year, as a part.
    """
    return _per_year(bars, _semivariance(bars, window, target))


@feature(source=_SHARPE, bars=lambda window, **_: whole(window, 2) + 1)
def rolling_sharpe(bars: Bars, window: int = 252, risk_free: float = 0.0) -> Array:
    """Rolling Sharpe ratio: mean / standard deviation of simple returns less the risk-free rate, per year.

    ``risk_free`` is a rate per year, as a part. Missing where returns did not vary.
    """
    excess = rolling_mean(bars.simple_return, window) - risk_free / bars.bars_per_year
    return _over(excess, rolling_std(bars.simple_return, window)) * math.sqrt(bars.bars_per_year)


@feature(source=_SORTINO, bars=lambda window, **_: whole(window) + 1)
def rolling_sortino(bars: Bars, window: int = 252, target: float = 0.0) -> Array:
    """Rolling Sortino ratio: mean of returns less the target / downside deviation, per year.

    The downside deviation is over all returns, see ``downside_deviation``. Missing where none fell short.
    """
    excess = rolling_mean(bars.simple_return, window) - target / bars.bars_per_year
    return ratio(excess, np.sqrt(_semivariance(bars, window, target))) * math.sqrt(bars.bars_per_year)


def _drawdown(bars: Bars, window: int) -> Array:
    return bars.once(("drawdown", window), lambda: bars.close / rolling_max(bars.close, window) - 1.0)


@feature(source=f"{_MAGDON}, the drawdown at its end", bars=lambda window: whole(window))
def drawdown(bars: Bars, window: int = 252) -> Array:
    """Drawdown: close / highest close of ``window`` bars - 1; 0 at the peak, else negative."""
    return _drawdown(bars, window)


@feature(source=_MAGDON, bars=lambda window: whole(window))
def max_drawdown(bars: Bars, window: int = 252) -> Array:
    """Maximum drawdown: the deepest fall from a close to a later one within ``window`` bars, 0 or negative."""
    return deepest_fall(bars.close, window)


@feature(
    source="Martin and McCann (1989), The Investor's Guide to Fidelity Funds, ch. on the ulcer index",
    bars=lambda window: 2 * whole(window) - 1,
)
def ulcer_index(bars: Bars, window: int = 14) -> Array:
    """Ulcer index: root of mean squared drawdown over ``window`` bars, in per cent.

    Each drawdown is from the highest close of its own last ``window`` bars, as charts show it.
    """
    return 100.0 * np.sqrt(rolling_mean(_drawdown(bars, window) ** 2, window))


def _bipower(bars: Bars, window: int) -> Array:
    def compute() -> Array:
        size = np.abs(bars.log_return)
        return rolling_sum(size * before(size), window - 1) * (0.5 * math.pi * window / (window - 1.0))

    return bars.once(("bipower variation", window), compute)


@feature(source=f"{_BARNDORFF}; with the factor n / (n - 1) of {_HUANG}", bars=lambda window: whole(window, 2) + 1)
def bipower_variation(bars: Bars, window: int = 20) -> Array:
    """Bipower variation: pi / 2 x sum of |r| |r of the bar before|, of ``window`` log returns.

    Jumps hardly count. The variance of the whole window, not per year: compare it with the sum of squared returns. The
    n - 1 products are scaled by n / (n - 1).
    """
    return _bipower(bars, window)


@feature(source=_HUANG, bars=lambda window: whole(window, 2) + 1)
def jump_share(bars: Bars, window: int = 20) -> Array:
    """Share of jumps: 1 - bipower variation / sum of squared log returns, of ``window`` returns, at least 0.

    Missing where the close did not move.
    """
    share = 1.0 - ratio(_bipower(bars, window), rolling_sum(bars.log_return**2, window))
    return np.maximum(share, 0.0)


@feature(
    source="Achelis (2000), Technical Analysis from A to Z, Volatility, Chaikin's",
    bars=lambda window, lag: ema_bars(window) * 3 // 2 + whole(lag, name="lag"),
    needs=("ranges",),
)
def chaikin_volatility(bars: Bars, window: int = 10, lag: int = 10) -> Array:
    """Chaikin volatility: change over ``lag`` bars of the exponential average of high - low, in per cent.

    Missing where no bar had a range for as long as the average before remembers.
    """
    spread = bars.high - bars.low
    level = ema_of(spread, window)
    level = np.where(rolling_max(spread, ema_bars(window)) > 0.0, level, 0.0)
    return 100.0 * (ratio(level, before(level, lag)) - 1.0)


@feature(
    source="Dorsey (1993), The Relative Volatility Index, Stocks & Commodities 11(6)",
    bars=lambda window, smoothing: whole(window, 2) + wilder_bars(smoothing, name="smoothing"),
)
def relative_volatility_index(bars: Bars, window: int = 10, smoothing: int = 14) -> Array:
    """Relative volatility index: an RSI of standard deviations of closes, signed as the close moved.

    0 to 100: 100 x those of bars that rose / those that rose or fell, by Wilder's averages of ``smoothing`` bars.
    """
    direction = np.sign(bars.close - before(bars.close))
    return relative_strength(direction * rolling_std(bars.close, window), smoothing)


def _losses(bars: Bars, window: int, level: float) -> tuple[Array, Array]:
    key = ("lower tail of returns", window, level)
    return bars.once(key, lambda: lower_tail(bars.simple_return, window, level))


def _tail_bars(window: int, level: float) -> int:
    if not 0.0 < level < 0.5:
        raise ValueError(f"level is {level:g}; it must be above 0 and below 0.5")
    return whole(window, 2) + 1


@feature(source="Jorion (2007), Value at Risk, 3rd ed., ch. 10, historical simulation", bars=_tail_bars)
def value_at_risk(bars: Bars, window: int = 252, level: float = 0.05) -> Array:
    """Value at risk: the loss on one bar that was exceeded on ``level`` of the last ``window`` bars.

    A part of the price, above 0 for a loss: a quantile of simple returns, interpolated linearly.
    """
    return -_losses(bars, window, level)[0]


@feature(
    source="Acerbi and Tasche (2002), On the Coherence of Expected Shortfall, J. of Banking & Finance 26(7), 1487-1503",
    bars=_tail_bars,
)
def expected_shortfall(bars: Bars, window: int = 252, level: float = 0.05) -> Array:
    """Expected shortfall: the mean loss on the worst ``level`` of the last ``window`` bars.

    A part of the price, above 0 for a loss. Of ``level`` x ``window`` returns the last may count in part.
    """
    return -_losses(bars, window, level)[1]


@feature(source="Quantopian (2016), empyrical, tail_ratio", bars=_tail_bars)
def tail_ratio(bars: Bars, window: int = 252, level: float = 0.05) -> Array:
    """Tail ratio: size of the quantile 1 - ``level`` of simple returns / size of the quantile ``level``.

    Above 1 where gains are larger than losses. Missing where the lower quantile is 0.
    """
    gain = lower_tail(-bars.simple_return, window, level)[0]
    return ratio(np.abs(gain), np.abs(_losses(bars, window, level)[0]))

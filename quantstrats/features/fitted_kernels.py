"""Compiled loops of the fitted features: GARCH variances, and two regimes of volatility.

Arrays hold the returns of one symbol.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from quantstrats.features.kernels import compiled

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[np.float64]

_START = 0.5  # probability of either regime before the first return


def garch_variances(residuals: Array, variance: float, omega: float, alpha: float, beta: float) -> Array:
    """Return the variance of the bar after each, ``variance`` being that of the first."""
    return _garch_variances(residuals, variance, omega, alpha, beta)


def fit_regimes(returns: Array, rounds: int, gain: float) -> Array:
    """Return the variances of two regimes, the lower first, and how likely each stays; NaN where that fails.

    Maximum likelihood by the algorithm of Hamilton (1990), J. of Econometrics 45, 39-70, in so many rounds at most,
    until one gains less than ``gain`` in the logarithm of the likelihood. Returns have the mean 0.
    """
    return _fit_regimes(returns, rounds, gain)


def filtered_regimes(returns: Array, regimes: Array) -> Array:
    """Return on each bar the probability of the second regime, from returns up to that bar.

    The filter of Hamilton (1989), Econometrica 57(2), 357-384; before the first return both are as likely.
    """
    return _filtered(returns, regimes)[0]


@compiled
def _garch_variances(residuals, variance, omega, alpha, beta):  # type: ignore[no-untyped-def]
    out = np.empty(len(residuals))
    for place in range(len(residuals)):
        variance = omega + alpha * residuals[place] * residuals[place] + beta * variance
        out[place] = variance
    return out


@compiled
def _densities(value, regimes):  # type: ignore[no-untyped-def]
    """Return the logarithm of the larger of two normal densities, and both as parts of it."""
    square = value * value
    one = -0.5 * (np.log(2.0 * np.pi * regimes[0]) + square / regimes[0])
    other = -0.5 * (np.log(2.0 * np.pi * regimes[1]) + square / regimes[1])
    larger = max(one, other)
    return larger, np.exp(one - larger), np.exp(other - larger)


@compiled
def _filtered(returns, regimes):  # type: ignore[no-untyped-def]
    # For each bar the probability of the second regime after it and before it, and the likelihood of all.
    after, ahead = np.empty(len(returns)), np.empty(len(returns))
    stay, stay_other = regimes[2], regimes[3]
    chance, total = _START, 0.0
    for place in range(len(returns)):
        if place > 0:
            chance = (1.0 - chance) * (1.0 - stay) + chance * stay_other
        ahead[place] = chance
        larger, one, other = _densities(returns[place], regimes)
        likelihood = (1.0 - chance) * one + chance * other
        chance *= other / likelihood
        after[place] = chance
        total += larger + np.log(likelihood)
    return after, ahead, total


@compiled
def _expected(returns, regimes, after, ahead):  # type: ignore[no-untyped-def]
    """Return, of each regime and from all returns: squared returns, bars but for the last, how often kept, the last."""
    count = len(returns)
    second = after[count - 1]
    last = np.array([1.0 - second, second])
    squares, times, stays = last * returns[count - 1] ** 2, np.zeros(2), np.zeros(2)
    for place in range(count - 2, -1, -1):
        known = after[place]
        onward, onward_other = (1.0 - second) / (1.0 - ahead[place + 1]), second / ahead[place + 1]
        stays[0] += (1.0 - known) * regimes[2] * onward
        stays[1] += known * regimes[3] * onward_other
        second = known * ((1.0 - regimes[3]) * onward + regimes[3] * onward_other)
        times[0] += 1.0 - second
        times[1] += second
        squares[0] += (1.0 - second) * returns[place] ** 2
        squares[1] += second * returns[place] ** 2
    return squares, times, stays, last


@compiled
def _fit_regimes(returns, rounds, gain):  # type: ignore[no-untyped-def]
    variance = np.mean(returns * returns)
    regimes = np.array([0.5 * variance, 2.0 * variance, 0.95, 0.95])
    # A regime of bars that hardly move would be ever more likely the smaller its variance.
    least, before = 1e-3 * variance, -np.inf
    for _ in range(rounds):
        after, ahead, total = _filtered(returns, regimes)
        if total - before < gain:
            if regimes[0] <= regimes[1]:
                return regimes
            return np.array([regimes[1], regimes[0], regimes[3], regimes[2]])
        before = total
        squares, times, stays, last = _expected(returns, regimes, after, ahead)
        for each in range(2):
            regimes[each] = max(squares[each] / (times[each] + last[each]), least)
            regimes[2 + each] = min(max(stays[each] / times[each], 1e-6), 1.0 - 1e-6)
    return np.full(4, np.nan)

"""Seeded random paths: what the source ``synthetic`` is made of. Arrays are rows x symbols."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

MONTH = 21  # sessions

# What is drawn has a stream of its own for each symbol. So no value depends on which others are drawn, nor on how many
# rows follow. The order of the names is part of what a seed means: add new ones at the end.
_STREAMS = ("turbulence", "trait", "night", "day", "high", "low", "volume", "drift", "first drift", "first spread")
MARKET = 0  # the number under which is drawn what all symbols share


def normal(seed: int, stream: str, numbers: Sequence[int], rows: int) -> Floats:
    """Return standard normal numbers for the symbols of these numbers, shape (rows, symbols)."""
    return np.array([_generator(seed, stream, number).standard_normal(rows) for number in numbers]).T


def uniform(seed: int, stream: str, numbers: Sequence[int], rows: int) -> Floats:
    """Return numbers from above 0 to 1 for the symbols of these numbers, shape (rows, symbols)."""
    return 1.0 - np.array([_generator(seed, stream, number).random(rows) for number in numbers]).T


def autoregression(first: Floats, keep: float, noise: Floats) -> Floats:
    """Return ``x`` with ``x[0] = first`` and ``x[t] = keep * x[t - 1] + noise[t - 1]``, a row more than ``noise``."""
    values = np.empty((len(noise) + 1, *first.shape))
    values[0] = first
    for row, shock in enumerate(noise):
        values[row + 1] = keep * values[row] + shock
    return values


def turbulence(seed: int, rows: int, excess: float, length: float) -> Floats:
    """Return each row's volatility over the usual one, of two regimes whose root mean square is 1; shape (rows,).

    Parameters
    ----------
    excess : float
        Volatility of the turbulent regime over that of the calm one, less 1.
    length : float
        Mean length of a spell, in rows.
    """
    draws = uniform(seed, "turbulence", [MARKET], rows)[:, 0]
    switches = draws <= np.append(0.5, np.full(rows - 1, 1 / length))  # either regime may be the first
    turbulent = np.cumsum(switches) % 2 == 1
    calm = np.sqrt(2 / (1 + (1 + excess) ** 2))
    times: Floats = np.where(turbulent, (1 + excess) * calm, calm)
    return times


def kept(half_life: float) -> float:
    """Return what a row leaves of a value that halves in so many rows."""
    return math.pow(0.5, 1 / half_life)


def month_moments(half_life: float) -> tuple[float, float]:
    """Return what an AR(1) of variance 1 adds: the covariance of the sums of consecutive months, and their variance."""
    days = np.arange(MONTH)
    apart = days[None, :] - days[:, None]
    keep = kept(half_life)
    return float((keep ** (MONTH + apart)).sum()), float((keep ** np.abs(apart)).sum())


def drift_deviation(correlation: float, half_life: float, variance: float) -> float:
    """Return the standard deviation of a drift that correlates the returns of consecutive months so much.

    With a drift of variance v, that correlation is ``v * between / (MONTH * variance + v * within)``, where the two are
    those of :func:`month_moments` and ``variance`` is that of a row's return around its drift.
    """
    between, within = month_moments(half_life)
    return float(np.sqrt(correlation * MONTH * variance / (between - correlation * within)))


def extremes(move: Floats, variance: Floats, high: Floats, low: Floats) -> tuple[Floats, Floats]:
    """Return how far a Brownian path that ends at ``move`` rises above and falls below its start.

    Each is exact, by inversion of P(maximum > m) = exp(-2 m (m - move) / variance) (Glasserman, Monte Carlo Methods in
    Financial Engineering, 2004, section 6.4); that they are drawn apart matters only to what needs both of one bar.

    Parameters
    ----------
    move : array
        Log return from open to close.
    variance : array
        Of that return, broadcast to its shape.
    high, low : array
        Uniform numbers above 0.
    """
    up = (move + np.sqrt(move**2 - 2 * variance * np.log(high))) / 2
    down = (move - np.sqrt(move**2 - 2 * variance * np.log(low))) / 2
    return up, down


def _generator(seed: int, stream: str, number: int) -> np.random.Generator:
    return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(_STREAMS.index(stream), number)))

"""Rescaled ranges of returns, what noise is expected to have, and the Hurst exponent that is left of both."""

from __future__ import annotations

import math
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from quantstrats.features.bars import lag
from quantstrats.features.decay import whole
from quantstrats.features.kernels import compiled, rolling_std

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[np.float64]

LEAST_WINDOW = 32  # returns: four of the shortest stretches
_LEAST_PART = 8  # returns: the shortest stretch that a rescaled range is taken of
# Variance of a Brownian bridge's range over its squared mean: (pi^2 / 6 - pi / 2) / (pi / 2), Feller (1951), Annals of
# Mathematical Statistics 22(3), 427-432.
_RANGE_VARIANCE = math.pi / 3.0 - 1.0


def rescaled_range(logs: Array, window: int) -> Array:
    """Return the rescaled range R / S of the last ``window`` returns, of logarithms of prices; NaN without variance."""
    deviation = rolling_std(np.diff(logs, axis=1, prepend=np.nan), window, ddof=0)
    spread = _range_of_sums(np.ascontiguousarray(logs), window)
    return np.where(deviation > 1e-12, spread / deviation, np.nan)


@lru_cache(maxsize=256)
def expected_rescaled_range(window: int) -> float:
    """Return the expected R / S of ``window`` independent normal values.

    Anis and Lloyd (1976), Biometrika 63(1), 111-116: exact where S divides by n, as here. The factor (n - 1/2) / n of
    Peters (1994), Fractal Market Analysis, ch. 5, is for an S that divides by n - 1; here it would tilt the slope.
    """
    sizes = np.arange(1, window)
    gammas = math.exp(math.lgamma((window - 1) / 2) - math.lgamma(window / 2)) / math.sqrt(math.pi)
    return float(gammas * np.sqrt((window - sizes) / sizes).sum())


def _parts(window: int) -> list[int]:
    """Return the lengths of stretches, 8, 16, ... up to half of the window."""
    return [_LEAST_PART << power for power in range(20) if _LEAST_PART << power <= window // 2]


def hurst_exponent(logs: Array, window: int) -> Array:
    """Return the Hurst exponent of the last ``window`` returns of logarithms of prices, shape (symbols, bars)."""
    lengths = _parts(window)
    sizes = np.log(lengths)
    weights = (sizes - sizes.mean()) / ((sizes - sizes.mean()) ** 2).sum()
    exponent = np.full(logs.shape, 0.5)
    for weight, length in zip(weights, lengths, strict=True):
        ranges = rescaled_range(logs, length)
        count = window // length
        mean = sum(lag(ranges, part * length) for part in range(count)) / count
        # The logarithm of a mean of a few is on the mean lower than that of the expected value.
        lower = 0.5 * _RANGE_VARIANCE / count
        exponent += weight * (np.log(mean / expected_rescaled_range(length)) + lower)
    return exponent


def hurst_of_noise(window: int = 256, level: float = 0.90, samples: int = 2_000, seed: int = 1) -> tuple[float, float]:
    """Return between which values the Hurst exponent of normal noise lies with a chance of ``level``.

    Parameters
    ----------
    window : int
        As of the feature ``hurst``.
    level : float
        The chance, above 0 and below 1; as much lies below as above.
    samples, seed : int
        How many windows of noise are drawn, and from which seed.
    """
    if not 0.0 < level < 1.0:
        raise ValueError(f"level is {level:g}; it must be above 0 and below 1")
    whole(window, LEAST_WINDOW)
    noise = np.random.default_rng(seed).standard_normal((samples, window + 1))
    found = hurst_exponent(np.cumsum(noise, axis=1), window)[:, -1]
    low, high = np.quantile(found, [0.5 - level / 2.0, 0.5 + level / 2.0])
    return float(low), float(high)


@compiled
def _range_of_sums(logs, window):  # type: ignore[no-untyped-def]
    # The largest less the smallest sum of returns off their mean; one step of all windows at a time: that fills wide
    # registers.
    symbols, bars = logs.shape
    count = max(bars - window, 0)
    out = np.full((symbols, bars), np.nan)
    mean, high, low = np.empty(count), np.empty(count), np.empty(count)
    for row in range(symbols):
        line = logs[row]
        start, end = line[:count], line[bars - count :]
        for place in range(count):
            mean[place] = (end[place] - start[place]) / window
            high[place], low[place] = 0.0, 0.0
        for step in range(1, window):
            here = line[step : step + count]
            for place in range(count):
                total = here[place] - start[place] - step * mean[place]
                high[place] = total if total > high[place] else high[place]
                low[place] = total if total < low[place] else low[place]
        for place in range(count):
            known = mean[place] == mean[place]
            out[row, window + place] = high[place] - low[place] if known else np.nan
    return out

"""Linear recursive filters: their loops, and how many bars they remember. Spectra of sliding windows.

Arrays are of shape (symbols, bars), as in :mod:`quantstrats.features.kernels`. A filter begins as if all bars before
the first had been like it.
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from quantstrats.features.decay import WEIGHT
from quantstrats.features.kernels import compiled, rolling_slope

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[np.float64]

_MOST_BARS = 1 << 16
_DIFFERENCE = 1e-9  # an amplitude of the log close that comes of rounding


def recursive(values: Array, taps: tuple[float, ...], feedback: tuple[float, ...]) -> Array:
    """Return y = taps . (x, x of the bar before, ...) + feedback . (y of the bar before, ...)."""
    return _recursive(np.ascontiguousarray(values), np.array(taps), np.array(feedback))


@lru_cache(maxsize=256)
def bars_of_filter(taps: tuple[float, ...], feedback: tuple[float, ...]) -> int:
    """Return after how many bars what was before them weighs below 1e-9 in a recursive filter."""
    outputs, inputs = len(feedback), len(taps) - 1
    step = np.zeros((outputs + inputs, outputs + inputs))
    step[0] = [*feedback, *taps[1:]]
    step[range(1, outputs), range(outputs - 1)] = 1.0
    step[range(outputs + 1, outputs + inputs), range(outputs, outputs + inputs - 1)] = 1.0
    return bars_until_settled(step, np.eye(outputs + inputs)[0])


def bars_until_settled(step: Array, read: Array) -> int:
    """Return after how many bars a start weighs below 1e-9.

    Parameters
    ----------
    step : array, shape (states, states)
        By how much each state counts, on the bar after it, for each: state' = step @ state. Where it changes from bar
        to bar, the largest sizes.
    read : array, shape (states,)
        How much each state counts for the value.

    Raises
    ------
    ValueError
        If it takes more than 65,536 bars.
    """
    weights, last = read, 0
    for bars in range(1, _MOST_BARS):
        weights = weights @ step
        left = np.abs(weights).sum()
        if left > WEIGHT:
            last = bars
        elif left < 1e-3 * WEIGHT:  # where poles are complex it comes and goes
            return last + 1
    raise ValueError(f"with these parameters the filter does not forget within {_MOST_BARS:,} bars")


_LAGUERRE = np.array([1.0, 2.0, 2.0, 1.0]) / 6.0


def _laguerre_step(gamma: float, turn: float) -> Array:
    """Return by how much the four states count on the next bar; ``turn`` is -gamma, or its size for a bound."""
    through = 1.0 - gamma * gamma
    rows = [[gamma, 0.0, 0.0, 0.0]] + [
        [
            through * turn ** (row - 1 - column) if column < row else gamma if column == row else 0.0
            for column in range(4)
        ]
        for row in range(1, 4)
    ]
    return np.array(rows)


@lru_cache(maxsize=256)
def laguerre_bars(gamma: float) -> int:
    """Return how many bars a Laguerre filter remembers.

    Raises
    ------
    ValueError
        If gamma is below 0, or above 0.99.
    """
    if not 0.0 <= gamma <= 0.99:
        raise ValueError(f"gamma is {gamma:g}; it must be at least 0 and at most 0.99")
    return bars_until_settled(_laguerre_step(gamma, -gamma), _LAGUERRE)


@lru_cache(maxsize=8)
def adaptive_laguerre_bars(least: float, most: float) -> int:
    """Return how many bars a Laguerre filter remembers whose gamma moves between two values, however it does."""
    gammas = [*np.linspace(least, most, 1001), most]
    bound = np.max([_laguerre_step(gamma, gamma) for gamma in gammas], axis=0)
    return bars_until_settled(bound, _LAGUERRE)


def laguerre(values: Array, gamma: Array | float) -> Array:
    """Return (L0 + 2 L1 + 2 L2 + L3) / 6 of Ehlers' four states; gamma may be another on each bar."""
    gammas = np.broadcast_to(gamma, values.shape)
    return _laguerre(values, np.ascontiguousarray(gammas, dtype=np.float64))


def laguerre_strength(values: Array, gamma: float) -> Array:
    """Return rises / (rises + falls) from state to state; NaN where no value moved for as long as they remember."""
    return _laguerre_strength(values, gamma, laguerre_bars(gamma))


def dominant_period(logs: Array, window: int) -> Array:
    """Return window / k of the frequency k with the most power in the last values, off their least-squares line."""
    highest = window // 2
    angles = 2.0 * math.pi * np.arange(1, highest + 1) / window
    steps = np.arange(window)
    ramp = (steps * np.exp(-1j * angles[:, None] * steps)).sum(axis=1)
    slopes = rolling_slope(logs, window)
    return _dominant_period(
        np.ascontiguousarray(logs), slopes, window, *_turns(window, highest), ramp.real.copy(), ramp.imag.copy()
    )


def low_power(values: Array, window: int, highest: int) -> Array:
    """Return the sum of the squared sizes of the Fourier coefficients 1 to ``highest`` of the last values."""
    return _low_power(np.ascontiguousarray(values), window, *_turns(window, highest))


def _turns(window: int, highest: int) -> tuple[Array, Array]:
    angles = 2.0 * math.pi * np.arange(1, highest + 1) / window
    return np.cos(angles), np.sin(angles)


@compiled
def _recursive(values, taps, feedback):  # type: ignore[no-untyped-def]
    symbols, bars = values.shape
    out = np.empty((symbols, bars))
    gain = taps.sum() / (1.0 - feedback.sum())
    inputs, outputs = np.empty(len(taps)), np.empty(len(feedback))
    for row in range(symbols):
        inputs[:], outputs[:] = values[row, 0], gain * values[row, 0]
        for place in range(bars):
            for back in range(len(taps) - 1, 0, -1):
                inputs[back] = inputs[back - 1]
            inputs[0] = values[row, place]
            level = 0.0
            for back in range(len(taps)):
                level += taps[back] * inputs[back]
            for back in range(len(feedback)):
                level += feedback[back] * outputs[back]
            for back in range(len(feedback) - 1, 0, -1):
                outputs[back] = outputs[back - 1]
            outputs[0] = level
            out[row, place] = level
    return out


@compiled
def _next_states(value, gamma, first, second, third, fourth):  # type: ignore[no-untyped-def]
    # Each state takes the one before it as it is now, and as it was on the bar before.
    new_first = (1.0 - gamma) * value + gamma * first
    new_second = first + gamma * (second - new_first)
    new_third = second + gamma * (third - new_second)
    return new_first, new_second, new_third, third + gamma * (fourth - new_third)


@compiled
def _laguerre(values, gammas):  # type: ignore[no-untyped-def]
    symbols, bars = values.shape
    out = np.empty((symbols, bars))
    for row in range(symbols):
        first = values[row, 0]
        second, third, fourth = first, first, first
        for place in range(bars):
            gamma = gammas[row, place]
            if gamma == gamma:
                value = values[row, place]
                first, second, third, fourth = _next_states(value, gamma, first, second, third, fourth)
                out[row, place] = (first + 2.0 * second + 2.0 * third + fourth) / 6.0
            else:
                out[row, place] = np.nan
    return out


@compiled
def _laguerre_strength(values, gamma, memory):  # type: ignore[no-untyped-def]
    symbols, bars = values.shape
    out = np.empty((symbols, bars))
    for row in range(symbols):
        last = values[row, 0]
        first, second, third, fourth, still = last, last, last, last, memory
        for place in range(bars):
            value = values[row, place]
            still = still + 1 if value == last else 0
            last = value
            first, second, third, fourth = _next_states(value, gamma, first, second, third, fourth)
            if still >= memory:
                out[row, place] = np.nan
                continue
            one, two, three = first - second, second - third, third - fourth
            rises = max(one, 0.0) + max(two, 0.0) + max(three, 0.0)
            falls = max(-one, 0.0) + max(-two, 0.0) + max(-three, 0.0)
            both = rises + falls
            out[row, place] = rises / both if both > 0.0 else np.nan
    return out


@compiled
def _move_spectrum(line, place, known, window, cosines, sines, real, imaginary):  # type: ignore[no-untyped-def]
    """Bring the Fourier coefficients of the window to a bar; from the beginning once in a window, so no error grows."""
    if known % window == 0:
        real[:], imaginary[:] = 0.0, 0.0
        turns = window
    else:
        turns = 1
    for step in range(turns):
        # A full window of zeros before it, then the values one by one, comes to the same as a sum over all of them.
        move = line[place - turns + 1 + step] - (line[place - window] if turns == 1 else 0.0)
        for each in range(len(real)):
            here = real[each] + move
            real[each], imaginary[each] = (
                here * cosines[each] - imaginary[each] * sines[each],
                here * sines[each] + imaginary[each] * cosines[each],
            )


@compiled
def _dominant_period(logs, slopes, window, cosines, sines, ramp_real, ramp_imaginary):  # type: ignore[no-untyped-def]
    symbols, bars = logs.shape
    out = np.full((symbols, bars), np.nan)
    real, imaginary = np.empty(len(cosines)), np.empty(len(cosines))
    for row in range(symbols):
        line = logs[row]
        known = 0
        for place in range(bars):
            known = known + 1 if line[place] == line[place] else 0
            if known < window:
                continue
            _move_spectrum(line, place, known, window, cosines, sines, real, imaginary)
            slope, most, best = slopes[row, place], (1e-9 * window) ** 2, 0
            for each in range(len(real)):
                one, other = real[each] - slope * ramp_real[each], imaginary[each] - slope * ramp_imaginary[each]
                power = one * one + other * other
                if power > most:
                    most, best = power, each + 1
            if best > 0:
                out[row, place] = window / best
    return out


@compiled
def _low_power(values, window, cosines, sines):  # type: ignore[no-untyped-def]
    symbols, bars = values.shape
    out = np.full((symbols, bars), np.nan)
    real, imaginary = np.empty(len(cosines)), np.empty(len(cosines))
    for row in range(symbols):
        line = values[row]
        known = 0
        for place in range(bars):
            known = known + 1 if line[place] == line[place] else 0
            if known < window:
                continue
            _move_spectrum(line, place, known, window, cosines, sines, real, imaginary)
            total = 0.0
            for each in range(len(real)):
                total += real[each] * real[each] + imaginary[each] * imaginary[each]
            out[row, place] = total
    return out

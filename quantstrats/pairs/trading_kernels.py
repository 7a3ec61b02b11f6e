"""Compiled loops that go from row to row: the Kalman filter of a line, and the positions of spreads."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from quantstrats.features.kernels import compiled

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[np.float64]


def kalman(state: Array, y: Array, x: Array) -> tuple[Array, Array]:
    """Return level, slope and surprise by row, shape (3, rows), and the fields of the filter after the last row."""
    found: tuple[Array, Array] = _kalman(state, y, x)
    return found


def positions(
    z: Array, allowed: NDArray[np.bool_], entry: float, exit_at: float, stop: float, patience: int
) -> NDArray[np.int8]:
    """Return -1, 0 or 1 by row and spread."""
    values, may = np.ascontiguousarray(z), np.ascontiguousarray(allowed)
    held: NDArray[np.int8] = _positions(values, may, entry, exit_at, stop, patience)
    return held


@compiled
def _kalman(state, y, x):  # type: ignore[no-untyped-def]
    level, slope, centre, noise = state[0], state[1], state[5], state[6]
    p_level, p_both, p_slope, q_level, q_slope = state[2], state[3], state[4], state[7], state[8]
    out = np.empty((3, y.size))
    for row in range(y.size):
        p_level += q_level
        p_slope += q_slope
        off = x[row] - centre
        surprise = y[row] - level - slope * off
        out[2, row] = np.nan
        if not np.isnan(surprise):
            to_level = p_level + p_both * off
            to_slope = p_both + p_slope * off
            variance = to_level + to_slope * off + noise
            out[2, row] = surprise / np.sqrt(variance)
            level += to_level / variance * surprise
            slope += to_slope / variance * surprise
            p_level -= to_level * to_level / variance
            p_both -= to_level * to_slope / variance
            p_slope -= to_slope * to_slope / variance
        out[0, row], out[1, row] = level, slope
    return out, np.array([level, slope, p_level, p_both, p_slope, centre, noise, q_level, q_slope])


@compiled
def _positions(z, allowed, entry, exit_at, stop, patience):  # type: ignore[no-untyped-def]
    rows, spreads = z.shape
    out = np.zeros((rows, spreads), np.int8)
    for spread in range(spreads):
        held, stopped, missing = 0, 0, 0
        for row in range(rows):
            value = z[row, spread]
            missing = missing + 1 if np.isnan(value) else 0
            if missing == 0:
                held, stopped = _next(held, stopped, value, entry, exit_at, stop)
            if row == 0 or missing > patience or not allowed[row, spread]:
                held = 0
            out[row, spread] = held
    return out


@compiled
def _next(held, stopped, z, entry, exit_at, stop):  # type: ignore[no-untyped-def]
    """Return the position after a row, and the side on which the spread was stopped and has not come back from."""
    if abs(z) >= stop:
        return 0, 1 if z > 0.0 else -1
    if stopped != 0 and stopped * z > exit_at:
        return 0, stopped
    if held != 0 and -held * z <= exit_at:
        held = 0
    if held == 0 and abs(z) >= entry:
        held = -1 if z > 0.0 else 1
    return held, 0

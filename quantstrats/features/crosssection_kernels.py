"""Compiled loops over windows of rows that pass over missing bars, and over the symbols of a row.

Arrays over windows are of shape (symbols, rows), those over the symbols of a row (rows, symbols). ``least`` is how many
known values a window must hold.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from quantstrats.features.kernels import compiled, compiled_sums

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[np.float64]
    Whole = NDArray[np.int64]

_FLAT = 1e-12  # a deviation of returns, for nothing but rounding


def known_sum(values: Array, window: int, least: int) -> tuple[Array, Array]:
    """Return the sum of the known values of the window, NaN where they are too few, and how many they are."""
    return _known_sum(np.ascontiguousarray(values), window, least)


def co_moments(x: Array, y: Array, window: int, least: int) -> tuple[Array, Array, Array]:
    """Return the mean (x - its mean)^2, (x - its mean)(y - its mean) and (y - its mean)^2 where both are known.

    A variance that is nothing but rounding is 0.
    """
    return _co_moments(np.ascontiguousarray(x), np.ascontiguousarray(y), window, least, _FLAT)


def is_above_its_mean(values: Array, window: int, least: int) -> Array:
    """Return 1 where a value is above the mean of the known values of its window, else 0; NaN where it is missing."""
    return _is_above_its_mean(np.ascontiguousarray(values), window, least)


def mean_pairwise_correlation(returns: Array, counted: NDArray[np.bool_], window: int, least: int) -> Array:
    """Return the mean correlation of all pairs of series over the window, shape (rows,).

    Of the series that are ``counted`` on the window's last row, have enough known values and vary; a missing value
    counts as the series' mean. The sum of the series, each scaled to squares that add up to 1, has squares that add up
    to n + twice the pairs' correlations.
    """
    return _mean_pairwise_correlation(
        np.ascontiguousarray(returns), np.ascontiguousarray(counted), window, least, _FLAT
    )


def rank_in_row(values: Array) -> Array:
    """Return each value's rank in its row, 0 for the least to 1 for the largest, the middle of equal ones."""
    return _rank_in_row(np.ascontiguousarray(values))


def sum_by_group(values: Array, groups: Whole, count: int) -> tuple[Array, Array]:
    """Return the sum of known values of each group of a row, shape (rows, groups), and how many they are.

    Groups are numbers from 0 on for each row and symbol, negative where it is in none.
    """
    return _sum_by_group(np.ascontiguousarray(values), np.ascontiguousarray(groups), count)


@compiled
def _fill(values, known, filled):  # type: ignore[no-untyped-def]
    """Tell by 1 and 0 what is known, and put 0 in place of what is not: so that loops need not ask."""
    for row in range(len(values)):
        there = values[row] == values[row]
        known[row] = 1.0 if there else 0.0
        filled[row] = values[row] if there else 0.0


@compiled_sums
def _known_sum(values, window, least):  # type: ignore[no-untyped-def]
    symbols, rows = values.shape
    out, many = np.full((symbols, rows), np.nan), np.zeros((symbols, rows))
    known, filled = np.empty(rows), np.empty(rows)
    for line in range(symbols):
        _fill(values[line], known, filled)
        for last in range(window - 1, rows):
            first = last - window + 1
            total, count = 0.0, 0.0
            for step in range(window):
                total += filled[first + step]
                count += known[first + step]
            many[line, last] = count
            if count >= least:
                out[line, last] = total
    return out, many


@compiled_sums
def _co_moments(x, y, window, least, flat):  # type: ignore[no-untyped-def]
    symbols, rows = x.shape
    own, both, other = np.full(x.shape, np.nan), np.full(x.shape, np.nan), np.full(x.shape, np.nan)
    known, one, two = np.empty(rows), np.empty(rows), np.empty(rows)
    for line in range(symbols):
        for row in range(rows):
            there = x[line, row] == x[line, row] and y[line, row] == y[line, row]
            known[row] = 1.0 if there else 0.0
            one[row] = x[line, row] if there else 0.0
            two[row] = y[line, row] if there else 0.0
        for last in range(window - 1, rows):
            first = last - window + 1
            count, total_one, total_two = 0.0, 0.0, 0.0
            for step in range(window):
                count += known[first + step]
                total_one += one[first + step]
                total_two += two[first + step]
            if count < least:
                continue
            mean_one, mean_two = total_one / count, total_two / count
            squares, products, squares_two = 0.0, 0.0, 0.0
            for step in range(window):
                weight = known[first + step]
                off, off_two = weight * (one[first + step] - mean_one), weight * (two[first + step] - mean_two)
                squares += off * off
                products += off * off_two
                squares_two += off_two * off_two
            own[line, last] = squares / count if squares > flat * flat * count else 0.0
            both[line, last] = products / count
            other[line, last] = squares_two / count if squares_two > flat * flat * count else 0.0
    return own, both, other


@compiled_sums
def _is_above_its_mean(values, window, least):  # type: ignore[no-untyped-def]
    symbols, rows = values.shape
    out = np.full((symbols, rows), np.nan)
    known, filled = np.empty(rows), np.empty(rows)
    for line in range(symbols):
        _fill(values[line], known, filled)
        for last in range(window - 1, rows):
            if known[last] == 0.0:
                continue
            first = last - window + 1
            now, above, count = filled[last], 0.0, 0.0
            for step in range(window):  # differences: equal values have none, whatever their mean is rounded to
                above += known[first + step] * (now - filled[first + step])
                count += known[first + step]
            if count >= least:
                out[line, last] = 1.0 if above > 0.0 else 0.0
    return out


@compiled_sums
def _add_scaled(known, filled, least, flat, off, summed):  # type: ignore[no-untyped-def]
    """Add a series off its mean, scaled to squares that add up to 1; return 0 where it is flat or too short."""
    window = len(known)
    count, total = 0.0, 0.0
    for step in range(window):
        count += known[step]
        total += filled[step]
    if count < least:
        return 0
    mean, squares = total / count, 0.0
    for step in range(window):
        off[step] = known[step] * (filled[step] - mean)
        squares += off[step] * off[step]
    if not squares > flat * flat * count:
        return 0
    scale = 1.0 / np.sqrt(squares)
    for step in range(window):
        summed[step] += scale * off[step]
    return 1


@compiled_sums
def _mean_pairwise_correlation(returns, counted, window, least, flat):  # type: ignore[no-untyped-def]
    symbols, rows = returns.shape
    known, filled = np.empty((symbols, rows)), np.empty((symbols, rows))
    for line in range(symbols):
        _fill(returns[line], known[line], filled[line])
    out = np.full(rows, np.nan)
    summed, off = np.empty(window), np.empty(window)
    for last in range(window - 1, rows):
        first = last - window + 1
        summed[:] = 0.0
        varying = 0
        for line in range(symbols):
            if counted[line, last]:
                varying += _add_scaled(
                    known[line, first : last + 1], filled[line, first : last + 1], least, flat, off, summed
                )
        if varying >= 2:
            squares = 0.0
            for step in range(window):
                squares += summed[step] * summed[step]
            out[last] = (squares - varying) / (varying * (varying - 1.0))
    return out


@compiled
def _rank_in_row(values):  # type: ignore[no-untyped-def]
    rows, symbols = values.shape
    out = np.full((rows, symbols), np.nan)
    for row in range(rows):
        line = values[row]
        there = np.flatnonzero(line == line)
        count = len(there)
        if count < 2:
            continue
        order = there[np.argsort(line[there])]
        first = 0
        while first < count:
            last = first
            while last + 1 < count and line[order[last + 1]] == line[order[first]]:
                last += 1
            for place in range(first, last + 1):
                out[row, order[place]] = 0.5 * (first + last) / (count - 1.0)
            first = last + 1
    return out


@compiled
def _sum_by_group(values, groups, count):  # type: ignore[no-untyped-def]
    rows, symbols = values.shape
    total, many = np.zeros((rows, count)), np.zeros((rows, count))
    for row in range(rows):
        for symbol in range(symbols):
            value, group = values[row, symbol], groups[row, symbol]
            if group >= 0 and value == value:
                total[row, group] += value
                many[row, group] += 1.0
    return total, many

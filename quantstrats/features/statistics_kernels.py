"""Compiled loops of the statistics of windows: moments, least squares, serial dependence, entropies.

Arrays are of shape (symbols, bars), as in :mod:`quantstrats.features.kernels`; where several values are returned, they
come first: (values, symbols, bars).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from quantstrats.features.kernels import compiled, compiled_sums, rolling_max, rolling_min

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[np.float64]


def moments(values: Array, window: int) -> Array:
    """Return the second, third and fourth central moments of the last ``window`` values, divided by ``window``."""
    return _moments(np.ascontiguousarray(values), window)


def least_squares(x: Array, y: Array, window: int) -> Array:
    """Return the means of x and y, and the sums of (x - mean)^2, (x - mean)(y - mean) and (y - mean)^2."""
    return _least_squares(np.ascontiguousarray(x), np.ascontiguousarray(y), window)


def autocorrelations(values: Array, window: int, first: int, last: int) -> Array:
    """Return the autocorrelations at the lags ``first`` to ``last`` within the window.

    Each is the sum of products of values off their mean, over that of squares: fewer products than squares. NaN where
    the deviation is not above 1e-12.
    """
    return _autocorrelations(np.ascontiguousarray(values), window, first, last)


def last_partial_autocorrelation(correlations: Array) -> Array:
    """Return the last partial autocorrelation of those at the lags 1, 2, ..., by the Durbin-Levinson recursion."""
    return _partial_autocorrelation(correlations)


def midrank(values: Array, window: int) -> Array:
    """Return the share of the ``window`` values before that lie below the present one, 0 to 1; equal ones count half.

    Values may be missing at the beginning and at the end, not between.
    """
    return _midrank(np.ascontiguousarray(values), window)


def variance_ratio_and_z(logs: Array, window: int, lag: int) -> Array:
    """Return Lo and MacKinlay's ratio, of ``window`` returns and overlapping ones of ``lag`` bars, and its robust z."""
    return _variance_ratio_and_z(np.ascontiguousarray(logs), window, lag)


def histogram_entropy(values: Array, window: int, bins: int) -> Array:
    """Return the entropy of a histogram of ``bins`` equal parts of the window's range, over ln ``bins``."""
    least, most = rolling_min(values, window), rolling_max(values, window)
    return _histogram_entropy(np.ascontiguousarray(values), least, most, window, bins)


def order_entropy(values: Array, window: int, order: int) -> Array:
    """Return the entropy of the orders of ``order`` successive values, over the logarithm of how many there are."""
    return _order_entropy(np.ascontiguousarray(values), window, order)


@compiled_sums
def _moments(values, window):  # type: ignore[no-untyped-def]
    symbols, bars = values.shape
    out = np.full((3, symbols, bars), np.nan)
    for row in range(symbols):
        line = values[row]
        for last in range(window - 1, bars):
            first = last - window + 1
            total = 0.0
            for step in range(window):
                total += line[first + step]
            mean = total / window
            second, third, fourth = 0.0, 0.0, 0.0
            for step in range(window):
                off = line[first + step] - mean
                square = off * off
                second += square
                third += square * off
                fourth += square * square
            out[0, row, last], out[1, row, last], out[2, row, last] = second / window, third / window, fourth / window
    return out


@compiled_sums
def _least_squares(x, y, window):  # type: ignore[no-untyped-def]
    symbols, bars = x.shape
    out = np.full((5, symbols, bars), np.nan)
    for row in range(symbols):
        one, other = x[row], y[row]
        for last in range(window - 1, bars):
            first = last - window + 1
            total, total_other = 0.0, 0.0
            for step in range(window):
                total += one[first + step]
                total_other += other[first + step]
            mean, mean_other = total / window, total_other / window
            squares, products, squares_other = 0.0, 0.0, 0.0
            for step in range(window):
                off, off_other = one[first + step] - mean, other[first + step] - mean_other
                squares += off * off
                products += off * off_other
                squares_other += off_other * off_other
            out[0, row, last], out[1, row, last] = mean, mean_other
            out[2, row, last], out[3, row, last], out[4, row, last] = squares, products, squares_other
    return out


@compiled_sums
def _lagged_products(line, mean, window, lag, squared, out):  # type: ignore[no-untyped-def]
    # Sums of the products of values off their mean, or of those squared, of each window; one step of all windows at a
    # time: that fills wide registers.
    out[:] = 0.0
    for step in range(window - lag):
        early, late = line[step : step + len(out)], line[step + lag : step + lag + len(out)]
        for place in range(len(out)):
            product = (early[place] - mean[place]) * (late[place] - mean[place])
            out[place] += product * product if squared else product


@compiled
def _means(line, window, out):  # type: ignore[no-untyped-def]
    out[:] = 0.0
    for step in range(window):
        part = line[step : step + len(out)]
        for place in range(len(out)):
            out[place] += part[place]
    for place in range(len(out)):
        out[place] /= window


@compiled
def _autocorrelations(values, window, first, last):  # type: ignore[no-untyped-def]
    symbols, bars = values.shape
    out = np.full((last - first + 1, symbols, bars), np.nan)
    count = max(bars - window + 1, 0)
    mean, squares, products = np.empty(count), np.empty(count), np.empty(count)
    for row in range(symbols):
        line = values[row]
        _means(line, window, mean)
        _lagged_products(line, mean, window, 0, False, squares)
        for lag in range(first, last + 1):
            _lagged_products(line, mean, window, lag, False, products)
            found = out[lag - first, row, bars - count :]
            for place in range(count):
                found[place] = products[place] / squares[place] if squares[place] > 1e-24 * window else np.nan
    return out


@compiled
def _partial_autocorrelation(correlations):  # type: ignore[no-untyped-def]
    lags, symbols, bars = correlations.shape
    out = np.empty((symbols, bars))
    known, new = np.empty(lags), np.empty(lags)
    for row in range(symbols):
        for place in range(bars):
            left = 1.0  # of the variance, after so many coefficients
            for lag in range(lags):
                reflected = correlations[lag, row, place]
                for step in range(lag):
                    reflected -= known[step] * correlations[lag - 1 - step, row, place]
                reflected /= left
                for step in range(lag):
                    new[step] = known[step] - reflected * known[lag - 1 - step]
                new[lag] = reflected
                known[: lag + 1] = new[: lag + 1]
                left *= 1.0 - reflected * reflected
            out[row, place] = reflected
    return out


@compiled
def _midrank(values, window):  # type: ignore[no-untyped-def]
    symbols, bars = values.shape
    count = max(bars - window, 0)
    out = np.full((symbols, bars), np.nan)
    for row in range(symbols):
        line, less = values[row], np.zeros(count)
        now = line[bars - count :]
        for begin in range(bars - count):  # one place of the windows at a time, of all bars: that fills wide registers
            past = line[begin : begin + count]
            for place in range(count):
                less[place] += 0.5 if past[place] < now[place] else 0.0
                less[place] += 0.5 if past[place] <= now[place] else 0.0
        for place in range(count):
            if now[place] == now[place] and line[place] == line[place]:
                out[row, window + place] = less[place] / window
    return out


@compiled
def _variance_ratio_and_z(logs, window, lag):  # type: ignore[no-untyped-def]
    symbols, bars = logs.shape
    out = np.full((2, symbols, bars), np.nan)
    count = max(bars - window, 0)
    mean, total, longer = np.empty(count), np.empty(count), np.empty(count)
    products, variance = np.empty(count), np.empty(count)
    free = lag * (window - lag + 1.0) * (1.0 - lag / window)
    for row in range(symbols):
        returns, sums = logs[row, 1:] - logs[row, :-1], logs[row, lag:] - logs[row, :-lag]
        _means(returns, window, mean)
        _lagged_products(returns, mean, window, 0, False, total)
        _lagged_products(sums, lag * mean, window - lag + 1, 0, False, longer)
        variance[:] = 0.0
        for back in range(1, lag):
            _lagged_products(returns, mean, window, back, True, products)
            weight = 2.0 * (lag - back) / lag
            for place in range(count):
                variance[place] += weight * weight * products[place]
        for place in range(count):
            if not total[place] > 1e-24 * window:
                continue
            ratio = (longer[place] / free) / (total[place] / (window - 1.0))
            error = np.sqrt(variance[place]) / total[place]
            out[0, row, window + place] = ratio
            out[1, row, window + place] = (ratio - 1.0) / error if error > 0.0 else np.nan
    return out


@compiled
def _entropy(counts, logs, total):  # type: ignore[no-untyped-def]
    """Return the entropy of some counts; logs[k] is k ln k."""
    out = 0.0
    for count in counts:
        out += logs[count]
    return np.log(total) - out / total


@compiled
def _counts_times_logs(most):  # type: ignore[no-untyped-def]
    logs = np.zeros(most + 1)
    for count in range(2, most + 1):
        logs[count] = count * np.log(count)
    return logs


@compiled
def _histogram_entropy(values, least, most, window, bins):  # type: ignore[no-untyped-def]
    symbols, bars = values.shape
    out = np.full((symbols, bars), np.nan)
    counts, logs = np.empty(bins, np.int64), _counts_times_logs(window)
    for row in range(symbols):
        line = values[row]
        for last in range(window - 1, bars):
            start, spread = least[row, last], most[row, last] - least[row, last]
            if not spread > 1e-12:
                continue
            counts[:] = 0
            scale = bins / spread
            for step in range(window):
                counts[min(np.int64((line[last - step] - start) * scale), bins - 1)] += 1
            out[row, last] = _entropy(counts, logs, window) / np.log(bins)
    return out


@compiled
def _order_of(values):  # type: ignore[no-untyped-def]
    """Return the number of the order that some values stand in; of equal ones the first counts as the smaller."""
    code = 0
    for place in range(len(values)):
        larger = 0
        for later in range(place + 1, len(values)):
            larger += 1 if values[later] < values[place] else 0
        code = code * (len(values) - place) + larger
    return code


@compiled
def _order_entropy(values, window, order):  # type: ignore[no-untyped-def]
    symbols, bars = values.shape
    out = np.full((symbols, bars), np.nan)
    kinds = 1
    for each in range(2, order + 1):
        kinds *= each
    total = window - order + 1
    logs, most = _counts_times_logs(total), np.log(kinds)
    counts, orders = np.empty(kinds, np.int64), np.empty(bars, np.int64)
    for row in range(symbols):
        line = values[row]
        counts[:] = 0
        known = 0
        for place in range(bars):
            if line[place] != line[place]:
                known = 0
                counts[:] = 0
                continue
            known += 1
            if known < order:
                continue
            orders[place] = _order_of(line[place - order + 1 : place + 1])
            counts[orders[place]] += 1
            if known > window:
                counts[orders[place - total]] -= 1
            if known >= window:
                out[row, place] = _entropy(counts, logs, total) / most
    return out

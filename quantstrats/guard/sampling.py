"""Which rows of a forecast the guard looks at: those where mistakes show, and some at random."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from quantstrats.learning.windows import period_of, segments

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from quantstrats.market.market import Market
    from quantstrats.signals import Signal

_OF_EACH_KIND = 6  # refit boundaries, listings, ends of gaps
_JUMPS = 0.05  # part of all rows that count as those where the forecast changes most


def sampled_rows(
    signal: Signal,
    market: Market,
    forecast: NDArray[np.float64],
    branches: list[NDArray[np.float64]],
    first: int,
    count: int,
    rng: np.random.Generator,
) -> list[int]:
    """Return the rows to look at, ascending.

    Half of them are rows where the forecast changes sign; then refit and reset boundaries, listings, ends of gaps,
    rows where a part of a composition changes sign, rows where the forecast changes most (what is done on few bars
    shows there), the last row; the rest at random.

    Parameters
    ----------
    signal, market, forecast
        What is looked at; the forecast as an array of rows x symbols.
    branches : list of array, shape (rows, symbols)
        The forecasts of a composition's parts.
    first : int
        First row that has a forecast.
    count : int
        How many rows are wanted; all of them where there are fewer.
    rng : Generator
        Draws among the candidates.
    """
    everything = np.arange(first, len(market))
    if len(everything) <= count:
        return everything.tolist()
    chosen = {len(market) - 1}

    def draw(candidates: NDArray[np.intp], wanted: int) -> None:
        open_ = np.setdiff1d(candidates[(candidates >= first) & (candidates < len(market))], list(chosen))
        chosen.update(rng.choice(open_, min(wanted, len(open_), count - len(chosen)), replace=False).tolist())

    draw(_sign_changes(forecast), count // 2)
    each = min(_OF_EACH_KIND, count // 8)
    if period_of(signal) is not None:
        starts = np.array([part.start for part in segments(signal, market.timeline)], dtype="int64")
        draw(np.concatenate([starts, starts - 1]), each)
    listed, gap_ends = _listings_and_gap_ends(market.present)
    draw(np.concatenate([listed, listed - 1]), each)
    draw(np.concatenate([gap_ends, gap_ends - 1]), each)
    for branch in branches:
        draw(_sign_changes(branch), 2)
    draw(_jumps(forecast), count // 8)
    draw(everything, count - len(chosen))
    return sorted(chosen)


def _sign_changes(forecast: NDArray[np.float64]) -> NDArray[np.intp]:
    """Return the rows where any symbol's forecast has another sign than on the row before."""
    sign = np.nan_to_num(np.sign(forecast))
    return np.flatnonzero((sign[1:] != sign[:-1]).any(axis=1)) + 1


def _jumps(forecast: NDArray[np.float64]) -> NDArray[np.intp]:
    """Return the rows where any symbol's forecast changes most, each symbol's changes measured by their mean size."""
    change = np.nan_to_num(np.abs(np.diff(forecast, axis=0)))
    mean = change.mean(axis=0)
    size = (change / np.where(mean > 0.0, mean, 1.0)).max(axis=1)
    largest = np.argsort(size)[::-1][: max(1, round(_JUMPS * len(size)))]
    return np.asarray(largest[size[largest] > 0.0] + 1)


def _listings_and_gap_ends(present: NDArray[np.bool_]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Return the rows of first bars after the start, and of first bars after a gap."""
    begins = present[1:] & ~present[:-1]
    seen = np.maximum.accumulate(present, axis=0)[:-1]
    return np.flatnonzero((begins & ~seen).any(axis=1)) + 1, np.flatnonzero((begins & seen).any(axis=1)) + 1

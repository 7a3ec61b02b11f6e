"""The labels of a run's bars as a reader sees them: sessions, or times of the exchange's clock."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from quantstrats.market.calendar import Calendar

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from quantstrats.market.market import Market
    from quantstrats.runs.run import Run

_TICKS = 8


def times_of(run: Run, index: Any) -> pd.DatetimeIndex:
    """Return labels without time zone: dates of sessions, or times of the exchange's clock for intraday bars."""
    return _calendar(run).local_times(pd.DatetimeIndex(index))


def clock_texts(run: Run, index: Any) -> list[str]:
    """Return labels as text, all of one form: ``2015-01-05``, or ``2015-01-05 15:30`` for intraday bars."""
    form = "%Y-%m-%d" if clock_name(run) == "" else "%Y-%m-%d %H:%M"
    return [str(text) for text in times_of(run, index).strftime(form)]


def clock_name(run: Run) -> str:
    """Return the time zone of the exchange, whose clock intraday bars are shown by; empty for daily bars."""
    labels = pd.DatetimeIndex(run.equity.index)
    return "" if labels.tz is None else _calendar(run).zone(labels[0])


def _calendar(run: Run) -> Calendar:
    return Calendar(run.manifest["data"]["calendar"])


def label_times(axes: Any, market: Market, rows: NDArray[np.intp] | None = None) -> None:
    """Write the times of some bars below an axis on which bars stand side by side.

    Parameters
    ----------
    axes : Axes
        Of matplotlib; the k-th bar stands at k.
    market : Market
        Whose rows the bars are.
    rows : array of int, optional
        Which of its rows; by default all.
    """
    index = market.index if rows is None else market.index[rows]
    times = market.calendar.local_times(index)
    form = "%Y-%m-%d" if market.bar is None else "%m-%d %H:%M"
    at = np.unique(np.linspace(0, len(times) - 1, min(_TICKS, len(times))).astype(int))
    axes.set_xticks(at, [times[place].strftime(form) for place in at])
    axes.set_xlim(-1, len(times))

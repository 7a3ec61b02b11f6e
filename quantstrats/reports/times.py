"""The labels of a run's bars as a reader sees them: sessions, or times of the exchange's clock."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd

from quantstrats.market.calendar import Calendar

if TYPE_CHECKING:
    from quantstrats.runs.run import Run


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

"""history: the rows that a live session must load to decide as a backtest would."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from quantstrats.errors import ConfigError
from quantstrats.learning.windows import first_needed

if TYPE_CHECKING:
    import pandas as pd

    from quantstrats.market.calendar import Calendar
    from quantstrats.strategy import Strategy

_FIRST_YEARS = 2  # how far back it looks at first
_EARLIEST_YEAR = 1900


def history(
    strategy: Strategy, calendar: Calendar, moment: pd.Timestamp, bar: pd.Timedelta | None = None
) -> pd.Timestamp:
    """Return the label of the first row that the targets of a moment depend on, from the calendar alone.

    The targets of the latest decision at or before ``moment``, computed on the rows from that label on, equal those
    of a backtest that began long before. Live trading loads just these rows.

    Parameters
    ----------
    strategy : Strategy
        Its signal with all parts, its universe and its schedule count.
    calendar : Calendar
        The exchange.
    moment : Timestamp
        Label of a row: a session's date, or the start of an intraday bar (with time zone).
    bar : Timedelta, optional
        Length of an intraday bar; None for daily bars.

    Raises
    ------
    ConfigError
        If no row has such a label, or no number of rows would do (the exchange is younger than what is needed).
    """
    import pandas as pd

    from quantstrats.market.timeline import Timeline

    before = strategy.universe.warmup() - 1
    years = _FIRST_YEARS
    while True:
        rows = Timeline(calendar, calendar.grid(moment - pd.DateOffset(years=years), moment, bar), bar)
        if not len(rows) or rows.index[-1] != moment:
            raise ConfigError(f"{moment} is no bar of {calendar.name}")
        decisions = np.flatnonzero(strategy.schedule.decision_rows(rows))
        first = first_needed(strategy.signal, rows, int(decisions[-1])) if len(decisions) else None
        if first is not None and first >= before:
            return rows.index[first - before]
        if moment.year - years < _EARLIEST_YEAR:
            why = "the exchange has too few sessions before it, or a learner's training begins later"
            raise ConfigError(f"signal {strategy.signal.name!r} has no forecast at {moment}: {why}")
        years *= 2

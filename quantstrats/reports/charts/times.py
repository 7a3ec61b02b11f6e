"""The labels of a run's bars as a chart shows them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd

from quantstrats.market.calendar import Calendar

if TYPE_CHECKING:
    from quantstrats.runs.run import Run


def times_of(run: Run, index: Any) -> pd.DatetimeIndex:
    """Return labels without time zone: dates of sessions, or times of the exchange's clock for intraday bars."""
    return Calendar(run.manifest["data"]["calendar"]).local_times(pd.DatetimeIndex(index))

"""How many of a market's rows hold a number of longer bars, whatever row they begin on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from quantstrats.errors import ConfigError, DataError

if TYPE_CHECKING:
    import pandas as pd

    from quantstrats.market.calendar import Calendar

_DAY = "1D"
# The most sessions that each holds, of exchanges that rest at weekends, and of markets that never close.
_WEEKDAYS = {_DAY: 1, "week": 5, "month": 23, "quarter": 66, "year": 262}
_ALL_DAYS = {_DAY: 1, "week": 7, "month": 31, "quarter": 92, "year": 366}
_A_YEAR = {"week": 52.0, "month": 12.0, "quarter": 4.0, "year": 1.0}


def rows_of_longer_bars(bars: int, longer: str, calendar: Calendar, bar: pd.Timedelta | None) -> int:
    """Return the rows that hold ``bars`` complete longer bars, the unfinished ones at either end counted in.

    Parameters
    ----------
    bars : int
        How many longer bars.
    longer : str
        Their length, as :meth:`~quantstrats.Market.longer` takes it: ``"week"``, ``"month"``, ``"quarter"``,
        ``"year"``, ``"1D"``, or a multiple of the bar, ``"1h"``.
    calendar : Calendar
        Of the rows.
    bar : Timedelta or None
        Length of the rows' own bars; None for daily ones.

    Raises
    ------
    ConfigError
        If there is no such length.
    """
    period, length = longer_length(longer, bar)
    if length is None or bar is None:
        sessions = _ALL_DAYS if calendar.name == "24/7" else _WEEKDAYS
        return (bars + 1) * sessions[period] * _bars_per_session(calendar, bar) - 1
    return (bars + 1) * int(length / bar) - 1


def longer_length(longer: str, bar: pd.Timedelta | None) -> tuple[str, pd.Timedelta | None]:
    """Return the word for longer bars of a day and more, ``"1D"`` or ``"week"``, or their length within a day.

    Raises
    ------
    ConfigError
        If there is no such length, or it is no multiple of the rows' own.
    """
    from quantstrats.market.calendar import PERIODS
    from quantstrats.market.longer import length_of

    try:
        length = length_of(longer, bar, PERIODS)
    except DataError as error:
        raise ConfigError(str(error)) from None
    return (length, None) if isinstance(length, str) else ("", length)


def longer_bars_per_year(longer: str, calendar: Calendar, bar: pd.Timedelta | None) -> float:
    """Return how many longer bars a usual year has; the parameters as of :func:`rows_of_longer_bars`."""
    period, length = longer_length(longer, bar)
    return _A_YEAR.get(period) or calendar.bars_per_year(length)


def _bars_per_session(calendar: Calendar, bar: pd.Timedelta | None) -> int:
    if bar is None:
        return 1
    return round(calendar.bars_per_year(bar) / calendar.bars_per_year(None))

"""How many of a market's rows hold a number of longer bars, whatever row they begin on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from quantstrats.errors import ConfigError, did_you_mean

if TYPE_CHECKING:
    import pandas as pd

    from quantstrats.market.calendar import Calendar

# The most sessions that each holds, of exchanges that rest at weekends, and of markets that never close.
_WEEKDAYS = {"day": 1, "week": 5, "month": 23, "quarter": 66, "year": 262}
_ALL_DAYS = {"day": 1, "week": 7, "month": 31, "quarter": 92, "year": 366}
_DAY = ("1D", "1d", "day")
_A_YEAR = {"week": 52.0, "month": 12.0, "quarter": 4.0, "year": 1.0}


def rows_of_longer_bars(bars: int, longer: str, calendar: Calendar, bar: pd.Timedelta | None) -> int:
    """Return the rows that hold ``bars`` complete longer bars, the unfinished ones at either end counted in.

    Parameters
    ----------
    bars : int
        How many longer bars.
    longer : str
        Their length: ``"week"``, ``"month"``, ``"quarter"``, ``"year"``, ``"1D"``, or a multiple of the bar, ``"1h"``.
    calendar : Calendar
        Of the rows.
    bar : Timedelta or None
        Length of the rows' own bars; None for daily ones.

    Raises
    ------
    ConfigError
        If there is no such length.
    """
    sessions = _ALL_DAYS if calendar.name == "24/7" else _WEEKDAYS
    period = "day" if longer in _DAY else longer
    if period in sessions:
        return (bars + 1) * sessions[period] * _bars_per_session(calendar, bar) - 1
    return (bars + 1) * _parts(longer, bar) - 1


def longer_length(longer: str) -> pd.Timedelta | None:
    """Return the length of longer bars within a day; None for a day and longer."""
    import pandas as pd

    return None if longer in (*_DAY, *_A_YEAR) else pd.Timedelta(longer)


def longer_bars_per_year(longer: str, calendar: Calendar) -> float:
    """Return how many longer bars a usual year has."""
    return _A_YEAR.get(longer) or calendar.bars_per_year(longer_length(longer))


def _bars_per_session(calendar: Calendar, bar: pd.Timedelta | None) -> int:
    if bar is None:
        return 1
    return round(calendar.bars_per_year(bar) / calendar.bars_per_year(None))


def _parts(longer: str, bar: pd.Timedelta | None) -> int:
    import pandas as pd

    words = ["1D", "week", "month", "quarter", "year"]
    try:
        length = pd.Timedelta(longer)
    except (ValueError, TypeError):
        hint = did_you_mean(longer, words)
        raise ConfigError(f"no bars of {longer!r}{hint} (there are: {', '.join(words)}, or a length as '1h')") from None
    if bar is None or length < bar or length % bar != pd.Timedelta(0):
        own = "1D" if bar is None else f"{bar.total_seconds() / 60:g}min"
        raise ConfigError(f"bars of {longer!r} are no whole number of bars of {own}; choose a multiple")
    return int(length / bar)

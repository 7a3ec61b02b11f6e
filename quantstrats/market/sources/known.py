"""When what is published becomes known."""

from __future__ import annotations

from typing import TYPE_CHECKING

from quantstrats.errors import ConfigError

if TYPE_CHECKING:
    import pandas as pd

NEW_YORK = "America/New_York"


def ends_of_days(days: pd.DatetimeIndex, time_zone: str) -> pd.DatetimeIndex:
    """Return the instants (UTC) at which days end: midnight of the next one.

    Who says only on which day something was published leaves open whether that was before the close. So it counts as
    known once the day is over, and the first session that can use it is the next one.

    Parameters
    ----------
    days : DatetimeIndex
        Midnights without a time zone.
    time_zone : str
        Where the days are days.
    """
    import numpy as np
    import pandas as pd

    midnights = days + pd.Timedelta(days=1)
    # Where clocks change at midnight, the later instant.
    standard = np.zeros(len(midnights), dtype=bool)
    return midnights.tz_localize(time_zone, ambiguous=standard, nonexistent="shift_forward").tz_convert("UTC")


def delay_of(text: str | None) -> pd.Timedelta:
    """Return how long after its time a value is known; no text is no delay.

    Raises
    ------
    ConfigError
        If the text is no length of time, or one below zero.
    """
    import pandas as pd

    try:
        delay = pd.Timedelta(0 if text is None else text)
    except ValueError:
        delay = pd.NaT  # type: ignore[assignment]  # what says less than nothing, too
    if not delay >= pd.Timedelta(0):
        raise ConfigError(f"delay is {text!r}; give a length of time, as in 15min, 2h or 1D")
    return delay

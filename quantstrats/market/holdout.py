"""The hold-out: the last sessions of the bars, which no strategy sees until a run opens it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from numbers import Real
from typing import TYPE_CHECKING, Any

from quantstrats.errors import ConfigError

if TYPE_CHECKING:
    import pandas as pd

    from quantstrats.market.market import Market

_RECORD = "holdout"  # its name in a market's record


@dataclass(frozen=True)
class HoldOut:
    """The last sessions of the bars that were asked for.

    Attributes
    ----------
    first, last : date
        First and last session that is held out.
    sessions : int
        How many there are.
    kept_until : date or None
        The last session before them; None if there is none.
    """

    first: date
    last: date
    sessions: int
    kept_until: date | None

    @classmethod
    def of(cls, market: Market) -> HoldOut | None:
        """Return what was held out when the market was loaded; None if nothing was."""
        told = market.record.get(_RECORD)
        if told is None:
            return None
        first, last, kept = (told[key] and date.fromisoformat(told[key]) for key in ("first", "last", "kept_until"))
        return cls(first, last, told["sessions"], kept)

    @property
    def record(self) -> dict[str, Any]:
        """The same as plain data, for a market's record."""
        kept = None if self.kept_until is None else self.kept_until.isoformat()
        told = {"first": self.first.isoformat(), "last": self.last.isoformat(), "sessions": self.sessions}
        return {_RECORD: {**told, "kept_until": kept}}

    @property
    def text(self) -> str:
        """What every report on the other sessions must say."""
        if self.sessions == 1:
            return f"the last session, {self.first}, is held out"
        return f"the last {self.sessions:,} sessions, from {self.first} on, are held out"

    def is_in(self, market: Market) -> bool:
        """Tell whether the market shows any of it."""
        return bool(market.session[-1].date() >= self.first)


def rows_kept(market: Market) -> int | None:
    """Return how many rows stand before the hold-out that a market shows; None if it shows none."""
    import pandas as pd

    held = HoldOut.of(market)
    if held is None or not held.is_in(market):
        return None
    return int(market.session.searchsorted(pd.Timestamp(held.first)))


def checked_holdout(holdout: object, open_holdout: object) -> float | date | None:
    """Return what a user wants to hold out: a share of the sessions, or the first day that is.

    Raises
    ------
    ConfigError
        If it is neither, or nothing is held out that could be opened.
    """
    if not isinstance(open_holdout, bool):
        raise ConfigError(f"open_holdout is {open_holdout!r}; give True or False")
    if holdout is None and open_holdout:
        raise ConfigError("open_holdout is set, but nothing is held out; set holdout too, as in data.holdout: 0.2")
    if holdout is None:
        return None
    if isinstance(holdout, Real) and not isinstance(holdout, bool) and 0.0 < float(holdout) < 1.0:
        return float(holdout)
    try:
        if isinstance(holdout, str):
            return date.fromisoformat(holdout)
        if isinstance(holdout, date) and holdout == holdout:  # NaT is no day
            return holdout.date() if isinstance(holdout, datetime) else holdout
    except ValueError:
        pass
    raise ConfigError(
        f"holdout is {holdout!r:.60}; give a share of the sessions, as in 0.2 for the last 20%, or the first day that "
        "is held out, as in 2018-01-31"
    )


def held_out(session: pd.DatetimeIndex, holdout: float | date, *, opened: bool = False) -> HoldOut:
    """Return the hold-out within sessions.

    Parameters
    ----------
    session : DatetimeIndex
        The session of each row, in order.
    holdout : float or date
        The share of the sessions, rounded to whole ones and one at least; or the first day that is held out.
    opened : bool, default False
        Whether it is shown all the same; then it may be all there is.

    Raises
    ------
    ConfigError
        If nothing would be held out, or nothing be left.
    """
    import pandas as pd

    days = session.unique()
    if isinstance(holdout, date):
        start = int(days.searchsorted(pd.Timestamp(holdout)))
        whole = opened and days[0] == pd.Timestamp(holdout)  # bars that were cut to the hold-out
        if start == len(days) or (start == 0 and not whole):
            raise ConfigError(
                f"holdout is {holdout}, and the bars run from {days[0].date()} to {days[-1].date()}; give a day after "
                "the first and not after the last"
            )
    else:
        start = len(days) - max(round(holdout * len(days)), 1)
        if start == 0:
            raise ConfigError(
                f"holdout is {holdout}, and nothing is left of the sessions there are ({len(days)}); give a smaller "
                "share, or more bars"
            )
    kept = days[start - 1].date() if start else None
    return HoldOut(days[start].date(), days[-1].date(), len(days) - start, kept)


def span_of(market: Market) -> Mapping[str, Any]:
    """Return the settings that load the span of a market again: its first and last session, and its hold-out."""
    first, last = market.session[0].date(), market.session[-1].date()
    span = {"start": first.isoformat(), "end": last.isoformat()}
    held = HoldOut.of(market)
    if held is None:
        return span
    if held.is_in(market):
        return {**span, "holdout": max(first, held.first).isoformat(), "open_holdout": True}
    if last == held.kept_until:
        return {**span, "end": held.last.isoformat(), "holdout": held.first.isoformat()}
    return span  # it was cut further: these rows alone come again

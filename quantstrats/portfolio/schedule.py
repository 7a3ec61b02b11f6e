"""Schedule: on which rows decisions fall, and which targets are then traded."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from quantstrats.checks import is_count, number
from quantstrats.errors import ConfigError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from quantstrats.market.timeline import Timeline

_NAMED = ("bar", "session", "week", "month", "quarter", "year")
_MOST_SESSIONS = 10_000  # forty years


@dataclass(frozen=True)
class Schedule:
    """When to decide and what to trade.

    Parameters
    ----------
    every : str or int, default "bar"
        ``"bar"``; ``"session"``; ``"week"``, ``"month"``, ``"quarter"``, ``"year"`` (the exchange's first
        session of each); or a number of sessions, counted from the exchange's first session of 1990 so that a
        later start of the data changes no date.
    rebalance : {"changes", "all"}, default "changes"
        Trade the symbols whose target differs from that of the decision before, or bring every symbol back to
        its target.
    drift : float, optional
        Trade a symbol too where its weight has drifted further than this from its target (0.05 is five per cent
        of equity).
    last_decision : int, default 0
        Intraday, the last decision of a session falls this many bars before its close. Decisions that fall once
        a session fall there.
    """

    every: int | str = "bar"
    rebalance: Literal["changes", "all"] = "changes"
    drift: float | None = None
    last_decision: int = 0

    def __post_init__(self) -> None:
        if not (is_count(self.every) or (isinstance(self.every, str) and self.every in _NAMED)):
            raise ConfigError(f"every is {self.every!r}; it can be {', '.join(_NAMED)} or a number of sessions")
        if not isinstance(self.every, str) and not 1 <= self.every <= _MOST_SESSIONS:
            raise ConfigError(f"every is {self.every}; a number of sessions is at least 1, at most {_MOST_SESSIONS}")
        if self.rebalance not in ("changes", "all"):
            raise ConfigError(f"rebalance is {self.rebalance!r}; it can be changes or all")
        if self.drift is not None and not 0.0 < number("drift", self.drift) < float("inf"):
            raise ConfigError(f"drift is {self.drift}; it is a fraction of equity above 0")
        if not is_count(self.last_decision) or self.last_decision < 0:
            raise ConfigError(f"last_decision is {self.last_decision!r}; it counts bars, at least 0")

    def decision_rows(self, rows: Timeline) -> NDArray[np.bool_]:
        """Tell on which rows decisions fall, by the exchange's calendar alone; shape (rows,).

        Raises
        ------
        ConfigError
            If ``last_decision`` is set and the bars are daily: no decision would ever fall.
        """
        import numpy as np

        before_close = _bars_before_close(rows)
        if self.last_decision and rows.bar is None:
            raise ConfigError(f"last_decision is {self.last_decision}, but these bars are daily; leave it at 0")
        if self.every == "bar":
            return np.asarray(before_close >= self.last_decision)
        at_end = np.asarray(before_close == self.last_decision)
        if self.every == "session":
            return at_end
        if isinstance(self.every, str):
            due = _in_first_session(rows, self.every)
        else:
            due = np.asarray(rows.calendar.session_number(rows.session) % self.every == 0)
        return np.asarray(at_end & due)


def _in_first_session(rows: Timeline, period: str) -> NDArray[np.bool_]:
    """Tell which rows belong to the first session of a period."""
    sessions = rows.session.unique()
    first = sessions[rows.calendar.starts_period(sessions, period)]
    return rows.session.isin(first)


def _bars_before_close(rows: Timeline) -> NDArray[np.int64]:
    """Count the bars that the exchange still has in the session after each row."""
    import numpy as np

    if rows.bar is None:
        return np.zeros(len(rows), dtype="int64")
    return rows.calendar.bars_left(rows.session, rows.index, rows.bar)

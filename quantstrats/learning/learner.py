"""Learner: a recipe that must be fitted, and the walk forward on which the framework fits it."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from datetime import date
from numbers import Integral
from typing import TYPE_CHECKING

from quantstrats import provenance  # noqa: F401 - it notes when this process began, before a plugin can be edited
from quantstrats.errors import ConfigError, SignalError
from quantstrats.signals import Period, Signal

if TYPE_CHECKING:
    import pandas as pd

    from quantstrats.market.market import Market
    from quantstrats.market.timeline import Timeline


@dataclass(frozen=True, kw_only=True)
class Learner(Signal):
    """A recipe that must be fitted: ``fit(market)`` gives a frozen Signal whose fields are what was learned.

    The framework owns the walk forward. It fits on the first row of each new calendar period, on rows that lie
    strictly before it, and asks the fitted signal for the rows from there to the next refit. Before the first
    possible refit there is no opinion. A subclass is a frozen dataclass too; it defines ``warmup`` and ``fit``, and
    leaves ``forecast`` alone.

    Parameters
    ----------
    refit : {"week", "month", "quarter", "year"}, default "year"
        The calendar period on whose first row the learner is fitted anew.
    train : int or date, default 504
        A number of rows: each fit gets exactly the last ``train + warmup() - 1`` rows, so that features of the
        first training row are complete. A date: the training rows expand from that day on.
    """

    refit: Period = "year"
    train: int | date = 504

    def __post_init__(self) -> None:
        check_recipe(self)

    @abstractmethod
    def fit(self, market: Market) -> Signal | None:
        """Learn from these rows and return a Signal; None where nothing can be learned from them.

        Labels that would need a row after the last one are missing: the slice ends before the refit. The windows of
        fit and forecast hold only symbols that have a bar in them, so the fitted signal must take any set of them.
        Its ``warmup()`` is at most the learner's.
        """

    def forecast(self, market: Market) -> pd.DataFrame:  # noqa: ARG002 - the signature of every signal
        """Refuse: a learner has no forecast before it is fitted; the framework walks it forward."""
        raise SignalError(f"learner {self.name!r} must be fitted; ask evaluate(), not forecast()")


def check_recipe(learner: Learner) -> None:
    """Check a learner's ``refit`` and ``train``, also where a subclass has a ``__post_init__`` of its own.

    Raises
    ------
    ConfigError
        If either makes no sense.
    """
    from quantstrats.market.calendar import PERIODS

    if learner.refit not in PERIODS:
        raise ConfigError(f"refit is {learner.refit!r}; it can be {', '.join(PERIODS)}")
    if isinstance(learner.train, date):
        return
    if isinstance(learner.train, bool) or not isinstance(learner.train, Integral) or learner.train < 1:
        raise ConfigError(f"train is {learner.train!r}; it is a number of rows, at least 1, or a date")


def training_start(learner: Learner, rows: Timeline, refit: int, warmup: int) -> int:
    """Return the first row that ``fit`` gets for a refit on row ``refit``; below zero where it lies before all rows.

    Parameters
    ----------
    learner : Learner
        Whose training rows are asked for.
    rows : Timeline
        The rows among which ``refit`` is a position.
    refit, warmup : int
        The row of the refit, and the learner's warm-up in rows.
    """
    if isinstance(learner.train, date):
        import pandas as pd

        first_session = pd.Timestamp(learner.train)
        first = int(rows.session.searchsorted(first_session))
        lacking = 0
        if first_session < rows.session[0]:
            lacking = len(rows.calendar.sessions(first_session, rows.session[0])) - 1
        return first - lacking - (warmup - 1)
    return refit - int(learner.train) - (warmup - 1)

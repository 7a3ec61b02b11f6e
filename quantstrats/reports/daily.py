"""A run by days, in the shape that pyfolio reads."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from quantstrats.market.calendar import Calendar
from quantstrats.reports.metrics import rate_per_bar
from quantstrats.runs.labels import risk_free_of
from quantstrats.runs.run import returns_of

if TYPE_CHECKING:
    from quantstrats.runs.run import Run


@dataclass(frozen=True, eq=False)
class Daily:
    """A run by days; every index holds sessions without time zone.

    pyfolio plots dates of one kind only, knows no bar shorter than a day and divides by the equity. Intraday bars
    are therefore compounded to sessions, and a run whose account is gone ends on that day.

    Attributes
    ----------
    returns : Series
        Return of each session.
    benchmark : Series or None
        Likewise; NaN on a session of which nothing is known. None if nothing is known of any.
    positions : DataFrame
        At the end of each session with an equity above zero: value by symbol, and ``cash``.
    transactions : DataFrame
        symbol, amount, price, by session.
    round_trips : DataFrame
        As pyfolio's ``extract_round_trips`` names them, from the trades of the run itself: pyfolio's own matching
        works share by share, so it loses fractions of shares and takes minutes for large amounts.
    times : DatetimeIndex or None
        The instants of the transactions, if the bars are intraday.
    gone : Timestamp or None
        The session on which the account was gone.
    days_per_year : float, default 252
        For annualising: 365 where the market never closes.
    risk_free : float, default 0
        Annual risk-free rate, a fraction.
    intraday : bool, default False
        Whether the run's own bars are shorter than a session.
    """

    returns: pd.Series
    benchmark: pd.Series | None
    positions: pd.DataFrame
    transactions: pd.DataFrame
    round_trips: pd.DataFrame
    times: pd.DatetimeIndex | None
    gone: pd.Timestamp | None
    days_per_year: float = 252.0
    risk_free: float = 0.0
    intraday: bool = False

    @cached_property
    def wealth(self) -> pd.Series:
        """What one unit of currency has become after each session."""
        return (1.0 + self.returns).cumprod()

    @cached_property
    def compared(self) -> pd.Series | None:
        """The benchmark as a line through all sessions: one of which nothing is known counts as no return."""
        return None if self.benchmark is None else self.benchmark.fillna(0.0)

    @property
    def risk_free_per_day(self) -> float:
        """The risk-free rate of one session."""
        return rate_per_bar(self.risk_free, self.days_per_year)

    @property
    def half_year(self) -> int:
        """How many sessions half a year has."""
        return int(self.days_per_year / 2)

    @property
    def year(self) -> int:
        """How many sessions a year has."""
        return int(self.days_per_year)

    @property
    def has_positions(self) -> bool:
        """Whether anything was held at the end of any session."""
        return bool((self.positions.drop(columns="cash") != 0.0).to_numpy().any())


def by_days(run: Run) -> Daily:
    """Return the run by days."""
    calendar = run.manifest["data"]["calendar"]
    session = _sessions(_dates(run.equity.index), calendar)
    cash = float(run.config["engine"]["cash"])
    equity = run.equity.groupby(session).last()
    gone = equity.index[equity <= 0.0].min() if (equity <= 0.0).any() else None
    until = equity.index <= (equity.index[-1] if gone is None else gone)
    benchmark = None
    if run.benchmark is not None and run.benchmark.notna().any():
        benchmark = (1.0 + run.benchmark).groupby(session).prod(min_count=1) - 1.0
    positions = run.positions.groupby(session).last()
    filled = _dates(run.transactions.index)
    fills = run.transactions[["symbol", "amount", "price"]].set_axis(_sessions(filled, calendar), axis=0)
    return Daily(
        returns=returns_of(equity[until], cash),
        benchmark=None if benchmark is None else benchmark[until].rename("Benchmark"),
        positions=positions[until & (equity > 0.0).to_numpy()],
        transactions=fills[fills.index <= equity.index[until][-1]],
        round_trips=_round_trips(run, equity, cash, calendar),
        times=filled if filled.tz is not None else None,
        gone=gone,
        days_per_year=Calendar(calendar).bars_per_year(None),
        risk_free=risk_free_of(run.config),
        intraday=_dates(run.equity.index).tz is not None,
    )


def daily_returns(run: Run) -> pd.Series:
    """Return the return of each session, and 0 on those after the account is gone."""
    session = _sessions(_dates(run.equity.index), run.manifest["data"]["calendar"])
    return returns_of(run.equity.groupby(session).last(), float(run.config["engine"]["cash"]))


def _round_trips(run: Run, equity: pd.Series, cash: float, calendar: str) -> pd.DataFrame:
    opened, closed = (_dates(pd.DatetimeIndex(run.trades[name])) for name in ("opened", "closed"))
    before = equity.shift(1)
    before.iloc[0] = cash
    base = before.reindex(_sessions(closed, calendar)).to_numpy()
    return pd.DataFrame(
        {
            "symbol": run.trades["symbol"],
            "pnl": run.trades["pnl_net"].astype("float64"),
            "open_dt": opened.tz_localize(None),
            "close_dt": closed.tz_localize(None),
            "duration": closed - opened,
            "long": (run.trades["side"] == "long").astype(bool),
            "returns": run.trades["pnl_net"].astype("float64") / np.where(base > 0.0, base, np.nan),
        }
    )


def _dates(index: pd.Index) -> pd.DatetimeIndex:
    """Return the index as dates; one without rows may have lost its kind."""
    return pd.DatetimeIndex(index)


def _sessions(index: pd.DatetimeIndex, calendar: str) -> pd.DatetimeIndex:
    """Return the session of each label."""
    if index.tz is None or not len(index):
        return index.tz_localize(None)
    days = index.tz_convert("UTC").tz_localize(None)
    margin = pd.Timedelta(days=10)  # more than any exchange is closed for, so that each bar has a session after it
    sessions = Calendar(calendar).sessions(days.min() - margin, days.max() + margin)
    closes = Calendar(calendar).session_close(sessions)
    return sessions[closes.searchsorted(index, side="right")]

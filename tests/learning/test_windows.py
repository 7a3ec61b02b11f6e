"""How far back the targets of a moment look: counted by hand on the exchange's sessions."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import numpy as np
import pandas as pd
import pytest

from quantstrats import Learner, Schedule, Signal, Universe
from quantstrats.errors import ConfigError
from quantstrats.history import history
from quantstrats.market.calendar import Calendar
from quantstrats.strategy import Strategy

NEW_YORK = Calendar("XNYS")


@dataclass(frozen=True)
class Window(Signal):
    name = "window"
    rows: int = 1

    def warmup(self):
        return self.rows

    def forecast(self, market):
        return market.close


@dataclass(frozen=True)
class Monthly(Window):
    name = "monthly"
    resets = "month"


@dataclass(frozen=True)
class Pair(Window):
    """A composition."""

    name = "pair"
    left: Signal = Window()
    others: tuple[Signal, ...] = ()


@dataclass(frozen=True)
class Taught(Learner):
    name = "taught"
    rows: int = 1
    part: Signal | None = None

    def warmup(self):
        return self.rows

    def fit(self, market):
        return Window(self.rows)


@pytest.fixture(scope="module")
def days(nasdaq):
    """Every session from 1999 on, as the bars that come with a package have them."""
    return nasdaq.index


def first(signal, moment, schedule="bar", **rules):
    strategy = Strategy(signal, schedule=Schedule(schedule), universe=Universe(**rules))
    return history(strategy, NEW_YORK, pd.Timestamp(moment)).date()


def back(days, moment, rows):
    """Count rows back from a session."""
    return days[days.get_loc(pd.Timestamp(moment)) - rows].date()


# 2015 begins on Thursday 1 January, a holiday; 2 January is the year's first session, 5 January the week's.
FIRSTS = [
    (Window(), "2015-03-17", ("2015-03-17", 0)),
    (Window(50), "2015-03-17", ("2015-03-17", 49)),
    (Monthly(), "2015-03-17", ("2015-03-02", 0)),
    (Monthly(5), "2015-03-17", ("2015-03-02", 4)),
    (Monthly(5), "2015-03-02", ("2015-03-02", 4)),
    (Monthly(5), "2015-02-27", ("2015-02-02", 4)),
    # A composition's own window, and before its first row the part's.
    (Pair(3, Window(50)), "2015-03-17", ("2015-03-17", 2 + 49)),
    (Pair(3, Window(50), (Window(7), Window(90))), "2015-03-17", ("2015-03-17", 2 + 89)),
    (Pair(3, Pair(4, Window(50))), "2015-03-17", ("2015-03-17", 2 + 3 + 49)),
    # The part starts afresh on the first session of the month in which the window begins: 27 February.
    (Pair(3, Monthly(5)), "2015-03-03", ("2015-02-02", 4)),
    (Pair(2, Monthly(5)), "2015-03-03", ("2015-03-02", 4)),
    # The refit, its training rows before it, and what complete features of the first of these need.
    (Taught(refit="month", train=30), "2015-03-17", ("2015-03-02", 30)),
    (Taught(refit="month", train=30, rows=6), "2015-03-17", ("2015-03-02", 30 + 5)),
    (Taught(refit="month", train=30, rows=6), "2015-03-02", ("2015-03-02", 30 + 5)),
    (Taught(refit="week", train=30, rows=6), "2015-01-02", ("2014-12-29", 30 + 5)),
    (Taught(refit="week", train=30, rows=6), "2015-01-07", ("2015-01-05", 30 + 5)),
    (Taught(refit="quarter", train=30, rows=6), "2015-03-17", ("2015-01-02", 30 + 5)),
    (Taught(refit="year", train=900, rows=6), "2015-03-17", ("2015-01-02", 900 + 5)),
    # From a date on, which need not be a session, with complete features on its first row.
    (Taught(refit="year", train=date(2012, 3, 4), rows=6), "2015-03-17", ("2012-03-05", 5)),
    (Taught(refit="year", train=date(2012, 3, 5), rows=6), "2015-03-17", ("2012-03-05", 5)),
    # A part's forecasts are needed on every training row.
    (Taught(refit="month", train=30, rows=6, part=Window(50)), "2015-03-17", ("2015-03-02", 35 + 49)),
    (Taught(refit="month", train=1, part=Taught(refit="quarter", train=9)), "2015-03-17", ("2015-01-02", 9)),
    (Taught(refit="month", train=1, part=Taught(refit="quarter", train=9)), "2015-01-20", ("2014-10-01", 9)),
    (Pair(2, Taught(refit="quarter", train=9)), "2015-01-02", ("2014-10-01", 9)),
]


@pytest.mark.parametrize(("signal", "moment", "expected"), FIRSTS)
def test_history_begins_where_counting_by_hand_ends(days, signal, moment, expected):
    assert first(signal, moment) == back(days, *expected)


def test_history_is_that_of_the_latest_decision(days):
    assert first(Window(50), "2015-03-17", "month") == back(days, "2015-03-02", 49)
    assert first(Window(50), "2015-03-17", "week") == back(days, "2015-03-16", 49)
    # April begins on a Wednesday; the decision before it fell on 30 March, under the fit of March.
    assert first(Taught(refit="month", train=30), "2015-04-02", "week") == back(days, "2015-03-02", 30)


def test_a_universe_that_looks_at_prices_needs_its_window_before_all_else(days):
    assert first(Window(50), "2015-03-17", min_price=5, window=15) == back(days, "2015-03-17", 49 + 14)
    assert first(Window(50), "2015-03-17", window=15) == back(days, "2015-03-17", 49)


def test_history_counts_intraday_rows():
    @dataclass(frozen=True)
    class Hours(Signal):
        name = "hours"

        def warmup(self):
            return 9

        def forecast(self, market):
            return market.close

    bar = pd.Timedelta("1h")
    moment = pd.Timestamp("2015-03-17 14:30", tz="America/New_York")
    # Seven bars a session, the last one half an hour: 14:30 is the sixth, nine rows reach to Monday's fifth.
    label = history(Strategy(Hours()), NEW_YORK, moment, bar)
    assert label == pd.Timestamp("2015-03-16 13:30", tz="America/New_York")
    session = Strategy(Hours(), schedule=Schedule("session", last_decision=1))
    # The session's only decision falls one bar before its last one, at 14:30; before that, Monday's counts.
    assert history(session, NEW_YORK, moment, bar) == label
    assert history(session, NEW_YORK, moment - bar, bar) == pd.Timestamp("2015-03-13 13:30", tz="America/New_York")


def test_a_moment_without_a_bar_is_told():
    for moment in ("2015-03-14", "2015-04-03"):  # a Saturday, Good Friday
        with pytest.raises(ConfigError, match=f"^{moment} 00:00:00 is no bar of XNYS$"):
            first(Window(), moment)


@pytest.mark.parametrize("signal", [Window(50_000), Taught(train=date(2015, 2, 1)), Taught(train=40_000)])
def test_what_no_number_of_rows_can_serve_is_told(signal):
    why = "the exchange has too few sessions before it, or a learner's training begins later"
    message = f"^signal '{signal.name}' has no forecast at 2015-03-17 00:00:00: {why}$"
    with pytest.raises(ConfigError, match=message):
        first(signal, "2015-03-17")


def test_history_needs_no_more_than_the_signal_on_any_session_of_ten_years(days):
    strategy = Strategy(Monthly(5))
    starts = pd.Series(days, index=days).groupby(days.to_period("M")).first()
    for moment in np.random.default_rng(2).choice(days[300:], 25):
        start = starts[pd.Timestamp(moment).to_period("M")]
        assert history(strategy, NEW_YORK, pd.Timestamp(moment)).date() == back(days, start, 4)

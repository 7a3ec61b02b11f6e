"""What Backtrader is given to run: bulk feeds, and none of its standard observers."""

from __future__ import annotations

import numpy as np
import pandas as pd

from quantstrats import backtest
from quantstrats.engines.backtrader.feed import BarFeed, backtrader_datetimes
from quantstrats.engines.backtrader.strategy import PluginStrategy


def test_feeds_are_filled_in_bulk_and_nothing_observes(nasdaq, monkeypatch):
    seen = []

    def stop(self):
        seen.append((list(self.observers), [type(feed) for feed in self.datas]))

    def one_by_one(self):
        raise AssertionError("a feed was asked for a single bar")

    monkeypatch.setattr(PluginStrategy, "stop", stop)
    monkeypatch.setattr(BarFeed, "_load", one_by_one)
    backtest("sma_cross", nasdaq.rows(0, 100))
    assert seen == [([], [BarFeed])]


def test_labels_become_days_since_the_year_one():
    # The first of January 1970 is day 719163 of the proleptic Gregorian calendar.
    labels = pd.DatetimeIndex(["1970-01-01", "1970-01-02 12:00", "1969-12-31 06:00"])
    np.testing.assert_array_equal(backtrader_datetimes(labels), [719163.0, 719164.5, 719162.25])

"""Whether a session that starts today computes what the backtest computes, from the rows that `history` names."""

from __future__ import annotations

import numpy as np
import pytest

from quantstrats.errors import ConfigError
from quantstrats.history import history
from quantstrats.learning.fits import Fits

DAYS = 50  # rows from which a session starts


def restarts(strategy, market, days=DAYS, seed=3, earliest=None):
    """Yield for random rows: the row, and the first row of the history of its latest decision."""
    rng = np.random.default_rng(seed)
    earliest = len(market) // 3 if earliest is None else earliest
    found = 0
    for row in rng.permutation(np.arange(earliest, len(market))).tolist():
        try:
            label = history(strategy, market.calendar, market.index[row], market.bar)
        except ConfigError:
            continue
        if label < market.index[0]:
            continue
        yield row, int(market.index.searchsorted(label))
        found += 1
        if found == days:
            return
    pytest.fail(f"only {found} rows have their history in these bars")


def assert_near(got, expected):
    got, expected = got.to_numpy(), expected.to_numpy()
    np.testing.assert_array_equal(np.isnan(got), np.isnan(expected))
    known = ~np.isnan(expected)
    assert (np.abs(got - expected)[known] <= 1e-9 + 1e-6 * np.abs(expected[known])).all()


def check_restarts(strategy, market, days=DAYS, *, earliest=None, in_backtest=None):
    """Compare targets and forecasts of the latest decision, computed from its history alone, with the backtest's."""
    in_backtest, in_session = Fits() if in_backtest is None else in_backtest, Fits()
    forecast = strategy.forecast(market, in_backtest)
    targets = strategy.decide(forecast, market)
    decisions = np.flatnonzero(strategy.schedule.decision_rows(market.timeline))
    opinions, rows = 0, list(restarts(strategy, market, days, earliest=earliest))
    for row, first in rows:
        live = market.rows(first, row + 1).with_listed_symbols()
        latest = decisions[decisions <= row][-1]
        seen = strategy.forecast(live, in_session)
        assert_near(seen.iloc[latest - first].reindex(market.symbols), forecast.iloc[latest])
        wanted = strategy.decide(seen, live).iloc[latest - first].reindex(market.symbols)
        assert_near(wanted, targets.iloc[latest])
        opinions += int(forecast.iloc[latest].notna().any())
    assert opinions > 0.8 * days
    # What a session learns is what the backtest learned from the same rows, to the key of the cache.
    made = in_backtest.made
    for row, first in rows[:10]:
        strategy.forecast(market.rows(first, row + 1).with_listed_symbols(), in_backtest)
    assert in_backtest.made == made

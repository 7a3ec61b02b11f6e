"""Contracts: what is quoted by the unit and traded by the contract gains what a contract gains."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from quantstrats import Costs, Market, Plugins, Source, backtest, hookimpl, load_market
from quantstrats.errors import ConfigError, DataError
from quantstrats.market.contracts import as_contracts

DAYS = pd.DatetimeIndex(["2015-01-05", "2015-01-06", "2015-01-07", "2015-01-08"])
OPEN, CLOSE = [2000.0, 2010.0, 2020.0, 2000.0], [2005.0, 2015.0, 2000.0, 2030.0]


@pytest.fixture
def futures():
    frames = {
        "open": OPEN,
        "high": np.maximum(OPEN, CLOSE),
        "low": np.minimum(OPEN, CLOSE),
        "close": CLOSE,
        "volume": [100.0, 200.0, 300.0, 400.0],
    }
    both = {name: pd.DataFrame({"ES": values, "SPY": values}, index=DAYS) for name, values in frames.items()}
    return Market.from_frames(**both)


def test_an_account_buys_whole_contracts_and_gains_what_they_gain(futures):
    market = as_contracts(futures.select(["ES"]), {"ES": 50})
    free = Costs(commission_bps=0.0, slippage_bps=0.0)
    run = backtest("buy_and_hold", market, costs=free, cash=250_000)
    # 95% of 250,000 at a contract of 50 x 2005 = 100,250: two, bought at the next open of 2010, worth 2030 in the end.
    assert run.transactions["amount"].tolist() == [2.0]
    assert run.transactions["price"].tolist() == [50 * 2010.0]
    assert run.equity.iloc[-1] == 250_000 + 2 * 50 * (2030 - 2010)


def test_prices_are_of_contracts_and_volumes_and_returns_as_before(futures):
    market = as_contracts(futures, {"ES": 50})
    for name in ("open", "high", "low", "close"):
        assert (getattr(market, name)["ES"] == 50 * getattr(futures, name)["ES"]).all()
        assert (getattr(market, name)["SPY"] == getattr(futures, name)["SPY"]).all()
    assert market.volume.equals(futures.volume)
    np.testing.assert_allclose(market.close["ES"].pct_change().iloc[1:], futures.close["ES"].pct_change().iloc[1:])
    assert market.stamps[-1] == "prices are those of contracts (ES 50 units each), bought in full: there is no margin"


def test_a_run_keeps_the_multiplier_and_runs_again(futures):
    class Told(Source):
        name = "told"

        def load(self, symbols=None, start=None, end=None):
            return futures

    from dataclasses import dataclass

    class Register:
        @hookimpl
        def register_sources(self, register):
            register(dataclass(frozen=True)(Told))

    plugins = Plugins()
    plugins.register(Register())
    market = load_market("told", multiplier={"ES": 50}, plugins=plugins)
    assert market.origin == {"source": "told", "multiplier": {"ES": 50.0}}
    assert market.record["multiplier"] == {"ES": 50.0}
    origin = dict(market.origin)
    again = load_market(origin.pop("source"), plugins=plugins, **origin)
    assert again.content_hash == market.content_hash


@pytest.mark.parametrize(
    ("multiplier", "error", "message"),
    [
        ({"ESS": 50}, DataError, "multiplier names 'ESS', which has no bars; did you mean 'ES'"),
        ({"ES": 0}, ConfigError, "multiplier of ES is 0; it is how many units"),
        ({"ES": "50"}, ConfigError, "multiplier of ES is '50'; give a number"),
        (50, ConfigError, "multiplier is 50; give one for each symbol"),
    ],
)
def test_a_multiplier_that_does_not_fit_is_told(futures, multiplier, error, message):
    with pytest.raises(error, match=message):
        as_contracts(futures, multiplier)

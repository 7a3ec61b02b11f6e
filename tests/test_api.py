"""backtest and load_market, end to end on real bars."""

from __future__ import annotations

import json
import sys
import types
from dataclasses import dataclass

import numpy as np
import pandas as pd
import pytest

from quantstrats import Costs, Market, Plugins, QuantstratsError, Schedule, Signal, backtest, hookimpl, load_market
from quantstrats.errors import ConfigError, DataError, EngineError, PluginError, SignalError
from quantstrats.ledger import Ledger


@dataclass(frozen=True)
class Reversal(Signal):
    """Buy what fell most over the last `lookback` bars."""

    name = "reversal"
    lookback: int = 5

    def warmup(self):
        return self.lookback + 1

    def forecast(self, market):
        return -market.close.pct_change(self.lookback, fill_method=None)


@hookimpl
def register_signals(register):
    register(Reversal)


class Failing(Signal):
    name = "failing"

    def warmup(self):
        return 1

    def forecast(self, market):
        raise KeyError("vix2")


@pytest.fixture
def short(nasdaq):
    return nasdaq.between("2010-01-01", "2011-12-31")


def test_a_signal_in_a_test_file_registered_with_a_fresh_manager_runs(short):
    plugins = Plugins()
    plugins.register(sys.modules[__name__], "mine")
    run = backtest(plugins.signal("reversal")(lookback=3), short, plugins=Plugins.installed())
    assert run.config["signal"] == {"name": "reversal", "lookback": 3}
    assert run.metrics["orders"] > 20
    assert plugins.troubles == []


def test_a_fresh_manager_alone_is_enough_when_the_allocator_is_given(short, installed):
    plugins = Plugins()
    plugins.register(sys.modules[__name__], "mine")
    allocator = installed.find("allocator", "long_flat").cls()
    run = backtest("reversal", short, allocator=allocator, plugins=plugins)
    assert run.manifest["plugin"]["provider"] == "mine"


def test_the_same_configuration_twice_gives_the_same_content_hashes(short):
    first, second = (backtest("sma_cross", load_market("sample", start="2010-01-01")) for _ in range(2))
    assert first.run_id != second.run_id
    assert first.manifest["content"] == second.manifest["content"]
    assert first.manifest["data"]["hash"] == second.manifest["data"]["hash"]
    assert first.manifest["config_hash"] == second.manifest["config_hash"]


def test_other_costs_give_other_content_hashes(short):
    first = backtest("sma_cross", short)
    second = backtest("sma_cross", short, costs=Costs(slippage_bps=6))
    assert first.manifest["content"]["equity"] != second.manifest["content"]["equity"]
    assert first.manifest["content"]["targets"] == second.manifest["content"]["targets"]


def test_results_are_frames_on_the_markets_rows(short):
    run = backtest("sma_cross", short)
    assert run.equity.index.equals(short.index)
    assert run.returns.index.equals(short.index)
    assert list(run.positions.columns) == ["NASDAQ", "cash"]
    assert list(run.transactions.columns) == ["symbol", "amount", "price", "commission", "order"]
    assert run.targets.columns.tolist() == ["NASDAQ"]
    np.testing.assert_allclose(run.positions.sum(axis=1), run.equity, rtol=1e-12)
    np.testing.assert_allclose((1 + run.returns).cumprod() * 100_000, run.equity, rtol=1e-12)


def test_a_decision_at_the_close_fills_at_the_next_open_with_slippage(short):
    run = backtest("sma_cross", short, costs=Costs(commission_bps=0, slippage_bps=10))
    for order, row in run.orders.iterrows():
        fill = run.transactions[run.transactions["order"] == order]
        place = short.index.get_loc(row["decided"])
        assert fill.index[0] == short.index[place + 1]
        opened, worse = short.open["NASDAQ"].iloc[place + 1], 1.001 if row["size"] > 0 else 0.999
        bounded = np.clip(opened * worse, short.low["NASDAQ"].iloc[place + 1], short.high["NASDAQ"].iloc[place + 1])
        assert fill["price"].iloc[0] == bounded


def test_every_call_is_a_trial_in_the_ledger_failed_ones_too(short):
    backtest("sma_cross", short)
    with pytest.raises(SignalError, match="signal 'failing' failed in forecast"):
        backtest(dataclass(frozen=True)(Failing)(), short)
    rows = Ledger().rows()
    assert [row["status"] for row in rows] == ["finished", "failed"]
    assert [row["trial"] for row in rows] == [1, 2]
    assert "vix2" in rows[1]["error"]
    assert json.loads(rows[0]["metrics"])["orders"] > 0


def test_an_interrupted_run_is_entered_as_aborted(short, monkeypatch):
    def interrupt(self, market):
        raise KeyboardInterrupt

    monkeypatch.setattr(Reversal, "forecast", interrupt)
    with pytest.raises(KeyboardInterrupt):
        backtest(Reversal(), short)
    assert Ledger().rows()[0]["status"] == "aborted"


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"signal": "momentm"}, PluginError, "no signal called 'momentm'; did you mean 'momentum'?"),
        ({"allocator": "longflat"}, PluginError, "no allocator called 'longflat'; did you mean 'long_flat'?"),
        ({"engine": "backtrade"}, EngineError, "no engine called 'backtrade'; did you mean 'backtrader'?"),
        ({"cash": 0}, ConfigError, "cash is 0.0; an account starts with more than nothing"),
        ({"cash": float("nan")}, ConfigError, "cash is nan"),
        ({"benchmark": "NASDQ"}, ConfigError, "benchmark 'NASDQ' is no symbol of this market; did you mean 'NASDAQ'?"),
    ],
)
def test_wrong_arguments_are_told_in_one_line_and_are_no_trial(short, arguments, error, message):
    with pytest.raises(error, match="^" + message.replace("?", r"\?")) as told:
        backtest(**{"signal": "sma_cross", "market": short} | arguments)
    assert "\n" not in str(told.value)
    assert Ledger().rows() == []


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"source": "sampel"}, PluginError, "no source called 'sampel'; did you mean 'sample'?"),
        ({"symbols": ["NASDQ"]}, DataError, "no symbol 'NASDQ'; did you mean 'NASDAQ'?"),
        ({"symbols": "NASDAQ"}, ConfigError, "symbols is 'NASDAQ'; give a list"),
        ({"start": "2015-13-01"}, ConfigError, "start is '2015-13-01'; give a date as in 2015-12-31"),
        ({"start": "2015-02-01", "end": "2015-01-01"}, ConfigError, "start 2015-02-01 lies after end 2015-01-01"),
        ({"start": "2030-01-01"}, DataError, "no bars from 2030-01-01 to the end; the bars run from 1999-01-04"),
        ({"folder": "bars"}, ConfigError, "source 'sample' has no parameter 'folder'"),
    ],
)
def test_bars_that_cannot_be_had_are_told_in_one_line(arguments, error, message):
    with pytest.raises(error, match=message.replace("?", r"\?")):
        load_market(**arguments)


def test_every_error_can_be_caught_as_one_kind(short):
    with pytest.raises(QuantstratsError):
        backtest("nothing_like_it", short)


def test_listeners_hear_start_and_end_of_a_run_in_order(short):
    heard = []

    class Listener:
        @hookimpl
        def run_started(self, run):
            heard.append(("started", run.trial, run.mode, run.config["signal"]["name"]))

        @hookimpl
        def decided(self, decision):
            heard.append(("decided", decision.time))

        @hookimpl
        def run_finished(self, run):
            heard.append(("finished", run.run_id))

    plugins = Plugins.installed()
    plugins.register(Listener(), "listener")
    run = backtest("sma_cross", short, schedule=Schedule("year"), plugins=plugins)
    assert heard == [
        ("started", 1, "backtest", "sma_cross"),
        ("decided", pd.Timestamp("2010-01-04")),
        ("decided", pd.Timestamp("2011-01-03")),
        ("finished", run.run_id),
    ]


def test_a_failing_listener_is_named_in_the_runs_log_and_harms_nothing(short):
    listener = types.ModuleType("listener")

    @hookimpl
    def run_finished(run):
        raise RuntimeError("no disk")

    listener.run_finished = run_finished
    plugins = Plugins.installed()
    plugins.register(listener)
    run = backtest("sma_cross", short, plugins=plugins)
    assert run.log[-1]["level"] == "warning"
    assert run.log[-1]["message"] == "plugin 'listener' failed in run_finished: RuntimeError: no disk"


def test_positions_are_valued_at_the_last_close_over_a_missing_bar(market_of, installed):
    market = market_of(
        {"A": [10, 10, 11, None, None, 12], "B": [5.0] * 6}, {"A": [10, 10, 11, None, None, 12], "B": [5.0] * 6}
    )
    hold = installed.signal("buy_and_hold")()
    run = backtest(hold, market, costs=Costs(0, slippage_bps=0), schedule=Schedule("year"))
    assert run.targets.iloc[0].tolist() == [0.475, 0.475]
    shares = 4750  # 47,500 at the close of 10
    assert run.positions["A"].tolist() == [0, shares * 10, shares * 11, shares * 11, shares * 11, shares * 12]


def test_a_signal_that_depends_on_the_scale_of_prices_is_stamped(short):
    class Level(Reversal):
        name = "level"
        scale_free = False

    stamps = backtest(dataclass(frozen=True)(Level)(), short).manifest["stamps"]
    assert stamps[0].startswith("an index is not tradable")
    assert stamps[1].startswith("signal 'level' depends on the scale of prices")


def test_a_ruined_account_has_figures_that_say_so(market_of, installed):
    short_all = installed.find("allocator", "direct").cls()

    class Short(Reversal):
        name = "short"

        def warmup(self):
            return 1

        def forecast(self, market):
            return -market.close.notna().astype(float)

    # Sold short are 10,000 shares at 10; at 25 the account is gone, and they are bought back at the next open.
    market = market_of({"A": [10, 10, 25, 30, 5]}, {"A": [10, 10, 10, 28, 5]})
    run = backtest(dataclass(frozen=True)(Short)(), market, allocator=short_all, costs=Costs(0, slippage_bps=0))
    assert run.equity.tolist() == [100_000, 100_000, -50_000, -80_000, -80_000]
    assert run.returns.tolist() == [0, 0, -1, 0, 0]
    assert run.metrics["total_return"] == -1.0
    assert run.metrics["max_drawdown"] == -1.0
    assert run.metrics["exposure"] == pytest.approx(0.5)  # over the two bars on which there was an account
    assert "nothing is left of the account" in run.log[1]["message"]


def test_a_warm_up_that_is_never_complete_is_told(nasdaq):
    run = backtest("sma_cross", nasdaq.rows(0, 30))
    warnings = [line["message"] for line in run.log if line["level"] == "warning"]
    assert warnings == ["no decision asked for a position: 30 bars are fewer than the signal's warm-up of 50"]


def test_a_position_whose_bars_stop_without_an_end_is_told(market_of, installed):
    hold = installed.signal("buy_and_hold")()
    market = market_of({"A": [10, 10, 11, None, None]})
    run = backtest(hold, market, schedule=Schedule("year"))
    warnings = [line["message"] for line in run.log if line["level"] == "warning"]
    assert warnings == ["A has no bar after 2015-01-06 and did not end: it is held at that close"]


def test_an_empty_market_cannot_be_made():
    with pytest.raises(DataError, match="no bars"):
        Market.from_frames(close=pd.DataFrame(index=pd.DatetimeIndex([])))


def test_figures_of_details_are_kept_as_pictures(short):
    import matplotlib.figure

    from quantstrats import Details

    class Pictured(Reversal):
        name = "pictured"

        def details(self, market):
            figure = matplotlib.figure.Figure()
            figure.subplots().plot([1, 2])
            return Details(pictures={"line": figure, "bytes": b"png"})

    run = backtest(dataclass(frozen=True)(Pictured)(), short)
    assert run.details.pictures["line"].startswith(b"\x89PNG")
    assert run.details.pictures["bytes"] == b"png"

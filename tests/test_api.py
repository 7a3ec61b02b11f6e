"""backtest and load_market, end to end on real bars."""

from __future__ import annotations

import json
import sys
import types
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from quantstrats import (
    Costs,
    Details,
    Learner,
    Market,
    Plugins,
    QuantstratsError,
    Schedule,
    Signal,
    Source,
    backtest,
    hookimpl,
    load_market,
)
from quantstrats.errors import ConfigError, DataError, EngineError, PluginError, SignalError
from quantstrats.runs.ledger import Ledger


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
    run = backtest(plugins.signal("reversal")(lookback=3), short)
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
    assert list(run.transactions.columns) == ["symbol", "amount", "price", "commission", "slippage", "order"]
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
        ({"symbols": 5}, ConfigError, "symbols is 5; give a list"),
        ({"symbols": "NASDAQ,,SP500"}, ConfigError, "symbol"),
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


def test_the_manifest_changes_with_what_it_stands_on(nasdaq, short):
    first = backtest("sma_cross", short).manifest
    assert first["data"]["hash"] == short.content_hash
    assert first["data"]["calendar"] == "XNYS"
    assert first["data"]["side_series"] == ["vix"]
    other_bars = backtest("sma_cross", nasdaq.between("2010-01-01", "2011-12-30").rows(0, 500)).manifest
    assert other_bars["data"]["hash"] != first["data"]["hash"]
    other_parameter = backtest({"name": "sma_cross", "fast": 19}, short).manifest
    assert other_parameter["config_hash"] != first["config_hash"]
    other_signal = backtest("momentum", short).manifest
    assert other_signal["plugin"]["code_hash"] != first["plugin"]["code_hash"]
    assert first["plugin"]["name"] == "sma_cross"
    assert first["installation"]["packages"]["backtrader"] == "1.9.78.123"


def test_the_hash_of_the_installation_is_that_of_its_files():
    from quantstrats import provenance
    from quantstrats.hashing import hash_source_files

    package = Path(provenance.__file__).parent
    expected = hash_source_files(package.rglob("*.py"))
    assert provenance.describe_installation()["code_hash"] == expected
    assert hash_source_files([package / "api.py"]) != expected


def test_the_configuration_is_complete(short):
    run = backtest("sma_cross", short, allocator={"name": "top_quantile", "quantile": 0.5}, fractional=True)
    assert run.config == {
        "data": {"source": "sample", "symbols": ["NASDAQ"], "start": "2010-01-04", "end": "2011-12-30"},
        "universe": {
            "members": None,
            "min_price": None,
            "min_dollar_volume": None,
            "window": 21,
            "top": None,
            "by": "dollar_volume",
            "sectors": None,
            "basis": None,
        },
        "signal": {"name": "sma_cross", "fast": 20, "slow": 50},
        "allocation": {"name": "top_quantile", "gross": 1.0, "cash_buffer": 0.05, "quantile": 0.5, "short": False},
        "schedule": {"every": "bar", "rebalance": "changes", "drift": None, "last_decision": 0},
        "costs": {
            "commission_bps": 10.0,
            "commission_per_share": 0.0,
            "commission_minimum": 0.0,
            "slippage_bps": 5.0,
            "impact": 0.0,
            "impact_window": 21,
        },
        "risk": {"max_drawdown": None},
        "engine": {"name": "backtrader", "cash": 100_000.0, "fractional": True, "guard": "sampled"},
        "report": {"benchmark": "equal_weight", "risk_free": 0.0},
    }


def test_slippage_is_charged_on_bars_that_are_closes_alone(market_of):
    market = market_of({"A": [10.0, 10, 10]})
    run = backtest("buy_and_hold", market, costs=Costs(0, slippage_bps=100), schedule=Schedule("year"))
    assert run.transactions["price"].tolist() == [10.1]


def test_bars_with_a_wrong_range_are_stamped(sessions):
    close = pd.DataFrame({"A": [10.0, 11, 12]}, index=sessions(3))
    high = close.copy()
    high.iloc[1] = 10.5
    market = Market.from_frames(open=close, high=high, low=close - 1, close=close, stamps="mine")
    own, told = market.stamps
    assert own == "mine"
    assert told.startswith("1 bar has its open or close outside low to high, first at 2015-01-05 A: fills there")


def test_an_account_too_small_for_one_share_is_told(short):
    log = backtest("sma_cross", short, cash=10).log
    assert log[1]["message"].startswith("every decision asked for less than one share: start with more cash")


class Undecorated(Reversal):
    name = "undecorated"


class BrokenFigure:
    def savefig(self, *_, **__):
        raise OSError("no font")


class Opaque(Reversal):
    name = "opaque"
    thing: object = None


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"signal": Reversal}, "signal is the class Reversal; make an object of it, as in Reversal()"),
        ({"signal": None}, "signal is of type NoneType; give a Signal or the name of one"),
        ({"signal": {"fast": 3}}, "signal has no name; write {'name': ..., parameters}"),
        (
            {"signal": {"name": "sma_cross", "fst": 3}},
            "signal 'sma_cross' has no parameter 'fst'; did you mean 'fast'?",
        ),
        ({"signal": Undecorated()}, "signal Undecorated is no frozen dataclass; put @dataclass(frozen=True) above it"),
        ({"market": "sample"}, "market is of type str; make one with Market.from_frames or load_market"),
        ({"allocator": 5}, "allocator is of type int; give a Allocator or the name of one"),
        ({"schedule": "month"}, "schedule is 'month'; give a Schedule, as in Schedule()"),
        ({"costs": 5}, "costs is 5; give a Costs, as in Costs()"),
        ({"cash": "1000"}, "cash is '1000'; give a number"),
        ({"fractional": "no"}, "fractional is 'no'; give True or False"),
        ({"benchmark": None}, "benchmark is of type NoneType; give equal_weight, none, or a symbol's name"),
        (
            {"signal": dataclass(frozen=True)(Opaque)(thing=object())},
            "'opaque': field 'thing' holds a object, which a configuration cannot carry",
        ),
    ],
)
def test_things_of_the_wrong_kind_are_told_in_one_line(short, arguments, message):
    with pytest.raises(QuantstratsError) as told:
        backtest(**{"signal": "sma_cross", "market": short} | arguments)
    assert str(told.value).startswith(message)
    assert "\n" not in str(told.value)


@pytest.mark.parametrize(
    ("loaded", "message"),
    [
        (FileNotFoundError("bars.csv"), "source 'mine' failed: FileNotFoundError: bars.csv"),
        (None, "source 'mine' returned NoneType, not a Market"),
    ],
)
def test_a_source_that_fails_is_named(loaded, message):
    @dataclass(frozen=True)
    class Mine(Source):
        name = "mine"

        def load(self, symbols=None, start=None, end=None):
            if isinstance(loaded, Exception):
                raise loaded
            return loaded

    module = types.ModuleType("mine")
    module.register_sources = hookimpl(lambda register: register(Mine))
    module.register_sources.__name__ = "register_sources"
    plugins = Plugins()
    plugins.register(module)
    with pytest.raises(DataError, match=f"^{message}$"):
        load_market("mine", plugins=plugins)


@pytest.mark.parametrize(
    ("details", "message"),
    [
        (KeyError("x"), "signal 'shown' failed in details(): KeyError: 'x'"),
        ({"overlays": {"line": 5}}, "signal 'shown': details(): overlay 'line' is of type int, not a DataFrame"),
        ({"tables": {"list": []}}, "signal 'shown': details(): table 'list' is of type list, not a DataFrame"),
        ({"pictures": {"text": "png"}}, "signal 'shown': details(): picture 'text' is of type str, not a figure"),
        (
            {"pictures": {"broken": BrokenFigure()}},
            "signal 'shown': a picture of its details cannot be drawn: OSError: no font",
        ),
    ],
)
def test_details_that_fail_are_told_and_the_figures_stand(short, details, message):
    class Shown(Reversal):
        name = "shown"

        def details(self, market):
            if isinstance(details, Exception):
                raise details
            return Details(**details)

    run = backtest(dataclass(frozen=True)(Shown)(), short)
    assert run.log[1]["message"].startswith(message)
    assert run.metrics["orders"] > 0
    assert run.save().is_dir()


def test_a_listener_cannot_change_the_run(short):
    class Meddler:
        @hookimpl
        def run_started(self, run):
            run.config["signal"]["name"] = "hacked"

        @hookimpl
        def run_finished(self, run):
            run.metrics["sharpe"] = 99
            run.equity.iloc[:] = 1
            raise SystemExit

    plugins = Plugins.installed()
    plugins.register(Meddler(), "meddler")
    run = backtest("sma_cross", short, plugins=plugins)
    assert run.config["signal"]["name"] == "sma_cross"
    assert run.metrics["sharpe"] != 99
    assert run.equity.iloc[-1] != 1


def test_a_signal_that_depends_on_the_scale_of_prices_is_stamped(short):
    class Level(Reversal):
        name = "level"
        scale_free = False

    stamps = backtest(dataclass(frozen=True)(Level)(), short).manifest["stamps"]
    assert stamps[0] == "universe: fixed basket of 1 symbol, chosen with today's knowledge"
    assert stamps[1].startswith("an index is not tradable")
    assert stamps[2].startswith("signal 'level' depends on the scale of prices")


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
    assert warnings == ["no decision asked for a position: 30 bars are too few for a forecast (its warm-up is 50)"]


def test_training_rows_that_are_never_complete_are_told(nasdaq):
    @dataclass(frozen=True)
    class Trained(Learner):
        name = "trained"

        def warmup(self):
            return 21

        def fit(self, training):
            raise AssertionError

    for train, told in ((5000, "on 5000 rows"), (date(2030, 1, 1), "from 2030-01-01 on")):
        run = backtest(Trained(train=train), nasdaq.rows(0, 300))
        (warning,) = [line["message"] for line in run.log if line["level"] == "warning"]
        why = f"its warm-up is 21; it is trained {told}, and first fitted where a year begins"
        assert warning == f"no decision asked for a position: 300 bars are too few for a forecast ({why})"


def test_years_without_an_opinion_are_told_since_all_figures_count_them(nasdaq):
    def warnings(rows):
        run = backtest({"name": "momentum", "lookback": 300}, nasdaq.rows(0, rows), guard="off")
        return [line["message"] for line in run.log if line["level"] == "warning"]

    # Row 300 is the first with an opinion: the ninth session of March 2000.
    told = "no opinion before 2000-03-13 (its warm-up is 301): the figures count 300 bars without one"
    assert warnings(900) == [told]
    assert warnings(3001) == []  # less than a tenth
    assert backtest("sma_cross", nasdaq.rows(0, 60), guard="off").warnings == []  # less than a year


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

    class Pictured(Reversal):
        name = "pictured"

        def details(self, market):
            figure = matplotlib.figure.Figure()
            figure.subplots().plot([1, 2])
            return Details(pictures={"line": figure, "bytes": b"png"})

    run = backtest(dataclass(frozen=True)(Pictured)(), short)
    assert run.details.pictures["line"].startswith(b"\x89PNG")
    assert run.details.pictures["bytes"] == b"png"

"""What plugins warn of: in the run's log, each once with a count, and never on the terminal."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import types
import warnings
from dataclasses import dataclass
from pathlib import Path

import matplotlib.figure
import numpy as np
import pytest

from quantstrats import (
    Allocator,
    Details,
    Learner,
    Market,
    Plugins,
    Signal,
    Source,
    backtest,
    backtest_config,
    hookimpl,
    load_market,
)
from quantstrats.errors import SignalError
from quantstrats.evaluation import evaluate
from quantstrats.warned import MOST, Warned, heard, listening

OFF = {"guard": "off"}


@pytest.fixture(autouse=True)
def _no_filters():
    """Have no filter for what is warned of here; the tests' own makes errors of all warnings."""
    with warnings.catch_warnings():
        warnings.resetwarnings()
        yield


@pytest.fixture
def market(market_of):
    return market_of({"A": [10.0, 11, 12, 11, 12, 13, 12]})


def told(run):
    """Return what the run's log has of warnings of plugins."""
    return [line["message"] for line in run.log if line["level"] == "warning" and " warned: " in line["message"]]


def place(comment):
    """Name the line of this file that ends with a comment."""
    lines = Path(__file__).read_text(encoding="utf-8").splitlines()
    (number,) = [number for number, line in enumerate(lines, start=1) if line.endswith(f"  # {comment}")]
    return f"test_warned.py line {number}"


@dataclass(frozen=True)
class Careless(Signal):
    """Warns by itself, and by a library that it calls."""

    name = "careless"

    def warmup(self):
        return 1

    def forecast(self, market):
        warnings.warn("old\n  way", stacklevel=1)  # by itself
        np.log(market.close * 0)  # by pandas
        return market.close * 0 + 1


@dataclass(frozen=True)
class CarelessLearner(Learner):
    """Warns in each fit."""

    name = "careless_learner"

    def warmup(self):
        return 1

    def fit(self, market):
        warnings.warn("fitted", RuntimeWarning, stacklevel=1)  # in fit


@dataclass(frozen=True)
class CarelessAllocator(Allocator):
    """Warns whenever it is asked."""

    name = "careless_allocator"

    def weights(self, forecast):
        warnings.warn("weighed", stacklevel=1)  # in weights
        return forecast * 0.5


@dataclass(frozen=True)
class Talkative(Signal):
    """Warns of something else each time, and then fails if it is told to."""

    name = "talkative"
    times: int
    fails: bool = False

    def warmup(self):
        return 1

    def forecast(self, market):
        for number in range(self.times):
            warnings.warn(f"number {number}", stacklevel=1)  # in forecast
        if self.fails:
            raise ValueError("no idea")
        return market.close * 0 + 1


def test_a_signals_warnings_are_in_the_log_in_their_order_with_the_signals_own_line(market, capfd):
    expected = [
        f"signal 'careless' warned: UserWarning: old way ({place('by itself')})",
        f"signal 'careless' warned: RuntimeWarning: divide by zero encountered in log ({place('by pandas')})",
    ]
    assert told(backtest(Careless(), market, **OFF)) == expected
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("guard", ["sampled", "full"])
def test_the_guard_which_asks_again_and_again_adds_nothing(market, capfd, guard):
    assert told(backtest(Careless(), market, guard=guard)) == told(backtest(Careless(), market, **OFF))
    assert capfd.readouterr() == ("", "")


def test_the_copies_that_the_guard_makes_add_nothing(eager, market, recwarn):
    made = EARLY[0].format(place("when it is made"))
    assert told(backtest("eager", market, plugins=eager, guard="full")) == [made]
    assert list(recwarn) == []


def test_what_is_warned_of_in_each_fit_is_one_line_with_a_count(nasdaq):
    run = backtest(CarelessLearner(refit="month", train=20), nasdaq.between("2010-01-01", "2010-12-31"), **OFF)
    # January had 19 sessions: fitted first in March, last in December.
    expected = f"signal 'careless_learner' warned: RuntimeWarning: fitted ({place('in fit')}), 10 times"
    assert told(run) == [expected]


def test_what_is_warned_of_in_a_loop_is_one_line_with_a_count(market):
    class Looping(Careless):
        name = "looping"

        def forecast(self, market):
            for _ in range(1500):
                warnings.warn("again", stacklevel=1)  # in the loop
            return market.close * 0 + 1

    run = backtest(dataclass(frozen=True)(Looping)(), market)
    assert told(run) == [f"signal 'looping' warned: UserWarning: again ({place('in the loop')}), 1,500 times"]


def test_an_allocators_warnings_are_in_the_log(market):
    run = backtest("buy_and_hold", market, allocator=CarelessAllocator())
    assert told(run) == [f"allocator 'careless_allocator' warned: UserWarning: weighed ({place('in weights')})"]


def test_a_listeners_warnings_are_in_the_log(market):
    listener = types.ModuleType("listener")

    @hookimpl
    def run_started(run):
        warnings.warn("too early", stacklevel=1)  # at the start

    @hookimpl
    def run_finished(run):
        warnings.warn("too late", stacklevel=1)  # at the end

    listener.run_started, listener.run_finished = run_started, run_finished
    plugins = Plugins.installed()
    plugins.register(listener)
    assert told(backtest("buy_and_hold", market, plugins=plugins)) == [
        f"plugin 'listener' warned: UserWarning: too early ({place('at the start')})",
        f"plugin 'listener' warned: UserWarning: too late ({place('at the end')})",
    ]


def test_what_is_warned_of_while_details_are_made_and_drawn_is_in_the_log(market):
    class Drawing(matplotlib.figure.Figure):
        def savefig(self, *arguments, **options):
            warnings.warn("drawn", stacklevel=1)  # while it is drawn
            super().savefig(*arguments, **options)

    class Shown(Careless):
        name = "shown"

        def forecast(self, market):
            return market.close * 0 + 1

        def details(self, market):
            warnings.warn("made", stacklevel=1)  # in details
            return Details(pictures={"empty": Drawing()})

    assert told(backtest(dataclass(frozen=True)(Shown)(), market)) == [
        f"signal 'shown' warned: UserWarning: made ({place('in details')})",
        f"signal 'shown' warned: UserWarning: drawn ({place('while it is drawn')})",
    ]


def test_of_many_different_warnings_the_first_twenty_are_told_and_the_rest_counted(market):
    run = backtest(Talkative(1030), market, **OFF)
    assert told(run) == [
        f"signal 'talkative' warned: UserWarning: number {number} ({place('in forecast')})" for number in range(20)
    ]
    assert run.log[-2]["message"] == "and 1,010 more warnings of other kinds"
    assert MOST == 20


def test_a_failed_run_has_what_was_warned_of_before_once_though_the_bar_is_looked_for(market, home):
    with pytest.raises(SignalError, match="no idea"):
        backtest(Talkative(2, fails=True), market)
    (file,) = home.glob("logs/failed/*.log")
    lines = [json.loads(line) for line in file.read_text().splitlines()]
    assert [line["level"] for line in lines] == ["info", "warning", "warning", "error"]
    number = "signal 'talkative' warned: UserWarning: number"
    assert [line["message"] for line in lines[1:3]] == [f"{number} {n} ({place('in forecast')})" for n in (0, 1)]


def test_the_users_filters_hold(market):
    warnings.filterwarnings("ignore", category=RuntimeWarning)
    assert [line for line in told(backtest(Careless(), market)) if "RuntimeWarning" in line] == []
    warnings.filterwarnings("error", category=RuntimeWarning)
    with pytest.raises(SignalError) as failed:
        backtest(Careless(), market)
    assert "signal 'careless' failed in forecast()" in str(failed.value)
    assert f"RuntimeWarning: divide by zero encountered in log ({place('by pandas')})" in str(failed.value)
    assert "\n" not in str(failed.value)


def test_where_no_run_listens_warnings_go_their_usual_way(market):
    with pytest.warns(UserWarning, match="old"), pytest.warns(RuntimeWarning, match="divide by zero"):
        evaluate(Careless(), market)


def test_what_is_warned_of_by_other_code_during_a_run_goes_its_usual_way(market, monkeypatch):
    from quantstrats.strategy import Strategy

    decide = Strategy.decide

    def with_a_warning(self, forecast, market):
        warnings.warn("ours", stacklevel=1)
        return decide(self, forecast, market)

    monkeypatch.setattr(Strategy, "decide", with_a_warning)
    with pytest.warns(UserWarning, match="^ours$"):
        run = backtest(Careless(), market)
    assert len(told(run)) == 2


def test_the_listener_of_the_moment_hears_and_the_one_before_it_hears_again():
    def warn(text):
        warnings.warn(text, stacklevel=1)

    outer, inner = Warned(), Warned()
    with listening(outer):
        heard("a", "", warn, "1")
        with listening(inner):
            heard("b", "", warn, "2")
        heard("c", "", warn, "3")
    assert [line.split(" (")[0] for line in outer.lines()] == ["a warned: UserWarning: 1", "c warned: UserWarning: 3"]
    assert [line.split(" (")[0] for line in inner.lines()] == ["b warned: UserWarning: 2"]


@dataclass(frozen=True)
class Eager(Signal):
    """Warns as soon as it is made."""

    name = "eager"

    def __post_init__(self):
        warnings.warn("made", stacklevel=1)  # when it is made

    def warmup(self):
        return 1

    def forecast(self, market):
        return market.close * 0 + 1


@dataclass(frozen=True)
class Weathered(Source):
    """Warns while it loads what the source of the sample has."""

    name = "weathered"

    def load(self, symbols=None, start=None, end=None):
        warnings.warn("old bars", stacklevel=1)  # while it loads
        return load_market("sample", symbols, start, end)


@pytest.fixture
def eager():
    """Return plugins that warn before any forecast."""
    plugin = types.ModuleType("eager_plugin")

    @hookimpl
    def register_signals(register):
        warnings.warn("registering", stacklevel=1)  # in the hook
        register(Eager)

    @hookimpl
    def register_sources(register):
        register(Weathered)

    plugin.register_signals, plugin.register_sources = register_signals, register_sources
    plugins = Plugins.installed()
    with pytest.warns(UserWarning, match="registering"):  # no run listens
        plugins.register(plugin)
    return plugins


CONFIG = {
    "data": {"source": "weathered", "start": "2010-01-01", "end": "2010-12-31"},
    "signal": {"name": "eager"},
    "engine": {"guard": "off"},
}
EARLY = [
    "signal 'eager' warned: UserWarning: made ({})",
    "source 'weathered' warned: UserWarning: old bars ({})",
]


def test_what_is_warned_of_before_a_run_begins_is_in_its_log(eager, market, recwarn):
    made, loaded = EARLY[0].format(place("when it is made")), EARLY[1].format(place("while it loads"))
    assert told(backtest("eager", market, plugins=eager, **OFF)) == [made]
    assert told(backtest_config(CONFIG, plugins=eager)) == [made, loaded]
    assert list(recwarn) == []


def test_a_failed_run_has_what_was_warned_of_before_it_began(eager, home, monkeypatch):
    def no_idea(self, market):
        raise ValueError("no idea")

    monkeypatch.setattr(Eager, "forecast", no_idea)
    with pytest.raises(SignalError, match="no idea"):
        backtest_config(CONFIG, plugins=eager)
    (file,) = home.glob("logs/failed/*.log")
    lines = [json.loads(line) for line in file.read_text().splitlines()]
    assert [line["message"].split(" (")[0] for line in lines if line["level"] == "warning"] == [
        line.split(" (")[0] for line in EARLY
    ]


def test_where_no_run_listens_loading_warns_its_usual_way(eager):
    with pytest.warns(UserWarning, match="old bars"):
        assert isinstance(load_market("weathered", start="2010-01-01", end="2010-01-31", plugins=eager), Market)


def test_a_file_is_heard_where_it_is_imported_in_a_thread_too(tmp_path, market):
    (tmp_path / "imported.py").write_text(EARLY_FILE)
    runs = []
    thread = threading.Thread(target=lambda: runs.append(backtest(str(tmp_path / "imported.py"), market, **OFF)))
    thread.start()
    thread.join(60)
    assert told(runs[0]) == [
        "plugin 'imported.py' warned: UserWarning: imported (imported.py line 5)",
        "plugin 'imported.py' warned: UserWarning: registering (imported.py line 19)",
        "signal 'early' warned: UserWarning: made (imported.py line 11)",
    ]


def test_a_run_within_a_signal_has_its_own_warnings_and_so_has_the_outer_one(eager, market):
    inner = []

    @dataclass(frozen=True)
    class Nested(Signal):
        name = "nested"

        def warmup(self):
            return 1

        def forecast(self, market):
            warnings.warn("before", stacklevel=1)  # before the inner run
            inner.append(backtest_config(CONFIG, plugins=eager))
            warnings.warn("after", stacklevel=1)  # after the inner run
            return market.close * 0 + 1

    outer = backtest(Nested(), market, **OFF)
    assert [line.split(" (")[0] for line in told(outer)] == [
        "signal 'nested' warned: UserWarning: before",
        "signal 'nested' warned: UserWarning: after",
    ]
    assert [line.split(" (")[0] for line in told(inner[0])] == [line.split(" (")[0] for line in EARLY]


def test_runs_in_two_threads_have_their_own_warnings_and_leave_nothing_behind():
    shown, filters = warnings.showwarning, list(warnings.filters)
    second_is_in, first_is_out = threading.Event(), threading.Event()
    first, second = Warned(), Warned()

    def go_first():
        warnings.warn("first before", stacklevel=1)
        assert second_is_in.wait(60)
        warnings.warn("first after", stacklevel=1)

    def go_second():
        second_is_in.set()
        assert first_is_out.wait(60)
        warnings.warn("second", stacklevel=1)

    def listen(warned, who, call, over):
        with listening(warned):
            heard(who, "", call)
        over.set()

    ends = first_is_out, threading.Event()
    threads = [
        threading.Thread(target=listen, args=(first, "a", go_first, ends[0])),
        threading.Thread(target=listen, args=(second, "b", go_second, ends[1])),
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    assert all(end.is_set() for end in ends)
    assert [line.split(" (")[0] for line in first.lines()] == [
        "a warned: UserWarning: first before",
        "a warned: UserWarning: first after",
    ]
    assert [line.split(" (")[0] for line in second.lines()] == ["b warned: UserWarning: second"]
    assert warnings.showwarning is shown
    assert warnings.filters == filters


def test_what_another_thread_warns_of_while_one_is_heard_goes_its_usual_way():
    is_in, may_go = threading.Event(), threading.Event()
    warned = Warned()

    def wait():
        is_in.set()
        assert may_go.wait(60)

    def listen():
        with listening(warned):
            heard("a", "", wait)

    thread = threading.Thread(target=listen)
    with warnings.catch_warnings(record=True) as usual:
        thread.start()
        assert is_in.wait(60)
        warnings.warn("mine", stacklevel=1)
        may_go.set()
        thread.join(120)
    assert [str(each.message) for each in usual] == ["mine"]
    assert warned.lines() == []


EARLY_FILE = """
import warnings
from dataclasses import dataclass
from quantstrats import Signal, hookimpl
warnings.warn("imported")

@dataclass(frozen=True)
class Early(Signal):
    name = "early"
    def __post_init__(self):
        warnings.warn("made")
    def warmup(self):
        return 1
    def forecast(self, market):
        return market.close * 0 + 1

@hookimpl
def register_signals(register):
    warnings.warn("registering")
    register(Early)
"""

EARLY_SOURCE = """
import warnings
from dataclasses import dataclass
from quantstrats import Source, hookimpl, load_market
warnings.warn("imported")

@dataclass(frozen=True)
class Weathered(Source):
    name = "weathered"
    def load(self, symbols=None, start=None, end=None):
        warnings.warn("old bars")
        return load_market("sample", symbols, start, end)

@hookimpl
def register_sources(register):
    warnings.warn("registering")
    register(Weathered)
"""

WARNS = """
import warnings
from dataclasses import dataclass
import numpy as np
from quantstrats import Signal, hookimpl

@dataclass(frozen=True)
class Warns(Signal):
    name = "warns"
    def warmup(self):
        warnings.warn("in warmup")
        return 1
    def forecast(self, market):
        return np.log(market.close * 0) * 0

@hookimpl
def register_signals(register):
    register(Warns)
"""


@pytest.fixture
def command(tmp_path):
    """Run a backtest of one year in a process of its own, with options of Python; return what came of it."""
    (tmp_path / "warns.py").write_text(WARNS)

    def run(plugin, *options, settings=(), **environment):
        words = [sys.executable, *options, "-m", "quantstrats", "backtest", plugin, "--start", "2017-01-01", "--json"]
        words += [word for setting in settings for word in ("--set", setting)]
        surroundings = os.environ | {"QUANTSTRATS_HOME": str(tmp_path), **environment}
        surroundings.pop("PYTHONWARNINGS", None)
        return subprocess.run(
            words, capture_output=True, text=True, timeout=300, check=False, cwd=tmp_path, env=surroundings
        )

    return run


@pytest.mark.slow
def test_a_plugins_warnings_are_not_on_the_terminal(command):
    done = command("./warns.py")
    assert (done.returncode, done.stderr) == (0, "")
    said = [line for line in json.loads(done.stdout)["warnings"] if line.startswith("signal 'warns' warned: ")]
    assert [line.split(" warned: ")[1].split(" (")[0] for line in said] == [
        "UserWarning: in warmup",
        "RuntimeWarning: divide by zero encountered in log",
    ]
    assert "(warns.py line 11), " in said[0]
    assert said[0].endswith(" times")


@pytest.mark.slow
def test_nor_are_those_of_imports_and_hooks_of_making_and_of_loading(command, tmp_path):
    (tmp_path / "early.py").write_text(EARLY_FILE)
    (tmp_path / "weathered_plugin.py").write_text(EARLY_SOURCE)
    installed = tmp_path / "weathered_plugin-1.0.dist-info"
    installed.mkdir()
    (installed / "METADATA").write_text("Metadata-Version: 2.1\nName: weathered-plugin\nVersion: 1.0\n")
    (installed / "entry_points.txt").write_text("[quantstrats]\nweathered = weathered_plugin\n")
    done = command("./early.py", settings=["data.source=weathered"])
    assert (done.returncode, done.stderr) == (0, "")
    assert [line for line in json.loads(done.stdout)["warnings"] if " warned: " in line] == [
        "plugin 'weathered' warned: UserWarning: imported (weathered_plugin.py line 5)",
        # Its load asks the sample's source, for which all that is installed is registered again.
        "plugin 'weathered' warned: UserWarning: registering (weathered_plugin.py line 16), 2 times",
        "plugin 'early.py' warned: UserWarning: imported (early.py line 5)",
        "plugin 'early.py' warned: UserWarning: registering (early.py line 19)",
        "signal 'early' warned: UserWarning: made (early.py line 11)",
        "source 'weathered' warned: UserWarning: old bars (weathered_plugin.py line 11)",
    ]


@pytest.mark.slow
def test_no_warning_on_the_way_to_a_tear_sheet_and_a_backend_with_a_window_will_do(command):
    done = command("sma_cross", "-W", "default", MPLBACKEND="TkAgg")
    assert (done.returncode, done.stderr) == (0, "")
    assert Path(json.loads(done.stdout)["tearsheet"]).stat().st_size > 100_000


@pytest.mark.slow
def test_nothing_fails_where_all_warnings_are_errors_and_the_backend_is_not_there(command):
    done = command("sma_cross", "-W", "error", MPLBACKEND="module://no_such_module")
    assert (done.returncode, done.stderr) == (0, "")
    assert Path(json.loads(done.stdout)["tearsheet"]).stat().st_size > 100_000


@pytest.mark.slow
def test_a_backend_that_matplotlib_does_not_know_is_told_by_it_and_breaks_nothing(command, tmp_path):
    (tmp_path / "matplotlibrc").write_text("backend: no_such_backend\n")
    done = command("sma_cross", MATPLOTLIBRC=str(tmp_path / "matplotlibrc"))
    assert done.returncode == 0
    assert done.stderr.startswith("Bad value in file 'matplotlibrc', line 1 ('backend: no_such_backend')")
    assert len(done.stderr.splitlines()) == 1
    assert Path(json.loads(done.stdout)["tearsheet"]).stat().st_size > 100_000

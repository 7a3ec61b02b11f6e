"""What plugins print is not the command's result: a real process and a file that prints wherever it is called."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from quantstrats.cli.main import main
from quantstrats.errors import in_one_line
from quantstrats.runs.ledger import Ledger

LOUD = """
import os
from dataclasses import dataclass
from quantstrats import Learner, Signal, hookimpl

def say(where):
    print("LOUD", where)
    os.system("echo LOUD child")

say("import")

@dataclass(frozen=True)
class Fitted(Signal):
    name = "fitted"
    def warmup(self):
        say("warmup")
        return 1
    def forecast(self, market):
        say("forecast")
        return market.close * 0 + 1

@dataclass(frozen=True)
class Loud(Learner):
    name = "loud"
    def __post_init__(self): say("made")
    def warmup(self):
        say("warmup")
        return 1
    def fit(self, training):
        say("fit")
        return Fitted()
    def details(self, market):
        say("details")
        return super().details(market)

@hookimpl
def register_signals(register):
    say("hook")
    register(Loud)

@hookimpl
def run_started(run): say("run_started")

@hookimpl
def run_finished(run): say("run_finished")
"""
BACKTEST = ["backtest", "./loud.py", "--start", "2016-01-01", "--set", "signal.train=20", "--no-tearsheet"]


@pytest.fixture
def quantstrats(tmp_path):
    (tmp_path / "loud.py").write_text(LOUD)

    def run(*words):
        command = [sys.executable, "-m", "quantstrats", *words]
        environment = os.environ | {"QUANTSTRATS_HOME": str(tmp_path)}
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=300, check=False, cwd=tmp_path, env=environment
        )
        assert done.returncode == 0, done.stderr
        return done

    return run


@pytest.mark.parametrize("words", [BACKTEST, ["plugins", "show", "./loud.py"]], ids=["backtest", "show"])
def test_what_a_plugin_prints_goes_to_stderr_and_json_stays_json(quantstrats, words):
    done = quantstrats(*words, "--json")
    assert json.loads(done.stdout)
    said = {line for line in done.stderr.splitlines() if line.startswith("LOUD")}
    hooks = {"LOUD import", "LOUD hook", "LOUD child"}
    run = {f"LOUD {where}" for where in ("warmup", "forecast", "fit", "details", "run_started", "run_finished")}
    assert said >= (hooks | run if words is BACKTEST else hooks)


def test_a_strangers_long_error_is_cut():
    line = in_one_line(ValueError("no\n" * 1000))
    assert line.startswith("ValueError: no no no")
    assert len(line) == 303


def test_what_a_plugin_prints_stands_not_in_the_summary(quantstrats):
    done = quantstrats(*BACKTEST)
    assert done.stdout.startswith("loud(")
    assert "LOUD" not in done.stdout


@pytest.mark.parametrize("method", ["warmup", "fit", "forecast", "weights", "load"])
def test_a_plugin_that_leaves_fails_the_run_in_one_line(tmp_path, monkeypatch, capsys, method):
    bodies = {
        "warmup": "return 1",
        "fit": "return Fitted()",
        "forecast": "return market.close * 0",
        "weights": "",
        "load": "",
    }
    bodies[method] = "import sys; sys.exit(7)"
    (tmp_path / "leaves.py").write_text(f"""
from dataclasses import dataclass
from quantstrats import Allocator, Learner, Signal, Source, hookimpl
@dataclass(frozen=True)
class Fitted(Signal):
    name = "fitted"
    def warmup(self): return 1
    def forecast(self, market): {bodies["forecast"]}
@dataclass(frozen=True)
class Leaves(Learner):
    name = "leaves"
    def warmup(self): {bodies["warmup"]}
    def fit(self, training): {bodies["fit"]}
@dataclass(frozen=True)
class Out(Allocator):
    name = "out"
    def weights(self, forecast): {bodies["weights"] or "pass"}
@dataclass(frozen=True)
class Gone(Source):
    name = "gone"
    def load(self, symbols=None, start=None, end=None): {bodies["load"] or "pass"}
@hookimpl
def register_signals(register): register(Leaves)
@hookimpl
def register_allocators(register): register(Out)
@hookimpl
def register_sources(register): register(Gone)
""")
    monkeypatch.chdir(tmp_path)
    more = {"weights": ["--set", "allocation.name=./leaves.py"], "load": ["--data", "./leaves.py"]}.get(method, [])
    with pytest.raises(SystemExit) as left:
        main(["backtest", "./leaves.py", "--start", "2016-01-01", "--set", "signal.train=20", *more])
    shown = capsys.readouterr()
    assert (left.value.code, shown.out) == (2 if method == "load" else 1, "")
    assert "SystemExit: 7" in shown.err
    assert shown.err.count("\n") == 1
    if method not in ("warmup", "load"):  # these come before a run begins
        assert [row["status"] for row in Ledger().rows()] == ["failed"]

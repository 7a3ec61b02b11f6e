"""The command line as a real process."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
import weakref
from pathlib import Path

import pytest

from quantstrats import load_run
from quantstrats.cli import app, main
from quantstrats.cli.interrupts import interrupts_heard
from quantstrats.runs.ledger import Ledger

ROOT = Path(__file__).parents[2]


def run_bt(*arguments, **options):
    command = [sys.executable, ROOT / "backtests" / "run_bt.py", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False, **options)


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    home = tmp_path_factory.mktemp("home")
    environment = os.environ | {"QUANTSTRATS_HOME": str(home)}
    return home, run_bt("sma_cross", "--start", "2010-01-01", "--set", "signal.fast=10", env=environment)


def test_a_backtest_prints_a_summary_and_where_the_tear_sheet_is(finished):
    home, done = finished
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    assert "sma_cross(fast=10, slow=50) on NASDAQ, 2010-01-04 to 2018-12-31" in done.stdout
    assert "Sharpe ratio" in done.stdout
    assert "an index is not tradable" in done.stdout
    shown = done.stdout.split("Tear sheet")[1].strip()
    assert (ROOT / shown).resolve() == next(home.glob("logs/runs/*/tearsheet.html")).resolve()


def test_the_summary_fits_a_terminal_of_80_columns(finished):
    lines = finished[1].stdout.split("\nRun ")[0].splitlines()
    assert max(len(line) for line in lines) <= 80


def test_the_folder_keeps_what_was_asked_for(finished):
    home, _ = finished
    manifest = json.loads(next(home.glob("logs/runs/*/manifest.json")).read_text())
    assert manifest["data"]["origin"] == {"source": "sample"}
    assert manifest["trial"] == 1
    html = next(home.glob("logs/runs/*/tearsheet.html")).read_text()
    assert html.lstrip().lower().startswith("<!doctype html>")


def test_a_failing_run_is_one_line_and_exit_code_1(tmp_path, home):
    # A folder that cannot be written is the machine's failure, not wrong input.
    (home / "logs").write_text("in the way")
    done = run_bt("sma_cross", "--end", "2000-12-31")
    assert done.returncode == 1
    assert done.stderr.startswith("error: the ledger ")
    assert done.stderr.count("\n") == 1


def test_an_interrupt_leaves_exit_code_130_and_no_folder(home):
    child = subprocess.Popen(
        [sys.executable, ROOT / "backtests" / "run_bt.py", "sma_cross"],
        stderr=subprocess.PIPE,
        text=True,
        # Where the tests run in the background, interrupts are ignored, and children would inherit that.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    ledger = home / "logs" / "ledger.sqlite"
    for _ in range(600):
        if ledger.exists() and ledger.stat().st_size:
            break
        time.sleep(0.05)
    child.send_signal(signal.SIGINT)
    _, told = child.communicate(timeout=60)
    assert child.returncode == 130
    assert told == "interrupted\n"
    assert list(home.glob("logs/runs/*")) == []


def test_an_interrupt_at_any_moment_says_so_and_leaves_no_half_of_a_run(home):
    source = (
        "import sys\nsys.stdout.write('up\\n')\nsys.stdout.flush()\n"
        "from quantstrats.cli.main import main\nmain(['backtest', 'sma_cross', '--start', '2016-01-01'])"
    )
    delays = random.Random(3)
    for _ in range(6):
        child = subprocess.Popen(
            [sys.executable, "-c", source],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        )
        assert child.stdout.readline() == "up\n"  # Python itself has started
        time.sleep(delays.uniform(0.0, 4.0))
        child.send_signal(signal.SIGINT)
        shown, told = child.communicate(timeout=60)
        assert (child.returncode, told) in ((130, "interrupted\n"), (0, ""))
        assert ("\nRun " in shown) == (child.returncode == 0)
    for folder in (home / "logs" / "runs").glob("*"):
        assert load_run(folder).metrics["bars"] == 754
    assert {row["status"] for row in Ledger().rows()} <= {"aborted", "finished"}


def test_an_interrupt_that_python_drops_is_raised_again(monkeypatch):
    class Thing:
        pass

    def callback(_):
        raise KeyboardInterrupt

    def interrupted_within_a_callback():
        with interrupts_heard():
            thing = Thing()
            watched.append(weakref.ref(thing, callback))
            del thing
            time.sleep(5)

    watched = []
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    monkeypatch.setattr(sys, "unraisablehook", sys.__unraisablehook__)
    try:
        with pytest.raises(KeyboardInterrupt):
            interrupted_within_a_callback()
    finally:
        signal.signal(signal.SIGINT, before)
    assert watched[0]() is None
    assert sys.unraisablehook is sys.__unraisablehook__


def test_a_closed_stdout_shows_no_traceback(home):
    command = f"{sys.executable} {ROOT / 'backtests' / 'run_bt.py'} sma_cross --end 1999-12-31 --no-tearsheet | true"
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, timeout=60, check=False)
    assert done.stderr == ""
    assert len(list(home.glob("logs/runs/*"))) == 1


def test_json_is_one_strict_object_and_nothing_else(home):
    # One bar: most figures are undefined.
    done = run_bt("buy_and_hold", "--start", "2010-01-04", "--end", "2010-01-04", "--guard", "off", "--json")
    assert (done.returncode, done.stderr) == (0, "")

    def refuse(constant):
        raise AssertionError(constant)

    told = json.loads(done.stdout, parse_constant=refuse)
    assert list(told) == ["run_id", "folder", "tearsheet", "metrics", "guard", "stamps", "warnings"]
    folder = Path(told["folder"])
    assert folder == home / "logs" / "runs" / told["run_id"]
    assert Path(told["tearsheet"]).is_file()
    assert told["metrics"] == json.loads((folder / "metrics.json").read_text())
    assert told["metrics"]["sharpe"] is None
    assert told["guard"]["mode"] == "off"
    assert any("guard was off" in stamp for stamp in told["stamps"])


def test_out_is_where_the_folder_goes(home, tmp_path):
    done = run_bt("sma_cross", "--end", "1999-12-31", "--no-tearsheet", "--json", "--out", "a/b", cwd=tmp_path)
    told = json.loads(done.stdout)
    assert told["tearsheet"] is None
    assert Path(told["folder"]).parent == tmp_path / "a" / "b"
    assert load_run(told["folder"]).run_id == told["run_id"]
    assert not (home / "logs" / "runs").exists()


def test_out_that_cannot_be_written_is_refused_before_the_run(home, tmp_path, monkeypatch, capsys):
    def refused(*_, **__):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("tempfile.mkdtemp", refused)  # who runs the tests may be allowed everything
    with pytest.raises(SystemExit) as left:
        main.main(["backtest", "sma_cross", "--out", str(tmp_path / "a" / "b")])
    line = f"error: --out {tmp_path}/a/b: {tmp_path} cannot be written (Permission denied); give another folder\n"
    assert (left.value.code, capsys.readouterr().err) == (2, line)
    assert Ledger().rows() == []
    assert list(tmp_path.iterdir()) == []


def test_a_configuration_with_settings_and_options_over_it(home, tmp_path):
    (tmp_path / "mine.yaml").write_text(
        "signal: {name: sma_cross, fast: 5}\nengine: {cash: 1000}\nreport: {tearsheet: false}"
    )
    options = ["--config", "mine.yaml", "--set", "signal.slow=21", "--start", "2018-01-01", "--cash", "5000"]
    done = run_bt(*options, "--engine", "backtrader", "--benchmark", "none", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "sma_cross(fast=5, slow=21) on NASDAQ, 2018-01-02 to 2018-12-31" in done.stdout
    assert "Tear sheet" not in done.stdout
    run = load_run(next(home.glob("logs/runs/*")))
    assert (run.config["engine"]["cash"], run.config["report"]["benchmark"]) == (5000.0, "none")


def test_a_signals_own_exception_is_one_line_and_the_log_has_its_traceback(home, tmp_path):
    (tmp_path / "mine.py").write_text(
        "from dataclasses import dataclass\n"
        "from quantstrats import Signal, hookimpl\n"
        "@dataclass(frozen=True)\n"
        "class Mine(Signal):\n"
        "    name = 'mine'\n"
        "    def warmup(self):\n"
        "        return 1\n"
        "    def forecast(self, market):\n"
        "        raise RuntimeError('no idea')\n"
        "@hookimpl\n"
        "def register_signals(register):\n"
        "    register(Mine)\n"
    )
    done = run_bt("./mine.py", "--end", "1999-03-31", "--json", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (1, "")
    (log,) = home.glob("logs/failed/*.log")
    line = (
        f"error: signal 'mine' failed in forecast() at 1999-01-04: RuntimeError: no idea (mine.py line 9) (see {log})\n"
    )
    assert done.stderr == line
    assert "raise RuntimeError('no idea')" in json.loads(log.read_text().splitlines()[-1])["traceback"]


def test_what_should_never_happen_is_one_line_and_its_traceback_is_kept(home, monkeypatch, capsys):
    def fail(**_):
        raise RuntimeError("a fault\nof ours")

    monkeypatch.setattr(app, "app", fail)
    with pytest.raises(SystemExit) as left:
        main.main(["plugins"])
    assert left.value.code == 1
    kept = home / "logs" / "crash.log"
    line = f"error: this should not have happened: RuntimeError: a fault of ours (see {kept})\n"
    assert capsys.readouterr().err == line
    assert kept.read_text().startswith("Traceback")


def test_the_version_is_shown():
    done = subprocess.run(
        [sys.executable, "-m", "quantstrats", "--version"], capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stdout == "quantstrats 0.1.0\n"

"""The commands around stored runs and the ledger: runs, report, verify, ledger."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import subprocess
import sys
import types
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import pandas as pd
import pytest
import yaml

from quantstrats import Market, Plugins, Signal, backtest, load_run
from quantstrats.runs.ledger import Ledger


@pytest.fixture(scope="module")
def template(tmp_path_factory):
    """A home with two stored runs and a failed trial, made by real processes."""
    home = tmp_path_factory.mktemp("home")
    common = ["--start", "2010-01-01", "--end", "2010-12-31", "--no-tearsheet"]
    for arguments, code in (
        (["buy_and_hold", *common], 0),
        (["sma_cross", *common, "--set", "signal.fast=10", "--set", "signal.slow=20"], 0),
    ):
        done = subprocess.run(
            [sys.executable, "-m", "quantstrats", "backtest", *arguments],
            env=os.environ | {"QUANTSTRATS_HOME": str(home)}, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == code, done.stderr
    return home


@pytest.fixture
def two(template, home):
    """A copy of that home, and the ids of its runs: the first and the second."""
    shutil.copytree(template / "logs", home / "logs", dirs_exist_ok=True)
    return tuple(sorted((path.name for path in (home / "logs" / "runs").iterdir()), key=lambda name: name[:15]))


def entered(home):
    with sqlite3.connect(home / "logs" / "ledger.sqlite") as database:
        return database.execute("SELECT count(*) FROM runs").fetchone()[0]


# --- runs


def test_runs_lists_the_newest_first_within_80_columns(command, two):
    code, out, err = command("runs")
    lines = out.splitlines()
    assert (code, err) == (0, "")
    assert lines[0].split() == ["run", "return", "Sharpe", "guard"]
    assert lines[1].startswith(two[1])
    assert lines[1].endswith("  clean")
    assert lines[2] == "  sma_cross(fast=10, slow=20) on NASDAQ, 2010-01-04 to 2010-12-31"
    assert lines[3].startswith(two[0])
    assert lines[4] == "  buy_and_hold on NASDAQ, 2010-01-04 to 2010-12-31"
    assert max(map(len, lines)) <= 80
    figures = load_run(two[1]).metrics
    assert lines[1].split()[1:3] == [f"{figures['total_return']:.2%}", f"{figures['sharpe']:.2f}"]


def test_runs_as_json_has_the_same(command, two, home):
    _, out, _ = command("runs", "--json")
    listed = json.loads(out, parse_constant=pytest.fail)
    assert [run["run_id"] for run in listed] == [two[1], two[0]]
    assert listed[0]["signal"] == {"name": "sma_cross", "fast": 10, "slow": 20}
    assert listed[0]["symbols"] == ["NASDAQ"]
    assert (listed[0]["start"], listed[0]["end"], listed[0]["trial"]) == ("2010-01-04", "2010-12-31", 2)
    assert listed[0]["guard"]["result"] == "clean"
    assert listed[0]["folder"] == str(home / "logs" / "runs" / two[1])
    assert listed[0]["trouble"] is None


def test_runs_says_when_there_are_none(command, home):
    assert command("runs") == (0, f"no stored runs in {home / 'logs' / 'runs'}\n", "")
    assert command("runs", "--json")[1] == "[]\n"


def test_runs_shows_as_many_as_asked(command, two):
    run = load_run(two[0])
    for number in range(25):
        replace(run, run_id=f"copy-{number:02}").save()
    assert command("runs")[1].splitlines()[-1] == "and 7 older runs (--limit 0 lists all)"
    assert command("runs", "--limit", "26")[1].splitlines()[-1] == "and 1 older run (--limit 0 lists all)"
    assert len(command("runs", "--limit", "0")[1].splitlines()) == 1 + 2 * 27
    assert len(json.loads(command("runs", "--json")[1])) == 27
    assert len(json.loads(command("runs", "--json", "--limit", "3")[1])) == 3


def test_a_run_from_before_the_guard_and_a_damaged_one_are_listed(command, two, home):
    runs = home / "logs" / "runs"
    manifest = json.loads((runs / two[0] / "manifest.json").read_text())
    del manifest["guard"]
    (runs / two[0] / "manifest.json").write_text(json.dumps(manifest))
    (runs / two[1] / "config.yaml").unlink()
    code, out, _ = command("runs")
    lines = out.splitlines()
    assert code == 0
    assert lines[2] == "  ! not complete: it has no config.yaml"
    assert lines[3].endswith("  -")


def test_long_names_and_many_symbols_keep_the_list_narrow(command, two, home):
    config = home / "logs" / "runs" / two[1] / "config.yaml"
    content = yaml.safe_load(config.read_text())
    content["signal"] = {"name": "a_composition_of_signals", "primary": {"name": "x" * 30, "lookback": 5}, "c": [1, 2]}
    content["data"]["symbols"] = [f"SYMBOL{number}" for number in range(50)]
    config.write_text(yaml.safe_dump(content))
    lines = command("runs")[1].splitlines()
    assert "... on 50 symbols, 2010-01-04 to 2010-12-31" in lines[2]
    assert max(map(len, lines)) <= 80


# --- runs rm


def test_rm_removes_by_the_beginning_of_an_id_and_keeps_the_trial(command, two, home):
    second = len("20200102T030405")
    code, out, err = command("runs", "rm", two[0][: second + 2])  # the second and the signal's first letter
    assert (code, out, err) == (0, f"removed {two[0]}\n", "")
    assert [path.name for path in (home / "logs" / "runs").iterdir()] == [two[1]]
    assert entered(home) == 2


def test_rm_removes_nothing_where_one_id_is_unknown_or_ambiguous(command, two, home):
    wrong = two[1][:-1] + "x"
    code, out, err = command("runs", "rm", two[0], wrong)
    assert (code, out) == (2, "")
    assert f"error: no run called '{wrong}'; did you mean '{two[1]}'? (looked in " in err
    assert err.endswith("; nothing was removed\n")
    code, out, err = command("runs", "rm", two[0], "20")
    assert (code, out) == (2, "")
    assert err.startswith("error: 2 runs begin with '20': ")
    assert len(list((home / "logs" / "runs").iterdir())) == 2


def test_rm_takes_an_id_once_and_never_a_path(command, two, tmp_path):
    (tmp_path / "precious").mkdir()
    assert command("runs", "rm", tmp_path / "precious")[0] == 2
    assert (tmp_path / "precious").exists()
    assert command("runs", "rm", two[0], two[0])[1] == f"removed {two[0]}\n"


@pytest.mark.parametrize("lacking", ["manifest.json", "config.yaml"])
def test_rm_takes_no_folder_that_holds_no_run(command, two, home, tmp_path, lacking):
    tree = tmp_path / "project" / "src"
    tree.mkdir(parents=True)
    (tree / "code.py").write_text("pass\n")
    code, out, err = command("runs", "--folder", tree.parent, "rm", "src")
    assert (code, out) == (2, "")
    told = f"error: {tree} holds no run, or not all of one: it has no manifest.json and no config.yaml"
    assert err == f"{told}; nothing was removed\n"
    assert command("runs", "--folder", tree.parent, "prune", "--keep", "0")[1].startswith("removed 0 runs")
    assert (tree / "code.py").exists()
    (home / "logs" / "runs" / two[0] / lacking).unlink()
    assert f"it has no {lacking}; nothing was removed" in command("runs", "rm", two[1], two[0])[2]
    assert command("runs", "prune", "--keep", "0")[1].splitlines()[0] == f"removed {two[1]}"
    assert [path.name for path in (home / "logs" / "runs").iterdir()] == [two[0]]


def test_rm_in_another_folder_wants_the_whole_id(command, two, tmp_path):
    load_run(two[0]).save(folder=tmp_path / "out")
    code, out, err = command("runs", "--folder", tmp_path / "out", "rm", two[0][:-1])
    assert (code, out) == (2, "")
    assert err.startswith(f"error: no run called '{two[0][:-1]}'; did you mean '{two[0]}'? (looked in ")
    assert (tmp_path / "out" / two[0]).exists()


# --- runs prune


def test_prune_without_options_removes_only_what_killed_processes_left(command, two, home):
    runs = home / "logs" / "runs"
    for name in (f".{two[0]}.writing", ".x.0a1b2c3d.writing", ".y.0a1b2c3d.removing"):
        (runs / name).mkdir()
    code, out, _ = command("runs", "prune", "--dry-run")
    assert code == 0
    assert out.splitlines()[-1] == f"would remove 0 runs and 3 leftovers in {runs}"
    assert len(list(runs.iterdir())) == 5
    code, out, _ = command("runs", "prune")
    assert out.splitlines()[-1] == f"removed 0 runs and 3 leftovers in {runs}"
    assert sorted(path.name for path in runs.iterdir()) == sorted(two)


def test_prune_keeps_the_newest(command, two, home):
    assert command("runs", "prune", "--keep", "1", "--dry-run")[1].startswith(f"would remove {two[0]}\n")
    assert len(list((home / "logs" / "runs").iterdir())) == 2
    assert command("runs", "prune", "--keep", "1")[1].startswith(f"removed {two[0]}\n")
    assert [path.name for path in (home / "logs" / "runs").iterdir()] == [two[1]]
    assert entered(home) == 2


def test_prune_removes_by_age(command, two, home):
    manifest = home / "logs" / "runs" / two[1] / "manifest.json"
    content = json.loads(manifest.read_text())
    content["started_at"] = (datetime.now(UTC) - timedelta(days=40)).isoformat()
    manifest.write_text(json.dumps(content))
    assert "removed 0 runs" in command("runs", "prune", "--older-than", "50")[1]
    assert command("runs", "prune", "--older-than", "30")[1].startswith(f"removed {two[1]}\n")


def test_prune_removes_fits_that_nobody_used_for_long_and_what_killed_writers_left(command, two, home, tmp_path):
    shelf = home / "logs" / "fits" / "ab"
    shelf.mkdir(parents=True)
    for name, days in (("abc.zip", 31), ("abd.zip", 29), (".abe.zip.0a1b2c3d.writing", 0)):
        (shelf / name).write_text("")
        then = (datetime.now(UTC) - timedelta(days=days)).timestamp()
        os.utime(shelf / name, (then, then))
    everything = sorted(shelf.iterdir())
    (tmp_path / "out").mkdir()
    command("runs", "--folder", tmp_path / "out", "prune", "--older-than", "30")
    out = command("runs", "prune", "--older-than", "30", "--dry-run")[1]
    assert out.splitlines()[-1] == f"would remove 1 fit and 1 leftover in {home / 'logs' / 'fits'}"
    assert sorted(shelf.iterdir()) == everything
    out = command("runs", "prune")[1]
    assert out.splitlines()[-1] == f"removed 0 fits and 1 leftover in {home / 'logs' / 'fits'}"
    assert sorted(path.name for path in shelf.iterdir()) == ["abc.zip", "abd.zip"]
    command("runs", "prune", "--older-than", "30")
    assert [path.name for path in shelf.iterdir()] == ["abd.zip"]


@pytest.mark.parametrize("option", ["--keep", "--older-than"])
def test_prune_refuses_a_negative_number(command, two, option):
    assert command("runs", "prune", option, "-1")[0] == 2


def test_another_folder_of_runs_is_listed_and_pruned(command, two, tmp_path):
    load_run(two[0]).save(folder=tmp_path / "out")
    assert two[0] in command("runs", "--folder", tmp_path / "out")[1]
    assert command("runs", "--folder", tmp_path / "out", "rm", two[0])[1] == f"removed {two[0]}\n"
    assert "0 leftovers in" in command("runs", "--folder", tmp_path / "nowhere", "prune")[1]


FILE_PLUGIN = """
from dataclasses import dataclass
from quantstrats import Signal, hookimpl

@dataclass(frozen=True)
class Reversal(Signal):
    name = "reversal"
    lookback: int = 5

    def warmup(self):
        return self.lookback + 1

    def forecast(self, market):
        return -market.close.pct_change(self.lookback, fill_method=None)

@hookimpl
def register_signals(register):
    register(Reversal)
"""


def test_a_run_of_a_file_is_listed_by_its_plain_name_and_verified(command, home, tmp_path, monkeypatch):
    file = tmp_path / "my_signal.py"
    file.write_text(FILE_PLUGIN)
    monkeypatch.chdir(tmp_path)
    assert command("backtest", "./my_signal.py", "--no-tearsheet", "--end", "1999-12-31")[0] == 0
    assert "  reversal(lookback=5) on NASDAQ, 1999-01-04 to 1999-12-31" in command("runs")[1].splitlines()
    assert " finished  reversal " in command("ledger", "--signal", "reversal")[1]
    run_id = next((home / "logs" / "runs").iterdir()).name
    monkeypatch.chdir("/")
    assert command("verify", run_id)[0] == 0
    file.write_text(FILE_PLUGIN.replace("return -", "return "))
    code, out, _ = command("verify", run_id)
    lines = without_own_code(out)
    assert (code, lines[0]) == (1, "note: plugin reversal: same version, other code")
    # The first decision is that of the sixth session, when the warm-up of six bars is full.
    assert lines[1].startswith(f"{run_id} differs in targets, 1999-01-11, NASDAQ: was ")
    file.unlink()
    code, _, err = command("verify", run_id)
    assert (code, err.count("\n")) == (2, 1)
    assert err.startswith(f"error: run {run_id} cannot be verified: ")


UNSEEDED = """
from dataclasses import dataclass

import numpy as np

from quantstrats import Learner, Signal, hookimpl


@dataclass(frozen=True)
class Above(Signal):
    name = "above"
    level: float

    def warmup(self):
        return 1

    def forecast(self, market):
        return market.close * 0.0 + self.level


@dataclass(frozen=True)
class Unseeded(Learner):
    name = "unseeded"

    def warmup(self):
        return 1

    def fit(self, market):
        return Above(float(np.random.default_rng().normal()))


@hookimpl
def register_signals(register):
    register(Unseeded)
"""


def test_verify_fits_anew_so_that_a_learner_without_a_seed_is_found_out(home, tmp_path):
    (tmp_path / "unseeded.py").write_text(UNSEEDED)

    def run(*arguments):
        return subprocess.run(
            [sys.executable, "-m", "quantstrats", *arguments],
            cwd=tmp_path, env=os.environ | {"QUANTSTRATS_HOME": str(home)}, capture_output=True, text=True, check=False,
        )  # fmt: skip

    # A year of weekly coins: that both runs throw the same has a chance of 2 to the power of -50.
    common = ["--start", "2010-01-01", "--end", "2010-12-31", "--guard", "off", "--no-tearsheet"]
    fields = ["--set", "signal.refit=week", "--set", "signal.train=3"]
    done = run("backtest", "./unseeded.py", *common, *fields)
    assert done.returncode == 0, done.stderr
    kept = sorted((home / "logs" / "fits").rglob("*.zip"))
    assert len(kept) > 50
    (folder,) = (home / "logs" / "runs").iterdir()
    done = run("verify", folder.name)
    assert (done.returncode, done.stderr) == (1, "")
    assert done.stdout.startswith(f"{folder.name} differs in targets, ")
    assert sorted((home / "logs" / "fits").rglob("*.zip")) == kept


# --- report


def test_report_makes_the_tear_sheet_of_a_stored_run(command, two, home, tmp_path):
    folder = home / "logs" / "runs" / two[1]
    code, out, _ = command("report", two[1])
    assert (code, out) == (0, f"Tear sheet  {folder / 'tearsheet.html'}\n")
    assert "sma_cross" in (folder / "tearsheet.html").read_text()
    code, _, _ = command("report", folder, "--out", tmp_path / "page.html")
    assert code == 0
    assert (tmp_path / "page.html").read_text().lstrip().lower().startswith("<!doctype html>")
    assert [path.name for path in tmp_path.iterdir()] == ["page.html"]


def test_report_tells_what_is_wrong_in_one_line(command, two, tmp_path):
    assert command("report", "nothing") == (2, "", command("report", "nothing")[2])
    assert command("report", "nothing")[2].startswith("error: no run called 'nothing'")
    code, _, err = command("report", two[0], "--out", tmp_path / "no" / "page.html")
    assert (code, err.count("\n")) == (1, 1)
    assert err.startswith(f"error: the tear sheet cannot be written to {tmp_path / 'no' / 'page.html'}: No such file")
    code, _, err = command("report", two[0], "--out", tmp_path)
    assert (code, "it is not a plain file" in err) == (1, True)


# --- verify


def without_own_code(out):
    """Leave out the note that comes when someone works on quantstrats while its tests run."""
    return [line for line in out.splitlines() if line != "note: quantstrats: same version, other code"]


def test_verify_says_identical_and_is_no_trial(command, two, home):
    code, out, _ = command("verify", two[1])
    assert (code, without_own_code(out)) == (0, [f"{two[1]}: identical"])
    assert entered(home) == 3
    assert [row["run_id"] for row in Ledger().rows()] == [two[0], two[1]]
    assert Ledger().rows(verifications=True)[2]["verifies"] == two[1]
    assert len(list((home / "logs" / "runs").iterdir())) == 2


def test_verify_names_the_first_difference_with_both_values(command, two, home):
    file = home / "logs" / "runs" / two[1] / "orders.parquet"
    orders = pd.read_parquet(file)
    was = orders["size"].iloc[1]
    orders.loc[orders.index[1], "size"] = 7.0
    orders.to_parquet(file)
    code, out, _ = command("verify", two[1])
    day = orders["decided"].iloc[1].date()
    assert code == 1
    assert without_own_code(out) == [
        "note: stored orders: changed after the run, its hash is not that of the manifest",
        f"{two[1]} differs in orders, order 2 of {day}, size: was 7.0, is {was}",
    ]
    code, out, _ = command("verify", two[1], "--json")
    told = json.loads(out)
    assert code == 1
    assert (told["identical"], told["difference"]["part"], told["difference"]["old"]) == (False, "orders", "7.0")
    assert told["notes"][0].startswith("stored orders: changed after the run")


def test_verify_tells_other_code_as_a_note_and_other_data_as_a_difference(command, two, home):
    file = home / "logs" / "runs" / two[1] / "manifest.json"
    manifest = json.loads(file.read_text())
    manifest["plugin"]["code_hash"] = "0"
    file.write_text(json.dumps(manifest))
    code, out, _ = command("verify", two[1])
    assert code == 0
    assert without_own_code(out) == ["note: plugin sma_cross: same version, other code", f"{two[1]}: identical"]
    manifest["data"]["hash"] = manifest["data"]["parts"]["close"] = "f" * 64
    file.write_text(json.dumps(manifest))
    code, out, _ = command("verify", two[1])
    assert code == 1
    assert f"{two[1]} differs in data, hash of close: was ffffffffffff, is " in out


def test_a_run_of_the_first_version_can_be_verified(command, two, home):
    # It has neither the newer blocks nor the newer parts of the manifest.
    folder = home / "logs" / "runs" / two[1]
    config = yaml.safe_load((folder / "config.yaml").read_text())
    for block in ("universe", "risk"):
        config.pop(block)
    config["engine"].pop("guard")
    (folder / "config.yaml").write_text(yaml.safe_dump(config))
    manifest = json.loads((folder / "manifest.json").read_text())
    for newer in ("guard", "fits"):
        manifest.pop(newer)
    manifest["data"].pop("parts")
    (folder / "manifest.json").write_text(json.dumps(manifest))
    code, out, _ = command("verify", two[1])
    assert (code, out.splitlines()[-1]) == (0, f"{two[1]}: identical")


@dataclass(frozen=True)
class FromANotebook(Signal):
    """A signal that no plugin offers."""

    name = "from_a_notebook"

    def warmup(self):
        return 1

    def forecast(self, market):
        return market.close * 0.0 + 1.0


def test_a_signal_that_no_plugin_offers_is_one_clear_line(command, nasdaq):
    run = backtest(FromANotebook(), nasdaq.between("2010-01-01", "2010-03-31"), plugins=Plugins.installed())
    run.save()
    code, out, err = command("verify", run.run_id)
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert err.startswith(f"error: run {run.run_id} cannot be verified: no signal called 'from_a_notebook'")
    assert f"'from_a_notebook' came from {__name__!r}, not from an installed plugin" in err


def test_bars_that_came_from_memory_are_one_clear_line(command, nasdaq):
    frames = {field: getattr(nasdaq, field).iloc[:50] for field in ("open", "high", "low", "close", "volume")}
    run = backtest("sma_cross", Market.from_frames(**frames))
    run.save()
    code, _, err = command("verify", run.run_id)
    assert (code, err.count("\n")) == (2, 1)
    assert f"run {run.run_id} cannot be verified: its bars came from frames in memory" in err


# --- ledger


def test_the_ledger_lists_trials_newest_first_with_a_summary(command, two, home, nasdaq):
    @dataclass(frozen=True)
    class Fails(FromANotebook):
        name = "fails"

        def forecast(self, market):
            raise RuntimeError("long " * 40)

    with pytest.raises(Exception, match="long long"):
        backtest(Fails(), nasdaq)
    command("verify", two[0])
    code, out, err = command("ledger")
    lines = out.splitlines()
    assert (code, err) == (0, "")
    assert lines[0].split() == ["trial", "started", "(UTC)", "took", "status", "signal", "return", "Sharpe"]
    assert lines[1].split()[0] == "4"
    assert lines[2].strip() == f"verifies {two[0]}, no trial of its own"
    assert lines[3].split()[0] == "3"
    assert " failed  " in lines[3]
    assert lines[4].startswith("        SignalError: signal 'fails' failed in forecast() ")
    assert lines[5].split()[0] == "2"
    assert " finished " in lines[5]
    assert lines[-2] == "3 trials: 2 finished, 1 failed; 1 verification, not counted"
    assert lines[-1] == f"in {home / 'logs/ledger.sqlite'}"
    assert max(map(len, lines[:-1])) <= 80


def test_the_ledger_can_be_asked_for_one_signal_and_few_trials(command, two):
    assert len(command("ledger", "--limit", "1")[1].splitlines()) == 5
    out = command("ledger", "--signal", "buy_and_hold")[1]
    assert "\n1 trial: 1 finished\n" in out
    assert "sma_cross" not in out
    code, _, err = command("ledger", "--signal", "buy_and_hodl")
    assert (code, err) == (
        2,
        "error: the ledger has no trial of a signal 'buy_and_hodl'; did you mean 'buy_and_hold'?\n",
    )


def test_the_ledger_as_json_has_data_and_no_text_of_data(command, two):
    listed = json.loads(command("ledger", "--json")[1], parse_constant=pytest.fail)
    assert [row["trial"] for row in listed] == [2, 1]
    assert listed[0]["config"]["signal"] == {"name": "sma_cross", "fast": 10, "slow": 20}
    assert listed[0]["metrics"]["bars"] == 252
    assert (listed[0]["status"], listed[0]["verifies"], listed[0]["run_id"]) == ("finished", None, two[1])


def test_an_empty_ledger_says_so(command, home):
    assert command("ledger") == (0, f"no trials\nin {home / 'logs' / 'ledger.sqlite'}\n", "")
    assert command("ledger", "--json")[1] == "[]\n"


def test_a_damaged_ledger_is_one_line_and_exit_code_1(command, two, home):
    (home / "logs" / "ledger.sqlite").write_bytes(b"x" * 5000)
    code, out, err = command("ledger")
    assert (code, out, err.count("\n")) == (1, "", 1)
    assert "file is not a database; nothing was written to it" in err


def test_the_commands_for_stored_runs_load_nothing_heavy_before_they_need_it():
    program = (
        "import sys; from quantstrats.cli.main import main\n"
        "try: main(sys.argv[1:])\n"
        "except SystemExit: pass\n"
        "sys.exit(' '.join({'pandas', 'numpy', 'pyarrow', 'backtrader'} & set(sys.modules)))\n"
    )
    for arguments in (["runs", "--help"], ["runs", "--json"], ["ledger"], ["runs", "prune"], ["verify", "--help"]):
        done = subprocess.run([sys.executable, "-c", program, *arguments], capture_output=True, text=True, check=False)
        assert done.stderr == "\n", arguments


def test_verify_finds_the_plugin_that_the_run_had_where_two_bear_its_name_by_now(command, two, monkeypatch):
    taken = Plugins.installed()
    other = types.ModuleType("taken")
    exec(TAKEN, other.__dict__)
    taken.register(other, provider="quantstrats-taken")
    monkeypatch.setattr("quantstrats.cli.strangers.installed_plugins", lambda: taken)
    code, out, _ = command("verify", two[1])
    assert (code, out.splitlines()[-1]) == (0, f"{two[1]}: identical")


TAKEN = """
from dataclasses import dataclass
from quantstrats import Signal, hookimpl

@dataclass(frozen=True)
class Taken(Signal):
    name = "sma_cross"

    def warmup(self):
        return 1

    def forecast(self, market):
        return market.close

@hookimpl
def register_signals(register):
    register(Taken)
"""

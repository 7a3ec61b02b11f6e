"""A search within a learner's fit is counted with the run that made the fit, once; the docs' example is run."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from quantstrats import load_run
from quantstrats.runs.ledger import Ledger

GUIDE = (Path(__file__).parents[2] / "docs" / "hyperparameters.md").read_text()


def blocks(title="Hyperparameters"):
    section = GUIDE.partition(f"\n## {title}\n")[2].partition("\n## ")[0]
    return re.findall(r"```python\n(.*?)```", section, flags=re.DOTALL)


def command(*arguments):
    """Run a command in a process of its own: fits of a file that is newer than the process are not kept."""
    done = subprocess.run(
        [sys.executable, "-m", "quantstrats", *map(str, arguments)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture
def backtested(tmp_path):
    """Backtest the learner of the guide on real bars of 2010 to 2013, with settings."""
    file = tmp_path / "searched.py"
    file.write_text(blocks()[0])

    def run(*settings):
        span = ("--start", "2010-01-01", "--end", "2013-12-31", "--set", "signal.train=300")
        command("backtest", file, *span, "--no-tearsheet", *settings)
        return load_run(Ledger().rows()[-1]["run_id"])

    return run


def test_each_fit_of_a_run_searches_and_the_guard_and_a_verification_add_no_trial(backtested):
    run = backtested("--set", "signal.trials=3")
    assert run.manifest["fits"]["made"] == 2  # 2012 and 2013: 300 rows and a warm-up lie before
    assert run.manifest["guard"]["refits"] >= 1  # the guard fitted one of them a second time
    searched = Ledger().searched()
    assert len(searched) == 2 * 3
    assert {(row["trial"], row["searched"], row["status"]) for row in searched} == {(1, "xgboost", "finished")}
    assert len({row["data_hash"] for row in searched}) == 2
    assert Ledger().count() == 7
    assert command("verify", run.run_id) == f"{run.run_id}: identical\n"
    assert Ledger().count() == 7
    listed = command("ledger")
    assert "6 trials searched within it" in listed
    assert "6 more trials searched, 6 within runs: 7 trials in all" in listed


def test_a_fit_from_the_cache_searches_nothing_and_other_settings_search_anew(backtested):
    backtested("--set", "signal.trials=2")
    again = backtested("--set", "signal.trials=2")
    assert (again.manifest["fits"]["made"], again.manifest["fits"]["recalled"]) == (0, 2)
    assert again.manifest["guard"]["refits"] >= 1  # which is no new trial either
    assert [row["trial"] for row in Ledger().searched()] == [1] * 4
    backtested("--set", "signal.trials=1", "--guard", "off")
    assert [row["trial"] for row in Ledger().searched()] == [1] * 4 + [3] * 2
    assert Ledger().count() == 3 + 6


def test_the_other_examples_of_the_guide_run():
    for block in [*blocks("Networks"), *blocks()[1:]]:
        exec(compile(block, "docs/hyperparameters.md", "exec"), found := {})
        if "right" in found:
            assert found["right"] > 0.9

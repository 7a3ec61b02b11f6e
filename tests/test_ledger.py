"""The ledger counts every trial, whatever becomes of it."""

from __future__ import annotations

import sqlite3
import subprocess
import sys

import pytest

from quantstrats.errors import RunError
from quantstrats.ledger import Ledger

CONFIG = {"signal": {"name": "x", "lookback": 5}}


@pytest.fixture
def ledger(tmp_path):
    return Ledger(tmp_path / "logs" / "ledger.sqlite")


def test_trials_are_numbered_from_one(ledger):
    for number in (1, 2, 3):
        with ledger.trial(f"run-{number}", CONFIG, "hash") as trial:
            assert trial == number


def test_a_trial_runs_until_it_is_finished(ledger):
    with ledger.trial("run", CONFIG, "data") as trial:
        assert ledger.rows()[0]["status"] == "running"
        ledger.finish(trial, "content", {"sharpe": None})
    row = ledger.rows()[0]
    assert (row["status"], row["content_hash"], row["metrics"]) == ("finished", "content", '{"sharpe": null}')
    assert row["started_at"] <= row["finished_at"]


@pytest.mark.parametrize(("error", "status"), [(ValueError("no"), "failed"), (KeyboardInterrupt(), "aborted")])
def test_an_exception_passes_through_and_is_entered(ledger, error, status):
    with pytest.raises(type(error)), ledger.trial("run", CONFIG, "data"):
        raise error
    assert ledger.rows()[0]["status"] == status
    assert type(error).__name__ in ledger.rows()[0]["error"]


def test_a_number_is_never_used_again(ledger):
    with ledger.trial("run-1", CONFIG, "data"):
        pass
    with sqlite3.connect(ledger.path) as database:
        database.execute("DELETE FROM runs")
    with ledger.trial("run-2", CONFIG, "data") as trial:
        assert trial == 2


def test_no_ledger_means_no_trials(ledger):
    assert ledger.rows() == []
    assert not ledger.path.exists()


def test_a_ledger_that_cannot_be_written_is_told_in_one_line(tmp_path):
    (tmp_path / "logs").write_text("in the way")
    with (
        pytest.raises(RunError, match=r"cannot be used: .*; set QUANTSTRATS_HOME to a folder that can be written"),
        Ledger(tmp_path / "logs" / "ledger.sqlite").trial("run", CONFIG, "data"),
    ):
        pass


def test_a_file_that_is_no_database_is_told_in_one_line(ledger):
    ledger.path.parent.mkdir()
    ledger.path.write_text("not a database, but long enough to be taken for one" * 20)
    with pytest.raises(RunError, match="cannot be used"):
        ledger.rows()


def test_processes_at_once_each_get_a_number_of_their_own(ledger):
    program = (
        "import sys; from pathlib import Path; from quantstrats.ledger import Ledger\n"
        "ledger = Ledger(Path(sys.argv[1]))\n"
        "for number in range(20):\n"
        "    with ledger.trial(f'{sys.argv[2]}-{number}', {'signal': {'name': 'x'}}, 'data') as trial:\n"
        "        ledger.finish(trial, 'content', {})\n"
    )
    writers = [subprocess.Popen([sys.executable, "-c", program, ledger.path, str(name)]) for name in range(3)]
    assert [writer.wait(timeout=60) for writer in writers] == [0, 0, 0]
    rows = ledger.rows()
    assert [row["trial"] for row in rows] == list(range(1, 61))
    assert {row["status"] for row in rows} == {"finished"}

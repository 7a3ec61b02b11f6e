"""What was searched within a run, or outside all runs, is in the ledger: each setting once, whatever became of it."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import time

import pytest

from quantstrats.errors import RunError
from quantstrats.runs.ledger import Ledger, ledger_in_use, recomputing, verifying

CONFIG = {"signal": {"name": "x"}}


@pytest.fixture
def ledger(tmp_path):
    return Ledger(tmp_path / "logs" / "ledger.sqlite")


def tried(ledger, key, trial=None, score=0.5):
    with ledger.trying("forest", {"depth": 3}, data_hash="data", key=key, trial=trial) as number:
        ledger.scored(number, score)


def test_a_trial_of_a_search_is_entered_when_it_begins_and_again_when_it_is_scored(ledger):
    with ledger.trying("forest", {"depth": 3, "rate": 0.1}, data_hash="data", key="k") as number:
        (row,) = ledger.searched()
        assert (row["status"], row["score"], row["finished_at"]) == ("running", None, None)
        ledger.scored(number, 0.25)
    (row,) = ledger.searched()
    assert (row["number"], row["trial"], row["searched"], row["key"]) == (1, None, "forest", "k")
    assert (row["data_hash"], row["parameters"]) == ("data", '{"depth": 3, "rate": 0.1}')
    assert (row["status"], row["score"], row["error"]) == ("finished", 0.25, None)
    assert row["started_at"] <= row["finished_at"]


@pytest.mark.parametrize(("error", "status"), [(ValueError("no"), "failed"), (KeyboardInterrupt(), "aborted")])
def test_a_trial_that_an_exception_ends_is_entered_with_it(ledger, error, status):
    with pytest.raises(type(error)), ledger.trying("forest", {}, data_hash="data", key="k"):
        raise error
    (row,) = ledger.searched()
    assert (row["status"], row["score"]) == (status, None)
    assert row["error"].startswith(type(error).__name__)


@pytest.mark.parametrize("score", [float("nan"), float("inf"), -float("inf")])
def test_a_score_that_is_no_number_is_missing(ledger, score):
    tried(ledger, "k", score=score)
    assert [(row["status"], row["score"]) for row in ledger.searched()] == [("finished", None)]


def test_a_search_within_a_run_finds_its_ledger_and_number_and_one_outside_finds_none(ledger, home):
    assert ledger_in_use()[1] is None
    assert ledger_in_use()[0].path == home / "logs" / "ledger.sqlite"
    with ledger.trial("first", CONFIG, "data"):
        assert ledger_in_use() == (ledger, 1)
        other = Ledger(ledger.path.with_name("other.sqlite"))
        with other.trial("within", CONFIG, "data"):
            assert ledger_in_use() == (other, 1)
        assert ledger_in_use() == (ledger, 1)
    with pytest.raises(ZeroDivisionError), ledger.trial("second", CONFIG, "data"):
        0 / (ledger_in_use()[1] - 2)
    assert ledger_in_use()[1] is None


def test_the_same_key_is_a_trial_once_in_each_run_and_once_outside(ledger):
    for trial in (None, None, 1, 1, 2, None):
        tried(ledger, "same", trial)
    tried(ledger, "another", 1)
    assert [(row["trial"], row["key"]) for row in ledger.searched()] == [
        (None, "same"), (1, "same"), (2, "same"), (1, "another"),
    ]  # fmt: skip


def test_a_trial_that_was_interrupted_is_finished_when_it_is_made_again(ledger):
    with pytest.raises(KeyboardInterrupt), ledger.trying("forest", {}, data_hash="data", key="k"):
        raise KeyboardInterrupt
    tried(ledger, "k", score=0.75)
    assert [(row["status"], row["score"], row["error"]) for row in ledger.searched()] == [("finished", 0.75, None)]


def test_a_trial_that_was_scored_keeps_its_score_when_it_is_interrupted_the_second_time(ledger):
    tried(ledger, "k", score=0.75)
    with pytest.raises(KeyboardInterrupt), ledger.trying("forest", {}, data_hash="data", key="k"):
        raise KeyboardInterrupt
    assert [(row["status"], row["score"]) for row in ledger.searched()] == [("finished", 0.75)]


def test_a_row_that_lacks_something_is_an_error_and_no_repetition(ledger):
    with pytest.raises(RunError, match="NOT NULL"), ledger.trying(None, {}, data_hash="data", key="k"):
        pass


def test_a_verification_tries_nothing_new(ledger):
    with verifying("run"), ledger.trial("again", CONFIG, "data") as trial:
        tried(ledger, "k", trial)
        with pytest.raises(ValueError, match="no"), ledger.trying("x", {}, data_hash="d", key="l", trial=trial):
            raise ValueError("no")
    assert ledger.searched() == []
    assert ledger.count() == 0


def test_what_is_computed_again_to_be_checked_tries_nothing_new(ledger):
    with ledger.trial("run", CONFIG, "data") as trial:
        tried(ledger, "k", trial)
        with recomputing():
            tried(ledger, "k", trial)
            tried(ledger, "another", trial)
        tried(ledger, "l", trial)
    assert [row["key"] for row in ledger.searched()] == ["k", "l"]


def test_the_number_of_trials_is_that_of_runs_and_of_all_that_was_searched(ledger):
    assert ledger.count() == 0
    with ledger.trial("run", CONFIG, "data") as trial:
        for key in "abc":
            tried(ledger, key, trial)
    tried(ledger, "a")
    with verifying("run"), ledger.trial("again", CONFIG, "data"):
        pass
    assert ledger.count() == 1 + 3 + 1


def test_no_ledger_has_no_searches_and_is_not_made(ledger):
    assert (ledger.searched(), ledger.count()) == ([], 0)
    assert not ledger.path.exists()


VERSION_1 = """
CREATE TABLE runs (
    trial INTEGER PRIMARY KEY AUTOINCREMENT,
    run_id TEXT NOT NULL UNIQUE,
    started_at TEXT NOT NULL,
    finished_at TEXT,
    status TEXT NOT NULL CHECK (status IN ('running', 'finished', 'failed', 'aborted', 'killed')),
    signal TEXT NOT NULL,
    config TEXT NOT NULL,
    config_hash TEXT NOT NULL,
    data_hash TEXT NOT NULL,
    content_hash TEXT,
    metrics TEXT,
    error TEXT,
    verifies TEXT,
    host TEXT,
    pid INTEGER,
    process_start TEXT
)
"""


@pytest.fixture
def version_1(ledger):
    """A ledger as quantstrats left it before searches were entered: three runs, the last a verification."""
    ledger.path.parent.mkdir(parents=True)
    with sqlite3.connect(ledger.path) as database:
        database.execute(VERSION_1)
        for number, verifies in enumerate((None, None, "run-1"), start=1):
            row = (f"run-{number}", f"2020-01-0{number}", "finished", "x", "{}", "c", "d", verifies)
            columns = "run_id, started_at, status, signal, config, config_hash, data_hash, verifies"
            database.execute(f"INSERT INTO runs ({columns}) VALUES (?, ?, ?, ?, ?, ?, ?, ?)", row)
        database.execute("DELETE FROM runs WHERE trial = 2")
        database.execute("PRAGMA user_version = 1")
    database.close()
    return ledger


def test_a_ledger_without_searches_is_read_as_it_is(version_1):
    before = version_1.path.read_bytes()
    assert (len(version_1.rows(verifications=True)), version_1.searched(), version_1.count()) == (2, [], 1)
    assert version_1.path.read_bytes() == before


@pytest.mark.parametrize("first", ["run", "search"])
def test_a_ledger_without_searches_is_brought_up_to_date_by_what_is_entered_next(version_1, first):
    before = version_1.rows(verifications=True)
    if first == "run":
        with version_1.trial("next", CONFIG, "data") as trial:
            assert trial == 4
    tried(version_1, "k")
    assert version_1.rows(verifications=True)[:2] == before
    assert [row["key"] for row in version_1.searched()] == ["k"]
    with sqlite3.connect(version_1.path) as database:
        assert database.execute("PRAGMA user_version").fetchone() == (2,)


TRY = (
    "import signal, sys, time; from pathlib import Path; from quantstrats.runs.ledger import Ledger\n"
    "signal.signal(signal.SIGINT, signal.default_int_handler)\n"
    "with Ledger(Path(sys.argv[1])).trying('forest', {}, data_hash='data', key='k') as number:\n"
    "    print(number, flush=True); time.sleep(600)\n"
)


@pytest.fixture
def trying(ledger):
    """A process in the midst of a trial."""
    child = subprocess.Popen(
        [sys.executable, "-c", TRY, ledger.path], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    )
    with child.stdout as said:
        assert said.readline() == b"1\n"
    yield child
    child.kill()
    child.wait()


def test_a_trial_whose_process_was_killed_is_told_as_killed_and_counted(ledger, trying):
    assert ledger.searched()[0]["status"] == "running"
    trying.kill()
    os.waitid(os.P_PID, trying.pid, os.WEXITED | os.WNOWAIT)
    assert ledger.searched()[0]["status"] == "killed"
    assert "the process ended without a word" in ledger.searched()[0]["error"]
    assert ledger.count() == 1
    with ledger.trial("next", CONFIG, "data"), sqlite3.connect(ledger.path) as database:
        assert database.execute("SELECT status FROM trials").fetchone() == ("killed",)


def test_a_trial_that_is_interrupted_in_another_process_is_aborted(ledger, trying):
    trying.send_signal(signal.SIGINT)
    trying.wait()
    assert ledger.searched()[0]["status"] == "aborted"


def test_processes_that_search_at_once_keep_every_trial_and_none_twice(ledger):
    # They make the file together, and half of what they try is the same.
    program = (
        "import sys, time; from pathlib import Path; from quantstrats.runs.ledger import Ledger\n"
        "ledger, name, start = Ledger(Path(sys.argv[1])), sys.argv[2], float(sys.argv[3])\n"
        "time.sleep(max(0.0, start - time.time()))\n"
        "for number in range(20):\n"
        "    key = f'{number}' if number % 2 else f'{name}-{number}'\n"
        "    with ledger.trying('forest', {}, data_hash='data', key=key) as entered:\n"
        "        ledger.scored(entered, number)\n"
    )
    start = str(time.time() + 1.5)
    writers = [
        subprocess.Popen(
            [sys.executable, "-c", program, ledger.path, name, start], stderr=subprocess.PIPE, text=True
        )
        for name in ("one", "two")
    ]  # fmt: skip
    assert [writer.communicate(timeout=120)[1] for writer in writers] == ["", ""]
    rows = ledger.searched()
    assert len(rows) == 2 * 10 + 10
    assert len({row["key"] for row in rows}) == 30
    assert {row["status"] for row in rows} == {"finished"}
    assert all(row["score"] == int(row["key"].rpartition("-")[2]) for row in rows)

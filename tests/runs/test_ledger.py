"""The ledger counts every trial, whatever becomes of it."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import threading
import time

import pytest

from quantstrats.errors import RunError
from quantstrats.runs.ledger import STATUSES, Ledger, verifying
from quantstrats.runs.processes import Process, has_ended, this_process

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


BEGIN = (
    "import signal, sys, time; from pathlib import Path; from quantstrats.runs.ledger import Ledger\n"
    # Where the tests run in the background, interrupts are ignored, and children inherit that.
    "signal.signal(signal.SIGINT, signal.default_int_handler)\n"
    "with Ledger(Path(sys.argv[1])).trial(sys.argv[2], {'signal': {'name': 'x'}}, 'data') as trial:\n"
    "    print(trial, flush=True); time.sleep(600)\n"
)


def started(ledger, run_id):
    child = subprocess.Popen(
        [sys.executable, "-c", BEGIN, ledger.path, run_id], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    )
    with child.stdout as said:
        assert said.readline()
    return child


def killed_while_running(ledger, run_id="victim"):
    child = started(ledger, run_id)
    assert [row["status"] for row in ledger.rows() if row["run_id"] == run_id] == ["running"]
    child.kill()
    return child


def stored_status(ledger, trial=1):
    with sqlite3.connect(ledger.path) as database:
        return database.execute("SELECT status FROM runs WHERE trial = ?", (trial,)).fetchone()[0]


def test_a_killed_run_is_told_as_killed_at_once_and_entered_as_such_by_the_next(ledger):
    child = killed_while_running(ledger)
    # Also while nobody has asked for the child's exit code, when the system still keeps its number.
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
    assert ledger.rows()[0]["status"] == "killed"
    child.wait()
    row = ledger.rows()[0]
    assert row["status"] == "killed"
    assert "the process ended without a word" in row["error"]
    assert stored_status(ledger) == "running"
    with ledger.trial("next", CONFIG, "data"):
        assert stored_status(ledger) == "killed"
        assert [row["status"] for row in ledger.rows()] == ["killed", "running"]


def test_a_living_run_of_another_process_goes_on_running(ledger):
    child = started(ledger, "alive")
    with ledger.trial("next", CONFIG, "data"):
        assert [row["status"] for row in ledger.rows()] == ["running", "running"]
    child.send_signal(signal.SIGINT)
    child.wait()
    assert ledger.rows()[0]["status"] == "aborted"


def test_a_process_number_that_is_used_again_is_not_taken_for_the_old_process(ledger):
    with ledger.trial("run", CONFIG, "data"):
        assert ledger.rows()[0]["status"] == "running"
        with sqlite3.connect(ledger.path) as database:  # this process lives, but began at another time
            start = database.execute("SELECT process_start FROM runs").fetchone()[0]
            database.execute("UPDATE runs SET process_start = ?", (f"{start.rpartition('|')[0]}|1",))
        assert ledger.rows()[0]["status"] == "killed"


@pytest.mark.parametrize(
    ("change", "ended"),
    [
        ({}, False),
        ({"host": "elsewhere", "pid": 2**22 - 1}, False),  # another machine's processes cannot be seen
        ({"start": ""}, False),
        ({"boot": "another", "pid": 2**22 - 1}, True),  # before the machine was started again
        ({"space": "1", "pid": 2**22 - 1}, False),  # another container's processes cannot be seen either
        ({"pid": 2**22 - 1}, True),
        ({"began": "1"}, True),
    ],
)
def test_a_process_has_ended_only_where_that_can_be_known(change, ended):
    me = this_process()
    boot, space, began = me.start.split("|")
    start = "|".join([change.get("boot", boot), change.get("space", space), change.get("began", began)])
    process = Process(change.get("host", me.host), change.get("pid", me.pid), change.get("start", start))
    assert has_ended(process) is ended


def test_without_proc_the_start_is_what_ps_tells(monkeypatch, tmp_path):
    monkeypatch.setattr("quantstrats.runs.processes._PROC", tmp_path)
    me = this_process()
    if not me.start:
        pytest.skip("neither /proc nor /bin/ps is there")
    assert has_ended(me) is False
    assert has_ended(Process(me.host, me.pid, "||Thu Jan  1 00:00:00 1970")) is True
    assert has_ended(Process(me.host, 2**22 - 1, me.start)) is True


def test_a_run_that_was_taken_for_killed_and_finishes_is_finished(ledger):
    with ledger.trial("run", CONFIG, "data") as trial:
        with sqlite3.connect(ledger.path) as database:
            database.execute("UPDATE runs SET status = 'killed'")
        ledger.finish(trial, "content", {})
    assert ledger.rows()[0]["status"] == "finished"


VERSION_0 = """
CREATE TABLE IF NOT EXISTS runs (
    trial INTEGER PRIMARY KEY AUTOINCREMENT,
    run_id TEXT NOT NULL UNIQUE,
    started_at TEXT NOT NULL,
    finished_at TEXT,
    status TEXT NOT NULL CHECK (status IN ('running', 'finished', 'failed', 'aborted')),
    signal TEXT NOT NULL,
    config TEXT NOT NULL,
    config_hash TEXT NOT NULL,
    data_hash TEXT NOT NULL,
    content_hash TEXT,
    metrics TEXT,
    error TEXT
)
"""


@pytest.fixture
def version_0(ledger):
    """A ledger as the first version of quantstrats left it: four trials, of which one was removed by hand."""
    ledger.path.parent.mkdir(parents=True)
    with sqlite3.connect(ledger.path) as database:
        database.execute(VERSION_0)
        for number, status in enumerate(("finished", "failed", "running", "finished"), start=1):
            row = (f"run-{number}", f"2020-01-0{number}", status, "x", "{}", "c", "d", '{"sharpe": 1.5}', None)
            columns = "run_id, started_at, status, signal, config, config_hash, data_hash, metrics, error"
            database.execute(f"INSERT INTO runs ({columns}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", row)
        database.execute("DELETE FROM runs WHERE trial = 4")
    database.close()
    return ledger


def test_a_ledger_of_the_first_version_is_read_as_it_is(version_0):
    before = version_0.path.read_bytes()
    rows = version_0.rows()
    assert [(row["trial"], row["status"]) for row in rows] == [(1, "finished"), (2, "failed"), (3, "running")]
    assert rows[0]["metrics"] == '{"sharpe": 1.5}'
    assert rows[0]["verifies"] is None
    assert version_0.path.read_bytes() == before


def test_a_ledger_of_the_first_version_is_brought_up_to_date_by_the_next_run(version_0):
    before = version_0.rows()
    with version_0.trial("new", CONFIG, "data") as trial:
        assert trial == 5  # the number of the removed row was given, and stays so
    rows = version_0.rows()
    assert rows[:2] == before[:2]
    # Nobody knows which process the third was; if it still runs, it will enter its end itself.
    assert [row["status"] for row in rows] == ["finished", "failed", "killed", "running"]
    version_0.finish(3, "content", {})
    assert version_0.rows()[2]["status"] == "finished"
    with sqlite3.connect(version_0.path) as database:
        assert database.execute("PRAGMA user_version").fetchone() == (2,)
        assert [name for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")] == [
            "sqlite_sequence",
            "runs",
            "trials",
        ]


def test_a_process_of_the_first_version_can_still_write(version_0):
    with version_0.trial("new", CONFIG, "data"):
        pass
    with sqlite3.connect(version_0.path) as database:
        database.execute(VERSION_0)
        values = ("old", "2020-01-09", "running", "x", "{}", "c", "d")
        columns = "run_id, started_at, status, signal, config, config_hash, data_hash"
        database.execute(f"INSERT INTO runs ({columns}) VALUES (?, ?, ?, ?, ?, ?, ?)", values)
    assert version_0.rows()[-1]["status"] == "running"


def test_a_ledger_of_a_newer_version_is_refused_and_left_alone(ledger):
    with ledger.trial("run", CONFIG, "data"):
        pass
    with sqlite3.connect(ledger.path) as database:
        database.execute("PRAGMA user_version = 7")
    database.close()
    before = ledger.path.read_bytes()
    line = "was written by a newer quantstrats .its version is 7, this one knows 2.; install that one, or set"
    with pytest.raises(RunError, match=line):
        ledger.rows()
    with pytest.raises(RunError, match=line), ledger.trial("next", CONFIG, "data"):
        pass
    assert ledger.path.read_bytes() == before


def test_a_run_for_verification_is_entered_and_not_counted(ledger):
    with ledger.trial("run", CONFIG, "data"):
        pass
    with verifying("run"), ledger.trial("again", CONFIG, "data"):
        pass
    with ledger.trial("next", CONFIG, "data"):
        pass
    assert [row["run_id"] for row in ledger.rows()] == ["run", "next"]
    assert [row["verifies"] for row in ledger.rows(verifications=True)] == [None, "run", None]


def test_what_went_wrong_first_is_what_is_raised(ledger):
    def fail():
        ledger.path.unlink()
        ledger.path.mkdir()  # so that the ledger cannot be written either
        raise ValueError("first")

    with pytest.raises(ValueError, match="first"), ledger.trial("run", CONFIG, "data"):
        fail()


def test_a_file_that_was_made_and_never_written_is_an_empty_ledger(ledger):
    ledger.path.parent.mkdir()
    ledger.path.touch()
    assert ledger.rows() == []
    with ledger.trial("run", CONFIG, "data") as trial:
        assert trial == 1


@pytest.fixture
def filled(ledger):
    for number in range(40):
        with ledger.trial(f"run-{number}", CONFIG | {"padding": "x" * 500}, "data") as trial:
            ledger.finish(trial, "content", {})
    return ledger


def no_database(content):
    return b"not a database, but long enough to be taken for one" * 20


def cut_short(content):
    return content[: len(content) // 2 // 4096 * 4096]


def overwritten(content):
    return content[:4096] + b"\xa5" * (len(content) - 4096)


@pytest.mark.parametrize("damage", [no_database, cut_short, overwritten])
def test_a_damaged_ledger_is_told_in_one_line_and_not_written(filled, damage):
    filled.path.write_bytes(damaged := damage(filled.path.read_bytes()))
    line = (
        r"^the ledger .*ledger\.sqlite cannot be used: .*; nothing was written to it: put a copy back, or move it away"
    )
    with pytest.raises(RunError, match=line) as told:
        filled.rows()
    assert "\n" not in str(told.value)
    with pytest.raises(RunError, match=line), filled.trial("next", CONFIG, "data"):
        pass
    assert filled.path.read_bytes() == damaged


def test_a_ledger_that_another_process_keeps_is_told(ledger, monkeypatch):
    with ledger.trial("run", CONFIG, "data"):
        pass
    monkeypatch.setattr("quantstrats.runs.ledger_file._PATIENCE", 0.1)
    other = sqlite3.connect(ledger.path, isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    with (
        pytest.raises(RunError, match="database is locked; another process has kept it"),
        ledger.trial("b", CONFIG, "d"),
    ):
        pass
    other.close()


def test_a_writer_waits_for_another(ledger):
    with ledger.trial("run", CONFIG, "data"):
        pass
    other = sqlite3.connect(ledger.path, isolation_level=None, check_same_thread=False)
    other.execute("BEGIN IMMEDIATE")
    began = time.monotonic()
    release = threading.Timer(0.5, other.rollback)
    release.start()
    with ledger.trial("next", CONFIG, "data"):
        assert time.monotonic() - began > 0.4
    release.join()
    other.close()


def test_many_processes_that_start_together_keep_every_row(ledger):
    # They also make the file together: all wait for the same instant. One in five trials fails.
    program = (
        "import sys, time; from pathlib import Path; from quantstrats.runs.ledger import Ledger\n"
        "ledger, name, start = Ledger(Path(sys.argv[1])), sys.argv[2], float(sys.argv[3])\n"
        "time.sleep(max(0.0, start - time.time()))\n"
        "for number in range(10):\n"
        "    try:\n"
        "        with ledger.trial(f'{name}-{number}', {'signal': {'name': 'x'}}, name) as trial:\n"
        "            if number % 5 == 4: raise ValueError(name)\n"
        "            ledger.finish(trial, f'{name}-{number}', {})\n"
        "            assert any(row['trial'] == trial for row in ledger.rows())\n"
        "    except ValueError: pass\n"
        "    print(trial)\n"
    )
    start = str(time.time() + 2.0)
    writers = [
        subprocess.Popen(
            [sys.executable, "-c", program, ledger.path, f"writer-{name}", start],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )
        for name in range(8)
    ]  # fmt: skip
    said = [writer.communicate(timeout=120) for writer in writers]
    assert [errors for _, errors in said] == [""] * 8
    numbers = [int(number) for output, _ in said for number in output.split()]
    assert sorted(numbers) == list(range(1, 81))
    rows = ledger.rows()
    assert [row["trial"] for row in rows] == list(range(1, 81))
    assert len({row["run_id"] for row in rows}) == 80
    assert [row["status"] for row in rows].count("finished") == 64
    assert [row["status"] for row in rows].count("failed") == 16
    for row in rows:
        assert row["content_hash"] == (row["run_id"] if row["status"] == "finished" else None)
        assert row["error"] == (None if row["status"] == "finished" else f"ValueError: {row['data_hash']}")


def test_writers_that_are_killed_at_random_lose_no_row_that_was_entered(ledger):
    # SQLite's journal of a killed writer is rolled back by the next one; what was said to be entered is there.
    program = (
        "import sys; from pathlib import Path; from quantstrats.runs.ledger import Ledger\n"
        "ledger = Ledger(Path(sys.argv[1]))\n"
        "for number in range(10**6):\n"
        "    with ledger.trial(f'{sys.argv[2]}-{number}', {'signal': {'name': 'x'}}, 'data') as trial:\n"
        "        ledger.finish(trial, 'content', {}); print(trial, flush=True)\n"
    )
    entered = []
    for round_, delay in enumerate((0.05, 0.11, 0.23, 0.31)):
        writers = [
            subprocess.Popen(
                [sys.executable, "-c", program, ledger.path, f"{round_}-{name}"], stdout=subprocess.PIPE, text=True
            )
            for name in range(2)
        ]
        first = [writer.stdout.readline() for writer in writers]
        time.sleep(delay)
        for writer in writers:
            writer.kill()
        entered += [line for line in first if line.endswith("\n")]
        # The last line may be cut: the child was killed while it spoke.
        entered += [line for writer in writers for line in writer.communicate()[0].splitlines(True) if line[-1] == "\n"]
    rows = {row["trial"]: row for row in ledger.rows()}
    assert sorted(rows) == list(range(1, len(rows) + 1))
    assert all(rows[int(trial)]["status"] == "finished" for trial in entered)
    assert {row["status"] for row in rows.values()} <= {"finished", "killed"}
    with sqlite3.connect(ledger.path) as database:
        assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)


def test_every_status_is_in_the_table(ledger):
    with ledger.trial("run", CONFIG, "data"), sqlite3.connect(ledger.path) as database:
        for status in STATUSES:
            database.execute("UPDATE runs SET status = ?", (status,))
        with pytest.raises(sqlite3.IntegrityError):
            database.execute("UPDATE runs SET status = 'lost'")

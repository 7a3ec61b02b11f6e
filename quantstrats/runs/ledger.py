"""Ledger: every run ever made, failed and aborted ones too. Honest statistics need the number of trials.

A single SQLite file with SQLite's plain rollback journal: a write is one short transaction, so writers that queue for
it wait milliseconds, and unlike the write-ahead log it needs no memory shared between processes (which no network
file system has) and no files beside it that must be copied along.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from contextvars import ContextVar
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from quantstrats.errors import RunError
from quantstrats.hashing import hash_plain
from quantstrats.home import logs_folder
from quantstrats.runs.processes import Process, has_ended, this_process

STATUSES = ("running", "finished", "failed", "aborted", "killed")
_VERSION = 1  # of the table below, kept as SQLite's user_version
_TABLE = f"""
CREATE TABLE runs (
    trial INTEGER PRIMARY KEY AUTOINCREMENT,
    run_id TEXT NOT NULL UNIQUE,
    started_at TEXT NOT NULL,
    finished_at TEXT,
    status TEXT NOT NULL CHECK (status IN {STATUSES}),
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
_COLUMNS_0 = (
    "trial, run_id, started_at, finished_at, status, signal, config, config_hash, data_hash, content_hash, metrics, "
    "error"
)
_ADDED_LATER = ("verifies", "host", "pid", "process_start")
_PATIENCE = 60.0  # seconds to wait while other processes write
_KILLED = "the process ended without a word: killed, out of memory, or the machine went down"
_verified: ContextVar[str | None] = ContextVar("verified", default=None)


@contextmanager
def verifying(run_id: str) -> Iterator[None]:
    """Enter what runs inside as a re-run of ``run_id`` for verification, which is no trial of the researcher's."""
    token = _verified.set(run_id)
    try:
        yield
    finally:
        _verified.reset(token)


class Ledger:
    """The table of runs, in ``logs/ledger.sqlite``.

    Parameters
    ----------
    path : Path, optional
        Another file; it is made with its folder when first written to.
    """

    def __init__(self, path: Path | None = None) -> None:
        self.path = path or logs_folder() / "ledger.sqlite"

    @contextmanager
    def trial(self, run_id: str, config: Mapping[str, Any], data_hash: str) -> Iterator[int]:
        """Enter a run that begins and give its trial number; enter why it ended if an exception passes through.

        Raises
        ------
        RunError
            If the ledger cannot be written.
        """
        trial = self._start(run_id, config, data_hash)
        try:
            yield trial
        except BaseException as error:
            status = "failed" if isinstance(error, Exception) else "aborted"
            with suppress(RunError):  # what went wrong first is what the user must hear of
                self._update(trial, status=status, error=f"{type(error).__name__}: {error}")
            raise

    def finish(self, trial: int, content_hash: str, metrics: Mapping[str, Any]) -> None:
        """Enter that a run finished, with what came of it."""
        self._update(trial, status="finished", content_hash=content_hash, metrics=json.dumps(metrics))

    def rows(self, *, verifications: bool = False) -> list[dict[str, Any]]:
        """Return every trial, oldest first, as dicts by column; their number is the number of trials.

        A run whose process has ended without entering how is ``killed``: here, and in the file from the next run on
        that begins on the same machine.

        Parameters
        ----------
        verifications : bool, default False
            Give re-runs for verification too (``verifies`` names the run).

        Raises
        ------
        RunError
            If the ledger cannot be read.
        """
        if not self.path.exists():
            return []
        with self._open() as database:
            if not _has_table(database):  # made by a process that was killed before its first row
                return []
            rows = [
                dict.fromkeys(_ADDED_LATER) | dict(row) for row in database.execute("SELECT * FROM runs ORDER BY trial")
            ]
        for row in rows:
            if _was_killed(row):
                row |= {"status": "killed", "error": _KILLED}
        return [row for row in rows if verifications or row["verifies"] is None]

    def _start(self, run_id: str, config: Mapping[str, Any], data_hash: str) -> int:
        process = this_process()
        row = {
            "run_id": run_id,
            "started_at": _now(),
            "status": "running",
            "signal": config["signal"]["name"],
            "config": json.dumps(config, sort_keys=True),
            "config_hash": hash_plain(config),
            "data_hash": data_hash,
            "verifies": _verified.get(),
            "host": process.host,
            "pid": process.pid,
            "process_start": process.start,
        }
        columns, marks = ", ".join(row), ", ".join("?" * len(row))
        with self._writing() as database:
            _enter_killed(database)
            statement = f"INSERT INTO runs ({columns}) VALUES ({marks})"  # noqa: S608 - columns are this file's own
            return int(database.execute(statement, tuple(row.values())).lastrowid or 0)

    def _update(self, trial: int, **values: str) -> None:
        values["finished_at"] = _now()
        assignments = ", ".join(f"{column} = ?" for column in values)
        with self._writing() as database:
            statement = f"UPDATE runs SET {assignments} WHERE trial = ?"  # noqa: S608 - columns are this file's own
            database.execute(statement, (*values.values(), trial))

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        """Give the database within one transaction that no other process writes in."""
        with self._open() as database:
            # Not the deferred transaction of the default: that one fails at once, without waiting, where two
            # processes read and then both want to write.
            database.execute("BEGIN IMMEDIATE")
            try:
                _bring_up_to_date(database)
                yield database
                database.execute("COMMIT")
            except BaseException:
                if database.in_transaction:
                    database.execute("ROLLBACK")
                raise

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with closing(sqlite3.connect(self.path, timeout=_PATIENCE, isolation_level=None)) as database:
                database.row_factory = sqlite3.Row
                version = _version(database)
                if version > _VERSION:
                    raise RunError(
                        f"the ledger {self.path} was written by a newer quantstrats (its version is {version}, this "
                        f"one knows {_VERSION}); install that one, or set QUANTSTRATS_HOME to another folder"
                    )
                yield database
        except (OSError, sqlite3.Error) as error:
            raise RunError(f"the ledger {self.path} cannot be used: {error}; {_advice(error)}") from error


def _advice(error: Exception) -> str:
    code = getattr(error, "sqlite_errorcode", None)
    if code is not None and code & 0xFF in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
        return "nothing was written to it: put a copy back, or move it away to begin a new one"
    if code is not None and code & 0xFF == sqlite3.SQLITE_BUSY:
        return f"another process has kept it for {_PATIENCE:.0f} seconds: end that one, or try again"
    if code is not None and code & 0xFF == sqlite3.SQLITE_FULL:
        return "make room there, or set QUANTSTRATS_HOME to another folder"
    return "set QUANTSTRATS_HOME to a folder that can be written"


def _version(database: sqlite3.Connection) -> int:
    return int(database.execute("PRAGMA user_version").fetchone()[0])


def _has_table(database: sqlite3.Connection) -> bool:
    return bool(database.execute("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'runs'").fetchall())


def _bring_up_to_date(database: sqlite3.Connection) -> None:
    """Make the table, or bring that of an earlier version up to date; within the caller's transaction."""
    if _version(database) == _VERSION:
        return
    if not _has_table(database):
        database.execute(_TABLE)
    else:
        # A table's CHECK cannot be changed in place. The numbers given so far must stay given.
        database.execute("ALTER TABLE runs RENAME TO runs_0")
        database.execute(_TABLE)
        database.execute(f"INSERT INTO runs ({_COLUMNS_0}) SELECT {_COLUMNS_0} FROM runs_0")  # noqa: S608
        database.execute("DELETE FROM sqlite_sequence WHERE name = 'runs'")
        database.execute("INSERT INTO sqlite_sequence SELECT 'runs', seq FROM sqlite_sequence WHERE name = 'runs_0'")
        database.execute("DROP TABLE runs_0")
        # Version 0 did not say which process: what still runs under it enters its end when it comes to it.
        database.execute("UPDATE runs SET status = 'killed', error = ? WHERE status = 'running'", (_KILLED,))
    database.execute(f"PRAGMA user_version = {_VERSION}")


def _enter_killed(database: sqlite3.Connection) -> None:
    """Enter the end of those that could not do so themselves."""
    for row in database.execute(
        "SELECT trial, status, host, pid, process_start FROM runs WHERE status = 'running'"
    ).fetchall():
        if _was_killed(dict(row)):
            database.execute("UPDATE runs SET status = 'killed', error = ? WHERE trial = ?", (_KILLED, row["trial"]))


def _was_killed(row: Mapping[str, Any]) -> bool:
    if row["status"] != "running" or row["pid"] is None:
        return False
    return has_ended(Process(row["host"], row["pid"], row["process_start"]))


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")

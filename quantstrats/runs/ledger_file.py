"""The ledger's file: a single SQLite file, its tables, and how those of earlier versions are brought up to date.

SQLite's plain rollback journal: a write is one short transaction, so writers that queue for it wait milliseconds, and
unlike the write-ahead log it needs no memory shared between processes (which no network file system has) and no files
beside it that must be copied along.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from quantstrats.errors import RunError
from quantstrats.runs.processes import Process, has_ended

STATUSES = ("running", "finished", "failed", "aborted", "killed")
KILLED = "the process ended without a word: killed, out of memory, or the machine went down"
_VERSION = 2  # of the tables below, kept as SQLite's user_version
_RUNS = f"""
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
_TRIALS = f"""
CREATE TABLE trials (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    trial INTEGER REFERENCES runs (trial),
    searched TEXT NOT NULL,
    key TEXT NOT NULL,
    started_at TEXT NOT NULL,
    finished_at TEXT,
    status TEXT NOT NULL CHECK (status IN {STATUSES}),
    data_hash TEXT NOT NULL,
    parameters TEXT NOT NULL,
    score REAL,
    error TEXT,
    host TEXT,
    pid INTEGER,
    process_start TEXT
)
"""
# To SQLite no NULL is like another: without COALESCE a trial outside a run would never be known again.
_TRIALS_ONCE = "CREATE UNIQUE INDEX trials_once ON trials (COALESCE(trial, 0), key)"
_COLUMNS_0 = (
    "trial, run_id, started_at, finished_at, status, signal, config, config_hash, data_hash, content_hash, metrics, "
    "error"
)
_PATIENCE = 60.0  # seconds to wait while other processes write


class LedgerFile:
    """The file in which a ledger is kept; it is made with its folder when first written to.

    Parameters
    ----------
    path : Path
        Where it is.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def rows(self, table: str, order: str) -> list[dict[str, Any]]:
        """Return all rows of a table as dicts by column; a run whose process is gone is ``killed``.

        Raises
        ------
        RunError
            If the file cannot be read.
        """
        if not self.path.exists():
            return []
        with self._open() as database:
            if not _has_table(database, table):  # of an earlier version, or of a process killed before its first row
                return []
            statement = f"SELECT * FROM {table} ORDER BY {order}"  # noqa: S608 - both are this package's own
            rows = [dict(row) for row in database.execute(statement)]
        for row in rows:
            if _was_killed(row):
                row |= {"status": "killed", "error": KILLED}
        return rows

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """Give the database within one transaction that no other process writes in.

        Raises
        ------
        RunError
            If the file cannot be written.
        """
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


def enter_killed(database: sqlite3.Connection) -> None:
    """Enter the end of those that could not do so themselves."""
    for table, number in (("runs", "trial"), ("trials", "number")):
        columns = f"{number} AS number, status, host, pid, process_start"
        running = f"SELECT {columns} FROM {table} WHERE status = 'running'"  # noqa: S608 - this file's own names
        for row in database.execute(running).fetchall():
            if _was_killed(dict(row)):
                ended = f"UPDATE {table} SET status = 'killed', error = ? WHERE {number} = ?"  # noqa: S608
                database.execute(ended, (KILLED, row["number"]))


def _was_killed(row: Mapping[str, Any]) -> bool:
    if row["status"] != "running" or row.get("pid") is None:
        return False
    return has_ended(Process(row["host"], row["pid"], row["process_start"]))


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


def _has_table(database: sqlite3.Connection, name: str) -> bool:
    statement = "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = ?"
    return bool(database.execute(statement, (name,)).fetchall())


def _bring_up_to_date(database: sqlite3.Connection) -> None:
    """Make the tables, or bring those of an earlier version up to date; within the caller's transaction."""
    version = _version(database)
    if version == _VERSION:
        return
    if not _has_table(database, "runs"):
        database.execute(_RUNS)
    elif version == 0:
        # A table's CHECK cannot be changed in place. The numbers given so far must stay given.
        database.execute("ALTER TABLE runs RENAME TO runs_0")
        database.execute(_RUNS)
        database.execute(f"INSERT INTO runs ({_COLUMNS_0}) SELECT {_COLUMNS_0} FROM runs_0")  # noqa: S608
        database.execute("DELETE FROM sqlite_sequence WHERE name = 'runs'")
        database.execute("INSERT INTO sqlite_sequence SELECT 'runs', seq FROM sqlite_sequence WHERE name = 'runs_0'")
        database.execute("DROP TABLE runs_0")
        # Version 0 did not say which process: what still runs under it enters its end when it comes to it.
        database.execute("UPDATE runs SET status = 'killed', error = ? WHERE status = 'running'", (KILLED,))
    database.execute(_TRIALS)
    database.execute(_TRIALS_ONCE)
    database.execute(f"PRAGMA user_version = {_VERSION}")

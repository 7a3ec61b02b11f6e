"""Ledger: every run ever made, failed and aborted ones too. Honest statistics need the number of trials."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from quantstrats.errors import RunError
from quantstrats.hashing import hash_plain
from quantstrats.home import logs_folder

_TABLE = """
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
_PATIENCE = 30.0  # seconds to wait while another process writes


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
            self._update(trial, status=status, error=f"{type(error).__name__}: {error}")
            raise

    def finish(self, trial: int, content_hash: str, metrics: Mapping[str, Any]) -> None:
        """Enter that a run finished, with what came of it."""
        self._update(trial, status="finished", content_hash=content_hash, metrics=json.dumps(metrics))

    def rows(self) -> list[dict[str, Any]]:
        """Return every run, oldest first, as dicts by column."""
        if not self.path.exists():
            return []
        with self._open() as database:
            return [dict(row) for row in database.execute("SELECT * FROM runs ORDER BY trial")]

    def _start(self, run_id: str, config: Mapping[str, Any], data_hash: str) -> int:
        text = json.dumps(config, sort_keys=True)
        row = (run_id, _now(), "running", config["signal"]["name"], text, hash_plain(config), data_hash)
        columns = "run_id, started_at, status, signal, config, config_hash, data_hash"
        with self._open() as database:
            cursor = database.execute(f"INSERT INTO runs ({columns}) VALUES (?, ?, ?, ?, ?, ?, ?)", row)  # noqa: S608
            return int(cursor.lastrowid or 0)

    def _update(self, trial: int, **values: str) -> None:
        values["finished_at"] = _now()
        assignments = ", ".join(f"{column} = ?" for column in values)
        with self._open() as database:
            statement = f"UPDATE runs SET {assignments} WHERE trial = ?"  # noqa: S608 - columns are this file's own
            database.execute(statement, (*values.values(), trial))

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with closing(sqlite3.connect(self.path, timeout=_PATIENCE)) as database, database:
                database.row_factory = sqlite3.Row
                database.execute(_TABLE)
                yield database
        except (OSError, sqlite3.Error) as error:
            raise RunError(
                f"the ledger {self.path} cannot be used: {error}; set QUANTSTRATS_HOME to a folder that can be written"
            ) from error


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")

"""Ledger: every run ever made, and every trial of a search; failed and aborted ones too.

Honest statistics need the number of trials: a parameter that was searched for within one backtest was tried as often
as the search did, and not once.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from quantstrats.errors import RunError, in_one_line
from quantstrats.hashing import hash_plain
from quantstrats.home import logs_folder
from quantstrats.runs.ledger_file import STATUSES, LedgerFile, enter_killed
from quantstrats.runs.processes import this_process

__all__ = ["STATUSES", "Ledger", "ledger_in_use", "recomputing", "verifying"]

_ADDED_LATER = ("verifies", "host", "pid", "process_start")
_verified: ContextVar[str | None] = ContextVar("verified", default=None)
_recomputed: ContextVar[bool] = ContextVar("recomputed", default=False)
_in_use: ContextVar[tuple[Ledger, int] | None] = ContextVar("in_use", default=None)


@contextmanager
def verifying(run_id: str) -> Iterator[None]:
    """Enter what runs inside as a re-run of ``run_id`` for verification, which is no trial of the researcher's."""
    token = _verified.set(run_id)
    try:
        yield
    finally:
        _verified.reset(token)


@contextmanager
def recomputing() -> Iterator[None]:
    """Enter nothing of what is searched inside: it was computed before, and is computed again to be checked."""
    token = _recomputed.set(True)
    try:
        yield
    finally:
        _recomputed.reset(token)


def ledger_in_use() -> tuple[Ledger, int | None]:
    """Return the ledger of the run within which this is asked, and its trial; outside a run the usual one, and None."""
    return _in_use.get() or (Ledger(), None)


class Ledger:
    """The tables of runs and of what was searched, in ``logs/ledger.sqlite``.

    Parameters
    ----------
    path : Path, optional
        Another file; it is made with its folder when first written to.
    """

    def __init__(self, path: Path | None = None) -> None:
        self.path = path or logs_folder() / "ledger.sqlite"
        self._file = LedgerFile(self.path)

    @contextmanager
    def trial(self, run_id: str, config: Mapping[str, Any], data_hash: str) -> Iterator[int]:
        """Enter a run that begins and give its trial number; enter why it ended if an exception passes through.

        A search within it finds this ledger and the number (:func:`ledger_in_use`).

        Raises
        ------
        RunError
            If the ledger cannot be written.
        """
        trial = self._start(run_id, config, data_hash)
        token = _in_use.set((self, trial))
        try:
            yield trial
        except BaseException as error:
            with suppress(RunError):  # what went wrong first is what the user must hear of
                self._update(trial, status=_status(error), error=f"{type(error).__name__}: {error}")
            raise
        finally:
            _in_use.reset(token)

    def finish(self, trial: int, content_hash: str, metrics: Mapping[str, Any]) -> None:
        """Enter that a run finished, with what came of it."""
        self._update(trial, status="finished", content_hash=content_hash, metrics=json.dumps(metrics))

    @contextmanager
    def trying(
        self, searched: str, parameters: Mapping[str, Any], *, data_hash: str, key: str, trial: int | None = None
    ) -> Iterator[int | None]:
        """Enter a trial of a search that begins; enter why it ended if an exception passes through.

        The same key is entered once in a run, and once outside all runs: what is computed again tries nothing new.
        Within :func:`verifying` and :func:`recomputing` nothing is entered.

        Parameters
        ----------
        searched : str
            Whose parameters are searched for: a model's name.
        parameters : mapping
            Those of this trial, as plain data.
        data_hash : str
            Hash of the data on which it is scored.
        key : str
            What the score depends on, as a hash: data, parameters, and how it is scored.
        trial : int, optional
            The run within which the search takes place.

        Yields
        ------
        int or None
            The number to give to :meth:`scored`; None where nothing is entered.

        Raises
        ------
        RunError
            If the ledger cannot be written.
        """
        if _verified.get() is not None or _recomputed.get():
            yield None
            return
        number = self._try(searched, parameters, data_hash, key, trial)
        try:
            yield number
        except BaseException as error:
            with suppress(RunError):
                self._end(number, _status(error), error=in_one_line(error))
            raise

    def scored(self, number: int | None, score: float) -> None:
        """Enter the score of a trial of a search; one that is not a number is entered as missing."""
        if number is not None:
            self._end(number, "finished", score=score if math.isfinite(score) else None)

    def rows(self, *, verifications: bool = False) -> list[dict[str, Any]]:
        """Return every run, oldest first, as dicts by column.

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
        rows = [dict.fromkeys(_ADDED_LATER) | row for row in self._file.rows("runs", "trial")]
        return [row for row in rows if verifications or row["verifies"] is None]

    def searched(self) -> list[dict[str, Any]]:
        """Return every trial of a search, oldest first, as dicts by column.

        ``trial`` is the run within which it was searched, None outside a run; ``searched`` says whose ``parameters``
        (JSON) were tried, ``score`` what came of it; ``status`` is one of a run's.

        Raises
        ------
        RunError
            If the ledger cannot be read.
        """
        return self._file.rows("trials", "number")

    def count(self) -> int:
        """Return the number of trials in all: runs, but for verifications, and what was searched.

        Raises
        ------
        RunError
            If the ledger cannot be read.
        """
        return len(self.rows()) + len(self.searched())

    def _start(self, run_id: str, config: Mapping[str, Any], data_hash: str) -> int:
        row = {
            "run_id": run_id,
            "started_at": _now(),
            "status": "running",
            "signal": config["signal"]["name"],
            "config": json.dumps(config, sort_keys=True),
            "config_hash": hash_plain(config),
            "data_hash": data_hash,
            "verifies": _verified.get(),
            **_process(),
        }
        columns, marks = ", ".join(row), ", ".join("?" * len(row))
        with self._file.writing() as database:
            enter_killed(database)
            statement = f"INSERT INTO runs ({columns}) VALUES ({marks})"  # noqa: S608 - columns are this file's own
            return int(database.execute(statement, tuple(row.values())).lastrowid or 0)

    def _update(self, trial: int, **values: str) -> None:
        values["finished_at"] = _now()
        assignments = ", ".join(f"{column} = ?" for column in values)
        with self._file.writing() as database:
            statement = f"UPDATE runs SET {assignments} WHERE trial = ?"  # noqa: S608 - columns are this file's own
            database.execute(statement, (*values.values(), trial))

    def _try(self, searched: str, parameters: Mapping[str, Any], data_hash: str, key: str, trial: int | None) -> int:
        row = {
            "trial": trial,
            "searched": searched,
            "key": key,
            "started_at": _now(),
            "status": "running",
            "data_hash": data_hash,
            "parameters": json.dumps(parameters),
            **_process(),
        }
        columns, marks = ", ".join(row), ", ".join("?" * len(row))
        with self._file.writing() as database:
            statement = f"INSERT INTO trials ({columns}) VALUES ({marks})"  # noqa: S608 - columns are this file's own
            database.execute(f"{statement} ON CONFLICT (COALESCE(trial, 0), key) DO NOTHING", tuple(row.values()))
            known = "SELECT number FROM trials WHERE COALESCE(trial, 0) = COALESCE(?, 0) AND key = ?"
            return int(database.execute(known, (trial, key)).fetchone()[0])

    def _end(self, number: int, status: str, *, score: float | None = None, error: str | None = None) -> None:
        with self._file.writing() as database:
            # What finished once stays finished, though it is interrupted when it is computed again.
            database.execute(
                "UPDATE trials SET status = ?, score = ?, error = ?, finished_at = ? "
                "WHERE number = ? AND status != 'finished'",
                (status, score, error, _now(), number),
            )


def _status(error: BaseException) -> str:
    return "failed" if isinstance(error, Exception) else "aborted"


def _process() -> dict[str, Any]:
    process = this_process()
    return {"host": process.host, "pid": process.pid, "process_start": process.start}


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")

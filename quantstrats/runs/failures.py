"""The log of a run that failed: its traceback, for whoever mends what failed."""

from __future__ import annotations

import json
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from quantstrats.errors import QuantstratsError, in_one_line
from quantstrats.home import logs_folder

if TYPE_CHECKING:
    from quantstrats.warned import Warned


def failed_folder() -> Path:
    """Return the folder that holds the logs of runs that failed."""
    return logs_folder() / "failed"


@contextmanager
def failure_log(run_id: str, warned: Warned | None = None) -> Iterator[None]:
    """Keep what fails inside as ``logs/failed/<run_id>.log``: JSON lines of time, level, message, traceback.

    Where someone else's exception is the cause (a signal's own), the error's line names the file. What was warned of
    before stands before it.
    """
    began = datetime.now(UTC)
    try:
        yield
    except Exception as error:
        file = _written(run_id, began, warned.lines() if warned else [], error)
        if file and isinstance(error, QuantstratsError) and error.__cause__:
            error.args = (f"{error} (see {file})",)
        raise


def _written(run_id: str, began: datetime, warnings: list[str], error: Exception) -> Path | None:
    message = str(error) if isinstance(error, QuantstratsError) else in_one_line(error)
    now = _text(datetime.now(UTC))
    lines = [
        {"time": _text(began), "level": "info", "message": f"run {run_id} began"},
        *({"time": now, "level": "warning", "message": warning} for warning in warnings),
        {
            "time": now,
            "level": "error",
            "message": message,
            "traceback": "".join(traceback.format_exception(error)),
        },
    ]
    file = failed_folder() / f"{run_id}.log"
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    except OSError:  # the error itself matters more
        return None
    return file


def _text(instant: datetime) -> str:
    return instant.isoformat(timespec="seconds")

"""Which process is meant, and whether it has ended: a process number alone is used again."""

from __future__ import annotations

import os
import platform
import subprocess
from dataclasses import dataclass
from pathlib import Path

_PROC = Path("/proc")


@dataclass(frozen=True)
class Process:
    """One process, now or in the past.

    Attributes
    ----------
    host : str
        Name of its machine.
    pid : int
        Its number there.
    start : str
        What tells it from others of that number: on Linux the boot, the process namespace (a container has its own
        numbers) and the start in ticks since the boot, elsewhere the time of its start; empty if unknown.
    """

    host: str
    pid: int
    start: str


def this_process() -> Process:
    """Return the process that asks."""
    return Process(platform.node(), os.getpid(), _start(os.getpid()) or "")


def has_ended(process: Process) -> bool:
    """Tell whether a process is known to have ended.

    What cannot be seen from here (a process of another machine or another container) counts as not ended.
    """
    here = this_process()
    if process.host != here.host or not process.start:
        return False
    boot, space, _ = _split(process.start)
    own_boot, own_space, _ = _split(here.start)
    if boot != own_boot:
        return True
    if space != own_space:
        return False
    start = _start(process.pid)
    if start is None:
        return not _exists(process.pid)
    return start != process.start


def _split(start: str) -> tuple[str, str, str]:
    boot, space, began = start.split("|")
    return boot, space, began


def _start(pid: int) -> str | None:
    """Return what marks the start of a living process, or None if there is none to be seen."""
    if not (_PROC / "self" / "stat").exists():
        return _start_told_by_ps(pid)
    try:
        # The second field is the program's name in brackets, with whatever is in it.
        fields = (_PROC / str(pid) / "stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
        boot = (_PROC / "sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
        space = str((_PROC / "self/ns/pid").stat().st_ino)
    except OSError:
        return None
    state, began = fields[0], fields[19]  # fields 3 and 22 of proc(5)
    if state in "ZX":  # it has ended, and nobody has asked for its exit code yet
        return f"{boot}|{space}|ended"
    return f"{boot}|{space}|{began}"


def _start_told_by_ps(pid: int) -> str | None:
    try:
        told = subprocess.run(  # noqa: S603 - a number is all that is put in
            ["/bin/ps", "-o", "lstart=", "-p", str(pid)],
            capture_output=True,
            text=True,
            check=False,
            env=os.environ | {"LC_ALL": "C"},
        )
    except OSError:
        return None
    return f"||{told.stdout.strip()}" if told.stdout.strip() else None


def _exists(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:  # it is there, and someone else's
        return True
    return True

"""The stored runs: where they are, which there are, and the removal of old ones."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from quantstrats.atomic import is_leftover_name, remove_whole
from quantstrats.errors import RunError, RunNotFoundError, did_you_mean
from quantstrats.home import logs_folder

CONFIG, MANIFEST, METRICS, LOG = "config.yaml", "manifest.json", "metrics.json", "run.log"
_ID_TIME = re.compile(r"\d{8}T\d{6}(?=-)")
_MOST_CHOICES = 3


@dataclass(frozen=True)
class StoredRun:
    """What a list of stored runs says of one of them.

    Attributes
    ----------
    folder : Path
        Where it is.
    started_at : datetime or None
        When it began (UTC); None if nothing tells.
    trial : int or None
        Its number in the ledger.
    config : dict
        The complete, resolved configuration; empty where it cannot be read.
    manifest, metrics : dict
        What it stood on; its figures. Empty where they cannot be read.
    trouble : str
        Why not all of this can be read; empty if all can.
    """

    folder: Path
    started_at: datetime | None
    trial: int | None = None
    config: dict[str, Any] = field(default_factory=dict)
    manifest: dict[str, Any] = field(default_factory=dict)
    metrics: dict[str, Any] = field(default_factory=dict)
    trouble: str = ""

    @property
    def run_id(self) -> str:
        """Its name, which is that of its folder."""
        return self.folder.name


def runs_folder() -> Path:
    """Return the folder that holds the folders of all runs."""
    return logs_folder() / "runs"


def run_folders(parent: Path | None = None) -> list[Path]:
    """Return the folders of stored runs, in no order; what a killed writer left is none.

    Raises
    ------
    RunError
        If the folder of runs cannot be read.
    """
    parent = parent or runs_folder()
    if not os.path.lexists(parent):
        return []
    try:
        return [path for path in parent.iterdir() if not path.name.startswith(".") and path.is_dir()]
    except OSError as error:
        raise RunError(f"the folder of runs {parent} cannot be read: {error.strerror or error}") from error


def find_run_folder(run: str | Path, parent: Path | None = None) -> Path:
    """Return the folder of a stored run.

    Parameters
    ----------
    run : str or Path
        Its id, the beginning of its id as far as no other has it, or the path of its folder.
    parent : Path, optional
        The folder of runs to look in, by default ``logs/runs``.

    Raises
    ------
    RunNotFoundError
        If there is none, or more than one begins so.
    """
    path = Path(run)
    is_path = isinstance(run, Path) or os.sep in run
    known = {} if is_path else {folder.name: folder for folder in run_folders(parent)}
    if is_path or (str(run) not in known and (path / MANIFEST).is_file()):
        if path.is_dir() and not is_leftover_name(path.name):
            return path
        raise RunNotFoundError(f"{run} is no folder of a run")
    return _by_beginning(str(run), known, parent or runs_folder())


def find_run_folders(runs: Iterable[str], parent: Path | None = None) -> list[Path]:
    """Return the folders of several stored runs, each once, for their removal.

    Parameters
    ----------
    runs : iterable of str
        Their ids; the beginning of one suffices where no other has it, but not with ``parent``, since in another
        folder may stand anything.
    parent : Path, optional
        The folder of runs to look in, by default ``logs/runs``.

    Raises
    ------
    RunNotFoundError
        If one of them cannot be found, or is a folder that holds no run.
    """
    known = {folder.name: folder for folder in run_folders(parent)}
    found = [_by_beginning(run, known, parent or runs_folder(), whole=parent is not None) for run in runs]
    for folder in found:
        if lacking := [name for name in (MANIFEST, CONFIG) if not (folder / name).is_file()]:
            raise RunNotFoundError(f"{folder} holds no run, or not all of one: it has no {' and no '.join(lacking)}")
    return list(dict.fromkeys(found))


def stored_runs(parent: Path | None = None) -> list[StoredRun]:
    """Return all stored runs, newest first."""
    runs = [_described(folder) for folder in run_folders(parent)]
    earliest = datetime.min.replace(tzinfo=UTC)
    return sorted(runs, key=lambda run: (run.started_at or earliest, run.trial or 0, run.run_id), reverse=True)


def removable(
    runs: Sequence[StoredRun],
    *,
    keep: int | None = None,
    older_than: timedelta | None = None,
    now: datetime | None = None,
) -> list[StoredRun]:
    """Return those of ``runs`` (newest first) that nobody asked to keep; none if nothing was asked.

    Parameters
    ----------
    runs : sequence of StoredRun
        Newest first.
    keep : int, optional
        So many of the newest stay.
    older_than : timedelta, optional
        What began later than this long ago stays.
    now : datetime, optional
        For counting back; by default the present.
    """
    if keep is None and older_than is None:
        return []
    old = list(runs[keep or 0 :])
    if older_than is not None:
        since = (now or datetime.now(UTC)) - older_than
        old = [run for run in old if run.started_at and run.started_at < since]
    # A folder without these two may be anyone's.
    return [run for run in old if run.manifest and run.config]


def remove_run(folder: Path) -> None:
    """Remove a stored run; its row in the ledger stays, since a trial is a trial.

    Raises
    ------
    RunError
        If it cannot be removed.
    """
    try:
        remove_whole(folder)
    except OSError as error:
        raise RunError(
            f"run {folder.name} cannot be removed from {folder.parent}: {error.strerror or error}"
        ) from error


def read_mapping(file: Path) -> dict[str, Any]:
    """Read a file of YAML or JSON that holds a mapping.

    Raises
    ------
    OSError, ValueError, TypeError, yaml.YAMLError
        If it cannot be read, or holds something else.
    """
    from quantstrats.plainyaml import load_yaml

    text = file.read_text(encoding="utf-8")
    content = load_yaml(text) if file.suffix == ".yaml" else json.loads(text)
    if not isinstance(content, dict):
        raise TypeError("it holds no mapping")
    return content


def _by_beginning(run: str, known: dict[str, Path], parent: Path, *, whole: bool = False) -> Path:
    if run in known:
        return known[run]
    matching = [] if whole else sorted(name for name in known if run and name.startswith(run))
    if len(matching) == 1:
        return known[matching[0]]
    if matching:
        choices = ", ".join(matching[:_MOST_CHOICES]) + (", ..." if len(matching) > _MOST_CHOICES else "")
        raise RunNotFoundError(f"{len(matching)} runs begin with {run!r}: {choices}; give more of the id")
    raise RunNotFoundError(f"no run called {run!r}{did_you_mean(run, known)} (looked in {parent})")


def _described(folder: Path) -> StoredRun:
    import yaml

    contents: dict[str, dict[str, Any]] = {}
    troubles = []
    for name in (CONFIG, MANIFEST, METRICS):
        contents[name] = {}
        try:
            contents[name] = read_mapping(folder / name)
        except FileNotFoundError:
            troubles.append(f"it has no {name}")
        except (OSError, ValueError, TypeError, yaml.YAMLError):
            troubles.append(f"{name} cannot be read")
    manifest = contents[MANIFEST]
    trial = manifest.get("trial")
    return StoredRun(
        folder=folder,
        started_at=_started_at(folder, manifest),
        trial=trial if isinstance(trial, int) else None,
        config=contents[CONFIG],
        manifest=manifest,
        metrics=contents[METRICS],
        trouble=", ".join(troubles),
    )


def _started_at(folder: Path, manifest: dict[str, Any]) -> datetime | None:
    """Return when a run began: its manifest says it, else its name."""
    try:
        started = datetime.fromisoformat(manifest["started_at"])
        return started if started.tzinfo else started.replace(tzinfo=UTC)
    except (KeyError, TypeError, ValueError):
        found = _ID_TIME.match(folder.name)
        return datetime.strptime(found[0], "%Y%m%dT%H%M%S").replace(tzinfo=UTC) if found else None

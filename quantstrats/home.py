"""Where runs and the ledger live: the folder ``logs``."""

from __future__ import annotations

import os
from pathlib import Path

HOME_VARIABLE = "QUANTSTRATS_HOME"
_PROJECT_MARKS = ("setup.cfg", "pyproject.toml", ".git")


def logs_folder() -> Path:
    """Return the ``logs`` folder that this process writes to (it may not exist yet).

    It is ``$QUANTSTRATS_HOME/logs`` where that variable is set, else ``logs`` of the nearest project at or
    above the working directory (a folder with a setup.cfg, a pyproject.toml or a .git), else ``logs`` of the
    working directory.
    """
    home = os.environ.get(HOME_VARIABLE)
    if home:
        return Path(home).expanduser().resolve() / "logs"
    here = Path.cwd()
    for folder in (here, *here.parents):
        if any((folder / mark).exists() for mark in _PROJECT_MARKS):
            return folder / "logs"
    return here / "logs"

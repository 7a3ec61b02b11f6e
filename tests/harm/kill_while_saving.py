"""Kill processes that save, replace and remove copies of a run, and look at what is left.

    python tests/harm/kill_while_saving.py RUN_FOLDER SCRATCH_FOLDER --kills 1000 --seed 1

Every child does the same work in the same folder under the same names: it saves copies of the run, replaces their
tear sheets and removes older copies, until SIGKILL comes after a random time. Then every visible folder must load
completely and have the content hashes of the original. What was found is printed as JSON: how many kills landed while
something was written or removed, and how many files were there by then. A broken promise ends with an exception.
"""

from __future__ import annotations

import argparse
import collections
import contextlib
import json
import os
import random
import shutil
import signal
import sys
import time
from dataclasses import replace
from pathlib import Path

from quantstrats.atomic import clear_leftovers, is_leftover_name, write_whole
from quantstrats.runs.run import Run, content_hashes, load_run
from quantstrats.runs.stored import remove_run, run_folders, stored_runs

FRAMES = ("equity", "positions", "transactions", "orders", "trades", "targets")
PAGES = ("<html>" + "old" * 50_000 + "</html>", "<html>" + "new" * 50_000 + "</html>")
CLEAR_EVERY = 5  # kills; in between, children find the leftovers of others under the names that they use


def work(run: Run, parent: Path) -> None:
    """Save, replace and remove until killed."""
    number = 0
    while True:
        folder = replace(run, run_id=f"copy-{number}").save({"tearsheet.html": PAGES[0]}, folder=parent)
        write_whole(folder / "tearsheet.html", PAGES[1])
        if number >= 2:
            remove_run(parent / f"copy-{number - 2}")
        number += 1


def kill_one(run: Run, parent: Path, delay: float) -> None:
    """Let a child work for ``delay`` seconds and kill it."""
    child = os.fork()
    if child == 0:
        with contextlib.suppress(BaseException):
            work(run, parent)
        os._exit(1)
    time.sleep(delay)
    os.kill(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    if not os.WIFSIGNALED(status):
        raise AssertionError("the child ended by itself: it could not save")


def check_visible(run: Run, parent: Path) -> int:
    """Check every visible folder and return how many there are."""
    visible = run_folders(parent)
    if {stored.run_id for stored in stored_runs(parent)} != {folder.name for folder in visible}:
        raise AssertionError("the list of runs differs from the folders")
    for folder in visible:
        back = load_run(folder)
        hashes = content_hashes(**{name: getattr(back, name) for name in FRAMES})
        if (hashes, back.config, back.log) != (run.manifest["content"], run.config, run.log):
            raise AssertionError(f"{folder} is visible, and not the run")
        if (folder / "tearsheet.html").read_text() not in PAGES:
            raise AssertionError(f"{folder} has half a tear sheet")
    return len(visible)


def hidden(parent: Path) -> set[Path]:
    """Return what is hidden; only what can be cleared may be."""
    paths = {*parent.glob(".*"), *parent.glob("*/.*")}
    if not all(is_leftover_name(path.name) for path in paths):
        raise AssertionError(f"one of {paths} is hidden, and nobody clears it")
    return paths


def campaign(run: Run, parent: Path, kills: int, seed: int) -> dict[str, object]:
    """Kill so many children and return what was found."""
    rng = random.Random(seed)
    began = time.perf_counter()
    shutil.rmtree(replace(run, run_id="first").save({"tearsheet.html": PAGES[0]}, folder=parent))
    once = time.perf_counter() - began
    landed: collections.Counter[str] = collections.Counter()
    files: collections.Counter[int] = collections.Counter()
    complete, known = 0, set()
    for kill in range(1, kills + 1):
        kill_one(run, parent, rng.uniform(0.0, 4.0 * once))
        new = hidden(parent) - known
        for path in new:
            landed["in a tear sheet" if path.is_file() else f"while {path.suffix[1:]} a folder"] += 1
            if path.is_dir() and path.suffix == ".writing":
                files[sum(file.is_file() for file in path.iterdir())] += 1
        landed["anywhere mid-write"] += bool(new)
        complete += check_visible(run, parent)
        for folder in run_folders(parent):
            shutil.rmtree(folder)
        if kill % CLEAR_EVERY == 0 or kill == kills:
            clear_leftovers(parent)
            if left := list(parent.iterdir()):
                raise AssertionError(f"{left} are left after clearing")
        known = hidden(parent)
    return {
        "kills": kills,
        "seed": seed,
        "landed": dict(sorted(landed.items())),
        "files there when a writer was killed": dict(sorted(files.items())),
        "visible folders, all complete": complete,
    }


def main() -> None:
    """Read the command line, run the campaign and print what was found."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("run", type=Path)
    parser.add_argument("scratch", type=Path)
    parser.add_argument("--kills", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    found = campaign(load_run(arguments.run), arguments.scratch, arguments.kills, arguments.seed)
    sys.stdout.write(f"{json.dumps(found)}\n")


if __name__ == "__main__":
    main()

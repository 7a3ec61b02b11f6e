"""Save a run on disks of many sizes, each too small but for the last, and look at what is left.

    python tests/harm/save_on_full_disk.py tmpfs RUN_FOLDER MOUNT_POINT     (where this process may mount)
    python tests/harm/save_on_full_disk.py limit RUN_FOLDER FOLDER          (anywhere)

``tmpfs`` mounts a file system in memory and gives it one more page each time, then one more inode. ``limit`` sets the
largest size of a file (RLIMIT_FSIZE), which makes the same writes fail with another error. One JSON list is printed:
for each attempt what was told, how many files there were when it failed, and what was left.
"""

from __future__ import annotations

import json
import resource
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from quantstrats import atomic
from quantstrats.errors import RunError
from quantstrats.runs.run import Run, content_hashes, load_run

FRAMES = ("equity", "positions", "transactions", "orders", "trades", "targets")
KIB = 1024


def tmpfs_disks(folder: Path) -> Iterator[str]:
    """Mount ever larger disks, in KiB and then in inodes."""
    for size, inodes in [*((kib, 0) for kib in range(4, 256, 4)), *((0, count) for count in range(2, 20))]:
        options = f"size={size}k,nr_inodes={inodes}"
        subprocess.run(["mount", "-t", "tmpfs", "-o", options, "none", folder], check=True)
        yield options
        subprocess.run(["umount", folder], check=True)


def limits(folder: Path) -> Iterator[str]:
    """Allow ever larger files."""
    _, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    for size in range(0, 32 * KIB, KIB):
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
        yield f"largest file {size}"
        resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))


def attempt(run: Run, parent: Path) -> dict[str, object]:
    """Save once, and say what came of it."""
    files: list[int] = []
    remove = shutil.rmtree

    def counting(path: Path, **options: bool) -> None:
        files.append(sum(file.is_file() for file in Path(path).rglob("*")))
        remove(path, **options)

    atomic.shutil.rmtree = counting
    told, complete = None, False
    try:
        folder = run.save(folder=parent)
        back = load_run(folder)
        complete = content_hashes(**{name: getattr(back, name) for name in FRAMES}) == run.manifest["content"]
        remove(folder)
    except RunError as error:
        told = str(error)
    finally:
        atomic.shutil.rmtree = remove
    left = [path.name for path in parent.iterdir()]
    return {"told": told, "complete": complete, "files": max(files, default=0), "left": left}


def main() -> None:
    """Sweep, and print what was found."""
    kind, stored, folder = sys.argv[1], load_run(Path(sys.argv[2])), Path(sys.argv[3])
    stored.save(folder=folder)  # loads what has to be loaded before anything is limited
    shutil.rmtree(folder / stored.run_id)
    disks = tmpfs_disks(folder) if kind == "tmpfs" else limits(folder)
    sys.stdout.write(json.dumps([{"disk": disk} | attempt(stored, folder) for disk in disks]) + "\n")


if __name__ == "__main__":
    main()

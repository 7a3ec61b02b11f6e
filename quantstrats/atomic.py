"""Folders and files that are complete or absent, whatever happens to the process that writes them.

Everything is written beside its place under a hidden name, brought to the disk, and then renamed. The writer holds a
lock on what it writes, which the system takes back when the writer dies: so a leftover can be told from work in
progress without asking for process numbers, which are used again.
"""

from __future__ import annotations

import errno
import os
import secrets
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

try:
    import fcntl
except ImportError:  # not a POSIX system: no locks, and leftovers are told by their age alone
    fcntl = None  # type: ignore[assignment]

_WRITING, _REMOVING = ".writing", ".removing"
# Where there are no locks on folders (NFS), a leftover is what has not been touched for so long.
_LONG_AGO = 24 * 3600.0  # seconds
_NO_SYNC = (errno.EINVAL, errno.ENOTSUP, errno.EBADF)  # what file systems say that cannot sync a folder


@contextmanager
def whole_folder(folder: Path) -> Iterator[Path]:
    """Give an empty folder to fill; it takes the name ``folder`` when the block ends without an exception.

    Raises
    ------
    OSError
        If it cannot be written, or ``folder`` exists by then and is not empty; nothing is left behind.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    temporary, lock = _locked_folder_beside(folder)
    try:
        yield temporary
        for path in (*temporary.rglob("*"), temporary):
            _sync(path)
        temporary.rename(folder)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
        os.close(lock)
    _sync(folder.parent)


def write_whole(file: Path, content: str | bytes) -> None:
    """Write a file, or replace it, in one step: a reader sees the old content or the new.

    Raises
    ------
    OSError
        If it cannot be written, or is something else than a plain file; what was there stays.
    """
    file = file.resolve()
    if file.exists() and not file.is_file():
        raise OSError(errno.EINVAL, "it is not a plain file", str(file))
    temporary = _name_beside(file, _WRITING)
    try:
        with temporary.open("xb") as stream:
            _lock(stream.fileno(), wait=True)
            stream.write(content.encode() if isinstance(content, str) else content)
            stream.flush()
            os.fsync(stream.fileno())
            temporary.replace(file)
    finally:
        temporary.unlink(missing_ok=True)
    _sync(file.parent)


def remove_whole(folder: Path) -> None:
    """Remove a folder: it loses its name first, so nobody finds half of it.

    Raises
    ------
    OSError
        If it cannot be renamed, or not everything in it can be removed.
    """
    hidden = _name_beside(folder, _REMOVING)
    folder.rename(hidden)
    shutil.rmtree(hidden, ignore_errors=True)
    if hidden.exists():
        raise OSError(errno.EACCES, "not everything in it can be removed", str(hidden))


def clear_leftovers(folder: Path, *, dry_run: bool = False) -> list[Path]:
    """Remove what killed writers left in ``folder`` and in the folders in it, and return it.

    Work in progress of living processes is left alone.

    Parameters
    ----------
    folder : Path
        Where to look; it may not exist.
    dry_run : bool, default False
        Say what would be removed, and remove nothing.
    """
    inside = [path for child in _names(folder) if not is_leftover_name(child.name) for path in _names(child)]
    candidates = [path for path in (*_names(folder), *inside) if is_leftover_name(path.name)]
    return [path for path in candidates if _cleared(path, dry_run)]


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Keep other processes and threads that lock this folder waiting meanwhile, where the system has such locks."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        _lock(handle, wait=True)
        yield
    finally:
        os.close(handle)


def is_leftover_name(name: str) -> bool:
    """Tell the hidden names that are used here while something is written or removed."""
    return name.startswith(".") and name.endswith((_WRITING, _REMOVING))


def _names(folder: Path) -> list[Path]:
    """Return what is in a folder; nothing if it is none, or went away, as things do that others are writing."""
    try:
        return sorted(folder.iterdir())
    except OSError:
        return []


def _cleared(path: Path, dry_run: bool) -> bool:
    try:
        handle = os.open(path, os.O_RDONLY)
    except OSError:  # gone in the meantime, or not ours to open
        return False
    try:
        if not _is_abandoned(handle):
            return False
        if not dry_run and path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        elif not dry_run:
            with suppress(OSError):
                path.unlink()
        return dry_run or not path.exists()
    finally:
        os.close(handle)


def _is_abandoned(handle: int) -> bool:
    try:
        if _lock(handle, wait=False):
            return True
    except BlockingIOError:
        return False
    return time.time() - os.fstat(handle).st_mtime > _LONG_AGO


def _locked_folder_beside(folder: Path) -> tuple[Path, int]:
    """Make a hidden folder beside ``folder`` and return it with the handle that holds its lock."""
    while True:
        temporary = _name_beside(folder, _WRITING)
        temporary.mkdir()
        # Someone who clears leftovers may have taken it for one before it was locked; then it is gone now.
        with suppress(FileNotFoundError):
            handle = os.open(temporary, os.O_RDONLY)
            _lock(handle, wait=True)
            if temporary.exists():
                return temporary, handle
            os.close(handle)


def _lock(handle: int, *, wait: bool) -> bool:
    """Lock an open file or folder and return whether the system can; BlockingIOError if another holds it."""
    if fcntl is None:
        return False
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
    except BlockingIOError:
        raise
    except OSError:  # a file system without locks
        return False
    return True


def _name_beside(path: Path, suffix: str) -> Path:
    return path.with_name(f".{path.name}.{secrets.token_hex(4)}{suffix}")


def _sync(path: Path) -> None:
    """Bring a file or a folder's list of names to the disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    except OSError as error:
        if not (path.is_dir() and error.errno in _NO_SYNC):
            raise
    finally:
        os.close(handle)

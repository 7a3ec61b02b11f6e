"""What a run stood on: versions and hashes of code."""

from __future__ import annotations

import ast
import functools
import importlib.util
import inspect
import os
import platform
import sys
import sysconfig
import time
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, distributions, requires, version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from quantstrats._version import __version__
from quantstrats.hashing import hash_plain, hash_source_files

if TYPE_CHECKING:
    from quantstrats.plugins import Plugins


def describe_code(thing: Any, plugins: Plugins) -> dict[str, str]:
    """Return who provides an object's class, in which version, and a hash of its source file.

    An object whose source cannot be found, as one defined at a prompt, has the hash ``"unknown"``.
    """
    cls = type(thing)
    offer = next((offer for offer in plugins.offers if offer.cls is cls), None)
    try:
        file = inspect.getsourcefile(cls)
        code = hash_source_files([Path(file)]) if file else "unknown"
    except (TypeError, OSError):
        code = "unknown"
    return {
        "name": cls.name,
        "provider": offer.provider if offer else cls.__module__,
        "version": offer.version if offer else "",
        "code_hash": code,
    }


def has_source(cls: type) -> bool:
    """Tell whether the source of a class says all about it: it stands in a file, outside of any function.

    What was typed at a prompt has no file; a class that a function makes depends on what that was called with.
    """
    file = getattr(sys.modules.get(cls.__module__), "__file__", None)
    return file is not None and Path(file).is_file() and "<locals>" not in cls.__qualname__


@functools.cache
def hash_reachable_code(cls: type) -> str:
    """Hash the source of a class's module and of every module of the same hand that it imports, directly or not.

    Of the same hand is what shares its top-level package, and what is not installed: a helper beside a plugin's file.
    What is installed, and quantstrats itself, is in :func:`hash_versions`. The files are read as they are now, which
    says what is running only as long as :func:`edited_code` finds none.
    """
    try:
        return hash_plain([cls.__module__, cls.__qualname__, hash_source_files(reachable_modules(cls).values())])
    except OSError:
        return "unknown"


@functools.cache
def reachable_modules(cls: type) -> dict[str, Path]:
    """Return the module of a class and every module of the same hand that it imports, directly or not, with its file.

    Imports inside functions count, also before they run. What is imported by a computed name is not found.
    """
    found: dict[str, Path] = {}
    waiting = [cls.__module__]
    while waiting:
        name = waiting.pop()
        file = None if name in found else _source_file(name, cls.__module__)
        if file is not None:
            found[name] = file
            waiting += _imported(name, file)
    return found


def edited_code(cls: type) -> list[Path]:
    """Return the files of :func:`reachable_modules` that have changed since this process began.

    Nothing tells whether such a file was imported before the change or after it, so what it holds now need not be
    what runs. Besides the time of its content, the time of its last move counts, since an older file may be put in its
    place; where the system does not know that (Windows), such a file is not found.
    """
    edited = []
    for file in reachable_modules(cls).values():
        try:
            told = file.stat()
        except OSError:
            edited.append(file)
        else:
            edited += [file] if max(told.st_mtime, told.st_ctime) > _BEGAN else []
    return sorted(edited)


def _process_start() -> float:
    """Return when this process began, in seconds since 1970; the present where the system does not tell."""
    try:
        # Fields 3 on of proc(5), behind the program's name in brackets; the start is in ticks since the boot.
        fields = Path("/proc/self/stat").read_bytes().rpartition(b")")[2].split()
        # The end of that tick: nothing is imported so soon, but a file may have been written just before.
        since_boot = (int(fields[19]) + 1) / os.sysconf("SC_CLK_TCK")
        return time.time() - max(time.clock_gettime(time.CLOCK_BOOTTIME) - since_boot, 0.0)
    except (OSError, AttributeError, IndexError, ValueError):
        return time.time()


# Where a process was forked, what its parent had imported by then is older than itself: so this is taken early, as
# learner.py is imported, and the fork inherits it.
_BEGAN = _process_start()


def _source_file(name: str, start: str) -> Path | None:
    """Return the source file of a module that is of the same hand as ``start``; None for any other name."""
    module = sys.modules.get(name)
    if module is None:
        parent = name.rpartition(".")[0]
        if parent and _source_file(parent, start) is None:
            return None  # it is not imported only to be looked at
        try:
            file = getattr(importlib.util.find_spec(name), "origin", None)
        # Finding a module imports the package around it, in which a stranger's code may raise anything.
        except Exception:
            return None
    else:
        file = getattr(module, "__file__", None)
    return Path(file) if file and Path(file).is_file() and of_one_hand(name, Path(file), start) else None


def _imported(name: str, file: Path) -> Iterator[str]:
    """Yield the names of the modules that a source file imports, with the packages around them."""
    is_package = file.stem == "__init__"
    package = name if is_package else name.rpartition(".")[0]
    for node in ast.walk(ast.parse(file.read_bytes())):
        names: list[str] = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            around = package.rsplit(".", node.level - 1)[0] if node.level else ""
            base = ".".join(filter(None, (around, node.module)))
            # What is imported from a package may be a module of it.
            names = [f"{base}.{alias.name}" for alias in node.names]
        for each in names:
            steps = each.split(".")
            yield from (".".join(steps[:count]) for count in range(1, len(steps) + 1))


def of_one_hand(name: str, file: Path, start: str) -> bool:
    """Tell whether a module is written by whoever wrote ``start``: not installed, or of the same package."""
    package = name.partition(".")[0]
    if package in (start.partition(".")[0], "quantstrats"):
        return package != "quantstrats"
    paths = sysconfig.get_paths()
    installed = [Path(paths[kind]) for kind in ("stdlib", "platstdlib", "purelib", "platlib")]
    return file.suffix == ".py" and not any(file.is_relative_to(place) for place in installed)


@functools.cache
def hash_versions() -> str:
    """Hash Python's version, the versions of all installed distributions, and the source of quantstrats."""
    versions = sorted({(point.name or "", point.version) for point in distributions()})
    return hash_plain([platform.python_version(), versions, describe_installation()["code_hash"]])


@functools.cache
def describe_installation() -> dict[str, Any]:
    """Return the versions of Python, of quantstrats and of all it requires, and a hash of its source."""
    package = Path(__file__).parent
    return {
        "quantstrats": __version__,
        "python": platform.python_version(),
        "code_hash": hash_source_files(package.rglob("*.py")),
        "packages": _required_versions(),
    }


def _required_versions() -> dict[str, str]:
    versions = {}
    for requirement in requires("quantstrats") or []:
        if "extra ==" in requirement:
            continue
        name = requirement.split(";")[0].strip()
        for stop in "<>=!~ [(":
            name = name.split(stop)[0]
        try:
            versions[name] = version(name)
        except PackageNotFoundError:
            versions[name] = "missing"
    return dict(sorted(versions.items()))

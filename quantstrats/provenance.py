"""What a run stood on: versions and hashes of code."""

from __future__ import annotations

import functools
import inspect
import platform
import sys
import sysconfig
from importlib.metadata import PackageNotFoundError, distributions, requires, version
from pathlib import Path
from types import ModuleType
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
    """Tell whether the source of a class stands in a file; what was typed at a prompt does not."""
    file = getattr(sys.modules.get(cls.__module__), "__file__", None)
    return file is not None and Path(file).is_file()


@functools.cache
def hash_reachable_code(cls: type) -> str:
    """Hash the source of a class's module and of every module of the same hand that it uses, directly or not.

    Of the same hand is what shares its top-level package, and what is not installed: a helper beside a plugin's file.
    What is installed is known by its version (:func:`hash_versions`).
    """
    start = cls.__module__
    seen: dict[str, Path] = {}
    waiting = [start]
    while waiting:
        name = waiting.pop()
        module = sys.modules.get(name)
        file = getattr(module, "__file__", None)
        if name in seen or module is None or file is None or not _of_one_hand(name, Path(file), start):
            continue
        seen[name] = Path(file)
        for value in list(vars(module).values()):
            used = value.__name__ if isinstance(value, ModuleType) else getattr(value, "__module__", None)
            if isinstance(used, str):
                waiting.append(used)
    try:
        return hash_plain([start, cls.__qualname__, hash_source_files(set(seen.values()))])
    except OSError:
        return "unknown"


def _of_one_hand(name: str, file: Path, start: str) -> bool:
    if name.partition(".")[0] == start.partition(".")[0]:
        return True
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

"""What a run stood on: versions and hashes of code."""

from __future__ import annotations

import functools
import inspect
import platform
from importlib.metadata import PackageNotFoundError, requires, version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from quantstrats._version import __version__
from quantstrats.hashing import hash_source_files

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

"""Importing what strangers wrote: which plugins are installed, patience with them, and why one cannot load."""

from __future__ import annotations

import contextlib
import importlib
import os
import re
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextvars import ContextVar, copy_context
from dataclasses import dataclass
from functools import reduce
from importlib.metadata import Distribution, PackageNotFoundError, distributions, requires
from pathlib import Path
from types import ModuleType
from typing import Any, TypeVar

from quantstrats.errors import ConfigError, PluginError, did_you_mean, in_one_line
from quantstrats.warned import heard

T = TypeVar("T")

ENTRY_POINT_GROUP = "quantstrats"
IMPORT_SECONDS_VARIABLE = "QUANTSTRATS_IMPORT_SECONDS"
_IMPORT_SECONDS = 10.0
_OWN = "quantstrats"
# Frames of these are how an import came about, not where it failed.
_MACHINERY = (
    "<frozen importlib",
    str(Path(importlib.__file__).parent),
    __file__,
    __file__.replace("importing", "plugins"),
    __file__.replace("importing", "warned"),
)
_being_patient: ContextVar[bool] = ContextVar("being_patient", default=False)


@dataclass(frozen=True, order=True)
class EntryPoint:
    """A plugin as an installed distribution names it: ``name = target``."""

    name: str
    target: str
    provider: str
    version: str

    def load(self) -> Any:
        """Import the module, or the object of a module, that it names."""
        module_name, _, path = self.target.partition(":")
        if not all(part.isidentifier() for part in re.split("[.:]", self.target)):
            raise PluginError(
                f"its entry point '{self.name} = {self.target}' names no module; write package.module, or "
                "package.module:object"
            )
        try:
            module = importlib.import_module(module_name)
        except ModuleNotFoundError as missing:
            if missing.name and f"{module_name}.".startswith(f"{missing.name}."):
                raise PluginError(
                    f"its module {missing.name!r} is gone; install {self.provider} again, or uninstall it"
                ) from None
            raise
        try:
            return reduce(getattr, path.split("."), module) if path else module
        except AttributeError:
            known = did_you_mean(path, vars(module))
            raise PluginError(
                f"its entry point names {self.target!r}, and {module_name} has no {path!r}{known}"
            ) from None


def entry_points() -> list[EntryPoint]:
    """Return the plugins that installed distributions name, sorted; a distribution that is found twice counts once."""
    found: dict[tuple[str, str], EntryPoint] = {}
    known = set()
    candidates = [(each, lines) for each in distributions() if (lines := list(_lines_of_group(each)))]
    # An editable install beside the egg-info of its source, or a folder that stands twice on the path, are one
    # distribution. An egg-info may be old: what is installed comes first.
    for distribution, lines in sorted(candidates, key=lambda each: each[0].read_text("METADATA") is None):
        name, version = _name_and_version(distribution)
        provider = name or lines[0][1].partition(":")[0]
        normalised = re.sub(r"[-_.]+", "-", provider).lower()
        if normalised in known:
            continue
        known.add(normalised)
        for plugin, target in lines:
            found.setdefault((normalised, plugin), EntryPoint(plugin, target, provider, version))
    return sorted(found.values())


def _name_and_version(distribution: Distribution) -> tuple[str, str]:
    """Return them as the metadata tells; empty where it cannot be read, as in a folder that an upgrade left behind."""
    try:
        return distribution.metadata["Name"] or "", distribution.metadata["Version"] or ""
    except Exception:  # each version of Python has its own
        return "", ""


def _lines_of_group(distribution: Distribution) -> Iterator[tuple[str, str]]:
    try:
        text = distribution.read_text("entry_points.txt") or ""
    except (OSError, ValueError):  # whoever's it is, it does not concern us
        return
    # Not by importlib.metadata's own parser: one malformed line of any distribution would hide all plugins.
    section = ""
    for line in map(str.strip, text.splitlines() if f"[{ENTRY_POINT_GROUP}]" in text else ()):
        if line.startswith("["):
            section = line.strip("[]").strip()
        elif line and not line.startswith("#") and section == ENTRY_POINT_GROUP:
            name, _, target = line.partition("=")
            yield name.strip(), target.partition("[")[0].strip().replace(" ", "")


class TookTooLong(BaseException):
    """Raised within a plugin's code; not an Exception, so that its own ``except Exception`` does not swallow it."""


class HangingError(PluginError):
    """A plugin's import or its hook takes longer than anyone waits."""


def patiently(load: Callable[[], T]) -> T:
    """Call what imports a stranger's code: for a limited time, with its output on stderr.

    The limit is 10 seconds, or those of the environment variable ``QUANTSTRATS_IMPORT_SECONDS``.

    Raises
    ------
    HangingError
        If it takes longer.
    ConfigError
        If the variable holds no number of seconds.
    """
    if _being_patient.get():  # a plugin's module that loads a market loads all plugins in turn
        return load()
    seconds = _patience()
    token = _being_patient.set(True)
    # What a plugin prints must not end up in the middle of a command's JSON.
    with contextlib.redirect_stdout(sys.stderr):
        try:
            return _with_alarm(load, seconds) if _can_set_alarm() else _in_thread(load, seconds)
        except TookTooLong:
            raise HangingError(
                f"its import takes longer than {seconds:g} s; set {IMPORT_SECONDS_VARIABLE} to wait longer"
            ) from None
        finally:
            _being_patient.reset(token)


def _patience() -> float:
    text = os.environ.get(IMPORT_SECONDS_VARIABLE, "").strip()
    if not text:
        return _IMPORT_SECONDS
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0.0
    if not 0.0 < seconds <= threading.TIMEOUT_MAX:
        raise ConfigError(f"{IMPORT_SECONDS_VARIABLE} is {text!r}; give a number of seconds above 0")
    return seconds


def _can_set_alarm() -> bool:
    return (
        hasattr(signal, "setitimer")
        and threading.current_thread() is threading.main_thread()
        and signal.getitimer(signal.ITIMER_REAL)[0] == 0.0
    )


def _with_alarm(load: Callable[[], T], seconds: float) -> T:
    """Call it here, as a plain import would: event loops, numpy's error state and the like belong to a thread."""

    def give_up(*_: Any) -> None:
        raise TookTooLong

    before = signal.signal(signal.SIGALRM, give_up)
    try:
        # Again each second, for those who catch everything.
        signal.setitimer(signal.ITIMER_REAL, seconds, 1.0)
        return load()
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0.0)
        signal.signal(signal.SIGALRM, signal.SIG_DFL if before is None else before)


def _in_thread(load: Callable[[], T], seconds: float) -> T:
    """Call it in a thread that can be left behind: where there are no alarms."""
    outcome: list[T] = []
    failures: list[BaseException] = []

    def run() -> None:
        try:
            outcome.append(load())
        except BaseException as error:
            failures.append(error)

    # In this thread's context: who hears it, and that someone is patient already.
    thread = threading.Thread(target=copy_context().run, args=(run,), name="quantstrats-import", daemon=True)
    thread.start()
    thread.join(seconds)
    if failures:
        raise failures[0]
    if not outcome:
        raise TookTooLong
    return outcome[0]


def load_file(path: Path, shown: str) -> ModuleType:
    """Import a file as a module of its own.

    The same content is imported once in a process. The file's folder is not searched for what it imports: two
    folders may have a ``helper.py`` each, and the second file would get the first one's.

    Parameters
    ----------
    path : Path
        The absolute path.
    shown : str
        How the user called it, for messages.

    Raises
    ------
    PluginError
        If it cannot be read or imported.
    """
    import hashlib

    try:
        source = path.read_bytes()
    except FileNotFoundError:
        folder = path.parent
        near = did_you_mean(path.name, (file.name for file in folder.glob("*.py")))
        raise PluginError(f"there is no file {shown}{near} (in {folder})") from None
    except IsADirectoryError:
        raise PluginError(f"{shown} is a folder; name a file") from None
    except OSError as error:
        raise PluginError(f"{shown} cannot be read: {error.strerror}") from None
    digest = hashlib.sha256(str(path).encode() + b"\0" + source).hexdigest()[:16]
    name = f"quantstrats_file_{re.sub(r'[^A-Za-z0-9_]', '_', path.stem)}_{digest}"
    if name in sys.modules:
        return sys.modules[name]
    module = ModuleType(name)
    module.__file__ = str(path)
    sys.modules[name] = module  # dataclasses look for it there

    def run() -> None:
        # Compiled here, since Python's own cache knows a file by its time and size alone.
        exec(compile(source, str(path), "exec", dont_inherit=True), vars(module))  # noqa: S102 - the user names the file

    try:
        patiently(lambda: heard(f"plugin {path.name!r}", name, run))
    except KeyboardInterrupt:
        sys.modules.pop(name, None)
        raise
    except PluginError as error:
        sys.modules.pop(name, None)
        raise type(error)(f"{shown}: {error}") from None
    # A stranger's file may raise anything; native code even what is no Exception.
    except BaseException as error:
        sys.modules.pop(name, None)
        neighbour = ""
        if isinstance(error, ModuleNotFoundError) and (path.parent / f"{error.name}.py").exists():
            neighbour = f"; it cannot see {error.name}.py beside it: make a package of both, or set PYTHONPATH"
        raise PluginError(f"{shown}: {why(error)}{neighbour}") from None
    return module


def why(error: BaseException, provider: str = "") -> str:
    """Return why a plugin's code failed: the error, the line of its file, and what to install.

    Parameters
    ----------
    error : BaseException
        What it raised.
    provider : str, optional
        The distribution it comes from, whose extras may bring a module that is missing.
    """
    import traceback

    try:
        text = in_one_line(error)
    except Exception:  # its own text fails
        text = type(error).__name__
    if isinstance(error, SyntaxError) and error.filename:
        text, place = f"{type(error).__name__}: {error.msg}", f"{Path(error.filename).name} line {error.lineno}"
    else:
        frames = traceback.extract_tb(error.__traceback__)
        own = [frame for frame in frames if not frame.filename.startswith(_MACHINERY)]
        place = f"{Path(own[0].filename).name} line {own[0].lineno}" if own else ""
    return f"{text}{f' ({place})' if place else ''}{how_to_install(error, provider)}"


def how_to_install(error: BaseException | None, provider: str = "") -> str:
    """Return ``"; pip install 'quantstrats[ml-cpu]' brings it"`` for a missing module that an extra would bring.

    Of several extras the one for machines without a GPU, whose download is a small part of the other's. Nothing is
    guessed: where no extra of the provider or of quantstrats brings it, the text is empty.
    """
    if isinstance(error, ImportError) and not isinstance(error, ModuleNotFoundError):
        error = error.__cause__
    if not isinstance(error, ModuleNotFoundError) or not error.name:
        return ""
    module = error.name.partition(".")[0]
    for distribution in dict.fromkeys(filter(None, (provider, _OWN))):
        bring = [extra for extra, requirement in _extras(distribution) if _may_bring(requirement, module)]
        if bring:
            extra = next((each for each in bring if each.endswith("-cpu")), bring[0])
            return f"; pip install '{distribution}[{extra}]' brings it"
    return ""


def _extras(distribution: str) -> Iterator[tuple[str, str]]:
    """Yield the extras of a distribution, with what each requires."""
    try:
        requirements = requires(distribution) or []
    except (PackageNotFoundError, ValueError):
        return
    for requirement in requirements:
        extra = re.search(r"""extra\s*==\s*["']([^"']+)["']""", requirement)
        name = re.match(r"[A-Za-z0-9._-]+", requirement)
        if extra and name:
            yield extra[1], name[0]


def _may_bring(distribution: str, module: str) -> bool:
    """Tell whether a distribution's name is one that its module goes by: scikit-learn is imported as sklearn."""
    brings = re.sub("[-_.]", "", distribution.lower())
    wanted = module.lower().replace("_", "")
    if brings.startswith("scikit"):
        brings = f"sk{brings.removeprefix('scikit')}"
    beside = ("py", "python", "cpu", "gpu", "binary")
    return brings in {wanted, f"py{wanted}", f"python{wanted}", *(f"{wanted}{word}" for word in beside)}

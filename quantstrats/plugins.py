"""What the installed plugins offer: discovery through entry points, and look-up by name."""

from __future__ import annotations

import dataclasses
import functools
import inspect
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pluggy

from quantstrats import hookspecs
from quantstrats.errors import ConfigError, PluginError, did_you_mean
from quantstrats.importing import EntryPoint, HangingError, TookTooLong, entry_points, load_file, patiently, why
from quantstrats.progress import stage
from quantstrats.warned import heard

KINDS = ("signal", "source", "allocator", "broker", "report")
_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*")  # it becomes part of a run's folder
# What a class must derive from to be offered as each kind; by name, since these modules stand in layers above.
_BASES = {
    "signal": "quantstrats.signals.Signal",
    "source": "quantstrats.market.sources.base.Source",
    "allocator": "quantstrats.portfolio.allocation.Allocator",
}


@dataclass(frozen=True)
class Offer:
    """One class offered by one plugin.

    Attributes
    ----------
    kind : str
        One of ``KINDS``.
    name : str
        The name by which users ask for it.
    provider : str
        The distribution (or the plugin, when registered by hand; or the file, by its absolute path) that offers it.
    version : str
        The provider's version, empty if unknown.
    cls : type
        The class itself.
    """

    kind: str
    name: str
    provider: str
    version: str
    cls: type

    @property
    def from_file(self) -> bool:
        """Whether it was loaded from a file rather than installed: its provider is the file's path."""
        return Path(self.provider).is_absolute()


@dataclass(frozen=True)
class Trouble:
    """Why a plugin was skipped, or a name cannot be asked for.

    Attributes
    ----------
    plugin : str
        The plugin, or the name.
    provider : str
        The distribution that it comes from; several, with commas, for a name that more than one offers.
    reason : str
        One line.
    skipped : bool
        False for a name that more than one plugin offers: they are all there.
    hung : bool
        Whether it was waited for in vain.
    """

    plugin: str
    provider: str
    reason: str
    skipped: bool = True
    hung: bool = False

    @property
    def line(self) -> str:
        """All of it in one line."""
        return f"{'skipped' if self.skipped else 'ambiguous'}: {self.plugin} of {self.provider}: {self.reason}"


@dataclass
class Plugins:
    """A set of plugins: empty when made, or everything installed (:meth:`installed`).

    Attributes
    ----------
    offers : list of Offer
        All that can be asked for, in the order of registration.
    """

    offers: list[Offer] = field(default_factory=list)
    _skipped: list[Trouble] = field(default_factory=list, init=False, repr=False)
    _manager: pluggy.PluginManager = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self._manager = pluggy.PluginManager(hookspecs.PROJECT)
        self._manager.add_hookspecs(hookspecs)

    @classmethod
    def installed(cls) -> Plugins:
        """Load every entry point of the group ``quantstrats``; a broken one is named in ``troubles``.

        Each is given 10 seconds, or those of the environment variable ``QUANTSTRATS_IMPORT_SECONDS``.
        """
        plugins = cls()
        for entry in entry_points():
            plugins._load(entry)
        return plugins

    @property
    def troubles(self) -> list[Trouble]:
        """All that was skipped, and every name that more than one plugin offers, with the reason."""
        offered: dict[tuple[str, str], list[Offer]] = {}
        for offer in self.offers:
            if not offer.from_file:
                offered.setdefault((offer.kind, offer.name), []).append(offer)
        clashes = [
            Trouble(
                name, ", ".join(offer.provider for offer in offers), f"the {kind} {_told_apart(name, offers)}", False
            )
            for (kind, name), offers in offered.items()
            if len(offers) > 1
        ]
        return [*self._skipped, *clashes]

    def register(self, plugin: Any, name: str | None = None, *, provider: str = "", version: str = "") -> None:
        """Add one plugin: a module, or any object, with functions marked ``@hookimpl``.

        Parameters
        ----------
        plugin : object
            The module or object that implements hooks.
        name : str, optional
            What to call it in messages; by default its own name.
        provider, version : str, optional
            The distribution it comes from; by default the plugin's name.

        Raises
        ------
        PluginError
            If it implements a hook that does not exist, or offers what does not fit its kind.
        """
        label = name or str(getattr(plugin, "__name__", type(plugin).__name__))
        if inspect.isclass(plugin):
            raise PluginError(f"plugin {label!r} is a class; register an object of it, as in {plugin.__name__}()")
        self._refuse_unknown_hooks(plugin, label)
        full_name = f"{provider}:{label}" if provider else label
        if self._manager.has_plugin(full_name):
            raise PluginError(f"plugin {full_name!r} is registered already")
        if self._manager.is_registered(plugin):
            raise PluginError(f"plugin {full_name!r} is registered already, as {self._manager.get_name(plugin)!r}")
        try:
            self._manager.register(plugin, full_name)
            self._refuse_no_hooks(plugin, label)
            self.offers.extend(self._collect(plugin, label, provider or label, version))
        except pluggy.PluginValidationError as error:
            self._forget(full_name)
            raise PluginError(f"plugin {label!r}: {' '.join(str(error).split())}") from None
        except BaseException:
            self._forget(full_name)
            raise

    def signal(self, name: str) -> type:
        """Return the signal class called ``name`` (or ``provider:name``)."""
        return self.find("signal", name).cls

    def find(self, kind: str, name: str, folder: Path | None = None) -> Offer:
        """Return the one offer of this kind and name.

        Parameters
        ----------
        kind : str
            One of ``KINDS``.
        name : str
            ``"momentum"``; ``"acme:momentum"``, of one provider; ``"./mine.py"``, the one of its kind that a file
            offers; ``"./mine.py:momentum"``, one of several. A file is imported at its first use.
        folder : Path, optional
            Where a file's relative path starts from; by default the working directory.

        Raises
        ------
        PluginError
            If there is none, if two plugins offer it, or if the file cannot be imported.
        """
        provider, _, plain = name.rpartition(":")
        found = [offer for offer in self._named(kind, plain) if provider in ("", offer.provider)]
        if len(found) == 1:
            return found[0]
        if found:
            raise PluginError(f"{kind} {plain!r} {_told_apart(plain, found)}")
        if file := _file_and_name(name):
            return self._find_in_file(kind, *file, folder)
        raise PluginError(self._not_found(kind, name))

    def all_named(self, name: str) -> list[Offer]:
        """Return the offers of a name, or of a file, whatever their kind; the name is one that :meth:`find` takes.

        Raises
        ------
        PluginError
            If there is none, or the file cannot be imported.
        """
        provider, _, plain = name.rpartition(":")
        found = [each for kind in KINDS for each in self._named(kind, plain) if provider in ("", each.provider)]
        if file := None if found else _file_and_name(name):
            found = [offer for offer in self._offers_of_file(file[0], None) if file[1] in ("", offer.name)]
        if not found:
            raise PluginError(self._not_found("plugin", name))
        return found

    def reference(self, kind: str, cls: type) -> str:
        """Return the name by which a stored configuration finds a class again.

        It is the plain name where that finds this very class, ``provider:name`` where others bear it too or where it
        comes from a file. A class that no plugin offers has its module for a provider where its name is taken.
        """
        name: str = cls.name  # type: ignore[attr-defined]  # classes of every kind have one
        namesakes = self._named(kind, name)
        own = next((offer for offer in self.offers if offer.kind == kind and offer.cls is cls), None)
        if namesakes == ([own] if own else []):
            return name
        return f"{own.provider if own else cls.__module__}:{name}"

    def implementations(self, hook: str) -> Iterator[tuple[str, Callable[..., Any]]]:
        """Yield each plugin that implements ``hook``, with a function that calls it alone, by keywords."""
        for implementation in getattr(self._manager.hook, hook).get_hookimpls():
            yield implementation.plugin_name, functools.partial(_call, implementation)

    def _load(self, entry: EntryPoint) -> None:
        def load() -> None:
            plugin = heard(f"plugin {entry.name!r}", entry.target.partition(":")[0], entry.load)
            self.register(plugin, entry.name, provider=entry.provider, version=entry.version)

        try:
            with stage(f"importing {entry.name}"):
                patiently(load)
        except PluginError as error:
            hung = isinstance(error, HangingError)
            self._skipped.append(Trouble(entry.name, entry.provider, str(error), hung=hung))
        except (KeyboardInterrupt, TookTooLong, ConfigError):
            raise
        # Whatever a stranger's module raises concerns that plugin alone; native code raises even what is no Exception.
        except BaseException as error:
            self._skipped.append(Trouble(entry.name, entry.provider, why(error, entry.provider)))

    def _named(self, kind: str, name: str) -> list[Offer]:
        """Return the installed offers of a name; those of files are asked for by their file."""
        return [offer for offer in self.offers if (offer.kind, offer.name) == (kind, name) and not offer.from_file]

    def _offers_of_file(self, file: str, folder: Path | None) -> list[Offer]:
        path = Path(folder or "", Path(file).expanduser()).resolve()
        if not self._manager.has_plugin(f"{path}:{path.name}"):
            module = load_file(path, file)
            try:
                patiently(lambda: self.register(module, path.name, provider=str(path)))
            except HangingError as error:
                raise HangingError(f"{file}: {error}") from None
        return [offer for offer in self.offers if offer.provider == str(path)]

    def _find_in_file(self, kind: str, file: str, name: str, folder: Path | None) -> Offer:
        offers = [offer for offer in self._offers_of_file(file, folder) if offer.kind == kind]
        names = ", ".join(offer.name for offer in offers)
        if not offers:
            raise PluginError(f"{file} offers no {kind}; call register({kind.title()}Class) in its register_{kind}s")
        if not name and len(offers) > 1:
            raise PluginError(f"{file} offers {len(offers)} {kind}s: {names}; say {file}:{offers[0].name}")
        found = [offer for offer in offers if name in ("", offer.name)]
        if not found:
            raise PluginError(
                f"{file} offers no {kind} {name!r}{did_you_mean(name, names.split(', '))} (it has {names})"
            )
        return found[0]

    def _forget(self, full_name: str) -> None:
        """Take back a plugin that was refused; some versions of pluggy know half of it by then."""
        if self._manager.has_plugin(full_name):
            self._manager.unregister(name=full_name)

    def _refuse_unknown_hooks(self, plugin: Any, name: str) -> None:
        known = [spec for spec in vars(hookspecs) if hasattr(getattr(hookspecs, spec), f"{hookspecs.PROJECT}_spec")]
        for attribute in dir(plugin):
            marks = self._manager.parse_hookimpl_opts(plugin, attribute)
            if not marks:
                continue
            hook = marks.get("specname") or attribute
            if hook not in known:
                raise PluginError(f"plugin {name!r}: there is no hook {hook!r}{did_you_mean(hook, known)}")
            if marks.get("wrapper") or marks.get("hookwrapper"):
                raise PluginError(f"plugin {name!r}: {hook} is marked as a wrapper; hooks collect or announce")

    def _refuse_no_hooks(self, plugin: Any, name: str) -> None:
        if not self._manager.get_hookcallers(plugin):
            raise PluginError(f"plugin {name!r} {_why_no_hook(plugin)}")

    def _collect(self, plugin: Any, name: str, provider: str, version: str) -> list[Offer]:
        offers: list[Offer] = []

        def register(kind: str, cls: Any) -> None:
            if not inspect.isclass(cls):
                raise PluginError(f"plugin {name!r}: register a {kind} class, not {cls!r}")
            called = check_class(kind, cls, f"plugin {name!r}: {kind} {cls.__name__}")
            offer = Offer(kind, called, provider, version, cls)
            same = [o for o in [*self.offers, *offers] if (o.kind, o.name, o.provider) == (kind, offer.name, provider)]
            if same:
                raise PluginError(f"plugin {name!r}: {provider} offers the {kind} {offer.name!r} already")
            offers.append(offer)

        for kind in KINDS:
            hook = f"register_{kind}s"
            for implementation in getattr(self._manager.hook, hook).get_hookimpls():
                if implementation.plugin is not plugin:
                    continue
                call = functools.partial(_call, implementation, register=functools.partial(register, kind))
                try:
                    heard(f"plugin {name!r}", str(implementation.function.__module__), call)
                except PluginError:
                    raise
                # A stranger's function may raise anything; the one who registers it wants to know where.
                except (Exception, SystemExit) as error:
                    raise PluginError(f"plugin {name!r} failed in {hook}: {why(error, provider)}") from error
        return offers

    def _not_found(self, kind: str, name: str) -> str:
        provider, _, plain = name.rpartition(":")
        for trouble in self._skipped:
            if trouble.plugin == plain and provider in ("", trouble.provider):
                return f"{kind} {plain!r} of {trouble.provider} could not be loaded: {trouble.reason}"
        kinds = KINDS if kind == "plugin" else (kind,)
        known = [offer.name for offer in self.offers if offer.kind in kinds and not offer.from_file]
        return f"no {kind} called {name!r}{did_you_mean(plain, known)} (quantstrats plugins lists all)"


def _file_and_name(name: str) -> tuple[str, str] | None:
    """Return the file that a name means, and which of its offers if it says so; None if it means no file."""
    file, _, offer = name.rpartition(":")
    if name.endswith(".py"):
        return name, ""
    return (file, offer) if file.endswith(".py") else None


def _told_apart(name: str, offers: list[Offer]) -> str:
    choices = " or ".join(f"{offer.provider}:{name}" for offer in offers)
    return f"is offered by more than one plugin; say {choices}"


def _why_no_hook(plugin: Any) -> str:
    """Return what a plugin without a hook lacks; its author has forgotten the mark, or the function."""
    unmarked = [hook for hook in (f"register_{kind}s" for kind in KINDS) if callable(getattr(plugin, hook, None))]
    if unmarked:
        return f"implements no hook; put @hookimpl above its {unmarked[0]}"
    module = getattr(plugin, "__name__", None)
    for cls in vars(plugin).values() if inspect.ismodule(plugin) else ():
        if inspect.isclass(cls) and cls.__module__ == module and (kind := kind_of(cls)) and not inspect.isabstract(cls):
            return (
                f"defines the {kind} {cls.__name__} and offers nothing; add a function register_{kind}s(register), "
                f"marked @hookimpl, that calls register({cls.__name__})"
            )
    return "implements no hook; put @hookimpl above its functions"


def _call(implementation: pluggy.HookImpl, **facts: Any) -> Any:
    """Call one plugin's function with those of the facts that it takes, as pluggy would."""
    return implementation.function(*(facts[name] for name in implementation.argnames))


def kind_of(cls: type) -> str | None:
    """Return the kind of plugin that a class is or derives from; None if it is none of those with a base class."""
    ancestors = [f"{ancestor.__module__}.{ancestor.__qualname__}" for ancestor in cls.__mro__]
    return next((kind for kind, base in _BASES.items() if base in ancestors), None)


def check_class(kind: str, cls: Any, who: str) -> str:
    """Check that a class is what its kind must be, and return the name by which users ask for it.

    Raises
    ------
    PluginError
        That begins with ``who``, if it has no usable name, does not derive from its base, leaves methods undefined,
        or is not a frozen dataclass.
    """
    name = getattr(cls, "name", None)
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise PluginError(f"{who} has no name; write name = '...' in its body, of letters, digits, '_', '-' and '.'")
    if kind in _BASES and kind_of(cls) != kind:
        raise PluginError(f"{who} does not derive from quantstrats.{kind.title()}")
    if dataclasses.is_dataclass(cls) and any(field.name == "name" for field in dataclasses.fields(cls)):
        raise PluginError(f"{who}: name is annotated, and so a parameter; write name = '...' alone")
    lacking = sorted(getattr(cls, "__abstractmethods__", ()))
    if lacking:
        raise PluginError(f"{who} does not define {lacking[0]}")
    # Its own decorator, not an inherited one: without it the fields in its body would be no parameters.
    decorated = vars(cls).get("__dataclass_params__")
    if decorated is None or not decorated.frozen:
        raise PluginError(f"{who} is no frozen dataclass; put @dataclass(frozen=True) above it")
    return name

"""What the installed plugins offer: discovery through entry points, and look-up by name."""

from __future__ import annotations

import dataclasses
import functools
import inspect
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from importlib.metadata import EntryPoint, entry_points
from typing import Any

import pluggy

from quantstrats import hookspecs
from quantstrats.errors import PluginError, did_you_mean, in_one_line

ENTRY_POINT_GROUP = "quantstrats"
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
        The distribution (or the plugin, when registered by hand) that offers it.
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
        return self.provider.endswith(".py")


@dataclass(frozen=True)
class Trouble:
    """Why a plugin, or one of its offers, was skipped."""

    plugin: str
    provider: str
    reason: str


@dataclass
class Plugins:
    """A set of plugins: empty when made, or everything installed (:meth:`installed`).

    Attributes
    ----------
    offers : list of Offer
        All that can be asked for, in the order of registration.
    troubles : list of Trouble
        All that was skipped, with the reason.
    """

    offers: list[Offer] = field(default_factory=list)
    troubles: list[Trouble] = field(default_factory=list)
    _manager: pluggy.PluginManager = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self._manager = pluggy.PluginManager(hookspecs.PROJECT)
        self._manager.add_hookspecs(hookspecs)

    @classmethod
    def installed(cls) -> Plugins:
        """Load every entry point of the group ``quantstrats``; a broken one is named in ``troubles``."""
        plugins = cls()
        for entry in sorted(entry_points(group=ENTRY_POINT_GROUP), key=lambda point: (point.name, point.value)):
            plugins._load(entry)
        return plugins

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
        if self._manager.has_plugin(full_name) or self._manager.is_registered(plugin):
            raise PluginError(f"plugin {full_name!r} is registered already")
        try:
            self._manager.register(plugin, full_name)
        except pluggy.PluginValidationError as error:
            self._forget(full_name)
            raise PluginError(f"plugin {label!r}: {' '.join(str(error).split())}") from None
        if not self._manager.get_hookcallers(plugin):
            self._forget(full_name)
            raise PluginError(f"plugin {label!r} implements no hook; put @hookimpl above its functions")
        try:
            self.offers.extend(self._collect(plugin, label, provider or label, version))
        except PluginError:
            self._forget(full_name)
            raise

    def signal(self, name: str) -> type:
        """Return the signal class called ``name`` (or ``provider:name``)."""
        return self.find("signal", name).cls

    def find(self, kind: str, name: str) -> Offer:
        """Return the one offer of this kind and name.

        Raises
        ------
        PluginError
            If there is none, or if two plugins offer it; ``provider:name`` tells them apart.
        """
        provider, _, plain = name.rpartition(":")
        found = [
            offer
            for offer in self.offers
            if offer.kind == kind and offer.name == plain and provider in ("", offer.provider)
        ]
        if len(found) == 1:
            return found[0]
        if found:
            choices = " or ".join(f"{offer.provider}:{offer.name}" for offer in found)
            raise PluginError(f"{kind} {plain!r} is offered by more than one plugin; say {choices}")
        raise PluginError(self._not_found(kind, name))

    def reference(self, kind: str, cls: type) -> str:
        """Return the name by which a stored configuration finds a class again.

        It is the plain name where that finds this very class, ``provider:name`` where another class bears it too or the
        provider is a file. A class that no plugin offers has its module for a provider where its name is taken.
        """
        name: str = cls.name  # type: ignore[attr-defined]  # of each kind's classes
        namesakes = [offer for offer in self.offers if offer.kind == kind and offer.name == name]
        own = next((offer for offer in namesakes if offer.cls is cls), None)
        if len(namesakes) == (own is not None) and not (own and own.from_file):
            return name
        return f"{own.provider if own else cls.__module__}:{name}"

    def implementations(self, hook: str) -> Iterator[tuple[str, Callable[..., Any]]]:
        """Yield each plugin that implements ``hook``, with a function that calls it alone, by keywords."""
        for implementation in getattr(self._manager.hook, hook).get_hookimpls():
            yield implementation.plugin_name, functools.partial(_call, implementation)

    def _load(self, entry: EntryPoint) -> None:
        provider = entry.dist.name if entry.dist else entry.module
        version = entry.dist.version if entry.dist else ""
        try:
            self.register(entry.load(), entry.name, provider=provider, version=version)
        except PluginError as error:
            self.troubles.append(Trouble(entry.name, provider, str(error)))
        # Whatever a stranger's module raises while it is imported concerns that plugin alone.
        except (Exception, SystemExit) as error:
            self.troubles.append(Trouble(entry.name, provider, in_one_line(error)))

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
                try:
                    _call(implementation, register=functools.partial(register, kind))
                except PluginError:
                    raise
                # A stranger's function may raise anything; the one who registers it wants to know where.
                except Exception as error:
                    raise PluginError(f"plugin {name!r} failed in {hook}: {in_one_line(error)}") from error
        return offers

    def _not_found(self, kind: str, name: str) -> str:
        provider, _, plain = name.rpartition(":")
        for trouble in self.troubles:
            if trouble.plugin == plain and provider in ("", trouble.provider):
                return f"{kind} {plain!r} of {trouble.provider} could not be loaded: {trouble.reason}"
        known = [offer.name for offer in self.offers if offer.kind == kind]
        return f"no {kind} called {name!r}{did_you_mean(plain, known)} (quantstrats plugins lists all)"


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

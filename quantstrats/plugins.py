"""What the installed plugins offer: discovery through entry points, and look-up by name."""

from __future__ import annotations

import dataclasses
import inspect
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from importlib.metadata import EntryPoint, entry_points
from typing import Any

import pluggy

from quantstrats import hookspecs
from quantstrats.errors import PluginError, did_you_mean

ENTRY_POINT_GROUP = "quantstrats"
KINDS = ("signal", "source", "allocator", "broker", "report")
# What a class must define to be offered as each kind.
_NEEDED_METHODS = {
    "signal": ("warmup", "forecast"),
    "source": ("load",),
    "allocator": ("weights",),
    "broker": (),
    "report": (),
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
        name = name or getattr(plugin, "__name__", type(plugin).__name__)
        self._refuse_unknown_hooks(plugin, name)
        offers = self._collect(plugin, name, provider or name, version)
        try:
            self._manager.register(plugin, f"{provider}:{name}" if provider else name)
        except (ValueError, pluggy.PluginValidationError) as error:
            raise PluginError(f"plugin {name!r}: {error}") from None
        self.offers.extend(offers)

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

    def implementations(self, hook: str) -> Iterator[tuple[str, Callable[..., Any]]]:
        """Yield each plugin that implements ``hook``, with a function that calls it alone."""
        caller = getattr(self._manager.hook, hook)
        everyone = {implementation.plugin for implementation in caller.get_hookimpls()}
        for implementation in caller.get_hookimpls():
            others = everyone - {implementation.plugin}
            yield implementation.plugin_name, self._manager.subset_hook_caller(hook, others)

    def _load(self, entry: EntryPoint) -> None:
        provider = entry.dist.name if entry.dist else entry.module
        version = entry.dist.version if entry.dist else ""
        try:
            self.register(entry.load(), entry.name, provider=provider, version=version)
        except PluginError as error:
            self.troubles.append(Trouble(entry.name, provider, str(error)))
        # Whatever a stranger's module raises while it is imported concerns that plugin alone.
        except Exception as error:  # noqa: BLE001
            self.troubles.append(Trouble(entry.name, provider, f"{type(error).__name__}: {error}"))

    def _refuse_unknown_hooks(self, plugin: Any, name: str) -> None:
        known = [spec for spec in vars(hookspecs) if hasattr(getattr(hookspecs, spec), f"{hookspecs.PROJECT}_spec")]
        for attribute in dir(plugin):
            marks = self._manager.parse_hookimpl_opts(plugin, attribute)
            hook = marks and (marks.get("specname") or attribute)
            if hook and hook not in known:
                raise PluginError(f"plugin {name!r}: there is no hook {hook!r}{did_you_mean(hook, known)}")

    def _collect(self, plugin: Any, name: str, provider: str, version: str) -> list[Offer]:
        offers: list[Offer] = []
        for kind in KINDS:
            function = getattr(plugin, f"register_{kind}s", None)
            if function is None or not self._manager.parse_hookimpl_opts(plugin, f"register_{kind}s"):
                continue

            def register(cls: type, kind: str = kind) -> None:
                _check_offer(kind, cls, name)
                offers.append(Offer(kind, cls.name, provider, version, cls))  # type: ignore[attr-defined]

            function(register)
        return offers

    def _not_found(self, kind: str, name: str) -> str:
        known = [offer.name for offer in self.offers if offer.kind == kind]
        skipped = next((trouble for trouble in self.troubles if trouble.plugin == name), None)
        if skipped:
            return f"{kind} {name!r} of {skipped.provider} could not be loaded: {skipped.reason}"
        return f"no {kind} called {name!r}{did_you_mean(name, known)} (quantstrats plugins lists all)"


def _check_offer(kind: str, cls: Any, plugin: str) -> None:
    if not inspect.isclass(cls):
        raise PluginError(f"plugin {plugin!r}: register a {kind} class, not {cls!r}")
    if not isinstance(getattr(cls, "name", None), str):
        raise PluginError(f"plugin {plugin!r}: {kind} {cls.__name__} has no name; write name = '...' in its body")
    lacking = [m for m in _NEEDED_METHODS[kind] if not callable(getattr(cls, m, None))]
    lacking += sorted(getattr(cls, "__abstractmethods__", ()))
    if lacking:
        raise PluginError(f"plugin {plugin!r}: {kind} {cls.name!r} does not define {lacking[0]}")
    if not (dataclasses.is_dataclass(cls) and cls.__dataclass_params__.frozen):  # type: ignore[attr-defined]
        raise PluginError(f"plugin {plugin!r}: put @dataclass(frozen=True) above {kind} {cls.name!r}")

"""The contract: all that a plugin can do, on one screen.

A plugin is a module that implements any of these hooks and is named by an entry point of the group
``quantstrats``. Hooks collect or announce. None of them transforms a value.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pluggy

if TYPE_CHECKING:
    from quantstrats.events import Decision, OrderChange, RunStarted, TradeClosed
    from quantstrats.features.definition import Feature

PROJECT = "quantstrats"

hookspec = pluggy.HookspecMarker(PROJECT)
hookimpl = pluggy.HookimplMarker(PROJECT)

Register = Callable[[type], None]
RegisterFeature = Callable[["Feature"], None]


@hookspec
def register_signals(register: Register) -> None:
    """Offer signals: call ``register(SignalClass)`` for each."""


@hookspec
def register_sources(register: Register) -> None:
    """Offer sources of bars: call ``register(SourceClass)`` for each."""


@hookspec
def register_allocators(register: Register) -> None:
    """Offer allocators: call ``register(AllocatorClass)`` for each."""


@hookspec
def register_brokers(register: Register) -> None:
    """Offer brokers for live trading: call ``register(BrokerClass)`` for each."""


@hookspec
def register_reports(register: Register) -> None:
    """Offer reports of a run: call ``register(ReportClass)`` for each."""


@hookspec
def register_features(register: RegisterFeature) -> None:
    """Offer features: call ``register(function)`` for each function that is marked ``@feature(...)``."""


@hookspec
def run_started(run: RunStarted) -> None:
    """Hear that a run begins."""


@hookspec
def decided(decision: Decision) -> None:
    """Hear each decision, before its orders leave."""


@hookspec
def order_changed(order: OrderChange) -> None:
    """Hear each change of an order: submitted, accepted, filled, refused, cancelled."""


@hookspec
def trade_closed(trade: TradeClosed) -> None:
    """Hear each round trip when it ends."""


@hookspec
def run_finished(run: Any) -> None:
    """Hear that a run ended; ``run`` is the :class:`quantstrats.runs.run.Run`."""

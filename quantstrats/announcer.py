"""Announcer: tells plugins what happens, and survives those that fail."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from quantstrats.errors import in_one_line
from quantstrats.warned import heard

if TYPE_CHECKING:
    from quantstrats.plugins import Plugins

ANNOUNCEMENTS = ("run_started", "decided", "order_changed", "trade_closed", "run_finished")


class Announcer:
    """Tells facts to the plugins that want to hear them.

    A listener that raises is told nothing more of that kind; the run goes on.

    Attributes
    ----------
    failures : list of str
        One line for each listener that raised.
    """

    def __init__(self, plugins: Plugins) -> None:
        self._listeners = {hook: list(plugins.implementations(hook)) for hook in ANNOUNCEMENTS}
        self.failures: list[str] = []

    def hears(self, hook: str) -> bool:
        """Tell whether anyone listens, so that facts need not be made for nobody."""
        return bool(self._listeners[hook])

    def tell(self, hook: str, **fact: Any) -> None:
        """Tell a fact to every listener of ``hook``."""
        for listener in list(self._listeners[hook]):
            plugin, call = listener
            try:
                heard(f"plugin {plugin!r}", "", partial(call, **fact))
            # A stranger's listener may raise anything, and must not harm the run it listens to.
            except (Exception, SystemExit) as error:
                self._listeners[hook].remove(listener)
                self.failures.append(f"plugin {plugin!r} failed in {hook}: {in_one_line(error)}")

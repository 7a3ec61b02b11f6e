"""quantstrats: trading-strategy plugins on Backtrader.

The public surface is what ``__all__`` names; every name loads on first use (PEP 562), so that importing the
package costs nothing.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from quantstrats._version import __version__

if TYPE_CHECKING:
    from quantstrats import drawing, factors, features, labels, models, pairs, positions, splits
    from quantstrats.api import backtest, backtest_config
    from quantstrats.errors import DataError, QuantstratsError
    from quantstrats.hookspecs import hookimpl
    from quantstrats.learning.learner import Learner
    from quantstrats.loading import load_market
    from quantstrats.market.market import Market
    from quantstrats.market.side import SideSeries
    from quantstrats.market.sources.base import Source
    from quantstrats.market.universe import Universe
    from quantstrats.plugins import Plugins
    from quantstrats.portfolio.allocation import Allocator
    from quantstrats.portfolio.costs import Costs
    from quantstrats.portfolio.risk import RiskPolicy
    from quantstrats.portfolio.schedule import Schedule
    from quantstrats.reports.compare import compare
    from quantstrats.reports.plot import plot
    from quantstrats.reports.tearsheet import tearsheet
    from quantstrats.research.search import search
    from quantstrats.runs.run import Run, load_run
    from quantstrats.signals import Details, Signal

_PACKAGES = ("drawing", "factors", "features", "labels", "models", "pairs", "positions", "splits")
_HOMES = {
    "Allocator": "portfolio.allocation",
    "Costs": "portfolio.costs",
    "DataError": "errors",
    "Details": "signals",
    "Learner": "learning.learner",
    "Market": "market.market",
    "Plugins": "plugins",
    "QuantstratsError": "errors",
    "RiskPolicy": "portfolio.risk",
    "Run": "runs.run",
    "Schedule": "portfolio.schedule",
    "SideSeries": "market.side",
    "Signal": "signals",
    "Source": "market.sources.base",
    "Universe": "market.universe",
    "backtest": "api",
    "backtest_config": "api",
    "compare": "reports.compare",
    "hookimpl": "hookspecs",
    "load_market": "loading",
    "load_run": "runs.run",
    "plot": "reports.plot",
    "search": "research.search",
    "tearsheet": "reports.tearsheet",
}

__all__ = [
    "Allocator",
    "Costs",
    "DataError",
    "Details",
    "Learner",
    "Market",
    "Plugins",
    "QuantstratsError",
    "RiskPolicy",
    "Run",
    "Schedule",
    "SideSeries",
    "Signal",
    "Source",
    "Universe",
    "__version__",
    "backtest",
    "backtest_config",
    "compare",
    "drawing",
    "factors",
    "features",
    "hookimpl",
    "labels",
    "load_market",
    "load_run",
    "models",
    "pairs",
    "plot",
    "positions",
    "search",
    "splits",
    "tearsheet",
]


def __getattr__(name: str) -> Any:
    if name in _PACKAGES:
        return importlib.import_module(f"quantstrats.{name}")
    if name not in _HOMES:
        raise AttributeError(f"module 'quantstrats' has no attribute {name!r}")
    value = getattr(importlib.import_module(f"quantstrats.{_HOMES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)

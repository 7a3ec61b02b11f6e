"""Engines execute targets on a market, one bar at a time."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import TYPE_CHECKING, cast

from quantstrats.errors import EngineError, did_you_mean

if TYPE_CHECKING:
    import pandas as pd

    from quantstrats.announcer import Announcer
    from quantstrats.engines.execution import Account, Execution
    from quantstrats.market.market import Market

    Engine = Callable[[Market, pd.DataFrame, Account, Announcer], Execution]

_ENGINES = {"backtrader": "quantstrats.engines.backtrader.engine"}


def engine_named(name: str) -> Engine:
    """Return the function that executes targets.

    Raises
    ------
    EngineError
        If there is no such engine.
    """
    if not isinstance(name, str) or name not in _ENGINES:
        raise EngineError(f"no engine called {name!r}{did_you_mean(name, _ENGINES)} (there is: {', '.join(_ENGINES)})")
    return cast("Engine", importlib.import_module(_ENGINES[name]).execute)

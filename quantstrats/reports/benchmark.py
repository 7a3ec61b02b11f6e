"""What a run is compared with."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from quantstrats.errors import ConfigError, did_you_mean

if TYPE_CHECKING:
    from quantstrats.market.market import Market

EQUAL_WEIGHT = "equal_weight"
NONE = "none"


def benchmark_returns(market: Market, benchmark: str) -> pd.Series | None:
    """Return the benchmark's return per bar, without costs, or None for ``"none"``.

    Parameters
    ----------
    market : Market
        The bars of the run.
    benchmark : str
        ``"equal_weight"``: capital is split equally between the symbols, each part is cash until its symbol's
        first close, holds it from there, and is cash again once the symbol has ended. A symbol's name: that
        symbol alone, in the same way. ``"none"``: no benchmark.

    Raises
    ------
    ConfigError
        If it is neither of these.
    """
    if benchmark == NONE:
        return None
    if benchmark != EQUAL_WEIGHT:
        if benchmark not in market.symbols:
            known = [EQUAL_WEIGHT, NONE, *market.symbols]
            raise ConfigError(
                f"benchmark {benchmark!r} is no symbol of this market{did_you_mean(benchmark, known)} "
                f"(or {EQUAL_WEIGHT}, {NONE})"
            )
        market = market.select([benchmark])
    wealth = _wealth(market).mean(axis=1)
    before = np.append(1.0, wealth[:-1])
    # Nothing grows out of what was lost entirely.
    growth = np.divide(wealth, before, out=np.ones_like(wealth), where=before > 0.0)
    return pd.Series(growth - 1.0, index=market.index, name="benchmark")


def _wealth(market: Market) -> np.ndarray:
    """Return what one unit of currency for each symbol has become after each bar, rows x symbols."""
    close = market.close
    wealth = (close.ffill() / close.bfill().iloc[0]).fillna(1.0).to_numpy(copy=True)
    for symbol, last in market.ended.items():
        settled = market.session > last
        wealth[settled, market.symbols.get_loc(symbol)] *= 1.0 + market.delisting_return[symbol]
    return wealth

"""Screen: what a universe says of each symbol on one session, and why."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from quantstrats.errors import DataError
from quantstrats.market.facts import day_of
from quantstrats.market.ranking import dollar_volume, last_close, volatility
from quantstrats.market.universe import SECTOR

if TYPE_CHECKING:
    from quantstrats.market.market import Market
    from quantstrats.market.universe import Universe


def screen(universe: Universe, market: Market, day: str | date | None = None) -> pd.DataFrame:
    """Judge every symbol on the last bar of one session, by what was known then.

    Parameters
    ----------
    universe : Universe
        The rules.
    market : Market
        The bars, and the side series ``sector`` if sectors are wanted.
    day : str or date, optional
        The session; by default the market's last one.

    Returns
    -------
    DataFrame
        A row per symbol, in the market's order: ``inside`` (bool); ``close``, the last one within the window, in units
        of currency; ``dollar_volume``, the median of close x volume over the window, per bar; ``volatility``, the
        standard deviation of the returns within it, per bar; ``sector`` (missing where unknown); ``fails``, the first
        rule that the symbol does not pass: a field of the universe, "window" where the market has too few rows before
        the session, "universe" where the market's own mask leaves it out; empty if it is inside.

    Raises
    ------
    DataError
        If the market has no such session, or the rules cannot be judged on it.
    """
    universe.check(market)
    row = len(market) - 1 if day is None else _last_row(market, day_of(day, "day"))
    seen = market.rows(max(0, row - universe.window + 1), row + 1)
    width = len(seen.symbols)
    fails = np.full(width, "", dtype=object)
    for rule, passed in universe.passed(seen).items():
        # The rule on the best leaves out whatever fails another one, so the first to fail is the one that counts.
        fails[~np.broadcast_to(passed[-1], width) & (fails == "")] = rule
    table = {
        "inside": fails == "",
        "close": last_close(seen, universe.window)[-1],
        "dollar_volume": dollar_volume(seen, universe.window)[-1],
        "volatility": volatility(seen, universe.window)[-1],
        "sector": _sector(seen),
        "fails": fails,
    }
    return pd.DataFrame(table, index=seen.symbols.rename("symbol"))


def _last_row(market: Market, day: pd.Timestamp) -> int:
    row = int(market.session.searchsorted(day, side="right")) - 1
    if row < 0 or market.session[row] != day:
        have = f"{market.session[0].date()} to {market.session[-1].date()}"
        near = f"; the one before it is {market.session[row].date()}" if 0 <= row < len(market) - 1 else ""
        raise DataError(f"{day.date()} is no session of these bars ({have}){near}")
    return row


def _sector(market: Market) -> object:
    if SECTOR not in market.side:
        return np.full(len(market.symbols), np.nan, dtype=object)
    joined = market.side[SECTOR]
    if isinstance(joined, pd.DataFrame):
        return joined.iloc[-1].to_numpy(object)
    static = market.side.series[SECTOR].is_assumed
    return joined.to_numpy(object) if static else np.full(len(market.symbols), np.nan, dtype=object)

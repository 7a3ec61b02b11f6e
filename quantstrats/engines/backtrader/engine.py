"""Execute targets in Backtrader."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import backtrader as bt
import numpy as np

from quantstrats.engines.backtrader.broker import GapBroker, ImpactBroker
from quantstrats.engines.backtrader.commission import commission_of
from quantstrats.engines.backtrader.feed import backtrader_datetimes, bar_feed
from quantstrats.engines.backtrader.recorder import Recorder
from quantstrats.engines.backtrader.strategy import Plan, PluginStrategy
from quantstrats.engines.execution import Account, Execution, tradable, tradable_targets
from quantstrats.market.frames import FIELDS
from quantstrats.portfolio.costs import BASIS_POINTS
from quantstrats.portfolio.impact import check_known, price_impact
from quantstrats.progress import stage

if TYPE_CHECKING:
    import pandas as pd

    from quantstrats.announcer import Announcer
    from quantstrats.market.market import Market


def execute(market: Market, targets: pd.DataFrame, account: Account, announcer: Announcer) -> Execution:
    """Trade targets on a market in Backtrader.

    Parameters
    ----------
    market : Market
        The bars.
    targets : DataFrame
        Wanted fraction of equity, rows x symbols of the market; rows are complete or all NaN.
    account : Account
        Cash, costs, limits, and what is traded when.
    announcer : Announcer
        Who is told of decisions, orders and round trips.

    Returns
    -------
    Execution

    Raises
    ------
    EngineError
        If the targets do not fit the market.
    DataError
        If the costs have an impact, and a symbol is to be traded before it has any volume.
    """
    weights, doubts = tradable_targets(market, targets)
    # Backtrader runs nothing without a feed; one that never has a bar is never looked at.
    listed = np.flatnonzero(market.present.any(axis=0)) if market.present.any() else np.array([0])
    recorder = Recorder(market, announcer, events=doubts)
    cerebro = bt.Cerebro(stdstats=False)
    feeds = _add_feeds(cerebro, market, listed)
    broker = _broker(market, weights, account, feeds)
    broker.setcash(account.cash)
    broker.addcommissioninfo(commission_of(account.costs, account.fractional))
    # A bar bounds slippage by its range; bars that have none would make it free of charge.
    broker.set_slippage_perc(account.costs.slippage_bps / BASIS_POINTS, slip_out=not market.has_ranges)
    cerebro.setbroker(broker)
    plan = Plan.make(weights[:, listed], tradable(market)[:, listed], account.schedule)
    with stage("trading", total=len(market)) as advance:
        cerebro.addstrategy(PluginStrategy, plan=plan, risk=account.risk, recorder=recorder, advance=advance)
        cerebro.run()
    return recorder.execution()


def _broker(market: Market, weights: np.ndarray, account: Account, feeds: dict[str, Any]) -> GapBroker:
    endings = _endings(market, feeds)
    if not account.costs.impact:
        return GapBroker(endings=endings)
    impact = price_impact(market, account.costs)
    check_known(market, weights, impact)
    return ImpactBroker(endings=endings, impact=dict(zip(market.symbols.astype(str), impact.T, strict=True)))


def _add_feeds(cerebro: bt.Cerebro, market: Market, columns: np.ndarray) -> dict[str, Any]:
    """Add a feed for each of these columns, in their order."""
    datetimes = backtrader_datetimes(market.index)
    feeds = {}
    for column in columns:
        symbol = str(market.symbols[column])
        values = {field: market.array(field)[:, column] for field in FIELDS}
        feeds[symbol] = bar_feed(datetimes, values, symbol)
        cerebro.adddata(feeds[symbol], name=symbol)
    return feeds


def _endings(market: Market, feeds: dict[str, Any]) -> dict[int, list[tuple[Any, float]]]:
    """Return by row the feeds whose symbol had its last session just before it."""
    endings: dict[int, list[tuple[Any, float]]] = {}
    for symbol, last in market.ended.items():
        row = int(market.session.searchsorted(last, side="right"))
        if symbol in feeds and row < len(market):
            endings.setdefault(row, []).append((feeds[symbol], market.delisting_return[symbol]))
    return endings

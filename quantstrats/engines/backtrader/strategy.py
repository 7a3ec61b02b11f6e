"""PluginStrategy: the Backtrader strategy that trades targets."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import backtrader as bt
import numpy as np

from quantstrats.events import Decision
from quantstrats.portfolio.schedule import Schedule

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from quantstrats.engines.backtrader.recorder import Recorder


@dataclass(frozen=True)
class Plan:
    """What is to be traded, row by row.

    Attributes
    ----------
    weights : array, shape (rows, feeds)
        Targets as fractions of equity; rows without a decision are NaN.
    decided : array of bool, shape (rows,)
        Where a decision falls.
    changed : array of bool, shape (rows, feeds)
        Where a target differs from that of the decision before; before the first one all are zero.
    listed_at : array of int, shape (feeds,)
        Row of each feed's first bar.
    schedule : Schedule
        Which targets are traded.
    """

    weights: NDArray[np.float64]
    decided: NDArray[np.bool_]
    changed: NDArray[np.bool_]
    listed_at: NDArray[np.int64]
    schedule: Schedule

    @classmethod
    def make(cls, weights: NDArray[np.float64], present: NDArray[np.bool_], schedule: Schedule) -> Plan:
        """Make the plan of targets (rows x feeds) for feeds that each have a bar somewhere."""
        decided = ~np.isnan(weights).any(axis=1)
        decisions = weights[decided]
        before = np.vstack([np.zeros((1, weights.shape[1])), decisions[:-1]])
        changed = np.zeros(weights.shape, dtype=bool)
        changed[decided] = decisions != before[: len(decisions)]
        return cls(weights, decided, changed, present.argmax(axis=0), schedule)


class PluginStrategy(bt.Strategy):  # type: ignore[misc]
    """Trades a plan: at each decision it brings the symbols that are due to their targets.

    It decides at a bar's close; Backtrader fills from the next bar's open on. Reductions go first, so that their
    proceeds are there for the increases; within each kind orders go in symbol order.
    """

    params = (("plan", None), ("recorder", None))

    def __init__(self) -> None:
        self._plan: Plan = self.p.plan
        self._recorder: Recorder = self.p.recorder
        self._waiting: dict[int, Any] = {}
        self._bankrupt = False
        self._listings: dict[int, list[Any]] = {}
        for feed, row in zip(self.datas, self._plan.listed_at.tolist(), strict=True):
            self._listings.setdefault(row, []).append(feed)

    def next(self) -> None:
        """Trade, if a decision falls on this bar."""
        row = self._row
        for feed in self._listings.get(row, ()):
            # Backtrader adds up the account in the order in which positions were first looked at: by this that
            # order is the order of listing, then of symbols, and never touches a feed that has no price yet.
            self.broker.getposition(feed)
        if not self._plan.decided[row] or self._is_bankrupt(row):
            return
        self._announce(row)
        orders = [(column, float(self._plan.weights[row, column])) for column in self._due(row)]
        for column, weight in sorted(orders, key=lambda order: not self._reduces(*order)):
            self._trade(row, column, weight)

    def notify_order(self, order: Any) -> None:
        """Keep and announce what becomes of an order."""
        self._recorder.keep_change(self._row, order)

    def notify_trade(self, trade: Any) -> None:
        """Keep and announce a round trip that has ended."""
        if trade.isclosed:
            self._recorder.keep_trade(trade)

    def notify_cashvalue(self, cash: float, value: float) -> None:
        """Keep the account as it stands after this bar's fills."""
        self._recorder.keep_account(cash, value)

    @property
    def _row(self) -> int:
        return len(self.data) - 1

    def _trade(self, row: int, column: int, weight: float) -> None:
        waiting = self._waiting.pop(column, None)
        if waiting is not None and waiting.alive():
            self.cancel(waiting)
        order = self.order_target_percent(self.datas[column], target=weight)
        if order is not None:
            self._waiting[column] = order
            self._recorder.keep_order(row, order)

    def _due(self, row: int) -> list[int]:
        """Return the columns that this decision trades, in symbol order."""
        plan = self._plan
        if plan.schedule.rebalance == "all":
            held = {column for column, feed in enumerate(self.datas) if self._size(feed)}
            return sorted(held.union(np.flatnonzero(plan.weights[row]).tolist()))
        due = plan.changed[row]
        if plan.schedule.drift is not None:
            due = due | (np.abs(self._weights_held() - plan.weights[row]) > plan.schedule.drift)
        return np.flatnonzero(due).tolist()

    def _reduces(self, column: int, weight: float) -> bool:
        feed = self.datas[column]
        size = self._size(feed)
        return bool(size) and (weight * self.broker.getvalue() - size * feed.close[0]) * size < 0

    def _size(self, feed: Any) -> float:
        position = self.broker.positions.get(feed)
        return 0.0 if position is None else position.size

    def _weights_held(self) -> NDArray[np.float64]:
        values = [size * feed.close[0] if (size := self._size(feed)) else 0.0 for feed in self.datas]
        return np.array(values) / self.broker.getvalue()

    def _is_bankrupt(self, row: int) -> bool:
        if self.broker.getvalue() > 0.0:
            return False
        if not self._bankrupt:
            self._bankrupt = True
            when = self._recorder.market.index[row]
            self._recorder.events.append(f"nothing is left of the account at {when}: no more decisions are traded")
        return True

    def _announce(self, row: int) -> None:
        announcer = self._recorder.announcer
        if announcer.hears("decided"):
            weights = self._plan.weights[row]
            wanted = {self.datas[column]._name: float(weights[column]) for column in np.flatnonzero(weights)}
            announcer.tell("decided", decision=Decision(self._recorder.market.index[row], wanted))

"""PluginStrategy: the Backtrader strategy that trades targets."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import backtrader as bt
import numpy as np

from quantstrats.events import Decision

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from quantstrats.engines.backtrader.recorder import Recorder
    from quantstrats.engines.execution import OrderReason
    from quantstrats.portfolio.risk import RiskPolicy
    from quantstrats.portfolio.schedule import Schedule
    from quantstrats.progress import Advance


@dataclass(frozen=True)
class Plan:
    """What is to be traded, row by row.

    Attributes
    ----------
    weights : array, shape (rows, feeds)
        Targets as fractions of equity, zero where a feed is not tradable; NaN where nothing is decided.
    decided : array of bool, shape (rows,)
        Where a decision falls.
    changed : array of bool, shape (rows, feeds)
        Where a target differs from the last one that the feed had; before the first one all are zero.
    listed_at : array of int, shape (feeds,)
        Row of each feed's first bar; the number of rows if it has none.
    schedule : Schedule
        Which targets are traded.
    """

    weights: NDArray[np.float64]
    decided: NDArray[np.bool_]
    changed: NDArray[np.bool_]
    listed_at: NDArray[np.int64]
    schedule: Schedule

    @classmethod
    def make(cls, weights: NDArray[np.float64], tradable: NDArray[np.bool_], schedule: Schedule) -> Plan:
        """Make the plan of targets (rows x feeds), given where each feed is tradable."""
        known = ~np.isnan(weights)
        stated = np.vstack([np.zeros((1, weights.shape[1])), weights])  # none yet: zero
        last = np.maximum.accumulate(np.where(known, np.arange(1, len(weights) + 1)[:, None], 0), axis=0)
        before = np.take_along_axis(stated, np.vstack([np.zeros_like(last[:1]), last[:-1]]), axis=0)
        changed = known & (weights != before)
        decided = np.asarray(known.any(axis=1))
        listed_at = np.where(tradable.any(axis=0), tradable.argmax(axis=0), len(weights))
        return cls(weights, decided, changed, listed_at, schedule)


class PluginStrategy(bt.Strategy):
    """Trades a plan: at each decision it brings the symbols that are due to their targets.

    It decides at a bar's close; Backtrader fills from the next bar's open on. Reductions go first, so that their
    proceeds are there for the increases; within each kind orders go in symbol order. A decision without a number for
    a symbol leaves its position alone and cancels what would have increased it. Once nothing is left of the account,
    as a broker would, or once the risk policy ends trading, its positions are closed and no decision is traded any
    more.
    """

    params = (("plan", None), ("risk", None), ("recorder", None), ("advance", None))

    def __init__(self) -> None:
        self._plan: Plan = self.p.plan
        self._risk: RiskPolicy = self.p.risk
        self._recorder: Recorder = self.p.recorder
        self._advance: Advance = self.p.advance
        self._waiting: dict[int, Any] = {}
        self._unmet: set[int] = set()  # columns whose last target was given up, to be asked for again
        self._highest = 0.0  # equity at a close
        self._over = False
        self._listings: dict[int, list[Any]] = {}
        for feed, row in zip(self.datas, self._plan.listed_at.tolist(), strict=True):
            self._listings.setdefault(row, []).append(feed)

    def next(self) -> None:
        """Trade, if a decision falls on this bar."""
        row = self._row
        self._advance()
        for feed in self._listings.get(row, ()):
            # Backtrader adds up the account in the order in which positions were first looked at: by this that
            # order is the order of listing, then of symbols, and never touches a feed that has no price yet.
            self.broker.getposition(feed)
        if self._over:
            return
        equity = self.broker.getvalue()
        self._highest = max(self._highest, equity)
        if equity <= 0.0:
            self._recorder.keep_end_of_account(row)
            self._close_out(row, "account")
        elif self._risk.ends_trading(equity, self._highest):
            self._recorder.keep_end_by_risk(row, 1.0 - equity / self._highest)
            self._close_out(row, "risk")
        elif self._plan.decided[row]:
            self._decide(row)
        # Backtrader would tell of what was sent and cancelled here on the next bar, and on the last bar never.
        while (order := self.broker.get_notification()) is not None:
            self.notify_order(order)

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

    def _decide(self, row: int) -> None:
        self._announce(row)
        self._give_up_increases(row)
        orders = [(column, float(self._plan.weights[row, column])) for column in self._due(row)]
        for column, weight in sorted(orders, key=lambda order: not self._reduces(*order)):
            self._cancel_waiting(column)
            self._unmet.discard(column)
            self._sent(row, column, self.order_target_percent(self.datas[column], target=weight), "decision")

    def _give_up_increases(self, row: int) -> None:
        """Cancel what waits to increase a position in a symbol that this decision says nothing about."""
        for column in np.flatnonzero(np.isnan(self._plan.weights[row])).tolist():
            if self._is_waiting(column) and self._size(self.datas[column]) * self._waiting[column].size >= 0.0:
                self._cancel_waiting(column)
                self._unmet.add(column)

    def _close_out(self, row: int, reason: OrderReason) -> None:
        """Close every position at whatever price the next bars bring, without asking for cash."""
        self._over = True
        for column, feed in enumerate(self.datas):
            self._cancel_waiting(column)
            if self._size(feed):
                self._sent(row, column, self.close(feed, _checksubmit=False), reason)

    def _sent(self, row: int, column: int, order: Any, reason: OrderReason) -> None:
        if order is not None:
            self._waiting[column] = order
            self._recorder.keep_order(row, order, reason)

    def _cancel_waiting(self, column: int) -> None:
        if self._is_waiting(column):
            self.cancel(self._waiting[column])

    def _is_waiting(self, column: int) -> bool:
        return column in self._waiting and self._waiting[column].alive()

    def _due(self, row: int) -> list[int]:
        """Return the columns that this decision trades, in symbol order."""
        plan = self._plan
        if plan.schedule.rebalance == "all":
            stated = np.flatnonzero(~np.isnan(plan.weights[row])).tolist()
            return [
                column
                for column in stated
                if plan.weights[row, column] or self._size(self.datas[column]) or self._is_waiting(column)
            ]
        due = plan.changed[row].copy()
        due[[column for column in self._unmet if not np.isnan(plan.weights[row, column])]] = True
        if plan.schedule.drift is not None:
            due = due | (np.abs(self._weights_held() - plan.weights[row]) > plan.schedule.drift)
        return np.flatnonzero(due).tolist()

    def _reduces(self, column: int, weight: float) -> bool:
        """Tell whether the order frees cash: it sells of a long position, or buys back of a short one."""
        feed = self.datas[column]
        size = self._size(feed)
        change = weight * self.broker.getvalue() - size * feed.close[0] if size else 0.0
        # Buying through zero takes cash for the new position, so it waits for what others free.
        return size > 0.0 > change or (size < 0.0 < change and weight <= 0.0)

    def _size(self, feed: Any) -> float:
        position = self.broker.positions.get(feed)
        return 0.0 if position is None else position.size

    def _weights_held(self) -> NDArray[np.float64]:
        values = [size * feed.close[0] if (size := self._size(feed)) else 0.0 for feed in self.datas]
        return np.array(values, dtype="float64") / float(self.broker.getvalue())

    def _announce(self, row: int) -> None:
        announcer = self._recorder.announcer
        if announcer.hears("decided"):
            weights = np.nan_to_num(self._plan.weights[row])
            wanted = {self.datas[column]._name: float(weights[column]) for column in np.flatnonzero(weights)}
            announcer.tell("decided", decision=Decision(self._recorder.market.index[row], wanted))

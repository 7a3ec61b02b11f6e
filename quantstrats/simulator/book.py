"""What the broker keeps for one account: cash, holdings, orders, what they reserve, and the statement."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from decimal import ROUND_CEILING, ROUND_HALF_EVEN, Decimal
from typing import TYPE_CHECKING

from quantstrats.simulator.decimals import CENT

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from quantstrats.simulator.activities import Activity
    from quantstrats.simulator.orders import Order
    from quantstrats.simulator.settings import AccountSettings

NOTHING = Decimal(0)


def cents(dollars: Decimal) -> Decimal:
    """Return dollars rounded to the cent, half to even."""
    return dollars.quantize(CENT, ROUND_HALF_EVEN)


@dataclass
class Holding:
    """Shares of one symbol: negative for a short. ``average`` is the average cost in dollars a share."""

    qty: Decimal
    average: Decimal
    since: int

    def trade(self, qty: Decimal, price: Decimal, time: int) -> None:
        """Add shares bought (or take those sold, negative) at a price, by average cost."""
        after = self.qty + qty
        if self.qty * qty >= 0:
            self.average = (self.average * abs(self.qty) + price * abs(qty)) / abs(after)
        elif self.qty * after < 0:
            # It went through zero, which only a forced execution can: the rest was opened at this price.
            self.average, self.since = price, time
        self.qty = after


@dataclass
class Execution:
    """A fill that can still be taken back: which order, and shares (negative when sold) at dollars a share."""

    id: str
    account: str
    order_id: str
    symbol: str
    qty: Decimal
    price: Decimal


class Book:
    """One account's state; the rooms of the exchange change it.

    Parameters
    ----------
    account_id : str
        Its id.
    settings : AccountSettings
        What it starts with and may do.
    keep : int
        Final orders, activities and points of history that are kept.
    """

    def __init__(self, account_id: str, settings: AccountSettings, keep: int) -> None:
        self.id = account_id
        self.settings = settings
        self.cash = settings.cash
        self.last_equity = settings.cash
        self.last_maintenance = NOTHING
        self.blocked = False
        self.suspended = False
        self.no_shorting = False
        self.holdings: dict[str, Holding] = {}
        self.orders: dict[str, Order] = {}
        self.by_client: dict[str, str] = {}
        self.reserved = NOTHING
        self.activities: deque[Activity] = deque(maxlen=keep)
        self.executions: dict[str, Execution] = {}
        self.session_closes: list[tuple[int, Decimal]] = []
        self.row_closes: deque[tuple[int, Decimal]] = deque(maxlen=keep)
        self._keep = keep
        self._reserves: dict[str, Decimal] = {}
        self._ended: deque[str] = deque()
        self._open: dict[tuple[str, str], dict[str, Order]] = {}

    def add(self, order: Order) -> None:
        """Take in a new order."""
        self.orders[order.id] = order
        self.by_client.setdefault(order.client_order_id, order.id)
        self._open.setdefault((order.symbol, order.side), {})[order.id] = order

    def end(self, order: Order) -> None:
        """Take an order that is final out of what is open, and forget the oldest one beyond those that are kept."""
        self.reserve(order, NOTHING)
        self._open[order.symbol, order.side].pop(order.id, None)
        self._ended.append(order.id)
        if len(self._ended) > self._keep:
            gone = self.orders.pop(self._ended.popleft())
            if self.by_client.get(gone.client_order_id) == gone.id:
                del self.by_client[gone.client_order_id]

    def open(self, symbol: str, side: str) -> Iterable[Order]:
        """Return the orders in a symbol on one side that are not final, oldest first."""
        return self._open.get((symbol, side), {}).values()

    def all_open(self) -> list[Order]:
        """Return every order that is not final, ascending by number."""
        return sorted((order for orders in self._open.values() for order in orders.values()), key=lambda o: o.number)

    def reserve(self, order: Order, dollars: Decimal) -> None:
        """Let an order keep so much of the buying power, rounded up to the cent, from now on."""
        before = self._reserves.pop(order.id, NOTHING)
        kept = dollars.quantize(CENT, ROUND_CEILING) if dollars > 0 else NOTHING
        if kept:
            self._reserves[order.id] = kept
        self.reserved += kept - before

    def reserves(self, order: Order) -> Decimal:
        """Return what an order keeps of the buying power."""
        return self._reserves.get(order.id, NOTHING)

    def qty(self, symbol: str) -> Decimal:
        """Return the shares held: negative for a short, 0 for none."""
        holding = self.holdings.get(symbol)
        return holding.qty if holding else NOTHING

    def held_for_orders(self, symbol: str, without: str | None = None) -> Decimal:
        """Return how many of the shares held are spoken for by open closing orders.

        Orders of one group hold their shares once; exits that wait for an entry hold none.

        Parameters
        ----------
        without : str, optional
            A group that is left out: an order of it is about to be replaced.
        """
        held = dict[str, Decimal]()
        for order in self.open(symbol, "sell" if self.qty(symbol) > 0 else "buy"):
            if not order.opens and order.status != "held" and order.group != without:
                rest = order.hold_qty - order.filled_qty if order.rest is None else order.rest
                held[order.group] = max(rest, held.get(order.group, NOTHING))
        return sum(held.values(), NOTHING)

    def move(self, symbol: str, qty: Decimal, price: Decimal, time: int) -> None:
        """Book shares bought (negative: sold) into the holdings; cash is booked apart."""
        holding = self.holdings.setdefault(symbol, Holding(NOTHING, NOTHING, time))
        if qty:
            holding.trade(qty, price, time)
        if not holding.qty:
            del self.holdings[symbol]

    def remember(self, execution: Execution) -> None:
        """Keep an execution, so that it can be taken back; the oldest beyond those that are kept are forgotten."""
        self.executions[execution.id] = execution
        if len(self.executions) > self._keep:
            del self.executions[next(iter(self.executions))]

    def values(self, price: Callable[[str], Decimal | None]) -> Iterator[tuple[str, Holding, Decimal]]:
        """Return each holding and its price (its average cost where none is known), by symbol."""
        for symbol in sorted(self.holdings):
            holding = self.holdings[symbol]
            known = price(symbol)
            yield symbol, holding, holding.average if known is None else known

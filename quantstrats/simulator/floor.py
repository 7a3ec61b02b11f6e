"""The state that the rooms of the exchange share: the clock, the prices, the books and who is told of what happens."""

from __future__ import annotations

import random
from bisect import bisect_left
from collections import deque
from typing import TYPE_CHECKING

import numpy as np

from quantstrats.simulator import matching
from quantstrats.simulator.book import Book
from quantstrats.simulator.events import Event, OrderEvent
from quantstrats.simulator.ids import Ids, account_id
from quantstrats.simulator.orders import Order, Refused
from quantstrats.simulator.schedule import Act, Rank, Schedule
from quantstrats.simulator.settings import AssetSettings, Settings
from quantstrats.simulator.times import NS

if TYPE_CHECKING:
    from collections.abc import Callable
    from decimal import Decimal

    from numpy.typing import NDArray

    from quantstrats.simulator.ledger import Ledger
    from quantstrats.simulator.sessions import Session
    from quantstrats.simulator.tape import Tape
    from quantstrats.simulator.trouble import Trouble

_USUAL = AssetSettings()


class Floor:
    """What the rooms of one exchange share.

    Attributes
    ----------
    now : int
        Nanoseconds since 1970 (UTC).
    row : int
        Last complete row of the tape, -1 before the first.
    session : Session or None
        The one that is open, None out of regular hours.
    books : dict of str to Book
        By account id.
    resting : dict of str to dict of str to Order
        By symbol, then by id: the orders at the market, in the order in which they came.
    quiet : dict of str to tuple of float
        By symbol: between which prices nothing happens to what rests. Whoever changes that takes the entry out.
    queued : dict of str to Order
        Orders that wait for a session, in the order of submission.
    expiries : dict of int to dict of str to Order
        By instant, then by id: the orders that end then.
    arrivals : dict of str to int
        When the latest thing that was asked for an order takes effect: later requests never overtake it.
    last, closes : array of float
        By column: the last price, and that of the previous close; NaN where none is known.
    printed_at : array of int
        By column: when that last price printed, 0 for never.
    row_prints : tuple or None
        The row that prints now, its prices and volume.
    path : float or None
        While a print is matched: where on the way to it the price is.
    closed_at : int
        When the previous session closed.
    halted : dict of str to str
        Symbols that do not trade, and why.
    jumps : set of str
        Symbols whose next price is a jump: they were halted.
    fresh, ended : deque of Order
        Orders that came to the market or became final, and whose consequences are still to be drawn.
    busy : bool
        Whether the clock is being moved: what is asked for meanwhile waits for its turn.
    happened : list of Event or None
        Where what happens is collected while the clock advances.
    """

    def __init__(self, tape: Tape, settings: Settings, trouble: Trouble, ledger: Ledger) -> None:
        self.tape = tape
        self.settings = settings
        self.trouble = trouble
        self.ledger = ledger
        self.sessions = tape.sessions
        self.schedule = Schedule()
        self.now = 0
        self.row = -1
        self.session: Session | None = None
        self.books = {
            account_id(each.key): Book(account_id(each.key), each, settings.keep) for each in settings.accounts
        }
        self.resting: dict[str, dict[str, Order]] = {}
        self.quiet: dict[str, tuple[float, float]] = {}
        self.queued: dict[str, Order] = {}
        self.expiries: dict[int, dict[str, Order]] = {}
        self.arrivals: dict[str, int] = {}
        self.last: NDArray[np.float64] = np.full(len(tape.symbols), np.nan)
        self.closes: NDArray[np.float64] = np.full(len(tape.symbols), np.nan)
        self.printed_at: NDArray[np.int64] = np.zeros(len(tape.symbols), dtype="int64")
        self.row_prints: tuple[int, NDArray[np.float64], NDArray[np.float64]] | None = None
        self.path: float | None = None
        self.closed_at = 0
        self.halted: dict[str, str] = {}
        self.jumps: set[str] = set()
        self.fresh: deque[Order] = deque()
        self.ended: deque[Order] = deque()
        self.busy = False
        self.ids = Ids(f"{settings.seed}/ids")
        self.listeners: list[Callable[[Event], None]] = []
        self.happened: list[Event] | None = None
        fills = settings.fills
        self.spread_bps = fills.spread_bps
        self.capacity = matching.Capacity(
            len(tape.symbols), fills.participation, fills.partial_rate, _stream(f"{settings.seed}/partials")
        )
        self._numbers = 0
        self._latency = _stream(f"{settings.seed}/latency")

    def begin_at(self, row: int) -> None:
        """Take the rows before one for the past: the last prices and the previous close are theirs."""
        days = self.tape.session_days
        before = bisect_left(days, days[row])
        columns, rows = self._last_known(row)
        self.last[columns] = self.tape.bars["close"][rows, columns]
        self.printed_at[columns] = self.tape.ends[rows]
        self.row = row - 1
        columns, rows = self._last_known(before)
        self.closes[columns] = self.tape.bars["close"][rows, columns]
        session = self.sessions.of(days[before - 1]) if before else None
        self.closed_at = 0 if session is None else session.close

    def _last_known(self, row: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return the columns that have a bar before a row, and the last row in which each does."""
        known = ~np.isnan(self.tape.bars["close"][:row])
        if not row:
            return np.array([], dtype="int64"), np.array([], dtype="int64")
        columns = np.flatnonzero(known.any(axis=0))
        return columns, row - 1 - known[::-1].argmax(axis=0)[columns]

    def number(self) -> int:
        """Return the next order's number: 1, 2 ..."""
        self._numbers += 1
        return self._numbers

    def arrival(self, order: Order) -> int:
        """Draw when what is asked for an order now takes effect: never before what was asked for it earlier."""
        shortest, longest = self.settings.fills.latency
        latency = round(self._latency.uniform(shortest, longest) * NS) if longest else 0
        time = max(self.now + latency, self.arrivals.get(order.id, 0))
        if time > self.now:
            self.arrivals[order.id] = time
        return time

    def later(self, time: int, act: Act) -> None:
        """Let something take effect: at once where it is due and nothing that is due is held back."""
        due = self.schedule.next()
        if time <= self.now and not self.busy and (due is None or due[0] > self.now):
            act()
        else:
            self.schedule.add(time, Rank.ARRIVAL, act)

    def column(self, symbol: str) -> int:
        """Return the column of a symbol; KeyError if there is none."""
        return self.tape.column(symbol)

    def asset(self, symbol: str) -> AssetSettings:
        """Return what may be done with a symbol."""
        return self.settings.assets.get(symbol, _USUAL)

    def at(self, symbol: str) -> float | None:
        """Return a symbol's last price as the tape has it, None before its first."""
        price = float(self.last[self.tape.column(symbol)])
        return price if price == price else None  # NaN differs from itself

    def price(self, symbol: str) -> Decimal | None:
        """Return a symbol's last price in dollars, None before its first."""
        price = self.at(symbol)
        return None if price is None else matching.exact(price)

    def quote(self, symbol: str) -> tuple[Decimal, Decimal] | None:
        """Return bid and ask in dollars, None before the first price."""
        price = self.at(symbol)
        return None if price is None else matching.quote(price, self.spread_bps)

    def order(self, order_id: str) -> tuple[Book, Order]:
        """Return an order by its id, whosever it is.

        Raises
        ------
        Refused
            404 where there is none.
        """
        for book in self.books.values():
            if order_id in book.orders:
                return book, book.orders[order_id]
        raise Refused(404, 40410000, f"order not found for {order_id}")

    def publish(self, event: Event) -> None:
        """Tell everyone of an event, in the order in which things happen."""
        self.ledger.tell(event)
        if self.happened is not None:
            self.happened.append(event)
        for listener in self.listeners:
            listener(event)

    def tell(
        self,
        order: Order,
        event: str,
        *,
        execution_id: str | None = None,
        price: Decimal | None = None,
        qty: Decimal | None = None,
        position_qty: Decimal | None = None,
        previous_execution_id: str | None = None,
        reason: str | None = None,
    ) -> None:
        """Publish what became of an order, with the order as it is now."""
        order.updated_at = self.now
        self.publish(
            OrderEvent(
                time=self.now,
                account=order.account,
                event=event,
                execution_id=execution_id or self.ids.new(),
                order=order.copy(),
                price=price,
                qty=qty,
                position_qty=position_qty,
                previous_execution_id=previous_execution_id,
                reason=reason,
            )
        )


def _stream(name: str) -> random.Random:
    return random.Random(name)  # noqa: S311 - a simulation, no secrets

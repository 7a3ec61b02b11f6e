"""The exchange: accounts and orders over a tape of bars, one step of the clock after the other. It does no I/O."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from quantstrats.errors import DataError
from quantstrats.simulator import actions, changes, forced, hours, submission
from quantstrats.simulator.floor import Floor
from quantstrats.simulator.ledger import Ledger
from quantstrats.simulator.orders import Changes, Order, Refused, Request
from quantstrats.simulator.schedule import Rank
from quantstrats.simulator.times import day_in_new_york
from quantstrats.simulator.trading import settle
from quantstrats.simulator.trouble import NO_TROUBLE, Trouble
from quantstrats.simulator.valuation import account_of, position_of, positions_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from decimal import Decimal

    from quantstrats.simulator.account import Account, Position
    from quantstrats.simulator.activities import Activity
    from quantstrats.simulator.book import Book
    from quantstrats.simulator.events import Event
    from quantstrats.simulator.sessions import Sessions
    from quantstrats.simulator.settings import AssetSettings, Settings
    from quantstrats.simulator.tape import Tape


class Exchange:
    """A simulated exchange with its broker; a single thread may use it.

    Accounts are named by their ids (:attr:`account_ids`), which :func:`quantstrats.simulator.ids.account_id` makes of
    their keys. An unknown account is a KeyError. Orders that are given out of lists and by id are the exchange's own:
    read them at once and change nothing; :meth:`submit` and :meth:`replace` give copies, as events carry.

    Parameters
    ----------
    tape : Tape
        The bars.
    settings : Settings
        Accounts, fills, assets, actions.
    trouble : Trouble, optional
        What goes wrong at the broker; nothing by default.
    ledger : Ledger, optional
        Where everything that happens is written; in memory by default.
    start : int or None, optional
        When the simulation begins, in nanoseconds since 1970 (UTC): bars that were complete by then are the past, which
        clients may ask for. None for 04:00 in New York on the first day.

    Raises
    ------
    DataError
        If the tape has no rows, or none after the start.

    Attributes
    ----------
    settings, trouble, ledger, start
        As given.
    source, tape
        The tape as given, and the exchange's own, which a split may change.
    started_at : int
        When the simulation begins.
    """

    def __init__(
        self,
        tape: Tape,
        settings: Settings,
        trouble: Trouble = NO_TROUBLE,
        ledger: Ledger | None = None,
        start: int | None = None,
    ) -> None:
        first_row = 0 if start is None else int(np.searchsorted(tape.ends, start, side="right"))
        if first_row >= len(tape):
            raise DataError("there are no bars to replay; choose another time")
        self.source = tape
        self.tape = tape = tape.own()
        self.settings = settings
        self.trouble = trouble
        self.ledger = Ledger() if ledger is None else ledger
        self._floor = Floor(tape, settings, trouble, self.ledger)
        self._stopped = False
        days = self.sessions.between(tape.session_days[first_row], tape.session_days[-1])
        self.start = start
        self.started_at = self._floor.now = days[0].first if start is None else max(start, days[0].first)
        self._last_session = days[-1]
        if first_row:
            self._floor.begin_at(first_row)
        for book in self._floor.books.values():
            self.ledger.write(self.started_at, "start", account=book.id, cash=book.cash)
        self._floor.schedule.follow(hours.days(self._floor, self._stop, tape.session_days[first_row]))
        self._floor.schedule.follow(hours.rows(self._floor, self._stop, first_row))
        if start is not None:
            self._run(self.started_at, stops=False)

    @property
    def now(self) -> int:
        """The simulated time: nanoseconds since 1970 (UTC)."""
        return self._floor.now

    @property
    def row(self) -> int:
        """The last complete row of the tape, -1 before the first."""
        return self._floor.row

    @property
    def ended(self) -> bool:
        """Whether the last bar is complete and its session closed."""
        return self._floor.row == len(self.tape) - 1 and self._floor.closed_at >= self._last_session.close

    @property
    def due(self) -> int | None:
        """When something happens next, if nobody asks for anything; None for never."""
        following = self._floor.schedule.next()
        return None if following is None else following[0]

    @property
    def sessions(self) -> Sessions:
        """The exchange's calendar."""
        return self.tape.sessions

    @property
    def listeners(self) -> list[Callable[[Event], None]]:
        """Who is told of every event as it happens, one after the other."""
        return self._floor.listeners

    @property
    def account_ids(self) -> list[str]:
        """Ids of the accounts, in the order of the settings."""
        return list(self._floor.books)

    @property
    def halted(self) -> dict[str, str]:
        """Symbols that do not trade now, and why."""
        return dict(self._floor.halted)

    def submit(self, account: str, request: Request, *, foreign: bool = False) -> Order:
        """Place an order.

        Parameters
        ----------
        account : str
            Id of the account.
        request : Request
            What is asked for.
        foreign : bool, optional
            Whether another client of the same account asks.

        Returns
        -------
        Order
            As the answer tells it: ``pending_new`` while the market can take it, else ``accepted``. Where there is no
            latency and nothing that is due is held back, it takes effect before this returns.

        Raises
        ------
        Refused
            By any rule.
        """
        return submission.submit(self._floor, self._book(account), request, foreign)

    def cancel(self, account: str, order_id: str) -> None:
        """Ask for an order to be canceled.

        Raises
        ------
        Refused
            404 for an unknown order; 422 for one that is final or is being canceled.
        """
        changes.cancel(self._floor, self._book(account), self.order(account, order_id))

    def cancel_all(self, account: str) -> list[tuple[str, int]]:
        """Ask for all open orders to be canceled; return the id and HTTP status of each."""
        return changes.cancel_all(self._floor, self._book(account))

    def replace(self, account: str, order_id: str, asked: Changes) -> Order:
        """Ask for an order to be replaced by another with some changes.

        Returns
        -------
        Order
            The new one, as the answer tells it. ``qty`` is asked for in total: the new order is for what the old one
            has not filled of it, and counts its own fills from 0.

        Raises
        ------
        Refused
            404 for an unknown order; 422 for one in accepted, pending_new, pending_cancel, pending_replace or a final
            status; by any rule that the new order would break.
        """
        return changes.replace(self._floor, self._book(account), self.order(account, order_id), asked)

    def close_position(
        self, account: str, symbol: str, qty: Decimal | None = None, percentage: Decimal | None = None
    ) -> Order:
        """Place a market order that closes a position, or so many shares or percent of it.

        Raises
        ------
        Refused
            404 where nothing is held; by any rule.
        """
        book = self._book(account)
        request = submission.closing_request(self._floor, book, symbol, qty, percentage)
        return submission.submit(self._floor, book, request, False)

    def close_positions(self, account: str, cancel_orders: bool) -> list[tuple[str, Order | Refused]]:
        """Place a market order for each position that closes it.

        Parameters
        ----------
        account : str
            Id of the account.
        cancel_orders : bool
            Cancel all open orders first, at once; otherwise the shares that they hold are not closed.
        """
        book = self._book(account)
        if cancel_orders:
            changes.cancel_all(self._floor, book, at_once=True)
        told: list[tuple[str, Order | Refused]] = []
        for symbol in sorted(book.holdings):
            try:
                told.append((symbol, self.close_position(account, symbol)))
            except Refused as refused:
                told.append((symbol, refused))
        return told

    def order(self, account: str, order_id: str) -> Order:
        """Return an order.

        Raises
        ------
        Refused
            404 where there is none, or it is so old that it is forgotten.
        """
        order = self._book(account).orders.get(order_id)
        if order is None:
            raise Refused(404, 40410000, f"order not found for {order_id[:40]}")
        return order

    def order_by_client_id(self, account: str, client_order_id: str) -> Order:
        """Return the order of a client's id.

        Raises
        ------
        Refused
            404 where there is none.
        """
        order_id = self._book(account).by_client.get(client_order_id)
        if order_id is None:
            raise Refused(404, 40410000, f"order not found for {client_order_id[:128]}")
        return self.order(account, order_id)

    def orders(self, account: str) -> list[Order]:
        """Return all orders, exits included, ascending by number; the oldest final ones are forgotten."""
        return list(self._book(account).orders.values())

    def open_orders(self, account: str) -> list[Order]:
        """Return the orders that are not final, exits included, ascending by number."""
        return self._book(account).all_open()

    def account(self, account: str) -> Account:
        """Return what an account is worth now and may still buy."""
        return account_of(self._floor, self._book(account), self.started_at)

    def positions(self, account: str) -> list[Position]:
        """Return what an account holds now, by symbol."""
        return positions_of(self._floor, self._book(account))

    def position(self, account: str, symbol: str) -> Position:
        """Return what an account holds of a symbol.

        Raises
        ------
        Refused
            404 where it holds nothing.
        """
        return position_of(self._floor, self._book(account), symbol)

    def activities(self, account: str) -> list[Activity]:
        """Return the lines of the statement that can be seen by now, oldest first."""
        return [each for each in self._book(account).activities if each.seen_from <= self.now]

    def history(self, account: str) -> list[tuple[int, Decimal]]:
        """Return the equity at the completion of each row; further back than those that are kept, at each close."""
        book = self._book(account)
        begin = book.row_closes[0][0] if book.row_closes else self.now
        return [each for each in book.session_closes if each[0] < begin] + list(book.row_closes)

    def block(self, account: str, blocked: bool = True) -> None:
        """Let the broker take no more orders of an account, or take them again."""
        self._book(account).blocked = blocked

    def configure(self, account: str, *, suspend_trade: bool | None = None, no_shorting: bool | None = None) -> None:
        """Set what the user may configure; None leaves it."""
        book = self._book(account)
        book.suspended = book.suspended if suspend_trade is None else suspend_trade
        book.no_shorting = book.no_shorting if no_shorting is None else no_shorting

    def asset(self, symbol: str) -> AssetSettings:
        """Return what may be done with a symbol; KeyError for an unknown one."""
        self.tape.column(symbol)
        return self._floor.asset(symbol)

    def last_price(self, symbol: str) -> Decimal | None:
        """Return the last price in dollars, None before the first; KeyError for an unknown symbol."""
        return self._floor.price(symbol)

    def quote(self, symbol: str) -> tuple[Decimal, Decimal] | None:
        """Return bid and ask in dollars, None before the first price; KeyError for an unknown symbol."""
        return self._floor.quote(symbol)

    def printed_at(self, symbol: str) -> int | None:
        """Return when the last price was printed, None before the first; KeyError for an unknown symbol."""
        return int(self._floor.printed_at[self.tape.column(symbol)]) or None

    def advance(self) -> list[Event]:
        """Move the clock to the next bar that completes, or session that opens or closes, whichever comes first.

        What is due at the same instant but later in rank waits for the next call: an order that is sent after a bar is
        complete trades at the first price of the next one. After the end, what the last evening brings happens.

        Returns
        -------
        list of Event
            What happened, in order; empty when there is nothing more.
        """
        end = self._last_session.last if self.ended else None
        return self._run(end, stops=True)

    def advance_to(self, time: int) -> list[Event]:
        """Let everything happen that is due up to an instant, that included.

        Parameters
        ----------
        time : int
            Nanoseconds since 1970 (UTC).

        Raises
        ------
        ValueError
            If it has passed, or lies beyond the calendar.
        """
        if time < self.now:
            raise ValueError("the clock goes forward only")
        if day_in_new_york(time) >= self.sessions.known_until:
            raise ValueError(f"the calendar is known only until {self.sessions.known_until}")
        happened = self._run(time, stops=False)
        self._floor.now = time
        return happened

    def at(self, time: int, act: Callable[[], None]) -> None:
        """Let something happen when the clock gets to an instant, after all that is due then; when it moves, if past.

        Parameters
        ----------
        time : int
            Nanoseconds since 1970 (UTC).
        act : callable
            What happens.
        """
        self._floor.schedule.add(max(time, self.now), Rank.OTHER, act)

    def halt(self, symbol: str, reason: str) -> None:
        """Stop trading in a symbol; KeyError for an unknown one."""
        self.tape.column(symbol)
        actions.halt(self._floor, symbol, reason)

    def resume(self, symbol: str) -> None:
        """Let a symbol trade again; KeyError for an unknown one."""
        self.tape.column(symbol)
        actions.resume(self._floor, symbol)

    def split(self, symbol: str, ratio: Decimal) -> None:
        """Split a symbol now: ``ratio`` shares for each; KeyError for an unknown one, ValueError unless over 0.

        The tape knows nothing of it, so that from the next bar to complete on its prices are divided by the ratio.
        """
        if not ratio > 0:
            raise ValueError("the ratio of a split is over 0")
        self.tape.split(self.row + 1, symbol, float(ratio))
        self._floor.row_prints = None
        actions.split(self._floor, symbol, ratio)
        settle(self._floor)

    def dividend(self, symbol: str, dollars: Decimal) -> None:
        """Pay dollars a share now; KeyError for an unknown symbol."""
        self.tape.column(symbol)
        actions.dividend(self._floor, symbol, dollars)

    def bust(self, execution_id: str) -> None:
        """Take a fill back; Refused (404) for an unknown execution."""
        forced.bust(self._floor, execution_id)

    def correct(self, execution_id: str, price: Decimal) -> None:
        """Give a fill another price in dollars a share; Refused (404) for an unknown execution."""
        forced.correct(self._floor, execution_id, price)

    def overfill(self, order_id: str, qty: Decimal) -> None:
        """Fill an open order now, and so many shares beyond it; Refused (404, 422) where that cannot be."""
        forced.overfill(self._floor, order_id, qty)

    def reject(self, order_id: str, reason: str) -> None:
        """Reject an open order; Refused (404, 422) where that cannot be."""
        forced.reject(self._floor, order_id, reason)

    def _book(self, account: str) -> Book:
        return self._floor.books[account]

    def _stop(self) -> None:
        self._stopped = True

    def _run(self, until: int | None, *, stops: bool) -> list[Event]:
        """Let happen what is due, up to an instant (None for no bound) or to where a step ends."""
        floor = self._floor
        floor.happened, floor.busy, self._stopped = [], True, False
        happened = floor.happened
        try:
            while (following := floor.schedule.next()) is not None:
                if until is not None and following[0] > until:
                    break
                time, _, act = floor.schedule.pop()
                floor.now = max(floor.now, time)
                act()
                if stops and self._stopped:
                    break
        finally:
            floor.happened, floor.busy = None, False
        return happened

"""The steps of an order's life: placed, queued, at the market, filled, ended."""

from __future__ import annotations

import functools
from decimal import ROUND_FLOOR, Decimal
from typing import TYPE_CHECKING

from quantstrats.simulator.activities import Activity, activity_id
from quantstrats.simulator.book import Book, Execution, cents
from quantstrats.simulator.decimals import SMALLEST_SHARE
from quantstrats.simulator.rules import when
from quantstrats.simulator.schedule import Rank
from quantstrats.simulator.times import NS

if TYPE_CHECKING:
    from quantstrats.simulator.floor import Floor
    from quantstrats.simulator.orders import Order

_NOTHING = Decimal(0)
_WAITING = frozenset({"pending_new", "accepted", "held"})
# Where each final status leaves its time.
_TIMES = {"canceled": "canceled_at", "expired": "expired_at", "rejected": "failed_at", "replaced": "replaced_at"}


def place(floor: Floor, book: Book, order: Order) -> None:
    """Take a new order into the books: what it reserves, and when it ends if nothing else happens."""
    book.add(order)
    book.reserve(order, reservation(order))
    if order.expires_at not in floor.expiries:
        floor.expiries[order.expires_at] = {}
        # What is for the opening auction ends after it.
        rank = Rank.OTHER if order.time_in_force == "opg" else Rank.EVENING
        floor.schedule.add(order.expires_at, rank, functools.partial(expire, floor, order.expires_at))
    floor.expiries[order.expires_at][order.id] = order


def reservation(order: Order) -> Decimal:
    """Return the dollars of buying power that the rest of an order keeps."""
    if not order.opens or order.is_final or order.parent:
        return _NOTHING
    if order.rest is not None:
        return order.reserve_price * order.rest
    return max((order.notional or _NOTHING) - order.value, _NOTHING)


def begin(floor: Floor, book: Book, order: Order) -> None:
    """Bring an order to the market, or queue it for the session that it is for.

    The broker may reject it at this point. What it trades at once is drawn from ``floor.fresh``.
    """
    floor.queued.pop(order.id, None)
    if not _is_live(floor, order):
        queue(floor, order)
        return
    reason = floor.trouble.rejects(order)
    if reason is not None:
        finish(floor, book, order, "rejected", reason=reason)
        return
    if order.status in _WAITING:
        order.status = "new"
    floor.tell(order, "new")
    floor.resting.setdefault(order.symbol, {})[order.id] = order
    floor.quiet.pop(order.symbol, None)
    floor.fresh.append(order)


def queue(floor: Floor, order: Order) -> None:
    """Let an order wait for its session."""
    if order.status in _WAITING:
        order.status = "accepted"
    floor.queued[order.id] = order
    floor.tell(order, "accepted")


def finish(
    floor: Floor, book: Book, order: Order, status: str, *, event: str | None = None, reason: str | None = None
) -> None:
    """End an order without a fill: canceled, expired, rejected or replaced."""
    order.status = status
    setattr(order, _TIMES[status], floor.now)
    _close(floor, book, order)
    floor.tell(order, event or status, reason=reason)


def expire(floor: Floor, time: int) -> None:
    """End the orders that end at an instant: what was good for the day expires, the rest is canceled."""
    for order in list(floor.expiries.pop(time, {}).values()):
        if not order.is_final:
            status = "expired" if order.time_in_force == "day" else "canceled"
            finish(floor, floor.books[order.account], order, status)


def wanted(order: Order, price: Decimal) -> Decimal:
    """Return how many shares an order still wants at a price: what its dollars buy, for one by notional."""
    if order.rest is not None:
        return max(order.rest, _NOTHING)
    dollars = max((order.notional or _NOTHING) - order.value, _NOTHING)
    return (dollars / price).quantize(SMALLEST_SHARE, ROUND_FLOOR)


def fill(floor: Floor, book: Book, order: Order, qty: Decimal, price: Decimal, *, is_last: bool = False) -> None:
    """Book an execution: cash, holding, order, statement; then tell it.

    Parameters
    ----------
    floor, book, order
        Where, whose, what.
    qty, price : Decimal
        Shares, and dollars a share.
    is_last : bool, optional
        Whether the order is done with it, whatever it still wants.
    """
    signed = qty if order.side == "buy" else -qty
    dollars = cents(price * signed)
    book.cash -= dollars
    book.move(order.symbol, signed, price, floor.now)
    order.filled_qty += qty
    order.value += price * qty
    is_done = is_last or wanted(order, price) <= 0
    if is_done:
        order.status, order.filled_at = "filled", floor.now
        _close(floor, book, order)
    else:
        if order.status not in {"pending_cancel", "pending_replace"}:
            order.status = "partially_filled"
        book.reserve(order, reservation(order))
    execution = floor.ids.new()
    kind = "fill" if is_done else "partial_fill"
    book.remember(Execution(execution, book.id, order.id, order.symbol, signed, price))
    book.activities.append(
        Activity(
            id=activity_id(floor.now, floor.ids.new()),
            activity_type="FILL",
            time=floor.now,
            seen_from=floor.now + round((floor.settings.activity_delay + floor.trouble.activity_delay(order)) * NS),
            symbol=order.symbol,
            qty=qty,
            net_amount=-dollars,
            type=kind,
            side=order.side,
            price=price,
            order_id=order.id,
            execution_id=execution,
            order_status=order.status,
            cum_qty=order.filled_qty,
            leaves_qty=_NOTHING if is_done else wanted(order, price),
        )
    )
    note_cash(floor, book, "fill", -dollars, order.symbol, signed, execution)
    position = book.qty(order.symbol)
    floor.tell(order, kind, execution_id=execution, price=price, qty=qty, position_qty=position)


def note_cash(
    floor: Floor, book: Book, reason: str, amount: Decimal, symbol: str, shares: Decimal, execution: str | None = None
) -> None:
    """Write into the ledger that cash and shares moved."""
    floor.ledger.write(
        floor.now,
        "cash",
        account=book.id,
        reason=reason,
        amount=amount,
        cash=book.cash,
        symbol=symbol,
        shares=shares,
        position=book.qty(symbol),
        execution_id=execution,
    )


def _is_live(floor: Floor, order: Order) -> bool:
    if order.time_in_force == "opg":
        return floor.session is not None
    return when(order.time_in_force, order.extended_hours, floor.now, floor.sessions)[1]


def _close(floor: Floor, book: Book, order: Order) -> None:
    """Take a final order from wherever it waits."""
    at_market = floor.resting.get(order.symbol)
    if at_market is not None:
        at_market.pop(order.id, None)
        floor.quiet.pop(order.symbol, None)
        if not at_market:
            del floor.resting[order.symbol]
    floor.queued.pop(order.id, None)
    floor.arrivals.pop(order.id, None)
    floor.expiries.get(order.expires_at, {}).pop(order.id, None)
    book.end(order)
    floor.ended.append(order)

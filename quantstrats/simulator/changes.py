"""Cancels and replacements: asked for at once, in effect after a while, and too late where a fill came first."""

from __future__ import annotations

import dataclasses
from decimal import Decimal
from functools import partial
from typing import TYPE_CHECKING

from quantstrats.simulator.allowed import check_client_order_id_is_new, check_unblocked, permit
from quantstrats.simulator.decimals import CENT
from quantstrats.simulator.lifecycle import begin, finish, place, reservation
from quantstrats.simulator.orders import Changes, Order, Refused, Request
from quantstrats.simulator.rules import BAD_FIELD, BAD_ORDER, check_exits, check_form, check_hour, when
from quantstrats.simulator.trading import force, settle

if TYPE_CHECKING:
    from quantstrats.simulator.book import Book
    from quantstrats.simulator.floor import Floor

_IRREPLACEABLE = frozenset({"accepted", "pending_new", "pending_cancel", "pending_replace"})


def cancel(floor: Floor, book: Book, order: Order, *, at_once: bool = False) -> None:
    """Ask for an order to be canceled.

    Raises
    ------
    Refused
        422 where it is final, or a cancel is on its way.
    """
    if order.is_final or order.status == "pending_cancel":
        raise Refused(422, BAD_ORDER, f'order is already in "{order.status}" state')
    order.status = "pending_cancel"
    order.cancel_requested_at = floor.now
    floor.tell(order, "pending_cancel")
    effect = partial(_cancel_arrives, floor, book, order)
    if at_once:
        effect()
    else:
        floor.later(floor.arrival(order), effect)


def cancel_all(floor: Floor, book: Book, *, at_once: bool = False) -> list[tuple[str, int]]:
    """Ask for every open order to be canceled; return id and HTTP status of each."""
    told = []
    for order in book.all_open():
        # One may have gone with another of its family.
        if not order.is_final:
            try:
                cancel(floor, book, order, at_once=at_once)
            except Refused as refused:
                told.append((order.id, refused.status))
                continue
        told.append((order.id, 200))
    return told


def replace(floor: Floor, book: Book, old: Order, changes: Changes) -> Order:
    """Ask for an order to be replaced by another; see :meth:`quantstrats.simulator.exchange.Exchange.replace`."""
    if old.is_final or old.status in _IRREPLACEABLE:
        raise Refused(422, BAD_ORDER, f"cannot replace order in {old.status} status")
    if old.qty is None:
        raise Refused(422, BAD_ORDER, "cannot replace an order by notional")
    check_unblocked(book)
    check_client_order_id_is_new(floor, book, changes.client_order_id)
    total = old.qty if changes.qty is None else changes.qty
    if total <= old.filled_qty:
        raise Refused(422, BAD_FIELD, f"qty must be > {old.filled_qty} that are filled")
    new = _replacement(floor, book, old, changes, total - old.filled_qty)
    old.status = "pending_replace"
    floor.tell(old, "pending_replace")
    arrival = floor.arrival(old)
    place(floor, book, new)
    # Together they keep what the dearer one needs.
    book.reserve(new, reservation(new) - book.reserves(old))
    answer = new.copy()
    # What is asked for the new one comes after this.
    floor.arrivals[new.id] = arrival
    floor.later(arrival, partial(_replacement_arrives, floor, book, old, new, old.filled_qty))
    return answer


def _cancel_arrives(floor: Floor, book: Book, order: Order) -> None:
    if not order.is_final and floor.trouble.fills_before_cancel(order):
        force(floor, book, order)
    if not order.is_final:
        finish(floor, book, order, "canceled")
    elif order.status not in {"canceled", "expired"}:
        floor.tell(order, "order_cancel_rejected", reason=f'order is already in "{order.status}" state')
    settle(floor)


def _replacement(floor: Floor, book: Book, old: Order, changes: Changes, qty: Decimal) -> Order:
    """Make the order that takes another's place, or refuse it by the rules."""
    time_in_force = changes.time_in_force or old.time_in_force
    has_percent = old.trail_percent is not None
    wished = Request(
        symbol=old.symbol,
        side=old.side,
        type=old.type,
        time_in_force=time_in_force,
        qty=qty,
        limit_price=old.limit_price if changes.limit_price is None else changes.limit_price,
        stop_price=_stop_price(old, changes),
        trail_price=old.trail_price if has_percent or changes.trail is None else changes.trail,
        trail_percent=changes.trail if has_percent and changes.trail is not None else old.trail_percent,
        extended_hours=old.extended_hours,
        client_order_id=changes.client_order_id,
    )
    if changes.trail is not None and old.type != "trailing_stop":
        raise Refused(422, BAD_FIELD, "only trailing stop orders take trail")
    check_form(wished)
    if time_in_force != old.time_in_force:
        check_hour(time_in_force, floor.now, floor.sessions)
        if old.parent or old.legs:
            raise Refused(422, BAD_ORDER, f"the time in force of {old.order_class} orders cannot be replaced")
    _check_exits(book, old, wished)
    _check_sibling(book, old, wished)
    _, live, expires_at = when(time_in_force, old.extended_hours, floor.now, floor.sessions)
    if time_in_force == "gtc" == old.time_in_force:
        expires_at = old.expires_at
    new = dataclasses.replace(
        old,
        id=floor.ids.new(),
        number=floor.number(),
        client_order_id=changes.client_order_id or floor.ids.new(),
        time_in_force=time_in_force,
        qty=qty,
        limit_price=wished.limit_price,
        stop_price=wished.stop_price,
        trail_price=wished.trail_price,
        trail_percent=wished.trail_percent,
        status="pending_new" if live else "accepted",
        created_at=floor.now,
        updated_at=floor.now,
        submitted_at=floor.now,
        expires_at=expires_at,
        replaces=old.id,
        filled_qty=Decimal(0),
        value=Decimal(0),
        filled_at=None,
        triggered=False,
        stop_limit=None,
        hwm=None,
        legs=list(old.legs),
    )
    if old.status != "held":
        permission = permit(floor, book, _by_class(wished, old), replacing=old)
        new.position_intent, new.reserve_price = permission.intent, permission.reserve_price
    return new


def _stop_price(old: Order, changes: Changes) -> Decimal | None:
    if old.type == "trailing_stop":
        # The one that it trails is no wish of the client's.
        return changes.stop_price
    return old.stop_price if changes.stop_price is None else changes.stop_price


def _by_class(wished: Request, old: Order) -> Request:
    """Return the request as of the class that matters to the account: exits are exits, whatever their entry is."""
    return dataclasses.replace(wished, order_class="oco" if old.parent else old.order_class)


def _check_exits(book: Book, old: Order, wished: Request) -> None:
    """Check an entry that is replaced against its exits, and an OCO's profit against its stop."""
    legs = [book.orders[leg] for leg in old.legs if leg in book.orders]
    profits = [leg.limit_price for leg in legs if leg.type == "limit"]
    stops = [leg for leg in legs if leg.type != "limit"]
    stop = stops[0] if stops else None
    asked = dataclasses.replace(
        wished,
        order_class=old.order_class if legs else "simple",
        take_profit=profits[0] if profits else wished.limit_price if old.order_class == "oco" else None,
        stop_loss=(stop.stop_price, stop.limit_price) if stop and stop.stop_price else None,
    )
    # A market order's base is gone with it, so only limits and stops are checked.
    if asked.limit_price or asked.stop_price:
        check_exits(asked, None)


def _check_sibling(book: Book, old: Order, wished: Request) -> None:
    """Check an exit that is replaced against the other one: the profit lies beyond the stop."""
    head = book.orders.get(old.parent) if old.parent else None
    if head is None:
        return
    others = [head] if head.order_class == "oco" else []
    others += [book.orders[leg] for leg in head.legs if leg in book.orders]
    for other in others:
        if other.id == old.id or other.is_final:
            continue
        profit = wished.limit_price if old.type == "limit" else other.limit_price
        stop = other.stop_price if old.type == "limit" else wished.stop_price
        up = 1 if wished.side == "sell" else -1
        if profit is not None and stop is not None and (profit - stop) * up < CENT:
            raise Refused(422, BAD_ORDER, "take_profit.limit_price must lie beyond stop_loss.stop_price")


def _replacement_arrives(floor: Floor, book: Book, old: Order, new: Order, filled_then: Decimal) -> None:
    if new.is_final:
        # It ended on the way: the old one stays what it was.
        if old.status == "pending_replace":
            old.status = _status_before(floor, old)
            floor.tell(old, "order_replace_rejected", reason=f"order is {new.status}")
        return
    if not old.is_final and floor.trouble.fills_before_replace(old):
        force(floor, book, old)
    # Orders by notional are not replaced.
    rest = (new.qty or Decimal(0)) - (old.filled_qty - filled_then)
    if old.is_final or rest <= 0:
        if not old.is_final and old.status == "pending_replace":
            old.status = _status_before(floor, old)
        finish(floor, book, new, "rejected", event="order_replace_rejected", reason=f"order is {old.status}")
        settle(floor)
        return
    new.qty = rest
    waits = old.parent is not None and old.id not in floor.resting.get(old.symbol, {})
    _take_over(book, old, new)
    old.replaced_by = new.id
    finish(floor, book, old, "replaced")
    book.reserve(new, reservation(new))
    parent = book.orders.get(old.parent) if old.parent else None
    if waits and not (parent is not None and parent.status == "filled"):
        # Unless a cancel of it is on its way already.
        if new.status != "pending_cancel":
            new.status = "held"
            floor.tell(new, "held")
    else:
        begin(floor, book, new)
    settle(floor)


def _status_before(floor: Floor, order: Order) -> str:
    """Return what an order is whose replacement comes to nothing."""
    if order.id not in floor.resting.get(order.symbol, {}):
        return "held" if order.parent else "accepted"
    return "partially_filled" if order.filled_qty else "new"


def _take_over(book: Book, old: Order, new: Order) -> None:
    """Let the new order stand where the old one stood among its entry and exits."""
    parent = book.orders.get(old.parent) if old.parent else None
    if parent is not None:
        parent.legs = [new.id if leg == old.id else leg for leg in parent.legs]
    new.legs = list(old.legs)
    for leg_id in new.legs:
        leg = book.orders.get(leg_id)
        if leg is not None and not leg.is_final:
            leg.parent = new.id
            if leg.status == "held" and new.qty is not None:
                # The exits close all that the entry and those before it have opened, and will open now.
                leg.qty = (leg.qty or Decimal(0)) + new.qty - (old.rest or Decimal(0))

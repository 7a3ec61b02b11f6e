"""Bracket, OCO and OTO: what the end or a part of one order means for those that belong to it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from quantstrats.simulator.lifecycle import begin, finish

if TYPE_CHECKING:
    from quantstrats.simulator.book import Book
    from quantstrats.simulator.floor import Floor
    from quantstrats.simulator.orders import Order


def family(book: Book, order: Order) -> list[Order]:
    """Return the other orders of a bracket, OCO or OTO that are still open: the entry (or first exit), then exits."""
    head = book.orders.get(order.parent) if order.parent else order
    if head is None:
        return []
    members = [head, *(book.orders[leg] for leg in head.legs if leg in book.orders)]
    return [member for member in members if member.id != order.id and not member.is_final]


def exits_of(book: Book, order: Order) -> list[Order]:
    """Return the exits that wait for an order, as an entry; none for an OCO's first exit."""
    if order.order_class == "oco":
        return []
    return [book.orders[leg] for leg in order.legs if leg in book.orders and not book.orders[leg].is_final]


def follow(floor: Floor, book: Book, order: Order) -> None:
    """Draw the consequences of an order's end.

    A filled entry brings its exits to the market. A filled exit cancels its sibling. A canceled or expired order
    takes its family with it; a rejected exit leaves its sibling, as a broker would, and a rejected entry does not.
    """
    if order.status == "replaced" or not (order.parent or order.legs):
        return
    if order.status == "filled" and not order.parent and order.order_class != "oco":
        for exit_ in exits_of(book, order):
            if exit_.id not in floor.resting.get(exit_.symbol, {}):
                begin(floor, book, exit_)
        return
    if order.status == "rejected" and (order.parent or order.order_class == "oco"):
        return
    for member in family(book, order):
        if not member.is_final:
            finish(floor, book, member, "expired" if order.status == "expired" else "canceled")


def shrink(floor: Floor, book: Book, order: Order) -> None:
    """After a part of an exit was filled: its sibling closes no more than what is left."""
    if order.rest is None or not (order.parent or order.order_class == "oco"):
        return
    for sibling in family(book, order):
        is_exit = sibling.parent is not None or sibling.order_class == "oco"
        if is_exit and sibling.rest is not None and sibling.rest > order.rest:
            sibling.qty = sibling.filled_qty + order.rest
            floor.tell(sibling, "restated")

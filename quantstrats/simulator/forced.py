"""What no client asked for: fills taken back, corrected or too large, orders rejected late."""

from __future__ import annotations

import dataclasses
from decimal import Decimal
from typing import TYPE_CHECKING

from quantstrats.simulator.book import Book, Execution, cents
from quantstrats.simulator.lifecycle import fill, finish, note_cash, reservation, wanted
from quantstrats.simulator.orders import Refused
from quantstrats.simulator.trading import settle

if TYPE_CHECKING:
    from quantstrats.simulator.floor import Floor


def bust(floor: Floor, execution_id: str) -> None:
    """Take a fill back: shares and cash return, the order has filled less (and stays what it was otherwise)."""
    book, execution = _execution(floor, execution_id)
    order = book.orders[execution.order_id]
    del book.executions[execution_id]
    amount = cents(execution.price * execution.qty)
    book.cash += amount
    book.move(order.symbol, -execution.qty, execution.price, floor.now)
    order.filled_qty -= abs(execution.qty)
    order.value -= execution.price * abs(execution.qty)
    book.reserve(order, reservation(order))
    for activity in list(book.activities):
        if activity.execution_id == execution_id:
            book.activities.remove(activity)
    note_cash(floor, book, "bust", amount, order.symbol, -execution.qty, execution_id)
    floor.tell(
        order,
        "trade_bust",
        price=execution.price,
        qty=abs(execution.qty),
        position_qty=book.qty(order.symbol),
        previous_execution_id=execution_id,
    )


def correct(floor: Floor, execution_id: str, price: Decimal) -> None:
    """Give a fill another price: cash moves by the difference, under a new execution id."""
    book, execution = _execution(floor, execution_id)
    order = book.orders[execution.order_id]
    new_id = floor.ids.new()
    amount = cents(execution.price * execution.qty) - cents(price * execution.qty)
    book.cash += amount
    order.value += (price - execution.price) * abs(execution.qty)
    holding = book.holdings.get(order.symbol)
    if holding is not None and holding.qty * execution.qty > 0:
        shares = min(abs(execution.qty), abs(holding.qty))
        holding.average += (price - execution.price) * shares / abs(holding.qty)
    del book.executions[execution_id]
    book.remember(dataclasses.replace(execution, id=new_id, price=price))
    for place, activity in enumerate(book.activities):
        if activity.execution_id == execution_id:
            net = activity.net_amount + amount
            book.activities[place] = dataclasses.replace(activity, price=price, net_amount=net, execution_id=new_id)
    note_cash(floor, book, "correction", amount, order.symbol, Decimal(0), new_id)
    floor.tell(
        order,
        "trade_correct",
        execution_id=new_id,
        price=price,
        qty=abs(execution.qty),
        position_qty=book.qty(order.symbol),
        previous_execution_id=execution_id,
    )


def overfill(floor: Floor, order_id: str, qty: Decimal) -> None:
    """Fill the rest of an open order at the last price, and so many shares beyond it.

    Raises
    ------
    Refused
        404 for an unknown order, 422 for one that is final or whose symbol has no price yet.
    """
    book, order = floor.order(order_id)
    price = floor.price(order.symbol)
    if order.is_final or price is None:
        raise Refused(422, 42210000, f"order is {order.status} and cannot be filled now")
    fill(floor, book, order, wanted(order, price) + qty, price, is_last=True)
    settle(floor)


def reject(floor: Floor, order_id: str, reason: str) -> None:
    """Reject an open order, wherever it is.

    Raises
    ------
    Refused
        404 for an unknown order, 422 for one that is final.
    """
    book, order = floor.order(order_id)
    if order.is_final:
        raise Refused(422, 42210000, f'order is already in "{order.status}" state')
    finish(floor, book, order, "rejected", reason=reason)
    settle(floor)


def _execution(floor: Floor, execution_id: str) -> tuple[Book, Execution]:
    for book in floor.books.values():
        execution = book.executions.get(execution_id)
        if execution is not None and execution.order_id in book.orders:
            return book, execution
    raise Refused(404, 40410000, f"execution not found for {execution_id}")

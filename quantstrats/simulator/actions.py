"""Halts, splits and dividends."""

from __future__ import annotations

from decimal import ROUND_DOWN, Decimal
from typing import TYPE_CHECKING

from quantstrats.simulator.activities import Activity, activity_id
from quantstrats.simulator.book import Book, cents
from quantstrats.simulator.decimals import SMALLEST_SHARE, tick_of
from quantstrats.simulator.events import StatusEvent
from quantstrats.simulator.lifecycle import finish, note_cash, reservation
from quantstrats.simulator.trading import settle

if TYPE_CHECKING:
    from datetime import date

    from quantstrats.simulator.floor import Floor
    from quantstrats.simulator.orders import Order

_NOTHING, _DOLLAR = Decimal(0), Decimal(1)


def due(floor: Floor, day: date) -> None:
    """Do what the settings say for a session, before it opens."""
    for action in floor.settings.actions:
        if action.on == day and action.symbol in floor.tape.symbols:
            if action.dividend is not None:
                dividend(floor, action.symbol, action.dividend)
            if action.ratio is not None:
                split(floor, action.symbol, action.ratio)


def halt(floor: Floor, symbol: str, reason: str) -> None:
    """Stop trading in a symbol: orders rest, nothing is filled. The tape's prices go on."""
    if symbol not in floor.halted:
        floor.halted[symbol] = reason
        floor.publish(StatusEvent(time=floor.now, symbol=symbol, status="H", reason=reason))


def resume(floor: Floor, symbol: str) -> None:
    """Let a symbol trade again: its next price is a jump."""
    reason = floor.halted.pop(symbol, None)
    if reason is not None:
        floor.jumps.add(symbol)
        floor.publish(StatusEvent(time=floor.now, symbol=symbol, status="T", reason=reason))


def dividend(floor: Floor, symbol: str, dollars: Decimal) -> None:
    """Pay so many dollars a share to those who hold it; who is short pays."""
    for book in floor.books.values():
        qty = book.qty(symbol)
        if qty:
            amount = cents(qty * dollars)
            book.cash += amount
            _note(floor, book, "DIV", symbol, qty, amount, dollars)
            note_cash(floor, book, "dividend", amount, symbol, _NOTHING)


def split(floor: Floor, symbol: str, ratio: Decimal) -> None:
    """Turn each share into ``ratio`` shares, in the positions and in the orders that are open.

    A position of whole shares keeps whole shares; what is left over is paid in cash at the last price. Prices of
    orders go to the nearest one that the rules allow, quantities down to whole shares; an order of which nothing is
    left is canceled.
    """
    column = floor.column(symbol)
    floor.quiet.pop(symbol, None)
    floor.last[column] /= float(ratio)
    floor.closes[column] /= float(ratio)
    for book in floor.books.values():
        # A fill from before a split cannot be taken back: its shares are others now.
        for execution in [each for each in book.executions.values() if each.symbol == symbol]:
            del book.executions[execution.id]
        _split_position(floor, book, symbol, ratio)
        for side in ("buy", "sell"):
            for order in list(book.open(symbol, side)):
                if not order.is_final:
                    _split_order(floor, book, order, ratio)
        settle(floor)


def _split_position(floor: Floor, book: Book, symbol: str, ratio: Decimal) -> None:
    holding = book.holdings.get(symbol)
    if holding is None:
        return
    before, exactly = holding.qty, holding.qty * ratio
    unit = _DOLLAR if before == before.to_integral_value() else SMALLEST_SHARE
    after = exactly.quantize(unit, ROUND_DOWN)
    holding.average /= ratio
    price = floor.price(symbol)
    amount = cents((exactly - after) * (holding.average if price is None else price))
    holding.qty = after
    if not after:
        del book.holdings[symbol]
    book.cash += amount
    _note(floor, book, "SPLIT", symbol, after - before, amount)
    note_cash(floor, book, "split", amount, symbol, after - before)


def _split_order(floor: Floor, book: Book, order: Order, ratio: Decimal) -> None:
    if order.rest is not None:
        exactly = order.rest * ratio
        unit = _DOLLAR if order.rest == order.rest.to_integral_value() else SMALLEST_SHARE
        rest = exactly.quantize(unit, ROUND_DOWN)
        if not rest:
            finish(floor, book, order, "canceled", reason="nothing is left of it after a split")
            return
        order.qty = order.filled_qty + rest
    order.limit_price = _on_grid(order.limit_price, ratio)
    order.stop_price = _on_grid(order.stop_price, ratio)
    order.trail_price = _on_grid(order.trail_price, ratio)
    order.stop_limit = None if order.stop_limit is None else order.stop_limit / ratio
    order.hwm = None if order.hwm is None else order.hwm / ratio
    order.reserve_price /= ratio
    order.hold_qty *= ratio
    book.reserve(order, reservation(order))
    floor.tell(order, "restated")


def _on_grid(price: Decimal | None, ratio: Decimal) -> Decimal | None:
    if price is None:
        return None
    price = price / ratio
    unit = tick_of(price)
    return max(price.quantize(unit), unit)


def _note(
    floor: Floor,
    book: Book,
    kind: str,
    symbol: str,
    qty: Decimal,
    amount: Decimal,
    per_share: Decimal | None = None,
) -> None:
    book.activities.append(
        Activity(
            id=activity_id(floor.now, floor.ids.new()),
            activity_type=kind,
            time=floor.now,
            seen_from=floor.now,
            symbol=symbol,
            qty=qty,
            net_amount=amount,
            per_share_amount=per_share,
        )
    )

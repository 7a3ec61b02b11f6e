"""Orders come in: checked against the rules and the account, then on their way to the market."""

from __future__ import annotations

import dataclasses
from decimal import ROUND_DOWN, Decimal
from functools import partial
from typing import TYPE_CHECKING

from quantstrats.simulator.allowed import (
    Permission,
    check_asset,
    check_client_order_id_is_new,
    check_unblocked,
    permit,
)
from quantstrats.simulator.decimals import SMALLEST_SHARE
from quantstrats.simulator.ids import asset_id
from quantstrats.simulator.lifecycle import begin, place, queue
from quantstrats.simulator.orders import Order, Refused, Request, opposite
from quantstrats.simulator.rules import BAD_FIELD, check_exits, check_form, check_hour, when
from quantstrats.simulator.trading import settle

if TYPE_CHECKING:
    from quantstrats.simulator.book import Book
    from quantstrats.simulator.floor import Floor


def submit(floor: Floor, book: Book, request: Request, foreign: bool) -> Order:
    """Take an order, or refuse it; see :meth:`quantstrats.simulator.exchange.Exchange.submit`."""
    if request.order_class == "oco" and request.type == "limit":
        # The profit is the order itself; a client may give its limit in either place.
        limit = request.take_profit if request.take_profit is not None else request.limit_price
        request = dataclasses.replace(request, limit_price=limit, take_profit=limit)
    check_form(request)
    check_asset(floor, request)
    check_unblocked(book)
    check_client_order_id_is_new(floor, book, request.client_order_id)
    check_hour(request.time_in_force, floor.now, floor.sessions)
    check_exits(request, floor.price(request.symbol))
    permission = permit(floor, book, request)
    order, legs = _made(floor, book, request, permission, foreign)
    live = order.status == "pending_new"
    for each in (order, *legs):
        place(floor, book, each)
    arrival = floor.arrival(order)
    answer = order.copy()
    if live:
        floor.tell(order, "pending_new")
    else:
        queue(floor, order)
    for leg in legs:
        floor.tell(leg, "held")
    if live:
        floor.later(arrival, partial(_arrive, floor, book, order))
    return answer


def closing_request(
    floor: Floor, book: Book, symbol: str, qty: Decimal | None = None, percentage: Decimal | None = None
) -> Request:
    """Return the market order that closes a position, or a part of it.

    Parameters
    ----------
    qty, percentage : Decimal, optional
        How many shares, or how much of the position (over 0, up to 100); everything where neither is given.

    Raises
    ------
    Refused
        404 where nothing is held; 422 where the part does not fit.
    """
    held = book.qty(symbol)
    if not held:
        raise Refused(404, 40410000, f"position does not exist: {symbol[:40]}")
    if qty is not None and percentage is not None:
        raise Refused(422, BAD_FIELD, "only one of qty or percentage is accepted")
    if percentage is not None:
        if not 0 < percentage <= 100:
            raise Refused(422, BAD_FIELD, "percentage must be > 0 and <= 100")
        unit = SMALLEST_SHARE if floor.asset(symbol).fractionable else Decimal(1)
        qty = abs(held) if percentage == 100 else (abs(held) * percentage / 100).quantize(unit, ROUND_DOWN)
    return Request(
        symbol=symbol,
        side="sell" if held > 0 else "buy",
        type="market",
        time_in_force="day",
        qty=abs(held) if qty is None else qty,
    )


def _arrive(floor: Floor, book: Book, order: Order) -> None:
    if order.is_final:
        return
    begin(floor, book, order)
    if order.order_class == "oco" and not order.is_final:
        for leg in order.legs:
            begin(floor, book, book.orders[leg])
    settle(floor)


def _made(
    floor: Floor, book: Book, request: Request, permission: Permission, foreign: bool
) -> tuple[Order, list[Order]]:
    """Make an order and its exits."""
    _, live, expires_at = when(request.time_in_force, request.extended_hours, floor.now, floor.sessions)
    order_id = floor.ids.new()
    order = Order(
        id=order_id,
        number=floor.number(),
        account=book.id,
        client_order_id=request.client_order_id or floor.ids.new(),
        symbol=request.symbol,
        asset_id=asset_id(request.symbol),
        side=request.side,
        type=request.type,
        time_in_force=request.time_in_force,
        order_class=request.order_class,
        qty=request.qty,
        notional=request.notional,
        limit_price=request.limit_price,
        stop_price=request.stop_price,
        trail_price=request.trail_price,
        trail_percent=request.trail_percent,
        extended_hours=request.extended_hours,
        position_intent=permission.intent,
        status="pending_new" if live else "accepted",
        created_at=floor.now,
        updated_at=floor.now,
        submitted_at=floor.now,
        expires_at=expires_at,
        foreign=foreign,
        group=order_id,
        hold_qty=permission.hold_qty,
        reserve_price=permission.reserve_price,
    )
    legs = []
    if request.take_profit is not None and request.order_class != "oco":
        legs.append(_leg(floor, order, limit_price=request.take_profit))
    if request.stop_loss is not None:
        legs.append(_leg(floor, order, limit_price=request.stop_loss[1], stop_price=request.stop_loss[0]))
    order.legs = [leg.id for leg in legs]
    return order, legs


def _leg(floor: Floor, order: Order, limit_price: Decimal | None, stop_price: Decimal | None = None) -> Order:
    side = opposite(order.side) if order.order_class != "oco" else order.side
    kind = "limit" if stop_price is None else "stop" if limit_price is None else "stop_limit"
    return dataclasses.replace(
        order,
        id=floor.ids.new(),
        number=floor.number(),
        client_order_id=floor.ids.new(),
        side=side,
        type=kind,
        limit_price=limit_price,
        stop_price=stop_price,
        position_intent=f"{side}_to_close",
        status="held",
        parent=order.id,
        legs=[],
        reserve_price=Decimal(0),
    )

"""Which orders GET /v2/orders lists, in which order."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from quantstrats.simulator.orders import SIDES, Order
from quantstrats.simulator.protocol.errors import bad_field
from quantstrats.simulator.protocol.orders import order_json
from quantstrats.simulator.protocol.queries import Query, count, flag, instant, word, words

USUAL_LIMIT, MOST = 50, 500
_STATUSES, _DIRECTIONS = ("open", "closed", "all"), ("desc", "asc")


def orders_json(orders: Sequence[Order], query: Query) -> list[dict[str, Any]]:
    """Return the orders that a query asks for.

    Parameters
    ----------
    orders : sequence of Order
        All of the account, ascending by number.
    query : mapping of str to str
        ``status`` (open unless told otherwise), ``limit``, ``after`` and ``until`` (both exclusive), ``direction``,
        ``nested`` (exits under their orders instead of rows of their own), ``symbols``, ``side``,
        ``before_order_id`` and ``after_order_id``.

    Raises
    ------
    Refused
        422 for a parameter that makes no sense.
    """
    status = word(query, "status", _STATUSES, "open")
    limit = count(query, "limit", USUAL_LIMIT, MOST)
    is_ascending = word(query, "direction", _DIRECTIONS, "desc") == "asc"
    legs = _legs(orders) if flag(query, "nested") else {}
    nested = {leg.id for each in legs.values() for leg in each}
    found = [
        order
        for order in _asked_for(orders, query)
        if order.id not in nested and any(_has(each, status) for each in (order, *legs.get(order.id, ())))
    ]
    if not is_ascending:
        found.reverse()
    return [order_json(order, legs.get(order.id, ())) for order in found[:limit]]


def _legs(orders: Sequence[Order]) -> dict[str, list[Order]]:
    by_id = {order.id: order for order in orders}
    return {order.id: [by_id[leg] for leg in order.legs if leg in by_id] for order in orders if order.legs}


def _has(order: Order, status: str) -> bool:
    return status == "all" or order.is_final == (status == "closed")


def _asked_for(orders: Sequence[Order], query: Query) -> list[Order]:
    first, last = _numbers(orders, query)
    symbols, side = set(words(query, "symbols")), query.get("side")
    if side and side not in SIDES:
        raise bad_field("invalid side: must be buy or sell")
    after, until = instant(query, "after"), instant(query, "until")
    return [
        order
        for order in orders
        if first < order.number < last
        and (not symbols or order.symbol in symbols)
        and (not side or order.side == side)
        and (after is None or order.submitted_at > after)
        and (until is None or order.submitted_at < until)
    ]


def _numbers(orders: Sequence[Order], query: Query) -> tuple[float, float]:
    """Return after and before which order's number the list begins and ends, both exclusive."""
    bounds = [-float("inf"), float("inf")]
    for place, name in enumerate(("after_order_id", "before_order_id")):
        if query.get(name):
            known = [order.number for order in orders if order.id == query[name]]
            if not known:
                raise bad_field(f"invalid {name}: order not found")
            bounds[place] = known[0]
    return bounds[0], bounds[1]

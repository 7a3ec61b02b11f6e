"""An order as JSON."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from quantstrats.simulator.decimals import number
from quantstrats.simulator.times import rfc3339

if TYPE_CHECKING:
    from quantstrats.simulator.orders import Order

# A quotient has 28 digits; more than these tell nothing.
_DECIMALS = 18
_SMALLEST = Decimal(1).scaleb(-_DECIMALS)


def order_json(order: Order, legs: Sequence[Order] = ()) -> dict[str, Any]:
    """Return an order as the broker sends it: numbers as texts, null for what is not there.

    Parameters
    ----------
    order : Order
        As it was at one instant.
    legs : sequence of Order, optional
        Its exits, where they are told with it.
    """
    return {
        "id": order.id,
        "client_order_id": order.client_order_id,
        "created_at": rfc3339(order.created_at),
        "updated_at": rfc3339(order.updated_at),
        "submitted_at": rfc3339(order.submitted_at),
        "filled_at": _time(order.filled_at),
        "expired_at": _time(order.expired_at),
        "expires_at": _time(order.expires_at),
        "canceled_at": _time(order.canceled_at),
        "failed_at": _time(order.failed_at),
        "replaced_at": _time(order.replaced_at),
        "cancel_requested_at": _time(order.cancel_requested_at),
        "replaced_by": order.replaced_by,
        "replaces": order.replaces,
        "asset_id": order.asset_id,
        "symbol": order.symbol,
        "asset_class": "us_equity",
        "notional": _text(order.notional),
        "qty": _text(order.qty),
        "filled_qty": number(order.filled_qty),
        "filled_avg_price": _average(order),
        "order_class": "" if order.order_class == "simple" else order.order_class,
        "order_type": order.type,
        "type": order.type,
        "side": order.side,
        "position_intent": order.position_intent,
        "time_in_force": order.time_in_force,
        "limit_price": _text(order.limit_price),
        "stop_price": _text(order.stop_price),
        "status": order.status,
        "extended_hours": order.extended_hours,
        "legs": [order_json(leg) for leg in legs] or None,
        "trail_percent": _text(order.trail_percent),
        "trail_price": _text(order.trail_price),
        "hwm": _text(order.hwm),
        "subtag": None,
        "source": None,
    }


def _time(ns: int | None) -> str | None:
    return None if ns is None else rfc3339(ns)


def _text(value: Decimal | None) -> str | None:
    return None if value is None else number(value)


def _average(order: Order) -> str | None:
    price = order.filled_avg_price
    if price is None:
        return None
    return number(price if int(price.as_tuple().exponent) >= -_DECIMALS else price.quantize(_SMALLEST))

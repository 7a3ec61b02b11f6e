"""Bodies of requests: JSON objects as what a client asks for."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

from quantstrats.simulator.orders import Changes, Request
from quantstrats.simulator.protocol.errors import bad_field, malformed
from quantstrats.simulator.protocol.numbers import decimal_of, optional_decimal


def object_of(body: bytes) -> dict[str, Any]:
    """Return a body's JSON object, with fractions as Decimal.

    Raises
    ------
    Refused
        400 where it is none.
    """
    try:
        content = _decode(body.decode())
    except (ValueError, RecursionError):
        raise malformed() from None
    if not isinstance(content, dict):
        raise malformed()
    return content


def order_request(body: bytes) -> Request:
    """Return what POST /v2/orders asks for; fields that are not known are passed over, as the broker does.

    Raises
    ------
    Refused
        400 for what is no JSON object or has fields of the wrong type; 422 where a field is missing or is no number.
    """
    fields = object_of(body)
    return Request(
        symbol=_required(fields, "symbol"),
        side=_required(fields, "side"),
        type=_required(fields, "type"),
        time_in_force=_required(fields, "time_in_force"),
        qty=optional_decimal(fields, "qty"),
        notional=optional_decimal(fields, "notional"),
        limit_price=optional_decimal(fields, "limit_price"),
        stop_price=optional_decimal(fields, "stop_price"),
        trail_price=optional_decimal(fields, "trail_price"),
        trail_percent=optional_decimal(fields, "trail_percent"),
        order_class=_text(fields, "order_class") or "simple",
        take_profit=_take_profit(fields),
        stop_loss=_stop_loss(fields),
        extended_hours=_flag(fields, "extended_hours") or False,
        client_order_id=_text(fields, "client_order_id") or None,
        position_intent=_text(fields, "position_intent") or None,
    )


def order_changes(body: bytes) -> Changes:
    """Return what PATCH /v2/orders/{id} asks for.

    Raises
    ------
    Refused
        As for :func:`order_request`.
    """
    fields = object_of(body)
    return Changes(
        qty=optional_decimal(fields, "qty"),
        time_in_force=_text(fields, "time_in_force") or None,
        limit_price=optional_decimal(fields, "limit_price"),
        stop_price=optional_decimal(fields, "stop_price"),
        trail=optional_decimal(fields, "trail"),
        client_order_id=_text(fields, "client_order_id") or None,
    )


def configuration_changes(body: bytes) -> dict[str, bool]:
    """Return what PATCH /v2/account/configurations sets of ``no_shorting`` and ``suspend_trade``.

    The other settings of the broker change nothing here.

    Raises
    ------
    Refused
        400 for what is no JSON object, or where either is no boolean.
    """
    fields = object_of(body)
    told = {name: _flag(fields, name) for name in ("no_shorting", "suspend_trade")}
    return {name: value for name, value in told.items() if value is not None}


def _required(fields: dict[str, Any], name: str) -> str:
    value = _text(fields, name)
    if not value:
        raise bad_field(f"{name} is required")
    return value


def _text(fields: dict[str, Any], name: str) -> str | None:
    value = fields.get(name)
    if value is not None and type(value) is not str:
        raise malformed()
    return value


def _flag(fields: dict[str, Any], name: str) -> bool | None:
    value = fields.get(name)
    if value is not None and type(value) is not bool:
        raise malformed()
    return value


def _take_profit(fields: dict[str, Any]) -> Decimal | None:
    exit_ = _exit(fields, "take_profit")
    return None if exit_ is None else _exit_price(exit_, "take_profit", "limit_price")


def _stop_loss(fields: dict[str, Any]) -> tuple[Decimal, Decimal | None] | None:
    exit_ = _exit(fields, "stop_loss")
    if exit_ is None:
        return None
    return _exit_price(exit_, "stop_loss", "stop_price"), optional_decimal(exit_, "limit_price")


def _exit(fields: dict[str, Any], name: str) -> dict[str, Any] | None:
    exit_ = fields.get(name)
    if exit_ is not None and type(exit_) is not dict:
        raise malformed()
    return exit_


def _exit_price(exit_: dict[str, Any], name: str, price: str) -> Decimal:
    value = exit_.get(price)
    if value is None:
        raise bad_field(f"{name}.{price} is required")
    return decimal_of(value, f"{name}.{price}")


def _no_number(constant: str) -> None:
    # NaN and Infinity are no JSON, though Python's parser reads them.
    raise ValueError(constant)


# Made once: json.loads makes a decoder for every call that has options.
_decode = json.JSONDecoder(parse_float=Decimal, parse_constant=_no_number).decode

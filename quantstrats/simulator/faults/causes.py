"""Occasions of what a server and an exchange do, and how the log tells their cause."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from quantstrats.simulator.events import BarEvent, Event, OrderEvent, SessionEvent
from quantstrats.simulator.faults.occasions import Occasion


def of_frame(stream: str, account: str | None, frame: Mapping[str, Any]) -> Occasion:
    """Return a message of a stream as an occasion: of an order, or of a bar."""
    data = frame.get("data")
    if not isinstance(data, Mapping):
        told = {"stream": stream, "T": frame.get("T"), "symbol": frame.get("S"), "t": frame.get("t")}
        return Occasion(account=account, stream=stream, symbol=frame.get("S"), cause=told)
    order, event = data.get("order", {}), data.get("event", "")
    told = {
        "stream": stream,
        "event": event,
        "order_id": order.get("id"),
        "client_order_id": order.get("client_order_id"),
        "execution_id": data.get("execution_id"),
    }
    return Occasion(account=account, stream=stream, event=event, symbol=order.get("symbol"), cause=told)


def of_event(event: Event) -> Occasion | None:
    """Return what has happened at the exchange as an occasion for acts; None where none follows it."""
    if isinstance(event, OrderEvent):
        order = event.order
        cause = {"event": event.event, "order_id": order.id, "execution_id": event.execution_id}
        about = {"symbol": order.symbol, "side": order.side}
        return Occasion(account=event.account, event=event.event, cause=cause, **about)
    if isinstance(event, BarEvent):
        return Occasion(event="bar", cause={"event": "bar", "row": event.row}) if event.kind == "b" else None
    if isinstance(event, SessionEvent):
        return Occasion(event=event.what, cause={"event": event.what})
    return None


def symbol_of(path: str, body: bytes) -> str | None:
    """Return the symbol that a request is about, as far as it says so."""
    if path.startswith("/v2/positions/"):
        return path.rpartition("/")[2]
    if b'"symbol"' not in body:
        return None
    try:
        content = json.loads(body)
    except (ValueError, RecursionError):
        return None
    symbol = content.get("symbol") if isinstance(content, dict) else None
    return symbol if isinstance(symbol, str) else None

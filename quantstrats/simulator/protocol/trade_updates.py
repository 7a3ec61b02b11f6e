"""What the stream of orders says of an order."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from quantstrats.simulator.decimals import number
from quantstrats.simulator.protocol.orders import order_json
from quantstrats.simulator.times import rfc3339

if TYPE_CHECKING:
    from quantstrats.simulator.events import OrderEvent


def trade_update_json(event: OrderEvent) -> dict[str, Any]:
    """Return an event as the broker's stream sends it; a fill's price, quantity and position are texts."""
    data: dict[str, Any] = {
        "event": event.event,
        "execution_id": event.execution_id,
        "timestamp": rfc3339(event.time),
        "order": order_json(event.order),
    }
    for name in ("price", "qty", "position_qty"):
        value = getattr(event, name)
        if value is not None:
            data[name] = number(value)
    if event.previous_execution_id is not None:
        data["previous_execution_id"] = event.previous_execution_id
    return {"stream": "trade_updates", "data": data}

"""The truth, a JSON line for everything that happens, so that a checker apart can judge any client."""

from __future__ import annotations

import json
from collections import deque
from decimal import Decimal
from typing import TYPE_CHECKING, Any, TextIO

from quantstrats.simulator.decimals import number
from quantstrats.simulator.events import BarEvent, Event, OrderEvent, SessionEvent, StatusEvent
from quantstrats.simulator.times import rfc3339

if TYPE_CHECKING:
    from pathlib import Path

KEPT_LINES = 100_000


class Ledger:
    """Lines of what happened, in order.

    Every line has ``n`` (1, 2 ...), ``at`` (simulated time, RFC 3339) and ``what``:

    - ``start``: ``account``, ``cash``.
    - ``order``: an order's ``event``, ``execution_id``, ``order_id``, ``client_order_id``, ``symbol``, ``side``,
      ``status``, ``type``, ``time_in_force``, ``order_class``, its prices, ``extended_hours``, ``parent``,
      ``replaces``, ``replaced_by``, ``order_qty``, ``notional``, ``filled_qty``, ``foreign``; a fill's ``price``,
      ``qty`` and ``position_qty``; ``previous_execution_id`` and ``reason`` where there is one.
    - ``cash``: ``account``, ``reason`` (fill, bust, correction, dividend, split), ``amount``, ``cash`` after it,
      ``symbol``, ``shares`` that came or went, ``position`` after it, ``execution_id`` where it came of one.
    - ``bar``: ``kind``, ``row``. ``status``: ``symbol``, ``status``, ``reason``. ``session``: ``session``.

    Numbers are texts, as on the wire.

    Parameters
    ----------
    path : Path or None, optional
        A file to write the lines to; it is replaced. None keeps the last 100,000 in memory.
    """

    def __init__(self, path: Path | None = None) -> None:
        self._file: TextIO | None = path.open("w", encoding="utf-8", buffering=1) if path else None
        self._lines: deque[str] = deque(maxlen=KEPT_LINES)
        self._count = 0

    def write(self, time: int, what: str, **fields: Any) -> None:
        """Add a line; fields that are None are left out."""
        self._count += 1
        line: dict[str, Any] = {"n": self._count, "at": rfc3339(time), "what": what}
        for name, value in fields.items():
            if value is not None:
                line[name] = number(value) if isinstance(value, Decimal) else value
        text = json.dumps(line)
        if self._file:
            self._file.write(text + "\n")
        else:
            self._lines.append(text)

    def tell(self, event: Event) -> None:
        """Add the line of an event."""
        match event:
            case OrderEvent(order=order):
                self.write(
                    event.time,
                    "order",
                    account=event.account,
                    event=event.event,
                    execution_id=event.execution_id,
                    order_id=order.id,
                    client_order_id=order.client_order_id,
                    symbol=order.symbol,
                    side=order.side,
                    status=order.status,
                    type=order.type,
                    time_in_force=order.time_in_force,
                    order_class=order.order_class,
                    limit_price=order.limit_price,
                    stop_price=order.stop_price,
                    trail_price=order.trail_price,
                    trail_percent=order.trail_percent,
                    extended_hours=order.extended_hours or None,
                    parent=order.parent,
                    replaces=order.replaces,
                    replaced_by=order.replaced_by,
                    order_qty=order.qty,
                    notional=order.notional,
                    filled_qty=order.filled_qty,
                    foreign=order.foreign or None,
                    price=event.price,
                    qty=event.qty,
                    position_qty=event.position_qty,
                    previous_execution_id=event.previous_execution_id,
                    reason=event.reason,
                )
            case BarEvent():
                self.write(event.time, "bar", kind=event.kind, row=event.row)
            case StatusEvent():
                self.write(event.time, "status", symbol=event.symbol, status=event.status, reason=event.reason)
            case SessionEvent():
                self.write(event.time, "session", session=event.what)

    def lines(self) -> list[str]:
        """Return the lines that are kept in memory: none where they go to a file."""
        return list(self._lines)

    def clear(self) -> None:
        """Start over with line 1."""
        self._lines.clear()
        self._count = 0
        if self._file:
            self._file.seek(0)
            self._file.truncate()

    def close(self) -> None:
        """Finish the file."""
        if self._file:
            self._file.close()
            self._file = None

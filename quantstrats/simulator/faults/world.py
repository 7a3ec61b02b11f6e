"""What faults can lay their hands on: the exchange, the streams, the fills so far."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from quantstrats.simulator.events import OrderEvent
    from quantstrats.simulator.exchange import Exchange
    from quantstrats.simulator.faults.frames import Content
    from quantstrats.simulator.faults.occasions import Occasion, On

_KEPT_FILLS = 1000


class Links(Protocol):
    """The server's connections."""

    def send(self, stream: str, account: str | None, content: Content) -> None:
        """Tell the clients of a stream something."""

    def cut(self, stream: str | None, account: str | None, *, lost: bool) -> None:
        """End the connections of a stream and an account, None for all; ``lost``: with all that is on its way."""

    def restart(self) -> None:
        """Cut every connection to the streams, and leave the requests unanswered that wait for an answer."""


@dataclass
class World:
    """What faults can lay their hands on.

    Attributes
    ----------
    exchange : Exchange
        Where orders trade.
    links : Links or None
        Connections; None where there is no server.
    fills : deque of OrderEvent
        The last ones.
    down_until : int
        Until when no request is answered and no connection taken: nanoseconds since 1970 (UTC).
    """

    exchange: Exchange
    links: Links | None = None
    fills: deque[OrderEvent] = field(default_factory=lambda: deque(maxlen=_KEPT_FILLS))
    down_until: int = 0

    def fill_of(self, occasion: Occasion, on: On) -> OrderEvent | None:
        """Return the fill that an occasion is of, or else the last that an entry may mean; None if there is none."""
        execution = occasion.cause.get("execution_id")
        for fill in reversed(self.fills):
            if execution is not None:
                if fill.execution_id == execution:
                    return fill
            elif on.symbol in (None, fill.order.symbol) and on.side in (None, fill.order.side):
                return fill
        return None

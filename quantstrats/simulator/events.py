"""What happens at the exchange, in the order in which it happens; the streams tell it to clients."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from decimal import Decimal

    from quantstrats.simulator.orders import Order


@dataclass(frozen=True, kw_only=True)
class OrderEvent:
    """What became of an order.

    Attributes
    ----------
    time : int
        Nanoseconds since 1970 (UTC).
    account : str
        Id of the account.
    event : str
        As on the wire: new, fill, partial_fill, canceled, expired, replaced, rejected, trade_bust ...
    execution_id : str
        A UUID.
    order : Order
        As it was then: a copy.
    price, qty, position_qty : Decimal or None
        Of a fill: dollars a share, shares of this execution, shares held after it.
    previous_execution_id : str or None
        Of a bust or a correction: which execution it takes back.
    reason : str or None
        Why an order was rejected.
    """

    time: int
    account: str
    event: str
    execution_id: str
    order: Order
    price: Decimal | None = None
    qty: Decimal | None = None
    position_qty: Decimal | None = None
    previous_execution_id: str | None = None
    reason: str | None = None


@dataclass(frozen=True, kw_only=True)
class BarEvent:
    """A row of bars that is complete (``kind`` "b"), the day so far ("d"), or a row corrected later ("u").

    Attributes
    ----------
    time : int
        The instant at which the bars are complete: nanoseconds since 1970 (UTC).
    row : int
        Of the tape.
    """

    time: int
    kind: str
    row: int


@dataclass(frozen=True, kw_only=True)
class StatusEvent:
    """Trading in a symbol is halted ("H") or goes on ("T")."""

    time: int
    symbol: str
    status: str
    reason: str


@dataclass(frozen=True, kw_only=True)
class SessionEvent:
    """The exchange opens ("open") or closes ("close")."""

    time: int
    what: str


Event = OrderEvent | BarEvent | StatusEvent | SessionEvent

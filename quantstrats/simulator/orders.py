"""Orders as the exchange keeps them, what a client asks for, and what it is told when that is refused."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

TYPES = ("market", "limit", "stop", "stop_limit", "trailing_stop")
TIMES_IN_FORCE = ("day", "gtc", "opg", "cls", "ioc", "fok")
CLASSES = ("simple", "bracket", "oco", "oto")
SIDES = ("buy", "sell")

# Nothing more can happen to an order of these statuses.
FINAL = frozenset({"filled", "canceled", "expired", "replaced", "rejected"})


def opposite(side: str) -> str:
    """Return sell for buy and buy for sell."""
    return "sell" if side == "buy" else "buy"


class Refused(Exception):  # noqa: N818 - it is an answer, not a failure
    """A request that the broker refuses.

    Parameters
    ----------
    status : int
        HTTP status.
    code : int
        The broker's code, eight digits.
    message : str
        What a client reads.
    **details
        Further fields of the body, as ``available`` or ``buying_power``: texts or numbers as on the wire.
    """

    def __init__(self, status: int, code: int, message: str, **details: Any) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.details = details


@dataclass(frozen=True, kw_only=True)
class Request:
    """What a client asks for in POST /v2/orders: parsed, not yet checked against the rules.

    Prices in dollars a share, quantities in shares. ``take_profit`` is the limit price of that exit; ``stop_loss``
    its stop price and, where given, its limit price.
    """

    symbol: str
    side: str
    type: str
    time_in_force: str
    qty: Decimal | None = None
    notional: Decimal | None = None
    limit_price: Decimal | None = None
    stop_price: Decimal | None = None
    trail_price: Decimal | None = None
    trail_percent: Decimal | None = None
    order_class: str = "simple"
    take_profit: Decimal | None = None
    stop_loss: tuple[Decimal, Decimal | None] | None = None
    extended_hours: bool = False
    client_order_id: str | None = None
    position_intent: str | None = None


@dataclass(frozen=True, kw_only=True)
class Changes:
    """What a client asks for in PATCH /v2/orders/{id}; None leaves a field as it is."""

    qty: Decimal | None = None
    time_in_force: str | None = None
    limit_price: Decimal | None = None
    stop_price: Decimal | None = None
    trail: Decimal | None = None
    client_order_id: str | None = None


@dataclass(kw_only=True)
class Order:
    """An order and what has become of it. Times are nanoseconds since 1970 (UTC), None where nothing happened.

    Attributes
    ----------
    number : int
        Of the exchange, ascending in the order of submission.
    account : str
        Id of the account.
    parent : str or None
        Id of the order whose exit this is.
    triggered : bool
        Whether a stop has been reached: it then trades as a market or limit order.
    stop_limit : Decimal or None
        The limit under which a triggered buy stop trades (the broker makes stop-limits of buy stops).
    hwm : Decimal or None
        Highest price since a trailing sell was submitted (lowest for a buy).
    value : Decimal
        Dollars of all its fills, so that ``filled_avg_price`` is ``value / filled_qty``.
    legs : list of str
        Ids of its exits.
    foreign : bool
        Whether another client of the same account placed it.
    group : str
        Orders of one group hold the shares of a position once: an exit and its sibling, an order and its replacement.
    hold_qty : Decimal
        Shares that a closing order by notional is thought to need.
    reserve_price : Decimal
        Dollars of buying power that each share still to be filled keeps reserved; 0 for an order that closes.
    """

    id: str
    number: int
    account: str
    client_order_id: str
    symbol: str
    asset_id: str
    side: str
    type: str
    time_in_force: str
    order_class: str
    qty: Decimal | None
    notional: Decimal | None
    limit_price: Decimal | None
    stop_price: Decimal | None
    trail_price: Decimal | None
    trail_percent: Decimal | None
    extended_hours: bool
    position_intent: str
    status: str
    created_at: int
    updated_at: int
    submitted_at: int
    expires_at: int
    filled_at: int | None = None
    expired_at: int | None = None
    canceled_at: int | None = None
    failed_at: int | None = None
    replaced_at: int | None = None
    cancel_requested_at: int | None = None
    replaced_by: str | None = None
    replaces: str | None = None
    parent: str | None = None
    filled_qty: Decimal = Decimal(0)
    value: Decimal = Decimal(0)
    triggered: bool = False
    stop_limit: Decimal | None = None
    hwm: Decimal | None = None
    legs: list[str] = field(default_factory=list)
    foreign: bool = False
    group: str = ""
    hold_qty: Decimal = Decimal(0)
    reserve_price: Decimal = Decimal(0)

    @property
    def is_final(self) -> bool:
        """Whether nothing more can happen to it."""
        return self.status in FINAL

    @property
    def rest(self) -> Decimal | None:
        """Shares that are still to be filled, None for an order by notional."""
        return None if self.qty is None else self.qty - self.filled_qty

    @property
    def opens(self) -> bool:
        """Whether it opens or enlarges a position."""
        return self.position_intent.endswith("open")

    @property
    def filled_avg_price(self) -> Decimal | None:
        """Dollars a share, None before the first fill."""
        return self.value / self.filled_qty if self.filled_qty else None

    def copy(self) -> Order:
        """Return it as it is now."""
        # Every event carries a copy, so this is three times as quick as dataclasses.replace.
        twin = object.__new__(Order)
        twin.__dict__.update(self.__dict__)
        twin.legs = list(self.legs)
        return twin

"""What the endpoints of one server share: the exchange, who may sign in, limits, the wire log, faults."""

from __future__ import annotations

import asyncio
import base64
import binascii
from hmac import compare_digest
from typing import TYPE_CHECKING, NamedTuple

from quantstrats.simulator.history import History
from quantstrats.simulator.ids import Ids, account_id, asset_id
from quantstrats.simulator.orders import Order, Refused
from quantstrats.simulator.protocol.errors import NOT_FOUND
from quantstrats.simulator.protocol.profiles import profile_of
from quantstrats.simulator.server.limits import RateLimit
from quantstrats.simulator.server.wire_log import WireLog

if TYPE_CHECKING:
    from collections.abc import Callable
    from decimal import Decimal

    from quantstrats.simulator.events import Event
    from quantstrats.simulator.exchange import Exchange
    from quantstrats.simulator.faults.faults import Faults
    from quantstrats.simulator.protocol.queries import Query
    from quantstrats.simulator.server.outbox import Outbox
    from quantstrats.simulator.settings import Settings


class Call(NamedTuple):
    """A request that has been signed in.

    Attributes
    ----------
    account : str
        Id of the account.
    name : str
        What stands for the star in the endpoint's path: an order's id, a symbol.
    query : mapping of str to str
        Its parameters.
    body : bytes
        As sent.
    """

    account: str
    name: str
    query: Query
    body: bytes


class Desk:
    """What the endpoints of one server share. All of it belongs to the event loop's thread.

    Parameters
    ----------
    exchange : Exchange
        What clients trade on.
    settings : Settings
        Its accounts, seed, limits, wire profile.
    wire_log : WireLog, optional
        Where requests, answers and frames are written; in memory by default.
    faults : Faults, optional
        What goes wrong between the exchange and its clients; nothing by default.

    Attributes
    ----------
    exchange, settings, wire_log, faults
        As given; :meth:`reset` puts another exchange in place.
    profile : Profile
        Which fields the wire has.
    limit : RateLimit
        Requests a minute.
    history : History
        Bars of the past.
    asset_ids : dict of str to str
        Symbols by their assets' ids.
    closing : asyncio.Event
        Set it when the server stops: answers that are held back are given up.
    listeners : list of callable
        Who is told of every event of the exchange, whichever stands here.
    outboxes : set of Outbox
        What is still to be sent on the streams.
    senders : dict of str to callable
        By stream: sends an account a message that was held back, as ``senders["iex"](account, message)``.
    speed : float, "max" or None
        Of the clock, as the status page tells it; None for one that is moved from outside.
    failures : list of Exception
        What the endpoints themselves have failed with: a client sees a plain 500, a test should see none.
    """

    def __init__(
        self, exchange: Exchange, settings: Settings, wire_log: WireLog | None = None, faults: Faults | None = None
    ) -> None:
        self.settings = settings
        self.wire_log = WireLog() if wire_log is None else wire_log
        self.failures: list[Exception] = []
        self.closing = asyncio.Event()
        self.listeners: list[Callable[[Event], None]] = []
        self.outboxes: set[Outbox] = set()
        self.senders: dict[str, Callable[..., None]] = {}
        self.speed: float | str | None = None
        self.profile = profile_of(settings.profile)
        self._accounts = {each.key: (each.secret, account_id(each.key)) for each in settings.accounts}
        self._cash = {account_id(each.key): each.cash for each in settings.accounts}
        self.reset(exchange, faults)

    def reset(self, exchange: Exchange, faults: Faults | None = None) -> None:
        """Start over with another exchange: ids, limits and what was hidden begin anew."""
        self.exchange = exchange
        exchange.listeners.append(self._tell)
        self.faults = faults
        self.limit = RateLimit(self.settings.requests_per_minute)
        self.history = History(exchange.tape, self.settings.actions)
        self._ids = Ids(f"{self.settings.seed}/requests")
        self._hidden: dict[str, int] = {}
        self.asset_ids = {asset_id(symbol): symbol for symbol in exchange.tape.symbols}

    def request_id(self) -> str:
        """Return the next request's id."""
        return self._ids.new()

    def sign_in(self, key: str, secret: str) -> str | None:
        """Return the id of the account that a key and its secret open, None where they open none."""
        known = self._accounts.get(key)
        return (
            known[1]
            if known is not None and compare_digest(known[0].encode(), secret.encode("utf-8", "replace"))
            else None
        )

    def sign_in_by_header(self, headers: list[tuple[bytes, bytes]]) -> str | None:
        """Return the id of the account that a request's headers open, None where they open none.

        ``APCA-API-KEY-ID`` and ``APCA-API-SECRET-KEY``, or basic authorization with the same two.

        Parameters
        ----------
        headers : list of (bytes, bytes)
            Names in lower case.
        """
        key = secret = ""
        for name, value in headers:
            if name == b"apca-api-key-id":
                key = value.decode("latin-1")
            elif name == b"apca-api-secret-key":
                secret = value.decode("latin-1")
            elif name == b"authorization" and not key:
                key, secret = _basic(value)
        return self.sign_in(key, secret)

    def cash_at_start(self, account: str) -> Decimal:
        """Return the dollars that an account began with."""
        return self._cash[account]

    def symbol_of(self, name: str) -> str:
        """Return the symbol that a client names by itself or by its asset's id.

        Raises
        ------
        Refused
            404 for an unknown one.
        """
        symbol = self.asset_ids.get(name, name)
        try:
            self.exchange.tape.column(symbol)
        except KeyError:
            raise Refused(404, NOT_FOUND, f"asset not found for {name[:40]}") from None
        return symbol

    def hide(self, order_id: str, until: int) -> None:
        """Let an order not be found until an instant (nanoseconds since 1970, UTC), though it is there."""
        self._hidden[order_id] = until

    def is_hidden(self, order: Order) -> bool:
        """Tell whether an order is not to be found now."""
        return order.id in self._hidden and self.exchange.now < self._hidden[order.id]

    def order_in_sight(self, order: Order) -> Order:
        """Return an order unless it is hidden.

        Raises
        ------
        Refused
            404 while it is.
        """
        if self.is_hidden(order):
            raise Refused(404, NOT_FOUND, f"order not found for {order.id}")
        return order

    def give_up_waiting(self) -> None:
        """Leave the requests unanswered whose answers are held back: the server restarts."""
        self.closing.set()
        self.closing = asyncio.Event()

    def _tell(self, event: Event) -> None:
        for listener in self.listeners:
            listener(event)


def _basic(value: bytes) -> tuple[str, str]:
    scheme, _, token = value.partition(b" ")
    if scheme.lower() != b"basic":
        return "", ""
    try:
        key, _, secret = base64.b64decode(token, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return "", ""
    return key, secret

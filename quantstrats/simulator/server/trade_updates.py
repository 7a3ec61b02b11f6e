"""The stream of orders at /stream: each account is told what becomes of its orders, from when it listens on."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from starlette.routing import WebSocketRoute

from quantstrats.simulator.events import Event, OrderEvent
from quantstrats.simulator.protocol.trade_updates import trade_update_json
from quantstrats.simulator.server.codecs import read_json
from quantstrats.simulator.server.connection import BROKEN, POLICY, Connection, known_account, refuse, told
from quantstrats.simulator.server.outbox import Farewell

if TYPE_CHECKING:
    from starlette.websockets import WebSocket

    from quantstrats.simulator.server.desk import Desk

STREAM = "trade_updates"

_SLOW = Farewell(POLICY, "slow client")
_BROKEN = Farewell(BROKEN, "internal error")
_LATE = Farewell(POLICY, "not signed in")
_FULL = Farewell(POLICY, "too many connections")

_text = json.JSONEncoder(separators=(",", ":")).encode


class TradeUpdates:
    """All connections to the stream of orders.

    The server says nothing before a client has signed in. It speaks JSON in binary frames. Nothing is replayed: what
    happens while nobody listens is told by the REST endpoints alone.

    An account may have one connection (``settings.streams``). Another is refused with HTTP 429 at its handshake where
    its account is known by then, since its headers name it or there is one account only; else it is closed after it
    has signed in.

    Parameters
    ----------
    desk : Desk
        Whose.
    """

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._signed_in: dict[str, list[_Listener]] = {}
        desk.listeners.append(self.tell)
        desk.senders[STREAM] = self.send

    async def serve(self, socket: WebSocket) -> None:
        """Serve a connection until it ends."""
        account = known_account(self._desk, socket.scope["headers"])
        status = self.refusal(account) if account else self._refusal_of_all()
        if status is not None:
            await refuse(socket, status)
            return
        await socket.accept()
        listener = _Listener(self, self._desk, socket, was_known=account is not None)
        try:
            await listener.connection.converse(listener.hear, read_json)
        finally:
            if listener.connection.account is not None:
                self._signed_in[listener.connection.account].remove(listener)

    def refusal(self, account: str) -> int | None:
        """Return the HTTP status with which another connection of an account is refused, None if it is not."""
        faults = self._desk.faults
        status: int | None = faults.on_connect(STREAM, account) if faults else None
        return 429 if status is None and self.is_full(account) else status

    def is_full(self, account: str) -> bool:
        """Tell whether an account has all the connections that it may have."""
        return len(self._signed_in.get(account, ())) >= self._desk.settings.streams.connections

    def add(self, account: str, listener: _Listener) -> None:
        """Count a connection that has signed in."""
        self._signed_in.setdefault(account, []).append(listener)

    def tell(self, event: Event) -> None:
        """Tell those who listen of an event of their account."""
        if not isinstance(event, OrderEvent):
            return
        listeners = [each for each in self._signed_in.get(event.account, ()) if each.listens]
        if not listeners:
            return
        message = trade_update_json(event)
        if self._desk.faults:
            # One client's stream is disturbed, not each of its connections apart.
            for frame in told(self._desk, STREAM, event.account, [message]):
                self.send(event.account, frame.content, frame.delay_s)
            return
        text = _text(message)
        binary = text.encode()
        for listener in listeners:
            listener.connection.say(text, binary)

    def send(self, account: str, content: dict[str, Any] | bytes, later_s: float = 0.0) -> None:
        """Send an account's listeners a message, or what is none, past all faults."""
        for listener in self._signed_in.get(account, ()):
            if not listener.listens:
                continue
            if isinstance(content, bytes):
                listener.connection.say_raw(content, later_s)
            else:
                text = _text(content)
                listener.connection.say(text, text.encode(), later_s)

    def _refusal_of_all(self) -> int | None:
        everyone = self._desk.exchange.account_ids
        return 429 if all(self.is_full(account) for account in everyone) else None


class _Listener:
    """What one connection has said: who it is, and whether it listens."""

    def __init__(self, stream: TradeUpdates, desk: Desk, socket: WebSocket, *, was_known: bool) -> None:
        self.connection = Connection(desk, socket, STREAM, slow=_SLOW, broken=_BROKEN, late=_LATE)
        self.listens = False
        self._stream = stream
        self._desk = desk
        self._was_known = was_known

    def hear(self, message: Any) -> None:
        """Do what a client asks."""
        action = message.get("action") if isinstance(message, dict) else None
        if action in ("authenticate", "auth"):
            self._sign_in(message)
        elif action in ("listen", "unlisten") and self.connection.account is None:
            self._answer("authorization", {"status": "unauthorized", "action": action})
        elif action in ("listen", "unlisten"):
            self._listen(action, message)
        else:
            self._answer("error", {"error": "invalid message"})

    def _sign_in(self, message: dict[str, Any]) -> None:
        data = message.get("data")
        keys = data if isinstance(data, dict) else message
        # The action "auth" has shorter names.
        key, secret = keys.get("key_id", keys.get("key")), keys.get("secret_key", keys.get("secret"))
        account = self._desk.sign_in(key, secret) if isinstance(key, str) and isinstance(secret, str) else None
        if account is None or self.connection.account not in (None, account):
            self._answer("authorization", {"status": "unauthorized", "action": "authenticate"})
            self.connection.outbox.close(Farewell(POLICY, "unauthorized"))
            return
        if self.connection.account is None:
            is_refused = self._stream.is_full(account) if self._was_known else self._stream.refusal(account)
            if is_refused:
                self.connection.outbox.close(_FULL)
                return
            self.connection.account = self.connection.outbox.account = account
            self._stream.add(account, self)
        self._answer("authorization", {"status": "authorized", "action": "authenticate"})

    def _listen(self, action: str, message: dict[str, Any]) -> None:
        data = message.get("data")
        streams = data.get("streams") if isinstance(data, dict) else None
        if not isinstance(streams, list):
            self._answer("error", {"error": "invalid message"})
            return
        # What is listened to is what was asked for last.
        self.listens = STREAM in streams if action == "listen" else self.listens and STREAM not in streams
        self.connection.outbox.is_awaited = self.listens
        self._answer("listening", {"streams": [STREAM] if self.listens else []})
        if self.listens and self._desk.faults:
            for again in self._desk.faults.on_listen(STREAM, self.connection.account):
                self._answer(again["stream"], again["data"])

    def _answer(self, stream: str, data: dict[str, Any]) -> None:
        text = _text({"stream": stream, "data": data})
        self.connection.say(text, text.encode())


def routes(desk: Desk) -> list[WebSocketRoute]:
    """Return the stream of orders of a desk."""
    return [WebSocketRoute("/stream", TradeUpdates(desk).serve)]

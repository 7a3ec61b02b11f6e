"""The streams of market data at /v2/iex and /v2/sip: bars when they are complete, corrected bars, days, halts.

Trades, quotes and limit-up/limit-down bands may be subscribed to and stay silent: the tape is one of bars, and four
prices a bar are no trades that a strategy should see.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from starlette.routing import WebSocketRoute

from quantstrats.simulator.events import BarEvent, Event, StatusEvent
from quantstrats.simulator.protocol.stock_messages import (
    CHANNEL_OF,
    CHANNELS,
    error_message,
    status_message,
    subscription_message,
    success_message,
)
from quantstrats.simulator.server.bar_frames import ALL, Batch, bars_of_row, days_so_far
from quantstrats.simulator.server.codecs import TEXT, codec_of
from quantstrats.simulator.server.connection import BROKEN, POLICY, Connection, Late, known_account, refuse, told
from quantstrats.simulator.server.outbox import Farewell

if TYPE_CHECKING:
    from collections.abc import Iterable

    from starlette.websockets import WebSocket

    from quantstrats.simulator.server.desk import Desk

FEEDS = ("iex", "sip")
# What a connection may subscribe to where the settings say nothing: more than any tape holds.
MOST_SYMBOLS = 30_000
_LONGEST_SYMBOL = 32
# Channels that the broker has on other streams.
_OTHER_FEEDS = frozenset({"news", "orderbooks"})
_NOTHING: frozenset[str] = frozenset()
# Status codes of HTTP with which a handshake is refused; the stream's own errors need an open connection.
_HTTP = frozenset({401, 403, 429}) | frozenset(range(500, 600))


class StockStream:
    """All connections to one feed.

    Parameters
    ----------
    desk : Desk
        Whose.
    feed : str
        iex or sip: they differ in name only.
    """

    def __init__(self, desk: Desk, feed: str) -> None:
        self.feed = feed
        self._desk = desk
        self._signed_in: dict[str, list[_Subscriber]] = {}
        desk.listeners.append(self.tell)
        desk.senders[feed] = self.send

    async def serve(self, socket: WebSocket) -> None:
        """Serve a connection until it ends."""
        faults, headers = self._desk.faults, socket.scope["headers"]
        account = known_account(self._desk, headers)
        status = faults.on_connect(self.feed, account) if faults and account else None
        if status in _HTTP:
            await refuse(socket, status)
            return
        await socket.accept()
        subscriber = _Subscriber(self, self._desk, socket, refused=status, is_asked=account is not None)
        subscriber.greet(headers)
        try:
            await subscriber.connection.converse(subscriber.hear, subscriber.codec.read)
        finally:
            if subscriber.connection.account is not None:
                self._signed_in[subscriber.connection.account].remove(subscriber)

    def refusal(self, account: str) -> int | None:
        """Return the error of an account that may not have another connection, or not this feed."""
        streams = self._desk.settings.streams
        if self.feed not in streams.feeds:
            return 409
        return 406 if len(self._signed_in.get(account, ())) >= streams.data_connections else None

    def add(self, account: str, subscriber: _Subscriber) -> None:
        """Count a connection that has signed in."""
        self._signed_in.setdefault(account, []).append(subscriber)

    def tell(self, event: Event) -> None:
        """Tell the subscribers of bars and halts."""
        if not any(self._signed_in.values()):
            return
        if isinstance(event, StatusEvent):
            self._send("statuses", Batch({event.symbol: status_message(event)}))
        elif isinstance(event, BarEvent) and event.kind == "u":
            self._send("updatedBars", Batch(bars_of_row(self._desk.exchange.tape, event.row, "u")))
        elif isinstance(event, BarEvent) and event.kind == "b":
            if self._wanted("bars"):
                self._send("bars", Batch(bars_of_row(self._desk.exchange.tape, event.row, "b")))
            days = self._wanted("dailyBars")
            if days:
                is_wanted = (lambda _: True) if ALL in days else days.__contains__
                self._send("dailyBars", Batch(days_so_far(self._desk.history, event.row, is_wanted)))

    def _wanted(self, channel: str) -> frozenset[str]:
        return _NOTHING.union(*(each.wants(channel) for each in self._subscribers()))

    def _subscribers(self) -> list[_Subscriber]:
        return [each for subscribers in self._signed_in.values() for each in subscribers]

    def _send(self, channel: str, batch: Batch) -> None:
        for account, subscribers in self._signed_in.items():
            if self._desk.faults:
                # What goes wrong goes wrong for an account, whatever its connections.
                symbols = _NOTHING.union(*(each.wants(channel) for each in subscribers))
                messages = [batch.messages[symbol] for symbol in batch.of(symbols)]
                frames = told(self._desk, self.feed, account, messages)
                for subscriber in subscribers:
                    subscriber.say_disturbed(frames)
                continue
            for subscriber in subscribers:
                for text, frame in batch.frames(subscriber.wants(channel), subscriber.codec):
                    subscriber.connection.say(text, frame)

    def send(self, account: str, content: dict[str, Any] | bytes) -> None:
        """Send an account's connections a message that was held back, or what is none, past all faults."""
        for subscriber in self._signed_in.get(account, ()):
            subscriber.say_disturbed([Late(content)])


class _Subscriber:
    """What one connection has said: who it is, and what it subscribes to."""

    def __init__(
        self, stream: StockStream, desk: Desk, socket: WebSocket, *, refused: int | None, is_asked: bool
    ) -> None:
        self.codec = codec_of(socket.scope["headers"])
        self.connection = Connection(
            desk,
            socket,
            stream.feed,
            slow=self._farewell(407),
            broken=self._farewell(500, BROKEN),
            late=self._farewell(404),
        )
        self._stream = stream
        self._desk = desk
        self._refused = refused
        self._is_asked = is_asked
        self._subscribed: dict[str, frozenset[str]] = {}

    def greet(self, headers: list[tuple[bytes, bytes]]) -> None:
        """Say the first word, and sign in a client whose headers hold its keys."""
        self._say(success_message("connected"))
        if any(name == b"apca-api-key-id" for name, _ in headers):
            self._enter(self._desk.sign_in_by_header(headers))

    def wants(self, channel: str) -> frozenset[str]:
        """Return the symbols that a channel is subscribed to; ``*`` is all."""
        return self._subscribed.get(channel, _NOTHING)

    def hear(self, message: Any) -> None:
        """Do what a client asks."""
        action = message.get("action") if isinstance(message, dict) else None
        if action not in ("auth", "subscribe", "unsubscribe"):
            self._say(error_message(400))
        elif action == "auth":
            self._sign_in(message)
        elif self.connection.account is None:
            self._say(error_message(401))
        else:
            self._subscribe(message, adds=action == "subscribe")

    def say_disturbed(self, frames: Iterable[Any]) -> None:
        """Tell what the faults let through and is subscribed to: what is not late in one frame, the rest apart."""
        now: list[dict[str, Any]] = []
        for frame in frames:
            if isinstance(frame.content, bytes):
                self.connection.say_raw(frame.content, frame.delay_s)
            elif not self._is_subscribed(frame.content):
                continue
            elif frame.delay_s > 0:
                self._say(frame.content, later_s=frame.delay_s)
            else:
                now.append(frame.content)
        if now:
            self._say(*now)

    def _is_subscribed(self, message: dict[str, Any]) -> bool:
        symbols = self.wants(CHANNEL_OF.get(message.get("T", ""), ""))
        return ALL in symbols or message.get("S") in symbols

    def _sign_in(self, message: dict[str, Any]) -> None:
        key, secret = message.get("key"), message.get("secret")
        if self.connection.account is not None:
            self._say(error_message(403))
        elif not isinstance(key, str) or not isinstance(secret, str):
            self._say(error_message(400))
        else:
            self._enter(self._desk.sign_in(key, secret))

    def _enter(self, account: str | None) -> None:
        if account is None:
            self._leave(402)
            return
        refused = self._refused
        if not self._is_asked and self._desk.faults:
            refused = self._desk.faults.on_connect(self._stream.feed, account)
        refused = refused or self._stream.refusal(account)
        if refused:
            self._leave(406 if refused in _HTTP else refused)
            return
        self.connection.account = self.connection.outbox.account = account
        self._stream.add(account, self)
        self._say(success_message("authenticated"))

    def _subscribe(self, message: dict[str, Any], *, adds: bool) -> None:
        if _OTHER_FEEDS & message.keys():
            self._say(error_message(410))
            return
        asked = {channel: message[channel] for channel in CHANNELS if message.get(channel) is not None}
        if not all(_are_symbols(symbols) for symbols in asked.values()):
            self._say(error_message(400))
            return
        after = dict(self._subscribed)
        for channel, symbols in asked.items():
            before = after.get(channel, _NOTHING)
            after[channel] = before.union(symbols) if adds else before.difference(symbols)
        if adds and self._counted(after) > self._most():
            self._say(error_message(405))
            return
        self._subscribed = after
        self.connection.outbox.is_awaited = any(after.values())
        self._say(subscription_message({channel: set(symbols) for channel, symbols in after.items()}))

    def _most(self) -> int:
        most = self._desk.settings.streams.symbols
        return MOST_SYMBOLS if most is None else most

    def _counted(self, subscribed: dict[str, frozenset[str]]) -> int:
        symbols = _NOTHING.union(*subscribed.values())
        all_of_them = len(self._desk.exchange.tape.symbols) if ALL in symbols else 0
        return max(len(symbols - {ALL}), all_of_them)

    def _leave(self, code: int) -> None:
        self._say(error_message(code))
        self.connection.outbox.close(Farewell(POLICY, error_message(code)["msg"]))

    def _farewell(self, code: int, close: int = POLICY) -> Farewell:
        message = error_message(code)
        return Farewell(close, message["msg"], self.codec.many([self.codec.one(message)]))

    def _say(self, *messages: dict[str, Any], later_s: float = 0.0) -> None:
        text = TEXT.many([TEXT.one(message) for message in messages])
        frame = None if self.codec is TEXT else self.codec.many([self.codec.one(message) for message in messages])
        self.connection.say(str(text), frame, later_s)


def routes(desk: Desk) -> list[WebSocketRoute]:
    """Return the streams of market data of a desk."""
    return [WebSocketRoute(f"/v2/{feed}", StockStream(desk, feed).serve) for feed in FEEDS]


def _are_symbols(content: Any) -> bool:
    if not isinstance(content, list):
        return False
    return all(isinstance(symbol, str) and 0 < len(symbol) <= _LONGEST_SYMBOL for symbol in content)

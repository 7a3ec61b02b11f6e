"""A client's open stream: what it says is heard, what it is told goes through its outbox, and both are logged."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from starlette.responses import JSONResponse

from quantstrats.simulator.protocol.errors import error_json, too_many_requests
from quantstrats.simulator.server.codecs import Unreadable
from quantstrats.simulator.server.outbox import Farewell, Outbox

if TYPE_CHECKING:
    from starlette.websockets import WebSocket

    from quantstrats.simulator.server.desk import Desk

# Codes of a websocket's close.
POLICY, BROKEN, RESTART = 1008, 1011, 1012

_SECRETS = ("key", "secret", "key_id", "secret_key")
_LONGEST_LOGGED = 100_000


class Connection:
    """One open stream.

    Parameters
    ----------
    desk : Desk
        Whose.
    socket : WebSocket
        Accepted.
    stream : str
        Its name in the wire log: trade_updates, or the feed.
    slow, broken, late : Farewell
        What a client is told that does not read, that the server has failed, and that has not signed in in time.

    Attributes
    ----------
    account : str or None
        Id of the account that has signed in.
    outbox : Outbox
        What waits for the client.
    """

    def __init__(
        self, desk: Desk, socket: WebSocket, stream: str, *, slow: Farewell, broken: Farewell, late: Farewell
    ) -> None:
        self.desk = desk
        self.account: str | None = None
        self.stream = stream
        self._socket = socket
        self._broken, self._late = broken, late
        self.outbox = Outbox(socket, desk.settings.streams.outbox_bytes, slow, stream)

    def say(self, text: str, frame: str | bytes | None = None, later_s: float = 0.0) -> None:
        """Tell the client something.

        Parameters
        ----------
        text : str
            As JSON, for the wire log.
        frame : str or bytes, optional
            As it is sent; the text by default.
        later_s : float, optional
            Real seconds until it is sent.
        """
        if self.outbox.is_leaving:
            return
        self.desk.wire_log.frame(self.desk.exchange.now, self.account, "frame_out", self.stream, text)
        if later_s > 0:
            self.outbox.put_later(text if frame is None else frame, later_s)
        else:
            self.outbox.put(text if frame is None else frame)

    def say_raw(self, frame: bytes, later_s: float = 0.0) -> None:
        """Tell the client what may be no message at all."""
        if self.outbox.is_leaving:
            return
        self.desk.wire_log.frame(self.desk.exchange.now, self.account, "frame_out", self.stream, frame)
        if later_s > 0:
            self.outbox.put_later(frame, later_s)
        else:
            self.outbox.put(frame)

    async def converse(self, hear: Callable[[Any], None], read: Callable[[str | bytes], Any]) -> None:
        """Hear the client and send what waits for it until one of both goes.

        Parameters
        ----------
        hear : callable
            Is given each message; None for one that cannot be read.
        read : callable
            Reads a frame; raises Unreadable.
        """
        writer = asyncio.create_task(self.outbox.run())
        self.desk.outboxes.add(self.outbox)
        deadline = asyncio.get_running_loop().call_later(self.desk.settings.streams.sign_in_s, self._expire)
        try:
            while (message := await self._socket.receive())["type"] != "websocket.disconnect":
                if not self.outbox.is_leaving:
                    frame = message.get("text")
                    self._take(message["bytes"] if frame is None else frame, hear, read)
        finally:
            deadline.cancel()
            self.desk.outboxes.discard(self.outbox)
            writer.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await writer

    def _take(self, frame: str | bytes, hear: Callable[[Any], None], read: Callable[[str | bytes], Any]) -> None:
        try:
            message = read(frame)
        except Unreadable:
            message = None
        try:
            self.desk.wire_log.frame(self.desk.exchange.now, self.account, "frame_in", self.stream, _logged(message))
            hear(message)
        except Exception as error:  # a client must never see more than that the server has failed
            self.desk.failures.append(error)
            self.outbox.close(self._broken)

    def _expire(self) -> None:
        if self.account is None:
            self.outbox.close(self._late)


async def refuse(socket: WebSocket, status: int) -> None:
    """Answer a websocket's handshake with an HTTP status."""
    body = error_json(too_many_requests()) if status == 429 else {"code": status * 100_000, "message": "refused"}
    await socket.send_denial_response(JSONResponse(body, status))


def known_account(desk: Desk, headers: list[tuple[bytes, bytes]]) -> str | None:
    """Return who connects, before it has said so: by its headers, or because there is one account only."""
    account = desk.sign_in_by_header(headers)
    everyone = desk.exchange.account_ids
    return everyone[0] if account is None and len(everyone) == 1 else account


@dataclass(frozen=True)
class Late:
    """A message, or bytes that are none, on its way after all; as the frames of faults are."""

    content: dict[str, Any] | bytes
    delay_s: float = 0.0


def told(desk: Desk, stream: str, account: str | None, messages: Iterable[dict[str, Any]]) -> list[Any]:
    """Return what becomes of messages on the way to a client: frames with ``content`` and ``delay_s``."""
    if desk.faults is None:
        return [Late(message) for message in messages]
    return [frame for message in messages for frame in desk.faults.on_frame(stream, account, message)]


def _logged(message: Any) -> str:
    """Return a client's message without its secrets, for the wire log."""
    if message is None:
        return '"(unreadable)"'
    text = json.dumps(_without_secrets(message), default=repr)
    return text if len(text) <= _LONGEST_LOGGED else '"(too long)"'


def _without_secrets(content: Any) -> Any:
    if isinstance(content, dict):
        return {str(key): _without_secrets(value) for key, value in content.items() if key not in _SECRETS}
    if isinstance(content, list):
        return [_without_secrets(value) for value in content]
    return content

"""The server's websockets: uvicorn's, which can also be cut at once and asked whether a client has read."""

from __future__ import annotations

import asyncio
import struct
from typing import TYPE_CHECKING

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

from quantstrats.simulator.server.outbox import ABORT, ANSWERS

if TYPE_CHECKING:
    from websockets.frames import Frame
    from websockets.http11 import Request


class SocketProtocol(WebSocketsSansIOProtocol):
    """A websocket connection. Its scope's state offers what an :class:`~.outbox.Outbox` needs.

    A client that answers no ping is cut at once: uvicorn alone would wait for its socket to drain, which a stopped
    process never lets happen.
    """

    def handle_connect(self, event: Request) -> None:
        """Offer the connection's extras to the application, which starts in the loop's next turn."""
        self._asked: dict[bytes, asyncio.Future[None]] = {}
        super().handle_connect(event)
        if hasattr(self, "scope"):
            self.scope["state"] = {**self.scope.get("state", {}), ABORT: self.transport.abort, ANSWERS: self.answers}

    def answers(self) -> asyncio.Future[None]:
        """Send a ping; return what is done when the client has answered it, or is gone."""
        answer: asyncio.Future[None] = self.loop.create_future()
        if self.close_sent or self.disconnected or self.transport.is_closing():
            answer.set_result(None)
            return answer
        # Eight bytes: those of the pings that keep the connection alive are four.
        payload = struct.pack("!Q", id(answer))
        self._asked[payload] = answer
        self.conn.send_ping(payload)
        self.transport.write(b"".join(self.conn.data_to_send()))
        return answer

    def handle_pong(self, event: Frame) -> None:
        """Take the client's answer to a ping."""
        answer = self._asked.pop(bytes(event.data), None)
        if answer is None:
            super().handle_pong(event)
        elif not answer.done():
            answer.set_result(None)

    def keepalive_timeout(self) -> None:
        """Cut a client that is silent."""
        super().keepalive_timeout()
        self.transport.abort()

    def shutdown(self) -> None:
        """Close the connection because the server stops; a client that does not read is not waited for."""
        super().shutdown()
        if self.transport.get_write_buffer_size():
            self.transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        """Let nobody wait for the answers of a client that is gone."""
        super().connection_lost(exc)
        for answer in getattr(self, "_asked", {}).values():
            if not answer.done():
                answer.set_result(None)

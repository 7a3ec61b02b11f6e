"""What waits to be sent to one connection: bounded, so that a client that does not read costs only itself."""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from starlette.websockets import WebSocket, WebSocketDisconnect

# For a client that was told why it is cut, until its socket is shut without further ado.
GRACE_S = 2.0
# Names of what the websocket protocol (server/sockets.py) offers to its connection; a test client offers neither.
ABORT, ANSWERS = "quantstrats_abort", "quantstrats_answers"


@dataclass(frozen=True)
class Farewell:
    """The last thing that a connection is told: perhaps a frame, then the websocket's close."""

    code: int
    reason: str
    frame: str | bytes | None = None


class Outbox:
    """Frames on their way to one connection. Only the loop's thread may use it.

    Parameters
    ----------
    socket : WebSocket
        The connection; accepted.
    most_bytes : int
        Of waiting frames, beyond which the client counts as slow.
    slow : Farewell
        What a slow client is told.
    stream : str
        Which stream it is of.

    Attributes
    ----------
    stream
        As given.
    account : str or None
        Id of the account that has signed in.
    is_awaited : bool
        Whether the client has said what it wants to hear.
    """

    def __init__(self, socket: WebSocket, most_bytes: int, slow: Farewell, stream: str) -> None:
        self.stream = stream
        self.account: str | None = None
        self.is_awaited = False
        self._socket = socket
        self._most_bytes = most_bytes
        self._slow = slow
        self._frames: deque[str | bytes] = deque()
        self._bytes = 0
        self._farewell: Farewell | None = None
        self._filled = asyncio.Event()
        self._empty = asyncio.Event()
        self._empty.set()
        self._late = False
        self._answer: asyncio.Future[None] | None = None
        self.is_closed = False

    @property
    def waiting_bytes(self) -> int:
        """Of frames that were not handed to the socket yet."""
        return self._bytes

    @property
    def is_leaving(self) -> bool:
        """Whether nothing more is taken: the connection is being closed, or is."""
        return self._farewell is not None or self.is_closed

    def put(self, frame: str | bytes) -> None:
        """Let a frame be sent after those that wait; a client that has too much waiting is cut."""
        if self.is_leaving:
            return
        size = len(frame)
        if self._frames and self._bytes + size > self._most_bytes:
            self._forget()
            self.close(self._slow)
            return
        self._frames.append(frame)
        self._bytes += size
        self._empty.clear()
        self._filled.set()

    def put_later(self, frame: str | bytes, seconds: float) -> None:
        """Let a frame be sent after so many real seconds."""
        asyncio.get_running_loop().call_later(seconds, self.put, frame)

    def close(self, farewell: Farewell) -> None:
        """Send what waits, then a farewell; a client that does not read it within 2 s is cut off."""
        if self.is_leaving:
            return
        self._farewell = farewell
        self._empty.clear()
        self._filled.set()
        asyncio.get_running_loop().call_later(GRACE_S, self.abort)

    def abort(self) -> None:
        """Shut the socket at once, whatever waits."""
        self.is_closed = True
        self._forget()
        self._empty.set()
        abort: Callable[[], None] | None = self._socket.scope.get("state", {}).get(ABORT)
        if abort is not None:
            abort()

    async def run(self) -> None:
        """Send until the connection ends. It never raises on account of the client."""
        try:
            while True:
                await self._filled.wait()
                while self._frames:
                    # Taken out first: the queue of a slow client is dropped while this one is on its way.
                    frame = self._frames.popleft()
                    await self._send(frame)
                    self._bytes = max(self._bytes - len(frame), 0)
                if self._farewell is not None:
                    await self._leave(self._farewell)
                    return
                self._filled.clear()
                self._empty.set()
        except (WebSocketDisconnect, RuntimeError):
            # Starlette says RuntimeError where the client was quicker to close.
            pass
        finally:
            self.is_closed = True
            self._forget()
            self._empty.set()

    async def sent(self, patience_s: float) -> None:
        """Return when all that waits has been handed to the socket.

        A client that takes longer than ``patience_s`` is late: it is not waited for again until it has caught up.
        """
        if self._empty.is_set():
            self._late = False
        elif not self._late:
            try:
                await asyncio.wait_for(self._empty.wait(), patience_s)
            except TimeoutError:
                self._late = True

    async def read(self, patience_s: float) -> None:
        """Return when the client's end has read all that was sent, as its answer to a ping shows; see :meth:`sent`."""
        await self.sent(patience_s)
        ask: Callable[[], asyncio.Future[None]] | None = self._socket.scope.get("state", {}).get(ANSWERS)
        if ask is None or self._late or self.is_leaving or (self._answer is not None and not self._answer.done()):
            return
        self._answer = ask()
        await asyncio.wait({self._answer}, timeout=patience_s)

    async def _send(self, frame: str | bytes) -> None:
        if isinstance(frame, bytes):
            await self._socket.send_bytes(frame)
        else:
            await self._socket.send_text(frame)

    async def _leave(self, farewell: Farewell) -> None:
        if farewell.frame is not None:
            await self._send(farewell.frame)
        with contextlib.suppress(RuntimeError):
            await self._socket.close(farewell.code, farewell.reason)

    def _forget(self) -> None:
        self._frames.clear()
        self._bytes = 0


async def all_sent(outboxes: Iterable[Outbox], patience_s: float) -> None:
    """Return when each outbox has handed its frames to its socket, or its client is late."""
    await asyncio.gather(*[box.sent(patience_s) for box in outboxes if not box.is_closed])


async def all_read(outboxes: Iterable[Outbox], patience_s: float) -> None:
    """Return when the other end of each outbox has read its frames, or is late."""
    await asyncio.gather(*[box.read(patience_s) for box in outboxes if not box.is_closed])

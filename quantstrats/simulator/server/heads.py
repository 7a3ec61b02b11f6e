"""HTTP connections that must send the head of each request in time, so that no silent one is kept for ever."""

from __future__ import annotations

import asyncio
from typing import Any

# Real time, from the connection or the first byte of a request to the end of its head.
SECONDS = 10.0


def with_heads_in_time(protocol: type[Any]) -> type[Any]:
    """Return one of uvicorn's HTTP protocols whose connections are cut where a head does not come in time."""

    class InTime(protocol):
        _deadline: asyncio.TimerHandle | None = None

        def connection_made(self, transport: asyncio.Transport) -> None:
            super().connection_made(transport)
            self._wait()

        def data_received(self, data: bytes) -> None:
            before = self.cycle
            super().data_received(data)
            # A new cycle is a request whose head is there; who has left has become a websocket.
            if self.cycle is not before or self not in self.connections:
                self._stop_waiting()
            elif self._deadline is None and (before is None or before.response_complete):
                self._wait()

        def connection_lost(self, exc: Exception | None) -> None:
            self._stop_waiting()
            super().connection_lost(exc)

        def _wait(self) -> None:
            self._deadline = self.loop.call_later(SECONDS, self.transport.abort)

        def _stop_waiting(self) -> None:
            if self._deadline is not None:
                self._deadline.cancel()
                self._deadline = None

    return InTime

"""The body of a request, read as far as anyone needs."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from quantstrats.simulator.protocol.errors import too_large, too_slow

if TYPE_CHECKING:
    from starlette.types import Receive

MOST_BYTES = 2**20
# Real time: a client that stops in the middle of its request holds nobody up, but neither is it kept for ever.
SECONDS = 30.0


class Gone(Exception):  # noqa: N818 - nobody is left to be answered
    """The client has closed the connection."""


async def body_of(headers: list[tuple[bytes, bytes]], receive: Receive) -> bytes:
    """Return a request's body.

    Raises
    ------
    Refused
        413 beyond a mebibyte, without reading on; 408 where it does not come.
    Gone
        If the client has left.
    """
    length = next((value for name, value in headers if name == b"content-length"), None)
    if length is not None and int(length) > MOST_BYTES:
        raise too_large()
    try:
        async with asyncio.timeout(SECONDS):
            return await _read(receive)
    except TimeoutError:
        raise too_slow() from None


async def _read(receive: Receive) -> bytes:
    parts, size, more = list[bytes](), 0, True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise Gone
        parts.append(message.get("body", b""))
        size += len(parts[-1])
        if size > MOST_BYTES:
            raise too_large()
        more = message.get("more_body", False)
    return b"".join(parts)

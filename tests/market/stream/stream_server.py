"""A server that speaks Alpaca's data stream, in a thread of its own: for tests, on 127.0.0.1."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from contextlib import suppress

import msgpack
from websockets.asyncio.server import serve
from websockets.exceptions import ConnectionClosed

from ..sources.alpaca_server import KEY, SECRET


class StreamServer:
    """Runs a script on each connection: ``async def script(server, connection, number)``.

    Attributes
    ----------
    began : list of float
        When each connection was opened (time.monotonic).
    sent : list
        What clients sent, as (number of the connection, message).
    headers : list
        Of each connection's request.
    """

    def __init__(self, script, refuse=lambda number: None):
        self.script, self.refuse = script, refuse
        self.began, self.sent, self.headers = [], [], []
        self.closed = threading.Event()

    def __enter__(self):
        ready = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve(ready)), daemon=True)
        self._thread.start()
        assert ready.wait(5)
        return self

    def __exit__(self, *_):
        self._loop.call_soon_threadsafe(self._done.set)
        self._thread.join(5)

    async def _serve(self, ready):
        self._loop, self._done = asyncio.get_running_loop(), asyncio.Event()

        def process(connection, request):
            number = len(self.began)
            self.began.append(time.monotonic())
            self.headers.append({name.lower(): value for name, value in request.headers.items()})
            connection.number = number
            connection.packs = request.headers.get("Content-Type") == "application/msgpack"
            status = self.refuse(number)
            return connection.respond(status, "refused\n") if status else None

        async with serve(
            self._talk, "127.0.0.1", 0, process_request=process, ping_interval=None, close_timeout=0.1
        ) as http:
            self.url = f"ws://127.0.0.1:{http.sockets[0].getsockname()[1]}/v2/iex"
            ready.set()
            await self._done.wait()

    async def _talk(self, connection):
        with suppress(ConnectionClosed):
            await self.script(self, connection, connection.number)
        self.closed.set()

    async def send(self, connection, *messages):
        await connection.send(
            msgpack.packb(list(messages), datetime=True) if connection.packs else json.dumps(messages)
        )

    async def receive(self, connection):
        frame = await connection.recv()
        message = msgpack.unpackb(frame) if connection.packs else json.loads(frame)
        self.sent.append((connection.number, message))
        return message

    async def welcome(self, connection):
        """Greet, check the keys and confirm what is subscribed, as Alpaca does."""
        await self.send(connection, {"T": "success", "msg": "connected"})
        auth = await self.receive(connection)
        if (auth["action"], auth["key"], auth["secret"]) != ("auth", KEY, SECRET):
            await self.send(connection, {"T": "error", "code": 402, "msg": "auth failed"})
            await connection.close()
            return
        await self.send(connection, {"T": "success", "msg": "authenticated"})
        wanted = dict(await self.receive(connection))
        assert wanted.pop("action") == "subscribe"
        lists = {name: [] for name in ("trades", "quotes", "dailyBars", "statuses", "lulds", "corrections")}
        await self.send(connection, {"T": "subscription", **lists, **wanted})

    @staticmethod
    async def lost(connection):
        """Break the connection without a word."""
        connection.transport.abort()

    @staticmethod
    async def forever(connection):
        """Say nothing more, but live: the library answers pings."""
        await connection.wait_closed()

    async def mute(self, connection):
        """Neither read nor answer, and keep the socket open."""
        connection.transport.pause_reading()
        await self._done.wait()
        connection.transport.abort()

"""A desk and a client of its REST side, without a socket."""

from __future__ import annotations

import asyncio
import functools
import json
from dataclasses import dataclass
from typing import Any

from quantstrats.simulator.exchange import Exchange
from quantstrats.simulator.server.desk import Desk
from quantstrats.simulator.server.rest import Rest
from quantstrats.simulator.settings import Settings
from quantstrats.simulator.tape import tape_of

from .exchanges import QUIET, minutes

KEYS = ((b"apca-api-key-id", b"PKSIMULATOR"), (b"apca-api-secret-key", b"simulated-secret"))


@dataclass(frozen=True)
class Answered:
    """What came back."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        """Its body."""
        return json.loads(self.body)


def desk_of(market=None, prices=QUIET, days=("2024-03-01",), faults=None, wire_log=None, **settings):
    """Make a desk on an exchange of a few minutes."""
    made = Settings(**settings)
    tape = _tape(tuple(prices), tuple(days)) if market is None else tape_of(market)
    return Desk(Exchange(tape, made), made, wire_log, faults)


@functools.cache
def _tape(prices, days):
    return tape_of(minutes(prices, days))


def ask(desk, method, path, body=b"", query=None, headers=KEYS, app=None):
    """Send a request; ``body`` that is not bytes goes as JSON. ``path`` may carry a query. ``app`` is the REST side."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    route, _, asked = path.partition("?")
    scope = {
        "type": "http",
        "method": method,
        "path": route,
        "query_string": asked.encode() if query is None else query,
        "headers": list(headers),
    }
    sent = []

    async def receive():
        return {"type": "http.request", "body": content, "more_body": False}

    async def send(message):
        sent.append(message)

    asyncio.run((app or Rest(desk))(scope, receive, send))
    start = sent[0]
    told = b"".join(message.get("body", b"") for message in sent[1:])
    return Answered(start["status"], {k.decode(): v.decode() for k, v in start["headers"]}, told)


def get(desk, path, status=200):
    """Return what a GET of a path under /v2 answers, which must have the status."""
    answered = ask(desk, "GET", f"/v2{path}")
    assert answered.status == status, answered
    return answered.json


def order(desk, status=200, **fields):
    """Return what POST /v2/orders answers: a market order to buy a share of A where nothing else is said."""
    asked = {"symbol": "A", "qty": "1", "side": "buy", "type": "market", "time_in_force": "day", **fields}
    answered = ask(desk, "POST", "/v2/orders", {name: value for name, value in asked.items() if value is not None})
    assert answered.status == status, answered
    return answered.json

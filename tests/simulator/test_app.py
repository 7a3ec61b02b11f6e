"""One port for all: what is REST, what is a stream, and what is not there."""

from __future__ import annotations

import asyncio

import pytest

from quantstrats.simulator.server.app import trading_app

from .desks import ask, desk_of


def handshake(app, path):
    """Return the type of the first message with which a websocket's handshake is answered."""
    scope = {"type": "websocket", "path": path, "root_path": "", "query_string": b"", "headers": [], "subprotocols": []}
    sent = []
    coming = [{"type": "websocket.connect"}, {"type": "websocket.disconnect", "code": 1000}]

    async def receive():
        return coming.pop(0)

    async def send(message):
        sent.append(message["type"])

    asyncio.run(app(scope | {"extensions": {"websocket.http.response": {}}, "state": {}}, receive, send))
    return sent[0]


def test_rest_page_and_streams_share_a_port():
    desk = desk_of()
    app = trading_app(desk)
    assert ask(desk, "GET", "/v2/clock", app=app).json["is_open"] is False
    assert ask(desk, "GET", "/", headers=(), app=app).headers["content-type"].startswith("text/html")
    assert handshake(app, "/stream") == handshake(app, "/v2/iex") == handshake(app, "/v2/sip") == "websocket.accept"


@pytest.mark.parametrize("path", ["/nothing", "/v2/clock", "/v2/orders", "/"])
def test_a_stream_that_is_not_there_is_refused(path):
    assert handshake(trading_app(desk_of()), path) != "websocket.accept"


def test_what_is_not_there_is_told_in_json():
    desk = desk_of()
    app = trading_app(desk)
    assert ask(desk, "GET", "/nothing", app=app).json == {"code": 40410000, "message": "endpoint not found"}
    assert ask(desk, "POST", "/", app=app).json == {"code": 40510000, "message": "method not allowed"}
    assert ask(desk, "GET", "/v1beta1/corporate-actions", app=app).status == 404

"""Answers that go wrong on purpose, over real connections: what a client sees, and what the exchange has done."""

from __future__ import annotations

import json
import socket
import threading
import time

import httpx
import pytest

pytest.importorskip("uvicorn", reason="uvicorn is not installed: extra simulator")

from quantstrats.simulator.faults.answers import RequestFault
from quantstrats.simulator.server.background import Background, listening
from quantstrats.simulator.server.rest import Rest

from .desks import desk_of
from .exchanges import to_bar

HEADERS = {"APCA-API-KEY-ID": "PKSIMULATOR", "APCA-API-SECRET-KEY": "simulated-secret"}
ORDER = {"symbol": "A", "qty": "1", "side": "buy", "type": "limit", "limit_price": "90", "time_in_force": "day"}


class Planned:
    """Faults that come with the requests in the order in which they are given, to POST alone."""

    def __init__(self, *faults):
        self.faults = list(faults)

    def on_request(self, method, *_):
        return self.faults.pop(0) if method == "POST" and self.faults else None

    def on_answer(self, _path, body, _now):
        return body

    def clock_offset(self, _now):
        return 0


@pytest.fixture
def background():
    """What runs the server."""
    return Background(20.0)


@pytest.fixture
def serve(background):
    """Serve a desk whose POSTs meet the faults given; return it and a client."""
    stops = []

    def start(*faults):
        desk = desk_of(faults=Planned(*faults))
        to_bar(desk.exchange)
        place = listening("127.0.0.1", 0)
        background.start([(Rest(desk), place)])
        client = httpx.Client(base_url=f"http://127.0.0.1:{place.getsockname()[1]}", headers=HEADERS, timeout=5)
        stops.extend([background.stop, client.close])
        return desk, client

    yield start
    for stop in reversed(stops):
        stop()


def orders(desk):
    return len(desk.exchange.orders(desk.exchange.account_ids[0]))


def last_fault(desk):
    lines = [json.loads(line) for line in desk.wire_log.lines()]
    return next((line["status"], line["fault"]) for line in reversed(lines) if "fault" in line)


@pytest.mark.parametrize(("when", "stands"), [("before", 0), ("after", 1)])
def test_an_error_comes_before_or_after_the_order_is_accepted(serve, when, stands):
    desk, client = serve(RequestFault(when=when, status=504))
    answered = client.post("/v2/orders", json=ORDER)
    assert (answered.status_code, answered.json()["message"]) == (504, "gateway time-out")
    assert orders(desk) == stands
    assert last_fault(desk) == (504, "error")
    # The next one is as it should be, on the same connection.
    assert client.post("/v2/orders", json=ORDER).status_code == 200


@pytest.mark.parametrize(("when", "stands"), [("before", 0), ("after", 1)])
def test_a_reset_leaves_the_client_without_an_answer(serve, when, stands):
    desk, client = serve(RequestFault(when=when, reset=True))
    with pytest.raises(httpx.ReadError, match="reset"):
        client.post("/v2/orders", json=ORDER)
    assert orders(desk) == stands
    assert last_fault(desk) == (None, "reset")
    assert client.get("/v2/clock").status_code == 200


def test_half_an_answer_is_seen_as_half(serve):
    desk, client = serve(RequestFault(when="after", truncate=True))
    with pytest.raises(httpx.RemoteProtocolError, match=r"incomplete message body|without sending complete"):
        client.post("/v2/orders", json=ORDER)
    assert orders(desk) == 1
    assert last_fault(desk) == (200, "truncated")


def test_a_page_comes_instead_of_json(serve):
    _, client = serve(RequestFault(when="before", status=502, body="html"), RequestFault(when="after", body="html"))
    first, second = (client.post("/v2/orders", json=ORDER) for _ in range(2))
    assert (first.status_code, second.status_code) == (502, 200)
    for page in (first, second):
        assert page.headers["content-type"].startswith("text/html")
        assert page.text.startswith("<html>")


@pytest.mark.parametrize(("when", "stands"), [("before", 0), ("after", 1)])
def test_a_slow_answer_comes_after_all_and_others_are_not_held_up(serve, when, stands):
    desk, client = serve(RequestFault(when=when, delay_s=0.4))
    answers = []
    slow = threading.Thread(target=lambda: answers.append(client.post("/v2/orders", json=ORDER)))
    slow.start()
    time.sleep(0.1)
    start = time.perf_counter()
    with httpx.Client(base_url=client.base_url, headers=HEADERS) as other:
        assert other.get("/v2/clock").status_code == 200
        assert len(other.get("/v2/orders").json()) == stands
    assert time.perf_counter() - start < 0.25
    slow.join()
    assert answers[0].status_code == 200
    assert orders(desk) == 1
    assert last_fault(desk) == (200, "late")


def test_a_client_that_gives_up_leaves_nothing_behind(serve):
    desk, client = serve(RequestFault(when="after", hang_s=60))
    with pytest.raises(httpx.ReadTimeout):
        client.post("/v2/orders", json=ORDER, timeout=0.2)
    assert orders(desk) == 1
    deadline = time.monotonic() + 2
    while len(desk.wire_log.lines()) < 2 and time.monotonic() < deadline:
        time.sleep(0.01)
    assert last_fault(desk) == (None, "hang")


def test_a_hanging_connection_breaks_in_the_end(serve):
    desk, client = serve(RequestFault(when="before", hang_s=0.2))
    start = time.perf_counter()
    with pytest.raises(httpx.ReadError):
        client.post("/v2/orders", json=ORDER)
    assert time.perf_counter() - start >= 0.2
    assert orders(desk) == 0


def test_an_accepted_order_is_not_found_for_a_while(serve):
    desk, client = serve(RequestFault(when="after", late_404_s=60))
    made = client.post("/v2/orders", json={**ORDER, "client_order_id": "mine"}).json()
    assert client.get(f"/v2/orders/{made['id']}").status_code == 404
    assert client.get("/v2/orders:by_client_order_id", params={"client_order_id": "mine"}).status_code == 404
    assert client.get("/v2/orders").json() == []
    assert client.delete(f"/v2/orders/{made['id']}").status_code == 404
    assert client.patch(f"/v2/orders/{made['id']}", json={"qty": "2"}).status_code == 404
    # A resend is refused all the same: the order is there.
    assert client.post("/v2/orders", json={**ORDER, "client_order_id": "mine"}).status_code == 422
    # A simulated minute later.
    desk.exchange.advance_to(desk.exchange.now + 60 * 10**9)
    assert client.get(f"/v2/orders/{made['id']}").json()["client_order_id"] == "mine"
    assert len(client.get("/v2/orders").json()) == 1


def test_another_answer_is_told_instead(serve):
    desk, client = serve(RequestFault(when="after", told=(200, b"[]")))
    assert client.post("/v2/orders", json=ORDER).json() == []
    assert orders(desk) == 1
    assert last_fault(desk) == (200, "another answer")


@pytest.mark.parametrize(("when", "stands"), [("before", 0), ("after", 1)])
def test_what_waits_is_left_unanswered_when_the_server_restarts(serve, background, when, stands):
    desk, client = serve(RequestFault(when=when, delay_s=60))
    broken = []

    def post():
        try:
            client.post("/v2/orders", json=ORDER)
        except httpx.HTTPError as error:
            broken.append(error)

    waiting = threading.Thread(target=post)
    waiting.start()
    time.sleep(0.2)

    async def restart():
        desk.give_up_waiting()

    background.call(restart())
    waiting.join(5)
    assert not waiting.is_alive()
    assert broken
    assert orders(desk) == stands
    assert last_fault(desk) == (None, "restart")
    assert client.get("/v2/clock").status_code == 200


def test_a_giant_body_is_cut_off_and_the_next_client_served(serve):
    desk, client = serve()
    place = client.base_url.port
    with socket.create_connection(("127.0.0.1", place), timeout=5) as raw:
        keys = "".join(f"{name}: {value}\r\n" for name, value in HEADERS.items())
        raw.sendall(f"POST /v2/orders HTTP/1.1\r\nHost: x\r\n{keys}Content-Length: 50000000\r\n\r\n".encode())
        raw.sendall(b"x" * 1000)
        told = raw.recv(10_000)
        assert told.startswith(b"HTTP/1.1 413")
        # The server has closed its end instead of reading 50 MB.
        while told:
            told = raw.recv(10_000)
    assert client.get("/v2/clock").status_code == 200
    assert not desk.failures


def test_what_is_no_http_is_refused_and_harms_nobody(serve):
    desk, client = serve()
    for text in (
        b"\x00\xff\x00\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"GET /v2/clock HTTP/1.1\r\nContent-Length: x\r\n\r\n",
    ):
        with socket.create_connection(("127.0.0.1", client.base_url.port), timeout=5) as raw:
            raw.sendall(text)
            assert raw.recv(1000).startswith(b"HTTP/1.1 4")
    assert client.get("/v2/clock").status_code == 200
    assert not desk.failures

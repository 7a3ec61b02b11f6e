"""Clients that do not read, do not answer or come in hundreds: what they cost, and that the others notice nothing."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
import os
import socket
import time

import httpx
import pandas as pd
import pytest

pytest.importorskip("uvicorn", reason="uvicorn is not installed: extra simulator")

import websockets.asyncio.client
from starlette.websockets import WebSocketDisconnect
from websockets.exceptions import InvalidStatus

from quantstrats import Market
from quantstrats.simulator.server import outbox as outboxes
from quantstrats.simulator.server.outbox import Farewell, Outbox, all_read, all_sent

from .running import listener, post_order, simulator, subscriber, to_bar, until

SLOW = Farewell(1008, "slow", "you are slow")


class Socket:
    """A websocket that sends only while its gate is open."""

    def __init__(self, error=None):
        self.sent, self.closed, self.aborted = [], None, False
        self.gate = asyncio.Event()
        self.gate.set()
        self.error = error
        self.scope = {"state": {outboxes.ABORT: self.abort}}

    def abort(self):
        self.aborted = True

    async def send_text(self, text):
        await self.gate.wait()
        if self.error:
            raise self.error
        self.sent.append(text)

    send_bytes = send_text

    async def close(self, code, reason):
        self.closed = (code, reason)


def running(most_bytes=100, **more):
    """Return a socket, its outbox and the task that sends."""
    sock = Socket(**more)
    box = Outbox(sock, most_bytes, SLOW, "bars")
    return sock, box, asyncio.create_task(box.run())


def test_frames_go_out_in_order_and_who_waits_is_told_when_they_have():
    async def check():
        sock, box, task = running()
        for text in ("a", b"b", "c"):
            box.put(text)
        await all_sent([box], 1.0)
        assert sock.sent == ["a", b"b", "c"]
        assert box.waiting_bytes == 0
        box.put("last")
        box.close(Farewell(1000, "done"))
        box.put("too late")
        await task
        assert (sock.sent[-1], sock.closed, box.is_closed) == ("last", (1000, "done"), True)

    asyncio.run(check())


def test_a_client_that_does_not_read_is_cut_when_too_much_waits():
    async def check():
        sock, box, task = running(most_bytes=100)
        sock.gate.clear()
        box.put("first")
        await asyncio.sleep(0)
        for _ in range(50):
            box.put("x" * 10)
            assert box.waiting_bytes <= 100
        assert box.is_leaving
        # What waited is dropped; the farewell is what it reads when it reads again.
        sock.gate.set()
        await task
        assert sock.sent == ["first", "you are slow"]
        assert sock.closed == (1008, "slow")

    asyncio.run(check())


def test_a_client_that_never_reads_is_shut_off_after_a_while(monkeypatch):
    monkeypatch.setattr(outboxes, "GRACE_S", 0.01)

    async def check():
        sock, box, task = running()
        sock.gate.clear()
        box.put("first")
        box.close(Farewell(1000, "done"))
        await asyncio.sleep(0.05)
        assert sock.aborted
        task.cancel()

    asyncio.run(check())


def test_a_frame_larger_than_all_that_may_wait_is_sent_where_nothing_waits():
    async def check():
        sock, box, task = running(most_bytes=10)
        box.put("x" * 1000)
        await all_sent([box], 1.0)
        assert len(sock.sent[0]) == 1000
        assert not box.is_leaving
        task.cancel()

    asyncio.run(check())


@pytest.mark.parametrize("error", [WebSocketDisconnect(1006), RuntimeError("closed already")])
def test_a_client_that_is_gone_ends_the_sending_and_keeps_nothing(error):
    async def check():
        _, box, task = running(error=error)
        box.put("a")
        box.put("b")
        await task
        assert (box.is_closed, box.waiting_bytes) == (True, 0)
        box.put("c")
        await all_sent([box], 1.0)
        await all_read([box], 1.0)
        assert box.waiting_bytes == 0

    asyncio.run(check())


def test_a_late_client_is_waited_for_once_and_again_when_it_has_caught_up():
    async def check():
        sock, box, task = running(most_bytes=1000)
        sock.gate.clear()
        loop = asyncio.get_running_loop()
        waited = []
        for _ in range(3):
            box.put("x")
            began = loop.time()
            await all_sent([box], 0.05)
            waited.append(loop.time() - began)
        assert waited[0] >= 0.05
        assert max(waited[1:]) < 0.02
        sock.gate.set()
        await asyncio.sleep(0.01)
        await all_sent([box], 0.05)
        sock.gate.clear()
        box.put("x")
        began = loop.time()
        await all_sent([box], 0.05)
        assert loop.time() - began >= 0.05
        task.cancel()

    asyncio.run(check())


def test_a_delayed_frame_comes_after_what_was_said_meanwhile():
    async def check():
        sock, box, task = running()
        box.put_later("late", 0.02)
        box.put("early")
        await asyncio.sleep(0.05)
        assert sock.sent == ["early", "late"]
        task.cancel()

    asyncio.run(check())


def many_symbols(rows, count=2000):
    """Make bars whose frames soon fill what the system keeps for a socket."""
    index = pd.date_range("2024-03-01 14:30", periods=rows, freq="min", tz="UTC").as_unit("ns")
    return Market.from_frames(close=pd.DataFrame(123.456789, index, [f"S{n:05d}" for n in range(count)]), bar="1min")


class Raw:
    """A websocket client that reads and answers only when it is told to."""

    def __init__(self, url, receive_buffer=None):
        host, _, path = url.removeprefix("ws://").partition("/")
        name, _, port = host.partition(":")
        self.socket = socket.socket()
        if receive_buffer:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.socket.settimeout(5)
        self.socket.connect((name, int(port)))
        key = base64.b64encode(os.urandom(16)).decode()
        self.socket.sendall(
            f"GET /{path} HTTP/1.1\r\nHost: {host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n\r\n".encode()
        )
        self.read = b""
        while b"\r\n\r\n" not in self.read:
            self.read += self.socket.recv(4096)

    def say(self, message):
        body = json.dumps(message).encode()
        assert len(body) < 126
        # Masked with zeros.
        self.socket.sendall(bytes([0x81, 0x80 | len(body)]) + bytes(4) + body)

    def reads(self, wanted):
        """Read until something is said, or the server closes; tell whether it was said."""
        text = b""
        with contextlib.suppress(ConnectionError):
            while wanted not in text and (part := self.socket.recv(1 << 16)):
                text = text[-len(wanted) :] + part
        return wanted in text

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()


def stuck_subscriber(running):
    """Open a stream of market data whose client subscribes to everything and reads nothing."""
    client = Raw(running.data_stream_url("sip"), receive_buffer=4096)
    client.say({"action": "auth", "key": running.key, "secret": running.secret})
    client.say({"action": "subscribe", "bars": ["*"]})
    running.wait_for_listeners("sip")
    return client


def streams(running):
    return httpx.get(f"{running.control_url}/state").json()["streams"]


def test_a_slow_reader_is_told_so_and_cut_while_the_others_get_every_bar():
    with (
        simulator(many_symbols(60), streams={"outbox_bytes": 500_000}) as running,
        stuck_subscriber(running) as slow,
        subscriber(running, bars=["S00000"]) as other,
        listener(running) as orders,
    ):
        told = []
        while not any(box.is_leaving for box in running._desk.outboxes):
            assert to_bar(running).row < 50
            told += other.hear()
            assert sum(box.waiting_bytes for box in list(running._desk.outboxes)) <= 500_000
        assert slow.reads(b'{"T":"error","code":407,"msg":"slow client"}')
        slow.socket.close()
        until(lambda: streams(running) == {"iex": 1, "trade_updates": 1})
        to_bar(running)
        told += other.hear()
        minutes = [each["t"] for each in told]
        assert minutes == [f"2024-03-01T14:{30 + number}:00Z" for number in range(len(told))][: len(minutes)]
        post_order(running, symbol="S00000")
        assert orders.hear()["data"]["event"] == "pending_new"


def test_a_reader_that_is_stuck_for_good_is_gone_soon(monkeypatch):
    monkeypatch.setattr(outboxes, "GRACE_S", 0.1)
    with simulator(many_symbols(60), streams={"outbox_bytes": 500_000}) as running, stuck_subscriber(running):
        began = time.monotonic()
        while any(not box.is_leaving for box in list(running._desk.outboxes)):
            assert to_bar(running).row < 50
        until(lambda: not running._desk.outboxes)
        # Of all steps one has waited for it.
        assert time.monotonic() - began < 4


def test_a_reader_that_is_stuck_does_not_hold_up_the_end():
    with simulator(many_symbols(30)) as running, stuck_subscriber(running):
        to_bar(running, 28)
        began = time.monotonic()
        running.stop()
        assert time.monotonic() - began < 0.9


def test_a_half_open_connection_is_cut_when_it_answers_no_ping():
    with simulator(streams={"ping_s": 0.1}) as running, Raw(running.stream_url) as half_open:
        half_open.say({"action": "authenticate", "data": {"key_id": running.key, "secret_key": running.secret}})
        assert half_open.reads(b"authorized")
        with pytest.raises(InvalidStatus):
            listener(running)
        until(lambda: not running._desk.outboxes)
        with listener(running) as client:
            time.sleep(0.4)  # one that answers stays
            post_order(running)
            assert client.hear()["data"]["event"] == "accepted"


def test_a_connection_that_breaks_frees_its_slot():
    with simulator() as running:
        with Raw(running.stream_url) as client:
            client.say({"action": "authenticate", "data": {"key_id": running.key, "secret_key": running.secret}})
            client.say({"action": "listen", "data": {"streams": ["trade_updates"]}})
            running.wait_for_listeners()
        until(lambda: not running._desk.outboxes)
        listener(running).close()


def test_hundreds_of_connections_are_each_told_and_idle_ones_disturb_nobody():
    count = 200

    async def client(running, url, ready, go):
        async with websockets.asyncio.client.connect(url, compression=None, open_timeout=20) as sock:
            await sock.recv()
            await sock.send(json.dumps({"action": "auth", "key": running.key, "secret": running.secret}))
            await sock.recv()
            await sock.send(json.dumps({"action": "subscribe", "bars": ["A"]}))
            await sock.recv()
            ready.release()
            await go.wait()
            return await sock.recv()

    async def everyone(running):
        ready, go = asyncio.Semaphore(0), asyncio.Event()
        clients = [asyncio.create_task(client(running, running.data_stream_url(), ready, go)) for _ in range(count)]
        for _ in clients:
            await ready.acquire()
        await asyncio.to_thread(to_bar, running)
        go.set()
        return await asyncio.gather(*clients)

    with simulator(streams={"data_connections": count}) as running:
        address = running._address_pair(0)
        idle = [socket.create_connection(address) for _ in range(count)]
        told = asyncio.run(everyone(running))
        assert len(told) == count
        assert len(set(told)) == 1
        for each in idle:
            each.close()
        assert httpx.get(f"{running.control_url}/state").status_code == 200

"""A simulator that runs while a test lasts, and clients of its streams as bare as the protocol lets them be."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import json
import threading
import time

import httpx
import msgpack
import websockets.sync.client

from quantstrats.simulator.exchange import Exchange
from quantstrats.simulator.settings import AccountSettings, Settings, StreamSettings
from quantstrats.simulator.simulator import Simulator
from quantstrats.simulator.tape import tape_of

from .exchanges import DAY, QUIET, minutes

PACKED = {"Content-Type": "application/msgpack"}
TWO = (AccountSettings(key="K1", secret="S1"), AccountSettings(key="K2", secret="S2"))


@functools.cache
def tape_of_minutes(prices, days=(DAY,)):
    """Return a tape of a few minutes of A and B; the calendar around it takes longer than the tests."""
    return tape_of(minutes(prices, days))


@contextlib.contextmanager
def simulator(market=None, prices=QUIET, faults=None, streams=None, speed=None, **settings):
    """Run a simulator on a few minutes of A and B; afterwards it must have failed with nothing."""
    made = Settings(streams=StreamSettings(**(streams or {})), **settings)
    tape = tape_of_minutes(tuple(prices)) if market is None else tape_of(market)
    running = Simulator(Exchange(tape, made), made, faults, speed=speed)
    with running:
        yield running
    assert running.failures == []


def to_bar(running, count=1):
    """Advance until so many bars more are complete; return the last step."""
    for _ in range(count):
        step = running.advance()
        while step.completed_at is None:
            step = running.advance()
    return step


def keys(running, which=0):
    """Return what an account signs in with, as headers."""
    account = running._settings.accounts[which]
    return {"APCA-API-KEY-ID": account.key, "APCA-API-SECRET-KEY": account.secret}


def post_order(running, which=0, **fields):
    """Send an order, a market order to buy a share of A where nothing else is said; return the answer's JSON."""
    order = {"symbol": "A", "qty": "1", "side": "buy", "type": "market", "time_in_force": "day", **fields}
    answer = httpx.post(f"{running.url}/v2/orders", headers=keys(running, which), json=order)
    assert answer.status_code == 200, answer.text
    return answer.json()


class Client:
    """A websocket; ``say`` and ``hear`` speak JSON, or msgpack."""

    def __init__(self, url, *, packed=False, **options):
        headers = {**(PACKED if packed else {}), **options.pop("headers", {})}
        self._open = websockets.sync.client.connect(url, additional_headers=headers, open_timeout=5, **options)
        self.socket = self._open.__enter__()
        self.packed = packed

    def say(self, message):
        self.socket.send(msgpack.packb(message) if self.packed else json.dumps(message))

    def hear(self, timeout=5):
        frame = self.socket.recv(timeout)
        return msgpack.unpackb(frame) if self.packed else json.loads(frame)

    def hears_nothing(self):
        with contextlib.suppress(TimeoutError):
            raise AssertionError(self.hear(0.1))
        return True

    def closed(self, timeout=5):
        """Return the code with which the server closes, and why, after whatever else it says."""
        deadline = time.monotonic() + timeout
        try:
            while True:
                self.socket.recv(max(deadline - time.monotonic(), 0.01))
        except websockets.exceptions.ConnectionClosed as closed:
            return closed.rcvd.code, closed.rcvd.reason

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self._open.__exit__(None, None, None)


def listener(running, which=0, listens=True):
    """Open a stream of orders that has signed in and listens."""
    account = running._settings.accounts[which]
    client = Client(running.stream_url)
    client.say({"action": "authenticate", "data": {"key_id": account.key, "secret_key": account.secret}})
    assert client.hear()["data"] == {"status": "authorized", "action": "authenticate"}
    if listens:
        client.say({"action": "listen", "data": {"streams": ["trade_updates"]}})
        assert client.hear() == {"stream": "listening", "data": {"streams": ["trade_updates"]}}
    return client


def subscriber(running, which=0, feed="iex", packed=False, **subscribed):
    """Open a stream of market data that has signed in and subscribed."""
    account = running._settings.accounts[which]
    client = Client(running.data_stream_url(feed), packed=packed)
    assert client.hear() == [{"T": "success", "msg": "connected"}]
    client.say({"action": "auth", "key": account.key, "secret": account.secret})
    assert client.hear() == [{"T": "success", "msg": "authenticated"}]
    if subscribed:
        client.say({"action": "subscribe", **subscribed})
        assert client.hear()[0]["T"] == "subscription"
    return client


@contextlib.contextmanager
def in_a_thread(stream, running):
    """Run a stream of alpaca-py's until the block ends."""
    thread = threading.Thread(target=lambda: asyncio.run(stream._run_forever()), daemon=True)
    thread.start()
    try:
        yield stream
    finally:
        stream.stop()
        # It looks every five seconds only whether it is to stop, and when its connection ends.
        running.reset()
        thread.join(10)
    assert not thread.is_alive()


def until(condition, timeout=5.0):
    """Wait until something holds, and insist on it."""
    deadline = time.monotonic() + timeout
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.005)
    assert condition()

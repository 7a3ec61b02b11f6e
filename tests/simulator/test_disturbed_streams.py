"""Streams under faults, over real sockets: what is lost, doubled, held back, refused or cut, and that it is logged."""

from __future__ import annotations

import contextlib

import httpx
import pytest

pytest.importorskip("uvicorn", reason="uvicorn is not installed: extra simulator")

from websockets.exceptions import ConnectionClosedError, InvalidStatus

from quantstrats.simulator.exchange import Exchange
from quantstrats.simulator.faults.faults import faults_of
from quantstrats.simulator.settings import Settings
from quantstrats.simulator.simulator import Simulator

from .exchanges import RISING
from .running import Client, keys, listener, post_order, subscriber, tape_of_minutes, to_bar, until


class Disturbed:
    """A simulator with faults."""

    def __init__(self, *entries, **settings):
        self.faults = faults_of({"seed": 1, "faults": list(entries)})
        made = Settings(**settings)
        exchange = Exchange(tape_of_minutes(tuple(RISING)), made, self.faults.trouble)
        self.running = Simulator(exchange, made, self.faults)

    def __enter__(self):
        return self.running.start()

    def __exit__(self, *_):
        self.running.stop()
        assert self.running.failures == []


def events(client, count):
    return [client.hear()["data"]["event"] for _ in range(count)]


def test_a_fill_is_lost_on_a_healthy_stream():
    with Disturbed({"fault": "drop", "on": {"event": "fill"}}) as running, listener(running) as client:
        to_bar(running)
        order = post_order(running)
        to_bar(running)
        assert events(client, 2) == ["pending_new", "new"]
        assert client.hears_nothing()
        answer = httpx.get(f"{running.url}/v2/orders/{order['id']}", headers=keys(running)).json()
        assert answer["status"] == "filled"
        (logged,) = running.faults.log
        assert (logged["fault"], logged["cause"]["order_id"]) == ("drop", order["id"])


def test_a_fill_comes_twice():
    with Disturbed({"fault": "duplicate", "on": {"event": "fill"}}) as running, listener(running) as client:
        to_bar(running)
        post_order(running)
        to_bar(running)
        assert events(client, 2) == ["pending_new", "new"]
        assert client.hear() == client.hear()


def test_a_message_comes_late_by_the_exchanges_clock():
    entry = {"fault": "delay", "seconds": 61, "on": {"event": "new"}}
    with Disturbed(entry) as running, listener(running) as client:
        to_bar(running)
        post_order(running)
        to_bar(running)
        assert events(client, 2) == ["pending_new", "fill"]
        to_bar(running, 2)
        assert events(client, 1) == ["new"]


def test_what_is_no_message_comes_and_the_stream_goes_on():
    entry = {"fault": "malformed", "shape": "half", "on": {"event": "new"}}
    with Disturbed(entry) as running, listener(running) as client:
        to_bar(running)
        post_order(running)
        to_bar(running)
        assert events(client, 1) == ["pending_new"]
        assert client.socket.recv(5).startswith(b'{"stream": "trade_updates"')
        assert events(client, 1) == ["fill"]


def test_who_listens_again_is_told_again():
    with Disturbed({"fault": "replay", "messages": 2}) as running:
        to_bar(running)
        with listener(running) as client:
            post_order(running)
            to_bar(running)
            told = [client.hear() for _ in range(3)]
        until(lambda: not running._desk.outboxes)
        with listener(running) as client:
            assert [client.hear(), client.hear()] == told[-2:]
            assert client.hears_nothing()


@pytest.mark.parametrize("status", [429, 503])
def test_connections_are_refused_so_many_times(status):
    entry = {"fault": "refuse", "status": status, "on": {"stream": "trade_updates", "times": 2}}
    with Disturbed(entry) as running:
        for _ in range(2):
            with pytest.raises(InvalidStatus) as refused:
                Client(running.stream_url)
            assert refused.value.response.status_code == status
        listener(running).close()


def test_market_data_refuses_after_signing_in():
    entry = {"fault": "refuse", "status": 406, "on": {"stream": "iex", "nth": 1}}
    with Disturbed(entry) as running:
        with Client(running.data_stream_url()) as client:
            client.hear()
            client.say({"action": "auth", "key": running.key, "secret": running.secret})
            assert client.hear() == [{"T": "error", "code": 406, "msg": "connection limit exceeded"}]
            assert client.closed()[0] == 1008
        subscriber(running).close()


@pytest.mark.parametrize("lost", [True, False])
def test_a_stream_ends_when_an_order_is_filled(lost):
    entry = {"fault": "disconnect", "stream": "trade_updates", "lost": lost, "on": {"event": "fill"}}
    with Disturbed(entry) as running, listener(running) as client, subscriber(running, bars=["A"]) as bars:
        to_bar(running)
        post_order(running)
        told = events(client, 1)
        to_bar(running)
        with contextlib.suppress(ConnectionClosedError):
            for _ in range(3):
                told += events(client, 1)
        assert len(told) < 4
        assert ("fill" in told) is not lost
        assert len([bars.hear(), bars.hear()]) == 2
        listener(running).close()


def test_a_restart_breaks_all_connections_and_keeps_the_orders():
    entry = {"fault": "restart", "down_s": 0, "on": {"event": "bar", "nth": 2}}
    with Disturbed(entry) as running, listener(running) as client, subscriber(running, bars=["A"]) as bars:
        with httpx.Client(base_url=running.url, headers=keys(running)) as requests:
            to_bar(running)
            post_order(running)
            requests.get("/v2/clock")
            to_bar(running)
            for each in (client, bars):
                assert_broken(each)
            until(lambda: not running._desk.outboxes)
            assert len(requests.get("/v2/positions").json()) == 1
        listener(running).close()


def assert_broken(client):
    with pytest.raises(ConnectionClosedError) as closed:
        read_on(client)
    # No farewell.
    assert closed.value.rcvd is None


def read_on(client):
    for _ in range(10):
        client.socket.recv(5)


def test_bars_are_left_out_doubled_and_corrected():
    entries = (
        {"fault": "missing_bar", "on": {"stream": "iex", "symbol": "A", "nth": 2}},
        {"fault": "duplicate_bar", "on": {"stream": "iex", "symbol": "B", "nth": 2}},
        {"fault": "corrected_bar", "by_bps": 100, "seconds": 30, "on": {"stream": "iex", "symbol": "A", "nth": 3}},
    )
    with (
        Disturbed(*entries) as running,
        subscriber(running, bars=["*"], updatedBars=["A"]) as client,
        subscriber(running, feed="sip", bars=["*"]) as sip,
    ):
        to_bar(running)
        assert [each["S"] for each in client.hear()] == ["A", "B"]
        to_bar(running)
        assert [each["S"] for each in client.hear()] == ["B", "B"]
        to_bar(running)
        wrong, _ = client.hear()
        # The third close is 105.
        assert (wrong["T"], wrong["c"]) == ("b", 106.05)
        to_bar(running)
        (right,) = client.hear()
        assert (right["T"], right["S"], right["c"], right["t"]) == ("u", "A", 105.0, wrong["t"])
        assert [[each["c"] for each in sip.hear()] for _ in range(4)] == [
            [100, 200],
            [102, 204],
            [105, 210],
            [110, 220],
        ]


def test_a_reset_begins_the_faults_anew():
    with Disturbed({"fault": "drop", "on": {"event": "fill", "nth": 1}}) as running:
        for _ in range(2):
            with listener(running) as client:
                to_bar(running)
                post_order(running)
                to_bar(running)
                assert events(client, 2) == ["pending_new", "new"]
                assert client.hears_nothing()
            assert len(running.faults.log) == 1
            assert httpx.get(f"{running.control_url}/faults").json()[0]["fault"] == "drop"
            running.reset()

"""A running exchange: started, moved, reset, stopped; what it binds to, what leaks, and whom a crash reaches."""

from __future__ import annotations

import contextlib
import json
import socket
import threading
import time
import warnings
from datetime import UTC, datetime

import httpx
import numpy as np
import pandas as pd
import pytest

pytest.importorskip("uvicorn", reason="uvicorn is not installed: extra simulator")

import websockets.exceptions

from quantstrats.errors import ConfigError, EngineError
from quantstrats.simulator.events import BarEvent, SessionEvent
from quantstrats.simulator.exchange import Exchange
from quantstrats.simulator.server.wire_log import WireLog
from quantstrats.simulator.settings import Settings
from quantstrats.simulator.simulator import Simulator
from quantstrats.simulator.tape import tape_of

from .exchanges import QUIET, RISING, minutes
from .running import Client, keys, listener, post_order, simulator, subscriber, tape_of_minutes, to_bar, until


def made(prices=QUIET, market=None, wire_log=None, **options):
    tape = tape_of_minutes(tuple(prices)) if market is None else tape_of(market)
    exchange = Exchange(tape, Settings())
    return Simulator(exchange, wire_log=wire_log, **options)


def test_it_starts_and_stops_quickly_and_leaves_nothing_behind():
    with made():
        pass  # what is imported for the first time is not what is measured
    took = []
    for _ in range(5):
        running = made()
        began = time.monotonic()
        running.start()
        took.append(time.monotonic() - began)
        with listener(running), subscriber(running, bars=["*"]), httpx.Client() as client:
            assert client.get(f"{running.url}/v2/clock", headers=keys(running)).status_code == 200
            ports = [running._address_pair(which)[1] for which in (0, 1)]
            running.stop()
        assert "quantstrats-simulator" not in {thread.name for thread in threading.enumerate()}
        for port in ports:
            with pytest.raises(ConnectionRefusedError):
                socket.create_connection(("127.0.0.1", port), 1).close()
        running.stop()
    assert min(took) < 0.3


def test_it_can_start_again_with_the_exchange_as_it_was():
    running = made()
    with running:
        to_bar(running)
        with pytest.raises(EngineError, match="runs already"):
            running.start()
    with running, subscriber(running, bars=["A"]) as client:
        assert to_bar(running).row == 1
        assert client.hear()[0]["S"] == "A"


def test_a_step_has_the_bytes_of_the_market_and_when_its_bar_was_complete():
    rng = np.random.default_rng(1)
    market = minutes([(c, c * 1.01, c * 0.99, c) for c in 100 * np.exp(rng.normal(0, 0.01, 4).cumsum())])
    with made(market=market) as running:
        opened = running.advance()
        assert (opened.completed_at, opened.bars, opened.row) == (None, {}, None)
        assert opened.time == pd.Timestamp("2024-03-01 14:30", tz="UTC")
        assert [type(event) for event in opened.events] == [SessionEvent]
        for row in range(4):
            step = running.advance()
            assert step.row == row
            assert step.completed_at == step.time == market.decided_at[row]
            assert isinstance(step.events[-1], BarEvent)
            for symbol in "AB":
                values = [
                    getattr(market, name)[symbol].iloc[row] for name in ("open", "high", "low", "close", "volume")
                ]
                assert np.array(step.bars[symbol]).tobytes() == np.array(values).tobytes()
        assert not running.ended
        while not running.ended:
            running.advance()


@pytest.mark.parametrize(
    "to",
    [
        "2024-03-01T09:32:00-05:00",
        "2024-03-01T14:32:00Z",
        datetime(2024, 3, 1, 14, 32, tzinfo=UTC),
        pd.Timestamp("2024-03-01 09:32", tz="America/New_York"),
        1_709_303_520_000_000_000,
    ],
)
def test_the_clock_moves_to_any_kind_of_instant(to):
    with made() as running:
        step = running.advance_to(to)
        assert step.time == pd.Timestamp("2024-03-01 14:32", tz="UTC")
        assert step.row == 1
        assert [event.row for event in step.events if isinstance(event, BarEvent)] == [0, 1]


@pytest.mark.parametrize("to", ["soon", "2024-03-01", datetime(2024, 3, 1, 14, 32)])
def test_what_is_no_instant_or_has_passed_is_refused(to):
    with made() as running:
        running.advance()
        with pytest.raises(ValueError, match=r"no time|no time zone|forward only"):
            running.advance_to(to)
        to_bar(running)


def told_by(running):
    """Trade a little; return the wire log without its first lines' connections."""
    to_bar(running)
    first = post_order(running, qty="3", client_order_id="mine")
    to_bar(running)
    post_order(running, side="sell", qty="1", client_order_id="back")
    to_bar(running)
    return first["id"], running.wire_log.lines(), running.ledger.lines()


def test_a_reset_starts_over_and_the_same_calls_give_the_same_logs():
    with made(RISING) as running, listener(running) as client:
        first = told_by(running)
        assert len([client.hear() for _ in range(6)]) == 6
        running.reset()
        # No client takes one world's events for another's.
        assert client.closed() == (1012, "service restart")
        assert (running.exchange.row, running.wire_log.lines()) == (-1, [])
        with listener(running):
            again = told_by(running)
        assert again[0] == first[0]
        assert again[2] == first[2]
        assert again[1] == first[1]
        account = httpx.get(f"{running.url}/v2/account", headers=keys(running)).json()
        # Three bought at 100, one sold at 102.
        assert account["cash"] == "99802"
        running.reset()
        account = httpx.get(f"{running.url}/v2/account", headers=keys(running)).json()
        assert account["cash"] == "100000"


def test_what_is_asked_of_the_exchange_happens_between_other_things():
    with simulator() as running, listener(running) as client:
        to_bar(running)
        order = post_order(running, type="limit", limit_price="50")
        to_bar(running)
        running.ask(lambda exchange: exchange.reject(order["id"], "late"))
        assert [client.hear()["data"]["event"] for _ in range(3)] == ["pending_new", "new", "rejected"]
        with pytest.raises(ZeroDivisionError):
            running.ask(lambda _: 1 / 0)
        assert running.ask(lambda exchange: exchange.row) == 1


def test_it_is_bound_to_this_machine_unless_told_otherwise_and_says_so():
    with made() as running:
        assert running.url.startswith("http://127.0.0.1:")
        assert running.reach.startswith("bound to 127.0.0.1, port ")
        assert running.reach.endswith(": this machine only")
        assert running.stream_url == running.url.replace("http", "ws") + "/stream"
        assert running.data_stream_url("sip") == running.url.replace("http", "ws") + "/v2/sip"
    with made(host="0.0.0.0") as running:
        assert "every machine that can reach this one" in running.reach
        assert running.url.startswith("http://127.0.0.1:")
        # The clock is nobody else's.
        assert running._address_pair(1)[0] == "127.0.0.1"
        assert httpx.get(f"{running.url}/v2/clock", headers=keys(running)).status_code == 200


def test_a_port_in_use_or_a_host_that_is_not_here_is_one_line():
    with made() as running:
        port = running._address_pair(0)[1]
        for options in ({"port": port}, {"control_port": port}):
            with pytest.raises(ConfigError, match=rf"cannot listen at 127.0.0.1, port {port}: .*; choose another"):
                made(**options).start()
    for options in ({"host": "192.0.2.1"}, {"host": "no such host"}, {"port": 70_000}, {"port": -1}):
        with pytest.raises(ConfigError, match=r"cannot listen at .*; choose another|port is .*; give 0 to 65535"):
            made(**options).start()


def test_before_the_start_and_after_the_end_it_says_what_to_do():
    running = made()
    for ask in (running.advance, running.reset, lambda: running.url, running.wait, lambda: running.ask(len)):
        with pytest.raises(EngineError, match=r"call start\(\) first"):
            ask()
    running.start()
    running.stop()
    with pytest.raises(EngineError, match=r"call start\(\) first"):
        running.advance()


def test_an_error_in_a_step_is_the_callers():
    with made() as running:
        to_bar(running)
        running.ask(lambda exchange: exchange.listeners.insert(0, lambda event: 1 / 0))
        with pytest.raises(ZeroDivisionError):
            running.advance()


def test_a_crash_of_the_loop_reaches_whoever_waits_with_its_reason():
    running = made(RISING, speed=1e6)
    running.exchange.listeners.append(lambda event: {}["gone"])
    running.start()
    try:
        with pytest.raises(EngineError, match="the simulated exchange has failed: KeyError: 'gone'") as failed:
            running.wait(10)
        assert isinstance(failed.value.__cause__, KeyError)
        with pytest.raises(EngineError, match="KeyError"):
            running.ask(len)
    finally:
        running.stop()
    assert "quantstrats-simulator" not in {thread.name for thread in threading.enumerate()}


def test_it_cannot_be_moved_from_its_own_loop():
    with made() as running:
        running.exchange.listeners.append(lambda event: running.advance())
        with pytest.raises(EngineError, match="from within its own loop"):
            running.advance()


def test_the_wire_log_can_go_to_a_file(tmp_path):
    log = WireLog(tmp_path / "wire.jsonl")
    with made(wire_log=log) as running, listener(running) as client:
        post_order(running)
        client.hear()
    log.close()
    kinds = [json.loads(line)["kind"] for line in (tmp_path / "wire.jsonl").read_text().splitlines()]
    assert kinds == ["frame_in", "frame_out", "frame_in", "frame_out", "request", "frame_out", "answer"]


def test_clients_that_are_connected_learn_that_it_stops():
    running = made().start()
    with listener(running) as client, subscriber(running, bars=["A"]) as bars:
        running.stop()
        for each in (client, bars):
            with pytest.raises(websockets.exceptions.ConnectionClosed) as closed:
                each.socket.recv(5)
            assert closed.value.rcvd.code == 1012


def test_without_faster_loops_and_parsers_it_works_too(monkeypatch):
    import sys

    monkeypatch.setitem(sys.modules, "uvloop", None)
    monkeypatch.setitem(sys.modules, "httptools", None)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with made() as running, listener(running) as client, subscriber(running, bars=["A"]) as bars:
            post_order(running)
            to_bar(running)
            assert client.hear()["data"]["event"] == "accepted"
            assert bars.hear()[0]["S"] == "A"
            running.reset()
            until(lambda: not running._desk.outboxes)


@pytest.mark.parametrize("parser", ["httptools", "h11"])
def test_connections_that_do_not_say_what_they_want_are_cut_and_others_stay(monkeypatch, parser):
    import sys

    from quantstrats.simulator.server import heads

    if parser == "h11":
        monkeypatch.setitem(sys.modules, "httptools", None)
    monkeypatch.setattr(heads, "SECONDS", 0.2)
    with made() as running, listener(running) as client, httpx.Client(base_url=running.url) as kept:
        host = "127.0.0.1", int(running.url.rpartition(":")[2])
        head = "".join(f"{name}: {value}\r\n" for name, value in keys(running).items())
        asked = f"GET /v2/clock HTTP/1.1\r\nHost: x\r\n{head}\r\n".encode()
        silent, half, again = (socket.create_connection(host, timeout=5) for _ in range(3))
        half.sendall(asked[:40])
        again.sendall(asked)
        assert again.recv(65536).startswith(b"HTTP/1.1 200")
        again.sendall(asked[:40])
        first = kept.get("/v2/clock", headers=keys(running)).extensions["network_stream"]
        for each in (silent, half, again):
            with contextlib.suppress(ConnectionResetError), each:
                assert each.recv(65536) == b""
        # Neither a stream nor a connection that is kept for the next request is silent in that way.
        time.sleep(0.3)
        again = kept.get("/v2/clock", headers=keys(running)).extensions["network_stream"]
        assert again.get_extra_info("client_addr") == first.get_extra_info("client_addr")
        post_order(running)
        assert client.hear()["data"]["event"] == "accepted"


def test_at_full_speed_only_who_listens_is_waited_for(monkeypatch):
    import quantstrats.simulator.simulator as module

    waited = []
    before = module.all_read

    async def noted(boxes, patience_s):
        boxes = list(boxes)
        waited.extend(boxes)
        await before(boxes, patience_s)

    monkeypatch.setattr(module, "all_read", noted)
    # The clock stands until the first client is there, so that the silent one is.
    running = Simulator(Exchange(tape_of(minutes(QUIET)), Settings()), Settings(), speed="max", waits=True)
    with running, Client(running.data_stream_url()) as silent:
        assert silent.hear()[0]["msg"] == "connected"
        assert running.wait(20)
    assert waited == []

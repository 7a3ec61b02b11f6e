"""A fault script against real clients: what they see, what stands, and how the logs tell it."""

from __future__ import annotations

import json

import httpx
import pytest

pytest.importorskip("uvicorn", reason="uvicorn is not installed: extra simulator")

from alpaca.trading.client import TradingClient
from alpaca.trading.enums import OrderSide, TimeInForce
from alpaca.trading.requests import MarketOrderRequest

from quantstrats.simulator.exchange import Exchange
from quantstrats.simulator.faults.faults import faults_of
from quantstrats.simulator.settings import Settings
from quantstrats.simulator.simulator import Simulator

from .exchanges import RISING
from .running import keys, post_order, tape_of_minutes, to_bar


@pytest.fixture
def disturbed():
    """Run a simulator with a fault script; afterwards it must have failed with nothing."""
    started = []

    def start(*entries, seed=0):
        faults = faults_of({"faults": list(entries)}, seed)
        settings = Settings(seed=seed)
        exchange = Exchange(tape_of_minutes(tuple(RISING)), settings, faults.trouble)
        started.append(Simulator(exchange, settings, faults).start())
        to_bar(started[-1])
        return started[-1]

    yield start
    for running in started:
        running.stop()
        assert running.failures == []


def ask(running, path):
    return httpx.get(f"{running.url}/v2/{path}", headers=keys(running))


def test_an_order_that_was_answered_504_is_not_found_at_first_and_then_stands(disturbed):
    entry = {"fault": "http_error", "status": 504, "when": "after", "hidden_s": 5, "on": {"request": "POST /v2/orders"}}
    running = disturbed(entry)
    order = {"symbol": "A", "qty": "1", "side": "buy", "type": "market", "time_in_force": "day"}
    sent = {**order, "client_order_id": "mine"}
    assert httpx.post(f"{running.url}/v2/orders", headers=keys(running), json=sent).status_code == 504
    place = "orders:by_client_order_id?client_order_id=mine"
    assert ask(running, place).status_code == 404
    running.advance_to(running.exchange.now + 5_000_000_000)
    found = ask(running, place)
    assert (found.status_code, found.json()["status"]) == (200, "filled")
    [logged] = running.faults.log
    asked = [json.loads(line) for line in running.wire_log.lines()]
    [request] = [line for line in asked if line["kind"] == "request" and line["method"] == "POST"]
    assert logged["cause"] == {"request": "POST /v2/orders", "request_id": request["id"]}
    assert logged["did"] == "answered 504; it was done; the order is hidden for 5 s"


def test_alpaca_py_makes_two_orders_of_one_that_was_accepted_and_answered_504(disturbed):
    running = disturbed({"fault": "http_error", "status": 504, "when": "after", "on": {"request": "POST *", "nth": 1}})
    client = TradingClient(running.key, running.secret, url_override=running.url)
    client._retry_wait = 0
    client.submit_order(MarketOrderRequest(symbol="A", qty=1, side=OrderSide.BUY, time_in_force=TimeInForce.DAY))
    assert len(running.ask(lambda exchange: exchange.orders(exchange.account_ids[0]))) == 2


def test_the_clock_that_clients_see_is_off(disturbed):
    running = disturbed({"fault": "skew", "seconds": 120})
    clock = ask(running, "clock").json()
    assert clock["timestamp"] == "2024-03-01T09:33:00-05:00"
    assert clock["next_close"] == "2024-03-01T16:00:00-05:00"
    assert post_order(running)["created_at"] == "2024-03-01T14:33:00Z"


def test_positions_are_told_as_of_a_while_ago(disturbed):
    running = disturbed({"fault": "stale_positions", "seconds": 30})
    post_order(running)
    step = running.advance_to(running.exchange.now)
    assert ask(running, "positions").json() == []
    running.advance_to(step.time.value + 30_000_000_000)
    assert [each["symbol"] for each in ask(running, "positions").json()] == ["A"]


def test_the_same_seed_gives_the_same_faults_and_the_same_wire_log(disturbed):
    entry = {"fault": "http_error", "status": 503, "on": {"rate": 0.4}}

    def session(running):
        for _ in range(12):
            ask(running, "account")
        return list(running.faults.log), running.wire_log.lines()

    running = disturbed(entry, seed=3)
    first = session(running)
    running.reset()
    to_bar(running)
    assert session(running) == first
    assert 0 < len(first[0]) < 12
    assert session(disturbed(entry, seed=4))[0] != first[0]

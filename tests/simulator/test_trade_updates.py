"""The stream of orders: its handshake word by word, what it tells and to whom, and what it does to bad clients."""

from __future__ import annotations

import json
import logging

import httpx
import pytest
import websockets

pytest.importorskip("uvicorn", reason="uvicorn is not installed: extra simulator")

from .exchanges import RISING
from .running import (
    TWO,
    Client,
    in_a_thread,
    keys,
    listener,
    post_order,
    simulator,
    subscriber,
    to_bar,
    until,
)

AUTHORIZED = b'{"stream":"authorization","data":{"status":"authorized","action":"authenticate"}}'


def test_the_handshake_is_spoken_in_binary_frames_and_the_server_waits_for_the_client():
    with simulator() as running, Client(running.stream_url) as client:
        assert client.hears_nothing()
        client.say({"action": "authenticate", "data": {"key_id": running.key, "secret_key": running.secret}})
        assert client.socket.recv(5) == AUTHORIZED
        client.say({"action": "listen", "data": {"streams": ["trade_updates", "account_updates"]}})
        # What is not offered does not appear in the answer.
        assert client.socket.recv(5) == b'{"stream":"listening","data":{"streams":["trade_updates"]}}'


@pytest.mark.parametrize(
    "data",
    [
        {"key_id": "PKSIMULATOR", "secret_key": "wrong"},
        {"key_id": "wrong", "secret_key": "simulated-secret"},
        {"key_id": "PKSIMULATOR"},
        {"key_id": ["PKSIMULATOR"], "secret_key": {"a": 1}},
        {},
        None,
        "PKSIMULATOR",
    ],
)
def test_wrong_keys_are_told_so_and_the_connection_is_closed(data):
    with simulator() as running, Client(running.stream_url) as client:
        client.say({"action": "authenticate", "data": data})
        assert client.hear() == {
            "stream": "authorization",
            "data": {"status": "unauthorized", "action": "authenticate"},
        }
        assert client.closed() == (1008, "unauthorized")
        # The slot is free.
        listener(running).close()


def test_who_has_not_signed_in_cannot_listen():
    with simulator() as running, Client(running.stream_url) as client:
        client.say({"action": "listen", "data": {"streams": ["trade_updates"]}})
        assert client.hear() == {"stream": "authorization", "data": {"status": "unauthorized", "action": "listen"}}


@pytest.mark.parametrize(
    "frame",
    [
        "no JSON",
        b"\xff\xfe",
        "[]",
        "7",
        "null",
        '"text"',
        "{}",
        '{"action": 7}',
        '{"action": "dance"}',
        "[" * 100_000,
        '{"action": "listen", "data": {"streams": 7}}',
        '{"action": "listen", "data": 7}',
        '{"action": "listen"}',
        '{"action": ["listen"]}',
    ],
)
def test_what_makes_no_sense_is_told_so_and_the_connection_stays(frame):
    with simulator() as running, listener(running) as client:
        client.socket.send(frame)
        assert client.hear() == {"stream": "error", "data": {"error": "invalid message"}}
        post_order(running)
        assert client.hear()["data"]["event"] == "accepted"


def test_a_giant_frame_ends_its_own_connection_alone():
    with simulator(accounts=TWO) as running, listener(running) as giant, listener(running, 1) as other:
        giant.socket.send("x" * (2**20 + 1))
        assert giant.closed()[0] == 1009
        post_order(running, 1)
        assert other.hear()["data"]["event"] == "accepted"


def test_a_second_connection_of_the_account_sees_429_until_the_first_is_gone():
    with simulator() as running, listener(running) as first:
        for _ in range(2):
            with pytest.raises(websockets.exceptions.InvalidStatus) as refused:
                Client(running.stream_url)
            assert refused.value.response.status_code == 429
            assert json.loads(refused.value.response.body)["code"] == 42910000
        post_order(running)
        assert first.hear()["data"]["event"] == "accepted"
        first.close()
        until(lambda: _streams(running) == {})
        listener(running).close()


def _streams(running):
    return httpx.get(f"{running.control_url}/state").json()["streams"]


def test_of_two_accounts_each_has_its_connection_and_its_headers_tell_it_early():
    with simulator(accounts=TWO) as running, listener(running, 0):
        # Nobody knows yet whose connection this is: it is closed once it has said so.
        with Client(running.stream_url) as client:
            client.say({"action": "authenticate", "data": {"key_id": "K1", "secret_key": "S1"}})
            assert client.closed() == (1008, "too many connections")
        with pytest.raises(websockets.exceptions.InvalidStatus) as refused:
            Client(running.stream_url, headers=keys(running, 0))
        assert refused.value.response.status_code == 429
        with listener(running, 1), pytest.raises(websockets.exceptions.InvalidStatus):
            Client(running.stream_url)


def test_more_connections_can_be_allowed_and_each_is_told():
    with simulator(streams={"connections": 2}) as running, listener(running) as first, listener(running) as second:
        post_order(running)
        assert first.hear() == second.hear()
        with pytest.raises(websockets.exceptions.InvalidStatus):
            Client(running.stream_url)


def test_fills_carry_price_quantity_and_position_and_everything_has_an_execution_id():
    with simulator(prices=RISING) as running, listener(running) as client:
        to_bar(running)
        order = post_order(running, qty="10")
        to_bar(running)
        told = [client.hear() for _ in range(3)]
        assert {each["stream"] for each in told} == {"trade_updates"}
        pending, new, fill = (each["data"] for each in told)
        assert [pending["event"], new["event"], fill["event"]] == ["pending_new", "new", "fill"]
        assert len({each["execution_id"] for each in (pending, new, fill)}) == 3
        assert {each["order"]["id"] for each in (pending, new, fill)} == {order["id"]}
        assert (fill["price"], fill["qty"], fill["position_qty"]) == ("100", "10", "10")
        # The second minute's first price is 100, at 9:31 in New York.
        assert (fill["timestamp"], fill["order"]["status"]) == ("2024-03-01T14:31:00Z", "filled")
        assert fill["order"]["filled_avg_price"] == "100"
        assert "price" not in new
        assert "position_qty" not in new


def test_a_fill_that_is_taken_back_or_corrected_names_the_execution_before():
    with simulator(prices=RISING) as running, listener(running) as client:
        to_bar(running)
        post_order(running)
        to_bar(running)
        *_, fill = (client.hear()["data"] for _ in range(3))
        control = httpx.Client(base_url=running.control_url)
        control.post("/correct", json={"execution_id": fill["execution_id"], "price": "99.5"})
        corrected = client.hear()["data"]
        assert (corrected["event"], corrected["price"]) == ("trade_correct", "99.5")
        assert corrected["previous_execution_id"] == fill["execution_id"]
        control.post("/bust", json={"execution_id": corrected["execution_id"]})
        busted = client.hear()["data"]
        assert busted["event"] == "trade_bust"
        assert busted["previous_execution_id"] == corrected["execution_id"]
        control.close()


def test_nothing_is_told_to_another_account_nor_replayed_nor_said_to_one_who_does_not_listen():
    with simulator(accounts=TWO) as running, listener(running, 1) as other:
        first = post_order(running)
        with listener(running, listens=False) as client:
            second = post_order(running)
            client.say({"action": "listen", "data": {"streams": ["trade_updates"]}})
            assert client.hear()["stream"] == "listening"
            third = post_order(running)
            assert client.hear()["data"]["order"]["id"] == third["id"] not in {first["id"], second["id"]}
            client.say({"action": "unlisten", "data": {"streams": ["trade_updates"]}})
            assert client.hear() == {"stream": "listening", "data": {"streams": []}}
            post_order(running)
            assert client.hears_nothing()
            # An empty list stops it as well.
            client.say({"action": "listen", "data": {"streams": ["trade_updates"]}})
            client.hear()
            client.say({"action": "listen", "data": {"streams": []}})
            assert client.hear() == {"stream": "listening", "data": {"streams": []}}
            post_order(running)
            assert client.hears_nothing()
        assert other.hears_nothing()


def test_pings_are_answered():
    with simulator() as running, listener(running) as client:
        assert client.socket.ping().wait(5)


def test_who_does_not_sign_in_in_time_is_closed():
    with simulator(streams={"sign_in_s": 0.1}) as running:
        with Client(running.stream_url) as client:
            assert client.closed() == (1008, "not signed in")
        with listener(running) as client:
            assert client.hears_nothing()
            post_order(running)
            assert client.hear()["data"]["event"] == "accepted"


def test_the_wire_log_has_each_frame_and_no_secret():
    with simulator() as running:
        with listener(running) as client:
            post_order(running)
            update = client.hear()
        text = "\n".join(running.wire_log.lines())
        lines = [json.loads(line) for line in running.wire_log.lines()]
        assert running.key not in text
        assert running.secret not in text
    frames = [line for line in lines if line["kind"].startswith("frame")]
    assert [line["kind"][6:] for line in frames] == ["in", "out", "in", "out", "out"]
    assert frames[0]["account"] is None
    assert len({line["account"] for line in frames[1:]}) == 1
    assert frames[-1]["body"] == update


def test_alpaca_pys_trading_stream_is_told_of_the_orders_of_its_own_client(caplog):
    alpaca = pytest.importorskip("alpaca.trading.stream", reason="alpaca-py is not installed: extra live")
    from alpaca.trading.client import TradingClient
    from alpaca.trading.enums import OrderSide, TimeInForce, TradeEvent
    from alpaca.trading.requests import LimitOrderRequest, MarketOrderRequest

    told = []

    async def hear(update):
        told.append(update)

    caplog.set_level(logging.WARNING)
    with simulator(prices=RISING) as running:
        stream = alpaca.TradingStream(running.key, running.secret, url_override=running.stream_url)
        stream.subscribe_trade_updates(hear)
        client = TradingClient(running.key, running.secret, url_override=running.url)
        to_bar(running)
        with in_a_thread(stream, running):
            running.wait_for_listeners()
            both = {"symbol": "A", "time_in_force": TimeInForce.DAY, "side": OrderSide.BUY}
            low = client.submit_order(LimitOrderRequest(qty=1, limit_price=50, **both))
            order = client.submit_order(MarketOrderRequest(qty=2, **both))
            to_bar(running)
            client.cancel_order_by_id(low.id)
            to_bar(running)
            until(lambda: told and told[-1].event == TradeEvent.CANCELED)
    story = [(each.order.id, each.event) for each in told]
    assert story == [
        # Both reach the market when the next minute begins, in the order in which they were sent.
        (low.id, TradeEvent.PENDING_NEW),
        (order.id, TradeEvent.PENDING_NEW),
        (low.id, TradeEvent.NEW),
        (order.id, TradeEvent.NEW),
        (order.id, TradeEvent.FILL),
        (low.id, TradeEvent.PENDING_CANCEL),
        (low.id, TradeEvent.CANCELED),
    ]
    fill = told[4]
    assert (fill.price, fill.qty, fill.position_qty, fill.order.filled_avg_price) == (100, 2, 2, "100")


def test_alpaca_pys_trading_stream_comes_back_after_a_reset(caplog):
    alpaca = pytest.importorskip("alpaca.trading.stream", reason="alpaca-py is not installed: extra live")

    async def hear(_):
        pass

    with simulator() as running:
        stream = alpaca.TradingStream(running.key, running.secret, url_override=running.stream_url)
        stream._reconnect_min_backoff = 0.05
        stream.subscribe_trade_updates(hear)
        with in_a_thread(stream, running):
            running.wait_for_listeners()
            running.reset()
            running.wait_for_listeners()


def test_both_streams_are_open_at_once():
    with simulator() as running, listener(running) as orders, subscriber(running, bars=["*"]) as bars:
        running.wait_for_listeners("trade_updates")
        running.wait_for_listeners("iex")
        with pytest.raises(TimeoutError, match=r"0 of 1 clients listen to sip after 0\.01 s"):
            running.wait_for_listeners("sip", timeout_s=0.01)
        post_order(running)
        to_bar(running)
        assert [orders.hear()["data"]["event"] for _ in range(3)] == ["accepted", "new", "fill"]
        assert [each["S"] for each in bars.hear()] == ["A", "B"]

"""The streams of market data: what is subscribed, what arrives when, to the last bit, and what bad clients are told."""

from __future__ import annotations

import json
import logging
from datetime import UTC, datetime

import httpx
import msgpack
import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

pytest.importorskip("uvicorn", reason="uvicorn is not installed: extra simulator")

from quantstrats import Market
from quantstrats.simulator.events import BarEvent

from .exchanges import RISING, minutes
from .running import (
    PACKED,
    TWO,
    Client,
    in_a_thread,
    keys,
    simulator,
    subscriber,
    to_bar,
    until,
)

NOTHING = {
    name: []
    for name in (
        *("trades", "quotes", "bars", "updatedBars", "dailyBars", "statuses", "lulds"),
        *("corrections", "cancelErrors"),
    )
}


def subscription(**subscribed):
    return [{"T": "subscription", **NOTHING, **subscribed}]


def error(code, message):
    return [{"T": "error", "code": code, "msg": message}]


def test_the_handshake_in_json():
    with simulator() as running, Client(running.data_stream_url()) as client:
        assert client.hear() == [{"T": "success", "msg": "connected"}]
        client.say({"action": "auth", "key": running.key, "secret": running.secret})
        assert client.hear() == [{"T": "success", "msg": "authenticated"}]
        client.say({"action": "subscribe", "bars": ["B", "A"], "dailyBars": ["*"]})
        # The whole subscription is the answer, each time.
        assert client.hear() == subscription(bars=["A", "B"], dailyBars=["*"])
        client.say({"action": "subscribe", "trades": ["A"], "quotes": ["B"], "updatedBars": ["A"], "lulds": ["A"]})
        client.hear()
        client.say({"action": "unsubscribe", "bars": ["A", "NONE"], "dailyBars": ["*"]})
        assert client.hear() == subscription(
            # Corrections and cancels come with the trades.
            bars=["B"],
            trades=["A"],
            corrections=["A"],
            cancelErrors=["A"],
            quotes=["B"],
            updatedBars=["A"],
            lulds=["A"],
        )


def test_keys_in_the_headers_sign_in_at_once():
    with simulator() as running:
        with Client(running.data_stream_url(), headers=keys(running)) as client:
            assert [client.hear(), client.hear()] == [
                [{"T": "success", "msg": "connected"}],
                [{"T": "success", "msg": "authenticated"}],
            ]
        wrong = {"APCA-API-KEY-ID": running.key, "APCA-API-SECRET-KEY": "wrong"}
        with Client(running.data_stream_url(), headers=wrong) as client:
            client.hear()
            assert client.hear() == error(402, "auth failed")
            assert client.closed()[0] == 1008


def test_a_bar_arrives_when_it_is_complete_with_the_floats_of_the_market():
    rng = np.random.default_rng(3)
    closes = 100 * np.exp(rng.normal(0, 0.01, 6).cumsum())
    market = minutes([(c, c * 1.01, c * 0.99, c * 1.003) for c in closes], volume=123.4)
    with simulator(market) as running, subscriber(running, bars=["*"]) as client:
        running.advance()  # the session opens
        assert client.hears_nothing()
        for row in range(6):
            step = running.advance()
            told = client.hear()
            for each, symbol in zip(told, "AB", strict=True):
                fields = ("open", "high", "low", "close", "volume")
                values = [getattr(market, field)[symbol].iloc[row] for field in fields]
                assert [each[name] for name in "ohlcv"] == values
                assert list(step.bars[symbol]) == values
                assert (each["T"], each["S"]) == ("b", symbol)
                assert pd.Timestamp(each["t"]) == market.index[row] == step.completed_at - pd.Timedelta("1min")
            # Told when the minute is over, not at its label.
            assert step.time == step.completed_at
        assert client.hears_nothing()


def test_msgpack_carries_its_own_timestamps_and_the_same_floats():
    market = minutes(RISING)
    with simulator(market) as running, subscriber(running, packed=True, bars=["A"]) as client:
        to_bar(running)
        (bar,) = client.hear()
        assert bar["t"] == msgpack.Timestamp.from_datetime(datetime(2024, 3, 1, 14, 30, tzinfo=UTC))
        assert [bar[name] for name in "ohlcv"] == [100.0, 100.0, 100.0, 100.0, 10_000]
        assert isinstance(bar["v"], int)
        client.socket.send("a text")
        assert client.hear() == error(400, "invalid syntax")


def test_a_missing_bar_is_not_told():
    index = pd.date_range("2024-03-01 14:30", periods=3, freq="min", tz="UTC").as_unit("ns")
    close = pd.DataFrame({"A": [1.0, np.nan, 3.0], "B": [2.0, 2.0, 2.0]}, index=index)
    with (
        simulator(Market.from_frames(close=close, bar="1min")) as running,
        subscriber(running, bars=["*"], dailyBars=["A"]) as client,
    ):
        to_bar(running)
        # Closes only: the price is all four, and no volume is known.
        first = {"o": 1.0, "h": 1.0, "l": 1.0, "c": 1.0, "v": 0, "n": 4, "vw": 1.0, "t": "2024-03-01T14:30:00Z"}
        assert client.hear()[0] == {"T": "b", "S": "A", **first}
        assert client.hear()[0]["T"] == "d"
        step = to_bar(running)
        assert [each["S"] for each in client.hear()] == ["B"]
        assert set(step.bars) == {"B"}
        to_bar(running)
        assert [each["S"] for each in client.hear()] == ["A", "B"]


def test_the_day_so_far_is_told_each_minute_and_begins_anew():
    with (
        simulator(minutes(RISING, days=("2024-03-01", "2024-03-04"))) as running,
        subscriber(running, dailyBars=["A"]) as client,
    ):
        to_bar(running, 4)
        days = [client.hear()[0] for _ in range(4)]
        assert [each["T"] for each in days] == ["d"] * 4
        # RISING: opens at 100; the highs are 100, 103, 106, 111, the lows 100, 99, 101, 104.
        assert [[each[name] for name in "ohlcv"] for each in days] == [
            [100, 100, 100, 100, 10_000],
            [100, 103, 99, 102, 20_000],
            [100, 106, 99, 105, 30_000],
            [100, 111, 99, 110, 40_000],
        ]
        # The day's label is its midnight in New York.
        assert {each["t"] for each in days} == {"2024-03-01T05:00:00Z"}
        running.advance_to("2024-03-04T09:31:00-05:00")
        (monday,) = client.hear()
        assert (monday["h"], monday["v"], monday["t"]) == (100, 10_000, "2024-03-04T05:00:00Z")


def test_halts_and_resumptions_are_told():
    with simulator() as running, subscriber(running, statuses=["A"]) as client:
        to_bar(running)
        httpx.post(f"{running.control_url}/halt", json={"symbol": "B", "reason": "LUDP"})
        httpx.post(f"{running.control_url}/halt", json={"symbol": "A", "reason": "T12"})
        httpx.post(f"{running.control_url}/resume", json={"symbol": "A"})
        halted, resumed = client.hear()[0], client.hear()[0]
        assert (halted["T"], halted["S"], halted["sc"], halted["rc"]) == ("s", "A", "H", "T12")
        assert halted["t"] == "2024-03-01T14:31:00Z"
        assert resumed["sc"] == "T"


def test_a_corrected_bar_goes_to_those_who_want_corrected_bars():
    with (
        simulator() as running,
        subscriber(running, updatedBars=["*"]) as client,
        subscriber(running, feed="sip", bars=["*"]) as other,
    ):
        to_bar(running)
        other.hear()
        running.ask(
            lambda exchange: [tell(BarEvent(time=exchange.now, kind="u", row=0)) for tell in exchange.listeners]
        )
        assert [(each["T"], each["S"]) for each in client.hear()] == [("u", "A"), ("u", "B")]
        assert other.hears_nothing()


def test_trades_quotes_and_bands_stay_silent():
    with simulator() as running, subscriber(running, trades=["*"], quotes=["*"], lulds=["*"]) as client:
        to_bar(running, 2)
        assert client.hears_nothing()


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize(
    "message",
    [
        "no object",
        7,
        None,
        [],
        {},
        {"action": "dance"},
        {"action": 7},
        {"action": ["subscribe"]},
        {"action": "subscribe", "bars": "A"},
        {"action": "subscribe", "bars": [7]},
        {"action": "subscribe", "bars": [["A"]]},
        {"action": "subscribe", "bars": {"A": 1}},
        {"action": "subscribe", "bars": [""]},
        {"action": "subscribe", "bars": ["A" * 33]},
    ],
)
def test_what_makes_no_sense_is_an_error_of_syntax_and_the_connection_stays(message, packed):
    with simulator() as running, subscriber(running, packed=packed) as client:
        client.say(message)
        assert client.hear() == error(400, "invalid syntax")
        client.say({"action": "subscribe", "bars": ["A"]})
        assert client.hear() == subscription(bars=["A"])


@pytest.mark.parametrize(
    "frame", [b"", b"\xc1", b"\x91" * 2000, b"\x81\x91\x01\x02", b"\x82\xa1a", b"\xdf\xff\xff\xff\xff", b"\x01\x02"]
)
def test_bytes_that_are_no_msgpack_are_an_error_of_syntax(frame):
    with simulator() as running, subscriber(running, packed=True) as client:
        client.socket.send(frame)
        assert client.hear() == error(400, "invalid syntax")


@pytest.mark.parametrize("frame", ["", "{", b"\xff", "[" * 200_000, '{"action": NaN}'])
def test_texts_that_are_no_json_are_an_error_of_syntax(frame):
    with simulator() as running, subscriber(running) as client:
        client.socket.send(frame)
        assert client.hear() == error(400, "invalid syntax")


def test_signing_in_has_an_error_for_each_way_to_fail():
    with simulator() as running:
        with Client(running.data_stream_url()) as client:
            client.hear()
            client.say({"action": "subscribe", "bars": ["A"]})
            assert client.hear() == error(401, "not authenticated")
            client.say({"action": "auth", "key": 7, "secret": None})
            assert client.hear() == error(400, "invalid syntax")
            client.say({"action": "auth", "key": running.key, "secret": "wrong"})
            assert client.hear() == error(402, "auth failed")
            assert client.closed() == (1008, "auth failed")
        with subscriber(running) as client:
            client.say({"action": "auth", "key": running.key, "secret": running.secret})
            assert client.hear() == error(403, "already authenticated")


def test_who_does_not_sign_in_in_time_is_told_and_closed():
    with simulator(streams={"sign_in_s": 0.1}) as running, Client(running.data_stream_url()) as client:
        client.hear()
        assert client.hear() == error(404, "auth timeout")
        assert client.closed() == (1008, "auth timeout")


@pytest.mark.parametrize("asked", [{"bars": ["A", "B", "C"]}, {"bars": ["A"], "trades": ["B", "C"]}])
def test_more_symbols_than_allowed_are_refused_and_nothing_changes(asked):
    with simulator(streams={"symbols": 2}) as running, subscriber(running, bars=["A"]) as client:
        client.say({"action": "subscribe", **asked})
        assert client.hear() == error(405, "symbol limit exceeded")
        client.say({"action": "subscribe", "dailyBars": ["B"]})
        assert client.hear() == subscription(bars=["A"], dailyBars=["B"])
        # The star stands for the two symbols that there are.
        client.say({"action": "subscribe", "quotes": ["*"]})
        assert client.hear() == subscription(bars=["A"], dailyBars=["B"], quotes=["*"])


def test_a_second_connection_to_a_feed_is_told_so_and_the_first_goes_on():
    with simulator(accounts=TWO) as running, subscriber(running, bars=["A"]) as first:
        with Client(running.data_stream_url()) as second:
            second.hear()
            second.say({"action": "auth", "key": "K1", "secret": "S1"})
            assert second.hear() == error(406, "connection limit exceeded")
            assert second.closed() == (1008, "connection limit exceeded")
        with subscriber(running, 1, bars=["A"]) as other, subscriber(running, feed="sip", bars=["A"]) as sip:
            to_bar(running)
            assert first.hear() == other.hear() == sip.hear()
        first.close()
        until(lambda: "iex" not in httpx.get(f"{running.control_url}/state").json()["streams"])
        subscriber(running).close()


def test_a_feed_that_is_not_subscribed_to_and_channels_of_other_streams():
    with simulator(streams={"feeds": ("iex",)}) as running:
        with Client(running.data_stream_url("sip")) as client:
            client.hear()
            client.say({"action": "auth", "key": running.key, "secret": running.secret})
            assert client.hear() == error(409, "insufficient subscription")
            assert client.closed()[0] == 1008
        with subscriber(running) as client:
            client.say({"action": "subscribe", "news": ["A"]})
            assert client.hear() == error(410, "invalid subscribe action for this feed")


def test_a_message_in_fragments_is_one_message():
    with simulator() as running, subscriber(running, packed=True) as client:
        message = msgpack.packb({"action": "subscribe", "bars": ["A", "B"]})
        client.socket.send([message[:5], message[5:9], message[9:]])
        assert client.hear() == subscription(bars=["A", "B"])


def test_the_order_of_symbols_is_the_tapes_and_many_make_several_frames():
    index = pd.date_range("2024-03-01 14:30", periods=1, freq="min", tz="UTC").as_unit("ns")
    names = [f"S{number:04d}" for number in range(2100)][::-1]
    close = pd.DataFrame(50.0, index, names)
    with (
        simulator(Market.from_frames(close=close, bar="1min")) as running,
        subscriber(running, bars=["*"]) as everything,
        subscriber(running, feed="sip", bars=names[5:8]) as some,
    ):
        to_bar(running)
        frames = [everything.hear() for _ in range(3)]
        assert [len(frame) for frame in frames] == [1000, 1000, 100]
        assert [each["S"] for frame in frames for each in frame] == list(running.exchange.tape.symbols)
        assert {each["S"] for each in some.hear()} == set(names[5:8])


def test_the_wire_log_has_the_bars_as_json_also_for_msgpack():
    with simulator() as running, subscriber(running, packed=True, bars=["A"]) as client:
        to_bar(running)
        client.hear()
        lines = [json.loads(line) for line in running.wire_log.lines()]
        assert running.secret not in "\n".join(running.wire_log.lines())
    assert [line["kind"][6:] for line in lines] == ["out", "in", "out", "in", "out", "out"]
    assert {line["stream"] for line in lines} == {"iex"}
    assert lines[-1]["body"][0]["t"] == "2024-03-01T14:30:00Z"
    assert lines[1]["body"] == {"action": "auth"}


def test_other_paths_are_refused_at_the_handshake():
    from websockets.exceptions import InvalidStatus

    with simulator() as running:
        for path in ("/v2/otc", "/v2", "/streams", "/v1beta1/news"):
            with pytest.raises(InvalidStatus):
                Client(running.data_stream_url().replace("/v2/iex", path))
        until(lambda: httpx.get(f"{running.control_url}/state").json()["streams"] == {})


def test_alpaca_pys_data_stream_gets_bars_days_and_halts(caplog):
    live = pytest.importorskip("alpaca.data.live", reason="alpaca-py is not installed: extra live")

    told = []

    async def hear(message):
        told.append(message)

    market = minutes(RISING)
    caplog.set_level(logging.WARNING)
    with simulator(market) as running:
        stream = live.StockDataStream(running.key, running.secret, url_override=running.data_stream_url())
        stream.subscribe_bars(hear, "*")
        stream.subscribe_daily_bars(hear, "A")
        stream.subscribe_trading_statuses(hear, "A")
        stream.subscribe_updated_bars(hear, "A")
        stream.subscribe_quotes(hear, "A")
        stream.subscribe_trades(hear, "A")
        with in_a_thread(stream, running):
            running.wait_for_listeners("iex")
            to_bar(running, 2)
            running.ask(lambda exchange: exchange.halt("A", "T1"))
            until(lambda: len(told) == 7)
            stream.unsubscribe_bars("*")
            until(lambda: '"action": "unsubscribe"' in "".join(running.wire_log.lines()))
            to_bar(running)
            until(lambda: len(told) == 8)
            assert caplog.records == []
    bars = [each for each in told if each.__class__.__name__ == "Bar"]
    assert [(bar.symbol, bar.close) for bar in bars[:3]] == [("A", 100), ("B", 200), ("A", 100)]
    assert [bar.timestamp for bar in bars[3:5]] == [market.index[1]] * 2
    assert [(bar.open, bar.high, bar.low, bar.close, bar.volume) for bar in bars[3:5]] == [
        (100, 103, 99, 102, 10_000),
        (200, 206, 198, 204, 10_000),
    ]
    assert (told[6].status_code, told[6].symbol) == ("H", "A")
    assert (bars[-1].symbol, bars[-1].high) == ("A", 106)


def test_alpaca_py_subscribes_to_more_symbols_than_a_frame_of_its_holds():
    live = pytest.importorskip("alpaca.data.live", reason="alpaca-py is not installed: extra live")

    index = pd.date_range("2024-03-01 14:30", periods=2, freq="min", tz="UTC").as_unit("ns")
    names = [f"SYMBOL{number:05d}" for number in range(4000)]
    told = []

    async def hear(bar):
        told.append(bar.symbol)

    with simulator(Market.from_frames(close=pd.DataFrame(50.0, index, names), bar="1min")) as running:
        stream = live.StockDataStream(running.key, running.secret, url_override=running.data_stream_url())
        stream.subscribe_bars(hear, *names)
        with in_a_thread(stream, running):
            running.wait_for_listeners("iex")
            to_bar(running)
            until(lambda: len(told) == 4000)
    assert sorted(told) == names


def test_a_client_speaks_what_its_header_says():
    with simulator() as running:
        with Client(running.data_stream_url(), headers={"Content-Type": "application/json"}) as client:
            assert isinstance(client.socket.recv(5), str)
        with Client(running.data_stream_url(), headers=PACKED) as client:
            assert isinstance(client.socket.recv(5), bytes)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats(allow_nan=False) | st.text(max_size=40),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner, max_size=4),
    max_leaves=10,
)
ASKED = st.fixed_dictionaries(
    {"action": st.sampled_from(["auth", "subscribe", "unsubscribe"]) | JSON},
    optional={name: JSON | st.lists(st.text(max_size=40), max_size=4) for name in ("bars", "trades", "key", "secret")},
)


@pytest.mark.parametrize("packed", [False, True])
def test_whatever_a_client_says_it_is_answered(packed):
    with simulator() as running, subscriber(running, packed=packed) as client:

        @given(JSON | ASKED)
        def check(message):
            client.say(message)
            (answer,) = client.hear()
            assert answer["T"] in {"error", "subscription"}
            assert answer["T"] != "error" or answer["code"] in {400, 403, 405}

        check()

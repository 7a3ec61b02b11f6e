"""BarStream against a real websocket server, and a REST server for what it misses."""

from __future__ import annotations

import asyncio
import logging
import threading
import time
import traceback
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quantstrats.errors import ConfigError, DataError
from quantstrats.market.sources import alpaca_client
from quantstrats.market.sources.alpaca import Alpaca
from quantstrats.market.sources.remote import UnavailableError
from quantstrats.market.stream import streaming
from quantstrats.market.stream.streaming import BarStream

from ..sources.alpaca_server import KEY, SECRET, AlpacaServer, Answer
from .stream_server import StreamServer

# Two hours of a Wednesday: long past, so that all of it is closed; New York opens at 14:30 in November.
OPEN = datetime(2024, 11, 20, 14, 30, tzinfo=UTC)


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    for name in ("ALPACA_API_KEY", "ALPACA_SECRET_KEY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("APCA_API_KEY_ID", KEY)
    monkeypatch.setenv("APCA_API_SECRET_KEY", SECRET)
    patience = {"retries": 1, "backoff": 0.01, "per_minute": None, "timeout": 5.0}
    monkeypatch.setattr(alpaca_client, "PATIENCE", patience)
    monkeypatch.setattr(streaming, "_PUBLISHED", 0.0)
    monkeypatch.setattr(streaming, "_UNSURE", 0.0)


def a_bar(minute, symbol="AAPL", close=None, kind="b", stamp=None):
    close = 100.0 + minute if close is None else close
    at = OPEN + timedelta(minutes=minute)
    return {
        "T": kind,
        "S": symbol,
        "t": at.strftime("%Y-%m-%dT%H:%M:%SZ") if stamp is None else stamp(at),
        "o": close - 0.25,
        "h": close + 1,
        "l": close - 1,
        "c": close,
        "v": 1000 + minute,
        "n": 3,
        "vw": close,
    }


def rest_bars(minutes, symbol="AAPL"):
    return [{key: value for key, value in a_bar(minute, symbol).items() if key not in "TS"} for minute in minutes]


def a_stream(server, symbols=("AAPL",), rest=None, **options):
    source = Alpaca(interval="1m", adjustment="raw", url=rest and rest.url)
    options = {"first_wait": 0.05, "longest_wait": 0.2, "heartbeat": 5.0, **options}
    return BarStream(symbols, source, url=server.url, **options)


def taken(stream, count, within=10.0):
    """Return the first bars, as (symbol, minute, close, kind)."""

    async def take():
        bars = []
        async with asyncio.timeout(within):
            async for bar in stream:
                bars.append(bar)
                if len(bars) == count:
                    stream.stop()
        return bars

    return [told(bar) for bar in asyncio.run(take())]


def told(bar):
    return (bar.symbol, int((bar.start - OPEN).total_seconds() // 60), bar.close, bar.kind)


def sends(*messages):
    """A script that welcomes, sends and stays."""

    async def script(server, connection, number):
        await server.welcome(connection)
        for message in messages:
            await server.send(connection, *(message if isinstance(message, list) else [message]))
        await server.forever(connection)

    return script


def test_closed_bars_of_many_symbols_come_as_they_are_sent():
    bars = [[a_bar(0, "AAPL"), a_bar(0, "MSFT")], a_bar(1, "MSFT"), [a_bar(1, "AAPL"), a_bar(2, "AAPL")]]
    with StreamServer(sends(*bars)) as server:
        got = taken(a_stream(server, ["AAPL", "MSFT"]), 5)
    assert got == [
        ("AAPL", 0, 100.0, "live"),
        ("MSFT", 0, 100.0, "live"),
        ("MSFT", 1, 101.0, "live"),
        ("AAPL", 1, 101.0, "live"),
        ("AAPL", 2, 102.0, "live"),
    ]
    assert server.sent == [
        (0, {"action": "auth", "key": KEY, "secret": SECRET}),
        (0, {"action": "subscribe", "bars": ["AAPL", "MSFT"], "updatedBars": ["AAPL", "MSFT"]}),
    ]


def test_messages_may_be_packed():
    with StreamServer(sends(a_bar(0, stamp=lambda at: at), a_bar(1, stamp=lambda at: at))) as server:
        got = taken(a_stream(server, codec="msgpack"), 2)
    assert got == [("AAPL", 0, 100.0, "live"), ("AAPL", 1, 101.0, "live")]
    assert server.headers[0]["content-type"] == "application/msgpack"


def test_all_numbers_of_a_bar_arrive_exactly():
    bar = {**a_bar(3), "o": 0.1, "h": 123456.789, "l": 1e-4, "c": 100.07, "v": 12}
    with StreamServer(sends(bar)) as server:

        async def one():
            async for each in a_stream(server):
                return each
            return None

        got = asyncio.run(one())
    assert (got.open, got.high, got.low, got.close, got.volume) == (0.1, 123456.789, 1e-4, 100.07, 12.0)
    assert got.start == OPEN + timedelta(minutes=3)


def test_only_closed_bars_are_delivered_and_nothing_else_that_is_sent():
    others = [
        {"T": "d", "S": "AAPL", "t": "2024-11-20T05:00:00Z", "o": 1, "h": 1, "l": 1, "c": 1, "v": 1},
        {"T": "t", "S": "AAPL", "p": 1, "s": 1, "t": "2024-11-20T14:30:00Z"},
        {"T": "q", "S": "AAPL"},
        {"T": "s", "S": "AAPL", "sc": "H"},
        a_bar(0, "XOM"),
        {"T": "something new"},
    ]
    with StreamServer(sends(*others, a_bar(0))) as server:
        assert taken(a_stream(server), 1) == [("AAPL", 0, 100.0, "live")]


def test_bars_before_the_open_and_after_the_close_are_left_out_as_by_the_source():
    with StreamServer(sends(a_bar(-1), a_bar(0), a_bar(389), a_bar(390), a_bar(24 * 60))) as server:
        assert [minute for _, minute, *_ in taken(a_stream(server), 3)] == [0, 389, 1440]


def test_duplicates_are_dropped_and_reordered_bars_are_marked_late():
    bars = [a_bar(0), a_bar(1), a_bar(0), a_bar(1), a_bar(4), a_bar(3), a_bar(3), a_bar(5)]
    with StreamServer(sends(*bars)) as server:
        got = taken(a_stream(server), 5)
    assert [(minute, kind) for _, minute, _, kind in got] == [
        (0, "live"),
        (1, "live"),
        (4, "live"),
        (3, "late"),
        (5, "live"),
    ]


def test_corrections_are_delivered_as_such_and_never_as_new_bars():
    bars = [
        a_bar(0),
        a_bar(1),
        a_bar(0, close=100.5, kind="u"),
        a_bar(0, close=100.5, kind="u"),  # the same again
        a_bar(7, close=3.0, kind="u"),  # of a bar that never came
        a_bar(1, close=101.5),  # sent again with other numbers
        a_bar(2),
    ]
    with StreamServer(sends(*bars)) as server:
        got = taken(a_stream(server), 6)
    assert got == [
        ("AAPL", 0, 100.0, "live"),
        ("AAPL", 1, 101.0, "live"),
        ("AAPL", 0, 100.5, "correction"),
        ("AAPL", 7, 3.0, "correction"),
        ("AAPL", 1, 101.5, "correction"),
        ("AAPL", 2, 102.0, "live"),
    ]


@given(st.lists(st.tuples(st.integers(0, 8), st.sampled_from("bu"), st.integers(0, 1)), max_size=30))
def test_each_bar_is_new_once_at_most_and_what_is_live_is_in_order(events):
    from quantstrats.market.stream.arrivals import Arrivals, RegularHours, StreamedBar

    minute = timedelta(minutes=1)
    arrivals = Arrivals(["AAPL"], minute, RegularHours("XNYS", minute))
    kinds = {"b": "live", "u": "correction"}
    sent = [StreamedBar.of("AAPL", a_bar(at, close=100.0 + change), kinds[kind]) for at, kind, change in events]
    got = list(arrivals.sift(sent))
    new = [bar.start for bar in got if bar.kind in ("live", "late")]
    assert sorted(new) == sorted({bar.start for bar in sent if bar.kind == "live"})
    live = [bar.start for bar in got if bar.kind == "live"]
    assert live == sorted(live)
    # Whoever takes the last word on each bar has what was said last.
    last = {bar.start: bar.close for bar in sent}
    assert {bar.start: bar.close for bar in got} == last


def test_what_is_missed_while_the_connection_is_down_is_backfilled_in_order_before_anything_newer():
    async def script(server, connection, number):
        await server.welcome(connection)
        if number == 0:
            await server.send(connection, a_bar(0, "AAPL"), a_bar(0, "MSFT"), a_bar(1, "AAPL"))
            await server.lost(connection)
        # Minute 4 of AAPL is pushed while the missed ones are being asked for.
        await server.send(connection, a_bar(4, "AAPL"), a_bar(5, "AAPL"), a_bar(5, "MSFT"))
        await server.forever(connection)

    with StreamServer(script) as server, AlpacaServer() as rest:
        rest.bars["1Min"] = {"AAPL": rest_bars(range(5)), "MSFT": rest_bars(range(5), "MSFT")}
        rest.fault = lambda request: time.sleep(0.2)
        got = taken(a_stream(server, ["MSFT", "AAPL"], rest), 3 + 3 + 4 + 2)
        (request,) = rest.requests
    assert got[:3] == [("AAPL", 0, 100.0, "live"), ("MSFT", 0, 100.0, "live"), ("AAPL", 1, 101.0, "live")]
    assert got[3:] == [
        ("MSFT", 1, 101.0, "backfilled"),
        ("AAPL", 2, 102.0, "backfilled"),
        ("MSFT", 2, 102.0, "backfilled"),
        ("AAPL", 3, 103.0, "backfilled"),
        ("MSFT", 3, 103.0, "backfilled"),
        ("AAPL", 4, 104.0, "backfilled"),
        ("MSFT", 4, 104.0, "backfilled"),
        ("AAPL", 5, 105.0, "live"),
        ("MSFT", 5, 105.0, "live"),
    ]
    assert [number for number, _ in server.sent] == [0, 0, 1, 1]
    assert [message["action"] for _, message in server.sent] == ["auth", "subscribe"] * 2
    assert request.params["start"] == "2024-11-20T14:31:00+00:00"
    assert (request.params["timeframe"], request.params["adjustment"], request.params["feed"]) == ("1Min", "raw", "iex")
    assert set(request.symbols) == {"AAPL", "MSFT"}


def test_since_asks_for_what_closed_before_the_start():
    with StreamServer(sends(a_bar(3))) as server, AlpacaServer() as rest:
        rest.bars["1Min"] = {"AAPL": rest_bars(range(-5, 3))}
        got = taken(a_stream(server, rest=rest, since=OPEN + timedelta(minutes=1)), 3)
    assert [(minute, kind) for _, minute, _, kind in got] == [(1, "backfilled"), (2, "backfilled"), (3, "live")]


def test_without_since_the_first_connection_asks_for_nothing():
    with StreamServer(sends(a_bar(0))) as server, AlpacaServer() as rest:
        assert len(taken(a_stream(server, rest=rest), 1)) == 1
        assert rest.requests == []


def test_a_minute_that_is_not_over_is_not_backfilled():
    now = datetime.now(UTC).replace(second=0, microsecond=0)
    crypto = [
        {"t": (now + timedelta(minutes=minute)).strftime("%Y-%m-%dT%H:%M:%SZ"), "o": 1, "h": 1, "l": 1, "c": 1, "v": 1}
        for minute in (-2, -1, 0, 1)
    ]
    with StreamServer(sends()) as server, AlpacaServer() as rest:
        rest.bars["1Min"] = {"BTC/USD": crypto}
        source = Alpaca(interval="1m", adjustment="raw", calendar="24/7", url=rest.url)
        stream = BarStream(["BTC/USD"], source, url=server.url, since=now - timedelta(minutes=2))

        rest.fault = lambda request: threading.Timer(0.7, stream.stop).start()
        got = []
        stream.run(got.append)
    closed = [bar.start for bar in got]
    assert closed[:2] == [now - timedelta(minutes=2), now - timedelta(minutes=1)]
    # If a minute has ended meanwhile, one more may have.
    assert len(closed) == 2 or datetime.now(UTC) - closed[2] >= timedelta(minutes=1)


def test_a_backfill_that_fails_lets_nothing_newer_pass_until_one_works():
    async def script(server, connection, number):
        await server.welcome(connection)
        await server.send(connection, a_bar(0) if number == 0 else a_bar(3 + number))
        if number == 0:
            await server.lost(connection)
        await server.forever(connection)

    with StreamServer(script) as server, AlpacaServer() as rest:
        rest.bars["1Min"] = {"AAPL": rest_bars(range(5))}
        rest.fault = lambda request: Answer(500, b"<html>") if request.number < 4 else None
        got = taken(a_stream(server, rest=rest), 6)
        # Two attempts each time, and the third connection's question is answered.
        assert len(rest.requests) == 5
    assert [minute for _, minute, *_ in got] == [0, 1, 2, 3, 4, 6]
    assert [kind for *_, kind in got] == ["live", *["backfilled"] * 4, "live"]


def waits_told(caplog):
    """The seconds that each new connection was put off, as logged."""
    return [record.args[1] for record in caplog.records if record.name == streaming.__name__]


def test_a_storm_of_broken_connections_is_met_with_longer_and_longer_waits(caplog):
    async def script(server, connection, number):
        if number % 2:
            await server.welcome(connection)
        await server.lost(connection)

    with StreamServer(script, refuse=lambda number: 503 if number == 2 else None) as server:
        stream = a_stream(server, first_wait=0.1, longest_wait=0.8)
        threading.Timer(3.5, stream.stop).start()
        assert taken(stream, 1) == []
    waits = waits_told(caplog)
    gaps = [later - earlier for earlier, later in zip(server.began, server.began[1:], strict=False)]
    assert 3 <= len(gaps) <= 8
    for wait, usual in zip(waits, [0.1, 0.2, 0.4, 0.8, 0.8, 0.8, 0.8, 0.8, 0.8], strict=False):
        assert 0.75 * usual <= wait <= 1.25 * usual
    assert all(gap > 0.95 * wait for gap, wait in zip(gaps, waits, strict=False))


def test_waits_start_anew_after_a_connection_that_delivered(caplog):
    async def script(server, connection, number):
        if number >= 3:
            await server.welcome(connection)
            await server.send(connection, a_bar(number))
        await server.lost(connection)

    with StreamServer(script) as server, AlpacaServer() as rest:
        taken(a_stream(server, rest=rest, first_wait=0.1, longest_wait=5.0), 4)
    waits = waits_told(caplog)
    assert waits[2] > 0.29  # the third is 0.4, give or take a quarter
    assert len(waits) >= 6
    assert max(waits[3:]) < 0.13


def test_the_first_wait_is_about_five_seconds_unless_told_otherwise():
    waits = BarStream(["AAPL"])._pauses()
    assert [3.7 < next(waits) < 6.3 for _ in range(1)] == [True]
    assert 7.4 < next(waits) < 12.6
    for _ in range(10):
        assert next(waits) < 75.1
    # Many clients that lose their connections together do not come back together.
    assert len({next(BarStream(["AAPL"])._pauses()) for _ in range(20)}) == 20


def test_a_mute_but_open_socket_is_noticed():
    async def script(server, connection, number):
        await server.welcome(connection)
        await server.send(connection, a_bar(number))
        if number == 0:
            await server.mute(connection)
        await server.forever(connection)

    with StreamServer(script) as server, AlpacaServer() as rest:
        began = time.monotonic()
        got = taken(a_stream(server, rest=rest, heartbeat=0.2), 2)
        assert 0.2 < time.monotonic() - began < 3.0
    assert [minute for _, minute, *_ in got] == [0, 1]
    assert len(server.began) == 2


@pytest.mark.parametrize("says", [None, {"T": "success", "msg": "connected"}])
def test_a_server_that_never_answers_the_greeting_is_left(says):
    async def script(server, connection, number):
        if number == 0:
            if says:
                await server.send(connection, says)
            await server.forever(connection)
        await server.welcome(connection)
        await server.send(connection, a_bar(0))
        await server.forever(connection)

    with StreamServer(script) as server:
        assert len(taken(a_stream(server, heartbeat=0.2), 1)) == 1


@pytest.mark.parametrize("blocked", ["receiving", "connecting", "waiting", "asking", "mute"])
def test_stop_ends_it_within_half_a_second_wherever_it_waits(blocked):
    async def script(server, connection, number):
        if blocked == "connecting":
            await server.mute(connection)
        await server.welcome(connection)
        if blocked == "waiting":
            await server.lost(connection)
        if blocked == "mute":
            await server.mute(connection)
        await server.forever(connection)

    with StreamServer(script) as server, AlpacaServer() as rest:
        rest.fault = lambda request: Answer(seconds=3.0)
        options = {"since": OPEN} if blocked == "asking" else {}
        stream = a_stream(server, rest=rest, first_wait=30.0, longest_wait=30.0, **options)
        thread = threading.Thread(target=stream.run, args=(lambda bar: None,))
        thread.start()
        time.sleep(0.6)
        assert thread.is_alive()
        began = time.monotonic()
        stream.stop()
        thread.join(5)
        assert time.monotonic() - began < 0.5


def test_a_callback_may_stop_it_and_gets_nothing_more():
    with StreamServer(sends(*[a_bar(minute) for minute in range(50)])) as server:
        stream = a_stream(server)
        got = []

        def callback(bar):
            assert threading.current_thread() is threading.main_thread()
            got.append(bar)
            if len(got) == 3:
                stream.stop()

        stream.run(callback)
    assert len(got) == 3
    assert len(server.began) == 1


@pytest.mark.parametrize("error", [ValueError("mine"), ConnectionError("mine too"), UnavailableError("and this")])
def test_what_a_callback_raises_goes_to_the_caller_and_makes_no_new_connection(error):
    def callback(bar):
        raise error

    with StreamServer(sends(a_bar(0), a_bar(1))) as server:
        with pytest.raises(type(error)) as raised:
            a_stream(server).run(callback)
        assert raised.value is error
        assert server.closed.wait(2)
        time.sleep(0.3)
        assert len(server.began) == 1


def test_what_is_raised_between_two_bars_goes_to_the_caller():
    async def consume(stream):
        async for _ in stream:
            raise ConnectionError("mine")

    with StreamServer(sends(a_bar(0), a_bar(1))) as server:
        with pytest.raises(ConnectionError, match="mine"):
            asyncio.run(consume(a_stream(server)))
        time.sleep(0.3)
        assert len(server.began) == 1


def test_a_slow_callback_keeps_the_connection_and_misses_nothing():
    async def script(server, connection, number):
        await server.welcome(connection)
        for minute in range(6):
            await server.send(connection, a_bar(minute))
            await asyncio.sleep(0.05)
        await server.forever(connection)

    got = []

    def callback(bar):
        time.sleep(0.8 if not got else 0)  # longer than two heartbeats
        got.append(told(bar)[1])
        if len(got) == 6:
            stream.stop()

    with StreamServer(script) as server:
        stream = a_stream(server, heartbeat=0.2)
        stream.run(callback)
    assert got == list(range(6))
    assert len(server.began) == 1


FINAL = {
    402: "check APCA_API_KEY_ID and APCA_API_SECRET_KEY",
    405: "ask for fewer symbols",
    409: "feed: iex",
}


@pytest.mark.parametrize("code", FINAL)
def test_what_alpaca_will_refuse_again_ends_it_with_one_line(code):
    async def script(server, connection, number):
        await server.send(connection, {"T": "success", "msg": "connected"})
        await server.receive(connection)
        await server.send(connection, {"T": "error", "code": code, "msg": "words of the server"})
        await server.forever(connection)

    with StreamServer(script) as server:
        with pytest.raises(UnavailableError) as refused:
            a_stream(server).run(print)
        assert FINAL[code] in str(refused.value)
        assert f"({code}: words of the server)" in str(refused.value)
        assert "\n" not in str(refused.value)
        assert len(server.began) == 1


@pytest.mark.parametrize("status", [401, 403])
def test_a_refused_handshake_ends_it(status):
    with StreamServer(sends(), refuse=lambda number: status) as server:
        with pytest.raises(UnavailableError, match=f"HTTP {status}"):
            a_stream(server).run(print)
        assert len(server.began) == 1


def test_wrong_keys_end_it(monkeypatch):
    monkeypatch.setenv("APCA_API_SECRET_KEY", "another")
    with StreamServer(sends(a_bar(0))) as server:
        with pytest.raises(UnavailableError, match="check APCA_API_KEY_ID"):
            a_stream(server).run(print)
        assert len(server.began) == 1


def test_missing_keys_are_told_before_anything_is_tried(monkeypatch):
    monkeypatch.delenv("APCA_API_KEY_ID")
    with StreamServer(sends(a_bar(0))) as server:
        with pytest.raises(UnavailableError, match="set APCA_API_KEY_ID"):
            a_stream(server).run(print)
        assert server.began == []


@pytest.mark.parametrize("code", [404, 406, 407, 500])
def test_errors_that_pass_make_another_connection(code):
    async def script(server, connection, number):
        if number == 0:
            await server.send(connection, {"T": "error", "code": code, "msg": "later"})
            await server.forever(connection)
        await server.welcome(connection)
        await server.send(connection, a_bar(0))
        await server.forever(connection)

    with StreamServer(script) as server:
        assert len(taken(a_stream(server), 1)) == 1
    assert len(server.began) == 2


@pytest.mark.parametrize(
    "frame", ["no json", "[1]", '{"T": "b"}', "[]", '[{"T": "b", "S": "AAPL", "t": "noon"}]', b"\xc1"]
)
def test_a_malformed_frame_loses_no_bar(frame):
    async def script(server, connection, number):
        await server.welcome(connection)
        if number == 0:
            await server.send(connection, a_bar(0))
            await connection.send(frame)
        await server.send(connection, a_bar(2))
        await server.forever(connection)

    with StreamServer(script) as server, AlpacaServer() as rest:
        rest.bars["1Min"] = {"AAPL": rest_bars(range(2))}
        got = taken(a_stream(server, rest=rest), 2 if frame == "[]" else 3)
    assert [minute for _, minute, *_ in got] == ([0, 2] if frame == "[]" else [0, 1, 2])


def test_symbols_that_are_not_streamed_are_named():
    async def script(server, connection, number):
        await server.send(connection, {"T": "success", "msg": "connected"})
        await server.receive(connection)
        await server.send(connection, {"T": "success", "msg": "authenticated"})
        await server.receive(connection)
        await server.send(connection, {"T": "subscription", "bars": ["AAPL"], "updatedBars": ["AAPL"]})
        await server.forever(connection)

    with StreamServer(script) as server:
        with pytest.raises(DataError, match="Alpaca does not stream ZZZZ; leave out"):
            a_stream(server, ["AAPL", "ZZZZ"]).run(print)
        assert len(server.began) == 1


def test_a_server_that_is_not_there_yet_is_waited_for():
    with StreamServer(sends(a_bar(0))) as server:
        url = server.url
    stream = BarStream(["AAPL"], url=url, first_wait=0.05)
    threading.Timer(0.6, stream.stop).start()
    assert taken(stream, 1) == []


def test_keys_show_in_no_log(caplog):
    async def script(server, connection, number):
        await server.welcome(connection)
        if number == 0:
            await server.lost(connection)
        await server.send(connection, a_bar(0))
        await server.forever(connection)

    caplog.set_level(logging.DEBUG)
    # The server's own log of frames has what the client sent.
    logging.getLogger("websockets.server").setLevel(logging.INFO)
    with StreamServer(script) as server, AlpacaServer() as rest:
        stream = a_stream(server, rest=rest)
        taken(stream, 1)
    assert "Alpaca's stream broke off" in caplog.text
    for secret in (KEY, SECRET):
        assert secret not in caplog.text
        assert secret not in repr(stream) + repr(vars(stream))


def test_keys_show_in_no_traceback(monkeypatch):
    monkeypatch.setenv("APCA_API_SECRET_KEY", "canary-of-this-test")
    with StreamServer(sends(a_bar(0))) as server:
        stream = a_stream(server)
        with pytest.raises(UnavailableError) as refused:
            stream.run(print)
        told = "".join(traceback.TracebackException.from_exception(refused.value, capture_locals=True).format())
        assert "_subscribed" in told
        told = told[told.index("quantstrats/market/stream") :]
        assert server.sent[0][1]["secret"] == "canary-of-this-test"
    assert "canary-of-this-test" not in told
    assert KEY not in told


def test_minutes_are_asked_for_when_it_is_plain_which_are_closed(monkeypatch):
    monkeypatch.setattr(streaming, "_PUBLISHED", 3.0)
    monkeypatch.setattr(streaming, "_UNSURE", 2.0)
    seconds = {0.0: 3.0, 1.0: 2.0, 3.0: 0.0, 30.0: 0.0, 57.9: 0.0, 59.0: 4.0}
    for second, wait in seconds.items():
        assert streaming._until_settled(second) == pytest.approx(wait)


@pytest.mark.parametrize(
    ("symbols", "fields", "text"),
    [
        ("AAPL", {}, "give a list"),
        ([], {}, "give a list"),
        (["AAPL", "AAPL"], {}, "different ones"),
        (["AAPL", "BTC/USD"], {}, "load one kind at a time"),
        (["AAPL"], {"source": Alpaca(interval="5m", adjustment="raw")}, "not of 5m"),
        (["AAPL"], {"source": Alpaca(interval="1m")}, "adjustment='raw'"),
        (["AAPL"], {"source": Alpaca(interval="1m", adjustment="raw", feed="otc")}, "no stream of the feed otc"),
        (["AAPL"], {"since": datetime(2024, 1, 1)}, "without a time zone"),
        (["AAPL"], {"url": "ws://example.com/v2/iex"}, "since keys are sent to it"),
    ],
)
def test_what_does_not_fit_is_refused_at_once(symbols, fields, text):
    with pytest.raises(ConfigError) as refused:
        BarStream(symbols, **fields)
    assert text in str(refused.value)


def test_a_stream_is_delivered_to_one_alone():
    async def twice(stream):
        async for _ in stream:
            async for _ in stream:
                pass

    with StreamServer(sends(a_bar(0))) as server, pytest.raises(ConfigError, match="already"):
        asyncio.run(twice(a_stream(server)))

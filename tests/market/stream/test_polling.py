"""BarPolling against a REST server."""

from __future__ import annotations

import asyncio
import threading
import time
from datetime import UTC, datetime, timedelta

import pytest

from quantstrats.errors import ConfigError
from quantstrats.market.sources import alpaca_client
from quantstrats.market.sources.alpaca import Alpaca
from quantstrats.market.sources.remote import UnavailableError
from quantstrats.market.stream.polling import BarPolling

from ..sources.alpaca_server import KEY, SECRET, AlpacaServer, Answer

OPEN = datetime(2024, 11, 20, 14, 30, tzinfo=UTC)


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    for name in ("ALPACA_API_KEY", "ALPACA_SECRET_KEY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("APCA_API_KEY_ID", KEY)
    monkeypatch.setenv("APCA_API_SECRET_KEY", SECRET)
    patience = {"retries": 1, "backoff": 0.01, "per_minute": None, "timeout": 5.0}
    monkeypatch.setattr(alpaca_client, "PATIENCE", patience)


@pytest.fixture
def server():
    with AlpacaServer() as running:
        running.rate = (10_000, 60.0)
        yield running


def a_bar(start, close=100.0):
    return {"t": start.strftime("%Y-%m-%dT%H:%M:%SZ"), "o": close, "h": close + 1, "l": close - 1, "c": close, "v": 5}


def minutes(numbers, begin=OPEN, close=100.0):
    return [a_bar(begin + timedelta(minutes=number), close + number) for number in numbers]


def a_poll(server, symbols=("AAPL",), **options):
    fields = {"interval": "1m", "adjustment": "raw", **options.pop("fields", {})}
    return BarPolling(symbols, Alpaca(url=server.url, **fields), **{"every": 0.05, **options})


def taken(feed, count, within=10.0):
    async def take():
        bars = []
        async with asyncio.timeout(within):
            async for bar in feed:
                bars.append(bar)
                if len(bars) == count:
                    feed.stop()
        return bars

    return asyncio.run(take())


def told(bars):
    return [(bar.symbol, int((bar.start - OPEN).total_seconds() // 60), bar.close, bar.kind) for bar in bars]


def test_what_closed_since_an_instant_comes_once_and_in_order(server):
    server.bars["1Min"] = {"AAPL": minutes(range(4)), "MSFT": minutes(range(1, 4), close=300.0)}
    poll = a_poll(server, ["MSFT", "AAPL"], since=OPEN + timedelta(minutes=1))
    server.fault = lambda request: poll.stop() if request.number == 5 else None
    assert told(taken(poll, 99)) == [
        (symbol, minute, base + minute, "backfilled")
        for minute in (1, 2, 3)
        for symbol, base in (("AAPL", 100.0), ("MSFT", 300.0))
    ]
    assert server.requests[0].params["start"] == "2024-11-20T14:28:00+00:00"


def test_a_bar_that_has_just_closed_is_live_and_the_one_after_it_waits(server):
    now = datetime.now(UTC).replace(second=0, microsecond=0)
    source = Alpaca(interval="1m", adjustment="raw", calendar="24/7", url=server.url)
    poll = BarPolling(["BTC/USD"], source, every=0.05, delay=0.0)

    # The clock stands where the test puts it: just after a minute has ended.
    clock = [now - timedelta(seconds=10)]
    poll._closed = lambda: clock[0]
    server.bars["1Min"] = {"BTC/USD": minutes(range(-3, 2), begin=now)}
    got = []

    def callback(bar):
        got.append((bar.start - now, bar.kind))
        poll.stop()

    timer = threading.Timer(0.4, lambda: clock.__setitem__(0, now + timedelta(seconds=1)))
    timer.start()
    began = time.monotonic()
    poll.run(callback)
    assert time.monotonic() - began > 0.3
    assert got == [(timedelta(minutes=-1), "live")]


def test_late_trades_come_as_a_correction(server):
    server.bars["1Min"] = {"AAPL": minutes(range(3))}
    poll = a_poll(server, since=OPEN)
    now = [OPEN + timedelta(minutes=3)]
    poll._closed = lambda: now[0]
    got = []

    def callback(bar):
        got.append(bar)
        if len(got) == 3:
            changed = minutes(range(4))
            changed[1] = a_bar(OPEN + timedelta(minutes=1), 55.0)
            server.bars["1Min"] = {"AAPL": changed}
            now[0] += timedelta(minutes=1)
        if len(got) == 5:
            poll.stop()

    poll.run(callback)
    assert told(got) == [
        ("AAPL", 0, 100.0, "backfilled"),
        ("AAPL", 1, 101.0, "backfilled"),
        ("AAPL", 2, 102.0, "backfilled"),
        ("AAPL", 1, 55.0, "correction"),
        ("AAPL", 3, 103.0, "live"),
    ]


def test_what_a_failed_question_did_not_bring_comes_with_the_next_that_works(server):
    server.bars["1Min"] = {"AAPL": minutes(range(20))}
    poll = a_poll(server, since=OPEN)
    asked = []

    def fault(request):
        asked.append(request.number)
        # Each question is tried twice; all between the second and the eighth fail.
        return Answer(503, b"<html>") if 1 <= request.number < 8 else None

    def closed():
        return OPEN + timedelta(minutes=2 + len(asked))

    server.fault, poll._closed = fault, closed
    got = taken(poll, 12)
    assert [minute for _, minute, *_ in told(got)] == list(range(12))
    # Minutes 2 to 6 had closed by the last question that failed; then two close between questions, then one.
    assert [bar.kind for bar in got] == ["backfilled"] * 7 + ["live"] * 5


def test_bars_outside_regular_hours_are_left_out(server):
    server.bars["5Min"] = {"AAPL": [a_bar(OPEN + timedelta(minutes=5 * number)) for number in range(-3, 81)]}
    got = taken(a_poll(server, since=OPEN - timedelta(hours=1), fields={"interval": "5m"}), 78)
    assert (got[0].start, got[-1].start) == (OPEN, OPEN + timedelta(minutes=385))


def test_by_default_one_question_is_asked_for_each_bar_of_the_exchange(server):
    poll = a_poll(server, every=None, delay=3.0, fields={"interval": "30m"})
    # From Saturday noon until Monday's first half hour, in New York; the clock now does not matter.
    saturday = datetime(2024, 11, 23, 17, 0, tzinfo=UTC)
    wait = poll._until_next(saturday)
    assert datetime.now(UTC) + timedelta(seconds=wait) < datetime.now(UTC) + timedelta(seconds=1)
    ends = [end for _, end in poll._hours.between(saturday, saturday + timedelta(days=10))]
    assert ends[0] == datetime(2024, 11, 25, 15, 0, tzinfo=UTC)
    ahead = datetime.now(UTC)
    soon = next(
        end for _, end in poll._hours.between(ahead - timedelta(minutes=30), ahead + timedelta(days=10)) if end > ahead
    )
    expected = (soon - datetime.now(UTC)).total_seconds() + 3.0
    assert poll._until_next(ahead) == pytest.approx(expected, abs=1.0)


def test_refused_keys_end_it(server, monkeypatch):
    monkeypatch.setenv("APCA_API_SECRET_KEY", "another")
    with pytest.raises(UnavailableError, match="check APCA_API_KEY_ID"):
        a_poll(server, since=OPEN).run(print)
    assert len(server.requests) == 1


def test_missing_keys_end_it(server, monkeypatch):
    monkeypatch.delenv("APCA_API_SECRET_KEY")
    with pytest.raises(UnavailableError, match="set APCA_API_KEY_ID"):
        a_poll(server, since=OPEN).run(print)


def test_a_malformed_answer_is_asked_again(server):
    server.bars["1Min"] = {"AAPL": minutes(range(2))}
    bad = Answer(body={"bars": {"AAPL": [{"t": "noon"}]}, "next_page_token": None})
    server.fault = lambda request: bad if request.number == 0 else None
    assert len(taken(a_poll(server, since=OPEN), 2)) == 2


def test_what_a_callback_raises_goes_to_the_caller(server):
    server.bars["1Min"] = {"AAPL": minutes(range(2))}

    def callback(bar):
        raise ConnectionError("mine")

    with pytest.raises(ConnectionError, match="mine"):
        a_poll(server, since=OPEN).run(callback)


@pytest.mark.parametrize("blocked", ["asking", "waiting"])
def test_stop_ends_it_within_half_a_second(server, blocked):
    server.fault = lambda request: Answer(seconds=3.0) if blocked == "asking" else None
    poll = a_poll(server, since=OPEN, every=30.0)
    thread = threading.Thread(target=poll.run, args=(lambda bar: None,))
    thread.start()
    time.sleep(0.5)
    assert thread.is_alive()
    began = time.monotonic()
    poll.stop()
    thread.join(5)
    assert time.monotonic() - began < 0.5


def test_daily_bars_do_not_stream():
    with pytest.raises(ConfigError, match="daily bars do not come as a stream"):
        BarPolling(["AAPL"], Alpaca(adjustment="raw"))

"""The real alpaca-py against a server on this machine that speaks Alpaca's protocol and keeps what it was asked."""

from __future__ import annotations

import importlib.util
import itertools
import logging
import socket
import subprocess
import sys
import traceback
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quantstrats import load_market
from quantstrats.errors import ConfigError, DataError
from quantstrats.market.sources import alpaca_client
from quantstrats.market.sources.alpaca import Alpaca
from quantstrats.market.sources.remote import UnavailableError

from .alpaca_server import KEY, SECRET, AlpacaServer, Answer

NEW_YORK = ZoneInfo("America/New_York")
UTC = ZoneInfo("UTC")
# Sessions of New York by hand: the 4th is a holiday, the 3rd ends at 13:00.
JULY = [date(2024, 7, day) for day in (1, 2, 3, 5, 8, 9, 10, 11, 12)]
FIRST, LAST = JULY[0], JULY[-1]


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    """Retries and pauses as always, a hundred times quicker."""
    patience = {"retries": 3, "backoff": 0.01, "per_minute": None, "timeout": 10.0}
    monkeypatch.setattr(alpaca_client, "PATIENCE", patience)


@pytest.fixture
def server(monkeypatch):
    for name in ("ALPACA_API_KEY", "ALPACA_SECRET_KEY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("APCA_API_KEY_ID", KEY)
    monkeypatch.setenv("APCA_API_SECRET_KEY", SECRET)
    with AlpacaServer() as running:
        yield running


def stamp(instant):
    return instant.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def a_bar(symbol, number, instant):
    """Prices with two decimals that tell symbol and number apart."""
    close = round(10 * ord(symbol[0]) + number * 0.37, 2)
    return {
        "t": stamp(instant),
        "o": round(close - 0.13, 2),
        "h": round(close + 0.51, 2),
        "l": round(close - 0.77, 2),
        "c": close,
        "v": 1000 + number,
        "n": 7,
        "vw": close,
    }


def days_of(symbol, days=JULY):
    return [
        a_bar(symbol, number, datetime(day.year, day.month, day.day, tzinfo=NEW_YORK))
        for number, day in enumerate(days)
    ]


def minutes_of(symbol, day, minutes, begin=4, end=20):
    """Bars from the early morning to the evening, as Alpaca has them."""
    first = datetime(day.year, day.month, day.day, begin, tzinfo=NEW_YORK)
    count = (end - begin) * 60 // minutes
    return [a_bar(symbol, number, first + timedelta(minutes=minutes * number)) for number in range(count)]


def got(source, symbols, first=FIRST, last=LAST):
    return {each.symbol: each for each in source.download(symbols, first, last)}


def table_of(bars):
    """What a frame must hold, as plain lists."""
    return [[bar[key] for key in "ohlcv"] for bar in bars]


def test_daily_bars_are_labelled_by_session_on_both_sides_of_a_clock_change(server):
    days = [date(2024, 3, 7), date(2024, 3, 8), date(2024, 3, 11), date(2024, 3, 12)]
    server.bars["1Day"] = {"AAPL": days_of("AAPL", days)}
    assert [bar["t"][11:] for bar in server.bars["1Day"]["AAPL"]] == ["05:00:00Z"] * 2 + ["04:00:00Z"] * 2
    bars = got(Alpaca(url=server.url), ["AAPL"], days[0], days[-1])["AAPL"].bars
    assert bars.index.tz is None
    assert [label.date() for label in bars.index] == days
    assert bars.columns.tolist() == ["open", "high", "low", "close", "volume"]
    assert bars.to_numpy().tolist() == table_of(server.bars["1Day"]["AAPL"])


def test_the_first_and_the_last_day_are_both_asked_for_and_no_other(server):
    server.bars["1Day"] = {"AAPL": days_of("AAPL")}
    bars = got(Alpaca(url=server.url), ["AAPL"], JULY[2], JULY[4])["AAPL"].bars
    assert [label.date() for label in bars.index] == JULY[2:5]


def test_intraday_bars_are_those_of_regular_hours_on_a_half_day_too(server):
    every = [bar for day in JULY[1:4] for bar in minutes_of("AAPL", day, 5)]
    server.bars["5Min"] = {"AAPL": every}
    bars = got(Alpaca(url=server.url, interval="5m"), ["AAPL"], JULY[1], JULY[3])["AAPL"].bars
    # In July New York is four hours behind: 9:30 is 13:30, 15:55 is 19:55, and on the 3rd the last begins at 12:55.
    spans = {
        "2024-07-02": ("13:30", "19:55", 78),
        "2024-07-03": ("13:30", "16:55", 42),
        "2024-07-05": ("13:30", "19:55", 78),
    }
    assert len(bars) == 78 + 42 + 78
    for day, (begin, end, count) in spans.items():
        of_day = bars.loc[day]
        assert (f"{of_day.index[0]:%H:%M}", f"{of_day.index[-1]:%H:%M}", len(of_day)) == (begin, end, count)
    assert str(bars.index.tz) == "UTC"
    by_time = {bar["t"]: bar for bar in every}
    assert bars.to_numpy().tolist() == table_of([by_time[stamp(label)] for label in bars.index])


def test_each_request_says_who_asks_for_what(server):
    server.bars["15Min"] = {"AAPL": minutes_of("AAPL", FIRST, 15)}
    got(Alpaca(url=server.url, interval="15m", adjustment="split", feed="sip"), ["AAPL"], FIRST, FIRST)
    (request,) = server.requests
    assert request.path == "/v2/stocks/bars"
    assert request.params == {
        "symbols": "AAPL",
        "timeframe": "15Min",
        "start": "2024-07-01T04:00:00+00:00",
        "end": "2024-07-02T03:59:59.999999+00:00",
        "limit": "10000",
        "adjustment": "split",
        "feed": "sip",
    }
    assert (request.headers["apca-api-key-id"], request.headers["apca-api-secret-key"]) == (KEY, SECRET)


def test_without_a_feed_the_account_has_its_best(server):
    server.bars["1Day"] = {"AAPL": days_of("AAPL")}
    got(Alpaca(url=server.url, feed=None), ["AAPL"])
    assert "feed" not in server.requests[0].params


def test_prices_before_a_split_are_adjusted_unless_raw_ones_are_asked_for(server):
    server.bars["1Day"] = {"NVDA": days_of("NVDA")}
    server.splits["NVDA"] = ("2024-07-08", 4)
    raw = got(Alpaca(url=server.url, adjustment="raw"), ["NVDA"])["NVDA"].bars
    split = got(Alpaca(url=server.url), ["NVDA"])["NVDA"].bars
    assert [request.params["adjustment"] for request in server.requests] == ["raw", "all"]
    assert (raw.close / split.close).tolist() == pytest.approx([4] * 4 + [1] * 5)
    assert (split.volume / raw.volume).tolist() == pytest.approx([4] * 4 + [1] * 5)


def test_pages_are_followed_to_the_last_one_and_the_limit_spans_all_symbols(server):
    symbols = ["AAPL", "MSFT", "XOM"]
    server.bars["1Day"] = {symbol: days_of(symbol) for symbol in symbols}
    server.page = 4
    given = got(Alpaca(url=server.url), symbols)
    assert [request.params.get("page_token") for request in server.requests] == [None] + [
        f"token{first}" for first in range(4, 27, 4)
    ]
    assert {request.params["symbols"] for request in server.requests} == {"AAPL,MSFT,XOM"}
    for symbol in symbols:
        assert given[symbol].bars.to_numpy().tolist() == table_of(server.bars["1Day"][symbol])


@settings(max_examples=12, deadline=None)
@given(page=st.integers(1, 40), count=st.integers(1, 4))
def test_the_bars_do_not_depend_on_where_pages_end(page, count):
    with pytest.MonkeyPatch.context() as patch, AlpacaServer(page=page) as server:
        patch.setenv("APCA_API_KEY_ID", KEY)
        patch.setenv("APCA_API_SECRET_KEY", SECRET)
        server.rate = (10_000, 60.0)
        symbols = ["AAPL", "BAC", "MSFT", "XOM"][:count]
        server.bars["1Day"] = {symbol: days_of(symbol) for symbol in symbols}
        given = got(Alpaca(url=server.url), symbols)
        assert len(server.requests) == -(-9 * count // page)
        for symbol in symbols:
            assert given[symbol].bars.to_numpy().tolist() == table_of(server.bars["1Day"][symbol])


def test_symbols_are_handed_on_a_page_at_a_time(server):
    days = [day.date() for day in pd.bdate_range("2016-01-04", "2024-12-31")]
    symbols = ["AAPL", "BAC", "CVX", "GE", "HD", "JNJ", "KO"]
    server.bars["1Day"] = {symbol: days_of(symbol, days) for symbol in symbols}
    asked = []
    for each in Alpaca(url=server.url).download(symbols, days[0], days[-1]):
        assert len(each.bars) == len(days) == 2347
        asked.append((each.symbol, len(server.requests)))
    # 2347 bars of four symbols fit into one answer of 10,000: two requests in all, and none is split.
    assert asked == [("AAPL", 1), ("BAC", 1), ("CVX", 1), ("GE", 1), ("HD", 2), ("JNJ", 2), ("KO", 2)]


def test_without_a_first_day_all_that_alpaca_has_is_asked_for(server):
    server.bars["1Day"] = {"AAPL": days_of("AAPL")}
    given = got(Alpaca(url=server.url), ["AAPL", "ZZZZ"], None)
    assert len(given["AAPL"].bars) == 9
    assert given["ZZZZ"].bars is None
    assert [request.params["start"] for request in server.requests] == ["2016-01-01T05:00:00+00:00"]


def test_a_symbol_that_alpaca_lacks_is_named_and_the_others_arrive(server):
    server.bars["1Day"] = {"AAPL": days_of("AAPL"), "MSFT": days_of("MSFT")}
    given = got(Alpaca(url=server.url), ["AAPL", "ZZZZ", "MSFT"])
    assert given["ZZZZ"].bars is None
    assert given["ZZZZ"].trouble == "Alpaca has no such symbol on the feed iex"
    assert [len(given[symbol].bars) for symbol in ("AAPL", "MSFT")] == [9, 9]
    # The second question is whether it has bars at any other time.
    assert [request.params["timeframe"] for request in server.requests] == ["1Day", "1Month"]
    assert server.requests[1].symbols == ["ZZZZ"]


def test_a_symbol_without_bars_in_the_span_exists_all_the_same(server):
    server.bars["1Day"] = {"AAPL": days_of("AAPL"), "RDDT": days_of("RDDT")}
    server.bars["1Month"] = {"RDDT": [a_bar("RDDT", 0, datetime(2024, 7, 1, tzinfo=NEW_YORK))]}
    server.bars["1Day"]["AAPL"] += days_of("AAPL", [date(2023, 7, 3)])
    given = got(Alpaca(url=server.url), ["AAPL", "RDDT"], date(2023, 7, 3), date(2023, 7, 5))
    assert len(given["AAPL"].bars) == 1
    assert given["RDDT"].bars.empty
    assert given["RDDT"].bars.columns.tolist() == ["open", "high", "low", "close", "volume"]
    assert isinstance(given["RDDT"].bars.index, pd.DatetimeIndex)
    assert given["RDDT"].bars.index.tz is None
    assert given["RDDT"].trouble == ""


def test_symbols_for_which_a_request_is_refused_are_left_out_and_the_others_asked_again(server):
    server.bars["1Day"] = {"AAPL": days_of("AAPL"), "MSFT": days_of("MSFT")}
    given = got(Alpaca(url=server.url), ["AAPL", "not-one", "$SPX", "MSFT"], None)
    assert [request.params["symbols"] for request in server.requests] == [
        "AAPL,not.one,$SPX,MSFT",
        "AAPL,$SPX,MSFT",
        "AAPL,MSFT",
    ]
    assert given["not-one"].trouble == given["$SPX"].trouble == "Alpaca has no such symbol on the feed iex"
    assert [len(given[symbol].bars) for symbol in ("AAPL", "MSFT")] == [9, 9]


def test_a_class_of_shares_may_be_written_with_a_hyphen(server):
    server.bars["1Day"] = {"BRK.B": days_of("BRK.B")}
    given = got(Alpaca(url=server.url), ["BRK-B"])
    assert server.requests[0].symbols == ["BRK.B"]
    assert len(given["BRK-B"].bars) == 9


def crypto_hours(symbol, first, count):
    return [a_bar(symbol, number, first + timedelta(hours=number)) for number in range(count)]


def test_days_of_crypto_are_put_together_from_hours_in_utc(server):
    hours = crypto_hours("BTC/USD", datetime(2024, 7, 5, 22, tzinfo=UTC), 52)
    server.bars["1Hour"] = {"BTC/USD": hours}
    given = got(Alpaca(url=server.url, calendar="24/7"), ["BTC/USD"], date(2024, 7, 6), date(2024, 7, 7))[
        "BTC/USD"
    ].bars
    assert server.requests[0].path == "/v1beta3/crypto/us/bars"
    assert "feed" not in server.requests[0].params
    assert "adjustment" not in server.requests[0].params
    # A Saturday and a Sunday; the first two hours of all are of the day before.
    assert [str(label.date()) for label in given.index] == ["2024-07-06", "2024-07-07"]
    for day, of_day in zip(given.itertuples(), (hours[2:26], hours[26:50]), strict=True):
        assert day.open == of_day[0]["o"]
        assert day.high == max(bar["h"] for bar in of_day)
        assert day.low == min(bar["l"] for bar in of_day)
        assert day.close == of_day[-1]["c"]
        assert day.volume == sum(bar["v"] for bar in of_day)


def test_hours_of_crypto_are_handed_on_as_they_are(server):
    server.bars["1Hour"] = {"BTC/USD": crypto_hours("BTC/USD", datetime(2024, 7, 6, tzinfo=UTC), 24)}
    source = Alpaca(url=server.url, calendar="24/7", interval="1h")
    bars = got(source, ["BTC/USD"], date(2024, 7, 6), date(2024, 7, 6))["BTC/USD"].bars
    assert bars.to_numpy().tolist() == table_of(server.bars["1Hour"]["BTC/USD"])
    assert source.variant == "1h-crypto"


def test_bars_that_are_not_complete_yet_are_left_out(server):
    now = datetime.now(UTC)
    today = now.astimezone(NEW_YORK).date()
    coming = [day.date() for day in pd.bdate_range(today, periods=8)]
    server.bars["1Day"] = {"AAPL": days_of("AAPL", [*JULY, *coming])}
    given = got(Alpaca(url=server.url), ["AAPL"], FIRST, coming[-1])["AAPL"].bars
    assert [label.date() for label in given.index[:9]] == JULY
    assert coming[-1] not in [label.date() for label in given.index]
    hour = now.replace(minute=0, second=0, microsecond=0)
    server.bars["1Hour"] = {"BTC/USD": crypto_hours("BTC/USD", hour - timedelta(hours=3), 4)}
    crypto = Alpaca(url=server.url, calendar="24/7", interval="1h")
    bars = got(crypto, ["BTC/USD"], (now - timedelta(days=1)).date(), now.date())["BTC/USD"].bars
    assert bars.index[-1] == hour - timedelta(hours=1) or datetime.now(UTC).hour != now.hour


REFUSALS = [
    (Alpaca(), ["AAPL", "BTC/USD"], "BTC/USD is crypto and AAPL is not; load one kind at a time"),
    (Alpaca(), ["BTC/USD"], "BTC/USD is traded around the clock; set data.calendar: 24/7"),
    (Alpaca(calendar="24/7"), ["AAPL"], "AAPL is not traded around the clock; set data.calendar: XNYS"),
    (Alpaca(interval="1h"), ["AAPL"], "set data.interval: 30m and data.resample: 1h"),
]


@pytest.mark.parametrize(("source", "symbols", "text"), REFUSALS, ids=[text for *_, text in REFUSALS])
def test_what_does_not_fit_together_is_refused_before_anything_is_asked(server, source, symbols, text):
    with pytest.raises(ConfigError, match="source 'alpaca'") as refused:
        got(source, symbols)
    assert text in str(refused.value)
    with pytest.raises(ConfigError):
        source.rows(symbols)
    assert server.requests == []


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        ({"interval": "4h"}, "interval is '4h'"),
        ({"interval": "1dd"}, "did you mean '1d'"),
        ({"adjustment": "splits"}, "adjustment is 'splits'; did you mean 'split'? (it is one of raw, split"),
        ({"feed": "nasdaq"}, "feed is 'nasdaq'"),
        ({"feed": "boats", "interval": "5m"}, "bars are of the night"),
        ({"url": "http://example.com"}, "url is 'http://example.com'; it is https://..."),
        ({"url": "http://127.0.0.1.example.com"}, "since keys are sent to it"),
    ],
)
def test_a_field_that_does_not_fit_is_refused_at_once(fields, text):
    with pytest.raises(ConfigError) as refused:
        Alpaca(**fields)
    assert text in str(refused.value)


def test_adjustment_feed_and_interval_tell_kept_bars_apart():
    kinds = [
        Alpaca(interval=interval, adjustment=adjustment, feed=feed).variant
        for interval in ("1d", "5m")
        for adjustment in ("raw", "all")
        for feed in ("iex", "sip", None)
    ]
    assert len(set(kinds)) == 12
    assert Alpaca().variant == "1d-all-iex"


def test_missing_keys_are_named(monkeypatch, server):
    monkeypatch.delenv("APCA_API_SECRET_KEY")
    with pytest.raises(UnavailableError) as refused:
        got(Alpaca(url=server.url), ["AAPL"])
    assert str(refused.value) == (
        "source 'alpaca' needs keys; set APCA_API_KEY_ID and APCA_API_SECRET_KEY in the environment "
        "(a free account has them)"
    )
    assert server.requests == []


def test_the_names_that_alpacas_own_examples_use_are_read_too(monkeypatch, server):
    monkeypatch.delenv("APCA_API_SECRET_KEY")
    monkeypatch.setenv("ALPACA_API_KEY", KEY)
    monkeypatch.setenv("ALPACA_SECRET_KEY", SECRET)
    server.bars["1Day"] = {"AAPL": days_of("AAPL")}
    assert len(got(Alpaca(url=server.url), ["AAPL"])["AAPL"].bars) == 9


@pytest.mark.parametrize(
    ("status", "body"), [(401, b"<html><body>unauthorized</body></html>"), (403, {"message": "forbidden."})]
)
def test_refused_keys_are_told_in_one_line(server, status, body):
    server.fault = lambda request: Answer(status, body)
    with pytest.raises(UnavailableError) as refused:
        got(Alpaca(url=server.url), ["AAPL"])
    assert "check APCA_API_KEY_ID and APCA_API_SECRET_KEY in the environment" in str(refused.value)
    assert "<" not in str(refused.value)
    assert len(server.requests) == 1


def test_a_feed_that_the_account_may_not_use_is_told_with_what_to_set(server):
    today = datetime.now(NEW_YORK).date()
    with pytest.raises(UnavailableError) as refused:
        got(Alpaca(url=server.url, feed="sip"), ["AAPL"], FIRST, today)
    assert "subscription does not permit querying recent SIP data" in str(refused.value)
    assert "set data.feed: iex" in str(refused.value)
    server.bars["1Day"] = {"AAPL": days_of("AAPL")}
    assert len(got(Alpaca(url=server.url, feed="sip"), ["AAPL"])["AAPL"].bars) == 9


def test_a_missing_package_is_told_with_how_to_install_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "alpaca.data.historical", None)
    with pytest.raises(DataError) as refused:
        got(Alpaca(), ["AAPL"])
    assert str(refused.value) == (
        "source 'alpaca': alpaca-py is not installed; install it: pip install 'quantstrats[live]'"
    )


def test_importing_the_source_imports_neither_pandas_nor_alpaca():
    code = (
        "import sys, quantstrats.market.sources.alpaca as module; module.Alpaca(); "
        "sys.exit(','.join({'pandas', 'numpy', 'alpaca', 'requests'} & set(sys.modules)) or 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize(
    "body",
    [
        {"bars": {"AAPL": [{"t": "2024-07-01T04:00:00Z", "o": 1, "h": 1, "l": 1, "close": 1, "v": 1}]}},
        {"bars": {"AAPL": [{"t": "noon", "o": 1, "h": 1, "l": 1, "c": 1, "v": 1}]}},
        {"bars": {"AAPL": [{"t": "2024-07-01T04:00:00Z", "o": "x", "h": 1, "l": 1, "c": 1, "v": 1}]}},
        {"bars": ["AAPL"]},
        {"candles": {}},
        [],
        b"",
        b"<html><body>Welcome</body></html>",
        b'{"bars": {"AAPL": [',
    ],
)
def test_an_answer_of_another_shape_is_told_in_one_line(server, body):
    server.fault = lambda request: Answer(body=body)
    with pytest.raises(UnavailableError) as refused:
        got(Alpaca(url=server.url), ["AAPL"])
    assert "source 'alpaca'" in str(refused.value)
    assert "\n" not in str(refused.value)


def test_an_empty_answer_may_be_null(server):
    server.fault = lambda request: Answer(body={"bars": None, "next_page_token": None})
    assert got(Alpaca(url=server.url), ["ZZZZ"])["ZZZZ"].bars is None


def test_a_page_that_names_itself_as_the_next_does_not_go_on_for_ever(server):
    server.fault = lambda request: Answer(body={"bars": {"AAPL": days_of("AAPL")}, "next_page_token": "again"})
    with pytest.raises(UnavailableError, match="a page of the answer names itself as the next"):
        got(Alpaca(url=server.url), ["AAPL"])
    assert len(server.requests) == 2


BUSY = {
    "an HTML page": Answer(502, b"<html><h1>Bad Gateway</h1></html>"),
    "too many requests": Answer(429, {"message": "too many requests."}),
    "no time": Answer(504, b""),
    "a reset": Answer(end="reset"),
    "half a body": Answer(body={"bars": {"AAPL": []}, "next_page_token": None}, end="cut"),
    "a mute server": Answer(seconds=1.0),
}


@pytest.mark.parametrize("busy", BUSY.values(), ids=BUSY)
def test_what_passes_is_asked_again_and_all_bars_arrive(server, busy):
    alpaca_client.PATIENCE["timeout"] = 0.5 if busy.seconds else 10.0
    server.bars["1Day"] = {"AAPL": days_of("AAPL"), "MSFT": days_of("MSFT")}
    server.page = 5
    # The second page fails twice.
    server.fault = lambda request: busy if request.number in (1, 2) else None
    given = got(Alpaca(url=server.url), ["AAPL", "MSFT"])
    assert [request.params.get("page_token") for request in server.requests] == [
        None,
        *["token5"] * 3,
        "token10",
        "token15",
    ]
    for symbol in ("AAPL", "MSFT"):
        assert given[symbol].bars.to_numpy().tolist() == table_of(server.bars["1Day"][symbol])


@pytest.mark.parametrize("busy", BUSY.values(), ids=BUSY)
def test_a_page_that_stays_lost_ends_it_and_what_was_whole_is_kept(server, busy):
    alpaca_client.PATIENCE["timeout"] = 0.5 if busy.seconds else 10.0
    days = [day.date() for day in pd.bdate_range("2016-01-04", "2024-12-31")]
    symbols = ["AAPL", "BAC", "CVX", "GE", "HD", "JNJ"]
    server.bars["1Day"] = {symbol: days_of(symbol, days) for symbol in symbols}
    server.page = 4000
    server.fault = lambda request: busy if "HD" in request.symbols and "page_token" in request.params else None
    arriving = Alpaca(url=server.url).download(symbols, days[0], days[-1])
    kept = [(each.symbol, len(each.bars)) for each in itertools.islice(arriving, 4)]
    with pytest.raises(UnavailableError) as lost:
        next(arriving)
    assert kept == [(symbol, 2347) for symbol in symbols[:4]]
    assert str(lost.value).startswith("source 'alpaca'")
    assert "try again later" in str(lost.value)
    assert "\n" not in str(lost.value)
    # Three pages of the first four symbols; one of the last two, and the one that never comes, four times.
    assert [request.params.get("page_token") for request in server.requests][3:] == [None, *["token4000"] * 4]


def test_too_many_requests_are_waited_out(server):
    server.bars["1Day"] = {"AAPL": days_of("AAPL"), "MSFT": days_of("MSFT")}
    server.page, server.rate = 2, (3, 0.15)
    alpaca_client.PATIENCE["retries"] = 6
    given = got(Alpaca(url=server.url), ["AAPL", "MSFT"])
    assert [len(given[symbol].bars) for symbol in ("AAPL", "MSFT")] == [9, 9]
    assert len(server.requests) > 9


def test_requests_keep_to_the_pace(server, monkeypatch):
    server.bars["1Day"] = {"AAPL": days_of("AAPL")}
    server.page = 2
    monkeypatch.setitem(alpaca_client.PATIENCE, "per_minute", 600.0)
    got(Alpaca(url=server.url), ["AAPL"])
    gaps = [later.at - earlier.at for earlier, later in zip(server.requests, server.requests[1:], strict=False)]
    assert len(gaps) == 4
    assert min(gaps) > 0.08


def test_the_pace_is_below_what_alpaca_allows():
    fresh = importlib.util.spec_from_file_location("fresh", alpaca_client.__file__)
    module = importlib.util.module_from_spec(fresh)
    fresh.loader.exec_module(module)
    assert 0 < module.PATIENCE["per_minute"] <= 200
    # The pauses, even at their shortest, outlast the minute after which Alpaca counts anew.
    assert sum(0.75 * module.PATIENCE["backoff"] * 2**n for n in range(module.PATIENCE["retries"])) > 45
    assert 0 < module.PATIENCE["timeout"] <= 60


def test_a_server_that_is_not_there_is_told_in_one_line(server):
    with socket.create_server(("127.0.0.1", 0)) as closed:
        url = f"http://127.0.0.1:{closed.getsockname()[1]}"
    with pytest.raises(UnavailableError) as lost:
        got(Alpaca(url=url), ["AAPL"])
    assert str(lost.value) == (
        "source 'alpaca': 127.0.0.1/v2/stocks/bars: the connection is refused; check the network, or try again later"
    )


FAILURES = {
    **BUSY,
    "a refusal": Answer(401, {"message": f"no key {KEY} with {SECRET}"}),
    "an echo": Answer(400, {"message": f"bad header APCA-API-SECRET-KEY: {SECRET}"}),
    "another shape": Answer(body=[]),
}


@pytest.mark.parametrize("failure", FAILURES.values(), ids=FAILURES)
def test_keys_show_nowhere(server, caplog, capfd, failure):
    alpaca_client.PATIENCE["timeout"] = 0.5 if failure.seconds else 10.0
    server.fault = lambda request: failure
    caplog.set_level(logging.DEBUG)
    source = Alpaca(url=server.url)
    client = source.client(["AAPL"])
    with pytest.raises(UnavailableError) as lost:
        got(source, ["AAPL"])
    assert server.requests[0].headers["apca-api-secret-key"] == SECRET
    error = lost.value
    assert error.__context__ is None
    assert error.__cause__ is None
    told = "".join(traceback.TracebackException.from_exception(error, capture_locals=True).format())
    # The frames of this test know the server, which knows the keys.
    told = told[told.index("quantstrats/market") :]
    output = "".join(capfd.readouterr())
    for secret in (KEY, SECRET):
        for text in (told, str(error), repr(error), repr(source), repr(client), source.variant, caplog.text, output):
            assert secret not in text


def test_a_key_that_no_header_can_hold_is_refused_and_not_shown(server, monkeypatch):
    for wrong in ("canary\nkey", "canary-k\u00e9y", "canary key"):
        monkeypatch.setenv("APCA_API_SECRET_KEY", wrong)
        with pytest.raises(UnavailableError, match="has a character that no key has") as refused:
            got(Alpaca(url=server.url), ["AAPL"])
        assert "canary" not in str(refused.value)
    assert server.requests == []


def test_a_market_of_its_bars_is_kept_says_whose_trades_they_are_and_holds_no_key(server, home):
    server.bars["1Day"] = {"AAPL": days_of("AAPL"), "MSFT": days_of("MSFT")}
    asked = {"start": FIRST, "end": LAST, "url": server.url}
    market = load_market("alpaca", "AAPL,MSFT", **asked)
    assert market.close["AAPL"].tolist() == [bar["c"] for bar in server.bars["1Day"]["AAPL"]]
    assert any("one exchange, IEX" in stamp for stamp in market.stamps)
    requests = len(server.requests)
    again = load_market("alpaca", "AAPL,MSFT", **asked, offline=True)
    assert len(server.requests) == requests
    assert again.content_hash == market.content_hash
    assert not any("IEX" in stamp for stamp in load_market("alpaca", "AAPL", **asked, feed="sip").stamps)
    written = b"".join(file.read_bytes() for file in home.rglob("*") if file.is_file())
    assert KEY.encode() not in written
    assert SECRET.encode() not in written
    assert KEY not in repr(dict(market.origin)) + repr(dict(market.record))

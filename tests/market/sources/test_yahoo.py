"""Bars from Yahoo: the real yfinance against a server on this machine that speaks as Yahoo does."""

from __future__ import annotations

import io
import itertools
import logging
import os
import signal
import subprocess
import sys
import threading
import time
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from quantstrats.errors import ConfigError, DataError
from quantstrats.market.sources import pace, yahoo
from quantstrats.market.sources.remote import UnavailableError
from quantstrats.market.sources.yahoo import Yahoo

from .yahoo_server import ZONE, YahooServer, bars, seconds

CANARY = "cAnArY0123456789"
FIRST, LAST = date(2019, 1, 2), date(2019, 12, 31)
FIELDS = ["open", "high", "low", "close", "volume"]


@pytest.fixture(autouse=True)
def quickly(monkeypatch):
    """Short pauses, and as many requests as one likes."""
    monkeypatch.setattr(yahoo, "BACKOFF", 0.001)
    monkeypatch.setattr(yahoo, "RETRIES", 3)
    monkeypatch.setattr(yahoo, "REQUESTS_PER_MINUTE", None)


@pytest.fixture
def server():
    server = YahooServer(["AAPL", "MSFT", "BRK-B", "^VIX"])
    yield server
    wait_for_threads()
    server.close()
    assert server.troubles == []


def wait_for_threads():
    """What was given up ends soon: its threads must not do so within another test."""
    for thread in threading.enumerate():
        if thread.name == "asks a vendor":
            thread.join(10)
            assert not thread.is_alive()


@pytest.fixture
def on(monkeypatch, server):
    """Let it be another day."""

    def set_day(day):
        monkeypatch.setattr(yahoo, "today", lambda: date.fromisoformat(day))
        server.now = seconds(day, "23:00")

    return set_day


def fetch(server, symbols=("AAPL",), first=FIRST, last=LAST, **parameters):
    return {each.symbol: each for each in Yahoo(url=server.url, **parameters).download(symbols, first, last)}


def arrived(server, symbols=("AAPL",), first=FIRST, last=LAST, **parameters):
    """What was yielded before an error, and the error."""
    there = []
    with pytest.raises(DataError) as caught:
        there.extend(Yahoo(url=server.url, **parameters).download(symbols, first, last))
    assert "\n" not in str(caught.value)
    assert caught.value.__context__ is None  # nothing of it is in a traceback either
    return {each.symbol: each for each in there}, caught.value


def gaps(requests):
    return [later.at - earlier.at for earlier, later in itertools.pairwise(requests)]


def test_many_symbols_arrive_each_with_its_own_bars_for_one_request_each(server):
    names = [f"S{number}" for number in range(60)]
    server.symbols.update(names)
    downloads = fetch(server, names)
    assert sorted(downloads) == sorted(names)
    for name in names:
        pd.testing.assert_frame_equal(
            downloads[name].bars, bars(name, "1d", "2019-01-02", "2019-12-31"), check_freq=False
        )
        assert downloads[name].trouble == ""
    assert sorted(each.symbol for each in server.charts) == sorted(names)
    assert [each.path for each in server.asked if each.symbol is None] == ["/", "/v1/test/getcrumb"]


def test_daily_labels_are_dates_without_a_zone_and_intraday_labels_are_starts_in_utc(server, on):
    assert str(fetch(server)["AAPL"].bars.index.dtype) == "datetime64[ns]"
    on("2026-04-01")
    hourly = fetch(server, first=date(2026, 3, 2), last=date(2026, 3, 2), interval="1h")["AAPL"].bars
    assert str(hourly.index.dtype) == "datetime64[ns, UTC]"
    assert list(hourly.columns) == FIELDS
    assert {str(dtype) for dtype in hourly.dtypes} == {"float64"}


def test_the_values_are_those_of_yfinance_itself(server):
    program = f"""
import sys
import yfinance
from urllib.parse import urlsplit
from yfinance._http import new_session
session = new_session()
send = session.request
session.request = lambda method, url, **more: send(
    method, "{server.url}" + url[len("://".join(urlsplit(url)[:2])):], **more)
yfinance.set_tz_cache_location("{os.environ["QUANTSTRATS_HOME"]}")
table = yfinance.download(["AAPL", "MSFT"], start="2019-01-02", end="2020-01-01", group_by="ticker", session=session,
                          progress=False, threads=False)
table.to_csv(sys.stdout)
"""
    server.rows["MSFT"] = {
        f"2019-0{month}-05": (100.0 + month, 104.0, 99.0, 101.0, 101.0 * 0.97 ** (9 - month), 1000 * month)
        for month in (2, 3, 4, 6, 7, 8, 9)
    }
    result = subprocess.run([sys.executable, "-W", "ignore", "-c", program], capture_output=True, text=True, check=True)
    theirs = pd.read_csv(io.StringIO(result.stdout), header=[0, 1], index_col=0, parse_dates=True)
    ours = fetch(server, ["AAPL", "MSFT"])
    for symbol, download in ours.items():
        table = theirs[symbol].rename(columns=str.lower)[FIELDS].dropna()
        assert download.bars.index.tolist() == table.index.tolist()
        np.testing.assert_allclose(download.bars, table, rtol=1e-12)


@pytest.mark.parametrize(("asked", "path"), [("BRK.B", "BRK-B"), ("^VIX", "^VIX"), ("brk.b", "BRK-B")])
def test_symbols_are_asked_for_as_yahoo_calls_them_and_given_back_as_asked(server, asked, path):
    assert fetch(server, [asked])[asked].bars.notna().all(axis=None)
    assert [each.symbol for each in server.charts] == [path]


def test_an_exchange_behind_a_dot_is_no_share_class(server):
    server.symbols.update(["VOD.L", "RY.TO", "7203.T"])
    assert all(len(each.bars) for each in fetch(server, ["VOD.L", "RY.TO", "7203.T"]).values())


def test_an_index_has_no_volume(server):
    assert (fetch(server, ["^VIX"])["^VIX"].bars["volume"] == 0).all()


@pytest.mark.parametrize("zone", ["UTC", "Asia/Tokyo", "Europe/London", ZONE, "Pacific/Auckland"])
def test_daily_bars_have_the_dates_of_their_own_exchange_and_only_those_asked_for(server, zone):
    days = ["2021-03-26", "2021-03-27", "2021-03-28", "2021-03-29", "2021-03-30", "2021-03-31"]
    server.rows["XX"] = dict.fromkeys(days, (1.0, 2.0, 0.5, 1.5, 1.5, 10))
    server.zones["XX"] = zone
    table = fetch(server, ["XX"], date(2021, 3, 27), date(2021, 3, 30), calendar="24/7")["XX"].bars
    assert [str(each.date()) for each in table.index] == days[1:5]


def test_a_wrong_symbol_among_many_is_named_and_the_others_arrive(server):
    names = [f"S{number}" for number in range(30)]
    server.symbols.update(names)
    downloads = fetch(server, [*names[:15], "AAPLL", *names[15:]])
    assert [name for name, each in downloads.items() if each.bars is None] == ["AAPLL"]
    assert downloads["AAPLL"].trouble == "Yahoo has no symbol 'AAPLL', or nothing of it: it keeps no delisted names"
    assert all(len(downloads[name].bars) == 252 for name in names)
    assert len([each for each in server.charts if each.symbol == "AAPLL"]) == 1


@pytest.mark.parametrize("symbol", ["", "A/B", "A?interval=1m", "A B", "../AAPL", "Ä"])
def test_what_cannot_be_a_symbol_is_not_asked_for(server, symbol):
    download = fetch(server, [symbol, "AAPL"])[symbol]
    assert download.bars is None
    assert download.trouble.startswith("no such symbol")
    assert [each.symbol for each in server.charts] == ["AAPL"]


def test_an_answer_with_nothing_in_it_is_no_symbol(server):
    server.fail("null", "MSFT")
    downloads = fetch(server, ["AAPL", "MSFT"])
    assert downloads["MSFT"].bars is None
    assert "no symbol 'MSFT'" in downloads["MSFT"].trouble
    assert len(downloads["AAPL"].bars) == 252


def test_a_symbol_that_was_listed_later_has_no_bars_and_no_trouble(server):
    server.symbols.add("LATE")
    server.listed["LATE"] = "2022-01-03"
    late = fetch(server, ["LATE"])["LATE"]
    assert late.trouble == ""
    assert (len(late.bars), list(late.bars.columns), str(late.bars.index.dtype)) == (0, FIELDS, "datetime64[ns]")


def test_a_span_without_sessions_has_no_bars_and_no_trouble(server):
    weekend = fetch(server, first=date(2019, 7, 6), last=date(2019, 7, 7))["AAPL"]
    assert (len(weekend.bars), weekend.trouble) == (0, "")


def test_without_a_first_day_all_there_is_comes(server):
    table = fetch(server, first=None, last=date(2020, 1, 31))["AAPL"].bars
    assert (table.index[0], table.index[-1]) == (pd.Timestamp("2014-01-02"), pd.Timestamp("2020-01-31"))


def test_rows_without_values_are_no_bars_and_half_rows_stay_as_they_are(server):
    server.rows["XX"] = {
        "2021-03-01": (1.0, 2.0, 0.5, 1.5, 1.5, 10),
        "2021-03-02": (None, None, None, None, None, None),
        "2021-03-03": (1.0, None, 0.5, 1.5, 1.5, 10),
        "2021-03-04": (1.0, 2.0, 0.5, 1.5, 1.5, None),
    }
    table = fetch(server, ["XX"], date(2021, 3, 1), date(2021, 3, 5))["XX"].bars
    assert [str(each.date()) for each in table.index] == ["2021-03-01", "2021-03-03", "2021-03-04"]
    assert table["high"].isna().tolist() == [False, True, False]
    assert table["volume"].tolist() == [10.0, 10.0, 0.0]


def dividend_and_split(server):
    """A dividend of 2 on a close of 100, so that what came before counts 0.98; a split 4:1 a day later.

    All prices are adjusted for the split already: really, the first close was 400.
    """
    server.rows["XX"] = {
        "2021-03-01": (99.0, 101.0, 98.0, 100.0, 98.0, 4000),
        "2021-03-02": (97.0, 99.5, 96.0, 98.5, 98.5, 8000),
        "2021-03-03": (98.0, 100.0, 97.0, 99.0, 99.0, 1500),
    }
    day2, day3 = (int(pd.Timestamp(f"{day} 09:30", tz=ZONE).timestamp()) for day in ("2021-03-02", "2021-03-03"))
    server.events["XX"] = {
        "dividends": {str(day2): {"amount": 2.0, "date": day2}},
        "splits": {str(day3): {"date": day3, "numerator": 4.0, "denominator": 1.0, "splitRatio": "4:1"}},
    }


def test_adjusted_prices_of_before_a_dividend_are_less_by_it(server):
    dividend_and_split(server)
    table = fetch(server, ["XX"], date(2021, 3, 1), date(2021, 3, 3))["XX"].bars
    np.testing.assert_allclose(table.iloc[0], [97.02, 98.98, 96.04, 98.0, 4000], rtol=1e-12)
    assert table.iloc[1].tolist() == [97.0, 99.5, 96.0, 98.5, 8000]
    assert table.iloc[2].tolist() == [98.0, 100.0, 97.0, 99.0, 1500]


def test_prices_that_are_not_adjusted_for_dividends_are_as_yahoo_has_them(server):
    dividend_and_split(server)
    table = fetch(server, ["XX"], date(2021, 3, 1), date(2021, 3, 3), adjusted=False)["XX"].bars
    assert table["close"].tolist() == [100.0, 98.5, 99.0]
    assert table["open"].tolist() == [99.0, 97.0, 98.0]


@given(st.lists(st.tuples(st.floats(1, 5000), st.floats(0.01, 0.999), st.booleans()), min_size=1, max_size=30))
def test_a_close_at_the_high_or_low_stays_within_them_when_it_is_adjusted(rows):
    """Closes are adjusted by Yahoo, the rest by their ratio."""
    index = pd.date_range("2021-03-01", periods=len(rows))
    close, adjusted = np.array([row[0] for row in rows]), np.array([round(row[0] * row[1], 6) for row in rows])
    at_high = np.array([row[2] for row in rows])
    ratio = adjusted / close
    table = pd.DataFrame(
        {
            "open": close * ratio,
            "high": np.where(at_high, close, close * 1.1) * ratio,
            "low": np.where(at_high, close * 0.9, close) * ratio,
            "close": adjusted,
            "volume": 1.0,
        },
        index,
    )
    whole = yahoo._without_rounding(table)
    assert (whole["low"] <= whole["close"]).all()
    assert (whole["close"] <= whole["high"]).all()
    np.testing.assert_allclose(whole, table, rtol=1e-12)


def test_adjusted_bars_whose_closes_were_the_highs_or_lows_are_not_beyond_them(server):
    random = np.random.default_rng(5)
    closes = random.uniform(10, 500, 600).round(2)
    factors = random.uniform(0.1, 1, 600)
    # Of 100,000 such numbers x * (a / x) was less than a in 4 of 100, and more in as many.
    server.rows["XX"] = {
        f"{day:%Y-%m-%d}": (close, close, close, close, round(close * factor, 6), 10)
        for day, close, factor in zip(pd.date_range("2020-01-01", periods=600), closes, factors, strict=True)
    }
    table = fetch(server, ["XX"], date(2020, 1, 1), date(2021, 12, 31), calendar="24/7")["XX"].bars
    assert len(table) == 600
    assert (table["low"] <= table["close"]).all()
    assert (table["close"] <= table["high"]).all()


def test_a_close_far_above_the_high_is_left_as_it_came(server):
    server.rows["XX"] = {"2021-03-01": (10.0, 11.0, 9.0, 12.0, 12.0, 5)}
    table = fetch(server, ["XX"], date(2021, 3, 1), date(2021, 3, 1))["XX"].bars
    assert table.iloc[0].tolist() == [10.0, 11.0, 9.0, 12.0, 5.0]


def test_the_row_of_the_very_moment_is_not_taken_for_a_bar_of_the_span(server):
    server.fail("live")
    table = fetch(server)["AAPL"].bars
    pd.testing.assert_frame_equal(table, bars("AAPL", "1d", "2019-01-02", "2019-12-31"), check_freq=False)


def test_one_minute_bars_are_asked_for_a_week_at_a_time(server, on):
    on("2026-04-01")
    table = fetch(server, first=date(2026, 3, 4), last=date(2026, 3, 27), interval="1m")["AAPL"].bars
    pd.testing.assert_frame_equal(table, bars("AAPL", "1m", "2026-03-04", "2026-03-27"), check_freq=False)
    spans = [
        tuple(pd.Timestamp(int(each.query[at]), unit="s", tz="UTC").tz_convert(ZONE) for at in ("period1", "period2"))
        for each in server.charts
    ]
    assert [(str(begin.tz_localize(None)), str(end.tz_localize(None))) for begin, end in spans] == [
        ("2026-03-04 00:00:00", "2026-03-11 00:00:00"),
        ("2026-03-11 00:00:00", "2026-03-18 00:00:00"),
        ("2026-03-18 00:00:00", "2026-03-25 00:00:00"),
        ("2026-03-25 00:00:00", "2026-03-28 00:00:00"),
    ]


def test_a_symbol_that_is_unknown_is_not_asked_for_week_by_week(server, on):
    on("2026-04-01")
    assert fetch(server, ["NOPE"], date(2026, 3, 4), date(2026, 3, 27), interval="1m")["NOPE"].bars is None
    assert len(server.charts) == 1


def test_hourly_bars_follow_the_exchange_through_both_clock_changes_and_a_half_day(server, on):
    on("2026-04-01")
    table = fetch(server, first=date(2025, 10, 27), last=date(2026, 3, 13), interval="1h")["AAPL"].bars
    pd.testing.assert_frame_equal(table, bars("AAPL", "1h", "2025-10-27", "2026-03-13"), check_freq=False)

    def starts(day):
        return [f"{each:%H:%M}" for each in table.index[table.index.date == date.fromisoformat(day)]]

    summer = ["13:30", "14:30", "15:30", "16:30", "17:30", "18:30", "19:30"]
    winter = ["14:30", "15:30", "16:30", "17:30", "18:30", "19:30", "20:30"]
    assert starts("2025-10-31") == summer
    assert starts("2025-11-03") == winter
    assert starts("2025-11-27") == []
    assert starts("2025-11-28") == winter[:4]
    assert starts("2026-03-06") == winter
    assert starts("2026-03-09") == summer
    assert len(server.charts) == 1


@pytest.mark.parametrize("interval", ["2m", "5m", "15m", "90m"])
def test_intraday_bars_have_the_values_of_the_server(server, on, interval):
    on("2026-04-01")
    table = fetch(server, first=date(2026, 3, 2), last=date(2026, 3, 10), interval=interval)["AAPL"].bars
    pd.testing.assert_frame_equal(table, bars("AAPL", interval, "2026-03-02", "2026-03-10"), check_freq=False)


def test_half_hours_are_made_of_quarters(server, on):
    on("2026-04-01")
    table = fetch(server, first=date(2026, 3, 6), last=date(2026, 3, 9), interval="30m")["AAPL"].bars
    quarters = bars("AAPL", "15m", "2026-03-06", "2026-03-09")
    assert table.index.tolist() == quarters.index[::2].tolist()
    assert table["open"].tolist() == quarters["open"].iloc[::2].tolist()
    assert table["close"].tolist() == quarters["close"].iloc[1::2].tolist()
    assert table["high"].tolist() == np.maximum(quarters["high"].iloc[::2], quarters["high"].iloc[1::2].values).tolist()
    assert table["volume"].tolist() == (quarters["volume"].iloc[::2] + quarters["volume"].iloc[1::2].values).tolist()


@pytest.mark.parametrize(
    ("interval", "earliest"), [("1m", "2026-03-03"), ("5m", "2026-02-01"), ("90m", "2026-02-01"), ("1h", "2024-04-02")]
)
def test_what_yahoo_no_longer_has_is_refused_before_it_is_asked_for(server, on, interval, earliest):
    on("2026-04-01")
    there, error = arrived(
        server, first=date.fromisoformat(earliest) - pd.Timedelta(days=1), interval=interval, last=date(2026, 3, 31)
    )
    assert there == {}
    assert f"ask for {earliest} or later" in str(error)
    assert server.asked == []
    assert len(fetch(server, first=None, last=date(2026, 3, 31), interval=interval)["AAPL"].bars)


def test_what_yahoo_itself_refuses_is_said_in_its_words(server, on, monkeypatch):
    on("2026-04-01")
    monkeypatch.setitem(yahoo._DAYS_AT_ONCE, "1m", 20)
    _, error = arrived(server, first=date(2026, 3, 4), last=date(2026, 3, 27), interval="1m")
    assert isinstance(error, UnavailableError)
    assert "source 'yahoo', AAPL: the answer is HTTP 422 (1m data not available" in str(error)
    assert "Only 8 days worth of 1m" in str(error)


def test_a_vendor_that_has_enough_is_asked_again_after_growing_pauses(server, monkeypatch):
    monkeypatch.setattr(yahoo, "BACKOFF", 0.04)
    server.fail("429", "AAPL", times=2)
    assert len(fetch(server)["AAPL"].bars) == 252
    first, second = gaps(server.charts)
    assert first >= 0.03
    assert second >= 0.06
    assert len(server.charts) == 3


def test_a_vendor_that_says_how_long_to_wait_is_left_alone_by_all_threads(server):
    server.fail("429", "AAPL", times=1, Retry_After=0.3)
    names = [f"S{number}" for number in range(12)]
    server.symbols.update(names)
    downloads = fetch(server, ["AAPL", *names])
    assert all(len(each.bars) == 252 for each in downloads.values())
    refused = next(each for each in server.charts if each.symbol == "AAPL")
    since = [each.at - refused.at for each in server.charts if each.at > refused.at]
    assert len([seconds for seconds in since if seconds < 0.29]) <= 2 * yahoo.THREADS  # those that were under way
    assert len(server.charts) == 14


def test_a_vendor_that_has_enough_for_good_is_not_asked_for_ever(server):
    server.fail("429")
    there, error = arrived(server, ["AAPL", "MSFT"])
    assert there == {}
    assert isinstance(error, UnavailableError)
    assert "HTTP 429 (Edge: Too Many Requests); that is too many requests; try again later" in str(error)
    assert len(server.charts) <= 2 * 4


def test_a_refused_crumb_does_not_keep_the_bars_away(server):
    server.fail("crumb429")
    assert len(fetch(server)["AAPL"].bars) == 252
    assert "crumb" not in server.charts[0].query


def test_every_request_keeps_to_the_rate(server, on, monkeypatch):
    on("2026-04-01")
    monkeypatch.setattr(yahoo, "REQUESTS_PER_MINUTE", 200.0)
    slept = []

    class Watched(pace.Pace):
        def __init__(self, per_minute):
            super().__init__(per_minute, now=lambda: sum(slept), sleep=slept.append)

    monkeypatch.setattr(pace, "Pace", Watched)
    fetch(server, first=date(2026, 3, 4), last=date(2026, 3, 27), interval="1m")
    assert len(server.asked) == 6  # a cookie, a crumb, four weeks
    assert sum(slept) == pytest.approx(5 * 0.3)


@pytest.mark.parametrize("kind", ["502", "html", "drop", "midway", "cut", "empty"])
def test_what_fails_in_passing_is_asked_for_again_and_nothing_half_is_kept(server, kind):
    server.fail(kind, "AAPL", times=2)
    downloads = fetch(server, ["AAPL", "MSFT"])
    for symbol, download in downloads.items():
        pd.testing.assert_frame_equal(download.bars, bars(symbol, "1d", "2019-01-02", "2019-12-31"), check_freq=False)
    assert [each.symbol for each in server.charts].count("AAPL") == 3
    assert [each.symbol for each in server.charts].count("MSFT") == 1


@pytest.mark.parametrize(
    ("kind", "told"),
    [
        ("502", "HTTP 502 (it is an HTML page); try again later"),
        ("html", "HTTP 200 (it is an HTML page); try again later"),
        ("empty", "HTTP 200 (it is empty); try again later"),
        ("cut", "HTTP 200 (it is no JSON); try again later"),
        ("403", "HTTP 403 (it is an HTML page); the vendor does not want to be asked from here; try again later"),
        ("404", "HTTP 404 (it is an HTML page); change what is asked for"),
        ("drop", "the connection broke off; check the network, or try again later"),
        ("midway", "the connection broke off; check the network, or try again later"),
    ],
)
def test_what_fails_for_good_is_one_line_and_what_came_before_is_kept(server, kind, told):
    names = [f"S{number}" for number in range(20)]
    server.symbols.update(names)
    server.fail(kind, "AAPL")
    there, error = arrived(server, [*names, "AAPL", "MSFT"])
    assert isinstance(error, UnavailableError)
    assert str(error).startswith("source 'yahoo', AAPL: ")
    assert str(error).endswith(told)
    # Others were under way and came; nothing was begun after it.
    assert set(names) <= set(there)
    for symbol, download in there.items():
        pd.testing.assert_frame_equal(download.bars, bars(symbol, "1d", "2019-01-02", "2019-12-31"), check_freq=False)


def test_a_network_that_is_lost_midway_leaves_what_came_before(server):
    names = [f"S{number}" for number in range(40)]
    server.symbols.update(names)
    there = []

    def interrupted():
        for download in Yahoo(url=server.url).download(names, FIRST, LAST):
            there.append(download)
            if len(there) == 10:
                server.fail("drop")

    with pytest.raises(UnavailableError, match="broke off"):
        interrupted()
    assert 10 <= len(there) <= 10 + yahoo.THREADS
    assert all(len(each.bars) == 252 for each in there)
    server.heal()
    rest = [name for name in names if name not in {each.symbol for each in there}]
    assert sorted(fetch(server, rest)) == sorted(rest)


def test_nobody_at_the_address_is_one_line(server):
    server.close()
    there, error = arrived(server)
    assert there == {}
    assert str(error) == "source 'yahoo', AAPL: the connection is refused; check the network, or try again later"


@pytest.mark.parametrize(
    ("gone", "named"),
    [
        ("volume", "volume"),
        ("close", "close"),
        ("adjclose", "adjclose"),
        ("timestamp", "timestamp"),
        ("quote", "quote"),
        ("chart", "chart"),
        ("result", "result"),
    ],
)
def test_a_field_that_is_called_otherwise_is_named_and_the_other_symbols_arrive(server, gone, named):
    server.fail(f"without:{gone}", "AAPL")
    there, error = arrived(server, ["AAPL", "MSFT", "^VIX"])
    assert sorted(there) == ["MSFT", "^VIX"]
    assert str(error).startswith("source 'yahoo', AAPL: yfinance ")
    assert f"cannot read the answer (KeyError: '{named}'); update yfinance, or leave the symbol out" in str(error)


def test_closes_that_are_fewer_than_the_times_are_no_bars(server):
    server.fail("short", "AAPL")
    there, error = arrived(server, ["AAPL", "MSFT"])
    assert list(there) == ["MSFT"]
    assert "cannot read the answer (ValueError" in str(error)


def test_a_changed_format_is_told_after_a_few_symbols(server):
    names = [f"S{number}" for number in range(40)]
    server.symbols.update(names)
    server.fail("without:quote")
    there, error = arrived(server, names)
    assert there == {}
    assert "(and 4 more symbols)" in str(error)
    assert len(server.charts) < 5 + yahoo.THREADS


def test_unadjusted_bars_do_not_need_adjusted_closes(server):
    server.fail("without:adjclose", "AAPL")
    assert len(fetch(server, adjusted=False)["AAPL"].bars) == 252


def test_a_crumb_that_is_refused_is_told_without_it(server):
    server.crumb = CANARY
    server.fail("401", "AAPL")
    _, error = arrived(server)
    assert CANARY not in str(error)
    assert "HTTP 401 (Invalid Crumb ...)" in str(error)
    assert any(each.query.get("crumb") == CANARY for each in server.charts)


@pytest.mark.parametrize("kind", ["drop", "502", "403", "without:close"])
def test_a_secret_of_the_address_is_in_no_message(server, kind):
    server.fail(kind)
    address = server.url.replace("://", f"://me:{CANARY}@") + f"/token={CANARY}"
    with pytest.raises(UnavailableError) as caught:
        list(Yahoo(url=address).download(["AAPL"], FIRST, LAST))
    assert CANARY not in str(caught.value)


def test_an_address_with_a_path_is_a_prefix(server):
    assert Yahoo(url=f"{server.url}/mirror")
    with pytest.raises(UnavailableError, match="HTTP 404"):
        list(Yahoo(url=f"{server.url}/mirror").download(["AAPL"], FIRST, LAST))
    assert server.asked[-1].path == "/mirror/v8/finance/chart/AAPL"


@pytest.mark.parametrize("url", ["127.0.0.1:8000", "ftp://x", "http://", "http:///x"])
def test_an_address_that_is_none_is_refused(url):
    with pytest.raises(ConfigError, match="it is an address, as in"):
        Yahoo(url=url)


def test_two_addresses_in_one_process_do_not_mix():
    one, other = YahooServer(["AAPL"]), YahooServer(["AAPL"])
    one.crumb, other.crumb = "crumb of one", "crumb of the other"
    for number in range(8):
        one.rows[f"S{number}"] = {"2019-01-02": (1.0, 1.0, 1.0, 1.0, 1.0, 1)}
        other.rows[f"S{number}"] = {"2019-01-02": (2.0, 2.0, 2.0, 2.0, 2.0, 2)}
    names = [f"S{number}" for number in range(8)]
    try:
        first = Yahoo(url=one.url).download(names, FIRST, LAST)
        second = Yahoo(url=other.url).download(names, FIRST, LAST)
        for ours, theirs in zip(first, second, strict=True):
            assert ours.bars["close"].tolist() == [1.0]
            assert theirs.bars["close"].tolist() == [2.0]
        for server in (one, other):
            assert len(server.charts) == 8
            assert {each.query["crumb"] for each in server.charts} == {server.crumb}
        # Nor does what was answered before come back for the same question.
        one.rows["S0"] = {"2019-01-02": (3.0, 3.0, 3.0, 3.0, 3.0, 3)}
        assert fetch(one, ["S0"])["S0"].bars["close"].tolist() == [3.0]
    finally:
        one.close()
        other.close()


def test_yfinance_says_nothing_leaves_nothing_in_the_home_and_is_as_it_was(
    server, capfd, caplog, tmp_path, monkeypatch
):
    import yfinance
    from yfinance.config import YfConfig

    monkeypatch.setenv("HOME", str(tmp_path))
    server.fail("without:volume", "MSFT")
    server.fail("crumb429")
    arrived(server, ["AAPL", "MSFT", "NOPE"])
    assert [record for record in caplog.records if record.name == "yfinance"] == []
    assert capfd.readouterr() == ("", "")
    assert list(tmp_path.iterdir()) == []
    assert YfConfig.debug.hide_exceptions is True
    logging.getLogger("yfinance").warning("of the user's own use")
    assert [record.message for record in caplog.records] == ["of the user's own use"]
    place = Path(os.environ["QUANTSTRATS_HOME"]) / "logs" / "cache" / "yfinance"
    assert yfinance.cache._TzDBManager.get_location() == str(place)


def test_ctrl_c_ends_a_download_at_once(server):
    server.fail("hang:20")
    program = (
        "from datetime import date\nfrom quantstrats.market.sources.yahoo import Yahoo\n"
        f"source = Yahoo(url={server.url!r})\ntry:\n"
        "    list(source.download(['AAPL', 'MSFT'], date(2019, 1, 2), date(2019, 12, 31)))\n"
        "except KeyboardInterrupt:\n    print('interrupted', flush=True)\n"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", program], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    until = time.monotonic() + 30
    while len(server.charts) < 2 and time.monotonic() < until:
        time.sleep(0.02)
    began = time.monotonic()
    os.kill(process.pid, signal.SIGINT)
    assert process.communicate(timeout=30) == ("interrupted\n", "")
    assert process.returncode == 0
    assert time.monotonic() - began < 5.0


def test_a_download_that_is_given_up_leaves_no_thread_behind(server):
    server.symbols.update(f"S{number}" for number in range(30))
    download = Yahoo(url=server.url).download([f"S{number}" for number in range(30)], FIRST, LAST)
    next(download)
    download.close()
    wait_for_threads()
    assert len(server.charts) <= 1 + yahoo.THREADS


@pytest.mark.parametrize(
    ("parameters", "bar", "variant"),
    [
        ({}, None, "1d-adjusted"),
        ({"adjusted": False}, None, "1d-splits"),
        ({"interval": "5m"}, "5min", "5m-splits"),
        ({"interval": "1h", "adjusted": False}, "1h", "1h-splits"),
        ({"interval": "90m"}, "90min", "90m-splits"),
    ],
)
def test_the_bar_and_what_tells_the_bars_from_others(parameters, bar, variant):
    source = Yahoo(**parameters)
    assert source.bar == (None if bar is None else pd.Timedelta(bar))
    assert source.variant == variant


def test_the_module_is_light_and_offers_the_source():
    program = (
        "import sys\nfrom quantstrats.market.sources import yahoo\noffered = []\n"
        "yahoo.register_sources(offered.append)\nassert offered == [yahoo.Yahoo]\n"
        "print([name for name in ('pandas', 'numpy', 'yfinance', 'requests', 'curl_cffi') if name in sys.modules])"
    )
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert result.stdout == "[]\n"

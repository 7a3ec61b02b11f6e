"""Bars of the past: what is complete, coarser bars, adjusted prices; and how pages of them go on the wire."""

from __future__ import annotations

import base64
from datetime import date
from decimal import Decimal

import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from quantstrats import Market
from quantstrats.simulator.history import History
from quantstrats.simulator.settings import Action, FillSettings
from quantstrats.simulator.tape import tape_of
from quantstrats.simulator.timeframes import Timeframe, timeframe_of
from quantstrats.simulator.times import new_york_ns

from .desks import ask, desk_of, get
from .exchanges import minutes, to_bar

ALWAYS = (-(2**62), 2**62)


def market_of(closes, volumes, index, bar="1min", names=("A",)):
    """Make bars whose open is a dollar below the close, low two below, high one above."""
    closes = pd.DataFrame(np.array(closes, dtype="float64").reshape(len(index), -1), index=index, columns=list(names))
    volume = closes * 0 + np.array(volumes, dtype="float64").reshape(len(index), -1)
    fields = {"open": closes - 1, "high": closes + 1, "low": closes - 2, "close": closes, "volume": volume}
    return Market.from_frames(**fields, bar=bar)


def from_open(day, count, step="1min"):
    return (
        pd.date_range(f"{day} 09:30", periods=count, freq=step, tz="America/New_York").tz_convert("UTC").as_unit("ns")
    )


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("1Min", (1, "Min")),
        ("59Min", (59, "Min")),
        ("5T", (5, "Min")),
        ("23Hour", (23, "Hour")),
        ("1H", (1, "Hour")),
        ("1Day", (1, "Day")),
        ("1D", (1, "Day")),
        ("1Week", (1, "Week")),
        ("12Month", (12, "Month")),
        ("3M", (3, "Month")),
    ],
)
def test_timeframes_are_read(text, meant):
    assert timeframe_of(text) == Timeframe(*meant)


@pytest.mark.parametrize(
    "text",
    ["", "Min", "0Min", "60Min", "24Hour", "2Day", "5Month", "1min", "1Sec", "-1Min", "\u0661Min", "1" * 99 + "Min"],
)
def test_what_is_no_timeframe_is_refused(text):
    with pytest.raises(ValueError, match="give 1-59Min"):
        timeframe_of(text)


@pytest.mark.parametrize(
    ("timeframe", "label"),
    [
        ("2Min", "2024-03-13T13:46:00Z"),
        # A Wednesday of the first week of summer time: midnight in New York is 04:00 UTC.
        ("7Min", "2024-03-13T13:41:00Z"),
        ("1Hour", "2024-03-13T13:00:00Z"),
        ("4Hour", "2024-03-13T12:00:00Z"),
        ("1Day", "2024-03-13T04:00:00Z"),
        ("1Week", "2024-03-11T04:00:00Z"),
        ("1Month", "2024-03-01T05:00:00Z"),
        ("6Month", "2024-01-01T05:00:00Z"),
    ],
)
def test_a_bar_is_labelled_by_new_yorks_clock(timeframe, label):
    start = pd.Timestamp("2024-03-13T13:47:00Z").value
    assert timeframe_of(timeframe).label(start, date(2024, 3, 13)) == pd.Timestamp(label).value


def test_coarser_bars_are_made_of_the_tapes():
    index = from_open("2024-03-01", 5)
    history = History(tape_of(market_of([10, 20, 15, np.nan, 30], [100, 300, 0, 5, 7], index)))
    bars = history.bars("A", timeframe_of("2Min"), 4, *ALWAYS)
    assert bars.labels.tolist() == [index[0].value, index[2].value, index[4].value]
    assert bars.open.tolist() == [9, 14, 29]
    assert bars.high.tolist() == [21, 16, 31]
    assert bars.low.tolist() == [8, 13, 28]
    assert bars.close.tolist() == [20, 15, 30]
    assert bars.volume.tolist() == [400, 0, 7]
    assert bars.prints.tolist() == [8, 4, 4]
    # Mean prices of the first two minutes are 9.5 and 19.5, weighed 1 to 3.
    assert bars.vwap.tolist() == [17.0, 14.5, 29.5]


def test_a_bar_is_told_when_all_of_it_is_complete():
    history = History(tape_of(market_of([10, 20, 15, 16, 30], [1] * 5, from_open("2024-03-01", 5))))
    two, day = timeframe_of("2Min"), timeframe_of("1Day")
    assert [len(history.bars("A", two, row, *ALWAYS)) for row in range(-1, 5)] == [0, 0, 1, 1, 2, 3]
    assert [len(history.bars("A", day, row, *ALWAYS)) for row in range(-1, 5)] == [0, 0, 0, 0, 0, 1]
    assert [len(history.bars("A", None, row, *ALWAYS)) for row in range(-1, 5)] == [0, 1, 2, 3, 4, 5]


def test_hours_begin_at_the_full_hour():
    history = History(tape_of(market_of(np.arange(100, 190), [1] * 90, from_open("2024-03-01", 90))))
    bars = history.bars("A", timeframe_of("1Hour"), 89, *ALWAYS)
    assert bars.prints.tolist() == [30 * 4, 60 * 4]
    assert bars.labels[0] == pd.Timestamp("2024-03-01T14:00:00Z").value
    assert bars.close.tolist() == [129, 189]


def test_days_weeks_and_months_are_made_of_days():
    days = pd.to_datetime(["2024-02-28", "2024-02-29", "2024-03-01", "2024-03-04", "2024-03-05"])
    history = History(tape_of(market_of([11, 12, 13, 14, 15], [10] * 5, days, bar=None)))
    assert history.bars("A", timeframe_of("1Day"), 4, *ALWAYS).close.tolist() == [11, 12, 13, 14, 15]
    weeks = history.bars("A", timeframe_of("1Week"), 4, *ALWAYS)
    assert (weeks.close.tolist(), weeks.volume.tolist()) == ([13, 15], [30, 20])
    months = history.bars("A", timeframe_of("1Month"), 4, *ALWAYS)
    assert (months.open.tolist(), months.close.tolist()) == ([10, 12], [12, 15])
    with pytest.raises(ValueError, match="no part of it"):
        history.bars("A", timeframe_of("1Min"), 4, *ALWAYS)


def test_a_finer_or_odd_timeframe_is_refused():
    history = History(tape_of(market_of([10, 20], [1] * 2, from_open("2024-03-01", 2, "5min"), bar="5min")))
    assert len(history.bars("A", timeframe_of("5Min"), 1, *ALWAYS)) == 2
    for odd in ("1Min", "7Min"):
        with pytest.raises(ValueError, match="no part of it"):
            history.bars("A", timeframe_of(odd), 1, *ALWAYS)


def test_start_and_end_are_part_of_the_span():
    index = from_open("2024-03-01", 5)
    history = History(tape_of(market_of([10, 20, 15, 16, 30], [1] * 5, index)))
    assert history.bars("A", None, 4, index[1].value, index[3].value).labels.tolist() == [
        each.value for each in index[1:4]
    ]
    assert len(history.bars("A", None, 4, index[1].value + 1, index[3].value - 1)) == 1
    assert len(history.bars("A", None, 4, index[3].value, index[1].value)) == 0


def test_past_prices_are_adjusted_once_the_action_has_happened():
    days = pd.to_datetime(["2024-02-29", "2024-03-01", "2024-03-04"])
    split = Action(symbol="A", on=date(2024, 3, 1), ratio=Decimal(2))
    paid = Action(symbol="A", on=date(2024, 3, 4), dividend=Decimal("1.2"))
    history = History(tape_of(market_of([24, 12, 11], [10] * 3, days, bar=None)), (split, paid))

    def closes(row, *adjust):
        bars = history.bars("A", timeframe_of("1Day"), row, *ALWAYS, frozenset(adjust))
        return bars.close.tolist(), bars.volume.tolist()

    assert closes(2) == ([24, 12, 11], [10, 10, 10])
    assert closes(0, "split") == ([24], [10])
    assert closes(2, "split") == ([12, 12, 11], [20, 10, 10])
    # A dividend of 1.2 on a close of 12: a tenth less.
    assert closes(1, "dividend") == ([24, 12], [10, 10])
    assert closes(2, "dividend")[0] == pytest.approx([21.6, 10.8, 11])
    assert closes(2, "split", "dividend")[0] == pytest.approx([10.8, 10.8, 11])


def test_the_last_bar_and_the_days_so_far_are_found():
    index = from_open("2024-03-01", 2).append(from_open("2024-03-04", 2))
    history = History(tape_of(market_of([10, 20, np.nan, 16], [1] * 4, index)))
    # The rest of Friday is on the tape, without a bar.
    rows = (-1, 0, 1, 389, 390, 391)
    assert [history.last("A", row).close.tolist() for row in rows] == [[], [10], [20], [20], [20], [16]]
    assert [history.session("A", row).close.tolist() for row in rows] == [[], [10], [20], [20], [], [16]]
    assert [history.session("A", row, back=1).close.tolist() for row in rows] == [[], [], [], [], [20], [20]]


def test_the_last_bar_of_a_symbol_that_has_not_traded_for_long_is_found():
    index = from_open("2024-03-01", 390).append(from_open("2024-03-04", 390))
    closes = np.full(780, np.nan)
    closes[3] = 42
    history = History(tape_of(market_of(closes, [1] * 780, index)))
    assert history.last("A", 779).close.tolist() == [42]


@given(
    st.lists(st.one_of(st.none(), st.floats(5, 500)), min_size=1, max_size=40),
    st.sampled_from(["1Min", "2Min", "3Min", "7Min", "1Hour", "1Day"]),
    st.integers(-1, 39),
)
def test_coarser_bars_hold_what_the_fine_ones_hold(closes, text, row):
    assume(any(close is not None for close in closes))
    row = min(row, len(closes) - 1)
    prices = [np.nan if close is None else close for close in closes]
    index = from_open("2024-03-01", len(closes))
    history = History(tape_of(market_of(prices, [3] * len(closes), index)))
    fine, coarse = history.bars("A", None, row, *ALWAYS), history.bars("A", timeframe_of(text), row, *ALWAYS)
    # By a dictionary and Python's own arithmetic.
    held = {}
    for place, close in enumerate(prices):
        label = timeframe_of(text).label(index[place].value, date(2024, 3, 1))
        held.setdefault(label, []).append((place, close))
    expected = {
        label: [close for _, close in rows if close == close]
        for label, rows in held.items()
        if rows[-1][0] <= row and any(close == close for _, close in rows)
    }
    assert coarse.labels.tolist() == list(expected)
    assert coarse.high.tolist() == [max(each) + 1 for each in expected.values()]
    assert coarse.low.tolist() == [min(each) - 2 for each in expected.values()]
    assert coarse.close.tolist() == [each[-1] for each in expected.values()]
    assert coarse.volume.tolist() == [3 * len(each) for each in expected.values()]
    assert all(low <= vwap <= high for low, vwap, high in zip(coarse.low, coarse.vwap, coarse.high, strict=True))
    assert coarse.volume.sum() <= fine.volume.sum()


def pages(desk, query):
    """Return (symbol, t) of all pages, and how long each page was."""
    token, rows, lengths = "", [], []
    while token is not None:
        assert len(lengths) < 20, "the pages have no end"
        told = get(desk, f"/stocks/bars?{query}&page_token={token}")
        rows += [(symbol, bar["t"]) for symbol, bars in told["bars"].items() for bar in bars]
        lengths.append(sum(len(bars) for bars in told["bars"].values()))
        token = told["next_page_token"]
    return rows, lengths


def test_bars_come_with_the_markets_own_digits():
    rng = np.random.default_rng(3)
    closes = 100 * np.exp(rng.normal(0, 0.01, 6).cumsum())
    market = minutes([(c, c * 1.01, c * 0.99, c * 1.005) for c in closes], volume=1234.5)
    desk = desk_of(market)
    to_bar(desk.exchange, 4)
    told = get(desk, "/stocks/bars?symbols=A&timeframe=1Min&start=2024-03-01&feed=iex")["bars"]["A"]
    # The other two are not complete.
    assert len(told) == 4
    for key, field in {"o": "open", "h": "high", "l": "low", "c": "close", "v": "volume"}.items():
        assert [bar[key] for bar in told] == getattr(market, field)["A"].iloc[:4].tolist()
    assert [bar["t"] for bar in told] == [f"2024-03-01T14:3{minute}:00Z" for minute in range(4)]
    raw = ask(desk, "GET", "/v2/stocks/bars?symbols=A&timeframe=1Min&start=2024-03-01").body.decode()
    assert f'"c":{float(market.close["A"].iloc[0])!r},"v":1234.5' in raw


def test_a_whole_volume_is_a_whole_number_on_the_wire():
    desk = desk_of()
    to_bar(desk.exchange)
    assert b'"v":10000,"n":4,"vw":100.0' in ask(desk, "GET", "/v2/stocks/bars/latest?symbols=A").body


def test_bars_come_in_pages_by_symbol_then_time():
    desk = desk_of()
    to_bar(desk.exchange, 5)
    every = [(symbol, f"2024-03-01T14:3{minute}:00Z") for symbol in "AB" for minute in range(5)]
    for limit in range(1, 12):
        rows, lengths = pages(desk, f"symbols=B,A,NONE,A&timeframe=1Min&limit={limit}")
        assert rows == every
        assert all(length == limit for length in lengths[:-1])
        assert 0 < lengths[-1] <= limit
    backward = [(symbol, f"2024-03-01T14:3{minute}:00Z") for symbol in "AB" for minute in range(4, -1, -1)]
    for limit in (1, 3, 5, 10):
        assert pages(desk, f"symbols=A,B&timeframe=1Min&sort=desc&limit={limit}")[0] == backward


def test_a_day_begins_at_midnight_in_new_york_where_no_start_is_given():
    desk = desk_of(days=("2024-03-01", "2024-03-04"))
    desk.exchange.advance_to(new_york_ns(date(2024, 3, 4), 9, 32))
    assert len(get(desk, "/stocks/bars?symbols=A&timeframe=1Min")["bars"]["A"]) == 2
    assert len(get(desk, "/stocks/bars?symbols=A&timeframe=1Min&start=2024-03-01")["bars"]["A"]) == 7
    assert len(get(desk, "/stocks/bars?symbols=A&timeframe=1Min&start=2024-03-01&end=2024-03-04")["bars"]["A"]) == 5


def test_one_symbol_has_paths_of_its_own():
    desk = desk_of()
    assert get(desk, "/stocks/A/bars?timeframe=1Min") == {"symbol": "A", "bars": None, "next_page_token": None}
    assert get(desk, "/stocks/A/trades/latest") == {"symbol": "A", "trade": None}
    to_bar(desk.exchange, 2)
    told = get(desk, "/stocks/A/bars?timeframe=1Min&limit=1")
    assert (told["symbol"], len(told["bars"])) == ("A", 1)
    assert len(get(desk, f"/stocks/A/bars?timeframe=1Min&page_token={told['next_page_token']}")["bars"]) == 1
    assert get(desk, "/stocks/NONE/bars?timeframe=1Min")["bars"] is None
    assert get(desk, "/stocks/A/bars/latest")["bar"]["t"] == "2024-03-01T14:31:00Z"
    assert get(desk, "/stocks/A/quotes/latest")["quote"]["ap"] == 100
    assert get(desk, "/stocks/NONE/quotes/latest")["quote"] is None
    assert get(desk, "/stocks/A/snapshot")["dailyBar"]["v"] == 20_000
    assert get(desk, "/stocks/NONE/snapshot") == {"symbol": "NONE"}


def test_quotes_trades_and_snapshots_tell_the_last_print():
    desk = desk_of(prices=[(100, 100, 100, 100)], days=("2024-03-01", "2024-03-04"), fills=FillSettings(spread_bps=20))
    assert get(desk, "/stocks/quotes/latest?symbols=A")["quotes"] == {}
    to_bar(desk.exchange)
    quote = get(desk, "/stocks/quotes/latest?symbols=A,B,NONE")["quotes"]
    assert (set(quote), quote["A"]["bp"], quote["A"]["ap"]) == ({"A", "B"}, 99.9, 100.1)
    trade = get(desk, "/stocks/trades/latest?symbols=A")["trades"]["A"]
    assert (trade["p"], trade["t"]) == (100, "2024-03-01T14:31:00Z")
    desk.exchange.advance_to(new_york_ns(date(2024, 3, 4), 9, 29))
    # Three days later it is still the trade of Friday.
    assert get(desk, "/stocks/trades/latest?symbols=A")["trades"]["A"]["t"] == "2024-03-01T14:31:00Z"
    to_bar(desk.exchange)
    told = get(desk, "/stocks/snapshots?symbols=A,NONE")
    assert set(told) == {"A"}
    assert told["A"]["dailyBar"]["t"] == "2024-03-04T05:00:00Z"
    assert told["A"]["prevDailyBar"]["t"] == "2024-03-01T05:00:00Z"
    assert told["A"]["minuteBar"]["t"] == "2024-03-04T14:30:00Z"
    assert {"latestTrade", "latestQuote"} <= set(told["A"])


def test_feeds_that_the_tape_is_not_have_no_bars():
    desk = desk_of()
    to_bar(desk.exchange)
    assert get(desk, "/stocks/bars?symbols=A&timeframe=1Min&feed=otc")["bars"] == {}
    assert set(get(desk, "/stocks/bars?symbols=A&timeframe=1Min&feed=sip")["bars"]) == {"A"}


@pytest.mark.parametrize(
    "query",
    [
        "timeframe=1Min",
        "symbols=&timeframe=1Min",
        "symbols=A",
        "symbols=A&timeframe=1min",
        "symbols=A&timeframe=7Sec",
        "symbols=A&timeframe=1Min&limit=0",
        "symbols=A&timeframe=1Min&limit=10001",
        "symbols=A&timeframe=1Min&limit=-1",
        "symbols=A&timeframe=1Min&start=yesterday",
        "symbols=A&timeframe=1Min&start=2024-03-02&end=2024-03-01",
        "symbols=A&timeframe=1Min&feed=nyse",
        "symbols=A&timeframe=1Min&sort=up",
        "symbols=A&timeframe=1Min&adjustment=none",
        "symbols=A&timeframe=1Min&page_token=!",
        "symbols=A&timeframe=1Min&page_token=QQ==",
        "symbols=A&timeframe=1Min&currency=EUR",
    ],
)
def test_bad_parameters_are_a_400_with_a_message_alone(query):
    # As the broker's market data side answers; its trading side says 422 and a code.
    assert set(get(desk_of(), f"/stocks/bars?{query}", 400)) == {"message"}


def test_a_token_made_up_leads_nowhere():
    desk = desk_of()
    to_bar(desk.exchange)
    for text in ("9" * 400 + "|A", "-" + "9" * 400 + "|A", "0|ZZZ", "1|"):
        token = base64.urlsafe_b64encode(text.encode()).decode()
        assert ask(desk, "GET", f"/v2/stocks/bars?symbols=A&timeframe=1Min&page_token={token}").status in {200, 400}
    assert not desk.failures

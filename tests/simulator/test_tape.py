"""Bars as the exchange prints them."""

from datetime import date

import numpy as np
import pandas as pd
import pytest

from quantstrats import Market
from quantstrats.errors import DataError
from quantstrats.simulator.tape import tape_of
from quantstrats.simulator.times import parse_time

FIELDS = ("open", "high", "low", "close", "volume")


def daily(days, **columns):
    """Daily closes by symbol."""
    return pd.DataFrame(columns, index=pd.DatetimeIndex(days), dtype="float64")


def market_of(index, rows, **more):
    """One symbol's bars: (open, high, low, close, volume) by row."""
    table = pd.DataFrame(rows, index=index, columns=FIELDS, dtype="float64")
    return Market.from_frames(**{field: table[[field]].set_axis(["AAA"], axis=1) for field in FIELDS}, **more)


def instants(*texts):
    return [parse_time(text) for text in texts]


def test_daily_bars_are_labelled_by_midnight_in_new_york_across_the_clock_changes():
    days = ["2026-03-06", "2026-03-09", "2026-10-30", "2026-11-02", "2026-11-27"]
    for first, last, labels, starts, ends in (
        (
            *days[:2],
            instants("2026-03-06T05:00:00Z", "2026-03-09T04:00:00Z"),
            instants("2026-03-06T14:30:00Z", "2026-03-09T13:30:00Z"),
            instants("2026-03-06T21:00:00Z", "2026-03-09T20:00:00Z"),
        ),
        (
            *days[2:4],
            instants("2026-10-30T04:00:00Z", "2026-11-02T05:00:00Z"),
            instants("2026-10-30T13:30:00Z", "2026-11-02T14:30:00Z"),
            instants("2026-10-30T20:00:00Z", "2026-11-02T21:00:00Z"),
        ),
    ):
        tape = tape_of(Market.from_frames(close=daily([first, last], AAA=[10.0, 11.0])))
        assert tape.daily
        assert (tape.labels.tolist(), tape.starts.tolist(), tape.ends.tolist()) == (labels, starts, ends)
        assert tape.session_days == (date.fromisoformat(first), date.fromisoformat(last))
        assert {tape.labels.dtype, tape.starts.dtype, tape.ends.dtype} == {np.dtype("int64")}


def test_a_half_day_bar_ends_at_one():
    tape = tape_of(Market.from_frames(close=daily(["2026-11-25", "2026-11-27"], AAA=[10.0, 11.0])))
    assert tape.ends.tolist() == instants("2026-11-25T21:00:00Z", "2026-11-27T18:00:00Z")
    # Three and a half hours in three parts of 70 minutes.
    assert tape.print_times(1) == tuple(
        instants("2026-11-27T14:30:00Z", "2026-11-27T15:40:00Z", "2026-11-27T16:50:00Z", "2026-11-27T18:00:00Z")
    )


def test_a_minute_bar_prints_at_its_start_its_thirds_and_its_end():
    index = pd.date_range("2026-03-09 09:30", periods=3, freq="1min", tz="America/New_York")
    tape = tape_of(market_of(index, [(10, 12, 9, 11, 400)] * 3))
    assert not tape.daily
    assert tape.labels.tolist() == tape.starts.tolist()
    assert tape.starts.tolist() == instants("2026-03-09T13:30:00Z", "2026-03-09T13:31:00Z", "2026-03-09T13:32:00Z")
    assert tape.ends[0] == tape.starts[1]
    assert tape.print_times(0) == tuple(
        instants("2026-03-09T13:30:00Z", "2026-03-09T13:30:20Z", "2026-03-09T13:30:40Z", "2026-03-09T13:31:00Z")
    )
    assert tape.session_days == (date(2026, 3, 9),) * 3


def test_the_last_bar_of_a_session_may_be_shorter():
    # Of 6.5 hours the seventh bar has half an hour; of a half-day's 3.5 hours the fourth.
    index = pd.date_range("2026-11-27 09:30", periods=4, freq="1h", tz="America/New_York")
    tape = tape_of(market_of(index, [(10, 12, 9, 11, 400)] * 4))
    assert tape.print_times(3) == tuple(
        instants("2026-11-27T17:30:00Z", "2026-11-27T17:40:00Z", "2026-11-27T17:50:00Z", "2026-11-27T18:00:00Z")
    )
    usual = pd.date_range("2026-11-25 09:30", periods=7, freq="1h", tz="America/New_York")
    assert tape_of(market_of(usual, [(10, 12, 9, 11, 400)] * 7)).ends[-1] == parse_time("2026-11-25T21:00:00Z")


def test_intraday_bars_follow_the_clock_change():
    friday = pd.date_range("2026-10-30 15:59", periods=1, freq="1min", tz="America/New_York")
    monday = pd.date_range("2026-11-02 09:30", periods=1, freq="1min", tz="America/New_York")
    tape = tape_of(market_of(friday.append(monday), [(10, 12, 9, 11, 400)] * 2, bar="1min"))
    assert tape.starts.tolist() == instants("2026-10-30T19:59:00Z", "2026-11-02T14:30:00Z")
    assert tape.session_days == (date(2026, 10, 30), date(2026, 11, 2))


@pytest.mark.parametrize(
    ("bar", "prices"),
    [
        ((10, 12, 9, 11, 400), [10, 9, 12, 11]),  # up: the low comes first
        ((11, 12, 9, 10, 400), [11, 12, 9, 10]),  # down: the high comes first
        ((10, 12, 9, 10, 400), [10, 9, 12, 10]),  # level: as up
        ((10, 10, 10, 10, 400), [10, 10, 10, 10]),
    ],
)
def test_prices_print_as_open_extremes_and_close(bar, prices):
    tape = tape_of(market_of(pd.DatetimeIndex(["2026-03-09"]), [bar]))
    assert tape.print_prices(0)[:, 0].tolist() == prices
    assert tape.print_volume(0).tolist() == [100.0]


def test_a_missing_bar_prints_nothing_and_gives_nothing():
    frame = daily(["2026-03-09", "2026-03-10", "2026-03-11"], OLD=[10.0, np.nan, 12.0], NEW=[np.nan, np.nan, 5.0])
    volume = frame * 100
    tape = tape_of(Market.from_frames(close=frame, open=frame, high=frame, low=frame, volume=volume))
    assert tape.symbols == ("OLD", "NEW")
    assert np.isnan(tape.print_prices(0)[:, tape.column("NEW")]).all()
    assert np.isnan(tape.print_prices(1)).all()
    assert tape.print_volume(0).tolist() == [250.0, 0.0]
    assert tape.print_volume(1).tolist() == [0.0, 0.0]
    assert tape.print_prices(2).tolist() == [[12.0, 5.0]] * 4


@pytest.mark.parametrize("volume", [None, 0.0])
def test_closes_alone_print_four_times_without_limit(volume):
    frame = daily(["2026-03-09", "2026-03-10"], AAA=[10.0, 11.0])
    given = {} if volume is None else {"volume": frame * volume}
    tape = tape_of(Market.from_frames(close=frame, **given))
    assert tape.print_prices(1)[:, 0].tolist() == [11.0] * 4
    assert tape.print_volume(1).tolist() == [np.inf]


def test_the_bars_are_the_markets_own_memory():
    market = market_of(pd.DatetimeIndex(["2026-03-09", "2026-03-10"]), [(10, 12, 9, 11, 400)] * 2)
    tape = tape_of(market)
    assert set(tape.bars) == set(FIELDS)
    for field in FIELDS:
        assert tape.bars[field] is market.array(field)
        assert np.shares_memory(tape.bars[field], market.array(field))
        assert not tape.bars[field].flags.writeable


def test_a_part_of_a_market_keeps_its_own_days():
    market = Market.from_frames(close=daily(["2026-03-06", "2026-03-09", "2026-03-10"], AAA=[1.0, 2.0, 3.0]))
    tape = tape_of(market.rows(1, 3))
    assert tape.session_days == (date(2026, 3, 9), date(2026, 3, 10))
    assert len(tape) == 2
    assert tape.sessions.of(date(2028, 3, 9)) is not None


def test_a_symbol_that_is_not_there_is_a_key_error():
    tape = tape_of(Market.from_frames(close=daily(["2026-03-09"], AAA=[10.0])))
    assert tape.column("AAA") == 0
    with pytest.raises(KeyError):
        tape.column("BBB")


def test_other_names_of_new_yorks_calendar_will_do():
    assert len(tape_of(Market.from_frames(close=daily(["2026-03-09"], AAA=[10.0]), calendar="NASDAQ"))) == 1


@pytest.mark.parametrize("calendar", ["24/7", "XLON"])
def test_bars_of_another_exchange_are_refused(calendar):
    market = Market.from_frames(close=daily(["2026-03-09"], AAA=[10.0]), calendar=calendar)
    with pytest.raises(DataError, match=r"New York's exchanges are \(XNYS\); these bars are of") as refused:
        tape_of(market)
    assert "\n" not in str(refused.value)

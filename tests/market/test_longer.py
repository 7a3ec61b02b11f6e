"""Longer bars: by hand, on real minutes against plain pandas, and that no row sees a longer bar before it is over."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from quantstrats import DataError, Market, SideSeries, Signal, load_market
from quantstrats.evaluation import evaluate
from quantstrats.guard.check import check_lookahead

NAN = float("nan")
NEW_YORK = "America/New_York"
FIELDS = ("open", "high", "low", "close", "volume")


def times(day, first, count, minutes):
    """Return labels of bars that follow each other, on New York's clock."""
    return pd.date_range(f"{day} {first}", periods=count, freq=f"{minutes}min", tz=NEW_YORK)


def bars(index, closes, volumes=None, **facts):
    """Make a market of one symbol: each bar opens 1 below its close, and ranges from 2 below to 3 above it."""
    close = pd.Series(closes, index=index, dtype="float64", name="A")
    volume = pd.Series(range(1, len(index) + 1) if volumes is None else volumes, index=index, dtype="float64", name="A")
    return Market.from_frames(
        open=close - 1, high=close + 3, low=close - 2, close=close, volume=volume.mask(close.isna()), **facts
    )


def table(market):
    """Return a market's bars of one symbol as rows of open, high, low, close, volume."""
    return np.column_stack([market.array(field)[:, 0] for field in FIELDS]).tolist()


def local(market):
    return market.index.tz_convert(NEW_YORK).strftime("%m-%d %H:%M").tolist()


# ------------------------------------------------------------------------------------------------------- resampled


def test_a_longer_bar_opens_with_the_first_and_closes_with_the_last_of_its_bars():
    market = bars(times("2015-06-01", "09:30", 6, 5), [10, 15, 12, 20, 18, 30]).resampled("15min")
    assert local(market) == ["06-01 09:30", "06-01 09:45"]
    assert table(market) == [[9, 18, 8, 12, 6], [19, 33, 16, 30, 15]]
    assert market.bar == pd.Timedelta("15min")
    assert market.decided_at.tz_convert(NEW_YORK).strftime("%H:%M").tolist() == ["09:45", "10:00"]


def test_missing_bars_leave_a_longer_bar_to_those_that_are_there():
    closes = [NAN, 15, 12, 20, 18, NAN, NAN, NAN, NAN, 5, NAN, 7]
    market = bars(times("2015-06-01", "09:30", 12, 5), closes).resampled("15min")
    assert table(market)[:2] == [[14, 18, 10, 12, 5], [19, 23, 16, 18, 9]]
    assert np.isnan(table(market)[2]).all()
    assert table(market)[3] == [4, 10, 3, 7, 22]


def test_a_volume_that_is_unknown_adds_nothing_and_none_known_is_none():
    market = bars(times("2015-06-01", "09:30", 6, 5), [10] * 6, [7, NAN, 8, NAN, NAN, NAN]).resampled("15min")
    assert market.volume["A"].tolist() == pytest.approx([15, NAN], nan_ok=True)


def test_the_last_bar_of_a_session_may_be_shorter_and_an_early_close_ends_it():
    # 2015-11-26 is Thanksgiving, on the 27th the exchange closes at 13:00.
    index = times("2015-11-25", "09:30", 13, 30).append(times("2015-11-27", "09:30", 7, 30))
    market = bars(index, range(20, 40)).resampled("1h")
    assert local(market)[5:9] == ["11-25 14:30", "11-25 15:30", "11-27 09:30", "11-27 10:30"]
    assert table(market)[6] == [31, 35, 30, 32, 13]
    assert local(market)[-1] == "11-27 12:30"
    assert table(market)[-1] == [38, 42, 37, 39, 20]
    assert market.decided_at[-1] == pd.Timestamp("2015-11-27 13:00", tz=NEW_YORK)
    daily = market.resampled("1D")
    assert daily.index.tolist() == [pd.Timestamp("2015-11-25"), pd.Timestamp("2015-11-27")]
    assert table(daily) == [[19, 35, 18, 32, 91], [32, 42, 31, 39, 119]]
    assert daily.bar is None


@pytest.mark.parametrize(("friday", "monday"), [("2015-03-06", "2015-03-09"), ("2015-10-30", "2015-11-02")])
def test_a_change_of_the_clock_between_sessions_changes_no_bar(friday, monday):
    index = times(friday, "09:30", 13, 30).append(times(monday, "09:30", 13, 30))
    market = bars(index, range(20, 46))
    hours = market.resampled("60min")
    clock = [f"{hour:02}:30" for hour in range(9, 16)]
    assert [text[-5:] for text in local(hours)] == clock * 2
    assert market.resampled("1D").close["A"].tolist() == [32, 45]
    assert market.resampled("1D").open["A"].tolist() == [19, 32]


@pytest.mark.parametrize(("day", "count"), [("2024-03-31", 23), ("2024-10-27", 25)])
def test_where_the_market_never_closes_the_day_is_that_of_utc_whatever_the_clocks_do(day, count):
    index = pd.date_range(f"{day} 00:00", f"{day} 23:59", freq="h", tz="Europe/Berlin").tz_convert("UTC")
    assert len(index) == count
    whole = pd.date_range("2024-03-30", periods=72, freq="h", tz="UTC")
    market = bars(whole, range(10, 82), calendar="24/7")
    assert market.resampled("1D").close["A"].tolist() == [33, 57, 81]
    assert len(market.resampled("4h")) == 18


def test_a_longer_bar_that_the_rows_hold_only_a_part_of_is_left_out_at_either_end():
    index = times("2015-06-01", "09:30", 78, 5).append(times("2015-06-02", "09:30", 78, 5))
    market = bars(index, range(100, 256))
    part = market.rows(1, 155)
    assert local(part.resampled("15min"))[0] == "06-01 09:45"
    assert local(part.resampled("15min"))[-1] == "06-02 15:30"
    assert local(market.rows(3, 156).resampled("15min"))[0] == "06-01 09:45"
    assert market.rows(1, 156).resampled("1D").index.tolist() == [pd.Timestamp("2015-06-02")]
    assert market.rows(0, 155).resampled("1D").index.tolist() == [pd.Timestamp("2015-06-01")]
    assert market.resampled("1D").close["A"].tolist() == [177, 255]
    with pytest.raises(DataError, match="the 154 rows hold no whole bar of 1D; load more of them"):
        part.resampled("1D")


def test_what_stands_beside_the_bars_comes_along_as_it_was_known():
    index = times("2015-06-01", "09:30", 13, 30).append(times("2015-06-02", "09:30", 13, 30))
    vix = SideSeries(
        pd.Series([12.0, 13.0], index=pd.to_datetime(["2015-06-01", "2015-06-02"]), name="vix"),
        pd.DatetimeIndex(["2015-06-01 16:15", "2015-06-02 16:15"], tz=NEW_YORK),
    )
    inside = pd.DataFrame({"A": [False] * 12 + [True] * 12 + [False] * 2}, index=index)
    facts = {"ended": {"A": "2015-06-02"}, "delisting_return": -0.5, "side": {"vix": vix}, "universe": inside}
    market = bars(index, range(20, 46), stamps=["an index is not tradable"], **facts)
    daily = market.resampled("1D")
    assert daily.universe["A"].tolist() == [True, False]
    assert daily.side["vix"].tolist() == pytest.approx([NAN, 12.0], nan_ok=True)
    assert dict(daily.ended) == {"A": pd.Timestamp("2015-06-02")}
    assert dict(daily.delisting_return) == {"A": -0.5}
    assert daily.stamps == market.stamps
    assert daily.calendar == market.calendar
    assert dict(daily.origin) == {"source": "frames", "resample": "1D"}
    assert market.resampled("1h").universe["A"].tolist() == [False] * 6 + [True] * 6 + [False] * 2
    with pytest.raises(ValueError, match="read-only"):
        daily.array("close")[0, 0] = 1


def test_what_became_known_after_the_last_longer_bar_is_not_in_the_market():
    index = times("2015-06-01", "09:30", 13, 30).append(times("2015-06-02", "09:30", 4, 30))
    late = SideSeries(pd.Series([1.0, 2.0]), pd.DatetimeIndex(["2015-06-01 15:00", "2015-06-02 10:00"], tz=NEW_YORK))
    market = bars(index, [*range(20, 33), *[NAN] * 4], ended={"A": "2015-06-01"}, side={"late": late})
    assert dict(market.ended) == {"A": pd.Timestamp("2015-06-01")}
    daily = market.resampled("1D")
    assert daily.index.tolist() == [pd.Timestamp("2015-06-01")]
    assert not daily.ended
    assert daily.side.series["late"].values.tolist() == [1.0]
    assert dict(market.resampled("30min").ended) == dict(market.ended)


def test_the_same_length_is_the_same_market(nasdaq):
    assert nasdaq.resampled("1D") is nasdaq
    market = bars(times("2015-06-01", "09:30", 6, 5), range(10, 16))
    assert market.resampled("5min") is market


@pytest.mark.parametrize(
    ("bar", "message"),
    [
        ("7min", r"bars of 7min are no whole number of bars of 5min; choose a multiple"),
        ("1min", r"bars of 1min are no whole number of bars of 5min"),
        ("week", r"bar is 'week' \(it can be a length up to 12 hours as in '1h', 1D\)"),
        ("D", r"bar is 'D'; did you mean '1D'\?"),
        ("20h", "bar is '20h'"),
        ("2D", "bar is '2D'"),
        ("-5min", "bar is '-5min'"),
        ("soon", "bar is 'soon'"),
        (None, "bar is 'None'"),
    ],
)
def test_a_length_that_does_not_fit_is_told(bar, message):
    with pytest.raises(DataError, match=message):
        bars(times("2015-06-01", "09:30", 6, 5), range(10, 16)).resampled(bar)


def test_daily_bars_cannot_be_made_shorter(nasdaq):
    with pytest.raises(DataError, match="bars of 60min are no whole number of bars of 1D"):
        nasdaq.longer("1h")
    with pytest.raises(DataError, match=r"bar is 'weak'; did you mean 'week'\? .*1D, week, month, quarter, year\)"):
        nasdaq.longer("weak")


# ---------------------------------------------------------------------------------------------------------- longer


def daily(first, closes, **facts):
    """Make daily bars of the exchange's sessions from a day on."""
    days = pd.bdate_range(first, periods=len(closes) + 5)
    holidays = ["2015-01-01", "2015-01-19", "2015-02-16", "2015-04-03", "2015-05-25", "2015-07-03"]
    return bars(days.difference(pd.to_datetime(holidays))[: len(closes)], closes, **facts)


def test_a_row_shows_the_last_longer_bar_that_is_complete_when_it_is():
    market = bars(times("2015-06-01", "09:30", 8, 5), [10, 15, 12, 20, 18, 30, 7, 8])
    longer = market.longer("15min")
    assert longer.close["A"].tolist() == pytest.approx([NAN, NAN, 12, 12, 12, 30, 30, 30], nan_ok=True)
    assert longer.open["A"].tolist() == pytest.approx([NAN, NAN, 9, 9, 9, 19, 19, 19], nan_ok=True)
    assert longer.high["A"].tolist() == pytest.approx([NAN, NAN, 18, 18, 18, 33, 33, 33], nan_ok=True)
    assert longer.low["A"].tolist() == pytest.approx([NAN, NAN, 8, 8, 8, 16, 16, 16], nan_ok=True)
    assert longer.volume["A"].tolist() == pytest.approx([NAN, NAN, 6, 6, 6, 15, 15, 15], nan_ok=True)
    assert longer.close.index.equals(market.index)
    assert len(longer) == 2


def test_a_week_is_over_with_its_last_session_even_if_that_is_a_thursday():
    # 2015-03-30 is a Monday; Good Friday, 3 April, is no session. The market begins on Thursday, 26 March.
    market = daily("2015-03-26", range(10, 20))
    assert market.index[2:7].strftime("%a %d").tolist() == ["Mon 30", "Tue 31", "Wed 01", "Thu 02", "Mon 06"]
    week = market.longer("week")
    assert week.index.tolist() == [pd.Timestamp("2015-03-30")]
    assert week.close["A"].tolist() == pytest.approx([NAN] * 5 + [15] * 5, nan_ok=True)
    assert week.open["A"].iloc[-1] == 11
    assert week.high["A"].iloc[-1] == 18
    assert week.volume["A"].iloc[-1] == 3 + 4 + 5 + 6


def test_the_last_row_completes_its_week_by_the_calendar_and_not_by_the_rows_that_follow():
    market = daily("2015-03-30", range(10, 14))
    assert market.longer("week").close["A"].tolist() == pytest.approx([NAN, NAN, NAN, 13], nan_ok=True)
    assert market.rows(0, 3).longer("week").close["A"].isna().all()


@pytest.mark.parametrize(
    ("period", "first", "last"),
    [("month", "2015-01-30", None), ("quarter", "2015-03-31", "2014-10-01"), ("year", "2015-12-31", None)],
)
def test_months_quarters_and_years_are_over_with_their_last_session(nasdaq, period, first, last):
    year = nasdaq.between(last or "2015-01-01", "2015-12-31")
    longer = year.longer(period)
    code = {"month": "M", "quarter": "Q", "year": "Y"}[period]
    groups = year.close["NASDAQ"].groupby(year.index.to_period(code))
    ends = pd.DatetimeIndex(groups.apply(lambda closes: closes.index[-1]))
    expected = groups.last().set_axis(ends).reindex(year.index).ffill()
    pd.testing.assert_series_equal(longer.close["NASDAQ"], expected, check_names=False, check_freq=False)
    assert pd.Timestamp(first) in ends
    assert longer.close["NASDAQ"].notna().any()
    assert len(longer) == len(ends)


def test_a_period_whose_first_rows_are_not_there_is_left_out(nasdaq):
    market = nasdaq.between("2015-01-05", "2015-03-31")
    month = market.longer("month")
    assert month.index.strftime("%m-%d").tolist() == ["02-02", "03-02"]
    assert month.close["NASDAQ"].loc[:"2015-02-26"].isna().all()
    assert nasdaq.between("2015-01-05", "2015-01-20").longer("month").close["NASDAQ"].isna().all()


def test_a_week_of_intraday_rows_begins_and_ends_with_whole_sessions():
    index = pd.DatetimeIndex([])
    for day in pd.bdate_range("2015-06-01", "2015-06-12"):
        index = index.append(times(day.date(), "09:30", 13, 30))
    market = bars(index, range(100, 230))
    week = market.longer("week")
    assert week.index.tolist() == [pd.Timestamp("2015-06-01"), pd.Timestamp("2015-06-08")]
    assert week.close["A"].tolist() == pytest.approx([NAN] * 64 + [164] * 65 + [229], nan_ok=True)
    assert market.rows(1, 130).longer("week").close["A"].tolist() == pytest.approx([NAN] * 128 + [229], nan_ok=True)
    assert market.rows(0, 129).longer("week").index.tolist() == [pd.Timestamp("2015-06-01")]
    days = market.longer("1D").close["A"].tolist()
    assert days[12:26] == [112] * 13 + [125]
    assert np.isnan(days[:12]).all()
    assert np.isnan(market.rows(1, 26).longer("1D").close["A"].tolist()[:24]).all()


def test_a_longer_bar_without_any_bar_in_it_is_missing_when_it_is_the_last():
    closes = [10, 11, 12, 13, 14, *[NAN] * 5, 15, 16]
    market = daily("2015-06-01", closes)
    assert market.longer("week").close["A"].tolist() == pytest.approx([NAN] * 4 + [14] * 5 + [NAN] * 3, nan_ok=True)


def test_what_is_calculated_with_longer_bars_goes_back_to_the_rows(nasdaq):
    market = nasdaq.between("2015-01-05", "2015-06-30")
    weekly = market.longer("week")
    mean = weekly.on_rows(weekly.bars("close").rolling(3).mean())["NASDAQ"]
    fridays = market.close["NASDAQ"].resample("W-FRI").last()
    assert mean.loc["2015-06-24"] == pytest.approx(fridays.loc[["2015-06-05", "2015-06-12", "2015-06-19"]].mean())
    assert mean.loc["2015-06-26"] == pytest.approx(fridays.loc[["2015-06-12", "2015-06-19", "2015-06-26"]].mean())
    with pytest.raises(DataError, match="the frame's 120 rows are not the 25 longer bars; keep their index"):
        weekly.on_rows(market.close.iloc[:120])
    with pytest.raises(DataError, match="no field called 'closes'; did you mean 'close'"):
        weekly.bars("closes")


# --------------------------------------------------------------------------------------------- nothing of the future

LENGTHS = ["1h", "90min", "1D", "week", "month"]


def half_hours(rng, days=45, width=2):
    """Half-hour bars from Friday, 23 January 2015 on: months, weeks with a holiday, the clock changes on 8 March."""
    index = pd.DatetimeIndex([])
    for day in pd.bdate_range("2015-01-23", periods=days).difference(pd.to_datetime(["2015-02-16"])):
        index = index.append(times(day.date(), "09:30", 13, 30))
    close = pd.DataFrame(50 * np.exp(rng.normal(0, 0.01, (len(index), width)).cumsum(0)), index=index)
    close = close.mask(rng.random(close.shape) < 0.2).rename(columns=str)
    volume = pd.DataFrame(rng.integers(1, 100, close.shape), index=index, columns=close.columns).mask(close.isna())
    return Market.from_frames(open=close * 0.999, high=close * 1.01, low=close * 0.99, close=close, volume=volume)


@pytest.fixture(scope="module")
def noise():
    return half_hours(np.random.default_rng(3))


@given(data=st.data())
def test_other_bars_after_a_row_change_nothing_up_to_it(noise, data):
    row = data.draw(st.integers(0, len(noise) - 2))
    length = data.draw(st.sampled_from(LENGTHS))
    seed = data.draw(st.integers(0, 1000))
    factor = np.ones((len(noise), 1))
    factor[row + 1 :] = np.exp(np.random.default_rng(seed).normal(0, 1, (len(noise) - row - 1, 1)))
    other = noise.with_values({field: noise.array(field) * factor for field in FIELDS})
    for field in FIELDS:
        changed, known = (getattr(market.longer(length), field).iloc[: row + 1] for market in (other, noise))
        pd.testing.assert_frame_equal(changed, known, check_exact=True)
        cut = getattr(noise.rows(0, row + 1).longer(length), field)
        pd.testing.assert_frame_equal(cut, known, check_exact=True)


@given(data=st.data())
def test_a_later_start_gives_the_same_numbers_once_a_longer_bar_is_whole(noise, data):
    length = data.draw(st.sampled_from(LENGTHS))
    start = data.draw(st.integers(0, len(noise) - 1))
    whole, late = noise.longer(length), noise.rows(start, len(noise)).longer(length)
    known = late.close.notna().any(axis=1)
    for field in FIELDS:
        expected, found = getattr(whole, field).iloc[start:], getattr(late, field)
        pd.testing.assert_frame_equal(found[known], expected[known], check_exact=True)
    # It is blind for the rest of the longer bar that had begun, and for one whole.
    most = {"1h": 2 + 2, "90min": 3 + 3, "1D": 26, "week": 2 * 65, "month": 2 * 23 * 13}[length] - 1
    shown = whole.bars("close").notna().any(axis=1).all()
    assert not shown or known.iloc[most - 1 :].all()


@given(data=st.data())
def test_a_market_of_longer_bars_is_the_same_on_fewer_rows(noise, data):
    length = data.draw(st.sampled_from(["1h", "90min", "1D"]))
    first = data.draw(st.integers(0, len(noise) - 40))
    stop = data.draw(st.integers(first + 27, len(noise)))
    whole, part = noise.resampled(length), noise.rows(first, stop).resampled(length)
    rows = whole.index.get_indexer(part.index)
    assert (np.diff(rows) == 1).all()
    for field in FIELDS:
        np.testing.assert_array_equal(part.array(field), whole.array(field)[rows])
    assert part.decided_at.equals(whole.decided_at[rows])
    inside = (whole.index >= part.index[0]) & (whole.decided_at <= noise.decided_at[stop - 1])
    assert inside.sum() == len(part)


@dataclass(frozen=True)
class WeeklyTrend(Signal):
    """The last close against the mean of so many weekly closes."""

    name = "weekly_trend"
    weeks: int = 4

    def warmup(self):
        return 5 * (self.weeks + 1) - 1

    def forecast(self, market):
        weekly = market.longer("week")
        return market.close / weekly.on_rows(weekly.bars("close").rolling(self.weeks).mean()) - 1


@dataclass(frozen=True)
class LastWeek(Signal):
    """The day's close against that of the last week that is over."""

    name = "last_week"
    rows: int = 9

    def warmup(self):
        return self.rows

    def forecast(self, market):
        return market.close / market.longer("week").close - 1


@pytest.mark.parametrize("signal", [LastWeek(), WeeklyTrend()])
def test_the_guard_finds_nothing_in_a_signal_on_weeks(nasdaq, signal):
    market = nasdaq.between("2014-01-06", "2016-12-30")
    forecast = evaluate(signal, market)
    assert forecast["NASDAQ"].notna().sum() == len(market) - signal.warmup() + 1
    report = check_lookahead(signal, market, forecast, mode="full")
    assert report.result == "clean"
    assert report.rows == len(market) - signal.warmup() + 1


def test_the_guard_finds_a_warm_up_that_holds_no_whole_week(nasdaq):
    from quantstrats.errors import LookAheadError

    market, signal = nasdaq.between("2014-01-06", "2014-12-30"), LastWeek(rows=8)
    with pytest.raises(LookAheadError):
        check_lookahead(signal, market, evaluate(signal, market), mode="full")


# ------------------------------------------------------------------------------------------------- on real minutes


@pytest.fixture(scope="module")
def minutes():
    folder = os.environ.get("QUANTSTRATS_TEST_DATA")
    if not folder:
        pytest.skip("needs real market data: QUANTSTRATS_TEST_DATA is not set")
    path = Path(folder) / "minute_us_2014-11_2015-07.parquet"
    # On an early close the file goes on after it; two sessions are missing.
    return load_market("files", ["SPY", "AAPL"], path=path, time_zone="US/Eastern", repair="drop")


def grouped(market, key, symbol):
    """Aggregate the bars that are there with pandas, by a key of each row."""
    columns = {field: getattr(market, field)[symbol] for field in FIELDS}
    frame = pd.DataFrame(columns).dropna(subset="close")
    how = {"open": "first", "high": "max", "low": "min", "close": "last", "volume": "sum"}
    return frame.groupby(key.reindex(frame.index)).agg(how)


@pytest.mark.parametrize("length", [5, 60])
def test_real_minutes_make_the_longer_bars_that_grouping_by_the_clock_finds(minutes, length):
    clock = minutes.index.tz_convert("America/New_York")
    since_open = (clock.hour * 60 + clock.minute - 570) // length
    key = pd.Series(minutes.session.strftime("%Y-%m-%d ") + since_open.astype(str).str.zfill(3), index=minutes.index)
    longer = minutes.resampled(f"{length}min")
    assert len(longer) == key.nunique()
    for symbol in minutes.symbols:
        expected = grouped(minutes, key, symbol)
        found = pd.DataFrame({field: getattr(longer, field)[symbol] for field in FIELDS}).dropna(subset="close")
        np.testing.assert_array_equal(found.to_numpy(), expected.to_numpy())
    assert longer.close["SPY"].loc["2014-12-15"].isna().all()


def test_real_days_show_on_the_minutes_from_their_close_on(minutes):
    session = pd.Series(minutes.session, index=minutes.index)
    days = minutes.resampled("1D")
    shown = minutes.longer("1D")
    for symbol in minutes.symbols:
        expected = grouped(minutes, session, symbol).reindex(session.unique())
        found = pd.DataFrame({field: getattr(days, field)[symbol] for field in FIELDS})
        np.testing.assert_array_equal(found.to_numpy(), expected.to_numpy())
        # The day before, but the day itself on its last minute.
        last = ~session.duplicated(keep="last")
        for field in FIELDS:
            before = session.map(expected[field].shift()).where(~last, session.map(expected[field]))
            np.testing.assert_array_equal(getattr(shown, field)[symbol].to_numpy(), before.to_numpy())
    assert days.close["SPY"].loc["2014-12-15"] != days.close["SPY"].loc["2014-12-15"]


@dataclass(frozen=True)
class OpeningGap(Signal):
    """This minute against yesterday's close: intraday and daily bars together."""

    name = "opening_gap"

    def warmup(self):
        return 390 * 2 - 1

    def forecast(self, market):
        return market.close / market.longer("1D").close - 1


def test_the_guard_finds_nothing_in_a_signal_on_real_minutes_and_days(minutes):
    market = minutes.between("2015-02-02", "2015-02-27")
    forecast = evaluate(OpeningGap(), market)
    assert forecast["SPY"].iloc[389 * 2 + 1 :].notna().mean() > 0.99
    report = check_lookahead(OpeningGap(), market, forecast)
    assert report.result == "clean"

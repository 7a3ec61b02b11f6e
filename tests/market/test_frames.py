"""What is refused when frames become a Market, and what is not."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from quantstrats import Market
from quantstrats.errors import DataError

DAYS = pd.to_datetime(["2015-01-14", "2015-01-15", "2015-01-16", "2015-01-20", "2015-01-21"])  # the 19th is a holiday
FIELDS = ("open", "high", "low", "close", "volume")


def table(index=DAYS, **columns):
    columns = columns or {"A": [10.0, 11, 12, 13, 14], "B": [20.0, 21, 22, 23, 24]}
    return pd.DataFrame(columns, index=index)


def bars(**changed):
    """Return five equal fields; ``changed`` names fields and the values to set as (row, symbol, value)."""
    frames = {field: table() for field in FIELDS}
    for field, (row, symbol, value) in changed.items():
        frames[field].loc[DAYS[row], symbol] = value
    return frames


def minutes(count, start="2015-01-14 09:30", freq="5min", zone="America/New_York"):
    index = pd.date_range(start, periods=count, freq=freq, tz=zone)
    return pd.DataFrame({"A": np.arange(1.0, count + 1)}, index=index)


def refusal(**frames):
    with pytest.raises(DataError) as told:
        Market.from_frames(**frames)
    assert "\n" not in str(told.value)
    return str(told.value)


def test_a_session_that_the_frames_lack_becomes_missing_bars():
    market = Market.from_frames(close=table().drop(DAYS[1]))
    assert market.index.tolist() == DAYS.tolist()
    assert market.close.iloc[1].isna().all()
    assert market.volume.isna().all(axis=None)
    assert not market.present[1].any()


def test_a_holiday_is_no_row():
    assert pd.Timestamp("2015-01-19") not in Market.from_frames(close=table()).index


def test_an_intraday_bar_that_the_frames_lack_becomes_a_missing_bar():
    market = Market.from_frames(close=minutes(6).drop(minutes(6).index[3]))
    assert market.close["A"].isna().tolist() == [False, False, False, True, False, False]
    assert market.bar == pd.Timedelta("5min")


def test_a_symbol_called_cash_is_refused():
    assert refusal(close=table(cash=[1.0, 2, 3, 4, 5])).startswith("close: a symbol cannot be called 'cash'")


def test_a_series_is_one_symbol_named_after_it():
    assert Market.from_frames(close=table()["A"]).symbols.tolist() == ["A"]
    assert Market.from_frames(close=table()["A"].rename(None)).symbols.tolist() == ["asset"]


def test_close_alone_makes_every_price_the_close_and_says_so():
    market = Market.from_frames(close=table())
    pd.testing.assert_frame_equal(market.open, market.close)
    pd.testing.assert_frame_equal(market.low, market.close)
    assert market.stamps == ("close-only bars: open, high and low are the close, so an order fills at the next close",)


def test_symbols_stand_in_the_order_of_close():
    frames = bars()
    frames["open"] = frames["open"][["B", "A"]]
    assert Market.from_frames(**frames).open.iloc[0].to_dict() == {"A": 10.0, "B": 20.0}


@pytest.mark.parametrize("kind", ["float32", "int64", "Float64"])
def test_every_kind_of_number_becomes_float64(kind):
    market = Market.from_frames(close=table().astype(kind))
    assert market.array("close").dtype == np.float64
    assert market.close.iloc[0].tolist() == [10.0, 20.0]


def test_numbers_as_symbols_become_text():
    close = table().set_axis([7203, 6758], axis=1)
    market = Market.from_frames(close=close, universe=close > 11, ended={"7203": DAYS[-1]})
    assert market.symbols.tolist() == ["7203", "6758"]
    assert market.universe["7203"].tolist() == [False, False, True, True, True]


@pytest.mark.parametrize("zone", ["UTC", "America/New_York"])
def test_midnights_of_any_zone_are_daily_labels(zone):
    assert Market.from_frames(close=table(DAYS.tz_localize(zone))).index.tolist() == DAYS.tolist()


def test_a_given_bar_below_a_day_makes_a_midnight_an_instant():
    one = pd.DataFrame({"BTC": [1.0]}, index=pd.DatetimeIndex(["2025-01-01"], tz="UTC"))
    market = Market.from_frames(close=one, calendar="24/7", bar="4h")
    assert market.bar == pd.Timedelta("4h")
    assert market.decided_at.tolist() == [pd.Timestamp("2025-01-01 04:00", tz="UTC")]


@pytest.mark.parametrize("field", ["open", "high", "low", "close"])
@pytest.mark.parametrize(
    ("value", "message"),
    [
        (0.0, "is zero or negative"),
        (-1.0, "is zero or negative"),
        (np.inf, "is infinite"),
        (np.nan, "is missing while"),
    ],
)
def test_a_price_that_cannot_stand_is_named_with_its_row_and_symbol(field, value, message):
    told = refusal(**bars(**{field: (3, "B", value)}))
    assert message in told
    assert "first at 2015-01-20 B; mend the data or make those bars NaN" in told
    # A missing close is noticed where the open is there.
    assert told.startswith("open" if field == "close" and np.isnan(value) else field)


def test_negative_infinity_is_negative():
    assert refusal(**bars(low=(0, "A", -np.inf))).startswith("low is zero or negative in 1 bar, first at 2015-01-14 A")


@pytest.mark.parametrize(("value", "message"), [(-1.0, "volume is negative"), (np.inf, "volume is infinite")])
def test_a_volume_that_cannot_stand_is_named(value, message):
    assert refusal(**bars(volume=(1, "A", value))).startswith(f"{message} in 1 bar, first at 2015-01-15 A")


def test_volume_may_be_zero_or_unknown_where_there_is_a_bar():
    assert Market.from_frames(**bars(volume=(1, "A", 0.0))).volume.iloc[1, 0] == 0
    assert np.isnan(Market.from_frames(**bars(volume=(1, "A", np.nan))).volume.iloc[1, 0])


def test_volume_without_prices_is_refused():
    missing = dict.fromkeys(("open", "high", "low", "close"), (2, "A", np.nan))
    assert refusal(**bars(**missing)).startswith("volume is there while the prices are missing in 1 bar")


def test_wrong_values_are_counted():
    close = table(A=[0.0, 1, 0, 1, -3])
    assert refusal(close=close).startswith("close is zero or negative in 3 bars, first at 2015-01-14 A")


@pytest.mark.parametrize(
    ("frames", "message"),
    [
        ({"close": table().iloc[:0]}, "close has no bars (0 rows, 2 symbols)"),
        ({"close": table()[[]]}, "close has no bars (5 rows, 0 symbols)"),
        ({"close": table() * np.nan}, "close has no bars (5 rows, 2 symbols, every value is missing)"),
        ({"close": None}, "a market needs close prices; pass close="),
        ({"close": table().to_numpy()}, "close is of type ndarray; give a DataFrame"),
        ({"close": {"A": [1.0]}}, "close is of type dict; give a DataFrame"),
        ({"close": pd.concat({"Close": table()}, axis=1)}, "close has 2 levels of columns"),
        ({"close": table(), "open": table()}, "high, low missing; give open, high, low and close, or close alone"),
        ({"close": table(range(5))}, "close: rows are labelled by int64, not by time; use pd.to_datetime"),
        ({"close": table(DAYS.where(DAYS[2] != DAYS))}, "close: 1 rows have no time; drop them"),
        ({"close": table(DAYS[[0, 1, 1, 2, 3]])}, "close: row 2015-01-15 00:00:00 appears more than once"),
        ({"close": table(DAYS[[0, 2, 1, 3, 4]])}, "close: rows are not in time order, first at 2015-01-15 00:00:00"),
        ({"close": table().set_axis(["A", "A"], axis=1)}, "close: symbol A appears more than once; keep one"),
        ({"close": table().astype(str)}, "close of A is not numeric (str); use pd.to_numeric"),
        ({"close": table().astype(object)}, "close of A is not numeric (object); use pd.to_numeric"),
        (
            {"close": table(), "volume": table().iloc[1:]},
            "volume has other rows than close (4 and 5); align them first",
        ),
        ({"close": table(), "volume": table().rename(columns={"B": "C"})}, "volume has other symbols than close: B, C"),
        ({"close": table(pd.date_range("2015-01-15", periods=5))}, "3 rows are no sessions of XNYS, first 2015-01-17"),
        ({"close": table().iloc[:1].set_axis(pd.to_datetime(["2015-01-17"]))}, "1 row is no session of XNYS"),
        ({"close": table(), "calendar": "XNY"}, "no exchange calendar called 'XNY'; did you mean 'XNYS'?"),
        ({"close": minutes(3).tz_localize(None)}, "intraday rows have no time zone; localise them"),
        ({"close": minutes(1)}, "one intraday bar does not tell its length; pass bar='1min'"),
        ({"close": minutes(3), "bar": "10min"}, "1 row is no 10-minute bar of XNYS, first 2015-01-14 14:35:00+00:00"),
        ({"close": minutes(3), "bar": "five"}, "bar is 'five'; give the length of a bar, as in '5min'"),
        ({"close": minutes(3), "bar": "-5min"}, "bar is '-5min'; give the length of a bar"),
        ({"close": minutes(80)}, "2 rows are no 5-minute bars of XNYS, first 2015-01-14 21:00:00+00:00"),
        ({"close": minutes(3, "2015-01-14 05:00", "1D", "UTC")}, "rows are a day apart but not labelled by date"),
        ({"close": table(DAYS.as_unit("s") + pd.DateOffset(years=500))}, "rows run from 2515-01-14 00:00:00 to"),
    ],
)
def test_frames_that_cannot_stand_are_refused_in_one_line(frames, message):
    assert message in refusal(**frames)


def test_real_bars_with_gaps_and_late_listings_make_a_market(real_bars):
    frames = real_bars("daily_sp500")
    market = Market.from_frames(**frames)
    assert market.close.shape == (len(market.index), 453)
    np.testing.assert_array_equal(market.close.reindex(frames["close"].index), frames["close"].astype("float64"))

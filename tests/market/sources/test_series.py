"""Side series from files: what each value is about, when it was known, and what is refused."""

from __future__ import annotations

import gzip
import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from quantstrats import Market
from quantstrats.errors import ConfigError, DataError
from quantstrats.market.sources.series import Series
from quantstrats.market.universe import Universe

NAN = float("nan")
# Sessions of New York around Thanksgiving 2015 (the 26th); the 27th ends at 13:00, 18:00 UTC.
NOVEMBER = pd.to_datetime(["2015-11-23", "2015-11-24", "2015-11-25", "2015-11-27", "2015-11-30", "2015-12-01"])


@pytest.fixture
def csv(tmp_path):
    def write(text, name="values.csv"):
        file = tmp_path / name
        file.write_text(text)
        return file

    return write


@pytest.fixture(scope="module")
def real():
    def file(name):
        folder = os.environ.get("QUANTSTRATS_TEST_DATA")
        if not folder:
            pytest.skip("needs real market data: QUANTSTRATS_TEST_DATA is not set")
        return Path(folder) / name

    return file


def loaded(path, symbols=("A", "B"), **params):
    return Series(path, **{"value": "value", **params}).load_side(list(symbols))


def joined(side, days=NOVEMBER, symbols=("A", "B")):
    close = pd.DataFrame(1.0, index=days, columns=list(symbols))
    return Market.from_frames(close=close, side={"x": side}).side["x"]


def nearly(*values):
    return pytest.approx(list(values), nan_ok=True)


def utc(*times):
    return [pd.Timestamp(time, tz="UTC") for time in times]


CLOSES = "date,value\n2015-11-24,1\n2015-11-25,2\n2015-11-27,3\n"


def test_a_value_known_at_its_close_is_seen_by_its_own_session_half_days_included(csv):
    side = loaded(csv(CLOSES))
    assert side.known_at.tolist() == utc("2015-11-24 21:00", "2015-11-25 21:00", "2015-11-27 18:00")
    assert joined(side).tolist() == nearly(NAN, 1, 2, 3, 3, 3)


def test_a_value_with_a_delay_is_seen_by_the_next_session(csv):
    side = loaded(csv(CLOSES), delay="15min")
    assert side.known_at.tolist() == utc("2015-11-24 21:15", "2015-11-25 21:15", "2015-11-27 18:15")
    assert joined(side).tolist() == nearly(NAN, NAN, 1, 2, 3, 3)


def test_a_day_of_delay_is_24_hours(csv):
    # Known at 16:00 of Thanksgiving, and so at the early close of the day after; that of the 27th on the 28th, 13:00.
    assert joined(loaded(csv(CLOSES), delay="1D")).tolist() == nearly(NAN, NAN, 1, 2, 3, 3)


def test_a_delay_of_a_day_ends_after_the_early_close_of_a_half_day(csv):
    # The 24th of December 2015 was a Thursday that ended at 13:00.
    days = pd.to_datetime(["2015-12-23", "2015-12-24", "2015-12-28"])
    side = loaded(csv("date,value\n2015-12-23,1\n"), delay="1D")
    assert joined(side, days).tolist() == nearly(NAN, NAN, 1)


def test_a_value_of_a_day_without_a_session_is_known_at_the_end_of_that_day(csv):
    side = loaded(csv("date,value\n2015-11-26,1\n2015-11-28,2\n"))
    assert side.known_at.tolist() == utc("2015-11-27 05:00", "2015-11-29 05:00")
    assert joined(side).tolist() == nearly(NAN, NAN, NAN, 1, 2, 2)


def test_closes_are_those_of_the_calendar(csv):
    side = loaded(csv("date,value\n2015-11-24,1\n"), calendar="XTKS")
    assert side.known_at.tolist() == utc("2015-11-24 06:00")


EARNINGS = """symbol,quarter,seen,value,kind
A,2015-06-30,2015-11-23,1,q
A,2015-09-30,2015-11-25,2,q
A,2015-06-30,2015-11-27,99,q
B,2015-09-30,2015-11-27,5,q
B,2014-12-31,2015-11-24,7,y
C,2015-09-30,2015-11-24,8,q
"""


def test_a_date_of_publication_counts_from_the_end_of_its_day(csv):
    side = loaded(csv(EARNINGS), symbol="symbol", time="quarter", known_at="seen", where={"kind": "q"})
    seen = joined(side)
    assert seen["A"].tolist() == nearly(NAN, 1, 1, 2, 2, 2)  # and the late revision of June stays out
    assert seen["B"].tolist() == nearly(NAN, NAN, NAN, NAN, 5, 5)
    assert list(side.values) == ["A", "B"]


def test_symbols_that_the_file_lacks_are_missing(csv):
    side = loaded(csv(EARNINGS), ["A", "Z"], symbol="symbol", time="quarter", known_at="seen")
    assert joined(side, symbols=["A", "Z"])["Z"].isna().all()


def test_an_instant_of_publication_counts_as_it_stands(csv):
    text = "date,seen,value\n2015-11-24,2015-11-24 16:00,1\n2015-11-25,2015-11-25 16:00:01,2\n"
    assert joined(loaded(csv(text), known_at="seen")).tolist() == nearly(NAN, 1, 1, 2, 2, 2)


@pytest.mark.parametrize(
    ("written", "zone"),
    [("2015-11-24T16:00-05:00", None), ("2015-11-24 21:00Z", None), ("2015-11-24 22:00", "Europe/Berlin")],
)
def test_instants_are_read_with_their_offset_or_in_the_time_zone(csv, written, zone):
    side = loaded(csv(f"date,seen,value\n2015-11-24,{written},1\n"), known_at="seen", time_zone=zone)
    assert side.known_at.tolist() == utc("2015-11-24 21:00")


def test_midnights_in_utc_are_dates_and_no_instants_of_the_evening_before(tmp_path):
    seen = pd.to_datetime(["2015-11-24", "2015-11-25"], utc=True)
    frame = pd.DataFrame({"date": pd.to_datetime(["2015-11-20", "2015-11-23"]), "seen": seen, "value": [1.0, 2.0]})
    frame.to_parquet(tmp_path / "values.parquet")
    side = loaded(tmp_path / "values.parquet", known_at="seen")
    assert side.known_at.tolist() == utc("2015-11-25 05:00", "2015-11-26 05:00")


def test_midnights_are_dates_beside_instants_in_text_and_in_parquet_alike(csv, tmp_path):
    text = """date,seen,value
2015-11-20,2015-11-23,1
2015-11-23,2015-11-24 10:00,2
2015-11-24,2015-11-25 00:00,3
"""
    known = utc("2015-11-24 05:00", "2015-11-24 15:00", "2015-11-26 05:00")
    assert loaded(csv(text), known_at="seen").known_at.tolist() == known
    seen = pd.to_datetime(["2015-11-23 00:00", "2015-11-24 10:00", "2015-11-25 00:00"])
    frame = pd.DataFrame(
        {"date": pd.to_datetime(["2015-11-20", "2015-11-23", "2015-11-24"]), "seen": seen, "value": [1.0, 2.0, 3.0]}
    )
    frame.to_parquet(tmp_path / "values.parquet")
    assert loaded(tmp_path / "values.parquet", known_at="seen").known_at.tolist() == known


MOMENTS = st.tuples(st.integers(20, 29), st.sampled_from(["", " 00:00", " 09:30", " 16:00", " 16:00:01", " 23:59"]))


@given(st.lists(MOMENTS, min_size=1, max_size=6), MOMENTS)
def test_a_row_more_changes_nothing_of_when_the_others_were_known(tmp_path_factory, before, more):
    file = tmp_path_factory.mktemp("drawn") / "values.csv"

    def known_of(moments):
        rows = [f"2015-11-{10 + number},2015-11-{day}{hour},{number}" for number, (day, hour) in enumerate(moments)]
        file.write_text("\n".join(["date,seen,value", *rows, ""]))
        side = loaded(file, known_at="seen")
        return dict(zip(side.values, side.known_at, strict=True))

    known = known_of(before)
    assert {number: known_of([*before, more])[number] for number in known} == known


def test_an_instant_counts_against_the_day_that_its_value_is_about_and_a_date_against_an_instant(csv):
    # Known in the evening of New York, which is the next day in UTC; and, a date, at the end of the value's own day.
    text = "date,seen,value\n2015-11-24,2015-11-24 23:00,1\n2015-11-25 10:00,2015-11-25,2\n"
    assert loaded(csv(text), known_at="seen").known_at.tolist() == utc("2015-11-25 04:00", "2015-11-26 05:00")
    early = "date,seen,value\n2015-11-24 10:00,2015-11-24 09:59,1\n2015-11-25,2015-11-25,2\n"
    with pytest.raises(DataError, match="line 2: a value about 2015-11-24 10:00:00 was known before, at 2015-11-24 09"):
        loaded(csv(early), known_at="seen")


def test_a_date_needs_no_midnight(csv):
    # The clocks of Sao Paulo skipped midnight of 18 October 2015: that day began at 01:00 (03:00 UTC).
    text = "date,seen,value\n2015-10-16,2015-10-17,1\n2015-10-17,2015-10-18,2\n"
    side = loaded(csv(text), known_at="seen", calendar="BVMF")
    assert side.known_at.tolist() == utc("2015-10-18 03:00", "2015-10-19 02:00")


def test_intraday_values_are_known_by_their_own_times_and_a_delay(csv):
    side = loaded(csv("time,value\n2015-11-24 15:58,1\n2015-11-24 15:59,2\n"), known_at="time", delay="1min")
    assert side.known_at.tolist() == utc("2015-11-24 20:59", "2015-11-24 21:00")
    assert joined(side).tolist() == nearly(NAN, 2, 2, 2, 2, 2)


def test_intraday_values_have_no_close(csv):
    with pytest.raises(DataError, match=r"values.csv, line 2: 2015-11-24 15:58:00 is no date; .* data.known_at: time"):
        loaded(csv("time,value\n2015-11-24 15:58,1\n"))


def test_times_of_another_format_are_read(csv):
    side = loaded(csv("date;value\n24.11.2015;1\n"), separator=";", time_format="%d.%m.%Y")
    assert side.known_at.tolist() == utc("2015-11-24 21:00")


def test_a_divisor_makes_a_ratio_and_a_divisor_of_zero_none(csv):
    text = "date,puts,calls\n2015-11-23,3,4\n2015-11-24,1,0\n2015-11-25,0,0\n2015-11-27,,5\n2015-11-30,5,2\n"
    side = loaded(csv(text), value="puts", over="calls")
    assert side.values.tolist() == [0.75, 2.5]


@pytest.mark.parametrize("suffix", ["csv", "csv.gz", "parquet"])
def test_every_kind_of_file_gives_the_same(csv, tmp_path, suffix):
    frame = pd.read_csv(csv(EARNINGS))
    file = tmp_path / f"other.{suffix}"
    if suffix == "parquet":
        frame.assign(quarter=pd.to_datetime(frame.quarter), seen=pd.to_datetime(frame.seen).dt.date).to_parquet(file)
    elif suffix == "csv.gz":
        file.write_bytes(gzip.compress(EARNINGS.encode()))
    else:
        file.write_text(EARNINGS)
    params = {"symbol": "symbol", "time": "quarter", "known_at": "seen", "where": {"kind": "q"}}
    assert loaded(file, **params).content_hash() == loaded(csv(EARNINGS), **params).content_hash()


MAP = "symbol,sector,code\nA,Energy,10\nB,,20\nC,Tech,45\n"


def test_a_map_is_assumed_to_be_known_at_all_times(csv):
    side = loaded(csv(MAP), value="sector", symbol="symbol", known_at="assumed")
    assert side.is_assumed
    assert side.values.to_dict() == {"A": "Energy"}
    market = Market.from_frames(close=pd.DataFrame(1.0, index=NOVEMBER, columns=["A", "B"]), side={"sector": side})
    assert market.side["sector"].tolist() == nearly("Energy", NAN)
    assert "side series 'sector' is static and assumed known at all times" in market.stamps


def test_a_map_of_numbers_has_numbers(csv):
    side = loaded(csv(MAP), value="code", symbol="symbol", known_at="assumed")
    assert side.values.to_dict() == {"A": 10.0, "B": 20.0}


MOVES = """symbol,from,sector
A,2015-11-20,IT
B,2015-11-20,Energy
A,2015-11-25,Communication
C,2015-11-24,Utilities
B,2015-11-27,
"""


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_words_of_symbols_may_change_over_time(csv, tmp_path, suffix):
    file = csv(MOVES)
    if suffix == "parquet":
        pd.read_csv(file).to_parquet(tmp_path / "moves.parquet")
        file = tmp_path / "moves.parquet"
    side = loaded(file, value="sector", symbol="symbol", time="from", known_at="from")
    assert not side.is_assumed
    seen = joined(side)
    assert seen["A"].tolist() == ["IT", "IT", "IT", "Communication", "Communication", "Communication"]
    assert seen["B"].tolist() == ["Energy"] * 6
    close = pd.DataFrame(1.0, index=NOVEMBER, columns=["A", "B"])
    held = Universe(sectors=("IT",)).applied(Market.from_frames(close=close, side={"sector": side})).universe
    assert held["A"].tolist() == [True, True, True, False, False, False]
    assert not held["B"].any()


def test_a_slip_among_the_numbers_of_symbols_does_not_make_them_words(csv):
    file = csv("date,symbol,value\n2015-11-24,A,1\n2015-11-24,B,l5\n")
    with pytest.raises(DataError, match=r"line 3 \(B\): value is the text 'l5', not a number; mend it"):
        loaded(file, symbol="symbol")


@pytest.mark.parametrize(
    ("text", "params", "told"),
    [
        (
            "date,value\n2015-11-24,1\n2015-11-24,1\n",
            {},
            "line 3: the value of 2015-11-24 stands again; name the column of",
        ),
        (
            "date,symbol,value\n2015-11-24,A,1\n2015-11-24,B,1\n2015-11-24,A,2\n",
            {"symbol": "symbol"},
            "line 4 (A): the value of 2015-11-24 stands again; keep one",
        ),
        (
            "date,seen,value\n2015-11-20,2015-11-24,1\n2015-11-20,2015-11-24,2\n",
            {"known_at": "seen"},
            "line 3: the value of 2015-11-20 stands again",
        ),
        ("date,value\n2015-11-24,1\n24 Nov,2\n", {}, "line 3: '24 Nov' is no time of ISO 8601"),
        ("date,value\n2015-11-24,1\n\n,2\n", {}, "line 4: date is missing; mend the row"),
        ("date,value\n2015-11-24,1\n2015-11-25,high\n", {}, "line 3: value is the text 'high', not a number; mend it"),
        ("date,value\n2015-11-24,1\n2015-11-25,1_0\n", {}, "line 3: value is the text '1_0', not a number; mend it"),
        ("date,value\n2015-11-24,inf\n", {}, "line 2: value is infinite; mend it"),
        ("date,value\n2015-11-24,\n", {}, "column 'value' has no values in the rows that are asked for"),
        ("date,value\n", {}, "has no rows; give a file with values"),
        ("", {}, "is empty"),
        ("date;value\n2015-11-24;1\n", {}, "cells seem to be separated by ';'; set data.separator"),
        (
            "day,value\n2015-11-24,1\n",
            {},
            "no column of times (it has 'day', 'value'); name what the values are about by",
        ),
        ("date,time,value\n2015-11-24,x,1\n", {}, "columns 'date' and 'time' could both be the time"),
        (
            "date,valeu\n2015-11-24,1\n",
            {},
            "has no column 'value' (value); did you mean 'valeu'? (it has 'date', 'valeu')",
        ),
        ("date,value,Value \n2015-11-24,1,1\n", {"value": "VALUE"}, "2 columns are called 'VALUE'; rename all but one"),
        (
            "date,value\n2015-11-24,1\n",
            {"known_at": "clsoe"},
            "has no column 'clsoe'; known_at is close, assumed or the name of a column",
        ),
        (
            "date,seen,value\n2015-11-24,2015-11-24,1\n2015-11-25,2015-11-24,2\n2015-11-27,2015-11-24,3\n",
            {"known_at": "seen"},
            "line 3: a value about 2015-11-25 was known before, at 2015-11-24 (seen); mend it, or set data.time: seen",
        ),
        (
            "date,seen,value\n2015-11-24,,1\n",
            {"known_at": "seen"},
            "line 2: seen is missing; mend the row",
        ),
        (
            "date,seen,value\n2015-03-06,2015-03-08 02:30,1\n",
            {"known_at": "seen"},
            "line 2: 2015-03-08 02:30:00 is not one instant in America/New_York",
        ),
        (
            "date,value,kind\n2015-11-24,1,a\n",
            {"where": {"kind": "b"}},
            "no row has 'b' in column 'kind' (where); it has a",
        ),
        ("date,value\n2015-11-24,1\n", {"where": {"kind": "b"}}, "has no column 'kind' (where)"),
        (
            "date,symbol,value\n2015-11-24,C,1\n",
            {"symbol": "symbol"},
            "has values of none of the market's symbols (A, B); set data.symbol or data.path",
        ),
        ("date,symbol,value\n2015-11-24,,1\n", {"symbol": "symbol"}, "line 2: the symbol is missing; mend the row"),
        (
            "symbol,value\nA,1\nB,2\nA,1\n",
            {"symbol": "symbol", "known_at": "assumed"},
            "line 4 (A): symbol 'A' stands again; a map has one value for each",
        ),
        ("date,value\n2015-11-24,1,5\n", {}, "line 2: 3 cells, not 2 as in the first line"),
        ("date,value\n9999-12-31,1\n", {}, "line 2: date 9999-12-31 00:00:00 is beyond 1678 to 2261; mend it"),
    ],
)
def test_what_cannot_stand_is_told_in_one_line_with_its_place(csv, text, params, told):
    file = csv(text)
    with pytest.raises(DataError) as caught:
        loaded(file, **params)
    assert str(caught.value).startswith(str(file))
    assert told in str(caught.value)
    assert "\n" not in str(caught.value)


def test_the_place_in_a_parquet_file_is_its_row(tmp_path):
    file = tmp_path / "values.parquet"
    frame = pd.DataFrame({"date": pd.to_datetime(["2015-11-24", "2015-11-24"]), "value": [1.0, 2.0]})
    frame.to_parquet(file)
    with pytest.raises(DataError, match=r"values\.parquet, row 2: the value of 2015-11-24 stands again"):
        loaded(file)


def test_the_place_of_a_symbol_in_a_parquet_file_is_named_by_it(tmp_path):
    file = tmp_path / "values.parquet"
    days = pd.to_datetime(["2015-11-23", "2015-11-24", "2015-11-24"])
    pd.DataFrame({"date": days, "symbol": ["A", "B", "B"], "value": [1.0, 2.0, 3.0]}).to_parquet(file)
    with pytest.raises(DataError, match=r"values\.parquet, a row of B: the value of 2015-11-24 stands again"):
        loaded(file, ["B"], symbol="symbol")


def test_the_same_publication_twice_says_nothing_new(csv):
    text = "date,seen,value\n2015-11-20,2015-11-24,1\n2015-11-20,2015-11-24,1\n2015-11-20,2015-11-25,2\n"
    assert joined(loaded(csv(text), known_at="seen")).tolist() == nearly(NAN, NAN, 1, 2, 2, 2)


def test_a_defect_of_a_symbol_that_is_not_asked_for_keeps_nobody_from_another(csv):
    file = csv("date,symbol,value\n2015-11-24,A,1\nnever,C,x\n")
    assert loaded(file, ["A"], symbol="symbol").values["A"].tolist() == [1.0]
    with pytest.raises(DataError, match="line 3"):
        loaded(file, ["C"], symbol="symbol")


def test_forecasts_are_told_and_taken_as_of_their_publication(csv):
    file = csv("quarter,seen,value\n2015-12-31,2015-11-23,1\n2016-03-31,2015-11-25,2\n")
    with pytest.raises(DataError, match=r"set data\.time: seen if it is a forecast"):
        loaded(file, time="quarter", known_at="seen")
    assert joined(loaded(file, time="seen", known_at="seen")).tolist() == nearly(NAN, 1, 1, 2, 2, 2)


@pytest.mark.parametrize(("name", "told"), [("no.csv", "there is no file"), ("values.txt", "is none of .csv")])
def test_a_file_that_is_none_is_told(csv, tmp_path, name, told):
    csv(CLOSES, "values.txt")
    with pytest.raises(DataError, match=told):
        loaded(tmp_path / name)


@pytest.mark.parametrize(
    ("params", "told"),
    [
        ({"delay": "soon"}, "delay is 'soon'; give a length of time, as in 15min"),
        ({"delay": "-1D"}, "delay is '-1D'"),
        ({"known_at": "assumed"}, "is for a map of symbols; name their column"),
        ({"known_at": "assumed", "symbol": "s", "time": "t"}, "time has no meaning in a map of symbols"),
        ({"known_at": "assumed", "symbol": "s", "delay": "1D"}, "delay has no meaning in a map of symbols"),
        ({"separator": ""}, "separator is ''"),
        ({"time_zone": "New York"}, "time_zone is 'New York'"),
    ],
)
def test_parameters_that_do_not_fit_are_told(params, told):
    with pytest.raises(ConfigError, match=told):
        Series(Path("values.csv"), "value", **params)


@given(st.data())
def test_no_session_sees_a_value_before_it_was_known(tmp_path_factory, data):
    """By the plain rule: of all that was known by then, the newest publication about the newest observation."""
    count = data.draw(st.integers(1, 8))
    days = [str(day.date()) for day in pd.date_range("2015-11-20", "2015-12-02")]
    rows = []
    for number in range(count):
        about = data.draw(st.integers(0, len(days) - 1))
        rows.append((days[about], days[data.draw(st.integers(about, len(days) - 1))], float(number)))
    rows = list({row[:2]: row for row in rows}.values())
    file = tmp_path_factory.mktemp("drawn") / "values.csv"
    pd.DataFrame(rows, columns=["date", "seen", "value"]).to_csv(file, index=False)
    seen = joined(loaded(file, known_at="seen"))
    for session, value in seen.items():
        known = sorted(
            (about, published, number) for about, published, number in rows if published < str(session.date())
        )
        assert [value] == nearly(known[-1][2] if known else NAN)


def test_the_vix_of_1990_to_2016_is_seen_a_session_later(real):
    file = real("vix_daily.parquet")
    side = Series(file, "close", delay="15min").load_side(["SPY"])
    frame = pd.read_parquet(file)
    assert side.values.tolist() == frame.close.tolist()
    days = pd.DatetimeIndex(frame.date[-6:])
    assert joined(side, days).tolist()[1:] == frame.close[-6:-1].tolist()
    # 2004-06-11: a day of mourning without a session; its value counts from midnight in New York, and the delay.
    mourning = side.values.index.get_loc(pd.Timestamp("2004-06-11"))
    assert side.known_at[mourning] == pd.Timestamp("2004-06-12 04:15", tz="UTC")


def test_the_put_call_ratio_of_2006_to_2016_is_that_of_the_file(real):
    file = real("putcall_total.parquet")
    side = Series(file, "puts", over="calls", delay="2h").load_side(["SPY"])
    assert np.abs(side.values.to_numpy() - pd.read_parquet(file).ratio.to_numpy()).max() < 0.0051  # of two digits
    assert side.known_at[0] == pd.Timestamp("2006-11-01 23:00", tz="UTC")


def test_the_sectors_of_2017_are_a_map(real):
    side = Series(real("sp500_sectors_2017-03-08.csv"), "sector", symbol="symbol", known_at="assumed")
    assert side.load_side(["AAPL", "BRK-B", "XOM", "NOPE"]).values.to_dict() == {
        "AAPL": "Information Technology",
        "BRK-B": "Financials",
        "XOM": "Energy",
    }


def test_quarterly_earnings_of_2015_to_2017_are_seen_from_the_day_after_they_were_first_seen(real):
    source = Series(
        real("fundamentals_sec_2015_2017.parquet"),
        "eps_diluted",
        time="end_date",
        symbol="symbol",
        where={"doc_type": "10-Q"},
        known_at="first_seen",
    )
    side = source.load_side(["AAPL", "AAMC"])
    days = pd.bdate_range("2015-07-20", "2015-07-24").append(pd.bdate_range("2016-08-08", "2016-08-17"))
    close = pd.DataFrame(1.0, index=days, columns=["AAPL", "AAMC"])
    seen = Market.from_frames(close=close, side={"eps": side}).side["eps"].loc[days]
    # Apple: March quarter until the 22nd, June quarter (1.85, seen on 22 July) from the 23rd on.
    assert seen["AAPL"][:5].tolist() == [2.33, 2.33, 2.33, 1.85, 1.85]
    # Altisource: -1.16 seen on 8 August 2016, amended to -0.74 on the 16th.
    assert seen["AAMC"][-7:].tolist() == [-1.16] * 6 + [-0.74]
    assert seen["AAMC"].iloc[5] != -1.16


def test_all_symbols_of_the_real_file_are_read(real):
    file = real("fundamentals_sec_2015_2017.parquet")
    frame = pd.read_parquet(file)
    symbols = sorted(frame.symbol.unique())[:400]
    side = Series(file, "net_income", time="end_date", symbol="symbol", known_at="first_seen").load_side(symbols)
    asked = frame[frame.symbol.isin(symbols)].dropna(subset="net_income")
    assert side.values.notna().sum().sum() == len(asked.drop_duplicates(["symbol", "end_date", "first_seen"]))

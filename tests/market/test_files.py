"""The source of files: what is read comes out as it went in, and what cannot stand is told with its place."""

from __future__ import annotations

import gzip
import os
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from quantstrats import Market, load_market
from quantstrats.errors import ConfigError, DataError
from quantstrats.market.sources.files import Files

FIELDS = ("open", "high", "low", "close", "volume")
HEAD = "date,symbol,open,high,low,close,volume\n"
A2 = "2015-01-02,A,10,12,9,11,100\n"
A5 = "2015-01-05,A,11,13,10,12,200\n"
A6 = "2015-01-06,A,12,14,11,13,300\n"
B2 = "2015-01-02,B,20,22,19,21,400\n"
ALONE = "date,open,high,low,close,volume\n2015-01-02,10,12,9,11,100\n2015-01-05,11,13,10,12,200\n"


@pytest.fixture
def written(tmp_path):
    """Write text to a file and return its path."""

    def write(text, name="bars.csv"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text) if isinstance(text, str) else path.write_bytes(text)
        return path

    return write


def refusal(path, symbols=None, **params):
    with pytest.raises(DataError) as told:
        load_market("files", symbols, path=path, **params)
    message = str(told.value)
    assert "\n" not in message
    assert str(path) in message
    return message.replace(f"{path.parent}/", "")


def long_table(market):
    """Return a market's bars as rows of time and symbol, missing bars left out."""
    columns = {field: getattr(market, field).stack() for field in FIELDS}  # noqa: PD013
    table = pd.DataFrame(columns).dropna(subset="close")
    return table.rename_axis(["time", "symbol"]).reset_index()


def test_a_long_table_gives_a_market_of_its_symbols_in_their_order(written):
    market = load_market("files", path=written(HEAD + B2 + A2 + A5))
    assert market.symbols.tolist() == ["A", "B"]
    assert market.index.tolist() == [pd.Timestamp("2015-01-02"), pd.Timestamp("2015-01-05")]
    assert market.open["A"].tolist() == [10.0, 11.0]
    assert market.high["A"].tolist() == [12.0, 13.0]
    assert market.low["A"].tolist() == [9.0, 10.0]
    assert market.volume["A"].tolist() == [100.0, 200.0]
    assert market.close["B"].iloc[0] == 21.0
    assert np.isnan(market.close["B"].iloc[1])
    assert market.stamps == ()


def test_a_file_without_symbols_is_one_symbol_named_after_it(written):
    market = load_market("files", path=written(ALONE, "BRK.B.csv"))
    assert market.symbols.tolist() == ["BRK.B"]


def test_a_folder_holds_a_file_per_symbol_of_any_kind_and_what_else_it_holds_is_left_alone(written):
    written(ALONE, "etf/SPY.csv")
    written(gzip.compress(ALONE.encode(), mtime=0), "etf/QQQ.csv.gz")
    path = written("not for us", "etf/README.md").parent
    pd.read_csv(path / "SPY.csv", parse_dates=["date"]).to_parquet(path / "TLT.parquet")
    written("\x00", "etf/._SPY.csv")
    market = load_market("files", path=path)
    assert market.symbols.tolist() == ["QQQ", "SPY", "TLT"]
    assert (market.array("close") == [[11.0] * 3, [12.0] * 3]).all()


def test_only_the_files_of_the_symbols_asked_for_are_read(written):
    written(ALONE, "etf/SPY.csv")
    path = written("broken", "etf/QQQ.csv").parent
    assert load_market("files", ["SPY"], path=path).symbols.tolist() == ["SPY"]
    assert "has no column for time" in refusal(path / "QQQ.csv")


def test_only_the_rows_of_the_symbols_asked_for_are_looked_at(written, tmp_path):
    broken = HEAD + A2 + "2015-01-02,B,20,1,19,21,400\n"
    csv, parquet = written(broken), tmp_path / "bars.parquet"
    pd.read_csv(csv, parse_dates=["date"]).to_parquet(parquet)
    for path in (csv, parquet):
        assert load_market("files", ["A"], path=path).symbols.tolist() == ["A"]
        assert "high is below low in 1 row" in refusal(path)


def test_symbols_stand_in_the_order_in_which_they_are_asked_for(written):
    path = written(HEAD + A2 + B2)
    assert load_market("files", ["B", "A"], path=path).symbols.tolist() == ["B", "A"]
    assert Files(path).load(["B", "A"]).symbols.tolist() == ["B", "A"]


def test_start_and_end_are_included(written):
    path = written(HEAD + A2 + A5 + A6)
    assert len(Files(path).load(start=date(2015, 1, 5), end=date(2015, 1, 5))) == 1


def test_columns_are_found_in_any_case_and_by_their_usual_names(written):
    text = " Timestamp , TICKER,Open, High,LOW ,Close,Vol,Other\n2015-01-02,A,10,12,9,11,100,x\n"
    market = load_market("files", path=written(text))
    assert market.volume["A"].tolist() == [100.0]


def test_columns_of_other_names_are_mapped(written):
    text = "day,isin,o,h,l,c,v\n2015-01-02,A,10,12,9,11,100\n"
    columns = {"date": "day"} | {"symbol": "isin"} | dict(zip(FIELDS, "ohlcv", strict=True))
    market = load_market("files", path=written(text), columns=columns)
    assert [getattr(market, field)["A"].iloc[0] for field in FIELDS] == [10.0, 12.0, 9.0, 11.0, 100.0]
    assert market.origin["columns"] == columns


def test_a_saved_frame_has_its_time_in_a_column_without_a_name(written, tmp_path, market_of):
    frame = pd.DataFrame({"close": [1.0, 2.0]}, index=pd.to_datetime(["2015-01-02", "2015-01-05"]))
    frame.to_csv(tmp_path / "A.csv")
    frame.to_parquet(tmp_path / "A.parquet")
    for name in ("A.csv", "A.parquet"):
        assert load_market("files", path=tmp_path / name).close["A"].tolist() == [1.0, 2.0]


def test_closes_alone_give_close_only_bars_and_say_so(written):
    market = load_market("files", path=written("date,close\n2015-01-02,11\n", "A.csv"))
    assert market.open["A"].tolist() == [11.0]
    assert any("close-only" in stamp for stamp in market.stamps)


def test_a_column_can_be_left_out(written):
    market = load_market("files", path=written(HEAD + A2), columns={"open": None, "high": None, "low": None})
    assert market.high["A"].tolist() == [11.0]
    market = load_market("files", path=written(HEAD + A2), columns={"volume": None})
    assert market.volume["A"].isna().all()


def test_prices_are_adjusted_only_where_that_is_asked_for(written):
    text = "date,symbol,open,high,low,close,volume,adj_close\n2015-01-02,A,10,12,8,11,100,5.5\n"
    path = written(text)
    assert load_market("files", path=path).close["A"].tolist() == [11.0]
    market = load_market("files", path=path, columns={"adj_close": "adj_close"})
    assert [getattr(market, field)["A"].iloc[0] for field in FIELDS] == [5.0, 6.0, 4.0, 5.5, 200.0]


def test_rows_may_stand_newest_first(written):
    market = load_market("files", path=written(HEAD + A6 + A5 + A2 + B2))
    assert market.close["A"].tolist() == [11.0, 12.0, 13.0]


def test_a_row_without_prices_is_no_bar(written):
    market = load_market("files", path=written(HEAD + A2 + "2015-01-05,A,,,,,\n" + A6))
    assert market.close["A"].isna().tolist() == [False, True, False]


def test_symbols_that_look_like_something_else_are_symbols(written):
    rows = "".join(f"2015-01-02,{name},10,12,9,11,100\n" for name in ("NA", "TRUE", "0700", "nan", "1E5"))
    assert load_market("files", path=written(HEAD + rows)).symbols.tolist() == ["0700", "1E5", "NA", "TRUE", "nan"]


def test_days_may_be_written_without_dashes_as_numbers_and_as_any_format(written, tmp_path):
    for name, day, params in (
        ("a.csv", "20150102", {}),
        ("b.csv", "01/02/2015", {"time_format": "%m/%d/%Y"}),
        ("c.csv", "1420156800", {"time_format": "s"}),
        ("d.csv", "2015-01-02T00:00:00-05:00", {}),
        ("e.csv", "2015-01-02T05:00:00Z", {"time_zone": "America/New_York"}),
    ):
        market = load_market("files", path=written(f"time,close\n{day},11\n", name), **params)
        assert market.index.tolist() == [pd.Timestamp("2015-01-02")], name
    pd.DataFrame({"date": [20150102], "close": [11]}).to_parquet(tmp_path / "f.parquet")
    assert load_market("files", path=tmp_path / "f.parquet").index[0] == pd.Timestamp("2015-01-02")
    pd.DataFrame({"date": [date(2015, 1, 2)], "close": [11]}).to_parquet(tmp_path / "g.parquet")
    assert load_market("files", path=tmp_path / "g.parquet").index[0] == pd.Timestamp("2015-01-02")


MINUTES = "time,close\n2015-01-02 09:30,1\n2015-01-02 09:31,2\n2015-01-02 09:33,4\n"


def test_intraday_times_are_read_in_the_time_zone_given(written):
    market = load_market("files", path=written(MINUTES, "A.csv"), time_zone="America/New_York")
    assert market.index[0] == pd.Timestamp("2015-01-02 14:30", tz="UTC")
    assert market.close["A"].isna().tolist() == [False, False, True, False]
    assert market.bar == pd.Timedelta("1min")


def test_times_with_their_offset_need_no_time_zone_unless_it_changes(written):
    summer = "2015-03-06T09:30:00-05:00,1\n2015-03-06T09:31:00-05:00,2\n"
    assert load_market("files", path=written("time,close\n" + summer, "A.csv")).index[0].hour == 14
    both = "time,close\n" + summer + "2015-03-09T09:30:00-04:00,3\n"
    path = written(both, "A.csv")
    assert refusal(path) == (
        "A.csv, line 4 (row of A): mixed time zones, '2015-03-09T09:30:00-04:00' has another offset from UTC than "
        "'2015-03-06T09:30:00-05:00'; set data.time_zone to that of the exchange, as in America/New_York"
    )
    market = load_market("files", path=path, time_zone="America/New_York")
    assert market.index[-1] == pd.Timestamp("2015-03-09 13:30", tz="UTC")


def test_daily_bars_with_a_time_of_day_want_to_be_told_so(written):
    text = "time,close\n2015-01-02 16:00,1\n2015-01-05 16:00,2\n"
    path = written(text, "A.csv")
    assert refusal(path).endswith("first 2015-01-02 16:00:00; set data.bar: 1D to read them as dates")
    assert load_market("files", path=path, bar="1D").index[1] == pd.Timestamp("2015-01-05")


def test_midnights_are_instants_where_the_bar_says_so(written):
    text = "time,close\n2015-01-02 00:00,1\n2015-01-03 00:00,2\n"
    market = load_market("files", path=written(text, "A.csv"), bar="4h", time_zone="UTC", calendar="24/7")
    assert market.close["A"].notna().sum() == 2
    assert len(market) == 7


def test_other_columns_choose_rows(written):
    text = "date,symbol,timeframe,close\n2015-01-02,A,1d,1\n2015-01-02,A,1w,9\n2015-01-05,A,1d,2\n"
    path = written(text)
    assert load_market("files", path=path, where={"timeframe": "1d"}).close["A"].tolist() == [1.0, 2.0]
    assert refusal(path, where={"timeframe": "2d"}) == (
        "bars.csv: no row has '2d' in column 'timeframe' (data.where); it has 1d, 1w"
    )


def test_what_is_dropped_is_counted_on_every_report(written):
    text = HEAD + A2 + "2015-01-05,A,11,13,10,0,200\n2015-01-19,A,11,13,10,12,200\n" + B2.replace("22", "12")
    path = written(text + "2015-01-06,B,20,22,19,21,400\n")
    market = load_market("files", path=path, repair="drop")
    assert market.close["A"].isna().tolist() == [False, True, True]
    assert market.close["B"].isna().tolist() == [True, True, False]
    found = market.record["quality"]["rules"]
    assert {rule: (each["actions"], each["first"]) for rule, each in found.items()} == {
        "off_session": ({"drop": 1}, "2015-01-19 A"),
        "nonpositive_price": ({"drop": 1}, "2015-01-05 A"),
        "high_below_low": ({"drop": 1}, "2015-01-02 B"),
        "missing_bar": ({"keep": 1}, "2015-01-05 B"),
    }
    for rule in ("off_session", "nonpositive_price", "high_below_low"):
        assert f"1 {rule} dropped" in market.stamps[0]


def test_the_place_counts_empty_lines_and_is_right_behind_other_symbols(written):
    path = written("\n" + HEAD + "\n" + B2 + "\n\n" + A2 + A5.replace("13", "1"))
    assert "first at line 8 (2015-01-05 A)" in refusal(path)
    assert "first at line 8 (2015-01-05 A)" in refusal(path, ["A"])


X = "mend the data, or set data.repair: drop"
BAD = {
    "a needed column": (
        "date,symbol,open,close\n2015-01-02,A,1,1\n",
        (
            "bars.csv has no column for high, low (it has 'date', 'symbol', 'open', 'close'); say which it is, as in "
            "data.columns: {high: its name}; closes alone will do with {open: null, high: null, low: null}"
        ),
    ),
    "no close": (
        "date,symbol,last\n2015-01-02,A,1\n",
        (
            "bars.csv has no column for close (it has 'date', 'symbol', 'last'); say which it is, as in "
            "data.columns: {close: its name}"
        ),
    ),
    "two times": (
        "date,time,close\n2015-01-02,10:00,1\n",
        "bars.csv: columns 'date' and 'time' could both be the time; say which, as in data.columns: {time: date}",
    ),
    "zero rows": (HEAD, "bars.csv has no rows; give a file with bars"),
    "nothing at all": ("", "bars.csv is empty; give a file with bars"),
    "semicolons": (
        HEAD.replace(",", ";") + A2.replace(",", ";"),
        "bars.csv: cells seem to be separated by ';'; set data.separator",
    ),
    "duplicates": (
        HEAD + A2 + A5 + B2 + A2,
        (
            "bars.csv: the same time and symbol stand again in 1 row, first at line 5 (2015-01-02 A); "
            "keep one of each, or choose by another column as in data.where: {timeframe: 1h}, or set data.repair: drop"
        ),
    ),
    "unsorted": (
        HEAD + B2 + A2 + A6 + A5,
        "bars.csv: times go back and forth in 1 row, first at line 5 (2015-01-05 A); sort the rows by time",
    ),
    "an offset": (
        "time,close\n2015-01-02 10:00,1\n2015-01-02 10:01,2\n2015-01-02 10:02Z,3\n",
        (
            "bars.csv, line 4 (row of bars): mixed time zones, '2015-01-02 10:02Z' has an offset from UTC "
            "unlike others; write all times in one way"
        ),
    ),
    "no offset": (
        "time,close\n2015-01-02 10:00Z,1\n2015-01-02 10:01,2\n2015-01-02 10:02Z,3\n",
        (
            "bars.csv, line 3 (row of bars): mixed time zones, '2015-01-02 10:01' has no offset from UTC "
            "unlike others; write all times in one way"
        ),
    ),
    "no zone": (
        MINUTES,
        (
            "bars.csv: intraday times have no time zone, first 2015-01-02 09:30:00; "
            "set data.time_zone to where that clock hangs, as in America/New_York"
        ),
    ),
    "high below low": (
        HEAD + A2 + A5.replace("13", "9.5") + A6.replace("14", "2"),
        f"bars.csv: high is below low in 2 rows, first at line 3 (2015-01-05 A); {X}",
    ),
    "open outside": (
        HEAD + A2.replace("10", "13"),
        f"bars.csv: open lies outside low to high in 1 row, first at line 2 (2015-01-02 A); {X}",
    ),
    "close outside": (
        HEAD + A2.replace("11", "8"),
        f"bars.csv: close lies outside low to high in 1 row, first at line 2 (2015-01-02 A); {X}",
    ),
    "negative": (
        HEAD + A2.replace("9", "-9"),
        f"bars.csv: low is zero or negative in 1 row, first at line 2 (2015-01-02 A); {X}",
    ),
    "zero": (
        HEAD + A2.replace("11", "0"),
        f"bars.csv: close is zero or negative in 1 row, first at line 2 (2015-01-02 A); {X}",
    ),
    "infinite": (
        HEAD + A2.replace("12", "inf"),
        f"bars.csv: high is infinite in 1 row, first at line 2 (2015-01-02 A); {X}",
    ),
    "negative volume": (
        HEAD + A2.replace("100", "-1"),
        f"bars.csv: volume is negative in 1 row, first at line 2 (2015-01-02 A); {X}",
    ),
    "half a bar": (
        HEAD + A2.replace("9", ""),
        (
            "bars.csv: open, high, low or close is missing while others are there in 1 row, first at "
            f"line 2 (2015-01-02 A); {X}"
        ),
    ),
    "text in numbers": (
        HEAD + A2 + A5.replace("10", "ten"),
        "bars.csv, line 3 (2015-01-05 A): low is the text 'ten', not a number; mend it",
    ),
    "a thousands separator": (
        HEAD + A2.replace("100", '"1,000"'),
        "bars.csv, line 2 (2015-01-02 A): volume is the text '1,000', not a number; mend it",
    ),
    "no date": (
        HEAD + A2 + A5.replace("2015-01-05", "2015-13-05"),
        (
            "bars.csv, line 3 (row of A): '2015-13-05' is no time of ISO 8601, as in 2015-12-31; "
            "mend it, or set data.time_format, as in '%m/%d/%Y'"
        ),
    ),
    "another order of days and months": (
        HEAD + A2.replace("2015-01-02", "01/02/2015"),
        (
            "bars.csv, line 2 (row of A): '01/02/2015' is no time of ISO 8601, as in 2015-12-31; "
            "mend it, or set data.time_format, as in '%m/%d/%Y'"
        ),
    ),
    "an empty date": (
        HEAD + A2 + A5.replace("2015-01-05", ""),
        "bars.csv, line 3 (row of A): the time is missing; mend the row",
    ),
    "an empty symbol": (HEAD + A2 + A5.replace("A", " "), "bars.csv, line 3: the symbol is missing; mend the row"),
    "a holiday": (
        HEAD + A2 + A5.replace("05", "19"),
        (
            "bars.csv: the time is no session of XNYS in 1 row, first at line 3 (2015-01-19 A); "
            "set data.calendar ('24/7' never closes), or set data.repair: drop"
        ),
    ),
    "a time beyond": (
        HEAD + A2.replace("2015", "1500"),
        "bars.csv, line 2 (row of A): the time 1500-01-02 00:00:00 is beyond 1678 to 2261; mend it",
    ),
    "too many cells": (
        HEAD + A2 + "\n" + A5.replace("\n", ",1\n"),
        "bars.csv, line 4: 8 cells, not 7 as in the first line; mend the line",
    ),
    "other encodings": (
        (HEAD + A2.replace("A", "É")).encode("latin1"),
        "bars.csv is not text in UTF-8; save it so, or give it the suffix of what it is",
    ),
    "sixteen bits": (
        (HEAD + A2).encode("utf-16"),
        "bars.csv is not text in UTF-8; save it so, or give it the suffix of what it is",
    ),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_text_gets_one_line_that_says_what_where_and_what_to_do(written, case):
    text, message = BAD[case]
    assert refusal(written(text)) == message


def test_a_bad_row_of_a_parquet_file_is_told_by_date_and_symbol(tmp_path):
    path = tmp_path / "bars.parquet"
    table = pd.DataFrame({"date": pd.to_datetime(["2015-01-02", "2015-01-05"]), "symbol": "A", "close": [1.0, -1.0]})
    table.to_parquet(path)
    assert refusal(path) == f"bars.parquet: close is zero or negative in 1 row, first at 2015-01-05 A; {X}"
    table.assign(close=["1", "x"]).to_parquet(path)
    assert refusal(path) == "bars.parquet, 2015-01-05 A: close is the text 'x', not a number; mend it"
    table.assign(date=[pd.Timestamp("2015-01-02"), None], close=1.0).to_parquet(path)
    assert refusal(path) == "bars.parquet, row of A: the time is missing; mend the row"


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("bars.parquet", b"PAR1 garbage", "bars.parquet is no Parquet file that can be read, or damaged (Arrow"),
        ("bars.csv.gz", b"no gzip", "bars.csv.gz is no gzip file that can be read, or damaged (BadGzipFile"),
        (
            "bars.csv.gz",
            gzip.compress(HEAD.encode() * 99, mtime=0)[:-20],
            "bars.csv.gz is no gzip file that can be read, or",
        ),
        ("bars.csv", b"\x89PNG\r\n\x1a\n\x00", "bars.csv is not text in UTF-8"),
        ("bars.csv", b"\x00\x01\x02\n\x03", "bars.csv has no column for time, close (it has '\\x00\\x01\\x02')"),
        ("bars.xlsx", b"", "bars.xlsx is none of .csv, .csv.gz, .parquet; save it as one of these"),
    ],
)
def test_a_file_of_another_kind_is_told(written, name, content, message):
    assert refusal(written(content, name)).startswith(message)


def test_a_parquet_file_cut_short_is_told(tmp_path, written):
    whole = tmp_path / "whole.parquet"
    pd.DataFrame({"date": pd.date_range("2015-01-01", periods=900), "close": 1.0}).to_parquet(whole)
    content = bytearray(whole.read_bytes())
    assert "damaged" in refusal(written(bytes(content[:-9]), "cut.parquet"))
    content[4:200] = b"\xff" * 196
    assert "damaged" in refusal(written(bytes(content), "bent.parquet"))


def test_a_path_that_is_not_there_and_a_folder_without_bars_are_told(tmp_path):
    assert refusal(tmp_path / "bars.csv") == "there is no file or folder bars.csv; set data.path"
    (tmp_path / "empty").mkdir()
    assert refusal(tmp_path / "empty") == "empty has no files of .csv, .csv.gz, .parquet; set data.path"


def test_unknown_symbols_are_told_with_a_suggestion(written, tmp_path):
    csv = written(HEAD + A2.replace("A", "NVDA") + A2.replace("A", "AMD"))
    pd.read_csv(csv, parse_dates=["date"]).to_parquet(tmp_path / "bars.parquet")
    for path in (csv, tmp_path / "bars.parquet"):
        wanted = f"{path.name} has no symbol 'NVDIA'; did you mean 'NVDA'? (it has AMD, NVDA)"
        assert refusal(path, ["AMD", "NVDIA"]) == wanted
    folder = written(ALONE, "etf/SPY.csv").parent
    assert refusal(folder, ["SPX"]) == "etf has no symbol 'SPX'; did you mean 'SPY'? (it has SPY)"
    assert refusal(folder / "SPY.csv", ["SPX"]) == "SPY.csv has no symbol 'SPX'; did you mean 'SPY'? (it has SPY)"


def test_a_folder_names_the_file_whose_row_is_wrong(written):
    written(ALONE, "etf/QQQ.csv")
    folder = written(ALONE.replace("13", "1"), "etf/SPY.csv").parent
    assert refusal(folder) == (f"etf: high is below low in 1 row, first at SPY.csv, line 3 (2015-01-05 SPY); {X}")


def test_files_of_a_folder_that_do_not_go_together_are_told(written):
    folder = written(ALONE, "etf/QQQ.csv").parent
    written("date,close\n2015-01-02,1\n", "etf/SPY.csv")
    assert refusal(folder).startswith("etf: only one of QQQ.csv and SPY.csv has high, low, open; give all")
    written(ALONE.replace("2015-01-02", "2015-01-02T00:00Z").replace("2015-01-05", "2015-01-05T00:00Z"), "etf/SPY.csv")
    assert refusal(folder) == (
        "etf: mixed time zones, QQQ.csv has no time zone and SPY.csv has UTC; "
        "write all in one way, or set data.time_zone"
    )
    written(ALONE, "etf/SPY.csv")
    written(gzip.compress(ALONE.encode(), mtime=0), "etf/SPY.csv.gz")
    assert "are of one symbol; keep one" in refusal(folder)
    (folder / "SPY.csv.gz").unlink()
    written(HEAD + A2, "etf/SPY.csv")
    assert "SPY.csv holds bars of A; in a folder each file is named after its one symbol" in refusal(folder)


def test_a_mapped_column_that_is_not_there_is_told(written):
    assert refusal(written(HEAD + A2), columns={"close": "closs"}) == (
        "bars.csv has no column 'closs' (data.columns, close); did you mean 'close'? "
        "(it has 'date', 'symbol', 'open', 'high', 'low', 'close', 'volume')"
    )


def test_clock_changes_are_told(written):
    text = "time,close\n2015-11-01 01:30,1\n2015-11-01 01:31,2\n"
    assert refusal(written(text, "A.csv"), time_zone="America/New_York", calendar="24/7") == (
        "A.csv, line 2 (2015-11-01 01:30:00 A): 2015-11-01 01:30:00 is not one instant in America/New_York, whose "
        "clocks change then; give times with their offset from UTC"
    )


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({}, "source 'files' needs the parameter 'path'"),
        ({"path": "a.csv", "columns": {"closs": "c"}}, "columns has 'closs'; did you mean 'close'?"),
        ({"path": "a.csv", "columns": {"date": "a", "time": "b"}}, "columns has both 'time' and 'date'"),
        ({"path": "a.csv", "time_zone": "America/NewYork"}, "no time zone is called 'America/NewYork'; did you mean"),
        ({"path": "a.csv", "separator": ";;"}, "separator is ';;'; it is one character"),
    ],
)
def test_parameters_that_do_not_fit_are_told(params, message):
    with pytest.raises(ConfigError, match="files") as told:
        load_market("files", **params)
    assert message in str(told.value)


def test_what_the_calendar_or_the_bar_cannot_be_is_told(written):
    path = written(HEAD + A2)
    with pytest.raises(DataError, match="no exchange calendar called 'XNYSE'; did you mean 'XNYS'"):
        load_market("files", path=path, calendar="XNYSE")
    with pytest.raises(DataError, match="bar is 'five'; give the length of a bar"):
        load_market("files", path=path, bar="five")


PRICE = st.floats(1e-3, 1e6)


@st.composite
def markets(draw):
    """Draw a market: daily or of five minutes, with missing bars, prices of all digits."""
    daily = draw(st.booleans())
    length = draw(st.integers(2, 6))
    if daily:
        index = pd.bdate_range("2015-02-02", periods=length)
    else:
        index = pd.date_range("2015-02-02 09:30", periods=length, freq="5min", tz="America/New_York").tz_convert("UTC")
    names = draw(st.lists(st.sampled_from(["A", "B.C", "NA", "0700", "x"]), min_size=1, max_size=3, unique=True))
    frames = {field: pd.DataFrame(np.nan, index=index, columns=sorted(names)) for field in FIELDS}
    missing = draw(st.sets(st.tuples(st.integers(1, length - 2), st.sampled_from(names)))) if length > 2 else set()
    for row in range(length):
        for name in names:
            if (row, name) not in missing:
                low, one, other, high = sorted(draw(st.lists(PRICE, min_size=4, max_size=4)))
                bar = {"open": one, "high": high, "low": low, "close": other, "volume": draw(st.floats(0, 1e12))}
                for field, value in bar.items():
                    frames[field].loc[index[row], name] = value
    return Market.from_frames(**frames, bar=None if daily else "5min")


@given(markets(), st.sampled_from(["csv", "csv.gz", "parquet"]), st.booleans(), st.booleans())
def test_what_is_written_is_read_back_to_the_last_digit(tmp_path_factory, market, suffix, per_symbol, backwards):
    folder = tmp_path_factory.mktemp("bars")
    table = long_table(market)
    parts = {f"{name}.{suffix}": part.drop(columns="symbol") for name, part in table.groupby("symbol")}
    for name, part in (parts if per_symbol else {f"bars.{suffix}": table}).items():
        rows = part.iloc[::-1] if backwards else part
        path = folder / name
        rows.to_parquet(path, index=False) if suffix == "parquet" else rows.to_csv(path, index=False)
    bar = None if market.bar is None else "5min"
    read = load_market("files", path=folder if per_symbol else path, bar=bar)
    assert read.content_hash == market.content_hash
    for field in FIELDS:
        pd.testing.assert_frame_equal(getattr(read, field), getattr(market, field), check_exact=True, check_freq=False)


def test_relative_paths_of_a_configuration_start_from_its_file(written, monkeypatch):
    from quantstrats import Plugins
    from quantstrats.settings.settings import read_settings

    written(HEAD + A2 + A5, "data/bars.csv")
    config = written("data: {source: files, path: data/bars.csv}\nsignal: {name: buy_and_hold}\n", "run.yaml")
    monkeypatch.chdir(config.parent.parent)
    plugins = Plugins.installed()
    assert len(read_settings(config).load(plugins)) == 2
    monkeypatch.chdir(config.parent / "data")
    from_here = ["data.source=files", "data.path=bars.csv", "signal.name=buy_and_hold"]
    assert len(read_settings(None, from_here).load(plugins)) == 2


@pytest.fixture(scope="module")
def real_folder():
    folder = os.environ.get("QUANTSTRATS_TEST_DATA")
    if not folder:
        pytest.skip("needs real market data: QUANTSTRATS_TEST_DATA is not set")
    return Path(folder)


@pytest.mark.parametrize("name", ["daily_etf", "daily_small_illiquid", "daily_yahoo_raw_unadjusted_2015_2016"])
def test_real_daily_bars_load_as_they_are(real_folder, real_bars, name):
    market = load_market("files", path=real_folder / f"{name}.parquet")
    wanted = Market.from_frames(**real_bars(name))
    assert market.content_hash == wanted.content_hash
    assert all("likely faults" in stamp or "are missing" in stamp for stamp in market.stamps)


def test_real_defects_of_the_s_and_p_are_told_and_can_be_dropped(real_folder, real_bars):
    path = real_folder / "daily_sp500.parquet"
    assert refusal(path) == f"daily_sp500.parquet: high is below low in 9 rows, first at 2008-01-08 HUM; {X}"
    market = load_market(
        "files", path=path, repair=dict.fromkeys(["high_below_low", "open_outside", "close_outside"], "drop")
    )
    known = pd.read_csv(real_folder / "known_defects.csv", parse_dates=["date"])
    known = known[known["defect"] == "ohlc_inconsistent"]
    assert len(known) == 29
    closes = real_bars("daily_sp500")["close"]
    for day, symbol in zip(known["date"], known["symbol"], strict=True):
        closes.loc[day, symbol] = np.nan
    pd.testing.assert_frame_equal(market.close, closes, check_freq=False, check_names=False, check_index_type=False)
    assert "9 high_below_low dropped, 10 open_outside dropped, 10 close_outside dropped" in market.stamps[0]


def test_real_minute_bars_want_their_time_zone_and_leave_out_what_is_after_an_early_close(real_folder):
    path = real_folder / "minute_us_2014-11_2015-07.parquet"
    assert "set data.time_zone" in refusal(path)
    told = refusal(path, time_zone="US/Eastern")
    assert "the time is no 1-minute bar of XNYS in 483 rows, first at 2014-11-28 13:00:00 AAPL" in told
    market = load_market("files", ["SPY"], path=path, time_zone="US/Eastern", repair="drop")
    assert market.index[0] == pd.Timestamp("2014-11-19 14:30", tz="UTC")
    assert market.close["SPY"].loc["2014-12-15"].isna().all()
    assert "early closes" not in market.stamps[0]


@pytest.mark.parametrize(("timeframe", "minutes", "symbols"), [("15m", 15, 2), ("1h", 60, 2), ("4h", 240, 1)])
def test_real_bars_of_a_market_that_never_closes(real_folder, timeframe, minutes, symbols):
    path = real_folder / "crypto_binance_2025.parquet"
    zone = {"calendar": "24/7", "time_zone": "UTC"}
    assert "the same time and symbol stand again in 7813 rows" in refusal(path, **zone)
    market = load_market("files", path=path, where={"timeframe": timeframe}, **zone)
    assert market.bar == pd.Timedelta(minutes=minutes)
    assert len(market.symbols) == symbols


def test_real_adjusted_closes_come_out_as_the_vendor_has_them(real_folder):
    path = real_folder / "daily_yahoo_raw_unadjusted_2015_2016.parquet"
    market = load_market("files", path=path, columns={"adj_close": "adj_close"})
    table = pd.read_parquet(path)
    wanted = table.pivot(index="date", columns="symbol", values="adj_close").reindex(market.index)  # noqa: PD010
    np.testing.assert_allclose(market.close.to_numpy(), wanted.to_numpy(), rtol=1e-12)
    assert all("likely faults" in stamp or "are missing" in stamp for stamp in market.stamps)

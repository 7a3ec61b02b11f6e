"""Market: frozen frames, slices that keep every fact, and a hash of what a strategy can see."""

from __future__ import annotations

from datetime import date

import numpy as np
import pandas as pd
import pytest

from quantstrats import Market, SideSeries
from quantstrats.errors import DataError
from quantstrats.market.frames import FIELDS

DAYS = pd.to_datetime(["2015-01-14", "2015-01-15", "2015-01-16", "2015-01-20", "2015-01-21"])
CLOSE = pd.DataFrame({"A": [10.0, 11, 12, 13, 14], "B": [20.0, 21, np.nan, 23, 24], "C": [5.0, 6, 7, None, None]}, DAYS)


def vix(first=15.0, known="2015-01-14 21:00"):
    values = pd.Series([first, 16.0], index=DAYS[:2])
    return SideSeries(values, pd.DatetimeIndex([known, "2015-01-15 21:00"], tz="UTC"))


def make(close=CLOSE, **facts):
    given = {"ended": {"C": "2015-01-16"}, "side": {"vix": vix()}, "universe": close.notna()}
    return Market.from_frames(
        **{field: close for field in FIELDS if field != "volume"}, volume=close * 100, **given | facts
    )


@pytest.fixture
def market():
    return make()


@pytest.mark.parametrize("field", FIELDS)
def test_writing_to_a_frame_changes_neither_the_market_nor_the_next_frame(market, field):
    before = market.array(field).copy()
    frame = getattr(market, field)
    frame.iloc[0, 0] = 99.0
    frame["A"] = 7.0
    frame.fillna(0.0, inplace=True)  # noqa: PD002 - it is the writing in place that is tried
    frame *= 3
    np.testing.assert_array_equal(market.array(field), before)
    np.testing.assert_array_equal(getattr(market, field), before)


@pytest.mark.parametrize("field", FIELDS)
def test_arrays_refuse_writes(market, field):
    for array in (market.array(field), market.rows(1, 3).array(field), market.select(["B"]).array(field)):
        with pytest.raises(ValueError, match="read-only"):
            array[0, 0] = 1.0


def test_a_frames_own_memory_refuses_writes(market):
    with pytest.raises(ValueError, match="read-only"):
        market.close.to_numpy()[0, 0] = 1.0
    with pytest.raises(ValueError, match="read-only"):
        market.present[0, 0] = False


def test_changing_what_a_market_was_made_of_does_not_change_it():
    close, closes = CLOSE.copy(), vix()
    values, universe, ended = closes.values.copy(), CLOSE.notna(), {"C": "2015-01-16"}
    side = {"vix": SideSeries(values, closes.known_at)}
    market = make(close, side=side, universe=universe, ended=ended)
    close.iloc[0, 0], values.iloc[0], universe.iloc[0, 0] = 99.0, 99.0, False
    side.clear()
    ended.clear()
    assert market.close.iloc[0, 0] == 10.0
    assert market.rows(0, 5).side["vix"].iloc[0] == 15.0
    assert market.universe.iloc[0, 0]
    assert list(market.ended) == ["C"]


def test_writing_to_universe_side_and_parts_changes_nothing(market):
    market = market.with_parts({"primary": CLOSE})
    universe, series, part = market.universe, market.side["vix"], market.parts["primary"]
    universe.iloc[0, 0], series.iloc[0], part.iloc[0, 0] = False, 99.0, 99.0
    assert market.universe.iloc[0, 0]
    assert market.side["vix"].iloc[0] == 15.0
    assert market.parts["primary"].iloc[0, 0] == 10.0


@pytest.mark.parametrize("facts", ["ended", "delisting_return", "parts", "origin"])
def test_facts_cannot_be_set(market, facts):
    with pytest.raises(TypeError, match="does not support item assignment"):
        getattr(market, facts)["A"] = 1


def test_rows_keep_every_fact_and_share_the_values(market):
    part = market.with_parts({"primary": CLOSE}).rows(1, 3)
    assert part.index.tolist() == DAYS[1:3].tolist()
    assert part.session.tolist() == DAYS[1:3].tolist()
    assert part.decided_at.tolist() == market.decided_at[1:3].tolist()
    assert np.shares_memory(part.array("close"), market.array("close"))
    assert part.universe.equals(CLOSE.notna().iloc[1:3])
    assert part.parts["primary"].equals(CLOSE.iloc[1:3])
    assert part.side["vix"].tolist() == [16.0, 16.0]
    assert dict(market.rows(1, 4).ended) == {"C": pd.Timestamp("2015-01-16")}
    assert part.stamps == market.stamps


@pytest.mark.parametrize(("start", "stop", "expected"), [(-3, 2, [0, 1]), (3, 99, [3, 4]), (0, 5, [0, 1, 2, 3, 4])])
def test_rows_beyond_the_ends_are_those_there_are(market, start, stop, expected):
    assert market.rows(start, stop).index.tolist() == DAYS[expected].tolist()


@pytest.mark.parametrize(("start", "stop"), [(2, 2), (3, 1), (5, 9), (0, -1)])
def test_no_rows_are_an_error(market, start, stop):
    with pytest.raises(DataError, match=f"no rows from {start} to {stop}; there are 5"):
        market.rows(start, stop)


@pytest.mark.parametrize(
    ("start", "end", "expected"),
    [
        (None, None, [0, 1, 2, 3, 4]),
        ("2015-01-15", "2015-01-16", [1, 2]),
        (date(2015, 1, 17), None, [3, 4]),
        (None, pd.Timestamp("2015-01-19"), [0, 1, 2]),
        (pd.Timestamp("2015-01-15 10:00"), None, [1, 2, 3, 4]),
    ],
)
def test_between_takes_sessions_both_included(market, start, end, expected):
    assert market.between(start, end).index.tolist() == DAYS[expected].tolist()


def test_between_takes_whole_sessions_of_intraday_bars():
    index = pd.date_range("2015-01-14 09:30", "2015-01-15 15:30", freq="1h", tz="America/New_York")
    index = index[(index.hour * 60 + index.minute >= 570) & (index.hour < 16)]
    market = Market.from_frames(close=pd.Series(1.0, index=index), bar="1h")
    part = market.between("2015-01-15", "2015-01-15")
    assert len(part) == 7
    assert part.index[0] == pd.Timestamp("2015-01-15 14:30", tz="UTC")
    assert repr(part) == "<Market: 1 symbols x 7 rows, bars of 60 minutes, 2015-01-15 to 2015-01-15, XNYS>"


@pytest.mark.parametrize(
    ("start", "end", "message"),
    [
        ("2016-01-01", None, "no bars from 2016-01-01 to the end; the bars run from 2015-01-14 to 2015-01-21"),
        ("2015-01-16", "2015-01-15", "no bars from 2015-01-16 to 2015-01-15"),
        ("2015-13-01", None, "start: '2015-13-01' is not a date; give one as in '2015-12-31'"),
        (None, "yesterday-ish", "end: 'yesterday-ish' is not a date"),
        (None, pd.Timestamp("2015-01-15", tz="UTC"), "end: Timestamp.* is not a date"),
    ],
)
def test_a_span_without_rows_or_sense_is_an_error(market, start, end, message):
    with pytest.raises(DataError, match=message):
        market.between(start, end)


def test_select_keeps_the_order_asked_for_and_only_what_belongs(market):
    part = market.with_parts({"primary": CLOSE}).select(["B", "A"])
    assert part.close.columns.tolist() == part.universe.columns.tolist() == ["B", "A"]
    assert part.parts["primary"].columns.tolist() == ["B", "A"]
    assert part.close.equals(CLOSE[["B", "A"]])
    assert not part.ended
    assert not part.delisting_return


@pytest.mark.parametrize(
    ("symbols", "message"),
    [
        (["A", "b"], "no bars of symbol 'b'"),
        ([7203], "no bars of symbol 7203"),
        (["A", "B", "A"], "a symbol is named twice in A, B, A"),
        ([], "no symbols to select; name at least one"),
        ("AB", "symbols is 'AB'; give a list"),
    ],
)
def test_symbols_that_cannot_be_selected_are_told(market, symbols, message):
    with pytest.raises(DataError, match=message):
        market.select(symbols)


def test_a_misspelt_symbol_comes_with_a_suggestion(nasdaq):
    with pytest.raises(DataError, match=r"no bars of symbol 'NASDQ'; did you mean 'NASDAQ'\?"):
        nasdaq.select(["NASDQ"])


def test_with_listed_symbols_leaves_out_symbols_without_a_bar(market):
    assert market.rows(3, 5).with_listed_symbols().symbols.tolist() == ["A", "B"]
    assert market.with_listed_symbols() is market


def test_origin_and_parts_are_of_the_new_market_alone(market):
    assert market.with_origin({"source": "files", "folder": "x"}).origin["folder"] == "x"
    assert dict(market.origin) == {"source": "frames"}
    assert list(market.with_parts({"primary": CLOSE}).rows(0, 2).parts) == ["primary"]
    assert not market.parts


def test_present_says_where_there_is_a_bar(market):
    np.testing.assert_array_equal(market.present, CLOSE.notna())


@pytest.mark.parametrize(
    ("facts", "message"),
    [
        ({"ended": {"D": "2015-01-16"}}, "ended names 'D', which has no bars"),
        ({"ended": {"C": "2015-01-15"}}, "C ended on 2015-01-15 but has a bar on 2015-01-16; correct either"),
        ({"ended": {"C": "2015-13-16"}}, "ended of C: '2015-13-16' is not a date"),
        ({"ended": {"C": None}}, "ended of C: None is not a date"),
        ({"ended": {"C": 20150116}}, "ended of C: 20150116 is not a date"),
        ({"delisting_return": -1.01}, "delisting_return of C is -1.01; it is a fraction and at least -1"),
        ({"delisting_return": float("nan")}, "delisting_return of C is nan"),
        ({"delisting_return": float("inf")}, "delisting_return of C is inf"),
        ({"delisting_return": "all"}, "delisting_return of C is 'all'"),
        ({"delisting_return": {"A": -0.5}}, "delisting_return names 'A', which is not in ended"),
        (
            {"universe": CLOSE.notna().rename(columns={"A": "AA"})},
            r"universe names 'AA', which has no bars; did you mean",
        ),
        ({"universe": CLOSE.notna().iloc[1:]}, "universe lacks 1 row of the bars, first 2015-01-14; give every row"),
        ({"universe": CLOSE.notna().astype(int)}, "universe holds other values than True and False"),
        ({"universe": CLOSE.notna().astype("boolean").mask(CLOSE > 23)}, "universe holds other values than True and"),
        ({"universe": CLOSE.notna().loc[DAYS[[0, 0, 1, 2, 3, 4]]]}, "universe: 2015-01-14 00:00:00 appears more than"),
        ({"universe": CLOSE.notna().reset_index(drop=True)}, "universe is not a DataFrame of rows x symbols"),
        ({"universe": ["A"]}, "universe is not a DataFrame of rows x symbols"),
    ],
)
def test_facts_that_cannot_stand_are_refused_in_one_line(facts, message):
    with pytest.raises(DataError, match=message) as told:
        make(**facts)
    assert "\n" not in str(told.value)


def test_endings_are_facts_never_guessed_from_the_bars():
    assert dict(make(ended=None).ended) == {}
    market = make(ended={"C": date(2015, 1, 17)}, delisting_return={"C": -1})
    assert dict(market.ended) == {"C": pd.Timestamp("2015-01-17")}
    assert dict(market.delisting_return) == {"C": -1.0}
    assert dict(make(delisting_return=-0.3).delisting_return) == {"C": -0.3}


def test_a_symbol_that_the_universe_lacks_is_outside_it():
    universe = make(universe=CLOSE.notna()[["B", "A"]]).universe
    assert universe.columns.tolist() == ["A", "B", "C"]
    assert not universe["C"].any()


def test_a_row_that_bars_and_universe_both_lack_is_outside_the_universe():
    close = CLOSE.drop(DAYS[1])
    universe = make(close, universe=close.notna()).universe
    assert universe.loc[DAYS[1]].tolist() == [False] * 3
    assert universe["A"].sum() == 4


def test_a_universe_of_intraday_bars_is_matched_by_instant():
    index = pd.date_range("2015-01-14 09:30", periods=3, freq="1h", tz="America/New_York")
    close = pd.DataFrame({"A": [1.0, 2, 3]}, index=index)
    assert Market.from_frames(close=close, universe=close > 1).universe["A"].tolist() == [False, True, True]


def test_an_assumed_side_series_is_stamped():
    sector = SideSeries(pd.Series({"A": "oil", "B": "tech"}), "assumed")
    assert make(side={"sector": sector}).stamps == ("side series 'sector' is static and assumed known at all times",)


def test_content_hash_is_the_same_for_the_same_content():
    same = make().content_hash
    assert make(CLOSE.set_axis(DAYS.as_unit("s"))).content_hash == same
    assert make(CLOSE.set_axis(DAYS.tz_localize("UTC"))).content_hash == same
    assert make(CLOSE.astype("Float64")).content_hash == same
    assert make().rows(0, 5).content_hash == same
    assert make().with_origin({"source": "elsewhere"}).content_hash == same
    assert make(stamps=["by hand"]).content_hash == same


CHANGES = {
    "one close": lambda: make(CLOSE.replace(13.0, 13.000001)),
    "one missing bar": lambda: make(CLOSE.mask(CLOSE == 13.0), universe=CLOSE.notna()),
    "rows": lambda: make().rows(0, 4),
    "symbols": lambda: make().select(["A", "B"]),
    "order of symbols": lambda: make().select(["B", "A", "C"]),
    "name of a symbol": lambda: make(CLOSE.rename(columns={"B": "BB"})),
    "calendar": lambda: make(CLOSE, calendar="XTSE"),
    "side value": lambda: make(side={"vix": vix(first=15.5)}),
    "known_at": lambda: make(side={"vix": vix(known="2015-01-14 21:01")}),
    "name of side series": lambda: make(side={"vxn": vix()}),
    "no side series": lambda: make(side={}),
    "ended": lambda: make(ended={"C": "2015-01-17"}),
    "not ended": lambda: make(ended={}),
    "delisting return": lambda: make(delisting_return=-0.5),
    "universe": lambda: make(universe=CLOSE.notna() & (CLOSE > 5)),
    "no universe": lambda: make(universe=None),
    "parts": lambda: make().with_parts({"primary": CLOSE}),
}


@pytest.mark.parametrize("change", CHANGES)
def test_content_hash_differs_where_anything_differs_that_a_strategy_can_see(market, change):
    assert CHANGES[change]().content_hash != market.content_hash


@pytest.mark.parametrize("field", FIELDS)
def test_content_hash_differs_for_any_cell_of_any_field(field):
    frames = {name: CLOSE.copy() for name in FIELDS}
    before = Market.from_frames(**frames).content_hash
    frames[field].iloc[3, 1] += 1e-9
    assert Market.from_frames(**frames).content_hash != before


def test_repr_says_what_it_is(market):
    assert repr(market) == "<Market: 3 symbols x 5 rows, daily, 2015-01-14 to 2015-01-21, XNYS>"
    assert market.bars_per_year == 252


def test_rows_do_not_know_of_an_end_that_comes_with_or_after_their_last():
    market = make(ended={"C": "2015-01-16"}, delisting_return=-0.5)
    place = market.index.get_loc(pd.Timestamp("2015-01-16"))
    assert not market.rows(0, place + 1).ended
    assert dict(market.rows(0, place + 2).ended) == {"C": pd.Timestamp("2015-01-16")}
    assert dict(market.rows(0, place + 2).delisting_return) == {"C": -0.5}


def test_a_market_without_endings_has_the_same_bars():
    market = make(ended={"C": "2015-01-16"})
    assert not market.without_endings().ended
    pd.testing.assert_frame_equal(market.without_endings().close, market.close)
    assert list(market.ended) == ["C"]

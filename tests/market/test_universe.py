"""Which symbols may be held when: the rules by hand, and that a row's mask depends on rows within warmup() alone."""

from __future__ import annotations

import statistics

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quantstrats import DataError, Market, Universe
from quantstrats.errors import ConfigError
from quantstrats.market.membership import read_membership

NO_BAR = None


@pytest.fixture
def bars_of(sessions):
    """Make a Market whose bars are closes (None for a missing one), with volumes."""

    def make(closes, volumes=None, **facts):
        index = sessions(len(next(iter(closes.values()))))
        close = pd.DataFrame(closes, index=index, dtype="float64")
        volume = None if volumes is None else pd.DataFrame(volumes, index=index, dtype="float64")
        return Market.from_frames(close=close, volume=volume, **facts)

    return make


@pytest.fixture
def members(tmp_path):
    """Write a file of members and give its path."""

    def write(text, encoding="utf-8"):
        file = tmp_path / "members.csv"
        file.write_text(text, encoding=encoding)
        return file

    return write


def inside(universe, market, symbol):
    return "".join("x" if there else "." for there in universe.applied(market).universe[symbol])


def test_without_rules_the_market_is_left_as_it_is(bars_of):
    market = bars_of({"A": [10, 11]})
    assert Universe().applied(market) is market
    assert Universe().warmup() == Universe(members="members.csv").warmup() == 1


def test_members_are_held_from_the_first_to_the_last_day_both_included(bars_of, members):
    # Rows: 2, 5, 6, 7, 8, 9 January 2015. A leaves and comes back, B still is a member, C has days without a session.
    file = members(
        "symbol,start,end\nA,2015-01-07,2015-01-08\nA,2014-01-01,2015-01-05\nB,2015-01-09,\nC,2015-01-03,2015-01-04\n"
        "Q,2015-01-02,\n"
    )
    market = bars_of({symbol: [10] * 6 for symbol in "ABCD"})
    universe = Universe(members=file)
    assert inside(universe, market, "A") == "xx.xx."
    assert inside(universe, market, "B") == ".....x"
    assert inside(universe, market, "C") == inside(universe, market, "D") == "......"
    assert list(universe.applied(market).universe) == ["A", "B", "C", "D"]


def test_members_hold_for_all_bars_of_their_last_session(members):
    index = pd.date_range("2015-01-05 09:30", periods=14, freq="30min", tz="America/New_York")
    index = index[:13].append(index[:13] + pd.Timedelta(days=1))
    market = Market.from_frames(close=pd.Series(10.0, index=index, name="A"))
    assert inside(Universe(members=members("symbol,start,end\nA,2000-01-01,2015-01-05\n")), market, "A") == (
        "x" * 13 + "." * 13
    )


def test_a_file_of_members_may_have_a_mark_blanks_quotes_and_other_columns(members):
    text = 'End, Symbol ,name,START\n,NA,"Nothing, Inc.",2015-01-02\n\n2015-03-01, TRUE ,x, 2015-02-01\n'
    found = read_membership(members(text, encoding="utf-8-sig"))
    assert list(found) == ["NA", "TRUE"]
    assert found["TRUE"] == [(pd.Timestamp("2015-02-01"), pd.Timestamp("2015-03-01"))]
    assert found["NA"][0][0] == pd.Timestamp("2015-01-02")
    assert found["NA"][0][1] > pd.Timestamp("2200-01-01")


def test_dates_beyond_all_bars_may_stand_for_an_open_start_and_end(bars_of, members):
    file = members("symbol,start,end\nA,0001-01-01,9999-12-31\n")
    assert inside(Universe(members=file), bars_of({"A": [10, 10]}), "A") == "xx"


def test_a_relative_path_of_members_is_meant_from_here(members, monkeypatch):
    file = members("symbol,start,end\n")
    monkeypatch.chdir(file.parent)
    assert Universe(members="members.csv") == Universe(members=file)


def test_a_changed_file_is_read_again(members):
    assert list(read_membership(members("symbol,start,end\nA,2015-01-02,\n"))) == ["A"]
    assert list(read_membership(members("symbol,start,end\nAB,2015-01-02,\n"))) == ["AB"]


def test_the_least_price_is_that_of_the_row_itself(bars_of):
    assert inside(Universe(min_price=5, window=1), bars_of({"A": [4.99, 5, 6, 4, 5]}), "A") == ".xx.x"


def test_the_first_rows_have_no_full_window_and_are_outside(bars_of):
    market = bars_of({"A": [9] * 4}, {"A": [9] * 4})
    assert inside(Universe(min_price=5, window=3), market, "A") == "..xx"
    assert inside(Universe(min_dollar_volume=5, window=3), market, "A") == "..xx"
    assert not Universe(min_price=5).applied(market).universe.to_numpy().any()


def test_a_missing_bar_leaves_the_judgement_of_the_last_close_within_the_window(bars_of):
    market = bars_of({"A": [9, NO_BAR, NO_BAR, NO_BAR, 9], "B": [NO_BAR, 1, NO_BAR, 9, NO_BAR], "C": [9] * 5})
    universe = Universe(min_price=5, window=3)
    assert inside(universe, market, "A") == "..x.x"
    assert inside(universe, market, "B") == "...xx"


def test_dollar_volume_is_the_median_of_close_times_volume_over_the_window(bars_of):
    # Products of A: 100, 400, 300, 50, 60; medians of three: -, -, 300, 300, 60. B has twice that from its close.
    volumes = {"A": [10, 40, 30, 5, 6], "B": [10, 40, 30, 5, 6]}
    market = bars_of({"A": [10] * 5, "B": [20] * 5}, volumes)
    assert inside(Universe(min_dollar_volume=300, window=3), market, "A") == "..xx."
    assert inside(Universe(min_dollar_volume=301, window=3), market, "A") == "....."
    assert inside(Universe(min_dollar_volume=120, window=3), market, "B") == "..xxx"


def test_dollar_volume_needs_half_of_the_window_and_a_missing_bar_decides_nothing(bars_of):
    # Windows of four: A lacks one bar, then two, then three; C's volume is unknown at times; B is listed late.
    market = bars_of(
        {"A": [10, 10, 10, NO_BAR, NO_BAR, NO_BAR, 10], "B": [NO_BAR] * 4 + [10] * 3, "C": [10] * 7},
        {"A": [5, 5, 5, None, None, None, 5], "B": [None] * 4 + [5] * 3, "C": [None, 5, None, 5, None, None, None]},
    )
    universe = Universe(min_dollar_volume=50, window=4)
    assert inside(universe, market, "A") == "...xx.."
    assert inside(universe, market, "B") == ".....xx"
    assert inside(universe, market, "C") == "...xx.."


def test_all_rules_must_hold_and_the_markets_own_universe_too(bars_of, members, sessions):
    own = pd.DataFrame({"A": [True, True, True, True, False]}, index=sessions(5))
    market = bars_of({"A": [10, 10, 10, 1, 10]}, {"A": [9] * 5}, universe=own)
    assert inside(Universe(min_price=5, min_dollar_volume=1, window=2), market, "A") == ".xx.."
    file = members("symbol,start,end\nA,2015-01-06,\n")
    assert inside(Universe(members=file, min_price=5, min_dollar_volume=1, window=2), market, "A") == "..x.."
    assert inside(Universe(members=file), market, "A") == "..xx."
    assert market.universe["A"].tolist() == [True, True, True, True, False]


def test_bars_are_not_masked(bars_of):
    market = Universe(min_price=5).applied(bars_of({"A": [1, 2, 9]}))
    assert market.close["A"].tolist() == [1, 2, 9]


VALUES = st.sampled_from([None, 1.0, 2.0, 3.0, 5.0, 8.0])


@st.composite
def cases(draw):
    rows = draw(st.integers(2, 12))
    closes = {symbol: draw(st.lists(VALUES, min_size=rows, max_size=rows)) for symbol in "AB"}
    drawn = {symbol: draw(st.lists(VALUES, min_size=rows, max_size=rows)) for symbol in "AB"}
    there = {symbol: [close is not None for close in closes[symbol]] for symbol in "AB"}
    volumes = {s: [v if bar else None for v, bar in zip(drawn[s], there[s], strict=True)] for s in "AB"}
    periods = [draw(st.lists(st.integers(0, rows), max_size=4, unique=True).map(sorted)) for _ in "AB"]
    universe = {
        "min_price": draw(st.sampled_from([None, 2.0, 4.0])),
        "min_dollar_volume": draw(st.sampled_from([None, 4.0, 10.0])),
        "window": draw(st.integers(1, 5)),
    }
    return closes, volumes, periods, universe, draw(st.booleans())


def by_hand(row, closes, volumes, rules):
    """Judge one symbol on one row with plain loops."""
    window = range(max(0, row - rules["window"] + 1), row + 1)
    known = [closes[r] for r in window if closes[r] is not None]
    if (rules["min_price"] or rules["min_dollar_volume"]) and len(window) < rules["window"]:
        return False
    if rules["min_price"] is not None and (not known or known[-1] < rules["min_price"]):
        return False
    if rules["min_dollar_volume"] is None:
        return True
    traded = [closes[r] * volumes[r] for r in window if closes[r] is not None and volumes[r] is not None]
    return 2 * len(traded) >= rules["window"] and statistics.median(traded) >= rules["min_dollar_volume"]


@settings(max_examples=150, derandomize=True)
@given(case=cases())
def test_a_rows_mask_depends_on_rows_within_the_warm_up_alone(case, sessions, tmp_path_factory):
    closes, volumes, periods, rules, with_members = case
    rows = len(closes["A"])
    index = sessions(rows)
    frames = [pd.DataFrame(values | {"Z": [1.0] * rows}, index=index, dtype="float64") for values in (closes, volumes)]
    market = Market.from_frames(close=frames[0], volume=frames[1])
    member = {symbol: [True] * rows for symbol in "AB"}
    file = None
    if with_members:
        file = tmp_path_factory.mktemp("members") / "members.csv"
        lines = []
        for symbol, days in zip("AB", periods, strict=True):
            dates = [(index[first].date(), index[last].date() if last < rows else "") for first, last in pairs(days)]
            lines += [f"{symbol},{start},{end}\n" for start, end in dates]
        file.write_text("symbol,start,end\n" + "".join(lines))
        member = {
            s: [any(first <= row <= last for first, last in pairs(days)) for row in range(rows)]
            for s, days in zip("AB", periods, strict=True)
        }
    universe = Universe(members=file, **rules)
    whole = universe.applied(market).universe
    if whole is None:
        return
    for row in range(rows):
        expected = [member[s][row] and by_hand(row, closes[s], volumes[s], rules) for s in "AB"]
        assert whole[["A", "B"]].iloc[row].tolist() == expected, row
        first = row - universe.warmup() + 1
        if first >= 0:
            alone = universe.applied(market.rows(first, row + 1)).universe
            assert alone.iloc[-1].tolist() == whole.iloc[row].tolist(), row


def pairs(days):
    return [(days[place], days[place + 1]) for place in range(0, len(days) - 1, 2)]


def test_on_real_bars_the_mask_of_a_row_is_that_of_its_window(real_bars):
    frames = real_bars("daily_small_illiquid")
    market = Market.from_frames(**frames).between("2010-01-01", "2012-12-31")
    universe = Universe(min_price=5, min_dollar_volume=1e6)
    whole = universe.applied(market).universe
    assert 0.05 < whole.to_numpy().mean() < 0.95
    assert not market.present.all()
    for row in np.random.default_rng(5).integers(universe.warmup() - 1, len(market), 25).tolist():
        alone = universe.applied(market.rows(row - universe.warmup() + 1, row + 1)).universe
        assert alone.iloc[-1].tolist() == whole.iloc[row].tolist()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", r"members.csv lacks the column symbol; it needs symbol, start, end \(it has: none\)"),
        ("symbol;start;end\n", r"lacks the column symbol; .* \(it has: symbol;start;end\)"),
        ("symbol,from,end\n", r"lacks the column start; .* \(it has: symbol, from, end\)"),
        ("symbol,start,end\nA,2015-13-01,\n", "line 2: start is '2015-13-01'; give a date as in 2015-12-31"),
        ("symbol,start,end\nA,,2015-01-02\n", "line 2: start is ''; give a date"),
        ("symbol,start,end\n\nA,2015-01-02,never\n", "line 3: end is 'never'; give a date"),
        ("symbol,start,end\nA,01/02/2015,\n", "line 2: start is '01/02/2015'; give a date"),
        ("symbol,start,end\n,2015-01-02,\n", "line 2 has no symbol; fill it in or drop the line"),
        ("symbol,start,end\nA,2015-01-02\n", "line 2 has 2 values for 3 columns; mend the line"),
        ("symbol,start,end\nA,2015-01-02,,\n", "line 2 has 4 values for 3 columns; mend the line"),
        (
            "symbol,start,end\nA,2015-01-05,2015-01-02\n",
            "line 2: A starts on 2015-01-05, after its end on 2015-01-02; correct either",
        ),
        (
            "symbol,start,end\nA,2015-01-05,\nB,2015-01-05,\nA,2015-01-02,2015-01-05\n",
            "the periods of A in lines 4 and 2 overlap on 2015-01-05; end one before the other starts",
        ),
        (
            "symbol,start,end\nA,2015-01-05,\nA,2015-02-05,2015-03-05\n",
            "the periods of A in lines 2 and 3 overlap on 2015-02-05",
        ),
    ],
)
def test_a_bad_file_of_members_is_told_in_one_line(members, bars_of, text, message):
    with pytest.raises(DataError, match=message) as told:
        Universe(members=members(text)).applied(bars_of({"A": [10, 10]}))
    assert "\n" not in str(told.value)


def test_a_file_of_members_that_cannot_be_read_is_told(tmp_path, bars_of):
    market = bars_of({"A": [10, 10]})
    with pytest.raises(DataError, match=r"there is no file .*gone\.csv; set universe\.members to the list of members"):
        Universe(members=tmp_path / "gone.csv").applied(market)
    with pytest.raises(DataError, match="cannot be read: Is a directory"):
        Universe(members=tmp_path).applied(market)
    (tmp_path / "picture.csv").write_bytes(b"\x89PNG\xff\xfe")
    with pytest.raises(DataError, match=r"picture\.csv is no CSV file in UTF-8"):
        Universe(members=tmp_path / "picture.csv").applied(market)


def test_rules_that_can_never_be_judged_are_told(bars_of, members):
    file = members("symbol,start,end\nQ,2015-01-02,\n")
    with pytest.raises(
        DataError, match=r"members\.csv: none of its symbols has bars, .* the bars are of A, B, C \.\.\."
    ):
        Universe(members=file).check(bars_of({symbol: [10, 10] for symbol in "ABCD"}))
    with pytest.raises(DataError, match=r"universe\.min_dollar_volume needs volumes, which these bars lack"):
        Universe(min_dollar_volume=1).check(bars_of({"A": [10, 10]}))
    Universe(min_dollar_volume=1).check(bars_of({"A": [10, 10]}, {"A": [None, 5]}))


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"members": 3}, "members is 3; give the path of a CSV file"),
        ({"min_price": "5"}, "min_price is '5'; give a number"),
        ({"min_price": True}, "min_price is True; give a number"),
        ({"min_price": 0}, "min_price is 0; it is an amount of money above 0"),
        ({"min_price": float("nan")}, "min_price is nan; it is an amount of money above 0"),
        ({"min_dollar_volume": float("inf")}, "min_dollar_volume is inf; it is an amount of money above 0"),
        ({"min_dollar_volume": 10**400}, "min_dollar_volume is 1000"),
        ({"window": 0}, "window is 0; it counts rows, at least 1"),
        ({"window": 2.5}, "window is 2.5; it counts rows, at least 1"),
        ({"window": 10**9}, "window is 1000000000; it counts rows, at least 1, at most 100000"),
    ],
)
def test_a_field_that_does_not_fit_is_told(fields, message):
    with pytest.raises(ConfigError, match=message):
        Universe(**fields)


def test_another_universe_leaves_the_first_market_as_it_was(bars_of):
    market = bars_of({"A": [10, 11], "B": [5, 6]})
    mask = market.close > 10
    masked = market.with_universe(mask)
    mask.iloc[:] = True
    assert market.universe is None
    assert masked.universe.to_numpy().tolist() == [[False, False], [True, False]]
    assert masked.rows(1, 2).universe.to_numpy().tolist() == [[True, False]]
    assert masked.content_hash != market.content_hash
    with pytest.raises(DataError, match="universe holds other values than True and False"):
        market.with_universe(market.close)

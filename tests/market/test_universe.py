"""Which symbols may be held when: the rules by hand, and that a row's mask depends on rows within warmup() alone."""

from __future__ import annotations

import statistics

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quantstrats import DataError, Market, SideSeries, Universe
from quantstrats.errors import ConfigError
from quantstrats.market.membership import read_membership
from quantstrats.market.ranking import best, dollar_volume, volatility
from quantstrats.market.screen import screen

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


def sectors_as(**sectors):
    return {"sector": SideSeries(pd.Series(sectors, dtype=object), "assumed")}


def held(universe, market):
    """Return by row the symbols inside."""
    return ["".join(row.index[row]) for _, row in universe.applied(market).universe.iterrows()]


def test_the_best_are_those_of_the_highest_dollar_volume_of_the_row(bars_of):
    # Windows of one: close x volume of A 10, 20, 60; B 20, 20, 20; C 30, 10, 40.
    market = bars_of({"A": [10, 10, 20], "B": [10] * 3, "C": [10] * 3}, {"A": [1, 2, 3], "B": [2] * 3, "C": [3, 1, 4]})
    assert held(Universe(top=1, window=1), market) == ["C", "A", "A"]
    assert held(Universe(top=2, window=1), market) == ["BC", "AB", "AC"]
    assert held(Universe(top=3, window=1), market) == held(Universe(top=9, window=1), market) == ["ABC"] * 3


def test_of_equal_ones_the_first_in_the_markets_order_counts(bars_of):
    market = bars_of({"B": [10, 10], "A": [10, 10], "C": [10, 11]}, {symbol: [5, 5] for symbol in "BAC"})
    assert held(Universe(top=2, window=1), market) == ["BA", "BC"]
    assert held(Universe(top=1, window=1), market.select(["A", "C", "B"])) == ["A", "C"]


def test_a_symbol_with_less_than_half_of_its_window_has_no_rank_and_takes_no_place(bars_of):
    closes = {"A": [NO_BAR, NO_BAR, NO_BAR, 10, 10, 10], "B": [10] * 6, "C": [10] * 6}
    volumes = {"A": [None, None, None, 9, 9, 9], "B": [2] * 6, "C": [1] * 6}
    assert held(Universe(top=1, window=4), bars_of(closes, volumes)) == ["", "", "", "B", "A", "A"]


def test_the_best_are_chosen_among_those_that_pass_all_other_rules(bars_of, members, sessions):
    own = pd.DataFrame({symbol: [True, symbol != "B"] for symbol in "ABCDE"}, index=sessions(2))
    market = bars_of(
        {"A": [1, 1], "B": [10, 10], "C": [10, 10], "D": [10, 10], "E": [10, 10]},
        {"A": [900, 900], "B": [8, 8], "C": [7, 7], "D": [6, 6], "E": [5, 5]},
        universe=own,
        side=sectors_as(A="Energy", B="Energy", C="Utilities", D="Energy", E="Energy"),
    )
    file = members("symbol,start,end\nA,2000-01-01,\nB,2000-01-01,\nC,2000-01-01,\nD,2000-01-01,\nE,2000-01-01,\n")
    universe = Universe(members=file, min_price=5, sectors=["Energy"], top=1, window=1)
    assert held(universe, market) == ["B", "D"]
    assert held(Universe(min_dollar_volume=51, top=3, window=1), market) == ["ABC", "ACD"]


def test_a_symbol_that_has_ended_takes_no_place_from_the_session_after_its_last_one(bars_of):
    closes, volumes = {"A": [10, 10, NO_BAR, NO_BAR], "B": [10] * 4}, {"A": [9, 9, None, None], "B": [1] * 4}
    universe = Universe(top=1, window=4)
    # Nobody knows on its last session that it was that; a vendor's gap is no end.
    ended = bars_of(closes, volumes, ended={"A": "2015-01-06"})
    assert held(universe, ended) == ["", "", "", "B"]
    assert held(universe, ended.rows(0, 4)) == ["", "", "", "B"]
    assert held(universe, bars_of(closes, volumes, ended={"A": "2015-01-07"})) == ["", "", "", "A"]
    assert held(universe, bars_of(closes, volumes)) == ["", "", "", "A"]
    assert list(universe.applied(ended).close) == ["A", "B"]


def test_volatility_is_the_deviation_of_the_returns_within_the_window(bars_of):
    # Returns of A: +10%, -10%, +10%, -10%; of B: +20%, +20%, +20%, -50%.
    market = bars_of({"A": [100, 110, 99, 108.9, 98.01], "B": [10, 12, 14.4, 17.28, 8.64]})
    deviation = statistics.stdev([0.1, -0.1])
    assert volatility(market, 3)[:, 0].tolist() == pytest.approx([NAN, NAN, *[deviation] * 3], nan_ok=True)
    assert volatility(market, 4)[3, 0] == pytest.approx(statistics.stdev([0.1, -0.1, 0.1]))
    assert volatility(market, 3)[:, 1].tolist() == pytest.approx(
        [NAN, NAN, 0, 0, statistics.stdev([0.2, -0.5])], abs=1e-8, nan_ok=True
    )
    assert held(Universe(top=1, by="volatility", window=3), market) == ["", "", "A", "A", "B"]


def test_volatility_needs_half_of_its_returns_and_at_least_two(bars_of):
    market = bars_of({"A": [10, 11, 12, NO_BAR, 12, NO_BAR, 12], "B": [10, 11, 12, 13, 12, 11, 12]})
    assert np.isnan(volatility(market, 5)[:, 0]).tolist() == [True] * 4 + [False, True, True]
    assert np.isnan(volatility(market, 6)[5:, 0]).tolist() == [True, True]  # two of five
    assert np.isnan(volatility(market, 2)).all()
    assert np.isnan(volatility(market, 8)).all()
    assert np.isnan(dollar_volume(market, 8)).all()


def test_a_measure_wants_the_rows_of_a_whole_window(bars_of):
    market = bars_of({"A": [10] * 4}, {"A": [5] * 4})
    assert dollar_volume(market, 3)[:, 0].tolist() == pytest.approx([NAN, NAN, 50, 50], nan_ok=True)
    assert volatility(market, 3)[:, 0].tolist() == pytest.approx([NAN, NAN, 0, 0], nan_ok=True)


def test_only_symbols_of_the_sectors_may_be_held(bars_of):
    market = bars_of({symbol: [10, 10] for symbol in "ABCD"}, side=sectors_as(A="Energy", B="Utilities", D="IT", Z="Q"))
    assert held(Universe(sectors=("Energy", "IT")), market) == ["AD", "AD"]
    assert held(Universe(sectors="Energy, IT"), market) == ["AD", "AD"]
    assert Universe(sectors=["Energy"]).warmup() == 1
    assert Universe(sectors=["Energy"]) == Universe(sectors=("Energy",))


def test_a_sector_that_changes_counts_from_when_it_was_known(bars_of, sessions):
    known = pd.DatetimeIndex(["2015-01-02 12:00", "2015-01-06 12:00"], tz="UTC")
    values = pd.DataFrame(
        {"A": ["Energy", "IT"], "B": ["IT", "IT"]}, index=pd.to_datetime(["2014-12-31", "2015-01-05"])
    )
    market = bars_of({"A": [10] * 4, "B": [10] * 4}, side={"sector": SideSeries(values, known)})
    universe = Universe(sectors=["Energy"])
    universe.check(market)
    assert held(universe, market) == ["A", "A", "", ""]
    assert held(universe, market.rows(1, 2)) == ["A"]


@pytest.mark.parametrize(
    ("side", "message"),
    [
        (None, r"universe\.sectors needs the side series 'sector' \(the market has: none\); add it in data\.side"),
        (
            {"sectors": sectors_as(A="Energy")["sector"]},
            r"needs the side series 'sector'; did you mean 'sectors'\? \(the market has: sectors\)",
        ),
        (
            sectors_as(A="Energy", B="Energy Services"),
            r"sectors: no symbol is in 'Enrgy'; did you mean 'Energy'\? \(there are: Energy, Energy Services\)",
        ),
        (
            {"sector": SideSeries(pd.Series([1.0], index=[0]), pd.DatetimeIndex(["2015-01-02"], tz="UTC"))},
            r"the side series 'sector' has one value for all; give one per symbol",
        ),
    ],
)
def test_sectors_that_cannot_be_judged_are_told(bars_of, side, message):
    with pytest.raises(DataError, match=message):
        Universe(sectors=["Enrgy"]).check(bars_of({"A": [10, 10], "B": [10, 10]}, side=side))


def test_the_best_by_dollar_volume_need_volumes_and_those_by_volatility_do_not(bars_of):
    market = bars_of({"A": [10, 10]})
    with pytest.raises(DataError, match=r"universe\.top compares dollar volumes, .* set universe\.by: volatility"):
        Universe(top=1).check(market)
    Universe(top=1, by="volatility").check(market)


NAN = float("nan")
SCORES = st.sampled_from([NAN, -1.0, 0.0, 1.0, 1.0, 2.0, float("inf")])


@given(scores=st.lists(st.lists(SCORES, min_size=5, max_size=5), min_size=1, max_size=6), top=st.integers(1, 7))
def test_the_best_of_a_row_are_those_that_sorting_finds(scores, top):
    found = best(np.array(scores), top)
    for row, values in zip(found.tolist(), scores, strict=True):
        ranked = sorted((-value, place) for place, value in enumerate(values) if value == value)
        assert [place for place, chosen in enumerate(row) if chosen] == sorted(place for _, place in ranked[:top])


@st.composite
def rankings(draw):
    rows, width = draw(st.integers(3, 14)), draw(st.integers(2, 5))
    cells = st.lists(VALUES, min_size=rows, max_size=rows)
    closes = {symbol: draw(cells) for symbol in "ABCDE"[:width]}
    volumes = {
        symbol: [value if close is not None else None for value, close in zip(draw(cells), column, strict=True)]
        for symbol, column in closes.items()
    }
    rules = {
        "top": draw(st.integers(1, width)),
        "by": draw(st.sampled_from(["dollar_volume", "volatility"])),
        "window": draw(st.integers(3, 6)),
        "min_price": draw(st.sampled_from([None, 2.0])),
    }
    return closes, volumes, rules, draw(st.integers(0, rows - 1))


def measured(row, closes, volumes, rules):
    """Return the measure of one symbol on one row with plain loops, None without one."""
    window = range(row - rules["window"] + 1, row + 1)
    if window[0] < 0:
        return None
    if rules["by"] == "dollar_volume":
        values = [closes[r] * volumes[r] for r in window if volumes[r] is not None]
        return statistics.median(values) if 2 * len(values) >= rules["window"] else None
    pairs_of = [(closes[r - 1], closes[r]) for r in window[1:]]
    values = [b / a - 1 for a, b in pairs_of if a is not None and b is not None]
    enough = len(values) >= 2 and 2 * len(values) >= rules["window"] - 1
    return statistics.stdev(values) if enough else None


@settings(max_examples=200, derandomize=True)
@given(case=rankings())
def test_the_best_depend_on_their_window_alone_and_not_on_later_rows(case, sessions):
    closes, volumes, rules, row = case
    height = len(closes["A"])
    frames = [pd.DataFrame(values, index=sessions(height), dtype="float64") for values in (closes, volumes)]
    always = {"Z": [1.0] * height}  # a market has a bar
    frames = [frame.assign(**always) for frame in frames]
    market = Market.from_frames(close=frames[0], volume=frames[1])
    universe = Universe(**rules)
    whole = universe.applied(market).universe
    scores = {}
    for symbol in market.symbols:
        column, volume = frames[0][symbol].tolist(), frames[1][symbol].tolist()
        column, volume = ([None if value != value else value for value in values] for values in (column, volume))
        score = measured(row, column, volume, rules)
        known = [close for close in column[max(0, row - rules["window"] + 1) : row + 1] if close is not None]
        if score is not None and (rules["min_price"] is None or known[-1] >= rules["min_price"]):
            scores[symbol] = score
    order = {symbol: place for place, symbol in enumerate(market.symbols)}
    # Two ways to work out a deviation differ in the last digits: equal ones are told apart by neither.
    ranked = sorted(scores, key=lambda symbol: (-round(scores[symbol], 7), order[symbol]))
    values = [round(scores[symbol], 7) for symbol in ranked]
    if len(values) <= rules["top"] or values[rules["top"] - 1] != values[rules["top"]] or rules["by"] != "volatility":
        assert set(whole.columns[whole.iloc[row]]) == set(ranked[: rules["top"]])
    first = row - universe.warmup() + 1
    if first >= 0:
        assert universe.applied(market.rows(first, row + 1)).universe.iloc[-1].tolist() == whole.iloc[row].tolist()
    other = market.with_values(
        {field: np.vstack([values[: row + 1], values[row + 1 :] * 7]) for field, values in fields(market)}
    )
    assert universe.applied(other).universe.iloc[: row + 1].equals(whole.iloc[: row + 1])


def fields(market):
    return [(field, market.array(field)) for field in ("open", "high", "low", "close", "volume")]


@pytest.mark.parametrize("by", ["dollar_volume", "volatility"])
def test_on_real_bars_the_best_fifty_of_a_row_are_those_of_its_window(real_bars, by):
    frames = real_bars("daily_sp500")
    market = Market.from_frames(**{name: frames[name] for name in ("close", "volume")}).between(
        "2010-01-01", "2012-12-31"
    )
    universe = Universe(top=50, by=by)
    whole = universe.applied(market).universe
    assert whole.iloc[20:].sum(axis=1).eq(50).all()
    assert not whole.iloc[:20].any(axis=None)
    frame = market.close * market.volume if by == "dollar_volume" else market.close.pct_change(fill_method=None)
    for row in np.random.default_rng(6).integers(20, len(market), 20).tolist():
        alone = universe.applied(market.rows(row - 20, row + 1)).universe
        assert alone.iloc[-1].tolist() == whole.iloc[row].tolist()
        if by == "dollar_volume":
            window = frame.iloc[row - 20 : row + 1]
            score = window.median().where(window.count() >= 11)
        else:
            window = frame.iloc[row - 19 : row + 1]
            score = window.std().where(window.count() >= 10)
        assert set(score.nlargest(50).index) == set(whole.columns[whole.iloc[row]])


def test_the_stamp_says_how_the_symbols_were_chosen(members):
    def some(count):
        return [f"S{number}" for number in range(count)]

    file = members("symbol,start,end\nS0,2000-01-01,\nS1,2000-01-01,\n")
    assert Universe(members=file).stamp(some(20), "todays_list", "S&P 500 of 2026-11-28") == (
        "universe: point-in-time members of members.csv"
    )
    assert Universe(members=file).stamp(["S0", "OTHER"]) == (
        "universe: point-in-time members of members.csv, 1 of 2 without bars: survivorship bias"
    )
    assert Universe(basis="point_in_time").stamp(some(3)) == "universe: point-in-time choice of symbols, as declared"
    assert Universe().stamp(some(20)) == "universe: fixed basket of 20 symbols, chosen with today's knowledge"
    assert Universe().stamp(some(1), "fixed_basket", "mine.csv") == (
        "universe: fixed basket of 1 symbol (mine.csv), chosen with today's knowledge"
    )
    assert Universe().stamp(some(503), "todays_list", "S&P 500 of 2026-11-28") == (
        "universe: today's list (S&P 500 of 2026-11-28): survivorship bias, names that left it are not in it"
    )
    assert Universe(basis="todays_list").stamp(some(5)) == (
        "universe: today's list: survivorship bias, names that left it are not in it"
    )
    assert Universe(members=file, basis="fixed_basket").stamp(some(5)).startswith("universe: fixed basket of 5 symbols")


def test_a_screen_tells_of_each_symbol_what_it_is_and_why_it_is_outside(bars_of, members):
    market = bars_of(
        {"A": [10, 10, 11, 20], "B": [2, 2, 2, 2], "C": [10, NO_BAR, 12, 13], "D": [10, 11, 10, 9], "E": [9] * 4},
        {"A": [1, 1, 1, 99], "B": [9] * 4, "C": [1, None, 1, 1], "D": [5] * 4, "E": [4] * 4},
        side=sectors_as(A="Energy", B="Energy", C="Energy", D="Energy"),
    )
    file = members("symbol,start,end\n" + "".join(f"{symbol},2000-01-01,\n" for symbol in "ABCE"))
    universe = Universe(members=file, sectors=["Energy"], min_price=5, top=1, window=3)
    table = screen(universe, market, "2015-01-06")
    assert table.index.tolist() == list("ABCDE")
    assert table["fails"].tolist() == ["top", "min_price", "", "members", "sectors"]
    assert table["inside"].tolist() == [False, False, True, False, False]
    assert table["close"].tolist() == [11, 2, 12, 10, 9]
    assert table["dollar_volume"].tolist() == [10, 18, 11, 50, 36]
    assert table["volatility"].tolist() == pytest.approx(
        [statistics.stdev([0, 0.1]), 0, NAN, statistics.stdev([0.1, 10 / 11 - 1]), 0], nan_ok=True
    )
    assert table["sector"].tolist()[:4] == ["Energy"] * 4
    assert pd.isna(table["sector"].iloc[4])


def test_a_screen_is_of_the_last_session_by_default_and_agrees_with_the_mask(bars_of):
    market = bars_of({"A": [9, 4, 6], "B": [1, 6, 2]})
    universe = Universe(min_price=5, window=2)
    assert screen(universe, market)["fails"].tolist() == ["", "min_price"]
    assert screen(universe, market, "2015-01-02")["fails"].tolist() == ["window", "window"]
    assert screen(Universe(), market)["inside"].all()
    assert screen(universe, market)["sector"].isna().all()


def test_a_screen_of_a_day_without_a_session_is_told(bars_of):
    market = bars_of({"A": [9, 4, 6]})
    with pytest.raises(
        DataError, match=r"2015-01-04 is no session of these bars \(2015-01-02 to 2015-01-06\); the one"
    ):
        screen(Universe(), market, "2015-01-04")
    for day in ("2014-12-31", "2015-02-02"):
        with pytest.raises(DataError, match=rf"{day} is no session of these bars \(2015-01-02 to 2015-01-06\)$"):
            screen(Universe(), market, day)
    with pytest.raises(DataError, match="day: 'soon' is not a date"):
        screen(Universe(), market, "soon")


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
        ({"top": 0}, "top is 0; it counts symbols, at least 1"),
        ({"top": 2.0}, r"top is 2\.0; it counts symbols"),
        ({"by": "volume"}, r"by is 'volume'; did you mean 'dollar_volume'\? \(it can be dollar_volume, volatility\)"),
        (
            {"top": 1, "by": "volatility", "window": 2},
            "window is 2; a volatility needs two returns, so at least 3 rows",
        ),
        ({"sectors": 3}, r"sectors is 3; give a list of names, as in \['Energy', 'Utilities'\]"),
        ({"sectors": [3]}, r"sectors is \[3\]; give a list of names"),
        ({"sectors": []}, "sectors names none, nothing could be held"),
        ({"basis": "today"}, r"basis is 'today'.* \(it can be point_in_time, fixed_basket, todays_list\)"),
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

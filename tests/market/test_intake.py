"""Intake: rows become a Market on the exchange's grid, checked, and repaired where that is asked for."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import ClassVar

import numpy as np
import pandas as pd
import pytest

from quantstrats import Plugins, hookimpl, load_market
from quantstrats.errors import ConfigError, DataError
from quantstrats.market import intake
from quantstrats.market.calendar import Calendar
from quantstrats.market.intake import Supply, market_of, quality_of
from quantstrats.market.quality.repair import Repair
from quantstrats.market.rows import Rows
from quantstrats.market.sources.base import RowSource

FIELDS = ("open", "high", "low", "close", "volume")
# Monday to Friday of a week without a holiday.
WEEK = pd.DatetimeIndex(["2015-01-05", "2015-01-06", "2015-01-07", "2015-01-08", "2015-01-09"])


def rows_of(symbol, closes, times=WEEK, **changed):
    """Return rows of bars that reach one up and down from their close; None where there is no bar."""
    close = np.array([np.nan if value is None else value for value in closes])
    values = {"open": close, "high": close + 1, "low": close - 1, "close": close, "volume": close * 0 + 100.0}
    values = {name: array.copy() for name, array in values.items()}
    for name, (row, value) in changed.items():
        values[name][row] = value
    return Rows.of_symbol("vendor", symbol, times[: len(close)], values)


def supply_of(*every, **more):
    symbols = tuple(str(rows.symbols[0]) for rows in every)
    first, last = min(rows.labels[0] for rows in every), max(rows.labels[-1] for rows in every)
    return Supply("vendor", Calendar("XNYS"), None, first, last, symbols, lambda: every, **more)


def test_rows_stand_on_the_sessions_of_the_exchange_and_what_lacks_is_missing():
    times = WEEK.delete(2)
    market, report = market_of(supply_of(rows_of("A", [10, 11, 13, 14], times), rows_of("B", [20, 21, 22, 23, 24])))
    assert market.index.tolist() == WEEK.tolist()
    assert market.close["A"].dropna().tolist() == [10.0, 11.0, 13.0, 14.0]
    assert np.isnan(market.close["A"].iloc[2])
    assert np.isnan(market.volume["A"].iloc[2])
    assert market.close["B"].tolist() == [20.0, 21.0, 22.0, 23.0, 24.0]
    assert report.counts == {"missing_bar": 1}


def test_rows_may_come_newest_first():
    market, _ = market_of(supply_of(rows_of("A", [14, 13, 12, 11, 10], WEEK[::-1])))
    assert market.close["A"].tolist() == [10.0, 11.0, 12.0, 13.0, 14.0]


def test_columns_stand_in_the_order_that_is_asked_for_whatever_the_batches(monkeypatch):
    every = [rows_of(name, [number + 10.0] * 5) for number, name in enumerate("CABD")]
    whole, _ = market_of(supply_of(*every))
    assert whole.symbols.tolist() == ["C", "A", "B", "D"]
    for most in (1, 10, 11, 15, 10_000):
        monkeypatch.setattr(intake, "_MOST_CELLS", most)
        batched, _ = market_of(supply_of(*every))
        assert batched.content_hash == whole.content_hash
        assert batched.close.iloc[0].tolist() == [10.0, 11.0, 12.0, 13.0]


def test_batches_are_asked_for_one_after_another():
    """Else all rows would be in memory at once."""
    living = []

    def batches():
        for name in "ABCDEFGH":
            rows = rows_of(name, [10.0] * 5)
            living.append(name)
            yield rows

    grown = []

    def watched():
        for rows in batches():
            grown.append(len(living))
            yield rows

    market_of(Supply("vendor", Calendar("XNYS"), None, WEEK[0], WEEK[-1], tuple("ABCDEFGH"), watched))
    assert grown == list(range(1, 9))


def test_only_the_sessions_asked_for_are_looked_at():
    broken = rows_of("A", [10, 11, 12, 13, 14], high=(0, 1.0))
    with pytest.raises(DataError, match="high is below low in 1 row, first at 2015-01-05 A"):
        market_of(supply_of(broken))
    market, report = market_of(supply_of(broken, start=date(2015, 1, 6), end=date(2015, 1, 8)))
    assert market.close["A"].tolist() == [11.0, 12.0, 13.0]
    assert not report.counts


def test_a_span_without_sessions_is_told_with_the_one_there_is():
    with pytest.raises(DataError, match="no bars from 2016-01-01 to the end; the bars run from 2015-01-05 to 2015-01-"):
        market_of(supply_of(rows_of("A", [10, 11, 12, 13, 14]), start=date(2016, 1, 1)))


def test_a_row_off_the_exchanges_sessions_is_refused_or_left_out_and_counted():
    times = WEEK.insert(0, pd.Timestamp("2015-01-04"))  # a Sunday
    supply = supply_of(rows_of("A", [9, 10, 11, 12, 13, 14], times))
    with pytest.raises(DataError) as told:
        market_of(supply)
    assert str(told.value) == (
        "vendor: the time is no session of XNYS in 1 row, first at 2015-01-04 A; "
        "set data.calendar ('24/7' never closes), or set data.repair: drop"
    )
    market, report = market_of(supply, Repair("drop"))
    assert len(market) == 5
    assert report.counts == {"off_session": 1}
    assert report.findings.loc[0, ["symbol", "time", "value", "action"]].tolist() == [
        "A",
        pd.Timestamp("2015-01-04"),
        9.0,
        "drop",
    ]


def test_what_cannot_be_a_bar_is_refused_unless_it_is_repaired():
    supply = supply_of(rows_of("A", [10, 11, 12, 13, 14], low=(1, -5.0)), rows_of("B", [20, 21, 22, 23, 24]))
    with pytest.raises(DataError, match=r"vendor: low is zero or negative in 1 row, first at 2015-01-06 A; mend the"):
        market_of(supply)
    market, _ = market_of(supply, Repair({"nonpositive_price": "drop"}))
    assert market.present[:, 0].tolist() == [True, False, True, True, True]
    assert market.present[:, 1].all()


def test_a_check_refuses_nothing_and_changes_nothing():
    supply = supply_of(rows_of("A", [10, 11, 12, 13, 14], low=(1, -5.0), volume=(3, -1.0)))
    report = quality_of(supply)
    assert report.counts == {"nonpositive_price": 1, "negative_volume": 1}
    assert set(report.findings["action"]) == {"fail"}  # what a backtest does about it
    assert report.impossible_left == 2
    mended = quality_of(supply, Repair("drop"))
    assert set(mended.findings["action"]) == {"drop"}
    assert mended.impossible_left == 0


def test_when_no_bar_is_left_it_is_told_why():
    supply = supply_of(rows_of("A", [10], low=(0, -5.0)))
    with pytest.raises(DataError, match=r"vendor: no bar is left \(1 nonpositive_price"):
        market_of(supply, Repair("drop"))


def test_a_symbol_twice_in_its_own_rows_is_refused():
    with pytest.raises(DataError, match="the same time and symbol stand again in 1 row, first at 2015-01-05 A"):
        market_of(supply_of(rows_of("A", [10, 11], WEEK[[0, 0]])))


def test_of_rows_that_repeat_a_bar_the_first_counts_where_that_is_asked_for():
    repeated = rows_of("A", [10, 99, 11, 12], WEEK[[0, 0, 1, 2]])
    market, report = market_of(supply_of(repeated), Repair("drop"))
    assert market.close["A"].tolist() == [10.0, 11.0, 12.0]
    assert report.counts == {"duplicate": 1}
    assert report.findings.loc[0, ["symbol", "time", "value", "action"]].tolist() == ["A", WEEK[0], 99.0, "drop"]
    assert quality_of(supply_of(repeated)).impossible_left == 1


@pytest.mark.parametrize("again", [[0, 1, 2, 3, 4, 1], [0, 1, 2, 3, 1, 2, 3, 4], [4, 3, 2, 1, 0, 3, 2]])
def test_rows_that_were_appended_again_are_duplicates_and_no_disorder(again):
    closes = [10.0 + day for day in again]
    supply = supply_of(rows_of("A", closes, WEEK[again]))
    with pytest.raises(DataError, match="the same time and symbol stand again"):
        market_of(supply)
    market, report = market_of(supply, Repair("drop"))
    assert market.close["A"].tolist() == [10.0, 11.0, 12.0, 13.0, 14.0]
    assert report.counts == {"duplicate": len(again) - 5}


def test_rows_in_no_order_are_refused():
    with pytest.raises(DataError, match="times go back and forth in 1 row, first at 2015-01-06 A; sort the rows"):
        market_of(supply_of(rows_of("A", [10, 12, 11, 13, 14], WEEK[[0, 2, 1, 3, 4]])), Repair("drop"))


def test_no_symbol_is_called_cash():
    with pytest.raises(DataError, match="a symbol cannot be called 'cash'"):
        market_of(supply_of(rows_of("cash", [10])))


def test_close_only_rows_give_close_only_bars():
    rows = Rows.of_symbol("vendor", "A", WEEK[:2], {"close": np.array([10.0, 11.0])})
    market, _ = market_of(supply_of(rows, close_only=True))
    assert market.array("open") is market.array("close")
    assert any("close-only" in stamp for stamp in market.stamps)
    assert np.isnan(market.array("volume")).all()


@dataclass(frozen=True)
class Told(RowSource):
    """A stranger's source of rows."""

    name: ClassVar[str] = "told"

    bad: bool = False

    def rows(self, symbols=None, start=None, end=None):
        changed = {"low": (1, -5.0)} if self.bad else {}
        every = [rows_of(name, [10, 11, 12, 13, 14], **changed) for name in symbols or ("A", "B")]
        return supply_of(*every, start=start, end=end, stamps=("from a friend",), record={"asked": 1})


class Register:
    @hookimpl
    def register_sources(self, register):
        register(Told)


@pytest.fixture
def plugins():
    found = Plugins()
    found.register(Register())
    return found


def test_a_market_says_how_its_bars_came_to_be(plugins):
    market = load_market("told", "B,A", repair={"nonpositive_price": "drop"}, bad=True, plugins=plugins)
    assert market.symbols.tolist() == ["B", "A"]
    assert market.origin == {"source": "told", "bad": True, "repair": {"nonpositive_price": "drop"}}
    assert market.record["asked"] == 1
    assert market.record["repair"] == {"nonpositive_price": "drop"}
    assert market.record["quality"]["rules"]["nonpositive_price"]["actions"] == {"drop": 2}
    assert market.record["symbols"] == {"basis": "fixed_basket", "origin": "", "date": ""}
    assert market.stamps[0] == "from a friend"
    assert "2 nonpositive_price dropped" in market.stamps[1]


def test_a_source_of_rows_loads_by_itself_too():
    assert Told().load(["A"], date(2015, 1, 6)).close["A"].tolist() == [11.0, 12.0, 13.0, 14.0]
    with pytest.raises(DataError, match="low is zero or negative"):
        Told(bad=True).load(["A"])


def test_an_unknown_repair_is_told(plugins):
    with pytest.raises(ConfigError, match="repair is 'dorp'; did you mean 'drop'"):
        load_market("told", plugins=plugins, repair="dorp")
    with pytest.raises(ConfigError, match="no rule called 'outliers'; did you mean 'outlier'"):
        load_market("told", plugins=plugins, repair={"outliers": "drop"})

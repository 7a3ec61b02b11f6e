"""Rows that do not come as far as to be bars: planted among right ones, and told of with what is wrong with bars."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from quantstrats.errors import DataError
from quantstrats.market.calendar import Calendar
from quantstrats.market.intake import Supply, market_of, quality_of
from quantstrats.market.quality.repair import Repair
from quantstrats.market.rows import Rows

FIELDS = ("open", "high", "low", "close", "volume")
# No sessions of New York: a Saturday, Martin Luther King's Day, Good Friday.
CLOSED = pd.DatetimeIndex(["2015-01-10", "2015-01-19", "2015-04-03"])
# Rows that stand a second time, with other values.
AGAIN = (3, 40, 99)


def columns_of(block, symbol):
    """Return the rows of a symbol with the defects planted, and what they hold."""
    times, values = block.grid.index, {field: block.values[field][:, 0] for field in FIELDS}
    added = np.searchsorted(times, CLOSED)
    every = times.append(times[list(AGAIN)]).append(CLOSED)
    rest = {
        field: np.concatenate([array, array[list(AGAIN)] * 1.01, array[np.minimum(added, len(array) - 1)]])
        for field, array in values.items()
    }
    order = np.argsort(every, kind="stable")
    rows = Rows.of_symbol("vendor", symbol, every[order], {field: array[order] for field, array in rest.items()})
    return rows, values


@pytest.fixture
def planted(calm):
    return [columns_of(calm(rows=120), symbol) for symbol in ("A", "B")]


def supply_of(every):
    index = every[0].labels
    symbols = tuple(str(rows.symbols[0]) for rows in every)
    return Supply("vendor", Calendar("XNYS"), None, index[0], index[-1], symbols, lambda: every)


def test_each_planted_row_is_told_once_by_its_rule_and_symbol(planted):
    report = quality_of(supply_of([rows for rows, _ in planted]))
    assert report.counts == {"duplicate": 6, "off_session": 6}
    told = report.findings
    for symbol in ("A", "B"):
        mine = told[told["symbol"] == symbol]
        assert mine.loc[mine["rule"] == "off_session", "time"].tolist() == list(CLOSED)
        again = [planted[0][0].labels.drop(CLOSED)[row] for row in AGAIN]
        assert mine.loc[mine["rule"] == "duplicate", "time"].tolist() == again


def test_of_two_rows_the_first_one_becomes_the_bar_and_none_is_made_of_a_holiday(planted):
    every = [rows for rows, _ in planted]
    with pytest.raises(DataError, match="the same time and symbol stand again in 3 rows, first at"):
        market_of(supply_of(every))
    market, report = market_of(supply_of(every), Repair("drop"))
    assert report.counts == {"duplicate": 6, "off_session": 6}
    assert len(market) == 120
    for column, (_, values) in enumerate(planted):
        for field in FIELDS:
            np.testing.assert_array_equal(market.array(field)[:, column], values[field])


def test_a_row_off_the_sessions_that_stands_twice_is_counted_as_one_of_each(calm):
    rows, _ = columns_of(calm(rows=120), "A")
    twice = rows.labels[rows.row].insert(0, pd.Timestamp("2015-01-01")).insert(0, pd.Timestamp("2015-01-01"))
    values = {field: np.append(array[[0, 0]], array) for field, array in rows.values.items()}
    report = quality_of(supply_of([Rows.of_symbol("vendor", "A", twice, values)]))
    assert report.counts == {"duplicate": 4, "off_session": 4}


def test_what_is_wrong_with_bars_is_found_beside_what_is_wrong_with_rows(calm):
    """A row that stands again neither hides the wrong bar before it nor counts as one of the closes before."""
    block = calm(rows=120)
    for field in ("open", "high", "low", "close"):
        block.values[field][AGAIN[1] : AGAIN[1] + 3] *= 100
    rows, values = columns_of(block, "A")
    report = quality_of(supply_of([rows]))
    assert report.counts["decimal_shift"] == 3
    assert {name: report.counts[name] for name in ("duplicate", "off_session")} == {"duplicate": 3, "off_session": 3}
    market, _ = market_of(supply_of([rows]), Repair("drop"))
    wrong = slice(AGAIN[1], AGAIN[1] + 3)
    assert np.isnan(market.array("close")[wrong, 0]).all()
    np.testing.assert_array_equal(market.array("close")[AGAIN[1] + 3 :, 0], values["close"][AGAIN[1] + 3 :])

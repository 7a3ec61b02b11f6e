"""Where a market's rows stand in the one that they were cut from."""

from __future__ import annotations

import numpy as np
import pytest

from quantstrats import SideSeries
from quantstrats.market.cut import Cut


@pytest.fixture
def market(market_of):
    return market_of({"A": [1, 2, 3, 4, 5, 6], "B": [None, None, None, 7, 8, 9], "C": [5, 5, None, None, None, None]})


def places(market):
    cut: Cut = market.cut
    return cut.start, cut.columns.tolist()


def test_a_market_that_was_cut_from_none_is_the_whole_of_itself(market):
    assert market.cut.whole is market
    assert places(market) == (0, [0, 1, 2])


def test_rows_of_rows_stand_in_the_first_market(market):
    part = market.rows(1, 6).rows(2, 5)
    assert part.cut.whole is market
    assert places(part) == (3, [0, 1, 2])


def test_symbols_without_a_bar_may_be_left_out(market):
    part = market.rows(3, 6).with_listed_symbols()
    assert list(part.symbols) == ["A", "B"]
    assert part.cut.whole is market
    assert places(part) == (3, [0, 1])
    assert places(part.rows(1, 2)) == (4, [0, 1])


def test_to_leave_out_a_symbol_that_has_bars_makes_another_market(market):
    # The mean over symbols is another one.
    part = market.select(["A", "C"])
    assert part.cut.whole is part


def test_other_bars_side_series_and_members_make_another_market(market):
    arrays = {field: market.array(field) * 2 for field in ("open", "high", "low", "close", "volume")}
    for other in (
        market.rows(1, 4).with_values({name: values[1:4] for name, values in arrays.items()}),
        market.with_side({"sector": SideSeries(market.close.iloc[0], "assumed")}),
        market.rows(2, 6).with_universe(market.close.notna().iloc[2:]),
        market.between(None, None),
        market.rows(1, 3).alone(),
    ):
        assert other.cut.whole is other


def test_what_is_said_beside_the_same_bars_keeps_the_place(market):
    part = market.rows(2, 6).without_endings().with_parts({})
    assert part.cut.whole is market
    assert places(part) == (2, [0, 1, 2])
    assert np.array_equal(part.array("close"), market.array("close")[2:], equal_nan=True)

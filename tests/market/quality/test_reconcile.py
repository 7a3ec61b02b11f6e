"""Two sources' bars against each other."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from quantstrats.errors import ConfigError, DataError
from quantstrats.market.market import Market
from quantstrats.market.quality.reconcile import reconcile


@pytest.fixture
def mine(market_of):
    closes = {"A": [10.0, 11, 12, 13], "B": [20.0, 21, None, 23], "C": [5.0, 5, 5, 5]}
    return market_of(closes, opens=closes)


def changed(market, symbol, row, **fields):
    arrays = {field: market.array(field).copy() for field in ("open", "high", "low", "close", "volume")}
    for field, value in fields.items():
        arrays[field][row, market.symbols.get_loc(symbol)] = value
    return market.with_values(arrays)


def test_the_same_bars_do_not_differ(mine):
    table = reconcile(mine, mine)
    assert list(table.columns) == ["symbol", "time", "field", "value", "other", "difference"]
    assert table.empty


def test_a_difference_beyond_the_tolerance_is_told_and_one_within_is_not(mine):
    other = changed(mine, "A", 1, close=11.012, high=11.01, volume=1.06e6)
    table = reconcile(mine, other)
    assert table[["symbol", "field", "value", "other"]].to_numpy().tolist() == [
        ["A", "close", 11.0, 11.012], ["A", "volume", 1e6, 1.06e6],
    ]  # fmt: skip
    assert table["difference"].tolist() == pytest.approx([0.012 / 11, 0.06])
    assert table["time"].tolist() == [mine.index[1]] * 2
    assert reconcile(mine, other, {"close": 0.002, "volume": 0.1}).empty
    assert len(reconcile(mine, other, {"high": 0.0})) == 3


def test_a_bar_that_one_lacks_is_one_difference(mine):
    gone = dict.fromkeys(("open", "high", "low", "close", "volume"), np.nan)
    table = reconcile(changed(mine, "C", 3, **gone), mine)
    assert table[["symbol", "field", "other"]].to_numpy().tolist() == [["C", "bar", 5.0]]
    assert np.isnan(table["value"][0])


def test_volumes_that_one_does_not_know_are_not_compared_and_zeros_are_equal(mine):
    assert reconcile(changed(mine, "A", 1, volume=np.nan), mine).empty
    zero = changed(mine, "A", 1, volume=0.0)
    assert reconcile(zero, zero).empty
    assert reconcile(zero, mine)["difference"].tolist() == [np.inf]


def test_only_common_symbols_and_rows_are_compared(mine):
    other = changed(mine, "A", 0, close=99.0).select(["C", "A"]).rows(1, 4)
    assert reconcile(mine, other).empty


def test_what_cannot_be_compared_is_refused(mine, market_of):
    with pytest.raises(DataError, match=r"^no symbol in common: A \.\.\. and Z \.\.\."):
        reconcile(mine, market_of({"Z": [1.0, 2]}))
    index = pd.date_range("2015-01-02", periods=4)
    crypto = Market.from_frames(close=pd.DataFrame({"A": [1.0, 2, 3, 4]}, index=index), calendar="24/7")
    with pytest.raises(DataError, match=r"^bars of XNYS cannot be compared with those of 24/7"):
        reconcile(mine, crypto)
    with pytest.raises(DataError, match=r"^no row in common: bars run from 2015-01-02 to 2015-01-05 and 2015-01-06"):
        reconcile(mine.rows(0, 2), mine.rows(2, 4))
    with pytest.raises(ConfigError, match=r"^tolerance of 'clsoe', which is no field; did you mean 'close'\?"):
        reconcile(mine, mine, {"clsoe": 0.1})
    with pytest.raises(ConfigError, match=r"^tolerance of close is -1"):
        reconcile(mine, mine, {"close": -1})

"""A Market is examined, and changed only where a policy changes something."""

from __future__ import annotations

import numpy as np
import pytest

from quantstrats import load_market
from quantstrats.errors import DataError
from quantstrats.market.quality import check
from quantstrats.market.quality.check import check_market


@pytest.fixture(scope="module")
def market():
    return load_market("synthetic", count=7, bars=300)


def spoilt(market):
    arrays = {field: market.array(field).copy() for field in ("open", "high", "low", "close", "volume")}
    arrays["high"][100, 5] = arrays["high"][100, 5] * 5
    arrays["volume"][200, 2] = 0.0
    return market.with_values(arrays)


def test_a_market_in_which_nothing_changes_is_given_back_itself(market):
    same, report = check_market(market)
    assert same is market
    assert report.counts == {}
    kept, report = check_market(spoilt(market))
    assert report.counts == {"bad_print": 1, "zero_volume": 1}
    assert kept.array("volume")[200, 2] == 0.0


@pytest.mark.parametrize("cells", [1, 1_000_000])
def test_only_what_is_found_is_changed_however_many_columns_are_looked_at_at_once(market, monkeypatch, cells):
    monkeypatch.setattr(check, "_MOST_CELLS", cells)
    before = spoilt(market)
    after, report = check_market(before, {"bad_print": "drop", "zero_volume": "mask"})
    assert report.findings["action"].tolist() == ["drop", "mask"]
    for field in ("open", "high", "low", "close", "volume"):
        expected = before.array(field).copy()
        expected[100, 5] = np.nan
        if field == "volume":
            expected[200, 2] = np.nan
        np.testing.assert_array_equal(after.array(field), expected)
    assert before.array("volume")[200, 2] == 0.0
    assert after.stamps == before.stamps


def test_close_only_bars_stay_close_only(market):
    stocks = load_market("sample", ["AAPL", "KO"])
    dropped, report = check_market(stocks, {"outlier": "drop"})
    assert report.counts["outlier"] >= 1
    assert not dropped.has_ranges
    assert dropped.present.sum() == stocks.present.sum() - report.counts["outlier"]


def test_a_refused_market_says_where(market):
    with pytest.raises(DataError, match=r"^high or low is out of reach .* S006 \(high"):
        check_market(spoilt(market), {"bad_print": "fail"})

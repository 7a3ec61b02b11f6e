"""The sample source: real bars that ship with installed packages."""

from __future__ import annotations

import importlib.util
from datetime import date

import pandas as pd
import pytest

from quantstrats.errors import DataError
from quantstrats.market.sources.sample import STOCKS, Sample

needs_skfolio = pytest.mark.skipif(importlib.util.find_spec("skfolio") is None, reason="skfolio is not installed")


def test_the_first_and_last_bar_of_nasdaq(nasdaq):
    assert nasdaq.close.shape == (5031, 1)
    first = {field: getattr(nasdaq, field)["NASDAQ"].iloc[0] for field in ("open", "high", "low", "close", "volume")}
    assert nasdaq.index[0] == pd.Timestamp("1999-01-04")
    assert first == {
        "open": 2207.540039,
        "high": 2233.570068,
        "low": 2192.679932,
        "close": 2208.050049,
        "volume": 936660000,
    }
    assert nasdaq.index[-1] == pd.Timestamp("2018-12-31")
    assert nasdaq.close["NASDAQ"].iloc[-1] == 6635.279785
    assert nasdaq.present.all()


def test_the_vix_is_known_a_quarter_of_an_hour_after_the_stocks_close(nasdaq):
    vix = nasdaq.side.series["vix"]
    known = pd.Series(vix.known_at, index=vix.values.index)
    assert known["2014-01-03"] == pd.Timestamp("2014-01-03 21:15", tz="UTC")
    assert known["2014-07-03"] == pd.Timestamp("2014-07-03 17:15", tz="UTC")
    assert nasdaq.side["vix"].loc[["2014-01-03", "2014-01-06", "2014-01-07"]].isna().tolist() == [True, False, False]
    assert nasdaq.side["vix"].loc["2014-01-06":"2014-01-07"].tolist() == [13.76, 13.55]


def test_both_indexes_stand_side_by_side_with_their_stamps():
    market = Sample().load(["SP500", "NASDAQ"])
    assert market.symbols.tolist() == ["SP500", "NASDAQ"]
    assert [stamp.split(":")[0] for stamp in market.stamps] == [
        "an index is not tradable",
        market.stamps[1].split(":")[0],
    ]
    assert "stale" in market.stamps[1]


def test_start_and_end_are_included():
    market = Sample().load(start=date(2010, 1, 4), end=date(2010, 1, 8))
    assert [str(day.date()) for day in market.index] == [f"2010-01-0{day}" for day in (4, 5, 6, 7, 8)]


@needs_skfolio
def test_stocks_are_adjusted_closes_alone_from_1990_on():
    market = Sample().load(["XOM", "AAPL"])
    assert market.close.iloc[0].to_dict() == {"XOM": 4.068, "AAPL": 0.264}
    assert market.close.iloc[-1].to_dict() == {"XOM": 106.627, "AAPL": 125.674}
    assert (market.index[0], market.index[-1]) == (pd.Timestamp("1990-01-02"), pd.Timestamp("2022-12-28"))
    assert any("survivorship bias" in stamp for stamp in market.stamps)
    assert any("close-only" in stamp for stamp in market.stamps)


@needs_skfolio
def test_every_stock_that_is_named_is_there():
    assert Sample().load(STOCKS, start=date(2022, 12, 1)).symbols.tolist() == list(STOCKS)


@pytest.mark.parametrize(
    ("symbols", "message"),
    [
        (["NASDQ"], r"source 'sample' has no symbol 'NASDQ'; did you mean 'NASDAQ'\? \(it has NASDAQ, SP500, AAPL"),
        (["NASDAQ", "AAPL"], "indexes end in 2018 and the stocks have closes alone; ask for either"),
        (["NASDAQ", "NASDAQ"], "a symbol is named twice in NASDAQ, NASDAQ"),
    ],
)
def test_symbols_that_cannot_be_had_are_told(symbols, message):
    with pytest.raises(DataError, match=message):
        Sample().load(symbols)


def test_a_package_that_is_missing_is_named_with_its_extra(monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda package: None)
    with pytest.raises(
        DataError, match=r"these bars come with skfolio; install it: pip install 'quantstrats\[portfolio\]'"
    ):
        Sample().load(["AAPL"])

"""What a Run keeps beside its results."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from quantstrats import Market, SideSeries, assembly, backtest
from quantstrats.assembly import kept_bars

FILLS = pd.DataFrame({"symbol": ["B", "A", "B"], "amount": [1.0, -3.0, 2.0], "price": [100.0, 10.0, 100.0]})


@pytest.fixture
def three(made_up_bars):
    return Market.from_frames(**made_up_bars)


@pytest.fixture
def made_up_bars(sessions):
    index = sessions(5)
    close = pd.DataFrame({symbol: np.arange(10.0, 15.0) for symbol in "ABC"}, index=index)
    return {"open": close - 1.0, "high": close + 2.0, "low": close - 2.0, "close": close, "volume": close * 100.0}


def test_the_most_traded_symbols_come_first_and_the_untraded_are_left_out(three):
    bars = kept_bars(three, FILLS, {})
    assert bars["close"].columns.tolist() == ["B", "A"]
    assert bars.columns.get_level_values("field").unique().tolist() == ["open", "high", "low", "close"]
    assert bars["high"]["A"].tolist() == [12.0, 13.0, 14.0, 15.0, 16.0]


def test_an_untraded_symbol_with_an_overlay_is_kept(three):
    bars = kept_bars(three, FILLS, {"line": three.close[["C"]]})
    assert bars["close"].columns.tolist() == ["B", "A", "C"]


def test_all_are_kept_where_nothing_was_traded(three):
    assert kept_bars(three, FILLS.iloc[:0], {})["close"].columns.tolist() == ["A", "B", "C"]


def test_of_close_only_bars_the_close_is_kept(made_up_bars):
    market = Market.from_frames(close=made_up_bars["close"])
    assert kept_bars(market, FILLS, {}).columns.tolist() == [("close", "B"), ("close", "A")]


def test_of_too_many_prices_those_of_the_most_traded_symbols_are_kept(three, monkeypatch):
    monkeypatch.setattr(assembly, "_MOST_KEPT_PRICES", 39)  # 2 symbols x 4 fields x 5 bars are 40
    assert kept_bars(three, FILLS, {})["close"].columns.tolist() == ["B"]
    monkeypatch.setattr(assembly, "_MOST_KEPT_PRICES", 1)
    assert kept_bars(three, FILLS, {})["close"].columns.tolist() == ["B"]


def test_a_run_knows_sectors_bar_and_bars_per_year(made_up_bars):
    sectors = SideSeries(pd.Series({"A": "Energy", "C": "Banks", "Z": "Tech"}), known_at="assumed")
    run = backtest("buy_and_hold", Market.from_frames(**made_up_bars, side={"sector": sectors}))
    assert run.manifest["data"]["sector"] == {"A": "Energy", "C": "Banks"}
    assert run.manifest["data"]["bar"] is None
    assert run.manifest["data"]["bars_per_year"] == 252.0


def test_sectors_that_change_are_no_map(made_up_bars):
    index = made_up_bars["close"].index
    dated = SideSeries(made_up_bars["close"], known_at=index.tz_localize("America/New_York"))
    run = backtest("buy_and_hold", Market.from_frames(**made_up_bars, side={"sector": dated}))
    assert run.manifest["data"]["sector"] == {}

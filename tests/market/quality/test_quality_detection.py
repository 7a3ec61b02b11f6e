"""What the rules find and miss: planted defects, known defects of real bars, bars in which nothing is wrong."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from quantstrats import load_market
from quantstrats.market.quality.check import examine

# Of a defect whose size is drawn from a range that begins below the rule's threshold, some cannot be found.
LEAST_RECALL = {"bad_print": 0.8, "stale_price": 0.6, "absurd_volume": 0.7, "outlier": 0.9, "unadjusted_split": 0.9}


@pytest.fixture(scope="module")
def folder():
    name = os.environ.get("QUANTSTRATS_TEST_DATA")
    if not name:
        pytest.skip("needs real market data: QUANTSTRATS_TEST_DATA is not set")
    return Path(name)


@pytest.mark.parametrize("seed", [11, 12])
def test_planted_defects_of_every_kind_are_found_and_nothing_is_found_elsewhere(defects, seed):
    block, planted = defects.planted_block(seed=seed, symbols=80, rows=1500)
    table = defects.planted_table(block, planted)
    print(f"\n{defects.shown(table)}")  # noqa: T201 - for pytest -s
    assert (table["planted"] >= 25).all()
    for each in table.itertuples():
        assert each.recall >= LEAST_RECALL.get(each.rule, 1.0), each
        assert each.precision >= 0.98, each


def test_of_two_defects_next_to_each_other_both_are_found_and_nothing_in_the_bars_after(defects):
    row = 150
    block, planted = defects.neighbours_block(seed=13, rows=200, row=row)
    found = {rule.name: hits for rule, hits in examine(block)}
    lost = [block.symbols[each.column] for pair in planted for each in pair if not each.found(found[each.rule])]
    assert lost == []
    wrong = {
        (rule, block.symbols[column]) for rule, hits in found.items() for column in hits.column[hits.row > row + 1]
    }
    assert wrong == set()
    assert all((hits.row >= row).all() for hits in found.values())


def test_nothing_is_found_in_clean_synthetic_bars(defects):
    assert defects.false_alarms(defects.clean_block(seed=21, symbols=60, rows=2500)) == {}


def test_of_the_nasdaq_composite_two_real_zero_volumes_are_found(defects, nasdaq):
    assert defects.false_alarms(defects.block_of(nasdaq)) == {"zero_volume": int((nasdaq.volume == 0).sum().sum())}


def test_of_the_sp_500_index_the_stretches_of_stale_opens_are_found(defects):
    block = defects.block_of(load_market("sample", ["SP500"]))
    [hits] = [hits for rule, hits in examine(block) if rule.name == "stale_open"]
    # Of all opens, 96% to 2005, 43% in 2006, and nearly none but in the months around 2013 began.
    assert list(block.grid.index[hits.row].year) == [1999, 2013]


def test_of_closes_of_stocks_over_32_years_hardly_anything_is_found(defects):
    stocks = ["AAPL", "AMD", "BAC", "BBY", "CVX", "GE", "HD", "JNJ", "JPM", "KO", "LLY", "MRK", "MSFT", "PEP", "PFE"]
    block = defects.block_of(load_market("sample", stocks))
    alarms = defects.false_alarms(block)
    # Known crashes: profit warnings and the like.
    assert set(alarms) == {"outlier"}
    assert alarms["outlier"] <= 12


def test_closes_that_stand_still_for_weeks_are_found_in_real_bars(defects):
    block = defects.block_of(load_market("sample", ["RRC"]))
    stale = next(hits for rule, hits in examine(block) if rule.name == "stale_price")
    assert len(stale) > 200
    assert set(block.grid.index[stale.row].year) == {1990, 1991, 1992}


def test_every_known_defect_of_the_daily_files_is_found(defects, folder):
    table = defects.known_table(folder).set_index("kind")
    print(f"\n{table}")  # noqa: T201 - for pytest -s
    assert (table["recall"] == 1.0).all()
    assert table.loc[["spike_high_low", "ohlc_inconsistent", "zero_volume"], "precision"].eq(1.0).all()


def test_splits_are_found_in_prices_as_they_were_quoted(defects, folder, tmp_path):
    """The truth is the jump of adjusted over quoted closes, which the rules do not see."""
    table = pd.read_parquet(folder / "daily_yahoo_raw_unadjusted_2015_2016.parquet")
    table["date"] = pd.to_datetime(table["date"])
    table.to_parquet(tmp_path / "raw.parquet")
    block = defects.daily_block(tmp_path / "raw.parquet")
    factor = table["adj_close"] / table["close"]
    jump = factor / factor.groupby(table["symbol"]).shift()
    bars = table.groupby("symbol").cumcount()
    ratio = jump[(jump > 1.4) & (bars > 21)]
    whole = ratio[np.abs(ratio - ratio.round()) < 0.01]
    splits = set(zip(table.loc[whole.index, "symbol"], table.loc[whole.index, "date"], strict=True))
    [hits] = [hits for rule, hits in examine(block) if rule.name == "unadjusted_split"]
    places = {(block.symbols[column], block.grid.index[row]) for row, column in zip(hits.row, hits.column, strict=True)}
    assert len(splits) == 12
    assert splits <= places
    # The others: a split that the adjusted closes lack, bars of another instrument under the name, a change of name.
    assert {symbol for symbol, _ in places - splits} == {"CF", "NEE", "VNO", "EVHC"}

"""What may be given where features are asked for, and what is told of anything else."""

from __future__ import annotations

import pandas as pd
import pytest

from quantstrats import features
from quantstrats.errors import ConfigError, DataError
from quantstrats.features import feature, lag


@feature(source="this test", bars=lambda window: window + 1, scale="free")
def strength(bars, window: int = 10):
    """Close over the close `window` bars before, less 1."""
    return bars.close / lag(bars.close, window) - 1.0


@feature(source="this test", bars=lambda window: window, scale="free")
def above(bars, window: int = 5):
    """Close over its mean of `window` bars, less 1."""
    return bars.close / bars.of("sma", window=window) - 1.0


def test_a_feature_of_ones_own_is_given_itself_without_being_installed(nasdaq):
    market = nasdaq.rows(0, 40)
    closes = market.close["NASDAQ"]
    table = features.compute(market, [strength, "roc(window=10)"])
    expected = closes / closes.shift(10) - 1.0
    pd.testing.assert_series_equal(table["strength"]["NASDAQ"], expected, check_names=False, check_freq=False)
    assert features.warmup(strength) == features.warmup(["roc(window=10)"])
    assert list(features.compute(market, strength).columns) == [("strength", "NASDAQ")]


def test_a_formula_takes_one_that_ships_by_its_name(nasdaq):
    market = nasdaq.rows(0, 40)
    closes = market.close["NASDAQ"]
    found = features.compute(market, above)["above"]["NASDAQ"]
    pd.testing.assert_series_equal(found, closes / closes.rolling(5).mean() - 1.0, check_names=False, check_freq=False)


def test_what_is_no_market_is_told_with_how_to_make_one(nasdaq):
    closes = nasdaq.close.iloc[:40]
    told = r"^market is of type DataFrame; make one with Market\.from_frames\(close=\.\.\.\) or load_market$"
    with pytest.raises(DataError, match=told):
        features.compute(closes, ["rsi"])
    with pytest.raises(DataError, match=told):
        features.possible(closes)
    with pytest.raises(DataError, match=r"^market is the text 'sample'; give load_market\('sample'\)$"):
        features.compute("sample", ["rsi"])


@pytest.mark.parametrize("names", [None, 5])
def test_what_is_no_name_is_told(names):
    with pytest.raises(ConfigError, match=r"by their names, as in \['rsi'\], not by"):
        features.warmup(names)


@pytest.mark.parametrize("name", ["RSI", "acme:rsi", "Rsi(window=7)"])
def test_a_name_in_other_letters_or_of_nobody_is_suggested(nasdaq, name):
    with pytest.raises(ConfigError, match="did you mean 'rsi'"):
        features.compute(nasdaq.rows(0, 400), [name])

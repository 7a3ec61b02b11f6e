"""The filter that is flat where the market is choppy, by hand."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
import pytest
from quantstrats_plugins.anomaly_filter import AnomalyFilter
from quantstrats_plugins.buy_and_hold import BuyAndHold

from quantstrats import Market, Signal
from quantstrats.evaluation import evaluate


@dataclass(frozen=True)
class Change(Signal):
    """The last change of the close."""

    name = "change"

    def warmup(self):
        return 2

    def forecast(self, market):
        return market.close.diff()


def test_the_forecast_is_flat_where_prices_go_nowhere(market_of):
    # Over four bars prices go 4 of 4 up to row 7, then 2 of 4 twice, then 0 of 4.
    closes = [8.0, 9, 10, 11, 12, 13, 14, 15, 14, 15, 14, 15]
    changes, ratios = [1.0, -1, 1, -1, 1], [1.0, 0.5, 0.5, 0.0, 0.0]
    market = market_of({"UP": closes, "DOWN": closes[::-1]})
    for efficiency in (0.2, 0.5, 0.6, 0.0):
        found = evaluate(AnomalyFilter(Change(), window=4, efficiency=efficiency), market)["UP"]
        expected = [change if ratio >= efficiency else 0.0 for change, ratio in zip(changes, ratios, strict=True)]
        assert found.iloc[7:].tolist() == expected


def test_where_the_part_has_no_opinion_there_is_none(market_of):
    closes = [10.0, 11, 12, 13, 14, 15, 16, 17, None, 16, 18, 19]
    for efficiency in (0.0, 1.0):  # nothing is choppy, or nearly everything
        found = evaluate(AnomalyFilter(Change(), window=3, efficiency=efficiency), market_of({"A": closes}))["A"]
        assert found.iloc[6:].isna().tolist() == [False, False, True, True, False, False]


def test_an_outlier_is_flat_too():
    rng = np.random.default_rng(1)
    days = pd.bdate_range("2012-01-02", periods=700)
    calm = rng.normal(0, 0.01, len(days))
    calm[690] = 0.4  # like nothing before
    close = pd.DataFrame({"A": 50 * np.exp(calm.cumsum())}, index=days)
    market = Market.from_frames(close=close, calendar="24/5")
    signal = AnomalyFilter(BuyAndHold(), efficiency=0.0, unusual=0.7, trees=25)
    found = evaluate(signal, market)["A"].iloc[signal.warmup() :]
    assert found.loc[days[690]] == 0.0
    assert (found.iloc[:200] == 1.0).mean() > 0.9


def test_it_waits_for_the_filter_and_its_part(market_of):
    assert AnomalyFilter(Change(), window=10).warmup() == 14  # 11 closes, a quarter more of the window for gaps
    assert AnomalyFilter(Change(), unusual=0.7).warmup() > 252


@pytest.mark.parametrize(
    ("fields", "line"),
    [
        ({"window": 1}, r"window \(1\) must be at least 2"),
        ({"efficiency": 1.5}, r"efficiency \(1\.5\) from 0 to 1"),
        ({"unusual": 1.0}, r"unusual \(1\.0\) must be between 0 and 1, or null"),
    ],
)
def test_parameters_that_make_no_sense_are_refused(fields, line):
    with pytest.raises(ValueError, match=line):
        AnomalyFilter(Change(), **fields)

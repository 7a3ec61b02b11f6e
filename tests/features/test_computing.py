"""compute: what users see of it, and that a walk forward computes each feature once."""

from __future__ import annotations

from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest

import quantstrats
from quantstrats import DataError, Learner, Market, Plugins, QuantstratsError, Signal, features, hookimpl, models
from quantstrats.features import feature
from quantstrats.learning.fits import Fits

from .oracle import random_market


def test_the_table_is_rows_by_feature_and_symbol():
    market = random_market()
    table = features.compute(market, ["sma(window=5)", "ema"])
    assert table.columns.names == ["feature", "symbol"]
    assert table["sma(window=5)"].columns.tolist() == list(market.symbols)
    assert table.index.equals(market.index)
    assert table["sma(window=5)"]["AAA"].iloc[4] == pytest.approx(market.close["AAA"].iloc[:5].mean())


def test_a_missing_bar_is_no_part_of_a_window():
    market = random_market()
    close = market.close
    close.iloc[10, 0] = np.nan
    gappy = Market.from_frames(close=close)
    table = features.compute(gappy, ["sma(window=5)"])["sma(window=5)"]["AAA"]
    assert np.isnan(table.iloc[10])
    assert table.iloc[11] == pytest.approx(close["AAA"].iloc[[7, 8, 9, 11]].sum() / 5 + close["AAA"].iloc[6] / 5)


def test_a_value_is_missing_where_its_bars_lie_too_far_apart():
    market = random_market()
    close = market.close
    close.iloc[10:12, 0] = np.nan  # two of seven rows: the five bars no longer lie within the warm-up of seven
    table = features.compute(Market.from_frames(close=close), ["sma(window=5)"])["sma(window=5)"]["AAA"]
    assert features.warmup(["sma(window=5)"]) == 7
    assert table.iloc[12:15].notna().all()
    close.iloc[12, 0] = np.nan
    table = features.compute(Market.from_frames(close=close), ["sma(window=5)"])["sma(window=5)"]["AAA"]
    assert table.iloc[13:16].isna().all()
    assert table.iloc[17:].notna().all()


def test_longer_bars_count_once_they_are_closed(nasdaq):
    market = nasdaq.between("2010-01-01", "2011-12-31")
    weekly = features.compute(market, ["sma(window=3)@week"])["sma(window=3)@week"]["NASDAQ"]
    closes = market.close["NASDAQ"]
    fridays = closes.resample("W-FRI").last()
    expected = fridays.rolling(3).mean()
    assert weekly["2011-03-11"] == pytest.approx(expected["2011-03-11"])  # a Friday
    assert weekly["2011-03-17"] == pytest.approx(expected["2011-03-11"])  # the Thursday after
    assert weekly["2011-04-21"] == pytest.approx(expected["2011-04-22"])  # the Thursday before Good Friday


def test_a_slice_has_the_same_values_cut_as_computed_alone():
    market = random_market()
    names = ["sma", "ema", "sma(window=3)@week"]
    for start, stop in ((0, 900), (100, 700), (399, 401)):
        part = market.rows(start, stop)
        if stop - start < 20:
            continue
        cut, alone = features.compute(part, names[:1]), features.compute(part.alone(), names[:1])
        pd.testing.assert_frame_equal(cut, alone, rtol=1e-9)
    part = market.rows(50, 800)
    pd.testing.assert_frame_equal(features.compute(part, names), features.compute(part.alone(), names), rtol=1e-8)


def counting(calls):
    @feature(source="this test", bars=3, family="mine")
    def counted(bars):
        """Third last close over the last one."""
        calls.append(bars.shape)
        values = np.full(bars.shape, np.nan)
        values[:, 2:] = bars.close[:, :-2] / bars.close[:, 2:]
        return values

    return counted


class Offers:
    def __init__(self, offered):
        self.offered = offered

    @hookimpl
    def register_features(self, register):
        register(self.offered)


@dataclass(frozen=True)
class Mean(Learner):
    """Learn the mean of a feature."""

    name = "mean"

    def warmup(self):
        return 4

    def fit(self, market):
        table = features.compute(market, ["counted"], plugins=OFFERED.plugins)["counted"]
        return Above(float(table.to_numpy()[self.warmup() :].mean()))


@dataclass(frozen=True)
class Above(Signal):
    """The feature less its mean."""

    name = "above"
    mean: float

    def warmup(self):
        return 4

    def forecast(self, market):
        return features.compute(market, ["counted"], plugins=OFFERED.plugins)["counted"] - self.mean


OFFERED = SimpleNamespace(plugins=None)


def test_a_walk_forward_computes_a_feature_once(monkeypatch):
    calls: list[Any] = []
    plugins = Plugins()
    plugins.register(Offers(counting(calls)), "mine")
    monkeypatch.setattr(OFFERED, "plugins", plugins)
    market = random_market(500, seed=2)
    run = quantstrats.backtest(Mean(refit="month", train=60), market, guard="off", fits=Fits())
    assert run.manifest["fits"]["made"] >= 18
    assert len(calls) == 1


def test_a_plugins_feature_is_asked_for_by_its_name_and_by_its_provider():
    plugins = Plugins()
    plugins.register(Offers(counting([])), "mine", provider="acme")
    market = random_market()
    table = features.compute(market, ["counted", "acme:counted"], plugins=plugins)
    assert table["counted"]["AAA"].iloc[2] == market.close["AAA"].iloc[0] / market.close["AAA"].iloc[2]
    pd.testing.assert_frame_equal(table["counted"], table["acme:counted"])


BAD = {
    "smaa": "no feature called 'smaa'; did you mean 'sma'? (quantstrats features lists all)",
    "sma(windw=3)": "feature 'sma' has no parameter 'windw'; did you mean 'window'? (it has: window)",
    "sma(window=0)": "feature 'sma': window is 0; it must be at least 1",
    "sma(window='x')": "feature 'sma': window is 'x'; give a whole number, as its default 20",
    "sma(window=True)": "feature 'sma': window is True; give a whole number, as its default 20",
    "sma(3)": "feature 'sma(3)': say which parameter 3 is, as in window=3",
    "sma(window=open('x'))": "feature \"sma(window=open('x'))\": the parameters cannot be read; write name(window=7)",
    "sma(": "feature 'sma(' cannot be read; write name, name(parameter=value) or name@week",
    "sma@weak": (
        "no bars of 'weak'; did you mean 'week'? (there are: 1D, week, month, quarter, year, or a length as '1h')"
    ),
    "sma@1h": "bars of '1h' are no whole number of bars of 1D; choose a multiple",
    "sma(window=1000)": (
        "feature 'sma(window=1000)' needs 1,000 bars, and there are 900 rows; load more of them, or choose a shorter "
        "window"
    ),
}


@pytest.mark.parametrize("name", BAD)
def test_what_cannot_be_asked_for_is_told_in_one_line(name):
    with pytest.raises(QuantstratsError) as error:
        features.compute(random_market(), [name])
    assert str(error.value) == BAD[name]


def test_features_that_need_volume_say_so_on_bars_without_it(nasdaq):
    bare = Market.from_frames(close=random_market().close)
    with pytest.raises(DataError, match=r"^feature 'obv' needs volume, which these bars do not have; choose"):
        features.compute(bare, ["obv"])
    allowed = features.possible(bare)
    assert "sma" in allowed
    assert "obv" not in allowed
    assert "parkinson" not in allowed


def test_nothing_asked_for_and_one_asked_for_twice_are_errors():
    with pytest.raises(QuantstratsError, match="no features are asked for"):
        features.compute(random_market(), [])
    with pytest.raises(QuantstratsError, match="'sma' is asked for twice"):
        features.compute(random_market(), ["sma", "sma"])


def test_a_strangers_feature_that_fails_is_named():
    @feature(source="this test", bars=1, family="mine")
    def broken(bars):
        """Nothing."""
        raise KeyError("close")

    @feature(source="this test", bars=1, family="mine")
    def crooked(bars):
        """Too little."""
        return bars.close[0]

    for offered, said in ((broken, "failed: KeyError: 'close'"), (crooked, r"returned float64 of shape \(900,\), not")):
        plugins = Plugins()
        plugins.register(Offers(offered), offered.name)
        with pytest.raises(QuantstratsError, match=f"feature '{offered.name}' {said}"):
            features.compute(random_market(), [offered.name], plugins=plugins)


def test_the_warm_up_of_longer_bars_counts_rows():
    assert features.warmup(["sma(window=4)"]) == 5
    assert features.warmup(["sma(window=4)@week"]) == (5 + 1) * 5 - 1
    assert features.warmup(["sma(window=4)@week"], calendar="24/7") == (5 + 1) * 7 - 1
    assert features.warmup(["sma(window=4)@1h"], bar="5min") == (5 + 1) * 12 - 1


@dataclass(frozen=True)
class Forgetful(Signal):
    """A feature that rests on more bars than it says."""

    name = "forgetful"

    def warmup(self):
        return 3

    def forecast(self, market):
        return features.compute(market, ["longer_than_told"], plugins=OFFERED.plugins)["longer_than_told"]


def test_the_guard_names_the_memory_of_a_feature_that_rests_on_more_than_it_says(monkeypatch):
    # What was computed on the whole market must not be at hand where the guard looks for the cause.
    @feature(source="this test", bars=2, family="mine")
    def longer_than_told(bars):
        """The close over the first one."""
        return bars.close / bars.close[:, :1]

    plugins = Plugins()
    plugins.register(Offers(longer_than_told), "mine")
    monkeypatch.setattr(OFFERED, "plugins", plugins)
    with pytest.raises(QuantstratsError, match=r"remembers more than warmup\(\) says"):
        quantstrats.backtest(Forgetful(), random_market(300, seed=4))


@dataclass(frozen=True)
class OneClass(Learner):
    """Learn from labels of one class alone."""

    name = "one_class"

    def warmup(self):
        return 2

    def fit(self, market):
        inputs = np.arange(float(len(market)))[:, None]
        return Asks(models.LogisticRegression().fit(inputs, np.ones(len(market))))


@dataclass(frozen=True)
class Asks(Signal):
    """What the model says."""

    name = "asks"
    model: Any

    def warmup(self):
        return 2

    def forecast(self, market):
        said = self.model.probability(1.0, np.arange(float(len(market)))[:, None])
        return pd.DataFrame(dict.fromkeys(market.symbols, said), index=market.index)


def test_fits_that_learned_nothing_are_counted_and_named_in_the_log():
    pytest.importorskip("sklearn", reason="scikit-learn is not installed")
    run = quantstrats.backtest(OneClass(refit="quarter", train=60), random_market(300, seed=2), fits=Fits())
    made = run.manifest["fits"]["made"]
    assert made >= 3
    assert run.manifest["fits"]["outcomes"] == {"one class": made}
    named = [line["message"] for line in run.log if "learned nothing on the bars" in line["message"]]
    assert len(named) == made
    assert "one class" in named[0]
    assert run.metrics["orders"] == 0

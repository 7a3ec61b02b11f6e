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
from quantstrats.errors import ConfigError, PluginError
from quantstrats.features import catalogue, feature
from quantstrats.features.decay import whole
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


def test_longer_bars_are_annualised_by_how_many_a_year_has():
    market = random_market()
    got = features.compute(market, ["realised_volatility(window=30)@week"]).droplevel("feature", axis=1)["AAA"]
    wednesday = market.index[market.index.day_name() == "Wednesday"][-1]
    weeks = market.close["AAA"][:wednesday].resample("W-FRI").last().iloc[:-1]
    assert got[wednesday] == pytest.approx(np.log(weeks).diff().iloc[-30:].std() * np.sqrt(52))


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


def constant(value, name="strength"):
    """Return a feature that says one number, of the same name and family as its namesakes."""

    def function(bars):
        """One number."""
        return np.full(bars.shape, value)

    function.__name__ = name
    return feature(source="this test", bars=1, family="momentum")(function)


def plugins_of(**offered):
    plugins = Plugins()
    for provider, each in offered.items():
        plugins.register(Offers(each), "features", provider=provider)
    return plugins


@pytest.mark.parametrize("cut", [False, True])
def test_features_of_one_name_are_those_of_their_own_providers(cut):
    plugins = plugins_of(acme=constant(1.0), beta=constant(2.0), gamma=constant(50.0, "rsi"))
    market = random_market().rows(3, 800)
    names = ["acme:strength", "gamma:rsi", "rsi", "beta:strength"]
    table = features.compute(market if cut else market.alone(), names, plugins=plugins)
    assert (table["acme:strength"] == 1.0).all(axis=None)
    assert (table["beta:strength"] == 2.0).all(axis=None)
    assert (table["gamma:rsi"] == 50.0).all(axis=None)
    pd.testing.assert_frame_equal(table["rsi"], features.compute(market, ["rsi"])["rsi"])


def test_a_name_that_several_offer_is_asked_for_with_its_provider():
    plugins = plugins_of(acme=constant(1.0), beta=constant(2.0))
    with pytest.raises(ConfigError) as error:
        features.compute(random_market(), ["strength"], plugins=plugins)
    assert str(error.value) == (
        "feature 'strength' is offered by more than one plugin; say acme:strength or beta:strength"
    )


def test_what_a_module_keeps_for_its_features_is_not_what_another_keeps_under_the_same_key():
    @feature(source="this test", bars=1, family="mine")
    def doubled(bars):
        """Twice the close, under a name that the framework uses too."""
        return bars.once("log return", lambda: 2.0 * bars.close)

    plugins = plugins_of(acme=doubled)
    market = random_market()
    table = features.compute(market, ["log_return", "doubled"], plugins=plugins)
    np.testing.assert_array_equal(table["doubled"], 2.0 * market.close)


def test_a_plugin_that_fails_to_offer_its_features_does_not_keep_those_of_others_away():
    class Fails:
        @hookimpl
        def register_features(self, register):
            register(constant(3.0, "half"))
            raise ZeroDivisionError("no")

    plugins = plugins_of(acme=constant(1.0), delta=constant(2.0, "other"))
    plugins.register(Fails(), "features", provider="bad")
    assert features.compute(random_market(), ["strength", "other"], plugins=plugins).shape == (900, 8)
    why = "plugin 'bad' failed in register_features: ZeroDivisionError: no"
    none = "no feature called 'half' (quantstrats features lists all)"
    for name, said in (("bad:half", why), ("half", f"{none}; skipped: features of bad: {why}")):
        with pytest.raises(QuantstratsError) as error:
            features.compute(random_market(), [name], plugins=plugins)
        assert str(error.value) == said
    offered, (trouble,) = catalogue.offered(plugins)
    assert sorted(offered) == ["acme:strength", "delta:other"]
    assert (trouble.plugin, trouble.provider) == ("features", "bad")


@pytest.mark.parametrize(
    ("offers", "said"),
    [
        ([constant(1.0), constant(2.0)], "plugin 'bad' offers the feature 'strength' twice"),
        ([np.mean], r"plugin 'bad': put @feature\(...\) above <function mean"),
    ],
)
def test_a_plugin_that_offers_what_is_no_feature_or_one_twice_is_told_when_it_is_needed(offers, said):
    class Offer:
        @hookimpl
        def register_features(self, register):
            for each in offers:
                register(each)

    plugins = Plugins()
    plugins.register(Offer(), "features", provider="bad")
    with pytest.raises(PluginError, match=said):
        features.find("bad:strength", plugins)


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
    "sma(window=3,window=9)": "feature 'sma(window=3,window=9)': window is given twice; say it once",
    "sma(window=3)(window=9)": (
        "feature 'sma(window=3)(window=9)': the parameters cannot be read; write name(window=7)"
    ),
    "sma(window=3) + (9)": "feature 'sma(window=3) + (9)': the parameters cannot be read; write name(window=7)",
    "rsi(**{})": "feature 'rsi(**{})': the parameters cannot be read; write name(window=7)",
    "rsi(**{'window': 9})": "feature \"rsi(**{'window': 9})\": the parameters cannot be read; write name(window=7)",
    "rsi(window=1000000)": (
        "feature 'rsi': window is 1,000,000; its average never forgets within a million bars, choose a shorter one"
    ),
    "macd(slow=1000000)": (
        "feature 'macd': slow is 1,000,000; its average never forgets within a million bars, choose a shorter one"
    ),
    "sma@weak": (
        "feature 'sma@weak': bar is 'weak'; did you mean 'week'? (it can be a length up to 12 hours as in '1h', 1D, "
        "week, month, quarter, year)"
    ),
    "sma@day": (
        "feature 'sma@day': bar is 'day' (it can be a length up to 12 hours as in '1h', 1D, week, month, quarter, year)"
    ),
    "sma@1h": "feature 'sma@1h': bars of 60min are no whole number of bars of 1D; choose a multiple",
    "sma(window=1000)": (
        "feature 'sma(window=1000)' needs 1,000 rows, and there are 900; load more of them, or choose a shorter window"
    ),
    "sma(window=180)@week": (
        "feature 'sma(window=180)@week' needs 1,129 rows, and there are 900; load more of them, or choose a shorter "
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


def strange(bars, **said):
    """Return a feature whose author has told other things of it."""

    def function(bars, window: int = 10):
        """Nothing."""
        return bars.close

    function.__name__ = "mine"
    return feature(source="this test", bars=bars, family="mine", **said)(function)


@pytest.mark.parametrize(
    ("bars", "said", "message"),
    [
        (lambda w: w, {}, r"feature 'mine' cannot tell its bars or rows for \(window=10\): TypeError: "),
        (lambda window: 1 // (window - 10), {}, r"for \(window=10\): ZeroDivisionError"),
        (
            lambda window: window / 2,
            {},
            r"feature 'mine' says that it takes 5.0 bars or rows; it must be a whole number",
        ),
        (lambda window: whole(window, 11), {}, "feature 'mine' refuses its own defaults: window is 10; it must be at"),
        (1, {"scale": "prize"}, r"a feature has no scale 'prize'; did you mean 'price'\? \(it can be free, price, "),
        (1, {"needs": ("volum",)}, r"a feature cannot need 'volum'; did you mean 'volume'\?"),
    ],
)
def test_what_an_author_tells_wrong_of_a_feature_is_told_where_it_is_made(bars, said, message):
    with pytest.raises(PluginError, match=message):
        strange(bars, **said)


@pytest.mark.parametrize("default", [(1, 2), None, b"x"])
def test_a_default_that_nobody_can_write_in_a_name_is_refused(default):
    with pytest.raises(PluginError, match=r"feature 'mine': parameter 'window' has the default .*; it can be a whole"):

        @feature(source="this test", bars=1)
        def mine(bars, window=default):
            """Nothing."""


def test_a_feature_that_cannot_tell_its_bars_for_what_is_asked_is_named():
    plugins = plugins_of(acme=strange(lambda window: 100 // window))
    with pytest.raises(PluginError, match=r"feature 'mine' cannot tell its bars or rows for \(window=0\): ZeroDivis"):
        features.compute(random_market(), ["mine(window=0)"], plugins=plugins)


def test_an_infinity_is_missing():
    @feature(source="this test", bars=1, family="mine")
    def divided(bars):
        """One over the change since the first bar."""
        return 1.0 / (bars.close - bars.close[:, :1])

    market = random_market()
    got = features.compute(market, ["divided"], plugins=plugins_of(acme=divided))["divided"]
    assert got.iloc[0].isna().all()
    assert got.iloc[-1, 0] == 1 / (market.close.iloc[-1, 0] - market.close.iloc[0, 0])


@pytest.mark.parametrize("name", ["sma@week", "sma(window=3)@month", "sma(window=2)@quarter"])
def test_features_of_longer_bars_have_a_value_on_as_few_rows_as_they_say_and_are_refused_on_fewer(name):
    rows = features.warmup([name])
    market = random_market(1800, seed=2)
    assert features.compute(market.rows(0, rows).alone(), [name]).iloc[-1].notna().all()
    with pytest.raises(DataError, match=rf"needs {rows:,} rows, and there are {rows - 1:,}; load more of them"):
        features.compute(market.rows(0, rows - 1).alone(), [name])


@pytest.mark.parametrize("bar", ["xyz", "0min", "-5min", "", "NaT", "5"])
def test_rows_of_no_length_have_no_warm_up(bar):
    with pytest.raises(ConfigError, match=rf"^bar is '{bar}'; give the length of a bar, as in '5min'$"):
        features.warmup(["sma@1h"], bar=bar)


def test_a_warm_up_of_an_exchange_that_is_none_or_of_shorter_bars_is_refused():
    with pytest.raises(ConfigError, match="no exchange calendar called 'XNYX'"):
        features.warmup(["sma@week"], calendar="XNYX")
    with pytest.raises(ConfigError, match="feature 'sma@7min': bars of 7min are no whole number of bars of 5min"):
        features.warmup(["sma@7min"], bar="5min")


def test_the_warm_up_of_longer_bars_counts_rows():
    assert features.warmup(["sma(window=4)"]) == 5
    assert features.warmup(["sma(window=4)@week"]) == (5 + 1) * 5 - 1
    assert features.warmup(["sma(window=4)@week"], calendar="24/7") == (5 + 1) * 7 - 1
    assert features.warmup(["sma(window=4)@1h"], bar="5min") == (5 + 1) * 12 - 1
    assert features.warmup(["sma(window=4)@1D"], bar="5min") == (5 + 1) * 78 - 1
    assert features.warmup(["sma(window=4)@1d"], bar="1D") == 5 + 1 - 1


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

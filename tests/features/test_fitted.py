"""Features in which a model is fitted on the way."""

from __future__ import annotations

import sys
import warnings

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from arch import arch_model
from arch.univariate import ConstantMean
from hypothesis import given
from hypothesis import strategies as st
from sklearn.ensemble import IsolationForest

from quantstrats import Market, features
from quantstrats.errors import ConfigError
from quantstrats.features.fitted_kernels import filtered_regimes, fit_regimes
from quantstrats.market.calendar import Calendar

from .oracle import Oracle, random_market

FITTED = ["garch_volatility", "regime_probability", "isolation_forest"]


def by_stretch(values, window, serve):
    """Call a function of the rows before a stretch and of those in it, of 96 days each since 1970."""
    values = values.dropna()
    stretch = (values.index - pd.Timestamp("1970-01-01", tz=values.index.tz)).days // 96
    found = []
    for number in np.unique(stretch)[1:]:
        inside = np.flatnonzero(stretch == number)
        if inside[0] >= window:
            past, here = values.iloc[inside[0] - window : inside[0]], values.iloc[inside]
            found.append(pd.Series(serve(past, here), here.index))
    return pd.concat(found)


def garch(bars):
    def serve(past, here):
        model = arch_model(np.concatenate([past, here]), mean="Constant", rescale=False)
        fit = model.fit(last_obs=len(past), disp="off", show_warning=False)
        ahead = fit.forecast(horizon=1, start=len(past)).variance.to_numpy()[:, 0]
        return np.sqrt(ahead * 252) / 100

    return by_stretch(100 * np.log(bars.close).diff(), 504, serve)


def switching(returns):
    model = sm.tsa.MarkovRegression(returns, 2, trend="n", switching_variance=True)
    model.initialize_known(np.array([0.5, 0.5]))
    return model


def regimes(bars):
    def serve(past, here):
        centred, start = past - past.mean(), np.var(past)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            fit = switching(centred.to_numpy()).fit([0.95, 0.05, 0.5 * start, 2 * start], disp=False)
            whole = switching(np.concatenate([past, here]) - past.mean())
            chance = whole.filter(fit.params).filtered_marginal_probabilities
        return chance[len(past) :, int(np.argmax(fit.params[2:]))]

    return by_stretch(100 * np.log(bars.close).diff(), 504, serve)


def forest(bars):
    seen = pd.DataFrame(
        {
            "one": np.log(bars.close).diff(),
            "five": np.log(bars.close.to_numpy() / bars.close.shift(5)),
            "night": np.log(bars.open.to_numpy() / bars.close.shift()),
            "range": np.log(bars.high.to_numpy() / bars.low),
        }
    )
    return by_stretch(
        seen,
        252,
        lambda past, here: IsolationForest(random_state=1).fit(past.to_numpy()).score_samples(here.to_numpy()),
    )


ORACLES = [
    Oracle("garch_volatility", "arch", garch, tolerance=1e-6),
    # Both search for the largest likelihood, and stop near it.
    Oracle("regime_probability", "statsmodels", regimes, tolerance=0.01),
    Oracle("isolation_forest", "scikit-learn", forest),
]


def market_of(*closes):
    closes = np.array(closes, dtype=float).T
    days = Calendar("XNYS").sessions(pd.Timestamp("2012-01-03"), pd.Timestamp("2024-12-31"))[: len(closes)]
    return Market.from_frames(close=pd.DataFrame(closes, index=days, columns=[f"S{n}" for n in range(closes.shape[1])]))


def switching_returns(seed, bars=1200):
    """Return returns of a volatility that doubles and more for some while, and where it does."""
    rng = np.random.default_rng(seed)
    wild = np.zeros(bars, bool)
    for place in range(1, bars):
        wild[place] = wild[place - 1] ^ (rng.random() < 0.02)
    return rng.standard_normal(bars) * np.where(wild, 0.03, 0.008), wild


@pytest.mark.parametrize("name", FITTED)
def test_a_fitted_feature_is_the_same_wherever_the_data_begin(name):
    market = random_market().select(["AAA"])
    whole = features.compute(market, [name]).to_numpy()[:, 0]
    later = features.compute(market.rows(37, len(market)).alone(), [name]).to_numpy()[:, 0]
    assert np.isfinite(later).sum() > 100
    known = np.isfinite(later)
    np.testing.assert_array_equal(later[known], whole[37:][known])


@pytest.mark.parametrize("kept", [1, 25])
@pytest.mark.parametrize("name", FITTED)
def test_a_model_serves_a_stretch_that_it_has_not_seen(name, kept):
    # Other bars after the first ones of a stretch change nothing before them, of that stretch either.
    market = random_market().select(["AAA"])
    stretch = (market.index - pd.Timestamp("1970-01-01", tz=market.index.tz)).days.to_numpy() // 96
    begin = int(np.flatnonzero(stretch == stretch[-1])[0])
    changed = begin + kept
    other = {}
    for field in ("open", "high", "low", "close", "volume"):
        other[field] = market.array(field).copy()
        other[field][changed:] *= np.linspace(1.5, 2.5, len(market) - changed)[:, None]
    before, after = (features.compute(each, [name]).to_numpy()[:, 0] for each in (market, market.with_values(other)))
    np.testing.assert_array_equal(before[:changed], after[:changed])
    assert (before[changed:] != after[changed:]).all()


@pytest.mark.parametrize("kept", [1, 3])
@pytest.mark.parametrize("name", FITTED)
def test_a_symbol_whose_bars_all_lie_within_one_stretch_has_no_model(name, kept):
    whole = random_market(1300, seed=4)
    fields = {field: whole.array(field).copy() for field in ("open", "high", "low", "close", "volume")}
    for values in fields.values():
        values[:-kept, 0] = np.nan
    frames = {field: pd.DataFrame(each, whole.index, whole.symbols) for field, each in fields.items()}
    market = Market.from_frames(**frames).select(["AAA", "BBB"])
    got = features.compute(market, [name])[name]
    assert got["AAA"].isna().all()
    assert got["BBB"].notna().any()


@pytest.mark.parametrize("name", ["garch_volatility", "regime_probability"])
def test_where_the_close_stood_still_no_model_is_fitted(name):
    assert np.isnan(features.compute(market_of(np.full(800, 20.0)), [name]).to_numpy()).all()


@pytest.mark.parametrize("failure", [ValueError("no"), np.linalg.LinAlgError("no"), None])
def test_a_fit_that_fails_or_does_not_converge_leaves_its_stretch_missing(monkeypatch, failure):
    market = random_market().select(["AAA"])
    fit, calls = ConstantMean.fit, []

    def failing(self, **options):
        calls.append(1)
        if len(calls) != 2:
            return fit(self, **options)
        if failure:
            raise failure
        return fit(self, **options, options={"maxiter": 1})

    usual = features.compute(market, ["garch_volatility"]).to_numpy()[:, 0]
    monkeypatch.setattr(ConstantMean, "fit", failing)
    found = features.compute(market, ["garch_volatility"]).to_numpy()[:, 0]
    gone = np.isfinite(usual) & np.isnan(found)
    assert 30 < gone.sum() < 100
    np.testing.assert_array_equal(found[~gone], usual[~gone])


def test_the_forecast_of_garch_rises_after_a_large_move():
    # An explosion on one bar, after which the model expects more.
    rng = np.random.default_rng(3)
    returns, variance = np.zeros(1000), 1e-4
    for place in range(1, 1000):
        variance = 5e-6 + 0.1 * returns[place - 1] ** 2 + 0.85 * variance
        returns[place] = rng.standard_normal() * np.sqrt(variance)
    returns[980] = 0.08
    found = features.compute(market_of(50 * np.exp(np.cumsum(returns))), ["garch_volatility"]).to_numpy()[:, 0]
    assert found[980] > 1.3 * found[979]


def test_the_probability_of_wild_bars_is_high_where_they_are_wild():
    returns, wild = switching_returns(5)
    found = features.compute(market_of(50 * np.exp(np.cumsum(returns))), ["regime_probability"]).to_numpy()[:, 0]
    known = np.isfinite(found)
    assert found[known & wild].mean() > 0.8
    assert found[known & ~wild].mean() < 0.2


def test_regimes_are_as_likely_as_those_that_statsmodels_finds():
    returns = 100 * switching_returns(7, 800)[0]
    ours = fit_regimes(returns, 2000, 1e-5)
    model = switching(returns)
    theirs = model.fit([0.95, 0.05, 0.5, 4.0], disp=False)
    low, high, stay, stay_other = ours
    params = [stay, 1 - stay_other, low, high]
    assert model.loglike(params) == pytest.approx(theirs.llf, abs=1e-3)
    # The first returns apart: statsmodels has its start two bars before them.
    theirs = model.filter(params).filtered_marginal_probabilities[:, 1]
    np.testing.assert_allclose(filtered_regimes(returns, ours)[100:], theirs[100:], atol=1e-9)


@given(
    st.lists(st.floats(-8, 8), min_size=20, max_size=60), st.floats(0.1, 2), st.floats(2.1, 9), st.floats(0.05, 0.95)
)
def test_a_filtered_probability_is_one_whatever_the_returns_are(values, low, high, stay):
    chance = filtered_regimes(np.array(values) * 10, np.array([low, high, stay, 0.9]))
    assert ((chance >= 0) & (chance <= 1)).all()


def test_an_outlier_is_the_least_usual_bar():
    rng = np.random.default_rng(1)
    returns = 0.01 * rng.standard_normal(700)
    returns[690] = -0.15
    found = features.compute(market_of(50 * np.exp(np.cumsum(returns))), ["isolation_forest"]).to_numpy()[:, 0]
    assert np.nanargmin(found) == 690


def test_without_scikit_learn_it_is_told_how_to_get_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "sklearn.ensemble", None)
    expected = (
        r"'isolation_forest' needs scikit-learn, which is not installed; pip install 'quantstrats\[ml-cpu\]' brings it"
    )
    with pytest.raises(ConfigError, match=expected):
        features.compute(random_market(), ["isolation_forest"])


def test_a_window_that_no_model_can_be_fitted_on_is_refused():
    for name, least in (("garch_volatility", 100), ("regime_probability", 100), ("isolation_forest", 32)):
        with pytest.raises(ConfigError, match=f"window is 10; it must be at least {least}"):
            features.warmup([f"{name}(window=10)"])


def test_fitted_features_are_computed_only_where_they_are_named():
    assert not set(FITTED) & set(features.possible(random_market()))

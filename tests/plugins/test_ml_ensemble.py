"""The ensemble: its gate by hand, what it learns of planted momentum, and that nothing of it depends on the future."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pandas as pd
import pytest
from quantstrats_plugins.ml_ensemble import FIVE, MLEnsemble, MLEnsembleFitted

from quantstrats import Market, Plugins, backtest, features, labels, load_market, models
from quantstrats.errors import ConfigError
from quantstrats.evaluation import details_of, evaluate
from quantstrats.guard.check import check_lookahead
from quantstrats.learning.fits import Fits
from quantstrats.learning.windows import first_needed

NAN = float("nan")
FAST = ("logistic_regression", "nearest_neighbours")
QUICK = {
    "models": FAST,
    "inputs": ("roc(window=5)", "roc(window=20)"),
    "train": 120,
    "refit": "quarter",
    "steps": 2,
    "folds": 3,
    "horizon": 5,
}


@dataclass(frozen=True, kw_only=True)
class Says(models.Model):
    """Gives this probability of the second class after a rise, and one less it after a fall."""

    name: ClassVar[str] = "says"
    chance: float

    def _learn(self, training):
        return 0

    def _chances(self, opened, inputs):
        second = np.where(inputs[:, 0] > 0, self.chance, 1 - self.chance)
        return np.column_stack([1 - second, second])


def gated(market, *chances, classes=(-1.0, 1.0), **bounds):
    """Return the forecasts of an ensemble of models that say these chances."""
    inputs, known = np.tile([1.0, -1.0], 10)[:, None, None], np.tile(classes, 10)
    model = models.Combined(tuple(Says(chance=chance) for chance in chances)).fit(inputs, known)
    bounds = {"confidence": 0.55, "disagreement": 0.4} | bounds
    return MLEnsembleFitted(model, ("simple_return",), 1, **bounds).forecast(market)["A"].tolist()


def test_it_is_followed_where_it_is_sure_and_the_models_agree(market_of):
    market = market_of({"A": [10, 11, 10, None, 11, 12]})
    # The mean of 0.9, 0.7 and 0.2 is 0.6, and a third of the models votes otherwise. After a gap there is no return.
    followed = [NAN, 0.2, -0.2, NAN, 0.2, 0.2]
    flat = [NAN, 0.0, 0.0, NAN, 0.0, 0.0]
    assert gated(market, 0.9, 0.7, 0.2) == pytest.approx(followed, nan_ok=True)
    assert gated(market, 0.9, 0.7, 0.2, confidence=0.61) == pytest.approx(flat, nan_ok=True)
    assert gated(market, 0.9, 0.7, 0.2, disagreement=0.33) == pytest.approx(flat, nan_ok=True)
    assert gated(market, 0.9, 0.7, 0.2, confidence=0.59, disagreement=0.34) == pytest.approx(followed, nan_ok=True)
    # Half of two dissent: at 0.4 that is too many, however sure the mean is.
    assert gated(market, 0.9, 0.4) == pytest.approx(flat, nan_ok=True)


def test_what_the_other_models_outvote_is_not_followed_the_other_way(market_of):
    # The mean is 0.42: two of three vote for a fall, with a probability of 0.58.
    market = market_of({"A": [10, 11, 12]})
    assert gated(market, 0.9, 0.18, 0.18) == pytest.approx([NAN, -0.16, -0.16], nan_ok=True)


@pytest.mark.parametrize("combine", ["learned", "mean", "confidence", "scores"])
def test_each_way_to_combine_finds_planted_momentum_out_of_sample(combine):
    market = load_market("synthetic", seed=1, count=12, bars=640, momentum=0.5, volatility=0.2)
    signal = MLEnsemble(**QUICK | {"train": 400, "horizon": 10}, combine=combine)
    together = details_of(signal, market).tables["Each model and all together, out of sample"].loc["together"]
    assert together["AUC"] > 0.55
    assert together["Brier"] < 0.5


def test_on_the_null_market_nothing_is_found():
    areas = []
    for seed in (1, 2, 3):
        market = load_market("synthetic", seed=seed, count=6, bars=650)
        details = details_of(MLEnsemble(**QUICK | {"train": 300, "horizon": 10}, combine="mean"), market)
        areas.append(details.tables["Each model and all together, out of sample"].loc["together", "AUC"])
    # 6 symbols x 350 rows whose labels overlap tenfold are some 200 labels: an area's standard error is about 0.04.
    assert abs(np.mean(areas) - 0.5) < 3 * 0.04 / np.sqrt(3)


def test_all_five_are_heard_and_what_is_not_installed_is_left_out(monkeypatch):
    market = load_market("synthetic", count=2, bars=260, momentum=0.4)
    for library in ("lightgbm", "torch", "xgboost"):
        pytest.importorskip(library, reason=f"{library} is not installed")
    learner = MLEnsemble(**QUICK | {"models": FIVE, "steps": 3})
    fitted = learner.fit(market)
    assert [each.name for each in models.ensembles.ensemble(fitted.model.model).models] == ["last_step"] * 4 + ["lstm"]
    assert fitted.model.outcome == "fitted"
    assert fitted.forecast(market).notna().any(axis=None)
    missing = {"lightgbm", "torch"}
    monkeypatch.setattr("quantstrats.models.named.find_spec", lambda name: None if name in missing else name)
    assert models.installed(FIVE) == ("xgboost", "random_forest", "logistic_regression")
    assert len(learner.ensemble().model.models) == 3
    missing |= {"sklearn"}
    with pytest.raises(ValueError, match=r"of models lightgbm, .* cannot be had, and it takes two"):
        MLEnsemble()
    missing.clear()
    with pytest.raises(ConfigError, match="models holds 1 model; give at least two"):
        MLEnsemble(models=("logistic_regression",))


def test_models_that_are_not_installed_are_left_out_and_told(monkeypatch):
    pytest.importorskip("xgboost", reason="xgboost is not installed")
    monkeypatch.setattr("quantstrats.models.named.find_spec", lambda name: None if name == "torch" else name)
    learner = MLEnsemble(**QUICK | {"models": ("logistic_regression", "nearest_neighbours", "lstm")})
    with pytest.warns(UserWarning, match="left out, as not installed: lstm; pip install"):
        learner.fit(load_market("synthetic", count=2, bars=200))


def test_two_models_of_a_name_differ_in_their_seeds():
    pytest.importorskip("torch", reason="torch is not installed")
    learner = MLEnsemble(models=("lstm", "tcn", "lstm"), combine="mean", held_back=0.0, seed=7)
    assert [each.seed for each in learner.ensemble().models] == [7, 7, 8]


def test_the_tables_agree_with_the_forecast():
    market = load_market("synthetic", count=3, bars=420, momentum=0.4)
    signal, fits = MLEnsemble(**QUICK), Fits()
    forecast = evaluate(signal, market, fits=fits)
    details = details_of(signal, market, fits, forecast=forecast)
    scores, followed, importance = details.tables.values()
    assert scores.index.tolist() == ["logistic regression", "nearest neighbours", "together"]
    assert importance.index.tolist() == list(QUICK["inputs"])
    assert importance.columns.tolist() == ["logistic regression", "permutation"]
    known = labels.direction(market, 5).values
    first = pd.Timestamp(followed.index[0])
    last = pd.Timestamp(followed.index[1]) - pd.Timedelta(days=1)
    told, came = forecast.loc[first:last], known.loc[first:last]
    both = (told.notna() & came.notna()).to_numpy()
    traded = (told != 0).to_numpy() & both
    row = followed.iloc[0]
    assert row["rows"] == both.sum()
    assert row["followed"] == pytest.approx(traded.sum() / both.sum())
    assert row["right"] == pytest.approx((np.sign(told) == came).to_numpy()[traded].mean())
    assert (1 - row["unsure"] - row["disputed"] <= row["followed"] + 1e-12).all()
    assert all(hasattr(picture, "savefig") for picture in details.pictures.values())
    assert len(details.pictures) == 3


def test_a_third_class_is_never_followed(market_of):
    market = load_market("synthetic", count=2, bars=300)
    fitted = MLEnsemble(**QUICK, threshold=0.5, held_back=0.0).fit(market)
    assert fitted.model.outcome == "one class"
    fitted = MLEnsemble(**QUICK, threshold=0.03, held_back=0.0).fit(market)
    assert fitted.model.classes == (-1.0, 0.0, 1.0)
    neutral = fitted.model.probability(0.0, inputs_of(market))
    forecast = fitted.forecast(market).to_numpy()
    assert (forecast[forecast_rows(neutral, forecast)] == 0).all()


def inputs_of(market):
    from quantstrats import features

    return labels.samples(features.compute(market, list(QUICK["inputs"])), steps=2).inputs


def forecast_rows(neutral, forecast):
    """Return where the third class is more likely than 0.45, so that neither side reaches 0.55."""
    laid = np.full(forecast.size, NAN)
    laid[-len(neutral) :] = neutral
    return laid.reshape(forecast.shape) > 0.45


def test_before_the_first_fit_there_are_no_details_and_too_few_rows_teach_nothing():
    market = load_market("synthetic", count=2, bars=100)
    assert details_of(MLEnsemble(**QUICK), market).tables == {}
    assert details_of(MLEnsemble(**QUICK), market.rows(0, 3)).tables == {}
    little = MLEnsemble(**QUICK | {"train": 12})
    fits = Fits()
    longer = load_market("synthetic", count=1, bars=200)
    assert evaluate(little, longer, fits=fits).isna().all(axis=None)
    assert set(fits.outcomes) <= {"too few rows", "one class"}
    assert details_of(little, longer, fits).tables == {}


def with_gaps(seed, bars=260, count=3):
    whole = load_market("synthetic", seed=seed, count=count, bars=bars, momentum=0.3)
    gone = np.random.default_rng(seed).random((bars, count)) < 0.02
    gone[:180, 0] = gone[200:215, 1] = gone[235:, 2] = True
    return Market.from_frames(
        **{field: getattr(whole, field).mask(gone) for field in ("open", "high", "low", "close", "volume")}
    )


@pytest.mark.parametrize("combine", ["learned", "confidence"])
def test_the_guard_finds_nothing_at_any_row(combine):
    market, signal = with_gaps(1), MLEnsemble(**QUICK, combine=combine, confidence=0.5, disagreement=0.6)
    forecast = evaluate(signal, market)
    assert forecast.nunique().max() > 2
    report = check_lookahead(signal, market, forecast, mode="full")
    assert report.result == "clean"
    assert report.rows > 60


def test_a_session_that_starts_within_a_refit_learns_the_same():
    market, signal = with_gaps(3), MLEnsemble(**QUICK, confidence=0.5)
    whole = evaluate(signal, market)
    compared = 0
    for row in range(150, len(market), 13):
        first = first_needed(signal, market.timeline, row)
        if first is None:
            continue
        alone = evaluate(signal, market.rows(first, row + 1).with_listed_symbols()).iloc[-1]
        expected = whole.iloc[row]
        pd.testing.assert_series_equal(alone.reindex(expected.index), expected, rtol=1e-7, atol=1e-9, check_names=False)
        compared += expected.notna().any()
    assert compared > 4


def test_the_same_seed_gives_the_same_forecasts():
    market = with_gaps(4)
    signal = MLEnsemble(**QUICK | {"models": ("random_forest", "logistic_regression")}, seed=3, confidence=0.5)
    pd.testing.assert_frame_equal(evaluate(signal, market), evaluate(signal, market), check_exact=True)


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"horizon": 0}, "horizon .0. and steps"),
        ({"steps": 0}, "must be at least 1"),
        ({"threshold": -0.1}, "threshold .-0.1. at least 0"),
        ({"confidence": 55}, "confidence .55. and disagreement"),
        ({"disagreement": -1}, "from 0 to 1"),
    ],
)
def test_parameters_that_make_no_sense_are_refused(wrong, told):
    with pytest.raises(ValueError, match=told):
        MLEnsemble(**wrong)


@pytest.mark.parametrize("wrong", [{"models": ("xgbost", "lstm")}, {"combine": "vote"}, {"folds": 1}, {"held_back": 2}])
def test_settings_of_the_models_are_refused_by_them(wrong):
    with pytest.raises(ConfigError):
        MLEnsemble(**wrong)


def test_the_account_follows_it():
    import quantstrats_plugins.ml_ensemble

    from quantstrats.portfolio import allocators

    plugins = Plugins()
    for module in (quantstrats_plugins.ml_ensemble, allocators):
        plugins.register(module)
    signal = {
        "name": "ml_ensemble",
        **{name: list(each) if isinstance(each, tuple) else each for name, each in QUICK.items()},
    }
    run = backtest(signal, load_market("synthetic", count=2, bars=300, momentum=0.4), plugins=plugins)
    assert run.metrics["orders"] > 2
    assert run.manifest["fits"]["outcomes"]["fitted"] > 1


@pytest.mark.parametrize("combine", ["learned", "scores"])
def test_the_embargo_is_the_horizon(combine):
    made = MLEnsemble(horizon=7, combine=combine).ensemble()
    assert (made.embargo, made.model.embargo) == (7, 7)
    assert combine == "learned" or made.model.how == combine


def test_it_is_fitted_on_what_the_labels_rest_on(nasdaq):
    market = nasdaq.rows(0, 500)
    signal = MLEnsemble(models=("logistic_regression", "xgboost"))
    known = labels.samples(features.compute(market, list(signal.inputs)), signal.known(market), steps=signal.steps)
    expected = signal.ensemble().fit(
        known.inputs, known.labels, weight=known.uniqueness(), start=known.start, end=known.end
    )
    np.testing.assert_array_equal(
        signal.fit(market).model.predict_proba(known.inputs), expected.predict_proba(known.inputs)
    )

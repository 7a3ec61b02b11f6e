"""The choice among models is made on training rows alone; what is shown out of sample lies after them."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from quantstrats_plugins.trend_classifier import FEATURES, SIX, TrendClassifier

from quantstrats import Market, features, labels, load_market, models
from quantstrats.errors import ConfigError
from quantstrats.evaluation import details_of, evaluate
from quantstrats.learning.fits import Fits

QUICK = {"models": ("logistic_regression", "xgboost"), "train": 200, "refit": "quarter", "folds": 3}


@pytest.fixture(scope="module")
def market():
    return load_market("sample", start="2009-01-01", end="2012-06-30")


@pytest.fixture(scope="module")
def fits():
    return Fits()


@pytest.fixture(scope="module")
def details(market, fits):
    return details_of(TrendClassifier(**QUICK), market, fits)


def test_the_model_with_the_least_log_loss_in_the_folds_is_asked(market):
    training = market.rows(0, 700)
    fitted = TrendClassifier(**QUICK).fit(training)
    assert list(fitted.scores.index) == list(QUICK["models"])
    assert fitted.chosen == fitted.scores["log_loss"].idxmin()
    assert fitted.model.model.name == fitted.chosen
    other = TrendClassifier(**QUICK, by="accuracy").fit(training)
    assert other.chosen == other.scores["accuracy"].idxmax()


def test_the_forecast_is_the_chance_of_a_rise_less_that_of_a_fall(market):
    fitted = TrendClassifier(**QUICK).fit(market.rows(0, 700))
    served = market.rows(300, 760)
    inputs = features.compute(served, FEATURES).xs("NASDAQ", axis=1, level="symbol")[list(FEATURES)].to_numpy()
    chances = fitted.model.predict_proba(inputs)
    assert fitted.model.classes == (labels.DOWN, labels.UP)
    found = fitted.forecast(served)["NASDAQ"].to_numpy()
    np.testing.assert_array_equal(found, chances[:, 1] - chances[:, 0])


def test_a_threshold_makes_a_third_class(market):
    fitted = TrendClassifier(**QUICK, threshold=0.01).fit(market.rows(0, 700))
    assert fitted.model.classes == (labels.DOWN, labels.NEUTRAL, labels.UP)
    assert len(fitted.scores.columns) == 7


def test_prices_that_do_not_move_teach_nothing(market):
    flat = Market.from_frames(close=market.close[:600] * 0 + 5.0)
    learner = TrendClassifier(**QUICK)
    assert learner.fit(flat) is None
    assert evaluate(learner, flat).isna().all(axis=None)
    assert details_of(learner, flat).tables == {}


def test_a_model_that_there_is_not_is_told_at_once():
    with pytest.raises(ConfigError, match="no model called 'xgbost'; did you mean 'xgboost'"):
        TrendClassifier(models=("xgbost",))
    with pytest.raises(ValueError, match="at least one model"):
        TrendClassifier(models=())


def test_the_tables_count_each_choice_and_score_rows_after_the_training(details, market, fits):
    folds, served = details.tables.values()
    assert folds["chosen"].sum() == len(served)
    assert list(folds.index) == [name.replace("_", " ") for name in QUICK["models"]]
    # The first quarters after the warm-up and 200 rows.
    assert [str(day) for day in served.index[:2]] == ["2011-04-01", "2011-07-01"]
    forecast = evaluate(TrendClassifier(**QUICK), market, fits=fits)["NASDAQ"]["2011-04-01":"2011-06-30"]
    # Up where the close ten rows on is above the next open.
    closes, opens = market.close["NASDAQ"], market.open["NASDAQ"]
    rises = (closes.shift(-10) > opens.shift(-1)).loc[forecast.index]
    assert served["rises"].iloc[0] == pytest.approx(rises.mean())
    assert served["accuracy"].iloc[0] == pytest.approx(((forecast > 0) == rises).mean())


def test_the_net_sharpe_ratio_is_of_next_opens_less_costs(details, market, fits):
    learner = TrendClassifier(**QUICK)
    rows = slice("2011-04-01", "2011-06-30")
    forecast = evaluate(learner, market, fits=fits)["NASDAQ"][rows]
    opens = market.open["NASDAQ"][rows]
    held = (forecast > 0).astype(float)
    earned = []
    for row in range(len(opens)):
        before = held.iloc[row - 2] if row >= 2 else 0.0
        now = held.iloc[row - 1] if row >= 1 else 0.0
        gain = before * (opens.iloc[row] / opens.iloc[row - 1] - 1) if row else 0.0
        earned.append(gain - 0.0015 * abs(now - before))
    expected = np.mean(earned) / np.std(earned, ddof=1) * np.sqrt(252)
    assert list(details.tables.values())[1]["net Sharpe"].iloc[0] == pytest.approx(expected)


def test_the_pictures_are_drawn(details):
    assert len(details.pictures) == 3
    calibration = next(iter(details.pictures.values()))
    assert calibration.axes[1].get_xlabel() == "chance of a rise, as told"


def test_the_six_are_the_default():
    assert TrendClassifier().models == SIX
    assert len(set(SIX)) == 6


def test_folds_are_purged_by_the_labels_and_have_the_horizon_as_embargo(nasdaq):
    market = nasdaq.rows(0, 500)
    signal = TrendClassifier(horizon=20, models=("nearest_neighbours",))
    known = labels.samples(features.compute(market, FEATURES), signal.known(market))
    expected = models.compare(
        signal.candidates(),
        known.inputs,
        known.labels,
        weight=known.uniqueness(),
        start=known.start,
        end=known.end,
        folds=4,
        embargo=20,
    ).scores
    pd.testing.assert_frame_equal(signal.fit(market).scores.drop(columns="net_sharpe"), expected, check_exact=True)


def test_bars_within_the_day_are_learned_from_and_told_like_days():
    rng = np.random.default_rng(4)
    days = pd.bdate_range("2024-02-20", periods=45).drop("2024-03-29")
    bars = [pd.date_range(f"{day:%Y-%m-%d} 09:30", periods=13, freq="30min", tz="America/New_York") for day in days]
    index = pd.DatetimeIndex(np.concatenate([each.tz_convert("UTC") for each in bars]))
    close = pd.DataFrame({"A": 50 * np.exp(rng.normal(0, 0.01, len(index)).cumsum())}, index=index)
    market = Market.from_frames(close=close, bar="30min")
    learner = TrendClassifier(models=("logistic_regression",), folds=2, horizon=2, train=60, refit="week")
    fits = Fits()
    forecast = evaluate(learner, market, fits=fits)
    folds, told = details_of(learner, market, fits, forecast=forecast).tables.values()
    assert np.isfinite(folds["net Sharpe"]).all()
    assert len(told) >= 1

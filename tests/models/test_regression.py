"""Models of a number: what they tell against scikit-learn's, and the outcomes that they share with classifiers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.ensemble import RandomForestRegressor
from sklearn.linear_model import Ridge

from quantstrats import models
from quantstrats.errors import ConfigError, DataError
from quantstrats.learning.fitted_state import pack, unpack
from quantstrats.signals import Signal

NAN = float("nan")


@dataclass(frozen=True)
class Holder(Signal):
    """Holds a fitted regression."""

    name: ClassVar[str] = "holder"
    model: models.FittedRegression

    def warmup(self):
        return 1

    def forecast(self, market):
        raise NotImplementedError


def quick(name):
    if name == "ridge":
        return models.RidgeRegression()
    if name == "forest":
        return models.RandomForestRegression(n_estimators=20)
    pytest.importorskip("xgboost", reason="xgboost is not installed")
    return models.XGBoostRegression(n_estimators=30)


@pytest.fixture(params=["ridge", "forest", "xgboost"])
def model(request):
    return quick(request.param)


def drawn(rows=300, seed=0, noise=0.5):
    rng = np.random.default_rng(seed)
    inputs = rng.normal(size=(rows, 3)) * [1.0, 10.0, 0.1] + [0.0, 5.0, 1.0]
    targets = 2.0 * inputs[:, 0] - 0.1 * inputs[:, 1] + noise * rng.normal(size=rows)
    return inputs, targets


@pytest.mark.parametrize("penalty", [0.0, 1.0, 100.0])
def test_ridge_is_that_of_scikit_learn_on_scaled_features_and_targets(penalty):
    inputs, targets = drawn()
    weight = np.random.default_rng(1).uniform(0.5, 2, len(targets))
    fitted = models.RidgeRegression(penalty=penalty).fit(inputs, targets, weight=weight)
    scaled = (inputs - inputs.mean(axis=0)) / inputs.std(axis=0)
    standard = (targets - targets.mean()) / targets.std()
    theirs = Ridge(alpha=penalty).fit(scaled, standard, weight / weight.mean()).predict(scaled)
    np.testing.assert_allclose(fitted.predict(inputs), targets.mean() + targets.std() * theirs, atol=1e-9)


def test_without_a_penalty_it_is_least_squares_by_hand():
    inputs = np.arange(10.0)[:, None]
    targets = 3.0 + 2.0 * np.arange(10.0)
    fitted = models.RidgeRegression(penalty=0).fit(inputs, targets)
    assert fitted.predict([[20.0], [-1.0]]) == pytest.approx([43.0, 1.0])


def test_features_that_say_the_same_are_no_problem():
    inputs, targets = drawn()
    twice = np.column_stack([inputs, inputs[:, 0]])
    found = models.RidgeRegression(penalty=0).fit(twice, targets).predict(twice)
    np.testing.assert_allclose(found, models.RidgeRegression(penalty=0).fit(inputs, targets).predict(inputs), atol=1e-8)


def test_the_forest_is_that_of_scikit_learn():
    inputs, targets = drawn()
    fitted = models.RandomForestRegression(n_estimators=10, seed=3).fit(inputs, targets)
    scaled = (inputs - inputs.mean(axis=0)) / inputs.std(axis=0)
    forest = RandomForestRegressor(10, min_samples_leaf=5, max_features=0.5, random_state=3)
    theirs = forest.fit(scaled, (targets - targets.mean()) / targets.std(), np.ones(300)).predict(scaled)
    np.testing.assert_allclose(fitted.predict(inputs), targets.mean() + targets.std() * theirs, atol=1e-9)


def test_what_is_there_is_learned_and_nothing_else(model):
    inputs, targets = drawn(600)
    fitted = model.fit(inputs[:400], targets[:400])
    left = np.var(targets[400:] - fitted.predict(inputs[400:])) / np.var(targets[400:])
    assert left < 0.25
    noise = np.random.default_rng(9).normal(size=600)
    blind = model.fit(inputs[:400], noise[:400]).predict(inputs[400:])
    assert np.var(noise[400:] - blind) / np.var(noise[400:]) > 0.9


@pytest.mark.parametrize("unit", [1e-4, 1e6])
def test_the_unit_and_offset_of_targets_do_not_matter(model, unit):
    inputs, targets = drawn()
    usual = model.fit(inputs, targets).predict(inputs)
    found = model.fit(inputs, 1000 * unit + unit * targets).predict(inputs)
    np.testing.assert_allclose(found / unit - 1000, usual, atol=1e-4)


def test_a_row_that_weighs_nothing_is_not_learned_from(model):
    inputs, targets = drawn()
    weight = np.ones(300)
    weight[250:] = 0.0
    found = model.fit(inputs, targets, weight=weight)
    np.testing.assert_array_equal(found.predict(inputs), model.fit(inputs[:250], targets[:250]).predict(inputs))
    assert found.notes == ("50 of 300 rows have the weight 0 and are left out",)


def test_the_same_data_and_seed_give_the_same_bits_alone_or_among_others(model):
    inputs, targets = drawn()
    one, other = model.fit(inputs, targets), model.fit(inputs, targets)
    whole = one.predict(inputs)
    assert (other.predict(inputs) == whole).all()
    assert [one.predict(inputs[row : row + 1])[0] for row in range(5)] == whole[:5].tolist()


def test_rows_that_lack_something_are_left_out_and_told_nothing(model):
    inputs, targets = drawn()
    inputs[3, 0], inputs[4, 1], targets[5] = NAN, np.inf, NAN
    fitted = model.fit(inputs, targets)
    assert fitted.outcome == "fitted"
    assert fitted.notes == (
        "1 of 300 rows have no label and are left out",
        "2 of 299 rows lack a feature and are left out",
    )
    assert np.flatnonzero(np.isnan(fitted.predict(inputs))).tolist() == [3, 4]


def test_steps_stand_side_by_side(model):
    rng = np.random.default_rng(0)
    inputs, targets = rng.normal(size=(100, 2, 3)), rng.normal(size=100)
    found = model.fit(inputs, targets).predict(inputs)
    flat = inputs.reshape(100, 6)
    np.testing.assert_array_equal(found, model.fit(flat, targets).predict(flat))


@pytest.mark.parametrize(
    ("inputs", "targets", "outcome", "note"),
    [
        (drawn(9)[0], drawn(9)[1], "too few rows", "9 of 9 rows are left; at least 10 are needed"),
        (drawn(20)[0], np.full(20, 0.5), "one class", "all 20 targets are 0.5"),
        (np.ones((20, 2)), drawn(20)[1], "no usable feature", "of 2 columns none varies"),
        (np.full((20, 2), NAN), drawn(20)[1], "no usable feature", "of 2 columns none varies"),
        (np.empty((0, 2)), np.empty(0), "too few rows", "0 of 0 rows are left; at least 10 are needed"),
    ],
)
def test_where_nothing_can_be_learned_the_outcome_says_why(model, inputs, targets, outcome, note):
    fitted = model.fit(inputs, targets)
    assert fitted.outcome == outcome
    assert fitted.notes[-1] == note
    assert np.isnan(fitted.predict(np.zeros((3, inputs.shape[1])))).all()


@given(st.integers(0, 40), st.integers(0, 3), st.integers(0, 1000))
def test_no_rows_make_it_fail(rows, columns, seed):
    rng = np.random.default_rng(seed)
    inputs, targets = (
        rng.choice([0.0, 1.0, NAN, np.inf, 1e300], (rows, columns)),
        rng.choice([0.0, 1.0, NAN, 1e200], rows),
    )
    fitted = models.RidgeRegression().fit(inputs, targets)
    assert np.isfinite(fitted.predict(np.zeros((2, columns)))).all() == (fitted.outcome == "fitted")


def test_mistakes_are_one_line(model):
    inputs, targets = drawn()
    with pytest.raises(DataError, match="labels is of shape"):
        model.fit(inputs, targets[1:])
    with pytest.raises(DataError, match="weight has a negative"):
        model.fit(inputs, targets, weight=-np.ones(300))
    with pytest.raises(DataError, match=r"it was fitted on rows of \(3,\); ask with the same features"):
        model.fit(inputs, targets).predict(inputs[:, :2])


@pytest.mark.parametrize(
    ("kind", "wrong"),
    [
        ("RidgeRegression", {"penalty": -1}),
        ("RandomForestRegression", {"n_estimators": 0}),
        ("RandomForestRegression", {"max_features": 2}),
        ("XGBoostRegression", {"learning_rate": 0}),
        ("XGBoostRegression", {"reg_lambda": -1}),
    ],
)
def test_a_parameter_that_makes_no_sense_is_refused(kind, wrong):
    with pytest.raises(ConfigError, match=f"{next(iter(wrong))} is {next(iter(wrong.values()))}; give"):
        getattr(models, kind)(**wrong)


def test_what_was_fitted_is_stored_and_comes_back(model):
    inputs, targets = drawn()
    fitted = model.fit(inputs, targets)
    again = unpack(pack(Holder(fitted), {__name__}), {__name__}).model
    assert again.model == model
    assert (again.predict(inputs) == fitted.predict(inputs)).all()

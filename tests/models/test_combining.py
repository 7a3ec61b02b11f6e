"""Several models heard together: votes by hand, weights that come from rows they had not learned from, opinions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from quantstrats import models
from quantstrats.errors import ConfigError, DataError
from quantstrats.learning.fitted_state import pack, unpack
from quantstrats.models.base import Model
from quantstrats.models.preparing import NothingLearnedError
from quantstrats.signals import Signal

NAN = float("nan")
SAYS = np.array([[[0.8, 0.2]], [[0.4, 0.6]]])  # two models, one row, two classes


@dataclass(frozen=True, kw_only=True)
class Column(Model):
    """Says the second class with one probability where a column is above 0, and with one less it elsewhere."""

    name: ClassVar[str] = "column"
    place: int
    chance: float

    def _learn(self, training):
        return {"rows": len(training.codes)}

    def _chances(self, opened, inputs):
        second = np.where(inputs[:, self.place] > 0, self.chance, 1 - self.chance)
        return np.column_stack([1 - second, second])


@dataclass(frozen=True, kw_only=True)
class Nothing(Model):
    """Learns nothing."""

    name: ClassVar[str] = "nothing"

    def _learn(self, training):
        raise NothingLearnedError("too few rows", "it wants more")

    def _chances(self, opened, inputs):
        raise NotImplementedError


@dataclass(frozen=True)
class Holder(Signal):
    """Holds a fitted model."""

    name: ClassVar[str] = "holder"
    model: models.FittedModel

    def warmup(self):
        return 1

    def forecast(self, market):
        raise NotImplementedError


def drawn(rows=200, classes=2, seed=0):
    rng = np.random.default_rng(seed)
    inputs = rng.normal(size=(rows, 3))
    edges = [0.0] if classes == 2 else [-0.43, 0.43]
    return inputs, np.digitize(inputs[:, 0] + 0.5 * rng.normal(size=rows), edges) - 1.0


def columns_that_agree(*shares, rows=100):
    """Return labels, and a column of -1 and 1 for each share that has the sign of so many of them, among both alike."""
    labels = np.tile([0.0, 1.0], rows // 2)
    sign = np.where(labels > 0, 1.0, -1.0)
    columns = []
    for share in shares:
        column = sign.copy()
        for each in (0.0, 1.0):
            of_class = np.flatnonzero(labels == each)
            column[of_class[: round((1 - share) * len(of_class))]] *= -1
        columns.append(column)
    return np.column_stack(columns), labels


# --- vote, disagreement, gate


def test_a_vote_is_the_weighted_mean_with_weights_that_sum_to_one():
    assert models.vote(SAYS)[0] == pytest.approx([0.6, 0.4])
    assert models.vote(SAYS, [3, 1])[0] == pytest.approx([0.7, 0.3])
    assert models.vote(SAYS, [0.3, 0.1])[0] == pytest.approx([0.7, 0.3])
    assert models.vote(SAYS, [[0.0], [2.0]])[0] == pytest.approx([0.4, 0.6])


def test_whole_numbers_are_not_cut_off():
    assert models.vote(np.array([[[1, 0]], [[0, 1]], [[0, 1]]]))[0] == pytest.approx([1 / 3, 2 / 3])


def test_who_abstains_does_not_count_and_without_any_weight_all_count_equally():
    said = np.array([[[0.8, 0.2], [NAN, NAN]], [[0.4, 0.6], [0.4, 0.6]], [[NAN, NAN], [NAN, NAN]]])
    assert models.vote(said, [3, 1, 5]) == pytest.approx(np.array([[0.7, 0.3], [0.4, 0.6]]))
    assert models.vote(said, [0, 0, 5]) == pytest.approx(np.array([[0.6, 0.4], [0.4, 0.6]]))
    assert np.isnan(models.vote(said[2:])).all()


@given(arrays("float64", (3, 4, 3), elements=st.floats(0.01, 1)), arrays("float64", 3, elements=st.floats(0, 5)))
def test_a_vote_is_a_probability_between_those_of_the_models(raw, weights):
    said = raw / raw.sum(axis=2, keepdims=True)
    found = models.vote(said, weights)
    np.testing.assert_allclose(found.sum(axis=1), 1, atol=1e-12)
    assert (found >= said.min(axis=0) - 1e-12).all()
    assert (found <= said.max(axis=0) + 1e-12).all()
    np.testing.assert_allclose(models.vote(said, 7 * weights), found, atol=1e-9)
    assert ((models.disagreement(said) >= 0) & (models.disagreement(said) <= 2 / 3 + 1e-12)).all()


def test_disagreement_is_one_less_the_share_of_the_majority_and_no_entropy():
    up, down = [0.4, 0.6], [0.9, 0.1]
    assert models.disagreement([[up], [up], [up]]).tolist() == [0.0]
    assert models.disagreement([[up], [up], [down]]) == pytest.approx([1 / 3])
    # The entropy of halves would be 1.
    assert models.disagreement([[up], [up], [down], [down]]).tolist() == [0.5]
    assert models.disagreement([[up], [up], [up], [down], [down]]).tolist() == [0.4]
    # Three classes, a vote for each.
    assert models.disagreement([[[1, 0, 0]], [[0, 1, 0]], [[0, 0, 1]]]) == pytest.approx([2 / 3])


def test_a_model_that_cannot_decide_divides_its_vote_and_one_that_says_nothing_has_none():
    up, even, none = [0.4, 0.6], [0.5, 0.5], [NAN, NAN]
    assert models.disagreement([[up], [even]]) == pytest.approx([0.25])
    assert models.disagreement([[up], [none]]).tolist() == [0.0]
    assert np.isnan(models.disagreement([[none], [none]])).all()


def test_the_gate_wants_both_and_its_bounds_are_within():
    found = models.should_trade([0.55, 0.549, 0.9, 0.9, NAN, 0.9], [0.4, 0.0, 0.4, 0.41, 0.0, NAN])
    assert found.tolist() == [True, False, True, False, False, False]
    assert models.should_trade([0.6], [0.5], least_confidence=0.6, most_disagreement=0.5).tolist() == [True]


def test_a_confidence_that_is_lessened_by_a_third_of_dissent_takes_a_probability_of_0_825():
    dissent = 1 / 3
    lessened = np.array([0.826, 0.824]) * (1 - dissent)
    assert models.should_trade(lessened, [dissent] * 2).tolist() == [True, False]


@pytest.mark.parametrize(
    ("call", "told"),
    [
        (lambda: models.vote(SAYS[0]), r"of shape \(1, 2\); give \(models, rows, classes\)"),
        (lambda: models.vote(SAYS, [1, 2, 3]), "give one per model, 2"),
        (lambda: models.vote(SAYS, [1, -1]), "a weight is negative or missing"),
        (lambda: models.vote(SAYS, [1, NAN]), "a weight is negative or missing"),
        (lambda: models.disagreement(np.empty((0, 3, 2))), "give"),
    ],
)
def test_shapes_and_weights_that_make_no_sense_are_told(call, told):
    with pytest.raises(DataError, match=told):
        call()


def test_bounds_that_are_no_fractions_are_refused():
    with pytest.raises(ConfigError, match="least_confidence is 55; give a fraction"):
        models.should_trade([0.5], [0.1], least_confidence=55)
    with pytest.raises(ConfigError, match="most_disagreement is -1"):
        models.should_trade([0.5], [0.1], most_disagreement=-1)


# --- Combined


def test_the_mean_is_that_of_models_fitted_alone():
    inputs, labels = drawn(classes=3)
    parts = (models.LogisticRegression(), models.NearestNeighbours(by_distance=True))
    alone = [each.fit(inputs, labels).predict_proba(inputs) for each in parts]
    together = models.Combined(parts).fit(inputs, labels)
    assert together.classes == (-1.0, 0.0, 1.0)
    np.testing.assert_allclose(together.predict_proba(inputs), np.mean(alone, axis=0), atol=1e-6)
    np.testing.assert_allclose(models.opinions(together, inputs), alone, atol=1e-6)


def test_confidence_weighs_each_row_by_how_far_the_probability_is_from_chance():
    inputs, labels = columns_that_agree(0.8, 0.6)
    parts = (Column(place=0, chance=0.9), Column(place=1, chance=0.6))
    together = models.Combined(parts, how="confidence").fit(inputs, labels)
    # (p - 1/2) / (1/2) is 0.8 and 0.2: where they agree (0.8 x 0.9 + 0.2 x 0.6) / 1 = 0.84, where not 0.8.
    assert together.predict_proba([[1.0, 1.0], [1.0, -1.0]])[:, 1] == pytest.approx([0.84, 0.8])


def test_models_without_any_confidence_count_equally():
    inputs, labels = columns_that_agree(0.8, 0.6)
    parts = (Column(place=0, chance=0.5), Column(place=1, chance=0.5))
    together = models.Combined(parts, how="confidence").fit(inputs, labels)
    assert together.predict_proba(inputs[:2]).tolist() == [[0.5, 0.5]] * 2


def test_scores_weigh_by_the_skill_on_folds_and_weights_sum_to_one():
    inputs, labels = columns_that_agree(0.8, 0.6, 0.5)
    parts = (Column(place=0, chance=0.8), Column(place=1, chance=0.6), Column(place=2, chance=0.8))
    together = models.Combined(parts, how="scores", folds=4).fit(inputs, labels)
    # Brier scores over both classes: 0.8 x 0.08 + 0.2 x 1.28 = 0.32; 0.6 x 0.32 + 0.4 x 0.72 = 0.48; 0.68; that of the
    # shares is 0.5. Skills: 0.36, 0.04, none.
    assert models.weights_of(together) == pytest.approx([0.9, 0.1, 0.0])
    assert together.predict_proba([[1.0, -1.0, -1.0]])[0, 1] == pytest.approx(0.9 * 0.8 + 0.1 * 0.4)


def test_without_any_skill_all_count_equally():
    inputs, labels = columns_that_agree(0.5, 0.4)
    parts = (Column(place=0, chance=0.8), Column(place=1, chance=0.8))
    assert models.weights_of(models.Combined(parts, how="scores").fit(inputs, labels)).tolist() == [0.5, 0.5]


def test_a_model_that_remembers_its_rows_is_not_believed_for_it():
    inputs, _ = drawn(300)
    labels = np.random.default_rng(5).choice([0.0, 1.0], 300)
    labels[inputs[:, 0] > 0.5] = 1.0
    parts = (models.NearestNeighbours(n_neighbors=1), models.LogisticRegression())
    weights = models.weights_of(models.Combined(parts, how="scores").fit(inputs, labels))
    assert weights[0] == 0.0
    assert weights[1] == 1.0


@pytest.mark.parametrize("how", ["mean", "confidence", "scores"])
def test_a_model_that_learns_nothing_is_left_out(how):
    inputs, labels = columns_that_agree(0.8, 0.6)
    together = models.Combined((Nothing(), Column(place=0, chance=0.8)), how=how).fit(inputs, labels)
    assert together.outcome == "fitted"
    assert "nothing: it wants more" in together.notes
    assert models.weights_of(together).tolist() == [0.0, 1.0]
    assert together.predict_proba(inputs[:1]).max() == pytest.approx(0.8)
    assert np.isnan(models.opinions(together, inputs)[0]).all()
    none = models.Combined((Nothing(), Nothing()), how=how).fit(inputs, labels)
    assert (none.outcome, none.notes[-1]) == ("too few rows", "none of the models learned anything")
    assert np.isnan(models.weights_of(none)).all()
    assert np.isnan(models.opinions(none, inputs)).all()


def test_too_few_rows_for_the_folds_are_an_outcome():
    inputs, labels = drawn(30)
    parts = (models.LogisticRegression(), models.NearestNeighbours())
    everywhere = models.Combined(parts, how="scores").fit(inputs, labels, start=np.arange(30), end=np.full(30, 29))
    assert everywhere.outcome == "too few rows"
    assert models.Combined(parts).fit(inputs, labels, start=np.arange(30), end=np.full(30, 29)).outcome == "fitted"


@pytest.mark.parametrize(
    "wrong",
    [
        {"models": ()},
        {"models": (models.XGBoost(),)},
        {"models": ("xgboost", "lightgbm")},
        {"models": (models.XGBoost(), models.XGBoost()), "how": "scored"},
        {"models": (models.XGBoost(), models.XGBoost()), "folds": 1},
        {"models": (models.XGBoost(), models.XGBoost()), "embargo": float("nan")},
    ],
)
def test_a_setting_that_makes_no_sense_is_one_line(wrong):
    with pytest.raises(ConfigError, match=r"^combined: ") as refused:
        models.Combined(**wrong)
    assert "\n" not in str(refused.value)


# --- opinions and weights of any ensemble


def test_opinions_are_looked_for_within_a_calibration_and_on_the_labels_that_are_asked_for():
    inputs, labels = drawn(300)
    labels = np.where(labels > -1, 1.0, -1.0)
    parts = (models.LogisticRegression(), models.RandomForest(n_estimators=10))
    fitted = models.Calibrated(models.Stacked(parts, folds=3)).fit(inputs, labels)
    asked = inputs[:6].copy()
    asked[5, 0] = NAN
    own = models.opinions(fitted, asked)
    assert own.shape == (2, 6, 2)
    np.testing.assert_allclose(own[:, :5].sum(axis=2), 1, atol=1e-12)
    assert np.isnan(own[:, 5]).all()
    # Three quarters of the rows were learned from.
    alone = models.LogisticRegression().fit(inputs[:225], labels[:225]).predict_proba(asked[:5])
    np.testing.assert_allclose(own[0, :5], alone, atol=1e-3)
    laid = models.opinions(fitted, asked, (1.0, 5.0, -1.0))
    np.testing.assert_array_equal(laid[:, :, 0], own[:, :, 1])
    np.testing.assert_array_equal(laid[:, :, 2], own[:, :, 0])
    assert (laid[:, :5, 1] == 0).all()
    assert np.isnan(laid[:, 5]).all()


@pytest.mark.parametrize("classes", [2, 3])
def test_the_weights_of_a_stack_are_the_slopes_of_its_log_odds(classes):
    inputs, labels = drawn(300, classes)
    fitted = models.Stacked((models.LogisticRegression(), models.NearestNeighbours())).fit(inputs, labels)
    weights = models.weights_of(fitted)
    last = fitted.state["last"]
    point = np.full((1, 2 * (classes - 1)), 1 / classes)
    for place in range(2):
        moved = point.copy()
        moved[0, (place + 1) * (classes - 1) - 1] += 1e-3  # its probability of the last class
        odds = [np.log(chances[0, -1] / chances[0, 0]) for chances in map(last.predict_proba, (point, moved))]
        assert (odds[1] - odds[0]) / 1e-3 == pytest.approx(weights[place], rel=1e-6)


def test_another_last_model_has_no_weights():
    inputs, labels = drawn()
    parts = (models.LogisticRegression(), models.NearestNeighbours())
    fitted = models.Stacked(parts, last=models.RandomForest(n_estimators=5)).fit(inputs, labels)
    assert np.isnan(models.weights_of(fitted)).tolist() == [True, True]


def test_what_is_no_ensemble_has_neither():
    inputs, labels = drawn()
    fitted = models.LogisticRegression().fit(inputs, labels)
    for ask in (lambda: models.opinions(fitted, inputs), lambda: models.weights_of(fitted)):
        with pytest.raises(ConfigError, match="model 'logistic_regression' is no ensemble; give a fitted Stacked or"):
            ask()


# --- the last step


def test_the_last_step_is_all_that_is_looked_at():
    rng = np.random.default_rng(0)
    inputs = rng.normal(size=(150, 4, 3))
    labels = (inputs[:, -1, 0] + 0.3 * rng.normal(size=150) > 0).astype(float)
    fitted = models.LastStep(models.LogisticRegression()).fit(inputs, labels)
    alone = models.LogisticRegression().fit(inputs[:, -1], labels)
    np.testing.assert_allclose(fitted.predict_proba(inputs), alone.predict_proba(inputs[:, -1]), atol=1e-6)
    other = inputs.copy()
    other[:, :-1] = rng.normal(size=(150, 3, 3))
    np.testing.assert_array_equal(fitted.predict_proba(other), fitted.predict_proba(inputs))
    flat = models.LastStep(models.LogisticRegression()).fit(inputs[:, -1], labels)
    np.testing.assert_allclose(flat.predict_proba(inputs[:, -1]), alone.predict_proba(inputs[:, -1]), atol=1e-6)


def test_a_model_of_the_last_step_that_learns_nothing_says_why():
    inputs, labels = columns_that_agree(0.8, 0.6)
    fitted = models.LastStep(Nothing()).fit(inputs, labels)
    assert (fitted.outcome, fitted.notes) == (
        "too few rows",
        ("nothing: it wants more", "nothing learned nothing from the last step"),
    )
    with pytest.raises(ConfigError, match=r"last_step: model is 'xgboost'; give one of quantstrats\.models"):
        models.LastStep("xgboost")


@pytest.mark.parametrize("how", ["mean", "confidence", "scores", "learned"])
def test_what_was_fitted_is_stored_and_comes_back(how):
    rng = np.random.default_rng(0)
    inputs = rng.normal(size=(120, 3, 2))
    labels = (inputs[:, -1, 0] > 0).astype(float)
    parts = (models.LastStep(models.XGBoost(n_estimators=5)), models.LogisticRegression())
    together = models.Stacked(parts) if how == "learned" else models.Combined(parts, how=how)
    fitted = models.Calibrated(together).fit(inputs, labels)
    again = unpack(pack(Holder(fitted), {__name__}), {__name__}).model
    np.testing.assert_array_equal(again.predict_proba(inputs), fitted.predict_proba(inputs))
    np.testing.assert_array_equal(models.opinions(again, inputs), models.opinions(fitted, inputs))
    np.testing.assert_array_equal(models.weights_of(again), models.weights_of(fitted))

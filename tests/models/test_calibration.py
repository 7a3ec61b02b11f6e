"""Calibrated probabilities come true as often as they say, and are learned from later rows than the model."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pytest

from quantstrats import models
from quantstrats.errors import ConfigError
from quantstrats.models.base import Model
from quantstrats.models.calibration import fit_steps, log_odds, rows_behind
from quantstrats.models.preparing import weights_of_mean_1

FITTED = []  # the rows on which the model below was fitted


@dataclass(frozen=True, kw_only=True)
class Exaggerating(Model):
    """Knows that the log-odds of class 1 are the first feature, and says `times` as much, plus `more`."""

    name: ClassVar[str] = "exaggerating"
    times: float = 4.0
    more: float = 1.0

    def _learn(self, training):
        FITTED.append(training)
        return

    def _chances(self, opened, inputs):
        second = 1 / (1 + np.exp(-(self.times * 1.5 * inputs[:, 0] + self.more)))
        return np.column_stack([1 - second, second])


@pytest.fixture(autouse=True)
def _forget():
    FITTED.clear()


def drawn(rows, seed):
    """Rows whose log-odds are 1.5 times the one feature."""
    rng = np.random.default_rng(seed)
    inputs = rng.normal(size=(rows, 1))
    return inputs, (rng.random(rows) < 1 / (1 + np.exp(-1.5 * inputs[:, 0]))).astype(float)


def brier(chances, labels):
    return float(np.mean((chances - labels) ** 2))


def calibration_error(chances, labels, bins=10):
    """Mean distance of what is said from what came true, over tenths of what is said (Naeini et al. 2015)."""
    place = np.minimum((chances * bins).astype(int), bins - 1)
    return sum(
        (place == each).mean() * abs(chances[place == each].mean() - labels[place == each].mean())
        for each in np.unique(place)
    )


@pytest.mark.parametrize("method", ["sigmoid", "isotonic"])
@pytest.mark.parametrize("seed", range(5))
def test_a_model_that_exaggerates_is_put_right_on_rows_that_nobody_learned_from(method, seed):
    inputs, labels = drawn(4000, seed)
    asked, truth = drawn(4000, 100 + seed)
    raw = Exaggerating().fit(inputs, labels).probability(1, asked)
    said = models.Calibrated(Exaggerating(), method=method).fit(inputs, labels).probability(1, asked)
    assert calibration_error(raw, truth) > 0.1
    assert calibration_error(said, truth) < 0.04
    assert brier(said, truth) < brier(raw, truth) - 0.02
    # Nobody can do better than the probabilities by which labels were drawn.
    best = brier(1 / (1 + np.exp(-1.5 * asked[:, 0])), truth)
    assert brier(said, truth) < best + 0.01


def test_the_order_of_rows_stays_as_the_model_has_it():
    inputs, labels = drawn(1000, 0)
    asked = np.linspace(-3, 3, 200)[:, None]
    for method in ("sigmoid", "isotonic"):
        said = models.Calibrated(Exaggerating(times=0.3), method=method).fit(inputs, labels).probability(1, asked)
        assert (np.diff(said) >= 0).all()


def rare(rows, seed):
    """Rows of which about 1 in 50 is of class 1, and more often the larger the one feature is."""
    rng = np.random.default_rng(seed)
    inputs = rng.normal(size=(rows, 1))
    return inputs, (rng.random(rows) < 1 / (1 + np.exp(6 - 2 * inputs[:, 0]))).astype(float)


@pytest.mark.parametrize(("times", "more"), [(4 / 3, -6.0), (8.0, -6.0), (8.0, 6.0)])
def test_no_two_rows_that_the_model_tells_apart_become_one_however_rare_the_class_or_sure_the_model(times, more):
    metrics = pytest.importorskip("sklearn.metrics", reason="scikit-learn is not installed")
    inputs, labels = rare(4000, 0)
    asked, truth = rare(2000, 1)
    # Most of what this model says lies below 1%, or above 99%.
    fitted = models.Calibrated(Exaggerating(times=times, more=more)).fit(inputs, labels)
    raw, said = fitted.state["fitted"].probability(1, asked), fitted.probability(1, asked)
    order = np.argsort(raw)
    apart = np.diff(raw[order]) > 1e-12
    assert ((raw < 0.01) | (raw > 0.99)).mean() > 0.6
    assert (np.diff(said[order])[apart] > 0).all()
    assert metrics.roc_auc_score(truth, said) == pytest.approx(metrics.roc_auc_score(truth, raw), abs=1e-4)


def test_steps_part_rows_below_one_percent_too():
    inputs, labels = rare(40_000, 0)
    fitted = models.Calibrated(Exaggerating(times=4 / 3, more=-6.0), method="isotonic").fit(inputs, labels)
    asked = np.linspace(-1.5, 0.5, 50)[:, None]  # by the formula above the class has 0.01% to 0.7% there
    said = fitted.probability(1, asked)
    truth = 1 / (1 + np.exp(6 - 2 * asked[:, 0]))
    assert said[-1] > 4 * said[0]
    np.testing.assert_allclose(said, truth, atol=0.004)


def test_a_model_that_is_right_when_it_is_sure_stays_sure():
    # Log-odds of six times the feature that are right: at twice its standard deviation they are 12.
    rng = np.random.default_rng(0)
    inputs = rng.normal(size=(4000, 1))
    labels = (rng.random(4000) < 1 / (1 + np.exp(-6 * inputs[:, 0]))).astype(float)
    fitted = models.Calibrated(Exaggerating(times=4.0, more=0.0)).fit(inputs, labels)
    said = fitted.probability(1, np.array([[-2.0], [-0.5], [0.5], [2.0]]))
    assert said[0] < 0.001
    np.testing.assert_allclose(said[1:3], [1 / (1 + np.exp(3)), 1 / (1 + np.exp(-3))], atol=0.02)
    assert said[3] > 0.999


def test_what_a_model_is_certain_of_has_finite_odds_and_outweighs_no_others():
    # Neighbours say exactly 0 and 1 of many rows.
    inputs, labels = drawn(2000, 0)
    asked, truth = drawn(4000, 1)
    said = models.Calibrated(models.NearestNeighbours()).fit(inputs, labels).probability(1, asked)
    assert ((said > 0) & (said < 1)).all()
    raw = models.NearestNeighbours().fit(inputs, labels).probability(1, asked)
    assert calibration_error(said, truth) < calibration_error(raw, truth)


def test_the_model_learns_from_the_earlier_rows_whose_labels_do_not_overlap_the_later_ones():
    inputs, labels = drawn(200, 0)
    start = np.arange(200)
    models.Calibrated(Exaggerating(), share=0.25, embargo=2).fit(inputs, labels, start=start, end=start + 10)
    # The last 50 begin on row 150; a label ends at least 3 rows before that where it begins on row 137 or before.
    assert FITTED[0].start.tolist() == list(range(138))
    assert FITTED[0].end.tolist() == list(range(10, 148))


def test_labels_between_the_two_parts_change_nothing_and_those_of_either_part_do():
    inputs, labels = drawn(200, 0)
    start = np.arange(200)
    model = models.Calibrated(models.LogisticRegression(), share=0.25)

    def said(flipped):
        changed = labels.copy()
        changed[flipped] = 1 - changed[flipped]
        return model.fit(inputs, changed, start=start, end=start + 10).predict_proba(inputs)

    before = said([])
    assert (said(slice(140, 150)) == before).all()
    assert (said([139]) != before).any()
    assert (said([150]) != before).any()


def test_rows_are_parted_by_time_whatever_their_order():
    inputs, labels = drawn(200, 0)
    start = np.arange(200)
    shuffled = np.random.default_rng(1).permutation(200)
    model = models.Calibrated(models.LogisticRegression())
    one = model.fit(inputs, labels, start=start, end=start + 3)
    other = model.fit(inputs[shuffled], labels[shuffled], start=start[shuffled], end=start[shuffled] + 3)
    np.testing.assert_allclose(one.predict_proba(inputs), other.predict_proba(inputs), atol=1e-6)


def test_what_comes_later_changes_nothing_of_what_was_learned_earlier():
    # The calibration of a fit on earlier rows is the same whatever rows follow, and whatever their labels are.
    inputs, labels = drawn(600, 0)
    earlier = models.Calibrated(models.XGBoost(n_estimators=10)).fit(inputs[:300], labels[:300])
    inputs[300:], labels[300:] = inputs[300:] * 100, 1 - labels[300:]
    again = models.Calibrated(models.XGBoost(n_estimators=10)).fit(inputs[:300], labels[:300])
    assert (earlier.predict_proba(inputs) == again.predict_proba(inputs)).all()


def three(rows, seed):
    """Three classes, whose probabilities follow two features, and a model that exaggerates them."""
    rng = np.random.default_rng(seed)
    inputs = rng.normal(size=(rows, 2))
    logits = np.column_stack([inputs, np.zeros(rows)])
    chances = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    return inputs, (rng.random(rows)[:, None] > chances.cumsum(axis=1)).sum(axis=1).astype(float), chances


@dataclass(frozen=True, kw_only=True)
class Three(Model):
    """Says the probabilities of `three`, exaggerated."""

    name: ClassVar[str] = "three"

    def _learn(self, training):
        return None

    def _chances(self, opened, inputs):
        logits = 4 * np.column_stack([inputs, np.zeros(len(inputs))])
        exp = np.exp(logits - logits.max(axis=1, keepdims=True))
        return exp / exp.sum(axis=1, keepdims=True)


@pytest.mark.parametrize("method", ["sigmoid", "isotonic"])
def test_of_three_classes_each_is_put_right_and_their_sum_is_one(method):
    inputs, labels, _ = three(6000, 0)
    asked, truth, possible = three(4000, 1)
    raw = Three().fit(inputs, labels).predict_proba(asked)
    said = models.Calibrated(Three(), method=method).fit(inputs, labels).predict_proba(asked)
    np.testing.assert_allclose(said.sum(axis=1), 1, atol=1e-12)
    hits = truth[:, None] == np.arange(3)
    losses = [float(((each - hits) ** 2).sum(axis=1).mean()) for each in (raw, said, possible)]
    assert losses[1] < losses[0] - 0.05
    assert losses[1] < losses[2] + 0.02


def test_a_class_of_the_later_rows_alone_has_the_probability_0_and_a_note():
    inputs, labels = drawn(200, 0)
    labels[170:180] = 2.0
    fitted = models.Calibrated(models.LogisticRegression()).fit(inputs, labels)
    assert fitted.classes == (0.0, 1.0, 2.0)
    assert (fitted.predict_proba(inputs)[:, 2] == 0).all()
    assert fitted.notes == ("some classes are known from the rows held back alone; their probability is 0",)


@pytest.mark.parametrize("method", ["sigmoid", "isotonic"])
def test_rows_of_a_class_of_the_later_rows_alone_count_for_no_other_class(method):
    inputs, labels = drawn(2000, 0)
    fresh = labels.copy()
    fresh[1500:1800] = np.nan
    without = models.Calibrated(Exaggerating(), method=method, share=0.25).fit(inputs, fresh)
    fresh[1500:1800] = 2.0
    among = models.Calibrated(Exaggerating(), method=method, share=0.25).fit(inputs, fresh)
    asked = np.linspace(-2, 2, 50)[:, None]
    assert among.predict_proba(asked)[:, 1].mean() == pytest.approx(0.5, abs=0.06)
    assert without.predict_proba(asked)[:, 1].mean() == pytest.approx(0.5, abs=0.06)


def test_held_back_rows_that_are_nearly_all_of_a_new_class_are_too_few():
    inputs, labels = drawn(200, 0)
    labels[155:] = 2.0
    fitted = models.Calibrated(models.LogisticRegression()).fit(inputs, labels)
    assert fitted.outcome == "too few rows"
    assert fitted.notes[-1] == (
        "of the 50 rows held back, 5 are of classes that those before them have; at least 10 of two classes are needed"
    )


def test_a_class_that_does_not_come_again_is_told_as_rare():
    inputs, labels = drawn(400, 0)
    labels[20:60] = 2.0
    for method in ("sigmoid", "isotonic"):
        chances = (
            models.Calibrated(models.LogisticRegression(), method=method).fit(inputs, labels).predict_proba(inputs)
        )
        assert chances[:, 2].max() < 0.03
        np.testing.assert_allclose(chances.sum(axis=1), 1, atol=1e-12)


def test_steps_that_never_fall_are_those_by_hand():
    # Pool adjacent violators by hand: hits 0 1 0 1 at scores 1 to 4 give 0, 1/2, 1/2, 1; bounded by 1 / (4 + 2).
    scores, said = fit_steps(np.arange(1.0, 5.0), np.array([False, True, False, True]), np.ones(4))
    found = np.interp([0, 1, 2, 3, 4, 5, 2.5], scores, said)
    np.testing.assert_allclose(found, [1 / 6, 1 / 6, 1 / 2, 1 / 2, 5 / 6, 5 / 6, 1 / 2])
    # A hit of weight 3 between them: (3 x 1 + 1 x 0) / 4.
    scores, said = fit_steps(np.arange(1.0, 5.0), np.array([False, True, False, True]), np.array([1.0, 3, 1, 1]))
    np.testing.assert_allclose(np.interp([2, 3], scores, said), [3 / 4, 3 / 4])


def test_odds_of_what_is_certain_are_those_of_half_a_row_more_by_hand():
    # Of five neighbours none, two or all: 1/2 to 5 1/2, 2 1/2 to 3 1/2, 5 1/2 to 1/2.
    said = np.array([0.0, 0.4, 1.0])
    assert rows_behind(np.array([[0.2, 0.8], [0.0, 1.0], [0.4, 0.6]])) == pytest.approx(5)
    np.testing.assert_allclose(np.exp(log_odds(said, 5)), [1 / 11, 5 / 7, 11])
    # Where nothing is certain, nothing says of how many rows it is a share.
    assert rows_behind(np.array([[0.2, 0.8], [0.4, 0.6]])) == np.inf
    assert np.isfinite(log_odds(said, rows_behind(np.array([[0.0, 1.0]])))).all()


def test_weights_of_the_later_rows_count():
    inputs, labels = drawn(400, 0)
    weight = np.ones(400)
    weight[300:] = np.where(labels[300:] == 1, 3.0, 1.0)
    plain, weighted = (
        models.Calibrated(Exaggerating()).fit(inputs, labels, weight=each).probability(1, inputs).mean()
        for each in (None, weight)
    )
    assert plain == pytest.approx(0.5, abs=0.1)
    assert weighted > plain + 0.15
    assert weights_of_mean_1(weight).mean() == pytest.approx(1)


def test_where_the_model_learns_nothing_the_outcome_is_its_own():
    inputs, labels = drawn(200, 0)
    labels[:150] = 1.0
    labels[labels == 0] = -1.0  # what is told is the label, not its place among all
    fitted = models.Calibrated(models.LogisticRegression()).fit(inputs, labels)
    assert fitted.outcome == "one class"
    assert fitted.notes[-1] == "the 150 rows before those held back to calibrate: all 150 rows are of class 1"
    assert fitted.notes[0] == "logistic_regression: all 150 rows are of class 1"
    short = models.Calibrated(models.LogisticRegression()).fit(inputs[140:170], labels[140:170])
    assert short.outcome == "too few rows"
    assert short.notes[-1].endswith("are held back to calibrate; at least 10 of two classes are needed")


def test_notes_of_the_model_are_told_with_its_name():
    inputs, labels = drawn(200, 0)
    weight = 1.0 + np.arange(200)
    fitted = models.Calibrated(models.NearestNeighbours()).fit(inputs, labels, weight=weight)
    assert "nearest_neighbours: rows count alike: this kind of model knows no weights" in fitted.notes


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"model": "xgboost"}, "calibrated: model is 'xgboost'; give one of quantstrats.models"),
        ({"method": "platt"}, "calibrated: method is 'platt' (it can be sigmoid, isotonic)"),
        ({"share": 1.0}, "calibrated: share is 1.0; give a number above 0, at most 0.9"),
        ({"embargo": -1}, "calibrated: embargo is -1; give a number of at least 0"),
    ],
)
def test_a_setting_that_makes_no_sense_is_one_line(wrong, told):
    with pytest.raises(ConfigError) as refused:
        models.Calibrated(**({"model": models.XGBoost()} | wrong))
    assert str(refused.value) == told

"""Shapley values, against sums over all subsets of the features."""

from __future__ import annotations

import json
from functools import partial
from itertools import combinations
from math import factorial

import numpy as np
import pytest

from quantstrats import models
from quantstrats.errors import ConfigError

NAN = float("nan")


def drawn(rows=150, classes=2, seed=0):
    rng = np.random.default_rng(seed)
    inputs = rng.normal(size=(rows, 3))
    edges = [0.0] if classes == 2 else [-0.43, 0.43]
    return inputs, np.digitize(inputs[:, 0] * inputs[:, 1] + inputs[:, 2] + 0.3 * rng.normal(size=rows), edges) - 1.0


def shapley(value, count):
    """Return the Shapley values and the value of no feature (Shapley 1953, equation 13), by all subsets."""
    found = []
    for feature in range(count):
        others = [each for each in range(count) if each != feature]
        total = 0.0
        for size in range(count):
            weight = factorial(size) * factorial(count - size - 1) / factorial(count)
            for subset in combinations(others, size):
                total += weight * (value({*subset, feature}) - value(set(subset)))
        found.append(total)
    return [*found, value(set())]


def log_odds(fitted, inputs):
    chances = fitted.predict_proba(inputs)
    return np.log(chances[:, -1] / chances[:, 0])


def test_of_a_logistic_regression_they_are_those_of_all_subsets_over_the_rows_of_the_fit():
    inputs, labels = drawn()
    fitted = models.LogisticRegression().fit(inputs, labels)
    found = models.contributions(fitted, inputs[:4])
    for row in range(4):

        def value(known, row=row):
            mixed = inputs.copy()
            mixed[:, list(known)] = inputs[row, list(known)]
            return float(log_odds(fitted, mixed).mean())

        assert found[row] == pytest.approx(shapley(value, 3), abs=1e-9)


def of_xgboost_tree(node, row, known):
    """Return what a tree says of a row of which some features are known; of others the rows of the fit decide."""
    if "leaf" in node:
        return node["leaf"]
    yes, no = (next(each for each in node["children"] if each["nodeid"] == node[where]) for where in ("yes", "no"))
    place = int(node["split"][1:])
    if place in known:
        return of_xgboost_tree(yes if np.float32(row[place]) < np.float32(node["split_condition"]) else no, row, known)
    return sum(each["cover"] * of_xgboost_tree(each, row, known) for each in (yes, no)) / node["cover"]


def of_lightgbm_tree(node, row, known):
    if "leaf_value" in node:
        return node["leaf_value"]
    sides = [node["left_child"], node["right_child"]]
    if node["split_feature"] in known:
        return of_lightgbm_tree(sides[int(row[node["split_feature"]] > node["threshold"])], row, known)
    counts = [each.get("leaf_count", each.get("internal_count")) for each in sides]
    return sum(n * of_lightgbm_tree(side, row, known) for n, side in zip(counts, sides, strict=True)) / sum(counts)


def trees_of(fitted):
    """Return functions of a row and the known features, one per tree."""
    if fitted.model.name == "xgboost":
        pytest.importorskip("xgboost", reason="xgboost is not installed")
        dumped = fitted._opened.get_dump(dump_format="json", with_stats=True)
        return [partial(of_xgboost_tree, json.loads(each)) for each in dumped]
    return [partial(of_lightgbm_tree, each["tree_structure"]) for each in fitted._opened.dump_model()["tree_info"]]


SMALL = {
    "xgboost": {"n_estimators": 4, "max_depth": 3},
    "lightgbm": {"n_estimators": 4, "learning_rate": 0.3, "num_leaves": 6},
}


def boosted(name, inputs, labels, **more):
    pytest.importorskip(name, reason=f"{name} is not installed")
    return models.make(name, **SMALL[name], **more).fit(inputs, labels)


@pytest.mark.parametrize("name", ["xgboost", "lightgbm"])
def test_of_trees_they_are_those_of_all_subsets_down_the_branches(name):
    inputs, labels = drawn()
    fitted = boosted(name, inputs, labels)
    trees = trees_of(fitted)
    scaled, _ = fitted._scaled(inputs[:4])
    found = models.contributions(fitted, inputs[:4])
    for row in range(4):
        by_hand = np.sum([shapley(partial(tree, scaled[row]), 3) for tree in trees], axis=0)
        assert found[row, :3] == pytest.approx(by_hand[:3], abs=2e-6)
        assert np.abs(found[row, :3]).max() > 0.05


@pytest.mark.parametrize("classes", [2, 3])
@pytest.mark.parametrize("name", ["xgboost", "lightgbm", "logistic_regression"])
def test_they_sum_to_the_log_odds_of_the_last_class_against_the_first(name, classes):
    inputs, labels = drawn(classes=classes)
    fitted = models.LogisticRegression().fit(inputs, labels) if name not in SMALL else boosted(name, inputs, labels)
    np.testing.assert_allclose(models.contributions(fitted, inputs).sum(axis=1), log_odds(fitted, inputs), atol=2e-5)


def test_a_feature_that_was_left_out_contributes_nothing_and_a_row_without_a_forecast_has_none():
    inputs, labels = drawn()
    wide = np.insert(inputs, 1, 7.0, axis=1)
    fitted, plain = (models.LogisticRegression().fit(each, labels) for each in (wide, inputs))
    wide[3, 0] = NAN
    found = models.contributions(fitted, wide)
    assert np.isnan(found[3]).all()
    assert (np.delete(found, 3, axis=0)[:, 1] == 0).all()
    expected = models.contributions(plain, inputs)
    np.testing.assert_allclose(np.delete(found, 3, axis=0)[:, [0, 2, 3, 4]], np.delete(expected, 3, axis=0), atol=1e-9)


def test_of_what_learned_nothing_there_are_none():
    inputs, _ = drawn()
    fitted = models.LogisticRegression().fit(inputs, np.ones(len(inputs)))
    assert np.isnan(models.contributions(fitted, inputs)).all()


def test_those_of_steps_are_summed_by_feature():
    rng = np.random.default_rng(0)
    inputs = rng.normal(size=(200, 2, 3))
    labels = (inputs[:, 0, 1] + inputs[:, 1, 2] > 0).astype(float)
    fitted = models.LogisticRegression().fit(inputs, labels)
    flat = models.LogisticRegression().fit(inputs.reshape(200, 6), labels)
    each = models.contributions(flat, inputs.reshape(200, 6))
    found = models.contributions(fitted, inputs)
    np.testing.assert_allclose(found[:, :3], each[:, :3] + each[:, 3:6], atol=1e-9)
    np.testing.assert_allclose(found[:, 3], each[:, 6], atol=1e-9)


def test_of_an_ensemble_each_part_is_asked_for():
    rng = np.random.default_rng(0)
    inputs = rng.normal(size=(200, 2, 3))
    labels = (inputs[:, 1, 2] + 0.5 * rng.normal(size=200) > 0).astype(float)
    forest = models.RandomForest(n_estimators=5)
    parts = (models.LastStep(models.LogisticRegression()), models.LogisticRegression(), models.LastStep(forest))
    for together in (models.Combined(parts), models.Calibrated(models.Stacked(parts, folds=3))):
        fitted = together.fit(inputs, labels)
        said = models.opinions(fitted, inputs)
        for part in (0, 1):
            found = models.contributions(fitted, inputs, part)
            assert found.shape == (200, 4)
            odds = np.log(said[part, :, 1] / said[part, :, 0])
            np.testing.assert_allclose(found.sum(axis=1), odds, atol=1e-9)
        with pytest.raises(ConfigError, match="contributions to a random_forest cannot be told exactly"):
            models.contributions(fitted, inputs, 2)
        with pytest.raises(ConfigError, match="part is 3, and there are 3 models; give a number from 0 to 2"):
            models.contributions(fitted, inputs, 3)


def test_of_other_models_one_line_says_what_to_take():
    inputs, labels = drawn()
    for model in (models.RandomForest(n_estimators=5), models.Combined((models.LogisticRegression(),) * 2)):
        with pytest.raises(ConfigError, match=r"take models\.permutation_importance, or name the part") as refused:
            models.contributions(model.fit(inputs, labels), inputs)
        assert "\n" not in str(refused.value)
    with pytest.raises(ConfigError, match="model 'logistic_regression' is no ensemble"):
        models.contributions(models.LogisticRegression().fit(inputs, labels), inputs, 0)

"""Tables of ensembles, on models whose answers are known."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import brier_score_loss, log_loss, roc_auc_score

from quantstrats import models
from quantstrats.errors import ConfigError

PARTS = (models.LogisticRegression(), models.RandomForest(n_estimators=10))
NAMES = ("logistic_regression", "random_forest")


def served_by(model, seed, rows=200):
    """Return a refit that learned from half of the rows, and served the others."""
    rng = np.random.default_rng(seed)
    inputs = rng.normal(size=(rows, 3))
    labels = np.where(inputs[:, 0] + rng.normal(size=rows) > 0, 1.0, -1.0)
    half = rows // 2
    fitted = model.fit(inputs[:half], labels[:half])
    return models.Served(None, SimpleNamespace(model=fitted), inputs[half:], labels[half:], pd.DataFrame())


def test_scores_are_over_the_rows_of_all_refits():
    served = [served_by(models.Combined(PARTS, how="scores"), seed) for seed in (1, 2)]
    table = models.ensemble_scores(served, NAMES)
    assert table.index.tolist() == [*NAMES, "together"]
    came = np.concatenate([each.labels for each in served])
    chances = {"together": np.concatenate([each.signal.model.probability(1.0, each.inputs) for each in served])}
    for place, name in enumerate(NAMES):
        chances[name] = np.concatenate(
            [models.opinions(each.signal.model, each.inputs)[place, :, 1] for each in served]
        )
    for name, chance in chances.items():
        assert table.loc[name, "accuracy"] == pytest.approx(((chance > 0.5) == (came > 0)).mean())
        assert table.loc[name, "auc"] == pytest.approx(roc_auc_score(came, chance))
        assert table.loc[name, "brier"] == pytest.approx(2 * brier_score_loss(came, chance))
        assert table.loc[name, "log_loss"] == pytest.approx(log_loss(came, chance), rel=1e-6)
    weights = np.mean([models.weights_of(each.signal.model) for each in served], axis=0)
    assert table["weight"].tolist() == pytest.approx([*weights, np.nan], nan_ok=True)


def test_rows_that_one_of_them_cannot_answer_count_for_none_and_refits_that_learned_nothing_are_left_out():
    whole = served_by(models.Combined(PARTS), 1)
    lacking = models.Served(None, whole.signal, np.vstack([whole.inputs, [[np.nan] * 3] * 5]),
                            np.append(whole.labels, [1.0] * 5), whole.forecast)  # fmt: skip
    nothing = models.Combined(PARTS).fit(whole.inputs, np.ones(len(whole.inputs)))
    failed = models.Served(None, SimpleNamespace(model=nothing), whole.inputs, whole.labels, whole.forecast)
    expected = models.ensemble_scores([whole], NAMES)
    pd.testing.assert_frame_equal(models.ensemble_scores([lacking, failed], NAMES), expected)
    sizes = models.contribution_sizes([whole], "abc", NAMES)
    pd.testing.assert_frame_equal(models.contribution_sizes([lacking, failed], "abc", NAMES), sizes)


def test_without_any_refit_the_tables_are_empty():
    assert models.ensemble_scores([], NAMES).empty
    assert models.contribution_sizes([], "abc", NAMES).empty


def test_sizes_are_means_of_absolute_contributions_of_what_can_be_explained():
    served = [served_by(models.Stacked(PARTS), seed) for seed in (1, 2)]
    table = models.contribution_sizes(served, ["a", "b", "c"], NAMES)
    assert table.columns.tolist() == ["logistic_regression"]
    each = [np.abs(models.contributions(one.signal.model, one.inputs, 0)[:, :3]) for one in served]
    assert table["logistic_regression"].tolist() == pytest.approx(np.concatenate(each).mean(axis=0).tolist())
    assert table["logistic_regression"].idxmax() == "a"


def test_names_must_be_as_many_as_models():
    served = [served_by(models.Combined(PARTS), 1)]
    for ask in (
        lambda: models.ensemble_scores(served, NAMES[:1]),
        lambda: models.contribution_sizes(served, "abc", ()),
    ):
        with pytest.raises(ConfigError, match=r"there are 2 models and \d names; give each model's name"):
            ask()


def test_some_are_evenly_spaced():
    served = served_by(models.Combined(PARTS), 1)
    some = served.some(10)
    assert len(some.labels) == len(some.inputs) == 10
    assert (some.inputs[0] == served.inputs[0]).all()
    assert (some.inputs[-1] == served.inputs[-1]).all()
    assert len(served.some(1000).labels) == 100


def test_an_answer_takes_a_model_that_learned_something_and_a_row_with_all_features():
    served = served_by(models.Combined(PARTS), 1)
    assert served.answered
    none = models.Served(None, served.signal, np.full((2, 3), np.nan), np.ones(2), None)
    empty = models.Served(None, served.signal, np.empty((0, 3)), np.empty(0), None)
    nothing = models.Combined(PARTS).fit(served.inputs, np.ones(100))
    failed = models.Served(None, SimpleNamespace(model=nothing), served.inputs, served.labels, None)
    assert not any(each.answered for each in (none, empty, failed))


def bars_of(figure):
    return {container.get_label(): [bar.get_width() for bar in container] for container in figure.axes[0].containers}


def test_the_picture_has_a_bar_for_each_feature_and_model_the_largest_on_top():
    sizes = pd.DataFrame({"xgboost": [0.1, 0.5], "logistic_regression": [0.2, 0.4]}, index=["a", "b"])
    figure = models.contributions_picture(sizes)
    assert bars_of(figure) == {"xgboost": [0.1, 0.5], "logistic regression": [0.2, 0.4]}
    assert [tick.get_text() for tick in figure.axes[0].get_yticklabels()] == ["a", "b"]
    assert hasattr(models.contributions_picture(pd.DataFrame(index=["a"])), "savefig")

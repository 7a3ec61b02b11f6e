"""A search scores a model's parameters on purged folds of the training rows; each trial is in the ledger."""

from __future__ import annotations

import math
import subprocess
import sys
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import ClassVar

import numpy as np
import pytest

from quantstrats.errors import ConfigError, DataError
from quantstrats.models.base import Model
from quantstrats.research.search import search
from quantstrats.runs.ledger import Ledger, verifying

FITS = []  # what the model below was fitted on


@dataclass(frozen=True, kw_only=True)
class Guess(Model):
    """Says of every row that class 1 has the probability `chance`, whatever it was fitted on.

    It learns nothing where no label in the fit is 1 and `needs` says so.
    """

    name: ClassVar[str] = "guess"
    chance: float = 0.5
    depth: int = 3
    needs: bool = False
    inner: Model | None = None

    def __post_init__(self):
        if self.depth > 90:
            raise ConfigError(f"depth is {self.depth}; it goes to 90")

    def fit(self, inputs, labels, *, weight=None, start=None, end=None):
        FITS.append(SimpleNamespace(model=self, inputs=inputs, labels=labels, weight=weight, start=start, end=end))
        if self.depth < 0:
            raise ArithmeticError("no such depth")
        if self.needs and not (labels == 1).any():
            return SimpleNamespace(outcome="one class")
        return SimpleNamespace(outcome="fitted", classes=(0.0, 1.0), predict_proba=self._asked)

    def _asked(self, inputs):
        chances = np.tile([1 - self.chance, self.chance], (len(inputs), 1))
        chances[np.isnan(inputs).any(axis=1)] = np.nan
        return chances

    def _learn(self, training):
        raise NotImplementedError

    def _chances(self, opened, inputs):
        raise NotImplementedError


@pytest.fixture(autouse=True)
def _forget():
    FITS.clear()


@dataclass(frozen=True)
class Arrays:
    """60 rows on 30 instants, of whose labels (which rest on four instants) 3 of 4 are 1."""

    inputs: np.ndarray = field(default_factory=lambda: np.random.default_rng(0).normal(size=(60, 2)))
    labels: np.ndarray = field(default_factory=lambda: (np.arange(60) % 4 > 0).astype(float))
    start: np.ndarray = field(default_factory=lambda: np.repeat(np.arange(30), 2))
    end: np.ndarray = field(default_factory=lambda: np.repeat(np.arange(30), 2) + 3)


ARRAYS = Arrays()


def named(samples):
    return {name: getattr(samples, name) for name in ("inputs", "labels", "start", "end")}


@pytest.mark.parametrize(
    ("score", "worth"),
    [
        ("log_loss", lambda p: -(0.75 * np.log(p) + 0.25 * np.log(1 - p))),
        ("brier", lambda p: 2 * (0.75 * (1 - p) ** 2 + 0.25 * p**2)),
        ("accuracy", lambda p: np.where(p > 0.5, 0.75, 0.25)),
    ],
)
def test_the_best_by_its_score_is_returned_with_what_it_scored(score, worth):
    # Each of 5 folds has 12 rows, of which 9 are of class 1: the score is known without any fold.
    found = search(Guess(), {"chance": (0.05, 0.95)}, ARRAYS, trials=30, score=score)
    chances = found.trials["chance"].to_numpy()
    np.testing.assert_allclose(found.trials["score"], worth(chances), rtol=1e-9)
    best = found.trials["score"].max() if score == "accuracy" else found.trials["score"].min()
    assert (found.outcome, found.score) == ("searched", best)
    assert worth(found.best.chance) == pytest.approx(best)
    assert isinstance(found.best, Guess)
    if score != "accuracy":
        assert found.best.chance == pytest.approx(0.75, abs=0.05)


def test_the_trials_frame_has_parameters_scores_of_folds_and_their_mean():
    found = search(Guess(), {"chance": (0.1, 0.9), "depth": [2, 5]}, ARRAYS, trials=4, folds=3)
    columns = ["chance", "depth", "score", "fold_1", "fold_2", "fold_3", "status", "error"]
    assert list(found.trials.columns) == columns
    np.testing.assert_allclose(found.trials[["fold_1", "fold_2", "fold_3"]].mean(axis=1), found.trials["score"])
    assert set(found.trials["status"]) == {"finished"}


def test_what_is_not_searched_for_stays_as_the_model_has_it():
    found = search(Guess(depth=7, seed=4), {"chance": [0.2, 0.8]}, ARRAYS, trials=4)
    assert (found.best.depth, found.best.seed) == (7, 4)


def test_samples_and_arrays_are_the_same_search():
    space = {"chance": (0.1, 0.9)}
    one, other = search(Guess(), space, ARRAYS, trials=5), search(Guess(), space, trials=5, **named(ARRAYS))
    assert one.trials.equals(other.trials)
    assert Ledger().count() == 5


# --- folds


def test_no_fit_sees_a_label_that_overlaps_its_fold_and_every_row_is_scored_once():
    search(Guess(), {"chance": [0.5]}, ARRAYS, trials=1, folds=5)
    assert len(FITS) == 5
    for number, each in enumerate(FITS):
        first, last = number * 6, number * 6 + 5  # instants of the fold; its labels rest on those to last + 3
        assert not ((each.start <= last + 3) & (each.end >= first)).any()
        assert len(each.start) == 2 * (max(first - 3, 0) + max(30 - (last + 4), 0))


def test_an_embargo_keeps_rows_after_a_fold_out_of_its_fit():
    search(Guess(), {"chance": [0.5]}, ARRAYS, trials=1, folds=5, embargo=4)
    after = [each.start[each.start > number * 6 + 5] for number, each in enumerate(FITS)]
    assert [list(np.unique(each))[:1] for each in after] == [[13], [19], [25], [], []]


def test_weights_count_in_fits_and_in_scores():
    weight = np.where(ARRAYS.labels == 1, 1.0, 3.0)  # both classes weigh the same: 9 x 1 and 3 x 3 in each fold
    found = search(Guess(), {"chance": [0.75]}, ARRAYS, weight=weight, trials=1)
    assert found.score == pytest.approx(-(math.log(0.75) + math.log(0.25)) / 2)
    assert all((each.weight == np.where(each.labels == 1, 1.0, 3.0)).all() for each in FITS)


def test_rows_without_a_label_are_left_out_and_those_with_a_missing_feature_have_no_score():
    labels, inputs = ARRAYS.labels.copy(), ARRAYS.inputs.copy()
    labels[:2] = np.nan
    inputs[labels == 0] = np.nan
    found = search(Guess(), {"chance": [0.75]}, ARRAYS, inputs=inputs, labels=labels, trials=1)
    assert found.score == pytest.approx(-math.log(0.75))
    assert all(np.isfinite(each.labels).all() for each in FITS)


def test_without_intervals_each_label_lies_on_a_row_of_its_own():
    search(Guess(), {"chance": [0.5]}, inputs=ARRAYS.inputs, labels=ARRAYS.labels, trials=1, folds=4)
    assert [len(each.labels) for each in FITS] == [45] * 4


# --- outcomes


def test_too_few_rows_for_the_folds_is_an_outcome_with_the_models_own_parameters():
    few = {name: each[:6] for name, each in named(ARRAYS).items()}  # three instants
    found = search(Guess(chance=0.3), {"chance": (0.1, 0.9)}, folds=5, **few)
    assert (found.outcome, found.best, len(found.trials)) == ("too few rows", Guess(chance=0.3), 0)
    assert math.isnan(found.score)
    assert Ledger().count() == 0
    lasting = np.full(60, 29)  # every label lasts until the end: beside the last fold nothing is left
    assert search(Guess(), {"chance": (0.1, 0.9)}, ARRAYS, end=lasting).outcome == "too few rows"
    assert Ledger().count() == 0
    nothing = {name: each[:0] for name, each in named(ARRAYS).items()}
    assert search(Guess(), {"chance": (0.1, 0.9)}, **nothing).outcome == "too few rows"


def test_folds_in_which_nothing_was_learned_fail_and_trials_with_more_scores_are_preferred():
    # Class 1 occurs in the last fifth alone: fits on the others learn nothing where they need it.
    labels = (ARRAYS.start >= 24).astype(float)
    model = Guess(chance=0.01)
    found = search(model, {"needs": [False, True]}, ARRAYS, labels=labels, trials=8)
    lacking = found.trials[found.trials["needs"]]
    assert len(lacking) > 0
    assert (lacking["fold_5"].isna() & lacking["fold_1"].notna()).all()
    assert (lacking["score"] < found.score).all()  # what is left was easy
    assert found.best.needs is False
    assert set(lacking["error"]) == {"nothing was learned in 1 of its folds"}


def test_where_no_fold_learns_anything_the_outcome_says_so_and_the_trials_count():
    found = search(Guess(needs=True), {"chance": (0.1, 0.9)}, ARRAYS, labels=np.zeros(60), trials=3)
    assert (found.outcome, found.best) == ("nothing learned", Guess(needs=True))
    assert math.isnan(found.score)
    assert set(found.trials["status"]) == {"failed"}
    assert [row["status"] for row in Ledger().searched()] == ["failed"] * 3
    assert "nothing was learned in any fold" in Ledger().searched()[0]["error"]


def test_parameters_that_a_model_refuses_or_fails_with_are_failed_trials():
    found = search(Guess(), {"depth": [-1, 5, 99]}, ARRAYS, trials=10)
    errors = dict(zip(found.trials["depth"], found.trials["error"], strict=True))
    assert errors == {
        -1: "ArithmeticError: no such depth",
        5: "",
        99: "ValueError: depth is 99; it goes to 90",
    }
    assert found.best.depth == 5
    assert sorted(row["status"] for row in Ledger().searched()) == ["failed", "failed", "finished"]


def test_a_search_in_which_every_fit_raises_tells_of_the_first():
    with pytest.raises(
        DataError, match=r"^search over 'guess': every trial failed, the first with ArithmeticError: no"
    ):
        search(Guess(), {"depth": [-1, -2]}, ARRAYS, trials=5)


# --- the ledger


def test_each_trial_is_in_the_ledger_with_its_run_model_parameters_and_score():
    ledger = Ledger()
    with ledger.trial("run", {"signal": {"name": "x"}}, "data"):
        found = search(Guess(), {"chance": (0.1, 0.9)}, ARRAYS, trials=3)
    rows = ledger.searched()
    assert [(row["trial"], row["searched"], row["status"]) for row in rows] == [(1, "guess", "finished")] * 3
    assert [row["score"] for row in rows] == found.trials["score"].tolist()
    assert [row["parameters"] for row in rows] == [f'{{"chance": {chance}}}' for chance in found.trials["chance"]]
    assert len({row["data_hash"] for row in rows}) == 1
    assert ledger.count() == 4


@pytest.mark.parametrize(
    "changed",
    [
        {"labels": 1 - ARRAYS.labels},
        {"inputs": ARRAYS.inputs + 1},
        {"end": ARRAYS.end + 1},
        {"weight": np.full(60, 2.0)},
        {"folds": 4},
        {"embargo": 1},
        {"score": "brier"},
        {"model": Guess(depth=4)},
    ],
    ids=lambda changed: next(iter(changed)),
)
def test_the_same_again_is_no_new_trial_and_with_anything_else_it_is(changed):
    space = {"chance": [0.25, 0.75]}
    for _ in range(2):
        search(Guess(), space, ARRAYS, trials=6)
    assert Ledger().count() == 2
    search(changed.pop("model", Guess()), space, ARRAYS, trials=6, **changed)
    assert Ledger().count() == 4


def test_a_verification_searches_the_same_and_enters_nothing():
    with verifying("run"):
        again = search(Guess(), {"chance": (0.1, 0.9)}, ARRAYS, trials=5)
    assert Ledger().count() == 0
    assert again.trials.equals(search(Guess(), {"chance": (0.1, 0.9)}, ARRAYS, trials=5).trials)


def test_two_processes_that_search_the_same_at_once_enter_each_trial_once(home):
    program = (
        "import numpy as np; from quantstrats.models.perceptron import Perceptron\n"
        "from quantstrats.research.search import search\n"
        "rng = np.random.default_rng(0)\n"
        "inputs = rng.normal(size=(80, 2)); labels = (inputs[:, 0] > 0) * 1.0\n"
        "found = search(Perceptron(epochs=2), {'hidden': [(4,), (8,), ()], 'batch': [16, 64]},\n"
        "               inputs=inputs, labels=labels, trials=8, folds=3)\n"
        "print(found.trials.to_json())\n"
    )
    both = [
        subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    told = [each.communicate(timeout=300) for each in both]
    assert told[0][1] == told[1][1] == ""
    assert told[0][0] == told[1][0]
    rows = Ledger().searched()
    assert len({row["key"] for row in rows}) == len(rows) <= 6
    assert {row["status"] for row in rows} == {"finished"}


# --- fields


def test_fields_of_a_model_within_a_model_are_written_with_a_dot():
    model = Guess(inner=Guess(depth=1, chance=0.4))
    found = search(model, {"inner.depth": (2, 5), "chance": [0.75, 0.5]}, ARRAYS, trials=6)
    assert 2 <= found.best.inner.depth <= 5
    assert (found.best.inner.chance, found.best.depth, found.best.chance) == (0.4, 3, 0.75)
    assert FITS[0].model.inner.depth == found.trials["inner.depth"].iloc[0]


def test_models_themselves_can_be_choices():
    found = search(Guess(), {"inner": [Guess(depth=8), None]}, ARRAYS, trials=4)
    assert found.best.inner in (Guess(depth=8), None)
    assert '"name": "guess"' in "".join(row["parameters"] for row in Ledger().searched())


@pytest.mark.parametrize(
    ("space", "told"),
    [
        (
            {"chanse": (0.1, 0.9)},
            "space: model 'guess' has no field 'chanse'; did you mean 'chance'? (it has ",
        ),
        ({"depth": (1.0, 5.0)}, "space, parameter 'depth': it takes whole numbers; give whole numbers as bounds"),
        ({"depth": ["deep"]}, "space, parameter 'depth': Input should be a valid integer"),
        ({"chance": [True]}, "space, parameter 'chance': a number is needed, not a truth value"),
        (
            {"inner.depth": (1, 5)},
            "space: model 'guess' has no model in its field 'inner', as 'inner.depth' would need",
        ),
        ({"depth.x": (1, 5)}, "space: model 'guess' has no model in its field 'depth'"),
        ({"depth": 5}, "space, parameter 'depth': 5 says nothing to try"),
        ({"balanced": (0, 1)}, "space, parameter 'balanced': it is True or False; give a list of these, as in [False,"),
        ({"balanced": [0, 1]}, "space, parameter 'balanced': it is True or False; give a list of these, as in [False,"),
    ],
)
def test_a_space_that_does_not_fit_the_model_is_one_line_before_anything_is_tried(space, told):
    with pytest.raises(ConfigError) as refused:
        search(Guess(), space, ARRAYS)
    assert str(refused.value).startswith(told)
    assert (FITS, Ledger().count()) == ([], 0)


@pytest.mark.parametrize(
    ("changed", "error", "told"),
    [
        ({"model": "forest"}, ConfigError, "model is of type str; give one of quantstrats.models"),
        ({"score": "logloss"}, ConfigError, "score is 'logloss'; did you mean 'log_loss'? (it can be log_loss, "),
        ({"folds": 1}, ConfigError, "folds is 1; give a whole number of at least 2"),
        ({"trials": 0}, ConfigError, "trials is 0; give a whole number of at least 1"),
        ({"sampler": "grid"}, ConfigError, "sampler is 'grid'"),
        ({"samples": None}, DataError, "model 'guess': there are no inputs; give samples, or inputs= and labels="),
        ({"inputs": ARRAYS.inputs[:50]}, DataError, "model 'guess': labels is of shape (60,); give 50, one per row"),
        ({"start": ARRAYS.start * 1.0}, DataError, "model 'guess': start holds float64; give rows as whole"),
        ({"end": ARRAYS.start - 1}, DataError, "model 'guess': sample 0 ends (-1) before it starts (0)"),
        ({"embargo": -1}, ConfigError, "embargo is -1; give a number of rows (0 or more)"),
        ({"weight": np.ones(3)}, DataError, "model 'guess': weight is of shape (3,); give 60, one per row"),
        ({"labels": np.ones((60, 2))}, DataError, "model 'guess': labels is of shape (60, 2); give 60, one per row"),
        ({"labels": ["up"] * 60}, DataError, "model 'guess': labels are not numbers of one shape; give an array of"),
        (
            {"samples": None, "inputs": ARRAYS.inputs, "labels": ARRAYS.labels, "end": ARRAYS.end},
            DataError,
            "model 'guess': one of start and end is missing; give both, or none",
        ),
    ],
)
def test_a_setting_that_makes_no_sense_is_one_line(changed, error, told):
    settings = {"model": Guess(), "space": {"chance": (0.1, 0.9)}, "samples": ARRAYS} | changed
    with pytest.raises(error) as refused:
        search(**settings)
    assert str(refused.value).startswith(told)
    assert "\n" not in str(refused.value)
    assert Ledger().count() == 0

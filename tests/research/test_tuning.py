"""Tuning tries parameters, keeps the best, and enters every trial in the ledger when it is made."""

from __future__ import annotations

import io
import logging
import math
import subprocess
import sys
import warnings

import optuna
import pandas as pd
import pytest

from quantstrats.errors import ConfigError, DataError, RunError
from quantstrats.research.tuning import tune
from quantstrats.runs.ledger import Ledger, verifying

SPACE = {"x": (-5.0, 5.0), "n": (1, 4), "kind": ["a", "b"]}


def bowl(parameters):
    """Lowest, 0, at x = 1, n = 3, kind b."""
    return (parameters["x"] - 1) ** 2 + (parameters["n"] - 3) ** 2 + (parameters["kind"] == "a")


@pytest.mark.parametrize("sampler", ["tpe", "random"])
def test_the_best_of_what_was_tried_is_returned(sampler):
    tuned = tune(bowl, SPACE, searched="bowl", trials=60, maximise=False, sampler=sampler)
    assert tuned.score == tuned.trials["score"].min() == bowl(tuned.best) < 1.5
    assert list(tuned.trials.columns) == ["x", "n", "kind", "score", "status", "error"]
    assert list(tuned.trials.index) == list(range(1, 61))
    most = tune(lambda p: -bowl(p), SPACE, searched="bowl", trials=60, sampler=sampler)
    assert most.score == most.trials["score"].max()


def test_the_sampler_that_learns_from_scores_finds_better_than_random_draws():
    # Medians over fixed seeds; the lowest of 60 random draws is some way from the bottom.
    found = {
        sampler: [
            tune(bowl, {"x": (-50.0, 50.0), "n": [3], "kind": ["b"]}, searched=f"{sampler}{seed}", trials=60,
                 maximise=False, seed=seed, sampler=sampler).score
            for seed in range(5)
        ]
        for sampler in ("tpe", "random")
    }  # fmt: skip
    assert sorted(found["tpe"])[2] < sorted(found["random"])[2]


@pytest.mark.parametrize("sampler", ["tpe", "random"])
def test_the_same_seed_tries_the_same_in_every_process_and_another_seed_tries_another(sampler, home):
    program = (
        "import sys; from quantstrats.research.tuning import tune\n"
        "tuned = tune(lambda p: p['x'] ** 2, {'x': (-1.0, 1.0)}, searched='x', trials=15, seed=int(sys.argv[1]),\n"
        "             sampler=sys.argv[2])\n"
        "print(tuned.trials['x'].tolist())\n"
    )
    tried = [
        subprocess.run(
            [sys.executable, "-c", program, seed, sampler], capture_output=True, text=True, check=True
        ).stdout
        for seed in ("1", "1", "2")
    ]
    assert tried[0] == tried[1] != tried[2]


def test_every_trial_is_in_the_ledger_before_the_next_one_begins():
    seen = []

    def objective(parameters):
        seen.append([(row["status"], row["score"]) for row in Ledger().searched()])
        return parameters["x"]

    tuned = tune(objective, {"x": (0.0, 1.0)}, searched="a stop", data_hash="bars", trials=3)
    scores = tuned.trials["score"].tolist()
    assert seen == [
        [("running", None)],
        [("finished", scores[0]), ("running", None)],
        [("finished", scores[0]), ("finished", scores[1]), ("running", None)],
    ]
    rows = Ledger().searched()
    assert [(row["trial"], row["searched"], row["data_hash"], row["status"]) for row in rows] == [
        (None, "a stop", "bars", "finished")
    ] * 3
    assert [row["parameters"] for row in rows] == [f'{{"x": {x}}}' for x in tuned.trials["x"]]


def test_within_a_run_the_trials_are_those_of_the_run():
    ledger = Ledger()
    with ledger.trial("run", {"signal": {"name": "x"}}, "data"):
        tune(bowl, SPACE, searched="bowl", trials=4)
    assert [row["trial"] for row in ledger.searched()] == [1] * 4
    assert ledger.count() == 5


def test_a_search_that_is_made_again_is_no_new_trial_and_one_on_other_data_is():
    for _ in range(2):
        tune(bowl, SPACE, searched="bowl", data_hash="a", trials=4)
    assert Ledger().count() == 4
    tune(bowl, SPACE, searched="bowl", data_hash="b", trials=4)
    tune(bowl, SPACE, searched="another", data_hash="b", trials=4)
    assert Ledger().count() == 12


def test_a_verification_searches_and_enters_nothing():
    with verifying("run"):
        assert len(tune(bowl, SPACE, searched="bowl", trials=4).trials) == 4
    assert Ledger().count() == 0


def test_what_was_tried_already_is_not_scored_again():
    asked = []

    def objective(parameters):
        asked.append(parameters["n"])
        return parameters["n"]

    tuned = tune(objective, {"n": (1, 3)}, searched="n", trials=12)
    assert sorted(asked) == [1, 2, 3]
    assert (tuned.trials["status"] == "repeated").sum() == 9
    assert (tuned.best, tuned.score) == ({"n": 3}, 3.0)
    assert Ledger().count() == 3


def test_a_trial_that_fails_is_recorded_and_the_search_goes_on():
    def objective(parameters):
        if parameters["x"] < 0:
            raise ZeroDivisionError("below\nzero")
        return math.nan if parameters["x"] > 0.5 else parameters["x"]

    tuned = tune(objective, {"x": (-1.0, 1.0)}, searched="x", trials=20, sampler="random")
    x, trials = tuned.trials["x"], tuned.trials
    assert 0 < (x < 0).sum() < 20
    assert set(trials["error"][x < 0]) == {"ZeroDivisionError: below zero"}
    assert set(trials["error"][x > 0.5]) == {"the score is not a number"}
    assert trials["score"].isna().equals((x < 0) | (x > 0.5))
    assert (trials["status"] == "failed").equals(trials["score"].isna())
    assert tuned.score == trials["score"].max() <= 0.5
    entered = Ledger().searched()
    assert [row["status"] for row in entered] == trials["status"].tolist()
    assert [row["score"] for row in entered] == [None if math.isnan(s) else s for s in trials["score"]]


@pytest.mark.parametrize(("value", "maximise"), [(math.inf, True), (-math.inf, True), (-math.inf, False)])
@pytest.mark.parametrize("sampler", ["tpe", "random"])
def test_an_infinite_score_is_none_and_never_wins(value, maximise, sampler):
    tuned = tune(
        lambda tried: value if tried["n"] == 1 else 5.0,
        {"n": [1, 2]}, searched="n", trials=8, maximise=maximise, sampler=sampler,
    )  # fmt: skip
    assert (tuned.best, tuned.score) == ({"n": 2}, 5.0)
    assert set(tuned.trials["error"][tuned.trials["n"] == 1]) == {
        f"the score is {value}, which no trial can be compared with"
    }
    assert sorted((row["status"], row["score"]) for row in Ledger().searched()) == [("failed", None), ("finished", 5.0)]


def test_a_search_in_which_nothing_has_a_score_has_no_best():
    tuned = tune(lambda _: math.nan, {"x": (0.0, 1.0)}, searched="x", trials=3)
    assert tuned.best is None
    assert math.isnan(tuned.score)
    assert Ledger().count() == 3


def test_a_search_in_which_every_trial_raises_tells_of_the_first():
    def objective(parameters):
        raise KeyError(parameters["n"])

    with pytest.raises(DataError, match=r"^search over 'n': every trial failed, the first with KeyError: 2$"):
        tune(objective, {"n": [2]}, searched="n", trials=3)
    assert [row["status"] for row in Ledger().searched()] == ["failed"]


@pytest.mark.parametrize(("error", "status"), [(KeyboardInterrupt(), "aborted"), (ConfigError("no torch"), "failed")])
def test_an_interruption_or_a_wrong_setting_ends_the_search_and_is_entered(error, status):
    asked = []

    def objective(parameters):
        asked.append(parameters)
        if len(asked) == 3:
            raise error
        return 1.0

    with pytest.raises(type(error)):
        tune(objective, {"x": (0.0, 1.0)}, searched="x", trials=9)
    assert [row["status"] for row in Ledger().searched()] == ["finished", "finished", status]


def test_a_ledger_that_cannot_be_written_stops_the_search_before_anything_is_tried(home):
    (home / "logs").write_text("in the way")
    asked = []
    with pytest.raises(RunError, match="cannot be used"):
        tune(asked.append, {"x": (0.0, 1.0)}, searched="x")
    assert asked == []


def test_nothing_of_optuna_is_heard_and_its_settings_stay(capfd):
    handler = logging.StreamHandler(said := io.StringIO())
    logging.getLogger().addHandler(handler)
    before = optuna.logging.get_verbosity()
    try:
        with warnings.catch_warnings(record=True) as warned:
            warnings.simplefilter("always")
            tune(bowl, SPACE, searched="bowl", trials=12)
    finally:
        logging.getLogger().removeHandler(handler)
    assert (warned, said.getvalue(), capfd.readouterr()) == ([], "", ("", ""))
    assert optuna.logging.get_verbosity() == before == optuna.logging.INFO


def test_a_users_own_filters_of_warnings_hold_in_the_objective():
    def objective(parameters):
        warnings.warn("mine", optuna.exceptions.ExperimentalWarning, stacklevel=1)
        return parameters["x"]

    with pytest.warns(optuna.exceptions.ExperimentalWarning, match="mine"):
        tune(objective, {"x": (0.0, 1.0)}, searched="x", trials=1)


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"trials": 0}, "trials is 0; give a whole number of at least 1"),
        ({"trials": True}, "trials is True"),
        ({"seed": -1}, "seed is -1"),
        ({"sampler": "grid"}, "sampler is 'grid' (it can be tpe, random)"),
        ({"sampler": "tpee"}, "sampler is 'tpee'; did you mean 'tpe'? (it can be tpe, random)"),
        ({"space": {"score": [1]}}, "a parameter cannot be called 'score'"),
        ({"space": {"f": [len]}}, "field 'parameters' holds a builtin"),
    ],
)
def test_a_setting_that_makes_no_sense_is_one_line(changed, told):
    with pytest.raises(ConfigError) as refused:
        tune(bowl, changed.pop("space", SPACE), searched="x", **changed)
    assert told in str(refused.value)
    assert "\n" not in str(refused.value)


def test_without_optuna_it_says_what_to_install_and_what_needs_none(monkeypatch):
    monkeypatch.setitem(sys.modules, "optuna", None)
    with pytest.raises(ConfigError, match=r"^sampler 'tpe' needs optuna, which is not installed.*sampler to 'random'$"):
        tune(bowl, SPACE, searched="bowl")
    assert Ledger().count() == 0
    assert isinstance(tune(bowl, SPACE, searched="bowl", trials=3, sampler="random").trials, pd.DataFrame)

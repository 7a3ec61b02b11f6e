"""What every kind of model keeps: outcomes, determinism, weights, order of rows asked, and what its library says."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading

import numpy as np
import pytest

from quantstrats import models
from quantstrats.errors import ConfigError

QUICK = {
    "cnn": {"epochs": 5, "filters": (8,), "learning_rate": 0.05},
    "cnn_lstm": {"epochs": 5, "filters": (8,), "hidden": 8, "learning_rate": 0.05},
    "lightgbm": {"n_estimators": 50},
    "lstm": {"epochs": 5, "hidden": 8, "learning_rate": 0.05},
    "perceptron": {"epochs": 5, "hidden": (8,), "learning_rate": 0.05},
    "random_forest": {"n_estimators": 20},
    "tcn": {"epochs": 5, "filters": (8, 8), "learning_rate": 0.05},
    "xgboost": {"n_estimators": 20},
}
LIBRARIES = {
    "cnn": "torch",
    "cnn_lstm": "torch",
    "lightgbm": "lightgbm",
    "logistic_regression": "sklearn",
    "lstm": "torch",
    "nearest_neighbours": "sklearn",
    "perceptron": "torch",
    "random_forest": "sklearn",
    "support_vector_machine": "sklearn",
    "tcn": "torch",
    "xgboost": "xgboost",
}


def installed(name):
    pytest.importorskip(LIBRARIES[name], reason=f"{LIBRARIES[name]} is not installed")
    return models.make(name, **QUICK.get(name, {}))


def composed(name):
    if name == "calibrated":
        return models.Calibrated(installed("xgboost"), method="isotonic")
    if name == "combined":
        return models.Combined((installed("random_forest"), installed("xgboost")), how="scores")
    if name == "last_step":
        return models.LastStep(installed("xgboost"))
    if name == "stacked":
        return models.Stacked((installed("random_forest"), installed("xgboost")))
    return installed(name)


EVERY = (*models.NAMES, "calibrated", "combined", "last_step", "stacked")


@pytest.fixture(params=EVERY)
def model(request):
    return composed(request.param)


def drawn(rows=120, classes=2, seed=0):
    rng = np.random.default_rng(seed)
    inputs = rng.normal(size=(rows, 4))
    edges = [0.0] if classes == 2 else [-0.43, 0.43]
    return inputs, np.digitize(inputs[:, 0] + 0.3 * rng.normal(size=rows), edges) - 1.0


def test_every_library_is_told_of():
    assert set(LIBRARIES) == set(models.NAMES)


# --- what is learned


@pytest.mark.parametrize("classes", [2, 3])
def test_probabilities_are_of_every_class_and_sum_to_one(model, classes):
    inputs, labels = drawn(classes=classes)
    fitted = model.fit(inputs, labels)
    assert (fitted.outcome, fitted.classes) == ("fitted", (-1.0, 0.0, 1.0)[:classes])
    chances = fitted.predict_proba(inputs)
    assert chances.shape == (120, classes)
    assert chances.dtype == np.float64
    assert ((chances >= 0) & (chances <= 1)).all()
    np.testing.assert_allclose(chances.sum(axis=1), 1, rtol=0, atol=1e-12)
    assert set(fitted.predict(inputs)) <= set(fitted.classes)


def test_the_same_data_and_seed_give_the_same_bits(model):
    inputs, labels = drawn()
    one, other = model.fit(inputs, labels), model.fit(inputs, labels)
    assert (one.predict_proba(inputs) == other.predict_proba(inputs)).all()


PROGRAM = """
import json, sys
import numpy as np
from quantstrats import models
rng = np.random.default_rng(0)
inputs = rng.normal(size=(120, 4))
found = {}
for name, fields in json.loads(sys.argv[1]).items():
    fitted = models.make(name, seed=7, **fields).fit(inputs, np.sign(inputs[:, 0]))
    found[name] = [value.hex() for value in fitted.predict_proba(inputs)[:, 1].tolist()]
print(json.dumps(found))
"""


def test_every_process_learns_the_same():
    # Networks have this test of their own.
    names = [
        "lightgbm",
        "logistic_regression",
        "nearest_neighbours",
        "random_forest",
        "support_vector_machine",
        "xgboost",
    ]
    for name in names:
        installed(name)
    given = json.dumps({name: QUICK.get(name, {}) for name in names})
    told = [
        subprocess.run([sys.executable, "-c", PROGRAM, given], capture_output=True, text=True, check=True)
        for _ in range(2)
    ]
    assert told[0].stdout == told[1].stdout
    assert told[0].stderr == ""
    assert {len(each) for each in json.loads(told[0].stdout).values()} == {120}


LONG = """
import numpy as np
from quantstrats import models
rng = np.random.default_rng(0)
inputs = rng.normal(size=(60_000, 1))
labels = (inputs[:, 0] + rng.normal(size=60_000) > 0).astype(float)
chances = models.LogisticRegression().fit(inputs, labels).predict_proba(inputs[:50])[:, 1]
print(*(each.hex() for each in chances.tolist()))
"""


def test_any_number_of_threads_learns_the_same_from_many_rows():
    installed("logistic_regression")
    told = []
    for threads in ("1", "2"):
        names = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
        environment = os.environ | dict.fromkeys(names, threads)
        ran = subprocess.run([sys.executable, "-c", LONG], capture_output=True, text=True, check=True, env=environment)
        told.append(ran.stdout.split())
    assert len(told[0]) == 50
    assert told[0] == told[1]


@pytest.mark.parametrize("name", ["random_forest", "xgboost", "lightgbm"])
def test_another_seed_draws_otherwise(name):
    installed(name)
    draws = {"xgboost": {"subsample": 0.5}, "lightgbm": {"bagging_fraction": 0.5, "n_estimators": 20}}.get(name, {})
    inputs, labels = drawn()
    one, other = (models.make(name, seed=seed, **draws).fit(inputs, labels).predict_proba(inputs) for seed in (1, 2))
    assert (one != other).any()


def test_nobody_elses_random_numbers_are_drawn(model):
    before = np.random.get_state()[1].copy()  # noqa: NPY002 - it is what must not be drawn from
    model.fit(*drawn())
    assert (np.random.get_state()[1] == before).all()  # noqa: NPY002


def test_a_row_is_told_the_same_alone_as_among_others_and_in_a_thread(model):
    inputs, labels = drawn()
    fitted = model.fit(inputs, labels)
    whole = fitted.predict_proba(inputs)
    alone = [fitted.predict_proba(inputs[row : row + 1])[0] for row in range(5)]
    np.testing.assert_allclose(alone, whole[:5], rtol=0, atol=1e-12)
    found = []
    thread = threading.Thread(target=lambda: found.append(fitted.predict_proba(inputs)))
    thread.start()
    thread.join()
    assert (found[0] == whole).all()


def test_nothing_is_printed(model, capfd):
    inputs, labels = drawn(12)
    model.fit(inputs, labels).predict_proba(inputs)
    inputs, labels = drawn()
    model.fit(inputs, labels).predict_proba(inputs)
    assert capfd.readouterr() == ("", "")


# --- weights


def test_a_row_without_weight_is_as_if_it_were_not_there(model):
    inputs, labels = drawn()
    weight = (np.arange(120) % 3 > 0).astype(float)
    weighted = model.fit(inputs, np.where(weight, labels, -1 - labels), weight=weight)
    without = model.fit(inputs[weight > 0], labels[weight > 0])
    assert (weighted.predict_proba(inputs) == without.predict_proba(inputs)).all()


@pytest.mark.parametrize("name", [name for name in EVERY if name != "nearest_neighbours"])
def test_rows_that_weigh_more_pull_the_probabilities(name):
    rng = np.random.default_rng(0)
    inputs, labels = rng.normal(size=(400, 2)), np.arange(400) % 2.0
    even, uneven = (
        composed(name).fit(inputs, labels, weight=np.where(labels == 1, weight, 1)).predict_proba(inputs)[:, 1].mean()
        for weight in (1, 9)
    )
    assert even == pytest.approx(0.5, abs=0.1)
    assert uneven > even + 0.05


SIMPLE = {
    "logistic_regression": {},
    "random_forest": {"max_depth": 1},
    "xgboost": {"max_depth": 1, "n_estimators": 10},
    "lightgbm": {"num_leaves": 2, "n_estimators": 10},
}


@pytest.mark.parametrize("name", SIMPLE)
def test_balanced_classes_are_told_as_equally_likely_where_nothing_tells_them_apart(name):
    installed(name)
    rng = np.random.default_rng(0)
    inputs, labels = rng.normal(size=(400, 2)), (np.arange(400) % 10 == 0).astype(float)
    plain, balanced = (
        models.make(name, balanced=each, **SIMPLE[name]).fit(inputs, labels).predict_proba(inputs)[:, 1].mean()
        for each in (False, True)
    )
    assert plain == pytest.approx(0.1, abs=0.02)
    assert balanced == pytest.approx(0.5, abs=0.05)


def test_a_model_that_knows_no_weights_says_so():
    inputs, labels = drawn()
    note = "rows count alike: this kind of model knows no weights"
    neighbours = installed("nearest_neighbours")
    assert neighbours.fit(inputs, labels).notes == ()
    assert neighbours.fit(inputs, labels, weight=np.ones(120)).notes == ()
    assert neighbours.fit(inputs, labels, weight=1 + np.arange(120.0)).notes == (note,)
    assert models.NearestNeighbours(balanced=True).fit(inputs, drawn(classes=3)[1]).notes == (note,)


# --- outcomes


def edges():
    inputs, labels = drawn(60)
    nothing = np.full((60, 4), np.nan)
    yield "one class", inputs, np.ones(60), None
    yield "too few rows", inputs, np.full(60, np.nan), None
    yield "too few rows", inputs[:0], labels[:0], None
    yield "too few rows", inputs[:6], labels[:6], None
    yield "too few rows", inputs, labels, np.zeros(60)
    yield "no usable feature", np.ones((60, 4)), labels, None
    yield "no usable feature", nothing, labels, None
    yield "no usable feature", np.full((60, 4), np.inf), labels, None
    yield "no usable feature", inputs[:, :0], labels, None


@pytest.mark.parametrize("edge", range(len(list(edges()))))
def test_where_nothing_can_be_learned_every_kind_says_the_same(model, edge):
    outcome, inputs, labels, weight = list(edges())[edge]
    fitted = model.fit(inputs, labels, weight=weight)
    assert fitted.outcome == outcome
    assert fitted.notes
    assert all(note and "\n" not in note for note in fitted.notes)
    asked = np.zeros((3, inputs.shape[1]))
    assert np.isnan(fitted.predict_proba(asked)).all()
    assert np.isnan(fitted.predict(asked)).all()


def hard():
    """Rows from which something can be learned, however little."""
    inputs, labels = drawn(60)
    marked = np.where(np.arange(60)[:, None] % 7 == 0, np.nan, inputs)
    yield "missing rows", marked, labels, None
    yield "a missing column", np.where(np.arange(4) == 1, np.nan, inputs), labels, None
    yield "a constant column", np.where(np.arange(4) == 1, 5.0, inputs), labels, None
    yield "infinite rows", np.where(np.isnan(marked), np.inf, inputs), labels, None
    yield "the largest numbers", inputs * 1e307, labels, None
    yield "the smallest numbers", inputs * 1e-310, labels, None
    yield "one number beyond all", np.where(inputs == inputs[3, 1], 1e308, inputs), labels, None
    yield "two rows again and again", inputs[np.arange(60) % 2], np.arange(60) % 2.0, None
    yield "classes that a line separates", np.tile(np.where(labels == 0, 1e6, -1e6)[:, None], 4), labels, None
    yield "a class of one row", inputs, np.where(np.arange(60) == 5, 7.0, labels), None
    yield "weights of every size", inputs, labels, 10.0 ** np.linspace(-200, 200, 60)


@pytest.mark.parametrize("case", [each[0] for each in hard()])
def test_rows_of_any_kind_have_an_outcome_without_a_warning(model, case):
    _, inputs, labels, weight = next(each for each in hard() if each[0] == case)
    fitted = model.fit(inputs, labels, weight=weight)
    few = case == "weights of every size"  # the large ones alone count
    assert fitted.outcome == ("too few rows" if few else "fitted")
    chances = fitted.predict_proba(inputs)
    known = np.isfinite(inputs[:, fitted.kept]).all(axis=1) & (not few)
    assert (np.isfinite(chances).all(axis=1) == known).all()
    beyond = fitted.predict_proba(np.array([[1e308, -1e308, 0.0, 5.0]]))
    assert np.isfinite(beyond).all() == (not few)


def test_a_class_that_never_comes_again_and_one_that_is_new_do_no_harm(model):
    inputs, labels = drawn(200, classes=3)
    labels[150:] = np.where(labels[150:] == 1, -1, labels[150:])
    fitted = model.fit(inputs, labels)
    assert fitted.classes == (-1.0, 0.0, 1.0)
    assert np.isfinite(fitted.predict_proba(inputs)).all()
    early = drawn(200, classes=3)[1]
    early[:150] = np.where(early[:150] == 1, -1, early[:150])
    late = model.fit(inputs, early)
    assert late.classes == (-1.0, 0.0, 1.0)
    np.testing.assert_allclose(late.predict_proba(inputs).sum(axis=1), 1, atol=1e-12)


# --- settings


WRONG = [
    ("logistic_regression", {"C": 0.0}, "C is 0.0; give a number above 0"),
    ("logistic_regression", {"C": float("inf")}, "C is inf; give a number above 0"),
    ("logistic_regression", {"max_iter": 0}, "max_iter is 0; give a whole number of at least 1"),
    ("nearest_neighbours", {"n_neighbors": 0}, "n_neighbors is 0; give a whole number of at least 1"),
    ("random_forest", {"max_depth": 0}, "max_depth is 0"),
    ("random_forest", {"max_features": 1.5}, "max_features is 1.5; give a number above 0, at most 1"),
    ("xgboost", {"learning_rate": 0.0}, "learning_rate is 0.0; give a number above 0, at most 1"),
    ("xgboost", {"reg_lambda": -1.0}, "reg_lambda is -1.0; give a number of at least 0"),
    ("xgboost", {"device": "gpu"}, "device is 'gpu'; did you mean 'cpu'? (it can be cpu, cuda)"),
    ("lightgbm", {"num_leaves": 1}, "num_leaves is 1; give a whole number of at least 2"),
    ("lightgbm", {"bagging_fraction": float("nan")}, "bagging_fraction is nan; give a number above 0, at most 1"),
    ("support_vector_machine", {"kernel": "rfb"}, "kernel is 'rfb'; did you mean 'rbf'? (it can be rbf, linear, poly)"),
    ("support_vector_machine", {"gamma": 0.0}, "gamma is 0.0"),
    ("support_vector_machine", {"share": 0.0}, "share is 0.0; give a number above 0, at most 0.9"),
]


@pytest.mark.parametrize(("name", "wrong", "told"), WRONG)
def test_a_setting_that_makes_no_sense_is_one_line(name, wrong, told):
    with pytest.raises(ConfigError) as refused:
        type(models.make(name))(**wrong)
    assert str(refused.value).startswith(f"{name}: {told}")


@pytest.mark.parametrize("name", models.NAMES)
def test_without_its_library_a_model_says_what_to_install(name, monkeypatch):
    made = models.make(name)
    for module in list(sys.modules):
        if module.partition(".")[0] == LIBRARIES[name]:
            monkeypatch.setitem(sys.modules, module, None)
    monkeypatch.setitem(sys.modules, LIBRARIES[name], None)
    with pytest.raises(ConfigError) as told:
        made.fit(*drawn())
    assert str(told.value).startswith(f"model {name!r} needs {LIBRARIES[name]}, which is not installed; pip install")
    assert "\n" not in str(told.value)


# --- what the libraries themselves say of the same rows, scaled by hand


def scaled(inputs):
    return (inputs - inputs.mean(axis=0)) / inputs.std(axis=0)


def test_a_logistic_regression_is_that_of_scikit_learn():
    linear = pytest.importorskip("sklearn.linear_model", reason="scikit-learn is not installed")
    for classes in (2, 3):
        inputs, labels = drawn(classes=classes)
        weight = 1.0 + np.arange(120) % 3
        theirs = linear.LogisticRegression(C=0.5).fit(scaled(inputs), labels, weight / weight.mean())
        ours = models.LogisticRegression(C=0.5).fit(inputs, labels, weight=weight)
        np.testing.assert_allclose(ours.predict_proba(inputs), theirs.predict_proba(scaled(inputs)), atol=1e-6)


def test_a_logistic_regression_tells_a_row_the_same_to_the_last_bit_alone_as_among_many():
    installed("logistic_regression")
    rng = np.random.default_rng(0)
    inputs = rng.normal(size=(20_000, 33))
    fitted = models.LogisticRegression(C=0.01).fit(inputs[:500], np.sign(inputs[:500, 0]))
    whole = fitted.predict_proba(inputs)
    assert all((fitted.predict_proba(inputs[row : row + 1])[0] == whole[row]).all() for row in range(0, 20_000, 500))


def test_neighbours_are_those_counted_by_hand():
    inputs, labels = drawn(classes=3)
    fitted = models.NearestNeighbours(n_neighbors=7).fit(inputs, labels)
    asked = drawn(seed=1)[0][:10]
    center, scale = inputs.mean(axis=0), inputs.std(axis=0)
    apart = np.linalg.norm(((asked - center) / scale)[:, None] - ((inputs - center) / scale)[None], axis=2)
    nearest = labels[apart.argsort(axis=1)[:, :7]]
    shares = np.stack([(nearest == each).mean(axis=1) for each in (-1, 0, 1)], axis=1)
    np.testing.assert_allclose(fitted.predict_proba(asked), shares, atol=1e-12)
    nearer = models.NearestNeighbours(n_neighbors=120, by_distance=True).fit(inputs, labels).predict_proba(asked)
    by_hand = np.stack([((labels == each) / apart).sum(axis=1) for each in (-1, 0, 1)], axis=1)
    np.testing.assert_allclose(nearer, by_hand / by_hand.sum(axis=1, keepdims=True), atol=1e-12)


def test_more_neighbours_than_rows_are_too_few_rows():
    fitted = models.NearestNeighbours(n_neighbors=30).fit(*drawn(20))
    assert (fitted.outcome, fitted.notes[-1]) == ("too few rows", "20 rows are left; 30 neighbours need as many")


def test_a_forest_is_that_of_scikit_learn():
    ensemble = pytest.importorskip("sklearn.ensemble", reason="scikit-learn is not installed")
    inputs, labels = drawn(classes=3)
    theirs = ensemble.RandomForestClassifier(20, min_samples_leaf=5, max_features=0.5, random_state=3)
    theirs.fit(scaled(inputs), labels, np.ones(120))  # with weights it draws rows by them
    ours = models.RandomForest(n_estimators=20, seed=3).fit(inputs, labels)
    np.testing.assert_allclose(ours.predict_proba(inputs), theirs.predict_proba(scaled(inputs)), atol=1e-6)


@pytest.mark.parametrize("classes", [2, 3])
def test_trees_of_xgboost_are_those_of_its_own_classifier(classes):
    xgboost = pytest.importorskip("xgboost", reason="xgboost is not installed")
    inputs, labels = drawn(classes=classes)
    theirs = xgboost.XGBClassifier(n_estimators=20, max_depth=2, tree_method="hist", n_jobs=1, random_state=0)
    theirs.fit(scaled(inputs), (labels + 1).astype(int))
    ours = models.XGBoost(n_estimators=20, max_depth=2).fit(inputs, labels)
    np.testing.assert_allclose(ours.predict_proba(inputs), theirs.predict_proba(scaled(inputs)), atol=1e-5)


@pytest.mark.parametrize("classes", [2, 3])
def test_trees_of_lightgbm_are_those_of_its_own_classifier(classes):
    lightgbm = pytest.importorskip("lightgbm", reason="lightgbm is not installed")
    inputs, labels = drawn(classes=classes)
    theirs = lightgbm.LGBMClassifier(
        n_estimators=20, learning_rate=0.1, max_depth=8, num_leaves=31, n_jobs=1, random_state=0, verbosity=-1
    )
    theirs.fit(scaled(inputs), labels)
    ours = models.LightGBM(n_estimators=20, learning_rate=0.1).fit(inputs, labels)
    np.testing.assert_allclose(ours.predict_proba(inputs), theirs.predict_proba(scaled(inputs)), atol=1e-6)


def test_a_support_vector_machine_orders_rows_as_that_of_scikit_learn_on_the_rows_before_those_held_back():
    svm = pytest.importorskip("sklearn.svm", reason="scikit-learn is not installed")
    inputs, labels = drawn(200)
    start = np.arange(200)
    weight = 1.0 + np.arange(200) % 3
    ours = models.SupportVectorMachine(share=0.25).fit(inputs, labels, weight=weight, start=start, end=start + 5)
    # The last 50 are held back; of 145 to 149 the labels overlap them.
    theirs = svm.SVC(gamma=0.25).fit(scaled(inputs)[:145], labels[:145], (weight / weight.mean())[:145])
    distances = theirs.decision_function(scaled(inputs))
    chances = ours.predict_proba(inputs)[:, 1]
    odds = np.log(chances / (1 - chances))
    # A sigmoid of the distances, whichever: log-odds are a line in them, and it rises.
    line = np.polyfit(distances, odds, 1)
    assert line[0] > 0
    np.testing.assert_allclose(np.polyval(line, distances), odds, atol=1e-6)


def test_a_support_vector_machine_learns_from_no_label_within_the_embargo_of_the_rows_held_back():
    installed("support_vector_machine")
    inputs, labels = drawn(200)
    start = np.arange(200)
    model = models.SupportVectorMachine(share=0.25, embargo=20)

    def said(flipped):
        changed = labels.copy()
        changed[flipped] = -1 - changed[flipped]  # of -1 and 0
        return model.fit(inputs, changed, start=start, end=start + 5).predict_proba(inputs)

    # The last 50 begin on row 150. A label of row 124 ends on 129, 21 rows before; those of 125 to 149 are too near.
    before = said([])
    assert (said(slice(125, 150)) == before).all()
    assert (said([124]) != before).any()


def test_where_a_support_vector_machine_knows_one_class_it_says_which():
    installed("support_vector_machine")
    inputs, labels = drawn(200)
    labels[:150] = -1.0
    fitted = models.SupportVectorMachine(share=0.25).fit(inputs, labels)
    assert fitted.outcome == "one class"
    assert fitted.notes[-1] == (
        "the 150 rows before those held back to turn distances into probabilities are all of class -1"
    )


def test_too_few_iterations_are_told():
    fitted = models.LogisticRegression(max_iter=1).fit(*drawn())
    assert fitted.notes == ("1 iterations (max_iter) were too few to find the best coefficients",)


@pytest.mark.parametrize("name", ["xgboost"])
def test_a_gpu_that_is_not_there_is_one_line(name):
    installed(name)
    torch = pytest.importorskip("torch", reason="torch is not installed, which knows whether there is a GPU")
    if torch.cuda.is_available():
        pytest.skip("there is a GPU here")
    with pytest.raises(
        ConfigError, match=r"^model 'xgboost': device is 'cuda', and xgboost finds no GPU here; set it to"
    ):
        models.XGBoost(device="cuda").fit(*drawn())


def test_cpu_and_gpu_tell_alike():
    installed("xgboost")
    torch = pytest.importorskip("torch", reason="torch is not installed, which knows whether there is a GPU")
    if not torch.cuda.is_available():
        pytest.skip("needs a GPU: torch finds none here")
    inputs, labels = drawn()
    cpu, gpu = (models.XGBoost(device=each).fit(inputs, labels).predict_proba(inputs) for each in ("cpu", "cuda"))
    np.testing.assert_allclose(cpu, gpu, rtol=0, atol=1e-3)

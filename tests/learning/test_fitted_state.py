"""A fitted signal as bytes and back: what comes back is what was; nothing that could run code is read or written."""

from __future__ import annotations

import collections
import enum
import functools
import io
import json
import math
import pickle
import sys
import zipfile
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from quantstrats import Signal
from quantstrats import models as kinds
from quantstrats.learning.fitted_state import pack, unpack
from quantstrats.learning.plain_values import UnsafeStateError
from quantstrats.models.base import FittedModel, Model
from quantstrats.portfolio.schedule import Schedule

MODULES = (__name__,)


@dataclass(frozen=True)
class Fitted(Signal):
    """Holds anything."""

    name = "fitted"
    value: Any = None
    rows: int = 1

    def warmup(self):
        return self.rows

    def forecast(self, market):
        return market.close

    @functools.cached_property
    def doubled(self):
        return self.rows * 2


def there_and_back(value):
    fitted = unpack(pack(Fitted(value, 7), MODULES), MODULES)
    assert type(fitted) is Fitted
    assert fitted.rows == 7
    return fitted.value


def refusal(value):
    with pytest.raises(UnsafeStateError) as told:
        pack(Fitted(value), MODULES)
    assert "\n" not in str(told.value)
    return str(told.value)


def same(left, right):
    """Compare exactly: types, and the bytes of numbers."""
    if type(left) is not type(right):
        return False
    if isinstance(left, np.ndarray | np.generic):
        return left.dtype == right.dtype and left.shape == right.shape and left.tobytes() == right.tobytes()
    if isinstance(left, float):
        return repr(left) == repr(right)
    if isinstance(left, tuple | list):
        return len(left) == len(right) and all(map(same, left, right))
    if isinstance(left, dict):
        return same(list(left), list(right)) and all(same(left[key], right[key]) for key in left)
    return left == right


# ------------------------------------------------------------------------------------------- what comes back


plain = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=True) | st.text() | st.dates() | st.datetimes()
keys = st.integers() | st.text() | st.dates() | st.tuples(st.integers(), st.text())
nested = st.recursive(
    plain,
    lambda inner: (
        st.lists(inner, max_size=4) | st.lists(inner, max_size=4).map(tuple) | st.dictionaries(keys, inner, max_size=4)
    ),
    max_leaves=12,
)


@given(nested)
def test_plain_values_come_back_with_their_types(value):
    assert same(there_and_back(value), value)


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, -0.0, 5e-324, 0.1 + 0.2, 10**400, True, 1, 1.0])
def test_numbers_come_back_to_the_last_bit(value):
    assert same(there_and_back(value), value)


def test_nothing_learned_comes_back_as_nothing():
    assert unpack(pack(None, MODULES), MODULES) is None


MOMENTS = [
    date(2015, 1, 2),
    datetime(2015, 1, 2, 3, 4, 5, 6, tzinfo=UTC),
    pd.Timestamp("2015-01-02 03:04:05.123456789"),
    pd.Timestamp("2015-07-02 16:00", tz="America/New_York"),
]


@pytest.mark.parametrize("moment", MOMENTS)
def test_moments_come_back(moment):
    back = there_and_back(moment)
    assert type(back) is type(moment)
    assert back == moment


@given(hnp.arrays(hnp.scalar_dtypes(), hnp.array_shapes(min_dims=1, max_dims=3, min_side=0)))
def test_arrays_of_every_kind_come_back(values):
    assert same(there_and_back(values), values)


SCALARS = [np.float64(0.1), np.float32(0.1), np.int8(-3), np.uint64(2**63), np.bool_(True), np.complex64(1 + 2j)]
SCALARS += [np.str_("text"), np.datetime64("2015-01-02"), np.timedelta64(3, "D")]


@pytest.mark.parametrize("value", SCALARS)
def test_numbers_of_numpy_come_back_with_their_type(value):
    assert same(there_and_back(value), value)
    assert same(there_and_back([value, {"deep": (value,)}]), [value, {"deep": (value,)}])


def test_the_order_of_an_arrays_memory_comes_back():
    assert there_and_back(np.asfortranarray(np.ones((3, 2)))).flags.f_contiguous


DAYS = pd.date_range("2015-01-02", periods=3)
FRAMES = [
    pd.DataFrame({"A": [1.0, math.nan, -0.0], "B": [1, 2, 3]}, index=DAYS),
    pd.DataFrame({"A": [1.0, 2.0, 3.0]}, index=DAYS.tz_localize("America/New_York")),
    pd.DataFrame({"A": [True, False]}, index=pd.Index(["x", "y"], name="symbol")),
    pd.DataFrame({"A": [1.0, 2]}, index=pd.MultiIndex.from_tuples([("x", 1), ("y", 2)], names=["symbol", "row"])),
    pd.DataFrame({"A": pd.Categorical(["x", "y", "x"]), "B": ["x", None, "z"], "C": DAYS}),
    pd.DataFrame({"A": pd.array([1, None], dtype="Int64"), "B": np.float32([1, 2])}),
    pd.DataFrame(index=DAYS, columns=pd.Index([], dtype=str)),
    pd.DataFrame({"A": [1.0]}).rename_axis(columns="symbol"),
    pd.Series([1.0, 2.0], index=["A", "B"]),
    pd.Series([1.0, 2.0], index=["A", "B"], name="level"),
    pd.Series([1.0, 2.0], index=pd.Index(["A", "B"], name="series"), name="series"),
    pd.Series([], dtype="float64"),
]


@pytest.mark.parametrize("frame", FRAMES)
def test_frames_come_back(frame):
    back = there_and_back(frame)
    check = pd.testing.assert_frame_equal if isinstance(frame, pd.DataFrame) else pd.testing.assert_series_equal
    check(back, frame, check_freq=False, rtol=0, atol=0)
    assert back.attrs == frame.attrs == {}


def test_a_frame_is_not_changed_by_being_written():
    frame = FRAMES[0].copy()
    pack(Fitted(frame), MODULES)
    assert frame.attrs == {}


def test_what_a_signal_computes_when_asked_is_no_state():
    fitted = Fitted(rows=3)
    assert fitted.doubled == 6
    back = unpack(pack(fitted, MODULES), MODULES)
    assert "doubled" not in vars(back)
    assert back.doubled == 6


# ------------------------------------------------------------------------------------------- models


@pytest.fixture(scope="module")
def learned():
    rng = np.random.default_rng(3)
    features = rng.normal(size=(120, 4))
    return features, features[:, 0] + 0.3 * features[:, 1] > 0


def models():
    from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
    from sklearn.feature_selection import SelectKBest
    from sklearn.linear_model import LogisticRegression, SGDClassifier
    from sklearn.neighbors import KNeighborsClassifier
    from sklearn.neural_network import MLPClassifier
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import KBinsDiscretizer, StandardScaler

    yield make_pipeline(StandardScaler(), LogisticRegression())
    yield make_pipeline(SelectKBest(k=2), SGDClassifier(loss="log_loss", random_state=0))
    yield make_pipeline(KBinsDiscretizer(4, quantile_method="averaged_inverted_cdf"), LogisticRegression())
    yield HistGradientBoostingClassifier(max_iter=5)
    yield RandomForestClassifier(5, random_state=0)
    yield KNeighborsClassifier(algorithm="kd_tree")
    yield MLPClassifier((3,), max_iter=5, random_state=0)


@pytest.mark.filterwarnings("ignore:Stochastic Optimizer")
def test_models_of_scikit_learn_predict_the_same_when_they_come_back(learned):
    pytest.importorskip("skops", reason="skops is not installed")
    for model in models():
        model.fit(*learned)
        back = there_and_back({"model": model})["model"]
        assert type(back) is type(model)
        np.testing.assert_array_equal(back.predict_proba(learned[0]), model.predict_proba(learned[0]))
        np.testing.assert_array_equal(back.predict(learned[0]), model.predict(learned[0]))
        assert back.classes_.tolist() == [False, True]


XGBOOST = [
    ("XGBClassifier", 2, {}),
    ("XGBClassifier", 3, {}),
    ("XGBClassifier", 3, {"missing": 0.0, "max_depth": 2}),  # zeros are missing: UBJSON does not say so
    ("XGBRFClassifier", 2, {}),
    ("XGBRegressor", 0, {"missing": 0.0, "objective": "reg:absoluteerror"}),
    ("XGBRegressor", 0, {"booster": "gblinear"}),
]


@pytest.mark.parametrize(("name", "classes", "parameters"), XGBOOST)
def test_models_of_xgboost_predict_the_same_when_they_come_back(name, classes, parameters):
    xgboost = pytest.importorskip("xgboost", reason="xgboost is not installed")
    rng = np.random.default_rng(4)
    features = rng.normal(size=(200, 4))
    features[rng.random(features.shape) < 0.2] = 0.0
    label = np.digitize(features[:, 0], np.linspace(-1, 1, classes - 1)) if classes else features[:, 0]
    model = getattr(xgboost, name)(n_estimators=5, **parameters).fit(features, label)
    back = there_and_back(model)
    assert type(back) is type(model)
    np.testing.assert_array_equal(back.predict(features), model.predict(features))
    # Of features with missing ones among them too.
    np.testing.assert_array_equal(back.predict(features * [1, 0, 1, 1]), model.predict(features * [1, 0, 1, 1]))
    if classes:
        np.testing.assert_array_equal(back.predict_proba(features), model.predict_proba(features))
        assert back.classes_.tolist() == model.classes_.tolist() == list(range(classes))


def test_a_model_of_xgboost_that_stopped_early_predicts_with_its_best_trees():
    xgboost = pytest.importorskip("xgboost", reason="xgboost is not installed")
    rng = np.random.default_rng(4)
    features, label = rng.normal(size=(200, 4)), rng.integers(0, 2, 200)
    model = xgboost.XGBClassifier(n_estimators=60, early_stopping_rounds=5, max_depth=3)
    model.fit(features[:100], label[:100], eval_set=[(features[100:], label[100:])], verbose=False)
    back = there_and_back(model)
    assert back.best_iteration == model.best_iteration < 55
    np.testing.assert_array_equal(back.predict_proba(features), model.predict_proba(features))


def test_a_booster_comes_back():
    xgboost = pytest.importorskip("xgboost", reason="xgboost is not installed")
    rng = np.random.default_rng(4)
    data = xgboost.DMatrix(rng.normal(size=(80, 2)), rng.normal(size=80), feature_names=["trend", "volume"])
    model = xgboost.train({"max_depth": 2}, data, 4)
    back = there_and_back(model)
    assert back.feature_names == ["trend", "volume"]
    np.testing.assert_array_equal(back.predict(data), model.predict(data))


def test_an_xgboost_model_with_a_function_in_it_is_not_written():
    xgboost = pytest.importorskip("xgboost", reason="xgboost is not installed")
    model = xgboost.XGBRegressor(n_estimators=1, eval_metric=lambda truth, guess: 0.0)
    model.fit(np.ones((4, 1)), np.arange(4.0))
    named = "a xgboost.sklearn.XGBRegressor with a builtins.function"
    assert refusal(model) == f"field 'value' holds {named}, which no safe format carries"


def test_the_weights_of_torch_come_back():
    torch = pytest.importorskip("torch", reason="torch is not installed")
    torch.manual_seed(0)
    network = torch.nn.Sequential(torch.nn.Linear(3, 2), torch.nn.BatchNorm1d(2))
    back = there_and_back(network.state_dict())
    assert list(back) == list(network.state_dict())
    again = torch.nn.Sequential(torch.nn.Linear(3, 2), torch.nn.BatchNorm1d(2))
    again.load_state_dict(back)
    assert torch.equal(again.eval()(torch.ones(2, 3)), network.eval()(torch.ones(2, 3)))
    assert torch.equal(there_and_back([torch.arange(3)])[0], torch.arange(3))
    told = refusal(network)
    assert told == "field 'value' holds a torch.nn.modules.container.Sequential, which no safe format carries"


# ------------------------------------------------------------------------------------------- quantstrats' own models


QUICK = {
    "lightgbm": {"n_estimators": 20},
    "lstm": {"epochs": 2, "hidden": 4},
    "perceptron": {"epochs": 2, "hidden": (4,)},
    "random_forest": {"n_estimators": 5},
    "xgboost": {"n_estimators": 5},
}
LIBRARIES = {"lightgbm": "lightgbm", "lstm": "torch", "perceptron": "torch", "xgboost": "xgboost"}


def recipe(name):
    if name in ("calibrated", "stacked"):
        inner = kinds.NearestNeighbours(), kinds.LogisticRegression()
        isotonic = kinds.Calibrated(inner[0], method="isotonic")
        return isotonic if name == "calibrated" else kinds.Stacked((*inner, kinds.Calibrated(inner[1])))
    pytest.importorskip(LIBRARIES.get(name, "sklearn"), reason=f"{name} needs a library that is not installed")
    return kinds.make(name, **QUICK.get(name, {}))


@pytest.mark.parametrize("classes", [2, 3])
@pytest.mark.parametrize("name", [*kinds.NAMES, "calibrated", "stacked"])
def test_a_fitted_model_in_a_field_tells_the_same_bits_when_it_comes_back(name, classes):
    pytest.importorskip("skops", reason="skops is not installed")
    rng = np.random.default_rng(3)
    inputs = rng.normal(size=(150, 4))
    inputs[:, 2] = 1.0
    labels = np.digitize(inputs[:, 0], [0.0] if classes == 2 else [-0.4, 0.4]).astype(float)
    fitted = recipe(name).fit(inputs, labels)
    back = there_and_back(fitted)
    assert type(back) is FittedModel
    assert back.model == fitted.model
    assert (back.classes, back.outcome, back.notes, back.shape) == (fitted.classes, "fitted", fitted.notes, (4,))
    assert "_opened" not in vars(back)
    asked = np.vstack([rng.normal(size=(50, 4)), np.full((1, 4), np.nan)])
    assert same(back.predict_proba(asked), fitted.predict_proba(asked))
    assert same(back.predict(asked), fitted.predict(asked))


def test_fitted_models_come_back_within_tuples_and_dicts_and_without_anything_learned():
    nothing = kinds.LogisticRegression(C=0.5).fit(np.zeros((20, 2)), np.arange(20) % 2)
    back = there_and_back({"by symbol": ({"A": nothing}, [nothing])})["by symbol"]
    assert type(back[0]["A"]) is type(back[1][0]) is FittedModel
    assert back[0]["A"].model == kinds.LogisticRegression(C=0.5)
    assert back[0]["A"].outcome == "no usable feature"
    assert np.isnan(back[1][0].predict_proba(np.zeros((1, 2)))).all()
    assert there_and_back(kinds.XGBoost(max_depth=2)) == kinds.XGBoost(max_depth=2)


def twenty():
    return np.random.default_rng(0).normal(size=(20, 2)), np.arange(20) % 2


def test_a_fitted_model_comes_back_where_nobody_has_asked_for_its_kind(monkeypatch):
    fitted = kinds.NearestNeighbours().fit(*twenty())
    content = pack(Fitted(fitted), MODULES)
    monkeypatch.delitem(sys.modules, "quantstrats.models.neighbours")
    back = unpack(content, MODULES).value
    assert type(back.model).__module__ in sys.modules
    assert same(back.predict_proba(twenty()[0]), fitted.predict_proba(twenty()[0]))


@dataclass(frozen=True, kw_only=True)
class Own(Model):
    """A kind of model that a plugin brings."""

    name = "own"

    def _learn(self, training):
        return {"mean": training.inputs.mean(axis=0)}

    def _chances(self, opened, inputs):
        return np.full((len(inputs), 2), 0.5)


@dataclass(frozen=True, kw_only=True)
class Opaque(Own):
    def _learn(self, training):
        return object()


def test_a_kind_of_model_of_the_learners_own_modules_comes_back_and_one_of_others_is_refused():
    fitted = Own().fit(*twenty())
    assert same(there_and_back(fitted).state["mean"], fitted.state["mean"])
    beside = kinds.Calibrated(Own()).fit(*twenty(), start=range(20), end=range(20))
    assert there_and_back(beside).model == kinds.Calibrated(Own())
    forged = repacked(pack(Fitted(fitted), MODULES), lambda state: state | {"module": "elsewhere"})
    not_read(forged, "its class is of the module elsewhere, which is none of those that the learner imports")


def test_a_fitted_model_with_a_state_that_no_format_carries_is_refused_in_one_line():
    told = refusal([Opaque().fit(*twenty())])
    assert told == (
        "field 'value' holds a quantstrats.models.base.FittedModel: field 'state' holds a builtins.object, which no "
        "safe format carries"
    )


# ------------------------------------------------------------------------------------------- what is not written


Point = collections.namedtuple("Point", "x y")


class Kind(enum.StrEnum):
    CALM = "calm"


@dataclass(frozen=True)
class Undeclared(Fitted):
    """Will keep a value beside its fields."""


class Plain(Signal):
    name = "plain"

    def warmup(self):
        return 1

    def forecast(self, market):
        return market.close


@dataclass(frozen=True)
class Derived(Fitted):
    derived: int = field(init=False, default=3)


REFUSED = [
    (object(), "a builtins.object, which no safe format carries"),
    (print, "a builtins.builtin_function_or_method, which no safe format carries"),
    ({1, 2}, "a builtins.set, which no safe format carries"),
    (b"bytes", "a builtins.bytes, which no safe format carries"),
    (1 + 2j, "a builtins.complex, which no safe format carries"),
    (Schedule(), "a quantstrats.portfolio.schedule.Schedule, which no safe format carries"),
    (pd.NaT, "a pandas.api.typing.NaTType, which no safe format carries"),
    (pd.Timedelta("1D"), "a pandas.Timedelta, which no safe format carries"),
    (Point(1, 2), f"a {__name__}.Point, which no safe format carries"),
    (Kind.CALM, f"a {__name__}.Kind, which no safe format carries"),
    (collections.defaultdict(int), "a collections.defaultdict, which no safe format carries"),
    (np.array([object()]), "a numpy.ndarray, which no safe format carries"),
    (np.ma.masked_array([1.0, 2.0], [False, True]), "a numpy.ma.MaskedArray, which no safe format carries"),
    (np.array(3.0), "a numpy.ndarray, which no safe format carries"),
    (pd.DataFrame({1: [2.0]}), "a pandas.DataFrame, which no safe format carries"),
    (
        pd.DataFrame([[1.0, 2.0]], columns=["A", "A"]),
        "a pandas.DataFrame, which cannot be written (ValueError: Duplicate",
    ),
    (pd.DataFrame({"A": [1, "x"]}), "a pandas.DataFrame, which cannot be written (Arrow"),
    (pd.DataFrame({"A": [(1, 2)]}), "a pandas.DataFrame that does not come back from Parquet as it was"),
]


@pytest.mark.parametrize(("value", "told"), REFUSED, ids=[told[:40] for _, told in REFUSED])
def test_what_no_format_carries_is_refused_in_one_line(value, told):
    assert refusal(value).startswith(f"field 'value' holds {told}")
    assert refusal([{"deep": (value,)}]).startswith(f"field 'value' holds {told}")


def test_a_frame_with_attributes_is_refused():
    frame = FRAMES[0].copy()
    frame.attrs = {"unit": "USD"}
    assert refusal(frame) == "field 'value' holds a pandas.DataFrame that does not come back from Parquet as it was"


def test_a_thing_that_holds_itself_is_refused():
    loop: list[Any] = []
    loop.append(loop)
    assert refusal(loop).startswith("it cannot be written (RecursionError: ")


def test_a_class_that_cannot_be_found_again_is_refused():
    @dataclass(frozen=True)
    class Local(Fitted):
        pass

    for signal, told in (
        (Local(), "class Local is defined inside a function; move it to its module"),
        (Plain(), "class Plain is no dataclass"),
        (Derived(), "field 'derived' is not given to the class when it is made"),
    ):
        with pytest.raises(UnsafeStateError, match=f"^{told}$"):
            pack(signal, MODULES)
    with pytest.raises(
        UnsafeStateError, match=r"^its class is of the module .*, which is none of those that the learner"
    ):
        pack(Fitted(), ("elsewhere",))


def test_state_beside_the_fields_is_refused():
    fitted = Undeclared()
    object.__setattr__(fitted, "model", 3)
    with pytest.raises(UnsafeStateError, match=r"^attribute 'model' of Undeclared is no field; make it one$"):
        pack(fitted, MODULES)


# ------------------------------------------------------------------------------------------- what is not read


@pytest.fixture
def trap(tmp_path):
    """A file that malicious content would make."""
    path = tmp_path / "pwned"
    yield path
    assert not path.exists()


def bundle(state, files=()):
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as written:
        written.writestr("state.json", state if isinstance(state, str) else json.dumps(state))
        for name, data in files:
            written.writestr(name, data)
    return content.getvalue()


def of_fitted(value, files=(), **changes):
    return bundle({"module": __name__, "class": "Fitted", "fields": {"value": value}} | changes, files)


def repacked(content, change=None, files=None):
    """Return stored content in which each described model or signal is changed, or a file is another."""

    def changed(value):
        if isinstance(value, list):
            return [changed(item) for item in value]
        if not isinstance(value, dict):
            return value
        inner = {key: changed(item) for key, item in value.items()}
        return change(inner) if change and inner.get("class") == "Own" else inner

    with zipfile.ZipFile(io.BytesIO(content)) as stored:
        held = {name: stored.read(name) for name in stored.namelist()}
    assert set(files or ()) <= set(held)
    state = changed(json.loads(held.pop("state.json")))
    return bundle(state, (held | (files or {})).items())


def not_read(content, told="it cannot be read"):
    with pytest.raises(UnsafeStateError) as error:
        unpack(content, MODULES)
    assert told in str(error.value)
    assert "\n" not in str(error.value)


class Bomb:
    """What runs when it is unpickled."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return (open, (str(self.path), "w"))


def test_content_that_is_no_bundle_is_not_read(trap):
    not_read(b"")
    not_read(b"not a zip")
    not_read(pickle.dumps(Bomb(trap)))
    not_read(bundle("not json"))
    not_read(bundle("[1, 2]"))
    not_read(bundle({"module": __name__}))
    not_read(of_fitted({"file": "0.npy"}))
    not_read(of_fitted({"file": "0.pickle"}, [("0.pickle", pickle.dumps(Bomb(trap)))]))
    not_read(of_fitted({"call": "print"}))
    not_read(of_fitted({"float": "x"}))
    not_read(of_fitted(1, fields={"value": 1, "unknown": 2}))


@given(st.data())
def test_damage_anywhere_is_an_error_of_its_own_kind_or_does_no_harm(data):
    content = bytearray(pack(Fitted([np.arange(30.0), FRAMES[0]]), MODULES))
    if data.draw(st.booleans()):
        content = content[: data.draw(st.integers(0, len(content) - 1))]
    else:
        content[data.draw(st.integers(0, len(content) - 1))] ^= data.draw(st.integers(1, 255))
    try:
        fitted = unpack(bytes(content), MODULES)
    except UnsafeStateError:
        return
    # What is not under a checksum is names and times of the archive.
    np.testing.assert_array_equal(fitted.value[0], np.arange(30.0))
    pd.testing.assert_frame_equal(fitted.value[1], FRAMES[0], check_freq=False)


def test_arrays_and_weights_with_pickled_objects_are_not_read(trap):
    content = io.BytesIO()
    np.save(content, np.array([Bomb(trap)], dtype=object), allow_pickle=True)
    not_read(of_fitted({"file": "0.npy"}, [("0.npy", content.getvalue())]), "allow_pickle=False")
    torch = pytest.importorskip("torch", reason="torch is not installed")
    content = io.BytesIO()
    torch.save(Bomb(trap), content)
    not_read(of_fitted({"file": "0.pt"}, [("0.pt", content.getvalue())]), "Weights only load failed")


CLASSES = [
    ("subprocess", "Popen", "its class is of the module subprocess, which is none of those that the learner imports"),
    ("tests.elsewhere", "Fitted", "none of those that the learner imports"),
    (__name__, "Gone", "has no signal Gone any more"),
    (__name__, "Kind", "has no signal Kind any more"),
    (__name__, "Fitted.forecast", "has no signal Fitted.forecast any more"),
    (__name__, "pd.DataFrame", "has no signal pd.DataFrame any more"),
    ("quantstrats.portfolio.schedule", "Schedule", "has no signal Schedule any more"),
]


@pytest.mark.parametrize(("module", "cls", "told"), CLASSES)
def test_only_signals_of_the_learners_modules_are_made(module, cls, told):
    not_read(of_fitted(1, **{"module": module, "class": cls}), told)


MODELS = [
    ("subprocess", "Popen", "its class is of the module subprocess, which is none of those that the learner imports"),
    ("quantstrats.models.base", "Gone", "quantstrats.models.base has no model Gone any more"),
    ("quantstrats.models.preparing", "Training", "has no model Training any more"),
    ("quantstrats.models.fields", "library", "has no model library any more"),
    ("quantstrats.models.base", "np.ndarray", "has no model np.ndarray any more"),
    ("quantstrats.portfolio.schedule", "Schedule", "has no model Schedule any more"),
    ("quantstrats.models.gone", "XGBoost", "it cannot be read (ModuleNotFoundError"),
    ("quantstrats.__main__", "main", "quantstrats.__main__ has no model main any more"),
    (__name__, "Fitted", "has no model Fitted any more"),
    (__name__, "Kind", "has no model Kind any more"),
]


@pytest.mark.parametrize(("module", "cls", "told"), MODELS)
def test_only_models_are_made_in_the_place_of_one(module, cls, told):
    fields = {"args": ["true"]} if cls == "Popen" else {"name": "os"}
    not_read(of_fitted({"model": {"module": module, "class": cls, "fields": fields}}), told)
    not_read(of_fitted({"tuple": [{"model": {"module": module, "class": cls, "fields": {}}}]}), told)
    assert "quantstrats.__main__" not in sys.modules


def test_a_model_is_no_signal_and_a_signal_no_model():
    told = "quantstrats.models.base has no signal FittedModel any more"
    not_read(of_fitted(1, **{"module": "quantstrats.models.base", "class": "FittedModel"}), told)


def test_a_forged_recipe_with_fields_that_it_lacks_or_refuses_is_told():
    def forest(fields):
        return of_fitted({"model": {"module": "quantstrats.models.forest", "class": "RandomForest", "fields": fields}})

    not_read(forest({"model": 1}), "it cannot be read (TypeError: RandomForest.__init__() got an unexpected keyword")
    not_read(forest({"n_estimators": 0}), "it cannot be read (ConfigError: random_forest: n_estimators is 0")


def test_a_harmful_model_within_a_fitted_model_is_not_read(trap):
    pytest.importorskip("skops", reason="skops is not installed")
    import skops.io

    content = pack(Fitted(kinds.RandomForest(n_estimators=2).fit(*twenty())), MODULES)
    for harmful, name in harmful_models(trap):
        # Written by an attacker, who does not ask whether it may be.
        not_read(repacked(content, files={"3.skops": skops.io.dumps(harmful)}), f"a model with {name}, which no safe")


@dataclass(frozen=True)
class Strict(Fitted):
    def __post_init__(self):
        if self.value != 1:
            raise ValueError("value must be 1")


def test_a_class_that_refuses_the_fields_is_told():
    not_read(of_fitted(2, **{"class": "Strict"}), "it cannot be read (ValueError: value must be 1)")


def harmful_models(trap):
    """Yield models that run what an attacker wrote, and the name by which they do it."""
    import numpy.testing._private.utils as testing
    from scipy import stats
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import RandomizedSearchCV
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import FunctionTransformer

    text = f"open({str(trap)!r}, 'w').close()"
    yield FunctionTransformer(exec, kw_args={"globals": {}}), "builtins.exec"
    yield FunctionTransformer(functools.partial(testing.measure, text, 1)), "functools.partial"
    # Numbers that spell the text, then a function that runs it: both of numpy.
    code = np.frombuffer(text.encode(), np.uint8)
    spell = FunctionTransformer(np.full_like, kw_args={"fill_value": code, "dtype": np.uint8, "shape": code.shape})
    yield make_pipeline(spell, FunctionTransformer(testing.measure, kw_args={"times": 1})), "numpy.full_like"
    # scipy runs this text when such an object is made, before anybody asks for a forecast.
    law = stats.rv_continuous()
    law.__class__ = type(stats.norm)
    template = law._parse_arg_template
    law._parse_arg_template = f"{text}\n{template}"
    yield RandomizedSearchCV(LogisticRegression(), {"C": law}), "scipy.stats._continuous_distns.norm_gen"


def test_models_that_could_run_code_are_neither_written_nor_read(trap):
    skops = pytest.importorskip("skops.io", reason="skops is not installed")
    for model, name in harmful_models(trap):
        told = f"a model with {name}, which no safe format carries"
        assert refusal(model) == f"field 'value' holds {told}"
        not_read(of_fitted({"file": "0.skops"}, [("0.skops", skops.dumps(model))]), told)


def test_names_that_a_module_only_imports_are_not_had(monkeypatch):
    pytest.importorskip("skops.io", reason="skops is not installed")
    from quantstrats.learning.formats import may_be_had

    assert may_be_had("sklearn.feature_selection._univariate_selection.f_classif")
    assert may_be_had("sklearn.tree._tree.Tree")
    for name in (
        "sklearn.metrics.pairwise.partial",
        "sklearn.feature_selection._univariate_selection.np",
        "os.system",
    ):
        assert not may_be_had(name)
    # A module outside the three packages is not even imported.
    monkeypatch.setattr("importlib.import_module", lambda name: pytest.fail(f"{name} was imported"))
    assert not may_be_had("antigravity.anything")


def test_a_stored_xgboost_model_of_another_class_is_not_made():
    pytest.importorskip("xgboost", reason="xgboost is not installed")
    for name in ("train", "DMatrix", "XGBModel.fit", "build_info"):
        content = of_fitted({"file": "0.ubj"}, [("0.ubj", json.dumps([name, {"dict": []}]).encode() + b"\n")])
        not_read(content, "")

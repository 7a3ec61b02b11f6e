"""Models are made by name, and naming them costs nothing."""

from __future__ import annotations

import dataclasses
import re
import subprocess
import sys

import pytest

from quantstrats import models
from quantstrats.errors import ConfigError


@pytest.mark.parametrize("name", models.NAMES)
def test_every_name_makes_the_model_of_that_name_with_its_own_parameters(name):
    made = models.make(name)
    assert made.name == name
    assert made == type(made)()
    assert getattr(models, type(made).__name__) is type(made)
    assert models.make(name, seed="3").seed == 3


@pytest.mark.parametrize("name", models.NAMES)
def test_every_parameter_is_told_with_its_default(name):
    cls = type(models.make(name))
    documented = "".join(base.__doc__ or "" for base in cls.__mro__[:-2])
    for field in dataclasses.fields(cls):
        assert re.search(rf"^    (.*, )?{field.name}\b.* : ", documented, re.MULTILINE), field.name


def test_defaults_are_those_of_the_requirements():
    both = models.make("cnn_lstm")
    assert (both.filters, both.kernel, both.hidden) == ((64,), 3, 32)
    assert models.make("nearest_neighbours").n_neighbors == 5
    boosted, light = models.make("xgboost"), models.make("lightgbm")
    assert (boosted.n_estimators, boosted.max_depth) == (100, 3)
    assert (light.n_estimators, light.learning_rate, light.max_depth, light.num_leaves) == (500, 0.01, 8, 31)


@pytest.mark.parametrize(
    ("name", "parameters", "told"),
    [
        ("xgbost", {}, "no model called 'xgbost'; did you mean 'xgboost'? (there are cnn, cnn_lstm, lightgbm, "),
        ("xgboost", {"depth": 2}, "model 'xgboost' has no parameter 'depth'; did you mean 'max_depth'? (it takes "),
        ("xgboost", {"max_depth": "deep"}, "model 'xgboost', parameter 'max_depth': Input should be a valid integer"),
        ("xgboost", {"max_depth": 0}, "model 'xgboost': max_depth is 0; give a whole number of at least 1"),
    ],
)
def test_a_name_or_parameter_that_is_not_there_is_one_line(name, parameters, told):
    with pytest.raises(ConfigError) as refused:
        models.make(name, **parameters)
    assert str(refused.value).startswith(told)


def test_a_name_that_the_package_lacks_is_an_attribute_error():
    with pytest.raises(AttributeError, match=r"^module 'quantstrats.models' has no attribute 'Forest'$"):
        _ = models.Forest
    assert set(models.__all__) <= set(dir(models))


def test_naming_and_making_models_loads_no_library():
    program = (
        "import sys; from quantstrats import models\n"
        "[models.make(name) for name in models.NAMES]; models.Calibrated(models.XGBoost()); models.Stacked\n"
        "heavy = {'pandas', 'numba', 'sklearn', 'torch', 'xgboost', 'lightgbm', 'scipy', 'skops'}\n"
        "print(sorted(heavy & set(sys.modules)))\n"
    )
    assert subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout == "[]\n"

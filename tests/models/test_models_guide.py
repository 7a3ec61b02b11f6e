"""The examples of docs/models.md run, and its tables tell of every model and default."""

from __future__ import annotations

import dataclasses
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from quantstrats import load_run, models
from quantstrats.runs.ledger import Ledger

GUIDE = (Path(__file__).parents[2] / "docs" / "models.md").read_text()
NETWORKS = ("perceptron", "lstm", "cnn", "cnn_lstm", "tcn")
BLOCKS = re.findall(r"```python\n(.*?)```", GUIDE, flags=re.DOTALL)


def block_with(words):
    """Return the one Python block of the guide that holds these words."""
    (block,) = [block for block in BLOCKS if words in block]
    return block


def test_the_first_example_says_what_its_comments_say():
    exec(compile(block_with("models.XGBoost(max_depth=2).fit("), "docs/models.md", "exec"), found := {})
    fitted = found["fitted"]
    assert (fitted.outcome, fitted.classes) == ("fitted", (-1.0, 1.0))
    assert (fitted.predict(found["inputs"][400:]) == found["labels"][400:]).mean() > 0.7


def test_the_learner_is_backtested_and_what_came_of_its_fits_is_on_record(tmp_path):
    file = tmp_path / "likely.py"
    file.write_text(block_with("class Likely("))
    span = ("--start", "2010-01-01", "--end", "2013-12-31", "--set", "signal.train=300", "--no-tearsheet")
    command = [sys.executable, "-m", "quantstrats", "backtest", str(file), *span]
    for guard, made, recalled in (("sampled", 2, 0), ("off", 0, 2)):
        done = subprocess.run([*command, "--guard", guard], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        run = load_run(Ledger().rows()[-1]["run_id"])
        fits = run.manifest["fits"]
        assert (fits["made"], fits["recalled"], fits["outcomes"]) == (made, recalled, {"fitted": 2})
        assert run.manifest["guard"]["mode"] == guard


def test_a_model_of_ones_own_is_a_model_like_any_other(monkeypatch):
    monkeypatch.setitem(sys.modules, "own", type(sys)("own"))
    exec(compile(block_with("class NearestMean"), "docs/models.md", "exec"), found := {"__name__": "own"})
    rng = np.random.default_rng(0)
    inputs = rng.normal(size=(200, 3))
    labels = np.digitize(inputs[:, 0], [-0.5, 0.5]).astype(float)
    inputs[5, 1] = np.nan
    for model in (found["NearestMean"](), models.Calibrated(found["NearestMean"]())):
        fitted = model.fit(inputs, labels)
        assert (fitted.predict(inputs) == labels).mean() > 0.6
        assert np.isnan(fitted.predict(inputs)[5])


def test_the_comparison_says_what_its_comments_say():
    exec(compile(block_with("models.compare("), "docs/models.md", "exec"), found := {})
    compared = found["compared"]
    assert list(compared.scores.columns) == ["accuracy", "precision", "recall", "auc", "brier", "log_loss"]
    assert compared.best("log_loss") == "logistic"
    assert compared.probability("trees", 1.0).shape == (600,)


@pytest.mark.parametrize("name", [name for name in models.NAMES if name not in NETWORKS])
def test_the_table_has_each_model_and_its_fields_with_their_defaults(name):
    made = models.make(name)
    (line,) = re.findall(rf"^\| `{type(made).__name__}` \| `{name}` \|.*$", GUIDE, re.MULTILINE)
    for field in dataclasses.fields(made):
        if field.name not in ("seed", "balanced", "max_iter"):
            assert f"`{field.name}`" in line, field.name
        if type(field.default) in (int, float) and field.name not in ("seed", "balanced", "max_iter"):
            assert re.search(rf"`{field.name}`(?: and `\w+`)? \({field.default:g}\W|`\w+` and `{field.name}` \(", line)


@pytest.mark.parametrize("name", NETWORKS)
def test_the_table_of_networks_has_each_and_its_fields(name):
    made = models.make(name)
    assert f"`{type(made).__name__}`" in re.search(r"^\|.*`perceptron`.*$", GUIDE, re.MULTILINE)[0]
    networks = (
        (Path(__file__).parents[2] / "docs" / "hyperparameters.md").read_text().partition("## Hyperparameters")[0]
    )
    assert re.search(rf"^\| `{type(made).__name__}` \|", networks, re.MULTILINE)
    for field in dataclasses.fields(made):
        assert field.name in ("seed", "balanced") or f"`{field.name}`" in networks, field.name

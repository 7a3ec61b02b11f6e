"""The benchmark that plants patterns: a short version of it holds, and what it plants is what it says."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

SCRIPT = Path(__file__).parents[2] / "backtests" / "benchmarks" / "models_on_patterns.py"


@pytest.fixture(scope="module")
def script():
    spec = importlib.util.spec_from_file_location(SCRIPT.stem, SCRIPT)
    module = importlib.util.module_from_spec(spec)
    sys.modules[SCRIPT.stem] = module
    yield module if not spec.loader.exec_module(module) else None
    sys.modules.pop(SCRIPT.stem)


def run(*options):
    return subprocess.run(
        [sys.executable, str(SCRIPT), *options],
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
    )


def test_what_is_planted_can_be_known_as_often_as_is_said(script):
    rng = np.random.default_rng(0)
    inputs, labels = script.table(400_000, rng)
    knowing = np.sign(inputs[:, 0] + 1.2 * np.sign(inputs[:, 1] * inputs[:, 2]))
    assert (knowing == labels).mean() == pytest.approx(script.TABLE.possible, abs=0.003)
    inputs, labels = script.sequence(400_000, rng)
    assert (np.sign(inputs[:, -4, 0]) == labels).mean() == pytest.approx(script.SEQUENCE.possible, abs=0.003)


def test_errors_above_a_coin_are_counted_by_hand(script):
    # 4 seeds of 500 rows: the error of 2,000 coins is 0.5 / sqrt(2000) = 0.01118.
    assert script.errors_above_coin([0.6, 0.5, 0.6, 0.5]) == pytest.approx(0.05 / 0.0111803, rel=1e-5)


FAST = ("logistic_regression", "nearest_neighbours", "support_vector_machine", "xgboost", "calibrated")


def test_fast_models_learn_the_pattern_and_nothing_from_noise():
    done = run("--seeds", "4", "--models", ",".join(FAST))
    assert (done.returncode, done.stderr) == (0, "")
    lines = done.stdout.splitlines()
    assert [line.split()[0] for line in lines[3:-1]] == list(FAST)
    assert max(map(len, lines)) <= 80
    assert lines[-1] == "all have z > 3 on patterns and z < 3 on noise"


def test_a_model_that_learns_nothing_or_knows_what_it_was_not_told_fails(script, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["models_on_patterns", "--seeds", "2", "--models", "logistic_regression"])
    monkeypatch.setattr(script, "shares_right", lambda *_: [0.5, 0.5])
    assert script.main() == 1
    monkeypatch.setattr(script, "shares_right", lambda *_: [0.7, 0.7])  # on noise too
    assert script.main() == 1
    assert capsys.readouterr().out.splitlines()[-1] == "failed: logistic_regression"


def test_a_model_whose_library_is_missing_is_skipped_with_a_word(script, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "lightgbm", None)
    monkeypatch.setattr(sys, "argv", ["models_on_patterns", "--seeds", "1", "--models", "lightgbm"])
    assert script.main() == 0
    assert "skipped: model 'lightgbm' needs lightgbm, which is not installed" in capsys.readouterr().out


def test_a_model_that_is_not_there_is_told():
    done = run("--models", "xgbost")
    assert done.returncode == 2
    assert "give 1 to 50 seeds, and models among cnn, cnn_lstm, lightgbm," in done.stderr

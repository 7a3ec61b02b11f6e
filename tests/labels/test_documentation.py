"""The examples of docs/labels.md run and do what it says."""

from __future__ import annotations

import re
import sys
import types
from pathlib import Path

import numpy as np
import pytest

import quantstrats
from quantstrats import labels, splits
from quantstrats.plugins import Plugins

PAGE = (Path(__file__).parents[2] / "docs" / "labels.md").read_text()
BLOCKS = re.findall(r"```python\n(.*?)```", PAGE, flags=re.DOTALL)


def ran(*blocks):
    names = {}
    for block in blocks:
        exec(compile(block, "labels.md", "exec"), names)
    return names


def test_every_public_name_is_told_of():
    for name in {*labels.__all__, *splits.__all__}:
        assert f"`{name}" in PAGE, name


def test_samples_are_made_weighted_and_split():
    names = ran(BLOCKS[0])
    assert len(list(names["folds"].split(names["samples"].inputs))) == 5
    assert 0 < names["samples"].weight.mean() < 0.5


def test_thresholds_by_regime_are_used():
    names = ran(BLOCKS[1])
    assert set(names["risk"]) == {5, 20}
    assert set(names["risk"][20].counts()) == {0.0, 1.0}


def test_labels_of_a_horizon_of_20_are_a_twentieth_as_many_observations():
    names = ran(BLOCKS[3])
    assert names["effective"] == pytest.approx(len(names["samples"]) / 20, rel=0.1)
    assert len(np.unique(names["drawn"])) > 30


def test_paths_are_laid_and_folds_are_scored_by_scikit_learn():
    names = ran(BLOCKS[4], BLOCKS[5])
    assert len(names["scores"]) == 5
    assert names["accuracy"].shape == (5,)
    assert (np.abs(names["accuracy"] - 0.5) < 0.15).all()


@pytest.mark.slow
def test_the_meta_learner_runs_and_passes_the_guard(nasdaq, monkeypatch):
    module = types.ModuleType("quantstrats_trusted")
    monkeypatch.setitem(sys.modules, module.__name__, module)
    exec(compile(BLOCKS[2], module.__name__, "exec"), module.__dict__)
    plugins = Plugins()
    plugins.register(module)
    primary = quantstrats.Plugins.installed().signal("sma_cross")(fast=5, slow=20)
    signal = plugins.signal("trusted")(primary=primary)
    market = nasdaq.between("2004-01-01", "2009-12-31")
    run = quantstrats.backtest(signal, market, allocator="long_flat")
    assert run.metrics["orders"] > 10
    assert run.manifest["guard"]["result"] == "clean"

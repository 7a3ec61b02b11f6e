"""The table of claims: its verdicts follow their rule, and its intervals are as wide as they should be."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

SCRIPT = Path(__file__).parents[2] / "backtests" / "campaigns" / "claims.py"


@pytest.fixture(scope="module")
def script():
    spec = importlib.util.spec_from_file_location(SCRIPT.stem, SCRIPT)
    module = importlib.util.module_from_spec(spec)
    sys.modules[SCRIPT.stem] = module
    yield module if not spec.loader.exec_module(module) else None
    sys.modules.pop(SCRIPT.stem)


@pytest.mark.parametrize(
    ("claimed", "gain", "sharpe", "low", "high", "expected"),
    [
        ({"sharpe": 1.93}, 0.5, 2.5, 0.4, 4.0, "reproduced"),
        ({"sharpe": 1.93}, 0.5, 2.5, -0.4, 4.0, "cannot be judged"),
        ({"sharpe": 1.93}, 0.1, 0.5, -0.4, 1.5, "not reproduced"),
        ({"sharpe": 1.93}, 0.1, 0.5, -0.4, 2.5, "cannot be judged"),
        ({"sharpe": 1.93}, -0.1, 0.0, -9.0, 9.0, "not reproduced"),
        ({"gain": 30.0}, 31.0, 2.0, 0.1, 4.0, "reproduced"),
        ({"gain": 30.0}, 29.0, 2.0, 0.1, 4.0, "cannot be judged"),
        ({"gain": 30.0}, -0.01, 0.1, -1.0, 1.0, "not reproduced"),
    ],
)
def test_the_verdict_follows_the_rule(script, claimed, gain, sharpe, low, high, expected):
    claim = script.Claim("said", {"name": "any"}, ("1h",), **claimed)
    run = SimpleNamespace(metrics={"total_return": gain, "sharpe": sharpe})
    assert script.verdict(claim, script.Found("1h", "long_flat", run, run, low, high)) == expected


def test_the_interval_is_as_wide_as_that_of_independent_returns(script):
    # Of four years of independent returns the Sharpe ratio has a standard error of about one half (Lo 2002).
    returns = np.random.default_rng(1).normal(0.0005, 0.01, 1008)
    idle = np.concatenate([np.zeros(500), returns])  # what comes before the first position does not count
    low, high = script.sharpe_interval(SimpleNamespace(returns=pd.Series(idle)), 252.0)
    sharpe = returns.mean() / returns.std(ddof=1) * 252**0.5
    assert low < sharpe < high
    assert high - low == pytest.approx(2 * 1.96 * 0.5, rel=0.15)


def test_every_strategy_of_a_claim_ships(script):
    folder = SCRIPT.parents[2] / "plugins"
    assert all((folder / f"{claim.signal['name']}.py").exists() for claim in script.CLAIMS)


def test_without_the_bars_it_says_what_to_set():
    env = {name: value for name, value in os.environ.items() if name != "QUANTSTRATS_TEST_DATA"}
    done = subprocess.run([sys.executable, str(SCRIPT)], capture_output=True, text=True, check=False, env=env)
    assert done.returncode == 1
    assert done.stderr == "error: set QUANTSTRATS_TEST_DATA to the folder that has crypto_binance_2025.parquet\n"

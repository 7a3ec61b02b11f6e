"""The table of claims: its verdicts follow their rule, and its figures begin where they should."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pandas as pd
import pytest
from quantstrats_plugins.momentum import Momentum

from quantstrats import load_market

SCRIPT = Path(__file__).parents[2] / "backtests" / "campaigns" / "claims.py"


@pytest.fixture
def script(monkeypatch):
    monkeypatch.syspath_prepend(str(SCRIPT.parent))
    monkeypatch.delitem(sys.modules, "trials", raising=False)
    spec = importlib.util.spec_from_file_location(SCRIPT.stem, SCRIPT)
    module = importlib.util.module_from_spec(spec)
    sys.modules[SCRIPT.stem] = module
    yield module if not spec.loader.exec_module(module) else None
    sys.modules.pop(SCRIPT.stem)
    sys.modules.pop("trials", None)


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


def test_figures_begin_with_the_first_possible_opinion_held_or_not(script):
    trials = sys.modules["trials"]
    market = load_market("synthetic", count=1, bars=60, seed=1)
    returns = pd.Series(0.0, index=market.index)
    # Momentum of 20 bars knows something on the 21st row, which is filled on the 22nd.
    assert len(trials.since_first_opinion(returns, Momentum(lookback=20), market)) == 60 - 21


def test_every_strategy_of_a_claim_ships(script):
    folder = SCRIPT.parents[2] / "plugins"
    assert all((folder / f"{claim.signal['name']}.py").exists() for claim in script.CLAIMS)


def test_without_the_bars_it_says_what_to_set():
    env = {name: value for name, value in os.environ.items() if name != "QUANTSTRATS_TEST_DATA"}
    done = subprocess.run([sys.executable, str(SCRIPT)], capture_output=True, text=True, check=False, env=env)
    assert done.returncode == 1
    assert done.stderr == "error: set QUANTSTRATS_TEST_DATA to the folder that has crypto_binance_2025.parquet\n"

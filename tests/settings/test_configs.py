"""The configurations that come with the project: complete where they say so, and running."""

from __future__ import annotations

import dataclasses
import importlib.util
import json
import re
from pathlib import Path

import pytest

from quantstrats import Costs, RiskPolicy, Schedule, Universe
from quantstrats.api import backtest_settings
from quantstrats.settings.configfile import read_yaml
from quantstrats.settings.data import DataSettings
from quantstrats.settings.settings import BLOCKS, EngineSettings, ReportSettings, read_settings

CONFIGS = Path(__file__).parents[2] / "configs"
EXAMPLE = CONFIGS / "example.yaml"
TYPED = {
    "data": DataSettings,
    "universe": Universe,
    "schedule": Schedule,
    "costs": Costs,
    "risk": RiskPolicy,
    "engine": EngineSettings,
    "report": ReportSettings,
}


def lines_of(block):
    text = re.split(r"^(?=\w+:)", EXAMPLE.read_text(), flags=re.MULTILINE)
    return next(part for part in text if part.startswith(f"{block}:")).splitlines()[1:]


def test_the_example_has_every_block_in_order():
    assert tuple(read_yaml(EXAMPLE)) == BLOCKS


@pytest.mark.parametrize("block", TYPED)
def test_the_example_has_every_key_of_a_block_with_type_and_default(block):
    fields = {field.name: field.default for field in dataclasses.fields(TYPED[block])}
    assert set(read_yaml(EXAMPLE)[block]) == set(fields)
    for name, default in fields.items():
        (line,) = [line for line in lines_of(block) if line.strip().startswith(f"{name}:")]
        about = line.split("# ", 1)[1]
        shown = re.match(r".*?, default ([^:;]+?)(:|;)", about)[1]
        assert re.match(r"(text|number|whole number|truth value|path|date|list|mapping)", about)
        assert _same(shown, default)


def _same(shown, default):
    plain = {None: "null", True: "true", False: "false"}
    if default is None or isinstance(default, bool):
        return shown == plain[default]
    return float(shown) == default if isinstance(default, int | float) else shown == default


def test_the_example_has_every_key_of_every_allocator(installed):
    text = "\n".join(lines_of("allocation"))
    for offer in (offer for offer in installed.offers if offer.kind == "allocator"):
        assert offer.name in text
        for field in dataclasses.fields(offer.cls):
            assert re.search(rf"^  (# )?{field.name}: ", text, flags=re.MULTILINE)


def test_the_example_has_the_defaults_but_for_its_data():
    written, bare = read_settings(EXAMPLE), read_settings(None, ["signal.name=sma_cross"])
    for block in ("universe", "schedule", "costs", "risk", "engine", "report"):
        assert getattr(written, block) == getattr(bare, block)


# Six years are enough for what learns from three; what is slow, or makes its own bars, takes others.
SPAN = {"start": "2010-01-01", "end": "2015-12-31"}
SPANS = {
    "amihud_alpha": {"count": 30, "bars": 400},
    "cointegration_pairs": {"start": "1998-06-01", "end": "2000-06-30"},
    "momentum_monthly": {"start": "2014-01-01", "end": "2015-12-31"},
    "policy_gradient": {"start": "2012-06-01", "end": "2015-06-30"},
    "regime_switch": {"start": "2006-01-01", "end": "2015-12-31"},
    "risk_warning": {"start": "2009-06-01", "end": "2015-12-31"},
}
# Models that take minutes are fewer here.
SMALLER = {
    "ml_ensemble": {"models": ["logistic_regression", "random_forest"], "confidence": 0.0},
    "trend_classifier": {"models": ["logistic_regression", "random_forest"]},
}


@pytest.mark.parametrize("file", sorted(CONFIGS.glob("*.yaml")), ids=lambda file: file.stem)
def test_every_configuration_runs(file):
    text = file.read_text()
    if "'portfolio'" in text and not importlib.util.find_spec("skfolio"):
        pytest.skip("needs the extra 'portfolio'")
    overrides = {f"data.{key}": value for key, value in SPANS.get(file.stem, SPAN).items()}
    overrides |= {f"signal.{key}": value for key, value in SMALLER.get(file.stem, {}).items()}
    settings = read_settings(file, [f"{key}={json.dumps(value)}" for key, value in overrides.items()])
    run = backtest_settings(settings)
    assert run.metrics["orders"] > 0
    assert f"[{file.name}]({file.name})" in (CONFIGS / "README.md").read_text()

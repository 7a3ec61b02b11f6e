"""What docs/data.md shows as a configuration is one, and its commands and variables are those there are."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from quantstrats import Plugins
from quantstrats.market.quality.repair import Repair
from quantstrats.market.quality.rule import ACTIONS
from quantstrats.market.sources.base import SideSource
from quantstrats.market.universe import Basis
from quantstrats.settings.settings import read_data_settings

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docs" / "data.md").read_text()
BLOCKS = re.findall(r"```yaml\n(.*?)```", TEXT, flags=re.DOTALL)


@pytest.mark.parametrize("number", range(len(BLOCKS)))
def test_what_is_shown_as_a_configuration_is_one(number, tmp_path):
    file = tmp_path / "shown.yaml"
    file.write_text(BLOCKS[number])
    asked = read_data_settings(file, [], {})
    plugins = Plugins.installed()
    assert asked.made_source(plugins).name == yaml.safe_load(BLOCKS[number])["data"]["source"]
    Repair.of(asked.data.repair)
    plans = asked.side_plans(plugins)
    assert list(plans) == list(yaml.safe_load(BLOCKS[number])["data"].get("side", {}))
    # A relative path starts from the file's folder.
    for plan in plans.values():
        if hasattr(plan.source, "path"):
            assert Path(plan.source.path).parent == tmp_path


def test_every_side_source_action_and_basis_is_told(installed):
    for offer in installed.offers:
        if offer.kind == "source" and issubclass(offer.cls, SideSource):
            assert f"| `{offer.name}` |" in TEXT
    for action in ACTIONS:
        assert f"| `{action}` |" in TEXT
    assert len(Basis.__args__) == 3
    for basis in ("point-in-time", "fixed basket", "today's list"):
        assert basis in TEXT.replace("\n", " ").replace("**", "")


def test_every_variable_that_a_source_reads_is_told():
    read = set()
    for file in (ROOT / "quantstrats" / "market").rglob("*.py"):
        read |= set(re.findall(r'"((?:QUANTSTRATS|APCA|ALPACA|FRED|SEC)_[A-Z0-9_]+)"', file.read_text()))
    assert read
    told = set(re.findall(r"`([A-Z][A-Z0-9_]+)`", TEXT))
    assert read - told - {"ALPACA_API_KEY", "ALPACA_SECRET_KEY"} == set()

"""docs/sources.md names what the sources take, and what it shows runs."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path

import pandas as pd
import pytest

from quantstrats import Plugins
from quantstrats.market.quality.rules import BY_NAME
from quantstrats.market.sources.alpaca import Alpaca
from quantstrats.market.sources.files import Files
from quantstrats.market.sources.fred import Fred
from quantstrats.market.sources.sec import Sec
from quantstrats.market.sources.sectors import Sectors
from quantstrats.market.sources.series import Series
from quantstrats.market.sources.synthetic import Synthetic
from quantstrats.market.sources.yahoo import Yahoo
from quantstrats.settings.settings import read_settings


@pytest.mark.parametrize("source", [Fred, Sec, Series, Sectors])
def test_every_parameter_of_a_side_series_is_in_the_documentation(source):
    text = (Path(__file__).parents[2] / "docs" / "sources.md").read_text()
    (line,) = [line for line in text.splitlines() if line.startswith(f"| `{source.name}` | `")]
    for field in dataclasses.fields(source):
        assert f"`{field.name}`" in line


def test_every_rule_and_its_kind_is_in_the_documentation():
    text = (Path(__file__).parents[2] / "docs" / "data.md").read_text()
    for rule in BY_NAME.values():
        (line,) = [line for line in text.splitlines() if f"`{rule.name}`" in line and line.startswith("|")]
        assert line.endswith(f"| {rule.kind} |")


@pytest.mark.parametrize("source", [Synthetic, Files, Yahoo, Alpaca])
def test_every_parameter_is_in_the_documentation(source):
    text = (Path(__file__).parents[2] / "docs" / "sources.md").read_text()
    reference = (Path(__file__).parents[2] / "docs" / "reference.md").read_text()
    for field in dataclasses.fields(source):
        assert f"    {field.name} : " in source.__doc__
        assert f"`data.{field.name}`" in text
        assert f"`data.{field.name}`" in reference


def blocks(language):
    text = (Path(__file__).parents[2] / "docs" / "sources.md").read_text()
    return re.findall(rf"```{language}\n(.*?)```", text, flags=re.DOTALL)


def test_the_examples_in_python_run(tmp_path, monkeypatch):
    days = pd.bdate_range("2010-01-04", periods=5)
    rows = [{"date": day, "symbol": symbol, "close": 1.0} for day in days for symbol in ("SPY", "TLT")]
    pd.DataFrame(rows).to_parquet(tmp_path / "bars.parquet")
    monkeypatch.chdir(tmp_path)
    scope = {}
    exec(compile("\n".join(blocks("python")), "sources.md", "exec"), scope)
    assert scope["market"].symbols.tolist() == ["SPY", "TLT"]
    assert scope["trends"].stamps != scope["null"].stamps


def test_the_example_in_yaml_loads(tmp_path):
    (tmp_path / "configs").mkdir()
    (tmp_path / "data" / "minutes").mkdir(parents=True)
    table = "when,open,high,low,close,shares\n2015-01-02 09:30,1,2,1,2,5\n2015-01-02 09:31,2,2,1,1,5\n"
    for symbol in ("SPY", "QQQ", "DIA"):
        (tmp_path / "data" / "minutes" / f"{symbol}.csv").write_text(table)
    config = tmp_path / "configs" / "minutes.yaml"
    config.write_text(blocks("yaml")[0] + "signal: {name: buy_and_hold}\n")
    market = read_settings(config).load(Plugins.installed())
    assert market.symbols.tolist() == ["SPY", "QQQ"]
    assert market.volume["SPY"].tolist() == [5.0, 5.0]

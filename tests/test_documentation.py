"""What is promised is in the documentation, and what the documentation shows runs."""

from __future__ import annotations

import dataclasses
import re
import sys
import types
from pathlib import Path

import pandas as pd
import pytest
import typer.main
import yaml

import quantstrats
from quantstrats import Costs, RiskPolicy, Schedule, Universe, hookspecs
from quantstrats.cli.app import app
from quantstrats.importing import entry_points
from quantstrats.learning.fits import Fits
from quantstrats.making import made
from quantstrats.settings.data import DataSettings
from quantstrats.settings.settings import EngineSettings, ReportSettings

ROOT = Path(__file__).parents[1]
REFERENCE = (ROOT / "docs" / "reference.md").read_text()
README = (ROOT / "README.md").read_text()
PLUGIN_GUIDE = (ROOT / "docs" / "plugins.md").read_text()


def python_blocks(text):
    return re.findall(r"```python\n(.*?)```", text, flags=re.DOTALL)


def block_with(text, words):
    """Return the one Python block that holds these words."""
    (block,) = [block for block in python_blocks(text) if words in block]
    return block


def module_of(name, source, monkeypatch):
    module = types.ModuleType(name)
    monkeypatch.setitem(sys.modules, name, module)
    exec(compile(source, name, "exec"), module.__dict__)
    return module


@pytest.mark.parametrize("name", [name for name in quantstrats.__all__ if name != "__version__"])
def test_every_public_name_is_in_the_reference(name):
    assert f"`{name}" in REFERENCE


@pytest.mark.parametrize("hook", [n for n, v in vars(hookspecs).items() if hasattr(v, "quantstrats_spec")])
def test_every_hook_is_in_the_reference(hook):
    assert f"`{hook}`" in REFERENCE


@pytest.mark.parametrize(
    "key",
    [f"costs.{field.name}" for field in dataclasses.fields(Costs)]
    + [f"schedule.{field.name}" for field in dataclasses.fields(Schedule)]
    + [f"universe.{field.name}" for field in dataclasses.fields(Universe)]
    + [f"risk.{field.name}" for field in dataclasses.fields(RiskPolicy)]
    + [f"data.{field.name}" for field in dataclasses.fields(DataSettings)]
    + [f"engine.{field.name}" for field in dataclasses.fields(EngineSettings)]
    + [f"report.{field.name}" for field in dataclasses.fields(ReportSettings)],
)
def test_every_setting_is_in_the_reference(key):
    assert f"`{key}`" in REFERENCE


def test_every_allocator_and_its_fields_are_in_the_reference(installed):
    for offer in (offer for offer in installed.offers if offer.kind == "allocator"):
        assert f"`{offer.name}`" in REFERENCE
        for field in dataclasses.fields(offer.cls):
            assert f"`allocation.{field.name}`" in REFERENCE


def test_every_command_and_option_is_in_the_reference():
    commands = dict(typer.main.get_command(app).commands)
    for group, command in list(commands.items()):
        commands |= {f"{group} {name}": below for name, below in getattr(command, "commands", {}).items()}
    for name, command in commands.items():
        assert f"`quantstrats {name}" in REFERENCE
        for parameter in command.params:
            for option in parameter.opts:
                assert not option.startswith("--") or option in REFERENCE


def test_every_metric_is_in_the_reference(nasdaq):
    run = quantstrats.backtest("buy_and_hold", nasdaq.between("2010-01-01", "2010-12-31"))
    plain = {"start", "end", "bars", "start_cash", "final_equity"}
    for name in set(run.metrics) - plain:
        assert f"`{name}`" in REFERENCE or name.startswith("benchmark_")


def test_every_file_of_a_run_is_in_the_reference(nasdaq):
    run = quantstrats.backtest("sma_cross", nasdaq.between("2010-01-01", "2010-12-31"))
    folder = run.save({"tearsheet.html": ""})
    for path in folder.iterdir():
        assert f"`{path.name}" in REFERENCE


def test_the_readme_plugin_is_short_and_runs_by_its_name(nasdaq, monkeypatch):
    source = python_blocks(README)[0]
    assert len([line for line in source.splitlines() if line.strip()]) <= 15
    plugins = quantstrats.Plugins()
    plugins.register(module_of("quantstrats_reversal", source, monkeypatch))
    signal = plugins.signal("reversal")(lookback=3)
    run = quantstrats.backtest(signal, nasdaq.between("2010-01-01", "2010-12-31"), allocator="long_flat")
    assert run.metrics["orders"] > 10


def test_the_readme_configuration_runs(tmp_path):
    (tmp_path / "mine.yaml").write_text(re.findall(r"```yaml\n(.*?)```", README, flags=re.DOTALL)[0])
    run = quantstrats.backtest_config(tmp_path / "mine.yaml")
    assert run.config["schedule"]["every"] == "week"
    assert run.metrics["orders"] > 0


def test_the_readme_script_runs(home, monkeypatch, tmp_path, capsys):
    monkeypatch.chdir(tmp_path)
    exec(compile(python_blocks(README)[2], "README.md", "exec"), {})
    assert re.match(r"-?\d", capsys.readouterr().out)
    assert len(list(home.glob("logs/runs/*/tearsheet.html"))) == 1


def test_the_plugin_guide_signal_runs_on_the_sample(nasdaq, monkeypatch):
    guide = module_of("calm_trend", block_with(PLUGIN_GUIDE, "class CalmTrend"), monkeypatch)
    plugins = quantstrats.Plugins()
    plugins.register(guide)
    market = nasdaq.between("2013-01-01", "2018-12-31")
    run = quantstrats.backtest(plugins.signal("calm_trend")(), market, allocator=allocator(), plugins=plugins)
    calm = market.side["vix"] < 25
    assert run.metrics["orders"] > 0
    assert not run.targets[~calm].any().any()
    assert list(run.details.overlays) == ["average"]


def test_the_plugin_guide_allocator_takes_the_highest_forecast(monkeypatch, market_of):
    guide = module_of("best_one", block_with(PLUGIN_GUIDE, "class BestOne"), monkeypatch)
    plugins = quantstrats.Plugins()
    plugins.register(guide)
    market = market_of({"A": [1, 2, 3, 4, 5], "B": [5, 5, 5, 5, 9]})
    best = plugins.find("allocator", "best_one").cls()
    momentum = quantstrats.Plugins.installed().signal("momentum")(lookback=1)
    targets = quantstrats.backtest(momentum, market, allocator=best).targets
    assert targets["A"].tolist() == [0.0, 0.95, 0.95, 0.95, 0.0]
    assert targets["B"].tolist() == [0.0, 0.0, 0.0, 0.0, 0.95]


def test_the_plugin_guide_allocator_splits_ties(monkeypatch, market_of):
    best = module_of("best_one", block_with(PLUGIN_GUIDE, "class BestOne"), monkeypatch).BestOne()
    targets = quantstrats.backtest("buy_and_hold", market_of({"A": [1, 1], "B": [5, 5]}), allocator=best).targets
    assert targets.to_numpy().tolist() == [[0.475, 0.475], [0.475, 0.475]]


def test_the_plugin_guide_source_reads_its_file_and_gives_no_more_than_asked(monkeypatch, sessions, tmp_path):
    guide = module_of("one_file", block_with(PLUGIN_GUIDE, "class OneFile"), monkeypatch)
    plugins = quantstrats.Plugins.installed()
    plugins.register(guide)
    file = tmp_path / "bars.csv"
    pd.DataFrame({"A": [1.0, 2, 3], "B": [4.0, 5, 6]}, index=sessions(3)).to_csv(file)
    market = quantstrats.load_market("one_file", ["B"], start="2015-01-05", plugins=plugins, path=file)
    assert market.close["B"].tolist() == [5.0, 6.0]
    assert list(market.symbols) == ["B"]
    run = quantstrats.backtest("buy_and_hold", market, plugins=plugins)
    assert run.config["data"]["path"] == str(file)
    with pytest.raises(quantstrats.DataError, match=r"there is no file none\.csv; set data\.path"):
        quantstrats.load_market("one_file", plugins=plugins, path="none.csv")


def test_the_plugin_guide_composition_is_made_of_its_yaml(monkeypatch, tmp_path, nasdaq):
    plugins = quantstrats.Plugins.installed()
    plugins.register(module_of("vote", block_with(PLUGIN_GUIDE, "class Vote"), monkeypatch))
    (tmp_path / "my_signal.py").write_text(python_blocks(README)[0])
    (block,) = [text for text in re.findall(r"```yaml\n(.*?)```", PLUGIN_GUIDE, flags=re.DOTALL) if "vote" in text]
    vote = made("signal", yaml.safe_load(block)["signal"], plugins, tmp_path)
    assert [voter.name for voter in vote.voters] == ["momentum", "sma_cross", "reversal"]
    assert vote.voters[1].fast == 10
    run = quantstrats.backtest(vote, nasdaq.between("2010-01-01", "2012-12-31"), plugins=plugins)
    assert run.metrics["orders"] > 0


def test_the_plugin_guide_way_to_test_a_plugin_works(nasdaq, monkeypatch):
    module_of("quantstrats_reversal", python_blocks(README)[0], monkeypatch)
    # Whoever followed the README has a plugin of that name installed already.
    own = [point for point in entry_points() if point.provider == "quantstrats"]
    monkeypatch.setattr("quantstrats.plugins.entry_points", lambda: own)
    monkeypatch.setattr(quantstrats, "load_market", lambda: nasdaq.between("2010-01-01", "2010-06-30"))
    scope = {}
    exec(compile(block_with(PLUGIN_GUIDE, "run = "), "plugins.md", "exec"), scope)
    assert scope["run"].config["signal"] == {"name": "reversal", "lookback": 3}


def test_the_plugin_guide_listener_hears_a_refusal(monkeypatch, market_of, capsys):
    guide = module_of("listener", block_with(PLUGIN_GUIDE, "def order_changed"), monkeypatch)
    plugins = quantstrats.Plugins()
    plugins.register(guide)
    everything = dataclasses.replace(allocator(), cash_buffer=0.0)
    hold = quantstrats.Plugins.installed().signal("buy_and_hold")()
    quantstrats.backtest(hold, market_of({"A": [10, 12, 12]}), allocator=everything, plugins=plugins)
    assert capsys.readouterr().out == "2015-01-05 00:00:00 A refused\n"


def test_the_plugin_guide_picture_is_drawn_in_the_house_style(nasdaq, monkeypatch):
    module = module_of("drawn", block_with(PLUGIN_GUIDE, "def picture"), monkeypatch)
    figure = module.picture(nasdaq.close["NASDAQ"].iloc[:30])
    assert figure.get_size_inches().tolist() == [9.6, 5.0]
    assert [len(axes.lines) for axes in figure.axes] == [1, 1]
    assert figure.axes[0].lines[0].get_linewidth() == 1.3
    assert not figure.axes[0].spines["top"].get_visible()


def test_the_learning_guides_table_of_fits_is_made_of_the_refits(nasdaq, monkeypatch):
    source = block_with(LEARNING_GUIDE, "class UpNext(")
    shown = block_with(LEARNING_GUIDE, "market.refits")
    module = module_of("up_next", source.replace("Learner, Signal", "Details, Learner, Signal"), monkeypatch)
    module.pd = pd
    exec(compile(shown, "learning.md", "exec"), module.__dict__)
    module.UpNext.details = module.details
    market = nasdaq.between("2010-01-01", "2011-12-31")
    run = quantstrats.backtest(module.UpNext(refit="quarter", train=250), market, fits=Fits())
    table = run.details.tables["Fits"]
    assert table["From"].astype(str).tolist() == ["2011-04-01", "2011-07-01", "2011-10-03"]
    assert set(table["Outcome"]) == {"fitted"}


def allocator():
    return quantstrats.Plugins.installed().find("allocator", "long_flat").cls()


LEARNING_GUIDE = (ROOT / "docs" / "learning.md").read_text()


def test_the_learning_guides_learner_runs_and_is_recalled(nasdaq, tmp_path, monkeypatch):
    pytest.importorskip("skops", reason="skops is not installed")
    # As if this process had begun once the file was there.
    monkeypatch.setattr("quantstrats.provenance._BEGAN", float("inf"))
    (tmp_path / "up_next.py").write_text(block_with(LEARNING_GUIDE, "class UpNext("))
    market = nasdaq.between("2010-01-01", "2013-12-31")
    settings = {"name": str(tmp_path / "up_next.py"), "refit": "quarter", "train": 250}
    run = quantstrats.backtest(settings, market)
    # The quarters from the second of 2011 on: 250 rows and a warm-up of 20 are there.
    assert run.manifest["fits"] == {"made": 11, "recalled": 0, "outcomes": {"fitted": 11}}
    assert run.manifest["guard"]["result"] == "clean"
    assert run.metrics["orders"] > 0
    again = quantstrats.backtest(settings, market)
    assert again.manifest["fits"] == {"made": 0, "recalled": 11, "outcomes": {"fitted": 11}}
    assert again.manifest["content"] == run.manifest["content"]


def test_the_learning_guides_composition_is_made_of_its_yaml(nasdaq, monkeypatch):
    plugins = quantstrats.Plugins.installed()
    plugins.register(module_of("both", block_with(LEARNING_GUIDE, "class Both"), monkeypatch))
    (block,) = re.findall(r"```yaml\n(.*?)```", LEARNING_GUIDE, flags=re.DOTALL)
    market = nasdaq.between("2010-01-01", "2012-12-31")
    run = quantstrats.backtest(yaml.safe_load(block)["signal"], market, guard="full", plugins=plugins)
    cross = quantstrats.backtest({"name": "sma_cross", "fast": 10, "slow": 40}, market).targets["NASDAQ"]
    rose = market.close["NASDAQ"] > market.close["NASDAQ"].shift(60)
    expected = cross.where(rose, 0.0)[60:]
    assert run.targets["NASDAQ"][60:].tolist() == expected.tolist()
    assert 0 < (expected > 0).sum() < (cross[60:] > 0).sum()


def test_every_finding_of_the_guard_is_in_the_learning_guide():
    from quantstrats.guard import check
    from quantstrats.guard import findings as texts

    pairs = [value for value in vars(texts).values() if isinstance(value, tuple) and len(value) == 2]
    findings = [pair[0] for pair in pairs if all(isinstance(text, str) for text in pair)]
    assert len(findings) >= 6
    for finding in [*findings, texts.reads("module.NAME")[0]]:
        assert f"| `{finding}`" in LEARNING_GUIDE
    for mode in check.MODES:
        assert f"| `{mode}` |" in LEARNING_GUIDE


def test_the_table_of_features_is_that_of_what_ships(monkeypatch):
    source = (ROOT / "docs" / "feature_table.py").read_text().replace("__file__", repr(str(ROOT / "docs" / "x.py")))
    table = module_of("feature_table", source, monkeypatch)
    assert (ROOT / "docs" / "features.md").read_text().endswith(table.HEADING + table.table())


def test_the_feature_guides_signal_and_own_feature_run(monkeypatch, nasdaq):
    guide = python_blocks((ROOT / "docs" / "features.md").read_text())
    plugins = quantstrats.Plugins.installed()
    plugins.register(module_of("oversold", guide[1], monkeypatch))
    run = quantstrats.backtest("oversold", nasdaq.between("2008-01-01", "2011-12-31"), guard="full", plugins=plugins)
    assert run.metrics["orders"] > 0
    plugins.register(module_of("strength", guide[2], monkeypatch))
    shown = quantstrats.features.compute(nasdaq, ["strength(window=3)"], plugins=plugins)["strength(window=3)"][
        "NASDAQ"
    ]
    close = nasdaq.close["NASDAQ"]
    pd.testing.assert_series_equal(shown, close / close.shift(3) - 1.0, check_names=False)


@pytest.mark.parametrize("name", ["features", "README"])
def test_a_guides_first_use_runs(name):
    pytest.importorskip("skops", reason="scikit-learn is not installed")
    file = ROOT / "README.md" if name == "README" else ROOT / "docs" / f"{name}.md"
    block = next(text for text in python_blocks(file.read_text()) if "features.compute(" in text)
    scope = {}
    exec(compile(block, file.name, "exec"), scope)
    if name == "features":
        assert scope["features"].warmup(["rsi", "rsi(window=7)", "sma(window=10)@week"]) == 352
    else:
        assert scope["fitted"].outcome == "fitted"

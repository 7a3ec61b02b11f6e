"""A configuration as typed blocks: what wins, where paths start, and what is said of what is wrong."""

from __future__ import annotations

import re
import sys
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import pytest
import yaml

from quantstrats import Plugins, Signal, Source, backtest, backtest_config, hookimpl, load_market, load_run
from quantstrats.errors import ConfigError, PluginError, QuantstratsError
from quantstrats.settings.data import DataSettings
from quantstrats.settings.settings import BLOCKS, read_settings, settings_of


@dataclass(frozen=True)
class Listed(Signal):
    """Hold what a file lists; a signal with a path, and with a part that has one."""

    name = "listed"
    file: Path
    other: Path = Path("default.csv")
    threshold: float = 0.0
    part: Signal | None = None

    def warmup(self):
        return 1

    def forecast(self, market):
        return market.close * 0.0


@dataclass(frozen=True)
class Folder(Source):
    """A source with a path; it loads nothing but its own name."""

    name = "folder"
    path: Path

    def load(self, symbols=None, start=None, end=None):
        raise NotImplementedError(str(self.path))


class Offers:
    @hookimpl
    def register_signals(self, register):
        register(Listed)

    @hookimpl
    def register_sources(self, register):
        register(Folder)


@pytest.fixture
def plugins():
    found = Plugins.installed()
    found.register(Offers(), "offers")
    return found


@pytest.fixture
def config(tmp_path):
    """Write a configuration to a folder that is not the working directory."""
    folder = tmp_path / "configs"
    folder.mkdir()

    def write(text):
        file = folder / "strategy.yaml"
        file.write_text(text)
        return file

    return write


def test_defaults_give_way_to_the_file_this_to_set_and_that_to_flags(config):
    file = config(
        "signal: sma_cross\nengine: {cash: 1, fractional: true}\ncosts: {slippage_bps: 1, commission_bps: 1}\n"
    )
    settings = read_settings(file, ["engine.cash=2", "costs.slippage_bps=2"], {"engine.cash": 3, "engine.name": None})
    assert (settings.engine.name, settings.engine.cash, settings.engine.fractional) == ("backtrader", 3.0, True)
    assert (settings.costs.slippage_bps, settings.costs.commission_bps) == (2.0, 1.0)
    assert settings.costs.commission_minimum == 0.0
    assert settings.signal.values == {"name": "sma_cross"}


def test_the_last_of_two_assignments_wins():
    assert read_settings(None, ["signal.name=x", "engine.cash=1", "engine.cash=2"]).engine.cash == 2.0


def test_every_block_may_stand_empty_in_the_file(config):
    text = "signal: sma_cross\n" + "".join(f"{block}:\n" for block in BLOCKS if block != "signal")
    assert read_settings(config(text)) == read_settings(config("signal: sma_cross\n"))


def test_blocks_are_typed(config):
    settings = read_settings(
        config(
            "signal: sma_cross\ndata: {source: sample, symbols: 'A, B', start: 2015-01-05}\nrisk: {max_drawdown: 0.2}\n"
            "universe: {min_price: 5}\nschedule: {every: month}\nreport: {benchmark: none, tearsheet: false}\n"
        )
    )
    assert settings.data == DataSettings("sample", "A, B", date(2015, 1, 5))
    assert settings.risk.max_drawdown == 0.2
    assert settings.universe.min_price == 5.0
    assert settings.schedule.every == "month"
    assert (settings.report.benchmark, settings.report.tearsheet) == ("none", False)
    assert settings.engine.guard == "sampled"


def test_set_reaches_into_parts_also_into_one_given_by_its_name_alone(config, plugins):
    file = config("signal: {name: listed, file: a.csv, part: sma_cross}\n")
    signal = read_settings(file, ["signal.part.fast=7"]).signal.plugin("signal", plugins)
    assert (signal.part.name, signal.part.fast, signal.part.slow) == ("sma_cross", 7, 50)


def test_paths_start_from_where_they_were_said(config, plugins, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    file = config(
        "signal: {name: listed, file: a.csv, other: b.csv, part: {name: listed, file: c.csv, other: d.csv}}\n"
    )
    settings = read_settings(file, ["signal.other=x.csv", "signal.part.other=y.csv"])
    signal = settings.signal.plugin("signal", plugins)
    assert (signal.file, signal.other) == (tmp_path / "configs" / "a.csv", tmp_path / "x.csv")
    assert (signal.part.file, signal.part.other) == (tmp_path / "configs" / "c.csv", tmp_path / "y.csv")


def test_the_path_of_a_universe_starts_from_the_file_too(config, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert read_settings(config("signal: x\nuniverse: {members: m.csv}\n")).universe.members == (
        tmp_path / "configs" / "m.csv"
    )
    assert read_settings(None, ["signal.name=x", "universe.members=m.csv"]).universe.members == tmp_path / "m.csv"


def test_the_path_of_a_source_starts_from_the_file_or_from_here(config, plugins, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    file = config("signal: x\ndata: {source: folder, path: bars}\n")
    with pytest.raises(QuantstratsError, match=re.escape(str(tmp_path / "configs" / "bars"))):
        read_settings(file).load(plugins)
    with pytest.raises(QuantstratsError, match=re.escape(str(tmp_path / "bars"))):
        read_settings(file, ["data.path=bars"]).load(plugins)


def test_a_default_path_is_left_as_it_is(config, plugins):
    signal = read_settings(config("signal: {name: listed, file: a.csv}\n")).signal.plugin("signal", plugins)
    assert signal.other == Path("default.csv")


MINE = """
from dataclasses import dataclass
from pathlib import Path
from quantstrats import Signal, Source, hookimpl

@dataclass(frozen=True)
class Mine(Signal):
    name = "mine"
    file: Path | None = None
    files: dict[str, Path] | None = None
    note: str = ""
    part: Signal | None = None
    def __post_init__(self):
        if self.file and not self.file.exists():
            raise ValueError(f"there is no {self.file}")
    def warmup(self): return 1
    def forecast(self, market): return market.close

@dataclass(frozen=True)
class Bars(Source):
    name = "bars"
    def load(self, symbols=None, start=None, end=None): raise NotImplementedError(__file__)

@hookimpl
def register_signals(register): register(Mine)
@hookimpl
def register_sources(register): register(Bars)
"""


@pytest.fixture
def two_folders(config, tmp_path, monkeypatch):
    """The same files in the configuration's folder and in the working directory."""
    for folder in ("configs", "configs/inner", "here", "here/inner"):
        (tmp_path / folder).mkdir(exist_ok=True)
        (tmp_path / folder / "lrn.py").write_text(MINE)
    monkeypatch.chdir(tmp_path / "here")
    return tmp_path


@pytest.mark.parametrize("path", ["lrn.py", "./lrn.py", "inner/lrn.py", "../configs/lrn.py"])
@pytest.mark.parametrize("name", ["", ":mine"])
def test_the_file_of_a_plugin_starts_from_the_configuration(config, two_folders, plugins, path, name):
    wanted = (two_folders / "configs" / path).resolve()
    file = config(f"signal: {{name: '{path}{name}', part: '{path}{name}'}}\ndata: {{source: '{path}'}}\n")
    settings = read_settings(file)
    signal = settings.signal.plugin("signal", plugins)
    loaded = [sys.modules[type(each).__module__].__file__ for each in (signal, signal.part)]
    assert loaded == [str(wanted), str(wanted)]
    with pytest.raises(QuantstratsError, match=re.escape(str(wanted))):
        settings.load(plugins)


def test_the_file_of_a_plugin_in_set_starts_from_here(config, two_folders, plugins):
    settings = read_settings(config("signal: {name: lrn.py}\n"), ["signal.part=lrn.py:mine", "data.source=lrn.py"])
    signal = settings.signal.plugin("signal", plugins)
    folders = [Path(sys.modules[type(each).__module__].__file__).parent.name for each in (signal, signal.part)]
    assert folders == ["configs", "here"]
    with pytest.raises(QuantstratsError, match=re.escape(str(two_folders / "here" / "lrn.py"))):
        settings.load(plugins)


def test_a_plugin_is_made_once_with_the_paths_that_hold(config, two_folders, plugins):
    (two_folders / "configs" / "there.csv").touch()
    (two_folders / "here" / "here.csv").touch()
    file = config("signal: {name: lrn.py, file: there.csv, note: ./lrn.py, files: {a: x}, part: {name: lrn.py}}\n")
    for set_ in ([], ["signal.note=x"], ["signal.part.file=here.csv", "signal.files.b=y"]):
        signal = read_settings(file, set_).signal.plugin("signal", plugins)
        assert signal.file == two_folders / "configs" / "there.csv"
        assert signal.note == ("x" if "signal.note=x" in set_ else "./lrn.py")
        assert signal.files["a"] == two_folders / "configs" / "x"
    assert (signal.part.file, signal.files["b"]) == (two_folders / "here" / "here.csv", two_folders / "here" / "y")
    with pytest.raises(ConfigError, match=r"parameter 'note'.*given: {'x': 'y'}"):
        read_settings(file, ["signal.note=1", "signal.note={x: y}"]).signal.plugin("signal", plugins)


def test_one_file_named_on_the_command_line_and_in_the_configuration_is_one_signal(config, two_folders):
    file = config("signal: lrn.py\n")
    assert read_settings(file, [], {"signal.name": "../configs/lrn.py"})
    with pytest.raises(ConfigError, match=r"is about the signal 'lrn\.py', the command line names '\./lrn\.py'"):
        read_settings(file, [], {"signal.name": "./lrn.py"})


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("cost: {slippage_bps: 1}", "{file}: no block 'cost' of settings; did you mean 'costs'? (there are: data, "),
        ("1: {x: 1}", "{file}: no block 1 of settings"),
        ("costs: {slippage: 1}", "{file}: block costs has no parameter 'slippage'; did you mean 'slippage_bps'? (it "),
        ("costs: {1: 1}", "{file}: block costs has a key that is no text: 1"),
        ("costs: 5", "{file}: block costs is 5; it holds keys and values, as in 'costs: {{...}}'"),
        ("costs: [1, 2]", "{file}: block costs is [1, 2]; it holds keys and values"),
        ("costs: {slippage_bps: lots}", "{file}: block costs, parameter 'slippage_bps': Input should be a valid num"),
        ("costs: {slippage_bps: -1}", "{file}: block costs: slippage_bps is -1.0; it cannot be negative"),
        ("engine: {guard: ful}", "{file}: block engine: guard is 'ful'; did you mean 'full'?"),
        ("engine: {fractional: perhaps}", "{file}: block engine, parameter 'fractional': Input should be a valid bo"),
        ("risk: {max_drawdown: 20}", "{file}: block risk: max_drawdown is 20"),
        ("report: {benchmark: 5}", "{file}: block report, parameter 'benchmark': Input should be a valid string"),
        ("data: {name: x}", "block data has no key 'name'; the source is named by data.source"),
    ],
)
def test_what_is_wrong_in_the_file_is_told_with_its_name(config, text, line):
    file = config(f"signal: sma_cross\n{text}\n")
    with pytest.raises(ConfigError, match="^" + re.escape(line.format(file=file))):
        read_settings(file)


def test_the_file_is_not_blamed_for_what_was_assigned(config):
    file = config("signal: sma_cross\ncosts: {slippage_bps: 1}\n")
    with pytest.raises(ConfigError, match=r"^block costs: slippage_bps is -1\.0"):
        read_settings(file, ["costs.slippage_bps=-1"])
    worse = config("signal: sma_cross\ncosts: {slippage_bps: -2}\n")
    with pytest.raises(ConfigError, match=r"^block costs: slippage_bps is -1\.0"):
        read_settings(worse, ["costs.slippage_bps=-1"])


def test_the_file_is_named_where_a_plugin_of_it_is_unknown_or_takes_no_such_parameter(config, plugins):
    file = config("signal: {name: sma_cross, fst: 3}\nallocation: {name: long_flt}\n")
    settings = read_settings(file)
    with pytest.raises(
        ConfigError, match=re.escape(f"{file}: signal 'sma_cross' has no parameter 'fst'; did you mean")
    ):
        settings.signal.plugin("signal", plugins)
    with pytest.raises(PluginError, match=re.escape(f"{file}: no allocator called 'long_flt'; did you mean 'long_fl")):
        settings.allocation.plugin("allocator", plugins)


def test_a_key_of_data_that_neither_the_block_nor_the_source_has_is_refused(config, plugins):
    file = config("signal: x\ndata: {strat: 2015-01-05}\n")
    expected = f"{file}: block data has no key 'strat'; did you mean 'start'? (source 'sample' takes none)"
    with pytest.raises(ConfigError, match=re.escape(expected)):
        read_settings(file).load(plugins)
    with pytest.raises(ConfigError, match=r"^block data has no key 'plugins' \(source 'sample' takes none\)"):
        settings_of({"signal": "x", "data": {"plugins": 1}}).load(plugins)


@pytest.mark.parametrize("start", ["2015", 2015, "yesterday", "2015-02-30"])
def test_a_date_that_is_none_is_refused(plugins, start):
    with pytest.raises(ConfigError, match=re.escape(f"start is {start!r}; give a date as in 2015-12-31")):
        settings_of({"signal": "x", "data": {"start": start}}).load(plugins)


def test_the_command_line_may_not_name_another_signal_than_the_file(config):
    file = config("signal: {name: sma_cross, fast: 10}\n")
    expected = f"{file} is about the signal 'sma_cross', the command line names 'momentum'; leave the name out"
    with pytest.raises(ConfigError, match=re.escape(expected)):
        read_settings(file, [], {"signal.name": "momentum"})
    assert read_settings(file, [], {"signal.name": "sma_cross"}).signal.values["fast"] == 10
    with pytest.raises(ConfigError, match="the command line names the signals 'sma_cross' and 'momentum'; name one"):
        read_settings(None, ["signal.name=sma_cross"], {"signal.name": "momentum"})


def test_a_configuration_without_a_signal_is_refused(config):
    file = config("engine: {cash: 1}\n")
    with pytest.raises(ConfigError, match=re.escape(f"{file} names no signal; name one after the command")):
        read_settings(file)
    with pytest.raises(ConfigError, match=r"^no signal is named; name one after the command, or in"):
        settings_of({})


def test_an_unknown_block_in_set_is_refused():
    with pytest.raises(ConfigError, match=r"^no block 'cost' of settings; did you mean 'costs'?"):
        read_settings(None, ["cost.x=1"])


def test_a_stored_run_is_a_configuration_that_gives_the_same_run(home, tmp_path):
    wanted = {
        "data": {"symbols": ["NASDAQ", "SP500"], "start": "2014-01-01", "end": "2015-12-31"},
        "universe": {"min_price": 1, "window": 5},
        "signal": {"name": "sma_cross", "fast": 5, "slow": 21},
        "allocation": {"name": "long_short", "cash_buffer": 0.1},
        "schedule": {"every": "week", "rebalance": "all"},
        "costs": {"commission_bps": 3},
        "risk": {"max_drawdown": 0.5},
        "engine": {"cash": 50_000, "fractional": True, "guard": "off"},
        "report": {"benchmark": "SP500"},
    }
    first = backtest_config(wanted)
    file = first.save(folder=tmp_path / "runs") / "config.yaml"
    for config in (file, str(file), yaml.safe_load(file.read_text())):
        again = backtest_config(config)
        assert again.config == first.config
        assert again.manifest["content"] == first.manifest["content"]
        assert again.manifest["config_hash"] == first.manifest["config_hash"]


def test_symbols_that_look_like_numbers_are_texts(config):
    file = config("signal: x\ndata: {symbols: [700, 0005, BRK]}\n")
    assert read_settings(file).data.symbols == ["700", "0005", "BRK"]
    assert read_settings(file, ["data.symbols=700"]).data.symbols == "700"
    assert read_settings(file, ["data.symbols=[700, 5]"]).data.symbols == ["700", "5"]


def test_a_stored_configuration_is_read_as_one_that_is_written(home, tmp_path):
    folder = backtest_config({"signal": "sma_cross", "data": {"start": "2017-01-01"}}).save(folder=tmp_path / "runs")
    file = folder / "config.yaml"
    file.write_text(file.read_text().replace("guard: sampled", "guard: off"))
    assert load_run(folder).config["engine"]["guard"] == "off"


def test_a_configuration_says_the_same_as_arguments_in_python(home):
    configured = backtest_config({"signal": {"name": "sma_cross", "fast": 5}, "data": {"start": "2017-01-01"}})
    called = backtest({"name": "sma_cross", "fast": 5}, load_market(start="2017-01-01"))
    assert configured.config == called.config
    assert configured.manifest["content"] == called.manifest["content"]


def test_a_configuration_of_another_type_is_refused():
    with pytest.raises(ConfigError, match="config is of type int; give a mapping, or the path of a YAML file"):
        backtest_config(5)


def test_what_needs_no_bars_is_told_before_they_are_loaded(monkeypatch):
    def load_market(*_, **__):
        raise AssertionError

    monkeypatch.setattr("quantstrats.settings.data.load_market", load_market)
    for block, line in (
        ({"signal": "sma_crss"}, "no signal called"),
        ({"signal": {"name": "sma_cross", "fast": 0}}, "fast"),
        ({"signal": "sma_cross", "allocation": "long_flt"}, "no allocator called"),
        ({"signal": "sma_cross", "engine": {"name": "fats"}}, "no engine called"),
    ):
        with pytest.raises(QuantstratsError, match=line):
            backtest_config(block)

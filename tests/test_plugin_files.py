"""Plugins from files: ./my_signal.py in place of a name."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from quantstrats import Plugins, backtest
from quantstrats.errors import PluginError
from quantstrats.making import described, made

HEAD = """
from __future__ import annotations
from dataclasses import dataclass
from quantstrats import Allocator, Signal, hookimpl
"""
SIGNAL = """
@dataclass(frozen=True)
class {cls}(Signal):
    name = "{name}"
    lookback: int = {lookback}
    def warmup(self): return self.lookback + 1
    def forecast(self, market): return market.close.pct_change(self.lookback, fill_method=None)
"""
HOOK = """
@hookimpl
def register_signals(register):
    for cls in ({classes}): register(cls)
"""


def code(*names, lookback=5):
    classes = [name.title() for name in names]
    signals = [SIGNAL.format(cls=cls, name=name, lookback=lookback) for cls, name in zip(classes, names, strict=True)]
    return HEAD + "".join(signals) + HOOK.format(classes="".join(f"{cls}, " for cls in classes))


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    loaded = set(sys.modules)
    yield tmp_path
    for name in set(sys.modules) - loaded:
        if name.startswith("quantstrats_file_"):
            del sys.modules[name]


def write(folder, text, name="mine.py"):
    file = folder / name
    file.parent.mkdir(exist_ok=True)
    file.write_text(text)
    return file


def refusal(name, kind="signal"):
    with pytest.raises(PluginError) as told:
        Plugins().find(kind, name)
    assert "\n" not in str(told.value)
    return str(told.value)


@pytest.mark.parametrize(
    "name", ["./mine.py", "mine.py", "../{folder}/mine.py", "{path}", "{path}:drop", "mine.py:drop"]
)
def test_the_one_signal_of_a_file_is_found_by_its_path(folder, name):
    file = write(folder, code("drop"))
    offer = Plugins().find("signal", name.format(folder=folder.name, path=file))
    assert (offer.name, offer.provider, offer.cls.__name__) == ("drop", str(file.resolve()), "Drop")


def test_a_path_may_start_from_another_folder(folder):
    write(folder, code("drop"), "sub/mine.py")
    assert Plugins().find("signal", "./mine.py", folder / "sub").name == "drop"
    assert made("signal", "./mine.py", Plugins(), folder / "sub").lookback == 5


def test_one_of_several_is_named(folder):
    write(folder, code("drop", "rise"))
    plugins = Plugins()
    assert plugins.find("signal", "./mine.py:rise").cls.__name__ == "Rise"
    assert plugins.find("signal", "./mine.py:drop").cls.__name__ == "Drop"
    assert refusal("./mine.py") == "./mine.py offers 2 signals: drop, rise; say ./mine.py:drop"
    assert refusal("mine.py:ris") == "mine.py offers no signal 'ris'; did you mean 'rise'? (it has drop, rise)"


def test_a_file_may_offer_one_thing_of_each_kind(folder):
    allocator = """
@dataclass(frozen=True)
class Half(Allocator):
    name = "half"
    def weights(self, forecast): return forecast * 0 + 0.5

@hookimpl
def register_allocators(register): register(Half)
"""
    write(folder, code("drop") + allocator)
    plugins = Plugins()
    assert plugins.find("allocator", "./mine.py").name == "half"
    assert plugins.find("signal", "./mine.py").name == "drop"
    assert refusal("./mine.py", "source") == (
        "./mine.py offers no source; call register(SourceClass) in its register_sources"
    )


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("def broken(:\n", "./mine.py: SyntaxError: invalid syntax (mine.py line 1)"),
        ("\nraise RuntimeError('no\\nlicence')", "./mine.py: RuntimeError: no licence (mine.py line 2)"),
        ("raise SystemExit(3)", "./mine.py: SystemExit: 3 (mine.py line 1)"),
        (
            "import nothing_like_this",
            "./mine.py: ModuleNotFoundError: No module named 'nothing_like_this' (mine.py line 1)",
        ),
        (
            "import neighbour",
            (
                "./mine.py: ModuleNotFoundError: No module named 'neighbour' (mine.py line 1)"
                "; it cannot see neighbour.py beside it: make a package of both, or set PYTHONPATH"
            ),
        ),
        (
            code("drop").replace("register_signals", "register_signal"),
            "plugin 'mine.py': there is no hook 'register_signal'; did you mean 'register_signals'?",
        ),
        (
            code("drop").replace("@hookimpl", ""),
            "plugin 'mine.py' implements no hook; put @hookimpl above its register_signals",
        ),
        (
            code("drop").split("@hookimpl")[0],
            (
                "plugin 'mine.py' defines the signal Drop and offers nothing; add a function register_signals(register)"
                ", marked @hookimpl, that calls register(Drop)"
            ),
        ),
        ("x = 1", "plugin 'mine.py' implements no hook; put @hookimpl above its functions"),
        ("", "plugin 'mine.py' implements no hook; put @hookimpl above its functions"),
        (
            code(),
            "./mine.py offers no signal; call register(SignalClass) in its register_signals",
        ),
        (
            code("drop").replace("frozen=True", "frozen=False"),
            "plugin 'mine.py': signal Drop is no frozen dataclass; put @dataclass(frozen=True) above it",
        ),
    ],
)
def test_a_file_that_cannot_be_used_is_one_line(folder, text, line):
    write(folder, "x = 1", "neighbour.py")
    write(folder, text)
    loaded = set(sys.modules)
    assert refusal("./mine.py") == line
    left = [name for name in set(sys.modules) - loaded if name.startswith("quantstrats_file_mine")]
    assert "raise" not in text or not left


def test_a_file_that_is_not_there_is_one_line(folder):
    write(folder, code("drop"), "my_signal.py")
    (folder / "folder.py").mkdir()
    assert refusal("./my_signl.py") == (
        f"there is no file ./my_signl.py; did you mean 'my_signal.py'? (in {folder.resolve()})"
    )
    assert refusal("nowhere/x.py") == f"there is no file nowhere/x.py (in {folder.resolve()}/nowhere)"
    assert refusal("./folder.py") == "./folder.py is a folder; name a file"
    write(folder, "", "bytes.py").write_bytes(b"x = '\xff'")
    assert refusal("./bytes.py").startswith("./bytes.py: SyntaxError: ")


def test_a_file_that_hangs_is_given_up(folder, monkeypatch):
    monkeypatch.setenv("QUANTSTRATS_IMPORT_SECONDS", "0.2")
    write(folder, "import time\ntime.sleep(30)")
    assert refusal("./mine.py") == (
        "./mine.py: its import takes longer than 0.2 s; set QUANTSTRATS_IMPORT_SECONDS to wait longer"
    )


def test_a_hook_of_a_file_that_hangs_is_given_up_too(folder, monkeypatch):
    monkeypatch.setenv("QUANTSTRATS_IMPORT_SECONDS", "0.2")
    write(
        folder,
        "import time\nfrom quantstrats import hookimpl\n@hookimpl\ndef register_signals(register): time.sleep(30)",
    )
    assert refusal("./mine.py") == (
        "./mine.py: its import takes longer than 0.2 s; set QUANTSTRATS_IMPORT_SECONDS to wait longer"
    )


def test_what_a_file_prints_does_not_reach_stdout(folder, capsys):
    write(folder, "print('hello')\n" + code("drop").replace("from __future__ import annotations", ""))
    Plugins().find("signal", "./mine.py")
    told = capsys.readouterr()
    assert (told.out, told.err) == ("", "hello\n")


def test_a_file_is_read_again_when_it_has_changed(folder):
    write(folder, code("drop", lookback=5))
    first = Plugins().find("signal", "./mine.py").cls
    assert Plugins().find("signal", "./mine.py").cls is first
    write(folder, code("drop", lookback=7))
    assert Plugins().find("signal", "./mine.py").cls().lookback == 7
    assert first().lookback == 5


def test_two_files_of_one_name_are_two_plugins(folder):
    write(folder, code("drop", lookback=5), "a/mine.py")
    write(folder, code("drop", lookback=7), "b/mine.py")
    plugins = Plugins()
    assert plugins.find("signal", "a/mine.py").cls().lookback == 5
    assert plugins.find("signal", "b/mine.py").cls().lookback == 7


def test_a_file_does_not_take_a_name_away_from_what_is_installed(folder):
    write(folder, code("momentum"))
    plugins = Plugins.installed()
    own = plugins.find("signal", "./mine.py")
    assert own.cls is not plugins.signal("momentum")
    assert plugins.find("signal", "momentum").provider == "quantstrats"
    assert plugins.troubles == []
    assert plugins.reference("signal", own.cls) == f"{own.provider}:momentum"
    assert plugins.reference("signal", plugins.signal("momentum")) == "momentum"


def test_a_run_of_a_file_can_be_made_again_from_its_configuration(folder, nasdaq, home):
    file = write(folder, code("drop"))
    market = nasdaq.between("2010-01-01", "2010-06-30")
    run = backtest({"name": "./mine.py", "lookback": 3}, market)
    assert run.config["signal"] == {"name": f"{file.resolve()}:drop", "lookback": 3}
    assert run.run_id.split("-")[1] == "drop"
    assert Path(run.save()).parent == home / "logs" / "runs"
    again = backtest(run.config["signal"], market)
    assert again.manifest["content"] == run.manifest["content"]
    assert again.manifest["plugin"]["provider"] == str(file.resolve())


def test_parts_may_come_from_files(folder):
    write(folder, code("drop"))
    whole = HEAD + "@dataclass(frozen=True)\nclass Whole(Signal):\n    name = 'whole'\n    part: Signal\n"
    whole += "    def warmup(self): return 1\n    def forecast(self, market): return market.parts['part']\n"
    write(folder, whole + HOOK.format(classes="Whole,"), "whole.py")
    plugins = Plugins()
    thing = {"name": "./whole.py", "part": {"name": "./mine.py", "lookback": 2}}
    signal = made("signal", thing, plugins, folder)
    stored = described(signal, plugins)
    path = folder.resolve()
    assert stored == {"name": f"{path}/whole.py:whole", "part": {"name": f"{path}/mine.py:drop", "lookback": 2}}
    assert made("signal", stored, Plugins()) == signal

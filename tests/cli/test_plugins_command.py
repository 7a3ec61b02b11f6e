"""``quantstrats plugins`` as a real process, among plugins that fail in every way."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

GOOD = """
from dataclasses import dataclass
from quantstrats import Allocator, Signal, hookimpl

@dataclass(frozen=True)
class Calm(Signal):
    \"\"\"Hold while it is calm.

    What calm is, `level` tells.

    Parameters
    ----------
    level : float, default 20
        The highest VIX that is
        still calm.
    \"\"\"
    name = "{name}"
    needs = ("vix",)
    level: float = 20.0
    mode: str | None = None
    def warmup(self): return 1
    def forecast(self, market): return market.close * 0 + 1

@hookimpl
def register_signals(register):
    register(Calm)
"""
HOOK = "from quantstrats import hookimpl\n@hookimpl\ndef register_signals(register):\n    "

# By name: the code, the target of the entry point where it is not the module, and the reason that is shown.
FAULTS = {
    "import": (
        "import nothing_like_this", "",
        "ModuleNotFoundError: No module named 'nothing_like_this' (faulty_import.py line 1)",
    ),
    "extra": (
        "\nimport skfancy.linear", "",
        (
            "ModuleNotFoundError: No module named 'skfancy' (faulty_extra.py line 2)"
            "; pip install 'faulty-extra[ml]' brings it"
        ),
    ),
    "syntax": ("def broken(:", "", "SyntaxError: invalid syntax (faulty_syntax.py line 1)"),
    "raises": ("raise RuntimeError('no\\nlicence')", "", "RuntimeError: no licence (faulty_raises.py line 1)"),
    "leaves": ("import sys; sys.exit(3)", "", "SystemExit: 3 (faulty_leaves.py line 1)"),
    "panics": (
        "class Panic(BaseException): pass\nraise Panic('native')", "", "Panic: native (faulty_panics.py line 2)"
    ),
    "hook": (
        HOOK.replace("signals", "signal") + "pass", "",
        "plugin 'hook': there is no hook 'register_signal'; did you mean 'register_signals'?",
    ),
    "unmarked": (
        GOOD.replace("@hookimpl", ""), "",
        "plugin 'unmarked' implements no hook; put @hookimpl above its register_signals",
    ),
    "kind": (
        GOOD.replace("(Signal)", "(Allocator)") + "\n", "",
        "plugin 'kind': signal Calm does not derive from quantstrats.Signal",
    ),
    "hooked": (
        HOOK + "raise KeyError('x')", "",
        "plugin 'hooked' failed in register_signals: KeyError: 'x' (faulty_hooked.py line 4)",
    ),
    "attribute": (
        "plugin = None", "faulty_attribute:plugn",
        "its entry point names 'faulty_attribute:plugn', and faulty_attribute has no 'plugn'; did you mean 'plugin'?",
    ),
    "gone": (
        "", "faulty_gone_since",
        "its module 'faulty_gone_since' is gone; install faulty-gone again, or uninstall it",
    ),
    "target": (
        "", "faulty-target",
        "its entry point 'target = faulty-target' names no module; write package.module, or package.module:object",
    ),
}  # fmt: skip


def install(folder, distribution, entry, target, code, requires=""):
    """Write a tiny installed distribution with one module."""
    module = distribution.replace("-", "_")
    (folder / f"{module}.py").write_text(code.replace("{name}", entry))
    info = folder / f"{module}-2.1.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {distribution}\nVersion: 2.1\n{requires}")
    (info / "entry_points.txt").write_text(f"[quantstrats]\n{entry} = {target or module}\n")


def quantstrats(*arguments, site=None, cwd=ROOT, **variables):
    environment = os.environ | variables | ({"PYTHONPATH": str(site)} if site else {})
    return subprocess.run(
        [sys.executable, "-m", "quantstrats", *arguments],
        capture_output=True, text=True, timeout=120, check=False, env=environment, cwd=cwd,
    )  # fmt: skip


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    folder = tmp_path_factory.mktemp("site")
    for fault, (code, target, _) in FAULTS.items():
        install(folder, f"faulty-{fault}", fault, target, code, "Requires-Dist: scikit-fancy; extra == 'ml'\n")
    install(folder, "chatty", "calm", "", "print('hello from chatty')\n" + GOOD)
    install(folder, "rival", "calm", "", GOOD)
    return folder


@pytest.fixture(scope="module")
def listed(site):
    return quantstrats("plugins", site=site)


@pytest.mark.parametrize("fault", FAULTS)
def test_each_trouble_is_one_clear_line_and_stops_whoever_asks_for_it(site, listed, fault):
    _, _, reason = FAULTS[fault]
    assert listed.returncode == 0
    assert f"skipped: {fault} of faulty-{fault}: {reason}\n" in listed.stderr
    asked = quantstrats("backtest", fault, site=site)
    assert asked.returncode == 2
    line = asked.stderr.removeprefix("hello from chatty\n")
    assert line == f"error: signal {fault!r} of faulty-{fault} could not be loaded: {reason}\n"
    assert asked.stdout == ""


def test_the_rest_is_listed_and_works(site, listed):
    for word in ("signals", "  sma_cross ", "sources", "  sample ", "allocators", "  top_quantile ", "chatty:calm"):
        assert word in listed.stdout
    assert "Traceback" not in listed.stderr
    done = quantstrats("backtest", "sma_cross", "--end", "2000-12-31", "--no-tearsheet", site=site)
    assert done.returncode == 0
    assert "sma_cross(fast=20, slow=50) on NASDAQ" in done.stdout


def test_a_name_of_two_plugins_is_told_and_each_works_by_its_provider(site, listed):
    choice = "is offered by more than one plugin; say chatty:calm or rival:calm"
    assert f"ambiguous: calm of chatty, rival: the signal {choice}\n" in listed.stderr
    asked = quantstrats("backtest", "calm", site=site)
    assert (asked.returncode, asked.stderr) == (2, f"hello from chatty\nerror: signal 'calm' {choice}\n")
    done = quantstrats("backtest", "rival:calm", "--start", "2016-01-01", "--no-tearsheet", site=site)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("calm(level=20.0, mode=None) on NASDAQ")
    assert "-calm-" in done.stdout


def test_what_a_plugin_prints_stays_out_of_json(site):
    done = quantstrats("plugins", "--json", site=site)
    assert done.stderr == "hello from chatty\n"
    told = json.loads(done.stdout)
    calm = [plugin for plugin in told["plugins"] if plugin["name"] == "calm"]
    assert [(plugin["kind"], plugin["provider"], plugin["version"]) for plugin in calm] == [
        ("signal", "chatty", "2.1"),
        ("signal", "rival", "2.1"),
    ]
    assert calm[0]["parameters"] == [
        {
            "name": "level", "type": "float", "needed": False, "default": 20.0,
            "help": "The highest VIX that is still calm.",
        },
        {"name": "mode", "type": "str | None", "needed": False, "default": None, "help": ""},
    ]  # fmt: skip
    assert {trouble["plugin"] for trouble in told["troubles"]} == {*FAULTS, "calm"}


def test_the_list_fits_a_terminal_of_80_columns(listed):
    assert max(len(line) for line in listed.stdout.splitlines()) <= 80


def test_show_tells_all_about_one(site):
    done = quantstrats("plugins", "show", "rival:calm", site=site)
    assert done.returncode == 0
    assert (
        done.stdout
        == f"""\
signal calm

Hold while it is calm.

What calm is, level tells.

provider  rival 2.1
file      {min(str(site / "rival.py"), os.path.relpath(site / "rival.py", ROOT), key=len)}
needs     vix

parameters
  name   type        default  help
  level  float       20.0     The highest VIX that is still calm.
  mode   str | None  null     (not described)

on the command line
  quantstrats backtest rival:calm --set signal.mode=null

in a configuration file
  signal:
    name: rival:calm
    level: 20.0
    mode: null
"""
    )


def test_show_tells_of_every_bearer_of_a_name(site):
    done = quantstrats("plugins", "show", "calm", site=site)
    assert done.returncode == 0
    assert "provider  chatty 2.1" in done.stdout
    assert "provider  rival 2.1" in done.stdout


@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("momentm", "error: no plugin called 'momentm'; did you mean 'momentum'? (quantstrats plugins lists all)\n"),
        ("raises", f"error: plugin 'raises' of faulty-raises could not be loaded: {FAULTS['raises'][2]}\n"),
        ("./none.py", f"error: there is no file ./none.py (in {ROOT})\n"),
    ],
)
def test_show_says_why_there_is_nothing_to_show(site, name, line):
    done = quantstrats("plugins", "show", name, site=site)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == f"hello from chatty\n{line}"


@pytest.mark.parametrize("kind", ["signal", "source", "allocator"])
def test_show_of_what_ships_fits_80_columns_and_describes_every_parameter(installed, kind):
    names = [offer.name for offer in installed.offers if offer.kind == kind and offer.provider == "quantstrats"]
    for name in names[:3]:
        done = quantstrats("plugins", "show", name)
        assert done.returncode == 0, done.stderr
        assert max(len(line) for line in done.stdout.splitlines()) <= 80
        assert "(not described)" not in done.stdout


def test_show_breaks_no_name():
    done = quantstrats("plugins", "show", "synthetic")
    assert "\n  cointegration_half_life  " in done.stdout
    assert max(len(line) for line in done.stdout.splitlines()) <= 80


def test_show_takes_a_file(tmp_path):
    file = tmp_path / "mine.py"
    file.write_text(GOOD.replace("{name}", "quiet"))
    done = quantstrats("plugins", "show", str(file))
    assert done.returncode == 0, done.stderr
    assert "signal quiet" in done.stdout
    assert f"name: {file}:quiet" in done.stdout
    near = quantstrats("plugins", "show", "./mine.py", cwd=tmp_path)
    assert "quantstrats backtest ./mine.py --set signal.mode=null" in near.stdout
    assert "    name: ./mine.py\n" in near.stdout


def test_a_plugin_that_hangs_is_given_up_and_the_rest_works(tmp_path):
    install(tmp_path, "slow", "bad", "", "import time\ntime.sleep(600)")
    done = quantstrats("plugins", site=tmp_path, QUANTSTRATS_IMPORT_SECONDS="1")
    assert done.returncode == 0
    reason = "its import takes longer than 1 s; set QUANTSTRATS_IMPORT_SECONDS to wait longer"
    assert done.stderr == f"skipped: bad of slow: {reason}\n"
    assert "sma_cross" in done.stdout
    asked = quantstrats("backtest", "bad", site=tmp_path, QUANTSTRATS_IMPORT_SECONDS="1")
    error = f"error: signal 'bad' of slow could not be loaded: {reason}\n"
    assert (asked.returncode, asked.stderr) == (2, f"skipped: bad of slow: {reason}\n{error}")
    shown = quantstrats("plugins", "show", "sma_cross", "--json", site=tmp_path, QUANTSTRATS_IMPORT_SECONDS="1")
    assert shown.stderr == f"skipped: bad of slow: {reason}\n"
    assert json.loads(shown.stdout)[0]["name"] == "sma_cross"


def test_ctrl_c_while_a_plugin_hangs_leaves_exit_code_130(tmp_path):
    started = tmp_path / "started"
    install(tmp_path, "slow", "bad", "", f"import time\nopen({str(started)!r}, 'w')\ntime.sleep(60)")
    child = subprocess.Popen(
        [sys.executable, "-W", "ignore", "-m", "quantstrats", "plugins"],
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONPATH": str(tmp_path)},
        # Where the tests run in the background, interrupts are ignored, and children would inherit that.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    for _ in range(600):
        if started.exists():
            break
        time.sleep(0.05)
    child.send_signal(signal.SIGINT)
    _, told = child.communicate(timeout=30)
    assert (child.returncode, told) == (130, "interrupted\n")

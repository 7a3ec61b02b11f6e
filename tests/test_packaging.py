"""What is installed is what stands in the tree, and importing it stays cheap."""

from __future__ import annotations

import configparser
import re
import subprocess
import sys
from importlib.metadata import entry_points
from pathlib import Path

import pytest

import quantstrats

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def setup():
    parser = configparser.ConfigParser()
    parser.read(ROOT / "setup.cfg")
    return parser


def requirements(setup):
    lines = setup["options"]["install_requires"].split("\n")
    for extra in setup["options.extras_require"].values():
        lines += extra.split("\n")
    return [line for line in lines if line.strip()]


def test_every_package_of_the_tree_is_packed(setup):
    packed = set(setup["options"]["packages"].split())
    folders = {path.parent for path in (ROOT / "quantstrats").rglob("__init__.py")}
    assert packed == {".".join(path.relative_to(ROOT).parts) for path in folders} | {"quantstrats_plugins"}


def test_every_shipped_plugin_is_an_entry_point():
    named = {point.value for point in entry_points(group="quantstrats")}
    files = {path.stem for path in (ROOT / "plugins").glob("*.py")} - {"__init__"}
    assert {f"quantstrats_plugins.{name}" for name in files} <= named


def test_every_requirement_is_bounded_below_and_above(setup):
    for line in requirements(setup):
        exact = "==" in line
        assert exact or (">=" in line and "<" in line.replace("<=", "")), line


def test_every_requirement_is_pinned(setup):
    pins = {line.split("==")[0] for line in (ROOT / "constraints.txt").read_text().splitlines() if "==" in line}
    for line in requirements(setup):
        name = re.split(r"[<>=\s]", line.strip())[0].lower().replace("_", "-")
        assert name in pins, line


def test_the_extras_are_those_that_the_documentation_of_the_project_names(setup):
    extras = {
        "ml",
        "ml-cpu",
        "lightgbm",
        "deep",
        "live",
        "simulator",
        "ui",
        "ray",
        "portfolio",
        "test",
        "docs",
        "bench",
    }
    assert set(setup["options.extras_require"]) == extras


def test_the_contract_of_the_shipped_plugins_names_every_module(setup):
    forbidden = set(setup["importlinter:contract:plugins"]["forbidden_modules"].split())
    parts = {
        path.stem
        for path in (ROOT / "quantstrats").iterdir()
        if path.suffix == ".py" or (path / "__init__.py").exists()
    }
    public = {"drawing", "factors", "features", "labels", "models", "pairs", "positions", "splits"}  # whole ones
    assert forbidden == {f"quantstrats.{part}" for part in parts - public - {"__init__", "__main__", "_version"}}


def test_the_original_empyrical_is_never_installed(setup):
    names = [re.split(r"[<>=\s]", line.strip())[0] for line in requirements(setup)]
    assert "empyrical" not in names
    assert "alpaca-backtrader-api" not in names


def modules_loaded_by(statement):
    """Return the names in sys.modules when a process that ran the statement ends."""
    program = f"import atexit, sys; atexit.register(lambda: print(*sys.modules, file=sys.stderr)); {statement}"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60)
    return set(done.stderr.split())


HEAVY = {"backtrader", "matplotlib", "numba", "pandas", "sklearn", "statsmodels", "talib", "torch"}


def test_help_loads_neither_pandas_nor_backtrader():
    command = [sys.executable, "-X", "importtime", "-m", "quantstrats", "--help"]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    loaded = {line.rsplit("|", 1)[1].strip() for line in done.stderr.splitlines() if line.startswith("import time:")}
    assert "quantstrats.cli.main" in loaded
    assert not loaded & (HEAVY | {"numpy", "pluggy"})
    assert not modules_loaded_by("from quantstrats.cli.main import main; main(['--help'])") & HEAVY


def test_listing_plugins_loads_the_plugins_and_nothing_heavy():
    loaded = modules_loaded_by("from quantstrats.cli.main import main; main(['plugins'])")
    assert {"quantstrats_plugins.sma_cross", "quantstrats.market.sources.sample"} <= loaded
    assert not loaded & HEAVY


def test_importing_the_package_loads_nothing_else_of_it():
    loaded = modules_loaded_by("import quantstrats")
    assert {name for name in loaded if name.startswith("quantstrats")} == {"quantstrats", "quantstrats._version"}


@pytest.mark.parametrize("name", quantstrats.__all__)
def test_every_public_name_is_there(name):
    assert getattr(quantstrats, name) is not None


def test_the_public_packages_cost_nothing_to_import():
    loaded = modules_loaded_by("from quantstrats import features, labels, models, splits")
    assert "quantstrats.features" in loaded
    assert not loaded & (HEAVY | {"numpy", "pluggy"})


def test_a_folder_of_the_projects_name_does_not_hide_it(tmp_path):
    # A clone is called quantstrats: whoever stands above it has such a folder before everything else on Python's path.
    (tmp_path / "quantstrats").mkdir()
    script = "from quantstrats import Market; import quantstrats_plugins"
    subprocess.run([sys.executable, "-c", script], cwd=tmp_path, check=True)


def test_an_unknown_public_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'backtset'"):
        _ = quantstrats.backtset


def test_the_version_stands_in_one_place():
    assert quantstrats.__version__ in (ROOT / "quantstrats" / "_version.py").read_text()


@pytest.mark.skipif(not (ROOT / ".git").exists(), reason="needs a git checkout")
def test_the_project_names_no_machine():
    tracked = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.split()
    for name in tracked:
        text = (ROOT / name).read_text(encoding="utf-8", errors="ignore") if (ROOT / name).is_file() else ""
        if name != "tests/test_packaging.py":
            assert not re.search(r"(?<![\w.])/(home|root|work|tmp|opt)/", text), name

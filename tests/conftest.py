"""Fixtures for all tests."""

from __future__ import annotations

import importlib.util
import os
import sys
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import settings

from quantstrats import Market, Plugins, load_market

TEST_DATA_VARIABLE = "QUANTSTRATS_TEST_DATA"


def offered_to_tests(package):
    """Import a package of this folder, which is on no path, so that tests can import it by its name."""
    file = Path(__file__).with_name(package) / "__init__.py"
    spec = importlib.util.spec_from_file_location(package, file)
    sys.modules[package] = module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


browsers = offered_to_tests("browser")
offered_to_tests("restarting")
offered_to_tests("shipped")

# The first example may wait for an exchange's calendar; nothing is written beside the tests.
settings.register_profile("quantstrats", deadline=None, max_examples=40, database=None)
settings.load_profile("quantstrats")


@pytest.fixture(autouse=True)
def home(tmp_path_factory, monkeypatch):
    """Give each test a home of its own, so that no run or ledger row lands in the project."""
    folder = tmp_path_factory.mktemp("home")
    monkeypatch.setenv("QUANTSTRATS_HOME", str(folder))
    return folder


@pytest.fixture(scope="session")
def nasdaq():
    """The NASDAQ composite, 5031 real daily bars."""
    return load_market("sample")


@pytest.fixture(scope="session")
def installed():
    """All installed plugins."""
    return Plugins.installed()


@pytest.fixture(scope="session")
def browser():
    """A headless Chromium; skip where there is none. Its pages: ``with browser.open(path) as page``."""
    program = browsers.find_chromium()
    if program is None:
        pytest.skip(f"needs a browser: {browsers.NO_CHROMIUM}")
    chromium = browsers.Browser(program)
    yield chromium
    chromium.close()


@pytest.fixture(scope="session")
def real_bars():
    """Read a file of real bars as frames by field; skip where the files are not at hand."""

    def read(name):
        folder = os.environ.get(TEST_DATA_VARIABLE)
        if not folder:
            pytest.skip(f"needs real market data: {TEST_DATA_VARIABLE} is not set")
        table = pd.read_parquet(Path(folder) / f"{name}.parquet")
        fields = ("open", "high", "low", "close", "volume")
        return {field: table.pivot(index="date", columns="symbol", values=field) for field in fields}  # noqa: PD010

    return read


@pytest.fixture(scope="session")
def sessions():
    """Return the first n sessions of New York in 2015 (no holiday among the first nine: 2 to 14 January)."""

    def first(count):
        days = pd.bdate_range("2015-01-02", periods=count + 10)
        holidays = pd.to_datetime(["2015-01-19", "2015-02-16", "2015-04-03", "2015-05-25", "2015-07-03"])
        return days.difference(holidays)[:count]

    return first


@pytest.fixture(scope="session")
def market_of(sessions):
    """Make a Market from columns of closes (None for a missing bar), with opens where they matter."""

    def make(closes, opens=None, **facts):
        index = sessions(len(next(iter(closes.values()))))
        close = pd.DataFrame(closes, index=index, dtype="float64")
        if opens is None:
            return Market.from_frames(close=close, **facts)
        open_ = pd.DataFrame(opens, index=index, dtype="float64")
        high, low = close.where(close > open_, open_), close.where(close < open_, open_)
        volume = close.notna().astype("float64").mask(close.isna()) * 1e6
        return Market.from_frames(open=open_, high=high, low=low, close=close, volume=volume, **facts)

    return make

"""Fixtures for tests of the cache."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import pytest

from quantstrats.market.cache.cache import BarCache

# This folder is on no path; the tests in it import the vendor by its name.
_spec = importlib.util.spec_from_file_location("fake_vendor", Path(__file__).with_name("fake_vendor.py"))
sys.modules["fake_vendor"] = fake_vendor = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(fake_vendor)


@pytest.fixture
def vendor():
    """A vendor of AAA, BBB and CCC."""
    return fake_vendor.three_symbols()


@pytest.fixture
def source(vendor):
    """Its daily bars."""
    return fake_vendor.FakeSource(vendor=vendor)


@pytest.fixture
def cache(tmp_path):
    """An empty cache."""
    return BarCache(tmp_path / "cache")

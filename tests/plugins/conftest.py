"""Fixtures for tests of the signals that ship."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

import pytest

CAMPAIGNS = Path(__file__).parents[2] / "backtests" / "campaigns"


@pytest.fixture
def campaign(monkeypatch):
    """Import a campaign as Python finds it where it is run: beside its neighbours."""
    monkeypatch.syspath_prepend(str(CAMPAIGNS))
    names = [path.stem for path in CAMPAIGNS.glob("*.py")]
    for name in names:
        monkeypatch.delitem(sys.modules, name, raising=False)
    yield importlib.import_module
    for name in names:
        sys.modules.pop(name, None)

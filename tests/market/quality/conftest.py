"""Blocks of bars made by hand."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from quantstrats.market.calendar import Calendar
from quantstrats.market.quality.block import Block
from quantstrats.market.quality.check import examine


@pytest.fixture(scope="session")
def defects():
    """The module that plants defects."""
    file = Path(__file__).with_name("planted_defects.py")
    spec = importlib.util.spec_from_file_location(file.stem, file)
    sys.modules[file.stem] = module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def grid_of():
    """Return the first rows of 2015 of an exchange, of daily bars or of bars of so many minutes."""

    def make(rows, minutes=None, calendar="XNYS"):
        exchange = Calendar(calendar)
        if minutes is None:
            grid = exchange.grid(pd.Timestamp("2015-01-01"), pd.Timestamp("2018-12-31"), None)
        else:
            first, last = pd.Timestamp("2015-01-01", tz="UTC"), pd.Timestamp("2015-03-31", tz="UTC")
            grid = exchange.grid(first, last, pd.Timedelta(minutes=minutes))
        return type(grid)(grid.index[:rows], grid.decided_at[:rows], grid.session[:rows])

    return make


@pytest.fixture(scope="session")
def calm(grid_of):
    """Return bars around 100 that move by one percent up and down, with some range and volume; one column."""

    def make(rows=120, minutes=None, calendar="XNYS", step=0.01):
        turns = np.array([0.0, 1.0, -1.0, 2.0, 0.0, -2.0, 1.0])
        close = 100 * np.exp(step * turns[np.arange(rows) % len(turns)])[:, None]
        open_ = close * np.exp(step * 0.3)
        high, low = np.maximum(open_, close) * np.exp(step * 0.2), np.minimum(open_, close) * np.exp(-step * 0.2)
        volume = 1000.0 + 10.0 * (np.arange(rows) % 5)[:, None]
        values = {"open": open_, "high": high, "low": low, "close": close.copy(), "volume": volume}
        bar = None if minutes is None else pd.Timedelta(minutes=minutes)
        return Block(grid_of(rows, minutes, calendar), ["A"], bar, values)

    return make


@pytest.fixture(scope="session")
def found():
    """Return where a rule hits: (row, field) of the only column, or of all rules by name."""

    def look(block, rule=None):
        fields = ("open", "high", "low", "close", "volume")
        by_name = {}
        for each, hits in examine(block):
            places = [(int(row), fields[field]) for row, field in zip(hits.row, hits.field, strict=True)]
            if places:
                by_name[each.name] = places
        return by_name if rule is None else by_name.get(rule, [])

    return look

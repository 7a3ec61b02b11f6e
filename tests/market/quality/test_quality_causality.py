"""No rule and no repair looks at later rows."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quantstrats.market.quality.block import Block
from quantstrats.market.quality.check import examine
from quantstrats.market.quality.repair import Repair, apply_repair
from quantstrats.market.quality.rules import RULES

FIELDS = ("open", "high", "low", "close", "volume")
# What no word may leave in place goes, so that the other rules' repairs are seen.
POLICIES = [None, "drop", "mask", "winsorise", {"default": "winsorise", "decimal_shift": "drop", "zero_volume": "mask"}]


@pytest.fixture(scope="module")
def planted(defects):
    block, _ = defects.planted_block(seed=5, symbols=24, rows=800)
    # Bars that have closes alone as yet, with closes that stand still, and volumes that are none as yet.
    clean = defects.clean_block(seed=6, symbols=3, rows=800).values
    for row in range(50, 750, 100):
        clean["close"][row : row + 8] = clean["close"][row]
    values = {}
    for field, array in block.values.items():
        added = np.zeros_like(clean["volume"]) if field == "volume" else clean["close"]
        values[field] = np.hstack([array, added])
    return Block(block.grid, [*block.symbols, "X", "Y", "Z"], None, values)


@pytest.fixture(scope="module")
def minutes(calm):
    rng = np.random.default_rng(0)
    block = calm(rows=1000, minutes=1, step=0.0005)
    values = {field: np.repeat(array, 6, axis=1) for field, array in block.values.items()}
    for field in FIELDS:
        cells = rng.random(values[field].shape) < 0.01
        values[field][cells] *= rng.choice([0.1, 0.5, 1.04, 1.2, 2.0, 100.0, 5000.0, 0.0, -1.0], cells.sum())
    gone = rng.random(values["close"].shape) < 0.02
    for field in FIELDS:
        values[field][gone] = np.nan
    return Block(block.grid, [f"S{number}" for number in range(6)], block.bar, values)


def with_another_future(block, row, seed):
    """Return the block with other bars after a row: wild, missing, impossible."""
    rng = np.random.default_rng(seed)
    values = {}
    for field, array in block.values.items():
        after = array.copy()
        shape = after[row + 1 :].shape
        after[row + 1 :] *= np.exp(rng.normal(0, rng.choice([0.1, 3.0]), shape))
        odd = rng.random(shape) < 0.2
        after[row + 1 :][odd] = rng.choice([np.nan, np.inf, 0.0, -1.0, 1e9], odd.sum())
        values[field] = after
    return Block(block.grid, block.symbols, block.bar, values)


@pytest.mark.parametrize("which", ["planted", "minutes"])
@given(part=st.floats(0, 1), seed=st.integers(0, 10**6))
def test_what_comes_later_changes_no_hit_and_no_bound(request, which, part, seed):
    block = request.getfixturevalue(which)
    row = int(part * (len(block.grid.index) - 2))
    before = examine(block)
    after = examine(with_another_future(block, row, seed))
    for (rule, mine), (_, theirs) in zip(before, after, strict=True):
        mine, theirs = mine.only(mine.row <= row), theirs.only(theirs.row <= row)
        for name in ("row", "column", "field", "value", "expected", "bound"):
            np.testing.assert_array_equal(getattr(mine, name), getattr(theirs, name), err_msg=rule.name)


@pytest.mark.parametrize("policy", POLICIES, ids=str)
@settings(max_examples=20)
@given(part=st.floats(0, 1), seed=st.integers(0, 10**6))
def test_what_comes_later_changes_no_repaired_value(planted, policy, part, seed):
    row = int(part * (len(planted.grid.index) - 2))
    whole = repaired(planted, policy)
    other = repaired(with_another_future(planted, row, seed), policy)
    for field in FIELDS:
        np.testing.assert_array_equal(whole[field][: row + 1], other[field][: row + 1])


def repaired(block, policy):
    """Return the repaired values of a copy of the block."""
    # The default policy refuses what cannot be a bar.
    rules = RULES if policy is not None else [rule for rule in RULES if rule.kind == "doubtful"]
    values = {field: array.copy() for field, array in block.values.items()}
    copied = Block(block.grid, block.symbols, block.bar, values)
    apply_repair(Repair.of(policy), copied, examine(copied, rules))
    return values


def test_the_bars_of_this_test_have_something_of_every_kind(planted, minutes):
    assert all(len(hits) for _, hits in examine(planted))
    assert sum(len(hits) > 0 for _, hits in examine(minutes)) >= 10

"""docs/pairs.md: its example runs, and every public name is told of."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from quantstrats import pairs

GUIDE = (Path(__file__).parents[2] / "docs" / "pairs.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", pairs.__all__)
def test_every_public_name_is_in_the_guide(name):
    assert re.search(rf"`{name}\b", GUIDE)


def test_the_guides_example_finds_and_trades_the_planted_pair():
    scope = {}
    exec(re.search(r"```python\n(.*?)```", GUIDE, re.DOTALL)[1], scope)
    assert scope["passing"]["dependent"].item() in ("S001", "S002")
    assert scope["held"].any(axis=None)


def test_names_that_modules_share_stay_functions():
    # A module of the package that is called like a function of it would take its place once it is imported.
    import importlib

    for home in set(pairs._HOMES.values()):
        importlib.import_module(f"quantstrats.pairs.{home}")
        assert home not in pairs.__all__

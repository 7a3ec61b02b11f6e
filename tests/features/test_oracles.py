"""Every feature equals what something else computes."""

from __future__ import annotations

import pytest

from quantstrats import features
from quantstrats.features.spec import specs_of

from .oracle import all_oracles

ORACLES = all_oracles()


@pytest.mark.parametrize("oracle", ORACLES, ids=lambda oracle: f"{oracle.feature} ({oracle.against})")
def test_a_feature_equals_its_oracle(oracle):
    difference, compared = oracle.difference()
    assert compared >= 100
    assert difference <= oracle.tolerance


def test_every_feature_has_an_oracle():
    known = {specs_of([oracle.feature])[0].feature.name for oracle in ORACLES}
    assert sorted(set(features.shipped()) - known) == []

"""What is planted is found by the signal that looks for it, and hardly ever where nothing is."""

from __future__ import annotations

import pytest

SEEDS = (1, 2, 3)
# The campaign has the power at each size, over fifty seeds; here stand sizes at which it is close to one.
FOUND = {
    "pair, two years": "halves in 3",
    "pair, traded": "halves in 3",
    "momentum": "0.3",
    "momentum, averages": "0.3",
    "momentum, learned": "0.3",
    "illiquidity": "0.04",
    "regime, learned": "1.5",
    "regime, volatility": "1.5",
}


@pytest.fixture
def planted_truth(campaign):
    return campaign("planted_truth")


@pytest.mark.parametrize("name", FOUND)
def test_what_is_planted_is_found(planted_truth, name):
    told = [planted_truth.looked_for((name, FOUND[name], seed)) for seed in SEEDS]
    assert sum(each.found for each in told) >= 2, told


@pytest.mark.parametrize("name", FOUND)
def test_what_is_not_there_is_hardly_ever_found(planted_truth, name):
    told = [planted_truth.looked_for((name, "0", seed)) for seed in SEEDS]
    assert sum(each.found for each in told) <= 1, told


def test_the_table_has_a_share_and_its_interval_for_every_size(planted_truth, capsys):
    assert planted_truth.main(["--seeds", "1-3", "--processes", "1", "--only", "pair, a year"]) == 0
    rows = [line for line in capsys.readouterr().out.splitlines() if line.startswith("| pair, a year")]
    assert [row.split(" | ")[1] for row in rows] == ["0", "halves in 10", "halves in 5", "halves in 3"]
    assert "| cointegration_pairs | pair | 0% | 0% to 71% | others 0.00 |" in rows[0]


def test_the_interval_of_a_share_is_the_exact_one(planted_truth):
    # Of none in fifty: the share at which none in fifty has a chance of 2.5%.
    assert planted_truth.interval(0, 50) == pytest.approx((0.0, 1 - 0.025 ** (1 / 50)))
    # Published (Clopper and Pearson 1934, as tabulated): 4 of 20.
    assert planted_truth.interval(4, 20) == pytest.approx((0.0573, 0.4366), abs=5e-5)

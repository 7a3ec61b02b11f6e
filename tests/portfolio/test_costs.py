"""Costs that make no sense are refused."""

from __future__ import annotations

import re
from decimal import Decimal

import pytest

from quantstrats import Costs
from quantstrats.errors import ConfigError, DataError

FIELDS = ["commission_bps", "commission_per_share", "commission_minimum", "slippage_bps", "impact"]


def test_the_defaults_are_ten_and_five_basis_points():
    assert Costs() == Costs(commission_bps=10.0, commission_per_share=0.0, commission_minimum=0.0, slippage_bps=5.0)
    assert (Costs().impact, Costs().impact_window) == (0.0, 21)


@pytest.mark.parametrize("field", FIELDS)
@pytest.mark.parametrize("value", [-0.1, float("nan"), float("inf"), 10**400])
def test_a_cost_is_never_negative_missing_or_infinite(field, value):
    with pytest.raises(ValueError, match=f"{field} is {value}; it cannot be negative or infinite"):
        Costs(**{field: value})


@pytest.mark.parametrize("field", FIELDS)
@pytest.mark.parametrize("value", ["5", None, True, [5.0], 5j, Decimal(5)])
def test_a_cost_is_a_number(field, value):
    with pytest.raises(ConfigError, match=f"^{re.escape(f'{field} is {value!r}; give a number')}$"):
        Costs(**{field: value})


def test_slippage_of_everything_is_refused():
    with pytest.raises(ValueError, match="10000 or more would sell for nothing"):
        Costs(slippage_bps=10_000)


def test_no_costs_at_all_are_fine():
    assert Costs(0, 0, 0, 0).slippage_bps == 0


@pytest.mark.parametrize("window", [0, -1, 1.5, "21", True, None, 10**6])
def test_the_window_of_the_impact_counts_rows(window):
    with pytest.raises(ConfigError, match=r"^impact_window is .*; it counts rows, from 1 to 100000$"):
        Costs(impact_window=window)


def test_an_impact_needs_volumes(market_of):
    closes_alone, whole = market_of({"A": [1, 2]}), market_of({"A": [1, 2]}, {"A": [1, 2]})
    with pytest.raises(DataError, match=r"^costs\.impact needs volumes, which these bars lack; leave it out$"):
        Costs(impact=1).check(closes_alone)
    Costs(impact=1).check(whole)
    Costs().check(closes_alone)

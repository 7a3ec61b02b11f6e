"""Half-lives: of known processes, and of what has none."""

from __future__ import annotations

import numpy as np
import pytest
from statsmodels.regression.linear_model import OLS
from statsmodels.tools import add_constant

from quantstrats import pairs
from quantstrats.pairs.reversion import half_lives


def test_an_ornstein_uhlenbeck_process_halves_after_ln_2_over_theta():
    # theta 0.05: exp(-0.05) is left after a row, ln 2 / 0.05 = 13.8629 rows.
    assert pairs.half_life(np.exp(-0.05 * np.arange(200))) == pytest.approx(13.8629436, abs=1e-6)
    assert half_lives(np.array([np.expm1(-0.05)])) == pytest.approx([13.8629436])


def test_the_slope_is_that_of_a_regression_with_a_constant():
    rng = np.random.default_rng(0)
    spread = 5.0 + rng.normal(size=300).cumsum() * 0.1 + rng.normal(size=300)
    slope = OLS(np.diff(spread), add_constant(spread[:-1])).fit().params[1]
    assert pairs.half_life(spread) == pytest.approx(-np.log(2) / np.log1p(slope), rel=1e-9)


def test_a_missing_value_takes_its_changes_away():
    values = np.exp(-0.05 * np.arange(60))
    values[[0, 17, 59]] = np.nan
    assert pairs.half_life(values) == pytest.approx(13.8629436, abs=1e-6)


@pytest.mark.parametrize(
    ("spread", "expected"),
    [
        (1.1 ** np.arange(20), np.inf),  # runs away
        (np.arange(20.0), np.inf),  # a trend
        ([1.0, -2.0, 4.0, -8.0, 16.0], 0.0),  # more than all is gone
        ([1.0] * 9, np.nan),
        ([1.0, 2.0, 1.0], np.nan),  # two changes
        ([], np.nan),
    ],
)
def test_what_does_not_come_back_has_no_half_life(spread, expected):
    assert pairs.half_life(spread) == pytest.approx(expected, nan_ok=True)

"""How large a bet is, against the normal distribution of scipy."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import norm

from quantstrats import models
from quantstrats.errors import ConfigError


@given(st.floats(1e-6, 1 - 1e-6), st.integers(2, 5))
def test_a_size_is_the_formula_of_lopez_de_prado_without_turning_round(chance, classes):
    expected = 2 * norm.cdf((chance - 1 / classes) / np.sqrt(chance * (1 - chance))) - 1
    assert models.bet_size(chance, classes) == pytest.approx(max(expected, 0.0), abs=1e-12)


def test_at_an_even_chance_nothing_is_bet_and_at_certainty_all():
    assert models.bet_size([0.0, 0.3, 0.5, 1.0]).tolist() == [0.0, 0.0, 0.0, 1.0]
    # (0.7 - 0.5) / sqrt(0.21) = 0.43644, of which the normal distribution has 0.66874 below it.
    assert models.bet_size([0.7])[0] == pytest.approx(2 * 0.66874 - 1, abs=2e-5)


def test_the_shape_is_kept_and_what_is_missing_stays_so():
    found = models.bet_size([[0.6, float("nan")]])
    assert found.shape == (1, 2)
    assert np.isnan(found).tolist() == [[False, True]]
    assert models.bet_size(np.empty((0, 3))).shape == (0, 3)


def test_what_is_no_probability_is_refused():
    with pytest.raises(ConfigError, match="a probability is outside 0 to 1"):
        models.bet_size([0.5, 1.2])
    with pytest.raises(ConfigError, match="classes is 1; give a whole number of at least 2"):
        models.bet_size([0.5], 1)

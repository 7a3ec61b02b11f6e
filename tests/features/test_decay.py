"""How many bars a recursive formula takes."""

from __future__ import annotations

import numpy as np
import pytest

from quantstrats.features.decay import WEIGHT, bars_until_faded, ema_bars, wilder_bars


@pytest.mark.parametrize("stages", [1, 2, 3, 4])
@pytest.mark.parametrize("alpha", [0.03, 1 / 14, 0.2, 0.5, 0.9])
def test_after_so_many_bars_the_start_weighs_nothing_and_a_bar_before_it_still_does(alpha, stages):
    # The cascade itself, run on a start of 1 and zeros after it.
    def left(bars):
        levels = np.ones(stages)
        for _ in range(bars):
            value = 0.0
            for stage in range(stages):
                levels[stage] += alpha * (value - levels[stage])
                value = levels[stage]
        return levels[-1]

    bars = bars_until_faded(alpha, stages)
    assert left(bars) <= WEIGHT * (1 + 1e-9)
    assert left(bars - 1) > WEIGHT * (1 - 1e-9)


def test_the_bars_of_one_stage_are_those_of_the_closed_form():
    # (1 - alpha)^n <= 1e-9, by hand: n = 9 ln 10 / -ln(1 - alpha).
    assert wilder_bars(14) == int(np.ceil(9 * np.log(10) / -np.log(13 / 14)))
    assert ema_bars(26) == int(np.ceil(9 * np.log(10) / -np.log(25 / 27)))


@pytest.mark.parametrize("alpha", [0.0, -0.1, 1.5])
def test_a_smoothing_factor_that_is_none_is_refused(alpha):
    with pytest.raises(ValueError, match="is not above 0 and at most 1"):
        bars_until_faded(alpha)


def test_a_window_of_no_bars_is_refused():
    with pytest.raises(ValueError, match="window is 0; it must be at least 1"):
        ema_bars(0)

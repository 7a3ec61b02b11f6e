"""What an allocator may return, and what is said when it returns something else."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import pytest

from quantstrats import Allocator
from quantstrats.errors import AllocationError
from quantstrats.portfolio.allocation import allocate

FORECAST = pd.DataFrame({"A": [1.0, 2.0], "B": [-1.0, np.nan]}, index=pd.to_datetime(["2015-01-05", "2015-01-06"]))


@dataclass(frozen=True)
class Given(Allocator):
    """Return what it was given, or call it with the forecast."""

    name = "given"
    result: Any = None

    def weights(self, forecast):
        return self.result(forecast) if callable(self.result) else self.result


def refusal(result):
    with pytest.raises(AllocationError) as told:
        allocate(Given(result=result), FORECAST)
    assert "\n" not in str(told.value)
    return str(told.value)


@pytest.mark.parametrize(
    ("result", "message"),
    [
        (FORECAST.to_numpy(), "allocator 'given' returned ndarray, not a DataFrame of rows x symbols"),
        (FORECAST["A"], "allocator 'given' returned Series, not a DataFrame"),
        (FORECAST.iloc[:1] / 2, "allocator 'given' returned other rows or symbols than the forecast; keep its index"),
        (FORECAST[["A"]] / 2, "allocator 'given' returned other rows or symbols"),
        (FORECAST[["B", "A"]] / 2, "allocator 'given' returned other rows or symbols"),
        (FORECAST, "allocator 'given': absolute weights sum to 2 at 2015-01-05 00:00:00; at most 1"),
        (FORECAST * np.inf, "absolute weights sum to inf at 2015-01-05 00:00:00"),
        (FORECAST / 2 + 0.001, "absolute weights sum to 1.001 at 2015-01-06 00:00:00"),
        (FORECAST.astype(str) + "%", "allocator 'given' returned weights that are not numbers"),
        (lambda forecast: forecast["C"], "allocator 'given' failed in weights(): KeyError: 'C'"),
    ],
)
def test_weights_that_break_the_contract_are_refused_in_one_line(result, message):
    assert message in refusal(result)


def test_an_error_of_several_lines_is_told_in_one():
    def fail(forecast):
        raise ValueError("first\n  second")

    assert refusal(fail).endswith("failed in weights(): ValueError: first second")


def test_missing_weights_are_zero_and_the_rest_is_scaled():
    weights = allocate(Given(gross=0.5, cash_buffer=0.2, result=FORECAST / 2), FORECAST)
    np.testing.assert_allclose(weights, [[0.2, -0.2], [0.4, 0.0]], rtol=1e-15)


def test_an_allocator_sees_nothing_between_zero_and_the_flat_threshold():
    seen = []
    tiny = pd.DataFrame({"A": [9.9e-13], "B": [-9.9e-13], "C": [1e-12], "D": [np.nan]})
    allocate(Given(result=lambda forecast: seen.append(forecast) or forecast * 0), tiny)
    assert seen[0].iloc[0].tolist()[:3] == [0.0, 0.0, 1e-12]
    assert np.isnan(seen[0]["D"].iloc[0])


def test_the_forecast_itself_is_left_alone():
    forecast = pd.DataFrame({"A": [9.9e-13]})

    def overwrite(given):
        given.iloc[:] = 0.5
        return given

    allocate(Given(result=overwrite), forecast)
    assert forecast["A"].tolist() == [9.9e-13]


def test_weights_may_overshoot_by_rounding():
    assert allocate(Given(cash_buffer=0.0, result=FORECAST / 2 * (1 + 1e-10)), FORECAST).iloc[0, 0] == pytest.approx(
        0.5
    )

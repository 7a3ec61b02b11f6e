"""Each allocator on small tables worked out by hand, and what all of them must hold to."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from quantstrats.portfolio.allocation import allocate
from quantstrats.portfolio.allocators import Direct, LongFlat, LongShort, Proportional, TopQuantile

NAN = float("nan")


def shares(allocator, *forecast):
    """Allocate one row of forecasts."""
    row = pd.DataFrame([forecast], columns=[f"S{place:03}" for place in range(len(forecast))])
    return allocate(allocator, row).iloc[0].tolist()


def full(cls, **parameters):
    """Make an allocator that puts all equity to work, so that shares are weights."""
    return cls(cash_buffer=0.0, **parameters)


THIRD = 1 / 3
CASES = [
    (full(LongFlat), (0.5, -1, 2, 0), (0.25, 0, 0.25, 0)),
    (full(LongFlat), (NAN, -1, 2, NAN), (0, 0, 0.5, 0)),
    (full(LongFlat), (NAN, NAN), (0, 0)),
    (full(LongFlat), (0, 0), (0, 0)),
    (full(LongFlat), (9e-13, 1e-12, 1), (0, THIRD, THIRD)),
    (full(LongShort), (0.5, -1, 2, 0), (0.25, -0.25, 0.25, 0)),
    (full(LongShort), (NAN, -1, 2), (0, -0.5, 0.5)),
    (full(LongShort), (NAN, NAN), (0, 0)),
    (full(LongShort), (-9e-13, -1e-12), (0, -0.5)),
    (full(TopQuantile, quantile=0.5), (1, 4, 3, 2), (0, 0.5, 0.5, 0)),
    (full(TopQuantile, quantile=0.5), (-1, -4, -3, -2), (0.5, 0, 0, 0.5)),
    (full(TopQuantile, quantile=0.5), (1, NAN, 3, 2), (0, 0, 1, 0)),
    (full(TopQuantile, quantile=0.5), (1, 1, 1, 1), (0.5, 0.5, 0, 0)),
    (full(TopQuantile, quantile=0.01), (1, 4, 3, 2), (0, 1, 0, 0)),
    (full(TopQuantile, quantile=1.0), (1, 4, NAN, 2), (THIRD, THIRD, 0, THIRD)),
    (full(TopQuantile, quantile=0.5), (NAN, NAN), (0, 0)),
    (full(TopQuantile, quantile=0.5), (0, 0), (1, 0)),
    (full(TopQuantile, quantile=0.5, short=True), (1, 4, 3, 2), (-0.25, 0.25, 0.25, -0.25)),
    (full(TopQuantile, quantile=1.0, short=True), (1, 2, 3), (-0.5, 0, 0.5)),
    (full(TopQuantile, quantile=0.8, short=True), (1, 2, 3, 4, 5), (-0.25, -0.25, 0, 0.25, 0.25)),
    (full(TopQuantile, quantile=0.5, short=True), (1, NAN, 2, NAN), (-0.5, 0, 0.5, 0)),
    (full(TopQuantile, quantile=0.5, short=True), (7, NAN), (0, 0)),
    (full(TopQuantile, quantile=0.5, short=True), (5, 5, 5, 5), (0.25, 0.25, -0.25, -0.25)),
    (full(Proportional), (1, -3, 0), (0.25, -0.75, 0)),
    (full(Proportional), (1, NAN, 1), (0.5, 0, 0.5)),
    (full(Proportional), (0, 0), (0, 0)),
    (full(Proportional), (NAN, NAN), (0, 0)),
    (full(Proportional), (1e-13, 2.0), (0, 1)),
    (Direct(), (0.5, -0.25, NAN), (0.5, -0.25, 0)),
    (Direct(), (1, -1), (0.5, -0.5)),
    (Direct(), (0, 0), (0, 0)),
    (Direct(gross=2.0), (1, -0.5), (1, -0.5)),
    (Direct(gross=2.0), (3, -1), (1.5, -0.5)),
    (Direct(gross=0.5), (0.5, 0.5), (0.25, 0.25)),
]


@pytest.mark.parametrize(("allocator", "forecast", "expected"), CASES)
def test_weights_are_those_worked_out_by_hand(allocator, forecast, expected):
    assert shares(allocator, *forecast) == pytest.approx(expected, abs=1e-15)


@pytest.mark.parametrize(
    ("quantile", "count", "held"),
    [
        (0.29, 100, 29),
        (0.2, 10, 2),
        (0.3, 10, 3),
        (0.7, 10, 7),
        (0.1, 9, 1),
        (0.19, 10, 1),
        (0.57, 100, 57),
        (1.0, 7, 7),
    ],
)
def test_a_quantile_is_rounded_down_but_not_by_floating_point(quantile, count, held):
    assert np.count_nonzero(shares(TopQuantile(quantile=quantile), *range(1, count + 1))) == held


@pytest.mark.parametrize("cls", [LongFlat, LongShort, TopQuantile, Proportional])
def test_gross_and_cash_buffer_scale_the_weights(cls):
    assert shares(cls(gross=2.0, cash_buffer=0.1), 3.0) == pytest.approx([1.8])
    assert shares(cls(), 3.0) == pytest.approx([0.95])


def test_the_two_sides_of_a_quantile_share_the_gross_exposure():
    weights = shares(TopQuantile(quantile=0.5, short=True, gross=2.0, cash_buffer=0.0), 1, 2, 3, 4)
    assert weights == pytest.approx([-0.5, -0.5, 0.5, 0.5])


@pytest.mark.parametrize(
    ("cls", "parameters", "message"),
    [
        (LongFlat, {"gross": 0.0}, "gross is 0.0; it is a positive multiple of equity"),
        (LongFlat, {"gross": NAN}, "gross is nan"),
        (LongFlat, {"gross": float("inf")}, "gross is inf"),
        (LongShort, {"cash_buffer": 1.0}, "cash_buffer is 1.0; it is a fraction from 0 to below 1"),
        (LongShort, {"cash_buffer": -0.1}, "cash_buffer is -0.1"),
        (TopQuantile, {"quantile": 0.0}, "quantile is 0.0; it is a fraction above 0, up to 1"),
        (TopQuantile, {"quantile": 1.1}, "quantile is 1.1"),
        (TopQuantile, {"gross": -1}, "gross is -1"),
        (LongFlat, {"gross": 10**400}, "it is a positive multiple of equity"),
        (LongFlat, {"gross": "1"}, "gross is '1'; give a number"),
        (LongFlat, {"gross": True}, "gross is True; give a number"),
        (LongFlat, {"cash_buffer": None}, "cash_buffer is None; give a number"),
        (TopQuantile, {"quantile": [0.2]}, r"quantile is \[0.2\]; give a number"),
        (TopQuantile, {"quantile": NAN}, "quantile is nan; it is a fraction above 0, up to 1"),
        (TopQuantile, {"short": "no"}, "short is 'no'; give True or False"),
    ],
)
def test_parameters_that_make_no_sense_are_refused(cls, parameters, message):
    with pytest.raises(ValueError, match=message):
        cls(**parameters)


EVERY = [
    LongFlat(),
    LongShort(gross=2.0),
    TopQuantile(),
    TopQuantile(quantile=0.4, short=True),
    Proportional(gross=0.7),
    Direct(),
    Direct(gross=3.0, cash_buffer=0.2),
]
number = st.floats(-1e6, 1e6) | st.just(NAN) | st.sampled_from([0.0, 1.0, -1.0, 1e-13])
tables = arrays.arrays("float64", st.tuples(st.integers(1, 6), st.integers(1, 9)), elements=number)


def frame(values):
    return pd.DataFrame(values, columns=[f"S{place}" for place in range(values.shape[1])])


@pytest.mark.parametrize("allocator", EVERY, ids=repr)
@given(values=tables)
def test_a_row_is_allocated_from_itself_alone(allocator, values):
    whole = allocate(allocator, frame(values))
    for row in range(len(values)):
        alone = allocate(allocator, frame(values).iloc[[row]])
        np.testing.assert_allclose(alone.iloc[0], whole.iloc[row], rtol=1e-12, atol=1e-300)


@pytest.mark.parametrize("allocator", EVERY, ids=repr)
@given(values=tables)
def test_weights_are_complete_and_never_ask_for_more_than_gross_less_the_buffer(allocator, values):
    weights = allocate(allocator, frame(values))
    assert weights.notna().all(axis=None)
    most = allocator.gross * (1 - allocator.cash_buffer)
    assert (weights.abs().sum(axis=1) <= most * (1 + 1e-12)).all()
    assert not weights.to_numpy()[np.isnan(values)].any()


@pytest.mark.parametrize("allocator", EVERY, ids=repr)
@given(values=st.lists(st.integers(-500, 500), min_size=1, max_size=9, unique=True), order=st.randoms())
def test_symbols_in_another_order_get_the_same_weights(allocator, values, order):
    row = frame(np.array([values], dtype="float64"))
    shuffled = order.sample(list(row.columns), len(row.columns))
    again = allocate(allocator, row[shuffled])[row.columns]
    np.testing.assert_allclose(again, allocate(allocator, row), rtol=1e-12)


@pytest.mark.parametrize("allocator", EVERY, ids=repr)
def test_no_decision_rows_are_no_weights(allocator):
    assert allocate(allocator, frame(np.ones((2, 3))).iloc[:0]).shape == (0, 3)

"""Positions in spreads: by hand, and against a slow way to say the same."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from quantstrats import pairs
from quantstrats.errors import ConfigError, DataError

NAN = math.nan


def held(z, **bounds):
    return pairs.positions(pd.DataFrame({"A/B": z}, dtype="float64"), **bounds)["A/B"].to_list()


@pytest.mark.parametrize(
    ("z", "bounds", "expected"),
    [
        # sold at 2, held until the mean is crossed, bought at -2
        ([0, 1.9, 2.0, 3.0, 0.1, -0.1, -2.5, -1.0, 0.0, 0.0], {}, [0, 0, -1, -1, -1, 0, 1, 1, 0, 0]),
        # flat on the first row, however far the spread is
        ([3, 3, 3, -3], {}, [0, -1, -1, 1]),
        # closed at 0.5 already
        ([0, 2, 0.6, 0.5, 1.9, 2], {"exit": 0.5}, [0, -1, -1, 0, 0, -1]),
        # stopped, left alone until it has come back, then traded again
        ([0, 2, 4, 3, 2.5, 0.1, 2.5, -0.1, 2.5], {"stop": 4.0}, [0, -1, 0, 0, 0, 0, 0, 0, -1]),
        ([0, -2, -4, -3, 0.5, -2], {"stop": 4.0}, [0, 1, 0, 0, 0, 1]),
        # it comes back right to the other side
        ([0, 2, 4, -2.5, 0], {"stop": 4.0}, [0, -1, 0, 1, 0]),
        # beyond the stop at once: never opened
        ([0, 5, 3, 3, 0, 3], {"stop": 4.0}, [0, 0, 0, 0, 0, -1]),
        ([5, 3, 0, 3], {"stop": 4.0}, [0, 0, 0, -1]),
        # one missing row is waited out, more than patience are not
        ([0, 2, NAN, 1, -1], {"patience": 1}, [0, -1, -1, -1, 0]),
        ([0, 2, NAN, NAN, 1, 2], {"patience": 1}, [0, -1, -1, 0, 0, -1]),
        ([NAN, NAN], {}, [0, 0]),
        ([], {}, []),
    ],
)
def test_positions_by_hand(z, bounds, expected):
    assert held(z, **bounds) == expected


def test_where_a_spread_may_not_be_held_it_is_flat_and_begins_anew():
    z = pd.DataFrame({"A/B": [0, 2, 1, 1, 1, 2.0]})
    allowed = pd.DataFrame({"A/B": [True, True, False, True, True, True]})
    assert pairs.positions(z, allowed=allowed)["A/B"].to_list() == [0, -1, 0, 0, 0, -1]


def slowly(z, entry, leave, stop, patience):
    """Say what is held of each row by looking back from it."""
    out = []
    for row in range(len(z)):
        side, broken = 0, 0
        for at in range(row + 1):
            if math.isnan(z[at]):
                if at + 1 > patience and all(math.isnan(value) for value in z[at - patience : at + 1]):
                    side = 0
                continue
            if abs(z[at]) >= stop:
                side, broken = 0, math.copysign(1, z[at])
            elif not (broken and broken * z[at] > leave):
                broken = 0
                over = (side < 0 and z[at] <= leave) or (side > 0 and z[at] >= -leave)
                side = 0 if over else side
                if side == 0 and abs(z[at]) >= entry:
                    side = -int(math.copysign(1, z[at]))
            if at == 0:
                side = 0
        out.append(side)
    return out


numbers = st.lists(st.one_of(st.floats(-5, 5), st.just(NAN)), max_size=25)


@given(numbers, st.sampled_from([(2.0, 0.0, math.inf), (1.0, 0.5, 3.0), (2.0, 0.0, 2.5)]), st.integers(0, 3))
def test_positions_are_those_of_a_slow_reference(z, bounds, patience):
    entry, leave, stop = bounds
    found = held(z, entry=entry, exit=leave, stop=None if math.isinf(stop) else stop, patience=patience)
    assert found == slowly(z, *bounds, patience)


@given(numbers, st.integers(0, 25))
def test_a_position_rests_on_no_later_row_and_turns_with_the_spread(z, rows):
    assert held(z[:rows], stop=4.0) == held(z, stop=4.0)[:rows]
    assert held([-value for value in z], stop=4.0) == [-side for side in held(z, stop=4.0)]


def test_spreads_do_not_know_of_each_other():
    rng = np.random.default_rng(0)
    z = pd.DataFrame(rng.normal(0, 2, (100, 3)), columns=list("abc"))
    together = pairs.positions(z)
    for name in z:
        assert pairs.positions(z[[name]])[name].equals(together[name])
    assert pairs.positions(z[[]]).shape == (100, 0)


@pytest.mark.parametrize("bounds", [{"entry": 0.0}, {"exit": 2.0}, {"exit": -0.1}, {"stop": 2.0}, {"entry": NAN}])
def test_bounds_in_another_order_are_refused(bounds):
    with pytest.raises(ConfigError, match="0 <= exit < entry < stop"):
        held([0.0], **bounds)


def test_where_a_spread_may_be_held_is_asked_of_the_same_rows_and_spreads():
    z = pd.DataFrame(
        {"one": [3.0, 3.0, 3.0], "other": [-3.0, -3.0, -3.0]}, index=pd.bdate_range("2020-01-01", periods=3)
    )
    allowed = pd.DataFrame({"one": [True] * 3, "other": [False] * 3}, index=z.index)
    assert pairs.positions(z, allowed=allowed).iloc[-1].tolist() == [-1, 0]
    for wrong in (allowed.iloc[:2], allowed["one"], allowed.set_axis(range(3))):
        with pytest.raises(DataError, match="allowed is not a frame of the same rows"):
            pairs.positions(z, allowed=wrong)
    with pytest.raises(DataError, match="other columns, or the same in another order"):
        pairs.positions(z, allowed=allowed[["other", "one"]])


def test_trades_want_the_opens_of_every_row():
    days = pd.bdate_range("2020-01-01", periods=6)
    held = pd.DataFrame({"A/B": [0, 1, 1, 0]}, index=days[:4])
    weights = pd.DataFrame([[0.5, -0.5]] * 4, held.index, pd.MultiIndex.from_tuples([("A/B", "A"), ("A/B", "B")]))
    opens = pd.DataFrame({"A": [10.0, 10, 10, 11, 12, 12], "B": [10.0] * 6}, index=days)
    (trade,) = pairs.trades(held, weights, opens).itertuples()
    # Bought on the second close at the third open, 10; left on the fourth close at the fifth open, 12.
    assert (trade.opened, trade.closed, trade._6) == (days[1], days[3], pytest.approx(0.1))
    for wrong in (opens.iloc[2:], opens.iloc[[0, 1, 3, 4]]):
        with pytest.raises(DataError, match="opens must have the rows of held"):
            pairs.trades(held, weights, wrong)

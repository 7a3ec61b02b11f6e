"""Positions that remember, by hand and against loops that are written out."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from quantstrats import positions
from quantstrats.errors import DataError

NAN = float("nan")


def frame(values):
    return pd.DataFrame({"A": np.asarray(values, dtype="float64")})


def listed(found):
    return found["A"].tolist()


def same(found, expected):
    np.testing.assert_array_equal(np.asarray(listed(found)), np.asarray(expected, dtype="float64"))


def test_a_trigger_is_followed_for_so_many_rows_its_own_the_first():
    same(positions.after(frame([0, 2, 0, 0, 0, -0.1, 3, 0]), 3), [0, 1, 1, 1, 0, -1, 1, 1])
    same(positions.after(frame([0, 2, 0, -1]), 1), [0, 1, 0, -1])


def test_nothing_is_said_where_nothing_was_known_for_so_long():
    same(positions.after(frame([NAN, 1, NAN, NAN, NAN, 0]), 2), [NAN, 1, 1, NAN, NAN, 0])


def test_reverting_is_in_beyond_entry_and_out_within_leave():
    score = [0, -2.1, -1.5, -0.6, -0.4, -1.9, 2.5, 1, 0.5, 0.4, 0]
    same(positions.reverting(frame(score), entry=2, leave=0.5), [0, 1, 1, 1, 0, 0, -1, -1, 0, 0, 0])


def test_reverting_turns_round_where_the_score_jumps_to_the_other_side():
    same(positions.reverting(frame([-3, 3, -3, 0.0]), entry=2), [1, -1, 1, 0])


def test_reverting_gives_up_after_so_many_rows_that_are_not_beyond_entry():
    same(positions.reverting(frame([-3, -1, -1, -1, -3, -3, -1, -1, -1]), entry=2, hold=3), [1, 1, 1, 0, 1, 1, 1, 1, 0])


def test_reverting_stands_over_missing_scores_and_says_nothing_before_the_first():
    same(positions.reverting(frame([NAN, -3, NAN, -1, 0, NAN]), entry=2, hold=4), [NAN, 1, 1, 1, 0, 0])


def state_machine(score, entry, leave, hold):
    """Decide row by row, from flat; the last row beyond entry is remembered."""
    side, beyond, out = 0, -(10**9), []
    for row, value in enumerate(score):
        if side and side * value >= -leave:
            side = 0
        if abs(value) > entry:
            side, beyond = (1 if value < 0 else -1), row
        if row - beyond >= hold:
            side = 0
        out.append(side)
    return out


@given(
    st.lists(st.floats(-4, 4), min_size=1, max_size=60),
    st.sampled_from([0.0, 0.5, 1.0]),
    st.integers(1, 9),
)
def test_reverting_is_the_state_machine_of_its_rule(score, leave, hold):
    same(positions.reverting(frame(score), entry=2, leave=leave, hold=hold), state_machine(score, 2, leave, hold))


@given(st.lists(st.floats(-4, 4), min_size=8, max_size=40), st.integers(1, 8))
def test_a_row_depends_on_hold_rows_and_no_others(score, hold):
    whole = listed(positions.reverting(frame(score), hold=hold))
    for row in range(hold - 1, len(score)):
        alone = positions.reverting(frame(score[row - hold + 1 : row + 1]), hold=hold)
        assert listed(alone)[-1] == whole[row]


def stopped(wanted, close, loss=0.1, profit=0.2):
    return positions.until_stopped(frame(wanted), frame(close), stop_loss=loss, take_profit=profit)


def test_a_position_ends_at_the_first_close_beyond_its_stop_or_its_target():
    # Bought at 100: 91 is no loss of a tenth, 90 is. Bought again at 100: 119 is no gain of a fifth, 120 is.
    wanted = [1, 0, 0, 1, 0, 0, 0]
    same(stopped(wanted, [100, 91, 90, 100, 119, 120, 150]), [1, 1, 0, 1, 1, 0, 0])


def test_a_short_position_has_its_stop_above():
    same(stopped([-1, 0, 0, -1, 0, 0], [100, 109, 110, 100, 81, 80]), [-1, -1, 0, -1, -1, 0])


def test_what_was_stopped_waits_until_the_same_side_has_ceased_to_be_wanted():
    same(stopped([1, 1, 1, 1, 0, 1], [100, 80, 80, 80, 80, 80]), [1, 0, 0, 0, 0, 1])
    same(stopped([1, 1, -1, 1], [100, 80, 80, 80]), [1, 0, -1, 1])


def test_the_other_side_turns_the_position_and_the_stop_counts_from_there():
    same(stopped([1, -1, 0, 0], [100, 105, 115, 116]), [1, -1, -1, 0])
    same(stopped([1, -1], [100, 80]), [1, -1])  # stopped and turned on one close


def test_what_is_wanted_again_does_not_move_the_stop():
    same(stopped([1, 1, 1], [100, 95, 90]), [1, 1, 0])


def test_a_missing_bar_changes_nothing():
    same(stopped([NAN, 1, 1, NAN, 0], [NAN, 100, NAN, NAN, 90]), [NAN, 1, 1, 1, 0])
    same(stopped([NAN, NAN, 0, 1], [100, 100, 100, NAN]), [NAN, NAN, 0, 0])


def test_symbols_do_not_touch_each_other():
    wanted = pd.DataFrame({"A": [1.0, 0, 0], "B": [0.0, -1, 0]})
    close = pd.DataFrame({"A": [100.0, 80, 80], "B": [100.0, 100, 130]})
    found = positions.until_stopped(wanted, close, stop_loss=0.1, take_profit=0.2)
    assert found.to_dict("list") == {"A": [1, 0, 0], "B": [0, -1, 0]}


@pytest.mark.parametrize(
    ("ask", "line"),
    [
        (lambda: positions.after(frame([1]), 0), "hold is 0; it is a number of rows, at least 1"),
        (lambda: positions.reverting(frame([1]), entry=1, leave=1), "leave is 1 and entry is 1"),
        (lambda: positions.reverting(frame([1]), entry=1, leave=-1), "0 <= leave < entry makes sense"),
        (lambda: stopped([1], [1], loss=0), "stop_loss is 0 and take_profit is 0.2; both are fractions above 0"),
        (lambda: stopped([1], [1], profit=-1), "take_profit is -1"),
        (lambda: stopped([1], [1, 2]), r"wanted has the shape \(1, 1\), close \(2, 1\)"),
    ],
)
def test_what_makes_no_sense_is_refused(ask, line):
    with pytest.raises(DataError, match=line):
        ask()


def test_closes_in_another_order_are_refused():
    days = pd.bdate_range("2020-01-01", periods=3)
    wanted = pd.DataFrame({"A": [1.0, 0.0, 0.0]}, index=days)
    close = pd.DataFrame({"A": [10.0, 11.0, 12.0]}, index=days)
    for wrong in (close.iloc[::-1], close.rename(columns={"A": "B"})):
        with pytest.raises(DataError, match="other rows or columns, or the same in another order"):
            positions.until_stopped(wanted, wrong, stop_loss=0.1, take_profit=0.1)

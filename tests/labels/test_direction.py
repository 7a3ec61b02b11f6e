"""Direction: from the fill to the close of the last row that counts."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from quantstrats import labels
from quantstrats.errors import ConfigError, DataError
from quantstrats.labels import DOWN, NEUTRAL, UP

from .slow import direction as slow_direction

FLAT = (100, 100, 100, 100)


def values(found):
    return found.values["A"].tolist()


def test_the_classes_are_one_enumeration():
    assert (DOWN, NEUTRAL, UP) == (-1.0, 0.0, 1.0)


def test_the_return_is_from_the_next_open_to_the_close_of_the_last_row(bars_of):
    market = bars_of([(90, 120, 80, 110), (100, 106, 99, 105), (104, 104, 96, 97), (97, 101, 97, 100)])
    found = labels.direction(market, horizon=2)
    # 97/100, 100/104; then two rows whose second next is not there.
    assert values(found)[:2] == [DOWN, DOWN]
    assert np.isnan(values(found)[2:]).all()
    assert found.returns["A"].tolist()[:2] == pytest.approx([97 / 100 - 1, 100 / 104 - 1])
    assert found.start[:, 0].tolist() == [0, 1, -1, -1]
    assert found.end[:, 0].tolist() == [2, 3, -1, -1]
    assert found.counts() == {DOWN: 2}
    # From the close at which it is decided: 97/110, 100/105.
    at_close = labels.direction(market, horizon=2, entry="close")
    assert at_close.returns["A"].tolist()[:2] == pytest.approx([97 / 110 - 1, 100 / 105 - 1])


def test_a_return_must_be_beyond_the_threshold_and_a_tie_is_neutral(bars_of):
    after = [(100, 103, 97, close) for close in (100.0, 102.0, 102.5, 98.0, 97.5)]
    market = bars_of([FLAT, *after])
    assert values(labels.direction(market, 1))[:5] == [NEUTRAL, UP, UP, DOWN, DOWN]
    assert values(labels.direction(market, 1, up=0.02))[:5] == [NEUTRAL, NEUTRAL, UP, NEUTRAL, DOWN]
    assert values(labels.direction(market, 1, up=0.02, down=0.0))[:5] == [NEUTRAL, NEUTRAL, UP, DOWN, DOWN]


def test_thresholds_can_differ_from_row_to_row_and_none_is_no_label(bars_of):
    market = bars_of([FLAT, *[(100, 103, 97, 102)] * 3])
    up = pd.DataFrame({"A": [0.01, 0.03, np.nan, 0.0]}, index=market.index)
    found = labels.direction(market, 1, up=up)
    assert values(found)[:2] == [UP, NEUTRAL]
    assert np.isnan(values(found)[2:]).all()
    assert np.isnan(found.returns["A"].iloc[2])
    assert found.end[2, 0] == -1


def test_an_order_waits_for_the_first_bar_and_a_missing_close_is_the_last_one(bars_of):
    market = bars_of([FLAT, None, (100, 108, 100, 107), None, (50, 50, 50, 50)])
    found = labels.direction(market, 3)
    assert found.returns["A"].iloc[0] == pytest.approx(0.07)  # from row 2's open to its close, worth so on row 3
    assert found.end[0, 0] == 3
    assert np.isnan(values(found)[1])  # no bar on the row: no decision
    assert np.isnan(labels.direction(market, 1).values["A"].iloc[0])  # no bar within the horizon: no fill


def test_a_symbol_that_ended_is_worth_what_its_holder_got(bars_of, sessions):
    rows = [FLAT, FLAT, (100, 100, 100, 100), None, None, None]
    worth = bars_of(rows, ended={"A": sessions(6)[2]}, delisting_return=-0.4)
    assert labels.direction(worth, 3).returns["A"].tolist()[:2] == pytest.approx([-0.4, -0.4])
    # On row 2 an order is sent that no bar ever meets; and two rows after row 0 it was not settled yet.
    assert np.isnan(labels.direction(worth, 3).values["A"].iloc[2])
    assert labels.direction(worth, 2).values["A"].iloc[0] == NEUTRAL
    assert labels.direction(worth, 1, entry="close").returns["A"].iloc[2] == pytest.approx(-0.4)
    # Without the fact it stays worth its last close.
    assert labels.direction(bars_of(rows), 3).values["A"].iloc[0] == NEUTRAL


@given(st.integers(0, 10_000), st.integers(1, 15), st.sampled_from(["open", "close"]))
def test_labels_are_those_of_positions_held_one_at_a_time(random_market, seed, horizon, entry):
    market = random_market(seed)
    found = labels.direction(market, horizon, up=0.02, down=0.01, entry=entry)
    values, returns = found.values.to_numpy(), found.returns.to_numpy()
    for row in range(len(market)):
        for column in range(3):
            value, earned = slow_direction(market, row, column, horizon, 0.02, 0.01, entry)
            assert values[row, column] == pytest.approx(value, nan_ok=True)
            assert returns[row, column] == pytest.approx(earned, rel=1e-12, abs=1e-14, nan_ok=True)
            ends = -1 if np.isnan(value) else row + horizon
            assert (found.start[row, column], found.end[row, column]) == (-1 if ends < 0 else row, ends)


def test_a_horizon_longer_than_the_data_is_said(bars_of):
    market = bars_of([FLAT] * 5)
    with pytest.raises(DataError, match="horizon of 5 rows need at least 6 rows, and there are 5"):
        labels.direction(market, 5)
    assert labels.direction(market, 4).counts() == {NEUTRAL: 1}


@pytest.mark.parametrize(
    ("more", "error", "says"),
    [
        ({"horizon": 0}, ConfigError, "horizon is 0"),
        ({"horizon": 1.0}, ConfigError, "horizon is 1.0"),
        ({"horizon": True}, ConfigError, "horizon is True"),
        ({"up": -0.1}, ConfigError, "up is -0.1"),
        ({"down": "much"}, ConfigError, "down is 'much'"),
        ({"up": np.nan}, ConfigError, "up is nan"),
        ({"entry": "opne"}, ConfigError, r"entry is 'opne'; did you mean 'open'\? \(it can be open, close\)"),
    ],
)
def test_what_makes_no_sense_is_said(bars_of, more, error, says):
    with pytest.raises(error, match=says):
        labels.direction(bars_of([FLAT] * 9), **more)


def test_a_threshold_that_is_neither_number_nor_frame_is_one_line(bars_of):
    market = bars_of([FLAT] * 9)
    with pytest.raises(DataError) as refused:
        labels.direction(market, up=pd.Series(0.1, index=market.index))
    assert str(refused.value) == "up is of type Series; give a number, or a DataFrame of rows x symbols"
    texts = pd.DataFrame({"A": ["much"] * 9}, index=market.index)
    with pytest.raises(DataError) as refused:
        labels.direction(market, up=texts)
    assert str(refused.value) == "up holds something that is no number; give numbers, NaN where there is none"


def test_thresholds_of_other_rows_or_symbols_are_refused(bars_of):
    market = bars_of([FLAT] * 9)
    frame = pd.DataFrame({"A": 0.1}, index=market.index)
    with pytest.raises(DataError, match="up has other rows"):
        labels.direction(market, up=frame.iloc[1:])
    with pytest.raises(DataError, match=r"up has other symbols than there are \(as A\)"):
        labels.direction(market, up=frame.rename(columns={"A": "B"}))
    frame.iloc[1] = -0.1
    with pytest.raises(DataError, match=r"up is -0.1 at 2015-01-05 .* A"):
        labels.direction(market, up=frame)

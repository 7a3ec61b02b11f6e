"""The triple barrier, by hand and against positions held one at a time."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from quantstrats import labels
from quantstrats.errors import ConfigError, DataError
from quantstrats.labels import DOWN, NEUTRAL, UP

from .slow import barrier as slow_barrier

FLAT = (100, 100, 100, 100)
NOTHING = (np.nan, np.nan, np.nan, -1)


@pytest.fixture
def ended(bars_of):
    """Tell label, returns, touched and end of the position of row 0, entered at 100 with barriers at 104 and 98."""

    def tell(*after, horizon=3, side=None, **more):
        market = bars_of([(70, 130, 60, 90), *after])
        width = pd.DataFrame({"A": 0.01}, index=market.index)
        sides = None if side is None else pd.DataFrame({"A": float(side)}, index=market.index)
        more = {"profit": 4.0, "stop": 2.0, "volatility": width, "side": sides} | more
        found = labels.triple_barrier(market, horizon, **more)
        row = found.values["A"].iloc[0], found.returns["A"].iloc[0], found.touched["A"].iloc[0], found.end[0, 0]
        return pytest.approx(row, abs=1e-12, nan_ok=True)

    return tell


def test_the_profit_is_touched_first(ended):
    assert ended((100, 101, 99, 100), (100, 104, 99, 103), (97, 97, 97, 97)) == (UP, 0.04, 1.0, 2)


def test_the_stop_is_touched_first(ended):
    assert ended((100, 101, 99, 100), (100, 103, 98, 103), (105, 105, 105, 105)) == (DOWN, -0.02, -1.0, 2)


def test_the_bar_of_entry_counts_after_its_open(ended):
    assert ended((100, 104, 99, 100), FLAT, FLAT) == (UP, 0.04, 1.0, 1)


def test_the_bar_of_the_decision_does_not_count(ended):
    # Its range, 60 to 130, is beyond both barriers; its close, 90, is not what is paid.
    assert ended(FLAT, FLAT, FLAT) == (NEUTRAL, 0.0, 0.0, 3)


def test_a_bar_that_touches_both_is_a_stop(ended):
    assert ended((100, 110, 90, 100), FLAT, FLAT) == (DOWN, -0.02, -1.0, 1)


def test_a_gap_through_the_stop_is_left_at_the_open(ended):
    assert ended((100, 101, 99, 100), (95, 105, 94, 105), FLAT) == (DOWN, -0.05, -1.0, 2)


def test_a_gap_through_the_profit_is_left_at_the_open_whatever_the_bar_does_then(ended):
    assert ended((100, 101, 99, 100), (106, 106, 90, 91), FLAT) == (UP, 0.06, 1.0, 2)


def test_an_open_outside_its_bars_range_is_what_an_order_would_meet(ended):
    # Bars that were not repaired may have one.
    assert ended((100, 101, 99, 100), (90, 101, 99, 100), FLAT) == (DOWN, -0.1, -1.0, 2)
    assert ended((100, 101, 99, 100), (110, 101, 99, 100), FLAT) == (UP, 0.1, 1.0, 2)


@pytest.mark.parametrize(("vertical", "label"), [("zero", NEUTRAL), ("sign", UP)])
def test_time_ends_it_at_the_last_close(ended, vertical, label):
    assert ended(FLAT, FLAT, (100, 103, 99, 101), vertical=vertical) == (label, 0.01, 0.0, 3)


def test_what_comes_after_the_horizon_does_not_count(ended):
    assert ended(FLAT, FLAT, FLAT, (50, 150, 50, 50)) == (NEUTRAL, 0.0, 0.0, 3)


def test_a_short_position_has_its_stop_above_and_its_profit_below(ended):
    # Barriers at 102 and 96.
    assert ended((100, 101, 97, 100), (100, 101, 96, 97), FLAT, side=-1) == (UP, 0.04, 1.0, 2)
    assert ended((100, 102, 97, 100), FLAT, FLAT, side=-1) == (DOWN, -0.02, -1.0, 1)
    assert ended((100, 102, 96, 100), FLAT, FLAT, side=-1) == (DOWN, -0.02, -1.0, 1)
    assert ended(FLAT, (103, 103, 90, 91), FLAT, side=-0.3) == (DOWN, -0.03, -1.0, 2)
    assert ended(FLAT, (95, 110, 95, 110), FLAT, side=-1) == (UP, 0.05, 1.0, 2)
    assert ended(FLAT, FLAT, (100, 101, 99, 101), side=-1, vertical="sign") == (DOWN, -0.01, 0.0, 3)


def test_without_a_side_there_is_no_label(ended):
    for side in (0, np.nan):
        assert ended(FLAT, FLAT, FLAT, side=side) == NOTHING


def test_barriers_can_be_left_out(ended):
    assert ended((100, 150, 99, 149), (149, 149, 98, 99), FLAT, profit=None) == (DOWN, -0.02, -1.0, 2)
    assert ended((100, 103, 10, 11), (11, 104, 11, 100), FLAT, stop=None) == (UP, 0.04, 1.0, 2)
    assert ended((100, 150, 10, 100), FLAT, (100, 100, 1, 2), stop=None, profit=None) == (NEUTRAL, -0.98, 0.0, 3)


def test_an_order_waits_and_a_missing_close_is_the_last_one(ended):
    assert ended(None, (100, 101, 99, 101), None) == (NEUTRAL, 0.01, 0.0, 3)
    assert ended(None, (100, 104, 99, 101), None) == (UP, 0.04, 1.0, 2)
    assert ended(None, None, None, FLAT) == NOTHING


def test_a_symbol_that_ended_is_settled_like_a_bar_of_that_price(bars_of, sessions):
    rows = [FLAT, FLAT, FLAT, None, None, None]
    for got, label, end in ((-0.4, DOWN, 3), (0.3, UP, 3), (0.01, NEUTRAL, 4)):
        market = bars_of(rows, ended={"A": sessions(6)[2]}, delisting_return=got)
        width = pd.DataFrame({"A": 0.01}, index=market.index)
        found = labels.triple_barrier(market, 4, volatility=width)
        assert found.values["A"].iloc[0] == label
        assert found.returns["A"].iloc[0] == pytest.approx(got)
        assert found.end[0, 0] == end


def test_what_was_touched_is_not_known_until_the_horizon_is_there(bars_of):
    market = bars_of([FLAT, (100, 200, 100, 200), (200, 200, 200, 200), (200, 200, 200, 200)])
    width = pd.DataFrame({"A": 0.01}, index=market.index)
    found = labels.triple_barrier(market, 3, volatility=width)
    assert found.end[:, 0].tolist() == [1, -1, -1, -1]
    with pytest.raises(DataError, match="horizon of 3 rows need at least 4 rows, and there are 3"):
        labels.triple_barrier(market.rows(0, 3), 3)


def test_the_width_is_the_volatility_known_at_the_decision(nasdaq):
    market = nasdaq.between("2007-01-01", "2009-12-31")
    found = labels.triple_barrier(market, 15, profit=3.0, stop=2.0)
    close = market.close.iloc[:, 0]
    width = np.log(close).diff().rolling(20).std()
    assert np.isnan(found.values.iloc[:20, 0]).all()
    assert found.values.iloc[20:-15, 0].notna().all()
    entered = market.open.iloc[:, 0].shift(-1)
    touched, earned = found.touched.iloc[:, 0], found.returns.iloc[:, 0]
    stops = touched == -1
    assert 50 < stops.sum() < 700
    # A stop fills at the barrier or, where the bar opens beyond it, at the open.
    later_open = market.open.iloc[:, 0].to_numpy()[found.end[stops, 0]] / entered[stops] - 1.0
    barrier = -2.0 * width[stops]
    np.testing.assert_allclose(earned[stops], np.where(later_open < barrier, later_open, barrier), rtol=1e-9)


@given(
    st.integers(0, 10_000),
    st.integers(1, 15),
    st.sampled_from([(1.0, 1.0), (2.0, 0.5), (0.3, 3.0)]),
    st.sampled_from(["zero", "sign"]),
)
def test_labels_are_those_of_positions_held_one_at_a_time(random_market, seed, horizon, multiples, vertical):
    market = random_market(seed)
    rng = np.random.default_rng(seed)
    width = pd.DataFrame(rng.uniform(0.0, 0.04, (60, 3)), market.index, market.symbols)
    width = width.mask(rng.random((60, 3)) < 0.05).mask(rng.random((60, 3)) < 0.05, 0.0)
    side = pd.DataFrame(
        rng.choice([1.0, -2.0, 0.0, np.nan], (60, 3), p=[0.45, 0.45, 0.05, 0.05]), market.index, market.symbols
    )
    found = labels.triple_barrier(market, horizon, *multiples, volatility=width, side=side, vertical=vertical)
    names = ("touched", "values", "returns", "side")
    laid = [getattr(found, name).to_numpy() for name in names]
    ways, widths = np.sign(side.to_numpy()), width.to_numpy()
    for row in range(60):
        for column in range(3):
            way, wide = ways[row, column], widths[row, column]
            touched, earned, end = slow_barrier(market, row, column, horizon, *multiples, wide, way)
            label = np.sign(earned) if touched == 0 and vertical == "sign" else touched
            expected = [touched, label, earned, np.nan if end < 0 else way]
            got = [each[row, column] for each in laid]
            assert got == pytest.approx(expected, rel=1e-10, abs=1e-13, nan_ok=True)
            assert found.end[row, column] == end
            assert found.start[row, column] == (row if end >= 0 else -1)


@pytest.mark.parametrize(
    ("more", "says"),
    [
        ({"profit": 0.0}, "profit is 0.0"),
        ({"stop": -1.0}, "stop is -1.0"),
        ({"stop": np.nan}, "stop is nan"),
        ({"profit": "far"}, "profit is 'far'"),
        ({"horizon": 0}, "horizon is 0"),
        ({"vertical": "signs"}, r"vertical is 'signs'; did you mean 'sign'\? \(it can be zero, sign\)"),
    ],
)
def test_what_makes_no_sense_is_said(bars_of, more, says):
    with pytest.raises(ConfigError, match=says):
        labels.triple_barrier(bars_of([FLAT] * 9), **({"horizon": 3} | more))


def test_frames_of_other_rows_or_of_negative_widths_are_refused(bars_of):
    market = bars_of([FLAT] * 9)
    frame = pd.DataFrame({"A": -0.01}, index=market.index)
    with pytest.raises(DataError, match=r"volatility is -0.01 at"):
        labels.triple_barrier(market, 3, volatility=frame)
    with pytest.raises(DataError, match="side has other rows"):
        labels.triple_barrier(market, 3, side=frame.iloc[2:])


def test_frames_that_hold_no_numbers_are_one_line(bars_of):
    market = bars_of([FLAT] * 9)
    texts = pd.DataFrame({"A": ["x"] * 9}, index=market.index)
    for name in ("side", "volatility"):
        frames = {"volatility": pd.DataFrame({"A": 0.1}, index=market.index)} | {name: texts}
        with pytest.raises(DataError, match=f"^{name} holds something that is no number; give numbers, NaN where"):
            labels.triple_barrier(market, 3, **frames)
    with pytest.raises(DataError) as refused:
        labels.triple_barrier(market, 3, volatility=pd.Series(0.1, index=market.index))
    assert str(refused.value) == "volatility is of type Series; give a number, or a DataFrame of rows x symbols"


def test_too_few_rows_for_the_volatility_of_the_barriers_are_said(bars_of):
    with pytest.raises(DataError, match=r"^volatility of 20 bars needs 21 rows, and there are 19; choose a shorter"):
        labels.triple_barrier(bars_of([FLAT] * 19), 3)
    assert labels.triple_barrier(bars_of([FLAT] * 21), 3).counts() == {}

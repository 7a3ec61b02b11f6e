"""Fewer points that look the same: highs, lows and ends stay."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from quantstrats.reports.charts.thinning import joined_bars, spread_rows, telling_rows

number = st.one_of(st.just(float("nan")), st.floats(-1e6, 1e6), st.integers(-2, 2).map(float))


@st.composite
def columns(draw):
    """Draw one to four columns of up to a hundred rows, some without a number."""
    rows, count = draw(st.integers(1, 100)), draw(st.integers(1, 4))
    drawn = [draw(st.lists(number, min_size=rows, max_size=rows)) for _ in range(count)]
    return np.column_stack([np.array(column, dtype="float64") for column in drawn])


@given(columns(), st.integers(1, 120))
def test_the_rows_are_in_order_and_begin_and_end_with_the_whole(values, most):
    rows = telling_rows(values, most).tolist()
    assert rows == sorted(set(rows))
    assert (rows[0], rows[-1]) == (0, len(values) - 1)


@given(columns(), st.integers(1, 120))
def test_the_lowest_and_the_highest_of_every_column_stay(values, most):
    kept = values[telling_rows(values, most)]
    for before, after in zip(values.T.tolist(), kept.T.tolist(), strict=True):
        known, left = [value for value in before if value == value], [value for value in after if value == value]
        if known:
            assert (min(left), max(left)) == (min(known), max(known))


@given(columns(), st.integers(1, 120))
def test_rows_are_no_more_than_asked_for_and_those_of_one_stretch(values, most):
    count = len(telling_rows(values, most))
    one_stretch = 2 * values.shape[1] + 1  # a lowest and a highest of each column, and the last row
    assert count <= most + one_stretch


@given(columns(), st.integers(0, 20))
def test_all_rows_stay_where_they_are_few(values, spare):
    assert telling_rows(values, len(values) + spare).tolist() == list(range(len(values)))


def test_a_column_without_any_number_keeps_the_other_ones_peaks():
    values = np.column_stack([np.full(1000, np.nan), np.zeros(1000)])
    values[[137, 642], 1] = [5.0, -5.0]
    assert {0, 137, 642, 999} <= set(telling_rows(values, 60).tolist())


def test_a_single_peak_in_a_long_series_is_found_wherever_it_is():
    for place in (1, 333, 777, 998):
        values = np.zeros((1000, 1))
        values[place] = 1.0
        assert place in telling_rows(values, 30)


@pytest.mark.parametrize(
    ("rows", "most", "expected"),
    [(5, 5, [0, 1, 2, 3, 4]), (10, 4, [0, 3, 6, 9]), (11, 4, [1, 4, 7, 10]), (7, 1, [6]), (0, 3, []), (1, 1, [0])],
)
def test_rows_at_equal_steps_end_with_the_last(rows, most, expected):
    assert spread_rows(rows, most).tolist() == expected


@given(st.integers(1, 5000), st.integers(1, 500))
def test_rows_at_equal_steps_are_no_more_than_asked_for(rows, most):
    kept = spread_rows(rows, most)
    assert 0 < len(kept) <= most
    assert kept[-1] == rows - 1
    assert len(set(np.diff(kept).tolist())) <= 1


BARS = pd.DataFrame(
    {
        "open": [1.0, 2.0, 3.0, 4.0, 5.0, np.nan, np.nan],
        "high": [9.0, 2.5, 3.5, 8.0, 5.5, np.nan, np.nan],
        "low": [0.5, 1.5, 0.1, 3.0, 4.5, np.nan, np.nan],
        "close": [1.5, 2.2, 3.2, 4.4, 5.1, np.nan, np.nan],
    },
    index=pd.bdate_range("2015-01-05", periods=7),
)


def test_bars_that_are_few_stay_as_they_are():
    bars, length = joined_bars(BARS, 7)
    assert bars is BARS
    assert length == 1


def test_a_joined_bar_opens_with_its_first_and_closes_with_its_last():
    bars, length = joined_bars(BARS, 3)
    assert length == 3  # 7 bars in no more than 3
    assert [str(label.date()) for label in bars.index] == ["2015-01-05", "2015-01-08", "2015-01-13"]
    assert bars.iloc[0].tolist() == [1.0, 9.0, 0.1, 3.2]  # open, high, low, close
    assert bars.iloc[1].tolist() == [4.0, 8.0, 3.0, 5.1]  # the bar without prices adds nothing
    assert bars.iloc[2].isna().all()  # nothing but that


def test_a_joined_bar_opens_with_the_first_that_is_there():
    late = BARS.copy()
    late.iloc[:2] = np.nan
    assert joined_bars(late, 2)[0].iloc[0].tolist() == [3.0, 8.0, 0.1, 4.4]


def test_closes_alone_are_joined_to_the_last_of_each():
    bars, length = joined_bars(BARS[["close"]], 4)
    assert length == 2
    assert bars.columns.tolist() == ["close"]
    assert bars["close"].tolist()[:3] == [2.2, 4.4, 5.1]
    assert np.isnan(bars["close"].iloc[3])


@given(st.integers(1, 400), st.integers(1, 90))
def test_joined_bars_are_no_more_than_asked_for_and_leave_none_out(count, most):
    index = pd.date_range("2015-01-01", periods=count)
    bars, length = joined_bars(pd.DataFrame({"close": np.arange(count, dtype="float64")}, index=index), most)
    assert len(bars) <= most
    assert bars["close"].tolist() == [min(begin + length, count) - 1 for begin in range(0, count, length)]
    assert bars.index.tolist() == index[::length].tolist()

"""Samples: features and labels side by side."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from quantstrats import features, labels
from quantstrats.errors import ConfigError, DataError
from quantstrats.labels import Labels, samples


@pytest.fixture(scope="session")
def table_of(sessions):
    """Make features of rows x (a, b) x (X, Y): 100 x row + 10 x feature + symbol."""

    def make(rows=5):
        columns = pd.MultiIndex.from_product([["a", "b"], ["X", "Y"]], names=["feature", "symbol"])
        values = 100 * np.arange(rows)[:, None] + np.array([0, 1, 10, 11])
        return pd.DataFrame(values, index=sessions(rows), columns=columns, dtype="float64")

    return make


@pytest.fixture(scope="session")
def labels_of(sessions):
    def make(values, horizon=1):
        return Labels.of(pd.DataFrame(values, index=sessions(len(next(iter(values.values()))))), horizon)

    return make


N = np.nan


def test_a_sample_per_label_ordered_by_row_then_symbol(table_of, labels_of):
    table = table_of()
    found = samples(table, labels_of({"X": [N, 1.0, 0.0, N, N], "Y": [0.0, N, 1.0, N, N]}, 2))
    assert found.names == ("a", "b")
    assert found.row.tolist() == [0, 1, 2, 2]
    assert found.column.tolist() == [1, 0, 0, 1]
    assert found.labels.tolist() == [0.0, 1.0, 0.0, 1.0]
    assert found.inputs.tolist() == [[1, 11], [100, 110], [200, 210], [201, 211]]
    assert (found.start.tolist(), found.end.tolist()) == ([0, 1, 2, 2], [2, 3, 4, 4])
    assert found.inputs.dtype == "float64"
    assert len(found) == 4
    assert found.index.equals(table.index)
    assert found.symbols.tolist() == ["X", "Y"]
    assert repr(found) == "<Samples: 4 of 2, from 5 rows x 2 symbols>"


def test_a_label_without_features_is_a_sample_all_the_same(table_of, labels_of):
    table = table_of()
    table.loc[:, ("a", "X")] = N
    table.loc[:, ("b", "X")] = N
    found = samples(table, labels_of({"X": [0.0, 1.0, N, N, N], "Y": [N] * 5}))
    assert len(found) == 2
    assert np.isnan(found.inputs).all()


def test_for_a_forecast_there_is_a_sample_wherever_there_is_a_feature(table_of):
    table = table_of(3)
    table.iloc[0, [0, 2]] = N  # both features of X
    table.iloc[2, 1] = N  # one of Y
    found = samples(table)
    assert list(zip(found.row.tolist(), found.column.tolist(), strict=True)) == [(0, 1), (1, 0), (1, 1), (2, 0), (2, 1)]
    assert np.isnan(found.labels).all()
    assert (found.start == found.row).all()
    assert (found.end == found.row).all()


def test_steps_are_the_last_rows_of_the_symbol_oldest_first(table_of, labels_of):
    found = samples(table_of(), labels_of({"X": [1.0, N, N, 0.0, N], "Y": [N, 1.0, N, N, N]}), steps=3)
    assert found.inputs.shape == (3, 3, 2)
    np.testing.assert_equal(found.inputs[0], [[N, N], [N, N], [0, 10]])
    np.testing.assert_equal(found.inputs[1], [[N, N], [1, 11], [101, 111]])
    np.testing.assert_equal(found.inputs[2], [[100, 110], [200, 210], [300, 310]])
    one = samples(table_of(), labels_of({"X": [1.0, N, N, 0.0, N], "Y": [N, 1.0, N, N, N]}), steps=1)
    assert one.inputs.shape == (3, 1, 2)
    longer = samples(table_of(), steps=9)
    assert longer.inputs.shape == (10, 9, 2)
    assert longer.inputs[-1, -5:, 0].tolist() == [1, 101, 201, 301, 401]


def test_columns_in_any_order_are_put_in_theirs(table_of, labels_of):
    table = table_of()
    known = labels_of({"X": [1.0, 0.0, N, N, N], "Y": [0.0, 1.0, 1.0, N, N]})
    expected = samples(table, known)
    mixed = table[[("a", "X"), ("b", "Y"), ("b", "X"), ("a", "Y")]]
    found = samples(mixed, known)
    back = {name: place for place, name in enumerate(found.names)}
    for position in range(len(found)):
        symbol = found.symbols[found.column[position]]
        row = found.row[position]
        for name, place in back.items():
            assert found.inputs[position, place] == table[(name, symbol)].iloc[row]
    assert len(found) == len(expected)
    swapped = samples(table, labels_of({"Y": [0.0, 1.0, 1.0, N, N], "X": [1.0, 0.0, N, N, N]}))
    assert swapped.labels.tolist() == expected.labels.tolist()
    assert swapped.column.tolist() == expected.column.tolist()


@given(st.integers(0, 1000))
def test_labels_of_barriers_keep_their_intervals(random_market, seed):
    market = random_market(seed)
    table = pd.concat({"open": market.open, "low": market.low}, axis=1, names=["feature", "symbol"])
    known = labels.triple_barrier(market, 4)
    shuffled = table[[(name, symbol) for name in ("low", "open") for symbol in ("B", "C", "A")]]
    for found in (samples(table, known), samples(shuffled, known)):
        symbols = found.symbols[found.column]
        for position, (row, symbol) in enumerate(zip(found.row, symbols, strict=True)):
            column = market.symbols.get_loc(symbol)
            assert found.end[position] == known.end[row, column]
            assert found.start[position] == row
            assert found.labels[position] == known.values.to_numpy()[row, column]
            assert found.inputs[position, found.names.index("low")] == market.array("low")[row, column]
        assert len(found) == known.known.sum()


def test_numbers_go_back_to_their_rows_and_symbols(table_of, labels_of):
    known = labels_of({"X": [N, 1.0, 0.0, N, N], "Y": [0.0, N, 1.0, N, N]})
    found = samples(table_of(), known)
    pd.testing.assert_frame_equal(found.frame(found.labels), known.values, check_names=False)
    with pytest.raises(DataError, match=r"values are of shape \(3,\); give one number per sample, 4"):
        found.frame([1, 2, 3])


def test_samples_are_taken_by_position_or_mask(table_of):
    found = samples(table_of()).with_weight(np.arange(10.0))
    some = found.take([3, 1])
    assert some.row.tolist() == [1, 0]
    assert some.inputs.tolist() == [found.inputs[3].tolist(), found.inputs[1].tolist()]
    assert some.weight.tolist() == [3.0, 1.0]
    pd.testing.assert_frame_equal(some.frame([7.0, 8.0]), found.frame([N, 8.0, N, 7.0, *[N] * 6]))
    masked = found.take(found.column == 1)
    assert masked.column.tolist() == [1] * 5
    assert len(found.take(np.zeros(10, dtype=bool))) == 0
    assert len(found.take(np.array([], dtype=int))) == 0


def test_weights_fit_or_are_refused(table_of):
    found = samples(table_of())
    with pytest.raises(DataError, match="weight is of shape"):
        found.with_weight([1.0])
    with pytest.raises(DataError, match="negative or missing"):
        found.with_weight([N] * 10)


def test_uniqueness_counts_the_rows_on_which_a_holder_earns(table_of, labels_of):
    # Labels of one row each, on successive rows: they share nothing.
    one = samples(table_of(), labels_of({"X": [1.0] * 4 + [N], "Y": [N] * 5}))
    assert one.uniqueness().tolist() == [1.0] * 4
    # Of two rows: X earns on 1-2, 2-3, 3-4; Y, of another symbol, on 1-2 alone.
    two = samples(table_of(), labels_of({"X": [1.0] * 3 + [N] * 2, "Y": [0.0, *[N] * 4]}, 2))
    assert two.column.tolist() == [0, 1, 0, 0]
    np.testing.assert_allclose(two.uniqueness(), [0.75, 1.0, 0.5, 0.75])


def test_they_are_made_of_what_compute_returns(nasdaq):
    market = nasdaq.between("2010-01-01", "2010-12-31")
    table = features.compute(market, ["sma(window=10)", "ema(window=5)"])
    found = samples(table, labels.direction(market, 5))
    assert found.names == ("sma(window=10)", "ema(window=5)")
    assert len(found) == len(market) - 5
    row = int(found.row[100])
    assert found.inputs[100, 0] == pytest.approx(market.close.iloc[row - 9 : row + 1, 0].mean())


def test_what_does_not_fit_is_said(table_of, labels_of, market_of):
    table, known = table_of(), labels_of({"X": [1.0, *[N] * 4], "Y": [N] * 5})
    with pytest.raises(DataError, match="two levels, feature and symbol"):
        samples(table.droplevel(0, axis=1), known)
    with pytest.raises(DataError, match="two levels, feature and symbol"):
        samples(table.to_numpy(), known)
    with pytest.raises(DataError, match="features have b of Y not at all"):
        samples(table.drop(columns=[("b", "Y")]), known)
    with pytest.raises(DataError, match="features have b of Y more than once"):
        samples(table.iloc[:, [0, 1, 2, 3, 3]], known)
    with pytest.raises(DataError, match="labels has other rows"):
        samples(table_of(4), known)
    with pytest.raises(DataError, match="other symbols"):
        samples(table, labels_of({"X": [N] * 5, "Z": [N] * 5}))
    with pytest.raises(ConfigError, match="steps is 0"):
        samples(table, known, steps=0)


def test_what_is_no_labels_is_said_with_how_to_come_by_some(table_of, labels_of):
    table, one = table_of(), labels_of({"X": [1.0, 0.0, N, N, N], "Y": [N] * 5})
    for wrong, told in (
        ({5: one, 20: one}, "labels are a dict of several, by 5, 20; give one, as in risk[20]"),
        (one.values, "labels are a DataFrame; labels.Labels.of(frame, horizon) makes Labels of it"),
        ("direction", "labels are of type str; give Labels, as labels.direction(market) returns"),
        ({}, "labels are of type dict; give Labels, as labels.direction(market) returns"),
    ):
        with pytest.raises(DataError) as refused:
            samples(table, wrong)
        assert str(refused.value) == told


def test_of_no_positions_there_are_no_samples(table_of):
    none = samples(table_of()).take([])
    assert (len(none), none.inputs.shape, none.labels.shape) == (0, (0, 2), (0,))
    assert len(none.take(np.zeros(0, dtype=bool))) == 0


def test_positions_count_from_the_end_too(table_of):
    found = samples(table_of())
    assert found.take([-1, 0]).row.tolist() == [4, 0]


@pytest.mark.parametrize(
    ("indices", "told"),
    [
        ([True], "the mask has 1 values; give one per sample, 10"),
        (np.zeros(11, dtype=bool), "the mask has 11 values; give one per sample, 10"),
        ("abc", "indices are <U3 of shape (); give positions of samples, or a mask with True and False for each"),
        ([1.0], "indices are float64 of shape (1,); give positions of samples, or a mask"),
        (3, "indices are int64 of shape (); give positions of samples, or a mask"),
        ([0, 10**9], "there is no sample 1000000000; there are 10, from 0 on"),
        ([-11], "there is no sample -11; there are 10, from 0 on"),
    ],
)
def test_samples_that_are_not_there_are_one_line(table_of, indices, told):
    with pytest.raises(DataError) as refused:
        samples(table_of()).take(indices)
    assert str(refused.value).startswith(told)


def test_weights_and_values_that_are_no_numbers_are_one_line(table_of):
    found = samples(table_of())
    with pytest.raises(DataError, match=r"^weight holds something that is no number; give numbers"):
        found.with_weight("x")
    with pytest.raises(DataError, match=r"^values holds something that is no number; give numbers"):
        found.frame(["x"] * 10)

"""Labels: values with the rows they rest on."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pandas as pd
import pytest

from quantstrats import labels
from quantstrats.errors import ConfigError, DataError
from quantstrats.labels import Labels


@pytest.fixture
def frame(sessions):
    return pd.DataFrame({"A": [1.0, 0.0, np.nan, np.nan], "B": [np.nan, 1.0, np.nan, np.nan]}, index=sessions(4))


def test_ones_own_labels_rest_on_their_horizon(frame):
    found = Labels.of(frame, 2)
    assert found.start.tolist() == [[0, -1], [1, 1], [-1, -1], [-1, -1]]
    assert found.end.tolist() == [[2, -1], [3, 3], [-1, -1], [-1, -1]]
    assert found.known.sum() == 3
    assert found.counts() == {0.0: 1, 1.0: 2}
    assert repr(found) == "<Labels: 4 rows x 2 symbols, 2 ahead, {0: 1, 1: 2}>"


def test_a_label_of_an_unknown_future_is_refused(frame):
    with pytest.raises(DataError, match=r"a value at 2015-01-05 .* needs 3 rows after it"):
        Labels.of(frame, 3)
    with pytest.raises(DataError, match="a value at 2015-01-02"):
        Labels.of(frame, 9)
    with pytest.raises(ConfigError, match="horizon is 0"):
        Labels.of(frame, 0)


def test_labels_are_kept_where_a_mask_says_so(random_market):
    market = random_market(4)
    for found in (labels.direction(market, 5), labels.triple_barrier(market, 5)):
        mask = market.close > market.open
        kept = found.where(mask[["C", "A", "B"]])
        both = found.known & mask.to_numpy()
        assert 0 < both.sum() < found.known.sum()
        assert (kept.known == both).all()
        pd.testing.assert_frame_equal(kept.values, found.values.where(both))
        pd.testing.assert_frame_equal(kept.returns, found.returns.where(both))
        assert (kept.end == np.where(both, found.end, -1)).all()
        assert type(kept) is type(found)
        assert kept.horizon == 5
    pd.testing.assert_frame_equal(kept.touched, found.touched.where(both))
    with pytest.raises(DataError, match="mask holds float64"):
        found.where(mask.astype(float))
    with pytest.raises(DataError, match="mask has other rows"):
        found.where(mask.iloc[1:])


def test_every_public_name_loads_and_an_unknown_one_does_not():
    from quantstrats import splits

    for package in (labels, splits):
        for name in package.__all__:
            assert getattr(package, name) is not None
        assert dir(package) == sorted(package.__all__)
        with pytest.raises(AttributeError, match="has no attribute 'nothing'"):
            package.nothing  # noqa: B018


def test_a_name_is_the_function_even_after_its_neighbours_were_imported():
    code = (
        "import quantstrats.labels, importlib, pkgutil\n"
        "for each in pkgutil.iter_modules(quantstrats.labels.__path__):\n"
        "    importlib.import_module('quantstrats.labels.' + each.name)\n"
        "import quantstrats.splits\n"
        "for each in pkgutil.iter_modules(quantstrats.splits.__path__):\n"
        "    importlib.import_module('quantstrats.splits.' + each.name)\n"
        "import types\n"
        "for package in (quantstrats.labels, quantstrats.splits):\n"
        "    for name in package.__all__:\n"
        "        assert not isinstance(getattr(package, name), types.ModuleType), name\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_importing_the_packages_loads_nothing_heavy():
    code = (
        "import sys\n"
        "from quantstrats import labels, splits\n"
        "heavy = {'pandas', 'numpy', 'numba', 'sklearn', 'scipy'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ("sample", "market is the text 'sample'; give load_market('sample')"),
        (pd.DataFrame({"A": [1.0]}), "market is of type DataFrame; make one with Market.from_frames(close=...) or "),
        (None, "market is of type NoneType; make one with Market.from_frames(close=...) or load_market"),
    ],
)
@pytest.mark.parametrize(
    "make",
    [
        lambda market: labels.direction(market, 5),
        labels.drawdown_risk,
        lambda market: labels.triple_barrier(market, 5),
        labels.trailing_volatility,
        labels.regime_thresholds,
    ],
)
def test_something_else_than_a_market_is_one_line_with_how_to_make_one(make, given, told):
    with pytest.raises(DataError) as refused:
        make(given)
    assert str(refused.value).startswith(told)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("values", "told"),
    [
        (lambda frame: frame["A"], "values is of type Series; give a DataFrame of rows x symbols"),
        (lambda frame: frame.to_numpy(), "values is of type ndarray; give a DataFrame of rows x symbols"),
        (lambda _: "up", "values is of type str; give a DataFrame of rows x symbols"),
        (lambda frame: frame.astype("object").fillna("up"), "values holds something that is no number; give numbers"),
        (lambda frame: frame.replace(1.0, -np.inf), "values is infinite at 2015-01-"),
    ],
)
def test_ones_own_labels_are_finite_numbers_of_rows_and_symbols(frame, values, told):
    with pytest.raises(DataError) as refused:
        labels.Labels.of(values(frame), 2)
    assert str(refused.value).startswith(told)
    assert "\n" not in str(refused.value)

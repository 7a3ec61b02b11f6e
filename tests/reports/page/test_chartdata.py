"""Charts as the data of a page: exact numbers, shared times, nothing that ends the script."""

from __future__ import annotations

import base64
import json

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from quantstrats.reports.charts.chart import Chart, line
from quantstrats.reports.page.chartdata import ChartData

HOSTILE = ("<b>x</b>", "</script><script>alert(1)</script>", "$1$", "<!--", "]]>", "\u2028", 'a"b\\')


def no_literals(name):
    raise AssertionError(f"{name} is no JSON")


def content(*traces, layout=None):
    """What a page would read of one chart."""
    data = ChartData()
    data.place(Chart("A chart", list(traces), layout or {}))
    return json.loads(data.json(), parse_constant=no_literals)


def numbers(encoded):
    """Read base64 as plotly does: little-endian bytes, and a shape where there is more than one dimension."""
    flat = np.frombuffer(base64.b64decode(encoded["bdata"]), dtype=f"<{encoded['dtype']}")
    return flat.reshape([int(size) for size in encoded["shape"].split(",")]) if "shape" in encoded else flat


def read_back(array):
    return numbers(content({"y": array})["charts"][0]["traces"][0]["y"])


@pytest.mark.parametrize("large", [10_000.01, -123_456.789, np.pi * 1e12])
def test_large_numbers_and_those_beside_them_are_exact(large):
    values = np.array([1 / 3, large, 5e-324])
    assert read_back(values).tolist() == values.tolist()


@given(st.lists(st.floats(-9_999.99, 9_999.99), min_size=1, max_size=30))
def test_small_numbers_are_exact_to_half_a_thousandth(values):
    found = read_back(np.array(values)).tolist()
    assert found == pytest.approx(values, abs=0.0005, rel=0.0)


@given(st.lists(st.one_of(st.floats(allow_nan=False), st.just(float("nan"))), max_size=30))
def test_what_is_no_number_stays_none_and_the_infinite_stays_infinite(values):
    found = read_back(np.array(values, dtype="float64"))
    assert np.isnan(found).tolist() == np.isnan(values).tolist()
    assert np.isinf(found).tolist() == np.isinf(values).tolist()


def test_nothing_but_nan_is_encoded_without_a_warning():
    assert np.isnan(read_back(np.full(3, np.nan))).all()
    assert read_back(np.array([], dtype="float64")).tolist() == []


def test_a_table_keeps_its_shape():
    table = np.arange(6.0).reshape(2, 3)
    assert read_back(table).tolist() == table.tolist()
    assert read_back(table.T).tolist() == table.T.tolist()  # not laid out row by row in memory


def test_other_arrays_and_scalars_are_plain():
    chart = content(
        {"n": np.array([1, 2]), "t": np.array([True, False]), "s": np.float64(0.5), "p": (1, [np.int64(2)])}
    )
    assert chart["charts"][0]["traces"] == [{"n": [1, 2], "t": [True, False], "s": 0.5, "p": [1, [2]]}]


def test_traces_share_their_times():
    days = pd.date_range("2015-01-02", periods=3)
    data = ChartData()
    first = data.place(Chart("one", [line(days, np.zeros(3), "a", "#000000"), line(days, np.ones(3), "b", "#000000")]))
    second = data.place(Chart("two", [{"x": days.to_numpy()}, {"x": days[:2]}]))
    found = json.loads(data.json())
    assert (first, second) == (0, 1)
    assert found["times"] == [["2015-01-02", "2015-01-03", "2015-01-04"], ["2015-01-02", "2015-01-03"]]
    assert [trace["x"] for chart in found["charts"] for trace in chart["traces"]] == [
        {"times": 0},
        {"times": 0},
        {"times": 0},
        {"times": 1},
    ]


@pytest.mark.parametrize(
    ("times", "texts"),
    [
        (["2015-01-02", "2015-01-05"], ["2015-01-02", "2015-01-05"]),
        (["2015-01-02 00:00", "2015-01-02 09:31"], ["2015-01-02T00:00", "2015-01-02T09:31"]),
        (["2015-01-02", None, "2015-01-05"], ["2015-01-02", "", "2015-01-05"]),
        ([None, "2015-01-02 09:31"], ["", "2015-01-02T09:31"]),
        ([], []),
    ],
    ids=["days", "minutes", "days with a gap", "minutes with a gap", "none"],
)
@pytest.mark.parametrize("unit", ["s", "ns"])
def test_times_are_dates_or_minutes(times, texts, unit):
    assert content({"x": pd.DatetimeIndex(times).as_unit(unit)})["times"] == [texts]


def test_no_text_can_end_the_script():
    traces = [{"name": text, "text": [text], "x": np.array([text], dtype=object)} for text in HOSTILE]
    data = ChartData()
    data.place(Chart("A chart", traces, {"title": {"text": HOSTILE[1]}}))
    written = data.json()
    assert "<" not in written
    assert written.isascii()  # also no line separator, which some scripts take for the end of a line
    found = json.loads(written)["charts"][0]
    assert [trace["name"] for trace in found["traces"]] == [trace["x"][0] for trace in found["traces"]] == [*HOSTILE]


@pytest.mark.parametrize("value", [float("nan"), float("inf"), np.float64("nan")], ids=["nan", "inf", "numpy"])
def test_a_number_that_json_has_not_is_refused(value):
    with pytest.raises(ValueError, match="not JSON compliant"):
        content({"y": [value]})

"""Tables and pictures of what probabilities were worth, by hand."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from quantstrats import models

NAN = float("nan")
GRADES = {"LOW": 0.0, "MEDIUM": 0.3, "HIGH": 0.7}


def frame(columns):
    return pd.DataFrame(columns, index=pd.bdate_range("2015-01-05", periods=len(next(iter(columns.values())))))


def test_brier_scores_by_hand():
    chances = {"fall": frame({"A": [0.9, 0.2, NAN, 0.5], "B": [0.1, 0.4, 0.3, NAN]})}
    happened = {"fall": frame({"B": [0.0, 1.0, NAN, 1.0], "A": [1.0, 0.0, 1.0, 0.0]})}
    row = models.brier_table(chances, happened).loc["fall"]
    # Known in both: A 0.9/1, 0.2/0, 0.5/0; B 0.1/0, 0.4/1.
    assert row["told"] == 5
    assert row["came true"] == pytest.approx(0.4)
    assert row["mean told"] == pytest.approx(0.42)
    assert row["Brier"] == pytest.approx((0.01 + 0.04 + 0.25 + 0.01 + 0.36) / 5)
    assert row["of the share"] == pytest.approx(0.4 * 0.6)
    assert row["skill"] == pytest.approx(1 - 0.134 / 0.24)


def test_what_was_never_told_or_never_differs_has_no_skill():
    happened = {"fall": frame({"A": [0.0, 0.0]})}
    never = models.brier_table({"fall": frame({"A": [NAN, NAN]})}, happened).loc["fall"]
    assert never["told"] == 0
    assert never.drop("told").isna().all()
    always = models.brier_table({"fall": frame({"A": [0.1, 0.1]})}, happened).loc["fall"]
    assert always["Brier"] == pytest.approx(0.01)
    assert np.isnan(always["skill"])


def test_grades_by_hand():
    values = frame({"A": [0.1, 0.3, 0.31, 0.7], "B": [0.71, 0.2, NAN, 1.0]})
    happened = {"fall": frame({"A": [0.0, 1.0, 1.0, 0.0], "B": [1.0, 0.0, 1.0, NAN]})}
    table = models.grade_table(values, happened, GRADES)
    assert table.index.tolist() == ["LOW", "MEDIUM", "HIGH"]
    # LOW: 0.1, 0.3 (at the border), 0.2; MEDIUM: 0.31, 0.7; HIGH: 0.71, 1.0, of which one is not known yet.
    assert table["share"].tolist() == pytest.approx([3 / 7, 2 / 7, 2 / 7])
    assert table["mean"].tolist() == pytest.approx([0.2, 0.505, 0.855])
    assert table["fall"].tolist() == pytest.approx([1 / 3, 0.5, 1.0])


def test_a_grade_that_never_was_is_there_with_nothing():
    table = models.grade_table(frame({"A": [0.1, 0.2]}), {"fall": frame({"A": [0.0, 1.0]})}, GRADES)
    assert table["share"].tolist() == [1.0, 0.0, 0.0]
    assert table.loc["HIGH", ["mean", "fall"]].isna().all()


def test_the_picture_has_the_line_a_band_for_each_grade_and_their_shares():
    values = pd.Series([0.1, 0.2, NAN, 0.5, 0.9], index=pd.bdate_range("2015-01-05", periods=5))
    figure = models.graded_picture(values, GRADES, top=1.0, label="risk")
    (axes,) = figure.axes
    assert [text.get_text() for text in axes.texts] == ["LOW\n50%", "MEDIUM\n25%", "HIGH\n25%"]
    np.testing.assert_array_equal(axes.lines[0].get_ydata(), values.to_numpy())
    assert axes.get_ylim() == (0.0, 1.0)
    assert axes.get_ylabel() == "risk"
    assert len(axes.patches) == 3

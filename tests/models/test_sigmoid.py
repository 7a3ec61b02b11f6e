"""The sigmoid is Platt's: by another minimiser, by hand where there is one score, and never falling."""

from __future__ import annotations

import math
import os
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from quantstrats.models.preparing import NothingLearnedError, Training
from quantstrats.models.sigmoid import fit_sigmoid, held_back_for_curve, sigmoid


def drawn(rows, slope, intercept, seed=0):
    rng = np.random.default_rng(seed)
    scores = 2 * rng.normal(size=rows)
    return scores, rng.random(rows) < 1 / (1 + np.exp(-(slope * scores + intercept)))


@pytest.mark.parametrize(("slope", "intercept"), [(1.0, 0.0), (0.3, -1.0), (4.0, 2.0)])
@pytest.mark.parametrize("unit", [1.0, 1e-6, 1e6])
def test_the_curve_is_that_of_scikit_learn(slope, intercept, unit):
    calibration = pytest.importorskip("sklearn.calibration", reason="scikit-learn is not installed")
    scores, hits = drawn(300, slope, intercept)
    a, b = fit_sigmoid(scores * unit, hits, np.ones(300))
    theirs = calibration._SigmoidCalibration().fit(scores, hits)
    np.testing.assert_allclose(sigmoid(scores * unit, a, b), theirs.predict(scores), atol=1e-4)


def test_of_one_score_all_rows_have_the_smoothed_share_of_hits():
    # By hand: with one score the best probability is the mean of the targets. 3 hits of 8 rows:
    # (3 x 4/5 + 5 x 1/7) / 8 = 0.3892857.
    a, b = fit_sigmoid(np.zeros(8), np.arange(8) < 3, np.ones(8))
    assert 1 / (1 + math.exp(-b)) == pytest.approx((3 * 4 / 5 + 5 * 1 / 7) / 8, abs=1e-7)
    assert sigmoid(np.zeros(1), a, b)[0] == pytest.approx(0.3892857, abs=1e-7)


def test_rows_that_a_score_separates_have_a_finite_curve():
    # By hand: two scores, so each has the mean of its targets: 21/22 for hits, 1/22 for the others.
    a, b = fit_sigmoid(np.repeat([-1.0, 1.0], 20), np.repeat([False, True], 20), np.ones(40))
    np.testing.assert_allclose(sigmoid(np.array([-1.0, 1.0]), a, b), [1 / 22, 21 / 22], atol=1e-6)


def test_where_the_order_is_wrong_the_curve_is_flat_at_the_share_of_hits():
    scores, hits = drawn(400, -2.0, 0.0)
    a, b = fit_sigmoid(scores, hits, np.ones(400))
    assert a == 0
    assert 1 / (1 + math.exp(-b)) == pytest.approx(hits.mean(), abs=0.01)


def test_a_row_of_weight_two_is_two_rows():
    scores, hits = drawn(60, 1.0, 0.0)
    weight = 1.0 + np.arange(60) % 2
    twice = np.repeat(np.arange(60), weight.astype(int))
    once = fit_sigmoid(scores, hits, weight)
    np.testing.assert_allclose(once, fit_sigmoid(scores[twice], hits[twice], np.ones(len(twice))), atol=1e-6)


PROGRAM = """
import numpy as np
from quantstrats.models.sigmoid import fit_sigmoid
for seed in range(4):
    rng = np.random.default_rng(seed)
    scores = rng.normal(size=60_000)
    hits = rng.random(60_000) < 1 / (1 + np.exp(-scores))
    print(*(each.hex() for each in fit_sigmoid(scores, hits, rng.random(60_000) + 0.5)))
"""


def test_any_number_of_threads_finds_the_same_curve_to_the_last_bit():
    told = []
    for threads in ("1", "2"):
        names = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
        environment = os.environ | dict.fromkeys(names, threads)
        ran = subprocess.run(
            [sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True, env=environment
        )
        told.append(ran.stdout.split())
    assert len(told[0]) == 8
    assert told[0] == told[1]


@given(
    st.lists(st.tuples(st.floats(-1e300, 1e300), st.booleans(), st.floats(0.01, 100)), min_size=2, max_size=40),
)
def test_any_scores_have_a_curve_that_never_falls(rows):
    scores, hits, weight = (np.array(each) for each in zip(*rows, strict=True))
    a, b = fit_sigmoid(scores, hits, weight / weight.mean())
    assert a >= 0
    told = sigmoid(np.sort(scores), a, b)
    assert np.isfinite(told).all()
    assert (np.diff(told) >= 0).all()


# --- what is held back


def training(codes, start=None, end=None):
    count = len(codes)
    return Training(np.zeros((count, 1)), np.asarray(codes), (0.0, 1.0), np.ones(count), start, end)


def test_the_last_rows_are_held_back_for_curve_and_labels_that_overlap_them_are_in_neither():
    start = np.arange(100)
    head, tail = held_back_for_curve(training(start % 2, start, start + 5), 0.2, 3, "calibrate")
    assert tail.tolist() == list(range(80, 100))
    # A label that ends on row 76 is more than 3 rows before row 80: that of row 71.
    assert head.tolist() == list(range(72))[: head.size]
    assert head.max() == 71


def test_without_intervals_the_last_rows_are_held_back_for_curve():
    head, tail = held_back_for_curve(training(np.arange(100) % 2), 0.25, 0, "calibrate")
    assert (head.tolist(), tail.tolist()) == (list(range(75)), list(range(75, 100)))


@pytest.mark.parametrize(
    ("codes", "end", "told"),
    [
        (np.arange(30) % 2, None, "the last 6 rows are held back to calibrate; at least 10 of two classes are needed"),
        (np.arange(90) < 45, None, "the last 18 rows are held back to calibrate; at least 10 of two classes are"),
        (np.arange(90) % 2, 89, "to calibrate: no sample is left to train on"),
    ],
)
def test_too_little_to_hold_back_is_an_outcome(codes, end, told):
    start = np.arange(len(codes))
    codes = np.asarray(codes, dtype=np.intp)
    with pytest.raises(NothingLearnedError) as nothing:
        held_back_for_curve(
            training(codes, start, start if end is None else np.full(len(codes), end)), 0.2, 0, "calibrate"
        )
    assert nothing.value.outcome == "too few rows"
    assert nothing.value.note.startswith(told)

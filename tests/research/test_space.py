"""What may be tried is written in lists and tuples, and drawn within its bounds."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from quantstrats.errors import ConfigError
from quantstrats.research.space import Choices, Span, read_space


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ([3, 5], Choices((3, 5))),
        ([(64, 32), (32,), None], Choices(((64, 32), (32,), None))),
        ((2, 8), Span(2, 8, log=False, whole=True)),
        ((0, 0.5), Span(0.0, 0.5, log=False, whole=False)),
        (("log", 1e-4, 1), Span(1e-4, 1.0, log=True, whole=False)),
        (("log", 1, 1000), Span(1, 1000, log=True, whole=True)),
    ],
)
def test_the_notation_says_what_is_tried(written, read):
    assert read_space({"x": written}) == {"x": read}


@pytest.mark.parametrize(
    ("written", "told"),
    [
        ([], "the list of choices is empty"),
        ("gini", "'gini' says nothing to try; write a list of choices"),
        (5, "5 says nothing to try"),
        ((1, 2, 3), "has no two numbers as bounds; write a list of choices"),
        (("gini", "entropy"), "has no two numbers as bounds; write a list of choices"),
        ((False, True), "has no two numbers as bounds"),
        ((5, 2), "must have a finite low bound below the high one"),
        ((5, 5), "must have a finite low bound below the high one"),
        ((0.0, float("inf")), "must have a finite low bound below the high one"),
        ((float("nan"), 1.0), "must have a finite low bound below the high one"),
        (("log", 0, 10), "needs a low bound above 0"),
        (("lin", 1, 10), "has no two numbers as bounds"),
        ((), "has no two numbers as bounds"),
    ],
)
def test_what_is_written_otherwise_is_told_with_the_parameter(written, told):
    with pytest.raises(ConfigError, match=r"^space, parameter 'x': ") as refused:
        read_space({"x": written})
    assert told in str(refused.value)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("space", [{}, [("x", [1])], None])
def test_a_space_without_parameters_is_refused(space):
    with pytest.raises(ConfigError, match="give a mapping from parameters to what is tried"):
        read_space(space)


@given(
    low=st.integers(1, 50), width=st.integers(1, 50), seed=st.integers(0, 2**32), log=st.booleans(), whole=st.booleans()
)
def test_a_number_is_drawn_within_its_bounds_and_of_its_kind(low, width, seed, log, whole):
    bounds = (low, low + width) if whole else (low / 7, (low + width) / 7)
    (span,) = read_space({"x": ("log", *bounds) if log else bounds}).values()
    rng = np.random.default_rng(seed)
    drawn = [span.drawn(rng) for _ in range(20)]
    assert all(bounds[0] <= each <= bounds[1] for each in drawn)
    assert {type(each) for each in drawn} == {int if whole else float}


def test_whole_numbers_and_choices_are_all_drawn_and_about_as_often():
    rng = np.random.default_rng(0)
    for written in ((2, 5), ["a", "b", (1, 2), None]):
        (tried,) = read_space({"x": written}).values()
        drawn = [tried.drawn(rng) for _ in range(4000)]
        counts = [drawn.count(value) for value in (written if isinstance(written, list) else range(2, 6))]
        # Binomial with p = 1/4: 1000, and a standard deviation of 27.
        assert all(abs(count - 1000) < 4 * 27 for count in counts)


def test_every_power_of_ten_is_drawn_as_often():
    rng = np.random.default_rng(0)
    (span,) = read_space({"x": ("log", 1e-4, 1e-1)}).values()
    drawn = np.array([span.drawn(rng) for _ in range(3000)])
    counts, _ = np.histogram(np.log10(drawn), bins=[-4, -3, -2, -1])
    assert (abs(counts - 1000) < 4 * 26).all()

"""The sequential bootstrap, on the example of Lopez de Prado (2018), section 4.5.3, and against its definition."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from quantstrats.errors import ConfigError, DataError
from quantstrats.labels import draw_probabilities, sequential_bootstrap, uniqueness

START, END = np.array([1, 3, 5]), np.array([3, 4, 6])


def slow_probabilities(start, end, drawn, groups):
    """The definition: a label's mean over its rows of 1 / (1 + labels drawn that rest on the row)."""
    own = []
    for i in range(len(start)):
        each = []
        for row in range(start[i], end[i] + 1):
            crowd = sum(groups[j] == groups[i] and start[j] <= row <= end[j] for j in drawn)
            each.append(1 / (1 + crowd))
        own.append(np.mean(each))
    return np.array(own) / np.sum(own)


def test_after_the_second_label_was_drawn_the_chances_are_as_published():
    np.testing.assert_allclose(draw_probabilities(START, END, []), [1 / 3, 1 / 3, 1 / 3], rtol=1e-15)
    np.testing.assert_allclose(draw_probabilities(START, END, [1]), [5 / 14, 3 / 14, 6 / 14], rtol=1e-15)


def test_draws_have_these_chances():
    draws = np.array([sequential_bootstrap(START, END, size=2, seed=seed) for seed in range(6000)])
    first = np.bincount(draws[:, 0], minlength=3) / len(draws)
    assert np.abs(first - 1 / 3).max() < 4 * np.sqrt(2 / 9 / len(draws))
    after = draws[draws[:, 0] == 1, 1]
    second = np.bincount(after, minlength=3) / len(after)
    assert np.abs(second - np.array([5, 3, 6]) / 14).max() < 4 * np.sqrt(0.25 / len(after))


@given(st.data(), st.integers(0, 1000))
def test_each_draw_is_that_of_the_definition(data, seed):
    """The same random numbers, on the definition's chances added up in order of group and first row."""
    count = data.draw(st.integers(1, 25))
    start = np.array(data.draw(st.lists(st.integers(0, 20), min_size=count, max_size=count)))
    end = start + np.array(data.draw(st.lists(st.integers(0, 7), min_size=count, max_size=count)))
    groups = np.array(data.draw(st.lists(st.sampled_from("xyz"), min_size=count, max_size=count)))
    drawn = sequential_bootstrap(start, end, size=12, seed=seed, groups=groups)
    order = np.lexsort((start, groups))
    for turn, chance in enumerate(np.random.default_rng(seed).random(12)):
        expected = slow_probabilities(start, end, drawn[:turn], groups)
        np.testing.assert_allclose(draw_probabilities(start, end, drawn[:turn], groups), expected, rtol=1e-12)
        edges = np.concatenate([[0.0], np.cumsum(expected[order])])
        place = int(np.flatnonzero(order == drawn[turn])[0])
        assert edges[place] - 1e-9 <= chance <= edges[place + 1] + 1e-9


def test_the_same_seed_draws_the_same_and_another_something_else():
    rows = np.arange(200)
    one, again, other = (sequential_bootstrap(rows, rows + 9, seed=seed) for seed in (1, 1, 2))
    assert (one == again).all()
    assert (one != other).any()
    assert one.shape == (200,)
    assert sequential_bootstrap(rows, rows + 9, size=7).shape == (7,)
    assert sequential_bootstrap(rows, rows + 9, size=0).shape == (0,)


def test_what_is_drawn_overlaps_less_than_what_is_drawn_evenly():
    rng = np.random.default_rng(0)
    start = np.sort(rng.integers(0, 400, 60))
    end = start + rng.integers(0, 10, 60)

    def own(drawn):
        return uniqueness(start[drawn], end[drawn]).mean()

    evenly = np.mean([own(rng.integers(0, 60, 60)) for _ in range(50)])
    in_turn = np.mean([own(sequential_bootstrap(start, end, seed=seed)) for seed in range(50)])
    assert in_turn > evenly + 0.02


def test_what_makes_no_sense_is_said():
    with pytest.raises(DataError, match="no samples to draw from"):
        sequential_bootstrap(np.array([], dtype=int), np.array([], dtype=int))
    with pytest.raises(ConfigError, match="size is -1"):
        sequential_bootstrap(START, END, size=-1)
    with pytest.raises(ConfigError, match="seed is 'now'"):
        sequential_bootstrap(START, END, seed="now")
    with pytest.raises(DataError, match="rests on rows 3 to 1"):
        sequential_bootstrap(END, START)
    with pytest.raises(DataError, match=r"^drawn holds <U1; give positions of samples as whole numbers$"):
        draw_probabilities([0], [1], ["x"])
    with pytest.raises(DataError, match="drawn names samples 0 to 3, and there are 3"):
        draw_probabilities(START, END, [0, 3])

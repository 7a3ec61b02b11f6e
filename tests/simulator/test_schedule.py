"""What comes first."""

import itertools
import random

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from quantstrats import Market
from quantstrats.simulator.schedule import Rank, Schedule, instants
from quantstrats.simulator.tape import tape_of


def nothing():
    pass


def drained(schedule):
    """Everything that is to come, as (time, rank)."""
    popped = []
    while schedule.next() is not None:
        announced = schedule.next()
        time, rank, act = schedule.pop()
        assert announced == (time, rank)
        act()
        popped.append((time, rank))
    return popped


def test_ranks_are_as_the_exchange_needs_them():
    assert [rank.name for rank in sorted(Rank)] == [
        "PRINT",
        "BAR",
        "CLOSE",
        "EVENING",
        "OPEN",
        "BAR_OPEN",
        "ARRIVAL",
        "OTHER",
    ]


@given(st.lists(st.tuples(st.integers(0, 5), st.sampled_from(Rank))))
def test_acts_come_by_time_then_rank_then_in_the_order_of_adding(added):
    schedule, done = Schedule(), []
    for number, (time, rank) in enumerate(added):
        schedule.add(time, rank, lambda number=number: done.append(number))
    drained(schedule)
    assert done == sorted(range(len(added)), key=lambda number: (*added[number], number))


def test_what_an_act_adds_for_the_same_instant_still_comes():
    schedule, done = Schedule(), []
    schedule.add(5, Rank.ARRIVAL, lambda: schedule.add(5, Rank.ARRIVAL, lambda: done.append("answer")))
    schedule.add(5, Rank.OTHER, lambda: done.append("other"))
    drained(schedule)
    assert done == ["answer", "other"]


def test_nothing_is_added_to_the_past():
    schedule = Schedule()
    schedule.add(5, Rank.BAR, nothing)
    schedule.pop()
    with pytest.raises(ValueError, match="4 is past"):
        schedule.add(4, Rank.OTHER, nothing)


def test_an_empty_schedule_has_nothing_to_come():
    assert Schedule().next() is None
    with pytest.raises(IndexError):
        Schedule().pop()


def test_what_is_followed_is_drawn_one_by_one_and_comes_before_what_is_added():
    schedule, done, drawn = Schedule(), [], itertools.count()
    schedule.add(0, Rank.PRINT, lambda: done.append("added"))
    schedule.follow((next(drawn), Rank.PRINT, lambda: done.append("followed")) for _ in itertools.count())
    assert len(schedule) == 2
    for _ in range(1000):
        schedule.pop()[2]()
    assert done[:3] == ["followed", "added", "followed"]
    assert len(schedule) == 1
    assert next(drawn) == 1000  # of endless ones, no more than needed


def test_what_is_followed_ends():
    schedule = Schedule()
    schedule.follow(iter([(1, Rank.BAR, nothing), (2, Rank.BAR, nothing)]))
    schedule.follow(iter([]))
    assert drained(schedule) == [(1, Rank.BAR), (2, Rank.BAR)]


@given(st.lists(st.lists(st.tuples(st.integers(0, 20), st.sampled_from(Rank))), max_size=4), st.integers(0, 99))
def test_several_followed_at_once_come_in_one_order(sources, seed):
    schedule, everything, coin = Schedule(), [], random.Random(seed)
    for source in sources:
        ascending = sorted(source)
        everything += ascending
        if coin.random() < 0.5:
            schedule.follow(iter([(time, rank, nothing) for time, rank in ascending]))
        else:
            for time, rank in ascending:
                schedule.add(time, rank, nothing)
    assert drained(schedule) == sorted(everything)


def test_a_tape_opens_prints_and_completes_each_bar_before_the_next_opens():
    index = pd.date_range("2026-03-09 09:30", periods=2, freq="1min", tz="America/New_York")
    tape = tape_of(Market.from_frames(close=pd.DataFrame({"AAA": [10.0, 11.0]}, index=index)))
    second = 1_000_000_000
    start = int(tape.starts[0])
    seen = [((time - start) / second, rank, row, part) for time, rank, row, part in instants(tape)]
    assert seen == [
        (0, Rank.BAR_OPEN, 0, 0),
        (20, Rank.PRINT, 0, 1),
        (40, Rank.PRINT, 0, 2),
        (60, Rank.PRINT, 0, 3),
        (60, Rank.BAR, 0, 3),
        (60, Rank.BAR_OPEN, 1, 0),
        (80, Rank.PRINT, 1, 1),
        (100, Rank.PRINT, 1, 2),
        (120, Rank.PRINT, 1, 3),
        (120, Rank.BAR, 1, 3),
    ]
    assert list(instants(tape, 1)) == list(instants(tape))[5:]


def test_a_tape_is_in_order_across_nights_and_shorter_bars():
    index = pd.DatetimeIndex([]).tz_localize("America/New_York")
    for day in ("2026-11-25", "2026-11-27", "2026-11-30"):
        bars = 4 if day == "2026-11-27" else 7
        index = index.append(pd.date_range(f"{day} 09:30", periods=bars, freq="1h", tz="America/New_York"))
    tape = tape_of(Market.from_frames(close=pd.DataFrame({"AAA": np.linspace(10, 20, 18)}, index=index)))
    order = [(time, rank) for time, rank, _, _ in instants(tape)]
    assert order == sorted(order)
    assert len(order) == 18 * 5

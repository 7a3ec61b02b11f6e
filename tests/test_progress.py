"""Stages of work, as a display sees them."""

from __future__ import annotations

import threading

import pytest

from quantstrats.progress import running, stage


def test_a_stage_is_seen_while_it_runs_and_no_longer():
    assert running() == ()
    with stage("trading", total=3) as advance:
        advance()
        advance(2)
        (seen,) = running()
        assert (seen.label, seen.done, seen.total) == ("trading", 3, 3)
    assert running() == ()


def test_stages_may_lie_within_others_the_outermost_first():
    with stage("forecasting"), stage("fitting", total=2):
        assert [seen.label for seen in running()] == ["forecasting", "fitting"]


def test_a_stage_that_fails_is_over():
    with pytest.raises(KeyboardInterrupt), stage("forecasting"):
        raise KeyboardInterrupt
    assert running() == ()


def test_stages_of_several_threads_do_not_end_each_other():
    inside, leave = threading.Barrier(3), threading.Event()

    def work():
        with stage("fitting") as advance:
            advance()
            inside.wait()
            leave.wait()

    threads = [threading.Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    inside.wait()
    assert [seen.done for seen in running()] == [1, 1]
    with stage("fitting"):
        pass
    assert len(running()) == 2
    leave.set()
    for thread in threads:
        thread.join()
    assert running() == ()

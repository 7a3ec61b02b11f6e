"""Vendors are asked at a pace, several things at a time, and again after growing pauses."""

from __future__ import annotations

import itertools
import os
import signal
import statistics
import subprocess
import sys
import threading
import time

import pytest
import requests

from quantstrats.market.sources import pace
from quantstrats.market.sources.pace import Pace, Patience, StoppedError, attempts, in_parallel
from quantstrats.market.sources.remote import UnavailableError


class Clock:
    """A clock that stands still until someone sleeps."""

    def __init__(self):
        self.time = 1000.0
        self.slept = []

    def now(self):
        return self.time

    def sleep(self, seconds):
        self.slept.append(seconds)
        self.time += seconds

    def pace(self, per_minute=None):
        return Pace(per_minute, now=self.now, sleep=self.sleep)


def failing(times, error=ConnectionResetError):
    left = iter(range(times))

    def call():
        if next(left, None) is not None:
            raise error("gone")
        return "fine"

    return call


def test_pauses_double_up_to_the_longest_give_or_take_a_quarter():
    patience = Patience(retries=8, backoff=2.0, longest=40.0)
    tries = [list(patience.pauses()) for _ in range(200)]
    for at, middle in enumerate([2, 4, 8, 16, 32]):
        of_retry = [each[at] for each in tries]
        assert min(of_retry) >= 0.75 * middle
        assert max(of_retry) <= min(40.0, 1.25 * middle)
        assert statistics.pstdev(of_retry) > 0  # no two clients come back together
    assert all(each[6:] == [40.0, 40.0] for each in tries)


def test_what_fails_in_passing_is_tried_again_after_growing_pauses():
    clock = Clock()
    patience = Patience(retries=3, backoff=1.0)
    assert attempts(failing(3), patience=patience, pace=clock.pace()) == "fine"
    for seconds, middle in zip(clock.slept, [1, 2, 4], strict=True):
        assert 0.75 * middle <= seconds <= 1.25 * middle


def test_the_last_error_is_raised_when_patience_ends():
    clock = Clock()
    with pytest.raises(ConnectionResetError):
        attempts(failing(4), patience=Patience(retries=3), pace=clock.pace())
    assert len(clock.slept) == 3


@pytest.mark.parametrize("error", [ValueError, KeyError, requests.exceptions.InvalidURL])
def test_what_will_not_pass_is_not_tried_again(error):
    clock = Clock()
    with pytest.raises(error):
        attempts(failing(1, error), pace=clock.pace())
    assert clock.slept == []


def test_a_vendor_that_asks_for_a_longer_pause_gets_it_up_to_the_longest():
    class PleaseWaitError(OSError):
        retry_after = 25.0

    clock = Clock()
    assert attempts(failing(1, PleaseWaitError), patience=Patience(longest=60.0), pace=clock.pace()) == "fine"
    assert clock.slept == [25.0]
    clock = Clock()
    attempts(failing(1, PleaseWaitError), patience=Patience(longest=10.0), pace=clock.pace())
    assert clock.slept == [10.0]


def test_requests_are_spread_evenly_over_the_minute():
    clock = Clock()
    pace = clock.pace(per_minute=30)
    times = []
    for _ in range(61):
        pace.wait()
        times.append(clock.time)
    assert times[-1] - times[0] == pytest.approx(120.0)
    assert all(later - earlier == pytest.approx(2.0) for earlier, later in itertools.pairwise(times))


def test_time_that_passed_without_requests_is_not_saved_up():
    clock = Clock()
    pace = clock.pace(per_minute=60)
    pace.wait()
    clock.time += 100.0
    pace.wait()
    pace.wait()
    assert clock.slept == [1.0]


def test_a_pause_holds_for_every_thread():
    pace = Pace(now=time.monotonic)
    pace.hold(0.1)
    began, waited = time.monotonic(), []

    def wait():
        pace.wait()
        waited.append(time.monotonic() - began)

    threads = [threading.Thread(target=wait) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(waited) == 4
    assert min(waited) >= 0.095


def test_many_threads_keep_to_one_rate():
    pace = Pace(per_minute=6000)  # one in 10 ms
    times, lock = [], threading.Lock()

    def ask():
        for _ in range(5):
            pace.wait()
            with lock:
                times.append(time.monotonic())

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert max(times) - min(times) >= 19 * 0.01 - 0.002


def test_stopping_ends_all_waiting():
    pace = Pace()
    pace.hold(60.0)
    threading.Timer(0.05, pace.stop).start()
    began = time.monotonic()
    with pytest.raises(StoppedError):
        pace.wait()
    assert time.monotonic() - began < 5.0


def test_results_come_as_soon_as_they_are_there():
    release = threading.Event()

    def work(item):
        if item == 0:
            release.wait(10)
        return item

    results = in_parallel(work, range(4), 2, Pace())
    assert [next(results), next(results), next(results)] == [1, 2, 3]
    release.set()
    assert list(results) == [0]


def test_an_error_comes_after_the_results_of_what_was_under_way():
    failed = threading.Event()

    def work(item):
        if item == "bad":
            failed.set()
            raise UnavailableError("gone")
        failed.wait(10)
        time.sleep(0.05)
        return item

    there = []
    with pytest.raises(UnavailableError):
        there.extend(in_parallel(work, ["first", "bad", "second", "never"], 3, Pace()))
    assert sorted(there) == ["first", "second"]


def test_an_error_does_not_wait_for_what_takes_long(monkeypatch):
    monkeypatch.setattr(pace, "_GRACE", 0.1)
    release, began = threading.Event(), time.monotonic()

    def work(item):
        if item == "bad":
            raise UnavailableError("gone")
        release.wait(20)

    with pytest.raises(UnavailableError):
        list(in_parallel(work, ["slow", "bad"], 2, Pace()))
    assert time.monotonic() - began < 5.0
    release.set()


def test_no_more_is_begun_after_an_error():
    begun = []

    def work(item):
        begun.append(item)
        raise UnavailableError("gone")

    with pytest.raises(UnavailableError):
        list(in_parallel(work, range(100), 2, Pace()))
    time.sleep(0.05)
    assert len(begun) <= 2


def test_nothing_is_begun_while_nobody_asks():
    begun = []
    results = in_parallel(lambda item: begun.append(item) or item, range(100), 3, Pace())
    next(results)
    time.sleep(0.05)
    assert len(begun) == 3
    results.close()
    time.sleep(0.05)
    assert len(begun) == 3


def test_nothing_to_do_is_done_at_once():
    assert list(in_parallel(str, [], 3, Pace())) == []


@pytest.mark.parametrize("where", ["a pause", "a thread that hears nothing"])
def test_ctrl_c_ends_the_waiting_at_once(where):
    waits = {
        "a pause": "pace = Pace(); pace.hold(60); list(in_parallel(lambda _: pace.wait(), [1, 2], 2, pace))",
        "a thread that hears nothing": "list(in_parallel(lambda _: time.sleep(60), [1, 2], 2, Pace()))",
    }
    program = (
        "import time\nfrom quantstrats.market.sources.pace import Pace, in_parallel\n"
        f"print('ready', flush=True)\ntry:\n    {waits[where]}\nexcept KeyboardInterrupt:\n    print('interrupted')\n"
    )
    process = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True)
    assert process.stdout.readline() == "ready\n"
    time.sleep(0.3)
    began = time.monotonic()
    os.kill(process.pid, signal.SIGINT)
    output, _ = process.communicate(timeout=20)
    assert output == "interrupted\n"
    assert process.returncode == 0
    assert time.monotonic() - began < 5.0

"""A clock that runs by itself: it keeps pace, waits for readers at full speed, and comes to an end."""

from __future__ import annotations

import asyncio
import time

import httpx
import pytest

pytest.importorskip("uvicorn", reason="uvicorn is not installed: extra simulator")

from quantstrats.errors import ConfigError, EngineError
from quantstrats.simulator.events import BarEvent
from quantstrats.simulator.server.pacing import checked_speed, pace
from quantstrats.simulator.times import NS

from .exchanges import RISING, exchange, minutes
from .running import keys, simulator, subscriber


@pytest.mark.parametrize("speed", [0, -1, float("nan"), float("inf"), "fast", True, [1]])
def test_a_speed_that_is_none_is_refused(speed):
    with pytest.raises(ConfigError, match=r"^speed is "):
        checked_speed(speed)


@pytest.mark.parametrize(("speed", "checked"), [(None, None), ("max", "max"), (1, 1.0), (0.5, 0.5), (1e6, 1e6)])
def test_a_speed_is_a_number_or_max(speed, checked):
    assert checked_speed(speed) == checked


@pytest.mark.parametrize(("speed", "least"), [(100_000.0, 0.19), (1e9, 0.0)])
def test_simulated_seconds_pass_at_the_speed_that_was_asked_for(speed, least):
    # From 4:00 to 9:34 are 20,040 simulated seconds: 0.2 s at the first speed, and all at once at the second.
    made, _ = exchange(RISING)
    heard, at_once = [], []
    made.listeners.append(lambda event: heard.append((event, time.monotonic())))

    async def rest():
        pass

    async def run():
        began = time.monotonic()
        task = asyncio.create_task(pace(lambda: made, speed, move, rest))
        while made.row < 3:
            assert not task.done()
            await asyncio.sleep(0.001)
        task.cancel()
        return time.monotonic() - began

    def move(to):
        before = made.row
        made.advance_to(to)
        at_once.append(made.row - before)

    assert least < asyncio.run(run()) < 2
    assert [event.row for event, _ in heard if isinstance(event, BarEvent)] == [0, 1, 2, 3]
    # The clients are waited for after each bar.
    assert max(at_once) == 1
    # Each at its own instant, though four minutes pass within a tick.
    assert [event.time for event, _ in heard if isinstance(event, BarEvent)] == made.tape.ends[:4].tolist()


def test_between_bars_the_clock_goes_on():
    with simulator(speed=600.0) as running:
        times = set()
        deadline = time.monotonic() + 5
        while len(times) < 3 and time.monotonic() < deadline:
            times.add(running.ask(lambda exchange: exchange.now))
        assert len(times) == 3
        # Nothing happens before 9:30, but requests see time pass.
        stamp = httpx.get(f"{running.url}/v2/clock", headers=keys(running)).json()["timestamp"]
        assert stamp.startswith("2024-03-01T04:0")


def test_at_full_speed_every_bar_is_told_and_the_end_is_waited_for():
    days = ("2024-03-01", "2024-03-04")
    with simulator(minutes(RISING, days=days), speed="max", streams={"data_connections": 2}) as running:
        assert running.wait(20)
        assert running.ended
        with pytest.raises(EngineError, match="runs by itself"):
            running.advance()
        with pytest.raises(EngineError, match="runs by itself"):
            running.advance_to("2024-03-05")
        assert httpx.post(f"{running.control_url}/advance").status_code == 409
        assert httpx.get(f"{running.url}/v2/clock", headers=keys(running)).status_code == 200


def test_at_full_speed_it_is_no_faster_than_its_readers():
    import pandas as pd

    from quantstrats import Market

    index = pd.date_range("2024-03-01 14:30", periods=390, freq="min", tz="UTC").as_unit("ns")
    names = [f"S{number:03d}" for number in range(50)]
    market = Market.from_frames(close=pd.DataFrame(50.0, index, names), bar="1min")
    with simulator(market, speed=1e-3) as running, subscriber(running, bars=["*"]) as client:
        # The client is there before the clock runs at full speed.
        running.speed = "max"
        running._background.spawn(running._run("max"))
        # The client's library reads some messages ahead, a few more are on their way: not the whole day.
        time.sleep(0.7)
        assert 0 < running.ask(lambda exchange: exchange.row) < 60
        for row in range(390):
            bars = client.hear()
            assert len(bars) == 50
            assert bars[0]["t"] == index[row].isoformat().replace("+00:00", "Z")
        assert running.wait(20)


def test_a_reset_lets_the_day_begin_again():
    with simulator(speed="max") as running:
        assert running.wait(20)
        running.reset()
        assert running.wait(20)
        assert running.ended
        assert running.exchange.now > running.exchange.started_at


def test_waiting_ends_after_its_time():
    with simulator(speed=1.0) as running:
        began = time.monotonic()
        assert not running.wait(0.05)
        assert time.monotonic() - began < 1


def test_the_clock_is_not_older_than_it_says():
    with simulator(speed=10.0) as running:
        first, began = running.ask(lambda exchange: exchange.now), time.monotonic()
        time.sleep(0.3)
        passed = (running.ask(lambda exchange: exchange.now) - first) / NS
        assert passed == pytest.approx(10 * (time.monotonic() - began), abs=1.0)

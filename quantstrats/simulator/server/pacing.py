"""A clock that runs by itself: so many simulated seconds a real one, or as fast as the clients read."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from quantstrats.checks import number
from quantstrats.errors import ConfigError
from quantstrats.simulator.times import NS

if TYPE_CHECKING:
    from quantstrats.simulator.exchange import Exchange

MAX = "max"

# The clock that clients see is this old at most, in real seconds.
_TICK_S = 0.01
# After so much work in one go, requests are served before the clock goes on.
_TURN_S = 0.02

Speed = float | str | None


def checked_speed(speed: object) -> Speed:
    """Return a speed: None for a clock that only :meth:`~.Simulator.advance` moves, a number over 0, or ``max``.

    Raises
    ------
    ConfigError
        For anything else.
    """
    if speed is None or speed == MAX:
        return speed if speed is None else MAX
    value = number("speed", speed)
    if not 0 < value < float("inf"):
        raise ConfigError(f"speed is {speed!r}; give simulated seconds per real second over 0, or max")
    return value


async def pace(
    exchange: Callable[[], Exchange],
    speed: float | str,
    move: Callable[[int | None], None],
    rest: Callable[[], Awaitable[None]],
) -> None:
    """Move the clock until the tape has ended.

    Parameters
    ----------
    exchange : callable
        Returns the exchange of now: after a reset it is another one, and time starts over.
    speed : float or "max"
        Simulated seconds per real second.
    move : callable
        Moves the clock to an instant (nanoseconds since 1970, UTC), or by a step where it is given None.
    rest : callable
        Waits for the clients after what has happened.
    """
    if isinstance(speed, str):
        while not exchange().ended:
            move(None)
            await rest()
            await asyncio.sleep(0)
    else:
        while not exchange().ended:
            await _keep(exchange, speed, move, rest)


async def _keep(
    exchange: Callable[[], Exchange],
    speed: float,
    move: Callable[[int | None], None],
    rest: Callable[[], Awaitable[None]],
) -> None:
    """Keep pace until the tape has ended or there is another exchange."""
    loop = asyncio.get_running_loop()
    mine = exchange()
    began, first = loop.time(), mine.now
    while exchange() is mine and not mine.ended:
        # Whole microseconds: a float of seconds tells no more.
        now = first + round((loop.time() - began) * speed * 1e6) * (NS // 1_000_000)
        turn = loop.time()
        # One instant after the other: a machine that falls behind still tells each bar apart.
        while mine.due is not None and mine.due <= now and not mine.ended and exchange() is mine:
            move(mine.due)
            await rest()
            if loop.time() - turn > _TURN_S:
                await asyncio.sleep(0)
                turn = loop.time()
        if exchange() is mine and not mine.ended and now > mine.now:
            move(now)
        due = mine.due
        until = _TICK_S if due is None else (due - mine.now) / NS / speed
        await asyncio.sleep(min(max(until, 0.0), _TICK_S))

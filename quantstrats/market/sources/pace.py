"""When vendors are asked: not too often, not for ever, and several things at a time."""

from __future__ import annotations

import itertools
import queue
import random
import re
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import TypeVar

A = TypeVar("A")
B = TypeVar("B")

_GRACE = 3.0  # seconds for what is under way when something else failed


class StoppedError(Exception):
    """Nobody waits for the answer any more."""


@dataclass(frozen=True)
class Patience:
    """How often something is tried again, and after what pauses.

    Attributes
    ----------
    retries : int
        Attempts after the first.
    backoff : float
        Seconds before the first retry; each pause is twice as long as the one before, give or take a quarter.
    longest : float
        Seconds that no pause exceeds, whatever the vendor asks for.
    """

    retries: int = 5
    backoff: float = 1.0
    longest: float = 60.0

    def pauses(self) -> Iterator[float]:
        """Yield the seconds to wait before each retry. The jitter keeps many clients from coming back together."""
        for doubled in range(self.retries):
            yield min(self.longest, self.backoff * 2**doubled * random.uniform(0.75, 1.25))  # noqa: S311


class Pace:
    """When the next request may be sent; shared by all threads that ask one vendor.

    Parameters
    ----------
    per_minute : float, optional
        The most requests in a minute, evenly spread; by default any number.
    now : callable
        The clock, in seconds.
    sleep : callable, optional
        Waits so many seconds; by default until :meth:`stop` at the latest.
    """

    def __init__(
        self,
        per_minute: float | None = None,
        *,
        now: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], object] | None = None,
    ) -> None:
        self._every = 60.0 / per_minute if per_minute else 0.0
        self._now = now
        self._stopped = threading.Event()
        self._sleep = sleep or self._stopped.wait
        self._lock = threading.Lock()
        self._next = float("-inf")

    def wait(self) -> None:
        """Wait for one's turn.

        Raises
        ------
        StoppedError
            If :meth:`stop` was called.
        """
        while not self._stopped.is_set():
            with self._lock:
                now = self._now()
                if now >= self._next:
                    self._next = now + self._every
                    return
                left = self._next - now
            self._sleep(left)
        raise StoppedError

    def hold(self, seconds: float) -> None:
        """Let nobody ask for so many seconds."""
        with self._lock:
            self._next = max(self._next, self._now() + seconds)

    def stop(self) -> None:
        """End all waiting, for good."""
        self._stopped.set()


# What libraries say where a host's name leads nowhere.
_UNRESOLVED = re.compile(r"resolv|getaddrinfo|Name or service|nodename", re.IGNORECASE)


def is_passing(error: BaseException) -> bool:
    """Tell whether the same request may succeed soon: a connection's trouble does pass.

    A wrong address does not, nor a host that nobody knows: most likely there is no network at all.
    """
    return isinstance(error, OSError) and not isinstance(error, ValueError) and not _UNRESOLVED.search(str(error))


def attempts(
    call: Callable[[], A],
    *,
    passing: Callable[[Exception], bool] = is_passing,
    patience: Patience | None = None,
    pace: Pace | None = None,
) -> A:
    """Call until it works: as often as the patience allows, at the pace, for all that fails in passing.

    Parameters
    ----------
    call : callable
        What may fail. An error's attribute ``retry_after`` says how many seconds to wait at least.
    passing : callable, optional
        Tells whether an error is worth another attempt; by default :func:`is_passing`.
    patience : Patience, optional
        How often and how long; by default five retries within about half a minute.
    pace : Pace, optional
        Shared with others who ask the same vendor: a pause holds for all of them.

    Raises
    ------
    Exception
        The last one, as it was raised; Ctrl-C at once.
    """
    patience, pace = patience or Patience(), pace or Pace()
    pauses = patience.pauses()
    while True:
        pace.wait()
        try:
            return call()
        except Exception as error:
            pause = next(pauses, None)
            if pause is None or not passing(error):
                raise
            asked = getattr(error, "retry_after", None) or 0.0
            pace.hold(min(patience.longest, max(pause, asked)))


def in_parallel(work: Callable[[A], B], items: Iterable[A], threads: int, pace: Pace) -> Iterator[B]:
    """Yield what ``work`` makes of each item, as soon as it is there.

    The threads are daemons, so that Ctrl-C ends at once what no thread could be talked out of. No new item is begun
    while nobody asks for the next result.

    Parameters
    ----------
    work : callable
        Called in one of the threads.
    items : iterable
        What to work on.
    threads : int
        How many at a time.
    pace : Pace
        On which ``work`` waits; it is stopped in the end.

    Raises
    ------
    Exception
        The first that ``work`` raises, after the results of what was under way, if they come within seconds.
    """
    waiting = iter(items)
    tasks: queue.SimpleQueue[tuple[A] | None] = queue.SimpleQueue()
    results: queue.SimpleQueue[tuple[B] | BaseException] = queue.SimpleQueue()

    def labour() -> None:
        while (task := tasks.get()) is not None:
            try:
                results.put((work(task[0]),))
            except BaseException as error:  # a thread that died in silence would be waited for
                results.put(error)

    running = 0
    try:
        for item in itertools.islice(waiting, threads):
            tasks.put((item,))
            threading.Thread(target=labour, daemon=True, name="asks a vendor").start()
            running += 1
        while running:
            result = results.get()
            if isinstance(result, BaseException):
                pace.stop()
                yield from _soon(results, running - 1)
                raise result
            yield result[0]
            following = next(((item,) for item in waiting), None)
            if following is None:
                running -= 1
            else:
                tasks.put(following)
    finally:
        pace.stop()
        for _ in range(threads):
            tasks.put(None)


def _soon(results: queue.SimpleQueue[tuple[B] | BaseException], count: int) -> Iterator[B]:
    """Yield those of so many results that come soon; what fails now has no one to tell."""
    until = time.monotonic() + _GRACE
    for _ in range(count):
        try:
            result = results.get(timeout=max(0.0, until - time.monotonic()))
        except queue.Empty:
            return
        if not isinstance(result, BaseException):
            yield result[0]

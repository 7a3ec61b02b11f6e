"""What is to come, in one order."""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Callable, Iterator
from enum import IntEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from quantstrats.simulator.tape import Tape

Act = Callable[[], None]


class Rank(IntEnum):
    """What comes first at the same instant."""

    PRINT = 1  # the second to fourth price of a bar
    BAR = 2  # a bar is complete
    CLOSE = 3  # the session closes
    EVENING = 4  # what the exchange does after it
    OPEN = 5  # corporate actions, then the session opens
    BAR_OPEN = 6  # the first price of a bar
    ARRIVAL = 7  # what a client asked for takes effect
    OTHER = 8


class Schedule:
    """Acts by instant (nanoseconds since 1970, UTC), then rank, then the order in which they were added."""

    def __init__(self) -> None:
        # (time, rank, order, act, where it was drawn from)
        self._heap: list[tuple[int, Rank, int, Act, Iterator[tuple[int, Rank, Act]] | None]] = []
        self._added = itertools.count()
        self._followed = itertools.count(-(2**62))
        self._now: int | None = None

    def __len__(self) -> int:
        return len(self._heap)

    def add(self, time: int, rank: Rank, act: Act) -> None:
        """Let something happen at an instant.

        Raises
        ------
        ValueError
            If something later was popped already.
        """
        self._push(time, rank, next(self._added), act, None)

    def follow(self, acts: Iterator[tuple[int, Rank, Act]]) -> None:
        """Let what an iterator yields happen: (time, rank, act), ascending by time and rank.

        It is drawn one by one as time goes on, so that a long tape takes no memory. At the same instant and rank, what
        is followed comes before what was added.
        """
        self._draw(acts, next(self._followed))

    def next(self) -> tuple[int, Rank] | None:
        """Return when the next act is due and its rank; None if nothing is to come."""
        return self._heap[0][:2] if self._heap else None

    def pop(self) -> tuple[int, Rank, Act]:
        """Take the next act out.

        Raises
        ------
        IndexError
            If nothing is to come.
        """
        time, rank, order, act, source = heapq.heappop(self._heap)
        self._now = time
        if source is not None:
            self._draw(source, order)
        return time, rank, act

    def _draw(self, source: Iterator[tuple[int, Rank, Act]], order: int) -> None:
        drawn = next(source, None)
        if drawn is not None:
            self._push(drawn[0], drawn[1], order, drawn[2], source)

    def _push(
        self, time: int, rank: Rank, order: int, act: Act, source: Iterator[tuple[int, Rank, Act]] | None
    ) -> None:
        if self._now is not None and time < self._now:
            raise ValueError(f"{time} is past: {self._now} is over")
        heapq.heappush(self._heap, (time, rank, order, act, source))


def instants(tape: Tape, first_row: int = 0) -> Iterator[tuple[int, Rank, int, int]]:
    """Yield what a tape does: (time, rank, row, print), ascending.

    Each row has its first price (``BAR_OPEN``, print 0), three more (``PRINT``, 1 to 3) and its completion (``BAR``,
    print 3).
    """
    for row in range(first_row, len(tape)):
        first, second, third, last = tape.print_times(row)
        yield first, Rank.BAR_OPEN, row, 0
        yield second, Rank.PRINT, row, 1
        yield third, Rank.PRINT, row, 2
        yield last, Rank.PRINT, row, 3
        yield last, Rank.BAR, row, 3

"""The exchange's day: what happens when hours begin, when the session opens, and when it closes."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from quantstrats.simulator import actions
from quantstrats.simulator.events import BarEvent, SessionEvent
from quantstrats.simulator.lifecycle import begin, expire
from quantstrats.simulator.schedule import Act, Rank, instants
from quantstrats.simulator.trading import closing_auction, on_print, settle
from quantstrats.simulator.valuation import equity_of, maintenance, sides_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import date

    from quantstrats.simulator.floor import Floor
    from quantstrats.simulator.sessions import Session


def days(floor: Floor, stop: Callable[[], None], first: date) -> Iterator[tuple[int, Rank, Act]]:
    """Yield what the sessions of the tape do, one after the other, from a day on.

    Parameters
    ----------
    floor : Floor
        Where.
    stop : callable
        Is called after a session opened or closed: a step of the clock ends there.
    first : date
        The first session.
    """
    for session in floor.sessions.between(first, floor.tape.session_days[-1]):
        yield session.first, Rank.OPEN, partial(_extended, floor, session)
        yield session.open, Rank.OPEN, partial(_open, floor, session, stop)
        yield session.close, Rank.CLOSE, partial(_close, floor, session, stop)


def rows(floor: Floor, stop: Callable[[], None], first_row: int) -> Iterator[tuple[int, Rank, Act]]:
    """Yield what the bars of the tape do from a row on; ``stop`` is called after a bar is complete."""
    for time, rank, row, place in instants(floor.tape, first_row):
        if rank is Rank.BAR:
            yield time, rank, partial(_complete, floor, row, stop)
        else:
            yield time, rank, partial(on_print, floor, row, place)


def _extended(floor: Floor, session: Session) -> None:
    """At 04:00 corporate actions take effect, and what may trade in extended hours begins to."""
    actions.due(floor, session.day)
    for order in [order for order in floor.queued.values() if order.extended_hours]:
        begin(floor, floor.books[order.account], order)
    settle(floor)


def _open(floor: Floor, session: Session, stop: Callable[[], None]) -> None:
    floor.session = session
    floor.publish(SessionEvent(time=floor.now, what="open"))
    for order in list(floor.queued.values()):
        begin(floor, floor.books[order.account], order)
    settle(floor)
    stop()


def _close(floor: Floor, session: Session, stop: Callable[[], None]) -> None:
    closing_auction(floor)
    floor.session = None
    floor.closed_at = floor.now
    floor.closes = floor.last.copy()
    floor.publish(SessionEvent(time=floor.now, what="close"))
    expire(floor, session.close)
    settle(floor)
    for book in floor.books.values():
        long, short = sides_of(floor, book)
        book.last_equity = book.cash + long + short
        book.last_maintenance = maintenance(long, short)
        book.session_closes.append((floor.now, book.last_equity))
    stop()


def _complete(floor: Floor, row: int, stop: Callable[[], None]) -> None:
    floor.row = row
    for book in floor.books.values():
        book.row_closes.append((floor.now, equity_of(floor, book)))
    floor.publish(BarEvent(time=floor.now, kind="b", row=row))
    stop()

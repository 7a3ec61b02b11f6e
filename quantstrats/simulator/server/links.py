"""The server's connections, for faults to lay their hands on."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from quantstrats.simulator.server.connection import RESTART
from quantstrats.simulator.server.outbox import Farewell

if TYPE_CHECKING:
    from quantstrats.simulator.server.desk import Desk

_GONE = Farewell(RESTART, "service restart")


class DeskLinks:
    """What can be done to the connections of a desk: a message sent past all faults, connections ended.

    Parameters
    ----------
    desk : Desk
        Whose.
    break_all : callable
        Breaks every connection of the server, of streams and of requests.
    """

    def __init__(self, desk: Desk, break_all: Callable[[], None]) -> None:
        self._desk = desk
        self._break_all = break_all

    def send(self, stream: str, account: str | None, content: dict[str, Any] | bytes) -> None:
        """Tell the clients of a stream something: those of an account, or of all."""
        sender = self._desk.senders.get(stream)
        if sender is not None:
            for each in self._desk.exchange.account_ids if account is None else [account]:
                sender(each, content)

    def cut(self, stream: str | None = None, account: str | None = None, *, lost: bool = True) -> None:
        """End the connections of a stream and an account, None for all.

        Parameters
        ----------
        stream : str, optional
            trade_updates, iex or sip.
        account : str, optional
            Its id.
        lost : bool, optional
            With all that is on its way to them; else they get that, and the websocket's farewell.
        """
        for box in list(self._desk.outboxes):
            if stream in (None, box.stream) and account in (None, box.account):
                if lost:
                    box.abort()
                else:
                    box.close(_GONE)

    def restart(self) -> None:
        """Break every connection: the streams, and the requests that wait for an answer."""
        self._desk.give_up_waiting()
        self._break_all()

"""What was held a while ago: positions as they stood after each fill."""

from __future__ import annotations

import json
from collections import deque
from typing import TYPE_CHECKING, Any

from quantstrats.simulator.faults.clock import nanoseconds
from quantstrats.simulator.orders import Refused
from quantstrats.simulator.protocol.errors import NOT_FOUND, error_json
from quantstrats.simulator.protocol.positions import position_json

if TYPE_CHECKING:
    from quantstrats.simulator.exchange import Exchange

_PLACE = "/v2/positions/"


class Snapshots:
    """Positions after each fill, for as long as they may be asked for.

    Parameters
    ----------
    seconds : float
        How far back, in simulated seconds.
    """

    def __init__(self, seconds: float) -> None:
        self._reach = nanoseconds(seconds)
        self._taken: dict[str, deque[tuple[int, list[dict[str, Any]]]]] = {}

    def take(self, exchange: Exchange, account: str) -> None:
        """Keep what an account holds now."""
        held = [position_json(each, exchange.asset(each.symbol)) for each in exchange.positions(account)]
        taken = self._taken.setdefault(account, deque())
        if taken and taken[-1][0] == exchange.now:
            taken.pop()
        taken.append((exchange.now, held))
        while len(taken) > 1 and taken[1][0] <= exchange.now - self._reach:
            taken.popleft()

    def answer(self, path: str, account: str, then: int) -> tuple[int, bytes]:
        """Return status and body of the answer to a GET of the positions, or of one, as of an instant."""
        held: list[dict[str, Any]] = []
        for time, positions in self._taken.get(account, ()):
            if time <= then:
                held = positions
        if not path.startswith(_PLACE):
            return 200, _bytes(held)
        name = path.removeprefix(_PLACE)
        for each in held:
            if name in (each["symbol"], each["asset_id"]):
                return 200, _bytes(each)
        return 404, _bytes(error_json(Refused(404, NOT_FOUND, "position does not exist")))


def _bytes(content: Any) -> bytes:
    return json.dumps(content, separators=(",", ":")).encode()

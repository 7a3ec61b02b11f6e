"""How many requests an account may send a minute."""

from __future__ import annotations

from typing import NamedTuple

from quantstrats.simulator.times import MINUTE, NS

# What the headers say where nothing is limited: a client that paces itself by them is not slowed down.
UNLIMITED = 1_000_000


class Allowance(NamedTuple):
    """What is left to an account: requests a minute, how many of them remain, when (epoch s) they are renewed."""

    is_kept: bool
    limit: int
    remaining: int
    reset: int


class RateLimit:
    """Counts the requests of each account in each minute of the exchange's clock.

    The clock is the simulated one, so that the same client is answered the same, however fast the machine.

    Parameters
    ----------
    per_minute : int or None
        None for no limit.
    """

    def __init__(self, per_minute: int | None) -> None:
        self._limits = per_minute is not None
        self._limit = UNLIMITED if per_minute is None else per_minute
        self._minute = -1
        self._counts: dict[str, int] = {}

    def count(self, account: str, now: int) -> Allowance:
        """Count a request.

        Parameters
        ----------
        account : str
            Whose.
        now : int
            Nanoseconds since 1970 (UTC).
        """
        minute = now // MINUTE
        if minute != self._minute:
            self._minute = minute
            self._counts.clear()
        count = self._counts.get(account, 0) + 1
        self._counts[account] = count
        is_kept = count <= self._limit or not self._limits
        return Allowance(is_kept, self._limit, max(self._limit - count, 0), (minute + 1) * MINUTE // NS)

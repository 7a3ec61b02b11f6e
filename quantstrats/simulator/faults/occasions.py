"""When a fault happens: what a script says of it, and the counting and drawing that this takes."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from functools import lru_cache
from typing import Any

from quantstrats.simulator.ids import account_id

# Which keys an occasion may be chosen by, beside those that all have.
COMMON = ("account", "nth", "every", "rate", "skip", "times", "at", "since", "until")
KEYS = {
    "request": ("request", "symbol"),
    "frame": ("stream", "event", "symbol"),
    "bar": ("stream", "symbol"),
    "connection": ("stream",),
    "replay": ("stream",),
    "order": ("symbol", "side"),
    "act": ("request", "event", "symbol", "side"),
    "window": (),
}
ORDER_EVENTS = (
    "accepted",
    "pending_new",
    "new",
    "held",
    "partial_fill",
    "fill",
    "canceled",
    "expired",
    "replaced",
    "rejected",
    "pending_cancel",
    "pending_replace",
    "order_cancel_rejected",
    "order_replace_rejected",
    "restated",
    "trade_bust",
    "trade_correct",
)
# What an act may follow as well: a bar is complete, the session opens or closes.
CLOCK_EVENTS = ("bar", "open", "close")


@dataclass(frozen=True, kw_only=True)
class On:
    """When a fault happens; None leaves a thing open.

    Parameters
    ----------
    request : str, optional
        Method and path, as ``POST /v2/orders``; ``*`` stands for anything. A path alone is of any method.
    event : str, optional
        What became of an order: fill, new, canceled ... An act may follow ``bar``, ``open`` and ``close`` too.
    stream : str, optional
        trade_updates, iex or sip.
    account : str, optional
        Its key or its id.
    symbol, side : str, optional
        Of the order, or of the bar.
    nth : int, optional
        Only the nth occasion: 1 is the first.
    every : int, optional
        Only each so-manieth.
    rate : float, optional
        Each with this probability.
    skip : int, optional
        How many are left alone at first.
    times : int, optional
        At most so often; once where ``at`` is given.
    at : int, optional
        The first occasion at or after it: nanoseconds since 1970 (UTC). An act happens at that very instant.
    since, until : int, optional
        Only between these two: the first included, the second not.
    """

    request: str | None = None
    event: str | None = None
    stream: str | None = None
    account: str | None = None
    symbol: str | None = None
    side: str | None = None
    nth: int | None = None
    every: int | None = None
    rate: float | None = None
    skip: int = 0
    times: int | None = None
    at: int | None = None
    since: int | None = None
    until: int | None = None

    def __post_init__(self) -> None:
        for name in ("nth", "every", "times"):
            value = getattr(self, name)
            if value is not None and value < 1:
                raise ValueError(f"{name} is {value}; give 1 or more")
        if self.skip < 0:
            raise ValueError(f"skip is {self.skip}; give 0 or more")
        if self.rate is not None and not 0 <= self.rate <= 1:
            raise ValueError(f"rate is {self.rate:g}; give a probability from 0 to 1")
        if sum(each is not None for each in (self.nth, self.every, self.rate)) > 1:
            raise ValueError("give one of nth, every and rate")
        if self.at is not None and (self.since is not None or self.until is not None):
            raise ValueError("give at, or since and until")

    def fits(self, occasion: Occasion) -> bool:
        """Tell whether an occasion is one of those meant, whichever in turn it is."""
        return (
            (self.request is None or _is_like(self.request, occasion.request))
            and self.event in (None, occasion.event)
            and self.stream in (None, occasion.stream)
            and self.symbol in (None, occasion.symbol)
            and self.side in (None, occasion.side)
            and (self.account is None or occasion.account in (self.account, _id_of(self.account)))
        )

    def is_during(self, now: int) -> bool:
        """Tell whether an instant lies within the times that are meant."""
        begin = self.since if self.at is None else self.at
        return (begin is None or now >= begin) and (self.until is None or now < self.until)


@dataclass(frozen=True, kw_only=True)
class Occasion:
    """Something at which a fault may happen. ``cause`` tells it in the log."""

    account: str | None = None
    request: str = ""
    event: str = ""
    stream: str = ""
    symbol: str | None = None
    side: str = ""
    cause: Mapping[str, Any] = field(default_factory=dict)


class Trigger:
    """Counts the occasions of one entry of a script, and draws.

    Parameters
    ----------
    on : On
        Which occasions.
    stream : str
        Names its random numbers: they are those of no other entry.
    """

    def __init__(self, on: On, stream: str) -> None:
        self.on = on
        self.fired = 0
        self._seen = 0
        self._most = 1 if on.times is None and on.at is not None else on.times
        self._draws = random.Random(stream)  # noqa: S311 - a simulation, no secrets

    def meets(self, occasion: Occasion, now: int) -> bool:
        """Count an occasion, and tell whether the fault happens at it."""
        if not self.on.is_during(now) or not self.on.fits(occasion):
            return False
        self._seen += 1
        turn = self._seen - self.on.skip
        if turn < 1 or (self._most is not None and self.fired >= self._most) or not self._is_chosen(turn):
            return False
        self.fired += 1
        return True

    def _is_chosen(self, turn: int) -> bool:
        on = self.on
        if on.nth is not None:
            return turn == on.nth
        if on.every is not None:
            return turn % on.every == 0
        return on.rate is None or self._draws.random() < on.rate


def _is_like(pattern: str, request: str) -> bool:
    return bool(request) and fnmatchcase(request, pattern if " " in pattern else f"* {pattern}")


@lru_cache(maxsize=64)
def _id_of(key: str) -> str:
    return account_id(key)

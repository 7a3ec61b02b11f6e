"""Faults of requests: another answer, a late one, half of one, or none."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import ClassVar, Literal

ERRORS = (429, 500, 502, 503, 504)
When = Literal["before", "after"]


@dataclass(frozen=True, kw_only=True)
class RequestFault:
    """What goes wrong with one request; nothing, where all is as it stands here.

    Attributes
    ----------
    when : str
        ``before``: the exchange never sees the request. ``after``: what it asks for is done, and stands.
    status : int or None
        The answer is an error of this status instead.
    body : str
        ``json``, or ``html`` for a page of a gateway, with the good answer's status where ``status`` is None.
    delay_s : float
        Real seconds until it is answered, spent before or after what it asks for is done.
    hang_s : float
        Real seconds after which the connection breaks without an answer, unless the client has gone before.
    reset : bool
        The connection breaks at once, without an answer.
    truncate : bool
        The body ends in its middle, and the connection with it.
    late_404_s : float
        Simulated seconds for which the order that was accepted is not found.
    told : tuple of (int, bytes) or None
        Status and body in JSON to answer instead.
    """

    when: When = "before"
    status: int | None = None
    body: Literal["json", "html"] = "json"
    delay_s: float = 0.0
    hang_s: float = 0.0
    reset: bool = False
    truncate: bool = False
    late_404_s: float = 0.0
    told: tuple[int, bytes] | None = None

    def with_also(self, other: RequestFault) -> RequestFault:
        """Return both in one: where both say something, this one's word holds."""
        usual = RequestFault()
        taken = {
            each.name: getattr(other, each.name)
            for each in fields(self)
            if each.name != "when" and getattr(self, each.name) == getattr(usual, each.name)
        }
        # What one of them lets happen has happened.
        return replace(self, when="after" if "after" in (self.when, other.when) else "before", **taken)


@dataclass(frozen=True, kw_only=True)
class _Answered:
    """A fault of a request. ``hidden_s``: for how many simulated seconds an accepted order is then not found."""

    occasion: ClassVar[str] = "request"
    # How the requests begin to which it can happen at all.
    of: ClassVar[tuple[str, ...]] = ("",)

    when: When = "before"
    hidden_s: float = 0.0

    def __post_init__(self) -> None:
        check_seconds("hidden_s", self.hidden_s)
        if self.hidden_s and self.when == "before":
            raise ValueError("hidden_s needs when: after; there is no order otherwise")

    @property
    def stands(self) -> str:
        """What became of what the request asked for."""
        done = "it was done" if self.when == "after" else "it was not done"
        return f"{done}; the order is hidden for {self.hidden_s:g} s" if self.hidden_s else done


@dataclass(frozen=True, kw_only=True)
class HttpError(_Answered):
    """An error: 429, 500, 502, 503 or 504, before or after what was asked for is done."""

    fault: ClassVar[str] = "http_error"

    status: int
    body: Literal["json", "html"] = "json"

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.status not in ERRORS:
            raise ValueError(f"status is {self.status}; give one of {', '.join(map(str, ERRORS))}")

    def answer(self) -> tuple[RequestFault, str]:
        """Return what goes wrong, and how the log tells it."""
        fault = RequestFault(when=self.when, status=self.status, body=self.body, late_404_s=self.hidden_s)
        return fault, f"answered {self.status}; {self.stands}"


@dataclass(frozen=True, kw_only=True)
class Reset(_Answered):
    """The connection breaks without an answer."""

    fault: ClassVar[str] = "reset"

    def answer(self) -> tuple[RequestFault, str]:
        """Return what goes wrong, and how the log tells it."""
        fault = RequestFault(when=self.when, reset=True, late_404_s=self.hidden_s)
        return fault, f"reset the connection; {self.stands}"


@dataclass(frozen=True, kw_only=True)
class Hang(_Answered):
    """Nothing is answered for so many real seconds, then the connection breaks."""

    fault: ClassVar[str] = "hang"

    seconds: float = 60.0

    def __post_init__(self) -> None:
        super().__post_init__()
        check_seconds("seconds", self.seconds, over_zero=True)

    def answer(self) -> tuple[RequestFault, str]:
        """Return what goes wrong, and how the log tells it."""
        fault = RequestFault(when=self.when, hang_s=self.seconds, late_404_s=self.hidden_s)
        return fault, f"answered nothing for {self.seconds:g} s; {self.stands}"


@dataclass(frozen=True, kw_only=True)
class Slow(_Answered):
    """The answer comes so many real seconds late."""

    fault: ClassVar[str] = "slow"

    seconds: float = 1.0

    def __post_init__(self) -> None:
        super().__post_init__()
        check_seconds("seconds", self.seconds, over_zero=True)

    def answer(self) -> tuple[RequestFault, str]:
        """Return what goes wrong, and how the log tells it."""
        fault = RequestFault(when=self.when, delay_s=self.seconds, late_404_s=self.hidden_s)
        side = "after it was done" if self.when == "after" else "before it was done"
        return fault, f"held back for {self.seconds:g} s, {side}"


@dataclass(frozen=True, kw_only=True)
class Truncated(_Answered):
    """Half of the answer comes, then the connection ends."""

    fault: ClassVar[str] = "truncated"
    when: Literal["after"] = "after"

    def answer(self) -> tuple[RequestFault, str]:
        """Return what goes wrong, and how the log tells it."""
        fault = RequestFault(when="after", truncate=True, late_404_s=self.hidden_s)
        return fault, f"cut the answer in half; {self.stands}"


@dataclass(frozen=True, kw_only=True)
class Html(_Answered):
    """The answer is a page in HTML: with the status given, else that of the good answer, or 502 where there is none."""

    fault: ClassVar[str] = "html"

    status: int | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.status is not None and not 200 <= self.status <= 599:
            raise ValueError(f"status is {self.status}; give one of HTTP's, as 502")

    def answer(self) -> tuple[RequestFault, str]:
        """Return what goes wrong, and how the log tells it."""
        status = 502 if self.status is None and self.when == "before" else self.status
        fault = RequestFault(when=self.when, status=status, body="html", late_404_s=self.hidden_s)
        return fault, f"answered a page in HTML; {self.stands}"


@dataclass(frozen=True, kw_only=True)
class Late404:
    """An order is accepted, and not found for so many simulated seconds; then it is there."""

    fault: ClassVar[str] = "late_404"
    occasion: ClassVar[str] = "request"
    of: ClassVar[tuple[str, ...]] = ("POST /v2/orders", "PATCH /v2/orders/")

    seconds: float = 5.0

    def __post_init__(self) -> None:
        check_seconds("seconds", self.seconds, over_zero=True)

    def answer(self) -> tuple[RequestFault, str]:
        """Return what goes wrong, and how the log tells it."""
        return RequestFault(when="after", late_404_s=self.seconds), f"hides the order for {self.seconds:g} s"


@dataclass(frozen=True, kw_only=True)
class FillBeforeAnswer:
    """What the stream tells of an order comes before the answer to its POST, which waits so many real seconds."""

    fault: ClassVar[str] = "fill_before_answer"
    occasion: ClassVar[str] = "request"
    of: ClassVar[tuple[str, ...]] = ("POST /v2/orders",)

    seconds: float = 0.2

    def __post_init__(self) -> None:
        check_seconds("seconds", self.seconds, over_zero=True)

    def answer(self) -> tuple[RequestFault, str]:
        """Return what goes wrong, and how the log tells it."""
        return RequestFault(when="after", delay_s=self.seconds), f"answers {self.seconds:g} s after the stream"


@dataclass(frozen=True, kw_only=True)
class StalePositions:
    """GET /v2/positions answers what was held so many simulated seconds ago."""

    fault: ClassVar[str] = "stale_positions"
    occasion: ClassVar[str] = "request"
    of: ClassVar[tuple[str, ...]] = ("GET /v2/positions",)

    seconds: float = 30.0

    def __post_init__(self) -> None:
        check_seconds("seconds", self.seconds, over_zero=True)


def check_seconds(name: str, value: float, *, over_zero: bool = False) -> None:
    """Raise ValueError for what is no time to wait."""
    if not (value > 0 if over_zero else value >= 0) or value > 1e8:
        raise ValueError(f"{name} is {value:g}; give seconds {'over 0' if over_zero else 'from 0 on'}")

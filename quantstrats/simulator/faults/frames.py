"""Faults of what a stream tells: lost, twice, late, in another order, again, or no message at all."""

from __future__ import annotations

import copy
import json
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar, Literal

from quantstrats.simulator.faults.answers import check_seconds
from quantstrats.simulator.times import MINUTE, NS, parse_time, rfc3339

Content = dict[str, Any] | bytes
KEPT_FRAMES = 100


@dataclass(frozen=True)
class Frame:
    """Something to send: a message, or bytes that may be none; real seconds until then."""

    content: Content
    delay_s: float = 0.0


class Way:
    """The way of one stream to one account: what was held back on it, what went over it, whether it is mute.

    Parameters
    ----------
    send : callable
        Sends something that was held back.
    at : callable
        Lets something happen at a simulated instant (nanoseconds since 1970, UTC).
    now : callable
        Tells that time.
    """

    def __init__(
        self, send: Callable[[Content], None], at: Callable[[int, Callable[[], None]], None], now: Callable[[], int]
    ) -> None:
        self.recent: deque[dict[str, Any]] = deque(maxlen=KEPT_FRAMES)
        self._send, self._at, self._now = send, at, now
        self._held: list[_Held] = []
        self._mute_until = 0

    @property
    def is_mute(self) -> bool:
        """Whether all that is told gets lost now."""
        return self._now() < self._mute_until

    def mute(self, seconds: float) -> None:
        """Lose all from now on for so many simulated seconds."""
        self._mute_until = max(self._mute_until, self._now() + round(seconds * NS))

    def later(self, content: Content, seconds: float) -> None:
        """Send something after so many simulated seconds."""
        self._at(self._now() + round(seconds * NS), partial(self._unless_mute, content))

    def hold(self, content: Content, frames: int, seconds: float) -> None:
        """Send something after so many frames more, or simulated seconds, whichever comes first."""
        held = _Held(content, frames)
        self._held.append(held)
        self._at(self._now() + round(seconds * NS), partial(self._release, held))

    def waiting(self) -> list[_Held]:
        """Return what waits for frames to pass."""
        return list(self._held)

    def passed(self, waiting: list[_Held]) -> list[Content]:
        """Count a frame that has passed what waited before it; return what has waited enough."""
        free = []
        for held in waiting:
            held.frames -= 1
            if held.frames <= 0 and held in self._held:
                self._held.remove(held)
                free.append(held.content)
        return free

    def _release(self, held: _Held) -> None:
        if held in self._held:
            self._held.remove(held)
            self._unless_mute(held.content)

    def _unless_mute(self, content: Content) -> None:
        if not self.is_mute:
            self._send(content)


@dataclass(eq=False)
class _Held:
    content: Content
    frames: int


@dataclass(frozen=True, kw_only=True)
class Drop:
    """A message never comes."""

    fault: ClassVar[str] = "drop"
    occasion: ClassVar[str] = "frame"

    def tell(self, content: dict[str, Any], way: Way) -> tuple[list[Content], str]:  # noqa: ARG002
        """Return what is sent instead of a message, and how the log tells it."""
        return [], "dropped"


@dataclass(frozen=True, kw_only=True)
class Duplicate:
    """A message comes so many times more: at once, or again after so many simulated seconds."""

    fault: ClassVar[str] = "duplicate"
    occasion: ClassVar[str] = "frame"

    copies: int = 1
    seconds: float = 0.0

    def __post_init__(self) -> None:
        if not 1 <= self.copies <= 1000:
            raise ValueError(f"copies is {self.copies}; give 1 to 1000")
        check_seconds("seconds", self.seconds)

    def tell(self, content: dict[str, Any], way: Way) -> tuple[list[Content], str]:
        """Return what is sent instead of a message, and how the log tells it."""
        if not self.seconds:
            return [content] * (1 + self.copies), f"sent {1 + self.copies} times"
        for _ in range(self.copies):
            way.later(content, self.seconds)
        return [content], f"sent again {self.seconds:g} s later, {self.copies} times"


@dataclass(frozen=True, kw_only=True)
class Reorder:
    """A message comes after the ``by`` next ones; alone after so many simulated seconds, if none come."""

    fault: ClassVar[str] = "reorder"
    occasion: ClassVar[str] = "frame"

    by: int = 1
    seconds: float = 60.0

    def __post_init__(self) -> None:
        if self.by < 1:
            raise ValueError(f"by is {self.by}; give 1 or more messages")
        check_seconds("seconds", self.seconds, over_zero=True)

    def tell(self, content: dict[str, Any], way: Way) -> tuple[list[Content], str]:
        """Return what is sent instead of a message, and how the log tells it."""
        way.hold(content, self.by, self.seconds)
        return [], f"put behind the next {self.by}"


@dataclass(frozen=True, kw_only=True)
class Delay:
    """A message comes so many simulated seconds late; those after it do not wait."""

    fault: ClassVar[str] = "delay"
    occasion: ClassVar[str] = "frame"

    seconds: float = 5.0

    def __post_init__(self) -> None:
        check_seconds("seconds", self.seconds, over_zero=True)

    def tell(self, content: dict[str, Any], way: Way) -> tuple[list[Content], str]:
        """Return what is sent instead of a message, and how the log tells it."""
        way.later(content, self.seconds)
        return [], f"{self.seconds:g} s late"


@dataclass(frozen=True, kw_only=True)
class Mute:
    """The stream stays open and tells nothing for so many simulated seconds: what happens meanwhile is lost."""

    fault: ClassVar[str] = "mute"
    occasion: ClassVar[str] = "frame"

    seconds: float = 60.0

    def __post_init__(self) -> None:
        check_seconds("seconds", self.seconds, over_zero=True)

    def tell(self, content: dict[str, Any], way: Way) -> tuple[list[Content], str]:  # noqa: ARG002
        """Return what is sent instead of a message, and how the log tells it."""
        way.mute(self.seconds)
        return [], f"mute from this message on, for {self.seconds:g} s"


@dataclass(frozen=True, kw_only=True)
class Malformed:
    """Something that is no message comes instead: its half, bytes at random, or JSON of another shape."""

    fault: ClassVar[str] = "malformed"
    occasion: ClassVar[str] = "frame"

    shape: Literal["half", "noise", "other"] = "half"
    keeps: bool = False

    def tell(self, content: dict[str, Any], way: Way) -> tuple[list[Content], str]:  # noqa: ARG002
        """Return what is sent instead of a message, and how the log tells it."""
        text = json.dumps(content).encode()
        bad = {"half": text[: len(text) // 2], "noise": bytes(range(0xF0, 0x100)) * 4, "other": b'[[],{"stream":7}]'}
        after: list[Content] = [content] if self.keeps else []
        return [bad[self.shape], *after], f"sent {self.shape} of a message" if self.shape == "half" else "sent no JSON"


@dataclass(frozen=True, kw_only=True)
class Replay:
    """A client that listens to the stream of orders again gets the last messages that it was sent once more."""

    fault: ClassVar[str] = "replay"
    occasion: ClassVar[str] = "replay"

    messages: int = 5

    def __post_init__(self) -> None:
        if not 1 <= self.messages <= KEPT_FRAMES:
            raise ValueError(f"messages is {self.messages}; give 1 to {KEPT_FRAMES}")


@dataclass(frozen=True, kw_only=True)
class MissingBar:
    """The stream leaves a bar out; the REST endpoint has it."""

    fault: ClassVar[str] = "missing_bar"
    occasion: ClassVar[str] = "bar"

    def tell(self, content: dict[str, Any], way: Way) -> tuple[list[Content], str]:  # noqa: ARG002
        """Return what is sent instead of a message, and how the log tells it."""
        return [], "left out"


@dataclass(frozen=True, kw_only=True)
class LateBar:
    """A bar comes so many simulated seconds late."""

    fault: ClassVar[str] = "late_bar"
    occasion: ClassVar[str] = "bar"

    seconds: float = 30.0

    def __post_init__(self) -> None:
        check_seconds("seconds", self.seconds, over_zero=True)

    def tell(self, content: dict[str, Any], way: Way) -> tuple[list[Content], str]:
        """Return what is sent instead of a message, and how the log tells it."""
        way.later(content, self.seconds)
        return [], f"{self.seconds:g} s late"


@dataclass(frozen=True, kw_only=True)
class DuplicateBar:
    """A bar comes twice."""

    fault: ClassVar[str] = "duplicate_bar"
    occasion: ClassVar[str] = "bar"

    def tell(self, content: dict[str, Any], way: Way) -> tuple[list[Content], str]:  # noqa: ARG002
        """Return what is sent instead of a message, and how the log tells it."""
        return [content, content], "sent twice"


@dataclass(frozen=True, kw_only=True)
class EdgeBar:
    """A bar comes twice, the second time labelled so many minutes later: the last of a session, beyond its close."""

    fault: ClassVar[str] = "edge_bar"
    occasion: ClassVar[str] = "bar"

    minutes: float = 1.0

    def __post_init__(self) -> None:
        if not 0 < abs(self.minutes) <= 10_000:
            raise ValueError(f"minutes is {self.minutes:g}; give some, below 0 for earlier")

    def tell(self, content: dict[str, Any], way: Way) -> tuple[list[Content], str]:  # noqa: ARG002
        """Return what is sent instead of a message, and how the log tells it."""
        label = rfc3339(parse_time(content["t"]) + round(self.minutes * MINUTE))
        return [content, {**content, "t": label}], f"sent again, labelled {label}"


@dataclass(frozen=True, kw_only=True)
class CorrectedBar:
    """A bar's close is wrong by so many basis points at first; the right bar follows on the channel updatedBars."""

    fault: ClassVar[str] = "corrected_bar"
    occasion: ClassVar[str] = "bar"

    by_bps: float = 50.0
    seconds: float = 30.0

    def __post_init__(self) -> None:
        check_seconds("seconds", self.seconds, over_zero=True)
        if not -9_999 < self.by_bps < 1e6 or not self.by_bps:
            raise ValueError(f"by_bps is {self.by_bps:g}; give basis points, not 0 and over -9999")

    def tell(self, content: dict[str, Any], way: Way) -> tuple[list[Content], str]:
        """Return what is sent instead of a message, and how the log tells it."""
        close = round(content["c"] * (1 + self.by_bps / 10_000), 4)
        way.later({**content, "T": "u"}, self.seconds)
        high, low = max(content["h"], close), min(content["l"], close)
        told = f"close {close:g} for {content['c']:g}, corrected {self.seconds:g} s later"
        return [{**content, "c": close, "h": high, "l": low}], told


@dataclass(frozen=True, kw_only=True)
class NanBar:
    """A bar lacks values: they are null, or their keys are absent."""

    fault: ClassVar[str] = "nan_bar"
    occasion: ClassVar[str] = "bar"

    values: tuple[Literal["o", "h", "l", "c", "v"], ...] = ("c",)
    absent: bool = False

    def __post_init__(self) -> None:
        if not self.values:
            raise ValueError("values is empty; name some of o, h, l, c, v")

    def tell(self, content: dict[str, Any], way: Way) -> tuple[list[Content], str]:  # noqa: ARG002
        """Return what is sent instead of a message, and how the log tells it."""
        spoilt = copy.copy(content)
        for name in self.values:
            if self.absent:
                spoilt.pop(name, None)
            else:
                spoilt[name] = None
        return [spoilt], f"{', '.join(self.values)} {'absent' if self.absent else 'null'}"

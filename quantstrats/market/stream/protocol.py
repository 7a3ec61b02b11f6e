"""The messages of Alpaca's data stream: what is sent, and what comes back."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from quantstrats.errors import DataError
from quantstrats.market.sources.alpaca_client import DeniedError
from quantstrats.market.stream.arrivals import Kind, StreamedBar

Codec: TypeAlias = Literal["json", "msgpack"]

# Closed minutes, and later corrections of them; trades, quotes and the day's running bar are not asked for.
CHANNELS: dict[str, tuple[str, Kind]] = {"b": ("bars", "live"), "u": ("updatedBars", "correction")}
# What is wrong with the keys, the symbols or the account is so again at the next attempt.
_FINAL = {
    400: "change the symbols",
    402: "check APCA_API_KEY_ID and APCA_API_SECRET_KEY in the environment",
    405: "ask for fewer symbols",
    408: "the account must be enabled for it",
    409: "set the source's feed: iex, which every account may use",
    410: "change the symbols",
}


class BrokenError(Exception):
    """The connection is of no use any more; the next one may be."""


@dataclass(frozen=True)
class Messages:
    """Writes and reads messages.

    Attributes
    ----------
    codec : {"json", "msgpack"}
        How they are written.
    """

    codec: Codec = "json"

    @property
    def headers(self) -> dict[str, str]:
        """What tells the server how they are written."""
        return {"Content-Type": f"application/{self.codec}"}

    def written(self, message: dict[str, Any]) -> str | bytes:
        """Return a message as it is sent."""
        if self.codec == "json":
            return json.dumps(message)
        import msgpack

        packed: bytes = msgpack.packb(message)
        return packed

    def read(self, frame: str | bytes) -> list[dict[str, Any]]:
        """Return the messages of a frame.

        Raises
        ------
        BrokenError
            If it is malformed, or tells of an error that may pass.
        DeniedError
            If it tells of one that will not.
        """
        try:
            if self.codec == "json":
                messages = json.loads(frame)
            else:
                import msgpack

                messages = msgpack.unpackb(frame, timestamp=3)
            kinds = [message["T"] for message in messages]
        except Exception:  # msgpack has its own
            raise BrokenError("a frame is malformed") from None
        if "error" in kinds:
            raise _failure(messages[kinds.index("error")])
        return messages  # type: ignore[no-any-return]


def bars_of(messages: Sequence[dict[str, Any]]) -> list[StreamedBar]:
    """Return the bars and corrections among messages.

    Raises
    ------
    BrokenError
        If one is malformed.
    """
    try:
        return [StreamedBar.of(each["S"], each, CHANNELS[each["T"]][1]) for each in messages if each["T"] in CHANNELS]
    except (LookupError, TypeError, ValueError):
        raise BrokenError("a bar is malformed") from None


def check_subscription(message: dict[str, Any], symbols: Sequence[str]) -> None:
    """Refuse what was subscribed, if a symbol is not in it.

    Raises
    ------
    DataError
        With the symbols.
    """
    there = set(message.get(CHANNELS["b"][0]) or ())
    lacking = [symbol for symbol in symbols if symbol not in there and "*" not in there]
    if lacking:
        raise DataError(f"Alpaca does not stream {', '.join(lacking[:5])}; leave out what it does not know")


def _failure(message: dict[str, Any]) -> Exception:
    code, text = message.get("code"), " ".join(str(message.get("msg", "")).split())[:100]
    if code in _FINAL:
        return DeniedError(f"Alpaca's stream refuses ({code}: {text}); {_FINAL[code]}")
    return BrokenError(f"the stream tells {code}: {text}")

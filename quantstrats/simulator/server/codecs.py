"""How the frames of market data are written: as JSON texts, or as msgpack with instants of its own type."""

from __future__ import annotations

import json
import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from quantstrats.simulator.times import rfc3339

MSGPACK = b"application/msgpack"

_json_text = json.JSONEncoder(separators=(",", ":")).encode


class Unreadable(ValueError):  # noqa: N818 - it is what a client sent, not a failure
    """A frame that is not what its connection speaks."""


@dataclass(frozen=True)
class Codec:
    """A way to write messages. A message is a dict; ``t`` in it is an instant in nanoseconds since 1970 (UTC).

    Attributes
    ----------
    one : callable
        Writes a message.
    many : callable
        Makes a frame of messages that were written.
    read : callable
        Reads what a client sent; raises Unreadable.
    """

    one: Callable[[dict[str, Any]], Any]
    many: Callable[[Sequence[Any]], str | bytes]
    read: Callable[[str | bytes], Any]


def codec_of(headers: Sequence[tuple[bytes, bytes]]) -> Codec:
    """Return what a client wants to speak, by the headers with which it connects."""
    for name, value in headers:
        if name == b"content-type" and value.split(b";")[0].strip().lower() == MSGPACK:
            return PACKED
    return TEXT


def _text_of_one(message: dict[str, Any]) -> str:
    return _json_text({**message, "t": rfc3339(message["t"])} if "t" in message else message)


def _text_of_many(messages: Sequence[str]) -> str:
    return f"[{','.join(messages)}]"


def read_json(frame: str | bytes) -> Any:
    """Return what JSON says.

    Raises
    ------
    Unreadable
        If it is none.
    """
    try:
        return json.loads(frame)
    except (ValueError, RecursionError):
        raise Unreadable("not JSON") from None


def _packed(message: dict[str, Any]) -> bytes:
    import msgpack

    if "t" in message:
        message = {**message, "t": msgpack.Timestamp.from_unix_nano(message["t"])}
    packed: bytes = msgpack.packb(message)
    return packed


def _packed_of_many(messages: Sequence[bytes]) -> bytes:
    # An array's head, as the format has it: up to 15, up to 65535, more.
    count = len(messages)
    if count < 16:
        head = bytes([0x90 | count])
    else:
        head = struct.pack(">BH", 0xDC, count) if count < 65536 else struct.pack(">BI", 0xDD, count)
    return head + b"".join(messages)


def _unpacked(frame: str | bytes) -> Any:
    import msgpack

    if isinstance(frame, str):
        raise Unreadable("a text instead of msgpack")
    try:
        return msgpack.unpackb(frame)
    # The unpacker raises nearly anything on bytes that are not its own: also TypeError for a key that is a list.
    except (ValueError, TypeError, OverflowError, RecursionError, msgpack.UnpackException):
        raise Unreadable("not msgpack") from None


TEXT = Codec(_text_of_one, _text_of_many, read_json)
PACKED = Codec(_packed, _packed_of_many, _unpacked)

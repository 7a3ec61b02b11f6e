"""The wire log: a JSON line for each request, answer and frame, in the order in which they came and went."""

from __future__ import annotations

import json
from collections import deque
from pathlib import Path
from typing import TextIO

from quantstrats.simulator.times import rfc3339

KEPT_CHARACTERS = 64 * 2**20
_LONGEST_UNREADABLE = 2000


class WireLog:
    """What was said between the server and its clients.

    Every line has ``n`` (1, 2 ...), ``at`` (simulated time, RFC 3339), ``account`` (its id, null where nobody has
    signed in) and ``kind``:

    - ``request``: ``id``, ``method``, ``path``, ``query`` (as sent), ``body`` (JSON, null, or a text where it is not
      JSON).
    - ``answer``: ``id`` of the request, ``status``, ``body``; ``fault`` where one was injected. ``status`` is null
      where nothing was answered.
    - ``frame_in``, ``frame_out``: ``stream``, ``body``.

    Headers are left out, and with them keys, secrets and what differs from run to run.

    Parameters
    ----------
    path : Path or None, optional
        A file to write the lines to; it is replaced. None keeps the last lines in memory.
    keep : int, optional
        How many characters are kept in memory.
    """

    def __init__(self, path: Path | None = None, keep: int = KEPT_CHARACTERS) -> None:
        self._file: TextIO | None = path.open("w", encoding="utf-8", buffering=1) if path else None
        self._lines: deque[str] = deque()
        self._keep = keep
        self._kept = 0
        self._count = 0

    def request(
        self, at: int, account: str | None, request_id: str, method: str, path: str, query: str, body: bytes
    ) -> None:
        """Add a request."""
        said = f'"id":"{request_id}","method":{json.dumps(method)},"path":{json.dumps(path)}'
        self._write(at, account, "request", f'{said},"query":{json.dumps(query)},"body":{on_one_line(body)}')

    def answer(
        self, at: int, account: str | None, request_id: str, status: int | None, body: str, fault: str | None = None
    ) -> None:
        """Add an answer: ``body`` is JSON on one line, ``fault`` says what was injected."""
        said = f'"id":"{request_id}","status":{"null" if status is None else status},"body":{body or "null"}'
        self._write(at, account, "answer", f'{said},"fault":{json.dumps(fault)}' if fault else said)

    def frame(self, at: int, account: str | None, kind: str, stream: str, body: str | bytes) -> None:
        """Add a frame.

        Parameters
        ----------
        kind : str
            ``frame_in`` or ``frame_out``.
        stream : str
            Which: trade_updates, or a feed of bars.
        body : str or bytes
            Its JSON on one line, or the bytes that were sent instead.
        """
        text = on_one_line(body) if isinstance(body, bytes) else body
        self._write(at, account, kind, f'"stream":{json.dumps(stream)},"body":{text}')

    @property
    def count(self) -> int:
        """How many lines were written."""
        return self._count

    def lines(self) -> list[str]:
        """Return the lines that are kept in memory: none where they go to a file."""
        return list(self._lines)

    def clear(self) -> None:
        """Start over with line 1."""
        self._lines.clear()
        self._kept = self._count = 0
        if self._file:
            self._file.seek(0)
            self._file.truncate()

    def close(self) -> None:
        """Finish the file."""
        if self._file:
            self._file.close()
            self._file = None

    def _write(self, at: int, account: str | None, kind: str, rest: str) -> None:
        self._count += 1
        whose = f'"{account}"' if account else "null"
        line = f'{{"n":{self._count},"at":"{rfc3339(at)}","account":{whose},"kind":"{kind}",{rest}}}'
        if self._file:
            self._file.write(line + "\n")
            return
        self._lines.append(line)
        self._kept += len(line)
        while self._kept > self._keep and len(self._lines) > 1:
            self._kept -= len(self._lines.popleft())


def on_one_line(body: bytes) -> str:
    """Return JSON as it is, or as a JSON text what is none; null for nothing."""
    if not body:
        return "null"
    try:
        text = body.decode()
        content = _decode(text)
    except (ValueError, RecursionError):
        return json.dumps(body[:_LONGEST_UNREADABLE].decode("utf-8", "replace"))
    # Numbers keep their digits where the text can stay as it is.
    return json.dumps(content) if "\n" in text or "\r" in text else text


def _refuse(constant: str) -> None:
    raise ValueError(constant)


_decode = json.JSONDecoder(parse_constant=_refuse).decode

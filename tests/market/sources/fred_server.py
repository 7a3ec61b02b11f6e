"""A server that speaks the part of FRED's protocol that vintages need: for tests, on 127.0.0.1."""

from __future__ import annotations

import json
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl, urlsplit

KEY = "canary0123456789abcdef0123456789"
FOREVER = date(9999, 12, 31)


@dataclass(frozen=True)
class Request:
    """A request as it came: path, parameters, headers (lower case), and when (time.monotonic)."""

    path: str
    params: dict[str, str]
    headers: dict[str, str]
    at: float


@dataclass
class Answer:
    """What is sent: in place of the right answer where it is a fault."""

    status: int = 200
    body: object = b""
    headers: dict[str, str] = field(default_factory=dict)
    missing: int = 0  # bytes of the body that are promised and not sent

    @property
    def bytes(self):
        return self.body if isinstance(self.body, bytes) else json.dumps(self.body).encode()


class RecordingServer:
    """Answers what ``answer`` says, unless a fault is next in line, and keeps what was asked.

    Attributes
    ----------
    log : list of Request
        All that was asked, in order.
    faults : deque of Answer or None
        What the next requests get instead; None lets one pass.
    """

    def __init__(self) -> None:
        self.log: list[Request] = []
        self.faults: deque[Answer | None] = deque()

    def answer(self, request: Request) -> Answer:
        raise NotImplementedError

    def __enter__(self):
        self._http = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self._reply))
        self._http.daemon_threads = True
        threading.Thread(target=self._http.serve_forever, daemon=True, args=(0.01,)).start()
        self.url = f"http://127.0.0.1:{self._http.server_port}"
        return self

    def __exit__(self, *_):
        self._http.shutdown()
        self._http.server_close()

    def _reply(self, request: Request) -> Answer:
        self.log.append(request)
        fault = self.faults.popleft() if self.faults else None
        return fault or self.answer(request)


def _handler(reply: Callable[[Request], Answer]):
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            parts = urlsplit(self.path)
            headers = {name.lower(): value for name, value in self.headers.items()}
            answer = reply(Request(parts.path, dict(parse_qsl(parts.query)), headers, time.monotonic()))
            body = answer.bytes
            self.send_response(answer.status)
            for name, value in {"Content-Type": "application/json", **answer.headers}.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body[: len(body) - answer.missing])
            self.close_connection = bool(answer.missing)

        def log_message(self, *_):
            pass

    return Handler


class FredServer(RecordingServer):
    """FRED, with the series that a test gives it.

    Attributes
    ----------
    series : dict of str to list of (date, day of release, value)
        By name; dates as ISO 8601, values as FRED's texts.
    most_rows : int
        Rows in one answer, whatever is asked for.
    """

    def __init__(self) -> None:
        super().__init__()
        self.series: dict[str, list[tuple[str, str, str]]] = {}
        self.most_rows = 100_000

    def answer(self, request: Request) -> Answer:
        params = request.params
        if params.get("api_key") != KEY:
            return _bad("The value for variable api_key is not registered.")
        if params.get("file_type") != "json":
            return Answer(200, b"<?xml version='1.0'?><observations/>", {"Content-Type": "text/xml"})
        releases = self.series.get(params["series_id"])
        if releases is None:
            return _bad("The series does not exist.")
        first, last = (date.fromisoformat(params[name]) for name in ("realtime_start", "realtime_end"))
        released = {date.fromisoformat(day) for _, day, _ in releases}
        vintages = sorted(day for day in released if first <= day <= last)
        if request.path == "/fred/series/vintagedates":
            return self._page("vintage_dates", [str(day) for day in vintages], params, 10_000)
        if request.path != "/fred/series/observations" or params["output_type"] != "1":
            return Answer(404, {"error_code": 404, "error_message": "Not Found"})
        if len(vintages) > 2000:
            told = f"There are {len(vintages)} vintage dates in the specified real-time period: {first} to {last}. "
            return _bad(told + " This exceeds the maximum number of vintage dates allowed (2000).")
        return self._page("observations", valid_within(releases, first, last), params, 100_000)

    def _page(self, name: str, rows: list, params: dict[str, str], most: int) -> Answer:
        limit, offset = int(params["limit"]), int(params["offset"])
        if not 1 <= limit <= most:
            return _bad(f"Value of limit is not between 1 and {most}.")
        page = rows[offset : offset + min(limit, self.most_rows)]
        return Answer(200, {"count": len(rows), "offset": offset, "limit": limit, name: page})


def valid_within(releases: list[tuple[str, str, str]], first: date, last: date) -> list[dict[str, str]]:
    """Return what was valid at some time from ``first`` to ``last``, with the spans cut to these days, as FRED does."""
    rows = []
    ordered = sorted(releases, key=lambda row: row[:2])
    for (about, released, value), following in zip(ordered, [*ordered[1:], None], strict=True):
        same = following is not None and following[0] == about
        until = date.fromisoformat(following[1]) - timedelta(days=1) if same else FOREVER
        begin, end = max(date.fromisoformat(released), first), min(until, last)
        if begin <= end:
            rows.append({"realtime_start": str(begin), "realtime_end": str(end), "date": about, "value": value})
    return rows


def _bad(message: str) -> Answer:
    return Answer(400, {"error_code": 400, "error_message": f"Bad Request.  {message}"})

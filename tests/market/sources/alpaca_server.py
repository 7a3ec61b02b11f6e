"""A server that speaks the part of Alpaca's data protocol that historical bars need: for tests, on 127.0.0.1."""

from __future__ import annotations

import json
import re
import socket
import struct
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl, urlsplit

KEY, SECRET = "PKCANARY0000KEY", "canary-secret-4711"
PATHS = {"/v2/stocks/bars": r"[A-Z]{1,5}(\.[A-Z]{1,3})?", "/v1beta3/crypto/us/bars": r"[A-Z]{1,6}/[A-Z]{1,6}"}
RECENT_SIP = {"message": "subscription does not permit querying recent SIP data"}


@dataclass(frozen=True)
class Request:
    """A request as it came: number, path, parameters, headers (lower case), and when (time.monotonic)."""

    number: int
    path: str
    params: dict[str, str]
    headers: dict[str, str]
    at: float

    @property
    def symbols(self):
        return self.params["symbols"].split(",")


@dataclass
class Answer:
    """What a fault gives in place of the bars."""

    status: int = 200
    body: object = b""
    headers: dict[str, str] = field(default_factory=dict)
    seconds: float = 0.0
    # How the connection ends: as it should, reset before any byte, or closed in the middle of the body.
    end: str = "proper"


@dataclass
class AlpacaServer:
    """Bars by timeframe and symbol, and what was asked.

    Attributes
    ----------
    bars : dict
        ``bars["1Day"]["AAPL"]`` is a list of bars as the protocol has them, unadjusted, ascending.
    splits : dict
        By symbol, the date (text) from which on prices are new, and new shares per old share.
    page : int
        Most bars in an answer, below what the request's limit allows.
    fault : callable
        Called with each Request; gives an Answer, or None to answer as it should.
    sip : bool
        Whether the subscription permits recent data of the feed sip.
    rate : (int, float)
        Most requests within so many seconds; more get 429.
    """

    bars: dict = field(default_factory=dict)
    splits: dict = field(default_factory=dict)
    page: int = 10_000
    fault: Callable[[Request], Answer | None] = lambda request: None
    sip: bool = False
    rate: tuple[int, float] = (200, 60.0)
    requests: list[Request] = field(default_factory=list)

    def __enter__(self):
        server = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                server.handle(self)

            def log_message(self, *args):
                pass

        self._lock = threading.Lock()
        self._http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._http.handle_error = lambda *args: None  # a client that has gone is no news
        self._http.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._http.server_address[1]}"
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._http.shutdown()
        self._http.server_close()
        self._thread.join()

    def handle(self, http):
        parts = urlsplit(http.path)
        headers = {name.lower(): value for name, value in http.headers.items()}
        with self._lock:
            params = dict(parse_qsl(parts.query))
            request = Request(len(self.requests), parts.path, params, headers, time.monotonic())
            self.requests.append(request)
        answer = self.fault(request) or self.answer(request)
        time.sleep(answer.seconds)
        if answer.end == "reset":
            http.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            http.connection.close()
            http.close_connection = True
            return
        body = answer.body if isinstance(answer.body, bytes) else json.dumps(answer.body).encode()
        http.send_response(answer.status)
        for name, value in {**self.rate_headers(request), **answer.headers}.items():
            http.send_header(name, value)
        http.send_header("Content-Length", str(len(body)))
        http.end_headers()
        http.wfile.write(body[: len(body) // 2] if answer.end == "cut" else body)
        if answer.end == "cut":
            http.close_connection = True

    def left(self, request):
        """How many requests may still come within the window, this one counted."""
        most, seconds = self.rate
        within = [each for each in self.requests[: request.number + 1] if request.at - each.at < seconds]
        return most - len(within)

    def rate_headers(self, request):
        return {
            "X-Request-ID": f"{request.number:032x}",
            "X-RateLimit-Limit": str(self.rate[0]),
            "X-RateLimit-Remaining": str(max(self.left(request), 0)),
            "X-RateLimit-Reset": str(int(time.time() + self.rate[1]) + 1),
        }

    def answer(self, request):
        if request.path not in PATHS:
            return Answer(404, {"message": "endpoint not found."})
        if (request.headers.get("apca-api-key-id"), request.headers.get("apca-api-secret-key")) != (KEY, SECRET):
            return Answer(403, {"message": "forbidden."})
        if self.left(request) < 0:
            return Answer(429, {"message": "too many requests."})
        for symbol in request.symbols:
            if not re.fullmatch(PATHS[request.path], symbol):
                return Answer(400, {"message": f"invalid symbol: {symbol}"})
        start, end = moment(request.params["start"]), moment(request.params.get("end"))
        if end < start:
            return Answer(400, {"message": "end should not be before start"})
        if request.params.get("feed") == "sip" and not self.sip and datetime.now(UTC) - end < timedelta(minutes=15):
            return Answer(403, RECENT_SIP)
        return Answer(body=self.paged(request, start, end))

    def paged(self, request, start, end):
        timeframe, adjustment = request.params["timeframe"], request.params.get("adjustment", "raw")
        known = self.bars.get(timeframe, {})
        # By symbol, then by time; the limit spans all symbols.
        rows = [
            (symbol, self.adjusted(symbol, bar, adjustment))
            for symbol in sorted(set(request.symbols))
            for bar in known.get(symbol, [])
            if start <= moment(bar["t"]) <= end
        ]
        if request.params.get("sort") == "desc":
            rows.reverse()
        limit = min(int(request.params.get("limit", 1000)), 10_000, self.page)
        first = int(request.params.get("page_token", "token0").removeprefix("token"))
        bars = {}
        for symbol, bar in rows[first : first + limit]:
            bars.setdefault(symbol, []).append(bar)
        return {"bars": bars, "next_page_token": f"token{first + limit}" if first + limit < len(rows) else None}

    def adjusted(self, symbol, bar, adjustment):
        day, ratio = self.splits.get(symbol, ("", 1))
        if adjustment not in ("split", "all") or bar["t"] >= day:
            return bar
        return {**bar, **{key: bar[key] / ratio for key in ("o", "h", "l", "c", "vw")}, "v": bar["v"] * ratio}


def moment(text):
    """Return the instant; without one, now."""
    if text is None:
        return datetime.now(UTC)
    instant = datetime.fromisoformat(text)
    return instant if instant.tzinfo else instant.replace(tzinfo=UTC)

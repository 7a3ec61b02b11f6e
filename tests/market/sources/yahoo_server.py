"""A server on this machine that answers as Yahoo Finance answers yfinance, and remembers what it was asked."""

from __future__ import annotations

import bisect
import json
import math
import struct
import sys
import threading
import time
import zlib
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl, unquote, urlsplit
from zoneinfo import ZoneInfo

import exchange_calendars
import pandas as pd

CHART = "/v8/finance/chart/"
ZONE = "America/New_York"
MINUTES = {"1m": 1, "2m": 2, "5m": 5, "15m": 15, "30m": 30, "60m": 60, "1h": 60, "90m": 90}
DAYS_BACK = {"1m": 30, "2m": 60, "5m": 60, "15m": 60, "30m": 60, "90m": 60, "1h": 730, "60m": 730}
HTML = "<html><head><title>502 Bad Gateway</title></head><body>Will be right back</body></html>"
NOT_FOUND = {"code": "Not Found", "description": "No data found, symbol may be delisted"}


@lru_cache(maxsize=1)
def sessions():
    """The sessions of New York: when they open and close, in seconds since 1970."""
    schedule = exchange_calendars.get_calendar("XNYS", start="2014-01-01", end="2027-12-31").schedule
    return [(int(row.open.timestamp()), int(row.close.timestamp())) for row in schedule.itertuples()]


def seconds(day, clock="00:00", zone="UTC"):
    """A time of a day in a zone, in seconds since 1970."""
    return int(datetime.fromisoformat(f"{day} {clock}").replace(tzinfo=ZoneInfo(zone)).timestamp())


def single(number):
    """A number as Yahoo has it: of single precision."""
    return struct.unpack("f", struct.pack("f", number))[0]


def bar_at(symbol, start):
    """The bar of a symbol that starts at an instant: the same whatever span is asked for."""
    phase, days = zlib.crc32(symbol.encode()) % 97, start / 86_400
    close = (50 + phase) * (1.5 + 0.2 * math.sin(days / 37 + phase) + 0.05 * math.sin(days * 11))
    opened = close * (1 + 0.01 * math.sin(days * 7 + phase))
    high, low = max(opened, close) * 1.004, min(opened, close) * 0.997
    volume = 0 if symbol.startswith("^") else 1_000_000 + int(days * 1000) % 1_000_000
    return [single(opened), single(high), single(low), single(close), volume]


def starts(interval, begin, end):
    """The instants at which the exchange's bars of an interval start, from one up to another."""
    hours = sessions()[max(0, bisect.bisect(sessions(), (begin,)) - 1) : bisect.bisect(sessions(), (end,))]
    every = [
        start
        for opened, closed in hours
        for start in ([opened] if interval == "1d" else range(opened, closed, 60 * MINUTES[interval]))
    ]
    return [start for start in every if begin <= start < end]


def bars(symbol, interval="1d", first="2014-01-01", last="2027-12-31"):
    """The bars of a symbol as the server has them, labelled by date or by start in UTC; not adjusted for dividends."""
    every = starts(interval, seconds(first), seconds(last) + 86_400)
    index = pd.DatetimeIndex(pd.to_datetime(every, unit="s", utc=True))
    labels = index.tz_convert(ZONE).tz_localize(None).normalize() if interval == "1d" else index
    fields = ["open", "high", "low", "close", "volume"]
    return pd.DataFrame([bar_at(symbol, start) for start in every], labels.as_unit("ns"), fields, dtype="float64")


@dataclass
class Asked:
    """A request as it came."""

    path: str
    query: dict
    headers: dict
    at: float

    @property
    def symbol(self):
        return unquote(self.path[len(CHART) :]) if self.path.startswith(CHART) else None


@dataclass
class Fault:
    """What goes wrong: how, for which symbol (None for all), how many times (None for ever)."""

    kind: str
    symbol: str | None = None
    times: int | None = None
    headers: dict = field(default_factory=dict)


class YahooServer:
    """``url``; ``symbols`` that it knows; ``asked``: every request; :meth:`fail`: what is to go wrong.

    ``rows`` holds other bars than the generated ones by symbol: {date: (open, high, low, close, adjusted close,
    volume)}, None for what is missing; ``zones`` the time zones of symbols that are not of New York; ``events`` splits
    and dividends as Yahoo sends them.
    """

    def __init__(self, symbols):
        sessions()  # not in a thread: what makes a calendar changes the filters of warnings for all of them
        self.symbols = set(symbols)
        self.rows = {}
        self.events = {}
        self.zones = {}
        self.listed = {}  # first day, where it is not 2014
        self.now = int(time.time())
        self.asked = []
        self.crumb = "a crumb"
        self.troubles = []  # the server's own
        self._faults = []
        self._lock = threading.Lock()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), type("Bound", (_Handler,), {"yahoo": self}))
        self._server.daemon_threads = True
        self._server.handle_error = self._failed
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()

    def close(self):
        self._server.shutdown()
        self._server.server_close()

    def _failed(self, *arguments):
        problem = sys.exc_info()[1]
        if not isinstance(problem, ConnectionError):  # a client may leave
            self.troubles.append(repr(problem))

    def fail(self, kind, symbol=None, times=None, **headers):
        self._faults.append(Fault(kind, symbol, times, {k.replace("_", "-"): str(v) for k, v in headers.items()}))

    def heal(self):
        self._faults.clear()

    @property
    def charts(self):
        """The requests for bars."""
        return [each for each in self.asked if each.symbol is not None]

    def remember(self, asked):
        with self._lock:
            self.asked.append(asked)

    def fault_for(self, asked):
        with self._lock:
            for fault in self._faults:
                crumbs = fault.kind.startswith("crumb")
                here = asked.path.endswith("getcrumb") if crumbs else asked.symbol is not None
                if here and fault.symbol in (None, asked.symbol) and fault.times != 0:
                    if fault.times:
                        fault.times -= 1
                    return fault
        return None

    def chart(self, symbol, query):
        """The status and the answer about bars."""
        if symbol not in self.symbols and symbol not in self.rows:
            return 404, error(**NOT_FOUND)
        interval = query["interval"]
        if "range" in query:
            begin, end = self.now - 86_400, self.now
        else:
            begin, end = int(query["period1"]), int(query["period2"])
        refused = self._refused(interval, begin, end)
        if refused:
            return 422, error("Unprocessable Entity", refused)
        if end <= seconds(self.listed.get(symbol, "2014-01-01")):
            words = f"Data doesn't exist for startDate = {query['period1']}, endDate = {query['period2']}"
            return 400, error("Bad Request", words)
        table = [(start, row) for start, row in self._rows(symbol, interval, begin, end) if begin <= start < end]
        return 200, {"chart": {"result": [self._result(symbol, interval, table, begin, end)], "error": None}}

    def _refused(self, interval, begin, end):
        span = f"{interval} data not available for startTime={begin} and endTime={end}."
        days = (end - begin) / 86_400
        if interval == "1d" and days > 36_525:
            return f"{span} Only 100 years worth of day granularity data are allowed to be fetched per request."
        if begin < self.now - 86_400 * DAYS_BACK.get(interval, 40_000):
            return f"{span} The requested range must be within the last {DAYS_BACK[interval]} days."
        if interval == "1m" and days > 8:
            return f"{span} Only 8 days worth of 1m granularity data are allowed to be fetched per request."
        return ""

    def _rows(self, symbol, interval, begin, end):
        if symbol in self.rows:
            zone = self.zones.get(symbol, ZONE)
            opens = {"UTC": "00:00", ZONE: "09:30"}.get(zone, "09:00")
            return [(seconds(day, opens, zone), values) for day, values in self.rows[symbol].items()]
        within = starts(interval, max(begin, seconds(self.listed.get(symbol, "2014-01-01"))), min(end, self.now))
        return [(each, [*(row := bar_at(symbol, each))[:4], row[3], row[4]]) for each in within]

    def _result(self, symbol, interval, table, begin, end):
        meta = self._meta(symbol, interval, begin, end)
        if not table:
            return {"meta": meta, "indicators": {"quote": [{}], "adjclose": [{}]}}
        columns = list(zip(*(values for _, values in table), strict=True))
        quote = {
            name: list(columns[at]) for name, at in (("open", 0), ("high", 1), ("low", 2), ("close", 3), ("volume", 5))
        }
        indicators = {"quote": [quote]}
        if interval == "1d":
            indicators["adjclose"] = [{"adjclose": list(columns[4])}]
        result = {"meta": meta, "timestamp": [start for start, _ in table], "indicators": indicators}
        if symbol in self.events:
            result["events"] = self.events[symbol]
        return result

    def _meta(self, symbol, interval, begin, end):
        zone = self.zones.get(symbol, ZONE)
        periods = [
            [{"timezone": "EST", "start": opened, "end": closed, "gmtoffset": -18000}]
            for opened, closed in sessions()
            if begin - 86_400 < opened < end
        ]
        kind = "INDEX" if symbol.startswith("^") else "CRYPTOCURRENCY" if symbol.endswith("-USD") else "EQUITY"
        meta = {
            "currency": "USD", "symbol": symbol, "exchangeName": "NMS", "instrumentType": kind,
            "firstTradeDate": 1_388_673_000, "regularMarketTime": self.now, "gmtoffset": -18000,
            "timezone": "EST", "exchangeTimezoneName": zone, "regularMarketPrice": 100.0, "priceHint": 2,
            "dataGranularity": interval, "range": "", "validRanges": ["1d", "5d", "1mo", "1y", "max"],
        }  # fmt: skip
        if interval != "1d":
            meta["tradingPeriods"] = periods
        return meta


def error(code, description):
    return {"chart": {"result": None, "error": {"code": code, "description": description}}}


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    yahoo: YahooServer

    def do_GET(self):
        parts = urlsplit(self.path)
        asked = Asked(parts.path, dict(parse_qsl(parts.query)), dict(self.headers), time.monotonic())
        self.yahoo.remember(asked)
        fault = self.yahoo.fault_for(asked)
        if fault is not None:
            getattr(self, f"fail_{fault.kind.split(':')[0]}")(asked, fault)
        elif asked.symbol is not None:
            self.answer(*self.yahoo.chart(asked.symbol, asked.query))
        elif parts.path == "/v1/test/getcrumb":
            self.send(200, self.yahoo.crumb, "text/plain")
        elif parts.path in ("", "/"):
            self.send(404, "", "text/html", {"Set-Cookie": "A3=d=cookie; Max-Age=31557600; Path=/"})
        else:
            self.send(404, "<html>not here</html>", "text/html")

    def do_POST(self):
        self.do_GET()

    def fail_429(self, asked, fault):
        self.send(429, "Edge: Too Many Requests", "text/html", fault.headers)

    fail_crumb429 = fail_429

    def fail_502(self, asked, fault):
        self.send(502, HTML, "text/html")

    def fail_html(self, asked, fault):
        self.send(200, HTML, "text/html")

    def fail_401(self, asked, fault):
        words = {"code": "Unauthorized", "description": f"Invalid Crumb {asked.query.get('crumb')}"}
        self.answer(401, {"finance": {"result": None, "error": words}})

    def fail_403(self, asked, fault):
        self.send(403, "<html>Forbidden</html>", "text/html")

    def fail_404(self, asked, fault):
        self.send(404, "<html>no such page</html>", "text/html")

    def fail_empty(self, asked, fault):
        self.send(200, "", "application/json")

    def fail_null(self, asked, fault):
        self.answer(200, {"chart": {"result": None, "error": None}})

    def fail_without(self, asked, fault):
        """A field of the quotes is missing, or another is called otherwise."""
        _, answer = self.yahoo.chart(asked.symbol, asked.query)
        result, gone = answer["chart"]["result"][0], fault.kind.split(":")[1]
        holders = (answer, answer["chart"], result, result["indicators"], result["indicators"]["quote"][0])
        holder = next(each for each in holders if gone in each)
        holder[f"{gone}2"] = holder.pop(gone)
        self.answer(200, answer)

    def fail_short(self, asked, fault):
        """The closes are fewer than the times."""
        _, answer = self.yahoo.chart(asked.symbol, asked.query)
        answer["chart"]["result"][0]["indicators"]["quote"][0]["close"].pop()
        self.answer(200, answer)

    def fail_live(self, asked, fault):
        """A row of the very moment follows the span."""
        _, answer = self.yahoo.chart(asked.symbol, asked.query)
        result = answer["chart"]["result"][0]
        result.setdefault("timestamp", []).append(self.yahoo.now)
        for name, value in zip(("open", "high", "low", "close", "volume"), (1.0, 1.0, 1.0, 1.0, 5), strict=True):
            result["indicators"]["quote"][0].setdefault(name, []).append(value)
        if "adjclose" in result["indicators"]:
            result["indicators"]["adjclose"][0].setdefault("adjclose", []).append(1.0)
        self.answer(200, answer)

    def fail_drop(self, asked, fault):
        """The connection breaks before anything was said."""
        self.close_connection = True

    def fail_midway(self, asked, fault):
        """The connection breaks in the middle of the answer."""
        body = json.dumps(self.yahoo.chart(asked.symbol, asked.query)[1]).encode()
        self.send(200, body[: len(body) // 2], "application/json", {"Content-Length": str(len(body))})
        self.close_connection = True

    def fail_cut(self, asked, fault):
        """The answer is cut off, as if it were whole."""
        body = json.dumps(self.yahoo.chart(asked.symbol, asked.query)[1])
        self.send(200, body[: len(body) // 2], "application/json")

    def fail_hang(self, asked, fault):
        """Nothing is said for a while."""
        time.sleep(float(fault.kind.split(":")[1]))
        self.close_connection = True

    def answer(self, status, content):
        self.send(status, json.dumps(content), "application/json")

    def send(self, status, text, kind, headers=None):
        body = text.encode() if isinstance(text, str) else text
        self.send_response(status)
        every = {"Content-Type": kind, "Content-Length": str(len(body)), **(headers or {})}
        for name, value in every.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments):
        pass

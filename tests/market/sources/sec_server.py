"""A server that speaks the part of the SEC's protocol that company facts need: for tests, on 127.0.0.1."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field

from .fred_server import Answer, RecordingServer, Request

BLOCKED = b"<!DOCTYPE html><html><title>SEC.gov | Request Rate Threshold Exceeded</title><body>...</body></html>"
NO_SUCH_KEY = b'<?xml version="1.0" encoding="UTF-8"?><Error><Code>NoSuchKey</Code></Error>'


@dataclass
class Company:
    """A company: its number, its symbols of today, and its facts by taxonomy, tag and unit."""

    cik: int
    tickers: list[str]
    facts: dict[str, dict[str, dict[str, list[dict]]]] | None = field(default_factory=dict)

    def report(
        self, tag, end, value, filed, *, start=None, form="10-Q", unit="USD/shares", accn="", taxonomy="us-gaap"
    ):
        """Add a fact as the protocol has it."""
        period = {} if start is None else {"start": start}
        entry = {**period, "end": end, "val": value, "accn": accn or f"0000000000-{filed}", "fy": 2015, "fp": "Q1"}
        entry |= {"form": form, "filed": filed}
        self.facts.setdefault(taxonomy, {}).setdefault(tag, {}).setdefault(unit, []).append(entry)
        return self


class SecServer(RecordingServer):
    """The SEC, with the companies that a test gives it; a company whose facts are None has none."""

    def __init__(self) -> None:
        super().__init__()
        self.companies: list[Company] = []

    @property
    def asked(self):
        """The last part of each path that was asked for."""
        return [each.path.rpartition("/")[2] for each in self.log]

    def answer(self, request: Request) -> Answer:
        if not re.search(r"\S+@\S+\.\S+", request.headers.get("user-agent", "")):
            return Answer(403, b"<html>Your Request Originates from an Undeclared Automated Tool</html>")
        if request.path == "/files/company_tickers.json":
            rows = [(each, ticker) for each in self.companies for ticker in each.tickers]
            listed = {
                str(number): {"cik_str": company.cik, "ticker": ticker, "title": f"Company {company.cik}"}
                for number, (company, ticker) in enumerate(rows)
            }
            return Answer(200, listed)
        found = re.fullmatch(r"/api/xbrl/companyfacts/CIK(\d{10})\.json", request.path)
        company = next((each for each in self.companies if found and each.cik == int(found[1])), None)
        if company is None or company.facts is None:
            return Answer(404, NO_SUCH_KEY, {"Content-Type": "application/xml"})
        facts = {
            taxonomy: {tag: {"label": tag, "description": None, "units": units} for tag, units in tags.items()}
            for taxonomy, tags in company.facts.items()
        }
        return Answer(200, json.dumps({"cik": company.cik, "entityName": "X", "facts": facts}).encode())

"""Answers to requests: a status, a body and what it is."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, NamedTuple

from quantstrats.simulator.protocol.errors import data_error_json, error_json

if TYPE_CHECKING:
    from starlette.types import Send

    from quantstrats.simulator.orders import Refused

JSON = b"application/json; charset=UTF-8"
HTML = b"text/html; charset=utf-8"

_encode = json.JSONEncoder(separators=(",", ":"), allow_nan=False).encode


class Answer(NamedTuple):
    """What a client is answered."""

    status: int
    body: bytes
    kind: bytes = JSON

    @property
    def log_text(self) -> str:
        """Its body as JSON on one line, as the wire log has it."""
        return self.body.decode() if self.kind is JSON else json.dumps(self.body.decode())


def answer(content: Any, status: int = 200) -> Answer:
    """Return content as JSON."""
    return Answer(status, _encode(content).encode())


def refusal(refused: Refused) -> Answer:
    """Return the answer of a trading endpoint that refuses."""
    return answer(error_json(refused), refused.status)


def data_refusal(refused: Refused) -> Answer:
    """Return the answer of a market data endpoint that refuses.

    They tell no code, call bad parameters 400, and answer wrong keys with a page of the gateway before them.
    """
    if refused.status == 401:
        return html(401)
    return answer(data_error_json(refused), 400 if refused.status == 422 else refused.status)


def html(status: int) -> Answer:
    """Return a page as a gateway before the broker sends it."""
    title = f"{status} {_TITLES.get(status, 'Error')}"
    page = f"<html>\r\n<head><title>{title}</title></head>\r\n<body>\r\n<h1>{title}</h1>\r\n</body>\r\n</html>\r\n"
    return Answer(status, page.encode(), HTML)


def failure(status: int) -> Answer:
    """Return an error that is not the exchange's own, as its front end sends it."""
    told = _TITLES.get(status, "Error").lower()
    return answer({"code": status * 100_000 + 10_000, "message": told}, status)


async def send_answer(send: Send, told: Answer, head: list[tuple[bytes, bytes]]) -> None:
    """Send an answer, with further headers."""
    headers = head if told.status == 204 else [*head, (b"content-type", told.kind), _length(told)]
    await send({"type": "http.response.start", "status": told.status, "headers": headers})
    await send({"type": "http.response.body", "body": told.body})


def _length(told: Answer) -> tuple[bytes, bytes]:
    return b"content-length", b"%d" % len(told.body)


EMPTY = Answer(204, b"")

_TITLES = {
    200: "OK",
    401: "Authorization Required",
    403: "Forbidden",
    404: "Not Found",
    429: "Too Many Requests",
    500: "Internal Server Error",
    502: "Bad Gateway",
    503: "Service Temporarily Unavailable",
    504: "Gateway Time-out",
}

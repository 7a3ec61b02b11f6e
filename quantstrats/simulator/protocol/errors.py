"""The bodies of errors."""

from __future__ import annotations

from typing import Any

from quantstrats.simulator.orders import Refused

BAD_BODY = 40010000
BAD_FIELD = 40010001
UNAUTHORIZED = 40110000
NOT_FOUND = 40410000
TOO_MANY_REQUESTS = 42910000


def error_json(refused: Refused) -> dict[str, Any]:
    """Return the body with which the trading endpoints refuse: a code, a message and further fields."""
    return {"code": refused.code, "message": refused.message, **refused.details}


def data_error_json(refused: Refused) -> dict[str, Any]:
    """Return the body with which the market data endpoints refuse: a message alone."""
    return {"message": refused.message}


def malformed() -> Refused:
    """Return the answer to a body that is no JSON object, or has fields of the wrong type."""
    return Refused(400, BAD_BODY, "request body format is invalid")


def bad_field(message: str) -> Refused:
    """Return the answer to a field or parameter that is missing or makes no sense."""
    return Refused(422, BAD_FIELD, message)


def unauthorized() -> Refused:
    """Return the answer to keys that are missing or wrong."""
    return Refused(401, UNAUTHORIZED, "request is not authorized")


def unknown_path() -> Refused:
    """Return the answer to a path that is not spoken."""
    return Refused(404, NOT_FOUND, "endpoint not found")


def wrong_method() -> Refused:
    """Return the answer to a path that is spoken with another method."""
    return Refused(405, 40510000, "method not allowed")


def too_large() -> Refused:
    """Return the answer to a body that nobody reads."""
    return Refused(413, 41310000, "request body too large")


def too_slow() -> Refused:
    """Return the answer to a body that does not come."""
    return Refused(408, 40810000, "request timeout")


def too_many_requests() -> Refused:
    """Return the answer to an account that asks too often."""
    return Refused(429, TOO_MANY_REQUESTS, "too many requests.")


def broken() -> Refused:
    """Return the answer where the server itself has failed."""
    return Refused(500, 50010000, "internal server error occurred")

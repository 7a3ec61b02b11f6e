"""The latest quote and trade as JSON."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from quantstrats.simulator.times import rfc3339

# The tape knows no sizes and no venues: round lots on one of them.
_LOT, _VENUE, _TAPE = 100, "V", "C"


def quote_json(bid: Decimal, ask: Decimal, time: int) -> dict[str, Any]:
    """Return a quote as the broker sends it; prices in dollars, ``time`` in nanoseconds since 1970 (UTC)."""
    return {
        "t": rfc3339(time),
        "ax": _VENUE,
        "ap": float(ask),
        "as": _LOT,
        "bx": _VENUE,
        "bp": float(bid),
        "bs": _LOT,
        "c": ["R"],
        "z": _TAPE,
    }


def trade_json(price: Decimal, time: int) -> dict[str, Any]:
    """Return a trade as the broker sends it; its price in dollars, ``time`` in nanoseconds since 1970 (UTC)."""
    return {"t": rfc3339(time), "x": _VENUE, "p": float(price), "s": _LOT, "c": ["@"], "i": time // 1000, "z": _TAPE}

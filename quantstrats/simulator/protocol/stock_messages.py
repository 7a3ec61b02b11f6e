"""Messages of the market data streams. An instant ``t`` is in nanoseconds since 1970 (UTC); a codec writes it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from quantstrats.simulator.protocol.bars import whole

if TYPE_CHECKING:
    from quantstrats.simulator.events import StatusEvent

# The channels of a subscription, in the order in which the broker lists them.
CHANNELS = ("trades", "quotes", "bars", "updatedBars", "dailyBars", "statuses", "lulds")
# Which channel a message belongs to, by its T.
CHANNEL_OF = {
    "t": "trades",
    "q": "quotes",
    "b": "bars",
    "u": "updatedBars",
    "d": "dailyBars",
    "s": "statuses",
    "l": "lulds",
}

_ERRORS = {
    400: "invalid syntax",
    401: "not authenticated",
    402: "auth failed",
    403: "already authenticated",
    404: "auth timeout",
    405: "symbol limit exceeded",
    406: "connection limit exceeded",
    407: "slow client",
    408: "not enabled",
    409: "insufficient subscription",
    410: "invalid subscribe action for this feed",
    500: "internal error",
}
_STATUSES = {"H": "Trading Halt", "T": "Trading Resumption"}
_TAPE = "C"


def error_message(code: int) -> dict[str, Any]:
    """Return an error; an unknown code says nothing more."""
    return {"T": "error", "code": code, "msg": _ERRORS.get(code, "error")}


def success_message(said: str) -> dict[str, Any]:
    """Return a success: connected, or authenticated."""
    return {"T": "success", "msg": said}


def subscription_message(subscribed: dict[str, set[str]]) -> dict[str, Any]:
    """Return all that a connection is subscribed to, by channel.

    Corrections and cancels of trades come with the trades.
    """
    lists: dict[str, Any] = {channel: sorted(subscribed.get(channel, ())) for channel in CHANNELS}
    return {"T": "subscription", **lists, "corrections": lists["trades"], "cancelErrors": lists["trades"]}


def bar_message(
    kind: str,
    symbol: str,
    prices: tuple[float, float, float, float],
    volume: float,
    prints: int,
    vwap: float,
    time: int,
) -> dict[str, Any]:
    """Return a bar: ``kind`` b, u or d; open, high, low and close in dollars; shares; ``time`` its label."""
    opened, high, low, close = prices
    return {
        "T": kind,
        "S": symbol,
        "o": opened,
        "h": high,
        "l": low,
        "c": close,
        "v": whole(volume),
        "n": prints,
        "vw": vwap,
        "t": time,
    }


def status_message(event: StatusEvent) -> dict[str, Any]:
    """Return that a symbol is halted, or goes on."""
    return {
        "T": "s",
        "S": event.symbol,
        "sc": event.status,
        "sm": _STATUSES.get(event.status, ""),
        "rc": event.reason,
        "rm": event.reason,
        "t": event.time,
        "z": _TAPE,
    }

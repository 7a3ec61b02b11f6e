"""The control endpoints on their own port: the clock, halts, splits and what no client asks for, as JSON in and out."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from starlette.applications import Starlette
from starlette.responses import JSONResponse
from starlette.routing import Route

from quantstrats.errors import QuantstratsError, in_one_line
from quantstrats.simulator.decimals import number
from quantstrats.simulator.events import BarEvent, Event, OrderEvent, SessionEvent, StatusEvent
from quantstrats.simulator.orders import Refused
from quantstrats.simulator.protocol.bodies import object_of
from quantstrats.simulator.protocol.numbers import decimal_of
from quantstrats.simulator.times import parse_time, rfc3339

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.types import ASGIApp

    from quantstrats.simulator.exchange import Exchange
    from quantstrats.simulator.server.desk import Desk
    from quantstrats.simulator.server.pacing import Speed
    from quantstrats.simulator.step import Step

# A fault script is the longest thing that is sent here.
_LONGEST_BODY = 2**20


@dataclass(frozen=True)
class Levers:
    """What the control endpoints move.

    Attributes
    ----------
    desk : Desk
        The exchange and what clients of it share.
    speed : float, "max" or None
        Of a clock that runs by itself; None for one that these endpoints move.
    advance : callable
        Moves the clock to an instant (nanoseconds since 1970, UTC), or by a step where it is given None.
    reset : callable
        Starts over, with another fault script where it is given one.
    change : callable
        Does something to the exchange, and returns when the clients have been told.
    """

    desk: Desk
    speed: Speed
    advance: Callable[[int | None], Awaitable[Step]]
    reset: Callable[[Any], Awaitable[None]]
    change: Callable[[Callable[[Exchange], None]], Awaitable[None]]


def control_app(levers: Levers) -> ASGIApp:
    """Return the application of the control endpoints.

    ``POST /advance`` (``to``: an instant, optional), ``POST /reset``, ``GET /state``, ``GET /faults`` (those injected
    so far), ``POST /faults`` (a fault script; starts over with it), ``POST /halt`` (``symbol``, ``reason``),
    ``/resume`` (``symbol``), ``/split`` (``symbol``, ``ratio``),
    ``/dividend`` (``symbol``, ``dollars``), ``/bust`` (``execution_id``), ``/correct`` (``execution_id``, ``price``),
    ``/overfill`` (``order_id``, ``qty``), ``/reject`` (``order_id``, ``reason``). An error is
    ``{"error": "one line"}`` with status 4xx.

    A request that a browser's page sends is refused: any page could send one.
    """
    changes = {path: _changing(change) for path, change in _CHANGES.items()}
    posts = {"/advance": _advance, "/reset": _reset, "/faults": _other_faults, **changes}
    gets = {"/state": _state, "/faults": _faults}
    routes = [Route(path, _endpoint(levers, act), methods=["POST"]) for path, act in posts.items()]
    routes += [Route(path, _endpoint(levers, act), methods=["GET"]) for path, act in gets.items()]
    return Starlette(routes=routes, exception_handlers={404: _unknown, 405: _wrong_method})


Fields = dict[str, Any]
_Act = Callable[[Levers, Fields], Awaitable[Any]]


def _endpoint(levers: Levers, act: _Act) -> Callable[[Request], Awaitable[JSONResponse]]:
    async def endpoint(request: Request) -> JSONResponse:
        if "origin" in request.headers:
            return _error(403, "the control endpoints are not for web pages")
        try:
            return JSONResponse(await act(levers, await _body(request)))
        except Refused as refused:
            return _error(refused.status, refused.message)
        except KeyError as error:
            return _error(404, f"no symbol called {error.args[0]!r}" if error.args else "not found")
        except (ValueError, QuantstratsError) as error:
            return _error(422, " ".join(str(error).split()))
        except Exception as error:  # whoever drives the exchange wants to know why it failed
            levers.desk.failures.append(error)
            return _error(500, in_one_line(error))

    return endpoint


async def _body(request: Request) -> Fields:
    body = b""
    async for part in request.stream():
        body += part
        if len(body) > _LONGEST_BODY:
            raise Refused(413, 0, "the body is larger than 1 MB")
    return object_of(body) if body.strip() else {}


async def _advance(levers: Levers, fields: Fields) -> Any:
    if levers.speed is not None:
        raise Refused(
            409, 0, "the clock runs by itself; start with --speed step, or without a speed in a test, to move it"
        )
    to = fields.get("to")
    if to is not None and not isinstance(to, str):
        raise ValueError("to: give a time as RFC 3339, as 2024-03-01T14:30:00Z")
    step = await levers.advance(None if to is None else parse_time(to))
    return {
        "time": rfc3339(step.time.value),
        "completed_at": None if step.completed_at is None else rfc3339(step.completed_at.value),
        "row": step.row,
        "events": [_event(event) for event in step.events],
        # JSON knows no NaN: a volume that is not known is null.
        "bars": {symbol: [None if v != v else v for v in bar] for symbol, bar in step.bars.items()},
        "ended": levers.desk.exchange.ended,
    }


async def _reset(levers: Levers, _: Fields) -> Any:
    await levers.reset(None)
    return await _state(levers, {})


async def _other_faults(levers: Levers, script: Fields) -> Any:
    await levers.reset(script)
    return await _state(levers, {})


async def _state(levers: Levers, _: Fields) -> Any:
    exchange, desk = levers.desk.exchange, levers.desk
    return {
        "time": rfc3339(exchange.now),
        "row": exchange.row,
        "rows": len(exchange.tape),
        "is_open": exchange.sessions.is_open(exchange.now),
        "ended": exchange.ended,
        "speed": levers.speed,
        "halted": exchange.halted,
        "accounts": {account: _account(exchange, account) for account in exchange.account_ids},
        "streams": _streams(desk),
        "faults": len(desk.faults.log) if desk.faults else 0,
        "failures": [in_one_line(error) for error in desk.failures],
    }


async def _faults(levers: Levers, _: Fields) -> Any:
    faults = levers.desk.faults
    return json.loads(json.dumps(list(faults.log), default=str)) if faults else []


def _account(exchange: Exchange, account: str) -> dict[str, Any]:
    state = exchange.account(account)
    return {
        "cash": number(state.cash),
        "equity": number(state.equity),
        "positions": {position.symbol: number(position.qty) for position in exchange.positions(account)},
        "open_orders": len(exchange.open_orders(account)),
    }


def _streams(desk: Desk) -> dict[str, int]:
    """Return how many connections each stream has."""
    counts: dict[str, int] = {}
    for outbox in desk.outboxes:
        counts[outbox.stream] = counts.get(outbox.stream, 0) + 1
    return dict(sorted(counts.items()))


def _event(event: Event) -> dict[str, Any]:
    told: dict[str, Any] = {"at": rfc3339(event.time)}
    match event:
        case OrderEvent(order=order):
            told |= {"what": "order", "event": event.event, "account": event.account, "symbol": order.symbol}
            told |= {"order_id": order.id, "execution_id": event.execution_id}
            if event.price is not None and event.qty is not None:
                told |= {"price": number(event.price), "qty": number(event.qty)}
        case BarEvent():
            told |= {"what": "bar", "kind": event.kind, "row": event.row}
        case StatusEvent():
            told |= {"what": "status", "symbol": event.symbol, "status": event.status, "reason": event.reason}
        case SessionEvent():
            told |= {"what": "session", "session": event.what}
    return told


def _changing(change: Callable[[Exchange, Fields], None]) -> _Act:
    async def act(levers: Levers, fields: Fields) -> Any:
        await levers.change(lambda exchange: change(exchange, fields))
        return {"time": rfc3339(levers.desk.exchange.now)}

    return act


_CHANGES: dict[str, Callable[[Exchange, Fields], None]] = {
    "/halt": lambda exchange, f: exchange.halt(_text(f, "symbol"), _text(f, "reason", "T1")),
    "/resume": lambda exchange, f: exchange.resume(_text(f, "symbol")),
    "/split": lambda exchange, f: exchange.split(_text(f, "symbol"), _positive(f, "ratio")),
    "/dividend": lambda exchange, f: exchange.dividend(_text(f, "symbol"), _positive(f, "dollars")),
    "/bust": lambda exchange, f: exchange.bust(_text(f, "execution_id")),
    "/correct": lambda exchange, f: exchange.correct(_text(f, "execution_id"), _positive(f, "price")),
    "/overfill": lambda exchange, f: exchange.overfill(_text(f, "order_id"), _positive(f, "qty")),
    "/reject": lambda exchange, f: exchange.reject(_text(f, "order_id"), _text(f, "reason", "rejected")),
}


def _text(fields: Fields, name: str, usual: str | None = None) -> str:
    value = fields.get(name, usual)
    if not isinstance(value, str) or not value:
        raise ValueError(f"{name}: give a text")
    return value


def _positive(fields: Fields, name: str) -> Decimal:
    if name not in fields:
        raise ValueError(f"{name}: give a number over 0")
    value = decimal_of(fields[name], name)
    if value <= 0:
        raise ValueError(f"{name} is {value}; give a number over 0")
    return value


def _error(status: int, message: str) -> JSONResponse:
    return JSONResponse({"error": message}, status)


async def _unknown(request: Request, _: Exception) -> JSONResponse:
    return _error(404, f"there is no {request.url.path}; see docs/simulator.md")


async def _wrong_method(request: Request, _: Exception) -> JSONResponse:
    return _error(405, f"{request.url.path} does not take {request.method}")

"""The status page at /: accounts, orders, fills, the clock and the faults so far, for whoever looks at a browser."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from starlette.responses import HTMLResponse, JSONResponse
from starlette.routing import Route

from quantstrats.simulator.decimals import number
from quantstrats.simulator.events import Event, OrderEvent
from quantstrats.simulator.server.status_page import PAGE
from quantstrats.simulator.times import new_york, parse_time, rfc3339

if TYPE_CHECKING:
    from starlette.requests import Request

    from quantstrats.simulator.exchange import Exchange
    from quantstrats.simulator.orders import Order
    from quantstrats.simulator.server.desk import Desk

MOST = 50
_FILLS = ("fill", "partial_fill")
_CSP = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; connect-src 'self'; img-src data:"
_HEADERS = {"content-security-policy": _CSP, "cache-control": "no-store", "x-content-type-options": "nosniff"}


def routes(desk: Desk) -> list[Route]:
    """Return the page at ``/`` and what it shows, at ``/status.json``.

    Parameters
    ----------
    desk : Desk
        What is shown; neither keys nor secrets are.
    """
    last = _Last(desk)

    async def page(_: Request) -> HTMLResponse:
        return HTMLResponse(PAGE, headers=_HEADERS)

    async def status(_: Request) -> JSONResponse:
        return JSONResponse(_status(desk, last), headers={"cache-control": "no-store"})

    return [Route("/", page), Route("/status.json", status)]


class _Last:
    """The last fills, and how many there were; it begins anew with each exchange."""

    def __init__(self, desk: Desk) -> None:
        self.fills: list[dict[str, Any]] = []
        self.count = 0
        self._desk = desk
        self._exchange = desk.exchange
        desk.listeners.append(self.hear)

    def refresh(self) -> None:
        """Forget what another exchange did."""
        if self._exchange is not self._desk.exchange:
            self._exchange, self.fills, self.count = self._desk.exchange, [], 0

    def hear(self, event: Event) -> None:
        """Keep a fill."""
        if not isinstance(event, OrderEvent) or event.event not in _FILLS or event.price is None or event.qty is None:
            return
        self.refresh()
        self.count += 1
        order = event.order
        told = {"at": _clock(event.time), "side": order.side, "qty": number(event.qty), "symbol": order.symbol}
        self.fills.append({**told, "price": number(event.price), "event": event.event, "account": event.account})
        del self.fills[:-MOST]


def _status(desk: Desk, last: _Last) -> dict[str, Any]:
    last.refresh()
    exchange, faults = desk.exchange, desk.faults
    sessions, now = exchange.sessions, exchange.now
    session = sessions.at(now)
    return {
        "time": rfc3339(now),
        "clock": _clock(now),
        "is_open": sessions.is_open(now),
        "ended": exchange.ended,
        "session": None if session is None else f"{_time(session.open)} to {_time(session.close)}",
        "next": _clock(sessions.next_close(now) if sessions.is_open(now) else sessions.next_open(now)),
        "speed": desk.speed,
        "row": exchange.row + 1,
        "rows": len(exchange.tape),
        "halted": exchange.halted,
        "accounts": [_account(desk, account) for account in exchange.account_ids],
        "fills": last.fills[::-1],
        "fill_count": last.count,
        "faults": [] if not faults else [_fault(each) for each in list(faults.log)[: -MOST - 1 : -1]],
        "fault_counts": dict(sorted(faults.counts.items())) if faults else {},
        "streams": _streams(desk),
        "failures": len(desk.failures),
    }


def _account(desk: Desk, account: str) -> dict[str, Any]:
    exchange = desk.exchange
    state = exchange.account(account)
    opened = exchange.open_orders(account)
    return {
        "id": account,
        "equity": number(state.equity),
        "start": number(desk.cash_at_start(account)),
        "cash": number(state.cash),
        "buying_power": number(state.buying_power),
        "positions": [
            {
                "symbol": each.symbol,
                "qty": number(each.qty),
                "price": number(each.current_price),
                "average": number(each.avg_entry_price),
                "value": number(each.market_value),
                "gain": number(each.unrealized_pl),
            }
            for each in exchange.positions(account)
        ],
        "orders": [_order(exchange, each) for each in opened[: -MOST - 1 : -1]],
        "order_count": len(opened),
    }


def _order(exchange: Exchange, order: Order) -> dict[str, Any]:
    limits = {"limit": order.limit_price, "stop": order.stop_price, "trail": order.trail_price}
    percent = None if order.trail_percent is None else f"trail {number(order.trail_percent)}%"
    at = [f"{name} {number(price)}" for name, price in limits.items() if price is not None]
    dollars = "" if order.notional is None else f"${number(order.notional)}"
    return {
        "at": _clock(order.submitted_at),
        "side": order.side,
        "qty": dollars if order.qty is None else number(order.qty),
        "filled": number(order.filled_qty),
        "symbol": order.symbol,
        "type": order.type,
        "price": ", ".join([*at, *([percent] if percent else [])]),
        "tif": order.time_in_force,
        "status": order.status,
        "halted": order.symbol in exchange.halted,
        "foreign": order.foreign,
    }


def _fault(line: dict[str, Any]) -> dict[str, Any]:
    cause = line["cause"]
    what = cause.get("request") or cause.get("event") or cause.get("connection") or cause.get("symbol") or ""
    return {
        "at": _clock(parse_time(line["at"])),
        "fault": line["fault"],
        "entry": line["entry"],
        "what": str(what),
        "did": line["did"],
    }


def _streams(desk: Desk) -> dict[str, int]:
    counts: dict[str, int] = {}
    for outbox in desk.outboxes:
        counts[outbox.stream] = counts.get(outbox.stream, 0) + 1
    return dict(sorted(counts.items()))


def _clock(ns: int) -> str:
    return f"{new_york(ns):%a %Y-%m-%d %H:%M:%S}"


def _time(ns: int) -> str:
    return f"{new_york(ns):%H:%M}"

"""The REST side: from a request to its endpoint and back, as a plain ASGI application."""

from __future__ import annotations

from typing import TYPE_CHECKING

from quantstrats.simulator.orders import Refused
from quantstrats.simulator.protocol.errors import (
    broken,
    too_many_requests,
    unauthorized,
    unknown_path,
    wrong_method,
)
from quantstrats.simulator.protocol.queries import query_of
from quantstrats.simulator.server import stock_data, trading
from quantstrats.simulator.server.answers import Answer, data_refusal, refusal, send_answer
from quantstrats.simulator.server.bodies import Gone, body_of
from quantstrats.simulator.server.desk import Call, Desk
from quantstrats.simulator.server.mishaps import Mishap

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.types import Receive, Scope, Send

    from quantstrats.simulator.server.limits import Allowance
    from quantstrats.simulator.server.trading import Endpoint

_ROUTES = {**trading.ROUTES, **stock_data.ROUTES}
_DATA = "/v2/stocks"


class Rest:
    """An ASGI application that answers every path of the trading and market data endpoints.

    It is one function deep on purpose: a layer of middleware costs as much as an order.

    Parameters
    ----------
    desk : Desk
        What the endpoints share.
    """

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        if scope["type"] != "http":
            await send({"type": "websocket.close", "code": 1000})
            return
        request_id = self._desk.request_id()
        try:
            body = await body_of(scope["headers"], receive)
        except Gone:
            return
        except Refused as refused:
            await self._refuse_unread(scope, refused, request_id, send)
            return
        await self._answer_all(scope, body, request_id, receive, send)

    async def _refuse_unread(self, scope: Scope, refused: Refused, request_id: str, send: Send) -> None:
        """Answer a request whose body nobody has read to its end."""
        desk, told = self._desk, _refusal_for(scope["path"])(refused)
        query, account = scope["query_string"].decode("latin-1"), desk.sign_in_by_header(scope["headers"])
        desk.wire_log.request(desk.exchange.now, account, request_id, scope["method"], scope["path"], query, b"")
        desk.wire_log.answer(desk.exchange.now, account, request_id, told.status, told.log_text)
        # What is still to come would be taken for the next request.
        await send_answer(send, told, [(b"x-request-id", request_id.encode()), (b"connection", b"close")])

    async def _answer_all(self, scope: Scope, body: bytes, request_id: str, receive: Receive, send: Send) -> None:
        """Log a request, answer it or let the answer go wrong, and log that."""
        desk, method, path, query = self._desk, scope["method"], scope["path"], scope["query_string"]
        now, account = desk.exchange.now, desk.sign_in_by_header(scope["headers"])
        desk.wire_log.request(now, account, request_id, method, path, query.decode("latin-1"), body)
        allowance = desk.limit.count(account or "", now)
        head = _head(request_id, allowance)
        if account is None:
            told = _refusal_for(path)(unauthorized())
        elif not allowance.is_kept:
            told = _refusal_for(path)(too_many_requests())
        else:
            fault = desk.faults.on_request(method, path, account, now, body, request_id) if desk.faults else None
            if fault is not None:
                mishap = Mishap(desk, fault, request_id, account, head, receive, send)
                await mishap.happen(lambda: self.answer(account, method, path, query, body))
                return
            told = self.answer(account, method, path, query, body)
        desk.wire_log.answer(desk.exchange.now, account, request_id, told.status, told.log_text)
        await send_answer(send, told, head)

    def answer(self, account: str, method: str, path: str, query: bytes, body: bytes) -> Answer:
        """Return the answer to a request that has been signed in.

        Parameters
        ----------
        account : str
            Id of the account.
        method, path, query, body
            As sent; the path is decoded.
        """
        refuse = _refusal_for(path)
        try:
            endpoint, name = _endpoint(method, path)
            told = endpoint(self._desk, Call(account, name, query_of(query), body))
            faults = self._desk.faults
            # The server's clock may be off.
            return told._replace(body=faults.on_answer(path, told.body, self._desk.exchange.now)) if faults else told
        except Refused as refused:
            return refuse(refused)
        except Exception as error:
            # A client must never see more than a plain 500.
            self._desk.failures.append(error)
            return refuse(broken())


def _refusal_for(path: str) -> Callable[[Refused], Answer]:
    return data_refusal if path.startswith(_DATA) else refusal


def _endpoint(method: str, path: str) -> tuple[Endpoint, str]:
    """Return the endpoint of a path, and what stands for the star in it.

    Raises
    ------
    Refused
        404 for a path that is not spoken, 405 for a method that it has not.
    """
    methods, name = _ROUTES.get(path), ""
    if methods is None:
        methods, name = _with_star(path)
    if methods is None:
        raise unknown_path()
    if method not in methods:
        raise wrong_method()
    return methods[method], name


def _with_star(path: str) -> tuple[dict[str, Endpoint] | None, str]:
    if path.startswith(f"{_DATA}/"):
        _, _, rest = path.partition(f"{_DATA}/")
        name, _, what = rest.partition("/")
        return _ROUTES.get(f"{_DATA}/*/{what}"), name
    place, _, name = path.rpartition("/")
    return (_ROUTES.get(f"{place}/*") if name else None), name


def _head(request_id: str, allowance: Allowance) -> list[tuple[bytes, bytes]]:
    return [
        (b"x-request-id", request_id.encode()),
        (b"x-ratelimit-limit", b"%d" % allowance.limit),
        (b"x-ratelimit-remaining", b"%d" % allowance.remaining),
        (b"x-ratelimit-reset", b"%d" % allowance.reset),
    ]

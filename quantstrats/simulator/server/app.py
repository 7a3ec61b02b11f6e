"""The one application that clients connect to: REST, streams and the status page on one port."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse

from quantstrats.simulator.server import status, stock_stream, trade_updates
from quantstrats.simulator.server.rest import Rest

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.types import ASGIApp, Receive, Scope, Send

    from quantstrats.simulator.server.desk import Desk


def trading_app(desk: Desk) -> ASGIApp:
    """Return an ASGI application with all that a client uses.

    Every versioned path is the REST side's, which starlette's router and middleware would slow down; the rest of the
    paths are starlette's.

    Parameters
    ----------
    desk : Desk
        What the endpoints share.
    """
    rest = Rest(desk)
    web = Starlette(
        routes=[*trade_updates.routes(desk), *stock_stream.routes(desk), *status.routes(desk)],
        exception_handlers={HTTPException: _refuse},
    )

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        is_rest = scope["type"] == "http" and scope["path"].startswith("/v")
        await (rest if is_rest else web)(scope, receive, send)

    return app


async def _refuse(_: Request, error: Exception) -> JSONResponse:
    status_code = error.status_code if isinstance(error, HTTPException) else 500
    told = "endpoint not found" if status_code == 404 else "method not allowed"
    return JSONResponse({"code": status_code * 100_000 + 10_000, "message": told}, status_code)

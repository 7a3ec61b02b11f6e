"""Answers that go wrong on purpose: late, never, cut off, another one, or a connection that breaks."""

from __future__ import annotations

import asyncio
import json
import socket
import struct
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from quantstrats.simulator.server.answers import Answer, failure, html, send_answer
from quantstrats.simulator.times import NS

if TYPE_CHECKING:
    from starlette.types import Receive, Send

    from quantstrats.simulator.faults.answers import RequestFault
    from quantstrats.simulator.server.desk import Desk

# Closing with this sends a reset instead of the usual farewell.
_RESET = struct.pack("ii", 1, 0)


@dataclass(frozen=True)
class Mishap:
    """One request whose answer goes wrong.

    Parameters
    ----------
    desk : Desk
        Whose wire log tells what was answered.
    fault : RequestFault
        What goes wrong.
    request_id, account : str
        Whose request.
    head : list of (bytes, bytes)
        Headers of a good answer.
    receive, send
        Of the server.
    """

    desk: Desk
    fault: RequestFault
    request_id: str
    account: str
    head: list[tuple[bytes, bytes]]
    receive: Receive
    send: Send

    async def happen(self, process: Callable[[], Answer]) -> None:
        """Let it happen.

        Parameters
        ----------
        process : callable
            Does what the request asks for and returns the good answer. It is not called where the fault comes before.
        """
        # The one of now: a restart of the server puts another one in place.
        fault, closing = self.fault, self.desk.closing
        if fault.when == "before" and await self._closes_within(fault.delay_s, closing):
            await self._leave_unanswered("restart")
            return
        told = process() if fault.when == "after" or not self._fails else None
        if told is not None:
            self._hide(told)
        if fault.when == "after" and await self._closes_within(fault.delay_s, closing):
            await self._leave_unanswered("restart")
        elif fault.hang_s or fault.reset:
            await self._closes_within(fault.hang_s, closing)
            await self._leave_unanswered("hang" if fault.hang_s else "reset")
        elif fault.truncate:
            await self._cut_off(self._instead_of(told))
        else:
            sent = self._instead_of(told)
            self._log(sent.status, sent.log_text, self._name)
            await send_answer(self.send, sent, self.head)

    @property
    def _fails(self) -> bool:
        return bool(self.fault.status or self.fault.reset or self.fault.hang_s)

    @property
    def _name(self) -> str:
        """The clearest of what is wrong with an answer that is sent; the log of the faults has all of it."""
        fault = self.fault
        if fault.body == "html":
            return "html"
        if fault.status:
            return "error"
        return "another answer" if fault.told else "late" if fault.delay_s else "hidden"

    def _instead_of(self, told: Answer | None) -> Answer:
        """Return what is answered instead of a good answer, None where there is none."""
        fault = self.fault
        if fault.told is not None:
            told = Answer(*fault.told)
        if fault.body == "html":
            return html(fault.status or (told.status if told else 502))
        return failure(fault.status or 500) if fault.status or told is None else told

    async def _leave_unanswered(self, why: str) -> None:
        self._log(None, "", why)
        await self._break()

    async def _cut_off(self, told: Answer) -> None:
        """Announce a body, send half of it and close the connection."""
        length = (b"content-length", b"%d" % len(told.body))
        half = told.body[: len(told.body) // 2]
        self._log(told.status, json.dumps(half.decode("utf-8", "replace")), "truncated")
        headers = [*self.head, (b"content-type", told.kind), length]
        await self.send({"type": "http.response.start", "status": told.status, "headers": headers})
        await self.send({"type": "http.response.body", "body": half, "more_body": True})
        transport = self._transport()
        if transport is not None:
            transport.close()
            await self._gone()

    def _hide(self, told: Answer) -> None:
        """Let an order that was just accepted not be found for a while."""
        if self.fault.late_404_s and told.status == 200:
            content = json.loads(told.body)
            if isinstance(content, dict) and "client_order_id" in content:
                self.desk.hide(content["id"], self.desk.exchange.now + round(self.fault.late_404_s * NS))

    async def _closes_within(self, seconds: float, closing: asyncio.Event) -> bool:
        """Wait in real time, but no longer than the client; tell whether the server has stopped meanwhile."""
        if seconds:
            until = [asyncio.ensure_future(self._gone()), asyncio.ensure_future(closing.wait())]
            try:
                await asyncio.wait(until, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for each in until:
                    each.cancel()
        return closing.is_set()

    async def _gone(self) -> None:
        while (await self.receive())["type"] != "http.disconnect":
            pass

    async def _break(self) -> None:
        """Close the connection without an answer, with a reset."""
        transport = self._transport()
        if transport is None:
            raise ConnectionResetError("the server broke the connection")
        if not transport.is_closing():
            transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
            transport.abort()
        await self._gone()

    def _transport(self) -> Any:
        # The servers' own send is a method of what holds the connection; ASGI itself knows no way to break one.
        return getattr(getattr(self.send, "__self__", None), "transport", None)

    def _log(self, status: int | None, body: str, what: str) -> None:
        self.desk.wire_log.answer(self.desk.exchange.now, self.account, self.request_id, status, body, what)

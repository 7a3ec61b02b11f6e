"""A running exchange: servers on this machine, a clock that is moved or moves by itself."""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import threading
import time
from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING, Any

from quantstrats.errors import ConfigError, EngineError
from quantstrats.simulator.exchange import Exchange
from quantstrats.simulator.server.background import Background, listening, watched
from quantstrats.simulator.server.outbox import all_read, all_sent
from quantstrats.simulator.server.pacing import MAX, Speed, checked_speed, pace
from quantstrats.simulator.step import Step, instant, step_of

if TYPE_CHECKING:
    import pandas as pd
    from starlette.types import ASGIApp

    from quantstrats.simulator.events import Event
    from quantstrats.simulator.ledger import Ledger
    from quantstrats.simulator.server.wire_log import WireLog
    from quantstrats.simulator.settings import Settings

LOOPBACK = "127.0.0.1"

# How long a step waits for a client that does not read, in real seconds; it is waited for again when it has caught up.
_PATIENCE_S = 1.0
# How long a clock at full speed does.
_PATIENCE_AT_MAX_S = 5.0


class Simulator:
    """An exchange that clients connect to. Use it in a ``with`` block, or start and stop it.

    Parameters
    ----------
    exchange : Exchange
        What is traded on.
    settings : Settings, optional
        Those of the exchange by default.
    faults : Faults, optional
        What goes wrong; nothing by default.
    host : str, optional
        An address of this machine that clients connect to. By default only clients on this machine can.
    port, control_port : int, optional
        0 for any that is free. The control endpoints always listen on this machine alone.
    speed : float, "max" or None, optional
        None for a virtual clock, which :meth:`advance` alone moves; simulated seconds per real second; or as fast as
        the clients read.
    wire_log : WireLog, optional
        Where requests, answers and frames are written; in memory by default.
    waits : bool, optional
        Whether a clock that runs by itself stands until a client has asked for something or connected to a stream.

    Attributes
    ----------
    speed
        As given.

    Raises
    ------
    ConfigError
        For a speed that is none, and for faults of what the bars do not have.
    """

    def __init__(
        self,
        exchange: Exchange,
        settings: Settings | None = None,
        faults: Any = None,
        *,
        host: str = LOOPBACK,
        port: int = 0,
        control_port: int = 0,
        speed: Speed = None,
        wire_log: WireLog | None = None,
        waits: bool = False,
    ) -> None:
        from quantstrats.simulator.server.desk import Desk
        from quantstrats.simulator.server.links import DeskLinks

        self.speed = checked_speed(speed)
        self._settings = exchange.settings if settings is None else settings
        self._desk = Desk(exchange, self._settings, wire_log, faults)
        self._desk.speed = self.speed
        self._background = Background(self._settings.streams.ping_s)
        self._links = DeskLinks(self._desk, lambda: self._background.break_all(0))
        if faults:
            faults.begin(exchange, self._links)
        self._host, self._ports = host, (port, control_port)
        self._addresses: list[tuple[str, int]] = []
        self._apps: list[ASGIApp] = []
        self._ended = threading.Event()
        self._waits = waits

    def start(self) -> Simulator:
        """Take connections from now on; a clock with a speed begins to run.

        Raises
        ------
        ConfigError
            If a port is in use, or the host is no address of this machine.
        EngineError
            If it runs already, or cannot.
        """
        from quantstrats.simulator.server.app import trading_app
        from quantstrats.simulator.server.control import Levers, control_app

        if self._background.is_running:
            raise EngineError("the simulated exchange runs already")
        sockets = [listening(self._host, self._ports[0])]
        try:
            sockets.append(listening(LOOPBACK, self._ports[1]))
        except ConfigError:
            sockets[0].close()
            raise
        self._addresses = [each.getsockname()[:2] for each in sockets]
        self._desk.closing = asyncio.Event()
        levers = Levers(self._desk, self.speed, self._step, self._reset, self._change)
        if not self._apps:
            apps = trading_app(self._desk), control_app(levers)
            self._apps = [watched(each, self._desk.failures) for each in apps]
        self._background.start(list(zip(self._apps, sockets, strict=True)))
        if self.speed is not None:
            self._background.spawn(self._run(self.speed))
        return self

    def stop(self) -> None:
        """Close all connections and let the servers end; nothing if they have."""
        if self._background.is_running:
            with contextlib.suppress(EngineError):  # it may end in this very moment
                self._background.call(self._close())
        self._background.stop()

    def __enter__(self) -> Simulator:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def url(self) -> str:
        """What trading and market data clients take as the base of their URLs."""
        return f"http://{self._address(0)}"

    @property
    def stream_url(self) -> str:
        """The stream of orders."""
        return f"ws://{self._address(0)}/stream"

    def data_stream_url(self, feed: str = "iex") -> str:
        """Return the stream of market data of a feed: iex or sip."""
        return f"ws://{self._address(0)}/v2/{feed}"

    @property
    def control_url(self) -> str:
        """The control endpoints."""
        return f"http://{self._address(1)}"

    @property
    def reach(self) -> str:
        """Who can connect, in words."""
        host, port = self._address_pair(0)
        if ipaddress.ip_address(host.partition("%")[0]).is_loopback:
            return f"bound to {host}, port {port}: this machine only"
        return f"bound to {host}, port {port}: every machine that can reach this one, with the keys shown"

    @property
    def key(self) -> str:
        """What the first account signs in with."""
        return self._settings.accounts[0].key

    @property
    def secret(self) -> str:
        """The secret of :attr:`key`."""
        return self._settings.accounts[0].secret

    @property
    def exchange(self) -> Exchange:
        """The exchange of now: :meth:`reset` puts another in place. While it runs, read it through :meth:`ask`."""
        return self._desk.exchange

    @property
    def wire_log(self) -> WireLog:
        """Every request, answer and frame."""
        return self._desk.wire_log

    @property
    def ledger(self) -> Ledger:
        """What truly happened."""
        return self._desk.exchange.ledger

    @property
    def faults(self) -> Any:
        """What goes wrong, and what has; None where nothing is to."""
        return self._desk.faults

    @property
    def listeners(self) -> list[Callable[[Event], None]]:
        """Who is told of every event, on the servers' thread, whichever exchange stands; add to it before the start."""
        return self._desk.listeners

    @property
    def failures(self) -> list[Exception]:
        """What the server itself has failed with: a client sees a plain 500, a test should see none."""
        return self._desk.failures

    @property
    def ended(self) -> bool:
        """Whether the last bar is complete and its session closed."""
        return self._desk.exchange.ended

    def advance(self) -> Step:
        """Move the clock to the next bar that completes, or session that opens or closes, whichever comes first.

        It returns when all that this brings has been handed to the streams' sockets. An order that is sent then trades
        at the first price of the next bar, as in a backtest.

        Raises
        ------
        EngineError
            If the clock runs by itself, or the servers do not run or have failed.
        """
        self._check_virtual()
        return self._background.call(self._step(None))

    def advance_to(self, time: str | int | datetime | pd.Timestamp) -> Step:
        """Let everything happen up to an instant, that included; see :meth:`advance`.

        Parameters
        ----------
        time : str, int, datetime or Timestamp
            RFC 3339 (``2024-03-01T14:30:00Z``), a date (its midnight in New York), nanoseconds since 1970 (UTC), or
            an instant with a time zone.

        Raises
        ------
        EngineError
            As for :meth:`advance`.
        ValueError
            If it is no instant, or has passed.
        """
        self._check_virtual()
        return self._background.call(self._step(instant(time)))

    def reset(self, faults: Any = None) -> None:
        """Start over at the beginning of the bars: the same seed, ids, faults, an empty wire log and ledger.

        All streams are closed, so that no client takes one world's events for another's.

        Parameters
        ----------
        faults : Faults, str, Path or mapping, optional
            Another fault script from then on: a path, or what it says; by default that of before.

        Raises
        ------
        ConfigError
            For a fault script that does not fit.
        """
        self._background.call(self._reset(faults))

    def ask(self, question: Callable[[Exchange], Any]) -> Any:
        """Return what a function of the exchange returns, while nothing else happens to it.

        What it changes is told to the clients before this returns.
        """

        async def answer() -> Any:
            told = question(self._desk.exchange)
            await all_sent(self._desk.outboxes, _PATIENCE_S)
            return told

        return self._background.call(answer())

    def wait_for_listeners(self, stream: str = "trade_updates", count: int = 1, timeout_s: float = 5.0) -> None:
        """Return when so many clients listen to a stream, so that none misses what happens next.

        Parameters
        ----------
        stream : str, optional
            ``trade_updates``, ``iex`` or ``sip``.
        count : int, optional
            Connections that have said what they want to hear.
        timeout_s : float, optional
            Real seconds.

        Raises
        ------
        TimeoutError
            If they do not come.
        """

        async def listeners() -> int:
            return sum(box.stream == stream and box.is_awaited for box in self._desk.outboxes)

        deadline = time.monotonic() + timeout_s
        while (found := self._background.call(listeners())) < count:
            if time.monotonic() > deadline:
                raise TimeoutError(f"{found} of {count} clients listen to {stream} after {timeout_s:g} s")
            time.sleep(0.005)

    def wait(self, timeout_s: float | None = None) -> bool:
        """Wait until the clock has come to the end of the bars; return whether it has.

        Raises
        ------
        EngineError
            If the servers do not run, or have failed.
        """
        deadline = None if timeout_s is None else time.monotonic() + timeout_s
        while not self.ended and not self._ended.wait(
            0.1 if deadline is None else min(max(deadline - time.monotonic(), 0), 0.1)
        ):
            self._background.check()
            if deadline is not None and time.monotonic() >= deadline:
                return False
        return True

    def _address(self, which: int) -> str:
        host, port = self._address_pair(which)
        if ipaddress.ip_address(host.partition("%")[0]).is_unspecified:
            host = LOOPBACK if ":" not in host else "::1"
        return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"

    def _address_pair(self, which: int) -> tuple[str, int]:
        if not self._addresses:
            raise EngineError("the simulated exchange has no address yet; call start() first")
        return self._addresses[which]

    def _check_virtual(self) -> None:
        if self.speed is not None:
            raise EngineError("the clock runs by itself; make the simulator without a speed to move it")

    # What follows runs on the servers' loop.

    def _move(self, to: int | None) -> list[Event]:
        exchange = self._desk.exchange
        return exchange.advance() if to is None else exchange.advance_to(to)

    async def _step(self, to: int | None) -> Step:
        events = self._move(to)
        exchange = self._desk.exchange
        step = step_of(exchange.tape, exchange.now, events)
        await all_sent(self._desk.outboxes, _PATIENCE_S)
        return step

    async def _change(self, change: Callable[[Exchange], None]) -> None:
        change(self._desk.exchange)
        await all_sent(self._desk.outboxes, _PATIENCE_S)

    async def _reset(self, given: Any = None) -> None:
        from quantstrats.simulator.faults.faults import faults_of

        old, desk = self._desk.exchange, self._desk
        wrong = desk.faults if given is None else faults_of(given, self._settings.seed)
        await self._drop_streams()
        desk.wire_log.clear()
        old.ledger.clear()
        trouble = old.trouble if wrong is None else wrong.trouble
        desk.reset(Exchange(old.source, self._settings, trouble, old.ledger, old.start), wrong)
        if desk.faults:
            desk.faults.begin(desk.exchange, self._links)
        self._ended.clear()

    async def _drop_streams(self) -> None:
        from quantstrats.simulator.server.connection import RESTART
        from quantstrats.simulator.server.outbox import Farewell

        outboxes = list(self._desk.outboxes)
        for box in outboxes:
            box.close(Farewell(RESTART, "service restart"))
        await all_sent(outboxes, _PATIENCE_S)

    async def _close(self) -> None:
        self._desk.closing.set()

    async def _run(self, speed: float | str) -> None:
        async def rest() -> None:
            if speed == MAX:
                # Who has not said what to hear is not waited for.
                await all_read([each for each in self._desk.outboxes if each.is_awaited], _PATIENCE_AT_MAX_S)
            else:
                await all_sent(self._desk.outboxes, _PATIENCE_S)

        def move(to: int | None) -> None:
            self._move(to)

        while self._waits and not self._desk.wire_log.count and not self._desk.outboxes:
            await asyncio.sleep(0.01)
        while True:
            await pace(lambda: self._desk.exchange, speed, move, rest)
            self._ended.set()
            finished = self._desk.exchange
            while self._desk.exchange is finished:
                await asyncio.sleep(0.01)

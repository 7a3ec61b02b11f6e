"""Web servers on one event loop, in a thread of their own."""

from __future__ import annotations

import asyncio
import concurrent.futures
import contextlib
import socket
import threading
from collections.abc import Callable, Coroutine, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from quantstrats.errors import ConfigError, EngineError, in_one_line

if TYPE_CHECKING:
    import uvicorn
    from starlette.types import ASGIApp, Receive, Scope, Send

T = TypeVar("T")

# Connections that the system keeps for a server that has not taken them yet.
_BACKLOG = 2048
# Requests that hang when the server stops are cut off after so many seconds.
_PATIENCE_S = 1
_LONGEST_FRAME = 2**20
_LAST_PORT = 65535


class Background:
    """Web servers in a thread of their own: started, asked to do something on their loop, stopped.

    Parameters
    ----------
    ping_s : float
        Seconds between pings on websockets; a connection that does not answer one for as long is cut.
    """

    def __init__(self, ping_s: float) -> None:
        self._ping_s = ping_s
        self._thread: threading.Thread | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stopping: asyncio.Event | None = None
        self._lock = threading.Lock()
        self._pending: set[concurrent.futures.Future[Any]] = set()
        self._servers: list[uvicorn.Server] = []
        self._tasks: set[asyncio.Task[None]] = set()
        self.crash: BaseException | None = None

    @property
    def is_running(self) -> bool:
        """Whether the loop can be asked for anything."""
        return self._loop is not None

    def check(self) -> None:
        """Raise EngineError if the servers do not run."""
        if self._loop is None:
            raise self._failure() from self.crash

    def start(self, served: Sequence[tuple[ASGIApp, socket.socket]]) -> None:
        """Serve each application on its socket; return when all take connections.

        Raises
        ------
        EngineError
            If a server cannot be started.
        """
        ready = threading.Event()
        # The sockets are open in any case when this returns: those who connect before the loop runs wait in the queue.
        self._thread = threading.Thread(
            target=self._run, args=(served, ready), name="quantstrats-simulator", daemon=True
        )
        self._thread.start()
        ready.wait()
        if self.crash is not None:
            self._thread.join()
            raise self._failure() from self.crash

    def call(self, work: Coroutine[Any, Any, T], timeout_s: float | None = None) -> T:
        """Run a coroutine on the loop and return what it returns; what it raises is raised here.

        Raises
        ------
        EngineError
            If the servers do not run, or fail meanwhile.
        """
        with self._lock:
            if self._loop is None:
                work.close()
                raise self._failure() from self.crash
            if self._thread is threading.current_thread():
                work.close()
                raise EngineError("the simulated exchange cannot be moved from within its own loop; call from outside")
            future = asyncio.run_coroutine_threadsafe(work, self._loop)
            self._pending.add(future)
        future.add_done_callback(self._pending.discard)
        try:
            return future.result(timeout_s)
        except concurrent.futures.CancelledError:
            raise self._failure() from self.crash

    def stop(self) -> None:
        """Close all connections and end the thread; nothing if it has ended."""
        with self._lock:
            if self._loop is not None and self._stopping is not None:
                self._loop.call_soon_threadsafe(self._stopping.set)
        if self._thread is not None and self._thread is not threading.current_thread():
            self._thread.join()
            self._thread = None

    def break_all(self, which: int) -> None:
        """Break all connections of one of the servers at once, those of requests too; on the loop's thread."""
        for connection in list(self._servers[which].server_state.connections):
            if connection.transport is not None:
                connection.transport.abort()

    def spawn(self, work: Coroutine[Any, Any, None]) -> None:
        """Let a coroutine run on the loop from now on; if it raises, the servers stop and the reason is kept."""

        async def begin() -> None:
            task = asyncio.get_running_loop().create_task(work)
            self._tasks.add(task)
            task.add_done_callback(self._ended)

        self.call(begin())

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and task.exception() is not None:
            self.crash = task.exception()
            if self._stopping is not None:
                self._stopping.set()

    def _run(self, served: Sequence[tuple[ASGIApp, socket.socket]], ready: threading.Event) -> None:
        try:
            with asyncio.Runner(loop_factory=_loop_factory()) as runner:
                runner.run(self._serve(served, ready))
        except BaseException as error:  # whoever waits for this thread is told
            self.crash = error
        finally:
            self._let_go()
            for _, each in served:
                each.close()
            ready.set()

    async def _serve(self, served: Sequence[tuple[ASGIApp, socket.socket]], ready: threading.Event) -> None:
        self._stopping = asyncio.Event()
        servers = self._servers = [_server(app, self._ping_s, self._stopping) for app, _ in served]
        running = [asyncio.create_task(server.serve([each])) for server, (_, each) in zip(servers, served, strict=True)]
        while not all(server.started for server in servers):
            if any(task.done() for task in running):
                break
            await asyncio.sleep(0.001)
        else:
            self._loop = asyncio.get_running_loop()
            ready.set()
        try:
            await asyncio.gather(*running)
        finally:
            self._let_go()
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)

    def _let_go(self) -> None:
        """Take no more calls, and tell those who wait for one."""
        with self._lock:
            self._loop = None
            pending = list(self._pending)
        for future in pending:
            future.cancel()

    def _failure(self) -> EngineError:
        if self.crash is None:
            return EngineError("the simulated exchange does not run; call start() first")
        return EngineError(f"the simulated exchange has failed: {in_one_line(self.crash)}")


def watched(app: ASGIApp, failures: list[Exception]) -> ASGIApp:
    """Return an application whose own failures are added to a list; a client sees no more than a plain 500."""

    async def watched(scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await app(scope, receive, send)
        except OSError:
            raise  # a client that is gone
        except Exception as error:
            failures.append(error)
            raise

    return watched


def listening(host: str, port: int) -> socket.socket:
    """Return a socket that takes connections.

    Parameters
    ----------
    host : str
        Name or address of this machine.
    port : int
        0 for any that is free.

    Raises
    ------
    ConfigError
        If the port is in use or none, or the host is no address of this machine.
    """
    if not 0 <= port <= _LAST_PORT:
        raise ConfigError(f"port is {port}; give 0 to {_LAST_PORT}")
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with contextlib.ExitStack() as stack:
            made = stack.enter_context(socket.socket(family, kind, protocol))
            made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            made.bind(address)
            made.listen(_BACKLOG)
            made.setblocking(False)
            stack.pop_all()
            return made
    except OSError as error:
        reason = error.strerror or str(error)
        raise ConfigError(f"cannot listen at {host}, port {port}: {reason}; choose another host or port") from None


def _loop_factory() -> Any:
    try:
        import uvloop
    except ImportError:
        return None
    return uvloop.new_event_loop


def _server(app: ASGIApp, ping_s: float, stopping: asyncio.Event) -> uvicorn.Server:
    import uvicorn

    from quantstrats.simulator.server.sockets import SocketProtocol

    class Server(uvicorn.Server):
        async def main_loop(self) -> None:
            # uvicorn looks ten times a second whether it is to stop; this one is told, and sends no date.
            self.server_state.default_headers = self.config.encoded_headers
            await stopping.wait()

        async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
            # uvicorn waits a tenth of a second at least, which a suite of tests would pay for each of them.
            for listener in self.servers:
                listener.close()
            for each in sockets or []:
                each.close()
            for connection in list(self.server_state.connections):
                connection.shutdown()
            await _in_time(lambda: not self.server_state.connections and not self.server_state.tasks)
            for task in list(self.server_state.tasks):
                task.cancel()

    return Server(
        uvicorn.Config(
            app,
            interface="asgi3",
            http=_http(),
            ws=SocketProtocol,
            ws_ping_interval=ping_s,
            ws_ping_timeout=ping_s,
            ws_max_size=_LONGEST_FRAME,
            # On this machine it would cost the server more than it spares.
            ws_per_message_deflate=False,
            lifespan="off",
            log_config=None,
            # Whatever a client sends, nothing is printed; what the server itself fails with is kept by its desk.
            log_level="critical",
            access_log=False,
            proxy_headers=False,
            server_header=False,
            date_header=False,
            backlog=_BACKLOG,
            timeout_keep_alive=600,
        )
    )


async def _in_time(is_done: Callable[[], bool]) -> None:
    """Wait until something holds, but not beyond patience."""
    deadline = asyncio.get_running_loop().time() + _PATIENCE_S
    pause = 0.0
    while not is_done() and asyncio.get_running_loop().time() < deadline:
        await asyncio.sleep(pause)
        pause = min(pause + 0.001, 0.02)


def _http() -> Any:
    from quantstrats.simulator.server.heads import with_heads_in_time

    try:
        from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
    except ImportError:
        from uvicorn.protocols.http.h11_impl import H11Protocol

        return with_heads_in_time(H11Protocol)
    return with_heads_in_time(HttpToolsProtocol)

"""BarFeed: bars as they come, handed to whoever waits for them."""

from __future__ import annotations

import asyncio
import queue
import threading
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import aclosing
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar

from quantstrats.errors import ConfigError
from quantstrats.market.stream.arrivals import Arrivals, RegularHours, StreamedBar

if TYPE_CHECKING:
    from quantstrats.market.sources.alpaca import Alpaca
    from quantstrats.market.sources.alpaca_client import AlpacaClient

T = TypeVar("T")

_PATIENCE = 1.0  # seconds to wait for the connection's thread in the end; it takes nothing along
Deliver: TypeAlias = Callable[[StreamedBar], None]


class BarFeed(ABC):
    """Closed bars of some symbols, as they come: ``async for bar in feed``, or ``feed.run(callback)``.

    Parameters
    ----------
    symbols : sequence of str
        All stocks, or all crypto.
    source : Alpaca
        Its interval, feed, calendar and address are the bars' own.
    since : datetime, optional
        Start of the first bar that is wanted, with a time zone: what closed since then is delivered first, as
        ``backfilled``. Without it, bars that close from now on.

    Raises
    ------
    ConfigError
        If the symbols or the source do not fit.
    """

    def __init__(self, symbols: Sequence[str], source: Alpaca, since: datetime | None = None) -> None:
        bar = source.bar
        if isinstance(symbols, str) or not symbols or len(set(symbols)) < len(symbols):
            raise ConfigError(f"symbols is {symbols!r}; give a list of different ones")
        if bar is None:
            raise ConfigError("daily bars do not come as a stream; take an interval of minutes, as in Alpaca('1m')")
        if not source.check(symbols) and source.adjustment != "raw":
            raise ConfigError("bars that have just been traded are not adjusted; take Alpaca(adjustment='raw')")
        if since is not None and since.tzinfo is None:
            raise ConfigError(f"since is {since}, without a time zone; say which, as in since.astimezone()")
        self.symbols = tuple(symbols)
        self._source = source
        self._bar = bar.to_pytimedelta()
        self._hours = RegularHours(source.calendar, self._bar)
        self._arrivals = Arrivals(self.symbols, self._bar, self._hours, since and since.astimezone(UTC))
        self._client: AlpacaClient | None = None
        self._stopped = threading.Event()
        self._worker: tuple[asyncio.AbstractEventLoop, asyncio.Task[None]] | None = None

    @abstractmethod
    async def _work(self, deliver: Deliver) -> None:
        """Deliver bars until the task is cancelled.

        Raises
        ------
        QuantstratsError
            If it cannot go on.
        """

    async def __aiter__(self) -> AsyncIterator[StreamedBar]:
        """Yield the bars until :meth:`stop` is called.

        Raises
        ------
        QuantstratsError
            If no more can come: the keys are refused, or the symbols.
        """
        if self._worker is not None:
            raise ConfigError("these bars are being delivered already; make another feed")
        bars: asyncio.Queue[StreamedBar | None] = asyncio.Queue()
        task = asyncio.create_task(self._work(bars.put_nowait))
        task.add_done_callback(lambda _: bars.put_nowait(None))
        self._worker = (asyncio.get_running_loop(), task)
        try:
            while not self._stopped.is_set() and (bar := await bars.get()) is not None:
                if not self._stopped.is_set():
                    yield bar
        finally:
            task.cancel()
            await asyncio.wait([task])
            self._worker = None
        if not task.cancelled() and not self._stopped.is_set():
            task.result()

    def run(self, callback: Callable[[StreamedBar], object]) -> None:
        """Call ``callback`` with each bar, in this thread, until :meth:`stop` is called or it raises.

        What it raises is its own and goes to the caller. The connection is kept by another thread meanwhile, so that a
        callback may take its time.

        Raises
        ------
        QuantstratsError
            If no more can come: the keys are refused, or the symbols.
        """
        bars: queue.SimpleQueue[StreamedBar | None] = queue.SimpleQueue()
        failures: list[BaseException] = []

        async def pump() -> None:
            async with aclosing(self.__aiter__()) as arriving:  # type: ignore[type-var]
                async for bar in arriving:
                    bars.put(bar)

        def host() -> None:
            try:
                asyncio.run(pump())
            except BaseException as error:
                failures.append(error)
            finally:
                bars.put(None)

        thread = threading.Thread(target=host, daemon=True, name="bars")
        thread.start()
        try:
            while (bar := bars.get()) is not None and not self._stopped.is_set():
                callback(bar)
        finally:
            self.stop()
            thread.join(_PATIENCE)
        if failures:
            raise failures[0]

    def stop(self) -> None:
        """End the delivery at once, from any thread; a feed that was stopped stays so."""
        self._stopped.set()
        if (worker := self._worker) is not None:
            loop, task = worker
            try:
                loop.call_soon_threadsafe(task.cancel)
            except RuntimeError:  # the loop has ended by itself
                return

    async def _asked(self, begin: datetime) -> dict[str, list[dict[str, Any]]]:
        """Return the bars that Alpaca has from an instant on, the one that is not closed yet included."""
        import pandas as pd

        from quantstrats.market.sources.alpaca import INTERVALS

        def ask() -> dict[str, list[dict[str, Any]]]:
            if self._client is None:
                self._client = self._source.client(self.symbols)
            return self._client.bars(self.symbols, INTERVALS[self._source.interval], pd.Timestamp(begin), None)

        return await in_thread(ask)


async def in_thread(call: Callable[[], T]) -> T:
    """Return what a call gives that blocks. Nobody waits for its thread in the end."""
    loop = asyncio.get_running_loop()
    done: asyncio.Future[T] = loop.create_future()

    def settle(result: T | None, error: BaseException | None) -> None:
        if done.cancelled():
            return
        if error is not None:
            done.set_exception(error)
        else:
            done.set_result(result)  # type: ignore[arg-type]

    def work() -> None:
        result, error = None, None
        try:
            result = call()
        except BaseException as raised:
            error = raised
        try:
            loop.call_soon_threadsafe(settle, result, error)
        except RuntimeError:  # the loop is closed: whoever asked has gone
            return

    threading.Thread(target=work, daemon=True, name="asks for bars").start()
    return await done

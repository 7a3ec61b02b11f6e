"""BarStream: closed minutes of many symbols as Alpaca pushes them, over broken connections too.

Keys are read from the environment, as by the source ``alpaca``::

    from quantstrats.market.stream.streaming import BarStream

    stream = BarStream(["AAPL", "MSFT"])
    stream.run(print)  # until stream.stop(), Ctrl-C, or an exception of the callback

or, within a program of asyncio::

    async for bar in BarStream(["AAPL", "MSFT"]):
        ...

``bar.kind`` says whether a bar has just closed, was missed and asked for afterwards, came late, or corrects one that is
past.
"""

from __future__ import annotations

import asyncio
import logging
import random
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any

from quantstrats.errors import ConfigError, DataError, in_one_line
from quantstrats.market.sources.address import check_url
from quantstrats.market.sources.alpaca import Alpaca
from quantstrats.market.sources.alpaca_client import DeniedError, keys
from quantstrats.market.sources.remote import UnavailableError
from quantstrats.market.stream.arrivals import StreamedBar
from quantstrats.market.stream.feed import BarFeed, Deliver
from quantstrats.market.stream.protocol import (
    CHANNELS,
    BrokenError,
    Codec,
    Messages,
    bars_of,
    check_subscription,
)

if TYPE_CHECKING:
    from websockets.asyncio.client import ClientConnection

_LOG = logging.getLogger(__name__)
# The library's log of frames would show the keys.
_FRAMES = logging.getLogger(f"{__name__}.frames")
_FRAMES.setLevel(logging.WARNING)
_HOST = "wss://stream.data.alpaca.markets"
_CLOSING = 0.2  # seconds for a farewell
_LARGEST = 2**22  # bytes of a frame
_PUBLISHED = 3.0  # seconds after which a closed minute can be asked for
_UNSURE = 2.0  # seconds by which two clocks may differ


class BarStream(BarFeed):
    """Closed minutes of many symbols, pushed by Alpaca.

    When the connection breaks, or is mute, another is made: after about ``first_wait`` seconds, and twice as long each
    time until one works, up to ``longest_wait``. What was missed meanwhile is asked for and delivered in order, before
    anything newer. Refused keys end it.

    Parameters
    ----------
    symbols : sequence of str
        All stocks (AAPL), or all crypto (BTC/USD), as Alpaca calls them.
    source : Alpaca, optional
        What missed bars are asked of; its feed and calendar hold for the stream too. By default raw minutes of iex.
    since : datetime, optional
        Start of the first bar that is wanted, with a time zone: what closed since then is delivered first.
    url : str, optional
        Another address in place of Alpaca's own.
    codec : {"json", "msgpack"}, default "json"
        How messages are written.
    first_wait, longest_wait : float, default 5 and 60
        Seconds until a new connection is made, give or take a quarter.
    heartbeat : float, default 10
        Seconds between questions whether the other side is there; without an answer for as long again, it is not.

    Raises
    ------
    ConfigError
        If the symbols or the source do not fit.
    """

    def __init__(
        self,
        symbols: Sequence[str],
        source: Alpaca | None = None,
        *,
        since: datetime | None = None,
        url: str | None = None,
        codec: Codec = "json",
        first_wait: float = 5.0,
        longest_wait: float = 60.0,
        heartbeat: float = 10.0,
    ) -> None:
        crypto = any("/" in symbol for symbol in symbols)
        if source is None:
            source = Alpaca(interval="1m", adjustment="raw", calendar="24/7" if crypto else "XNYS")
        if source.interval != "1m":
            raise ConfigError(f"the stream has bars of a minute, not of {source.interval}; take Alpaca(interval='1m')")
        check_url(url)
        super().__init__(symbols, source, since)
        if not crypto and source.feed not in ("iex", "sip"):
            raise ConfigError(f"there is no stream of the feed {source.feed}; take Alpaca(feed='iex') or 'sip'")
        self._url = url or f"{_HOST}/{'v1beta3/crypto/us' if crypto else f'v2/{source.feed}'}"
        self._messages = Messages(codec)
        self._waits = (first_wait, longest_wait)
        self._heartbeat = heartbeat

    async def _work(self, deliver: Deliver) -> None:
        try:
            from websockets.exceptions import WebSocketException
        except ModuleNotFoundError:
            raise DataError("websockets is not installed; install it: pip install 'quantstrats[live]'") from None
        keys()  # missing ones are told before anything is tried
        waits = self._pauses()
        while True:
            began, delivered = time.monotonic(), False

            def note(bar: StreamedBar) -> None:
                nonlocal delivered
                delivered = True
                deliver(bar)

            try:
                await self._over_one_connection(note)
            except DeniedError:
                raise
            except (WebSocketException, OSError, BrokenError, UnavailableError) as error:
                trouble = _passing(error)
            if delivered or time.monotonic() - began > self._waits[1]:
                waits = self._pauses()
            wait = next(waits)
            _LOG.warning("Alpaca's stream broke off (%s); again in %.1f s", trouble, wait)
            await asyncio.sleep(wait)

    def _pauses(self) -> Iterator[float]:
        """Yield the seconds to wait before each new connection."""
        first, longest = self._waits
        doubled = first
        while True:
            yield min(doubled, longest) * random.uniform(0.75, 1.25)  # noqa: S311 - many clients shall not come back at once
            doubled = min(2 * doubled, longest)

    async def _over_one_connection(self, deliver: Deliver) -> None:
        """Deliver bars until the connection breaks: it never returns.

        Raises
        ------
        UnavailableError, DataError
            If the next one cannot be better.
        Exception
            Of websockets or the system, or BrokenError, if it can.
        """
        from websockets.asyncio.client import connect

        connecting = connect(
            self._url,
            additional_headers=self._messages.headers,
            open_timeout=self._heartbeat,
            ping_interval=self._heartbeat,
            ping_timeout=self._heartbeat,
            close_timeout=_CLOSING,
            max_size=_LARGEST,
            max_queue=None,  # what comes while missed bars are asked for has to wait
            logger=_FRAMES,
        )
        async with connecting as connection:
            ahead = _server_ahead(connection)
            async with asyncio.timeout(self._heartbeat):
                early = await self._subscribed(connection)
            self._arrivals.begin(datetime.now(UTC) + ahead)
            for bar in await self._missed(ahead):
                deliver(bar)
            messages = early
            while True:
                for bar in self._arrivals.sift(bars_of(messages)):
                    deliver(bar)
                messages = self._messages.read(await connection.recv())

    async def _subscribed(self, connection: ClientConnection) -> list[dict[str, Any]]:
        """Greet, authenticate and subscribe; return the messages that came with the last reply."""
        await self._reply(connection, "success", "connected")
        await connection.send(self._messages.written(_auth()))
        await self._reply(connection, "success", "authenticated")
        channels = {channel: list(self.symbols) for channel, _ in CHANNELS.values()}
        await connection.send(self._messages.written({"action": "subscribe", **channels}))
        reply, *rest = await self._reply(connection, "subscription")
        check_subscription(reply, self.symbols)
        return rest

    async def _reply(self, connection: ClientConnection, kind: str, text: str | None = None) -> list[dict[str, Any]]:
        """Wait for a message; return it and what came with it."""
        while True:
            messages = self._messages.read(await connection.recv())
            for place, message in enumerate(messages):
                if message["T"] == kind and text in (None, message.get("msg")):
                    return messages[place:]

    async def _missed(self, ahead: timedelta) -> list[StreamedBar]:
        """Ask for what closed while there was no connection, in order."""
        begin = self._arrivals.wanted_from()
        if begin is None or begin + self._bar > datetime.now(UTC) + ahead + timedelta(seconds=_UNSURE):
            return []
        await asyncio.sleep(_until_settled((datetime.now(UTC) + ahead).timestamp() % self._bar.total_seconds()))
        now = datetime.now(UTC) + ahead
        answer = await self._asked(begin)
        try:
            bars = [StreamedBar.of(symbol, row, "backfilled") for symbol, rows in answer.items() for row in rows]
        except (LookupError, TypeError, ValueError):
            raise BrokenError("a bar that was asked for is malformed") from None
        return list(self._arrivals.sift_missed(bar for bar in bars if bar.start + self._bar <= now))


def _auth() -> dict[str, Any]:
    # Not among the variables of a caller, which a traceback may show.
    return dict(zip(("action", "key", "secret"), ("auth", *keys()), strict=True))


def _server_ahead(connection: ClientConnection) -> timedelta:
    """Return how much the server's clock is ahead, as far as it matters: it tells seconds alone."""
    try:
        told = parsedate_to_datetime(connection.response.headers["Date"])  # type: ignore[union-attr]
        ahead = told - datetime.now(UTC)
    except (LookupError, TypeError, ValueError):
        return timedelta(0)
    return ahead if abs(ahead) > timedelta(seconds=_UNSURE) else timedelta(0)


def _until_settled(second: float) -> float:
    """Return how long to wait, at this second of a minute, until it is plain which minutes are closed and published."""
    if second < _PUBLISHED:
        return _PUBLISHED - second
    return 60.0 - second + _PUBLISHED if second > 60.0 - _UNSURE else 0.0


def _passing(error: Exception) -> str:
    """Return what may be better next time.

    Raises
    ------
    DeniedError
        If it will not.
    """
    from websockets.exceptions import InvalidStatus, InvalidURI

    if isinstance(error, InvalidURI):
        raise DeniedError(f"Alpaca's stream has no such address: {in_one_line(error)}") from None
    if isinstance(error, InvalidStatus) and error.response.status_code in (401, 403, 404):
        raise DeniedError(f"Alpaca's stream refuses the connection (HTTP {error.response.status_code}); check the keys")
    return in_one_line(error)

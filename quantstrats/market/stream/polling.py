"""BarPolling: closed bars of many symbols, asked for again and again, for whoever has no stream.

Keys are read from the environment, as by the source ``alpaca``::

    from quantstrats.market.sources.alpaca import Alpaca
    from quantstrats.market.stream.polling import BarPolling

    bars = BarPolling(["AAPL", "MSFT"], Alpaca(interval="5m", adjustment="raw"))
    bars.run(print)  # until bars.stop(), Ctrl-C, or an exception of the callback

or, within a program of asyncio::

    async for bar in bars:
        ...
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from quantstrats.market.sources.alpaca_client import DeniedError
from quantstrats.market.sources.remote import UnavailableError
from quantstrats.market.stream.arrivals import StreamedBar
from quantstrats.market.stream.feed import BarFeed, Deliver

if TYPE_CHECKING:
    from quantstrats.market.sources.alpaca import Alpaca
    from quantstrats.market.sources.alpaca_client import RawBars

_LOG = logging.getLogger(__name__)
_OVERLAP = 3  # bars that are asked for again, since late trades change them
_LONGEST = timedelta(days=10)  # no exchange is closed for longer


class BarPolling(BarFeed):
    """Closed bars of many symbols, asked of Alpaca whenever one should be there.

    What a failed question did not bring comes with the next one that works, in order, as ``backfilled``. Refused keys
    end it.

    Parameters
    ----------
    symbols : sequence of str
        All stocks (AAPL), or all crypto (BTC/USD), as Alpaca calls them.
    source : Alpaca
        What is asked; its interval, feed and calendar are the bars' own.
    since : datetime, optional
        Start of the first bar that is wanted, with a time zone: what closed since then is delivered first.
    every : float, optional
        Seconds between questions; by default one for each bar of the exchange.
    delay : float, default 3
        Seconds after which a closed bar is asked for.

    Raises
    ------
    ConfigError
        If the symbols or the source do not fit.
    """

    def __init__(
        self,
        symbols: Sequence[str],
        source: Alpaca,
        *,
        since: datetime | None = None,
        every: float | None = None,
        delay: float = 3.0,
    ) -> None:
        super().__init__(symbols, source, since)
        self._every = every
        self._delay = timedelta(seconds=delay)

    async def _work(self, deliver: Deliver) -> None:
        asked = self._closed()
        self._arrivals.begin(asked)
        begin = self._arrivals.wanted_from() or asked
        while True:
            now = self._closed()
            try:
                answer = await self._asked(begin - _OVERLAP * self._bar)
                for bar in self._arrivals.sift_missed(self._closed_bars(answer, now, asked)):
                    deliver(bar)
                begin = now
            except DeniedError:
                raise
            except UnavailableError as error:
                _LOG.warning("%s", error)
            asked = now
            await asyncio.sleep(self._until_next(now))

    def _closed(self) -> datetime:
        """Return the instant by which a bar must have ended."""
        return datetime.now(UTC) - self._delay

    def _closed_bars(self, answer: RawBars, now: datetime, asked: datetime) -> Iterator[StreamedBar]:
        """Yield the bars that have ended; those that ended before the question before this one were missed by it."""
        try:
            for symbol, rows in answer.items():
                for row in rows:
                    bar = StreamedBar.of(symbol, row, "live")
                    if bar.start + self._bar <= now:
                        yield replace(bar, kind="live" if bar.start + self._bar > asked else "backfilled")
        except (LookupError, TypeError, ValueError):
            raise UnavailableError("source 'alpaca': Alpaca's answer holds a malformed bar") from None

    def _until_next(self, now: datetime) -> float:
        """Return the seconds until the next question."""
        if self._every is not None:
            return self._every
        coming = (end for _, end in self._hours.between(now - self._bar, now + _LONGEST) if end > now)
        end = next(coming, now + _LONGEST)
        return max((end + self._delay - datetime.now(UTC)).total_seconds(), 0.0)

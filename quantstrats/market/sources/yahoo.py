"""The source ``yahoo``: bars from Yahoo Finance."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, ClassVar, Literal

from quantstrats.errors import ConfigError, DataError
from quantstrats.hookspecs import Register, hookimpl
from quantstrats.market.sources.remote import Download, RemoteSource, UnavailableError

if TYPE_CHECKING:
    import pandas as pd

    from quantstrats.market.sources.yahoo_client import Client, Outcome, Question

    Span = tuple[pd.Timestamp, pd.Timestamp]

# Yahoo tells no limit. Some were shut out for hours after about a thousand requests without a pause.
REQUESTS_PER_MINUTE = 200.0
RETRIES = 5
BACKOFF = 2.0  # seconds
THREADS = 4
# How many days back Yahoo has intraday bars, and how many of them it gives at once.
_DAYS_BACK = {"1m": 30, "2m": 60, "5m": 60, "15m": 60, "30m": 60, "90m": 60, "1h": 730}
_DAYS_AT_ONCE = {"1m": 7}
_MOST_DAYS = 36_150  # of daily bars: 99 years; Yahoo refuses more than 100
# BRK.B is BRK-B at Yahoo, where a dot stands before an exchange: none of those is called A or B.
_SHARE_CLASS = re.compile(r"(.+)\.([AB])", re.IGNORECASE)
_SYMBOL = re.compile(r"[\w.^=&-]+", re.ASCII)
_MOST_MALFORMED = 5
# What multiplying by an adjustment does to prices that were equal.
_ROUNDING = 1e-9


@dataclass(frozen=True)
class Yahoo(RemoteSource):
    """Bars from Yahoo Finance, by yfinance: stocks, funds, indexes (^VIX), currencies and crypto (BTC-USD).

    Yahoo calls its bars fit for personal use, promises nothing, and refuses who asks too often. It keeps no names that
    were delisted: whatever is tested on its stocks of earlier years knows who survived. Prices are adjusted for all
    splits up to today, and come about 15 minutes late. Longer bars than a day are made by resampling. The shares BRK.B
    are asked for as BRK-B.

    Parameters
    ----------
    interval : {"1m", "2m", "5m", "15m", "30m", "1h", "90m", "1d"}, default "1d"
        How long a bar is. Yahoo has 1m bars of the last 30 days, 1h of the last 730, and the others within a day of the
        last 60.
    adjusted : bool, default True
        Whether daily prices are adjusted for dividends too; intraday prices never are.
    calendar : str, default "XNYS"
        ISO code of the exchange whose sessions the rows must be; ``24/7`` for markets that never close.
    missing : {"refuse", "skip"}, default "refuse"
        What to do about symbols that Yahoo does not have: stop, or go on without them, which is stamped on every
        report.
    url : str, optional
        Another address to ask in place of all of Yahoo's, as in http://127.0.0.1:8000.

    Raises
    ------
    ConfigError
        If ``url`` is no address.
    """

    name: ClassVar[str] = "yahoo"

    interval: Literal["1m", "2m", "5m", "15m", "30m", "1h", "90m", "1d"] = "1d"
    adjusted: bool = True

    def __post_init__(self) -> None:
        if self.url is not None and not re.match(r"https?://[^/?#\s]+", self.url):
            raise ConfigError(f"url is {self.url!r}; it is an address, as in http://127.0.0.1:8000")

    @property
    def bar(self) -> pd.Timedelta | None:
        """How long a bar is; None for daily bars."""
        import pandas as pd

        return None if self.interval == "1d" else pd.Timedelta(self.interval.replace("m", "min"))

    @property
    def variant(self) -> str:
        """The interval, and for what the prices are adjusted."""
        return f"{self.interval}-{'adjusted' if self.adjusted and self.interval == '1d' else 'splits'}"

    def download(self, symbols: Sequence[str], first: date | None, last: date) -> Iterator[Download]:
        """Ask Yahoo for bars, several symbols at a time, and yield those of each as soon as all of them are there.

        Raises
        ------
        UnavailableError
            If Yahoo cannot be reached, refuses, or answers what yfinance cannot read, after all polite attempts.
        DataError
            If Yahoo has no such bars for so long.
        """
        from quantstrats.market.sources.pace import Pace, Patience, in_parallel
        from quantstrats.market.sources.yahoo_client import Client, MalformedError

        spans = self._spans(first, last)
        pace = Pace(REQUESTS_PER_MINUTE)
        client = Client(self.url, Patience(RETRIES, BACKOFF), pace)
        asked = ((symbol, self._questions(client, symbol, spans)) for symbol in symbols)
        malformed: list[MalformedError] = []
        for symbol, outcome in in_parallel(client.ask_all, asked, THREADS, pace):
            try:
                download = self._read(client, symbol, outcome)
            except MalformedError as error:
                malformed.append(error)
                if len(malformed) == _MOST_MALFORMED:
                    break
            else:
                yield download
        if malformed:
            further = f" (and {len(malformed) - 1} more symbols)" if len(malformed) > 1 else ""
            raise UnavailableError(f"{malformed[0]}{further}")

    def _questions(self, client: Client, symbol: str, spans: Sequence[Span]) -> list[Question]:
        """Return what to ask; nothing where there can be no such symbol."""
        theirs = _SHARE_CLASS.sub(r"\1-\2", symbol)
        if not _SYMBOL.fullmatch(theirs):
            return []
        return [client.question(theirs, start, end, self.interval, adjusted=self.adjusted) for start, end in spans]

    def _read(self, client: Client, symbol: str, outcome: Outcome) -> Download:
        import pandas as pd

        from quantstrats.market.sources.yahoo_client import NoSymbolError

        try:
            if isinstance(outcome, Exception):
                raise outcome
            read = [(question, client.read(question, answer)) for question, answer in outcome]
        except NoSymbolError:
            return Download(
                symbol, None, f"Yahoo has no symbol {symbol!r}, or nothing of it: it keeps no delisted names"
            )
        if not read:
            return Download(symbol, None, "no such symbol: Yahoo's have letters, digits and . - ^ = & alone")
        parts = [self._labelled(bars, question.start, question.end) for question, bars in read if bars is not None]
        return Download(symbol, pd.concat(parts) if parts else self._none())

    def _spans(self, first: date | None, last: date) -> list[Span]:
        """Return the instants from which and up to which to ask; those of daily bars a day wider on both sides."""
        import pandas as pd

        from quantstrats.market.calendar import Calendar

        if self.interval == "1d":
            # Wherever the exchange is: its date is at most a day away from that in UTC.
            first = first or last - timedelta(days=_MOST_DAYS)
            day = pd.Timedelta(days=1)
            return [(pd.Timestamp(first, tz="UTC") - day, pd.Timestamp(last, tz="UTC") + 2 * day)]
        # Yahoo counts to the second.
        earliest = today() - timedelta(days=_DAYS_BACK[self.interval] - 1)
        if (first or last) < earliest:
            raise DataError(
                f"source 'yahoo': Yahoo has {self.interval} bars of the last {_DAYS_BACK[self.interval]} days alone; "
                f"ask for {earliest} or later, or for a longer data.interval"
            )
        zone = Calendar(self.calendar).zone(pd.Timestamp(last))
        at_once = timedelta(days=_DAYS_AT_ONCE.get(self.interval, _DAYS_BACK[self.interval]))
        spans, start, stop = [], first or earliest, last + timedelta(days=1)
        while start < stop:
            end = min(start + at_once, stop)
            spans.append((pd.Timestamp(start, tz=zone), pd.Timestamp(end, tz=zone)))
            start = end
        return spans

    def _labelled(self, bars: pd.DataFrame, start: pd.Timestamp, end: pd.Timestamp) -> pd.DataFrame:
        """Return the bars of the span, labelled by session date or by their start in UTC."""
        import pandas as pd

        index = pd.DatetimeIndex(bars.index)
        if self.interval == "1d":
            day = pd.Timedelta(days=1)
            index = index.tz_localize(None).normalize()
            within = (index >= start.tz_localize(None) + day) & (index < end.tz_localize(None) - day)
        else:
            index = index.tz_convert("UTC")
            within = (index >= start) & (index < end)
        bars = bars.set_axis(index.as_unit("ns").rename(None), axis=0)[within]
        return _without_rounding(bars)

    def _none(self) -> pd.DataFrame:
        import pandas as pd

        index = pd.DatetimeIndex([], tz=None if self.interval == "1d" else "UTC").as_unit("ns")
        columns = ["open", "high", "low", "close", "volume"]
        return pd.DataFrame(columns=columns, index=index, dtype="float64")


@hookimpl
def register_sources(register: Register) -> None:
    """Offer bars from Yahoo."""
    register(Yahoo)


def today() -> date:
    """Return the date in UTC."""
    return datetime.now(UTC).date()


def _without_rounding(bars: pd.DataFrame) -> pd.DataFrame:
    """Return bars whose closes, adjusted in another way than the rest, are not beyond high or low by a rounding."""
    close = bars["close"]
    above = (close > bars["high"]) & (close <= bars["high"] * (1 + _ROUNDING))
    below = (close < bars["low"]) & (close >= bars["low"] * (1 - _ROUNDING))
    return bars.assign(high=bars["high"].mask(above, close), low=bars["low"].mask(below, close))

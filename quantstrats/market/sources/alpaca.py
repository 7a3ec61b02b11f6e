"""The source ``alpaca``: historical bars of US stocks and of crypto."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields, replace
from datetime import date
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from quantstrats.errors import ConfigError, did_you_mean, in_one_line
from quantstrats.hookspecs import Register, hookimpl
from quantstrats.market.sources.address import check_url
from quantstrats.market.sources.alpaca_client import AlpacaClient
from quantstrats.market.sources.remote import Download, RemoteSource, UnavailableError

if TYPE_CHECKING:
    import pandas as pd

    from quantstrats.market.calendar import Calendar
    from quantstrats.market.intake import Supply

# How the vendor calls what users call 5m.
INTERVALS = {
    **{f"{minutes}m": (minutes, "Min") for minutes in (1, 2, 3, 5, 10, 15, 30)},
    "1h": (1, "Hour"),
    "1d": (1, "Day"),
}
_CHOICES = {
    "interval": tuple(INTERVALS),
    "adjustment": ("raw", "split", "dividend", "all"),
    "feed": ("iex", "sip", "otc", "boats", None),
}
_KEYS = {"open": "o", "high": "h", "low": "l", "close": "c", "volume": "v"}
_FOLDED = {"open": "first", "high": "max", "low": "min", "close": "last", "volume": "sum"}
_EARLIEST = date(2016, 1, 1)  # Alpaca has nothing before
_PAGE = 10_000  # bars in an answer, over all symbols
_MOST_SYMBOLS = 200  # of a request: its address has a limit
_HOURS = 16  # of a day in which stocks have bars, those before the open and after the close counted
_ZONE = "America/New_York"
_IEX_STAMP = "bars of one exchange, IEX: volumes are a few per cent of all that was traded, highs and lows its own"


@dataclass(frozen=True)
class Alpaca(RemoteSource):
    """Bars of US stocks (AAPL) or of crypto (BTC/USD) from Alpaca, from 2016 on.

    Keys are read from the environment: ``APCA_API_KEY_ID`` and ``APCA_API_SECRET_KEY``. A free account may use the
    feed iex: the trades of one exchange, a few per cent of all volume, since 2020. A symbol is its company's of today:
    META has the bars of the years when it was called FB.

    Intraday bars of stocks are those of the exchange's regular hours; Alpaca's bars before the open and after the close
    are left out. Bars of an hour begin on the hour, not at the open, so stocks have none here: resample those of 30
    minutes. Crypto wants ``calendar: 24/7``; its days are put together from hours, in UTC, since Alpaca's own days
    begin at midnight in Chicago. A bar that is not complete yet is left out.

    Parameters
    ----------
    interval : str, default "1d"
        How long a bar is: 1m, 2m, 3m, 5m, 10m, 15m, 30m, 1h (crypto alone) or 1d.
    adjustment : {"all", "raw", "split", "dividend"}, default "all"
        What prices of stocks are adjusted for.
    feed : {"iex", "sip", "otc", "boats"}, optional, default "iex"
        Whose trades of stocks: of IEX, of all exchanges (paid for, if recent), over the counter, or overnight. Without
        one, the best that the account has.
    calendar : str, default "XNYS"
        ISO code of the exchange whose sessions the rows must be; ``24/7`` for crypto.
    missing : {"refuse", "skip"}, default "refuse"
        What to do about symbols that Alpaca does not have: stop, or go on without them, which is stamped on every
        report.
    url : str, optional
        Another address to ask in place of Alpaca's own.

    Raises
    ------
    ConfigError
        If a parameter does not fit.
    """

    name: ClassVar[str] = "alpaca"

    interval: str = "1d"
    adjustment: Literal["raw", "split", "dividend", "all"] = "all"
    feed: Literal["iex", "sip", "otc", "boats"] | None = "iex"

    def __post_init__(self) -> None:
        for each in fields(self):
            value = getattr(self, each.name)
            if each.name in _CHOICES and value not in _CHOICES[each.name]:
                known = [str(choice) for choice in _CHOICES[each.name]]
                hint = did_you_mean(value, known)
                raise ConfigError(f"{each.name} is {value!r}{hint} (it is one of {', '.join(known)})")
        if self.feed == "boats" and self.interval != "1d":
            raise ConfigError("feed is 'boats', whose bars are of the night; intraday bars are those of regular hours")
        check_url(self.url)

    @property
    def bar(self) -> pd.Timedelta | None:
        """How long a bar is; None for daily bars."""
        import pandas as pd

        return None if self.interval == "1d" else pd.Timedelta(self.interval)

    @property
    def variant(self) -> str:
        """Interval, adjustment and feed."""
        if self.calendar == "24/7":
            return f"{self.interval}-crypto"
        return f"{self.interval}-{self.adjustment}-{self.feed or 'best'}"

    def rows(self, symbols: Sequence[str] | None = None, start: date | None = None, end: date | None = None) -> Supply:
        """Return the bars out of the cache, once what it lacks was asked for."""
        self.check(symbols or ())
        supply = super().rows(symbols, start, end)
        if self.calendar == "24/7" or self.feed != "iex":
            return supply
        return replace(supply, stamps=(*supply.stamps, _IEX_STAMP))

    def download(self, symbols: Sequence[str], first: date | None, last: date) -> Iterator[Download]:
        """Ask Alpaca for bars, a page's worth of symbols at a time.

        Raises
        ------
        UnavailableError
            If there are no keys, Alpaca refuses them or the feed, or it cannot be reached.
        """
        from quantstrats.market.calendar import Calendar

        crypto = self.check(symbols)
        client = self.client(symbols)
        earliest, end = self._span(_EARLIEST, last)
        start = self._span(first, last)[0] if first else earliest
        complete = self._complete(Calendar(self.calendar), start, end)
        vendors = {symbol: symbol if crypto else symbol.replace("-", ".") for symbol in symbols}  # BRK-B is BRK.B
        size = self._symbols_per_page(crypto, (end - start).days + 1)
        for begin in range(0, len(symbols), size):
            group = symbols[begin : begin + size]
            bars = client.bars([vendors[each] for each in group], self._timeframe(crypto), start, end)
            silent = [vendors[each] for each in group if vendors[each] not in bars]
            # The span asked for may lie before or after all that a symbol has.
            known = client.bars(silent, (1, "Month"), earliest, None) if first and silent else {}
            for symbol in group:
                vendor = vendors[symbol]
                if vendor in bars or vendor in known:
                    yield Download(symbol, self._frame(symbol, bars.get(vendor, []), crypto, complete))
                else:
                    on_feed = "" if crypto or self.feed is None else f" on the feed {self.feed}"
                    yield Download(symbol, None, f"Alpaca has no such symbol{on_feed}")

    def client(self, symbols: Sequence[str]) -> AlpacaClient:
        """Return what asks Alpaca for bars of such symbols.

        Raises
        ------
        ConfigError
            If the symbols do not fit together, or not to this source.
        UnavailableError
            If there are no keys.
        """
        return AlpacaClient(self.check(symbols), self.url, self.feed, self.adjustment)

    def check(self, symbols: Sequence[str]) -> bool:
        """Tell whether all symbols are crypto, and that this source's fields fit."""
        pairs = [symbol for symbol in symbols if "/" in symbol]
        if pairs and len(pairs) < len(symbols):
            other = next(symbol for symbol in symbols if "/" not in symbol)
            raise ConfigError(f"source 'alpaca': {pairs[0]} is crypto and {other} is not; load one kind at a time")
        if pairs and self.calendar != "24/7":
            raise ConfigError(f"source 'alpaca': {pairs[0]} is traded around the clock; set data.calendar: 24/7")
        if symbols and not pairs and self.calendar == "24/7":
            raise ConfigError(f"source 'alpaca': {symbols[0]} is not traded around the clock; set data.calendar: XNYS")
        if symbols and not pairs and self.interval == "1h":
            raise ConfigError(
                "source 'alpaca': its bars of an hour begin at 10:00, those of the exchange at 9:30; "
                "set data.interval: 30m and data.resample: 1h"
            )
        return bool(pairs)

    def _timeframe(self, crypto: bool) -> tuple[int, str]:
        return INTERVALS["1h"] if crypto and self.interval == "1d" else INTERVALS[self.interval]

    def _span(self, first: date, last: date) -> tuple[pd.Timestamp, pd.Timestamp]:
        """Return the first and the last instant of the days, by the vendor's clock; Alpaca includes both."""
        import pandas as pd

        zone = "UTC" if self.calendar == "24/7" else _ZONE
        after = pd.Timestamp(last).tz_localize(zone) + pd.DateOffset(days=1)
        return pd.Timestamp(first).tz_localize(zone), after - pd.Timedelta("1us")

    def _complete(self, calendar: Calendar, start: pd.Timestamp, end: pd.Timestamp) -> pd.DatetimeIndex:
        """Return the labels of the exchange's bars that are complete by now."""
        import pandas as pd

        now = pd.Timestamp.now(tz="UTC")
        if self.bar is None:
            grid = calendar.grid(start.tz_localize(None), end.tz_localize(None).normalize(), None)
        else:
            grid = calendar.grid(start.tz_convert("UTC"), end.tz_convert("UTC"), self.bar)
        return grid.index[grid.decided_at <= now]

    def _symbols_per_page(self, crypto: bool, days: int) -> int:
        """Return for how many symbols to ask at once: each is handed on when its request is answered."""
        amount, unit = self._timeframe(crypto)
        if unit == "Day":
            expected = days * 5 // 7
        else:
            bars_per_hour = 1 if unit == "Hour" else 60 // amount
            expected = days * 24 * bars_per_hour if crypto else days * 5 // 7 * _HOURS * bars_per_hour
        return min(max(_PAGE // max(expected, 1), 1), _MOST_SYMBOLS)

    def _frame(self, symbol: str, rows: list[dict[str, Any]], crypto: bool, complete: pd.DatetimeIndex) -> pd.DataFrame:
        """Return the bars on the labels that the exchange has, without those that are not complete."""
        import numpy as np
        import pandas as pd

        try:
            columns = {field: np.array([row[key] for row in rows], dtype="float64") for field, key in _KEYS.items()}
            times = pd.to_datetime([row["t"] for row in rows], utc=True, format="ISO8601").as_unit("ns")
        except (LookupError, TypeError, ValueError) as error:
            raise UnavailableError(
                f"source 'alpaca': Alpaca's bars of {symbol} are not as they should be ({in_one_line(error)})"
            ) from None
        frame = pd.DataFrame(columns, index=times)
        if self.bar is not None:
            return frame[times.isin(complete)]
        days = times.tz_convert("UTC" if crypto else _ZONE).tz_localize(None).normalize()
        frame.index = days
        if crypto:
            hours = np.argsort(times.asi8, kind="stable")
            frame = frame.iloc[hours[~times[hours].duplicated()]].groupby(level=0).agg(_FOLDED)
        # What is no session is left to the checks.
        return frame[frame.index <= complete[-1]] if len(complete) else frame[:0]


@hookimpl
def register_sources(register: Register) -> None:
    """Offer the bars that Alpaca has."""
    register(Alpaca)

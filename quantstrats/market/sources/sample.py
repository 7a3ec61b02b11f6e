"""The source ``sample``: real bars that ship with installed packages, without a download."""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from quantstrats.errors import DataError, did_you_mean
from quantstrats.hookspecs import Register, hookimpl
from quantstrats.market.sources.base import Source

if TYPE_CHECKING:
    import pandas as pd

    from quantstrats.market.market import Market
    from quantstrats.market.side import SideSeries

INDEXES = {"NASDAQ": "nasdaq", "SP500": "sp500"}
STOCKS = (
    "AAPL", "AMD", "BAC", "BBY", "CVX", "GE", "HD", "JNJ", "JPM", "KO",
    "LLY", "MRK", "MSFT", "PEP", "PFE", "PG", "RRC", "UNH", "WMT", "XOM",
)  # fmt: skip
_INDEX_STAMP = "an index is not tradable: its fills show the method, not a result anyone could have had"
_STALE_STAMP = "the open of SP500 equals the close before on 40% of days, nearly all before 2006: stale opens"
_STOCK_STAMP = "20 large survivors chosen with hindsight: survivorship bias"


@dataclass(frozen=True)
class Sample(Source):
    """Daily bars of NASDAQ and SP500 (1999-2018, package arch) or of 20 US stocks (1990-2022, package skfolio).

    The indexes have open, high, low, close and volume, and the side series ``vix`` (closes 2014-2019, known a
    quarter of an hour after the close of their day). The stocks have adjusted closes alone. Files are read where
    the packages keep them; the packages themselves are not imported.
    """

    name: ClassVar[str] = "sample"

    def load(self, symbols: Sequence[str] | None = None, start: date | None = None, end: date | None = None) -> Market:
        """Return the bars; by default of NASDAQ. Indexes and stocks cannot be mixed."""
        chosen = list(symbols) if symbols else ["NASDAQ"]
        known = [*INDEXES, *STOCKS]
        for symbol in chosen:
            if symbol not in known:
                hint = did_you_mean(symbol, known)
                raise DataError(f"source 'sample' has no symbol {symbol!r}{hint} (it has {', '.join(known)})")
        if len(set(chosen)) < len(chosen):
            raise DataError(f"source 'sample': a symbol is named twice in {', '.join(chosen)}")
        if all(symbol in INDEXES for symbol in chosen):
            market = _indexes(chosen)
        elif all(symbol in STOCKS for symbol in chosen):
            market = _stocks(chosen)
        else:
            raise DataError("source 'sample': indexes end in 2018 and the stocks have closes alone; ask for either")
        return market.between(start, end)


@hookimpl
def register_sources(register: Register) -> None:
    """Offer the sample bars."""
    register(Sample)


def _indexes(symbols: list[str]) -> Market:
    import pandas as pd

    from quantstrats.market.market import Market

    tables = {symbol: _read("arch", f"data/{INDEXES[symbol]}/{INDEXES[symbol]}.csv.gz") for symbol in symbols}

    def field(name: str) -> pd.DataFrame:
        return pd.DataFrame({symbol: table[name] for symbol, table in tables.items()})

    return Market.from_frames(
        open=field("Open"),
        high=field("High"),
        low=field("Low"),
        close=field("Close"),
        volume=field("Volume"),
        side={"vix": _vix()},
        stamps=[_INDEX_STAMP, _STALE_STAMP] if "SP500" in symbols else [_INDEX_STAMP],
    )


def _stocks(symbols: list[str]) -> Market:
    from quantstrats.market.market import Market

    closes = _read("skfolio", "datasets/data/sp500_dataset.csv.gz")
    return Market.from_frames(close=closes[symbols], stamps=[_STOCK_STAMP])


def _vix() -> SideSeries:
    import pandas as pd

    from quantstrats.market.calendar import Calendar
    from quantstrats.market.side import SideSeries

    # Holidays stand in the file as a dot.
    closes = pd.to_numeric(_read("arch", "data/vix/vix.csv.gz")["vix"], errors="coerce").dropna()
    exchange = Calendar("XNYS")
    closes = closes[closes.index.isin(exchange.sessions(closes.index[0], closes.index[-1]))]
    # The index is computed until its options close, a quarter of an hour after the stocks: a decision at the
    # stocks' close has yesterday's.
    known_at = exchange.session_close(pd.DatetimeIndex(closes.index)) + pd.Timedelta(minutes=15)
    return SideSeries(closes, known_at)


def _read(package: str, file: str) -> pd.DataFrame:
    import pandas as pd

    spec = importlib.util.find_spec(package)
    if spec is None or spec.origin is None:
        extra = "portfolio" if package == "skfolio" else ""
        wanted = f"quantstrats[{extra}]" if extra else package
        raise DataError(f"source 'sample': these bars come with {package}; install it: pip install '{wanted}'")
    path = Path(spec.origin).parent / file
    if not path.exists():
        raise DataError(f"source 'sample': the installed {package} has no file {file}; take a version of setup.cfg")
    return pd.read_csv(path, index_col=0, parse_dates=True)

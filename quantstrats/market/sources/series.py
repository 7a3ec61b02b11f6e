"""The source ``series``: a side series from a CSV or Parquet file of one's own."""

from __future__ import annotations

import zoneinfo
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from quantstrats.errors import ConfigError, DataError
from quantstrats.hookspecs import Register, hookimpl
from quantstrats.market.sources.base import SideSource

if TYPE_CHECKING:
    from quantstrats.market.side import SideSeries

CLOSE, ASSUMED = "close", "assumed"


@dataclass(frozen=True)
class Series(SideSource):
    """A side series from a CSV or Parquet file (.csv, .csv.gz, .parquet): dated values, or a map of symbols.

    A row says a value and what it is about: a day, a quarter, an instant. When it was known is said by ``known_at`` and
    ``delay``. Rows without a value are left out, and so are those of symbols that the market does not have. What cannot
    stand is refused with its place, among it an observation that is there twice, and one known before the day that it
    is about; where a file holds forecasts, name the column of their publication as ``time`` too.

    Parameters
    ----------
    path : Path
        The file.
    value : str
        The column of values: numbers; where symbols have values of their own, all may be words instead, as of sectors.
    over : str, optional
        A column to divide the values by, as calls under puts. Where it is zero there is no value.
    time : str, optional
        The column of what each value is about: dates or instants; by default the one called time, date, timestamp or
        datetime.
    symbol : str, optional
        The column of symbols, where each has values of its own.
    where : dict, default {}
        Which rows to take, by other columns: ``{doc_type: 10-Q}``.
    known_at : str, default "close"
        ``close``: at the close of the session that a value is about, or, where that day has no session, at its end.
        Else the column that says it, each row for itself: an instant; or a date, as which every midnight counts, which
        is known from its end in the exchange's time zone, so that the next session is the first to see the value.
        ``assumed``: a map of symbols that is taken as known at all times, which is stamped on every report.
    delay : str, optional
        How much later than that it is known: ``15min``, ``2h``, ``1D`` (24 hours).
    calendar : str, default "XNYS"
        ISO code of the exchange whose closes and time zone are meant.
    time_zone : str, optional
        Of instants without an offset from UTC; by default the exchange's.
    time_format : str, optional
        How times are written if not as ISO 8601: as of strptime, or ``s``, ``ms``, ``us`` or ``ns`` since 1970 (UTC).
    separator : str, default ","
        Between the cells of a CSV file.

    Raises
    ------
    ConfigError
        If a parameter does not fit.
    """

    name: ClassVar[str] = "series"

    path: Path
    value: str
    over: str | None = None
    time: str | None = None
    symbol: str | None = None
    where: dict[str, str | int | float] = field(default_factory=dict)
    known_at: str = CLOSE
    delay: str | None = None
    calendar: str = "XNYS"
    time_zone: str | None = None
    time_format: str | None = None
    separator: str = ","

    def __post_init__(self) -> None:
        if self.known_at == ASSUMED:
            if self.symbol is None:
                raise ConfigError("known_at: assumed is for a map of symbols; name their column, as in symbol: symbol")
            unfit = [name for name in ("time", "over", "delay") if getattr(self, name) is not None]
            if unfit:
                raise ConfigError(f"{unfit[0]} has no meaning in a map of symbols (known_at: assumed); leave it out")
        if self.delay is not None:
            from quantstrats.market.sources.known import delay_of

            delay_of(self.delay)
        if len(self.separator) != 1:
            raise ConfigError(f"separator is {self.separator!r}; it is one character")
        if self.time_zone is not None:
            try:
                zoneinfo.ZoneInfo(self.time_zone)
            except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
                raise ConfigError(f"time_zone is {self.time_zone!r}; give one as in America/New_York") from None

    def load_side(self, symbols: Sequence[str], start: date | None = None, end: date | None = None) -> SideSeries:  # noqa: ARG002 - a file is read as it is
        """Return the values of the file.

        Raises
        ------
        DataError
            If the file cannot be read, lacks a column, or holds what cannot stand: with file, place and what to do.
        """
        from quantstrats.market.sources.observations import read_observations
        from quantstrats.market.sources.side_map import read_map

        path = Path(self.path)
        if not path.is_file():
            raise DataError(f"there is no file {path}; set data.path")
        if self.known_at == ASSUMED:
            return read_map(self, path, symbols)
        return read_observations(self, path, symbols)


@hookimpl
def register_sources(register: Register) -> None:
    """Offer side series from files."""
    register(Series)

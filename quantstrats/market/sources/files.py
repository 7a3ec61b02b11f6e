"""The source ``files``: bars from CSV or Parquet files of one's own."""

from __future__ import annotations

import functools
import zoneinfo
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from quantstrats.errors import ConfigError, DataError, did_you_mean
from quantstrats.hookspecs import Register, hookimpl
from quantstrats.market.sources.base import RowSource

if TYPE_CHECKING:
    from quantstrats.market.intake import Supply
    from quantstrats.market.sources.tables import Table

_COLUMNS = ("time", "date", "symbol", "open", "high", "low", "close", "volume", "adj_close")


@dataclass(frozen=True)
class Files(RowSource):
    """Bars from CSV or Parquet files (.csv, .csv.gz, .parquet): one long table, or a file per symbol.

    Columns called time, date, timestamp or datetime; symbol or ticker; open, high, low, close; volume or vol are found
    in any case. A file without a column of symbols holds one, named after the file. A file with closes alone gives
    close-only bars. Rows of a symbol may stand oldest or newest first; where a row has no prices, there is no bar.
    Other files in a folder are left alone. All that is asked for is checked, and nothing is mended in silence.

    Parameters
    ----------
    path : Path
        A file; or a folder with a file for each symbol, named after it.
    columns : dict of str to str, default {}
        The file's names of our columns (time or date, symbol, open, high, low, close, volume), where they are others;
        null leaves one out. Naming ``adj_close`` asks for adjusted bars: prices are multiplied by adj_close / close,
        and volume is divided by it.
    where : dict, default {}
        Which rows of a file hold the bars, by other columns: ``{timeframe: 1h}``.
    separator : str, default ","
        Between the cells of a CSV file.
    time_format : str, optional
        How times are written if not as ISO 8601 (2015-12-31 16:00): as of strptime, or ``s``, ``ms``, ``us`` or ``ns``
        for numbers since 1970 (UTC).
    time_zone : str, optional
        Where the clock hangs that intraday times without an offset were read from; and in which those with an offset
        are made dates. As in America/New_York.
    calendar : str, default "XNYS"
        ISO code of the exchange whose sessions the rows must be; ``24/7`` for markets that never close.
    bar : str, optional
        Length of a bar, as in 5min; by default the shortest step between rows. 1D makes times of day dates.

    Raises
    ------
    ConfigError
        If a parameter does not fit.
    """

    name: ClassVar[str] = "files"

    path: Path
    columns: dict[str, str | None] = field(default_factory=dict)
    where: dict[str, str | int | float] = field(default_factory=dict)
    separator: str = ","
    time_format: str | None = None
    time_zone: str | None = None
    calendar: str = "XNYS"
    bar: str | None = None

    def __post_init__(self) -> None:
        for ours in self.columns:
            if ours not in _COLUMNS:
                hint = did_you_mean(ours, _COLUMNS)
                raise ConfigError(f"columns has {ours!r}{hint} (it takes {', '.join(_COLUMNS)})")
        if {"time", "date"} <= set(self.columns):
            raise ConfigError("columns has both 'time' and 'date'; they are the same, name one")
        if len(self.separator) != 1:
            raise ConfigError(f"separator is {self.separator!r}; it is one character")
        if self.time_zone is not None:
            try:
                zoneinfo.ZoneInfo(self.time_zone)
            except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
                hint = did_you_mean(self.time_zone, zoneinfo.available_timezones())
                raise ConfigError(f"no time zone is called {self.time_zone!r}{hint} (as in America/New_York)") from None

    def rows(self, symbols: Sequence[str] | None = None, start: date | None = None, end: date | None = None) -> Supply:
        """Return the rows of the symbols asked for, by default of all, in the order of their names.

        Raises
        ------
        DataError
            If a file cannot be read or has no such symbol: with file, place and what to do.
        """
        from quantstrats.market.calendar import Calendar
        from quantstrats.market.sources.survey import Survey

        if symbols and len(set(symbols)) < len(symbols):
            raise DataError(f"source 'files': a symbol is named twice in {', '.join(symbols)}")
        path, calendar = Path(self.path), Calendar(self.calendar)
        readers = self._readers(path, list(symbols) if symbols else None, start, end)
        return Survey(path, readers, self.time_zone, self.bar).supply(calendar, symbols, start, end)

    def _readers(
        self, path: Path, symbols: list[str] | None, start: date | None, end: date | None
    ) -> list[Callable[..., Table]]:
        """Return what reads each table: of the file, or of each file of a folder."""
        from quantstrats.market.sources.raw import SUFFIXES, suffix_of
        from quantstrats.market.sources.tables import Wanted, read_table, refuse_unknown, symbol_of

        columns = {"time" if ours == "date" else ours: theirs for ours, theirs in self.columns.items()}
        wanted = Wanted(columns, symbols, self.where, self.separator, self.time_format, self.time_zone, start, end)
        if not path.exists():
            raise DataError(f"there is no file or folder {path}; set data.path")
        if not path.is_dir():
            if suffix_of(path) is None:
                raise DataError(f"{path} is none of {', '.join(SUFFIXES)}; save it as one of these")
            return [functools.partial(read_table, path, wanted)]
        files: dict[str, Path] = {}
        for file in sorted(each for each in path.iterdir() if suffix_of(each) and not each.name.startswith(".")):
            if symbol_of(file) in files:
                raise DataError(f"{file} and {files[symbol_of(file)].name} are of one symbol; keep one")
            files[symbol_of(file)] = file
        if not files:
            raise DataError(f"{path} has no files of {', '.join(SUFFIXES)}; set data.path")
        for symbol in symbols or []:
            if symbol not in files:
                refuse_unknown(path, symbol, list(files))
        every = replace(wanted, symbols=None)
        asked = {symbol: file for symbol, file in files.items() if not symbols or symbol in symbols}
        return [functools.partial(read_table, file, every, symbol) for symbol, file in asked.items()]


@hookimpl
def register_sources(register: Register) -> None:
    """Offer bars from files."""
    register(Files)

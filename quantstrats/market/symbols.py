"""Which symbols are meant: names, a file of them, or a list that is known by its name and fetched."""

from __future__ import annotations

import csv
import io
import json
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from quantstrats.atomic import write_whole
from quantstrats.errors import ConfigError, DataError
from quantstrats.home import logs_folder
from quantstrats.market.cache.offline import is_offline

if TYPE_CHECKING:
    from quantstrats.market.side import SideSeries
    from quantstrats.market.universe import Basis

_HEADERS = ("symbol", "ticker")
_MOST_BYTES = 10_000_000


@dataclass(frozen=True)
class SymbolList:
    """Symbols, and how they were chosen.

    Attributes
    ----------
    symbols : tuple of str
        Each once, in the order in which they were given.
    basis : {"fixed_basket", "todays_list"}
        Named by hand or in a file, or off a list as it stands today: names that left that list are not in it.
    origin : str
        The file, or what the list is called; empty where the symbols were named one by one.
    date : str
        The day on which a list was fetched, as in 2026-11-28; else empty.
    address : str
        Where a list was fetched; else empty.
    """

    symbols: tuple[str, ...]
    basis: Basis
    origin: str = ""
    date: str = ""
    address: str = ""


@dataclass(frozen=True)
class _List:
    """A list that is known by its name: a CSV file at an address, which an environment variable may replace."""

    title: str
    address: str
    variable: str
    symbol: str
    sector: str
    least: int  # fewer symbols are not the whole list


LISTS = {
    "sp500": _List(
        title="S&P 500",
        # Open data (PDDL); see its readme for where the table comes from.
        address="https://raw.githubusercontent.com/datasets/s-and-p-500-companies/main/data/constituents.csv",
        variable="QUANTSTRATS_SP500_URL",
        symbol="Symbol",
        sector="GICS Sector",
        least=400,
    )
}


def symbols_of(symbols: str | Sequence[str] | SymbolList) -> SymbolList:
    """Return the symbols that a user means.

    Parameters
    ----------
    symbols : str, or sequence of str
        ``"A,B"``; ``"@file"``, a file with a symbol on each line; the name of a list, exactly as in ``LISTS``
        (``"sp500"``; ``"SP500"`` is a symbol); or names one by one, all of which are symbols.

    Raises
    ------
    ConfigError
        If a name is empty or stands twice, or there is none.
    DataError
        If a file cannot be used, or a list cannot be had.
    """
    if isinstance(symbols, SymbolList):
        return symbols
    if not isinstance(symbols, str):
        if not isinstance(symbols, Iterable) or not all(isinstance(symbol, str) for symbol in symbols):
            raise ConfigError(f"symbols is {symbols!r}; give a list of names, as in ['NASDAQ']")
        return _named(list(symbols), str(list(symbols)))
    text = symbols.strip()
    if text.startswith("@"):
        return _of_file(Path(text[1:].strip()).expanduser())
    if text in LISTS:
        rows, day, address = _fetched(text)
        return SymbolList(tuple(rows), "todays_list", LISTS[text].title, day, address)
    return _named([symbol.strip() for symbol in text.split(",")], repr(symbols))


def sectors_of_list(name: str = "sp500") -> SideSeries:
    """Return the sector of each symbol of a list that is known by its name, as a static map.

    The map is that of today: it is taken as known at all times, and stamped so on every run.

    Raises
    ------
    ConfigError
        If there is no such list.
    DataError
        If it cannot be had.
    """
    import pandas as pd

    from quantstrats.market.side import ASSUMED, SideSeries

    if name not in LISTS:
        raise ConfigError(f"no list of symbols called {name!r} (there are: {', '.join(LISTS)})")
    rows = _fetched(name)[0]
    return SideSeries(pd.Series(rows, name="sector", dtype=object), ASSUMED)


def _named(symbols: list[str], given: str) -> SymbolList:
    if not symbols:
        raise ConfigError("symbols names none; name at least one, or leave it out")
    if "" in symbols:
        raise ConfigError(f"symbols is {given}, one of them without a name; give names, as in 'SPY,TLT'")
    seen: set[str] = set()
    for symbol in symbols:
        if symbol in seen:
            raise ConfigError(f"symbols names {symbol!r} twice; name it once")
        seen.add(symbol)
    return SymbolList(tuple(symbols), "fixed_basket")


def _of_file(file: Path) -> SymbolList:
    """Return the symbols of a text or CSV file: the first column, without a header, blank lines and # comments."""
    try:
        text = file.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise DataError(f"there is no file {file}; '@{file}' names a file with a symbol on each line") from None
    except OSError as error:
        raise DataError(f"{file} cannot be read: {error.strerror or error}") from None
    except UnicodeDecodeError as error:
        raise DataError(f"{file.name} is no text file in UTF-8: {error}") from None
    lines: dict[str, int] = {}
    for number, line in enumerate(text.splitlines(), start=1):
        symbol = _first_cell(line.split(" #")[0].strip()).strip()
        if not symbol.isprintable():
            raise DataError(f"{file.name} line {number} is no text; write a symbol on each line")
        if not symbol or symbol.startswith("#") or (not lines and symbol.lower() in _HEADERS):
            continue
        if symbol in lines:
            raise DataError(f"{file.name}: {symbol} stands in lines {lines[symbol]} and {number}; drop one of them")
        lines[symbol] = number
    if not lines:
        raise DataError(f"{file.name} names no symbol; write one on each line")
    return SymbolList(tuple(lines), "fixed_basket", file.name)


def _first_cell(line: str) -> str:
    try:
        return next(iter(next(csv.reader([line]))), "")
    except csv.Error:  # longer than any cell may be
        return "\0"


def _fetched(name: str) -> tuple[dict[str, str], str, str]:
    """Return the sectors of a list by symbol, the day on which it was fetched and its address.

    It is kept for the day, and asked for again on the next.
    """
    known = LISTS[name]
    address = os.environ.get(known.variable) or known.address
    file = logs_folder() / "cache" / "lists" / f"{name}.json"
    today = datetime.now(UTC).date().isoformat()
    kept = _kept(known, file, address)
    if kept is not None and (is_offline() or kept[1] == today):
        return (*kept, address)
    asked = f"list {name!r} from {address}"
    if is_offline():
        raise DataError(f"{asked} is not in the cache, and offline nobody is asked; leave out --offline once")
    try:
        text = _asked(address, asked)
        rows = _checked(known, text, asked)
    except DataError as error:
        if kept is None:
            raise
        raise type(error)(f"{error}; --offline takes the list of {kept[1]}, which is kept") from None
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        write_whole(file, json.dumps({"address": address, "day": today, "text": text}))
    except OSError as error:
        raise DataError(f"{file} cannot be written: {error.strerror or error}") from None
    return rows, today, address


def _kept(known: _List, file: Path, address: str) -> tuple[dict[str, str], str] | None:
    """Return the list that is kept, and its day; None where it is not there, is of elsewhere, or cannot be used."""
    try:
        kept = json.loads(file.read_text(encoding="utf-8"))
        if kept["address"] != address:
            return None
        day = datetime.fromisoformat(kept["day"]).date().isoformat()
        return _checked(known, kept["text"], file.name), day
    except (OSError, ValueError, KeyError, TypeError, AttributeError, DataError):
        return None


def _asked(address: str, asked: str) -> str:
    from quantstrats.market.sources.polite import refusal, session, unreachable

    with session(retries=2, backoff=0.5) as polite:
        try:
            answer = polite.get(address)
        except OSError as error:  # an address that is none, or that leads in circles
            raise unreachable(asked, error) from None
        if answer.status_code >= 400:
            raise refusal(asked, answer)
        try:
            return answer.content[:_MOST_BYTES].decode("utf-8-sig")
        except UnicodeDecodeError:
            raise DataError(f"{asked}: the answer is no text in UTF-8; try again later") from None


def _checked(known: _List, text: str, asked: str) -> dict[str, str]:
    """Return the sectors by symbol of a list's CSV text."""
    if text.lstrip().startswith("<"):
        raise DataError(f"{asked}: the answer is an HTML page, not the list; try again later")
    try:
        table = list(csv.reader(io.StringIO(text)))
    except csv.Error as error:
        raise DataError(f"{asked}: the answer is no CSV ({error}); try again later") from None
    header = table[0] if table else []
    for column in (known.symbol, known.sector):
        if column not in header:
            has = ", ".join(header)[:200] or "none"
            raise DataError(
                f"{asked}: the answer lacks the column {column!r} (it has: {has}); give the symbols as @file"
            )
    symbol, sector = header.index(known.symbol), header.index(known.sector)
    broken = next((row for row in table[1:] if row and (len(row) != len(header) or not row[symbol].strip())), None)
    if broken is not None:
        raise DataError(f"{asked}: the answer has the line {','.join(broken)[:100]!r}, which is none; try again later")
    rows = {row[symbol].strip(): row[sector].strip() for row in table[1:] if row}
    if len(rows) < known.least:
        raise DataError(
            f"{asked}: the answer has {len(rows)} symbols, the list at least {known.least}; try again later"
        )
    return rows

"""Bar file: the bars of one symbol as a vendor gave them, and what is known of how they came to be."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pyarrow as pa

from quantstrats.errors import DataError
from quantstrats.hashing import hash_frame
from quantstrats.market.cache.checked import DamagedError, check, read_checked, read_facts, write_checked
from quantstrats.market.frames import FIELDS

if TYPE_CHECKING:
    from numpy.typing import NDArray

VERSION = 1
_MOST_REVISIONS = 20  # the newest are kept
_SESSION = timedelta(days=1)  # an intraday session begins and ends less than a day off its date in UTC


@dataclass(frozen=True)
class Revision:
    """What a vendor changed of bars that were stored.

    Attributes
    ----------
    at : datetime
        When it was found (UTC).
    rows : int
        How many stored and new rows were compared.
    different : int
        How many differ; rows that only one side has are among them.
    first : str
        Label of the first that differs.
    price, volume : float
        Largest relative difference of a price and of a volume, as a fraction of the larger value; 1.0 where only one
        side has one.
    """

    at: datetime
    rows: int
    different: int
    first: str
    price: float
    volume: float

    def as_plain(self) -> dict[str, Any]:
        """Return it as plain data."""
        return {**vars(self), "at": self.at.isoformat()}

    @classmethod
    def of_plain(cls, plain: Mapping[str, Any]) -> Revision:
        """Return what :meth:`as_plain` was made of."""
        return cls(**{**plain, "at": datetime.fromisoformat(plain["at"])})


@dataclass(frozen=True)
class BarFacts:
    """What is known of the bars in a file.

    Attributes
    ----------
    source, variant, symbol : str
        Whose bars they are.
    first, last : date
        Span that the vendor was asked for, both sessions included; without a first, from the vendor's first bar on.
    fetched_at : datetime
        When the file last changed (UTC).
    content : str
        Hash of times and values, as of :func:`quantstrats.hashing.hash_frame`.
    rows : int
        How many bars.
    first_bar, last_bar : Timestamp or None
        Labels; None if there are no bars.
    head, tail : date or None
        The session up to which the first few sessions with bars reach, and the one from which the last few do.
    doubles : int
        How many times the vendor gave a bar twice with different values; the last one given is kept.
    revisions : tuple of Revision
        What the vendor changed since, the newest last.
    """

    source: str
    variant: str
    symbol: str
    first: date | None
    last: date
    fetched_at: datetime
    content: str = ""
    rows: int = 0
    first_bar: pd.Timestamp | None = None
    last_bar: pd.Timestamp | None = None
    head: date | None = None
    tail: date | None = None
    doubles: int = 0
    revisions: tuple[Revision, ...] = ()

    def covers(self, first: date | None, last: date) -> bool:
        """Tell whether the vendor was asked for all of this span."""
        starts = self.first is None or (first is not None and self.first <= first)
        return starts and self.last >= last

    def as_plain(self) -> dict[str, Any]:
        """Return the facts as plain data."""
        times = ("first", "last", "fetched_at", "first_bar", "last_bar", "head", "tail")
        written = {name: value.isoformat() if (value := getattr(self, name)) is not None else None for name in times}
        revisions = [revision.as_plain() for revision in self.revisions]
        return {"version": VERSION, **vars(self), **written, "revisions": revisions}

    @classmethod
    def of_plain(cls, plain: Mapping[str, Any]) -> BarFacts:
        """Return what :meth:`as_plain` was made of."""
        read: dict[str, Any] = {name: value for name, value in plain.items() if name != "version"}
        makers: dict[str, Any] = {
            **dict.fromkeys(("first", "last", "head", "tail"), date.fromisoformat),
            **dict.fromkeys(("first_bar", "last_bar"), pd.Timestamp),
            "fetched_at": datetime.fromisoformat,
        }
        read |= {name: make(read[name]) for name, make in makers.items() if read[name] is not None}
        return cls(**{**read, "revisions": tuple(map(Revision.of_plain, plain["revisions"]))})


def no_bars(daily: bool) -> pd.DataFrame:
    """Return a table of bars without any."""
    index = pd.DatetimeIndex([], dtype="datetime64[ns]" if daily else "datetime64[ns, UTC]")
    return pd.DataFrame({name: np.empty(0) for name in FIELDS}, index=index)


def write_bars(file: Path, bars: pd.DataFrame, facts: BarFacts) -> BarFacts:
    """Write bars with their facts, or replace them, in one step, and return the facts with those of the bars.

    Parameters
    ----------
    file : Path
        Where.
    bars : DataFrame
        Columns of ``FIELDS``, float64; labels ascending, each once: session dates, or instants in UTC.
    facts : BarFacts
        Those that do not follow from the bars.
    """
    index = pd.DatetimeIndex(bars.index)
    bars = bars[list(FIELDS)].astype("float64")
    facts = replace(
        facts,
        fetched_at=facts.fetched_at.astimezone(UTC),
        content=hash_frame(bars),
        rows=len(bars),
        first_bar=index[0] if len(index) else None,
        last_bar=index[-1] if len(index) else None,
        revisions=facts.revisions[-_MOST_REVISIONS:],
    )
    columns = {"time": pa.array(index.as_unit("ns")), **{name: pa.array(bars[name].to_numpy()) for name in FIELDS}}
    write_checked(file, pa.table(columns), facts.as_plain())
    return facts


def read_bar_facts(file: Path, symbol: str | None = None) -> BarFacts:
    """Return a file's facts; its bars are not looked at.

    Raises
    ------
    DamagedError
        If they are not as they were written.
    DataError
        If they are of another symbol than this one.
    FileNotFoundError
        If there is no such file.
    """
    return _facts(file, read_facts(file), symbol)


def check_bars(file: Path, symbol: str | None, first: date | None, last: date | None) -> BarFacts:
    """Return a file's facts once the bars of a span are found as they were written; see :func:`read_bars`."""
    facts = read_bar_facts(file, symbol)
    check(file, *_bounds(facts, first, last))
    return facts


def read_arrays(
    file: Path, symbol: str | None = None, first: date | None = None, last: date | None = None
) -> tuple[pd.DatetimeIndex, dict[str, NDArray[np.float64]], BarFacts]:
    """Return labels and values by field of the bars in a file, and its facts.

    Parameters
    ----------
    file : Path
        As :func:`write_bars` wrote it.
    symbol : str, optional
        Whose bars they must be.
    first, last : date, optional
        First and last session, both included, of daily bars; of intraday bars some more may come.

    Raises
    ------
    DamagedError
        If they are not as they were written.
    DataError
        If they are of another symbol than this one.
    FileNotFoundError
        If there is no such file.
    """
    table, plain = read_checked(file, None, *_bounds(read_bar_facts(file, symbol), first, last))
    facts = _facts(file, plain, symbol)  # another process may have replaced the file in between
    times = table.column("time")
    index = pd.DatetimeIndex(times.to_numpy())
    values = {name: np.asarray(table.column(name).to_numpy(), dtype="float64") for name in FIELDS}
    return index if times.type.tz is None else index.tz_localize(times.type.tz), values, facts


def read_bars(
    file: Path, symbol: str | None = None, first: date | None = None, last: date | None = None
) -> tuple[pd.DataFrame, BarFacts]:
    """Return the bars in a file as a DataFrame, and its facts; see :func:`read_arrays`."""
    index, values, facts = read_arrays(file, symbol, first, last)
    return pd.DataFrame(values, index=index, copy=False), facts


def _bounds(facts: BarFacts, first: date | None, last: date | None) -> tuple[pd.Timestamp | None, pd.Timestamp | None]:
    if facts.first_bar is None:
        return None, None
    zone = facts.first_bar.tz
    before, after = (_SESSION, 2 * _SESSION) if zone else (timedelta(0), timedelta(0))
    low = None if first is None else pd.Timestamp(first - before, tz=zone)
    high = None if last is None else pd.Timestamp(last + after, tz=zone)
    return low, high


def _facts(file: Path, plain: dict[str, Any], symbol: str | None) -> BarFacts:
    if plain.get("version") != VERSION:
        raise DamagedError(f"{file} is of no use: another version of quantstrats wrote it")
    facts = BarFacts.of_plain(plain)
    if symbol is not None and facts.symbol != symbol:
        raise DataError(
            f"{file} holds the bars of {facts.symbol!r}, not of {symbol!r}: "
            "this disk does not tell the two names apart; load one of them"
        )
    return facts

"""What sources of side series over the network share: their answers are kept, and asked for again when they lack."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from quantstrats.errors import DataError
from quantstrats.home import logs_folder
from quantstrats.market.cache.offline import is_offline
from quantstrats.market.sources.known import NEW_YORK
from quantstrats.market.sources.remote import UnavailableError

if TYPE_CHECKING:
    import pyarrow as pa

_FETCHED = "fetched"
_FOREVER = date(9999, 12, 31)


@dataclass(frozen=True)
class Answer:
    """One answer of a vendor, as it is kept in the cache.

    It is whole: all vintages, all filings. What was published on a day is known from the end of that day on, so an
    answer serves all sessions up to the day on which it was fetched, whenever that was; a later session asks again.

    Parameters
    ----------
    source : str
        Name of the source; its answers stand in one folder.
    name : str
        Name of the file without its suffix: small letters, digits, ``-`` and ``_`` tell answers apart.
    what : str
        How to call it in an error.
    facts : mapping
        What was asked, the address included: an answer to another question is none.
    """

    source: str
    name: str
    what: str
    facts: Mapping[str, str]

    @property
    def file(self) -> Path:
        """Where it is kept."""
        return logs_folder() / "cache" / self.source / f"{self.name}.parquet"

    def table(self, end: date | None, ask: Callable[[], pa.Table]) -> pa.Table:
        """Return the answer out of the cache, or ask.

        Parameters
        ----------
        end : date or None
            The market's last session; None for all there is.
        ask : callable
            Asks the vendor.

        Raises
        ------
        UnavailableError
            If the vendor cannot be reached; with the age of what the cache has, which is not used in silence.
        DataError
            If the cache alone may be used and lacks it, or cannot be written.
        """
        kept = self._kept()
        last = min(end or _FOREVER, _today())
        if kept is not None:
            table, fetched = kept
            is_old = last > fetched
            if is_old and is_offline():
                age = f"of {fetched}, {_days(fetched)}"
                warnings.warn(f"offline: {self.what} is that {age}; what was published since is missing", stacklevel=2)
            if is_offline() or not is_old:
                return table
        if is_offline():
            raise DataError(f"{self.what} is not in the cache ({self.file}); run once without --offline")
        return self._asked(ask, None if kept is None else kept[1])

    def _asked(self, ask: Callable[[], pa.Table], older: date | None) -> pa.Table:
        from quantstrats.market.cache.checked import write_checked

        moment = datetime.now(UTC)  # what is published while the answer comes may not be in it
        try:
            table = ask()
        except UnavailableError as error:
            if older is None:
                raise
            told = f"the cache has {self.what} of {older}, {_days(older)}, which data.offline: true uses"
            raise UnavailableError(f"{error}; {told}") from None
        try:
            write_checked(self.file, table, {**self.facts, _FETCHED: moment.isoformat()})
        except OSError as error:
            raise DataError(f"the cache {self.file} cannot be written: {error.strerror or error}") from None
        return table

    def _kept(self) -> tuple[pa.Table, date] | None:
        """Return what the cache has, and the day in New York on which it was fetched."""
        from quantstrats.market.cache.checked import DamagedError, quarantine, read_checked

        try:
            table, facts = read_checked(self.file)
        except FileNotFoundError:
            return None
        except DamagedError as error:
            place = quarantine(self.file, str(error))
            warnings.warn(f"{error}; it was moved to {place}", stacklevel=2)
            return None
        if any(facts.get(key) != value for key, value in self.facts.items()):
            return None
        return table, datetime.fromisoformat(str(facts[_FETCHED])).astimezone(ZoneInfo(NEW_YORK)).date()


def broken_answer(what: str, why: str) -> UnavailableError:
    """Return the error for an answer that came, and is not what was asked for."""
    return UnavailableError(f"{what}: the answer {why}; try again later")


def _today() -> date:
    return datetime.now(ZoneInfo(NEW_YORK)).date()


def _days(day: date) -> str:
    count = (_today() - day).days
    return "1 day old" if count == 1 else f"{count} days old"

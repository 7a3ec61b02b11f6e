"""The source ``sec``: what companies reported to the U.S. Securities and Exchange Commission, by filing date."""

from __future__ import annotations

import os
import warnings
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from quantstrats.errors import ConfigError, DataError
from quantstrats.hookspecs import Register, hookimpl
from quantstrats.market.sources.base import SideSource

if TYPE_CHECKING:
    import pyarrow as pa

    from quantstrats.market.side import SideSeries

CONTACT_VARIABLE = "QUANTSTRATS_CONTACT"
FACTS_URL, TICKERS_URL = "https://data.sec.gov", "https://www.sec.gov"
PATIENCE: dict[str, Any] = {"retries": 5, "backoff": 1.0, "per_minute": 480, "timeout": 30.0}  # it allows 600
_WHO = "source 'sec'"
_MOST_NAMED = 5  # companies whose facts say what there is instead


@dataclass(frozen=True)
class Sec(SideSource):
    """A number out of the reports of companies to the SEC, known from its filing on.

    The SEC takes filings until ten in the evening, so a number counts as known from the end of the day of its filing in
    New York: the next session is the first to see it. Each row of the series is a period that was reported on; what is
    said again later about the newest one (by an amendment) replaces it, a revision of an older period does not.

    Numbers stand as they were filed: those per share are not adjusted for later splits. Few companies report their
    fourth quarter by itself, so with ``period: quarter`` the third one stays until the first of the next year.

    The SEC wants to know who asks: the environment variable ``QUANTSTRATS_CONTACT`` holds a name and an address, as in
    ``Jane Doe jane@example.com``. Its list of symbols is of today: companies that are gone are named in ``ciks``, and a
    symbol that was someone else's before gives the numbers of who has it now. Answers are kept in the cache, all facts
    of a company in one file, and asked for again by sessions after the day on which they were fetched.

    Parameters
    ----------
    fact : str or list of str
        What was reported: a tag as in EarningsPerShareDiluted or Assets; or several, since companies change tags: of a
        period, the first of them that it was reported under counts.
    taxonomy : str, default "us-gaap"
        Whose tag it is: us-gaap, ifrs-full, dei.
    unit : str, optional
        As in USD, USD/shares, shares or EUR; by default the one of USD, USD/shares, shares and pure that there is.
    period : {"quarter", "year", "instant"}, default "quarter"
        What the number is of: a quarter (80 to 100 days), a year (350 to 380 days), or one day, as of a balance sheet.
    forms : list of str, default 10-K, 10-K/A, 10-Q, 10-Q/A
        Which filings count.
    ciks : dict of str to int, default {}
        The SEC's numbers of companies, by our symbols, where its list of symbols does not have them.
    url : str, optional
        Another address to ask in place of the SEC's own.

    Raises
    ------
    ConfigError
        If a parameter does not fit.
    """

    name: ClassVar[str] = "sec"

    fact: str | tuple[str, ...]
    taxonomy: str = "us-gaap"
    unit: str | None = None
    period: Literal["quarter", "year", "instant"] = "quarter"
    forms: tuple[str, ...] = ("10-K", "10-K/A", "10-Q", "10-Q/A")
    ciks: dict[str, int] = field(default_factory=dict)
    url: str | None = None

    def __post_init__(self) -> None:
        from quantstrats.market.sources.address import check_url

        if not self.facts or not all(self.facts):
            raise ConfigError("fact is empty; name a tag, as in EarningsPerShareDiluted")
        if self.period not in ("quarter", "year", "instant"):
            raise ConfigError(f"period is {self.period!r}; it is 'quarter', 'year' or 'instant'")
        if not self.forms:
            raise ConfigError("forms is empty; name at least one, as in 10-K")
        for symbol, cik in self.ciks.items():
            if not 0 < cik < 10**10:
                raise ConfigError(f"ciks, {symbol}: {cik} is no number of a company; it has up to ten digits")
        check_url(self.url)

    @property
    def facts(self) -> tuple[str, ...]:
        """The tags, in the order in which they are tried."""
        return (self.fact,) if isinstance(self.fact, str) else tuple(self.fact)

    def load_side(self, symbols: Sequence[str], start: date | None = None, end: date | None = None) -> SideSeries:  # noqa: ARG002 - filings from before the start belong to it
        """Return the number of every period that each company reported on, filing by filing.

        Symbols without any are missing in the series, and named in a warning.

        Raises
        ------
        UnavailableError
            If the SEC cannot be reached, or refuses. What arrived is kept.
        DataError
            If no symbol has the number, or the contact is missing.
        """
        from quantstrats.market.sources.filings import reported, side_series_of, why_none
        from quantstrats.progress import stage

        there: dict[str, pa.Table] = {}
        some: list[pa.Table] = []
        with _Desk(self.url) as desk:
            numbers = self._numbers(symbols, end, desk)
            with stage("asking the SEC", total=len(numbers)) as advance:
                for number, same in _by_number(numbers):
                    facts = desk.facts_of(number, end)
                    found = reported(facts, self, same[0])
                    there |= dict.fromkeys(same, found) if found.num_rows else {}
                    some += [facts] if len(some) < _MOST_NAMED else []  # all of them may not fit into memory
                    advance(len(same))
        if not there:
            raise DataError(f"{_WHO}: {why_none(some, self, symbols)}")
        lacking = [symbol for symbol in symbols if symbol not in there]
        if lacking:
            names = ", ".join(lacking[:10]) + (f" and {len(lacking) - 10} more" if len(lacking) > 10 else "")
            warnings.warn(f"{_WHO}: no {' or '.join(self.facts)} ({self.period}) of {names}", stacklevel=2)
        return side_series_of(there)

    def _numbers(self, symbols: Sequence[str], end: date | None, desk: _Desk) -> dict[str, int]:
        """Return the SEC's number of each company that it knows."""
        from quantstrats.market.cache.offline import is_offline
        from quantstrats.market.sources.remote import UnavailableError

        numbers = {symbol: self.ciks[symbol] for symbol in symbols if symbol in self.ciks}
        unknown = [symbol for symbol in symbols if symbol not in numbers]
        if not unknown:
            return numbers
        listed = desk.tickers(end)
        if end is not None and not is_offline() and not all(spelt(symbol) in listed for symbol in unknown):
            with suppress(UnavailableError):  # the list that is kept has the others
                listed = desk.tickers(None)
        return numbers | {symbol: listed[spelt(symbol)] for symbol in unknown if spelt(symbol) in listed}


def spelt(symbol: str) -> str:
    """Return a symbol as the SEC spells it: BRK-B for BRK.B and BRK/B."""
    return symbol.strip().upper().replace(".", "-").replace("/", "-")


def _by_number(numbers: Mapping[str, int]) -> list[tuple[int, list[str]]]:
    """Return each company's number and its symbols: some have several."""
    symbols: dict[int, list[str]] = {}
    for symbol, number in numbers.items():
        symbols.setdefault(number, []).append(symbol)
    return sorted(symbols.items())


class _Desk:
    """Where the SEC is asked, once something is not in the cache.

    Parameters
    ----------
    url : str or None
        Another address than the SEC's own.
    """

    def __init__(self, url: str | None) -> None:
        self._urls = (url.rstrip("/"), url.rstrip("/")) if url else (TICKERS_URL, FACTS_URL)
        self._session: Any = None

    def __enter__(self) -> _Desk:
        return self

    def __exit__(self, *_: object) -> None:
        if self._session is not None:
            self._session.close()

    def tickers(self, end: date | None) -> dict[str, int]:
        """Return the SEC's number of each company by its symbol of today."""
        from quantstrats.market.sources.remote_side import Answer

        url = self._urls[0]
        answer = Answer("sec", "tickers", "the SEC's list of symbols", {"url": url})
        table = answer.table(end, lambda: self._asked_tickers(f"{url}/files/company_tickers.json"))
        return dict(zip(table["symbol"].to_pylist(), table["cik"].to_pylist(), strict=True))

    def facts_of(self, number: int, end: date | None) -> pa.Table:
        """Return all facts of a company; none if the SEC has none."""
        from quantstrats.market.sources.remote_side import Answer

        cik, url = f"CIK{number:010d}", self._urls[1]
        answer = Answer("sec", cik.lower(), f"company {cik} of the SEC", {"url": url})
        return answer.table(end, lambda: self._asked_facts(f"{url}/api/xbrl/companyfacts/{cik}.json", cik))

    def _asked_tickers(self, url: str) -> pa.Table:
        import pyarrow as pa

        from quantstrats.market.sources.remote_side import broken_answer

        what = f"{_WHO}, list of symbols"
        answer = self._json(url, what)
        try:
            listed = {str(each["ticker"]): int(each["cik_str"]) for each in answer.values()}
        except (AttributeError, KeyError, ValueError, TypeError):
            raise broken_answer(what, "is no list of symbols") from None
        if not listed:
            raise broken_answer(what, "has no symbols")
        return pa.table({"symbol": pa.array(listed, pa.string()), "cik": pa.array(listed.values(), pa.int64())})

    def _asked_facts(self, url: str, cik: str) -> pa.Table:
        from quantstrats.market.sources.filings import table_of
        from quantstrats.market.sources.remote_side import broken_answer

        what = f"{_WHO}, company {cik}"
        answer = self._json(url, what)
        try:
            return table_of(answer.get("facts", {}) if answer is not None else {})
        except (AttributeError, KeyError, ValueError, TypeError, OverflowError):
            raise broken_answer(what, "does not hold facts as the SEC gives them") from None

    def _json(self, url: str, what: str) -> Any:
        """Return the answer as plain data; None if there is no such thing."""
        from quantstrats.market.sources.polite import read_json, session

        if self._session is None:
            headers = {"User-Agent": f"quantstrats {_contact()}", "Accept-Encoding": "gzip, deflate"}
            self._session = session(**PATIENCE, headers=headers)
        response = self._session.get(url)
        if response.status_code == 404 and "companyfacts" in url:
            return None
        advice = f"check that {CONTACT_VARIABLE} holds a name and an address, or try again in ten minutes"
        return read_json(response, what, denied=advice)


def _contact() -> str:
    """Return who asks, out of the environment."""
    contact = " ".join(os.environ.get(CONTACT_VARIABLE, "").split())
    if "@" not in contact or not contact.isascii() or not contact.isprintable():
        raise DataError(
            f"{_WHO}: the SEC wants to know who asks; set {CONTACT_VARIABLE} in the environment to a name and an "
            "address, as in 'Jane Doe jane@example.com'"
        )
    return contact


@hookimpl
def register_sources(register: Register) -> None:
    """Offer facts that companies reported to the SEC."""
    register(Sec)

"""The source ``fred``: macroeconomic series of the Federal Reserve Bank of St. Louis, with all their vintages."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any, ClassVar

from quantstrats.errors import ConfigError, DataError
from quantstrats.hookspecs import Register, hookimpl
from quantstrats.market.sources.base import SideSource

if TYPE_CHECKING:
    import pyarrow as pa

    from quantstrats.market.side import SideSeries

KEY_VARIABLE = "FRED_API_KEY"
URL = "https://api.stlouisfed.org"
PATIENCE: dict[str, Any] = {"retries": 5, "backoff": 1.0, "per_minute": 100, "timeout": 30.0}  # FRED allows 120
# FRED gives 2,000 vintages in one answer; a few may come out while it is asked.
VINTAGES_A_REQUEST = 1_990
_DATES_A_PAGE, _OBSERVATIONS_A_PAGE = 10_000, 100_000  # as many as FRED gives
_EVER = {"realtime_start": "1776-07-04", "realtime_end": "9999-12-31"}  # FRED's own bounds
_NONE = "."


@dataclass(frozen=True)
class Fred(SideSource):
    """A series of FRED with all its vintages: each value is known from its release on, until a later one revises it.

    FRED says on which day a value was released, not when. It counts as known from the end of that day in New York, so
    the next session is the first to see it. Values from before FRED kept vintages are known from the first vintage on.
    The key is read from the environment variable ``FRED_API_KEY`` (fred.stlouisfed.org gives it for nothing). Answers
    are kept in the cache, and asked for again by sessions after the day on which they were fetched.

    Parameters
    ----------
    series : str
        FRED's name of the series, as in CPIAUCSL or DGS10.
    url : str, optional
        Another address to ask in place of FRED's own.

    Raises
    ------
    ConfigError
        If a parameter does not fit.
    """

    name: ClassVar[str] = "fred"

    series: str
    url: str | None = None

    def __post_init__(self) -> None:
        from quantstrats.market.sources.address import check_url

        if not re.fullmatch(r"\w[\w.-]*", self.series, re.ASCII):
            raise ConfigError(f"series is {self.series!r}; give FRED's name of it, as in CPIAUCSL")
        check_url(self.url)

    def load_side(self, symbols: Sequence[str], start: date | None = None, end: date | None = None) -> SideSeries:  # noqa: ARG002 - it is of no symbol, and its vintages belong together
        """Return all vintages of the series.

        Raises
        ------
        UnavailableError
            If FRED cannot be reached, or refuses.
        DataError
            If there is no such series, or no key.
        """
        import pandas as pd

        from quantstrats.market.side import SideSeries
        from quantstrats.market.sources.known import NEW_YORK, ends_of_days
        from quantstrats.market.sources.remote_side import Answer

        url = (self.url or URL).rstrip("/")
        series = self.series.upper()
        answer = Answer(self.name, series.lower(), f"series {series} of FRED", {"url": url, "series": series})
        frame = answer.table(end, lambda: _asked(url, series)).to_pandas()
        values = pd.Series(frame["value"].to_numpy(), index=pd.DatetimeIndex(frame["date"]).as_unit("ns"), name=series)
        return SideSeries(values, ends_of_days(pd.DatetimeIndex(frame["released"]).as_unit("ns"), NEW_YORK))


def windows(vintages: Sequence[str], most: int) -> Iterator[tuple[str, str]]:
    """Yield first and last day of spans with at most so many vintages each, which leave no day out.

    Parameters
    ----------
    vintages : sequence of str
        Days in ISO 8601, ascending.
    most : int
        How many vintages one span may have.
    """
    firsts = vintages[::most]
    lasts = [str(date.fromisoformat(first) - timedelta(days=1)) for first in firsts[1:]]
    yield from zip(firsts, [*lasts, _EVER["realtime_end"]], strict=False)  # no vintages, no spans


def joined(observations: Sequence[dict[str, Any]]) -> pa.Table:
    """Return observations of several spans as one table of date, day of release and value.

    An observation that was valid on both sides of a span's bounds stands in both, as if released again; what says the
    same as the release before is left out. So are missing values.

    Parameters
    ----------
    observations : sequence of dict
        As FRED gives them, with realtime_start, date and value.

    Raises
    ------
    KeyError, ValueError, TypeError
        If they are not as FRED gives them.
    """
    import pyarrow as pa

    rows = [
        (date.fromisoformat(each["date"]), date.fromisoformat(each["realtime_start"]), float(each["value"]))
        for each in observations
        if each["value"] != _NONE
    ]
    rows.sort()
    news = [row for before, row in zip([None, *rows], rows, strict=False) if not _says_again(before, row)]
    days, released, values = zip(*news, strict=True) if news else ((), (), ())
    kinds = {"date": pa.date32(), "released": pa.date32(), "value": pa.float64()}
    return pa.table({"date": days, "released": released, "value": values}, schema=pa.schema(kinds))


def _says_again(before: tuple[date, date, float] | None, row: tuple[date, date, float]) -> bool:
    return before is not None and (before[0], before[2]) == (row[0], row[2])


def _asked(url: str, series: str) -> pa.Table:
    """Ask FRED for all vintages."""
    from quantstrats.market.sources.polite import session
    from quantstrats.market.sources.remote_side import broken_answer

    key = os.environ.get(KEY_VARIABLE, "").strip()
    if not key:
        raise DataError(
            f"source 'fred' needs a key; set {KEY_VARIABLE} in the environment (fred.stlouisfed.org has it)"
        )
    what = f"source 'fred', series {series}"
    with session(**PATIENCE) as polite:
        secret = {"series_id": series, "api_key": key, "file_type": "json"}

        def pages(path: str, name: str, limit: int, **params: str) -> Iterator[Any]:
            """Yield what a list has, page by page."""
            offset, count = 0, 1  # at least one page is asked for
            while offset < count:
                asked = {**secret, **params, "limit": str(limit), "offset": str(offset)}
                response = polite.get(f"{url}/fred/series/{path}", params=asked)
                answer = _checked(response, what, series)
                page, count = answer.get(name), answer.get("count", -1)
                if not isinstance(page, list) or not isinstance(count, int) or (not page and offset != count):
                    raise broken_answer(what, f"has no {name} from {offset} on")
                yield from page
                offset += len(page)

        vintages = list(pages("vintagedates", "vintage_dates", _DATES_A_PAGE, **_EVER))
        observations: list[Any] = []
        try:
            for first, last in windows(vintages, VINTAGES_A_REQUEST):
                span = {"realtime_start": first, "realtime_end": last, "output_type": "1"}
                observations += pages("observations", "observations", _OBSERVATIONS_A_PAGE, **span)
            table = joined(observations)
        except (KeyError, ValueError, TypeError):
            raise broken_answer(what, "does not hold observations as FRED gives them") from None
    if not table.num_rows:
        raise DataError(f"{what}: it has no values; choose another series")
    return table


def _checked(response: Any, what: str, series: str) -> dict[str, Any]:
    """Return the answer, and say in one line what FRED does not like."""
    from quantstrats.market.sources.polite import read_json
    from quantstrats.market.sources.remote_side import broken_answer

    if response.status_code == 400:
        if "does not exist" in response.text:
            raise DataError(f"source 'fred' has no series {series!r}; look for its name at fred.stlouisfed.org")
        if "api_key" in response.text:
            raise DataError(f"source 'fred': FRED does not know the key; check {KEY_VARIABLE} in the environment")
    answer = read_json(response, what, denied=f"check {KEY_VARIABLE}")
    if not isinstance(answer, dict):
        raise broken_answer(what, "is no list of values")
    return answer


@hookimpl
def register_sources(register: Register) -> None:
    """Offer series of FRED."""
    register(Fred)

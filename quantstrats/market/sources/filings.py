"""Facts of companies as the SEC gives them: as a table, and which of them are meant."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from itertools import groupby
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from quantstrats.errors import DataError, did_you_mean
from quantstrats.market.sources.known import NEW_YORK, ends_of_days
from quantstrats.market.sources.side_frame import side_frame

if TYPE_CHECKING:
    from quantstrats.market.side import SideSeries
    from quantstrats.market.sources.sec import Sec

_SCHEMA = pa.schema(
    {
        "taxonomy": pa.string(),
        "tag": pa.string(),
        "unit": pa.string(),
        "start": pa.date32(),
        "end": pa.date32(),
        "value": pa.float64(),
        "filed": pa.date32(),
        "form": pa.string(),
    }
)
_USUAL_UNITS = ("USD", "USD/shares", "shares", "pure")
_DAYS = {"quarter": (80, 100), "year": (350, 380)}  # of a period, both included
_EARLIEST = date(1900, 1, 1)  # an earlier period is a slip of the pen


def table_of(facts: Mapping[str, Any]) -> pa.Table:
    """Return all facts of a company as one table, filing by filing; an amendment stands behind what it amends.

    Parameters
    ----------
    facts : mapping
        By taxonomy, tag and unit, as in the SEC's answer.

    Raises
    ------
    AttributeError, KeyError, ValueError, TypeError, OverflowError
        If they are not as the SEC gives them.
    """
    rows = sorted(_rows(facts), key=lambda row: row[:5])
    columns = zip(*(row[5:] for row in rows), strict=True) if rows else [()] * len(_SCHEMA)
    return pa.table([pa.array(column, kind) for column, kind in zip(columns, _SCHEMA.types, strict=True)], _SCHEMA)


def _rows(facts: Mapping[str, Any]) -> Iterator[tuple[Any, ...]]:
    """Yield each fact behind what it is sorted by."""
    for taxonomy, tags in facts.items():
        for tag, content in tags.items():
            for unit, entries in content["units"].items():
                for each in entries:
                    if each["val"] is None:
                        continue
                    begin, form = each.get("start"), str(each.get("form") or "")
                    start = None if begin is None else date.fromisoformat(begin)
                    end, filed = date.fromisoformat(each["end"]), date.fromisoformat(each["filed"])
                    order = (taxonomy, tag, filed, form.endswith("/A"), str(each.get("accn")))
                    yield (*order, taxonomy, tag, unit, start, end, float(each["val"]), filed, form)


def reported(table: pa.Table, source: Sec, symbol: str) -> pa.Table:
    """Return a company's numbers that the source means: a row for each period and filing that says something new.

    Parameters
    ----------
    table : pyarrow.Table
        All facts of the company, as :func:`table_of` makes it.
    source : Sec
        Says which.
    symbol : str
        The company, for an error.

    Returns
    -------
    pyarrow.Table
        Columns end, filed and value, in the order of filing.

    Raises
    ------
    DataError
        If there are several usual units, and the source does not say which.
    """
    fitting = _of_period(_of_tags(table, source), source)
    unit = source.unit or _usual_unit(fitting, source, symbol)
    meant = fitting.filter(pc.equal(fitting["unit"], unit or "")).to_pydict()
    rank = [source.facts.index(tag) for tag in meant["tag"]]
    # Stable, so that an amendment stays behind what it amends on the same day.
    rows = sorted(zip(meant["filed"], meant["end"], rank, meant["value"], strict=True), key=lambda row: row[:2])
    said: dict[date, tuple[int, float]] = {}
    news: list[tuple[date, date, float]] = []
    for (filed, end), filing in groupby(rows, key=lambda row: row[:2]):
        rank_and_value = [row[2:] for row in filing]
        first = min(number for number, _ in rank_and_value)
        value = [each for number, each in rank_and_value if number == first][-1]
        before = said.get(end, (first, None))
        # A tag further down in the list does not speak where one before it has spoken of the period.
        if first <= before[0]:
            said[end] = (first, value)
            if value != before[1]:  # what says the same again is no news
                news.append((end, filed, value))
    kinds = pa.schema({"end": pa.date32(), "filed": pa.date32(), "value": pa.float64()})
    return pa.table([pa.array(column) for column in zip(*news, strict=True)] if news else [[], [], []], kinds)


def side_series_of(numbers: Mapping[str, pa.Table]) -> SideSeries:
    """Return the numbers of all companies as one series; each is known from the end of the day of its filing.

    Parameters
    ----------
    numbers : mapping of str to pyarrow.Table
        By symbol, as :func:`reported` gives them.
    """
    whole = pa.concat_tables(numbers.values())
    symbols = np.repeat(np.array(list(numbers), dtype=object), [table.num_rows for table in numbers.values()])
    about, filed = (pd.DatetimeIndex(whole[name].cast(pa.timestamp("ns")).to_numpy()) for name in ("end", "filed"))
    return side_frame(about, ends_of_days(filed, NEW_YORK), symbols, whole["value"].to_numpy())


def why_none(tables: Sequence[pa.Table], source: Sec, symbols: Sequence[str]) -> str:
    """Say why no company has the number: what they have instead."""
    some = ", ".join(symbols[:5]) + (f" and {len(symbols) - 5} more" if len(symbols) > 5 else "")
    wanted = " or ".join(source.facts)
    if not tables:
        if not symbols:
            return "no symbols are named; give them, as in --symbols AAPL,MSFT"
        return f"it knows none of the symbols {some}; name the companies by their numbers, as in ciks: {{AAPL: 320193}}"
    whole = pa.concat_tables(tables)
    if not whole.num_rows:
        return f"it has no facts of {some}; funds have none"
    tagged = _of_tags(whole, source)
    if not tagged.num_rows:
        tags = whole.filter(pc.equal(whole["taxonomy"], source.taxonomy))["tag"].unique().to_pylist()
        return f"{some} reported no {wanted} of {source.taxonomy}{did_you_mean(source.facts[0], tags)}"
    fitting = _of_period(tagged, source)
    if not fitting.num_rows:
        forms = ", ".join(sorted(set(tagged["form"].to_pylist()))[:10])
        kind = "of periods" if tagged["start"].null_count < tagged.num_rows else "of one day each"
        return f"{some} reported {wanted}, but not as period: {source.period} ({kind}, in forms {forms}); set either"
    units = ", ".join(sorted(set(fitting["unit"].to_pylist())))
    return f"{some} reported {wanted} in {units}; set unit"


def _of_tags(table: pa.Table, source: Sec) -> pa.Table:
    tagged = pc.is_in(table["tag"], pa.array(source.facts, pa.string()))
    return table.filter(pc.and_(tagged, pc.equal(table["taxonomy"], source.taxonomy)))


def _of_period(table: pa.Table, source: Sec) -> pa.Table:
    """Return facts of the forms and about the periods that are meant, and that had ended when they were filed."""
    formed = pc.is_in(table["form"], pa.array(source.forms, pa.string()))
    ended = pc.and_(pc.less_equal(table["end"], table["filed"]), pc.greater_equal(table["end"], pa.scalar(_EARLIEST)))
    kept = table.filter(pc.and_(formed, ended))
    if source.period == "instant":
        return kept.filter(pc.is_null(kept["start"]))
    least, most = _DAYS[source.period]
    kept = kept.filter(pc.is_valid(kept["start"]))
    days = pc.add(pc.days_between(kept["start"], kept["end"]), 1)
    return kept.filter(pc.and_(pc.greater_equal(days, least), pc.less_equal(days, most)))


def _usual_unit(table: pa.Table, source: Sec, symbol: str) -> str | None:
    there = set(table["unit"].to_pylist())
    units = [unit for unit in _USUAL_UNITS if unit in there]
    if len(units) > 1:
        wanted = " or ".join(source.facts)
        raise DataError(f"source 'sec': {symbol} reported {wanted} in {' and in '.join(units)}; set unit: {units[0]}")
    return units[0] if units else None

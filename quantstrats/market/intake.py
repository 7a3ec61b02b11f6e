"""Intake: rows become a Market. They are laid on the exchange's grid, checked, repaired where that is asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from quantstrats.errors import DataError
from quantstrats.market.calendar import Calendar, Grid
from quantstrats.market.facts import CLOSE_ONLY
from quantstrats.market.frames import CASH, FIELDS, PRICES, Panel, check_values, row_label
from quantstrats.market.market import Market
from quantstrats.market.quality.block import Block
from quantstrats.market.quality.check import examine
from quantstrats.market.quality.repair import Repair, apply_repair, first_failure
from quantstrats.market.quality.report import QualityReport, found_in
from quantstrats.market.rows import Defect

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from quantstrats.market.quality.repair import Failure
    from quantstrats.market.rows import Rows

OFF_SESSION = "off_session"
# How many bars are checked at once: what a check needs beside them stays small, and in the processor's cache.
_MOST_CELLS = 1_000_000


@dataclass(frozen=True)
class Supply:
    """Rows on their way into a Market.

    Attributes
    ----------
    where : str
        The file, folder or vendor, as messages name it.
    calendar : Calendar
        The exchange whose sessions the rows must be.
    bar : Timedelta or None
        Length of an intraday bar; None for daily bars.
    first, last : Timestamp
        The earliest and the latest label: session dates, or instants in UTC.
    symbols : sequence of str
        The columns of the Market, in their order.
    batches : callable
        Gives the rows, batch by batch; each symbol's are in one batch. Batches are made when they are asked for, so
        that no more than a few are in memory.
    close_only : bool
        Whether the bars have closes alone.
    start, end : date or None
        First and last session that are asked for; other rows are not looked at.
    stamps : tuple of str
        What every report on these bars must say.
    record : mapping
        What is known of how the bars came to be, as plain data.
    """

    where: str
    calendar: Calendar
    bar: pd.Timedelta | None
    first: pd.Timestamp
    last: pd.Timestamp
    symbols: tuple[str, ...]
    batches: Callable[[], Iterable[Rows]]
    close_only: bool = False
    start: date | None = None
    end: date | None = None
    stamps: tuple[str, ...] = ()
    record: Mapping[str, Any] = field(default_factory=dict)


def market_of(supply: Supply, repair: Repair | None = None) -> tuple[Market, QualityReport]:
    """Return the rows as a Market, and what was found in them.

    Parameters
    ----------
    supply : Supply
        The rows.
    repair : Repair, optional
        What to do about what is found; by default what cannot be a bar is refused and all else is kept.

    Raises
    ------
    DataError
        With the first place of what the policy refuses, or if no bar is left.
    """
    grid = _grid(supply)
    arrays: dict[str, NDArray[np.float64]] = {}
    reports = []
    for block, found in _checked_blocks(supply, grid, repair or Repair()):
        reports.append(found)
        if tuple(block.symbols) == supply.symbols:
            arrays = block.values
            continue
        arrays = arrays or _empty(len(grid.index), len(supply.symbols), supply.close_only)
        columns = [supply.symbols.index(symbol) for symbol in block.symbols]
        for name in ("close", "volume") if supply.close_only else FIELDS:
            arrays[name][:, columns] = block.values[name]
    report = QualityReport.joined(reports)
    if not arrays or np.isnan(arrays["close"]).all():
        found_text = report.one_line()
        raise DataError(f"{supply.where}: no bar is left{f' ({found_text})' if found_text else ''}")
    grid, arrays = _trimmed(grid, arrays)
    panel = Panel(grid, pd.Index(supply.symbols, dtype="str"), supply.bar, arrays)
    try:
        check_values(arrays, grid.index, panel.symbols)
    except DataError as error:
        raise DataError(f"{supply.where}: {error}") from None
    stamps = (*supply.stamps, CLOSE_ONLY) if supply.close_only else supply.stamps
    return Market.from_panel(panel, supply.calendar, stamps=stamps, record=supply.record), report


def _trimmed(grid: Grid, arrays: dict[str, NDArray[np.float64]]) -> tuple[Grid, dict[str, NDArray[np.float64]]]:
    """Return the rows from the first to the last that has any bar."""
    filled = np.flatnonzero(~np.isnan(arrays["close"]).all(axis=1))
    part = slice(int(filled[0]), int(filled[-1]) + 1)
    kept = {id(array): array[part] for array in arrays.values()}
    inside = Grid(grid.index[part], grid.decided_at[part], grid.session[part])
    return inside, {name: kept[id(array)] for name, array in arrays.items()}


def quality_of(supply: Supply, repair: Repair | None = None) -> QualityReport:
    """Return what is wrong with the rows, and what a repair would do about it; without one, nothing is refused."""
    return QualityReport.joined([report for _, report in _checked_blocks(supply, _grid(supply), repair)])


def _checked_blocks(supply: Supply, grid: Grid, repair: Repair | None) -> Iterator[tuple[Block, QualityReport]]:
    """Yield the bars of some symbols after each other, checked and repaired, and what was found in them.

    Without a repair, they are as they came. The next block may take the place of the arrays of the one before.
    """
    if CASH in supply.symbols:
        raise DataError(f"{supply.where}: a symbol cannot be called {CASH!r}, which names the account's cash in a Run")
    values: dict[str, NDArray[np.float64]] = {}
    for group in _groups(supply.batches(), max(_MOST_CELLS // len(grid.index), 1)):
        symbols = [str(symbol) for rows in group for symbol in rows.symbols]
        values = _empty(len(grid.index), len(symbols), supply.close_only, values)
        block = Block(grid, symbols, supply.bar, values)
        left_out = _lay(supply, group, block, repair)
        found = examine(block)
        failure = None if repair is None else first_failure(repair, block, found)
        if failure is not None:
            raise DataError(_told(supply, group, block, failure))
        report = found_in(block, found) if repair is None else apply_repair(repair, block, found)
        yield block, QualityReport.joined([*left_out, report])


def _empty(
    height: int, width: int, close_only: bool, used: Mapping[str, NDArray[np.float64]] | None = None
) -> dict[str, NDArray[np.float64]]:
    """Return arrays without any bar, in place of used ones where these have the shape; close-only prices are one."""
    arrays = {
        name: used[name] if used and used[name].shape == (height, width) else np.empty((height, width))
        for name in (("close", "volume") if close_only else FIELDS)
    }
    for array in arrays.values():
        array.fill(np.nan)
    return {**dict.fromkeys(PRICES, arrays["close"]), **arrays}


def _grid(supply: Supply) -> Grid:
    """Return every bar of the exchange between the first and the last label, within the sessions asked for."""
    grid = supply.calendar.grid(supply.first, supply.last, supply.bar)
    inside = np.full(len(grid.index), True)
    if supply.start is not None:
        inside &= grid.session >= pd.Timestamp(supply.start)
    if supply.end is not None:
        inside &= grid.session <= pd.Timestamp(supply.end)
    if not inside.any():
        asked = f"no bars from {supply.start or 'the start'} to {supply.end or 'the end'}"
        if not len(grid.index):
            raise DataError(f"{supply.where}: no row is a session of {supply.calendar.name}; set data.calendar")
        raise DataError(f"{asked}; the bars run from {grid.session[0].date()} to {grid.session[-1].date()}")
    return Grid(grid.index[inside], grid.decided_at[inside], grid.session[inside])


def _groups(batches: Iterable[Rows], most: int) -> Iterator[list[Rows]]:
    """Yield batches together, as many as have room."""
    group: list[Rows] = []
    width = 0
    for rows in batches:
        if group and width + len(rows.symbols) > most:
            yield group
            group, width = [], 0
        group.append(rows)
        width += len(rows.symbols)
    if group:
        yield group


def _lay(supply: Supply, group: list[Rows], block: Block, repair: Repair | None) -> list[QualityReport]:
    """Lay the rows on the block; those that cannot be laid are refused, or left out and reported."""
    reports = []
    begin = 0
    for rows in group:
        kept = _asked_for(supply, block.grid, rows)
        repeated = rows.duplicates()
        for defect in (repeated, _off_session(supply, block.grid, rows), *rows.defects):
            wrong = defect.rows & kept
            if not wrong.any():
                continue
            if repair is not None and repair.action(defect.rule) == "fail":
                advice = f"{defect.advice}, or set data.repair: drop"
                raise DataError(f"{supply.where}: {rows.found(wrong, defect.what)}; {advice}")
            reports.append(_left_out(rows, defect.rule, wrong, "fail" if repair is None else "drop"))
            kept &= ~wrong
        rows.check_order(repeated.rows)
        width = len(rows.symbols)
        rows.laid(block.grid, np.arange(begin, begin + width), block.values, kept)
        begin += width
    return reports


def _asked_for(supply: Supply, grid: Grid, rows: Rows) -> NDArray[np.bool_]:
    inside = np.full(len(rows.labels), True)
    if supply.start is not None:
        inside &= rows.labels >= grid.index[0]
    if supply.end is not None:
        inside &= rows.labels <= grid.index[-1]
    asked: NDArray[np.bool_] = inside[rows.row]
    return asked


def _off_session(supply: Supply, grid: Grid, rows: Rows) -> Defect:
    what = "session" if supply.bar is None else f"{supply.bar.total_seconds() / 60:g}-minute bar"
    return Defect(
        OFF_SESSION,
        f"the time is no {what} of {supply.calendar.name}",
        "set data.calendar ('24/7' never closes)",
        (grid.index.get_indexer(rows.labels) < 0)[rows.row],
    )


def _left_out(rows: Rows, rule: str, wrong: NDArray[np.bool_], action: str) -> QualityReport:
    close = rows.values["close"][wrong]
    symbols = rows.symbols[rows.column[wrong]]
    return QualityReport.of_rows(rule, symbols, rows.labels[rows.row[wrong]], "close", close, action)


def _told(supply: Supply, group: list[Rows], block: Block, failure: Failure) -> str:
    """Say what the policy refuses, with its place where it came from."""
    label, symbol = block.grid.index[failure.row], block.symbols[failure.column]
    rows = next(rows for rows in group if symbol in rows.symbols)
    row = rows.row_of(label, symbol)
    place = rows.place(row) if row is not None else f"{row_label(label)} {symbol}"
    count = "1 row" if failure.count == 1 else f"{failure.count} rows"
    return f"{supply.where}: {failure.what} in {count}, first at {place}; {failure.advice}"

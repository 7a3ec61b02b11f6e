"""The tape: bars as a Market holds them, and the four prices that the exchange prints for each."""

from __future__ import annotations

import copy
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from quantstrats.errors import DataError
from quantstrats.simulator.sessions import CALENDAR, Sessions

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    from quantstrats.market.market import Market

PRINTS = 4
_FIELDS = ("open", "high", "low", "close", "volume")


@dataclass(frozen=True, eq=False)
class Tape:
    """Bars by row; instants are nanoseconds since 1970 (UTC).

    Attributes
    ----------
    symbols : tuple of str
        Names of the columns.
    starts, ends : array of int64
        From when to when each row trades; the last row of a session may be shorter.
    labels : array of int64
        How the broker labels a bar: the start of an intraday bar, midnight in New York of a daily bar's day.
    session_days : tuple of date
        The session of each row.
    bars : dict of str to array of float64, shape (rows, symbols)
        The Market's own arrays open, high, low, close and volume; NaN where there is no bar, or no volume is known.
    daily : bool
        Whether a row is a session.
    splits : list of tuple
        Splits that no bar knew of: from which row on, column, shares after for each share before.
    """

    symbols: tuple[str, ...]
    starts: NDArray[np.int64]
    ends: NDArray[np.int64]
    labels: NDArray[np.int64]
    session_days: tuple[date, ...]
    bars: dict[str, NDArray[np.float64]]
    daily: bool
    splits: list[tuple[int, int, float]] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.starts)

    @cached_property
    def sessions(self) -> Sessions:
        """The exchange's calendar around the tape."""
        return Sessions(self.session_days[0], self.session_days[-1])

    def own(self) -> Tape:
        """Return the same bars for one exchange, whose splits are no other's; arrays are shared until then."""
        twin = copy.copy(self)
        object.__setattr__(twin, "bars", dict(self.bars))
        object.__setattr__(twin, "splits", list(self.splits))
        return twin

    def split(self, row: int, symbol: str, ratio: float) -> None:
        """Let a symbol's prices from a row on be those after a split: divided by its ratio, volumes multiplied."""
        column = self.column(symbol)
        for name, values in self.bars.items():
            if not self.splits:
                self.bars[name] = values = values.copy()
            values[row:, column] *= ratio if name == "volume" else 1 / ratio
        self.splits.append((row, column, ratio))

    def column(self, symbol: str) -> int:
        """Return the column of a symbol; KeyError if there is none."""
        return self._columns[symbol]

    def print_times(self, row: int) -> tuple[int, int, int, int]:
        """Return when a row's prices print: at its start, after one and two thirds of it, at its end."""
        start, end = int(self.starts[row]), int(self.ends[row])
        third = (end - start) // 3
        return start, start + third, start + 2 * third, end

    def print_prices(self, row: int) -> NDArray[np.float64]:
        """Return a row's prices in the order in which they print, shape (4, symbols).

        Open, the two extremes, close: the low comes first where the bar closes at or above its open, else the high.
        NaN where there is no bar.
        """
        opened, high, low, close = (self.bars[field][row] for field in ("open", "high", "low", "close"))
        rises = close >= opened
        return np.stack([opened, np.where(rises, low, high), np.where(rises, high, low), close])

    def print_volume(self, row: int) -> NDArray[np.float64]:
        """Return how many shares trade at each of a row's four prices, shape (symbols,).

        A quarter of the bar's volume; infinity where the bar has none (it is unknown, or given as zero), and zero
        where there is no bar.
        """
        volume = self.bars["volume"][row]
        # A bar has prices because something traded: zero is what some sources write for unknown.
        shares = np.where(volume > 0, volume / PRINTS, np.inf)
        return np.where(np.isnan(self.bars["close"][row]), 0.0, shares)

    @cached_property
    def _columns(self) -> dict[str, int]:
        return {symbol: column for column, symbol in enumerate(self.symbols)}


def tape_of(market: Market) -> Tape:
    """Return a Market's bars as a tape; the arrays are shared, not copied.

    Parameters
    ----------
    market : Market
        Daily or intraday bars of New York's exchanges.

    Raises
    ------
    DataError
        If the bars are of another exchange.
    """
    _check_calendar(market.calendar.name)
    days = _days(market.session)
    ends = market.decided_at.as_unit("ns").asi8
    if market.bar is None:
        opens = {session.day: session.open for session in Sessions(days[0], days[-1]).between(days[0], days[-1])}
        starts = np.array([opens[day] for day in days], dtype="int64")
        labels = market.session.tz_localize("America/New_York").tz_convert("UTC").as_unit("ns").asi8
    else:
        starts = labels = market.index.as_unit("ns").asi8
    return Tape(
        symbols=tuple(str(symbol) for symbol in market.symbols),
        starts=starts,
        ends=ends,
        labels=labels,
        session_days=days,
        bars={field: market.array(field) for field in _FIELDS},
        daily=market.bar is None,
    )


def _check_calendar(name: str) -> None:
    if name == CALENDAR:
        return
    import exchange_calendars

    # NYSE, NASDAQ and others are names of the same calendar.
    if exchange_calendars.resolve_alias(name) != CALENDAR:
        raise DataError(f"the simulator is open when New York's exchanges are ({CALENDAR}); these bars are of {name}")


def _days(session: pd.DatetimeIndex) -> tuple[date, ...]:
    # Minute bars repeat a day 390 times: one date object each.
    codes, unique = session.factorize()
    days = [moment.date() for moment in unique]
    return tuple(days[code] for code in codes)

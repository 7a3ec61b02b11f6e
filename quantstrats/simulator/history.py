"""The bars of the past: those of the tape that are complete, and coarser ones made of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from quantstrats.simulator.tape import PRINTS, Tape
from quantstrats.simulator.timeframes import Timeframe

if TYPE_CHECKING:
    from datetime import date

    from numpy.typing import NDArray

    from quantstrats.simulator.settings import Action

_PRICES = ("open", "high", "low", "close")


@dataclass(frozen=True, eq=False)
class Bars:
    """Bars of one symbol, ascending by time, those that are missing left out.

    Attributes
    ----------
    labels : array of int64
        Their starts as the broker labels them, in nanoseconds since 1970 (UTC).
    open, high, low, close : array of float64
        Dollars a share.
    volume : array of float64
        Shares; 0 where the tape knows none.
    vwap : array of float64
        Mean price, each by its volume, of the prints: a bar of the tape has four, of a quarter of its volume each.
    prints : array of int64
        How many prints a bar was made of.
    """

    labels: NDArray[np.int64]
    open: NDArray[np.float64]
    high: NDArray[np.float64]
    low: NDArray[np.float64]
    close: NDArray[np.float64]
    volume: NDArray[np.float64]
    vwap: NDArray[np.float64]
    prints: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.labels)

    def part(self, rows: slice) -> Bars:
        """Return some of them."""
        return Bars(**{each.name: getattr(self, each.name)[rows] for each in fields(self)})


@dataclass(frozen=True, eq=False)
class _Buckets:
    """Rows of the tape that make one bar each: rows ``first[i]`` up to and without ``first[i + 1]``."""

    labels: NDArray[np.int64]
    first: NDArray[np.int64]


class History:
    """What a client may ask of a tape's past.

    Parameters
    ----------
    tape : Tape
        The bars.
    actions : sequence of Action, optional
        Splits and dividends, for adjusted prices.
    """

    def __init__(self, tape: Tape, actions: Sequence[Action] = ()) -> None:
        self.tape = tape
        self._actions = tuple(actions)
        self._known: dict[Timeframe, _Buckets] = {}

    def bars(
        self,
        symbol: str,
        timeframe: Timeframe | None,
        row: int,
        start: int,
        end: int,
        adjust: frozenset[str] = frozenset(),
    ) -> Bars:
        """Return a symbol's bars.

        Parameters
        ----------
        symbol : str
            A column of the tape; KeyError for another.
        timeframe : Timeframe or None
            None for the tape's own.
        row : int
            Last row that is complete. A bar is told when all its rows are.
        start, end : int
            Between which labels, both included, in nanoseconds since 1970 (UTC).
        adjust : frozenset of str, optional
            ``split`` and ``dividend``: prices before an action that has happened by the session of ``row`` are
            divided by its ratio, or lessened by the dividend's share of the close before it.

        Raises
        ------
        ValueError
            If the timeframe is finer than the tape or no multiple of it.
        """
        buckets = self._buckets(timeframe)
        limits = np.append(buckets.first[1:], len(self.tape))
        complete = int(np.searchsorted(limits, row + 1, side="right"))
        first = int(np.searchsorted(buckets.labels, start, side="left"))
        last = min(int(np.searchsorted(buckets.labels, end, side="right")), complete)
        if first >= last:
            return self._joined(symbol, 0, 0, buckets, frozenset(), row)
        return self._joined(symbol, int(buckets.first[first]), int(limits[last - 1]), buckets, adjust, row)

    def session(self, symbol: str, row: int, back: int = 0) -> Bars:
        """Return the bar of the session of a row, up to that row; of so many sessions before it with ``back``.

        One bar, or none where the symbol has no bar in it.
        """
        days = self._buckets(Timeframe(1, "Day"))
        place = int(np.searchsorted(days.first, row, side="right")) - 1 - back
        if row < 0 or place < 0:
            return self._joined(symbol, 0, 0, days, frozenset(), row)
        begin = int(days.first[place])
        end = row + 1 if back == 0 else int(days.first[place + 1])
        return self._joined(symbol, begin, end, days, frozenset(), row)

    def last(self, symbol: str, row: int) -> Bars:
        """Return the last bar of a symbol at or before a row: one, or none where there is none yet."""
        close = self.tape.bars["close"][: row + 1, self.tape.column(symbol)]
        known = np.flatnonzero(~np.isnan(close[-_RECENT:]))
        offset = max(len(close) - _RECENT, 0)
        if not len(known):
            known, offset = np.flatnonzero(~np.isnan(close)), 0
        place = int(known[-1]) + offset if len(known) else -1
        return self._joined(symbol, place, place + 1, self._buckets(None), frozenset(), row)

    @cached_property
    def _step(self) -> int:
        return int((self.tape.ends - self.tape.starts).max())

    @cached_property
    def _day_numbers(self) -> NDArray[np.int64]:
        return np.array([day.toordinal() for day in self.tape.session_days], dtype="int64")

    def _buckets(self, timeframe: Timeframe | None) -> _Buckets:
        tape = self.tape
        if timeframe is None or (not tape.daily and timeframe.length == self._step):
            return self._rows
        if timeframe not in self._known:
            length = timeframe.length
            if length is not None and (tape.daily or length % self._step):
                raise ValueError("the bars of this exchange are no part of it")
            starts, days = tape.labels.tolist(), tape.session_days
            labels = np.array(
                [timeframe.label(start, day) for start, day in zip(starts, days, strict=True)], dtype="int64"
            )
            first = np.flatnonzero(np.r_[True, labels[1:] != labels[:-1]])
            self._known[timeframe] = _Buckets(labels[first], first)
        return self._known[timeframe]

    @cached_property
    def _rows(self) -> _Buckets:
        return _Buckets(self.tape.labels, np.arange(len(self.tape), dtype="int64"))

    def _joined(self, symbol: str, begin: int, end: int, buckets: _Buckets, adjust: frozenset[str], row: int) -> Bars:
        """Return the bars that rows from ``begin`` to ``end`` make; ``begin`` opens the bar it lies in."""
        column = self.tape.column(symbol)
        close = self.tape.bars["close"][begin:end, column]
        known = np.flatnonzero(~np.isnan(close))
        opened, high, low, close = (self.tape.bars[each][begin:end, column][known] for each in _PRICES)
        volume = np.nan_to_num(self.tape.bars["volume"][begin:end, column][known])
        if adjust:
            prices, shares = self._factors(column, begin + known, adjust, row)
            opened, high, low, close = (each * prices for each in (opened, high, low, close))
            volume = volume * shares
        mean = (opened + high + low + close) / PRINTS
        places = np.searchsorted(buckets.first, begin + known, side="right") - 1
        first = np.flatnonzero(np.r_[True, places[1:] != places[:-1]]) if len(places) else places
        counts = np.diff(np.r_[first, len(places)])
        if len(first) == len(places):
            return Bars(buckets.labels[places], opened, high, low, close, volume, mean, counts * PRINTS)
        last = np.r_[first[1:], len(places)] - 1
        # Where no volume is known, each print counts the same.
        totals = np.add.reduceat(volume, first)
        weights = np.where(np.repeat(totals, counts) > 0, volume, 1.0)
        return Bars(
            labels=buckets.labels[places[first]],
            open=opened[first],
            high=np.maximum.reduceat(high, first),
            low=np.minimum.reduceat(low, first),
            close=close[last],
            volume=totals,
            vwap=np.add.reduceat(mean * weights, first) / np.add.reduceat(weights, first),
            prints=counts * PRINTS,
        )

    def _factors(
        self, column: int, rows: NDArray[np.int64], adjust: frozenset[str], row: int
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return by what prices and volumes of rows are multiplied."""
        prices, shares = np.ones(len(rows)), np.ones(len(rows))
        symbol, today = self.tape.symbols[column], self.tape.session_days[row]
        for first, split, ratio in self.tape.splits:
            if split == column and first <= row + 1 and "split" in adjust:
                prices[rows < first] /= ratio
                shares[rows < first] *= ratio
        for action in self._actions:
            if action.symbol != symbol or action.on > today:
                continue
            before = self._day_numbers[rows] < action.on.toordinal()
            if action.ratio is not None and "split" in adjust:
                prices[before] /= float(action.ratio)
                shares[before] *= float(action.ratio)
            if action.dividend is not None and "dividend" in adjust:
                prices[before] *= self._after_dividend(column, action.on, float(action.dividend))
        return prices, shares

    def _after_dividend(self, column: int, on: date, dollars: float) -> float:
        first = int(np.searchsorted(self._day_numbers, on.toordinal(), side="left"))
        closes = self.tape.bars["close"][:first, column]
        known = closes[~np.isnan(closes)]
        return 1 - dollars / float(known[-1]) if len(known) and known[-1] > dollars else 1.0


# Rows in which the last bar of a symbol that trades is found without looking at all of them.
_RECENT = 512

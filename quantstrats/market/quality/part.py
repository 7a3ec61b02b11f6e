"""Part: a few columns of a Block, with what several rules derive from them."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from quantstrats.market.frames import PRICES
from quantstrats.market.quality.rule import Hits, field_number

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from numpy.typing import NDArray

    from quantstrats.market.calendar import Grid
    from quantstrats.market.quality.block import Block

    Floats = NDArray[np.float64]
    Flags = NDArray[np.bool_]
    Places = tuple[NDArray[np.intp], NDArray[np.intp]]

# Of one array: a handful of them stays in a processor's cache.
_BYTES = 1 << 18
# A usual session of New York; what is too far for a day's bar is too far for a minute's at a tenth of it.
_SESSION_MINUTES = 390
_LEAST_SHARE = 0.1


@dataclass(frozen=True, eq=False)
class Part:
    """Some columns of a Block. What is derived of them at a row comes of that row and those before it.

    Attributes
    ----------
    grid : Grid
        Labels, completion instants and sessions of the rows.
    raw : dict of str to array of float64, shape (rows, columns)
        By field, the values as they came.
    share : float
        How far prices go within a bar, as a share of how far they go within a session: 1 for daily bars, the square
        root of the bar's share of the session's time for shorter ones, at least 0.1.
    intraday : bool
        Whether bars are shorter than a session.
    """

    grid: Grid
    raw: dict[str, Floats]
    share: float
    intraday: bool

    @classmethod
    def whole(cls, block: Block) -> Part:
        """Return all columns of a block, in one."""
        return cls._of(block, slice(0, len(block.symbols)))

    @classmethod
    def split(cls, block: Block) -> Iterator[tuple[int, Part]]:
        """Yield a block's columns, few at a time, with the number of the first."""
        width = max(_BYTES // (8 * max(len(block.grid.index), 1)), 1)
        for first in range(0, len(block.symbols), width):
            yield first, cls._of(block, slice(first, first + width))

    @classmethod
    def _of(cls, block: Block, columns: slice) -> Part:
        # What lies side by side is read fastest.
        raw = some_columns(block.values, columns, copied=True)
        if block.bar is None:
            return cls(block.grid, raw, 1.0, False)
        minutes = block.bar.total_seconds() / 60
        return cls(block.grid, raw, min(max(math.sqrt(minutes / _SESSION_MINUTES), _LEAST_SHARE), 1.0), True)

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        rows, columns = self.raw["close"].shape
        return rows, columns

    @cached_property
    def absent(self) -> dict[str, Flags]:
        """By field, where there is no value."""
        found: dict[int, Flags] = {}
        for array in self.raw.values():
            if id(array) not in found:
                found[id(array)] = np.isnan(array)
        return {field: found[id(array)] for field, array in self.raw.items()}

    @cached_property
    def empty(self) -> Flags:
        """Where there is no price at all."""
        empty = self.absent["open"] & self.absent["high"]
        empty &= self.absent["low"]
        empty &= self.absent["close"]
        return empty

    @cached_property
    def prices(self) -> dict[str, Floats]:
        """By field, the values that can be prices; NaN elsewhere."""
        found: dict[int, Floats] = {}
        for field in PRICES:
            array = self.raw[field]
            if id(array) not in found:
                found[id(array)] = _that_fit(array, above=0.0)
        return {field: found[id(self.raw[field])] for field in PRICES}

    @cached_property
    def volume(self) -> Floats:
        """The volumes that can be; NaN elsewhere."""
        return _that_fit(self.raw["volume"], above=-np.finfo("float64").tiny)

    @cached_property
    def body_top(self) -> Floats:
        """The higher one of open and close."""
        return np.maximum(self.prices["open"], self.prices["close"])

    @cached_property
    def body_bottom(self) -> Floats:
        """The lower one of open and close."""
        return np.minimum(self.prices["open"], self.prices["close"])

    @cached_property
    def last_row(self) -> NDArray[np.int32]:
        """The last row before each that has a close; -1 where there is none."""
        rows = np.arange(self.shape[0], dtype="int32")[:, None]
        at = np.where(np.isnan(self.prices["close"]), np.int32(-1), rows)
        return _one_later(np.maximum.accumulate(at, axis=0), np.int32(-1))

    @cached_property
    def last_close(self) -> Floats:
        """The last close before each row; NaN where there is none."""
        close = self.prices["close"]
        missing = np.isnan(close)
        # Before its first bar a symbol has no last close, whether or not it is looked for.
        if not (missing[1:] & ~missing[:-1]).any():
            return _one_later(close, np.nan)
        before = np.take_along_axis(close, np.maximum(self.last_row, 0), axis=0)
        before[self.last_row < 0] = np.nan
        return before

    @cached_property
    def ratio(self) -> Floats:
        """Close over the last close before it."""
        return self.prices["close"] / self.last_close

    @cached_property
    def opening(self) -> Floats:
        """Open over the last close before it."""
        return self.prices["open"] / self.last_close

    @cached_property
    def flat(self) -> Flags:
        """Where the prices of a bar are one."""
        high, low = self.prices["high"], self.prices["low"]
        flat: Flags = high == low
        flat &= self.prices["close"] == low
        flat &= self.prices["open"] == low
        return flat

    @cached_property
    def starts_session(self) -> Flags:
        """Which rows are the first of their session, shape (rows,); all of daily bars are."""
        session = self.grid.session.asi8
        starts: Flags = np.append(True, session[1:] != session[:-1])[: len(session)]
        return starts

    def hits(
        self,
        where: Flags | Places,
        field: str,
        expected: Floats | None = None,
        bound: Floats | None = None,
    ) -> Hits:
        """Return hits on one field.

        Parameters
        ----------
        where : array of bool, shape (rows, columns), or a pair of arrays of int
            The places, as flags or as rows and columns in order.
        field : str
            The field whose value is wrong.
        expected, bound : array of float64, optional
            One element per hit.
        """
        row, column = where if isinstance(where, tuple) else places(where)
        nothing = np.full(len(row), np.nan)
        return Hits(
            self.shape,
            row.astype("int32"),
            column.astype("int32"),
            np.full(len(row), field_number(field), dtype="int8"),
            self.raw[field][row, column],
            nothing if expected is None else expected,
            nothing if bound is None else bound,
            np.ones(len(row), dtype="int32"),
        )

    def joined(self, *hits: Hits) -> Hits:
        """Put hits on several fields together."""
        return Hits.joined(self.shape, hits, [0] * len(hits))


def some_columns(values: Mapping[str, Floats], columns: slice, copied: bool = False) -> dict[str, Floats]:
    """Return some columns of each field; prices that are one array, as those of close-only bars, stay one."""
    found: dict[int, Floats] = {}
    for array in values.values():
        if id(array) not in found:
            part = array[:, columns]
            found[id(array)] = part.copy() if copied else part
    return {field: found[id(array)] for field, array in values.items()}


def places(flags: Flags) -> Places:
    """Return the rows and columns that are flagged, in order."""
    flat = np.flatnonzero(flags)
    rows, columns = np.divmod(flat, max(flags.shape[1], 1))
    return rows, columns


def _one_later(array: NDArray[Any], first: object) -> NDArray[Any]:
    later = np.empty_like(array)
    later[:1] = first
    later[1:] = array[:-1]
    return later


def _that_fit(array: Floats, above: float) -> Floats:
    """Return the array itself if all its values are finite and above a bound, else a copy with NaN for the others."""
    import bottleneck

    if array.size and bottleneck.nanmin(array) > above and bottleneck.nanmax(array) < np.inf:
        return array
    return np.where((array > above) & (array < np.inf), array, np.nan)

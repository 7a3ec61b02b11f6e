"""Rule and Hits: what may be wrong with bars, and where it is."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Literal

import numpy as np

from quantstrats.market.frames import FIELDS

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from quantstrats.market.quality.part import Part

ACTIONS = ("keep", "fail", "drop", "mask", "winsorise")
# No Market can hold what such a rule finds.
NOT_KEPT = ("fail", "drop", "mask", "winsorise")
# What such a rule finds is no property of one bar, so that changing the bar mends nothing.
NOT_REPAIRED = ("keep", "fail")


@dataclass(frozen=True, eq=False)
class Hits:
    """The places that a rule found, in order of row, then column, then field.

    Attributes
    ----------
    shape : tuple of int
        Rows and columns of the bars that were looked at.
    row, column : array of int32
        Where, one element per hit.
    field : array of int8
        Which value, as a position in ``FIELDS``. A bar may have several wrong ones.
    value : array of float64
        The value found; NaN where there is none.
    expected : array of float64
        What would have been usual; NaN where that cannot be told.
    bound : array of float64
        The nearest value that the rule allows, known from the bar itself and what came before; NaN where there is none.
    bars : array of int32
        How many bars the hit stands for, 1 but for runs of missing bars.
    """

    shape: tuple[int, int]
    row: NDArray[np.int32]
    column: NDArray[np.int32]
    field: NDArray[np.int8]
    value: NDArray[np.float64]
    expected: NDArray[np.float64]
    bound: NDArray[np.float64]
    bars: NDArray[np.int32]

    def __len__(self) -> int:
        return len(self.row)

    @cached_property
    def mask(self) -> NDArray[np.bool_]:
        """Where the hits are, shape (rows, columns)."""
        hit = np.zeros(self.shape, dtype=bool)
        hit[self.row, self.column] = True
        return hit

    @classmethod
    def none(cls, shape: tuple[int, int]) -> Hits:
        """Return no hits."""
        empty = np.empty(0, dtype="int32")
        nothing = np.empty(0)
        return cls(shape, empty, empty, empty.astype("int8"), nothing, nothing, nothing, empty)

    @classmethod
    def joined(cls, shape: tuple[int, int], parts: Sequence[Hits], columns: Sequence[int]) -> Hits:
        """Put hits together, in order.

        Parameters
        ----------
        shape : tuple of int
            Rows and columns of the whole.
        parts : sequence of Hits
            Hits on some of the columns each, or on other fields of the same columns.
        columns : sequence of int
            The column of the whole at which each part begins.
        """
        filled = [(part, first) for part, first in zip(parts, columns, strict=True) if len(part)]
        if not filled:
            return cls.none(shape)
        row = np.concatenate([part.row for part, _ in filled])
        column = np.concatenate([part.column + np.int32(first) for part, first in filled])
        field = np.concatenate([part.field for part, _ in filled])
        order = np.lexsort((field, column, row))
        value, expected, bound, bars = (
            np.concatenate([getattr(part, name) for part, _ in filled])[order]
            for name in ("value", "expected", "bound", "bars")
        )
        return cls(shape, row[order], column[order], field[order], value, expected, bound, bars)

    def only(self, chosen: NDArray[np.bool_]) -> Hits:
        """Return some of the hits."""
        rest = (
            getattr(self, name)[chosen] for name in ("row", "column", "field", "value", "expected", "bound", "bars")
        )
        return Hits(self.shape, *rest)


@dataclass(frozen=True)
class Rule:
    """Something that may be wrong with bars.

    Attributes
    ----------
    name : str
        The name by which users ask for it.
    summary : str
        What is wrong, as in "high is below low"; ``{field}`` stands for the value that is.
    kind : {"impossible", "doubtful", "unusual"}
        Whether such a bar cannot be, and fails unless the user says otherwise; is most likely a fault, and is kept but
        told of on every report; or may well be what happened, and is kept unless the rule itself is named.
    field : str
        Which value is looked at: one of ``FIELDS``, "price" for any of the four, or "bar".
    find : function of a Part
        Return the hits. Whether a row is hit depends on that row, the rows before it and the exchange's calendar alone.
    actions : tuple of str
        What may be done about it.
    """

    name: str
    summary: str
    kind: Literal["impossible", "doubtful", "unusual"]
    field: str
    find: Callable[[Part], Hits]
    actions: tuple[str, ...] = ACTIONS

    @property
    def default(self) -> str:
        """What is done about it unless the user says otherwise."""
        return "fail" if self.kind == "impossible" else "keep"

    def text(self, field: str | None = None) -> str:
        """Return what is wrong, with the name of the value that is."""
        return self.summary.format(field=field or self.field)


def field_number(field: str) -> int:
    """Return the position of a field, as hits hold it."""
    return FIELDS.index(field)

"""Cut: where a market's bars stand in the one that they were cut from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from quantstrats.market.market import Market


@dataclass(frozen=True, eq=False)
class Cut:
    """Rows and symbols of a whole market.

    What is computed from a row's past alone is the same on a cut as on the whole, so it can be computed once there
    and cut alike: the walk forward of a learner cuts the same rows again and again.

    Attributes
    ----------
    whole : Market
        The market whose bars these are.
    start : int
        The first row, as a position in the whole.
    columns : array of int
        The symbols, as positions in the whole.
    """

    whole: Market
    start: int
    columns: NDArray[np.intp]

    def further(self, rows: slice, columns: NDArray[np.intp] | None) -> Cut:
        """Return where a cut of this cut stands in the whole."""
        kept = self.columns if columns is None else self.columns[columns]
        return Cut(self.whole, self.start + (rows.start or 0), kept)

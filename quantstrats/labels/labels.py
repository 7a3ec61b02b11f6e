"""Labels: what is to be learned of each row and symbol, and the rows it rests on."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from quantstrats.checks import is_count
from quantstrats.errors import ConfigError, DataError
from quantstrats.labels.given import checked_frame, like, numbers

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

DOWN, NEUTRAL, UP = -1.0, 0.0, 1.0


@dataclass(frozen=True, eq=False)
class Labels:
    """What is to be learned of each row and symbol, and the rows it rests on.

    Attributes
    ----------
    values : DataFrame
        The class of each row x symbol, as a float; NaN where it is unknown, which is never a class.
    start, end : array of int, shape (rows, symbols)
        First and last row of the interval on which the label rests: the row at which a decision would fall, and the one
        at which the label was settled; -1 where it is unknown. What a holder earns lies on the rows start + 1 to end.
    horizon : int
        How many rows after its own a label needs to be known, whatever settled it.
    returns : DataFrame or None
        What was earned over the interval, as a fraction, where the label comes of that.
    """

    values: pd.DataFrame
    start: NDArray[np.intp]
    end: NDArray[np.intp]
    horizon: int
    returns: pd.DataFrame | None = None

    @classmethod
    def of(cls, values: pd.DataFrame, horizon: int) -> Labels:
        """Return one's own labels, each resting on its row and the ``horizon`` rows after it.

        Parameters
        ----------
        values : DataFrame
            Classes as numbers, rows x symbols; NaN where unknown.
        horizon : int
            In rows, at least 1.

        Raises
        ------
        ConfigError
            If the horizon makes no sense.
        DataError
            If values are no DataFrame of finite numbers, or one of the last ``horizon`` rows has a value, though its
            future is not there yet.
        """
        import pandas as pd

        horizon = checked_horizon(horizon)
        classes = numbers(checked_frame(values, "values"), "values")
        frame = pd.DataFrame(classes, values.index, values.columns)
        if np.isinf(classes).any():
            row, column = (int(each[0]) for each in np.nonzero(np.isinf(classes)))
            raise DataError(
                f"values is infinite at {frame.index[row]} {frame.columns[column]}; a class is a finite number, an "
                "unknown one is missing (NaN)"
            )
        known = ~np.isnan(classes)
        early = known[max(len(frame) - horizon, 0) :]
        if early.any():
            row = frame.index[max(len(frame) - horizon, 0) + int(np.flatnonzero(early.any(axis=1))[0])]
            raise DataError(
                f"labels have a value at {row}, which needs {horizon} rows after it, and there are fewer; an unknown "
                "future is missing (NaN), not a class"
            )
        return cls(frame, *intervals_of(known, horizon), horizon)

    @property
    def known(self) -> NDArray[np.bool_]:
        """Where there is a label, shape (rows, symbols)."""
        return self.start >= 0

    def counts(self) -> dict[float, int]:
        """Return how many labels there are of each class, by class, ascending."""
        classes, counts = np.unique(self.values.to_numpy()[self.known], return_counts=True)
        return dict(zip(classes.tolist(), counts.tolist(), strict=True))

    def where(self, mask: pd.DataFrame) -> Self:
        """Return the labels where ``mask`` is True (rows x symbols of bool), unknown elsewhere.

        For a universe, or for the rows on which something happened that a decision waits for.

        Raises
        ------
        DataError
            If the mask has other rows or symbols, or other values than True and False.
        """
        laid = like(self.values, mask, "mask").to_numpy()
        if laid.dtype != bool:
            raise DataError(f"mask holds {laid.dtype}; give True and False, as in (frame > 0)")
        kept = self.known & laid
        changed: dict[str, Any] = {name: frame.where(kept) for name, frame in self._frames().items()}
        start, end = (np.where(kept, each, -1) for each in (self.start, self.end))
        return replace(self, start=start, end=end, **changed)

    def _frames(self) -> dict[str, pd.DataFrame]:
        """Return what is missing where the label is."""
        return {"values": self.values} | ({} if self.returns is None else {"returns": self.returns})

    def __repr__(self) -> str:
        rows, symbols = self.values.shape
        counts = ", ".join(f"{name:g}: {count:,}" for name, count in self.counts().items())
        return f"<{type(self).__name__}: {rows:,} rows x {symbols:,} symbols, {self.horizon} ahead, {{{counts}}}>"


def intervals_of(known: NDArray[np.bool_], horizon: int) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Return start and end of labels that rest on the ``horizon`` rows after their own; -1 where not known."""
    row = np.arange(len(known), dtype=np.intp)[:, None]
    return np.where(known, row, -1), np.where(known, row + horizon, -1)


def checked_horizon(horizon: int, rows: int | None = None) -> int:
    """Return a horizon in rows, for which there are rows enough.

    Raises
    ------
    ConfigError
        If it is no whole number of at least 1.
    DataError
        If there are not enough rows for one label.
    """
    if not is_count(horizon) or horizon < 1:
        raise ConfigError(f"horizon is {horizon!r}; give a whole number of rows, at least 1")
    count = int(horizon)
    if rows is not None and rows <= count:
        raise DataError(
            f"labels of a horizon of {count:,} rows need at least {count + 1:,} rows, and there are {rows:,}; choose a "
            "shorter horizon, or load more"
        )
    return count

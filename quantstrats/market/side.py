"""Side series: values beside the bars, each with the instant at which it was known."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pandas as pd

from quantstrats.errors import DataError, did_you_mean
from quantstrats.hashing import hash_frame, hash_parts

if TYPE_CHECKING:
    from numpy.typing import NDArray

ASSUMED: Literal["assumed"] = "assumed"


@dataclass(frozen=True, eq=False)
class SideSeries:
    """Observations and when each was known.

    Parameters
    ----------
    values : Series or DataFrame
        A Series of one number per observation (``vix``), a DataFrame of observations x symbols (earnings), or,
        with ``known_at="assumed"``, a Series of one value per symbol (``sector``). The index of dated values
        says what each observation is about (a day, a quarter); a later publication about the same or a newer
        observation replaces the one before, a late revision of an older observation does not.
    known_at : DatetimeIndex, or "assumed"
        For each observation the instant from which it could be known, with a time zone. ``"assumed"`` declares
        a static map that is taken as known at all times; it is stamped on every Run that uses it.
    """

    values: pd.Series | pd.DataFrame
    known_at: pd.DatetimeIndex | Literal["assumed"]

    def __post_init__(self) -> None:
        if isinstance(self.known_at, str):
            if self.known_at != ASSUMED:
                raise DataError(f"known_at is {self.known_at!r}; give one instant per value, or 'assumed'")
            return
        known = pd.DatetimeIndex(self.known_at)
        if known.tz is None:
            raise DataError("known_at has no time zone; localise it, as in known_at.tz_localize('UTC')")
        if len(known) != len(self.values):
            raise DataError(f"known_at has {len(known)} instants for {len(self.values)} values; give one for each")
        if known.hasnans:
            raise DataError(f"known_at is missing for {int(known.isna().sum())} values; drop them or say when")
        object.__setattr__(self, "known_at", known.tz_convert("UTC"))

    @property
    def is_assumed(self) -> bool:
        """Whether the values are a static map that is taken as known at all times."""
        return isinstance(self.known_at, str)

    def joined(self, index: pd.DatetimeIndex, decided_at: pd.DatetimeIndex) -> pd.Series | pd.DataFrame:
        """Return for each row the newest observation with ``known_at <= decided_at``, NaN before the first.

        Parameters
        ----------
        index, decided_at : DatetimeIndex
            Label and completion instant of each row.

        Returns
        -------
        Series over the rows, DataFrame of rows x symbols, or the static map itself.
        """
        if self.is_assumed:
            return self.values.copy(deep=False)
        if isinstance(self.values, pd.Series):
            return pd.Series(self._as_of(self.values, decided_at), index=index, name=self.values.name)
        columns = {symbol: self._as_of(self.values[symbol], decided_at) for symbol in self.values}
        return pd.DataFrame(columns, index=index)

    def content_hash(self) -> str:
        """Hash the values and when they were known."""
        known = ASSUMED if isinstance(self.known_at, str) else hash_frame(self.known_at.to_series())
        return hash_parts({"values": hash_frame(self.values), "known_at": known})

    def _as_of(self, column: pd.Series, decided_at: pd.DatetimeIndex) -> NDArray[Any]:
        present = column.notna().to_numpy()
        if not present.any():
            return np.full(len(decided_at), np.nan)
        known, values = self.known_at[present], column.to_numpy()[present]  # type: ignore[index]
        age = pd.factorize(column.index[present], sort=True)[0]  # dense rank of what each is about
        order = np.lexsort((age, known.asi8))
        age = age[order]
        # A publication counts unless something newer is known already: a revision of an old quarter does not.
        counts = age == np.maximum.accumulate(age)
        newest = np.maximum.accumulate(np.where(counts, np.arange(len(age)), 0))
        position = known[order].searchsorted(decided_at, side="right") - 1
        return np.where(position >= 0, values[order][newest[np.maximum(position, 0)]], np.nan)


class Side(Mapping[str, Any]):
    """The side series of a Market, joined to its rows when asked for: ``market.side["vix"]``."""

    def __init__(
        self, series: Mapping[str, SideSeries], index: pd.DatetimeIndex, decided_at: pd.DatetimeIndex
    ) -> None:
        self.series = dict(series)
        self._index = index
        self._decided_at = decided_at
        self._joined: dict[str, pd.Series | pd.DataFrame] = {}

    def __getitem__(self, name: str) -> pd.Series | pd.DataFrame:
        if name not in self.series:
            has = ", ".join(self.series) or "none"
            raise DataError(f"no side series called {name!r}{did_you_mean(name, self.series)} (there is: {has})")
        if name not in self._joined:
            self._joined[name] = self.series[name].joined(self._index, self._decided_at)
        return self._joined[name].copy(deep=False)

    def __iter__(self) -> Iterator[str]:
        return iter(self.series)

    def __len__(self) -> int:
        return len(self.series)
